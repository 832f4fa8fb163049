//! How often something may be asked, as the configuration says it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;

use super::raw::Checks;
use crate::rate_limits::{Limit, Rate};

/// The limits of this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimitsConfig {
    /// Networks whose own requests are not limited.
    pub exempt: Vec<IpNet>,
    /// In the order of [`Limit::ALL`]; none where it is switched off.
    rates: Vec<Option<Rate>>,
}

impl RateLimitsConfig {
    /// None: there is no such limit.
    pub fn rate(&self, limit: Limit) -> Option<Rate> {
        self.rates.get(limit as usize).copied().flatten()
    }

    pub fn set(&mut self, limit: Limit, rate: Option<Rate>) {
        if let Some(place) = self.rates.get_mut(limit as usize) {
            *place = rate;
        }
    }
}

impl Default for RateLimitsConfig {
    /// This machine itself is not limited: relying parties beside the server, load tests, conformance suites.
    fn default() -> Self {
        let rates = Limit::ALL.into_iter().map(|limit| Some(limit.usual())).collect();
        let here = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        Self { exempt: here.map(IpNet::from).to_vec(), rates }
    }
}

/// How often something may be asked, on each node. "300/1m" is 300 at once, and as many again in the course of each minute (s, m
/// or h); "off" is no such limit. An address of IPv6 counts with all of its /64.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawRateLimits {
    /// Networks and addresses that are not limited. By default this machine itself. What a proxy passes on is limited in any case.
    pub exempt: Option<Vec<String>>,
    /// Browsers made known, attempts to sign in begun, requests to authorize kept: "6000/10m".
    pub starts_per_address: Option<String>,
    /// Passwords judged or hashed: "300/1m".
    pub passwords_per_address: Option<String>,
    /// Wrong passwords and mailed codes, whoever's: "100/10m".
    pub wrong_guesses_per_address: Option<String>,
    /// Mails to addresses that were typed (sign-up, forgotten password): "120/1h".
    pub mails_per_address: Option<String>,
    /// Mails to one typed address; a browser that signed in to its account before is not counted out: "30/1h".
    pub mails_per_recipient: Option<String>,
    /// Mails to one typed address from one client address: "10/1h".
    pub mails_per_recipient_and_address: Option<String>,
    /// Questions how strong a password is, while it is typed: "60/10s".
    pub strength_questions_per_address: Option<String>,
    /// Requests to token, introspection and revocation endpoint that didn't show which client they come from: "600/10m".
    pub client_failures_per_address: Option<String>,
    /// Requests of one client to those; of one that keeps no secret, from one address: "60000/1m".
    pub requests_per_client: Option<String>,
    /// Sign-ins to one account with its password: "60/10m".
    pub sign_ins_per_person: Option<String>,
    /// Clients that register themselves, where a tenant lets them: "20/1h".
    pub registrations_per_address: Option<String>,
}

impl RawRateLimits {
    fn written(&self, limit: Limit) -> Option<&str> {
        match limit {
            Limit::Starts => &self.starts_per_address,
            Limit::Passwords => &self.passwords_per_address,
            Limit::WrongGuesses => &self.wrong_guesses_per_address,
            Limit::Mails => &self.mails_per_address,
            Limit::MailsToOne => &self.mails_per_recipient,
            Limit::MailsToOneFromOne => &self.mails_per_recipient_and_address,
            Limit::StrengthQuestions => &self.strength_questions_per_address,
            Limit::ClientFailures => &self.client_failures_per_address,
            Limit::ClientRequests => &self.requests_per_client,
            Limit::SignIns => &self.sign_ins_per_person,
            Limit::Registrations => &self.registrations_per_address,
        }
        .as_deref()
    }
}

const MOST: u32 = 1_000_000;
const LONGEST: u64 = 24 * 60 * 60;

/// `300/1m`.
fn rate(text: &str) -> Option<Rate> {
    let (count, period) = text.split_once('/')?;
    let (number, unit) = period.split_at_checked(period.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => return None,
    };
    let digits = |text: &str| (!text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())).then_some(());
    digits(count)?;
    digits(number)?;
    let count = count.parse::<NonZeroU32>().ok().filter(|count| count.get() <= MOST)?;
    let seconds = number.parse::<u64>().ok()?.checked_mul(seconds)?;
    let period = Some(seconds).filter(|seconds| (1..=LONGEST).contains(seconds)).map(Duration::from_secs)?;
    Some(Rate { count, period })
}

impl Checks {
    pub(super) fn rate_limits(&mut self, raw: &RawRateLimits) -> RateLimitsConfig {
        let mut config = RateLimitsConfig::default();
        for limit in Limit::ALL {
            match raw.written(limit).map(|text| (text, rate(text))) {
                None => {}
                Some(("off", _)) => config.set(limit, None),
                Some((_, Some(rate))) => config.set(limit, Some(rate)),
                Some((text, None)) => {
                    let problem = format!(
                        "{text:?} is no rate; write it like \"300/1m\" (1 to {MOST} in 1s to 24h), or \"off\""
                    );
                    self.fault::<()>(&format!("rate_limits.{}", limit.as_str()), problem);
                }
            }
        }
        if let Some(texts) = &raw.exempt {
            config.exempt = texts.iter().filter_map(|text| self.exempt(text)).collect();
        }
        config
    }

    fn exempt(&mut self, text: &str) -> Option<IpNet> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) if network.prefix_len() == 0 => self.fault(
                "rate_limits.exempt",
                format!("{text:?} is everybody; switch single limits \"off\" instead"),
            ),
            Ok(network) => Some(network),
            Err(_) => self.fault(
                "rate_limits.exempt",
                format!("{text:?} is neither an address nor a network; write it like \"10.0.0.0/8\""),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_count_and_a_period() {
        let of = |count: u32, seconds: u64| {
            Some(Rate { count: count.try_into().unwrap(), period: Duration::from_secs(seconds) })
        };
        for (text, expected) in [
            ("300/1m", of(300, 60)),
            ("1/1s", of(1, 1)),
            ("1000000/24h", of(1_000_000, 86_400)),
            ("0/1m", None),
            ("1000001/1m", None),
            ("10/0s", None),
            ("10/25h", None),
            ("10/m", None),
            ("10/1d", None),
            ("10/1", None),
            ("10", None),
            ("+10/1m", None),
            ("10/+1m", None),
            ("10/99999999999999999999h", None),
            ("10/1\u{b5}", None),
            ("/1m", None),
            ("10/", None),
            ("", None),
        ] {
            assert_eq!(rate(text), expected, "{text}");
        }
    }
}
