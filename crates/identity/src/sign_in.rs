//! The sign-in machine: which step comes next, as a pure function over facts.
//!
//! `needs_identifier -> needs_first_factor -> complete`. There is no "success" that a handler could report: a step is
//! derived from records each time it is asked for, and a session is minted from a [`FactorProof`], which only this
//! module and [`crate::sign_up`] can make, each time from records that still hold.

use serde::{Deserialize, Serialize};
use terms::{BrowserId, EmailAddress, FlowId, SignInId, Timestamp, UserId};

use crate::identifier::Identifier;
use crate::password::VerifiedPassword;
use crate::session::{Factor, FactorMethod};
use crate::user::User;

/// An attempt to sign in, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    pub id: SignInId,
    /// The browser that began it. No other may go on with it.
    pub browser_id: BrowserId,
    /// The authorization request that waits for it, if one does.
    pub flow_id: Option<FlowId>,
    /// What was typed. It tells nothing of whether an account has it.
    pub identifier: Option<Identifier>,
    pub first_factor: Option<ProvenFactor>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub completed_at: Option<Timestamp>,
}

/// The record that a factor was proven in an earlier step: by whom, where, when, and with which state of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenFactor {
    pub sign_in_id: SignInId,
    pub browser_id: BrowserId,
    pub user_id: UserId,
    pub method: FactorMethod,
    /// Which version of the password it was. Another version now means that this record no longer holds.
    pub credential_version: i64,
    pub verified_at: Timestamp,
}

/// An account as it stands at the moment of asking: read anew for each decision.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    pub user: &'a User,
    /// The version of the password now in force, if there is one.
    pub password_version: Option<i64>,
}

/// What a step is derived from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub sign_in: &'a SignIn,
    /// The browser that asks.
    pub browser_id: BrowserId,
    /// The account that has the identifier, if one has.
    pub account: Option<Account<'a>>,
    pub now: Timestamp,
}

/// What must happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    NeedsIdentifier,
    /// The same whether an account has the identifier or not.
    NeedsFirstFactor {
        identifier: Identifier,
    },
    /// A session may be minted.
    Complete(FactorProof),
}

/// Why an attempt leads nowhere any more. The person starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignInRefusal {
    /// It was begun in another browser (session fixation, OWASP ASVS 5.0 section 7).
    OtherBrowser,
    /// It was used before.
    AlreadyComplete,
    Expired,
}

/// The proof that a person showed who they are, from which a session is minted.
///
/// Its fields are private and it is neither stored nor parsed: it is made from records that were checked in the same decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorProof {
    user_id: UserId,
    factor: Factor,
}

impl FactorProof {
    pub(crate) fn new(user_id: UserId, factor: Factor) -> Self {
        Self { user_id, factor }
    }

    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    pub fn factor(&self) -> Factor {
        self.factor
    }
}

/// The next step of an attempt.
pub fn next_step(facts: &Facts<'_>) -> Result<Step, SignInRefusal> {
    if facts.sign_in.browser_id != facts.browser_id {
        return Err(SignInRefusal::OtherBrowser);
    }
    if facts.sign_in.completed_at.is_some() {
        return Err(SignInRefusal::AlreadyComplete);
    }
    if facts.sign_in.expires_at.has_passed(facts.now) {
        return Err(SignInRefusal::Expired);
    }
    let Some(identifier) = &facts.sign_in.identifier else {
        return Ok(Step::NeedsIdentifier);
    };
    let held = facts.sign_in.first_factor.and_then(|record| proof_of(facts, identifier, record));
    Ok(match held {
        Some(proof) => Step::Complete(proof),
        None => Step::NeedsFirstFactor { identifier: identifier.clone() },
    })
}

/// Turns a record into a proof, if it is of this attempt and browser and still holds for the account as it stands.
fn proof_of(facts: &Facts<'_>, identifier: &Identifier, record: ProvenFactor) -> Option<FactorProof> {
    let account = facts.account?;
    let is_of_this_attempt = record.sign_in_id == facts.sign_in.id && record.browser_id == facts.browser_id;
    let is_of_this_account = record.user_id == account.user.id && answers_to(account.user, identifier);
    let credential_is_unchanged = account.password_version == Some(record.credential_version);
    if !(is_of_this_attempt && is_of_this_account && credential_is_unchanged && account.user.is_enabled()) {
        return None;
    }
    Some(FactorProof::new(record.user_id, Factor { method: record.method, verified_at: record.verified_at }))
}

/// Whether an account is found by it now.
fn answers_to(user: &User, identifier: &Identifier) -> bool {
    match identifier {
        Identifier::Email(address) => has_address(user, address),
        Identifier::Username(username) => user.username.as_ref() == Some(username),
    }
}

/// An address signs its owner in only once it was verified: until then nobody has shown that it is theirs.
pub(crate) fn has_address(user: &User, identifier: &EmailAddress) -> bool {
    let is_it = |email: &crate::UserEmail| email.address.canonical() == identifier.canonical();
    user.emails.iter().any(|email| is_it(email) && email.verified_at.is_some())
}

/// The record to store for a password that was verified, if this attempt was waiting for one of this account.
pub fn record_password(
    facts: &Facts<'_>,
    verified: &VerifiedPassword,
) -> Result<Option<ProvenFactor>, SignInRefusal> {
    let Step::NeedsFirstFactor { identifier } = next_step(facts)? else { return Ok(None) };
    let record = ProvenFactor {
        sign_in_id: facts.sign_in.id,
        browser_id: facts.browser_id,
        user_id: verified.user_id(),
        method: FactorMethod::Password,
        credential_version: verified.version(),
        verified_at: facts.now,
    };
    Ok(proof_of(facts, &identifier, record).map(|_| record))
}
