//! How often something may be asked: by one client address, by one OAuth client, about one person or mailbox. What the limits
//! are for, and why they are kept as they are, is decision 22.
//!
//! They bound what somebody may cost others, on this node. How many guesses a secret withstands is decided in the store,
//! by `attempts`. Nothing is looked up where no limit applies.

mod table;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock as Ticking;
use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter};
use http::{HeaderMap, HeaderName};
use identity::attempt::Wait;
use ipnet::IpNet;
use store::Fault;
use terms::{BrowserId, CanonicalEmail, ClientId, EmailAddress, TenantId, Timestamp, UserId};

use crate::clock::Clock;
use crate::config::RateLimitsConfig;
use crate::request::Site;
use table::{Counting, Looking, Table};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Browsers made known, attempts to sign in begun, requests kept until a person comes: each is a row.
    Starts,
    /// Passwords judged or hashed: each takes memory and a processor.
    Passwords,
    /// Wrong passwords and wrong mailed codes, whoever's.
    WrongGuesses,
    /// Mails to addresses that were typed, from one client address.
    Mails,
    /// Mails to one typed address.
    MailsToOne,
    /// Mails to one typed address from one client address.
    MailsToOneFromOne,
    /// Questions how strong a password is, while it is typed.
    StrengthQuestions,
    /// Requests of protocol endpoints that did not show which client they come from.
    ClientFailures,
    /// Requests of one client to protocol endpoints.
    ClientRequests,
    /// Sign-ins to one account with the right password.
    SignIns,
    /// Clients that register themselves, from one client address.
    Registrations,
}

/// So many at once, and as many again in the course of the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub count: NonZeroU32,
    pub period: Duration,
}

impl Rate {
    const fn of(count: u32, period: Duration) -> Self {
        Self { count: NonZeroU32::MIN.saturating_add(count - 1), period }
    }

    fn quota(self) -> Quota {
        let every = (self.period / self.count.get()).max(Duration::from_nanos(1));
        // Nothing but a period of nought has no quota.
        Quota::with_period(every).unwrap_or(Quota::per_second(self.count)).allow_burst(self.count)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.count, self.period.as_secs())
    }
}

impl Limit {
    pub const ALL: [Self; 11] = [
        Self::Starts,
        Self::Passwords,
        Self::WrongGuesses,
        Self::Mails,
        Self::MailsToOne,
        Self::MailsToOneFromOne,
        Self::StrengthQuestions,
        Self::ClientFailures,
        Self::ClientRequests,
        Self::SignIns,
        Self::Registrations,
    ];

    /// Its name in the configuration and in the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starts => "starts_per_address",
            Self::Passwords => "passwords_per_address",
            Self::WrongGuesses => "wrong_guesses_per_address",
            Self::Mails => "mails_per_address",
            Self::MailsToOne => "mails_per_recipient",
            Self::MailsToOneFromOne => "mails_per_recipient_and_address",
            Self::StrengthQuestions => "strength_questions_per_address",
            Self::ClientFailures => "client_failures_per_address",
            Self::ClientRequests => "requests_per_client",
            Self::SignIns => "sign_ins_per_person",
            Self::Registrations => "registrations_per_address",
        }
    }

    /// What it is unless the configuration says otherwise. A large office behind one address does not come near.
    pub const fn usual(self) -> Rate {
        match self {
            Self::Starts => Rate::of(6_000, Duration::from_mins(10)),
            Self::Passwords => Rate::of(300, Duration::from_mins(1)),
            Self::WrongGuesses => Rate::of(100, Duration::from_mins(10)),
            Self::Mails => Rate::of(120, Duration::from_hours(1)),
            Self::MailsToOne => Rate::of(30, Duration::from_hours(1)),
            Self::MailsToOneFromOne => Rate::of(10, Duration::from_hours(1)),
            Self::StrengthQuestions => Rate::of(60, Duration::from_secs(10)),
            Self::ClientFailures => Rate::of(600, Duration::from_mins(10)),
            Self::ClientRequests => Rate::of(60_000, Duration::from_mins(1)),
            Self::SignIns => Rate::of(60, Duration::from_mins(10)),
            Self::Registrations => Rate::of(20, Duration::from_hours(1)),
        }
    }
}

/// Whose budget something is taken from.
#[derive(Clone, Copy, Debug, Hash)]
enum Whom<'a> {
    Network(IpAddr),
    Client(TenantId, &'a ClientId),
    /// Of a client that anybody can pose as: a stranger's requests are not its other users'.
    ClientFrom(TenantId, &'a ClientId, IpAddr),
    Person(TenantId, UserId),
    Mailbox(TenantId, &'a CanonicalEmail),
    MailboxFrom(TenantId, &'a CanonicalEmail, IpAddr),
}

/// The server's clock as the limits read it: it never goes back, or a corrected clock would lock everybody out.
#[derive(Clone)]
struct Steady(Clock);

impl Ticking for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.steady()
    }
}

type Limiter<S> = RateLimiter<u64, S, Steady, NoOpMiddleware<Duration>>;

/// One limit at work.
struct Gate {
    counting: Limiter<Counting>,
    looking: Limiter<Looking>,
}

impl Gate {
    fn new(rate: Rate, clock: &Clock) -> Self {
        let table = Table::shared();
        let steady = Steady(clock.clone());
        let counting = Limiter::new(rate.quota(), Counting(table.clone()), steady.clone());
        Self { counting, looking: Limiter::new(rate.quota(), Looking(table), steady) }
    }
}

/// All limits of this node.
pub struct RateLimits {
    /// In the order of [`Limit::ALL`]; none where it is switched off.
    gates: Vec<Option<Gate>>,
    /// Networks whose own requests are not limited.
    exempt: Vec<IpNet>,
    clock: Clock,
    /// Names are kept as octets that only this process can make: of one length, and nothing personal.
    names: RandomState,
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateLimits(..)")
    }
}

impl RateLimits {
    pub fn new(config: &RateLimitsConfig, clock: &Clock) -> Self {
        let gate = |limit: Limit| config.rate(limit).map(|rate| Gate::new(rate, clock));
        Self {
            gates: Limit::ALL.into_iter().map(gate).collect(),
            exempt: config.exempt.clone(),
            clock: clock.clone(),
            names: RandomState::new(),
        }
    }

    fn judge(&self, limit: Limit, whom: Whom<'_>, is_counted: bool) -> Result<(), Wait> {
        let Some(Some(gate)) = self.gates.get(limit as usize) else { return Ok(()) };
        let name = self.names.hash_one(whom);
        let judged = if is_counted { gate.counting.check_key(&name) } else { gate.looking.check_key(&name) };
        judged.map_err(|until| self.wait(until.wait_time_from(self.clock.steady())))
    }

    /// Whole seconds, rounded up: who comes then is not too early.
    fn wait(&self, wait: Duration) -> Wait {
        let seconds = u64::try_from(wait.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u64::MAX).max(1);
        Wait { until: self.clock.now().plus(Duration::from_secs(seconds)) }
    }

    /// Whether a request is not limited at all: one that a machine of the configuration's list makes itself.
    pub fn spares(&self, address: IpAddr, headers: &HeaderMap) -> bool {
        self.exempt.iter().any(|network| network.contains(&address)) && !is_relayed(headers)
    }
}

/// The one header of a proxy that counts.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What proxies write. A request with any of these was passed on by one, for somebody else.
const OF_PROXIES: [HeaderName; 6] = [
    http::header::FORWARDED,
    http::header::VIA,
    FORWARDED_FOR,
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// Whether a proxy passed the request on. Who says so falsely is limited where they would not have been.
pub fn is_relayed(headers: &HeaderMap) -> bool {
    OF_PROXIES.iter().any(|name| headers.contains_key(name))
}

/// Who has one address of IPv6 has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Site {
    /// Counts something that this request's address asks, or says when it may.
    pub fn count(&self, limit: Limit) -> Result<(), Wait> {
        self.judge(limit, Whom::Network(network(self.address)), true)
    }

    /// Whether it would be counted now.
    pub fn look(&self, limit: Limit) -> Result<(), Wait> {
        self.judge(limit, Whom::Network(network(self.address)), false)
    }

    /// Counts something that was answered in any case.
    pub fn note(&self, limit: Limit) {
        let limits = &self.app.rate_limits;
        if !self.is_spared {
            // Beyond the limit nothing is left to be counted.
            let _ = limits.judge(limit, Whom::Network(network(self.address)), true);
        }
    }

    /// Counts a request that this client showed to be its own.
    pub fn count_client(&self, client: &ClientId) -> Result<(), Wait> {
        self.judge(Limit::ClientRequests, Whom::Client(self.tenant.id, client), true)
    }

    /// Counts a request in the name of a client that shows nothing.
    pub fn count_public_client(&self, client: &ClientId) -> Result<(), Wait> {
        let whom = Whom::ClientFrom(self.tenant.id, client, network(self.address));
        self.judge(Limit::ClientRequests, whom, true)
    }

    /// Counts a sign-in. Only who has the password comes here, so nobody else can use the budget up.
    pub fn count_sign_in(&self, user: UserId) -> Result<(), Wait> {
        self.judge(Limit::SignIns, Whom::Person(self.tenant.id, user), true)
    }

    /// Counts a mail to an address that somebody typed in this browser.
    ///
    /// What all strangers may have sent to one mailbox is bounded, and so they could use it up. A browser in which the person
    /// signed in before is not kept from a code by that.
    pub async fn count_mail(&self, to: &EmailAddress, browser: BrowserId) -> Result<Result<(), Wait>, Fault> {
        let (tenant, to, from) = (self.tenant.id, to.canonical(), network(self.address));
        let admitted = self
            .count(Limit::Mails)
            .and_then(|()| self.judge(Limit::MailsToOneFromOne, Whom::MailboxFrom(tenant, to, from), true));
        if admitted.is_err() {
            return Ok(admitted);
        }
        let Err(wait) = self.judge(Limit::MailsToOne, Whom::Mailbox(tenant, to), true) else {
            return Ok(Ok(()));
        };
        let mut read = self.app.store.read(tenant);
        let owner = read.user_by_email(to).await?.map(|owner| owner.id);
        let owner = owner.unwrap_or_else(|| UserId::new(Timestamp::from_millis(0), [0; 10]));
        let is_known = read.known_browser(owner, browser).await?.is_some();
        Ok(if is_known { Ok(()) } else { Err(wait) })
    }

    fn judge(&self, limit: Limit, whom: Whom<'_>, is_counted: bool) -> Result<(), Wait> {
        let limits = &self.app.rate_limits;
        if self.is_spared {
            return Ok(());
        }
        let judged = limits.judge(limit, whom, is_counted);
        if judged.is_err() {
            self.app.metrics.rate_limited(limit);
        }
        judged
    }
}

#[cfg(test)]
mod tests;
