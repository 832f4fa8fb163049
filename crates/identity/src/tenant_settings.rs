//! What a tenant decides about its pages and its people: one typed record with a default for each member.
//!
//! The record is kept as JSON with the tenant. A change comes as a JSON object, from a file or made of a form
//! ([`patch_of_form`]), and is merged into what there is (RFC 7396): what is not named stays, `null` goes back to the
//! default. All that is wrong with it is said at once, each with its path, and then nothing is changed.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use terms::limits;
use url::Url;

use crate::branding::colour::NotAColour;
use crate::branding::palette::LEAST_FOR_TEXT;
use crate::branding::{Colour, Font, Logo, LogoFault, LogoRef, Palette, Scheme};

/// The largest radius of a corner, in CSS pixels: half of a button's height.
pub const LARGEST_RADIUS: u8 = 24;
/// What people call a service that has no name of its own.
pub const DEFAULT_NAME: &str = "Portico";

/// A tenant's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// What people call the service.
    pub name: String,
    pub logo: Option<LogoRef>,
    pub colours: Colours,
    /// Of fields and buttons, in CSS pixels; cards have half as much again.
    pub corner_radius: u8,
    pub font: Font,
    pub terms_uri: Option<String>,
    pub privacy_uri: Option<String>,
    /// Whether people make accounts themselves.
    pub sign_up: SignUpMode,
    /// What an account signs in with: at least one, each once.
    pub identifiers: Vec<IdentifierKind>,
    /// Whether clients may have tokens out of the authorization endpoint.
    pub oidc_legacy: OidcLegacy,
    /// Whether clients see in a frame that a sign-in has changed.
    pub session_management: SessionManagement,
    /// Clients that register themselves.
    pub registration: Registration,
}

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            name: DEFAULT_NAME.to_owned(),
            logo: None,
            colours: Colours::default(),
            corner_radius: 10,
            font: Font::default(),
            terms_uri: None,
            privacy_uri: None,
            sign_up: SignUpMode::default(),
            identifiers: vec![IdentifierKind::Email],
            oidc_legacy: OidcLegacy::default(),
            session_management: SessionManagement::default(),
            registration: Registration::default(),
        }
    }
}

/// Colours by scheme. One for dark that isn't given follows from the one for light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Colours {
    pub light: SchemeColours,
    pub dark: SchemeColours,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchemeColours {
    pub accent: Option<Colour>,
    pub background: Option<Colour>,
}

impl Colours {
    /// Every colour of the light scheme that follows from the tenant's own.
    pub fn light(&self) -> Palette {
        let scheme = Scheme::LIGHT;
        let accent = self.light.accent.unwrap_or(scheme.accent);
        scheme.palette(accent, self.light.background.unwrap_or(scheme.ground))
    }

    /// The same of the dark scheme.
    pub fn dark(&self) -> Palette {
        let scheme = Scheme::DARK;
        let accent = self.dark.accent.or(self.light.accent).unwrap_or(scheme.accent);
        scheme.palette(accent, self.dark.background.unwrap_or(scheme.ground))
    }
}

/// Declares a closed choice with the words of its JSON form, once.
macro_rules! choice {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $type { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl $type {
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub(crate) fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text)
            }
        }
    };
}

mod registration;

pub use registration::{Registration, RegistrationMode, path as registration_path};

choice! {
    /// Who makes accounts.
    #[derive(Default)]
    SignUpMode {
        /// Whoever comes.
        #[default]
        Open = "open",
        /// Administrators only.
        Closed = "closed",
    }
}

choice! {
    /// Which clients may have tokens out of the authorization endpoint (OpenID Connect's implicit and hybrid flows).
    #[derive(Default)]
    OidcLegacy {
        /// None.
        #[default]
        Off = "off",
        /// Those to whom the operator gave the profile `oidc-legacy`.
        PerClient = "per_client",
        /// Every one that registered for it, itself or by the operator.
        AllClients = "all_clients",
    }
}

choice! {
    /// Whether clients see in a frame that a sign-in has changed (OpenID Connect Session Management 1.0), for which a cookie goes
    /// along in frames of other sites.
    #[derive(Default)]
    SessionManagement {
        /// They don't, and there is no such cookie.
        #[default]
        Off = "off",
        /// They do.
        On = "on",
    }
}

choice! {
    /// What an account can be found by when somebody signs in.
    IdentifierKind {
        Email = "email",
        Username = "username",
    }
}

/// The paths of all members that can be given, in the order of the page that shows them. They are the names of that
/// page's fields too; of a choice of several the field's name is the path, a dot and the word.
pub mod path {
    pub const NAME: &str = "name";
    pub const LOGO: &str = "logo";
    pub const LIGHT_ACCENT: &str = "colours.light.accent";
    pub const LIGHT_BACKGROUND: &str = "colours.light.background";
    pub const DARK_ACCENT: &str = "colours.dark.accent";
    pub const DARK_BACKGROUND: &str = "colours.dark.background";
    pub const CORNER_RADIUS: &str = "corner_radius";
    pub const FONT: &str = "font";
    pub const TERMS_URI: &str = "terms_uri";
    pub const PRIVACY_URI: &str = "privacy_uri";
    pub const SIGN_UP: &str = "sign_up";
    pub const IDENTIFIERS: &str = "identifiers";
    pub const OIDC_LEGACY: &str = "oidc_legacy";
    pub const SESSION_MANAGEMENT: &str = "session_management";

    pub const ALL: [&str; 14] = [
        NAME,
        LOGO,
        LIGHT_ACCENT,
        LIGHT_BACKGROUND,
        DARK_ACCENT,
        DARK_BACKGROUND,
        CORNER_RADIUS,
        FONT,
        TERMS_URI,
        PRIVACY_URI,
        SIGN_UP,
        IDENTIFIERS,
        OIDC_LEGACY,
        SESSION_MANAGEMENT,
    ];

    /// What only whoever runs the server decides: it weakens a protection that everybody has.
    pub const OF_OPERATOR: [&str; 1] = [OIDC_LEGACY];
}

/// Whether a change names a member that only whoever runs the server decides.
pub fn is_of_operator(given: &Value) -> bool {
    path::OF_OPERATOR.iter().any(|member| given.get(member).is_some())
}

/// What is wrong with a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    UnknownMember,
    NotAnObject,
    NotText,
    NotANumber,
    NotAList,
    Empty,
    TooLong {
        most: usize,
    },
    /// A line break, or a mark that turns the direction of what follows: a name stands in mails and between other texts.
    ControlCharacter,
    NotAColour,
    /// WCAG 2.2, success criterion 1.4.3. In hundredths.
    Contrast {
        hundredths: u32,
    },
    OutOfRange {
        most: u8,
    },
    /// From one to this.
    NotACount {
        most: u32,
    },
    /// RFC 6749 section 3.3.
    NotAScope,
    /// None of these words.
    NoSuchChoice {
        known: Vec<&'static str>,
    },
    Twice,
    /// An absolute https URL without user or password.
    NotAnHttpsUrl,
    Logo(LogoFault),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMember => f.write_str("is no setting; see `portico print tenant-settings-schema`"),
            Self::NotAnObject => f.write_str("must be a JSON object"),
            Self::NotText => f.write_str("must be text"),
            Self::NotANumber => f.write_str("must be a whole number"),
            Self::NotAList => f.write_str("must be a list"),
            Self::Empty => f.write_str("must not be empty; null goes back to the default"),
            Self::TooLong { most } => write!(f, "is longer than {most}"),
            Self::ControlCharacter => f.write_str("must be one line without control characters"),
            Self::NotAColour => NotAColour.fmt(f),
            Self::Contrast { hundredths } => write!(
                f,
                "has a contrast of {}.{:02} with the text on it, which needs {LEAST_FOR_TEXT} (WCAG 2.2); choose one nearer to the usual background",
                hundredths / 100,
                hundredths % 100
            ),
            Self::OutOfRange { most } => write!(f, "must be from 0 to {most}"),
            Self::NotACount { most } => write!(f, "must be from 1 to {most}"),
            Self::NotAScope => f.write_str("has what is no scope token (RFC 6749 section 3.3)"),
            Self::NoSuchChoice { known } => write!(f, "must be one of {}", known.join(", ")),
            Self::Twice => f.write_str("is named twice"),
            Self::NotAnHttpsUrl => f.write_str("must be an absolute https:// URL without user and password"),
            Self::Logo(fault) => fault.fmt(f),
        }
    }
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    pub path: Cow<'static, str>,
    pub wrong: Wrong,
}

impl SettingFault {
    /// The field of a form that the fault is about; of one that no field has, the first.
    pub fn field(&self) -> &'static str {
        path::ALL.into_iter().find(|path| *path == self.path).unwrap_or(path::NAME)
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.wrong)
    }
}

/// Settings after a change, and what becomes of the logo's octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsChange {
    pub settings: TenantSettings,
    pub logo: LogoChange,
    /// The members that have another value now, by the first part of their path.
    pub changed: Vec<&'static str>,
}

/// What becomes of the octets that are kept apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoChange {
    Keep,
    Remove,
    Put(Logo),
}

impl TenantSettings {
    /// Reads what is stored. It was checked when it was given; a member that a newer program wrote is left aside.
    pub fn stored(value: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(value)
    }

    /// The JSON form, with every member.
    pub fn to_json(&self) -> Value {
        json!(self)
    }

    /// These settings after a change that somebody gave (RFC 7396).
    pub fn changed(&self, given: &Value) -> Result<SettingsChange, Vec<SettingFault>> {
        let mut reader = Reader { faults: Vec::new(), before: self };
        let mut settings = self.clone();
        let logo = reader.root(&mut settings, given);
        if !reader.faults.is_empty() {
            return Err(reader.faults);
        }
        let (before, after) = (self.to_json(), settings.to_json());
        let first_part = |path: &&'static str| path.split('.').next().unwrap_or(path);
        let mut changed: Vec<&str> =
            path::ALL.iter().chain(&registration_path::ALL).map(first_part).collect();
        changed.dedup();
        changed.retain(|member| before.get(member) != after.get(member));
        Ok(SettingsChange { settings, logo, changed })
    }
}

/// A change made of the fields of an administrator's form, each named by its path; an empty field is the default. The logo has
/// no field here, and neither has what is the operator's to decide: that stays as it is.
pub fn patch_of_form(value: impl Fn(&str) -> String) -> Value {
    let mut patch = Map::new();
    let has_field = |path: &&str| *path != path::LOGO && !path::OF_OPERATOR.contains(path);
    for path in path::ALL.into_iter().filter(has_field) {
        let given = match path {
            path::IDENTIFIERS => {
                let is_chosen =
                    |kind: &&IdentifierKind| !value(&format!("{path}.{}", kind.as_str())).is_empty();
                IdentifierKind::ALL.iter().filter(is_chosen).map(|kind| kind.as_str()).collect()
            }
            _ => match value(path).trim() {
                "" => Value::Null,
                // A number that is none is told to be none.
                text if path == path::CORNER_RADIUS => {
                    text.parse::<u64>().map_or_else(|_| json!(text), Value::from)
                }
                text => json!(text),
            },
        };
        let mut place = &mut patch;
        let (folders, name) = path.rsplit_once('.').map_or(("", path), |(folders, name)| (folders, name));
        for folder in folders.split('.').filter(|folder| !folder.is_empty()) {
            let inner = place.entry(folder).or_insert_with(|| json!({}));
            let Value::Object(inner) = inner else { return Value::Null };
            place = inner;
        }
        place.insert(name.to_owned(), given);
    }
    Value::Object(patch)
}

/// Reads a change member by member and notes all that is wrong.
struct Reader<'a> {
    faults: Vec<SettingFault>,
    before: &'a TenantSettings,
}

impl Reader<'_> {
    fn wrong(&mut self, path: impl Into<Cow<'static, str>>, wrong: Wrong) {
        self.faults.push(SettingFault { path: path.into(), wrong });
    }

    fn object<'v>(&mut self, path: &'static str, value: &'v Value) -> Option<&'v Map<String, Value>> {
        let members = value.as_object();
        if members.is_none() {
            self.wrong(path, Wrong::NotAnObject);
        }
        members
    }

    fn root(&mut self, settings: &mut TenantSettings, given: &Value) -> LogoChange {
        let defaults = TenantSettings::default();
        let mut logo = LogoChange::Keep;
        let Some(members) = self.object("settings", given) else { return logo };
        for (member, value) in members {
            match member.as_str() {
                path::NAME => self.set(&mut settings.name, defaults.name.clone(), value, Self::name),
                path::LOGO => logo = self.logo(settings, value),
                "colours" => self.colours(&mut settings.colours, value),
                path::CORNER_RADIUS => {
                    self.set(&mut settings.corner_radius, defaults.corner_radius, value, Self::radius);
                }
                path::FONT => self.set(&mut settings.font, defaults.font, value, Self::font),
                path::TERMS_URI => {
                    self.set(&mut settings.terms_uri, None, value, |it, value| {
                        it.link(path::TERMS_URI, value).map(Some)
                    });
                }
                path::PRIVACY_URI => {
                    self.set(&mut settings.privacy_uri, None, value, |it, value| {
                        it.link(path::PRIVACY_URI, value).map(Some)
                    });
                }
                path::SIGN_UP => self.set(&mut settings.sign_up, defaults.sign_up, value, Self::sign_up),
                path::OIDC_LEGACY => {
                    self.set(&mut settings.oidc_legacy, defaults.oidc_legacy, value, Self::oidc_legacy);
                }
                path::SESSION_MANAGEMENT => {
                    let default = defaults.session_management;
                    self.set(&mut settings.session_management, default, value, Self::session_management);
                }
                path::IDENTIFIERS => {
                    self.set(
                        &mut settings.identifiers,
                        defaults.identifiers.clone(),
                        value,
                        Self::identifiers,
                    );
                }
                "registration" => self.registration(&mut settings.registration, value),
                other => self.wrong(other.to_owned(), Wrong::UnknownMember),
            }
        }
        logo
    }

    /// A member: `null` is its default, and one that is wrong leaves it as it was.
    fn set<T>(
        &mut self,
        place: &mut T,
        default: T,
        value: &Value,
        read: impl FnOnce(&mut Self, &Value) -> Option<T>,
    ) {
        if value.is_null() {
            *place = default;
        } else if let Some(read) = read(self, value) {
            *place = read;
        }
    }

    fn text<'v>(&mut self, path: &'static str, value: &'v Value) -> Option<&'v str> {
        match value.as_str().map(str::trim) {
            None => self.wrong(path, Wrong::NotText),
            Some("") => self.wrong(path, Wrong::Empty),
            Some(text) => return Some(text),
        }
        None
    }

    fn name(&mut self, value: &Value) -> Option<String> {
        const MOST: usize = limits::SERVICE_NAME_CHARACTERS;
        let text = self.text(path::NAME, value)?;
        // UAX 9: marks and isolates; U+2028 and U+2029 break lines.
        let is_control = |c: char| {
            c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}')
        };
        if text.chars().any(is_control) {
            self.wrong(path::NAME, Wrong::ControlCharacter);
        } else if text.chars().count() > MOST {
            self.wrong(path::NAME, Wrong::TooLong { most: MOST });
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// A `data:` URL, or what [`TenantSettings::to_json`] says of the logo that is there.
    fn logo(&mut self, settings: &mut TenantSettings, value: &Value) -> LogoChange {
        if value.is_null() {
            settings.logo = None;
            return LogoChange::Remove;
        }
        if self.before.logo.as_ref().is_some_and(|logo| json!(logo) == *value) {
            return LogoChange::Keep;
        }
        let Some(text) = self.text(path::LOGO, value) else { return LogoChange::Keep };
        match Logo::from_data_url(text) {
            Ok(logo) => {
                settings.logo = Some(logo.about().clone());
                LogoChange::Put(logo)
            }
            Err(fault) => {
                self.wrong(path::LOGO, Wrong::Logo(fault));
                LogoChange::Keep
            }
        }
    }

    fn colours(&mut self, colours: &mut Colours, value: &Value) {
        if value.is_null() {
            *colours = Colours::default();
            return;
        }
        let Some(members) = self.object("colours", value) else { return };
        for (member, value) in members {
            match member.as_str() {
                "light" => self.scheme(&mut colours.light, Side::Light, value),
                "dark" => self.scheme(&mut colours.dark, Side::Dark, value),
                other => self.wrong(format!("colours.{other}"), Wrong::UnknownMember),
            }
        }
    }

    fn scheme(&mut self, colours: &mut SchemeColours, side: Side, value: &Value) {
        if value.is_null() {
            *colours = SchemeColours::default();
            return;
        }
        let Some(members) = self.object(side.path(), value) else { return };
        for (member, value) in members {
            match member.as_str() {
                "accent" => {
                    let path = side.accent();
                    self.set(&mut colours.accent, None, value, |it, value| it.colour(path, value).map(Some));
                }
                "background" => {
                    self.set(&mut colours.background, None, value, |it, value| {
                        it.background(side, value).map(Some)
                    });
                }
                other => self.wrong(format!("{}.{other}", side.path()), Wrong::UnknownMember),
            }
        }
    }

    fn colour(&mut self, path: &'static str, value: &Value) -> Option<Colour> {
        let colour = self.text(path, value)?.parse().ok();
        if colour.is_none() {
            self.wrong(path, Wrong::NotAColour);
        }
        colour
    }

    /// Text stands on it whose colour is not the tenant's, so it is refused where that can't be read.
    fn background(&mut self, side: Side, value: &Value) -> Option<Colour> {
        let path = side.background();
        let colour = self.colour(path, value)?;
        let contrast = side.of_sheet().least_contrast_on(colour);
        if contrast >= LEAST_FOR_TEXT {
            return Some(colour);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a ratio is from 1 to 21"
        )]
        let hundredths = (contrast * 100.0).floor() as u32;
        self.wrong(path, Wrong::Contrast { hundredths });
        None
    }

    fn radius(&mut self, value: &Value) -> Option<u8> {
        match value.as_u64() {
            None => self.wrong(path::CORNER_RADIUS, Wrong::NotANumber),
            Some(radius) if radius > LARGEST_RADIUS.into() => {
                self.wrong(path::CORNER_RADIUS, Wrong::OutOfRange { most: LARGEST_RADIUS });
            }
            Some(radius) => return u8::try_from(radius).ok(),
        }
        None
    }

    fn font(&mut self, value: &Value) -> Option<Font> {
        let font = self.text(path::FONT, value)?.parse().ok();
        if font.is_none() {
            let known = Font::ALL.iter().map(|font| font.as_str()).collect();
            self.wrong(path::FONT, Wrong::NoSuchChoice { known });
        }
        font
    }

    fn link(&mut self, path: &'static str, value: &Value) -> Option<String> {
        let text = self.text(path, value)?;
        if text.len() > limits::LINK_BYTES {
            self.wrong(path, Wrong::TooLong { most: limits::LINK_BYTES });
            return None;
        }
        let is_ours = |url: &Url| {
            url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none()
        };
        // Kept as the parser writes it, so that the page has what was checked.
        let url = Url::parse(text).ok().filter(is_ours);
        if url.is_none() || !text.starts_with("https://") {
            self.wrong(path, Wrong::NotAnHttpsUrl);
            return None;
        }
        url.map(String::from)
    }

    fn sign_up(&mut self, value: &Value) -> Option<SignUpMode> {
        let mode = SignUpMode::parse(self.text(path::SIGN_UP, value)?);
        if mode.is_none() {
            let known = SignUpMode::ALL.iter().map(|mode| mode.as_str()).collect();
            self.wrong(path::SIGN_UP, Wrong::NoSuchChoice { known });
        }
        mode
    }

    fn oidc_legacy(&mut self, value: &Value) -> Option<OidcLegacy> {
        let choice = OidcLegacy::parse(self.text(path::OIDC_LEGACY, value)?);
        if choice.is_none() {
            let known = OidcLegacy::ALL.iter().map(|it| it.as_str()).collect();
            self.wrong(path::OIDC_LEGACY, Wrong::NoSuchChoice { known });
        }
        choice
    }

    fn session_management(&mut self, value: &Value) -> Option<SessionManagement> {
        let choice = SessionManagement::parse(self.text(path::SESSION_MANAGEMENT, value)?);
        if choice.is_none() {
            let known = SessionManagement::ALL.iter().map(|it| it.as_str()).collect();
            self.wrong(path::SESSION_MANAGEMENT, Wrong::NoSuchChoice { known });
        }
        choice
    }

    fn identifiers(&mut self, value: &Value) -> Option<Vec<IdentifierKind>> {
        let Some(items) = value.as_array() else {
            self.wrong(path::IDENTIFIERS, Wrong::NotAList);
            return None;
        };
        if items.is_empty() {
            self.wrong(path::IDENTIFIERS, Wrong::Empty);
            return None;
        }
        let mut kinds = Vec::new();
        for item in items {
            match item.as_str().and_then(IdentifierKind::parse) {
                None => {
                    let known = IdentifierKind::ALL.iter().map(|kind| kind.as_str()).collect();
                    self.wrong(path::IDENTIFIERS, Wrong::NoSuchChoice { known });
                    return None;
                }
                Some(kind) if kinds.contains(&kind) => {
                    self.wrong(path::IDENTIFIERS, Wrong::Twice);
                    return None;
                }
                Some(kind) => kinds.push(kind),
            }
        }
        Some(kinds)
    }
}

/// Which of the two schemes.
#[derive(Clone, Copy)]
enum Side {
    Light,
    Dark,
}

impl Side {
    fn path(self) -> &'static str {
        match self {
            Self::Light => "colours.light",
            Self::Dark => "colours.dark",
        }
    }

    fn accent(self) -> &'static str {
        match self {
            Self::Light => path::LIGHT_ACCENT,
            Self::Dark => path::DARK_ACCENT,
        }
    }

    fn background(self) -> &'static str {
        match self {
            Self::Light => path::LIGHT_BACKGROUND,
            Self::Dark => path::DARK_BACKGROUND,
        }
    }

    fn of_sheet(self) -> Scheme {
        match self {
            Self::Light => Scheme::LIGHT,
            Self::Dark => Scheme::DARK,
        }
    }
}

/// The JSON Schema of a change, for editors; [`TenantSettings::changed`] says more precisely what is wrong.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn schema() -> Value {
    let words = |words: Vec<&str>, default: &str, about: &str| json!({ "description": about, "anyOf": [{ "enum": words }, { "type": "null" }], "default": default });
    let colour = |about: &str| json!({ "description": about, "type": ["string", "null"], "pattern": "^#[0-9a-fA-F]{6}$" });
    let scheme = |about: &str| {
        json!({
            "description": about,
            "type": ["object", "null"],
            "additionalProperties": false,
            "properties": {
                "accent": colour("Buttons have it as it is; links and the ring of the focus have the nearest one that can be read."),
                "background": colour("Behind the card. Refused where text on it can't be read (WCAG 2.2: 4.5 to 1)."),
            },
        })
    };
    let link = |about: &str| json!({ "description": about, "type": ["string", "null"], "pattern": "^https://", "maxLength": limits::LINK_BYTES });
    let defaults = TenantSettings::default();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Portico's settings of a tenant",
        "description": "For `portico tenants set T --settings FILE.json`. What is not named stays as it is; null goes back to the default.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "name": {
                "description": "What people call the service: one line.",
                "type": ["string", "null"],
                "minLength": 1,
                "maxLength": limits::SERVICE_NAME_CHARACTERS,
                "default": defaults.name,
            },
            "logo": {
                "description": format!(
                    "A PNG, JPEG or WebP of at most {} octets and {1} by {1} pixels, as a data: URL in base64 (or by --logo FILE). The object that `portico tenants show` prints keeps the one that is there.",
                    limits::LOGO_BYTES,
                    limits::LOGO_PIXELS
                ),
                "type": ["string", "object", "null"],
                "pattern": "^data:image/(png|jpeg|webp);base64,",
            },
            "colours": {
                "description": "The accent and the background, for light and for dark.",
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": {
                    "light": scheme("When the device asks for light."),
                    "dark": scheme("When the device asks for dark. Without an accent of its own it has the light one's."),
                },
            },
            "corner_radius": {
                "description": "Of fields and buttons, in CSS pixels; cards have half as much again.",
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": LARGEST_RADIUS,
                "default": defaults.corner_radius,
            },
            "font": words(
                Font::ALL.iter().map(|font| font.as_str()).collect(),
                defaults.font.as_str(),
                "Fonts that devices have already; nothing is fetched.",
            ),
            "terms_uri": link("The terms of service: linked on every page, and agreed to by signing up."),
            "privacy_uri": link("The privacy policy: linked on every page, and named at sign-up."),
            "sign_up": words(
                SignUpMode::ALL.iter().map(|mode| mode.as_str()).collect(),
                defaults.sign_up.as_str(),
                "Whether people make accounts themselves.",
            ),
            "oidc_legacy": words(
                OidcLegacy::ALL.iter().map(|it| it.as_str()).collect(),
                defaults.oidc_legacy.as_str(),
                "Which clients may have tokens out of the authorization endpoint (implicit and hybrid flows): none, those of the profile oidc-legacy, or all that register for it.",
            ),
            "session_management": words(
                SessionManagement::ALL.iter().map(|it| it.as_str()).collect(),
                defaults.session_management.as_str(),
                "Whether clients see in a frame that a sign-in has changed (OpenID Connect Session Management), for which a cookie goes along in frames of other sites.",
            ),
            "identifiers": {
                "description": "What an account signs in with.",
                "type": ["array", "null"],
                "items": { "enum": IdentifierKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>() },
                "minItems": 1,
                "uniqueItems": true,
                "default": defaults.identifiers,
            },
            "registration": registration::schema(),
        },
    })
}

#[cfg(test)]
mod tests;
