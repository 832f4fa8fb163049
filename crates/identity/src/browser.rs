//! The record of one user agent of one tenant.

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

impl BrowserRecord {
    /// Whether a handle that hashes to `presented` reaches this browser at `now`.
    ///
    /// Invariant: the previous handle reaches it only within the grace, for requests that were on their way when it was rotated.
    pub fn is_reached_by(&self, presented: BrowserHandleHash, now: Timestamp) -> bool {
        if self.handle_hash == presented {
            return true;
        }
        let grace_is_over = self.rotated_at.plus(limits::BROWSER_HANDLE_GRACE).has_passed(now);
        self.previous_handle_hash == Some(presented) && !grace_is_over
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
        assert!(browser.is_reached_by(current, at(1_000_000)));
        assert!(browser.is_reached_by(previous, at(109)));
        assert!(!browser.is_reached_by(previous, at(110)));
        assert!(!browser.is_reached_by(other, at(100)));
    }
}
