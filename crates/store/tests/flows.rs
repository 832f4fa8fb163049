//! Flows, devices and consents: round trips of every verb, and races on what may happen once.

#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use identity::{BrowserRecord, Device, Factor, FactorMethod, Profile, Session, User, UserEmail};
use oidc::client::{Client, ClientMetadata, ClientSettings};
use oidc::device::{UserCode, UserCodeHash, UserCodeKey};
use oidc::grant::{Authentication, Grant};
use oidc::params::Parameters;
use oidc::scope::Scope;
use oidc::token::device_code::{DeviceAnswer, DeviceFacts};
use serde_json::json;
use store::consents::Consent;
use store::devices::DeviceAuthorization;
use store::flows::{Flow, FlowKind};
use store::testing::{self, NOW, TestStore};
use store::{Fault, write_tx};
use terms::{
    BrowserHandleHash, BrowserId, ClientId, DeviceAuthorizationId, DeviceCode, DeviceCodeHash, EmailAddress,
    FlowId, GrantId, SessionId, Timestamp, UserId, limits,
};

const HANDLE: BrowserHandleHash = BrowserHandleHash::from_bytes([1; 32]);

fn later(seconds: u64) -> Timestamp {
    NOW.plus(std::time::Duration::from_secs(seconds))
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

/// A user with a session in a browser, and a client.
struct World {
    store: TestStore,
    browser: BrowserId,
    user: UserId,
    session: SessionId,
    client: ClientId,
}

impl World {
    async fn make(store: TestStore) -> Self {
        let browser = BrowserRecord {
            id: BrowserId::new(NOW, testing::id_bits()),
            handle_hash: HANDLE,
            previous_handle_hash: None,
            rotated_at: NOW,
            created_at: NOW,
            last_seen_at: NOW,
        };
        let user = User {
            id: UserId::new(NOW, testing::id_bits()),
            subject: "alice".parse().unwrap(),
            emails: Vec::new(),
            profile: Profile::default(),
            created_at: NOW,
            updated_at: NOW,
            disabled_at: None,
            language: None,
            username: None,
        };
        let session = Session {
            id: SessionId::new(NOW, testing::id_bits()),
            browser_id: browser.id,
            user_id: user.id,
            factors: vec![Factor { method: FactorMethod::Password, verified_at: NOW }],
            created_at: NOW,
            last_active_at: NOW,
            expires_at: later(1000),
            ended_at: None,
            device: Device::default(),
        };
        let client = Client {
            id: "shop".parse().unwrap(),
            metadata: ClientMetadata::parse(&json!({ "redirect_uris": ["https://shop.example/cb"] }))
                .unwrap(),
            settings: ClientSettings::default(),
            created_at: NOW,
            last_used_at: None,
        };
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_browser(&browser).await?;
            tx.insert_user(&user, &[7; 32]).await?;
            tx.insert_session(&session).await?;
            tx.insert_client(&client).await.map(|_| ())
        })
        .unwrap();
        Self { browser: browser.id, user: user.id, session: session.id, client: client.id, store }
    }

    async fn begin(&self, browser: Option<BrowserId>) -> Flow {
        let flow = Flow {
            id: FlowId::new(NOW, testing::id_bits()),
            kind: FlowKind::Authorize,
            parameters: Parameters::parse(b"client_id=shop&state=a%20%26b&resource=x&resource=y").unwrap(),
            browser,
            session: None,
            consented: None,
            denied_at: None,
            created_at: NOW,
            expires_at: NOW.plus(limits::FLOW_LIFETIME),
            completed_at: None,
        };
        write_tx!(self.store, self.store.tenant, |tx| -> Result<(), Fault> { tx.insert_flow(&flow).await })
            .unwrap();
        flow
    }

    async fn user(&self) -> User {
        self.store.read(self.store.tenant).user(self.user).await.unwrap().unwrap()
    }

    async fn flow(&self, id: FlowId) -> Flow {
        self.store.read(self.store.tenant).flow(id).await.unwrap().unwrap()
    }
}

/// Runs one guarded verb.
macro_rules! guard {
    ($world:expr, |$tx:ident| $verb:expr) => {
        write_tx!($world.store, $world.store.tenant, |$tx| -> Result<bool, Fault> { $verb.await }).unwrap()
    };
}

/// Runs one guarded verb eight times at once and counts how often it said yes.
macro_rules! wins {
    ($world:expr, |$tx:ident| $verb:expr) => {{
        let once = || async { guard!($world, |$tx| $verb) };
        let results = tokio::join!(once(), once(), once(), once(), once(), once(), once(), once());
        let results =
            [results.0, results.1, results.2, results.3, results.4, results.5, results.6, results.7];
        results.into_iter().filter(|won| *won).count()
    }};
}

#[tokio::test]
async fn a_flow_survives_its_row_and_records_what_happens() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let flow = world.begin(Some(world.browser)).await;
        assert_eq!(world.flow(flow.id).await, flow);
        let (id, browser) = (flow.id, world.browser);
        assert!(guard!(world, |tx| tx.choose_flow_session(id, browser, world.session, NOW)));
        assert!(guard!(world, |tx| tx.consent_in_flow(id, browser, world.user, &scope("openid"), NOW)));
        let got = world.flow(id).await;
        assert_eq!((got.session, got.consented), (Some(world.session), Some((world.user, scope("openid")))));
        assert!(guard!(world, |tx| tx.deny_flow(id, browser, NOW)));
        assert!(!guard!(world, |tx| tx.consent_in_flow(id, browser, world.user, &scope("openid"), NOW)));
        assert!(guard!(world, |tx| tx.complete_flow(id, browser, later(1))));
        let got = world.flow(id).await;
        assert_eq!((got.denied_at, got.completed_at), (Some(NOW), Some(later(1))));
    }
}

#[tokio::test]
async fn only_its_own_browser_goes_on_with_a_flow_and_only_in_time() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let flow = world.begin(Some(world.browser)).await;
        let stranger = BrowserId::new(NOW, testing::id_bits());
        let id = flow.id;
        for (browser, now) in [(stranger, NOW), (world.browser, flow.expires_at)] {
            assert!(!guard!(world, |tx| tx.choose_flow_session(id, browser, world.session, now)));
            assert!(!guard!(world, |tx| tx.consent_in_flow(id, browser, world.user, &scope("openid"), now)));
            assert!(!guard!(world, |tx| tx.deny_flow(id, browser, now)));
            assert!(!guard!(world, |tx| tx.complete_flow(id, browser, now)));
        }
        assert!(!guard!(world, |tx| tx.bind_flow(id, stranger)));
        let elsewhere = testing::add_tenant(&world.store, "elsewhere").await.unwrap();
        assert_eq!(world.store.read(elsewhere).flow(id).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flow_is_bound_and_completed_once() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let (id, browser) = (world.begin(None).await.id, world.browser);
        assert_eq!(wins!(world, |tx| tx.bind_flow(id, browser)), 1);
        assert_eq!(wins!(world, |tx| tx.complete_flow(id, browser, NOW)), 1);
        let (session, user) = (world.session, world.user);
        assert!(!guard!(world, |tx| tx.choose_flow_session(id, browser, session, NOW)));
        assert!(!guard!(world, |tx| tx.consent_in_flow(id, browser, user, &scope("openid"), NOW)));
        assert!(!guard!(world, |tx| tx.deny_flow(id, browser, NOW)));
    }
}

#[tokio::test]
async fn expired_flows_are_swept() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let flow = world.begin(Some(world.browser)).await;
        let day = std::time::Duration::from_hours(24);
        for (at, kept) in [(flow.expires_at, true), (flow.expires_at.plus(day), false)] {
            world.store.sweep(world.store.tenant, at).await.unwrap();
            let found = world.store.read(world.store.tenant).flow(flow.id).await.unwrap();
            assert_eq!(found.is_some(), kept);
        }
    }
}

#[tokio::test]
async fn the_session_that_a_client_used_last_is_remembered() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let last = async || {
            let mut read = world.store.read(world.store.tenant);
            read.browser_in_full(Some(HANDLE), &world.client, None).await.unwrap().0.unwrap().last_used
        };
        assert_eq!(last().await, None);
        for now in [NOW, later(1)] {
            write_tx!(world.store, world.store.tenant, |tx| -> Result<(), Fault> {
                tx.use_session(world.browser, &world.client, world.session, now).await
            })
            .unwrap();
            assert_eq!(last().await, Some(world.session));
        }
    }
}

#[tokio::test]
async fn a_browser_comes_with_its_sessions_their_users_and_what_those_approved() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let tenant = world.store.tenant;
        let emails: Vec<UserEmail> = ["a@x.test", "b@x.test"]
            .into_iter()
            .map(|text| UserEmail {
                address: EmailAddress::parse(text).unwrap(),
                verified_at: Some(NOW),
                is_primary: text.starts_with('b'),
            })
            .collect();
        let bob = User {
            id: UserId::new(NOW, testing::id_bits()),
            subject: "bob".parse().unwrap(),
            emails: emails.clone(),
            ..world.user().await
        };
        let second = Session {
            id: SessionId::new(later(1), testing::id_bits()),
            user_id: bob.id,
            ..world.store.read(tenant).session(world.session).await.unwrap().unwrap()
        };
        let approved = scope("openid email");
        let consent =
            Consent { user: bob.id, client: world.client.clone(), scope: approved.clone(), given_at: NOW };
        write_tx!(world.store, tenant, |tx| -> Result<(), Fault> {
            tx.insert_user(&bob, &[8; 32]).await?;
            tx.insert_session(&second).await?;
            tx.add_consent(&consent).await?;
            tx.use_session(world.browser, &world.client, world.session, NOW).await
        })
        .unwrap();
        let other: ClientId = "other".parse().unwrap();
        let mut read = world.store.read(tenant);
        let found = read.browser_in_full(Some(HANDLE), &world.client, None).await.unwrap().0.unwrap();
        assert_eq!((found.browser.id, found.last_used), (world.browser, Some(world.session)));
        let [one, two] = found.present.as_slice() else { panic!("{:?}", found.present) };
        assert_eq!((one.session.id, one.user.id, &one.consented), (world.session, world.user, &None));
        assert_eq!((&two.session, &two.user, &two.consented), (&second, &bob, &Some(approved)));
        let to_other = read.browser_in_full(Some(HANDLE), &other, None).await.unwrap().0.unwrap();
        assert_eq!(to_other.last_used, None);
        assert!(to_other.present.iter().all(|it| it.consented.is_none()) && to_other.present.len() == 2);
        let (browser, sessions) = read.browser_with_sessions(HANDLE).await.unwrap().unwrap();
        assert_eq!(browser, found.browser);
        assert_eq!(sessions, [one.session.clone(), second.clone()]);

        write_tx!(world.store, tenant, |tx| -> Result<(), Fault> {
            assert!(tx.withdraw_consent(bob.id, &world.client, NOW).await?);
            let _: store::endings::Ended = tx.end_session(world.session, NOW).await?;
            Ok(())
        })
        .unwrap();
        let left = read.browser_in_full(Some(HANDLE), &world.client, None).await.unwrap().0.unwrap().present;
        assert_eq!(
            left.iter().map(|it| (it.session.id, it.consented.clone())).collect::<Vec<_>>(),
            [(second.id, None)]
        );
        let stranger = testing::add_tenant(&world.store, "stranger").await.unwrap();
        let mut elsewhere = world.store.read(stranger);
        assert_eq!(elsewhere.browser_in_full(Some(HANDLE), &world.client, None).await.unwrap().0, None);
        assert_eq!(elsewhere.browser_with_sessions(HANDLE).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn consents_add_up_until_they_are_withdrawn() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let give = async |text: &str, now| {
            let consent =
                Consent { user: world.user, client: world.client.clone(), scope: scope(text), given_at: now };
            write_tx!(world.store, world.store.tenant, |tx| -> Result<(), Fault> {
                tx.add_consent(&consent).await
            })
            .unwrap();
        };
        let standing = async || {
            world
                .store
                .read(world.store.tenant)
                .consent(world.user, &world.client)
                .await
                .unwrap()
                .map(|it| it.scope)
        };
        assert_eq!(standing().await, None);
        give("openid", NOW).await;
        give("email", later(1)).await;
        assert_eq!(standing().await, Some(scope("openid email")));
        let all = world.store.read(world.store.tenant).consents_of_user(world.user).await.unwrap();
        assert_eq!((all.len(), all[0].given_at), (1, later(1)));
        let (user, client) = (world.user, world.client.clone());
        let withdrawn = wins!(world, |tx| tx.withdraw_consent(user, &client, later(2)));
        assert_eq!((withdrawn, standing().await), (1, None));
        give("phone", later(3)).await;
        assert_eq!(standing().await, Some(scope("phone")));
    }
}

/// What a device asked for, and by what it is found.
struct Television {
    it: DeviceAuthorization,
    code: DeviceCodeHash,
    user_code: UserCodeHash,
}

impl World {
    async fn device(&self) -> Television {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&testing::unique().to_be_bytes());
        let typed = UserCode::new(u128::from(testing::unique()).to_be_bytes());
        let device = Television {
            it: DeviceAuthorization {
                id: DeviceAuthorizationId::new(NOW, testing::id_bits()),
                client: self.client.clone(),
                parameters: Parameters::parse(b"client_id=shop&scope=openid&resource=x&resource=y").unwrap(),
                browser: None,
                flow: None,
                denied_at: None,
                grant: None,
                created_at: NOW,
                expires_at: NOW.plus(limits::DEVICE_CODE_LIFETIME),
            },
            code: DeviceCode::new(random).hash(),
            user_code: UserCodeKey::new(&[1; 32]).hash(&typed),
        };
        assert!(guard!(self, |tx| tx.insert_device(device.code, device.user_code, 5, &device.it)));
        device
    }

    /// A grant of this world's person to its client.
    async fn grant(&self) -> GrantId {
        let grant = Grant {
            id: GrantId::new(NOW, testing::id_bits()),
            client: self.client.clone(),
            user: self.user,
            pairwise_subject: None,
            session: self.session,
            offline: false,
            by_consent: true,
            scope: scope("openid"),
            claims: oidc::claims_request::ClaimsRequest::default(),
            resources: Vec::new(),
            authentication: Authentication { time: NOW, methods: Vec::new(), acr: "1".to_owned() },
            created_at: NOW,
            ended_at: None,
        };
        write_tx!(self.store, self.store.tenant, |tx| -> Result<(), Fault> { tx.insert_grant(&grant).await })
            .unwrap();
        grant.id
    }

    async fn by_user_code(&self, device: &Television) -> Option<DeviceAuthorization> {
        self.store.read(self.store.tenant).device_by_user_code(device.user_code).await.unwrap()
    }

    async fn facts(&self, device: &Television) -> DeviceFacts {
        self.store.read(self.store.tenant).device_code(device.code).await.unwrap().unwrap()
    }
}

fn flow_id() -> FlowId {
    FlowId::new(NOW, testing::id_bits())
}

#[tokio::test]
async fn what_a_device_asks_survives_its_row_and_its_codes_are_its_own() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let (one, other) = (world.device().await, world.device().await);
        assert_eq!(world.by_user_code(&one).await.as_ref(), Some(&one.it));
        let facts = world.facts(&one).await;
        assert_eq!((&facts.issued.id, &facts.issued.client), (&one.it.id, &world.client));
        assert_eq!(
            (facts.issued.interval, facts.issued.polled_at, facts.answer),
            (5, None, DeviceAnswer::Pending)
        );
        let again = DeviceAuthorization {
            id: DeviceAuthorizationId::new(NOW, testing::id_bits()),
            ..other.it.clone()
        };
        let fresh = DeviceCode::new([7; 32]).hash();
        assert!(
            !guard!(world, |tx| tx.insert_device(fresh, one.user_code, 5, &again)),
            "its user code is taken"
        );
        write_tx!(world.store, world.store.tenant, |tx| -> Result<(), Fault> {
            tx.note_device_poll(one.code, 10, later(3)).await
        })
        .unwrap();
        let issued = world.facts(&one).await.issued;
        assert_eq!((issued.interval, issued.polled_at), (10, Some(later(3))));
        assert_eq!(world.facts(&other).await.issued.polled_at, None);
        let elsewhere = testing::add_tenant(&world.store, "elsewhere").await.unwrap();
        let mut read = world.store.read(elsewhere);
        assert_eq!(read.device_by_user_code(one.user_code).await.unwrap(), None);
        assert_eq!(read.device_code(one.code).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_browsers_one_answers_a_device_and_it_is_answered_and_fetched_once() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let device = world.device().await;
        let id = device.it.id;
        assert_eq!(
            wins!(world, |tx| tx.claim_device(id, BrowserId::new(NOW, testing::id_bits()), flow_id(), NOW)),
            1
        );
        let claimed = world.by_user_code(&device).await.unwrap();
        let (browser, first) = (claimed.browser.unwrap(), claimed.flow.unwrap());
        // In its own browser the person may begin anew; what they began before leads nowhere then.
        let flow = flow_id();
        assert!(guard!(world, |tx| tx.claim_device(id, browser, flow, NOW)));
        let grant = world.grant().await;
        assert!(!guard!(world, |tx| tx.approve_device(id, first, grant, NOW)));
        assert!(!guard!(world, |tx| tx.deny_device(id, first, NOW)));
        assert!(!guard!(world, |tx| tx.spend_device_code(device.code, NOW)), "nobody allowed it");
        assert_eq!(wins!(world, |tx| tx.approve_device(id, flow, grant, NOW)), 1);
        assert!(!guard!(world, |tx| tx.deny_device(id, flow, NOW)));
        assert!(!guard!(world, |tx| tx.claim_device(id, browser, flow_id(), NOW)));
        let DeviceAnswer::Approved { grant: found, .. } = world.facts(&device).await.answer else { panic!() };
        assert_eq!(found.id, grant);
        let late = device.it.expires_at;
        assert!(!guard!(world, |tx| tx.spend_device_code(device.code, late)));
        assert_eq!(wins!(world, |tx| tx.spend_device_code(device.code, later(1))), 1);
        assert_eq!(world.facts(&device).await.issued.redeemed_at, Some(later(1)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_device_that_was_refused_stays_refused_and_one_that_expired_is_not_answered() {
    for store in testing::engines().await {
        let world = World::make(store).await;
        let device = world.device().await;
        let (id, flow, browser) = (device.it.id, flow_id(), world.browser);
        let late = device.it.expires_at;
        assert!(!guard!(world, |tx| tx.claim_device(id, browser, flow, late)));
        assert!(guard!(world, |tx| tx.claim_device(id, browser, flow, NOW)));
        let grant = world.grant().await;
        assert!(!guard!(world, |tx| tx.approve_device(id, flow, grant, late)));
        assert!(!guard!(world, |tx| tx.deny_device(id, flow, late)));
        assert_eq!(wins!(world, |tx| tx.deny_device(id, flow, NOW)), 1);
        assert!(!guard!(world, |tx| tx.approve_device(id, flow, grant, NOW)));
        assert_eq!(world.facts(&device).await.answer, DeviceAnswer::Denied);
        let day = std::time::Duration::from_hours(24);
        for (at, kept) in [(late, true), (late.plus(day), false)] {
            world.store.sweep(world.store.tenant, at).await.unwrap();
            assert_eq!(world.by_user_code(&device).await.is_some(), kept);
        }
    }
}
