//! Tokens made of what the gate approved: the same for the token endpoint and for the authorization endpoint.

use identity::claims::{claims_for, claims_named};
use oidc::access_token::TokenId;
use oidc::client::Client;
use oidc::grant::{Approved, Beside};
use oidc::jose::Algorithm;
use oidc::resource_server::TokenFormat;
use serde_json::{Map, Value};
use store::{Fault, Tx};
use terms::{AccessTokenHandle, Timestamp};

use crate::app::App;
use crate::client_keys::Envelope;
use crate::error::Failure;
use crate::request::Site;

/// What an access token is known by. Made before the transaction, since that may be run again.
pub(super) struct Minted {
    token_id: TokenId,
    handle: AccessTokenHandle,
}

impl Minted {
    pub(super) fn new(app: &App) -> Self {
        let entropy = &app.entropy;
        Self::of(entropy.bytes(), entropy.bytes())
    }

    /// Out of random octets.
    pub(super) fn of(id: [u8; 16], handle: [u8; 32]) -> Self {
        Self { token_id: TokenId::new(id), handle: AccessTokenHandle::new(handle) }
    }
}

/// An access token that is a handle must be found again.
pub(super) async fn note_opaque(
    tx: &mut Tx,
    approved: &Approved,
    issuer: &str,
    minted: &Minted,
    now: Timestamp,
) -> Result<(), Fault> {
    if approved.audience().format != TokenFormat::Opaque {
        return Ok(());
    }
    let claims = approved.access_token(issuer, minted.token_id.clone(), now);
    tx.insert_access_token(minted.handle.hash(), &claims).await
}

/// What an answer is to hold.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) access_token: bool,
    /// An ID token, in this form.
    pub(super) id_token: Option<&'a Envelope>,
    /// The code that goes out in the same answer.
    pub(super) code: Option<&'a str>,
    /// Whether no access token comes of this authorization, by which userinfo could be asked (OpenID Connect Core section 5.4).
    pub(super) without_userinfo: bool,
}

/// Tokens, signed.
pub(super) struct Signed {
    pub(super) access_token: Option<String>,
    pub(super) id_token: Option<String>,
}

/// After the commit: a signature takes longer than a transaction should.
pub(super) async fn sign(
    site: &Site,
    client: &Client,
    approved: &Approved,
    (minted, wanted): (&Minted, Wanted<'_>),
    now: Timestamp,
) -> Result<Signed, Failure> {
    let for_access = approved.audience().format.algorithm().filter(|_| wanted.access_token);
    let envelope = wanted.id_token.filter(|_| approved.with_id_token());
    let for_identity = client.id_token_algorithm;
    let algorithms: Vec<Algorithm> = for_access.into_iter().chain(envelope.map(|_| for_identity)).collect();
    let keys = site.app.keys_for(&site.tenant, &algorithms).await?;
    let signer = |algorithm: Algorithm| {
        let none = || Failure::new(format!("{} has no key for {algorithm:?}", site.tenant.id));
        keys.set.signer(algorithm).ok_or_else(none)
    };
    let issuer = site.tenant.issuer.as_str();
    let access_token = match for_access {
        _ if !wanted.access_token => None,
        None => Some(minted.handle.reveal()),
        Some(algorithm) => {
            let claims = approved.access_token(issuer, minted.token_id.clone(), now);
            Some(claims.sign(signer(algorithm)?).map_err(Failure::new)?)
        }
    };
    let mut id_token = None;
    let beside = Beside { access_token: access_token.as_deref(), code: wanted.code };
    if let Some(envelope) = envelope
        && let Some(mut claims) = approved.id_token(issuer, beside, for_identity, now)
    {
        claims.profile = profile(site, client, approved, wanted).await?;
        let signed = claims.sign(signer(for_identity)?).map_err(Failure::new)?;
        id_token = Some(envelope.around(signed).map_err(Failure::new)?);
    }
    Ok(Signed { access_token, id_token })
}

/// What the ID token says of the person beyond the protocol: what the request names in `claims` (OpenID Connect Core section
/// 5.5), and what its scope asks for where userinfo can't be asked or the client's setting wants it (section 5.4).
async fn profile(
    site: &Site,
    client: &Client,
    approved: &Approved,
    wanted: Wanted<'_>,
) -> Result<Map<String, Value>, Fault> {
    let Some(person) = approved.person() else { return Ok(Map::new()) };
    let by_scope = client.settings.id_token_claims || wanted.without_userinfo;
    let named: Vec<&str> = person.claims.for_id_token().collect();
    if !by_scope && named.is_empty() {
        return Ok(Map::new());
    }
    let Some(user) = site.app.store.read(site.tenant.id).user(person.user).await? else {
        return Ok(Map::new());
    };
    let mut claims = if by_scope { claims_for(&user, approved.granted().iter()) } else { Map::new() };
    claims.extend(claims_named(&user, named));
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use identity::claims::SCOPE_CLAIMS;
    use oidc::scope::scope_of_claim;

    /// The protocol's table and the product's are of two crates that don't know each other.
    #[test]
    fn a_claim_belongs_to_the_same_scope_everywhere() {
        let mut count = 0;
        for (scope, claims) in SCOPE_CLAIMS {
            for claim in claims {
                assert_eq!(scope_of_claim(claim), Some(scope), "{claim}");
                count += 1;
            }
        }
        assert_eq!((count, scope_of_claim("sub")), (19, None));
    }
}
