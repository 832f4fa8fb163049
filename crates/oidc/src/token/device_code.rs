//! A device that asks whether a person has answered (RFC 8628 section 3.4).

use terms::{DeviceCode, GrantId, Timestamp, limits};

use super::{Audience, TokenRefusal, parse_resource};
use crate::client_auth::AuthenticatedClient;
use crate::device::IssuedDeviceCode;
use crate::grant::{Approved, Grant, Standing, Wish, approve};
use crate::params::Parameters;
use crate::resource_server::ResourceIdentifier;

/// RFC 8628 section 3.4, with `resource` (RFC 8707 section 2.2).
#[derive(Clone, Debug)]
pub struct DevicePoll {
    /// The code.
    pub device_code: DeviceCode,
    /// For whom the access token shall be.
    pub resource: Option<ResourceIdentifier>,
}

impl DevicePoll {
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, TokenRefusal> {
        let code = parameters.get("device_code").ok_or(TokenRefusal::Missing("device_code"))?;
        Ok(Self {
            device_code: DeviceCode::parse(code).map_err(|_| TokenRefusal::DeviceCodeUnknown)?,
            resource: parse_resource(parameters)?,
        })
    }
}

/// What a person has said to what the device asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceAnswer {
    /// Nothing so far.
    Pending,
    /// No; or it turned out that it can't be.
    Denied,
    /// Yes.
    Approved {
        /// What it buys tokens of.
        grant: Box<Grant>,
        /// What holds now of those that the Grant depends on.
        standing: Standing,
    },
}

/// What the store knows of a device code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// The code's own row.
    pub issued: IssuedDeviceCode,
    /// What became of it.
    pub answer: DeviceAnswer,
}

/// What must now be done. Every arm is an effect; none has happened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polling {
    /// Spend the code; if this request is the one that spends it, issue.
    Issue(Box<Approved>),
    /// Note that the device asked; from now on it waits so many seconds between two questions. Then refuse.
    Wait {
        /// The interval, by now.
        interval: u32,
        /// What it is told.
        refusal: TokenRefusal,
    },
    /// The code was used before: end what it bought, then refuse. RFC 8628 leaves it open; as with a code of RFC 6749 section
    /// 4.1.2, one of the two who have it should not.
    RevokeAndRefuse {
        /// What it bought.
        grant: GrantId,
    },
    /// Nothing is written.
    Refuse(TokenRefusal),
}

/// Decides about a device code: client, expiry, the person's answer, what else the gate asks, and only then whether it was spent.
pub fn poll(
    client: &AuthenticatedClient,
    facts: Option<&DeviceFacts>,
    audience: Audience,
    now: Timestamp,
) -> Polling {
    // RFC 6749 section 5.2: another's code is as unknown as one that never was.
    let Some(DeviceFacts { issued, answer }) =
        facts.filter(|facts| facts.issued.client == client.client().id)
    else {
        return Polling::Refuse(TokenRefusal::DeviceCodeUnknown);
    };
    if issued.expires_at.has_passed(now) {
        return Polling::Refuse(TokenRefusal::DeviceCodeExpired);
    }
    match answer {
        DeviceAnswer::Denied => Polling::Refuse(TokenRefusal::DeviceDenied),
        DeviceAnswer::Pending => wait(issued, now),
        DeviceAnswer::Approved { grant, standing } => {
            let approved = audience.and_then(|audience| {
                let wish = Wish { scope: None, audience: &audience, nonce: None };
                approve(client, grant, standing, wish, now)
            });
            match approved {
                Err(refusal) => Polling::Refuse(refusal),
                Ok(_) if issued.redeemed_at.is_some() => Polling::RevokeAndRefuse { grant: grant.id },
                Ok(approved) => Polling::Issue(Box::new(approved)),
            }
        }
    }
}

/// RFC 8628 section 3.5: a device that asks too soon waits longer, then and from then on.
fn wait(issued: &IssuedDeviceCode, now: Timestamp) -> Polling {
    let least = u64::from(issued.interval).saturating_sub(limits::DEVICE_POLL_SLACK.as_secs());
    let too_soon = issued.polled_at.is_some_and(|last| now.since(last).as_secs() < least);
    if too_soon {
        let more = u32::try_from(limits::DEVICE_POLL_INTERVAL.as_secs()).unwrap_or(u32::MAX);
        // No longer than the code lives: nobody would hear of it.
        let most = u32::try_from(limits::DEVICE_CODE_LIFETIME.as_secs()).unwrap_or(u32::MAX);
        let interval = issued.interval.saturating_add(more).min(most);
        return Polling::Wait { interval, refusal: TokenRefusal::DevicePolledTooSoon };
    }
    Polling::Wait { interval: issued.interval, refusal: TokenRefusal::DevicePending }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::fixture::{NOW, believed, client, grant, issuer, later, scope, standing};
    use TokenRefusal as R;
    use terms::DeviceAuthorizationId;

    struct Case {
        client: Client,
        facts: Option<DeviceFacts>,
        audience: Audience,
        now: Timestamp,
    }

    impl Case {
        fn good() -> Self {
            let issued = IssuedDeviceCode {
                id: DeviceAuthorizationId::new(NOW, [5; 10]),
                client: client().id,
                interval: 5,
                polled_at: Some(NOW),
                expires_at: later(600),
                redeemed_at: None,
            };
            let answer = DeviceAnswer::Approved { grant: Box::new(grant()), standing: standing() };
            Self {
                client: client(),
                facts: Some(DeviceFacts { issued, answer }),
                audience: Ok(issuer()),
                now: NOW,
            }
        }

        fn pending() -> Self {
            let mut case = Self::good();
            case.facts().answer = DeviceAnswer::Pending;
            case
        }

        fn decide(self) -> Polling {
            poll(&believed(self.client), self.facts.as_ref(), self.audience, self.now)
        }

        fn facts(&mut self) -> &mut DeviceFacts {
            self.facts.as_mut().unwrap()
        }

        fn approved(&mut self) -> (&mut Grant, &mut Standing) {
            match &mut self.facts().answer {
                DeviceAnswer::Approved { grant, standing } => (grant, standing),
                other => panic!("{other:?}"),
            }
        }
    }

    type Spoil = fn(&mut Case);

    const SPOILS: &[(Spoil, TokenRefusal)] = &[
        (|c| c.facts = None, R::DeviceCodeUnknown),
        (|c| c.client.id = "cli_thief".parse().unwrap(), R::DeviceCodeUnknown),
        (|c| c.facts().issued.client = "cli_tv".parse().unwrap(), R::DeviceCodeUnknown),
        (|c| c.now = later(600), R::DeviceCodeExpired),
        (|c| c.facts().answer = DeviceAnswer::Denied, R::DeviceDenied),
        (|c| c.audience = Err(R::ResourceUnknown), R::ResourceUnknown),
        (|c| c.approved().0.client = "cli_tv".parse().unwrap(), R::GrantOfAnother),
        (|c| c.approved().0.ended_at = Some(NOW), R::GrantEnded),
        (|c| c.approved().1.user_disabled = true, R::UserGone),
        (|c| c.approved().1.subject = None, R::UserGone),
        (|c| c.approved().1.session_ends_at = Some(NOW), R::SessionEnded),
        (|c| c.approved().1.consented = Some(scope("openid")), R::ConsentWithdrawn),
    ];

    #[test]
    fn the_good_case_issues_however_soon_it_asks() {
        let Polling::Issue(approved) = Case::good().decide() else { panic!("refused") };
        assert!(approved.with_id_token());
        assert_eq!(approved.person().unwrap().nonce, None);
    }

    #[test]
    fn one_thing_spoilt_is_one_refusal_and_spends_nothing() {
        for redeemed_at in [None, Some(NOW)] {
            for (index, (spoil, refusal)) in SPOILS.iter().enumerate() {
                let mut case = Case::good();
                case.facts().issued.redeemed_at = redeemed_at;
                spoil(&mut case);
                assert_eq!(case.decide(), Polling::Refuse(refusal.clone()), "{index}");
            }
        }
    }

    #[test]
    fn only_a_request_that_would_have_succeeded_is_a_replay() {
        let mut replay = Case::good();
        replay.facts().issued.redeemed_at = Some(NOW);
        assert_eq!(replay.decide(), Polling::RevokeAndRefuse { grant: grant().id });
    }

    #[test]
    fn a_device_that_asks_too_soon_waits_longer_from_then_on() {
        // Interval, seconds since the last question (none: the first), what follows.
        for (interval, since, then, refusal) in [
            (5, None, 5, R::DevicePending),
            (5, Some(0), 10, R::DevicePolledTooSoon),
            (5, Some(3), 10, R::DevicePolledTooSoon),
            (5, Some(4), 5, R::DevicePending),
            (5, Some(5), 5, R::DevicePending),
            (10, Some(5), 15, R::DevicePolledTooSoon),
            (10, Some(8), 15, R::DevicePolledTooSoon),
            (10, Some(9), 10, R::DevicePending),
            (600, Some(5), 600, R::DevicePolledTooSoon),
        ] {
            let mut case = Case::pending();
            case.facts().issued.interval = interval;
            case.facts().issued.polled_at = since.map(|_| NOW);
            case.now = later(since.unwrap_or_default());
            assert_eq!(case.decide(), Polling::Wait { interval: then, refusal }, "{interval} {since:?}");
        }
    }

    #[test]
    fn nobody_waits_for_what_is_over_or_is_anothers() {
        for (spoil, refusal) in SPOILS.iter().take(4) {
            let mut case = Case::pending();
            spoil(&mut case);
            assert_eq!(case.decide(), Polling::Refuse(refusal.clone()));
        }
    }
}
