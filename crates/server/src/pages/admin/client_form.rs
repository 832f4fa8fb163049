//! The form of a client: a table of all that can be said of one, by the names of RFC 7591 and of [`ClientSettings`]. What is
//! wrong comes back at its field, with all that was typed.

use oidc::client::{
    ApplicationType, ClientAuthMethod, ClientProfile, ClientSettings, GrantType, ResponseType, SubjectType,
};
use oidc::jose::{Algorithm, ClientAlgorithm, ContentEncryption, KeyManagement};
use serde_json::{Map, Value};
use terms::limits;

use crate::admin::ClientChanges;
use crate::pages::{Faults, FieldFault, Fields, View};

/// How a member is edited.
#[derive(Clone, Copy)]
enum Control {
    Text,
    Url,
    /// A whole number of seconds, and what it is when nothing is said; 0 where nothing is then.
    Seconds(u64),
    /// One value a line.
    Lines,
    /// A list of objects has no fields.
    Json,
    Flag,
    One(fn() -> Vec<Word>),
    Some(fn() -> Vec<Word>),
    /// The resource servers of the tenant.
    ResourceServers,
}

/// A word of a registry, and the key of what people call it; none for what goes by its name.
type Word = (&'static str, &'static str);

/// Who says it: the client of itself, or whoever administers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Client,
    Settings,
}

/// A member: its name, whose it is, how it is edited, and the keys of its label and hint.
struct Member(&'static str, Of, Control, &'static str, Option<&'static str>);

/// Members that belong together, under the key of their heading.
struct Group(&'static str, &'static [Member]);

const GROUPS: [Group; 8] = [
    Group(
        "admin-client-group-about",
        &[
            Member(
                "client_name",
                Of::Client,
                Control::Text,
                "admin-client-name",
                Some("admin-client-name-hint"),
            ),
            Member(
                "application_type",
                Of::Client,
                Control::One(application_types),
                "admin-client-application-type",
                Some("admin-client-application-type-hint"),
            ),
            Member(
                "first_party",
                Of::Settings,
                Control::Flag,
                "admin-client-first-party",
                Some("admin-client-first-party-hint"),
            ),
        ],
    ),
    Group(
        "admin-client-group-sign-in",
        &[
            Member(
                "redirect_uris",
                Of::Client,
                Control::Lines,
                "admin-client-redirect-uris",
                Some("admin-client-redirect-uris-hint"),
            ),
            Member(
                "initiate_login_uri",
                Of::Client,
                Control::Url,
                "admin-client-initiate",
                Some("admin-client-initiate-hint"),
            ),
            Member(
                "default_max_age",
                Of::Client,
                Control::Seconds(0),
                "admin-client-max-age",
                Some("admin-client-max-age-hint"),
            ),
            Member(
                "default_acr_values",
                Of::Client,
                Control::Lines,
                "admin-client-acr-values",
                Some("admin-client-acr-values-hint"),
            ),
            Member("require_auth_time", Of::Client, Control::Flag, "admin-client-auth-time", None),
            Member(
                "grant_types",
                Of::Client,
                Control::Some(grant_types),
                "admin-client-grant-types",
                Some("admin-client-grant-types-hint"),
            ),
            Member(
                "profile",
                Of::Settings,
                Control::One(profiles),
                "admin-client-profile",
                Some("admin-client-profile-hint"),
            ),
            Member(
                RESPONSE_TYPES,
                Of::Client,
                Control::Some(front_channel),
                "admin-client-response-types",
                Some("admin-client-response-types-hint"),
            ),
            Member("scope", Of::Client, Control::Text, "admin-client-scope", Some("admin-client-scope-hint")),
            Member(
                "resource_servers",
                Of::Settings,
                Control::ResourceServers,
                "admin-client-resource-servers",
                Some("admin-client-resource-servers-hint"),
            ),
        ],
    ),
    Group(
        "admin-client-group-sign-out",
        &[
            Member(
                "post_logout_redirect_uris",
                Of::Client,
                Control::Lines,
                "admin-client-post-logout-uris",
                Some("admin-one-a-line"),
            ),
            Member(
                "backchannel_logout_uri",
                Of::Client,
                Control::Url,
                "admin-client-back-logout",
                Some("admin-client-back-logout-hint"),
            ),
            Member(
                "backchannel_logout_session_required",
                Of::Client,
                Control::Flag,
                "admin-client-back-logout-session",
                Some("admin-client-back-logout-session-hint"),
            ),
            Member(
                "frontchannel_logout_uri",
                Of::Client,
                Control::Url,
                "admin-client-front-logout",
                Some("admin-client-front-logout-hint"),
            ),
            Member(
                "frontchannel_logout_session_required",
                Of::Client,
                Control::Flag,
                "admin-client-front-logout-session",
                Some("admin-client-front-logout-session-hint"),
            ),
        ],
    ),
    Group(
        "admin-client-group-authentication",
        &[
            Member(
                "token_endpoint_auth_method",
                Of::Client,
                Control::One(auth_methods),
                "admin-client-method",
                Some("admin-client-method-hint"),
            ),
            Member(
                "token_endpoint_auth_signing_alg",
                Of::Client,
                Control::One(auth_algorithms),
                "admin-client-auth-alg",
                Some("admin-client-auth-alg-hint"),
            ),
            Member(
                "jwks_uri",
                Of::Client,
                Control::Url,
                "admin-client-jwks-uri",
                Some("admin-client-jwks-uri-hint"),
            ),
            Member("jwks", Of::Client, Control::Json, "admin-client-jwks", Some("admin-client-jwks-hint")),
            Member(
                "request_object_signing_alg",
                Of::Client,
                Control::One(request_algorithms),
                "admin-client-request-alg",
                Some("admin-client-request-alg-hint"),
            ),
            Member(
                "request_uris",
                Of::Client,
                Control::Lines,
                "admin-client-request-uris",
                Some("admin-client-request-uris-hint"),
            ),
        ],
    ),
    Group(
        "admin-client-group-tokens",
        &[
            Member(
                "id_token_signed_response_alg",
                Of::Client,
                Control::One(algorithms),
                "admin-client-id-token-alg",
                None,
            ),
            Member(
                "id_token_lifetime",
                Of::Settings,
                Control::Seconds(limits::ID_TOKEN_LIFETIME.as_secs()),
                "admin-client-id-token-lifetime",
                Some("admin-client-token-lifetime-hint"),
            ),
            Member(
                "access_token_lifetime",
                Of::Settings,
                Control::Seconds(limits::ACCESS_TOKEN_LIFETIME.as_secs()),
                "admin-client-access-token-lifetime",
                Some("admin-client-access-token-lifetime-hint"),
            ),
            Member(
                "refresh_token_idle",
                Of::Settings,
                Control::Seconds(limits::REFRESH_TOKEN_IDLE.as_secs()),
                "admin-client-refresh-idle",
                Some("admin-client-refresh-idle-hint"),
            ),
            Member(
                "refresh_token_lifetime",
                Of::Settings,
                Control::Seconds(limits::REFRESH_TOKEN_LIFETIME.as_secs()),
                "admin-client-refresh-lifetime",
                Some("admin-client-refresh-lifetime-hint"),
            ),
            Member(
                "rotate_refresh_tokens",
                Of::Settings,
                Control::Flag,
                "admin-client-rotate",
                Some("admin-client-rotate-hint"),
            ),
            Member(
                "id_token_claims",
                Of::Settings,
                Control::Flag,
                "admin-client-id-token-claims",
                Some("admin-client-id-token-claims-hint"),
            ),
        ],
    ),
    Group(
        "admin-client-group-answers",
        &[
            Member(
                "userinfo_signed_response_alg",
                Of::Client,
                Control::One(userinfo_algorithms),
                "admin-client-userinfo-alg",
                Some("admin-client-userinfo-alg-hint"),
            ),
            Member(
                "userinfo_encrypted_response_alg",
                Of::Client,
                Control::One(key_managements),
                "admin-client-userinfo-encryption",
                Some("admin-client-encryption-hint"),
            ),
            Member(
                "userinfo_encrypted_response_enc",
                Of::Client,
                Control::One(content_encryptions),
                "admin-client-userinfo-content",
                None,
            ),
            Member(
                "id_token_encrypted_response_alg",
                Of::Client,
                Control::One(key_managements),
                "admin-client-id-token-encryption",
                Some("admin-client-encryption-hint"),
            ),
            Member(
                "id_token_encrypted_response_enc",
                Of::Client,
                Control::One(content_encryptions),
                "admin-client-id-token-content",
                None,
            ),
        ],
    ),
    Group(
        "admin-client-group-names",
        &[
            Member(
                "subject_type",
                Of::Client,
                Control::One(subject_types),
                "admin-client-subject-type",
                Some("admin-client-subject-type-hint"),
            ),
            Member(
                "sector_identifier_uri",
                Of::Client,
                Control::Url,
                "admin-client-sector",
                Some("admin-client-sector-hint"),
            ),
        ],
    ),
    Group(
        "admin-client-group-links",
        &[
            Member("client_uri", Of::Client, Control::Url, "admin-client-uri", None),
            Member("logo_uri", Of::Client, Control::Url, "admin-client-logo-uri", None),
            Member("tos_uri", Of::Client, Control::Url, "admin-client-tos-uri", None),
            Member("policy_uri", Of::Client, Control::Url, "admin-client-policy-uri", None),
            Member("contacts", Of::Client, Control::Lines, "admin-client-contacts", Some("admin-one-a-line")),
            Member("software_id", Of::Client, Control::Text, "admin-client-software-id", None),
            Member("software_version", Of::Client, Control::Text, "admin-client-software-version", None),
        ],
    ),
];

fn application_types() -> Vec<Word> {
    let key = |kind: ApplicationType| match kind {
        ApplicationType::Web => "admin-client-web",
        ApplicationType::Native => "admin-client-native",
    };
    ApplicationType::ALL.iter().map(|kind| (kind.as_str(), key(*kind))).collect()
}

fn grant_types() -> Vec<Word> {
    let key = |kind: GrantType| match kind {
        GrantType::AuthorizationCode => "admin-client-by-code",
        GrantType::RefreshToken => "admin-client-by-refresh",
        GrantType::ClientCredentials => "admin-client-by-credentials",
        GrantType::DeviceCode => "admin-client-by-device",
        GrantType::Implicit => "admin-client-by-browser",
    };
    GrantType::ALL.iter().map(|kind| (kind.as_str(), key(*kind))).collect()
}

/// The one whose words follow in part from another member: a code is an answer exactly where a code is a grant.
const RESPONSE_TYPES: &str = "response_types";

fn front_channel() -> Vec<Word> {
    let kinds = ResponseType::ALL.iter().filter(|kind| kind.is_front_channel());
    kinds.map(|kind| (kind.as_str(), "")).collect()
}

fn profiles() -> Vec<Word> {
    let key = |profile: ClientProfile| match profile {
        ClientProfile::Standard => "admin-client-standard",
        ClientProfile::OidcLegacy => "admin-client-legacy",
    };
    ClientProfile::ALL.iter().map(|profile| (profile.as_str(), key(*profile))).collect()
}

const fn method_key(method: ClientAuthMethod) -> &'static str {
    match method {
        ClientAuthMethod::None => "admin-client-auth-none",
        ClientAuthMethod::ClientSecretBasic => "admin-client-auth-basic",
        ClientAuthMethod::ClientSecretPost => "admin-client-auth-post",
        ClientAuthMethod::ClientSecretJwt => "admin-client-auth-secret-jwt",
        ClientAuthMethod::PrivateKeyJwt => "admin-client-auth-key-jwt",
    }
}

/// How people call a way to authenticate.
pub fn method_name(view: View<'_>, method: ClientAuthMethod) -> String {
    view.text(method_key(method))
}

fn auth_methods() -> Vec<Word> {
    ClientAuthMethod::ALL.iter().map(|method| (method.as_str(), method_key(*method))).collect()
}

fn auth_algorithms() -> Vec<Word> {
    client_algorithms("admin-client-any-alg")
}

fn request_algorithms() -> Vec<Word> {
    client_algorithms("admin-client-any-request-alg")
}

fn client_algorithms(any: &'static str) -> Vec<Word> {
    let each = ClientAlgorithm::all().map(|algorithm| (algorithm.as_str(), ""));
    std::iter::once(("", any)).chain(each).collect()
}

fn algorithms() -> Vec<Word> {
    Algorithm::ALL.iter().map(|algorithm| (algorithm.as_str(), "")).collect()
}

fn userinfo_algorithms() -> Vec<Word> {
    std::iter::once(("", "admin-client-not-signed")).chain(algorithms()).collect()
}

fn key_managements() -> Vec<Word> {
    let each = KeyManagement::ALL.map(|it| (it.as_str(), ""));
    std::iter::once(("", "admin-client-not-encrypted")).chain(each).collect()
}

fn content_encryptions() -> Vec<Word> {
    let each = ContentEncryption::ALL.map(|it| (it.as_str(), ""));
    std::iter::once(("", "admin-client-usual-content")).chain(each).collect()
}

fn subject_types() -> Vec<Word> {
    let key = |kind: SubjectType| match kind {
        SubjectType::Public => "admin-client-public",
        SubjectType::Pairwise => "admin-client-pairwise",
    };
    SubjectType::ALL.iter().map(|kind| (kind.as_str(), key(*kind))).collect()
}

/// A word that can be chosen.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
    /// Of a box: its own name.
    pub name: String,
}

/// A field of the form.
pub struct Field {
    pub name: &'static str,
    pub label: String,
    pub hint: Option<String>,
    pub kind: &'static str,
    pub value: String,
    pub is_on: bool,
    pub placeholder: String,
    pub choices: Vec<Choice>,
}

pub struct FieldGroup {
    pub heading: String,
    pub fields: Vec<Field>,
}

type Text<'a> = Box<dyn Fn(&Member) -> String + Send + Sync + 'a>;
type Ticked<'a> = Box<dyn Fn(&Member, &str) -> bool + Send + Sync + 'a>;

/// What the form holds: by its name, one text, or the words that are chosen.
pub struct Written<'a> {
    text: Text<'a>,
    /// Whether a box is ticked: of a flag the member itself, else one of its words.
    ticked: Ticked<'a>,
    /// Every resource server that is chosen.
    resource_servers: Vec<String>,
}

impl<'a> Written<'a> {
    /// As a client stands.
    pub fn of(metadata: &'a Value, settings: &ClientSettings) -> Self {
        let resource_servers = settings.resource_servers.iter().map(|it| it.as_str().to_owned()).collect();
        let settings = serde_json::to_value(settings).unwrap_or_default();
        let beside = settings.clone();
        let text = move |member: &Member| stored_text(member.of(metadata, &settings));
        let ticked = move |member: &Member, word: &str| match member.of(metadata, &beside) {
            Value::Bool(flag) => *flag,
            Value::Array(words) => words.iter().any(|it| it == word),
            _ => false,
        };
        Self { text: Box::new(text), ticked: Box::new(ticked), resource_servers }
    }

    /// As it was sent.
    pub fn again(form: &'a Fields) -> Self {
        let ticked = |member: &Member, word: &str| match member.2 {
            Control::Some(_) => !form.value(&format!("{}.{word}", member.0)).is_empty(),
            _ => !form.value(member.0).is_empty(),
        };
        Self {
            text: Box::new(|member| form.value(member.0).to_owned()),
            ticked: Box::new(ticked),
            resource_servers: form.names_after("resource_servers.").map(str::to_owned).collect(),
        }
    }

    /// The form, with the resource servers that the tenant has.
    pub fn groups(&self, view: View<'_>, resource_servers: &[String]) -> Vec<FieldGroup> {
        let group = |Group(heading, members): &Group| FieldGroup {
            heading: view.text(heading),
            fields: members.iter().map(|member| self.field(view, member, resource_servers)).collect(),
        };
        GROUPS.iter().map(group).collect()
    }

    fn field(&self, view: View<'_>, member: &Member, resource_servers: &[String]) -> Field {
        let Member(name, _, control, label, hint) = *member;
        let value = (self.text)(member);
        let choice = |(word, key): Word, is_chosen: bool| Choice {
            value: word.to_owned(),
            label: if key.is_empty() { word.to_owned() } else { view.text(key) },
            is_chosen,
            name: format!("{name}.{word}"),
        };
        let (kind, choices) = match control {
            Control::Text => ("text", Vec::new()),
            Control::Url => ("url", Vec::new()),
            Control::Seconds(_) => ("seconds", Vec::new()),
            Control::Lines => ("lines", Vec::new()),
            Control::Json => ("json", Vec::new()),
            Control::Flag => ("flag", Vec::new()),
            Control::One(words) => {
                ("one", words().into_iter().map(|word| choice(word, word.0 == value)).collect())
            }
            Control::Some(words) => {
                let ticked = |word: Word| choice(word, (self.ticked)(member, word.0));
                ("some", words().into_iter().map(ticked).collect())
            }
            // One that is chosen and no longer there stays to be seen.
            Control::ResourceServers => ("some", self.servers(name, resource_servers)),
        };
        let placeholder = match control {
            Control::Seconds(usual) if usual > 0 => usual.to_string(),
            Control::Url => "https://".to_owned(),
            _ => String::new(),
        };
        Field {
            name,
            label: view.text(label),
            hint: hint.map(|hint| view.text(hint)),
            kind,
            is_on: kind == "flag" && (self.ticked)(member, ""),
            value,
            placeholder,
            choices,
        }
    }

    fn servers(&self, name: &str, known: &[String]) -> Vec<Choice> {
        let gone = self.resource_servers.iter().filter(|chosen| !known.contains(chosen));
        let choice = |server: &String| Choice {
            value: server.clone(),
            label: server.clone(),
            is_chosen: self.resource_servers.contains(server),
            name: format!("{name}.{server}"),
        };
        known.iter().chain(gone).map(choice).collect()
    }

    /// All that is said of the client, in place of what was said before.
    pub fn changes(&self, view: View<'_>) -> Result<ClientChanges, Faults> {
        let (mut metadata, mut settings, mut faults) = (Map::new(), Map::new(), Vec::new());
        for member in GROUPS.iter().flat_map(|Group(_, members)| *members) {
            let Ok(value) = self.given(member) else {
                faults.push(FieldFault { field: member.0, text: view.text("admin-client-not-json") });
                continue;
            };
            match member.1 {
                Of::Client => drop(value.map(|value| metadata.insert(member.0.to_owned(), value))),
                // What is left out has its default, whatever it was before.
                Of::Settings => {
                    drop(settings.insert(member.0.to_owned(), value.unwrap_or_default()));
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults.into_iter().collect());
        }
        add_code(&mut metadata);
        Ok(ClientChanges {
            metadata: Value::Object(metadata),
            whole: true,
            first_party: None,
            rotate_refresh_tokens: None,
            settings,
        })
    }

    /// What a member is set to. Nothing where it is left empty.
    fn given(&self, member: &Member) -> Result<Option<Value>, NotJson> {
        let text = (self.text)(member);
        let text = text.trim();
        let filled = (!text.is_empty()).then_some(text);
        Ok(match member.2 {
            Control::Text | Control::Url | Control::One(_) => filled.map(Value::from),
            // What is no number is told to be none.
            Control::Seconds(_) => {
                filled.map(|text| text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from))
            }
            Control::Lines => {
                let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                (!lines.is_empty()).then(|| Value::from(lines))
            }
            Control::Json => {
                filled.map(|text| serde_json::from_str(text).map_err(|_| NotJson)).transpose()?
            }
            Control::Flag => (self.ticked)(member, "").then_some(Value::Bool(true)),
            Control::Some(words) => {
                let words = words().into_iter().filter(|(word, _)| (self.ticked)(member, word));
                Some(words.map(|(word, _)| word).collect())
            }
            Control::ResourceServers => Some(self.resource_servers.clone().into()),
        })
    }
}

/// RFC 7591 section 2.1: the two lists must fit. Without a word of its own the list of answers follows from the grants.
fn add_code(metadata: &mut Map<String, Value>) {
    let by_code = metadata
        .get("grant_types")
        .and_then(Value::as_array)
        .is_some_and(|grants| grants.iter().any(|grant| grant == GrantType::AuthorizationCode.as_str()));
    match metadata.get_mut(RESPONSE_TYPES).and_then(Value::as_array_mut) {
        Some(chosen) if chosen.is_empty() => drop(metadata.remove(RESPONSE_TYPES)),
        Some(chosen) if by_code => chosen.push(ResponseType::Code.as_str().into()),
        Some(_) | None => {}
    }
}

struct NotJson;

impl Member {
    /// Its value, of a client's metadata or settings.
    fn of<'v>(&self, metadata: &'v Value, settings: &'v Value) -> &'v Value {
        match self.1 {
            Of::Client => &metadata[self.0],
            Of::Settings => &settings[self.0],
        }
    }
}

fn stored_text(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        Value::Object(_) => {
            let pretty = serde_json::to_string_pretty(value).unwrap_or_default();
            // What doesn't fit a form's field with blanks may without.
            if pretty.len() > limits::PARAMETER_BYTES { value.to_string() } else { pretty }
        }
        Value::Number(number) => number.to_string(),
    }
}

/// What was refused, at the fields that it is about; the rest apart. Each reason begins with the member that it is about.
pub fn at_fields(view: View<'_>, reasons: Vec<String>) -> (Faults, Vec<String>) {
    let (mut faults, mut others) = (Vec::new(), Vec::new());
    for reason in reasons {
        let about = reason.split_once(": ").and_then(|(name, detail)| {
            let members = GROUPS.iter().flat_map(|Group(_, members)| *members);
            let field = members.map(|member| member.0).find(|member| *member == name)?;
            Some(FieldFault { field, text: view.text_with("admin-client-refused", "detail", &detail) })
        });
        match about {
            Some(fault) => faults.push(fault),
            None => others.push(reason),
        }
    }
    (faults.into_iter().collect(), others)
}

/// One thing that is said of a client, as a person reads it.
pub struct Fact {
    pub label: String,
    /// In words, or as it is written.
    pub words: Vec<String>,
    pub written: Vec<String>,
}

pub struct FactGroup {
    pub heading: String,
    pub facts: Vec<Fact>,
}

/// All that is said of a client. What is left at its default and says nothing is left out.
pub fn facts(view: View<'_>, metadata: &Value, settings: &ClientSettings) -> Vec<FactGroup> {
    let settings = serde_json::to_value(settings).unwrap_or_default();
    let fact = |member: &Member| {
        let value = member.of(metadata, &settings);
        let words = match member.2 {
            Control::One(words) | Control::Some(words) => words(),
            _ => Vec::new(),
        };
        let (mut said, mut written) = (Vec::new(), Vec::new());
        let mut word = |text: &str| match words.iter().find(|(word, _)| *word == text) {
            Some((_, key)) if !key.is_empty() => said.push(view.text(key)),
            _ => written.push(text.to_owned()),
        };
        match value {
            Value::Null => {}
            Value::Bool(flag) => said.push(view.text(if *flag { "admin-yes" } else { "admin-no" })),
            Value::Array(values) => values.iter().filter_map(Value::as_str).for_each(&mut word),
            Value::String(text) => word(text),
            other => written.push(stored_text(other)),
        }
        let is_said = !(said.is_empty() && written.is_empty());
        is_said.then(|| Fact { label: view.text(member.3), words: said, written })
    };
    let group = |Group(heading, members): &Group| FactGroup {
        heading: view.text(heading),
        facts: members.iter().filter_map(fact).collect(),
    };
    GROUPS.iter().map(group).filter(|group: &FactGroup| !group.facts.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use oidc::client::ClientMetadata;
    use serde_json::json;
    use std::collections::BTreeSet;

    /// Of metadata with every member that there is. Together they fit no client, apart they do.
    #[test]
    fn every_member_of_a_client_has_one_field() {
        let both = [
            json!({
                "client_name": "App", "redirect_uris": ["https://a.example/cb"], "post_logout_redirect_uris": ["https://a.example/bye"],
                "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
                "jwks_uri": "https://a.example/jwks", "request_object_signing_alg": "ES256",
                "request_uris": ["https://a.example/r"], "default_acr_values": ["1"], "subject_type": "pairwise", "sector_identifier_uri": "https://a.example/sector",
                "contacts": ["a@a.example"], "client_uri": "https://a.example", "logo_uri": "https://a.example/l",
                "policy_uri": "https://a.example/p", "tos_uri": "https://a.example/t", "initiate_login_uri": "https://a.example/i",
                "default_max_age": 1, "require_auth_time": true, "software_id": "a", "software_version": "1",
                "userinfo_signed_response_alg": "ES256", "userinfo_encrypted_response_alg": "ECDH-ES",
                "id_token_encrypted_response_alg": "RSA-OAEP-256", "id_token_encrypted_response_enc": "A256GCM",
            }),
            json!({
                "redirect_uris": ["https://a.example/cb"], "jwks": { "keys": [] },
                "backchannel_logout_uri": "https://a.example/b", "backchannel_logout_session_required": true,
                "frontchannel_logout_uri": "https://a.example/f", "frontchannel_logout_session_required": true,
            }),
        ];
        let mut all: BTreeSet<(String, bool)> = BTreeSet::new();
        for metadata in both {
            let Value::Object(members) = ClientMetadata::parse(&metadata).unwrap().to_json() else {
                panic!()
            };
            all.extend(members.into_iter().map(|(name, _)| (name, true)));
        }
        let Ok(Value::Object(settings)) = serde_json::to_value(ClientSettings::default()) else { panic!() };
        all.extend(settings.into_iter().map(|(name, _)| (name, false)));
        let members = GROUPS.iter().flat_map(|Group(_, members)| *members);
        let fields: Vec<(String, bool)> =
            members.map(|member| (member.0.to_owned(), member.1 == Of::Client)).collect();
        let once: BTreeSet<_> = fields.iter().cloned().collect();
        assert_eq!((fields.len(), once), (all.len(), all));
    }
}
