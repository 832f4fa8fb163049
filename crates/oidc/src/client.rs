//! Clients: OAuth relying parties, and the metadata by which they are registered (RFC 7591 section 2, OpenID Connect
//! Registration section 2).

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use terms::{ClientId, Timestamp, limits};
use url::Url;

use crate::jose::{Algorithm, ClientAlgorithm, ClientKeys};
use crate::redirect_uri::{RedirectKind, RedirectUri, RegisteredRedirectUri, find_registered};
use crate::resource_server::{ResourceIdentifier, ResourceServer};
use crate::scope::Scope;

/// A closed list of words of a registry, with their wire forms.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every one, in the order in which they are listed.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The one that this word names.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}

words! {
    /// How a client proves who it is at the token endpoint (RFC 7591 section 2).
    ClientAuthMethod {
        /// A public client (RFC 6749 section 2.1): it proves nothing.
        None = "none",
        /// RFC 6749 section 2.3.1, in the `Authorization` header.
        ClientSecretBasic = "client_secret_basic",
        /// RFC 6749 section 2.3.1, in the form.
        ClientSecretPost = "client_secret_post",
        /// An assertion that the client's secret authenticates (RFC 7523 section 2.2, OpenID Connect Core section 9).
        ClientSecretJwt = "client_secret_jwt",
        /// An assertion that the client signed with a key of its own (RFC 7523 section 2.2, OpenID Connect Core section 9).
        PrivateKeyJwt = "private_key_jwt",
    }

    /// RFC 7591 section 2.
    GrantType {
        /// RFC 6749 section 4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 section 6.
        RefreshToken = "refresh_token",
        /// RFC 6749 section 4.4.
        ClientCredentials = "client_credentials",
        /// RFC 6749 section 4.2: tokens out of the authorization endpoint. Nothing asks for it at the token endpoint.
        Implicit = "implicit",
    }

    /// RFC 6749 section 3.1.1, OAuth 2.0 Multiple Response Type Encoding Practices sections 3 and 5. There is no `token` alone: it
    /// says nobody for whom it is (RFC 9700 section 2.1.2).
    ResponseType {
        /// RFC 6749 section 4.1.
        Code = "code",
        /// OpenID Connect Core section 3.2.
        IdToken = "id_token",
        /// OpenID Connect Core section 3.2.
        IdTokenToken = "id_token token",
        /// OpenID Connect Core section 3.3.
        CodeIdToken = "code id_token",
        /// OpenID Connect Core section 3.3.
        CodeToken = "code token",
        /// OpenID Connect Core section 3.3.
        CodeIdTokenToken = "code id_token token",
    }

    /// Which rules a client is held to beyond those of every client.
    #[derive(Default)]
    ClientProfile {
        /// None.
        #[default]
        Standard = "standard",
        /// May have tokens out of the authorization endpoint (OpenID Connect Core sections 3.2 and 3.3), which RFC 9700 section 2.1.2
        /// advises against: for clients that can't be changed any more.
        OidcLegacy = "oidc-legacy",
    }

    /// By what name it knows people (OpenID Connect Core section 8).
    SubjectType {
        /// The same as every other client.
        Public = "public",
        /// One that only the clients of its sector know.
        Pairwise = "pairwise",
    }

    /// OpenID Connect Registration section 2.
    ApplicationType {
        /// Runs on a server or in a browser.
        Web = "web",
        /// Is installed on a device (RFC 8252).
        Native = "native",
    }
}

impl ResponseType {
    /// Reads a list of words: their order means nothing (OAuth 2.0 Multiple Response Type Encoding Practices section 3).
    pub fn of_words(text: &str) -> Option<Self> {
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            words.sort_unstable();
            words
        };
        let asked = sorted(text);
        Self::ALL.iter().copied().find(|it| sorted(it.as_str()) == asked)
    }

    fn has(self, word: &str) -> bool {
        self.as_str().split(' ').any(|it| it == word)
    }

    /// Whether a code is part of the answer.
    pub fn has_code(self) -> bool {
        self.has("code")
    }

    /// Whether an ID token is.
    pub fn has_id_token(self) -> bool {
        self.has("id_token")
    }

    /// Whether an access token is.
    pub fn has_token(self) -> bool {
        self.has("token")
    }

    /// Whether a token of any kind passes through the browser.
    pub fn is_front_channel(self) -> bool {
        self.has_id_token() || self.has_token()
    }

    /// Those that a tenant has, in the order in which they are listed.
    pub fn offered(legacy: bool) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |it| legacy || !it.is_front_channel())
    }
}

impl GrantType {
    /// Those that a tenant has, in the order in which they are listed.
    pub fn offered(legacy: bool) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |it| legacy || *it != Self::Implicit)
    }
}

impl Serialize for ClientProfile {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ClientProfile {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("no such profile"))
    }
}

/// Whose clients may have tokens out of the authorization endpoint: what a tenant decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyClients {
    /// Nobody's.
    None,
    /// Those to whom the operator gave [`ClientProfile::OidcLegacy`].
    Profiled,
    /// Every client that registered such a response type, itself or by the operator.
    All,
}

impl LegacyClients {
    /// Whether this client may.
    pub fn include(self, client: &Client) -> bool {
        match self {
            Self::None => false,
            Self::Profiled => client.settings.profile == ClientProfile::OidcLegacy,
            Self::All => true,
        }
    }
}

/// One thing that is wrong with client metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataFault {
    /// The member, by its registered name.
    pub member: String,
    /// What is wrong with its value.
    pub reason: String,
}

impl MetadataFault {
    /// The `error` of RFC 7591 section 3.2.2.
    pub fn code(&self) -> &'static str {
        if self.member == "redirect_uris" { "invalid_redirect_uri" } else { "invalid_client_metadata" }
    }
}

impl fmt::Display for MetadataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.member, self.reason)
    }
}

/// How a client's secrets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKeeping {
    /// It has none.
    None,
    /// They only need to be recognised.
    Hashed,
    /// They are needed as they are, for a MAC.
    Sealed,
}

impl ClientAuthMethod {
    /// How a client with this method has its secrets kept.
    pub const fn secret_keeping(self) -> SecretKeeping {
        match self {
            Self::None | Self::PrivateKeyJwt => SecretKeeping::None,
            Self::ClientSecretBasic | Self::ClientSecretPost => SecretKeeping::Hashed,
            Self::ClientSecretJwt => SecretKeeping::Sealed,
        }
    }

    /// Whether an assertion of this algorithm can be of this method (OpenID Connect Core section 9).
    pub const fn signs_with(self, algorithm: ClientAlgorithm) -> bool {
        match self {
            Self::None | Self::ClientSecretBasic | Self::ClientSecretPost => false,
            Self::ClientSecretJwt => matches!(algorithm, ClientAlgorithm::Hs256),
            Self::PrivateKeyJwt => matches!(algorithm, ClientAlgorithm::Signature(_)),
        }
    }
}

/// A client's keys as it registered them: the JSON, which is given back, and what was read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredKeys {
    json: Value,
    keys: Arc<ClientKeys>,
}

impl RegisteredKeys {
    /// The keys.
    pub fn keys(&self) -> &Arc<ClientKeys> {
        &self.keys
    }
}

/// Where a client's public keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySource<'a> {
    /// Here.
    Registered(&'a Arc<ClientKeys>),
    /// At this address (`jwks_uri`).
    Fetched(&'a str),
}

/// What a client says about itself, by the names of RFC 7591. Validated: [`ClientMetadata::parse`] is how it comes to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadata {
    /// `client_name`, as people see it.
    pub name: Option<String>,
    /// `redirect_uris`
    pub redirect_uris: Vec<RedirectUri>,
    /// `post_logout_redirect_uris` (OpenID Connect RP-Initiated Logout section 3.1)
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// `grant_types`
    pub grant_types: Vec<GrantType>,
    /// `response_types`
    pub response_types: Vec<ResponseType>,
    /// `token_endpoint_auth_method`
    pub auth_method: ClientAuthMethod,
    /// `token_endpoint_auth_signing_alg` (OpenID Connect Registration section 2): the only algorithm of its assertions, if it
    /// named one.
    pub auth_signing_alg: Option<ClientAlgorithm>,
    /// `jwks`
    pub jwks: Option<RegisteredKeys>,
    /// `jwks_uri`
    pub jwks_uri: Option<String>,
    /// `subject_type`
    pub subject_type: SubjectType,
    /// `sector_identifier_uri` (OpenID Connect Registration section 5)
    pub sector_identifier_uri: Option<String>,
    /// `application_type`
    pub application_type: ApplicationType,
    /// `id_token_signed_response_alg` (OpenID Connect Registration section 2)
    pub id_token_algorithm: Algorithm,
    /// `scope`: what the client may ask for.
    pub scope: Scope,
    /// `contacts`
    pub contacts: Vec<String>,
    /// `client_uri`
    pub client_uri: Option<String>,
    /// `logo_uri`
    pub logo_uri: Option<String>,
    /// `policy_uri`
    pub policy_uri: Option<String>,
    /// `tos_uri`
    pub tos_uri: Option<String>,
    /// `initiate_login_uri` (OpenID Connect Core section 4)
    pub initiate_login_uri: Option<String>,
    /// `default_max_age`, in seconds (OpenID Connect Registration section 2)
    pub default_max_age: Option<u64>,
    /// `require_auth_time` (OpenID Connect Registration section 2). Our ID tokens always say it.
    pub require_auth_time: bool,
    /// `software_id` and `software_version` (RFC 7591 section 2)
    pub software: (Option<String>, Option<String>),
}

/// What the operator decides about a client; a client can't say it of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientSettings {
    /// Belongs to whoever runs this server: its users aren't asked for consent.
    pub first_party: bool,
    /// Whether the refresh tokens of a confidential client rotate. Those of a public one always do (RFC 9700 section 2.2.2).
    pub rotate_refresh_tokens: bool,
    /// The resource servers that it may name in `resource` (RFC 8707). Empty: all of the tenant's.
    pub resource_servers: Vec<ResourceIdentifier>,
    /// How long its access tokens live, in seconds; for a registered resource server never longer than that one's. Absent:
    /// as long as the resource server says.
    pub access_token_lifetime: Option<u64>,
    /// How long its ID tokens live, in seconds.
    pub id_token_lifetime: Option<u64>,
    /// How long its refresh tokens live unused, in seconds.
    pub refresh_token_idle: Option<u64>,
    /// How long its refresh tokens live in all, in seconds.
    pub refresh_token_lifetime: Option<u64>,
    /// Whether its ID tokens say of the person what userinfo does (OpenID Connect Core section 5.4).
    pub id_token_claims: bool,
    /// Which rules it is held to.
    pub profile: ClientProfile,
}

/// How long a client's refresh tokens live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshTerms {
    /// Unused.
    pub idle: Duration,
    /// In all.
    pub whole: Duration,
}

impl Default for RefreshTerms {
    fn default() -> Self {
        Self { idle: limits::REFRESH_TOKEN_IDLE, whole: limits::REFRESH_TOKEN_LIFETIME }
    }
}

impl ClientSettings {
    /// Reads settings by their names. A member that is left out, or null, has its default.
    pub fn parse(members: Map<String, Value>) -> Result<Self, Vec<MetadataFault>> {
        let mut faults = Vec::new();
        let mut given = Map::new();
        for (name, value) in members {
            // One by one, so that each fault has its name.
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            match serde_json::from_value::<Self>(Value::Object(alone)) {
                _ if value.is_null() => {}
                Ok(_) => drop(given.insert(name, value)),
                Err(_) => faults.push(MetadataFault {
                    member: name,
                    reason: "is no setting, or no value for it".to_owned(),
                }),
            }
        }
        let settings: Self = serde_json::from_value(Value::Object(given)).unwrap_or_default();
        faults.extend(settings.check());
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    fn check(&self) -> Vec<MetadataFault> {
        let terms = self.refresh_terms();
        let within = |seconds: Option<u64>, most: Duration| {
            seconds.is_none_or(|it| (limits::SHORTEST_LIFETIME..=most).contains(&Duration::from_secs(it)))
        };
        let rules = [
            (
                "access_token_lifetime",
                within(self.access_token_lifetime, limits::LONGEST_TOKEN_LIFETIME),
                limits::LONGEST_TOKEN_LIFETIME,
            ),
            (
                "id_token_lifetime",
                within(self.id_token_lifetime, limits::LONGEST_TOKEN_LIFETIME),
                limits::LONGEST_TOKEN_LIFETIME,
            ),
            // No longer than in all.
            ("refresh_token_idle", within(self.refresh_token_idle, terms.whole), terms.whole),
            (
                "refresh_token_lifetime",
                within(self.refresh_token_lifetime, limits::REFRESH_TOKEN_LIFETIME),
                limits::REFRESH_TOKEN_LIFETIME,
            ),
        ];
        let broken = rules.into_iter().filter(|(_, holds, _)| !holds);
        let fault = |(member, _, most): (&str, bool, Duration)| MetadataFault {
            member: member.to_owned(),
            reason: format!(
                "must be between {} and {} seconds",
                limits::SHORTEST_LIFETIME.as_secs(),
                most.as_secs()
            ),
        };
        broken.map(fault).collect()
    }

    fn refresh_terms(&self) -> RefreshTerms {
        let default = RefreshTerms::default();
        let whole = self.refresh_token_lifetime.map_or(default.whole, Duration::from_secs);
        let idle = self.refresh_token_idle.map_or(default.idle, Duration::from_secs);
        RefreshTerms { idle: idle.min(whole), whole }
    }
}

/// An OAuth relying party, registered in a tenant. Its metadata are its own fields by [`Deref`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `client_id`
    pub id: ClientId,
    /// What it says of itself.
    pub metadata: ClientMetadata,
    /// What the operator says of it.
    pub settings: ClientSettings,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last used, to about a day. Only of one that registered itself: unused, those go.
    pub last_used_at: Option<Timestamp>,
}

impl Deref for Client {
    type Target = ClientMetadata;

    fn deref(&self) -> &ClientMetadata {
        &self.metadata
    }
}

impl Client {
    /// The name to show to people: the registered one, or the id.
    pub fn display_name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or(self.id.as_str())
    }

    /// Whether it registered itself (RFC 7591), so that nobody vouches for what it says of itself.
    pub fn registered_itself(&self) -> bool {
        self.last_used_at.is_some()
    }

    /// Whether it is to be noted that it is used: where that matters, about once a day.
    pub fn use_is_noteworthy(&self, now: Timestamp) -> bool {
        self.last_used_at.is_some_and(|last| now.since(last) >= limits::CLIENT_USE_NOTED)
    }

    /// Whether it can't keep a secret (RFC 6749 section 2.1).
    pub fn is_public(&self) -> bool {
        self.metadata.auth_method == ClientAuthMethod::None
    }

    /// Where its public keys are, if it has any.
    pub fn key_source(&self) -> Option<KeySource<'_>> {
        let registered = self.metadata.jwks.as_ref().map(|it| KeySource::Registered(&it.keys));
        registered.or(self.metadata.jwks_uri.as_deref().map(KeySource::Fetched))
    }

    /// Whether it may sign an assertion with this algorithm: the one that it registered, or any that its method has (OpenID
    /// Connect Registration section 2 `token_endpoint_auth_signing_alg`).
    pub fn may_sign_with(&self, algorithm: ClientAlgorithm) -> bool {
        self.metadata.auth_method.signs_with(algorithm)
            && self.metadata.auth_signing_alg.is_none_or(|registered| registered == algorithm)
    }

    /// Whether it registered this grant type.
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.metadata.grant_types.contains(&grant)
    }

    /// The part of `asked` that the client may ask for (RFC 7591 section 2 `scope`).
    pub fn permitted(&self, asked: &Scope) -> Scope {
        asked.intersection(&self.metadata.scope)
    }

    /// The part of its scope that isn't about a person: what it may have in its own name (RFC 6749 section 4.4).
    pub fn own_scope(&self) -> Scope {
        self.metadata.scope.difference(&Scope::standard())
    }

    /// RFC 9700 section 2.2.2: refresh tokens of public clients rotate; others by setting.
    pub fn rotates_refresh_tokens(&self) -> bool {
        self.is_public() || self.settings.rotate_refresh_tokens
    }

    /// How long its refresh tokens live.
    pub fn refresh_terms(&self) -> RefreshTerms {
        self.settings.refresh_terms()
    }

    /// How long its ID tokens live.
    pub fn id_token_lifetime(&self) -> Duration {
        self.settings.id_token_lifetime.map_or(limits::ID_TOKEN_LIFETIME, Duration::from_secs)
    }

    /// The resource server as it is for this client: its tokens may live shorter. Longer only where the resource server is the
    /// issuer, since a registered one was promised its own bound.
    pub fn resource_server(&self, server: &ResourceServer) -> ResourceServer {
        let promised = server.access_token_lifetime;
        let own = self.settings.access_token_lifetime.map_or(promised, Duration::from_secs);
        let access_token_lifetime = if server.id.is_none() { own } else { own.min(promised) };
        ResourceServer { access_token_lifetime, ..server.clone() }
    }

    /// The registered redirect URI that a request means by `asked`.
    pub fn redirect_uri(&self, asked: &str) -> Option<RegisteredRedirectUri> {
        find_registered(&self.metadata.redirect_uris, asked, self.metadata.application_type)
    }

    /// The registered URI to go to after a sign-out (OpenID Connect RP-Initiated Logout section 3: by exact match).
    pub fn post_logout_redirect_uri(&self, asked: &str) -> Option<RegisteredRedirectUri> {
        find_registered(&self.metadata.post_logout_redirect_uris, asked, self.metadata.application_type)
    }
}

/// Takes members out of a JSON object, gathering what is wrong with them.
struct Reader {
    members: Map<String, Value>,
    faults: Vec<MetadataFault>,
}

impl Reader {
    fn fault(&mut self, member: &str, reason: impl Into<String>) {
        self.faults.push(MetadataFault { member: member.to_owned(), reason: reason.into() });
    }

    /// A member; `null` counts as left out.
    fn take(&mut self, member: &str) -> Option<Value> {
        self.members.remove(member).filter(|value| !value.is_null())
    }

    fn text(&mut self, member: &str) -> Option<String> {
        match self.take(member)? {
            Value::String(text)
                if text.len() <= TEXT_BYTES
                    && !text.trim().is_empty()
                    && !text.chars().any(char::is_control) =>
            {
                Some(text)
            }
            Value::String(_) => {
                self.fault(
                    member,
                    format!("must be a text of 1 to {TEXT_BYTES} octets without control characters"),
                );
                None
            }
            _ => {
                self.fault(member, "must be a text");
                None
            }
        }
    }

    fn texts(&mut self, member: &str) -> Option<Vec<String>> {
        let Value::Array(items) = self.take(member)? else {
            self.fault(member, "must be a list of texts");
            return None;
        };
        if items.len() > limits::REDIRECT_URIS {
            self.fault(member, format!("has more than {} entries", limits::REDIRECT_URIS));
            return None;
        }
        let mut texts = Vec::new();
        for item in items {
            match item {
                Value::String(text) if !texts.contains(&text) => texts.push(text),
                Value::String(text) => self.fault(member, format!("names {text:?} twice")),
                _ => self.fault(member, "must be a list of texts"),
            }
        }
        Some(texts)
    }

    /// A web address that is shown to people or fetched: https, or http on a loopback host.
    fn web_address(&mut self, member: &str) -> Option<String> {
        let text = self.text(member)?;
        let host_is_loopback =
            |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let good = text.bytes().all(|octet| octet.is_ascii_graphic())
            && Url::parse(&text).is_ok_and(|url| {
                let scheme_fits =
                    url.scheme() == "https" || (url.scheme() == "http" && host_is_loopback(&url));
                scheme_fits && url.username().is_empty() && url.password().is_none()
            });
        if !good {
            self.fault(member, "must be an https address");
        }
        good.then_some(text)
    }

    /// A web address with https, on whatever host.
    fn https_address(&mut self, member: &str) -> Option<String> {
        let address = self.web_address(member)?;
        let is_https = address.starts_with("https:");
        if !is_https {
            self.fault(member, "must be an https address");
        }
        is_https.then_some(address)
    }

    /// Keys that are given here are refused for whatever is wrong with one of them; whoever gives them can mend it.
    fn jwks(&mut self) -> Option<RegisteredKeys> {
        let json = self.take("jwks")?;
        if json.to_string().len() > JWKS_BYTES {
            self.fault("jwks", format!("has more than {JWKS_BYTES} octets"));
            return None;
        }
        match ClientKeys::read(&json) {
            Err(refusal) => {
                self.fault("jwks", refusal.to_string());
                None
            }
            Ok(keys) => {
                for fault in keys.faults() {
                    self.fault("jwks", fault.to_string());
                }
                Some(RegisteredKeys { json, keys: Arc::new(keys) })
            }
        }
    }

    fn response_types(&mut self) -> Option<Vec<ResponseType>> {
        let texts = self.texts("response_types")?;
        let mut found = Vec::new();
        for text in &texts {
            match ResponseType::of_words(text) {
                Some(one) if found.contains(&one) => {
                    self.fault("response_types", format!("names {:?} twice", one.as_str()));
                }
                Some(one) => found.push(one),
                None => drop(self.one_of("response_types", ResponseType::ALL, text)),
            }
        }
        Some(found)
    }

    fn auth_signing_alg(&mut self) -> Option<ClientAlgorithm> {
        let text = self.text("token_endpoint_auth_signing_alg")?;
        let all: Vec<ClientAlgorithm> = ClientAlgorithm::all().collect();
        self.one_of("token_endpoint_auth_signing_alg", &all, &text)
    }

    fn word<T: Copy + fmt::Display>(&mut self, member: &str, all: &[T], default: T) -> T {
        let Some(text) = self.text(member) else {
            return default;
        };
        self.one_of(member, all, &text).unwrap_or(default)
    }

    fn words<T: Copy + fmt::Display>(&mut self, member: &str, all: &[T]) -> Option<Vec<T>> {
        let texts = self.texts(member)?;
        Some(texts.iter().filter_map(|text| self.one_of(member, all, text)).collect())
    }

    fn one_of<T: Copy + fmt::Display>(&mut self, member: &str, all: &[T], text: &str) -> Option<T> {
        let found = all.iter().copied().find(|word| word.to_string() == text);
        if found.is_none() {
            let known: Vec<String> = all.iter().map(ToString::to_string).collect();
            self.fault(member, format!("{text:?} is not supported; supported: {}", known.join(", ")));
        }
        found
    }

    fn redirect_uris(&mut self, member: &str, application: ApplicationType) -> Vec<RedirectUri> {
        let texts = self.texts(member).unwrap_or_default();
        let parsed = texts.iter().map(|text| (text, RedirectUri::parse(text, application)));
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for (text, result) in parsed {
            match result {
                Ok(uri) => good.push(uri),
                Err(error) => bad.push(format!("{text:?} {error}")),
            }
        }
        for reason in bad {
            self.fault(member, reason);
        }
        good
    }

    fn number(&mut self, member: &str) -> Option<u64> {
        let value = self.take(member)?;
        // Beyond this many seconds the sum with an instant in milliseconds would not fit.
        let number = value.as_u64().filter(|&seconds| u32::try_from(seconds).is_ok());
        if number.is_none() {
            self.fault(member, "must be a whole number of seconds");
        }
        number
    }

    fn flag(&mut self, member: &str) -> bool {
        match self.take(member) {
            None => false,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.fault(member, "must be true or false");
                false
            }
        }
    }

    fn scope(&mut self, default: Scope) -> Scope {
        match self.take("scope") {
            None => default,
            Some(Value::String(text)) => text.parse().unwrap_or_else(|error: crate::scope::ScopeError| {
                self.fault("scope", error.to_string());
                default
            }),
            Some(_) => {
                self.fault("scope", "must be a text: scope tokens separated by blanks");
                default
            }
        }
    }
}

/// Octets of a name or of any other text of the metadata.
const TEXT_BYTES: usize = 2048;
/// Octets of a client's JWK set.
pub const JWKS_BYTES: usize = 64 * 1024;

impl ClientMetadata {
    /// Reads metadata by their names of RFC 7591 and OpenID Connect Registration. Every fault is told at once; a member that
    /// isn't known is one, so that a slip of the pen isn't lost.
    pub fn parse(value: &Value) -> Result<Self, Vec<MetadataFault>> {
        let Value::Object(members) = value else {
            let reason = "client metadata must be a JSON object".to_owned();
            return Err(vec![MetadataFault { member: "metadata".to_owned(), reason }]);
        };
        let (read, unknown) = Self::read_known(members.clone());
        let unknown = unknown.into_iter().map(|(member, _)| MetadataFault {
            member,
            reason: "is not a known member of client metadata".to_owned(),
        });
        match read {
            Ok(metadata) => {
                let faults: Vec<_> = unknown.collect();
                if faults.is_empty() { Ok(metadata) } else { Err(faults) }
            }
            Err(faults) => Err(faults.into_iter().chain(unknown).collect()),
        }
    }

    /// The same, leaving aside what isn't known: a client that registers itself may say more than a server understands
    /// (RFC 7591 section 2).
    pub fn parse_known(members: Map<String, Value>) -> Result<Self, Vec<MetadataFault>> {
        Self::read_known(members).0
    }

    /// What is known, and the members that are left.
    fn read_known(members: Map<String, Value>) -> (Result<Self, Vec<MetadataFault>>, Map<String, Value>) {
        let mut reader = Reader { members, faults: Vec::new() };
        let metadata = Self::read(&mut reader);
        metadata.check_together(&mut reader);
        let Reader { members, faults } = reader;
        (if faults.is_empty() { Ok(metadata) } else { Err(faults) }, members)
    }

    fn read(reader: &mut Reader) -> Self {
        let application_type = reader.word("application_type", ApplicationType::ALL, ApplicationType::Web);
        // RFC 7591 section 2: the defaults of absent members.
        let grant_types =
            reader.words("grant_types", GrantType::ALL).unwrap_or_else(|| vec![GrantType::AuthorizationCode]);
        let by_code = grant_types.contains(&GrantType::AuthorizationCode);
        let by_person = by_code || grant_types.contains(&GrantType::Implicit);
        let response_types = reader
            .response_types()
            .unwrap_or_else(|| if by_code { vec![ResponseType::Code] } else { Vec::new() });
        Self {
            name: reader.text("client_name"),
            redirect_uris: reader.redirect_uris("redirect_uris", application_type),
            post_logout_redirect_uris: reader.redirect_uris("post_logout_redirect_uris", application_type),
            auth_method: reader.word(
                "token_endpoint_auth_method",
                ClientAuthMethod::ALL,
                ClientAuthMethod::ClientSecretBasic,
            ),
            // OpenID Connect Registration section 2: RS256 is the default.
            id_token_algorithm: reader.word(
                "id_token_signed_response_alg",
                &Algorithm::ALL,
                Algorithm::Rs256,
            ),
            auth_signing_alg: reader.auth_signing_alg(),
            jwks: reader.jwks(),
            jwks_uri: reader.web_address("jwks_uri"),
            // RFC 7591 section 2: a default set of our choice. What is about people is for those who sign people in.
            scope: reader.scope(if by_person { Scope::standard() } else { Scope::empty() }),
            contacts: reader.texts("contacts").unwrap_or_default(),
            client_uri: reader.web_address("client_uri"),
            logo_uri: reader.web_address("logo_uri"),
            policy_uri: reader.web_address("policy_uri"),
            tos_uri: reader.web_address("tos_uri"),
            initiate_login_uri: reader.https_address("initiate_login_uri"),
            default_max_age: reader.number("default_max_age"),
            require_auth_time: reader.flag("require_auth_time"),
            software: (reader.text("software_id"), reader.text("software_version")),
            subject_type: reader.word("subject_type", SubjectType::ALL, SubjectType::Public),
            sector_identifier_uri: reader.web_address("sector_identifier_uri"),
            application_type,
            grant_types,
            response_types,
        }
    }

    /// The rules that are about several members.
    fn check_together(&self, reader: &mut Reader) {
        let by_code = self.grant_types.contains(&GrantType::AuthorizationCode);
        let implicit = self.grant_types.contains(&GrantType::Implicit);
        // RFC 7591 section 2.1, OpenID Connect Registration section 2: the two lists must fit.
        if by_code != self.response_types.iter().any(|it| it.has_code()) {
            reader.fault(
                "response_types",
                "must have one with code exactly when grant_types has authorization_code",
            );
        }
        if implicit != self.response_types.iter().any(|it| it.is_front_channel()) {
            reader.fault(
                "response_types",
                "must have one with id_token or token exactly when grant_types has implicit",
            );
        }
        if implicit {
            self.check_implicit(reader);
        }
        if self.grant_types.is_empty() {
            reader.fault("grant_types", "must not be empty");
        }
        // RFC 6749 section 3.1.2.2. A list that was given and refused is told of already.
        let refused = reader.faults.iter().any(|fault| fault.member == "redirect_uris");
        if (by_code || implicit) && self.redirect_uris.is_empty() && !refused {
            reader.fault("redirect_uris", "must not be empty for a client that people sign in to");
        }
        // RFC 6749 section 4.4: only for confidential clients.
        let public = self.auth_method == ClientAuthMethod::None;
        if public && self.grant_types.contains(&GrantType::ClientCredentials) {
            reader.fault(
                "grant_types",
                "client_credentials needs a client that authenticates; token_endpoint_auth_method is none",
            );
        }
        if self.grant_types.contains(&GrantType::RefreshToken) && !by_code {
            reader.fault(
                "grant_types",
                "refresh_token needs authorization_code: nothing else issues refresh tokens",
            );
        }
        self.check_keys(reader);
        // OpenID Connect Core section 8.1: without the URI, the host of the redirect URIs is the sector, which must be one.
        let refused = reader.faults.iter().any(|fault| fault.member == "redirect_uris");
        if self.subject_type == SubjectType::Pairwise && self.sector().is_none() && !refused {
            reader.fault(
                "sector_identifier_uri",
                "pairwise subjects need it, unless all redirect_uris have one and the same host",
            );
        }
    }

    /// OpenID Connect Registration section 2 `application_type`: tokens in the browser go by https only, and not to `localhost`,
    /// which may be anybody's. A native application has neither (RFC 8252 section 8.2 advises against it there).
    fn check_implicit(&self, reader: &mut Reader) {
        if self.application_type == ApplicationType::Native {
            reader.fault("grant_types", "implicit is not for clients of application_type native");
        }
        let is_localhost =
            |uri: &RedirectUri| Url::parse(uri.as_str()).is_ok_and(|url| url.host_str() == Some("localhost"));
        let bad = |uri: &&RedirectUri| uri.kind() != RedirectKind::Https || is_localhost(uri);
        if let Some(uri) = self.redirect_uris.iter().find(bad) {
            let reason =
                format!("{:?} must be https and not localhost for a client that uses implicit", uri.as_str());
            reader.fault("redirect_uris", reason);
        }
    }

    /// The sector in which this client knows people by the same names as others (OpenID Connect Core section 8.1): the host of
    /// its `sector_identifier_uri`, or the one host of its redirect URIs. `None` for a client that knows them by their own.
    pub fn sector(&self) -> Option<String> {
        if self.subject_type != SubjectType::Pairwise {
            return None;
        }
        let host = |text: &str| Url::parse(text).ok()?.host_str().map(str::to_owned);
        if let Some(uri) = &self.sector_identifier_uri {
            return host(uri);
        }
        let mut hosts = self.redirect_uris.iter().map(|uri| host(uri.as_str()));
        let first = hosts.next()??;
        hosts.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }

    /// The rules about a client's keys and how it signs with them.
    fn check_keys(&self, reader: &mut Reader) {
        // RFC 7591 section 2: must not both be there.
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            reader.fault("jwks_uri", "must not be there together with jwks");
        }
        if let Some(algorithm) = self.auth_signing_alg
            && !self.auth_method.signs_with(algorithm)
        {
            let reason = format!("{algorithm} is not of the method {}", self.auth_method);
            reader.fault("token_endpoint_auth_signing_alg", reason);
        }
        if self.auth_method != ClientAuthMethod::PrivateKeyJwt {
            return;
        }
        let refused =
            |reader: &Reader, member: &str| reader.faults.iter().any(|fault| fault.member == member);
        let none = self.jwks.is_none() && self.jwks_uri.is_none();
        if none && !refused(reader, "jwks") && !refused(reader, "jwks_uri") {
            reader.fault("jwks", "private_key_jwt needs jwks or jwks_uri");
        }
        let wanted = match self.auth_signing_alg {
            Some(ClientAlgorithm::Signature(algorithm)) => Some(algorithm),
            Some(ClientAlgorithm::Hs256) | None => None,
        };
        if self.jwks.as_ref().is_some_and(|it| !it.keys.serve(wanted)) && !refused(reader, "jwks") {
            reader.fault("jwks", "has no key by which an assertion could be verified");
        }
    }

    /// The metadata by their registered names; [`parse`](Self::parse) reads it back.
    pub fn to_json(&self) -> Value {
        let words = |texts: Vec<&'static str>| Value::from(texts);
        let mut members = Map::new();
        let mut put = |member: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(member.to_owned(), value);
            }
        };
        let uris =
            |uris: &[RedirectUri]| Value::from(uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>());
        let text = |text: &Option<String>| text.clone().map(Value::from);
        put("client_name", text(&self.name));
        put("redirect_uris", (!self.redirect_uris.is_empty()).then(|| uris(&self.redirect_uris)));
        put(
            "post_logout_redirect_uris",
            (!self.post_logout_redirect_uris.is_empty()).then(|| uris(&self.post_logout_redirect_uris)),
        );
        put("grant_types", Some(words(self.grant_types.iter().map(|it| it.as_str()).collect())));
        put("response_types", Some(words(self.response_types.iter().map(|it| it.as_str()).collect())));
        put("token_endpoint_auth_method", Some(self.auth_method.as_str().into()));
        put("token_endpoint_auth_signing_alg", self.auth_signing_alg.map(|it| it.as_str().into()));
        put("jwks", self.jwks.as_ref().map(|it| it.json.clone()));
        put("jwks_uri", text(&self.jwks_uri));
        put(
            "subject_type",
            (self.subject_type != SubjectType::Public).then(|| self.subject_type.as_str().into()),
        );
        put("sector_identifier_uri", text(&self.sector_identifier_uri));
        put("application_type", Some(self.application_type.as_str().into()));
        put("id_token_signed_response_alg", Some(self.id_token_algorithm.as_str().into()));
        put("scope", Some(self.scope.to_string().into()));
        put("contacts", (!self.contacts.is_empty()).then(|| self.contacts.clone().into()));
        put("client_uri", text(&self.client_uri));
        put("logo_uri", text(&self.logo_uri));
        put("policy_uri", text(&self.policy_uri));
        put("tos_uri", text(&self.tos_uri));
        put("initiate_login_uri", text(&self.initiate_login_uri));
        put("default_max_age", self.default_max_age.map(Value::from));
        put("require_auth_time", self.require_auth_time.then_some(Value::Bool(true)));
        put("software_id", text(&self.software.0));
        put("software_version", text(&self.software.1));
        Value::Object(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "client_name": "Web shop",
            "redirect_uris": ["https://shop.example/cb"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid email",
        })
    }

    #[test]
    fn absent_members_have_the_defaults_of_the_rfc() {
        let metadata =
            ClientMetadata::parse(&json!({ "redirect_uris": ["https://shop.example/cb"] })).unwrap();
        assert_eq!(metadata.auth_method, ClientAuthMethod::ClientSecretBasic);
        assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode]);
        assert_eq!(metadata.response_types, [ResponseType::Code]);
        assert_eq!(metadata.application_type, ApplicationType::Web);
        assert_eq!(metadata.scope, Scope::standard());
        let machine = ClientMetadata::parse(&json!({ "grant_types": ["client_credentials"] })).unwrap();
        assert!(machine.scope.is_empty() && machine.response_types.is_empty());
    }

    #[test]
    fn metadata_survive_their_json() {
        let whole = json!({
            "client_name": "App",
            "redirect_uris": ["https://shop.example/cb", "com.example.app:/cb"],
            "post_logout_redirect_uris": ["https://shop.example/bye"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "id_token_signed_response_alg": "RS256",
            "scope": "email openid",
            "contacts": ["ops@shop.example"],
            "client_uri": "https://shop.example",
            "logo_uri": "https://shop.example/logo.png",
            "policy_uri": "https://shop.example/policy",
            "tos_uri": "https://shop.example/tos",
            "initiate_login_uri": "https://shop.example/login",
            "default_max_age": 3600,
            "require_auth_time": true,
            "software_id": "app",
            "software_version": "1",
        });
        let metadata = ClientMetadata::parse(&whole).unwrap();
        assert_eq!(metadata.to_json(), whole);
        assert_eq!(ClientMetadata::parse(&metadata.to_json()), Ok(metadata));
    }

    #[test]
    fn each_spoiled_member_is_named() {
        let cases: &[(&str, Value)] = &[
            ("client_name", json!(7)),
            ("client_name", json!("")),
            ("client_name", json!("a\nb")),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!("https://shop.example/cb")),
            ("redirect_uris", json!(["https://shop.example/cb", "https://shop.example/cb"])),
            ("redirect_uris", json!(["http://shop.example/cb"])),
            ("redirect_uris", json!(["com.example.app:/cb"])),
            ("post_logout_redirect_uris", json!(["javascript:alert(1)"])),
            ("grant_types", json!(["password"])),
            ("response_types", json!(["code", "token code id_token"])),
            ("grant_types", json!(["authorization_code", 1])),
            ("response_types", json!(["token"])),
            ("response_types", json!([])),
            ("token_endpoint_auth_method", json!("tls_client_auth")),
            ("token_endpoint_auth_signing_alg", json!("none")),
            ("token_endpoint_auth_signing_alg", json!("ES256")),
            ("jwks", json!([])),
            ("jwks", json!({ "keys": {} })),
            ("jwks", json!({ "keys": [{ "kty": "oct", "k": "AA" }] })),
            ("jwks_uri", json!("http://shop.example/jwks.json")),
            ("application_type", json!("tv")),
            ("scope", json!("a  b")),
            ("scope", json!(["a"])),
            ("contacts", json!("me")),
            ("logo_uri", json!("javascript:alert(1)")),
            ("logo_uri", json!("http://shop.example/logo.png")),
            ("tos_uri", json!("https://u:p@shop.example/")),
            ("initiate_login_uri", json!("http://127.0.0.1/login")),
            ("default_max_age", json!(-1)),
            ("default_max_age", json!("1")),
            ("require_auth_time", json!("yes")),
            ("id_token_signed_response_alg", json!("none")),
            ("subject_type", json!("private")),
            ("sector_identifier_uri", json!("http://shop.example/sector.json")),
            ("redirect_uri", json!("https://shop.example/cb")),
        ];
        for (member, value) in cases {
            let mut metadata = good();
            metadata[*member] = value.clone();
            let faults = ClientMetadata::parse(&metadata).unwrap_err();
            assert!(faults.iter().any(|fault| fault.member == *member), "{member} {value}: {faults:?}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let bad = json!({ "client_name": 1, "logo_uri": "x", "redirect_uris": ["http://a.example"], "colour": "red" });
        let faults = ClientMetadata::parse(&bad).unwrap_err();
        let members: Vec<&str> = faults.iter().map(|fault| fault.member.as_str()).collect();
        assert_eq!(members, ["client_name", "redirect_uris", "logo_uri", "colour"]);
        assert_eq!(faults[1].code(), "invalid_redirect_uri");
        assert_eq!(faults[0].code(), "invalid_client_metadata");
    }

    #[test]
    fn members_must_fit_together() {
        for (metadata, member) in [
            (
                json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "none" }),
                "grant_types",
            ),
            (json!({ "grant_types": ["refresh_token"] }), "grant_types"),
            (json!({ "grant_types": [] }), "grant_types"),
            (json!({ "grant_types": ["client_credentials"], "response_types": ["code"] }), "response_types"),
            (json!({}), "redirect_uris"),
            (
                json!({ "redirect_uris": ["https://a.example/cb", "https://b.example/cb"], "subject_type": "pairwise" }),
                "sector_identifier_uri",
            ),
            (
                json!({ "grant_types": ["client_credentials"], "subject_type": "pairwise" }),
                "sector_identifier_uri",
            ),
            (
                legacy(&json!({ "grant_types": ["implicit"], "response_types": ["code id_token"] })),
                "response_types",
            ),
            (legacy(&json!({ "response_types": ["code"] })), "response_types"),
            (legacy(&json!({ "redirect_uris": ["https://localhost/cb"] })), "redirect_uris"),
            (legacy(&json!({ "redirect_uris": ["http://127.0.0.1/cb"] })), "redirect_uris"),
            (legacy(&json!({ "redirect_uris": [] })), "redirect_uris"),
            (legacy(&json!({ "application_type": "native" })), "grant_types"),
            (signer(&json!({})), "jwks"),
            (signer(&json!({ "jwks": { "keys": [] } })), "jwks"),
            (signer(&json!({ "jwks": keys(), "jwks_uri": "https://shop.example/jwks.json" })), "jwks_uri"),
            (
                signer(&json!({ "jwks": keys(), "token_endpoint_auth_signing_alg": "HS256" })),
                "token_endpoint_auth_signing_alg",
            ),
            (signer(&json!({ "jwks": keys(), "token_endpoint_auth_signing_alg": "RS256" })), "jwks"),
            (
                json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_jwt",
                        "token_endpoint_auth_signing_alg": "ES256" }),
                "token_endpoint_auth_signing_alg",
            ),
        ] {
            let faults = ClientMetadata::parse(&metadata).unwrap_err();
            assert_eq!(faults[0].member, member, "{metadata}");
        }
    }

    /// RFC 7515 appendix A.3.
    fn keys() -> Value {
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "kid": "a3",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }] })
    }

    #[test]
    fn settings_have_bounds_and_each_fault_its_name() {
        let parse = |members: Value| ClientSettings::parse(members.as_object().unwrap().clone());
        assert_eq!(parse(json!({})), Ok(ClientSettings::default()));
        assert_eq!(parse(json!({ "id_token_lifetime": null })), Ok(ClientSettings::default()));
        let good = json!({
            "first_party": true, "access_token_lifetime": 60, "id_token_lifetime": 86400, "refresh_token_idle": 600,
            "refresh_token_lifetime": 600, "id_token_claims": true,
        });
        let settings = parse(good).unwrap();
        let again = serde_json::to_value(&settings).unwrap();
        assert_eq!(parse(again), Ok(settings));
        // What was stored before there were these is read.
        let stored = json!({ "first_party": true, "rotate_refresh_tokens": false, "resource_servers": [] });
        assert!(serde_json::from_value::<ClientSettings>(stored).unwrap().first_party);
        for (name, value) in [
            ("access_token_lifetime", json!(59)),
            ("access_token_lifetime", json!(86401)),
            ("access_token_lifetime", json!("60")),
            ("id_token_lifetime", json!(0)),
            ("id_token_lifetime", json!(-1)),
            ("refresh_token_idle", json!(365 * 86400 + 1)),
            ("refresh_token_lifetime", json!(365 * 86400 + 1)),
            ("id_token_claims", json!("yes")),
            ("first-party", json!(true)),
        ] {
            let faults = parse(json!({ name: value.clone() })).unwrap_err();
            assert_eq!(faults.iter().map(|it| it.member.as_str()).collect::<Vec<_>>(), [name], "{value}");
        }
        let faults = parse(json!({ "refresh_token_idle": 601, "refresh_token_lifetime": 600 })).unwrap_err();
        assert_eq!(faults[0].member, "refresh_token_idle");
    }

    #[test]
    fn an_access_token_lives_as_long_as_client_and_api_both_allow() {
        let mut client = crate::fixture::client();
        let lifetime = |client: &Client, server: &ResourceServer| {
            client.resource_server(server).access_token_lifetime.as_secs()
        };
        let (issuer, api) = (crate::fixture::issuer(), crate::fixture::api());
        assert_eq!((lifetime(&client, &issuer), lifetime(&client, &api)), (300, 300));
        client.settings.access_token_lifetime = Some(60);
        assert_eq!((lifetime(&client, &issuer), lifetime(&client, &api)), (60, 60));
        client.settings.access_token_lifetime = Some(3600);
        assert_eq!((lifetime(&client, &issuer), lifetime(&client, &api)), (3600, 300));
    }

    #[test]
    fn the_sector_is_the_uris_host_or_the_only_one() {
        let sector = |changed: Value| {
            let mut metadata = good();
            metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
            let metadata = ClientMetadata::parse(&metadata).unwrap();
            assert_eq!(ClientMetadata::parse(&metadata.to_json()).as_ref(), Ok(&metadata));
            metadata.sector()
        };
        let uri = "https://sector.example/uris.json";
        assert_eq!(sector(json!({})), None);
        assert_eq!(
            sector(json!({ "sector_identifier_uri": uri })),
            None,
            "it knows people by their own names"
        );
        let pairwise = json!({ "subject_type": "pairwise", "redirect_uris": ["https://shop.example/a", "https://shop.example:8443/b"] });
        assert_eq!(sector(pairwise).as_deref(), Some("shop.example"));
        let named = json!({
            "subject_type": "pairwise", "sector_identifier_uri": uri,
            "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
        });
        assert_eq!(sector(named).as_deref(), Some("sector.example"));
    }

    /// A client with tokens out of the authorization endpoint.
    fn legacy(changed: &Value) -> Value {
        let mut metadata = json!({
            "redirect_uris": ["https://127.0.0.1/cb"], "grant_types": ["implicit"], "response_types": ["token id_token"],
        });
        metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        metadata
    }

    #[test]
    fn the_order_of_the_words_of_a_response_type_means_nothing() {
        let metadata = ClientMetadata::parse(&legacy(&json!({}))).unwrap();
        assert_eq!(metadata.response_types, [ResponseType::IdTokenToken]);
        assert_eq!(ClientMetadata::parse(&metadata.to_json()), Ok(metadata));
        for bad in ["", "token", "id_token  token", "id_token id_token", "code code", "none", "Code"] {
            assert_eq!(ResponseType::of_words(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn tenant_and_operator_both_decide_about_legacy_clients() {
        let mut client = crate::fixture::client();
        let table = |client: &Client| {
            [LegacyClients::None, LegacyClients::Profiled, LegacyClients::All].map(|it| it.include(client))
        };
        assert_eq!(table(&client), [false, false, true]);
        client.settings.profile = ClientProfile::OidcLegacy;
        assert_eq!(table(&client), [false, true, true]);
        assert_eq!(serde_json::to_value(&client.settings).unwrap()["profile"], "oidc-legacy");
    }

    fn signer(changed: &Value) -> Value {
        let mut metadata =
            json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "private_key_jwt" });
        metadata.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        metadata
    }

    #[test]
    fn keys_survive_their_json_and_are_found() {
        for changed in [json!({ "jwks": keys() }), json!({ "jwks_uri": "https://shop.example/jwks.json" })] {
            let metadata = ClientMetadata::parse(&signer(&changed)).unwrap();
            assert_eq!(ClientMetadata::parse(&metadata.to_json()).as_ref(), Ok(&metadata));
            let id = "cli_web".parse().unwrap();
            let client = Client {
                id,
                metadata,
                settings: ClientSettings::default(),
                created_at: Timestamp::from_seconds(1),
                last_used_at: None,
            };
            assert_eq!(
                matches!(client.key_source(), Some(KeySource::Registered(_))),
                changed.get("jwks").is_some()
            );
            assert!(!client.is_public());
            assert!(!client.may_sign_with(ClientAlgorithm::Hs256));
        }
    }
}
