//! What the operator decides about a client.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use terms::limits;

use super::metadata::MetadataFault;
use super::words::ClientProfile;
use crate::resource_server::ResourceIdentifier;

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

    /// How long its refresh tokens live.
    pub(super) fn refresh_terms(&self) -> RefreshTerms {
        let default = RefreshTerms::default();
        let whole = self.refresh_token_lifetime.map_or(default.whole, Duration::from_secs);
        let idle = self.refresh_token_idle.map_or(default.idle, Duration::from_secs);
        RefreshTerms { idle: idle.min(whole), whole }
    }
}
