//! Mails about changes of an account, to whoever it belongs to.

use identity::mailed_code::{self, CodePurpose, MailedCode};
use store::mail::MailRecord;
use store::{Fault, Tx};
use terms::{CanonicalUsername, EmailAdditionId, EmailAddress, MailedCodeId};

use super::AccountSubmission;
use crate::error::Failure;
use crate::language::texts_for;
use crate::mail::{Centre, Letter};
use crate::pages::sign_up::code_key;
use crate::request::Site;

/// What somebody is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice<'a> {
    EmailAdded(&'a EmailAddress),
    EmailRemoved(&'a EmailAddress),
    PrimaryChanged(&'a EmailAddress),
    UsernameChanged(&'a CanonicalUsername),
    AccountDeleted,
}

impl Notice<'_> {
    const fn message(self) -> &'static str {
        match self {
            Self::EmailAdded(_) => "account-mail-added",
            Self::EmailRemoved(_) => "account-mail-removed",
            Self::PrimaryChanged(_) => "account-mail-primary",
            Self::UsernameChanged(_) => "account-mail-username",
            Self::AccountDeleted => "account-mail-deleted",
        }
    }
}

/// The mail that tells the owner at their primary address; none where they have none.
pub(super) fn notice(
    submission: &AccountSubmission,
    notice: Notice<'_>,
) -> Result<Option<MailRecord>, Failure> {
    let primary = submission.principal().user().primary_email();
    primary.map(|email| notice_to(submission, notice, &email.address)).transpose()
}

/// The mail that tells the owner at this address.
pub(super) fn notice_to(
    submission: &AccountSubmission,
    notice: Notice<'_>,
    to: &EmailAddress,
) -> Result<MailRecord, Failure> {
    let Site { app, tenant, texts, .. } = &submission.site;
    let named = match notice {
        Notice::EmailAdded(email) | Notice::EmailRemoved(email) | Notice::PrimaryChanged(email) => {
            email.as_written()
        }
        Notice::UsernameChanged(username) => username.as_str(),
        Notice::AccountDeleted => "",
    };
    let link = tenant.url("/account");
    let centre = if notice == Notice::AccountDeleted { Centre::Nothing } else { Centre::Link(&link) };
    let texts = texts_for(submission.principal().user(), texts);
    let letter = Letter {
        message: notice.message(),
        to,
        texts,
        variables: &[("email", &named), ("username", &named)],
        centre,
    };
    letter.seal(app, tenant, submission.now)
}

/// A code and both mails that may go out: which of them does is decided in the transaction, after the same work.
pub(super) struct Letters {
    code: MailedCode,
    with_code: MailRecord,
    address_taken: MailRecord,
}

impl Letters {
    pub(super) async fn prepare(
        submission: &AccountSubmission,
        addition: EmailAdditionId,
        to: &EmailAddress,
    ) -> Result<Self, Failure> {
        let Site { app, tenant, texts, .. } = &submission.site;
        let now = submission.now;
        // Whoever has the address is written to in their own language.
        let owner = app.store.read(tenant.id).user_by_email(to.canonical()).await?;
        let owners_texts = owner.map_or(*texts, |owner| texts_for(&owner, texts));
        let code = mailed_code::new_code(app.entropy.bytes());
        let (id, purpose) = (app.entropy.id(MailedCodeId::new, now), CodePurpose::AddEmail(addition));
        let hash = code_key(tenant).hash(id, purpose, to.canonical(), &code);
        let with_code =
            Letter { message: "account-mail-code", to, texts, variables: &[], centre: Centre::Code(&code) };
        let address_taken = Letter {
            message: "account-mail-taken",
            to,
            texts: owners_texts,
            variables: &[],
            centre: Centre::Nothing,
        };
        Ok(Self {
            with_code: with_code.seal(app, tenant, now)?,
            address_taken: address_taken.seal(app, tenant, now)?,
            code: MailedCode::new(id, purpose, to.canonical().clone(), hash, now),
        })
    }

    /// Stores the code in either case. To an address that an account has, the code is never sent.
    pub(super) async fn post(&self, tx: &mut Tx, to: &EmailAddress) -> Result<(), Fault> {
        tx.replace_code(&self.code).await?;
        let is_taken = tx.user_by_email(to.canonical()).await?.is_some();
        tx.append_mail(if is_taken { &self.address_taken } else { &self.with_code }).await
    }
}
