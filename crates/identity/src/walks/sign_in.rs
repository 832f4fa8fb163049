use super::*;
use crate::Identifier;
use crate::password::VerifiedPassword;
use crate::sign_in::{Account, FactorProof, Facts, ProvenFactor, SignIn, Step, next_step, record_password};

all!(Event {
    IdentifyAccount,
    IdentifyAccountByUsername,
    IdentifyNobody,
    ProveRight,
    /// The password as it was before its last change.
    ProveStale,
    /// Somebody else's password, rightly typed.
    ProveOther,
    ProveRightFromOtherBrowser,
    /// A record that another attempt of the same person made.
    ReplayRecordOfOtherAttempt,
    ReplayRecordOfOtherBrowser,
    /// A form without anything in it.
    SubmitNothing,
    Finish,
    FinishFromOtherBrowser,
    ChangePassword,
    Disable,
    Enable,
    LoseAddress,
    LoseUsername,
    LetExpire,
    /// Everything is written down and read again.
    Restart,
});

all!(
    /// A check of the machine that is taken away.
    Missing { Nothing, Browser, Completed, Expiry, Attempt, RecordBrowser, Account, Address, Username, Version, Enabled }
);

all!(
    /// What was typed.
    Typed { Address, Username, OfNobody }
);

impl Typed {
    fn identifier(self) -> Identifier {
        match self {
            Self::Address => Identifier::Email(address("a@x.test")),
            Self::Username => Identifier::Username(username("ada")),
            Self::OfNobody => Identifier::Email(address("nobody@x.test")),
        }
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    identifier: Option<Typed>,
    record: Option<(bool, Who, u8, i64)>,
    completed: bool,
    expired: bool,
    enabled: bool,
    has_address: bool,
    has_username: bool,
    version: i64,
    /// What really happened: the version of the password that the owner typed rightly in this attempt.
    truly_proven: Option<i64>,
    sessions: u8,
}

const FIRST: State = State {
    identifier: None,
    record: None,
    completed: false,
    expired: false,
    enabled: true,
    has_address: true,
    has_username: true,
    version: 1,
    truly_proven: None,
    sessions: 0,
};

fn user_id(number: u8) -> UserId {
    UserId::new(START, [number; 10])
}

fn attempt(is_this: bool) -> SignInId {
    SignInId::new(START, [u8::from(is_this); 10])
}

impl State {
    fn sign_in(&self) -> SignIn {
        let record = self.record.map(|(is_of_this, who, user, credential_version)| ProvenFactor {
            sign_in_id: attempt(is_of_this),
            browser_id: browser(who),
            user_id: user_id(user),
            method: crate::FactorMethod::Password,
            credential_version,
            verified_at: START,
        });
        SignIn {
            id: attempt(true),
            browser_id: browser(Who::Owner),
            flow_id: None,
            identifier: self.identifier.map(Typed::identifier),
            first_factor: record,
            created_at: START,
            expires_at: START.plus(limits::FLOW_LIFETIME),
            completed_at: self.completed.then_some(START),
        }
    }

    fn user(&self) -> User {
        let address = if self.has_address { "a@x.test" } else { "elsewhere@x.test" };
        User {
            id: user_id(1),
            subject: Subject::try_from("s".to_owned()).unwrap(),
            emails: vec![UserEmail {
                address: super::address(address),
                verified_at: Some(START),
                is_primary: true,
            }],
            profile: Profile::default(),
            created_at: START,
            updated_at: START,
            disabled_at: (!self.enabled).then_some(START),
            language: None,
            username: Some(username(if self.has_username { "ada" } else { "elsewhere" })),
        }
    }

    /// Asks the machine, with facts bent so that the missing check always passes.
    fn ask<T>(&self, who: Who, missing: Missing, question: impl FnOnce(&Facts<'_>) -> T) -> T {
        let (mut sign_in, mut user, mut version) = (self.sign_in(), self.user(), self.version);
        let mut browser_id = browser(who);
        let mut now = if self.expired { sign_in.expires_at } else { START };
        let mut record = sign_in.first_factor;
        match (missing, &mut record) {
            (Missing::Browser, record) => {
                browser_id = sign_in.browser_id;
                if let Some(record) = record {
                    record.browser_id = browser_id;
                }
            }
            (Missing::Completed, _) => sign_in.completed_at = None,
            (Missing::Expiry, _) => now = START,
            (Missing::Enabled, _) => user.disabled_at = None,
            (Missing::Address, _) => {
                if let Some(Identifier::Email(typed)) = &sign_in.identifier {
                    user.emails[0].address = typed.clone();
                }
            }
            (Missing::Username, _) => {
                if let Some(Identifier::Username(typed)) = &sign_in.identifier {
                    user.username = Some(typed.clone());
                }
            }
            (Missing::Attempt, Some(record)) => record.sign_in_id = sign_in.id,
            (Missing::RecordBrowser, Some(record)) => record.browser_id = browser_id,
            (Missing::Account, Some(record)) => user.id = record.user_id,
            (Missing::Version, Some(record)) => version = record.credential_version,
            _ => {}
        }
        sign_in.first_factor = record;
        let account = Some(Account { user: &user, password_version: Some(version) });
        question(&Facts { sign_in: &sign_in, browser_id, account, now })
    }

    fn prove(&mut self, who: Who, missing: Missing, user: u8, version: i64) {
        let verified = VerifiedPassword::for_test(user_id(user), version);
        let was_waiting = matches!(self.ask(who, missing, next_step), Ok(Step::NeedsFirstFactor { .. }));
        // The record as the handler would store it; a removed check may let one through that shouldn't be.
        let record = self.ask(who, missing, |facts| match missing {
            Missing::Account | Missing::Version => Ok(was_waiting.then_some(ProvenFactor {
                sign_in_id: facts.sign_in.id,
                browser_id: facts.browser_id,
                user_id: verified.user_id(),
                method: crate::FactorMethod::Password,
                credential_version: verified.version(),
                verified_at: START,
            })),
            _ => record_password(facts, &verified),
        });
        if let Ok(Some(record)) = record {
            self.record = Some((
                true,
                if record.browser_id == browser(Who::Owner) { Who::Owner } else { who },
                user,
                version,
            ));
        }
    }

    /// Finishes if the machine says so, and tells whether that was right.
    fn finish(&mut self, who: Who, missing: Missing) -> bool {
        let Ok(Step::Complete(proof)) = self.ask(who, missing, next_step) else { return true };
        let rightly = who == Who::Owner
            && !self.expired
            && !self.completed
            && self.enabled
            && match self.identifier {
                Some(Typed::Address) => self.has_address,
                Some(Typed::Username) => self.has_username,
                Some(Typed::OfNobody) | None => false,
            }
            && self.truly_proven == Some(self.version)
            && FactorProof::user_id(&proof) == user_id(1);
        self.completed = true;
        self.sessions = (self.sessions + 1).min(2);
        rightly && self.sessions == 1
    }
}

fn act(state: &mut State, event: Event, missing: Missing) -> bool {
    match event {
        Event::IdentifyAccount => state.identifier = state.identifier.or(Some(Typed::Address)),
        Event::IdentifyAccountByUsername => {
            state.identifier = state.identifier.or(Some(Typed::Username));
        }
        Event::IdentifyNobody => state.identifier = state.identifier.or(Some(Typed::OfNobody)),
        Event::ProveRight => {
            state.prove(Who::Owner, missing, 1, state.version);
            let is_of_account = matches!(state.identifier, Some(Typed::Address | Typed::Username));
            if is_of_account && !state.completed {
                state.truly_proven = Some(state.version);
            }
        }
        Event::ProveStale => state.prove(Who::Owner, missing, 1, state.version - 1),
        Event::ProveOther => state.prove(Who::Owner, missing, 2, state.version),
        Event::ProveRightFromOtherBrowser => state.prove(Who::OtherBrowser, missing, 1, state.version),
        Event::ReplayRecordOfOtherAttempt => state.record = Some((false, Who::Owner, 1, state.version)),
        Event::ReplayRecordOfOtherBrowser => {
            state.record = Some((true, Who::OtherBrowser, 1, state.version));
        }
        Event::SubmitNothing => {}
        Event::Finish => return state.finish(Who::Owner, missing),
        Event::FinishFromOtherBrowser => return state.finish(Who::OtherBrowser, missing),
        Event::ChangePassword => state.version = (state.version + 1).min(2),
        Event::Disable => state.enabled = false,
        Event::Enable => state.enabled = true,
        Event::LoseAddress => state.has_address = false,
        Event::LoseUsername => state.has_username = false,
        Event::LetExpire => state.expired = true,
        Event::Restart => {
            let record = state.sign_in().first_factor;
            let read: Option<ProvenFactor> =
                serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
            assert_eq!(read, record);
        }
    }
    true
}

#[test]
fn no_way_to_a_session_lacks_its_proof_and_every_check_is_needed() {
    let run = |missing| walk(FIRST, Event::ALL, |state, event| act(state, event, missing));
    let (states, violations) = run(Missing::Nothing);
    println!("sign-in: {states} states, {} events each", Event::ALL.len());
    assert_eq!(violations, 0);
    assert!(states > 300, "only {states} states: the walk has lost its way");
    expect_all_noticed(&Missing::ALL[1..], |missing| run(missing).1);
}

#[test]
fn the_straight_way_leads_to_a_session() {
    for identify in [Event::IdentifyAccount, Event::IdentifyAccountByUsername] {
        let mut state = FIRST;
        for event in [identify, Event::ProveRight, Event::Restart, Event::Finish] {
            assert!(act(&mut state, event, Missing::Nothing));
        }
        assert_eq!(state.sessions, 1, "{identify:?}");
    }
}

#[test]
fn every_way_to_name_an_account_survives_its_storing() {
    for typed in Typed::ALL {
        let identifier = typed.identifier();
        assert_eq!(identifier.as_written().parse(), Ok(identifier));
    }
}
