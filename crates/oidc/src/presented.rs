//! A token that somebody hands back to us: which kind it is, and whether it still stands.

use terms::{AccessTokenHandle, Timestamp};

use crate::access_token::{AccessToken, Holder};
use crate::grant::{Grant, Standing, holds};
use crate::refresh_token::RefreshToken;

/// A token by its form. Each kind has a prefix of its own, so none is taken for another, and a hint is not needed
/// (RFC 7009 section 2.1 and RFC 7662 section 2.1 let us ignore `token_type_hint`).
#[derive(Clone, Debug)]
pub enum PresentedToken {
    /// A refresh token.
    Refresh(RefreshToken),
    /// An opaque access token.
    Handle(AccessTokenHandle),
    /// Perhaps an access token that is a JWT: its signature and `typ` tell.
    Jwt(String),
    /// Nothing of ours that is a token here.
    Unknown,
}

impl PresentedToken {
    /// Reads a token's text.
    pub fn read(text: &str) -> Self {
        if let Ok(token) = RefreshToken::parse(text) {
            Self::Refresh(token)
        } else if let Ok(handle) = AccessTokenHandle::parse(text) {
            Self::Handle(handle)
        } else if text.bytes().filter(|&octet| octet == b'.').count() == 2 {
            Self::Jwt(text.to_owned())
        } else {
            Self::Unknown
        }
    }
}

/// What the store knows about an access token that is genuine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFacts {
    /// Whether its client is still registered.
    pub client_known: bool,
    /// Whether it was revoked by its `jti`.
    pub revoked: bool,
    /// The Grant that it names, and what holds of it now.
    pub grant: Option<(Grant, Standing)>,
}

/// Whether an access token still stands: the one rule for userinfo and introspection.
pub fn stands(token: &AccessToken, facts: &TokenFacts, now: Timestamp) -> bool {
    if token.expires_at.has_passed(now) || facts.revoked || !facts.client_known {
        return false;
    }
    match &token.holder {
        Holder::Client => true,
        Holder::User { subject, grant: named, .. } => {
            facts.grant.as_ref().is_some_and(|(grant, standing)| {
                grant.id == *named
                    && grant.client == token.client
                    && holds(grant, standing, now).is_ok_and(|holder| holder == *subject)
            })
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::access_token::TokenId;
    use crate::fixture::{NOW, client, grant, later, standing, subject};

    /// An access token of the fixture's Grant for its built-in resource server.
    pub(crate) fn token() -> AccessToken {
        AccessToken {
            issuer: "https://login.example.test".to_owned(),
            audience: "https://login.example.test".to_owned(),
            issued_at: NOW,
            expires_at: later(300),
            id: TokenId::new([1; 16]),
            client: client().id,
            scope: "openid profile".to_owned(),
            holder: Holder::User {
                subject: subject(),
                grant: grant().id,
                authenticated_at: NOW,
                acr: "1".to_owned(),
                amr: vec!["pwd".to_owned()],
            },
        }
    }

    pub(crate) fn facts() -> TokenFacts {
        TokenFacts { client_known: true, revoked: false, grant: Some((grant(), standing())) }
    }

    #[test]
    fn an_access_token_stands_only_as_long_as_all_that_it_rests_on() {
        type Spoil = fn(&mut AccessToken, &mut TokenFacts);
        assert!(stands(&token(), &facts(), later(299)));
        assert!(!stands(&token(), &facts(), later(300)));
        let spoils: [Spoil; 9] = [
            |_, facts| facts.revoked = true,
            |_, facts| facts.client_known = false,
            |_, facts| facts.grant = None,
            |_, facts| facts.grant.as_mut().unwrap().0.ended_at = Some(NOW),
            |_, facts| facts.grant.as_mut().unwrap().0.client = "cli_other".parse().unwrap(),
            |_, facts| facts.grant.as_mut().unwrap().1.user_disabled = true,
            |_, facts| facts.grant.as_mut().unwrap().1.session_ends_at = Some(NOW),
            |_, facts| facts.grant.as_mut().unwrap().1.consented = None,
            |_, facts| facts.grant.as_mut().unwrap().1.subject = Some("bob".parse().unwrap()),
        ];
        for (index, spoil) in spoils.into_iter().enumerate() {
            let (mut token, mut facts) = (token(), facts());
            spoil(&mut token, &mut facts);
            assert!(!stands(&token, &facts, NOW), "{index}");
        }
    }

    #[test]
    fn a_clients_own_token_needs_no_grant() {
        let token = AccessToken { holder: Holder::Client, ..token() };
        let facts = |revoked, client_known| TokenFacts { client_known, revoked, grant: None };
        assert!(stands(&token, &facts(false, true), NOW));
        assert!(!stands(&token, &facts(true, true), NOW));
        assert!(!stands(&token, &facts(false, false), NOW));
    }

    #[test]
    fn each_kind_is_told_by_its_form() {
        let refresh = crate::refresh_token::RefreshSecret::new([1; 32]).derive(
            terms::TenantId::new(NOW, [1; 10]),
            grant().id,
            0,
        );
        assert!(matches!(PresentedToken::read(&refresh.reveal()), PresentedToken::Refresh(_)));
        let handle = AccessTokenHandle::new([1; 32]).reveal();
        assert!(matches!(PresentedToken::read(&handle), PresentedToken::Handle(_)));
        assert!(matches!(PresentedToken::read("a.b.c"), PresentedToken::Jwt(_)));
        let code = terms::AuthorizationCode::new([1; 32]).reveal();
        for other in ["", "a.b", "a.b.c.d.e", &code, &handle[1..]] {
            assert!(matches!(PresentedToken::read(other), PresentedToken::Unknown), "{other}");
        }
    }
}
