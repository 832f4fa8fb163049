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

// After the macro, which they use.
mod recovery;
mod sign_in;
mod sign_up;

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
