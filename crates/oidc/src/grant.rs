//! The record of a completed authorization, and the one gate through which every token must pass.

use std::time::Duration;

use serde_json::Map;
use terms::{ClientId, GrantId, SessionId, Subject, Timestamp, UserId, limits};

use crate::access_token::{AccessToken, Holder, TokenId};
use crate::claims_request::ClaimsRequest;
use crate::client::{Client, RefreshTerms};
use crate::client_auth::AuthenticatedClient;
use crate::front_channel::FrontChannel;
use crate::id_token::{IdToken, left_half_hash};
use crate::jose::Algorithm;
use crate::pkce::CodeChallenge;
use crate::resource_server::{ResourceIdentifier, ResourceServer};
use crate::scope::{OPENID, Scope};
use crate::token::TokenRefusal;

/// How and when the person proved who they are, as the `auth_time`, `amr` and `acr` of tokens say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// When the person last proved it.
    pub time: Timestamp,
    /// RFC 8176 values, such as `pwd`.
    pub methods: Vec<String>,
    /// The authentication context class that was reached.
    pub acr: String,
}

/// One completed authorization. Nothing in it changes; only its end is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Codes and tokens name it.
    pub id: GrantId,
    /// To whom it was given.
    pub client: ClientId,
    /// By whom it was given.
    pub user: UserId,
    /// By what name the client knows the user, where that is not the user's own `sub` (OpenID Connect Core section 8). Fixed
    /// with the Grant, so that what is refreshed is about the same person as before (section 12.2), whatever is changed about
    /// the client meanwhile.
    pub pairwise_subject: Option<Subject>,
    /// The session in which it was given; the `sid` of its ID tokens.
    pub session: SessionId,
    /// Whether it outlives that session: `offline_access` was granted (OpenID Connect Core section 11).
    pub offline: bool,
    /// Whether it rests on a consent, which may be withdrawn; a first-party client needs none.
    pub by_consent: bool,
    /// What was granted.
    pub scope: Scope,
    /// What was asked for beyond the scope, for userinfo and for every ID token (OpenID Connect Core section 5.5).
    pub claims: ClaimsRequest,
    /// The resource servers that the authorization request named (RFC 8707 section 2.1).
    pub resources: Vec<ResourceIdentifier>,
    /// The authentication on which it rests.
    pub authentication: Authentication,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it was ended early, if it was.
    pub ended_at: Option<Timestamp>,
}

impl Grant {
    /// What a consent must cover.
    pub fn consent_scope(&self) -> Scope {
        self.scope.union(&self.claims.scope())
    }

    /// When nothing of it can live any longer, so that its row may go.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus(limits::REFRESH_TOKEN_LIFETIME)
    }
}

/// What an authorization code stands for (RFC 6749 section 4.1.2), besides its Grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCode {
    /// The Grant that it buys tokens of.
    pub grant: GrantId,
    /// The `redirect_uri` of the authorization request, octet by octet; `None` when the request had none.
    pub redirect_uri: Option<String>,
    /// RFC 7636 section 4.4.
    pub code_challenge: Option<CodeChallenge>,
    /// For the ID token that the code buys (OpenID Connect Core section 3.1.2.1). Not of the Grant: later ID tokens don't repeat it.
    pub nonce: Option<String>,
    /// The instant from which it is worthless.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub redeemed_at: Option<Timestamp>,
}

/// What holds at this instant of those that a Grant depends on. Read again at each issue and each use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The user's `sub`; `None` when there is no such user any more.
    pub subject: Option<Subject>,
    /// Whether the user may not use the account.
    pub user_disabled: bool,
    /// When the session ends or ended: the earliest of its limits and its sign-out. `None`: there is no such session.
    pub session_ends_at: Option<Timestamp>,
    /// What the user's consent to this client covers; `None` when there is none, or it was withdrawn.
    pub consented: Option<Scope>,
}

/// Whether a Grant still holds: one rule for issuing, userinfo and introspection.
///
/// Returns whom its tokens are about, by the name that the client knows.
pub fn holds(grant: &Grant, standing: &Standing, now: Timestamp) -> Result<Subject, TokenRefusal> {
    if grant.ended_at.is_some() || grant.expires_at().has_passed(now) {
        return Err(TokenRefusal::GrantEnded);
    }
    let Some(subject) = standing.subject.as_ref().filter(|_| !standing.user_disabled) else {
        return Err(TokenRefusal::UserGone);
    };
    // OpenID Connect Core section 11: only `offline_access` outlives the session.
    if !grant.offline && standing.session_ends_at.is_none_or(|end| end.has_passed(now)) {
        return Err(TokenRefusal::SessionEnded);
    }
    if grant.by_consent
        && standing.consented.as_ref().is_none_or(|consented| !grant.consent_scope().is_subset_of(consented))
    {
        return Err(TokenRefusal::ConsentWithdrawn);
    }
    Ok(grant.pairwise_subject.as_ref().unwrap_or(subject).clone())
}

/// What one request for a token of a Grant asks for, after narrowing.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The narrower scope that the request names (RFC 6749 section 6).
    pub scope: Option<&'a Scope>,
    /// The resource server that the token shall be for.
    pub audience: &'a ResourceServer,
    /// The `nonce` for the ID token.
    pub nonce: Option<&'a str>,
}

/// A token response that may be made: everything in it was checked against what holds now.
///
/// Only this module's gates make one, so no grant type can leave out a check that another has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    client: ClientId,
    subject: Subject,
    person: Option<Person>,
    granted: Scope,
    scope: Scope,
    audience: ResourceServer,
    id_token_lifetime: Duration,
}

/// The part of an [`Approved`] that only a person's authorization has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The Grant that the tokens name.
    pub grant: GrantId,
    /// Who gave it.
    pub user: UserId,
    /// The `sid` of the ID token.
    pub session: SessionId,
    /// `auth_time`, `amr`, `acr`.
    pub authentication: Authentication,
    /// The `nonce` of the ID token.
    pub nonce: Option<String>,
    /// What the ID token says beyond the protocol because it was asked to.
    pub claims: ClaimsRequest,
}

impl Approved {
    /// To whom the tokens are issued.
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// Whom the tokens are about: the user, or the client itself.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The person's part; `None` for client credentials.
    pub fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    /// What the access token says.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What was granted, the part included that is not for this access token.
    pub fn granted(&self) -> &Scope {
        &self.granted
    }

    /// For whom the access token is.
    pub fn audience(&self) -> &ResourceServer {
        &self.audience
    }

    /// Whether an ID token is part of the answer (OpenID Connect Core sections 3.1.3.3 and 12.2).
    pub fn with_id_token(&self) -> bool {
        self.person.is_some() && self.granted.contains(OPENID)
    }

    /// The access token's claims (RFC 9068 section 2.2).
    pub fn access_token(&self, issuer: &str, id: TokenId, now: Timestamp) -> AccessToken {
        AccessToken {
            issuer: issuer.to_owned(),
            audience: self.audience.identifier.to_string(),
            issued_at: now,
            expires_at: now.plus(self.audience.access_token_lifetime),
            id,
            client: self.client.clone(),
            scope: self.scope.to_string(),
            holder: self.person.as_ref().map_or(Holder::Client, |person| Holder::User {
                subject: self.subject.clone(),
                grant: person.grant,
                authenticated_at: person.authentication.time,
                acr: person.authentication.acr.clone(),
                amr: person.authentication.methods.clone(),
            }),
        }
    }

    /// The ID token's claims, if one is part of the answer (OpenID Connect Core section 2).
    pub fn id_token(
        &self,
        issuer: &str,
        beside: Beside<'_>,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Option<IdToken> {
        let person = self.person.as_ref().filter(|_| self.with_id_token())?;
        Some(IdToken {
            issuer: issuer.to_owned(),
            subject: self.subject.clone(),
            audience: self.client.clone(),
            issued_at: now,
            expires_at: now.plus(self.id_token_lifetime),
            authenticated_at: person.authentication.time,
            nonce: person.nonce.clone(),
            acr: person.authentication.acr.clone(),
            amr: person.authentication.methods.clone(),
            session: person.session,
            access_token_hash: beside.access_token.map(|text| left_half_hash(text, algorithm)),
            code_hash: beside.code.map(|text| left_half_hash(text, algorithm)),
            profile: Map::new(),
        })
    }
}

/// What is issued in the same answer as an ID token, which vouches for it by a hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// An access token's text.
    pub access_token: Option<&'a str>,
    /// A code's text.
    pub code: Option<&'a str>,
}

/// The gate for everything that a person authorized.
pub fn approve(
    client: &AuthenticatedClient,
    grant: &Grant,
    standing: &Standing,
    wish: Wish<'_>,
    now: Timestamp,
) -> Result<Approved, TokenRefusal> {
    approve_for(client.client(), grant, standing, wish, now)
}

/// The same gate for tokens that leave by the authorization endpoint, where no client can authenticate: what is issued goes
/// to the place that the proof holds, and nowhere else.
pub fn approve_front_channel(
    front_channel: &FrontChannel,
    grant: &Grant,
    standing: &Standing,
    wish: Wish<'_>,
    now: Timestamp,
) -> Result<Approved, TokenRefusal> {
    approve_for(front_channel.client(), grant, standing, wish, now)
}

fn approve_for(
    client: &Client,
    grant: &Grant,
    standing: &Standing,
    wish: Wish<'_>,
    now: Timestamp,
) -> Result<Approved, TokenRefusal> {
    if grant.client != client.id {
        return Err(TokenRefusal::GrantOfAnother);
    }
    let subject = holds(grant, standing, now)?;
    // What the client may no longer ask for, it no longer gets.
    let allowed = client.permitted(&grant.scope);
    let granted = match wish.scope {
        // RFC 6749 section 6: nothing that the resource owner did not grant.
        Some(wanted) if !wanted.is_subset_of(&allowed) => return Err(TokenRefusal::ScopeExceedsGrant),
        Some(wanted) => wanted.clone(),
        None => allowed,
    };
    Ok(Approved {
        client: grant.client.clone(),
        subject,
        scope: wish.audience.narrow(&granted),
        granted,
        audience: client.resource_server(wish.audience),
        id_token_lifetime: client.id_token_lifetime(),
        person: Some(Person {
            grant: grant.id,
            user: grant.user,
            session: grant.session,
            authentication: grant.authentication.clone(),
            nonce: wish.nonce.map(str::to_owned),
            claims: grant.claims.permitted(&client.scope),
        }),
    })
}

/// The gate for what a client does in its own name (RFC 6749 section 4.4).
pub(crate) fn approve_client(
    client: &AuthenticatedClient,
    scope: Scope,
    audience: &ResourceServer,
) -> Approved {
    let id = &client.client().id;
    Approved {
        client: id.clone(),
        subject: id.clone().into(),
        person: None,
        scope: audience.narrow(&scope),
        granted: scope,
        audience: client.client().resource_server(audience),
        id_token_lifetime: client.client().id_token_lifetime(),
    }
}

/// What is kept of a Grant's refresh tokens: not the tokens, but how far they have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshState {
    /// The newest one.
    pub generation: u32,
    /// When the newest one was first derived.
    pub rotated_at: Timestamp,
    /// When the one before it was.
    pub previous_rotated_at: Option<Timestamp>,
    /// Unused until then, all of them are worthless.
    pub idle_expires_at: Timestamp,
    /// However much they were used, all of them are worthless from then on.
    pub expires_at: Timestamp,
}

impl RefreshState {
    /// The first of a Grant.
    pub fn first(terms: RefreshTerms, now: Timestamp) -> Self {
        Self {
            generation: 0,
            rotated_at: now,
            previous_rotated_at: None,
            idle_expires_at: now.plus(terms.idle),
            expires_at: now.plus(terms.whole),
        }
    }

    /// Whether the tokens are worthless at `now`.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.idle_expires_at.has_passed(now) || self.expires_at.has_passed(now)
    }

    /// After the newest one was exchanged for the next.
    pub fn rotated(&self, terms: RefreshTerms, now: Timestamp) -> Self {
        Self {
            generation: self.generation.saturating_add(1),
            rotated_at: now,
            previous_rotated_at: Some(self.rotated_at),
            idle_expires_at: now.plus(terms.idle),
            expires_at: self.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, api, believed, client, grant, issuer, later, scope, standing, subject};
    use TokenRefusal as R;

    fn approve_with(grant: &Grant, standing: &Standing, now: Timestamp) -> Result<Approved, TokenRefusal> {
        let wish = Wish { scope: None, audience: &issuer(), nonce: Some("n") };
        approve(&believed(client()), grant, standing, wish, now)
    }

    #[test]
    fn the_good_case_is_approved() {
        let approved = approve_with(&grant(), &standing(), NOW).unwrap();
        assert_eq!(approved.subject(), &subject());
        assert_eq!(approved.scope(), &scope("openid profile api:read"));
        assert!(approved.with_id_token());
        let person = approved.person().unwrap();
        assert_eq!((person.grant, person.nonce.as_deref()), (grant().id, Some("n")));
    }

    #[test]
    fn each_thing_that_no_longer_holds_closes_the_gate() {
        type Spoil = fn(&mut Grant, &mut Standing);
        let cases: [(Spoil, TokenRefusal); 9] = [
            (|grant, _| grant.client = "cli_thief".parse().unwrap(), R::GrantOfAnother),
            (|grant, _| grant.ended_at = Some(NOW), R::GrantEnded),
            (|grant, _| grant.created_at = NOW.minus(limits::REFRESH_TOKEN_LIFETIME), R::GrantEnded),
            (|_, standing| standing.subject = None, R::UserGone),
            (|_, standing| standing.user_disabled = true, R::UserGone),
            (|_, standing| standing.session_ends_at = None, R::SessionEnded),
            (|_, standing| standing.session_ends_at = Some(NOW), R::SessionEnded),
            (|_, standing| standing.consented = None, R::ConsentWithdrawn),
            (|_, standing| standing.consented = Some(scope("openid profile")), R::ConsentWithdrawn),
        ];
        for (spoil, refusal) in cases {
            let (mut grant, mut standing) = (grant(), standing());
            spoil(&mut grant, &mut standing);
            assert_eq!(approve_with(&grant, &standing, NOW), Err(refusal));
        }
    }

    #[test]
    fn only_an_offline_grant_outlives_its_session() {
        let offline = Grant { offline: true, ..grant() };
        for ends in [None, Some(NOW)] {
            let standing = Standing { session_ends_at: ends, ..standing() };
            assert!(approve_with(&offline, &standing, NOW).is_ok());
        }
    }

    #[test]
    fn a_first_party_client_needs_no_consent() {
        let standing = Standing { consented: None, ..standing() };
        assert!(approve_with(&Grant { by_consent: false, ..grant() }, &standing, NOW).is_ok());
    }

    #[test]
    fn scope_only_ever_shrinks() {
        let ask = |wanted: Option<&str>, registered: &str, audience: &ResourceServer| {
            let mut client = client();
            client.metadata.scope = scope(registered);
            let client = believed(client);
            let wanted = wanted.map(scope);
            let wish = Wish { scope: wanted.as_ref(), audience, nonce: None };
            approve(&client, &grant(), &standing(), wish, later(1))
                .map(|approved| (approved.scope().to_string(), approved.with_id_token()))
        };
        let all = "openid profile email api:read";
        assert_eq!(ask(None, all, &issuer()), Ok(("api:read openid profile".to_owned(), true)));
        assert_eq!(ask(Some("profile"), all, &issuer()), Ok(("profile".to_owned(), false)));
        assert_eq!(ask(None, all, &api()), Ok(("api:read".to_owned(), true)));
        assert_eq!(ask(Some("openid email"), all, &issuer()), Err(R::ScopeExceedsGrant));
        // What the client has meanwhile lost, its old grants lose too.
        assert_eq!(ask(None, "openid", &issuer()), Ok(("openid".to_owned(), true)));
        assert_eq!(ask(Some("profile"), "openid", &issuer()), Err(R::ScopeExceedsGrant));
    }
}
