//! The only place that asks for random bytes. Ids and secrets are made from them before a transaction begins.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use terms::{SecretText, Timestamp};

/// Where chance comes from: the cryptographic generator of `aws-lc-rs`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entropy;

impl Entropy {
    /// `N` random bytes. A machine that can't give them must not go on issuing secrets, so the process ends.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        Self::fill(&mut bytes);
        bytes
    }

    /// Several secrets at once: one draw costs about as much as two.
    pub fn blocks<const N: usize>(&self) -> [[u8; 32]; N] {
        let mut blocks = [[0; 32]; N];
        Self::fill(blocks.as_flattened_mut());
        blocks
    }

    #[expect(clippy::disallowed_methods, reason = "this module is where chance comes from")]
    fn fill(bytes: &mut [u8]) {
        if aws_lc_rs::rand::fill(bytes).is_err() {
            tracing::error!("the system's random number generator failed");
            std::process::abort();
        }
    }

    /// A new identifier: `entropy.id(UserId::new, now)`.
    pub fn id<T>(&self, new: fn(Timestamp, [u8; 10]) -> T, now: Timestamp) -> T {
        new(now, self.bytes())
    }

    /// A new 256-bit secret: `entropy.secret(ClientSecret::new)`.
    pub fn secret<T>(&self, new: fn([u8; 32]) -> T) -> T {
        new(self.bytes())
    }

    /// Decimal digits for a person to copy, each equally likely.
    pub fn digits(&self, count: usize) -> SecretText {
        let mut text = String::with_capacity(count);
        while text.len() < count {
            let [byte] = self.bytes();
            // 250 is the largest multiple of ten: what lies above would make the low digits likelier.
            if byte < 250 {
                text.push(char::from(b'0' + byte % 10));
            }
        }
        SecretText::new(text)
    }

    /// Random bytes as lower-case hexadecimal digits, for names that are no secret.
    pub fn hex<const N: usize>(&self) -> String {
        use std::fmt::Write as _;
        self.bytes::<N>().iter().fold(String::with_capacity(2 * N), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// What requests are called in the log. No secrets, so a keyed hash of their count makes them, for a tenth of what random bytes cost;
/// whoever sees one learns nothing of how many there were.
#[derive(Debug, Default)]
pub struct RequestIds {
    keys: RandomState,
    count: AtomicU64,
}

impl RequestIds {
    /// Another name with each call: 16 hexadecimal digits.
    pub fn another(&self) -> String {
        format!("{:016x}", self.keys.hash_one(self.count.fetch_add(1, Ordering::Relaxed)))
    }
}

/// One of several ids for a transaction that finds out only by itself how many it needs: they are counted up from bits that
/// were made before it, so that it may be run again.
pub fn counted_id<T>(
    make: fn(Timestamp, [u8; 10]) -> T,
    mut bits: [u8; 10],
    index: usize,
    now: Timestamp,
) -> T {
    for (bit, add) in bits[2..].iter_mut().zip((index as u64).to_be_bytes()) {
        *bit ^= add;
    }
    make(now, bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::UserId;

    #[test]
    fn ids_and_digits_have_their_shape() {
        let now = Timestamp::from_seconds(1_700_000_000);
        assert_ne!(Entropy.id(UserId::new, now), Entropy.id(UserId::new, now));
        let code = Entropy.digits(6);
        assert!(code.reveal().len() == 6 && code.reveal().bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(Entropy.hex::<8>().len(), 16);
    }
}
