use super::*;
use crate::mailed_code::{CodePurpose, VerifiedCode};
use crate::recovery::{Facts, ReadMail, Recovery, Step, next_step, record_read_mail};
use crate::sign_in::Account;

all!(Event {
    VerifyCode,
    /// A code that was mailed for another attempt.
    VerifyCodeOfOtherAttempt,
    /// A code that was mailed to another address.
    VerifyCodeOfOtherAddress,
    VerifyCodeFromOtherBrowser,
    ReplayRecordOfOtherAttempt,
    ReplayRecordOfOtherBrowser,
    ReplayRecordOfOtherAccount,
    SubmitNothing,
    SetPassword,
    SetPasswordFromOtherBrowser,
    /// By another way: the old password, or another recovery.
    ChangePassword,
    Disable,
    Enable,
    LoseAddress,
    /// The account has the address, but never showed that it is theirs.
    UnverifyAddress,
    LetExpire,
    Restart,
});

all!(Missing {
    Nothing,
    Browser,
    Completed,
    Expiry,
    Attempt,
    RecordBrowser,
    Account,
    Address,
    Verified,
    Version,
    Enabled,
    CodePurpose,
    CodeAddress,
});

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    record: Option<(bool, Who, u8, i64)>,
    completed: bool,
    expired: bool,
    enabled: bool,
    has_address: bool,
    verified: bool,
    version: i64,
    /// What really happened: the password in force when the owner entered the right code.
    truly_read: Option<i64>,
    passwords_set: u8,
}

const FIRST: State = State {
    record: None,
    completed: false,
    expired: false,
    enabled: true,
    has_address: true,
    verified: true,
    version: 1,
    truly_read: None,
    passwords_set: 0,
};

fn user_id(number: u8) -> UserId {
    UserId::new(START, [number; 10])
}

fn attempt(is_this: bool) -> RecoveryId {
    RecoveryId::new(START, [u8::from(is_this); 10])
}

impl State {
    fn recovery(&self) -> Recovery {
        let record = self.record.map(|(is_of_this, who, user, version)| ReadMail {
            recovery_id: attempt(is_of_this),
            browser_id: browser(who),
            user_id: user_id(user),
            password_version: Some(version),
            read_at: START,
        });
        Recovery {
            id: attempt(true),
            browser_id: browser(Who::Owner),
            flow_id: None,
            email: address("a@x.test"),
            read_mail: record,
            created_at: START,
            expires_at: START.plus(limits::FLOW_LIFETIME),
            completed_at: self.completed.then_some(START),
        }
    }

    fn user(&self) -> User {
        let email = UserEmail {
            address: address(if self.has_address { "a@x.test" } else { "elsewhere@x.test" }),
            verified_at: self.verified.then_some(START),
            is_primary: true,
        };
        User {
            id: user_id(1),
            subject: Subject::try_from("s".to_owned()).unwrap(),
            emails: vec![email],
            profile: Profile::default(),
            created_at: START,
            updated_at: START,
            disabled_at: (!self.enabled).then_some(START),
            language: None,
            username: None,
        }
    }

    /// Asks the machine, with facts bent so that the missing check always passes.
    fn ask<T>(&self, who: Who, missing: Missing, question: impl FnOnce(&Facts<'_>) -> T) -> T {
        let (mut recovery, mut user, mut version) = (self.recovery(), self.user(), self.version);
        let mut browser_id = browser(who);
        let mut now = if self.expired { recovery.expires_at } else { START };
        let mut record = recovery.read_mail;
        match (missing, &mut record) {
            (Missing::Browser, record) => {
                browser_id = recovery.browser_id;
                if let Some(record) = record {
                    record.browser_id = browser_id;
                }
            }
            (Missing::Completed, _) => recovery.completed_at = None,
            (Missing::Expiry, _) => now = START,
            (Missing::Enabled, _) => user.disabled_at = None,
            (Missing::Address, _) => user.emails[0].address = recovery.email.clone(),
            (Missing::Verified, _) => user.emails[0].verified_at = Some(START),
            (Missing::Attempt, Some(record)) => record.recovery_id = recovery.id,
            (Missing::RecordBrowser, Some(record)) => record.browser_id = browser_id,
            (Missing::Account, Some(record)) => user.id = record.user_id,
            (Missing::Version, Some(record)) => version = record.password_version.unwrap(),
            _ => {}
        }
        recovery.read_mail = record;
        let account = Some(Account { user: &user, password_version: Some(version) });
        question(&Facts { recovery: &recovery, browser_id, account, now })
    }

    /// Whether the code was taken.
    fn verify(&mut self, who: Who, missing: Missing, is_for_this: bool, to: &str) -> bool {
        let is_for_this = is_for_this || missing == Missing::CodePurpose;
        let to = if missing == Missing::CodeAddress { "a@x.test" } else { to };
        let code = VerifiedCode::for_test(
            CodePurpose::Recovery(attempt(is_for_this)),
            address(to).canonical().clone(),
        );
        let recorded = self.ask(who, missing, |facts| record_read_mail(facts, &code));
        let Ok(Some(_)) = recorded else { return false };
        self.record = Some((true, Who::Owner, 1, self.version));
        true
    }

    /// Sets the password if the machine says so, and tells whether that was right.
    fn set_password(&mut self, who: Who, missing: Missing) -> bool {
        let Ok(Step::NeedsPassword(account)) = self.ask(who, missing, next_step) else { return true };
        let rightly = who == Who::Owner
            && !self.expired
            && !self.completed
            && self.enabled
            && self.has_address
            && self.verified
            && self.truly_read == Some(self.version)
            && account.user_id() == user_id(1);
        self.completed = true;
        self.version = (self.version + 1).min(3);
        self.passwords_set = (self.passwords_set + 1).min(2);
        rightly && self.passwords_set == 1
    }
}

fn act(state: &mut State, event: Event, missing: Missing) -> bool {
    match event {
        Event::VerifyCode => {
            if state.verify(Who::Owner, missing, true, "a@x.test") {
                state.truly_read = Some(state.version);
            }
        }
        Event::VerifyCodeOfOtherAttempt => {
            state.verify(Who::Owner, missing, false, "a@x.test");
        }
        Event::VerifyCodeOfOtherAddress => {
            state.verify(Who::Owner, missing, true, "b@x.test");
        }
        Event::VerifyCodeFromOtherBrowser => {
            state.verify(Who::OtherBrowser, missing, true, "a@x.test");
        }
        Event::ReplayRecordOfOtherAttempt => state.record = Some((false, Who::Owner, 1, state.version)),
        Event::ReplayRecordOfOtherBrowser => {
            state.record = Some((true, Who::OtherBrowser, 1, state.version));
        }
        Event::ReplayRecordOfOtherAccount => state.record = Some((true, Who::Owner, 2, state.version)),
        Event::SubmitNothing => {}
        Event::SetPassword => return state.set_password(Who::Owner, missing),
        Event::SetPasswordFromOtherBrowser => return state.set_password(Who::OtherBrowser, missing),
        Event::ChangePassword => state.version = (state.version + 1).min(3),
        Event::Disable => state.enabled = false,
        Event::Enable => state.enabled = true,
        Event::LoseAddress => state.has_address = false,
        Event::UnverifyAddress => state.verified = false,
        Event::LetExpire => state.expired = true,
        Event::Restart => {
            let record = state.recovery().read_mail;
            let read: Option<ReadMail> =
                serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
            assert_eq!(read, record);
        }
    }
    true
}

#[test]
fn no_way_to_a_new_password_lacks_its_proof_and_every_check_is_needed() {
    let run = |missing| walk(FIRST, Event::ALL, |state, event| act(state, event, missing));
    let (states, violations) = run(Missing::Nothing);
    println!("recovery: {states} states, {} events each", Event::ALL.len());
    assert_eq!(violations, 0);
    assert!(states > 300, "only {states} states: the walk has lost its way");
    expect_all_noticed(&Missing::ALL[1..], |missing| run(missing).1);
}

#[test]
fn the_straight_way_leads_to_a_new_password() {
    let mut state = FIRST;
    for event in [Event::VerifyCode, Event::Restart, Event::SetPassword] {
        assert!(act(&mut state, event, Missing::Nothing));
    }
    assert_eq!(state.passwords_set, 1);
}
