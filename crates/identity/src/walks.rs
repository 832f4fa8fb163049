//! Walks through every state that the machines of sign-in, sign-up and recovery can reach: out of order, empty, replayed, from
//! another browser, after a restart. Each walk is then run with one check taken away at a time, and must notice it.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Debug;

use terms::{
    BrowserId, CanonicalUsername, EmailAddress, RecoveryId, SignInId, SignUpId, Subject, Timestamp, UserId,
    limits,
};

use crate::user::{Profile, User, UserEmail};

const START: Timestamp = Timestamp::from_seconds(1_000);

/// Visits all states that `events` lead to from `first`, and counts them and what broke the rule.
fn walk<S: Clone + Ord, E: Copy>(
    first: S,
    events: &[E],
    mut act: impl FnMut(&mut S, E) -> bool,
) -> (usize, usize) {
    let mut seen = BTreeSet::from([first.clone()]);
    let mut waiting = VecDeque::from([first]);
    let mut violations = 0;
    while let Some(state) = waiting.pop_front() {
        for event in events {
            let mut next = state.clone();
            violations += usize::from(!act(&mut next, *event));
            if seen.insert(next.clone()) {
                waiting.push_back(next);
            }
        }
    }
    (seen.len(), violations)
}

/// All members of an enum of the walk, in a list that a new member can't be forgotten in.
macro_rules! all {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        enum $name { $($(#[$member_doc])* $member,)* }

        impl $name {
            const ALL: &'static [Self] = &[$(Self::$member,)*];
        }
    };
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Owner,
    OtherBrowser,
}

fn browser(who: Who) -> BrowserId {
    BrowserId::new(START, [who as u8; 10])
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn username(text: &str) -> CanonicalUsername {
    CanonicalUsername::parse(text).unwrap()
}

fn expect_all_noticed<M: Copy + Debug>(mutants: &[M], mut violations_of: impl FnMut(M) -> usize) {
    for mutant in mutants {
        assert!(violations_of(*mutant) > 0, "nothing notices that the check is gone: {mutant:?}");
    }
}

mod sign_in {
    use super::*;
    use crate::Identifier;
    use crate::password::VerifiedPassword;
    use crate::sign_in::{
        Account, FactorProof, Facts, ProvenFactor, SignIn, Step, next_step, record_password,
    };

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
}

mod sign_up {
    use super::*;
    use crate::mailed_code::{CodePurpose, VerifiedCode};
    use crate::password::PasswordHash;
    use crate::sign_up::{
        Facts, Requirement, SignUp, Step, Taken, VerifiedAddress, next_step, record_verified_address,
    };
    use crate::tenant_settings::IdentifierKind;

    /// What accounts may sign in with.
    const TENANTS: [&[IdentifierKind]; 3] =
        [&[IdentifierKind::Email], &[IdentifierKind::Username], IdentifierKind::ALL];

    all!(Event {
        GiveUsername,
        GiveAddress,
        GivePassword,
        VerifyCode,
        /// A code that was mailed for another sign-up.
        VerifyCodeOfOtherAttempt,
        /// A code that was mailed to another address.
        VerifyCodeOfOtherAddress,
        VerifyCodeFromOtherBrowser,
        SubmitNothing,
        Finish,
        FinishFromOtherBrowser,
        AddressIsTaken,
        UsernameIsTaken,
        LetExpire,
        Restart,
    });

    all!(Missing {
        Nothing,
        Browser,
        Completed,
        Expiry,
        Taken,
        UsernameTaken,
        Username,
        Password,
        Verified,
        CodePurpose,
        CodeAddress
    });

    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
    struct State {
        identifiers: &'static [IdentifierKind],
        username: bool,
        email: bool,
        password: bool,
        verified: bool,
        completed: bool,
        expired: bool,
        taken: Taken,
        truly_verified: bool,
        accounts: u8,
    }

    const FIRST: State = State {
        identifiers: TENANTS[0],
        username: false,
        email: false,
        password: false,
        verified: false,
        completed: false,
        expired: false,
        taken: Taken { address: false, username: false },
        truly_verified: false,
        accounts: 0,
    };

    fn attempt(is_this: bool) -> SignUpId {
        SignUpId::new(START, [u8::from(is_this); 10])
    }

    impl State {
        fn sign_up(&self) -> SignUp {
            SignUp {
                id: attempt(true),
                browser_id: browser(Who::Owner),
                flow_id: None,
                username: self.username.then(|| username("ada")),
                email: self.email.then(|| address("a@x.test")),
                password: self.password.then(|| PasswordHash::from_stored("phc".to_owned())),
                verified: self
                    .verified
                    .then(|| VerifiedAddress { address: address("a@x.test"), verified_at: START }),
                created_at: START,
                expires_at: START.plus(limits::FLOW_LIFETIME),
                completed_at: self.completed.then_some(START),
            }
        }

        fn ask<T>(&self, who: Who, missing: Missing, question: impl FnOnce(&Facts<'_>) -> T) -> T {
            let mut sign_up = self.sign_up();
            let mut browser_id = browser(who);
            let (mut now, mut taken) = (START, self.taken);
            if self.expired {
                now = sign_up.expires_at;
            }
            match missing {
                Missing::Browser => browser_id = sign_up.browser_id,
                Missing::Completed => sign_up.completed_at = None,
                Missing::Expiry => now = START,
                Missing::Taken => taken.address = false,
                Missing::UsernameTaken => taken.username = false,
                Missing::Username => {
                    sign_up.username.get_or_insert_with(|| username("ada"));
                }
                Missing::Password => {
                    sign_up.password.get_or_insert_with(|| PasswordHash::from_stored("phc".to_owned()));
                }
                Missing::Verified => {
                    sign_up.email.get_or_insert_with(|| address("a@x.test"));
                    let verified = VerifiedAddress { address: address("a@x.test"), verified_at: START };
                    sign_up.verified.get_or_insert(verified);
                }
                Missing::Nothing | Missing::CodePurpose | Missing::CodeAddress => {}
            }
            let identifiers = self.identifiers;
            question(&Facts { sign_up: &sign_up, identifiers, browser_id, taken, now })
        }

        fn verify(&mut self, who: Who, missing: Missing, is_for_this: bool, to: &str) {
            let is_for_this = is_for_this || missing == Missing::CodePurpose;
            let to = if missing == Missing::CodeAddress { "a@x.test" } else { to };
            let code = VerifiedCode::for_test(
                CodePurpose::SignUp(attempt(is_for_this)),
                address(to).canonical().clone(),
            );
            if let Ok(Some(_)) = self.ask(who, missing, |facts| record_verified_address(facts, &code)) {
                self.verified = true;
            }
        }

        fn finish(&mut self, who: Who, missing: Missing) -> bool {
            let Ok(Step::Complete(account)) = self.ask(who, missing, next_step) else { return true };
            let sign_up = self.sign_up();
            let is_met = Requirement::ALL
                .into_iter()
                .all(|it| !it.is_asked_by(self.identifiers) || it.is_met_by(&sign_up));
            let email_is_right = account.email().is_none() || (self.truly_verified && !self.taken.address);
            let username_is_right = account.username().is_none() || !self.taken.username;
            let can_sign_in = account.email().is_some() || account.username().is_some();
            let rightly = who == Who::Owner
                && !self.expired
                && !self.completed
                && is_met
                && email_is_right
                && username_is_right
                && can_sign_in;
            self.completed = true;
            self.accounts = (self.accounts + 1).min(2);
            rightly && self.accounts == 1
        }
    }

    fn act(state: &mut State, event: Event, missing: Missing) -> bool {
        match event {
            Event::GiveUsername => state.username = true,
            Event::GiveAddress => state.email = true,
            Event::GivePassword => state.password = true,
            Event::VerifyCode => {
                let before = state.verified;
                state.verify(Who::Owner, missing, true, "a@x.test");
                state.truly_verified |= state.verified && !before;
            }
            Event::VerifyCodeOfOtherAttempt => state.verify(Who::Owner, missing, false, "a@x.test"),
            Event::VerifyCodeOfOtherAddress => state.verify(Who::Owner, missing, true, "b@x.test"),
            Event::VerifyCodeFromOtherBrowser => state.verify(Who::OtherBrowser, missing, true, "a@x.test"),
            Event::SubmitNothing | Event::Restart => {}
            Event::Finish => return state.finish(Who::Owner, missing),
            Event::FinishFromOtherBrowser => return state.finish(Who::OtherBrowser, missing),
            Event::AddressIsTaken => state.taken.address = true,
            Event::UsernameIsTaken => state.taken.username = true,
            Event::LetExpire => state.expired = true,
        }
        true
    }

    #[test]
    fn no_way_to_an_account_lacks_a_requirement_and_every_check_is_needed() {
        let run = |missing| {
            TENANTS.iter().fold((0, 0), |(states, violations), identifiers| {
                let first = State { identifiers, ..FIRST };
                let (more, wrong) = walk(first, Event::ALL, |state, event| act(state, event, missing));
                (states + more, violations + wrong)
            })
        };
        let (states, violations) = run(Missing::Nothing);
        println!("sign-up: {states} states, {} events each", Event::ALL.len());
        assert_eq!(violations, 0);
        assert!(states > 20, "only {states} states: the walk has lost its way");
        expect_all_noticed(&Missing::ALL[1..], |missing| run(missing).1);
    }

    #[test]
    fn the_straight_way_leads_to_an_account() {
        use Event as E;
        let ways: [&[Event]; 3] = [
            &[E::GiveAddress, E::GivePassword, E::VerifyCode, E::Restart, E::Finish],
            &[E::GiveUsername, E::GivePassword, E::Finish],
            &[E::GiveUsername, E::GiveAddress, E::GivePassword, E::VerifyCode, E::Restart, E::Finish],
        ];
        for (identifiers, way) in TENANTS.into_iter().zip(ways) {
            let mut state = State { identifiers, ..FIRST };
            for event in way {
                assert_eq!(state.accounts, 0);
                assert!(act(&mut state, *event, Missing::Nothing));
            }
            assert_eq!(state.accounts, 1);
        }
    }
}

mod recovery {
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
}
