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
    use self::Event as E;
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
