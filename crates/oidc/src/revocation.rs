//! Taking a token back (RFC 7009).

use terms::{AccessTokenHandleHash, ClientId, GrantId, Timestamp};

use crate::access_token::{AccessToken, TokenId};
use crate::client_auth::{AuthenticatedClient, ClientRefusal};
use crate::params::{Parameters, ParametersError};
use crate::presented::PresentedToken;
use crate::token::{ErrorCode, client_code};

/// Why a revocation request is refused. That a token is unknown or dead is no refusal: it is what the caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationRefusal {
    /// The form is malformed, repeats a parameter, or is too large.
    Form(ParametersError),
    /// RFC 7009 section 2.1: the client authenticates, or names itself if it is public.
    Client(ClientRefusal),
    /// RFC 7009 section 2.1: `token` is required.
    Missing,
    /// RFC 7009 section 2.1: a token of another client is refused, and the client is told.
    TokenOfAnother,
}

impl RevocationRefusal {
    /// The table to the wire (RFC 7009 section 2.2.1).
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Form(_) | Self::Missing => ErrorCode::InvalidRequest,
            Self::Client(refusal) => client_code(*refusal),
            // RFC 6749 section 5.2: "was issued to another client".
            Self::TokenOfAnother => ErrorCode::InvalidGrant,
        }
    }

    /// What the client's developer is told.
    pub fn description(&self) -> String {
        match self {
            Self::Form(error) => error.to_string(),
            Self::Client(refusal) => refusal.description().to_owned(),
            Self::Missing => "the parameter token is missing".to_owned(),
            Self::TokenOfAnother => "the token was issued to another client".to_owned(),
        }
    }
}

/// Reads the token of a request whose client is already believed.
pub fn parse(form: &Parameters) -> Result<PresentedToken, RevocationRefusal> {
    form.get("token").map(PresentedToken::read).ok_or(RevocationRefusal::Missing)
}

/// What was found under the token that is to be taken back.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing, or nothing that still lives.
    Nothing,
    /// A genuine refresh token.
    Refresh {
        /// Its client.
        client: ClientId,
        /// Its Grant.
        grant: GrantId,
    },
    /// A genuine JWT.
    Jwt(AccessToken),
    /// An opaque access token.
    Handle {
        /// Its client.
        client: ClientId,
        /// Its row.
        hash: AccessTokenHandleHash,
    },
}

/// What must now be done. Every arm is an effect; none has happened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// RFC 7009 section 2.2: an invalid token needs nothing done.
    Nothing,
    /// RFC 7009 section 2.1: with a refresh token everything of its Grant ends.
    EndGrant(GrantId),
    /// Remember the `jti` until the token would have expired.
    RevokeJwt {
        /// Its `jti`.
        id: TokenId,
        /// Its `exp`.
        until: Timestamp,
    },
    /// Mark the handle.
    RevokeHandle(AccessTokenHandleHash),
    /// Nothing is written.
    Refuse(RevocationRefusal),
}

/// Decides what taking the token back means.
pub fn decide(caller: &AuthenticatedClient, found: Found) -> Revocation {
    let caller = &caller.client().id;
    let owner = match &found {
        Found::Nothing => return Revocation::Nothing,
        Found::Refresh { client, .. } | Found::Handle { client, .. } => client,
        Found::Jwt(token) => &token.client,
    };
    if owner != caller {
        return Revocation::Refuse(RevocationRefusal::TokenOfAnother);
    }
    match found {
        Found::Nothing => Revocation::Nothing,
        Found::Refresh { grant, .. } => Revocation::EndGrant(grant),
        Found::Jwt(token) => Revocation::RevokeJwt { id: token.id, until: token.expires_at },
        Found::Handle { hash, .. } => Revocation::RevokeHandle(hash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{believed, client, grant};
    use crate::presented::tests::token;

    #[test]
    fn each_kind_is_taken_back_in_its_own_way_and_only_by_its_client() {
        let hash = terms::AccessTokenHandle::new([1; 32]).hash();
        let found = || {
            [
                Found::Refresh { client: client().id, grant: grant().id },
                Found::Jwt(token()),
                Found::Handle { client: client().id, hash },
            ]
        };
        let wanted = [
            Revocation::EndGrant(grant().id),
            Revocation::RevokeJwt { id: token().id, until: token().expires_at },
            Revocation::RevokeHandle(hash),
        ];
        for (found, wanted) in found().into_iter().zip(wanted) {
            assert_eq!(decide(&believed(client()), found), wanted);
        }
        let mut thief = client();
        thief.id = "cli_thief".parse().unwrap();
        for found in found() {
            let refused = Revocation::Refuse(RevocationRefusal::TokenOfAnother);
            assert_eq!(decide(&believed(thief.clone()), found), refused);
        }
        assert_eq!(decide(&believed(thief), Found::Nothing), Revocation::Nothing);
    }
}
