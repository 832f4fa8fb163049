//! The sign-up machine: what a new account asks for and which of it is met, as a pure function over facts.

use terms::{BrowserId, CanonicalUsername, EmailAddress, FlowId, SignUpId, Timestamp, UserId};

use crate::mailed_code::{CodePurpose, VerifiedCode};
use crate::password::PasswordHash;
use crate::session::{Factor, FactorMethod};
use crate::sign_in::FactorProof;
use crate::tenant_settings::IdentifierKind;

/// An attempt to sign up, as it is stored. No account exists until it is complete, so that nobody can hold an address
/// that isn't theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    pub id: SignUpId,
    /// The browser that began it. No other may go on with it.
    pub browser_id: BrowserId,
    /// The authorization request that waits for it, if one does.
    pub flow_id: Option<FlowId>,
    pub username: Option<CanonicalUsername>,
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
    Username,
    EmailAddress,
    Password,
    /// A mailed code shows that the address is the person's own.
    VerifiedEmailAddress,
}

impl Requirement {
    pub const ALL: [Self; 4] =
        [Self::Username, Self::EmailAddress, Self::Password, Self::VerifiedEmailAddress];

    /// Whether an account needs it where accounts sign in with these: one of each.
    pub fn is_asked_by(self, kinds: &[IdentifierKind]) -> bool {
        match self {
            Self::Username => kinds.contains(&IdentifierKind::Username),
            Self::EmailAddress | Self::VerifiedEmailAddress => kinds.contains(&IdentifierKind::Email),
            Self::Password => true,
        }
    }

    /// Whether the sign-up meets it.
    pub fn is_met_by(self, sign_up: &SignUp) -> bool {
        match self {
            Self::Username => sign_up.username.is_some(),
            Self::EmailAddress => sign_up.email.is_some(),
            Self::Password => sign_up.password.is_some(),
            Self::VerifiedEmailAddress => match (&sign_up.email, &sign_up.verified) {
                (Some(email), Some(verified)) => email.canonical() == verified.address.canonical(),
                _ => false,
            },
        }
    }
}

/// What an account has now of what the sign-up asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taken {
    pub address: bool,
    /// The username, or one that looks like it, now or before.
    pub username: bool,
}

/// What a step is derived from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub sign_up: &'a SignUp,
    /// What accounts of the tenant sign in with.
    pub identifiers: &'a [IdentifierKind],
    /// The browser that asks.
    pub browser_id: BrowserId,
    pub taken: Taken,
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
    /// A taken username shows by nature.
    UsernameTaken,
}

/// The proof that everything a new account asks for is met. Only [`next_step`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    username: Option<CanonicalUsername>,
    email: Option<VerifiedAddress>,
    password: PasswordHash,
    proven_at: Timestamp,
}

impl NewAccount {
    pub fn username(&self) -> Option<&CanonicalUsername> {
        self.username.as_ref()
    }

    /// Where it has one: with the instant at which it was verified.
    pub fn email(&self) -> Option<&VerifiedAddress> {
        self.email.as_ref()
    }

    pub fn password(&self) -> &PasswordHash {
        &self.password
    }

    /// The proof from which the first session is minted: whoever chose the password showed the address in the same browser, or
    /// chose it just now.
    pub fn factor_proof(&self, user_id: UserId) -> FactorProof {
        FactorProof::new(user_id, Factor { method: FactorMethod::Password, verified_at: self.proven_at })
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
    let is_missing = |it: &Requirement| it.is_asked_by(facts.identifiers) && !it.is_met_by(sign_up);
    let missing: Vec<_> = Requirement::ALL.into_iter().filter(is_missing).collect();
    let email = sign_up.verified.clone().filter(|_| Requirement::VerifiedEmailAddress.is_met_by(sign_up));
    let has_identifier = email.is_some() || sign_up.username.is_some();
    let password = match &sign_up.password {
        Some(password) if missing.is_empty() && has_identifier => password.clone(),
        _ => return Ok(Step::Needs(missing)),
    };
    if email.is_some() && facts.taken.address {
        return Err(SignUpRefusal::AddressTaken);
    }
    if sign_up.username.is_some() && facts.taken.username {
        return Err(SignUpRefusal::UsernameTaken);
    }
    let proven_at = email.as_ref().map_or(facts.now, |email| email.verified_at);
    Ok(Step::Complete(NewAccount { username: sign_up.username.clone(), email, password, proven_at }))
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
