//! Redeeming an authorization code (RFC 6749 section 4.1.3).

use terms::{AuthorizationCode, GrantId, Timestamp};

use super::{Audience, TokenRefusal, parse_resource};
use crate::client_auth::AuthenticatedClient;
use crate::grant::{Approved, Grant, IssuedCode, Standing, Wish, approve};
use crate::params::Parameters;
use crate::resource_server::ResourceIdentifier;

/// RFC 6749 section 4.1.3, with `code_verifier` (RFC 7636 section 4.5) and `resource` (RFC 8707 section 2.2).
#[derive(Clone, Debug)]
pub struct CodeRedemption {
    /// The code.
    pub code: AuthorizationCode,
    /// As it was written.
    pub redirect_uri: Option<String>,
    /// As it was written: what is malformed can't match either.
    pub code_verifier: Option<String>,
    /// For whom the access token shall be.
    pub resource: Option<ResourceIdentifier>,
}

impl CodeRedemption {
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, TokenRefusal> {
        let code = parameters.get("code").ok_or(TokenRefusal::Missing("code"))?;
        Ok(Self {
            code: AuthorizationCode::parse(code).map_err(|_| TokenRefusal::CodeUnknown)?,
            redirect_uri: parameters.get("redirect_uri").map(str::to_owned),
            code_verifier: parameters.get("code_verifier").map(str::to_owned),
            resource: parse_resource(parameters)?,
        })
    }
}

/// What the store knows of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeFacts {
    /// The code's own row.
    pub issued: IssuedCode,
    /// What it buys tokens of.
    pub grant: Grant,
    /// What holds now of those that the Grant depends on.
    pub standing: Standing,
}

/// What must now be done. Every arm is an effect; none has happened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// Spend the code; if this request is the one that spends it, issue.
    Issue(Box<Approved>),
    /// The code was used before: end what it bought, then refuse (RFC 6749 section 4.1.2).
    RevokeAndRefuse {
        /// What it bought.
        grant: GrantId,
    },
    /// Nothing is written.
    Refuse(TokenRefusal),
}

/// Decides about a code: client, redirect URI, verifier, expiry, what else the gate asks, and only then whether it was
/// spent. So only a request that would have succeeded is taken for a replay, and a wrong one spends nothing.
pub fn redeem(
    client: &AuthenticatedClient,
    request: &CodeRedemption,
    facts: Option<&CodeFacts>,
    audience: Audience,
    now: Timestamp,
) -> Redemption {
    match judge(client, request, facts, audience, now) {
        Ok((approved, None)) => Redemption::Issue(Box::new(approved)),
        Ok((_, Some(grant))) => Redemption::RevokeAndRefuse { grant },
        Err(refusal) => Redemption::Refuse(refusal),
    }
}

/// What may be issued, and the Grant to end instead if the code is spent.
fn judge(
    client: &AuthenticatedClient,
    request: &CodeRedemption,
    facts: Option<&CodeFacts>,
    audience: Audience,
    now: Timestamp,
) -> Result<(Approved, Option<GrantId>), TokenRefusal> {
    // RFC 6749 section 4.1.3: issued to the client that asks. Another's code is as unknown as one that never was.
    let CodeFacts { issued, grant, standing } =
        facts.filter(|facts| facts.grant.client == client.client().id).ok_or(TokenRefusal::CodeUnknown)?;
    // RFC 6749 section 4.1.3: required, and identical, exactly when the authorization request had one. One that comes
    // without having been in the authorization request matches nothing either.
    if issued.redirect_uri != request.redirect_uri {
        return Err(TokenRefusal::RedirectUriMismatch);
    }
    match (&issued.code_challenge, &request.code_verifier) {
        (None, None) => {}
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => {}
        (Some(_), Some(_)) => return Err(TokenRefusal::VerifierMismatch),
        (Some(_), None) => return Err(TokenRefusal::VerifierMissing),
        (None, Some(_)) => return Err(TokenRefusal::VerifierUnexpected),
    }
    if issued.expires_at.has_passed(now) {
        return Err(TokenRefusal::CodeExpired);
    }
    let wish = Wish { scope: None, audience: &audience?, nonce: issued.nonce.as_deref() };
    let approved = approve(client, grant, standing, wish, now)?;
    Ok((approved, issued.redeemed_at.map(|_| grant.id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::fixture::{NOW, believed, client, grant, issuer, later, scope, standing};
    use crate::pkce::CodeChallenge;
    use TokenRefusal as R;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    struct Case {
        client: Client,
        request: CodeRedemption,
        facts: Option<CodeFacts>,
        audience: Audience,
        now: Timestamp,
    }

    impl Case {
        fn good() -> Self {
            let issued = IssuedCode {
                grant: grant().id,
                redirect_uri: Some("https://app.example.test/cb".to_owned()),
                code_challenge: CodeChallenge::read(Some(CHALLENGE), Some("S256")).unwrap(),
                nonce: Some("n".to_owned()),
                expires_at: later(60),
                redeemed_at: None,
            };
            Self {
                client: client(),
                request: CodeRedemption {
                    code: AuthorizationCode::new([1; 32]),
                    redirect_uri: issued.redirect_uri.clone(),
                    code_verifier: Some(VERIFIER.to_owned()),
                    resource: None,
                },
                facts: Some(CodeFacts { issued, grant: grant(), standing: standing() }),
                audience: Ok(issuer()),
                now: NOW,
            }
        }

        fn decide(self) -> Redemption {
            redeem(&believed(self.client), &self.request, self.facts.as_ref(), self.audience, self.now)
        }

        fn facts(&mut self) -> &mut CodeFacts {
            self.facts.as_mut().unwrap()
        }
    }

    type Spoil = fn(&mut Case);

    const SPOILS: &[(Spoil, TokenRefusal)] = &[
        (|c| c.facts = None, R::CodeUnknown),
        (|c| c.client.id = "cli_thief".parse().unwrap(), R::CodeUnknown),
        (|c| c.request.redirect_uri = None, R::RedirectUriMismatch),
        (
            |c| c.request.redirect_uri = Some("https://app.example.test/cb/".to_owned()),
            R::RedirectUriMismatch,
        ),
        (|c| c.request.redirect_uri = Some("https://APP.example.test/cb".to_owned()), R::RedirectUriMismatch),
        (|c| c.facts().issued.redirect_uri = None, R::RedirectUriMismatch),
        (|c| c.request.code_verifier = None, R::VerifierMissing),
        (|c| c.request.code_verifier = Some(VERIFIER.to_lowercase()), R::VerifierMismatch),
        (|c| c.request.code_verifier = Some(CHALLENGE.to_owned()), R::VerifierMismatch),
        (|c| c.request.code_verifier = Some("short".to_owned()), R::VerifierMismatch),
        (|c| c.facts().issued.code_challenge = None, R::VerifierUnexpected),
        (|c| c.now = later(60), R::CodeExpired),
        (|c| c.audience = Err(R::ResourceUnknown), R::ResourceUnknown),
        (|c| c.facts().grant.ended_at = Some(NOW), R::GrantEnded),
        (|c| c.facts().standing.user_disabled = true, R::UserGone),
        (|c| c.facts().standing.subject = None, R::UserGone),
        (|c| c.facts().standing.session_ends_at = Some(NOW), R::SessionEnded),
        (|c| c.facts().standing.consented = Some(scope("openid")), R::ConsentWithdrawn),
    ];

    #[test]
    fn the_good_case_issues_and_carries_the_nonce() {
        let Redemption::Issue(approved) = Case::good().decide() else { panic!("refused") };
        assert_eq!(approved.person().and_then(|person| person.nonce.as_deref()), Some("n"));
        assert!(approved.with_id_token());
    }

    #[test]
    fn one_thing_spoilt_is_one_refusal_and_spends_nothing() {
        for (index, (spoil, refusal)) in SPOILS.iter().enumerate() {
            let mut case = Case::good();
            spoil(&mut case);
            assert_eq!(case.decide(), Redemption::Refuse(refusal.clone()), "{index}");
        }
    }

    #[test]
    fn only_a_request_that_would_have_succeeded_is_a_replay() {
        let mut replay = Case::good();
        replay.facts().issued.redeemed_at = Some(NOW);
        assert_eq!(replay.decide(), Redemption::RevokeAndRefuse { grant: grant().id });
        for (index, (spoil, refusal)) in SPOILS.iter().enumerate() {
            let mut case = Case::good();
            case.facts().issued.redeemed_at = Some(NOW);
            spoil(&mut case);
            assert_eq!(case.decide(), Redemption::Refuse(refusal.clone()), "{index}");
        }
    }

    #[test]
    fn without_redirect_uri_and_without_challenge_in_the_authorization_request_none_may_come() {
        let mut case = Case::good();
        case.facts().issued.redirect_uri = None;
        case.facts().issued.code_challenge = None;
        case.request.redirect_uri = None;
        case.request.code_verifier = None;
        assert!(matches!(case.decide(), Redemption::Issue(_)));
    }
}
