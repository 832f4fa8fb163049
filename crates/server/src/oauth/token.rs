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
use serde::Serialize;
use store::{Fault, Tx, write_guarded, write_one, write_tx};
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

impl Minted {
    /// Out of one draw: each has a price of its own, which a cheap request feels.
    fn new(site: &Site, now: Timestamp) -> Self {
        let [id, handle, secret, replay, end] = site.app.entropy.blocks();
        let event = |block: [u8; 32]| EventId::new(now, std::array::from_fn(|at| block[at]));
        Self {
            token: issue::Minted::of(std::array::from_fn(|at| id[at]), handle),
            refresh_secret: RefreshSecret::new(secret),
            replay_event: event(replay),
            end_event: event(end),
        }
    }
}

/// What is issued, before it is signed.
struct Issue {
    approved: Approved,
    refresh_token: Option<RefreshToken>,
}

/// The answer (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
#[derive(Serialize)]
struct Issued {
    access_token: Option<String>,
    token_type: &'static str,
    /// In seconds.
    expires_in: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

type Outcome = Result<Issue, TokenRefusal>;

/// What a refresh changes of its token's row.
enum Step {
    Stay,
    Keep { idle_expires_at: Timestamp },
    Rotate { from: u32, to: RefreshState },
}

/// How often what is read is read again, when others were quicker to change it.
const TRIES: usize = 20;

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
    let minted = Minted::new(site, now);
    let issuer = site.tenant.issuer.as_str().parse().map_err(Failure::new)?;
    let envelope = envelope_of(site, client.client(), &request, now).await?;
    let servers = site.app.resource_servers(&site.tenant).await?;
    let call = Call { site, client, envelope, issuer, servers, minted, now };
    let (store, tenant) = (&site.app.store, site.tenant.id);
    // On the heap, so that the cheapest grant doesn't carry the others.
    let outcome = match &request {
        TokenRequest::ClientCredentials(own) => call.by_client(own).await,
        TokenRequest::AuthorizationCode(code) => Box::pin(call.by_code(code)).await,
        TokenRequest::RefreshToken(token) => Box::pin(call.by_refresh_token(token)).await,
        TokenRequest::DeviceCode(device) => {
            Box::pin(async {
                write_tx!(store, tenant, |tx| -> Result<Outcome, Fault> { call.by_device(tx, device).await })
            })
            .await
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
            let wanted = envelope(&site.app, &site.tenant, client, client.id_token_encryption, now);
            Ok(Some(Box::pin(wanted).await?))
        }
    }
}

impl Call<'_> {
    /// RFC 6749 section 4.1.3.
    async fn by_code(&self, request: &CodeRedemption) -> Result<Outcome, Fault> {
        let (store, tenant) = (&self.site.app.store, self.site.tenant.id);
        let hash = request.code.hash();
        for _ in 0..TRIES {
            let facts = store.read(tenant).authorization_code(hash).await?;
            let audience = match &facts {
                Some(facts) => self.audience(&facts.grant, request.resource.as_ref()),
                None => Err(TokenRefusal::CodeUnknown),
            };
            match redeem(&self.client, request, facts.as_ref(), audience, self.now) {
                Redemption::Refuse(refusal) => return Ok(Err(refusal)),
                Redemption::RevokeAndRefuse { grant } => {
                    self.end_grant_for_replay(grant, "authorization_code").await?;
                    return Ok(Err(TokenRefusal::CodeSpent));
                }
                // Whoever ends the Grant meanwhile ends with it what comes of this: at each use it is looked at again.
                Redemption::Issue(approved) => {
                    let first =
                        write_guarded!(store, tenant, |tx| -> Result<Option<Option<RefreshToken>>, Fault> {
                            if !tx.spend_authorization_code(hash, self.now).await? {
                                return Ok(None);
                            }
                            self.first_of_grant(tx, &approved).await.map(Some)
                        })?;
                    if let Some(refresh_token) = first {
                        return Ok(Ok(Issue { approved: *approved, refresh_token }));
                    }
                    // Another request was quicker, so this one is a replay.
                }
            }
        }
        Err(Fault::busy("redeem a code: others kept changing it"))
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
                let refresh_token = self.first_of_grant(tx, &approved).await?;
                Ok(Ok(Issue { approved: *approved, refresh_token }))
            }
        }
    }

    /// What a Grant gives out first.
    async fn first_of_grant(&self, tx: &mut Tx, approved: &Approved) -> Result<Option<RefreshToken>, Fault> {
        let refresh_token = match approved.person() {
            Some(person) if self.client.client().may_use(GrantType::RefreshToken) => {
                Some(self.first_refresh_token(tx, person.grant).await?)
            }
            _ => None,
        };
        self.note_opaque(tx, approved).await?;
        Ok(refresh_token)
    }

    /// RFC 6749 section 6.
    async fn by_refresh_token(&self, request: &RefreshRequest) -> Result<Outcome, Fault> {
        let (store, tenant) = (&self.site.app.store, self.site.tenant.id);
        for _ in 0..TRIES {
            let Some(record) = store.read(tenant).refresh_token(request.token.grant()).await? else {
                return Ok(Err(TokenRefusal::RefreshTokenUnknown));
            };
            let audience = self.audience(&record.grant, request.resource.as_ref());
            let secret = caller::unseal(self.site, &record)?;
            let facts = RefreshFacts {
                tenant,
                state: record.state,
                secret,
                grant: record.grant,
                standing: record.standing,
            };
            let refreshing = refresh(&self.client, request, Some(&facts), audience, self.now);
            let (approved, generation, step) = match refreshing {
                Refreshing::Refuse(refusal) => return Ok(Err(refusal)),
                Refreshing::EndAndRefuse { grant } => {
                    self.end_grant_for_replay(grant, "refresh_token").await?;
                    return Ok(Err(TokenRefusal::RefreshTokenReused));
                }
                Refreshing::Repeat { approved, generation } => (approved, generation, Step::Stay),
                Refreshing::Keep { approved, generation, idle_expires_at } => {
                    (approved, generation, Step::Keep { idle_expires_at })
                }
                Refreshing::Rotate { approved, from, to } => {
                    let generation = to.generation;
                    (approved, generation, Step::Rotate { from: from.generation, to })
                }
            };
            if self.take(facts.grant.id, &step, &approved).await? {
                let refresh_token = facts.secret.derive(facts.tenant, facts.grant.id, generation);
                return Ok(Ok(Issue { approved: *approved, refresh_token: Some(refresh_token) }));
            }
            // Another request was quicker, or the Grant was ended: what holds now decides.
        }
        Err(Fault::busy("refresh a token: others kept changing it"))
    }

    /// Records a refresh. False when the refresh token isn't any longer as it was read.
    async fn take(&self, grant: GrantId, step: &Step, approved: &Approved) -> Result<bool, Fault> {
        let (store, tenant) = (&self.site.app.store, self.site.tenant.id);
        if approved.audience().format != TokenFormat::Opaque {
            return match step {
                Step::Stay => Ok(true),
                Step::Keep { idle_expires_at } => write_one!(store, tenant, |tx| -> Result<(), Fault> {
                    tx.touch_refresh_token(grant, *idle_expires_at).await
                })
                .map(|()| true),
                Step::Rotate { from, to } => {
                    write_one!(store, tenant, |tx| -> Result<bool, Fault> {
                        tx.rotate_refresh_token(grant, *from, to).await
                    })
                }
            };
        }
        write_guarded!(store, tenant, |tx| -> Result<bool, Fault> {
            match step {
                Step::Stay => {}
                Step::Keep { idle_expires_at } => tx.touch_refresh_token(grant, *idle_expires_at).await?,
                Step::Rotate { from, to } => {
                    if !tx.rotate_refresh_token(grant, *from, to).await? {
                        return Ok(false);
                    }
                }
            }
            self.note_opaque(tx, approved).await?;
            Ok(true)
        })
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
            let noted = async {
                write_one!(store, tenant, |tx| -> Result<(), Fault> { self.note_opaque(tx, &approved).await })
            };
            Box::pin(noted).await?;
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

    async fn end_grant_for_replay(&self, grant: GrantId, what: &str) -> Result<(), Fault> {
        write_tx!(self.site.app.store, self.site.tenant.id, |tx| -> Result<(), Fault> {
            self.end_for_replay(tx, grant, what).await
        })
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
        let noted = async {
            write_one!(store, tenant, |tx| -> Result<(), Fault> {
                tx.note_client_use(&client.id, self.now).await
            })
        };
        Box::pin(noted).await?;
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
        let body = Issued {
            access_token: signed.access_token,
            token_type: "Bearer",
            expires_in: approved.audience().access_token_lifetime.as_secs(),
            scope: approved.scope().to_string(),
            refresh_token: refresh_token.as_ref().map(RefreshToken::reveal),
            id_token: signed.id_token,
        };
        Ok(respond::json(StatusCode::OK, body))
    }
}
