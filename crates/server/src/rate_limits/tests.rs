use super::*;
use crate::clock::HeldClock;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn limits(change: impl FnOnce(&mut RateLimitsConfig)) -> (RateLimits, HeldClock) {
    let held = HeldClock::at(NOW);
    let mut config = RateLimitsConfig::default();
    change(&mut config);
    (RateLimits::new(&config, &Clock::Held(held.clone())), held)
}

fn at(text: &str) -> Whom<'static> {
    Whom::Network(network(text.parse().unwrap()))
}

/// How many of these are admitted at once.
fn admitted(limits: &RateLimits, limit: Limit, whom: Whom<'_>) -> u32 {
    (0..100_000).take_while(|_| limits.judge(limit, whom, true).is_ok()).count().try_into().unwrap()
}

#[test]
fn each_limit_admits_its_count_and_then_one_by_one() {
    let (limits, clock) = limits(|_| ());
    for limit in Limit::ALL {
        let Rate { count, period } = limit.usual();
        let whom = at("192.0.2.1");
        assert_eq!(admitted(&limits, limit, whom), count.get(), "{limit:?}");
        assert_eq!(admitted(&limits, limit, at("192.0.2.2")), count.get(), "{limit:?}: another");
        let wait = limits.judge(limit, whom, true).unwrap_err();
        let every = (period / count.get()).as_millis().div_ceil(1000).max(1);
        assert_eq!(u128::from(wait.seconds(clock.now())), every, "{limit:?}");
        clock.advance(Duration::from_secs(wait.seconds(clock.now())));
        assert!(limits.judge(limit, whom, true).is_ok(), "{limit:?}: who waited is too early");
        clock.advance(period);
        assert_eq!(admitted(&limits, limit, whom), count.get(), "{limit:?}: whole again");
    }
}

#[test]
fn each_limit_has_its_own_place_and_name() {
    for (place, limit) in Limit::ALL.into_iter().enumerate() {
        assert_eq!(limit as usize, place);
        assert_eq!(Limit::ALL.iter().filter(|other| other.as_str() == limit.as_str()).count(), 1);
    }
}

#[test]
fn a_look_counts_nothing() {
    let (limits, _) = limits(|_| ());
    let whom = at("192.0.2.1");
    for _ in 0..1_000 {
        assert!(limits.judge(Limit::WrongGuesses, whom, false).is_ok());
    }
    assert_eq!(admitted(&limits, Limit::WrongGuesses, whom), 100);
    assert!(limits.judge(Limit::WrongGuesses, whom, false).is_err());
    assert!(limits.judge(Limit::Passwords, whom, false).is_ok(), "another limit");
}

#[test]
fn a_network_of_ipv6_is_one_and_others_are_not() {
    let (limits, _) = limits(|_| ());
    assert_eq!(admitted(&limits, Limit::WrongGuesses, at("2001:db8::1")), 100);
    for (address, is_same) in [
        ("2001:db8::ffff:ffff:ffff:ffff", true),
        ("2001:db8:0:1::1", false),
        ("::ffff:192.0.2.1", false),
        ("192.0.2.1", false),
    ] {
        assert_eq!(limits.judge(Limit::WrongGuesses, at(address), true).is_err(), is_same, "{address}");
    }
    assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), IpAddr::from([192, 0, 2, 1]));
}

#[test]
fn a_client_that_anybody_can_pose_as_is_counted_by_address() {
    let (limits, _) = limits(|_| ());
    let tenant = TenantId::new(NOW, [1; 10]);
    let spa: ClientId = "spa".parse().unwrap();
    let from = |address: [u8; 4]| Whom::ClientFrom(tenant, &spa, address.into());
    assert_eq!(admitted(&limits, Limit::ClientRequests, from([192, 0, 2, 1])), 60_000);
    assert!(limits.judge(Limit::ClientRequests, from([192, 0, 2, 2]), true).is_ok());
    assert!(limits.judge(Limit::ClientRequests, Whom::Client(tenant, &spa), true).is_ok());
    assert!(
        limits.judge(Limit::ClientRequests, Whom::Client(TenantId::new(NOW, [2; 10]), &spa), true).is_ok()
    );
}

/// However many addresses somebody has: what is remembered has an end, whoever is kept waiting stays so, and who is new
/// is neither kept out nor let in without end.
#[test]
fn what_is_remembered_is_bounded_and_safe_at_the_bound() {
    let (limits, _) = limits(|_| ());
    let (guesser, newcomer) = (at("192.0.2.1"), at("192.0.2.2"));
    assert_eq!(admitted(&limits, Limit::WrongGuesses, guesser), 100);
    let many = u128::try_from(table::MOST).unwrap() * 3;
    for number in 0..many {
        let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) | (number << 64));
        assert!(limits.judge(Limit::WrongGuesses, Whom::Network(address.into()), true).is_ok());
    }
    assert!(limits.judge(Limit::WrongGuesses, guesser, true).is_err(), "a flood of others freed the guesser");
    assert_eq!(admitted(&limits, Limit::WrongGuesses, newcomer), 100);
    let table = Table::shared();
    for name in 0..u64::try_from(many).unwrap() {
        let paid = |_: Option<governor::nanos::Nanos>| Ok::<_, ()>(((), name.into()));
        governor::state::StateStore::measure_and_replace(&Counting(table.clone()), &name, paid).unwrap();
    }
    assert_eq!(table.remembered(), table::MOST);
}

#[test]
fn a_limit_can_be_another_or_none_at_all() {
    let (limits, _) = limits(|config| {
        config.set(Limit::Passwords, Some(Rate::of(2, Duration::from_secs(3))));
        config.set(Limit::WrongGuesses, None);
    });
    assert_eq!(admitted(&limits, Limit::Passwords, at("192.0.2.1")), 2);
    assert_eq!(admitted(&limits, Limit::WrongGuesses, at("192.0.2.1")), 100_000);
}

#[test]
fn only_what_an_exempt_address_asks_itself_is_spared() {
    let (limits, _) = limits(|_| ());
    let spared = |address: &str, headers: &HeaderMap| limits.spares(address.parse().unwrap(), headers);
    let mut headers = HeaderMap::new();
    assert!(spared("127.0.0.1", &headers) && spared("::1", &headers) && !spared("192.0.2.1", &headers));
    for name in OF_PROXIES {
        headers.clear();
        headers.insert(name, "x".parse().unwrap());
        assert!(!spared("127.0.0.1", &headers), "{headers:?}");
    }
}
