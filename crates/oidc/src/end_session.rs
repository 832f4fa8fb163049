//! Sign-out that a relying party asks for (OpenID Connect RP-Initiated Logout section 2).

use terms::{ClientId, SessionId, Subject, limits};

use crate::client::Client;
use crate::params::{Parameters, ParametersError};
use crate::redirect_uri::RegisteredRedirectUri;

/// Why a sign-out request is refused. Always told to the person: an address in a request that is wrong isn't trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndSessionRefusal {
    /// Malformed, too large, or with a parameter that is repeated.
    Malformed(ParametersError),
    /// RP-Initiated Logout section 2: the hint is no ID token of ours.
    IdTokenHintInvalid,
    /// RP-Initiated Logout section 2: the hint was issued to another client than `client_id` names.
    ClientMismatch,
    /// RP-Initiated Logout section 2: no such client.
    ClientUnknown,
    /// RP-Initiated Logout section 3: not, octet by octet, one that the client registered.
    RedirectUriUnregistered,
    /// A `state` of more than [`limits::STATE_BYTES`].
    StateTooLong,
}

impl EndSessionRefusal {
    /// Every refusal, for the table of refusals.
    pub fn all() -> [Self; 6] {
        [
            Self::Malformed(ParametersError::Encoding),
            Self::IdTokenHintInvalid,
            Self::ClientMismatch,
            Self::ClientUnknown,
            Self::RedirectUriUnregistered,
            Self::StateTooLong,
        ]
    }

    /// What the client's developer reads on the page. These texts are stable: conformance runs look for them.
    pub fn description(&self) -> String {
        match self {
            Self::Malformed(error) => return error.to_string(),
            Self::IdTokenHintInvalid => "id_token_hint is not an ID token that this server issued",
            Self::ClientMismatch => "id_token_hint was issued to another client than client_id names",
            Self::ClientUnknown => "client_id names no client",
            Self::RedirectUriUnregistered => "post_logout_redirect_uri is not one that the client registered",
            Self::StateTooLong => "state is too long",
        }
        .to_owned()
    }
}

/// What `id_token_hint` turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogoutHint {
    /// There was none.
    Absent,
    /// Not signed by a key of ours, or not an ID token.
    Invalid,
    /// An ID token of ours. RP-Initiated Logout section 2: one that has expired is taken as well.
    Valid {
        /// To whom it was issued.
        client: ClientId,
        /// About whom.
        subject: Subject,
        /// In which session.
        session: Option<SessionId>,
    },
}

/// Which client a request is of, for finding it: the one that the hint was issued to, or the one that it names.
pub fn client_of(parameters: &Parameters, hint: &LogoutHint) -> Result<Option<ClientId>, EndSessionRefusal> {
    let named = parameters.get("client_id").map(str::parse::<ClientId>).transpose();
    let named = named.map_err(|_| EndSessionRefusal::ClientUnknown)?;
    match hint {
        LogoutHint::Invalid => Err(EndSessionRefusal::IdTokenHintInvalid),
        LogoutHint::Valid { client, .. } if named.as_ref().is_some_and(|named| named != client) => {
            Err(EndSessionRefusal::ClientMismatch)
        }
        LogoutHint::Valid { client, .. } => Ok(Some(client.clone())),
        LogoutHint::Absent => Ok(named),
    }
}

/// Where the person goes afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// A page of ours that says that they are signed out.
    Page,
    /// Back to the client (RP-Initiated Logout section 3).
    Redirect(Box<Return>),
}

/// A way back to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    to: RegisteredRedirectUri,
    state: Option<String>,
}

impl Return {
    /// Where to send the browser, with `state` as the request had it.
    pub fn location(&self) -> String {
        self.to.with_query(self.state.as_deref().map(|state| ("state", state)))
    }
}

/// A live session in the browser that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The session.
    pub session: SessionId,
    /// The `sub` of its user, as the client of the hint knows it.
    pub subject: Subject,
}

/// What to do. Every arm is an effect; none has happened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndSession {
    /// End these sessions, without a question.
    End {
        /// Perhaps none.
        sessions: Vec<SessionId>,
        /// And then.
        then: Afterwards,
    },
    /// Ask the person; if they agree, end every session of the browser.
    Ask {
        /// And then.
        then: Afterwards,
    },
}

/// Decides about a request of `client`, which [`client_of`] named.
pub fn decide(
    parameters: &Parameters,
    client: Option<&Client>,
    hint: &LogoutHint,
    signed_in: &[SignedIn],
) -> Result<EndSession, EndSessionRefusal> {
    let expected = client_of(parameters, hint)?;
    let client = client.filter(|client| Some(&client.id) == expected.as_ref());
    if expected.is_some() && client.is_none() {
        return Err(EndSessionRefusal::ClientUnknown);
    }
    let then = afterwards(parameters, client)?;
    if signed_in.is_empty() {
        return Ok(EndSession::End { sessions: Vec::new(), then });
    }
    let of_hint: Vec<SessionId> = match hint {
        LogoutHint::Valid { subject, session: None, .. } => {
            signed_in.iter().filter(|it| it.subject == *subject).map(|it| it.session).collect()
        }
        LogoutHint::Valid { session: Some(session), subject, .. } => {
            let found = signed_in.iter().filter(|it| it.session == *session && it.subject == *subject);
            found.map(|it| it.session).collect()
        }
        LogoutHint::Absent | LogoutHint::Invalid => Vec::new(),
    };
    // RP-Initiated Logout section 2: the person must be asked when there is no hint, or when it isn't about who is signed in here.
    // Otherwise any site could sign people out.
    Ok(if of_hint.is_empty() {
        EndSession::Ask { then }
    } else {
        EndSession::End { sessions: of_hint, then }
    })
}

fn afterwards(parameters: &Parameters, client: Option<&Client>) -> Result<Afterwards, EndSessionRefusal> {
    let state = parameters.get("state").map(str::to_owned);
    if state.as_ref().is_some_and(|state| state.len() > limits::STATE_BYTES) {
        return Err(EndSessionRefusal::StateTooLong);
    }
    match (parameters.get("post_logout_redirect_uri"), client) {
        (Some(asked), Some(client)) => {
            let to =
                client.post_logout_redirect_uri(asked).ok_or(EndSessionRefusal::RedirectUriUnregistered)?;
            Ok(Afterwards::Redirect(Box::new(Return { to, state })))
        }
        // RP-Initiated Logout section 3: no redirect when nothing says which client asks.
        (Some(_), None) | (None, _) => Ok(Afterwards::Page),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientMetadata, ClientSettings};
    use serde_json::json;
    use terms::Timestamp;

    fn client() -> Client {
        let metadata = json!({
            "redirect_uris": ["https://shop.example/cb"],
            "post_logout_redirect_uris": ["https://shop.example/bye?x=1"],
        });
        Client {
            id: "shop".parse().unwrap(),
            metadata: ClientMetadata::parse(&metadata).unwrap(),
            settings: ClientSettings::default(),
            created_at: Timestamp::from_millis(0),
            last_used_at: None,
        }
    }

    fn session(n: u8) -> SessionId {
        SessionId::new(Timestamp::from_millis(1), [n; 10])
    }

    fn signed_in(n: u8, subject: &str) -> SignedIn {
        SignedIn { session: session(n), subject: subject.parse().unwrap() }
    }

    fn hint(subject: &str, session: Option<SessionId>) -> LogoutHint {
        LogoutHint::Valid { client: "shop".parse().unwrap(), subject: subject.parse().unwrap(), session }
    }

    fn decided(
        query: &str,
        hint: &LogoutHint,
        sessions: &[SignedIn],
    ) -> Result<EndSession, EndSessionRefusal> {
        decide(&Parameters::parse(query.as_bytes()).unwrap(), Some(&client()), hint, sessions)
    }

    const BACK: &str = "post_logout_redirect_uri=https%3A%2F%2Fshop.example%2Fbye%3Fx%3D1&state=a%20b";

    fn location(then: &Afterwards) -> Option<String> {
        match then {
            Afterwards::Page => None,
            Afterwards::Redirect(way) => Some(way.location()),
        }
    }

    #[test]
    fn a_hint_about_who_is_signed_in_ends_that_session_only() {
        let here = [signed_in(1, "alice"), signed_in(2, "bob")];
        for hint in [hint("alice", Some(session(1))), hint("alice", None)] {
            let Ok(EndSession::End { sessions, then }) = decided(BACK, &hint, &here) else { panic!() };
            assert_eq!(sessions, [session(1)]);
            assert_eq!(location(&then).as_deref(), Some("https://shop.example/bye?x=1&state=a+b"));
        }
    }

    #[test]
    fn without_such_a_hint_the_person_is_asked() {
        let here = [signed_in(1, "alice")];
        for hint in [
            LogoutHint::Absent,
            hint("bob", None),
            hint("bob", Some(session(1))),
            hint("alice", Some(session(9))),
        ] {
            let Ok(EndSession::Ask { .. }) = decided("client_id=shop", &hint, &here) else {
                panic!("{hint:?}")
            };
        }
        // Nobody is signed in: there is nothing to ask, and nothing to end.
        let Ok(EndSession::End { sessions, .. }) = decided("", &LogoutHint::Absent, &[]) else { panic!() };
        assert!(sessions.is_empty());
    }

    #[test]
    fn an_address_of_nobody_known_is_not_followed() {
        let parameters = Parameters::parse(BACK.as_bytes()).unwrap();
        let Ok(EndSession::Ask { then }) =
            decide(&parameters, None, &LogoutHint::Absent, &[signed_in(1, "alice")])
        else {
            panic!()
        };
        assert_eq!(then, Afterwards::Page);
    }

    #[test]
    fn each_wrong_request_is_told_to_the_person() {
        use EndSessionRefusal as R;
        let alice = || hint("alice", None);
        let long = format!("state={}", "x".repeat(limits::STATE_BYTES + 1));
        for (query, hint, refusal) in [
            (BACK, LogoutHint::Invalid, R::IdTokenHintInvalid),
            ("client_id=thief", alice(), R::ClientMismatch),
            ("client_id=thief", LogoutHint::Absent, R::ClientUnknown),
            ("client_id=%20", LogoutHint::Absent, R::ClientUnknown),
            ("post_logout_redirect_uri=https%3A%2F%2Fevil.example", alice(), R::RedirectUriUnregistered),
            (
                "post_logout_redirect_uri=https%3A%2F%2Fshop.example%2Fbye",
                alice(),
                R::RedirectUriUnregistered,
            ),
            (
                "post_logout_redirect_uri=https%3A%2F%2Fshop.example%2Fbye%3Fx%3D1%26y",
                alice(),
                R::RedirectUriUnregistered,
            ),
            ("post_logout_redirect_uri=https%3A%2F%2Fshop.example%2Fcb", alice(), R::RedirectUriUnregistered),
            (&long, alice(), R::StateTooLong),
        ] {
            for sessions in [&[][..], &[signed_in(1, "alice")]] {
                assert_eq!(decided(query, &hint, sessions), Err(refusal.clone()), "{query}");
            }
        }
    }
}
