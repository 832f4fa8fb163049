//! Grants, and what hangs on them: authorization codes, refresh tokens, opaque access tokens, revoked ones.
//!
//! Whatever reads a Grant reads with it, in one statement, what holds now of those that it rests on.

use identity::User;
use oidc::access_token::{AccessToken, Holder, TokenId};
use oidc::grant::{Authentication, Grant, IssuedCode, RefreshState, Standing};
use oidc::presented::TokenFacts;
use oidc::resource_server::ResourceIdentifier;
use oidc::token::authorization_code::CodeFacts;
use terms::{AccessTokenHandleHash, AuthorizationCodeHash, ClientId, GrantId, Subject, Timestamp, limits};

use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::users::{joined_user, user_columns, user_joins};
use crate::value::Json;
use crate::{Fault, Read};

/// The columns of a Grant and of its standing, for `grant_record` as `g` and the three that it is joined with.
macro_rules! grant_columns {
    () => {
        "g.grant_id, g.client_id AS grant_client, g.user_id, g.pairwise_subject, g.session_id, g.offline, g.by_consent, g.scope AS grant_scope, \
         g.resources, g.claims, g.auth_time, g.amr, g.acr, g.created_at AS grant_created_at, g.ended_at AS grant_ended_at, \
         u.subject AS user_subject, u.disabled_at AS user_disabled_at, \
         s.last_active_at AS session_last_active_at, s.expires_at AS session_expires_at, s.ended_at AS session_ended_at, \
         c.scope AS consented"
    };
}

/// What a Grant rests on, as it is now.
macro_rules! standing_joins {
    () => {
        " LEFT JOIN user_account u ON u.tenant_id = g.tenant_id AND u.user_id = g.user_id \
          LEFT JOIN session s ON s.tenant_id = g.tenant_id AND s.session_id = g.session_id AND s.user_id = g.user_id \
          LEFT JOIN consent c ON c.tenant_id = g.tenant_id AND c.user_id = g.user_id AND c.client_id = g.client_id \
               AND c.withdrawn_at IS NULL "
    };
}

pub(crate) use {grant_columns, standing_joins};

/// A Grant with what holds of it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantInFull {
    pub grant: Grant,
    pub standing: Standing,
}

/// How far a Grant's refresh tokens have gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRecord {
    pub grant: Grant,
    pub standing: Standing,
    pub state: RefreshState,
    /// Sealed for this table, column and grant.
    pub sealed_secret: Vec<u8>,
}

/// An opaque access token with what is known of it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpaqueToken {
    pub token: AccessToken,
    pub facts: TokenFacts,
}

pub(crate) fn grant(row: &Row<'_>) -> Result<Grant, BadColumn> {
    let resources: Vec<ResourceIdentifier> = row.json("resources")?;
    Ok(Grant {
        id: row.parse("grant_id")?,
        client: row.parse("grant_client")?,
        user: row.parse("user_id")?,
        pairwise_subject: row.opt_parse("pairwise_subject")?,
        session: row.parse("session_id")?,
        offline: row.bool("offline")?,
        by_consent: row.bool("by_consent")?,
        scope: row.parse("grant_scope")?,
        resources,
        claims: row.opt_json("claims")?.unwrap_or_default(),
        authentication: Authentication {
            time: row.time("auth_time")?,
            methods: row.json("amr")?,
            acr: row.text("acr")?,
        },
        created_at: row.time("grant_created_at")?,
        ended_at: row.opt_time("grant_ended_at")?,
    })
}

pub(crate) fn standing(row: &Row<'_>) -> Result<Standing, BadColumn> {
    // The joined columns of a session come together or not at all.
    let session_ends_at = match row.opt_time("session_last_active_at")? {
        None => None,
        Some(last_active_at) => {
            let ended_at = row.opt_time("session_ended_at")?;
            let limit = last_active_at.plus(limits::SESSION_IDLE).min(row.time("session_expires_at")?);
            Some(ended_at.map_or(limit, |ended_at| ended_at.min(limit)))
        }
    };
    Ok(Standing {
        subject: row.opt_parse("user_subject")?,
        user_disabled: row.opt_time("user_disabled_at")?.is_some(),
        session_ends_at,
        consented: row.opt_parse("consented")?,
    })
}

impl FromRow for GrantInFull {
    const TABLE: &'static str = "grant_record";
    const KEY: &'static str = "grant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { grant: grant(row)?, standing: standing(row)? })
    }
}

impl FromRow for CodeFacts {
    const TABLE: &'static str = "authorization_code of grant";
    const KEY: &'static str = "grant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let challenge = row.opt_text("code_challenge")?.map(TryInto::try_into).transpose();
        Ok(Self {
            issued: IssuedCode {
                grant: row.parse("grant_id")?,
                redirect_uri: row.opt_text("redirect_uri")?,
                code_challenge: challenge.map_err(|error| BadColumn::new("code_challenge", error))?,
                nonce: row.opt_text("nonce")?,
                expires_at: row.time("code_expires_at")?,
                redeemed_at: row.opt_time("redeemed_at")?,
            },
            grant: grant(row)?,
            standing: standing(row)?,
        })
    }
}

impl FromRow for RefreshRecord {
    const TABLE: &'static str = "refresh_token of grant";
    const KEY: &'static str = "grant_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            grant: grant(row)?,
            standing: standing(row)?,
            state: RefreshState {
                generation: row.narrow("generation")?,
                rotated_at: row.time("rotated_at")?,
                previous_rotated_at: row.opt_time("previous_rotated_at")?,
                idle_expires_at: row.time("idle_expires_at")?,
                expires_at: row.time("refresh_expires_at")?,
            },
            sealed_secret: row.blob("sealed_secret")?,
        })
    }
}

/// What is known of a JWT by its `jti`, its client, and the Grant that it names, if it names one.
impl FromRow for TokenFacts {
    const TABLE: &'static str = "the facts about access token";
    const KEY: &'static str = "token_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let named = row.opt_text("grant_id")?.is_some();
        Ok(Self {
            client_known: row.bool("client_known")?,
            revoked: row.bool("revoked")?,
            grant: if named { Some((grant(row)?, standing(row)?)) } else { None },
        })
    }
}

/// The same, and with one address at most the user of the Grant: one with several addresses comes as several rows.
pub struct TokenRow {
    facts: TokenFacts,
    user: Option<User>,
}

impl FromRow for TokenRow {
    const TABLE: &'static str = "the facts about access token";
    const KEY: &'static str = "token_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self { facts: TokenFacts::from_row(row)?, user: joined_user(row)? })
    }
}

impl Read {
    /// What is known of a JWT that is genuine, and the user of the Grant that it names.
    pub async fn token_facts_and_user(
        &mut self,
        token: &TokenId,
        client: &ClientId,
        grant: Option<GrantId>,
    ) -> Result<(TokenFacts, Option<User>), Fault> {
        let mut found: Option<(TokenFacts, Option<User>)> = None;
        for TokenRow { facts, user } in self.token_rows(token, client, grant).await? {
            match &mut found {
                None => found = Some((facts, user)),
                Some((_, None)) => {}
                Some((_, Some(known))) => known.emails.extend(user.into_iter().flat_map(|it| it.emails)),
            }
        }
        found.ok_or_else(|| Fault::new("read the facts about a token").because("it gave no row"))
    }
}

impl FromRow for OpaqueToken {
    const TABLE: &'static str = "access_token";
    const KEY: &'static str = "token_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        let facts = TokenFacts::from_row(row)?;
        let client: ClientId = row.parse("client_id")?;
        let subject: Subject = row.parse("subject")?;
        let holder = match &facts.grant {
            Some((grant, _)) => Holder::User {
                subject,
                grant: grant.id,
                authenticated_at: grant.authentication.time,
                acr: grant.authentication.acr.clone(),
                amr: grant.authentication.methods.clone(),
            },
            None if subject.as_str() == client.as_str() => Holder::Client,
            None => return Err(BadColumn::new("grant_id", "no grant, though the subject is not the client")),
        };
        let id = row.text("token_id")?;
        let token = AccessToken {
            issuer: row.text("issuer")?,
            audience: row.text("audience")?,
            issued_at: row.time("issued_at")?,
            expires_at: row.time("token_expires_at")?,
            id: TokenId::try_from(id).map_err(|error| BadColumn::new("token_id", error))?,
            client,
            scope: row.text("token_scope")?,
            holder,
        };
        Ok(Self { token, facts })
    }
}

/// Whose token it is, for its row.
fn holder_columns(token: &AccessToken) -> (Option<GrantId>, Subject) {
    match &token.holder {
        Holder::User { subject, grant, .. } => (Some(*grant), subject.clone()),
        Holder::Client => (None, token.client.clone().into()),
    }
}

verbs! {
    /// Stores a Grant. Whether its client's use is to be noted, the client says.
    pub write exec insert_grant(it: &Grant)[
        it.id, it.client, it.user, it.session, it.offline, it.by_consent, it.scope.to_string(), Json(&it.resources),
        it.authentication.time, Json(&it.authentication.methods), it.authentication.acr, it.created_at, it.expires_at(),
        it.pairwise_subject, Json(&it.claims),
    ] =
        "INSERT INTO grant_record (tenant_id, grant_id, client_id, user_id, session_id, offline, by_consent, scope, resources,
                                   auth_time, amr, acr, created_at, expires_at, pairwise_subject, claims)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

    pub read opt grant(grant: GrantId) -> GrantInFull =
        concat!("SELECT ", grant_columns!(), " FROM grant_record g ", standing_joins!(),
                "WHERE g.tenant_id = $1 AND g.grant_id = $2");

    /// Ends a Grant, and with it all its tokens. True if it wasn't ended before.
    pub write guard end_grant(grant: GrantId, now: Timestamp) =
        "UPDATE grant_record SET ended_at = $3 WHERE tenant_id = $1 AND grant_id = $2 AND ended_at IS NULL";

    pub write exec insert_authorization_code(hash: AuthorizationCodeHash, it: &IssuedCode)[
        hash, it.grant, it.redirect_uri, it.code_challenge.map(String::from), it.nonce, it.expires_at,
    ] =
        "INSERT INTO authorization_code (tenant_id, code_hash, grant_id, redirect_uri, code_challenge, nonce, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)";

    pub read opt authorization_code(hash: AuthorizationCodeHash) -> CodeFacts =
        concat!("SELECT a.redirect_uri, a.code_challenge, a.nonce, a.expires_at AS code_expires_at, a.redeemed_at, ",
                grant_columns!(), " FROM authorization_code a
                 JOIN grant_record g ON g.tenant_id = a.tenant_id AND g.grant_id = a.grant_id ", standing_joins!(),
                "WHERE a.tenant_id = $1 AND a.code_hash = $2");

    /// Spends a code. Of two redemptions at once, one gets true.
    pub write guard spend_authorization_code(hash: AuthorizationCodeHash, now: Timestamp) =
        "UPDATE authorization_code SET redeemed_at = $3
          WHERE tenant_id = $1 AND code_hash = $2 AND redeemed_at IS NULL AND expires_at > $3";

    pub write exec insert_refresh_token(grant: GrantId, sealed_secret: &[u8], it: &RefreshState)[
        grant, sealed_secret, it.generation, it.rotated_at, it.previous_rotated_at, it.idle_expires_at, it.expires_at,
    ] =
        "INSERT INTO refresh_token (tenant_id, grant_id, sealed_secret, generation, rotated_at, previous_rotated_at,
                                    idle_expires_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

    pub read opt refresh_token(grant: GrantId) -> RefreshRecord =
        concat!("SELECT r.sealed_secret, r.generation, r.rotated_at, r.previous_rotated_at, r.idle_expires_at,
                        r.expires_at AS refresh_expires_at, ", grant_columns!(), " FROM refresh_token r
                 JOIN grant_record g ON g.tenant_id = r.tenant_id AND g.grant_id = r.grant_id ", standing_joins!(),
                "WHERE r.tenant_id = $1 AND r.grant_id = $2");

    /// Goes on to the next generation from the one that was seen. Of two at once, one gets true.
    pub write guard rotate_refresh_token(grant: GrantId, seen: u32, to: &RefreshState)[
        grant, seen, to.rotated_at, to.previous_rotated_at, to.idle_expires_at,
    ] =
        "UPDATE refresh_token
            SET generation = generation + 1, rotated_at = $4, previous_rotated_at = $5, idle_expires_at = $6
          WHERE tenant_id = $1 AND grant_id = $2 AND generation = $3
            AND EXISTS (SELECT 1 FROM grant_record g
                         WHERE g.tenant_id = $1 AND g.grant_id = $2 AND g.ended_at IS NULL)";

    /// Notes that a refresh token that doesn't rotate was used.
    pub write exec touch_refresh_token(grant: GrantId, idle_expires_at: Timestamp) =
        "UPDATE refresh_token SET idle_expires_at = $3 WHERE tenant_id = $1 AND grant_id = $2 AND idle_expires_at < $3";

    pub write exec insert_access_token(hash: AccessTokenHandleHash, it: &AccessToken)[
        hash, it.id.as_str(), holder_columns(it).0, it.client, holder_columns(it).1, it.audience, it.scope, it.issued_at,
        it.expires_at,
    ] =
        "INSERT INTO access_token (tenant_id, token_hash, token_id, grant_id, client_id, subject, audience, scope, issued_at,
                                   expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

    pub read opt access_token(hash: AccessTokenHandleHash) -> OpaqueToken =
        concat!("SELECT a.token_id, a.client_id, a.subject, a.audience, a.scope AS token_scope, a.issued_at,
                        a.expires_at AS token_expires_at, t.issuer,
                        EXISTS (SELECT 1 FROM client k WHERE k.tenant_id = a.tenant_id AND k.client_id = a.client_id)
                            AS client_known,
                        a.revoked_at IS NOT NULL AS revoked, ", grant_columns!(), " FROM access_token a
                 JOIN tenant t ON t.tenant_id = a.tenant_id
                 LEFT JOIN grant_record g ON g.tenant_id = a.tenant_id AND g.grant_id = a.grant_id ", standing_joins!(),
                "WHERE a.tenant_id = $1 AND a.token_hash = $2");

    pub write guard revoke_access_token(hash: AccessTokenHandleHash, now: Timestamp) =
        "UPDATE access_token SET revoked_at = $3 WHERE tenant_id = $1 AND token_hash = $2 AND revoked_at IS NULL";

    read many token_rows(token: &TokenId, client: &ClientId, grant: Option<GrantId>)
        [token.as_str(), client, grant] -> TokenRow =
        concat!("SELECT x.token_id,
                        EXISTS (SELECT 1 FROM client k WHERE k.tenant_id = $1 AND k.client_id = $3) AS client_known,
                        EXISTS (SELECT 1 FROM revoked_token r WHERE r.tenant_id = $1 AND r.token_id = x.token_id) AS revoked, ",
                grant_columns!(), ", ", user_columns!(), " FROM (SELECT CAST($2 AS TEXT) AS token_id) AS x
                 LEFT JOIN grant_record g ON g.tenant_id = $1 AND g.grant_id = $4 ", standing_joins!(), user_joins!(),
                "ORDER BY e.canonical");

    /// What is known of a JWT that is genuine.
    pub read one token_facts(token: &TokenId, client: &ClientId, grant: Option<GrantId>)
        [token.as_str(), client, grant] -> TokenFacts =
        concat!("SELECT x.token_id,
                        EXISTS (SELECT 1 FROM client k WHERE k.tenant_id = $1 AND k.client_id = $3) AS client_known,
                        EXISTS (SELECT 1 FROM revoked_token r WHERE r.tenant_id = $1 AND r.token_id = x.token_id) AS revoked, ",
                grant_columns!(), " FROM (SELECT CAST($2 AS TEXT) AS token_id) AS x
                 LEFT JOIN grant_record g ON g.tenant_id = $1 AND g.grant_id = $4 ", standing_joins!());

    /// Remembers that a JWT was revoked, until it would have expired. True if it wasn't before.
    pub write guard revoke_jwt(token: &TokenId, until: Timestamp)[token.as_str(), until] =
        "INSERT INTO revoked_token (tenant_id, token_id, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, NOW, TestStore};
    use crate::{Fault, Store, write_tx};
    use oidc::client::RefreshTerms;
    use oidc::pkce::CodeChallenge;
    use std::time::Duration;
    use terms::{AccessTokenHandle, AuthorizationCode, SessionId, TenantId, UserId};

    fn id<T>(new: fn(Timestamp, [u8; 10]) -> T) -> T {
        new(NOW, testing::id_bits())
    }

    fn a_grant() -> Grant {
        Grant {
            id: id(GrantId::new),
            client: "cli_web".parse().unwrap(),
            user: id(UserId::new),
            pairwise_subject: Some("seen".parse().unwrap()),
            session: id(SessionId::new),
            offline: true,
            by_consent: false,
            scope: "openid profile".parse().unwrap(),
            claims: serde_json::from_value(
                serde_json::json!({ "userinfo": { "email": { "essential": true, "values": [] } } }),
            )
            .unwrap(),
            resources: vec!["https://api.example.test".parse().unwrap()],
            authentication: Authentication {
                time: NOW,
                methods: vec!["pwd".to_owned()],
                acr: "1".to_owned(),
            },
            created_at: NOW,
            ended_at: None,
        }
    }

    fn a_code(grant: &Grant) -> IssuedCode {
        IssuedCode {
            grant: grant.id,
            redirect_uri: Some("https://app.example.test/cb".to_owned()),
            code_challenge: CodeChallenge::read(
                Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                Some("S256"),
            )
            .unwrap(),
            nonce: Some("n".to_owned()),
            expires_at: NOW.plus(limits::AUTHORIZATION_CODE_LIFETIME),
            redeemed_at: None,
        }
    }

    fn an_access_token(grant: Option<&Grant>) -> AccessToken {
        AccessToken {
            issuer: "https://default.example.test".to_owned(),
            audience: "https://api.example.test".to_owned(),
            issued_at: NOW,
            expires_at: NOW.plus(Duration::from_mins(5)),
            id: TokenId::new([7; 16]),
            client: "cli_web".parse().unwrap(),
            scope: "api:read".to_owned(),
            holder: grant.map_or(Holder::Client, |grant| Holder::User {
                subject: "alice".parse().unwrap(),
                grant: grant.id,
                authenticated_at: grant.authentication.time,
                acr: grant.authentication.acr.clone(),
                amr: grant.authentication.methods.clone(),
            }),
        }
    }

    async fn put_grant(store: &TestStore, grant: &Grant) {
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.insert_grant(grant).await }).unwrap();
    }

    async fn put_code(store: &TestStore, grant: &Grant, code: &IssuedCode) -> AuthorizationCodeHash {
        put_grant(store, grant).await;
        let mut bytes = [9; 32];
        bytes[..10].copy_from_slice(&testing::id_bits());
        let hash = AuthorizationCode::new(bytes).hash();
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_authorization_code(hash, code).await
        })
        .unwrap();
        hash
    }

    async fn put_refresh_token(store: &TestStore, grant: &Grant) -> RefreshState {
        put_grant(store, grant).await;
        let state = RefreshState::first(RefreshTerms::default(), NOW);
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_refresh_token(grant.id, b"sealed", &state).await
        })
        .unwrap();
        state
    }

    /// Runs `racers` of the same command at once and counts those that were told that they were first.
    async fn firsts<F, R>(store: &TestStore, racers: usize, command: F) -> usize
    where
        F: Fn(Store, TenantId) -> R,
        R: Future<Output = Result<bool, Fault>> + Send + 'static,
    {
        let runs = testing::race(racers, |_| command(store.store.clone(), store.tenant)).await;
        runs.into_iter().filter(|first| *first.as_ref().unwrap()).count()
    }

    #[tokio::test]
    async fn a_grant_and_its_code_survive_their_rows() {
        for store in testing::engines().await {
            let grant = a_grant();
            let code = a_code(&grant);
            let hash = put_code(&store, &grant, &code).await;
            let found = store.read(store.tenant).authorization_code(hash).await.unwrap().unwrap();
            assert_eq!((&found.grant, &found.issued), (&grant, &code));
            // Nobody made the user, the session or a consent.
            let nothing =
                Standing { subject: None, user_disabled: false, session_ends_at: None, consented: None };
            assert_eq!(found.standing, nothing);
            assert_eq!(store.read(store.tenant).grant(grant.id).await.unwrap().unwrap().grant, grant);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_redemptions_at_once_one_is_first() {
        for store in testing::engines().await {
            for _ in 0..10 {
                let grant = a_grant();
                let hash = put_code(&store, &grant, &a_code(&grant)).await;
                let firsts = firsts(&store, 8, |store, tenant| async move {
                    write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
                        tx.spend_authorization_code(hash, NOW).await
                    })
                })
                .await;
                assert_eq!(firsts, 1);
                let found = store.read(store.tenant).authorization_code(hash).await.unwrap().unwrap();
                assert_eq!(found.issued.redeemed_at, Some(NOW));
            }
        }
    }

    #[tokio::test]
    async fn an_expired_code_is_not_spent() {
        for store in testing::engines().await {
            let grant = a_grant();
            let code = a_code(&grant);
            let hash = put_code(&store, &grant, &code).await;
            for (at, spent) in
                [(code.expires_at, false), (code.expires_at.minus(Duration::from_millis(1)), true)]
            {
                let got = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
                    tx.spend_authorization_code(hash, at).await
                });
                assert_eq!(got.unwrap(), spent);
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_rotations_at_once_one_is_first() {
        for store in testing::engines().await {
            for _ in 0..10 {
                let grant = a_grant();
                let to = put_refresh_token(&store, &grant).await.rotated(RefreshTerms::default(), NOW);
                let (id, next) = (grant.id, to);
                let firsts = firsts(&store, 8, move |store, tenant| async move {
                    write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
                        tx.rotate_refresh_token(id, 0, &next).await
                    })
                })
                .await;
                assert_eq!(firsts, 1);
                let found = store.read(store.tenant).refresh_token(grant.id).await.unwrap().unwrap();
                assert_eq!((found.state, found.sealed_secret.as_slice()), (to, b"sealed".as_slice()));
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_grant_ends_once_and_its_refresh_tokens_rotate_no_more() {
        for store in testing::engines().await {
            let grant = a_grant();
            let to = put_refresh_token(&store, &grant).await.rotated(RefreshTerms::default(), NOW);
            let id = grant.id;
            let firsts = firsts(&store, 8, move |store, tenant| async move {
                write_tx!(store, tenant, |tx| -> Result<bool, Fault> { tx.end_grant(id, NOW).await })
            })
            .await;
            assert_eq!(firsts, 1);
            let rotated = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
                tx.rotate_refresh_token(id, 0, &to).await
            });
            assert!(!rotated.unwrap());
        }
    }

    #[tokio::test]
    async fn using_a_refresh_token_only_ever_prolongs_it() {
        for store in testing::engines().await {
            let grant = a_grant();
            let state = put_refresh_token(&store, &grant).await;
            let later = state.idle_expires_at.plus(Duration::from_secs(5));
            for at in [later, NOW] {
                write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
                    tx.touch_refresh_token(grant.id, at).await
                })
                .unwrap();
                let found = store.read(store.tenant).refresh_token(grant.id).await.unwrap().unwrap();
                assert_eq!(found.state, RefreshState { idle_expires_at: later, ..state });
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn an_opaque_token_survives_its_row_and_is_revoked_once() {
        for store in testing::engines().await {
            let grant = a_grant();
            put_grant(&store, &grant).await;
            for (n, token) in [(1, an_access_token(Some(&grant))), (2, an_access_token(None))] {
                let hash = AccessTokenHandle::new([n; 32]).hash();
                write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
                    tx.insert_access_token(hash, &token).await
                })
                .unwrap();
                let found = store.read(store.tenant).access_token(hash).await.unwrap().unwrap();
                assert_eq!(found.token, token);
                assert!(!found.facts.revoked && !found.facts.client_known);
                assert_eq!(found.facts.grant.is_some(), n == 1);
                let firsts = firsts(&store, 8, move |store, tenant| async move {
                    write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
                        tx.revoke_access_token(hash, NOW).await
                    })
                })
                .await;
                assert_eq!(firsts, 1);
                let found = store.read(store.tenant).access_token(hash).await.unwrap().unwrap();
                assert!(found.facts.revoked);
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_jwt_is_revoked_once_and_its_facts_say_so() {
        for store in testing::engines().await {
            let grant = a_grant();
            put_grant(&store, &grant).await;
            let token = TokenId::new([3; 16]);
            let facts = async |grant| {
                store
                    .read(store.tenant)
                    .token_facts(&token, &"cli_web".parse().unwrap(), grant)
                    .await
                    .unwrap()
            };
            assert!(!facts(None).await.revoked);
            let revoked = token.clone();
            let firsts = firsts(&store, 8, move |store, tenant| {
                let revoked = revoked.clone();
                async move {
                    write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
                        tx.revoke_jwt(&revoked, NOW).await
                    })
                }
            })
            .await;
            assert_eq!(firsts, 1);
            let got = facts(Some(grant.id)).await;
            assert!(got.revoked && !got.client_known);
            let client = "cli_web".parse().unwrap();
            for named in [Some(grant.id), None] {
                let facts = facts(named).await;
                let both =
                    store.read(store.tenant).token_facts_and_user(&token, &client, named).await.unwrap();
                assert_eq!(both, (facts, None), "the grant's user is gone");
            }
            assert_eq!(got.grant.unwrap().0, grant);
        }
    }

    #[tokio::test]
    async fn nothing_is_found_or_changed_from_another_tenant() {
        for store in testing::engines().await {
            let grant = a_grant();
            let hash = put_code(&store, &grant, &a_code(&grant)).await;
            let other = testing::add_tenant(&store, "other").await.unwrap();
            assert_eq!(store.read(other).authorization_code(hash).await.unwrap(), None);
            assert_eq!(store.read(other).grant(grant.id).await.unwrap(), None);
            let changed = write_tx!(store, other, |tx| -> Result<(bool, bool), Fault> {
                Ok((tx.spend_authorization_code(hash, NOW).await?, tx.end_grant(grant.id, NOW).await?))
            });
            assert_eq!(changed.unwrap(), (false, false));
        }
    }

    #[tokio::test]
    async fn what_has_expired_is_swept_and_the_rest_stays() {
        for store in testing::engines().await {
            let grant = a_grant();
            let code = a_code(&grant);
            let hash = put_code(&store, &grant, &code).await;
            let day = Duration::from_hours(24);
            let last = code.expires_at.plus(day).minus(Duration::from_millis(1));
            for (at, swept) in [(last, 0), (code.expires_at.plus(day), 1)] {
                assert_eq!(store.sweep(store.tenant, at).await.unwrap(), swept);
            }
            assert_eq!(store.read(store.tenant).authorization_code(hash).await.unwrap(), None);
            assert_eq!(store.sweep(store.tenant, grant.expires_at().plus(day)).await.unwrap(), 1);
        }
    }
}
