use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use openidconnect::CsrfToken;

use crate::provider::{Pending, SignedIn};

/// How many browsers are remembered; the one that came first is forgotten for one more.
const BROWSERS: usize = 256;
/// How many sign-ins one browser may have begun and not finished (several tabs).
const PENDING: usize = 8;

/// What is known of each browser, in memory, by an opaque cookie.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    browsers: HashMap<String, Browser>,
    oldest_first: VecDeque<String>,
}

#[derive(Default)]
struct Browser {
    pending: VecDeque<Pending>,
    signed_in: Option<SignedIn>,
}

impl Sessions {
    /// Remembers an authorization request for the browser with this cookie, and says which cookie it has from now on.
    pub(crate) fn begin(&self, cookie: Option<&str>, pending: Pending) -> String {
        let mut inner = self.lock();
        let cookie = match cookie {
            Some(known) if inner.browsers.contains_key(known) => known.to_owned(),
            _ => inner.insert(Browser::default()),
        };
        if let Some(browser) = inner.browsers.get_mut(&cookie) {
            if browser.pending.len() == PENDING {
                browser.pending.pop_front();
            }
            browser.pending.push_back(pending);
        }
        cookie
    }

    /// The request of this browser that this `state` belongs to; once, so that an answer can't be used again.
    pub(crate) fn take_pending(&self, cookie: Option<&str>, state: &str) -> Option<Pending> {
        let mut inner = self.lock();
        let browser = inner.browsers.get_mut(cookie?)?;
        let position = browser.pending.iter().position(|pending| pending.state == state)?;
        browser.pending.remove(position)
    }

    /// Signs in under a new cookie, so that one planted before the sign-in is worth nothing after it.
    pub(crate) fn sign_in(&self, cookie: Option<&str>, signed_in: SignedIn) -> String {
        let mut inner = self.lock();
        let before = cookie.and_then(|cookie| inner.remove(cookie)).unwrap_or_default();
        inner.insert(Browser { pending: before.pending, signed_in: Some(signed_in) })
    }

    pub(crate) fn signed_in(&self, cookie: Option<&str>) -> Option<SignedIn> {
        self.lock().browsers.get(cookie?)?.signed_in.clone()
    }

    /// Puts what a refresh brought in place of what was there; not if the person signed out meanwhile.
    pub(crate) fn refreshed(&self, cookie: Option<&str>, now: SignedIn) {
        let mut inner = self.lock();
        if let Some(before) = cookie.and_then(|cookie| inner.browsers.get_mut(cookie))
            && before.signed_in.is_some()
        {
            before.signed_in = Some(now);
        }
    }

    pub(crate) fn sign_out(&self, cookie: Option<&str>) -> Option<SignedIn> {
        self.lock().remove(cookie?)?.signed_in
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is a single step, so what a panic elsewhere left behind is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn insert(&mut self, browser: Browser) -> String {
        if self.oldest_first.len() == BROWSERS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.browsers.remove(&oldest);
        }
        let cookie = CsrfToken::new_random_len(32).into_secret();
        self.oldest_first.push_back(cookie.clone());
        self.browsers.insert(cookie.clone(), browser);
        cookie
    }

    fn remove(&mut self, cookie: &str) -> Option<Browser> {
        self.oldest_first.retain(|known| known != cookie);
        self.browsers.remove(cookie)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(state: &str) -> Pending {
        Pending::for_test(state)
    }

    #[test]
    fn an_answer_counts_once_and_in_its_own_browser() {
        let sessions = Sessions::default();
        let cookie = sessions.begin(None, pending("one"));
        assert_eq!(sessions.begin(Some(&cookie), pending("two")), cookie, "a second tab");
        let stranger = sessions.begin(None, pending("three"));
        assert!(sessions.take_pending(Some(&stranger), "one").is_none());
        assert!(sessions.take_pending(None, "one").is_none());
        assert!(sessions.take_pending(Some(&cookie), "one").is_some());
        assert!(sessions.take_pending(Some(&cookie), "one").is_none());
        assert!(sessions.take_pending(Some(&cookie), "two").is_some());
    }

    #[test]
    fn a_cookie_that_we_never_gave_out_is_not_taken_up() {
        let sessions = Sessions::default();
        assert_ne!(sessions.begin(Some("planted"), pending("one")), "planted");
    }

    #[test]
    fn memory_is_bounded() {
        let sessions = Sessions::default();
        let first = sessions.begin(None, pending("first"));
        for n in 0..BROWSERS {
            sessions.begin(None, pending(&n.to_string()));
        }
        assert!(sessions.take_pending(Some(&first), "first").is_none());
        assert_eq!(sessions.lock().browsers.len(), BROWSERS);
        let cookie = sessions.begin(None, pending("a"));
        for n in 0..PENDING {
            sessions.begin(Some(&cookie), pending(&n.to_string()));
        }
        assert!(sessions.take_pending(Some(&cookie), "a").is_none());
        assert!(sessions.take_pending(Some(&cookie), "0").is_some());
    }
}
