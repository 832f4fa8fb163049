//! `/admin/settings`: what the tenant is called, how its pages look, and who may come in. A table of fields: a setting that is
//! added in `identity` gets a line here.

use askama::Template;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use identity::TenantSettings;
use identity::branding::{Colour, Font, Palette, Scheme};
use identity::tenant_settings::{
    IdentifierKind, SessionManagement, SettingFault, SignUpMode, patch_of_form, path,
};
use serde_json::{Value, json};
use terms::limits;

use super::{AdminSubmission, AdminUpload, AdminVisit, Frame, Outcome, Section, Target};
use crate::admin::AdminCommand;
use crate::pages::{Faults, FieldFault, Stop, View, page, setting_fault};
use crate::tenant::Tenant;

/// How a setting is edited.
#[derive(Clone, Copy)]
enum Control {
    Text,
    Url,
    Number,
    Colour(fn(&Palettes) -> Colour),
    /// One of these words.
    One(fn() -> Vec<Word>),
    /// Some of these words, each a box.
    Some(fn() -> Vec<Word>),
}

/// A word of a closed choice, and the key of what people call it.
type Word = (&'static str, &'static str);

/// A setting in the form: its path, how it is edited, and the keys of its label and hint.
struct Setting(&'static str, Control, &'static str, Option<&'static str>);

/// Settings that belong together, under the key of their heading.
struct Group(&'static str, &'static [Setting]);

const GROUPS: [Group; 4] = [
    Group(
        "admin-settings-service",
        &[
            Setting(path::NAME, Control::Text, "admin-setting-name", Some("admin-setting-name-hint")),
            Setting(path::TERMS_URI, Control::Url, "admin-setting-terms", Some("admin-setting-link-hint")),
            Setting(
                path::PRIVACY_URI,
                Control::Url,
                "admin-setting-privacy",
                Some("admin-setting-link-hint"),
            ),
        ],
    ),
    Group(
        "admin-settings-look",
        &[
            Setting(
                path::LIGHT_ACCENT,
                Control::Colour(|all| all.light.accent),
                "admin-setting-light-accent",
                Some("admin-setting-colour-hint"),
            ),
            Setting(
                path::LIGHT_BACKGROUND,
                Control::Colour(|all| all.light.ground),
                "admin-setting-light-background",
                Some("admin-setting-background-hint"),
            ),
            Setting(
                path::DARK_ACCENT,
                Control::Colour(|all| all.dark.accent),
                "admin-setting-dark-accent",
                Some("admin-setting-dark-accent-hint"),
            ),
            Setting(
                path::DARK_BACKGROUND,
                Control::Colour(|all| all.dark.ground),
                "admin-setting-dark-background",
                Some("admin-setting-background-hint"),
            ),
            Setting(
                path::CORNER_RADIUS,
                Control::Number,
                "admin-setting-radius",
                Some("admin-setting-radius-hint"),
            ),
            Setting(path::FONT, Control::One(fonts), "admin-setting-font", Some("admin-setting-font-hint")),
        ],
    ),
    Group(
        "admin-settings-people",
        &[
            Setting(path::SIGN_UP, Control::One(sign_up_modes), "admin-setting-sign-up", None),
            Setting(path::IDENTIFIERS, Control::Some(identifiers), "admin-setting-identifiers", None),
        ],
    ),
    Group(
        "admin-settings-apps",
        &[Setting(
            path::SESSION_MANAGEMENT,
            Control::One(session_management),
            "admin-setting-session-management",
            Some("admin-setting-session-management-hint"),
        )],
    ),
];

fn fonts() -> Vec<Word> {
    let key = |font: Font| match font {
        Font::System => "admin-font-system",
        Font::Grotesque => "admin-font-grotesque",
        Font::Humanist => "admin-font-humanist",
        Font::Geometric => "admin-font-geometric",
        Font::Rounded => "admin-font-rounded",
        Font::Serif => "admin-font-serif",
        Font::Slab => "admin-font-slab",
    };
    Font::ALL.iter().map(|font| (font.as_str(), key(*font))).collect()
}

fn sign_up_modes() -> Vec<Word> {
    let key = |mode: SignUpMode| match mode {
        SignUpMode::Open => "admin-sign-up-open",
        SignUpMode::Closed => "admin-sign-up-closed",
    };
    SignUpMode::ALL.iter().map(|mode| (mode.as_str(), key(*mode))).collect()
}

fn identifiers() -> Vec<Word> {
    let key = |kind: IdentifierKind| match kind {
        IdentifierKind::Email => "admin-identifier-email",
        IdentifierKind::Username => "admin-identifier-username",
    };
    IdentifierKind::ALL.iter().map(|kind| (kind.as_str(), key(*kind))).collect()
}

fn session_management() -> Vec<Word> {
    let key = |choice: SessionManagement| match choice {
        SessionManagement::Off => "admin-session-management-off",
        SessionManagement::On => "admin-session-management-on",
    };
    SessionManagement::ALL.iter().map(|choice| (choice.as_str(), key(*choice))).collect()
}

/// The colours that follow from the settings, by scheme.
struct Palettes {
    light: Palette,
    dark: Palette,
}

impl Palettes {
    fn of(settings: &TenantSettings) -> Self {
        Self { light: settings.colours.light(), dark: settings.colours.dark() }
    }
}

/// A word that can be chosen.
struct Choice {
    value: &'static str,
    label: String,
    is_chosen: bool,
    /// Of a box: its own name.
    name: String,
}

struct Field {
    name: &'static str,
    label: String,
    hint: Option<String>,
    kind: &'static str,
    value: String,
    /// The colour that is in force.
    colour: Option<Colour>,
    choices: Vec<Choice>,
}

struct FieldGroup {
    heading: String,
    fields: Vec<Field>,
}

/// How the pages look in one scheme, drawn small, and how well what stands on them is read.
struct Sample {
    label: String,
    palette: Palette,
    scheme: Scheme,
    contrasts: Vec<String>,
}

fn sample(view: View<'_>, label: &str, palette: Palette, scheme: Scheme) -> Sample {
    let ratio = |key: &str, ratio: f64| {
        // Never more than it is.
        let told = format!("{:.1}", (ratio * 10.0).floor() / 10.0);
        view.text_with(key, "ratio", &told)
    };
    Sample {
        label: view.text(label),
        palette,
        scheme,
        contrasts: vec![
            ratio("admin-contrast-button", palette.on_accent.contrast(palette.accent)),
            ratio("admin-contrast-link", palette.accent_ink.contrast(scheme.card)),
            ratio("admin-contrast-text", scheme.least_contrast_on(palette.ground)),
        ],
    }
}

#[derive(Template)]
#[template(path = "admin/settings.html")]
struct SettingsPage<'a> {
    view: View<'a>,
    frame: Frame,
    groups: Vec<FieldGroup>,
    samples: [Sample; 2],
    logo_hint: String,
    faults: Faults,
    reasons: Vec<String>,
    /// Where the password is asked for, when it takes one.
    confirm: Option<String>,
}

/// The member at a path, as a form has it.
fn stored(settings: &Value, path: &str) -> String {
    match path.split('.').fold(settings, |value, part| &value[part]) {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a list holds a word.
fn holds(settings: &Value, path: &str, word: &str) -> bool {
    settings[path].as_array().is_some_and(|items| items.iter().any(|item| item == word))
}

impl Setting {
    fn field(
        &self,
        view: View<'_>,
        palettes: &Palettes,
        value: &impl Fn(&str) -> String,
        has: &impl Fn(&str, &str) -> bool,
    ) -> Field {
        let Self(name, control, label, hint) = *self;
        let value = value(name);
        let (kind, words, colour) = match control {
            Control::Text => ("text", Vec::new(), None),
            Control::Url => ("url", Vec::new(), None),
            Control::Number => ("number", Vec::new(), None),
            Control::Colour(of) => ("colour", Vec::new(), Some(of(palettes))),
            Control::One(words) => ("one", words(), None),
            Control::Some(words) => ("some", words(), None),
        };
        let choice = |(word, key): Word| Choice {
            value: word,
            label: view.text(key),
            is_chosen: if kind == "one" { value == word } else { has(name, word) },
            name: format!("{name}.{word}"),
        };
        let choices = words.into_iter().map(choice).collect();
        let hint = hint.map(|hint| view.text(hint));
        Field { name, label: view.text(label), hint, kind, value, colour, choices }
    }
}

/// The page: the fields as these say, and how the tenant looks now.
fn template<'a>(
    view: View<'a>,
    frame: Frame,
    tenant: &Tenant,
    value: &impl Fn(&str) -> String,
    has: &impl Fn(&str, &str) -> bool,
) -> SettingsPage<'a> {
    let palettes = Palettes::of(&tenant.settings);
    let group = |Group(heading, settings): &Group| FieldGroup {
        heading: view.text(heading),
        fields: settings.iter().map(|setting| setting.field(view, &palettes, value, has)).collect(),
    };
    let most = [("kib", limits::LOGO_BYTES / 1024), ("pixels", limits::LOGO_PIXELS as usize)];
    let most: Vec<(&str, &dyn crate::locale::Variable)> =
        most.iter().map(|(name, number)| (*name, number as &dyn crate::locale::Variable)).collect();
    SettingsPage {
        view,
        frame,
        groups: GROUPS.iter().map(group).collect(),
        samples: [
            sample(view, "admin-sample-light", palettes.light, Scheme::LIGHT),
            sample(view, "admin-sample-dark", palettes.dark, Scheme::DARK),
        ],
        logo_hint: view.texts.with("admin-setting-logo-hint", &most),
        faults: Faults::default(),
        reasons: Vec::new(),
        confirm: None,
    }
}

fn as_stored<'a>(view: View<'a>, frame: Frame, tenant: &Tenant) -> SettingsPage<'a> {
    let settings = tenant.settings.to_json();
    template(view, frame, tenant, &|path| stored(&settings, path), &|path, word| holds(&settings, path, word))
}

/// `GET /admin/settings`.
pub async fn show(visit: AdminVisit) -> Result<Response, Stop> {
    visit.require_recent(&Target::Settings)?;
    page(StatusCode::OK, &as_stored(visit.view(), visit.frame(Section::Settings), &visit.site.tenant))
}

fn at_fields(view: View<'_>, faults: &[SettingFault]) -> Faults {
    let fault = |fault: &SettingFault| FieldFault {
        field: fault.field(),
        text: setting_fault::text(view, &fault.wrong),
    };
    faults.iter().map(fault).collect()
}

/// What is wrong with a change, or nothing.
enum Wrong {
    Fields(Faults),
    Reasons(Vec<String>),
    NotRecent,
}

/// Changes settings: what is wrong is told at its field. The command judges all of it again.
async fn change(submission: &AdminSubmission, settings: Value) -> Result<Result<(), Wrong>, Stop> {
    let tenant = &submission.submission.site.tenant;
    if let Err(faults) = tenant.settings.changed(&settings) {
        return Ok(Err(Wrong::Fields(at_fields(submission.view(), &faults))));
    }
    Ok(match submission.carry_out(AdminCommand::TenantsSet { settings }).await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Refused(reasons) => Err(Wrong::Reasons(reasons)),
        Outcome::NotRecent => Err(Wrong::NotRecent),
    })
}

/// The page again, with what was typed and what is wrong with it.
fn again(submission: &AdminSubmission, template: SettingsPage<'_>, wrong: Wrong) -> Result<Response, Stop> {
    let (status, template) = match wrong {
        Wrong::Fields(faults) => (StatusCode::UNPROCESSABLE_ENTITY, SettingsPage { faults, ..template }),
        Wrong::Reasons(reasons) => (StatusCode::UNPROCESSABLE_ENTITY, SettingsPage { reasons, ..template }),
        Wrong::NotRecent => {
            let confirm = Some(submission.confirm_beside());
            (StatusCode::FORBIDDEN, SettingsPage { confirm, ..template })
        }
    };
    page(status, &template)
}

/// `POST /admin/settings`.
pub async fn save(submission: AdminSubmission) -> Result<Response, Stop> {
    let form = submission.form();
    let settings = patch_of_form(|name| form.value(name).to_owned());
    let Err(wrong) = change(&submission, settings).await? else {
        return Ok(submission.done(&Target::Settings, "settings-saved"));
    };
    let typed = |path: &str| form.value(path).to_owned();
    let ticked = |path: &str, word: &str| !form.value(&format!("{path}.{word}")).is_empty();
    let (view, frame) = (submission.view(), submission.frame(Section::Settings));
    again(&submission, template(view, frame, &submission.submission.site.tenant, &typed, &ticked), wrong)
}

async fn change_logo(submission: &AdminSubmission, logo: Value, done: &str) -> Result<Response, Stop> {
    let Err(wrong) = change(submission, json!({ "logo": logo })).await? else {
        return Ok(submission.done(&Target::Settings, done));
    };
    let (view, frame) = (submission.view(), submission.frame(Section::Settings));
    again(submission, as_stored(view, frame, &submission.submission.site.tenant), wrong)
}

/// `POST /admin/settings/logo`: a picture in place of the one that is there. What it is, its octets say.
pub async fn put_logo(upload: AdminUpload) -> Result<Response, Stop> {
    let AdminUpload { submission, file } = upload;
    if file.is_empty() {
        let view = submission.view();
        let fault = FieldFault { field: path::LOGO, text: view.text("admin-setting-logo-none") };
        let template =
            as_stored(view, submission.frame(Section::Settings), &submission.submission.site.tenant);
        return again(&submission, template, Wrong::Fields(fault.into()));
    }
    let logo = json!(format!("data:;base64,{}", STANDARD.encode(file)));
    change_logo(&submission, logo, "logo-saved").await
}

/// `POST /admin/settings/remove-logo`.
pub async fn remove_logo(submission: AdminSubmission) -> Result<Response, Stop> {
    change_logo(&submission, Value::Null, "logo-removed").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_one_field() {
        let fields = GROUPS.iter().flat_map(|Group(_, settings)| settings.iter().map(|setting| setting.0));
        let mut shown: Vec<&str> = fields.chain([path::LOGO]).chain(path::OF_OPERATOR).collect();
        let mut all = path::ALL.to_vec();
        shown.sort_unstable();
        all.sort_unstable();
        assert_eq!(shown, all);
    }
}
