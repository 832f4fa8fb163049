//! Passwords: which are taken (NIST SP 800-63B-4 section 3.1.1), how they are hashed, and the proof that one was verified.

use std::fmt;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use subtle::ConstantTimeEq as _;
use terms::{SecretText, Timestamp, UserId, limits};
use unicode_normalization::UnicodeNormalization as _;

/// What a password stands with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordPolicy {
    /// It is the only factor.
    Alone,
    /// A second factor is asked for at each sign-in.
    WithSecondFactor,
}

impl PasswordPolicy {
    /// The fewest characters, counted as Unicode code points after normalisation (NIST SP 800-63B-4 section 3.1.1.2).
    pub const fn least_characters(self) -> usize {
        match self {
            Self::Alone => 15,
            Self::WithSecondFactor => 8,
        }
    }
}

/// Why a new password was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PasswordRefusal {
    /// NIST SP 800-63B-4 section 3.1.1.2: at least 15 characters alone, at least 8 with a second factor.
    TooShort { least: usize },
    /// More octets than are hashed. (At least 64 characters must be taken; several hundred are.)
    TooLong { most: usize },
    /// NIST SP 800-63B-4 section 3.1.1.2: not one that is commonly used, expected or compromised.
    Guessable,
}

impl fmt::Display for PasswordRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { least } => write!(f, "the password needs at least {least} characters"),
            Self::TooLong { most } => write!(f, "the password is longer than {most} octets"),
            Self::Guessable => f.write_str(
                "the password is easy to guess: it is a common one, a pattern, or made of words that belong to the account",
            ),
        }
    }
}

impl std::error::Error for PasswordRefusal {}

/// Guesses, as a power of ten, below which a password counts as "commonly used or expected": docs/decisions/ tells why.
const LEAST_GUESSES_LOG10: f64 = 8.0;
/// What is expected everywhere in front of this product.
const CONTEXT: [&str; 6] = ["portico", "openid", "password", "passphrase", "login", "signin"];

/// A password that the policy takes, in its normalised form. Only [`NewPassword::check`] makes one.
#[derive(Debug, Clone)]
pub struct NewPassword(SecretText);

impl NewPassword {
    /// Checks a chosen password. `context` are words that belong to the account and the service: address, name, host.
    pub fn check(
        chosen: &SecretText,
        policy: PasswordPolicy,
        context: &[&str],
    ) -> Result<Self, PasswordRefusal> {
        let normal = normalised(chosen).ok_or(PasswordRefusal::TooLong { most: limits::PASSWORD_BYTES })?;
        let least = policy.least_characters();
        if normal.reveal().chars().count() < least {
            return Err(PasswordRefusal::TooShort { least });
        }
        if is_guessable(normal.reveal(), context) {
            return Err(PasswordRefusal::Guessable);
        }
        Ok(Self(normal))
    }
}

/// NFC, so that one password typed on two keyboards has one form (NIST SP 800-63B-4 section 3.1.1.2); nothing when it is too long.
fn normalised(text: &SecretText) -> Option<SecretText> {
    if text.reveal().len() > limits::PASSWORD_BYTES {
        return None;
    }
    let normal = SecretText::new(text.reveal().nfc().collect());
    (normal.reveal().len() <= limits::PASSWORD_BYTES).then_some(normal)
}

/// What can be told of a password while it is being chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    Refused(PasswordRefusal),
    /// It would be taken.
    Fair,
    /// Ten thousand times as many guesses as are asked for.
    Good,
    /// The square of what is asked for: as four words give that don't belong together.
    Strong,
}

/// Judges a password by the rules of [`NewPassword::check`], and how far beyond them it is.
pub fn strength(chosen: &SecretText, policy: PasswordPolicy, context: &[&str]) -> Strength {
    let password = match NewPassword::check(chosen, policy, context) {
        Ok(password) => password,
        Err(refusal) => return Strength::Refused(refusal),
    };
    let guesses = guesses_log10(password.0.reveal(), context);
    if guesses < LEAST_GUESSES_LOG10 + 4.0 {
        Strength::Fair
    } else if guesses < LEAST_GUESSES_LOG10 + 8.0 {
        Strength::Good
    } else {
        Strength::Strong
    }
}

fn is_guessable(password: &str, context: &[&str]) -> bool {
    guesses_log10(password, context) < LEAST_GUESSES_LOG10
}

fn guesses_log10(password: &str, context: &[&str]) -> f64 {
    let mut words: Vec<&str> = CONTEXT.to_vec();
    for text in context {
        words.push(text);
        words.extend(text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() >= 3));
    }
    zxcvbn::zxcvbn(password, &words).guesses_log10()
}

/// The cost of a hash. Tests use small ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl HashCost {
    /// The first of the equally strong choices in the OWASP Password Storage Cheat Sheet.
    pub const STANDARD: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    fn params(self) -> Result<Params, PasswordFault> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH_BYTES))
            .map_err(|_| PasswordFault::Cost)
    }
}

const HASH_BYTES: usize = 32;
/// The most memory that a stored hash may ask for.
const MOST_MEMORY_KIB: u32 = 128 * 1024;
/// What is hashed against when there is no account, so that its absence takes as long as its presence.
const DUMMY_SALT: [u8; 16] = *b"no such account!";

/// A stored hash that can't be used, or a cost that argon2 doesn't know. Never the person's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    Cost,
    /// Not a PHC string of argon2id version 19, or one that asks for too much.
    StoredForm,
}

impl fmt::Display for PasswordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cost => "the cost of a password hash is out of argon2's range",
            Self::StoredForm => "a stored password hash is not a usable PHC string of argon2id",
        })
    }
}

impl std::error::Error for PasswordFault {}

/// The memory of one hash, reused from hash to hash: fresh pages would cost more than the blocks' arithmetic.
pub struct HashMemory(Vec<Block>);

impl HashMemory {
    /// Memory enough for hashes of this cost.
    pub fn new(cost: HashCost) -> Self {
        Self(vec![Block::new(); cost.memory_kib as usize])
    }

    fn run(
        &mut self,
        password: &SecretText,
        salt: &[u8],
        params: Params,
    ) -> Result<[u8; HASH_BYTES], PasswordFault> {
        if self.0.len() < params.block_count() {
            self.0.resize(params.block_count(), Block::new());
        }
        let mut out = [0; HASH_BYTES];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.reveal().as_bytes(), salt, &mut out, &mut self.0)
            .map_err(|_| PasswordFault::Cost)?;
        Ok(out)
    }
}

/// A password's hash in PHC form. It prints nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// As the store gives it.
    pub fn from_stored(phc: String) -> Self {
        Self(phc)
    }

    /// For the store only.
    pub fn as_phc(&self) -> &str {
        &self.0
    }

    /// Whether the hash was made at another cost than the one now asked for.
    pub fn needs_rehash(&self, cost: HashCost) -> bool {
        let now =
            cost.params().and_then(|params| ParamsString::try_from(&params).map_err(|_| PasswordFault::Cost));
        match (Phc::new(&self.0), now) {
            (Ok(stored), Ok(now)) => stored.params != now,
            _ => false,
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// A user's password as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPassword {
    pub user_id: UserId,
    pub hash: PasswordHash,
    /// Grows with every change of the password, not with a rehash.
    pub version: i64,
    pub changed_at: Timestamp,
}

/// The proof that someone typed a user's password. Only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPassword {
    user_id: UserId,
    version: i64,
}

impl VerifiedPassword {
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// Of the password that was verified.
    pub fn version(&self) -> i64 {
        self.version
    }

    #[cfg(test)]
    pub(crate) fn for_test(user_id: UserId, version: i64) -> Self {
        Self { user_id, version }
    }
}

/// Hashes a password that the policy has taken.
pub fn hash(
    password: &NewPassword,
    salt: [u8; 16],
    cost: HashCost,
    memory: &mut HashMemory,
) -> Result<PasswordHash, PasswordFault> {
    phc_of(&password.0, salt, cost, memory)
}

fn phc_of(
    password: &SecretText,
    salt: [u8; 16],
    cost: HashCost,
    memory: &mut HashMemory,
) -> Result<PasswordHash, PasswordFault> {
    let params = cost.params()?;
    let output = memory.run(password, &salt, params.clone())?;
    let phc = Phc {
        algorithm: ARGON2ID_IDENT,
        version: Some(u32::from(Version::V0x13)),
        params: ParamsString::try_from(&params).map_err(|_| PasswordFault::Cost)?,
        salt: Some(Salt::new(&salt).map_err(|_| PasswordFault::Cost)?),
        hash: Some(Output::new(&output).map_err(|_| PasswordFault::Cost)?),
    };
    Ok(PasswordHash(phc.to_string()))
}

/// Verifies a typed password. Without a stored one the same work is done for nothing, so that the time tells nothing.
pub fn verify(
    typed: &SecretText,
    stored: Option<&StoredPassword>,
    cost: HashCost,
    memory: &mut HashMemory,
) -> Result<Option<VerifiedPassword>, PasswordFault> {
    // A text too long to be anyone's password is worked on as an empty one, which no hash was made of.
    let normal = normalised(typed).unwrap_or_else(|| SecretText::new(String::new()));
    let Some(stored) = stored else {
        memory.run(&normal, &DUMMY_SALT, cost.params()?)?;
        return Ok(None);
    };
    let (params, salt, expected) = parts_of(&stored.hash)?;
    let output = memory.run(&normal, salt.as_ref(), params)?;
    let is_right = bool::from(output.as_slice().ct_eq(expected.as_bytes()));
    Ok(is_right.then_some(VerifiedPassword { user_id: stored.user_id, version: stored.version }))
}

/// The same password at the cost now asked for, once it was verified.
pub fn rehash(
    _: &VerifiedPassword,
    typed: &SecretText,
    salt: [u8; 16],
    cost: HashCost,
    memory: &mut HashMemory,
) -> Result<PasswordHash, PasswordFault> {
    let normal = normalised(typed).ok_or(PasswordFault::StoredForm)?;
    phc_of(&normal, salt, cost, memory)
}

fn parts_of(hash: &PasswordHash) -> Result<(Params, Salt, Output), PasswordFault> {
    let phc = Phc::new(&hash.0).map_err(|_| PasswordFault::StoredForm)?;
    let params = Params::try_from(&phc).map_err(|_| PasswordFault::StoredForm)?;
    let is_ours = phc.algorithm == ARGON2ID_IDENT && phc.version == Some(u32::from(Version::V0x13));
    match (phc.salt, phc.hash) {
        (Some(salt), Some(output))
            if is_ours && output.len() == HASH_BYTES && params.m_cost() <= MOST_MEMORY_KIB =>
        {
            Ok((params, salt, output))
        }
        _ => Err(PasswordFault::StoredForm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: HashCost = HashCost { memory_kib: 16, passes: 1, lanes: 1 };

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    fn check(text: &str) -> Result<(), PasswordRefusal> {
        let context = ["alice.liddell@wonderland.test", "Acme Books"];
        NewPassword::check(&secret(text), PasswordPolicy::Alone, &context).map(drop)
    }

    #[test]
    fn length_is_counted_in_code_points_after_normalisation() {
        let too_short = Err(PasswordRefusal::TooShort { least: 15 });
        assert_eq!(check("xk7 qm2 vz9 pb"), too_short);
        assert_eq!(check("xk7 qm2 vz9 pbw"), Ok(()));
        // Fourteen letters, the last written as a letter and an accent: fifteen code points before NFC, fourteen after.
        assert_eq!(check("xk7qm2vz9pbwle\u{301}"), too_short);
        assert_eq!(
            check("\u{1f98a}\u{1f340}kz\u{1f9ed}\u{1f41d}w\u{2603}\u{1f511}vj\u{1f6f6}\u{1f9f5}\u{1fa81}p"),
            Ok(())
        );
        let with_second = NewPassword::check(&secret("xk7qm2vz"), PasswordPolicy::WithSecondFactor, &[]);
        assert!(with_second.is_ok());
    }

    #[test]
    fn no_composition_is_asked_for_and_blanks_and_long_ones_are_welcome() {
        for text in
            ["correct horse battery staple", "plain lower case words only", "   many   blanks   inside   "]
        {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        assert_eq!(check(&"long and winding road, sir! ".repeat(30)), Ok(()));
        assert_eq!(check(&"x".repeat(1025)), Err(PasswordRefusal::TooLong { most: 1024 }));
    }

    #[test]
    fn strength_begins_where_refusals_end() {
        let judge = |text: &str| strength(&secret(text), PasswordPolicy::Alone, &["alice@wonderland.test"]);
        for text in ["short", "passwordpassword", "alice@wonderland.test", &"x".repeat(1025)] {
            assert!(matches!(judge(text), Strength::Refused(_)), "{text}");
        }
        assert_eq!(judge("short"), Strength::Refused(PasswordRefusal::TooShort { least: 15 }));
        assert_eq!(judge("correct horse battery staple"), Strength::Strong);
        assert_eq!(judge("dragonmonkeytiger77"), Strength::Fair);
        assert_eq!(judge("ilovemydogverymuch"), Strength::Good);
    }

    #[test]
    fn what_is_commonly_used_or_expected_is_refused() {
        for text in [
            "passwordpassword",
            "password1234567",
            "passwordpasswordpassword",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabc",
            "1234567890123456",
            "qwertyuiopasdfgh",
            "1qaz2wsx3edc4rfv",
            "qwertyqwertyqwerty",
            "iloveyouiloveyou",
            "abcdefghijklmnopqrstuvwxyz",
            "porticoportico123",
            "alice.liddell@wonderland.test",
            "wonderlandwonderland",
            "AcmeBooksAcmeBooks",
            "P@ssw0rdP@ssw0rd",
        ] {
            assert_eq!(check(text), Err(PasswordRefusal::Guessable), "{text}");
        }
    }

    fn stored(text: &str) -> StoredPassword {
        let password = NewPassword::check(&secret(text), PasswordPolicy::Alone, &[]).unwrap();
        let hash = hash(&password, [3; 16], CHEAP, &mut HashMemory::new(CHEAP)).unwrap();
        let user_id = UserId::new(Timestamp::from_millis(1), [1; 10]);
        StoredPassword { user_id, hash, version: 4, changed_at: Timestamp::from_millis(1) }
    }

    #[test]
    fn the_right_password_verifies_in_any_spelling_and_a_wrong_one_never() {
        let stored = stored("caf\u{e9} au lait in Krak\u{f3}w");
        let verify =
            |text: &str| verify(&secret(text), Some(&stored), CHEAP, &mut HashMemory::new(CHEAP)).unwrap();
        assert_eq!(verify("cafe\u{301} au lait in Krako\u{301}w").map(|v| v.version()), Some(4));
        for wrong in ["", "cafe au lait in Krakow", "caf\u{e9} au lait in Krak\u{f3}w ", &"x".repeat(5000)] {
            assert_eq!(verify(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_account_is_verified_whatever_is_typed() {
        let mut memory = HashMemory::new(CHEAP);
        assert_eq!(verify(&secret("no such account!"), None, CHEAP, &mut memory), Ok(None));
        assert_eq!(verify(&secret(""), None, CHEAP, &mut memory), Ok(None));
    }

    #[test]
    fn the_standard_hash_is_the_one_that_is_recommended() {
        let password =
            NewPassword::check(&secret("a quiet lamp over the harbour"), PasswordPolicy::Alone, &[]).unwrap();
        let mut memory = HashMemory::new(HashCost::STANDARD);
        let hash = hash(&password, [7; 16], HashCost::STANDARD, &mut memory).unwrap();
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_phc());
        assert!(!hash.needs_rehash(HashCost::STANDARD));
        assert!(hash.needs_rehash(CHEAP));
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
    }

    #[test]
    fn a_stored_hash_of_another_form_is_a_fault() {
        let good = stored("a quiet lamp over the harbour");
        for phc in [
            String::new(),
            "plain".to_owned(),
            good.hash.as_phc().replace("argon2id", "argon2i"),
            good.hash.as_phc().replace("v=19", "v=16"),
            good.hash.as_phc().replace("m=16", "m=4000000"),
        ] {
            let bad = StoredPassword { hash: PasswordHash::from_stored(phc.clone()), ..good.clone() };
            let outcome = verify(&secret("x"), Some(&bad), CHEAP, &mut HashMemory::new(CHEAP));
            assert_eq!(outcome, Err(PasswordFault::StoredForm), "{phc}");
        }
    }
}
