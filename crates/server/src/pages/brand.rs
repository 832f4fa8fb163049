//! What makes the pages a tenant's own: the sheet with its colours, corners and font, and its logo.
//!
//! Both are found by the tenant of the request and by a name made of their content, so that a browser may keep them for
//! ever and a change is seen at once.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use identity::TenantSettings;
use identity::branding::Palette;

use super::style::{CSS, KEPT, short_digest};
use crate::error::{Failure, Notice};
use crate::request::Site;

/// A tenant's own sheet, which comes after the one of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    pub file_name: String,
    css: String,
}

impl Theme {
    /// None when nothing differs from the sheet of all.
    pub fn of(settings: &TenantSettings) -> Option<Self> {
        let usual = TenantSettings::default();
        let is_usual = settings.colours == usual.colours
            && settings.corner_radius == usual.corner_radius
            && settings.font == usual.font;
        if is_usual {
            return None;
        }
        let (light, dark) = (properties(settings.colours.light()), properties(settings.colours.dark()));
        let (radius, font) = (settings.corner_radius, settings.font.stack());
        let css = format!(
            ":root{{{light};--radius:{radius}px;--font:{font}}}\n\
             @media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        );
        Some(Self { file_name: format!("theme.{}.css", short_digest(css.as_bytes())), css })
    }
}

/// The custom properties of the sheet that follow from a tenant's colours. Every value is a colour by its type, so that
/// nothing else can get into the sheet.
fn properties(palette: Palette) -> String {
    let Palette { accent, accent_deep, on_accent, accent_ink, accent_edge, tint, ground } = palette;
    format!(
        "--accent:{accent};--accent-deep:{accent_deep};--on-accent:{on_accent};--accent-ink:{accent_ink};\
         --accent-edge:{accent_edge};--tint:{tint};--ground:{ground}"
    )
}

/// `GET /assets/{file}`: this tenant's theme or logo.
pub async fn show(site: Site, Path(file): Path<String>) -> Result<Response, Failure> {
    if file.starts_with("theme.") {
        return Ok(theme(&site, &file));
    }
    // A picture that is opened by itself can do nothing, whatever a browser takes it for.
    let alone = HeaderValue::from_static("default-src 'none'; sandbox");
    // Asked of the database, since a page may come from a node that knows of a new logo already.
    let logo = site.app.store.read(site.tenant.id).tenant_logo(&file).await?;
    let Some(logo) = logo else { return Ok(Notice::NO_SUCH_PAGE.into_response()) };
    let media_type = HeaderValue::from_str(&logo.media_type).map_err(Failure::new)?;
    let headers = [(CONTENT_TYPE, media_type), (CACHE_CONTROL, KEPT), (CONTENT_SECURITY_POLICY, alone)];
    Ok((headers, logo.octets).into_response())
}

/// A name that this node doesn't know (yet, or any more) gets what there is, to be kept by nobody.
fn theme(site: &Site, file: &str) -> Response {
    match &site.tenant.theme {
        Some(theme) if theme.file_name == file => {
            ([(CONTENT_TYPE, CSS), (CACHE_CONTROL, KEPT)], theme.css.clone()).into_response()
        }
        theme => {
            let css = theme.as_ref().map(|theme| theme.css.clone()).unwrap_or_default();
            ([(CONTENT_TYPE, CSS)], css).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn theme(given: &serde_json::Value) -> Option<Theme> {
        Theme::of(&TenantSettings::default().changed(given).unwrap().settings)
    }

    #[test]
    fn a_theme_says_what_differs_and_its_name_goes_with_it() {
        assert_eq!(theme(&json!({ "name": "Trams", "terms_uri": "https://a.example/" })), None);
        let given =
            json!({ "colours": { "light": { "accent": "#ffcc00" } }, "corner_radius": 0, "font": "serif" });
        let yellow = theme(&given).unwrap();
        for part in [
            "--accent:#ffcc00;",
            "--on-accent:#000000;",
            "--radius:0px;",
            "--font:Charter, ",
            "dark){:root{--accent:#ffcc00;",
        ] {
            assert!(yellow.css.contains(part), "{part} in {}", yellow.css);
        }
        let other = theme(&json!({ "corner_radius": 0 })).unwrap();
        assert_ne!(yellow.file_name, other.file_name);
        assert_eq!(theme(&given).unwrap(), yellow);
    }
}
