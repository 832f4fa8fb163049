//! The sign-up machine: what a new account asks for and which of it is met, as a pure function over facts.

use terms::{BrowserId, EmailAddress, FlowId, SignUpId, Timestamp, UserId};

use crate::mailed_code::{CodePurpose, VerifiedCode};
use crate::password::PasswordHash;
use crate::session::{Factor, FactorMethod};
use crate::sign_in::FactorProof;

/// An attempt to sign up, as it is stored. No account exists until it is complete, so that nobody can hold an address
/// that isn't theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    pub id: SignUpId,
    /// The browser that began it. No other may go on with it.
    pub browser_id: BrowserId,
    /// The authorization request that waits for it, if one does.
    pub flow_id: Option<FlowId>,
    pub email: Option<EmailAddress>,
    /// The hash of the chosen password, which the policy took.
    pub password: Option<PasswordHash>,
    pub verified: Option<VerifiedAddress>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub completed_at: Option<Timestamp>,
}

/// The record that the person read the mail sent to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAddress {
    pub address: EmailAddress,
    pub verified_at: Timestamp,
}

/// What a new account asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Requirement {
    EmailAddress,
    Password,
    /// A mailed code shows that the address is the person's own.
    VerifiedEmailAddress,
}

impl Requirement {
    pub const ALL: [Self; 3] = [Self::EmailAddress, Self::Password, Self::VerifiedEmailAddress];

    /// Whether the sign-up meets it.
    pub fn is_met_by(self, sign_up: &SignUp) -> bool {
        match self {
            Self::EmailAddress => sign_up.email.is_some(),
            Self::Password => sign_up.password.is_some(),
            Self::VerifiedEmailAddress => match (&sign_up.email, &sign_up.verified) {
                (Some(email), Some(verified)) => email.canonical() == verified.address.canonical(),
                _ => false,
            },
        }
    }
}

/// What a step is derived from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub sign_up: &'a SignUp,
    /// The browser that asks.
    pub browser_id: BrowserId,
    /// Whether an account has the address now.
    pub address_is_taken: bool,
    pub now: Timestamp,
}

/// What must happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Needs(Vec<Requirement>),
    /// The account may be made.
    Complete(NewAccount),
}

/// Why an attempt leads nowhere any more. The person starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignUpRefusal {
    OtherBrowser,
    AlreadyComplete,
    Expired,
    /// Said only to a person who has shown that the address is theirs.
    AddressTaken,
}

/// The proof that everything a new account asks for is met. Only [`next_step`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    address: EmailAddress,
    verified_at: Timestamp,
    password: PasswordHash,
}

impl NewAccount {
    pub fn address(&self) -> &EmailAddress {
        &self.address
    }

    pub fn verified_at(&self) -> Timestamp {
        self.verified_at
    }

    pub fn password(&self) -> &PasswordHash {
        &self.password
    }

    /// The proof from which the first session is minted: whoever chose the password showed the address in the same browser.
    pub fn factor_proof(&self, user_id: UserId) -> FactorProof {
        FactorProof::new(user_id, Factor { method: FactorMethod::Password, verified_at: self.verified_at })
    }
}

/// The next step of an attempt.
pub fn next_step(facts: &Facts<'_>) -> Result<Step, SignUpRefusal> {
    let sign_up = facts.sign_up;
    if sign_up.browser_id != facts.browser_id {
        return Err(SignUpRefusal::OtherBrowser);
    }
    if sign_up.completed_at.is_some() {
        return Err(SignUpRefusal::AlreadyComplete);
    }
    if sign_up.expires_at.has_passed(facts.now) {
        return Err(SignUpRefusal::Expired);
    }
    let missing: Vec<_> =
        Requirement::ALL.into_iter().filter(|requirement| !requirement.is_met_by(sign_up)).collect();
    match (&sign_up.password, &sign_up.verified) {
        (Some(password), Some(verified)) if missing.is_empty() => {
            if facts.address_is_taken {
                return Err(SignUpRefusal::AddressTaken);
            }
            Ok(Step::Complete(NewAccount {
                address: verified.address.clone(),
                verified_at: verified.verified_at,
                password: password.clone(),
            }))
        }
        _ => Ok(Step::Needs(missing)),
    }
}

/// The record to store for a code that was verified, if it was mailed for this attempt and to its address.
pub fn record_verified_address(
    facts: &Facts<'_>,
    code: &VerifiedCode,
) -> Result<Option<VerifiedAddress>, SignUpRefusal> {
    let Step::Needs(_) = next_step(facts)? else { return Ok(None) };
    let Some(email) = &facts.sign_up.email else { return Ok(None) };
    let is_for_this =
        code.purpose() == CodePurpose::SignUp(facts.sign_up.id) && code.recipient() == email.canonical();
    Ok(is_for_this.then(|| VerifiedAddress { address: email.clone(), verified_at: facts.now }))
}
