//! The text of a refresh token, and how it is derived.
//!
//! A refresh token isn't random and isn't stored: it is an HMAC over its Grant and generation under a secret of the
//! Grant. So the answer to a request whose answer got lost can be given again, and a Grant's whole family is one row.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use terms::{GrantId, SecretError, TenantId};
use zeroize::Zeroizing;

const GRANT: usize = 16;
const GENERATION: usize = 4;
const TAG: usize = 32;
const OCTETS: usize = GRANT + GENERATION + TAG;
/// Base64url of 52 octets, unpadded.
const CHARACTERS: usize = 70;

/// A Grant's secret, from which all its refresh tokens are derived. Stored sealed.
#[derive(Clone)]
pub struct RefreshSecret(Zeroizing<[u8; 32]>);

impl RefreshSecret {
    /// Out of random bytes that the caller brings, or of what was sealed.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// For sealing.
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }

    /// The token of one generation.
    pub fn derive(&self, tenant: TenantId, grant: GrantId, generation: u32) -> RefreshToken {
        RefreshToken { grant, generation, tag: Zeroizing::new(self.tag(tenant, grant, generation)) }
    }

    /// Whether a token is one of this secret's. Compares in constant time.
    pub fn made(&self, tenant: TenantId, token: &RefreshToken) -> bool {
        self.tag(tenant, token.grant, token.generation).ct_eq(&*token.tag).into()
    }

    /// Every field has one length, so no two inputs are the same octets.
    fn tag(&self, tenant: TenantId, grant: GrantId, generation: u32) -> [u8; TAG] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice()));
        context.update(b"portico refresh token 1");
        context.update(&tenant.to_bytes());
        context.update(&grant.to_bytes());
        context.update(&generation.to_be_bytes());
        let mut tag = [0; TAG];
        tag.copy_from_slice(context.sign().as_ref());
        tag
    }
}

impl fmt::Debug for RefreshSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshSecret(..)")
    }
}

/// A refresh token (RFC 6749 section 1.5): which Grant, which generation, and the proof that we made it.
#[derive(Clone)]
pub struct RefreshToken {
    grant: GrantId,
    generation: u32,
    tag: Zeroizing<[u8; TAG]>,
}

impl RefreshToken {
    /// What every refresh token begins with.
    pub const PREFIX: &'static str = "ptc_rt_";

    /// Exactly the canonical text; nothing shorter, longer, padded or spelt otherwise. Says nothing about who made it.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        const WRONG: SecretError = SecretError { kind: "RefreshToken" };
        let body = text.strip_prefix(Self::PREFIX).filter(|body| body.len() == CHARACTERS).ok_or(WRONG)?;
        let mut octets = Zeroizing::new([0; OCTETS]);
        let Ok(OCTETS) = URL_SAFE_NO_PAD.decode_slice(body, octets.as_mut_slice()) else {
            return Err(WRONG);
        };
        let (grant, rest) = octets.split_first_chunk::<GRANT>().ok_or(WRONG)?;
        let (generation, rest) = rest.split_first_chunk::<GENERATION>().ok_or(WRONG)?;
        let (tag, _) = rest.split_first_chunk::<TAG>().ok_or(WRONG)?;
        Ok(Self {
            grant: GrantId::from_bytes(*grant),
            generation: u32::from_be_bytes(*generation),
            tag: Zeroizing::new(*tag),
        })
    }

    /// The text that its holder gets.
    pub fn reveal(&self) -> String {
        let mut octets = Zeroizing::new(Vec::with_capacity(OCTETS));
        octets.extend_from_slice(&self.grant.to_bytes());
        octets.extend_from_slice(&self.generation.to_be_bytes());
        octets.extend_from_slice(&*self.tag);
        format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(octets.as_slice()))
    }

    /// The Grant that it names, for finding the secret; to be believed only after [`RefreshSecret::made`].
    pub fn grant(&self) -> GrantId {
        self.grant
    }

    /// How many rotations lie before it; to be believed only after [`RefreshSecret::made`].
    pub fn generation(&self) -> u32 {
        self.generation
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::Timestamp;

    fn tenant(n: u8) -> TenantId {
        TenantId::new(Timestamp::from_millis(1), [n; 10])
    }

    fn grant(n: u8) -> GrantId {
        GrantId::new(Timestamp::from_millis(1), [n; 10])
    }

    #[test]
    fn a_token_survives_its_text_and_hides_itself() {
        let secret = RefreshSecret::new([5; 32]);
        let token = secret.derive(tenant(1), grant(2), 7);
        let again = RefreshToken::parse(&token.reveal()).unwrap();
        assert_eq!((again.grant(), again.generation()), (grant(2), 7));
        assert!(secret.made(tenant(1), &again));
        assert_eq!(format!("{token:?} {secret:?}"), "RefreshToken(..) RefreshSecret(..)");
    }

    #[test]
    fn derivation_is_stable_and_depends_on_everything() {
        let secret = RefreshSecret::new([5; 32]);
        let text = secret.derive(tenant(1), grant(2), 7).reveal();
        assert_eq!(text, secret.derive(tenant(1), grant(2), 7).reveal());
        let others = [
            RefreshSecret::new([6; 32]).derive(tenant(1), grant(2), 7),
            secret.derive(tenant(2), grant(2), 7),
            secret.derive(tenant(1), grant(3), 7),
            secret.derive(tenant(1), grant(2), 8),
        ];
        for other in others {
            assert_ne!(other.reveal()[30..], text[30..]);
        }
    }

    #[test]
    fn every_bit_and_every_length_counts() {
        let secret = RefreshSecret::new([5; 32]);
        let text = secret.derive(tenant(1), grant(2), 7).reveal();
        for cut in 0..text.len() {
            assert!(RefreshToken::parse(&text[..cut]).is_err(), "{cut}");
        }
        for longer in [format!("{text}A"), format!("{text}="), format!(" {text}")] {
            assert!(RefreshToken::parse(&longer).is_err(), "{longer}");
        }
        for position in 0..text.len() {
            for bit in 0..7 {
                let mut octets = text.clone().into_bytes();
                octets[position] ^= 1 << bit;
                let Ok(bent) = String::from_utf8(octets) else { continue };
                let taken = RefreshToken::parse(&bent).is_ok_and(|token| secret.made(tenant(1), &token));
                assert!(!taken, "{position} {bit}");
            }
        }
    }
}
