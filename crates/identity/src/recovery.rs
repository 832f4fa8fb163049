//! The way back in for somebody who forgot their password, as a pure function over facts.
//!
//! `needs_code -> needs_password`. A mailed code shows that the person reads the mail of an address that is the account's.
//! It stands in for the password and for nothing else: the new password is then the first factor of a sign-in, of which
//! the sign-in machine asks whatever it asks of others.

use serde::{Deserialize, Serialize};
use terms::{BrowserId, EmailAddress, FlowId, RecoveryId, Timestamp, UserId};

use crate::mailed_code::{CodePurpose, VerifiedCode};
use crate::session::FactorMethod;
use crate::sign_in::{Account, ProvenFactor, SignIn, has_address};

/// An attempt to set a new password, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    pub id: RecoveryId,
    /// The browser that began it. No other may go on with it.
    pub browser_id: BrowserId,
    /// The authorization request that waits for it, if one does.
    pub flow_id: Option<FlowId>,
    /// The address that was typed. It tells nothing of whether an account has it.
    pub email: EmailAddress,
    pub read_mail: Option<ReadMail>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub completed_at: Option<Timestamp>,
}

/// The record that the person read the mail sent to the address: in which attempt and browser, for which account, and
/// with which password in force then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMail {
    pub recovery_id: RecoveryId,
    pub browser_id: BrowserId,
    pub user_id: UserId,
    /// None where the account had no password. Another version now means that this record no longer holds.
    pub password_version: Option<i64>,
    pub read_at: Timestamp,
}

/// What a step is derived from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub recovery: &'a Recovery,
    /// The browser that asks.
    pub browser_id: BrowserId,
    /// The account that has the address, if one has.
    pub account: Option<Account<'a>>,
    pub now: Timestamp,
}

/// What must happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The same whether an account has the address or not.
    NeedsCode,
    /// A new password may be set.
    NeedsPassword(RecoveredAccount),
}

/// Why an attempt leads nowhere any more. The person starts anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecoveryRefusal {
    OtherBrowser,
    AlreadyComplete,
    Expired,
}

/// The proof that a new password may be set for an account. Only [`next_step`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveredAccount {
    user_id: UserId,
}

impl RecoveredAccount {
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The record of the password that was just set, whose version this is, as the first factor of a sign-in in the same
    /// browser. Whether that is enough for a session, the sign-in machine says.
    pub fn first_factor(&self, sign_in: &SignIn, version: i64, now: Timestamp) -> ProvenFactor {
        ProvenFactor {
            sign_in_id: sign_in.id,
            browser_id: sign_in.browser_id,
            user_id: self.user_id,
            method: FactorMethod::Password,
            credential_version: version,
            verified_at: now,
        }
    }
}

/// The next step of an attempt.
pub fn next_step(facts: &Facts<'_>) -> Result<Step, RecoveryRefusal> {
    let recovery = facts.recovery;
    if recovery.browser_id != facts.browser_id {
        return Err(RecoveryRefusal::OtherBrowser);
    }
    if recovery.completed_at.is_some() {
        return Err(RecoveryRefusal::AlreadyComplete);
    }
    if recovery.expires_at.has_passed(facts.now) {
        return Err(RecoveryRefusal::Expired);
    }
    Ok(match recovery.read_mail.and_then(|record| proof_of(facts, record)) {
        Some(account) => Step::NeedsPassword(account),
        None => Step::NeedsCode,
    })
}

/// Turns a record into a proof, if it is of this attempt and browser and still holds for the account as it stands.
fn proof_of(facts: &Facts<'_>, record: ReadMail) -> Option<RecoveredAccount> {
    let account = facts.account?;
    let is_of_this_attempt = record.recovery_id == facts.recovery.id && record.browser_id == facts.browser_id;
    // An address that was never verified is not known to be the account's, so its mail opens nothing.
    let is_of_this_account =
        record.user_id == account.user.id && has_address(account.user, &facts.recovery.email);
    let password_is_unchanged = account.password_version == record.password_version;
    let holds =
        is_of_this_attempt && is_of_this_account && password_is_unchanged && account.user.is_enabled();
    holds.then_some(RecoveredAccount { user_id: record.user_id })
}

/// Whether the code may be mailed: to an address that an account in force has, and has verified.
pub fn may_be_mailed(recovery: &Recovery, account: Option<&crate::User>) -> bool {
    account.is_some_and(|user| user.is_enabled() && has_address(user, &recovery.email))
}

/// The record to store for a code that was verified, if it was mailed for this attempt and to its address.
pub fn record_read_mail(facts: &Facts<'_>, code: &VerifiedCode) -> Result<Option<ReadMail>, RecoveryRefusal> {
    let Step::NeedsCode = next_step(facts)? else { return Ok(None) };
    let Some(account) = facts.account else { return Ok(None) };
    let recovery = facts.recovery;
    let is_for_this = code.purpose() == CodePurpose::Recovery(recovery.id)
        && code.recipient() == recovery.email.canonical();
    let record = ReadMail {
        recovery_id: recovery.id,
        browser_id: facts.browser_id,
        user_id: account.user.id,
        password_version: account.password_version,
        read_at: facts.now,
    };
    Ok((is_for_this && proof_of(facts, record).is_some()).then_some(record))
}
