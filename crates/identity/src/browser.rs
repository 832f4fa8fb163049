//! The record of one user agent of one tenant.

use crate::session::Session;
use terms::{BrowserHandleHash, BrowserId, Timestamp, limits};

/// One user agent, reached by the handle in its cookie. It may hold several sessions.
///
/// The handle changes with every change of privilege, so that a handle planted before a sign-in is worth nothing after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserRecord {
    /// Stays when the handle changes.
    pub id: BrowserId,
    /// The hash of the handle now in force.
    pub handle_hash: BrowserHandleHash,
    /// The hash of the handle before it, honoured for [`limits::BROWSER_HANDLE_GRACE`] after `rotated_at`.
    pub previous_handle_hash: Option<BrowserHandleHash>,
    /// When the handle in force was given out.
    pub rotated_at: Timestamp,
    /// When this browser was first seen.
    pub created_at: Timestamp,
    /// When it was last seen, to within some minutes.
    pub last_seen_at: Timestamp,
}

/// By which of its handles a browser was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Current,
    /// By the one before, on a request that was on its way when the handle was rotated. Whoever knew that handle may have
    /// planted it, so it reaches nothing that came with the rotation.
    Previous,
}

impl BrowserRecord {
    /// How a handle that hashes to `presented` reaches this browser at `now`, if it does.
    ///
    /// Invariant: the previous handle reaches it only within the grace.
    pub fn reach(&self, presented: BrowserHandleHash, now: Timestamp) -> Option<Reach> {
        if self.handle_hash == presented {
            return Some(Reach::Current);
        }
        let grace_is_over = self.rotated_at.plus(limits::BROWSER_HANDLE_GRACE).has_passed(now);
        (self.previous_handle_hash == Some(presented) && !grace_is_over).then_some(Reach::Previous)
    }

    /// Whether who reached the browser so may use the session: by the previous handle only one that was as it is before
    /// the rotation (session fixation, OWASP ASVS 5.0 section 7).
    pub fn may_use(&self, reach: Reach, session: &Session) -> bool {
        reach == Reach::Current || session.auth_time() < self.rotated_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_previous_handle_is_honoured_for_seconds_and_no_other_ever() {
        let at = Timestamp::from_seconds;
        let [current, previous, other] = [1, 2, 3].map(|n| BrowserHandleHash::from_bytes([n; 32]));
        let browser = BrowserRecord {
            id: BrowserId::new(at(0), [0; 10]),
            handle_hash: current,
            previous_handle_hash: Some(previous),
            rotated_at: at(100),
            created_at: at(0),
            last_seen_at: at(100),
        };
        assert_eq!(browser.reach(current, at(1_000_000)), Some(Reach::Current));
        assert_eq!(browser.reach(previous, at(109)), Some(Reach::Previous));
        assert_eq!(browser.reach(previous, at(110)), None);
        assert_eq!(browser.reach(other, at(100)), None);
    }
}
