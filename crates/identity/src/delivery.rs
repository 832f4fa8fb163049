//! What becomes of a mail after an attempt to hand it to the mail server.

use std::fmt;
use std::time::Duration;

use terms::Timestamp;

/// How long a mail without a code is tried: as long as mail servers commonly do.
pub const MAIL_LIFETIME: Duration = Duration::from_hours(2 * 24);
/// A person waits for a code, so the first waits are short.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_mins(30);

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The server has taken the mail over (RFC 5321 section 4.2.1: a positive completion).
    Accepted,
    /// The server answered this mail with a code that isn't positive.
    Answered(u16),
    /// The server could not be reached or did not let us in: no fault of this mail's.
    NoService(NoService),
    /// The mail can't be made into a message, or not into one that this server takes.
    Unsendable(Unsendable),
    /// What it says was worth nothing any more, so it wasn't tried.
    TooLate,
}

/// How far the way to the server led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoService {
    Connect,
    Tls,
    /// What it said at first, or its refusal of STARTTLS.
    Greeting,
    Authentication,
    /// It stopped answering, or answered what isn't SMTP.
    Silence,
}

impl NoService {
    /// Our word for it: for events, the queue and the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Authentication => "authentication",
            Self::Silence => "silence",
        }
    }
}

/// Why a mail can't be sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsendable {
    /// The stored mail can't be unsealed or read.
    Unreadable,
    /// The address has letters beyond ASCII before its `@`, and the server doesn't offer SMTPUTF8 (RFC 6531 section 3.1).
    Address,
}

impl Unsendable {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Address => "address",
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Answered(code) => write!(f, "answered {code}"),
            Self::NoService(what) => f.write_str(what.as_str()),
            Self::Unsendable(what) => f.write_str(what.as_str()),
            Self::TooLate => f.write_str("too late"),
        }
    }
}

/// What the caller must now do with the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Delivered,
    RetryAt(Timestamp),
    GiveUp,
}

/// Judges the attempt of this number, from 1 on. `chance` spreads mails that failed together.
///
/// A refusal for good counts only when it is about the mail (RFC 5321 section 4.2.1: 5yz). A server that doesn't let us in
/// may be mended while the mail is still worth something, so that ends by the mail's own lifetime alone.
pub fn after_attempt(
    attempt: u32,
    ended: Attempt,
    expires_at: Timestamp,
    now: Timestamp,
    chance: u8,
) -> Delivery {
    match ended {
        Attempt::Accepted => return Delivery::Delivered,
        Attempt::Unsendable(_) | Attempt::TooLate | Attempt::Answered(500..=599) => return Delivery::GiveUp,
        Attempt::Answered(_) | Attempt::NoService(_) => {}
    }
    let at = now.plus(wait_after(attempt, chance));
    if expires_at.has_passed(at) { Delivery::GiveUp } else { Delivery::RetryAt(at) }
}

/// Doubles from attempt to attempt, with up to a quarter more by chance.
fn wait_after(attempt: u32, chance: u8) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
    let wait = doubled.min(LONGEST_WAIT);
    wait + wait / 4 * u32::from(chance) / 255
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::limits;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const FAR: Timestamp = Timestamp::from_seconds(1_900_000_000);

    fn after(attempt: u32, ended: Attempt) -> Delivery {
        after_attempt(attempt, ended, FAR, NOW, 0)
    }

    fn in_seconds(seconds: u64) -> Delivery {
        Delivery::RetryAt(NOW.plus(Duration::from_secs(seconds)))
    }

    #[test]
    fn the_class_of_the_answer_decides() {
        assert_eq!(after(1, Attempt::Accepted), Delivery::Delivered);
        for code in [421, 450, 451, 452, 499] {
            assert_eq!(after(1, Attempt::Answered(code)), in_seconds(2), "{code}");
        }
        for code in [500, 535, 550, 554, 599] {
            assert_eq!(after(1, Attempt::Answered(code)), Delivery::GiveUp, "{code}");
        }
        for what in [
            NoService::Connect,
            NoService::Tls,
            NoService::Greeting,
            NoService::Authentication,
            NoService::Silence,
        ] {
            assert_eq!(after(1, Attempt::NoService(what)), in_seconds(2), "{what:?}");
        }
        for what in [Unsendable::Unreadable, Unsendable::Address] {
            assert_eq!(after(1, Attempt::Unsendable(what)), Delivery::GiveUp);
        }
        assert_eq!(after(1, Attempt::TooLate), Delivery::GiveUp);
    }

    #[test]
    fn waits_grow_up_to_a_bound_and_spread() {
        let waits: Vec<u64> = (1..=12).map(|attempt| wait_after(attempt, 0).as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800]);
        assert_eq!(wait_after(u32::MAX, 0), LONGEST_WAIT);
        assert_eq!(wait_after(u32::MAX, 255), LONGEST_WAIT + LONGEST_WAIT / 4);
        assert!(wait_after(3, 100) > wait_after(3, 99));
    }

    #[test]
    fn a_code_is_not_tried_beyond_its_life() {
        let expires_at = NOW.plus(limits::MAILED_CODE_LIFETIME);
        let (mut now, mut attempt) = (NOW, 1);
        while let Delivery::RetryAt(at) =
            after_attempt(attempt, Attempt::NoService(NoService::Connect), expires_at, now, 255)
        {
            assert!(at > now && !expires_at.has_passed(at), "attempt {attempt}");
            (now, attempt) = (at, attempt + 1);
        }
        assert!(attempt >= 7, "only {attempt} attempts in ten minutes");
        assert_eq!(
            after_attempt(1, Attempt::Answered(451), NOW.plus(Duration::from_secs(2)), NOW, 0),
            Delivery::GiveUp,
            "the instant of its end is too late"
        );
    }
}
