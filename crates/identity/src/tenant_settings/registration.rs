//! What a tenant decides about clients that register themselves (RFC 7591).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Reader, Wrong};

choice! {
    /// Who registers clients without an administrator.
    #[derive(Default)]
    RegistrationMode {
        /// Nobody.
        #[default]
        Closed = "closed",
        /// Who has an initial access token.
        Token = "token",
        /// Whoever comes.
        Open = "open",
    }
}

/// The grant types that can be let to a client that registers itself, in the words of RFC 7591 section 2.
pub const GRANT_TYPES: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "implicit",
];
/// Clients of a tenant that registered themselves, at most.
const MOST_CLIENTS: u32 = 1_000_000;
/// Days for which one of them may stay unused, at most.
const MOST_DAYS: u32 = 3650;
/// Octets of one scope token, and how many there may be.
const SCOPE_OCTETS: usize = 128;
const SCOPES: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registration {
    pub mode: RegistrationMode,
    /// What such clients may ask for.
    pub scopes: Vec<String>,
    /// The grant types that they may have, of [`GRANT_TYPES`].
    pub grant_types: Vec<String>,
    /// How many of them there may be.
    pub clients: u32,
    /// One that was not used for so many days is taken away.
    pub unused_days: u32,
}

impl Default for Registration {
    fn default() -> Self {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            mode: RegistrationMode::default(),
            scopes: words(&["openid", "profile", "email", "phone", "address", "offline_access"]),
            grant_types: words(&["authorization_code", "refresh_token"]),
            clients: 1000,
            unused_days: 90,
        }
    }
}

impl Registration {
    /// For so long a client may stay unused.
    pub fn unused(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.unused_days))
    }
}

/// The paths of its members. They have no field on a page.
pub mod path {
    pub const MODE: &str = "registration.mode";
    pub const SCOPES: &str = "registration.scopes";
    pub const GRANT_TYPES: &str = "registration.grant_types";
    pub const CLIENTS: &str = "registration.clients";
    pub const UNUSED_DAYS: &str = "registration.unused_days";

    pub const ALL: [&str; 5] = [MODE, SCOPES, GRANT_TYPES, CLIENTS, UNUSED_DAYS];
}

impl Reader<'_> {
    pub(super) fn registration(&mut self, registration: &mut Registration, value: &Value) {
        let defaults = Registration::default();
        if value.is_null() {
            *registration = defaults;
            return;
        }
        let Some(members) = self.object("registration", value) else { return };
        for (member, value) in members {
            match member.as_str() {
                "mode" => self.set(&mut registration.mode, defaults.mode, value, Self::registration_mode),
                "scopes" => {
                    let default = defaults.scopes.clone();
                    self.set(&mut registration.scopes, default, value, Self::scopes);
                }
                "grant_types" => {
                    let default = defaults.grant_types.clone();
                    self.set(&mut registration.grant_types, default, value, Self::grant_types);
                }
                "clients" => {
                    let read = |it: &mut Self, value: &Value| it.count(path::CLIENTS, value, MOST_CLIENTS);
                    self.set(&mut registration.clients, defaults.clients, value, read);
                }
                "unused_days" => {
                    let read = |it: &mut Self, value: &Value| it.count(path::UNUSED_DAYS, value, MOST_DAYS);
                    self.set(&mut registration.unused_days, defaults.unused_days, value, read);
                }
                other => self.wrong(format!("registration.{other}"), Wrong::UnknownMember),
            }
        }
    }

    fn registration_mode(&mut self, value: &Value) -> Option<RegistrationMode> {
        let mode = RegistrationMode::parse(self.text(path::MODE, value)?);
        if mode.is_none() {
            let known = RegistrationMode::ALL.iter().map(|mode| mode.as_str()).collect();
            self.wrong(path::MODE, Wrong::NoSuchChoice { known });
        }
        mode
    }

    fn count(&mut self, path: &'static str, value: &Value, most: u32) -> Option<u32> {
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        match count.filter(|count| (1..=most).contains(count)) {
            None if value.as_u64().is_none() => self.wrong(path, Wrong::NotANumber),
            None => self.wrong(path, Wrong::NotACount { most }),
            count => return count,
        }
        None
    }

    fn texts(&mut self, path: &'static str, value: &Value) -> Option<Vec<String>> {
        let Some(items) = value.as_array() else {
            self.wrong(path, Wrong::NotAList);
            return None;
        };
        let mut texts = Vec::new();
        for item in items {
            let text = self.text(path, item)?.to_owned();
            if texts.contains(&text) {
                self.wrong(path, Wrong::Twice);
                return None;
            }
            texts.push(text);
        }
        Some(texts)
    }

    /// RFC 6749 section 3.3.
    fn scopes(&mut self, value: &Value) -> Option<Vec<String>> {
        let texts = self.texts(path::SCOPES, value)?;
        if texts.len() > SCOPES {
            self.wrong(path::SCOPES, Wrong::TooLong { most: SCOPES });
            return None;
        }
        let is_token = |text: &String| {
            text.len() <= SCOPE_OCTETS
                && text.bytes().all(|octet| matches!(octet, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        };
        if !texts.iter().all(is_token) {
            self.wrong(path::SCOPES, Wrong::NotAScope);
            return None;
        }
        Some(texts)
    }

    fn grant_types(&mut self, value: &Value) -> Option<Vec<String>> {
        let texts = self.texts(path::GRANT_TYPES, value)?;
        if texts.iter().all(|text| GRANT_TYPES.contains(&text.as_str())) {
            return Some(texts);
        }
        self.wrong(path::GRANT_TYPES, Wrong::NoSuchChoice { known: GRANT_TYPES.to_vec() });
        None
    }
}

/// Its part of the JSON Schema.
pub(super) fn schema() -> Value {
    let defaults = Registration::default();
    let number = |about: &str, default: u32, most: u32| json!({ "description": about, "type": ["integer", "null"], "minimum": 1, "maximum": most, "default": default });
    json!({
        "description": "Clients that register themselves (RFC 7591).",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": {
            "mode": {
                "description": "closed: nobody; token: who has an initial access token; open: whoever comes.",
                "anyOf": [{ "enum": RegistrationMode::ALL.iter().map(|mode| mode.as_str()).collect::<Vec<_>>() }, { "type": "null" }],
                "default": defaults.mode.as_str(),
            },
            "scopes": {
                "description": "What such clients may ask for.",
                "type": ["array", "null"],
                "items": { "type": "string", "pattern": "^[!#-\\[\\]-~]+$", "maxLength": SCOPE_OCTETS },
                "maxItems": SCOPES,
                "uniqueItems": true,
                "default": defaults.scopes,
            },
            "grant_types": {
                "description": "The grant types that they may have.",
                "type": ["array", "null"],
                "items": { "enum": GRANT_TYPES },
                "uniqueItems": true,
                "default": defaults.grant_types,
            },
            "clients": number("How many of them there may be.", defaults.clients, MOST_CLIENTS),
            "unused_days": number("One that was not used for so many days is taken away.", defaults.unused_days, MOST_DAYS),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::{SettingFault, TenantSettings};
    use super::*;

    #[test]
    fn a_tenant_is_closed_until_it_says_otherwise_and_each_fault_has_its_path() {
        let defaults = TenantSettings::default();
        assert_eq!(defaults.registration.mode, RegistrationMode::Closed);
        let given = json!({ "registration": { "mode": "token", "clients": 3, "scopes": ["openid", "reports:read"] } });
        let changed = defaults.changed(&given).unwrap();
        assert_eq!(changed.changed, ["registration"]);
        assert_eq!(changed.settings.registration.mode, RegistrationMode::Token);
        assert_eq!(changed.settings.registration.unused_days, 90);
        assert_eq!(TenantSettings::stored(&changed.settings.to_json()).unwrap(), changed.settings);
        let reset = changed.settings.changed(&json!({ "registration": null })).unwrap();
        assert_eq!(reset.settings, defaults);
        let known = |words: &[&'static str]| Wrong::NoSuchChoice { known: words.to_vec() };
        for (member, value, wrong) in [
            ("mode", json!("ajar"), known(&["closed", "token", "open"])),
            ("mode", json!(1), Wrong::NotText),
            ("clients", json!(0), Wrong::NotACount { most: MOST_CLIENTS }),
            ("clients", json!("9"), Wrong::NotANumber),
            ("unused_days", json!(3651), Wrong::NotACount { most: MOST_DAYS }),
            ("scopes", json!("openid"), Wrong::NotAList),
            ("scopes", json!(["a b"]), Wrong::NotAScope),
            ("scopes", json!(["a", "a"]), Wrong::Twice),
            ("grant_types", json!(["password"]), known(&GRANT_TYPES)),
            ("first_party", json!(true), Wrong::UnknownMember),
        ] {
            let faults = defaults.changed(&json!({ "registration": { member: value.clone() } })).unwrap_err();
            let path = format!("registration.{member}");
            assert_eq!(faults, [SettingFault { path: path.into(), wrong }], "{value}");
        }
    }
}
