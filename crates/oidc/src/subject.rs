//! By what name a client knows a person (OpenID Connect Core section 8).

use std::fmt;

use aws_lc_rs::hmac;
use terms::Subject;

/// From which a tenant's pairwise subjects are made: 256 random bits that never change.
#[derive(Clone)]
pub struct PairwiseSalt(hmac::Key);

impl fmt::Debug for PairwiseSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairwiseSalt(..)")
    }
}

impl PairwiseSalt {
    /// Out of random octets that the caller brings.
    pub fn new(octets: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, octets))
    }

    /// OpenID Connect Core section 8.1: the same for one sector and one person, not to be reversed, and different for each
    /// sector and each person. An HMAC is all of that to whoever doesn't have the salt.
    fn subject(&self, sector: &str, own: &Subject) -> Subject {
        let mut context = hmac::Context::with_key(&self.0);
        // Behind its length, so that no two pairs have the same octets.
        context.update(&(sector.len() as u64).to_be_bytes());
        context.update(sector.as_bytes());
        context.update(own.as_str().as_bytes());
        let mut octets = [0; 32];
        octets.copy_from_slice(context.sign().as_ref());
        Subject::from_octets(&octets)
    }
}

/// How a client names people.
#[derive(Clone, Debug)]
pub enum Naming {
    /// By their own `sub`, which is the same for every client (`public`).
    Own,
    /// By a name that only the clients of one sector share (`pairwise`).
    Pairwise {
        /// The sector (OpenID Connect Core section 8.1): a host.
        sector: String,
        /// The tenant's.
        salt: Box<PairwiseSalt>,
    },
}

impl Naming {
    /// The `sub` of this person as the client sees it.
    pub fn subject(&self, own: &Subject) -> Subject {
        self.pairwise(own).unwrap_or_else(|| own.clone())
    }

    /// The name for this person that is not their own `sub`, if this client has one.
    pub fn pairwise(&self, own: &Subject) -> Option<Subject> {
        match self {
            Self::Own => None,
            Self::Pairwise { sector, salt } => Some(salt.subject(sector, own)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(sector: &str, salt: u8) -> Naming {
        Naming::Pairwise { sector: sector.to_owned(), salt: Box::new(PairwiseSalt::new(&[salt; 32])) }
    }

    fn subject(text: &str) -> Subject {
        text.parse().unwrap()
    }

    #[test]
    fn one_sector_shares_a_name_and_no_two_have_the_same() {
        let alice = subject("alice");
        let name = |sector, salt, own: &Subject| naming(sector, salt).subject(own);
        assert_eq!(name("a.example", 1, &alice), name("a.example", 1, &alice));
        let all = [
            name("a.example", 1, &alice),
            name("b.example", 1, &alice),
            name("a.example", 2, &alice),
            name("a.example", 1, &subject("bob")),
            name("a.examplea", 1, &subject("lice")),
            alice.clone(),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{one}");
        }
        assert_eq!(Naming::Own.subject(&alice), alice);
        assert_eq!(Naming::Own.pairwise(&alice), None);
    }

    /// The HMAC of RFC 2104 over the length of the sector, the sector and the person, worked out by another program. A change
    /// of this text would make every client take its people for strangers.
    #[test]
    fn the_derivation_never_changes() {
        assert_eq!(
            naming("a.example", 1).subject(&subject("alice")).as_str(),
            "8OIzWWF7oWnBd-qr8rdzY_MtbI-0AEDGrwEwpnbmGsc"
        );
    }
}
