//! A person, and what is known of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use terms::{CanonicalUsername, EmailAddress, Language, Subject, Timestamp, UserId};
use url::Url;

/// A person within a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// What relying parties see as `sub`. Never changes.
    pub subject: Subject,
    /// Where accounts have one: within a tenant nobody else's.
    pub username: Option<CanonicalUsername>,
    /// Invariant: at most one is primary.
    pub emails: Vec<UserEmail>,
    pub profile: Profile,
    pub created_at: Timestamp,
    /// When something that claims tell of was last changed.
    pub updated_at: Timestamp,
    /// Set by an administrator: nothing may be issued for this user.
    pub disabled_at: Option<Timestamp>,
    /// The language that this person chose for pages and mails. Relying parties aren't told; their claim is `locale`.
    pub language: Option<Language>,
}

impl User {
    /// Whether anything may be issued for this user.
    pub fn is_enabled(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// The address that stands in the `email` claim.
    pub fn primary_email(&self) -> Option<&UserEmail> {
        self.emails.iter().find(|email| email.is_primary)
    }

    /// What this person is told apart by: the primary address, else the username; empty where there is neither.
    pub fn identifier(&self) -> &str {
        let username = || self.username.as_ref().map_or("", CanonicalUsername::as_str);
        self.primary_email().map_or_else(username, |email| email.address.as_written())
    }

    /// What a page calls this person: the name, else the primary address, else the username, else the subject.
    pub fn display_name(&self) -> &str {
        let identifier = || Some(self.identifier()).filter(|identifier| !identifier.is_empty());
        self.profile.name.as_deref().or_else(identifier).unwrap_or(self.subject.as_str())
    }
}

/// An email address of a user. Within a tenant its canonical form belongs to one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEmail {
    pub address: EmailAddress,
    pub verified_at: Option<Timestamp>,
    pub is_primary: bool,
}

/// What a user tells of themselves: the standard claims of OpenID Connect Core section 5.1 that are stored.
/// (`sub`, `email`, `email_verified` and `updated_at` come from the [`User`].)
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
}

/// The `address` claim (OpenID Connect Core section 5.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// Why a profile was refused: which member, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFault {
    /// The path of the member, such as `address.country`; empty for the whole.
    pub member: String,
    pub problem: &'static str,
}

impl fmt::Display for ProfileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.member.is_empty() {
            f.write_str(self.problem)
        } else {
            write!(f, "{}: {}", self.member, self.problem)
        }
    }
}

/// Characters of a one-line member.
const LINE_CHARACTERS: usize = 255;
/// Characters of a member that may have several lines.
const LINES_CHARACTERS: usize = 1024;
/// Octets of a URL.
const URL_BYTES: usize = 2048;

type Check = fn(&str) -> Result<(), &'static str>;

/// The text members of a profile and what is asked of each (OpenID Connect Core section 5.1).
const TEXT_MEMBERS: [(&str, Check); 14] = [
    ("name", line),
    ("given_name", line),
    ("family_name", line),
    ("middle_name", line),
    ("nickname", line),
    ("preferred_username", line),
    ("profile", web_address),
    ("picture", web_address),
    ("website", web_address),
    ("gender", line),
    ("birthdate", birthdate),
    ("zoneinfo", zoneinfo),
    ("locale", locale),
    ("phone_number", phone_number),
];

const ADDRESS_MEMBERS: [(&str, Check); 6] = [
    ("formatted", lines),
    ("street_address", lines),
    ("locality", line),
    ("region", line),
    ("postal_code", line),
    ("country", line),
];

impl Profile {
    /// Reads a profile from JSON that an operator gives: known members only, each in its form, every fault at once.
    pub fn parse(json: &str) -> Result<Self, Vec<ProfileFault>> {
        let whole = |problem| vec![ProfileFault { member: String::new(), problem }];
        let value: Value = serde_json::from_str(json).map_err(|_| whole("the profile is not JSON"))?;
        let Value::Object(members) = value else { return Err(whole("the profile is not a JSON object")) };
        let mut faults = Vec::new();
        for (name, value) in &members {
            check_member(name, value, &mut faults);
        }
        if members.get("phone_number_verified").is_some() && !members.contains_key("phone_number") {
            faults.push(fault("phone_number_verified", "there is no phone_number that it could tell of"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        serde_json::from_value(Value::Object(members))
            .map_err(|_| whole("the profile does not have the form of one"))
    }
}

fn fault(member: &str, problem: &'static str) -> ProfileFault {
    ProfileFault { member: member.to_owned(), problem }
}

fn check_member(name: &str, value: &Value, faults: &mut Vec<ProfileFault>) {
    match (name, value) {
        ("address", Value::Object(members)) => check_address(members, faults),
        ("address", _) => faults.push(fault(name, "must be an object (OpenID Connect Core section 5.1.1)")),
        ("phone_number_verified", Value::Bool(_)) => {}
        ("phone_number_verified", _) => faults.push(fault(name, "must be true or false")),
        ("sub" | "email" | "email_verified" | "updated_at", _) => {
            faults.push(fault(name, "is not part of the profile: Portico sets it itself"));
        }
        _ => check_text(name, name, value, &TEXT_MEMBERS, faults),
    }
}

fn check_address(members: &Map<String, Value>, faults: &mut Vec<ProfileFault>) {
    if members.is_empty() {
        faults.push(fault("address", "is empty: leave it out"));
    }
    for (name, value) in members {
        check_text(name, &format!("address.{name}"), value, &ADDRESS_MEMBERS, faults);
    }
}

fn check_text(
    name: &str,
    path: &str,
    value: &Value,
    known: &[(&str, Check)],
    faults: &mut Vec<ProfileFault>,
) {
    let Some((_, check)) = known.iter().find(|(known, _)| *known == name) else {
        return faults.push(fault(path, "is no standard claim (OpenID Connect Core section 5.1)"));
    };
    let Value::String(text) = value else { return faults.push(fault(path, "must be a string")) };
    if let Err(problem) = check(text) {
        faults.push(fault(path, problem));
    }
}

fn line(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("is empty: leave it out")
    } else if text.chars().count() > LINE_CHARACTERS {
        Err("is longer than 255 characters")
    } else if text.chars().any(char::is_control) {
        Err("has a control character or a line break")
    } else {
        Ok(())
    }
}

fn lines(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("is empty: leave it out")
    } else if text.chars().count() > LINES_CHARACTERS {
        Err("is longer than 1024 characters")
    } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r') {
        Err("has a control character other than a line break")
    } else {
        Ok(())
    }
}

fn web_address(text: &str) -> Result<(), &'static str> {
    const PROBLEM: &str =
        "must be an http or https URL of at most 2048 octets, without a user name or password";
    let url = Url::parse(text).map_err(|_| PROBLEM)?;
    let plain =
        matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none();
    let written = text.bytes().all(|b| b.is_ascii_graphic()) && text.len() <= URL_BYTES;
    if plain && written { Ok(()) } else { Err(PROBLEM) }
}

/// `YYYY-MM-DD`, `0000-MM-DD` when the year is not told, or `YYYY` (OpenID Connect Core section 5.1).
fn birthdate(text: &str) -> Result<(), &'static str> {
    const PROBLEM: &str = "must be a date YYYY-MM-DD, 0000-MM-DD or YYYY";
    let number = |part: &str, digits: usize| -> Option<u16> {
        (part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse().ok())
            .flatten()
    };
    let parts: Vec<&str> = text.split('-').collect();
    let is_date = match parts.as_slice() {
        [year] => number(year, 4).is_some_and(|year| year > 0),
        [year, month, day] => match (number(year, 4), number(month, 2), number(day, 2)) {
            (Some(year), Some(month), Some(day)) => (1..=days_of(year, month)).contains(&day),
            _ => false,
        },
        _ => false,
    };
    if is_date { Ok(()) } else { Err(PROBLEM) }
}

/// Days of a month; none for a month that doesn't exist. The untold year 0 may be a leap year.
fn days_of(year: u16, month: u16) -> u16 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u16::from(leap),
        _ => 0,
    }
}

fn zoneinfo(text: &str) -> Result<(), &'static str> {
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b))
    };
    let is_name = text.len() <= 64 && text.split('/').count() <= 3 && text.split('/').all(part);
    if is_name { Ok(()) } else { Err("must be a name of the time zone database, such as Europe/Warsaw") }
}

/// A language tag in the form of RFC 5646 section 2.1, or with an underscore, which OpenID Connect Core section 5.1 allows.
fn locale(text: &str) -> Result<(), &'static str> {
    let mut parts = text.split(['-', '_']);
    let language = parts
        .next()
        .is_some_and(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest =
        parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if language && rest && text.len() <= 64 { Ok(()) } else { Err("must be a language tag, such as en-US") }
}

/// E.164, with an extension as in RFC 3966 section 3 where there is one (OpenID Connect Core section 5.1).
fn phone_number(text: &str) -> Result<(), &'static str> {
    let (number, extension) =
        text.split_once(";ext=").map_or((text, None), |(number, ext)| (number, Some(ext)));
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let is_number = number
        .strip_prefix('+')
        .is_some_and(|rest| digits(rest, 15) && rest.len() >= 4 && !rest.starts_with('0'));
    let is_extension = extension.is_none_or(|text| digits(text, 10));
    if is_number && is_extension {
        Ok(())
    } else {
        Err("must be in E.164 form, such as +48221234567 or +48221234567;ext=12")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_profile_is_read_and_written_alike() {
        let json = r#"{"name":"Zo\u00eb Q.","given_name":"Zo\u00eb","family_name":"Q","middle_name":"M","nickname":"z",
            "preferred_username":"zoe","profile":"https://x.test/z","picture":"https://x.test/z.png","website":"http://z.test/",
            "gender":"female","birthdate":"0000-02-29","zoneinfo":"America/Argentina/Ushuaia","locale":"es_AR",
            "address":{"formatted":"1 Road\nTown","country":"AR"},"phone_number":"+541112345678;ext=9","phone_number_verified":true}"#;
        let profile = Profile::parse(json).unwrap();
        assert_eq!(serde_json::to_value(&profile).unwrap(), serde_json::from_str::<Value>(json).unwrap());
        assert_eq!(Profile::parse("{}").unwrap(), Profile::default());
    }

    #[test]
    fn every_fault_is_told_with_its_member() {
        for (json, member) in [
            ("x", ""),
            ("[]", ""),
            (r#"{"nick":"a"}"#, "nick"),
            (r#"{"email":"a@x.test"}"#, "email"),
            (r#"{"sub":"1"}"#, "sub"),
            (r#"{"updated_at":1}"#, "updated_at"),
            (r#"{"name":null}"#, "name"),
            (r#"{"name":""}"#, "name"),
            (r#"{"name":"a\nb"}"#, "name"),
            (r#"{"website":"javascript:alert(1)"}"#, "website"),
            (r#"{"picture":"https://u:p@x.test/"}"#, "picture"),
            (r#"{"birthdate":"2001-02-29"}"#, "birthdate"),
            (r#"{"birthdate":"01-02-2001"}"#, "birthdate"),
            (r#"{"zoneinfo":"Europe//Warsaw"}"#, "zoneinfo"),
            (r#"{"locale":"e"}"#, "locale"),
            (r#"{"phone_number":"0221234567"}"#, "phone_number"),
            (r#"{"phone_number_verified":true}"#, "phone_number_verified"),
            (r#"{"address":"street"}"#, "address"),
            (r#"{"address":{}}"#, "address"),
            (r#"{"address":{"planet":"x"}}"#, "address.planet"),
        ] {
            let faults = Profile::parse(json).unwrap_err();
            assert_eq!(
                faults.iter().map(|fault| fault.member.as_str()).collect::<Vec<_>>(),
                [member],
                "{json}"
            );
        }
        assert_eq!(Profile::parse(r#"{"name":1,"locale":"?","x":1}"#).unwrap_err().len(), 3);
    }
}
