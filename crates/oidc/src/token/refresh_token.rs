//! Exchanging a refresh token (RFC 6749 section 6; rotation as RFC 9700 section 4.14.2 advises).

use terms::{GrantId, TenantId, Timestamp, limits};

use super::{Audience, TokenRefusal, parse_resource, parse_scope};
use crate::client_auth::AuthenticatedClient;
use crate::grant::{Approved, Grant, RefreshState, Standing, Wish, approve};
use crate::params::Parameters;
use crate::refresh_token::{RefreshSecret, RefreshToken};
use crate::resource_server::ResourceIdentifier;
use crate::scope::Scope;

/// RFC 6749 section 6, with `resource` (RFC 8707 section 2.2).
#[derive(Clone, Debug)]
pub struct RefreshRequest {
    /// The token that is presented.
    pub token: RefreshToken,
    /// The part of the granted scope that the new access token shall have.
    pub scope: Option<Scope>,
    /// For whom the new access token shall be.
    pub resource: Option<ResourceIdentifier>,
}

impl RefreshRequest {
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, TokenRefusal> {
        let token = parameters.get("refresh_token").ok_or(TokenRefusal::Missing("refresh_token"))?;
        Ok(Self {
            token: RefreshToken::parse(token).map_err(|_| TokenRefusal::RefreshTokenUnknown)?,
            scope: parse_scope(parameters)?,
            resource: parse_resource(parameters)?,
        })
    }
}

/// What the store knows of a Grant that has refresh tokens.
#[derive(Clone, Debug)]
pub struct RefreshFacts {
    /// Whose Grant it is.
    pub tenant: TenantId,
    /// How far its refresh tokens have gone.
    pub state: RefreshState,
    /// From which they are derived.
    pub secret: RefreshSecret,
    /// What they are of.
    pub grant: Grant,
    /// What holds now of those that the Grant depends on.
    pub standing: Standing,
}

/// Where a genuine token stands among those of its Grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The newest.
    Newest,
    /// The one before, shortly after its rotation; its successor is unused, or it would not be the one before.
    JustRotated,
    /// The one before that, shortly after its rotation: its successor was used.
    JustSuperseded,
    /// A reuse.
    Old,
}

fn place(state: &RefreshState, generation: u32, now: Timestamp) -> Option<Place> {
    let within = |rotated_at: Timestamp| !rotated_at.plus(limits::REFRESH_TOKEN_GRACE).has_passed(now);
    // One that is newer than the newest was never given out, unless the database lost its last commits: not known.
    let age = state.generation.checked_sub(generation)?;
    Some(match age {
        0 => Place::Newest,
        1 if within(state.rotated_at) => Place::JustRotated,
        2 if state.previous_rotated_at.is_some_and(within) => Place::JustSuperseded,
        _ => Place::Old,
    })
}

/// What must now be done. Every arm is an effect; none has happened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshing {
    /// Replace the state that was seen by the next; if this request is the one that does, issue with the token of the new
    /// generation.
    Rotate {
        /// What is issued.
        approved: Box<Approved>,
        /// What was seen.
        from: RefreshState,
        /// What shall be.
        to: RefreshState,
    },
    /// The client's tokens don't rotate: issue, let the token live on, and note that it was used.
    Keep {
        /// What is issued.
        approved: Box<Approved>,
        /// Which refresh token it keeps.
        generation: u32,
        /// The new end of its idle time.
        idle_expires_at: Timestamp,
    },
    /// The answer got lost: issue with the newest token again. Nothing is written.
    Repeat {
        /// What is issued.
        approved: Box<Approved>,
        /// Which refresh token goes with it.
        generation: u32,
    },
    /// Somebody else has the tokens: end the Grant, then refuse.
    EndAndRefuse {
        /// The Grant to end.
        grant: GrantId,
    },
    /// Nothing is written.
    Refuse(TokenRefusal),
}

/// Decides about a refresh token.
pub fn refresh(
    client: &AuthenticatedClient,
    request: &RefreshRequest,
    facts: Option<&RefreshFacts>,
    audience: Audience,
    now: Timestamp,
) -> Refreshing {
    let (facts, place) = match recognise(client, &request.token, facts, now) {
        Ok(recognised) => recognised,
        Err(refusal) => return Refreshing::Refuse(refusal),
    };
    match place {
        Place::Old => return Refreshing::EndAndRefuse { grant: facts.grant.id },
        Place::JustSuperseded => return Refreshing::Refuse(TokenRefusal::RefreshTokenSuperseded),
        Place::Newest | Place::JustRotated => {}
    }
    let approved = match audience.and_then(|audience| {
        let wish = Wish { scope: request.scope.as_ref(), audience: &audience, nonce: None };
        approve(client, &facts.grant, &facts.standing, wish, now)
    }) {
        Ok(approved) => Box::new(approved),
        Err(refusal) => return Refreshing::Refuse(refusal),
    };
    let from = facts.state;
    match place {
        Place::JustRotated => Refreshing::Repeat { approved, generation: from.generation },
        // RFC 9700 section 2.2.2: a public client's refresh tokens rotate.
        _ if client.client().rotates_refresh_tokens() => {
            Refreshing::Rotate { approved, from, to: from.rotated(client.client().refresh_terms(), now) }
        }
        _ => {
            let idle_expires_at = now.plus(client.client().refresh_terms().idle);
            Refreshing::Keep { approved, generation: from.generation, idle_expires_at }
        }
    }
}

/// A token of ours, of this client, of a Grant that lives.
fn recognise<'a>(
    client: &AuthenticatedClient,
    token: &RefreshToken,
    facts: Option<&'a RefreshFacts>,
    now: Timestamp,
) -> Result<(&'a RefreshFacts, Place), TokenRefusal> {
    let facts = facts
        .filter(|facts| facts.grant.id == token.grant() && facts.secret.made(facts.tenant, token))
        // RFC 6749 section 10.4: bound to the client to which it was issued.
        .filter(|facts| facts.grant.client == client.client().id)
        .ok_or(TokenRefusal::RefreshTokenUnknown)?;
    if facts.grant.ended_at.is_some() {
        return Err(TokenRefusal::GrantEnded);
    }
    if facts.state.has_expired(now) {
        return Err(TokenRefusal::RefreshTokenExpired);
    }
    let place = place(&facts.state, token.generation(), now).ok_or(TokenRefusal::RefreshTokenUnknown)?;
    Ok((facts, place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::fixture::{NOW, believed, client, grant, issuer, later, scope, standing};
    use TokenRefusal as R;

    const NEWEST: u32 = 5;

    fn tenant() -> TenantId {
        TenantId::new(NOW, [8; 10])
    }

    fn secret() -> RefreshSecret {
        RefreshSecret::new([5; 32])
    }

    /// The newest was derived at `NOW`, the one before it 40 s earlier.
    fn state() -> RefreshState {
        RefreshState {
            generation: NEWEST,
            rotated_at: NOW,
            previous_rotated_at: Some(NOW.minus(std::time::Duration::from_secs(40))),
            idle_expires_at: later(86_400),
            expires_at: later(864_000),
        }
    }

    struct Case {
        client: Client,
        request: RefreshRequest,
        facts: Option<RefreshFacts>,
        audience: Audience,
        now: Timestamp,
    }

    impl Case {
        fn good(generation: u32, now: Timestamp) -> Self {
            let token = secret().derive(tenant(), grant().id, generation);
            Self {
                client: client(),
                request: RefreshRequest { token, scope: None, resource: None },
                facts: Some(RefreshFacts {
                    tenant: tenant(),
                    state: state(),
                    secret: secret(),
                    grant: grant(),
                    standing: standing(),
                }),
                audience: Ok(issuer()),
                now,
            }
        }

        fn facts(&mut self) -> &mut RefreshFacts {
            self.facts.as_mut().unwrap()
        }

        fn decide(&self) -> Refreshing {
            refresh(
                &believed(self.client.clone()),
                &self.request,
                self.facts.as_ref(),
                self.audience.clone(),
                self.now,
            )
        }
    }

    /// What the table's cells say, without what is issued.
    #[derive(Debug, PartialEq, Eq)]
    enum Cell {
        Next,
        Same,
        Kept,
        Refused(TokenRefusal),
        Ended,
    }

    fn cell(decision: Refreshing) -> Cell {
        match decision {
            Refreshing::Rotate { to, .. } => {
                assert_eq!(to.generation, NEWEST + 1);
                Cell::Next
            }
            Refreshing::Repeat { generation, .. } => {
                assert_eq!(generation, NEWEST);
                Cell::Same
            }
            Refreshing::Keep { generation, .. } => {
                assert_eq!(generation, NEWEST);
                Cell::Kept
            }
            Refreshing::EndAndRefuse { grant: ended } => {
                assert_eq!(ended, grant().id);
                Cell::Ended
            }
            Refreshing::Refuse(refusal) => Cell::Refused(refusal),
        }
    }

    /// What the table says, read off it row by row: presented, seconds since the newest's rotation, seconds since the
    /// rotation before that.
    fn expected(presented: u32, since: u64, since_previous: u64, rotates: bool) -> Cell {
        match (presented, since, since_previous) {
            (NEWEST, _, _) if rotates => Cell::Next,
            (NEWEST, _, _) => Cell::Kept,
            (4, 0..30, _) => Cell::Same,
            (3, _, 0..30) => Cell::Refused(R::RefreshTokenSuperseded),
            (0..=4, _, _) => Cell::Ended,
            _ => Cell::Refused(R::RefreshTokenUnknown),
        }
    }

    #[test]
    fn the_whole_table_holds() {
        let mut tried = 0;
        for rotates in [true, false] {
            for presented in 0..=NEWEST + 2 {
                for since in [0, 1, 29, 30, 31, 3000] {
                    for gap in [0, 1, 29, 30, 3000] {
                        let mut case = Case::good(presented, later(since));
                        case.facts().state.previous_rotated_at =
                            Some(NOW.minus(std::time::Duration::from_secs(gap)));
                        if !rotates {
                            case.client = confidential();
                        }
                        let got = cell(decide_as(&case, rotates));
                        let want = expected(presented, since, since + gap, rotates);
                        assert_eq!(got, want, "{presented} {since} {gap} {rotates}");
                        tried += 1;
                    }
                }
            }
        }
        println!("{tried} cells of the refresh table");
        assert_eq!(tried, 2 * 8 * 6 * 5);
    }

    fn confidential() -> Client {
        let mut client = client();
        client.metadata.auth_method = crate::client::ClientAuthMethod::ClientSecretPost;
        client
    }

    fn decide_as(case: &Case, rotates: bool) -> Refreshing {
        if rotates {
            return case.decide();
        }
        let client = crate::fixture::believed_with_secret(case.client.clone());
        refresh(&client, &case.request, case.facts.as_ref(), case.audience.clone(), case.now)
    }

    #[test]
    fn without_a_rotation_before_the_last_the_one_before_last_is_a_reuse() {
        let mut case = Case::good(NEWEST - 2, NOW);
        case.facts().state.previous_rotated_at = None;
        assert_eq!(cell(case.decide()), Cell::Ended);
    }

    #[test]
    fn one_thing_spoilt_is_one_refusal_and_ends_nothing() {
        type Spoil = fn(&mut Case);
        let cases: [(Spoil, TokenRefusal); 15] = [
            (|c| c.facts = None, R::RefreshTokenUnknown),
            (|c| c.client.id = "cli_thief".parse().unwrap(), R::RefreshTokenUnknown),
            (|c| c.facts().secret = RefreshSecret::new([6; 32]), R::RefreshTokenUnknown),
            (|c| c.facts().tenant = TenantId::new(NOW, [9; 10]), R::RefreshTokenUnknown),
            (|c| c.facts().grant.id = terms::GrantId::new(NOW, [9; 10]), R::RefreshTokenUnknown),
            (|c| c.facts().grant.ended_at = Some(NOW), R::GrantEnded),
            (|c| c.facts().state.idle_expires_at = NOW, R::RefreshTokenExpired),
            (|c| c.facts().state.expires_at = NOW, R::RefreshTokenExpired),
            (|c| c.audience = Err(R::ResourceNotGranted), R::ResourceNotGranted),
            (|c| c.request.scope = Some(scope("openid email")), R::ScopeExceedsGrant),
            (|c| c.facts().standing.user_disabled = true, R::UserGone),
            (|c| c.facts().standing.subject = None, R::UserGone),
            (|c| c.facts().standing.session_ends_at = Some(NOW), R::SessionEnded),
            (|c| c.facts().standing.session_ends_at = None, R::SessionEnded),
            (|c| c.facts().standing.consented = None, R::ConsentWithdrawn),
        ];
        for generation in [NEWEST, NEWEST - 1] {
            for (index, (spoil, refusal)) in cases.iter().enumerate() {
                let mut case = Case::good(generation, NOW);
                spoil(&mut case);
                assert_eq!(case.decide(), Refreshing::Refuse(refusal.clone()), "{generation} {index}");
            }
        }
    }

    #[test]
    fn a_reuse_ends_the_grant_whatever_else_it_asks_for() {
        let mut case = Case::good(0, NOW);
        case.audience = Err(R::ResourceNotGranted);
        case.request.scope = Some(scope("openid email"));
        assert_eq!(cell(case.decide()), Cell::Ended);
    }

    #[test]
    fn a_rotation_moves_the_idle_end_and_never_the_last_one() {
        let Refreshing::Rotate { from, to, approved } = Case::good(NEWEST, later(9)).decide() else {
            panic!("refused")
        };
        assert_eq!(from, state());
        assert_eq!((to.rotated_at, to.previous_rotated_at), (later(9), Some(NOW)));
        assert_eq!(to.idle_expires_at, later(9).plus(limits::REFRESH_TOKEN_IDLE));
        assert_eq!(to.expires_at, state().expires_at);
        // OpenID Connect Core section 12.2: the refreshed ID token repeats no nonce.
        assert_eq!(approved.person().unwrap().nonce, None);
    }
}
