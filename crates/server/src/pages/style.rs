//! The sheet and the script of all pages, each served under a name that changes with its content, so that they can be kept
//! for ever.

use std::sync::LazyLock;

use axum::response::Response;
use http::{HeaderMap, HeaderValue};

use crate::document::Document;

const SHEET: &str = concat!(
    include_str!("../../assets/css/base.css"),
    include_str!("../../assets/css/parts.css"),
    include_str!("../../assets/css/frames.css"),
    include_str!("../../assets/css/pages.css"),
);
const SCRIPT: &str = include_str!("../../assets/portico.js");

pub(super) const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const JAVASCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
/// What has its content in its name.
pub(super) const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

static SHEET_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/assets/portico.{}.css", short_digest(SHEET.as_bytes())));
static SCRIPT_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/assets/portico.{}.js", short_digest(SCRIPT.as_bytes())));

/// The first octets of a digest, for a name: two contents that share one are not to be feared.
pub(super) fn short_digest(content: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    digest.as_ref()[..8].iter().fold(String::new(), |mut name, byte| {
        use std::fmt::Write as _;
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// Where the sheet is, within a tenant.
pub fn path() -> &'static str {
    &SHEET_PATH
}

/// Where the script is, within a tenant.
pub fn script_path() -> &'static str {
    &SCRIPT_PATH
}

static SHEET_READY: LazyLock<Document> = LazyLock::new(|| Document::new(CSS, KEPT, SHEET));
static SCRIPT_READY: LazyLock<Document> = LazyLock::new(|| Document::new(JAVASCRIPT, KEPT, SCRIPT));

/// `GET` of [`path`].
pub async fn show(headers: HeaderMap) -> Response {
    SHEET_READY.answer(&headers)
}

/// `GET` of [`script_path`].
pub async fn show_script(headers: HeaderMap) -> Response {
    SCRIPT_READY.answer(&headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::branding::{Palette, Scheme};

    /// The value of a custom property in one of the two blocks of the sheet that set them.
    fn property(scheme: &str, name: &str) -> String {
        let block = SHEET.split_once(scheme).unwrap().1;
        let value =
            block.split_once(&format!("{name}: ")).unwrap_or_else(|| panic!("{name} after {scheme}")).1;
        value.split(';').next().unwrap().to_owned()
    }

    /// A tenant's colours are made to be read on the sheet's own: so the two must agree about them.
    #[test]
    fn the_sheet_has_the_colours_that_tenants_ones_are_measured_by() {
        let light = (Scheme::LIGHT, "color-scheme: light dark;");
        let dark = (Scheme::DARK, "@media (prefers-color-scheme: dark) {");
        for (scheme, block) in [light, dark] {
            let Palette { accent, accent_deep, on_accent, accent_ink, accent_edge, tint, ground } =
                scheme.palette(scheme.accent, scheme.ground);
            for (name, colour) in [
                ("--card", scheme.card),
                ("--ground", ground),
                ("--ink", scheme.ink),
                ("--soft", scheme.soft),
                ("--accent", accent),
                ("--accent-deep", accent_deep),
                ("--on-accent", on_accent),
                ("--accent-ink", accent_ink),
                ("--accent-edge", accent_edge),
                ("--tint", tint),
            ] {
                assert_eq!(property(block, name), colour.to_string(), "{name} after {block}");
            }
        }
    }
}
