//! Codes of six digits that are mailed to show that an address is its owner's.
//!
//! A million values are few, so a code is bound to one purpose, dies after some minutes and a handful of guesses, and is
//! stored under a key: the database alone doesn't tell it.

use std::fmt;

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq as _;
use terms::{
    CanonicalEmail, EmailAdditionId, MailedCodeId, RecoveryId, SecretText, SignUpId, Timestamp, limits,
};

/// What a code is good for, and for which record. It is good for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePurpose {
    /// Shows that the address of this sign-up is the person's own.
    SignUp(SignUpId),
    /// Shows that an address that somebody adds to their account is their own.
    AddEmail(EmailAdditionId),
    /// Shows that whoever forgot a password reads the mail of the account's address.
    Recovery(RecoveryId),
}

impl CodePurpose {
    /// The stored name of the kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::SignUp(_) => "sign_up",
            Self::AddEmail(_) => "add_email",
            Self::Recovery(_) => "recovery",
        }
    }

    /// The stored id of the record.
    pub fn record(self) -> String {
        match self {
            Self::SignUp(id) => id.to_string(),
            Self::AddEmail(id) => id.to_string(),
            Self::Recovery(id) => id.to_string(),
        }
    }

    /// From the stored name and id.
    pub fn from_stored(kind: &str, record: &str) -> Option<Self> {
        match kind {
            "sign_up" => record.parse().ok().map(Self::SignUp),
            "add_email" => record.parse().ok().map(Self::AddEmail),
            "recovery" => record.parse().ok().map(Self::Recovery),
            _ => None,
        }
    }
}

/// The key under which a tenant's codes are hashed.
pub struct MailedCodeKey(hmac::Key);

impl MailedCodeKey {
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// What is stored of a code.
    pub fn hash(
        &self,
        id: MailedCodeId,
        purpose: CodePurpose,
        recipient: &CanonicalEmail,
        code: &SecretText,
    ) -> MailedCodeHash {
        let mut context = hmac::Context::with_key(&self.0);
        // Each part with its length before it, so that no two different lists of parts run together to one text.
        for part in [&id.to_string(), purpose.kind(), &purpose.record(), recipient.as_str(), code.reveal()] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        MailedCodeHash(hash)
    }
}

impl fmt::Debug for MailedCodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailedCodeKey(..)")
    }
}

/// The keyed hash of a code. Compares in constant time.
#[derive(Clone, Copy)]
pub struct MailedCodeHash([u8; 32]);

impl MailedCodeHash {
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for MailedCodeHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for MailedCodeHash {}

impl fmt::Debug for MailedCodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailedCodeHash(..)")
    }
}

/// A new code out of random bits that the caller brings. (Their remainder favours no value by more than 2^-44.)
pub fn new_code(random: [u8; 8]) -> SecretText {
    SecretText::new(format!("{:06}", u64::from_be_bytes(random) % 1_000_000))
}

/// What a person typed as a code: blanks and hyphens, which mail programs and people put in, don't count.
pub fn typed_code(text: &SecretText) -> Option<SecretText> {
    if text.reveal().len() > 64 {
        return None;
    }
    let digits: String = text.reveal().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| SecretText::new(digits))
}

/// A mailed code as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailedCode {
    pub id: MailedCodeId,
    pub purpose: CodePurpose,
    pub recipient: CanonicalEmail,
    pub hash: MailedCodeHash,
    /// Guesses made, the one now judged among them.
    pub attempts: i64,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub spent_at: Option<Timestamp>,
}

/// The proof that a person read the mail that a code went out with. Only [`MailedCode::judge`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCode {
    purpose: CodePurpose,
    recipient: CanonicalEmail,
}

impl VerifiedCode {
    pub fn purpose(&self) -> CodePurpose {
        self.purpose
    }

    pub fn recipient(&self) -> &CanonicalEmail {
        &self.recipient
    }

    #[cfg(test)]
    pub(crate) fn for_test(purpose: CodePurpose, recipient: CanonicalEmail) -> Self {
        Self { purpose, recipient }
    }
}

/// Why a guess was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeRefusal {
    /// Not the code; so many guesses are left.
    Wrong { left: i64 },
    /// Expired, spent, or guessed at too often. Another must be sent.
    Unusable,
}

impl MailedCode {
    /// A new code's record.
    pub fn new(
        id: MailedCodeId,
        purpose: CodePurpose,
        recipient: CanonicalEmail,
        hash: MailedCodeHash,
        now: Timestamp,
    ) -> Self {
        let expires_at = now.plus(limits::MAILED_CODE_LIFETIME);
        Self { id, purpose, recipient, hash, attempts: 0, created_at: now, expires_at, spent_at: None }
    }

    /// Judges a guess that was counted before: of guesses made at once, each is counted, so none is free.
    pub fn judge(
        &self,
        key: &MailedCodeKey,
        guess: &SecretText,
        now: Timestamp,
    ) -> Result<VerifiedCode, CodeRefusal> {
        let left = limits::MAILED_CODE_ATTEMPTS - self.attempts;
        if self.spent_at.is_some() || self.expires_at.has_passed(now) || left < 0 {
            return Err(CodeRefusal::Unusable);
        }
        if key.hash(self.id, self.purpose, &self.recipient, guess) == self.hash {
            Ok(VerifiedCode { purpose: self.purpose, recipient: self.recipient.clone() })
        } else if left == 0 {
            Err(CodeRefusal::Unusable)
        } else {
            Err(CodeRefusal::Wrong { left })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn key() -> MailedCodeKey {
        MailedCodeKey::new(&[1; 32])
    }

    fn secret(text: &str) -> SecretText {
        SecretText::new(text.to_owned())
    }

    fn code() -> MailedCode {
        let id = MailedCodeId::new(NOW, [1; 10]);
        let purpose = CodePurpose::SignUp(SignUpId::new(NOW, [2; 10]));
        let recipient = terms::EmailAddress::parse("a@x.test").unwrap().canonical().clone();
        let hash = key().hash(id, purpose, &recipient, &secret("123456"));
        MailedCode { attempts: 1, ..MailedCode::new(id, purpose, recipient, hash, NOW) }
    }

    #[test]
    fn only_the_code_is_taken_and_only_while_it_lives() {
        type Case = (fn(&mut MailedCode), &'static str, Timestamp, Option<CodeRefusal>);
        let cases: [Case; 8] = [
            (|_| (), "123456", NOW, None),
            (|c| c.attempts = 5, "123456", NOW, None),
            (|_| (), "123457", NOW, Some(CodeRefusal::Wrong { left: 4 })),
            (|c| c.attempts = 5, "123457", NOW, Some(CodeRefusal::Unusable)),
            (|c| c.attempts = 6, "123456", NOW, Some(CodeRefusal::Unusable)),
            (|c| c.spent_at = Some(NOW), "123456", NOW, Some(CodeRefusal::Unusable)),
            (|_| (), "123456", NOW.plus(limits::MAILED_CODE_LIFETIME), Some(CodeRefusal::Unusable)),
            // The hash holds for one purpose only.
            (
                |c| c.purpose = CodePurpose::SignUp(SignUpId::new(NOW, [9; 10])),
                "123456",
                NOW,
                Some(CodeRefusal::Wrong { left: 4 }),
            ),
        ];
        for (index, (spoil, guess, now, refusal)) in cases.into_iter().enumerate() {
            let mut code = code();
            spoil(&mut code);
            assert_eq!(code.judge(&key(), &secret(guess), now).err(), refusal, "case {index}");
        }
        assert!(code().judge(&MailedCodeKey::new(&[2; 32]), &secret("123456"), NOW).is_err());
    }

    #[test]
    fn a_code_has_six_digits_and_is_read_as_people_type_it() {
        assert_eq!(new_code([0; 8]).reveal(), "000000");
        assert_eq!(new_code(1_000_042_u64.to_be_bytes()).reveal(), "000042");
        for (text, read) in [
            ("123456", true),
            (" 123 456\n", true),
            ("123-456", true),
            ("12345", false),
            ("1234567", false),
            ("12345a", false),
            ("\u{661}23456", false),
        ] {
            assert_eq!(typed_code(&secret(text)).is_some(), read, "{text:?}");
        }
    }
}
