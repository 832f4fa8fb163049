//! `POST /oauth/token` (RFC 6749 section 3.2): parse, gather, decide, apply, answer.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use identity::{Actor, Event, EventKind};
use oidc::client::{Client, GrantType};
use oidc::client_auth::AuthenticatedClient;
use oidc::grant::{Approved, Grant, RefreshState};
use oidc::refresh_token::{RefreshSecret, RefreshToken};
use oidc::resource_server::{ResourceIdentifier, ResourceServer, TokenFormat};
use oidc::token::authorization_code::{CodeRedemption, Redemption, redeem};
use oidc::token::client_credentials::{self, ClientRequest};
use oidc::token::device_code::{DeviceAnswer, DevicePoll, Polling, poll};
use oidc::token::refresh_token::{RefreshFacts, RefreshRequest, Refreshing, refresh};
use oidc::token::{Audience, Target, TokenRefusal, TokenRequest, target_of_client, target_of_grant};
use serde_json::json;
use store::{Fault, Tx, write_tx};
use terms::{EventId, GrantId, Timestamp};

use super::caller;
use super::issue;
use super::respond::{self, Problem};
use crate::client_keys::{Envelope, envelope};
use crate::error::Failure;
use crate::registered::ResourceServers;
use crate::request::Site;
use crate::sealing::Place;

/// The handler.
pub async fn token(site: Site, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Response {
    match answer(&site, &headers, body).await {
        Ok(response) => response,
        Err(Problem::Refusal(refusal)) => {
            site.app.metrics.token_refused(refusal.code().as_str());
            respond::error(&site.tenant, refusal.code(), &refusal.description())
        }
        Err(Problem::TooOften(wait)) => respond::too_often(&site, wait),
        Err(Problem::Failure(failure)) => axum::response::IntoResponse::into_response(failure),
    }
}

/// What every grant needs, made before any transaction.
struct Call<'a> {
    site: &'a Site,
    client: AuthenticatedClient,
    /// The form of its ID tokens; none where the request is no person's.
    envelope: Option<Envelope>,
    /// The issuer, as the built-in resource server is called.
    issuer: ResourceIdentifier,
    servers: Arc<ResourceServers>,
    minted: Minted,
    now: Timestamp,
}

/// Ids and secrets of what may be issued. Made before the transaction, since that may be run again.
struct Minted {
    token: issue::Minted,
    refresh_secret: RefreshSecret,
    replay_event: EventId,
    end_event: EventId,
}

/// What is issued, before it is signed.
struct Issue {
    approved: Approved,
    refresh_token: Option<RefreshToken>,
}

type Outcome = Result<Issue, TokenRefusal>;

async fn answer(
    site: &Site,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem<TokenRefusal>> {
    let now = site.app.clock.now();
    let refused = Problem::Refusal;
    let form = caller::form(headers, body).map_err(|error| refused(TokenRefusal::Form(error)))?;
    let client = caller::client(site, headers, &form, now, TokenRefusal::Client).await?;
    let request = TokenRequest::parse(&form, &client).map_err(refused)?;
    let entropy = &site.app.entropy;
    let minted = Minted {
        token: issue::Minted::new(&site.app),
        refresh_secret: RefreshSecret::new(entropy.bytes()),
        replay_event: entropy.id(EventId::new, now),
        end_event: entropy.id(EventId::new, now),
    };
    let issuer = site.tenant.issuer.as_str().parse().map_err(Failure::new)?;
    let envelope = envelope_of(site, client.client(), &request, now).await?;
    let servers = site.app.resource_servers(&site.tenant).await?;
    let call = Call { site, client, envelope, issuer, servers, minted, now };
    let (store, tenant) = (&site.app.store, site.tenant.id);
    let outcome = match &request {
        TokenRequest::AuthorizationCode(code) => {
            write_tx!(store, tenant, |tx| -> Result<Outcome, Fault> { call.by_code(tx, code).await })
        }
        TokenRequest::RefreshToken(token) => {
            write_tx!(store, tenant, |tx| -> Result<Outcome, Fault> {
                call.by_refresh_token(tx, token).await
            })
        }
        TokenRequest::ClientCredentials(own) => call.by_client(own).await,
        TokenRequest::DeviceCode(device) => {
            write_tx!(store, tenant, |tx| -> Result<Outcome, Fault> { call.by_device(tx, device).await })
        }
    };
    let issue = outcome?.map_err(refused)?;
    call.note_use().await?;
    let response = call.sign(&issue).await?;
    site.app.metrics.token_issued(request.grant_type().as_str());
    Ok(response)
}

/// The form of the ID tokens that may come of this request. A client whose key can't be had keeps its code: nothing was spent
/// yet.
async fn envelope_of(
    site: &Site,
    client: &Client,
    request: &TokenRequest,
    now: Timestamp,
) -> Result<Option<Envelope>, Failure> {
    match request {
        TokenRequest::ClientCredentials(_) => Ok(None),
        TokenRequest::AuthorizationCode(_) | TokenRequest::RefreshToken(_) | TokenRequest::DeviceCode(_) => {
            Ok(Some(envelope(&site.app, &site.tenant, client, client.id_token_encryption, now).await?))
        }
    }
}

impl Call<'_> {
    /// RFC 6749 section 4.1.3.
    async fn by_code(&self, tx: &mut Tx, request: &CodeRedemption) -> Result<Outcome, Fault> {
        let hash = request.code.hash();
        let facts = tx.authorization_code(hash).await?;
        let audience = match &facts {
            Some(facts) => self.audience(&facts.grant, request.resource.as_ref()),
            None => Err(TokenRefusal::CodeUnknown),
        };
        match redeem(&self.client, request, facts.as_ref(), audience, self.now) {
            Redemption::Refuse(refusal) => Ok(Err(refusal)),
            Redemption::RevokeAndRefuse { grant } => {
                self.end_for_replay(tx, grant, "authorization_code").await?;
                Ok(Err(TokenRefusal::CodeSpent))
            }
            Redemption::Issue(approved) => {
                if !tx.spend_authorization_code(hash, self.now).await? {
                    return Ok(Err(TokenRefusal::CodeSpent));
                }
                self.first_of_grant(tx, *approved).await.map(Ok)
            }
        }
    }

    /// RFC 8628 section 3.4.
    async fn by_device(&self, tx: &mut Tx, request: &DevicePoll) -> Result<Outcome, Fault> {
        let hash = request.device_code.hash();
        let facts = tx.device_code(hash).await?;
        let audience = match facts.as_ref().map(|facts| &facts.answer) {
            Some(DeviceAnswer::Approved { grant, .. }) => self.audience(grant, request.resource.as_ref()),
            Some(DeviceAnswer::Pending | DeviceAnswer::Denied) | None => Err(TokenRefusal::DeviceCodeUnknown),
        };
        match poll(&self.client, facts.as_ref(), audience, self.now) {
            Polling::Refuse(refusal) => Ok(Err(refusal)),
            Polling::Wait { interval, refusal } => {
                tx.note_device_poll(hash, interval, self.now).await?;
                Ok(Err(refusal))
            }
            Polling::RevokeAndRefuse { grant } => {
                self.end_for_replay(tx, grant, "device_code").await?;
                Ok(Err(TokenRefusal::DeviceCodeSpent))
            }
            Polling::Issue(approved) => {
                if !tx.spend_device_code(hash, self.now).await? {
                    return Ok(Err(TokenRefusal::DeviceCodeSpent));
                }
                self.first_of_grant(tx, *approved).await.map(Ok)
            }
        }
    }

    /// What a Grant gives out first.
    async fn first_of_grant(&self, tx: &mut Tx, approved: Approved) -> Result<Issue, Fault> {
        let refresh_token = match approved.person() {
            Some(person) if self.client.client().may_use(GrantType::RefreshToken) => {
                Some(self.first_refresh_token(tx, person.grant).await?)
            }
            _ => None,
        };
        self.note_opaque(tx, &approved).await?;
        Ok(Issue { approved, refresh_token })
    }

    /// RFC 6749 section 6.
    async fn by_refresh_token(&self, tx: &mut Tx, request: &RefreshRequest) -> Result<Outcome, Fault> {
        let Some(record) = tx.refresh_token(request.token.grant()).await? else {
            return Ok(Err(TokenRefusal::RefreshTokenUnknown));
        };
        let audience = self.audience(&record.grant, request.resource.as_ref());
        let secret = caller::unseal(self.site, &record)?;
        let facts = RefreshFacts {
            tenant: self.site.tenant.id,
            state: record.state,
            secret,
            grant: record.grant,
            standing: record.standing,
        };
        let (approved, generation) = match refresh(&self.client, request, Some(&facts), audience, self.now) {
            Refreshing::Refuse(refusal) => return Ok(Err(refusal)),
            Refreshing::EndAndRefuse { grant } => {
                self.end_for_replay(tx, grant, "refresh_token").await?;
                return Ok(Err(TokenRefusal::RefreshTokenReused));
            }
            Refreshing::Repeat { approved, generation } => (approved, generation),
            Refreshing::Keep { approved, generation, idle_expires_at } => {
                tx.touch_refresh_token(facts.grant.id, idle_expires_at).await?;
                (approved, generation)
            }
            Refreshing::Rotate { approved, from, to } => {
                if !tx.rotate_refresh_token(facts.grant.id, from.generation, &to).await? {
                    // Serializable transactions read and write as one, so nobody can have come between.
                    return Err(Fault::busy(format!("rotate the refresh token of {}", facts.grant.id)));
                }
                (approved, to.generation)
            }
        };
        self.note_opaque(tx, &approved).await?;
        let refresh_token = facts.secret.derive(facts.tenant, facts.grant.id, generation);
        Ok(Ok(Issue { approved: *approved, refresh_token: Some(refresh_token) }))
    }

    /// RFC 6749 section 4.4. Writes nothing, unless the token is a handle.
    async fn by_client(&self, request: &ClientRequest) -> Result<Outcome, Fault> {
        let (store, tenant) = (&self.site.app.store, self.site.tenant.id);
        let target = target_of_client(self.client.client(), request.resource.as_ref(), &self.issuer);
        let approved = match client_credentials::decide(&self.client, request, self.server(target)) {
            Ok(approved) => approved,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if approved.audience().format == TokenFormat::Opaque {
            write_tx!(store, tenant, |tx| -> Result<(), Fault> { self.note_opaque(tx, &approved).await })?;
        }
        Ok(Ok(Issue { approved, refresh_token: None }))
    }

    /// The resource server that a token of this Grant is for.
    fn audience(&self, grant: &Grant, wanted: Option<&ResourceIdentifier>) -> Audience {
        self.server(target_of_grant(self.client.client(), grant, wanted, &self.issuer))
    }

    fn server(&self, target: Result<Target, TokenRefusal>) -> Audience {
        match target? {
            Target::BuiltIn => Ok(ResourceServer::built_in(self.issuer.clone())),
            Target::Registered(identifier) => {
                self.servers.get(&identifier).cloned().ok_or(TokenRefusal::ResourceUnknown)
            }
        }
    }

    /// The first refresh token of a Grant. Its secret is sealed for its row, so not before the Grant is known.
    async fn first_refresh_token(&self, tx: &mut Tx, grant: GrantId) -> Result<RefreshToken, Fault> {
        let (site, secret) = (self.site, &self.minted.refresh_secret);
        let state = RefreshState::first(self.client.client().refresh_terms(), self.now);
        let sealed =
            site.tenant.data_key.seal(&site.app.entropy, Place::RefreshSecret(grant), secret.reveal());
        let sealed = sealed
            .map_err(|error| Fault::new(format!("seal the refresh secret of {grant}")).because(error))?;
        tx.insert_refresh_token(grant, &sealed, &state).await?;
        Ok(secret.derive(site.tenant.id, grant, state.generation))
    }

    /// An access token that is a handle must be found again.
    async fn note_opaque(&self, tx: &mut Tx, approved: &Approved) -> Result<(), Fault> {
        issue::note_opaque(tx, approved, self.issuer.as_str(), &self.minted.token, self.now).await
    }

    /// Somebody else has what this Grant gave out: with the Grant all of it ends (RFC 6749 section 4.1.2, RFC 9700
    /// section 4.14.2).
    async fn end_for_replay(&self, tx: &mut Tx, grant: GrantId, what: &str) -> Result<(), Fault> {
        let event = |id, kind| {
            let actor = Actor::Client(self.client.client().id.clone());
            Event::new(id, kind, actor, self.now).from_address(self.site.address)
        };
        let replay = event(self.minted.replay_event, EventKind::ReplayDetected);
        tx.append_event(&replay.about(grant).with("presented", what)).await?;
        if tx.end_grant(grant, self.now).await? {
            let end = event(self.minted.end_event, EventKind::GrantEnded);
            tx.append_event(&end.about(grant)).await?;
        }
        Ok(())
    }

    /// A client that registered itself goes when it is not used.
    async fn note_use(&self) -> Result<(), Fault> {
        let client = self.client.client();
        if !client.use_is_noteworthy(self.now) {
            return Ok(());
        }
        let (store, tenant) = (&self.site.app.store, self.site.tenant.id);
        write_tx!(store, tenant, |tx| -> Result<(), Fault> {
            tx.note_client_use(&client.id, self.now).await
        })?;
        self.site.app.forget_client(tenant, &client.id);
        Ok(())
    }

    /// RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3.
    async fn sign(&self, issue: &Issue) -> Result<Response, Failure> {
        let Issue { approved, refresh_token } = issue;
        let wanted = issue::Wanted {
            access_token: true,
            id_token: self.envelope.as_ref(),
            code: None,
            without_userinfo: false,
        };
        let made = (&self.minted.token, wanted);
        let signed = issue::sign(self.site, self.client.client(), approved, made, self.now).await?;
        let mut body = json!({
            "access_token": signed.access_token,
            "token_type": "Bearer",
            "expires_in": approved.audience().access_token_lifetime.as_secs(),
        });
        if !approved.scope().is_empty() {
            body["scope"] = approved.scope().to_string().into();
        }
        if let Some(refresh_token) = refresh_token {
            body["refresh_token"] = refresh_token.reveal().into();
        }
        if let Some(id_token) = signed.id_token {
            body["id_token"] = id_token.into();
        }
        Ok(respond::json(StatusCode::OK, body))
    }
}
