//! What a client says of itself (RFC 7591 section 2, OpenID Connect Registration section 2).

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::reader::{Reader, Rules};
use super::words::{ApplicationType, ClientAuthMethod, GrantType, ResponseType, SubjectType};
use crate::front_channel_logout::origin;
use crate::jose::{Algorithm, ClientAlgorithm, ClientKeys, Encryption};
use crate::redirect_uri::{RedirectKind, RedirectUri};
use crate::scope::Scope;

/// Octets of a client's JWK set.
pub const JWKS_BYTES: usize = 64 * 1024;

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

/// A client's keys as it registered them: the JSON, which is given back, and what was read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredKeys {
    pub(super) json: Value,
    pub(super) keys: Arc<ClientKeys>,
}

impl RegisteredKeys {
    /// The keys.
    pub fn keys(&self) -> &Arc<ClientKeys> {
        &self.keys
    }
}

/// An address of a client at which it hears that a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutChannel {
    /// Where.
    pub uri: String,
    /// Whether the client needs to be told which session it was.
    pub session_required: bool,
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
    /// `id_token_encrypted_response_alg` and `id_token_encrypted_response_enc` (OpenID Connect Registration section 2)
    pub id_token_encryption: Option<Encryption>,
    /// `userinfo_signed_response_alg` (OpenID Connect Registration section 2)
    pub userinfo_algorithm: Option<Algorithm>,
    /// `userinfo_encrypted_response_alg` and `userinfo_encrypted_response_enc` (OpenID Connect Registration section 2)
    pub userinfo_encryption: Option<Encryption>,
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
    /// `request_object_signing_alg` (OpenID Connect Registration section 2): the only algorithm of its request objects, if it
    /// named one.
    pub request_object_signing_alg: Option<ClientAlgorithm>,
    /// `request_uris` (OpenID Connect Registration section 2): the only ones that are fetched.
    pub request_uris: Vec<String>,
    /// `backchannel_logout_uri` and `backchannel_logout_session_required` (OpenID Connect Back-Channel Logout section 2.2)
    pub backchannel_logout: Option<LogoutChannel>,
    /// `frontchannel_logout_uri` and `frontchannel_logout_session_required` (OpenID Connect Front-Channel Logout section 2)
    pub frontchannel_logout: Option<LogoutChannel>,
    /// `default_max_age`, in seconds (OpenID Connect Registration section 2)
    pub default_max_age: Option<u64>,
    /// `default_acr_values` (OpenID Connect Registration section 2): what it would like to be reached where a request doesn't say.
    /// A wish, as `acr_values` is one: the ID token's `acr` says what was reached.
    pub default_acr_values: Vec<String>,
    /// `require_auth_time` (OpenID Connect Registration section 2). Our ID tokens always say it.
    pub require_auth_time: bool,
    /// `software_id` and `software_version` (RFC 7591 section 2)
    pub software: (Option<String>, Option<String>),
}

impl ClientMetadata {
    /// Reads metadata by their names of RFC 7591 and OpenID Connect Registration. Every fault is told at once; a member that
    /// isn't known is one, so that a slip of the pen isn't lost.
    pub fn parse(value: &Value) -> Result<Self, Vec<MetadataFault>> {
        Self::read_all(value, Rules::Operator { before: None })
    }

    /// The same in place of what stood there before. Keys that stay as they were are not judged anew: a client that registered
    /// itself may have some that nobody can mend here.
    pub fn parse_change(value: &Value, before: &Self) -> Result<Self, Vec<MetadataFault>> {
        let before = before.jwks.as_ref().map(|keys| keys.json.clone());
        Self::read_all(value, Rules::Operator { before })
    }

    /// Reads what [`to_json`](Self::to_json) wrote, also where it was taken under a rule that was milder than today's.
    pub fn stored(value: &Value) -> Result<Self, Vec<MetadataFault>> {
        Self::read_all(value, Rules::Stored)
    }

    /// Reads metadata, leaving aside what isn't known: a client that registers itself may say more than a server understands
    /// (RFC 7591 section 2).
    pub fn parse_known(members: Map<String, Value>) -> Result<Self, Vec<MetadataFault>> {
        Self::read_known(members, Rules::Registration).0
    }

    fn read_all(value: &Value, rules: Rules) -> Result<Self, Vec<MetadataFault>> {
        let Value::Object(members) = value else {
            let reason = "client metadata must be a JSON object".to_owned();
            return Err(vec![MetadataFault { member: "metadata".to_owned(), reason }]);
        };
        let (read, unknown) = Self::read_known(members.clone(), rules);
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

    /// What is known, and the members that are left.
    fn read_known(
        members: Map<String, Value>,
        rules: Rules,
    ) -> (Result<Self, Vec<MetadataFault>>, Map<String, Value>) {
        let mut reader = Reader { members, faults: Vec::new(), rules };
        let metadata = Self::read(&mut reader);
        metadata.check_together(&mut reader);
        let Reader { members, faults, .. } = reader;
        (if faults.is_empty() { Ok(metadata) } else { Err(faults) }, members)
    }

    fn read(reader: &mut Reader) -> Self {
        let application_type = reader.word("application_type", ApplicationType::ALL, ApplicationType::Web);
        // RFC 7591 section 2: the defaults of absent members.
        let grant_types =
            reader.words("grant_types", GrantType::ALL).unwrap_or_else(|| vec![GrantType::AuthorizationCode]);
        let by_code = grant_types.contains(&GrantType::AuthorizationCode);
        let of_people = [GrantType::AuthorizationCode, GrantType::Implicit, GrantType::DeviceCode];
        let by_person = grant_types.iter().any(|grant| of_people.contains(grant));
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
            id_token_encryption: reader
                .encryption("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
            userinfo_algorithm: reader.maybe("userinfo_signed_response_alg", &Algorithm::ALL),
            userinfo_encryption: reader
                .encryption("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
            auth_signing_alg: reader.client_algorithm("token_endpoint_auth_signing_alg"),
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
            request_object_signing_alg: reader.client_algorithm("request_object_signing_alg"),
            request_uris: reader.request_uris(),
            backchannel_logout: reader
                .logout_channel("backchannel_logout_uri", "backchannel_logout_session_required"),
            frontchannel_logout: reader
                .logout_channel("frontchannel_logout_uri", "frontchannel_logout_session_required"),
            default_max_age: reader.number("default_max_age"),
            default_acr_values: reader.tokens("default_acr_values"),
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
        let on_device = self.grant_types.contains(&GrantType::DeviceCode);
        if self.grant_types.contains(&GrantType::RefreshToken) && !by_code && !on_device {
            reader.fault(
                "grant_types",
                "refresh_token needs authorization_code or the device code: nothing else issues refresh tokens",
            );
        }
        self.check_keys(reader);
        self.check_front_channel_logout(reader);
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

    /// OpenID Connect Front-Channel Logout section 2: scheme, host and port are those of a registered redirect URI. So nothing is framed
    /// that the person wasn't sent to before.
    fn check_front_channel_logout(&self, reader: &mut Reader) {
        let Some(channel) = &self.frontchannel_logout else { return };
        if matches!(reader.rules, Rules::Stored) {
            return;
        }
        let refused = reader.faults.iter().any(|fault| fault.member == "redirect_uris");
        let wanted = origin(&channel.uri);
        let is_known =
            wanted.is_some() && self.redirect_uris.iter().any(|uri| origin(uri.as_str()) == wanted);
        if !is_known && !refused {
            reader.fault(
                "frontchannel_logout_uri",
                "must have the scheme, host and port of one of redirect_uris",
            );
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
        self.check_request_algorithm(reader);
        if let Some(algorithm) = self.auth_signing_alg
            && !self.auth_method.signs_with(algorithm)
        {
            let reason = format!("{algorithm} is not of the method {}", self.auth_method);
            reader.fault("token_endpoint_auth_signing_alg", reason);
        }
        self.check_encryption(reader);
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

    /// What is to be encrypted needs a key. Whether one lies at a `jwks_uri` is seen when it is needed.
    fn check_encryption(&self, reader: &mut Reader) {
        let refused = reader.faults.iter().any(|fault| matches!(fault.member.as_str(), "jwks" | "jwks_uri"));
        let wishes = [
            ("id_token_encrypted_response_alg", self.id_token_encryption),
            ("userinfo_encrypted_response_alg", self.userinfo_encryption),
        ];
        for (member, wish) in wishes {
            let Some(Encryption { key, .. }) = wish else { continue };
            match (&self.jwks, &self.jwks_uri) {
                (None, None) if !refused => reader.fault(member, "needs jwks or jwks_uri"),
                (Some(it), _) if !it.keys.can_read(key) && !refused => {
                    reader.fault("jwks", format!("has no key to which could be encrypted with {key}"));
                }
                _ => {}
            }
        }
    }

    /// A request object of the registered algorithm must be one that could be verified.
    fn check_request_algorithm(&self, reader: &mut Reader) {
        let reason = match self.request_object_signing_alg {
            Some(ClientAlgorithm::Hs256) if self.auth_method != ClientAuthMethod::ClientSecretJwt => {
                "HS256 needs the method client_secret_jwt"
            }
            Some(ClientAlgorithm::Signature(_)) if self.jwks.is_none() && self.jwks_uri.is_none() => {
                "needs jwks or jwks_uri"
            }
            Some(ClientAlgorithm::Signature(algorithm))
                if self.jwks.as_ref().is_some_and(|it| !it.keys.serve(Some(algorithm))) =>
            {
                "jwks has no key by which a request object could be verified"
            }
            Some(ClientAlgorithm::Hs256 | ClientAlgorithm::Signature(_)) | None => return,
        };
        // Keys that were given and refused are told of already.
        if !reader.faults.iter().any(|fault| matches!(fault.member.as_str(), "jwks" | "jwks_uri")) {
            reader.fault("request_object_signing_alg", reason);
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
        put("userinfo_signed_response_alg", self.userinfo_algorithm.map(|it| it.as_str().into()));
        for (alg, enc, wish) in [
            ("id_token_encrypted_response_alg", "id_token_encrypted_response_enc", self.id_token_encryption),
            ("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc", self.userinfo_encryption),
        ] {
            put(alg, wish.map(|it| it.key.as_str().into()));
            put(enc, wish.map(|it| it.content.as_str().into()));
        }
        put("scope", Some(self.scope.to_string().into()));
        put("contacts", (!self.contacts.is_empty()).then(|| self.contacts.clone().into()));
        put("client_uri", text(&self.client_uri));
        put("logo_uri", text(&self.logo_uri));
        put("policy_uri", text(&self.policy_uri));
        put("tos_uri", text(&self.tos_uri));
        put("initiate_login_uri", text(&self.initiate_login_uri));
        put("request_object_signing_alg", self.request_object_signing_alg.map(|it| it.as_str().into()));
        put("request_uris", (!self.request_uris.is_empty()).then(|| self.request_uris.clone().into()));
        for (channel, uri, session) in [
            (&self.backchannel_logout, "backchannel_logout_uri", "backchannel_logout_session_required"),
            (&self.frontchannel_logout, "frontchannel_logout_uri", "frontchannel_logout_session_required"),
        ] {
            put(uri, channel.as_ref().map(|it| it.uri.clone().into()));
            put(session, channel.as_ref().filter(|it| it.session_required).map(|_| Value::Bool(true)));
        }
        put("default_max_age", self.default_max_age.map(Value::from));
        put(
            "default_acr_values",
            (!self.default_acr_values.is_empty()).then(|| self.default_acr_values.clone().into()),
        );
        put("require_auth_time", self.require_auth_time.then_some(Value::Bool(true)));
        put("software_id", text(&self.software.0));
        put("software_version", text(&self.software.1));
        Value::Object(members)
    }
}
