//! What is taken away when its time is over, and what is not.
#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::collections::BTreeSet;
use std::time::Duration;

use identity::{
    Actor, BrowserRecord, Device, Event, EventKind, Factor, FactorMethod, Profile, Session, User,
};
use oidc::jose::{Algorithm, KeyLife};
use store::signing_keys::SigningKeyRecord;
use store::sweep::SWEPT;
use store::testing::{self, NOW, TestStore};
use store::{EngineKind, Fault, write_tx};
use terms::{BrowserHandleHash, BrowserId, EventId, SessionId, SigningKeyId, Timestamp, UserId, limits};

const DAY: Duration = Duration::from_hours(24);

/// Why the rows of a table are not swept.
enum Why {
    /// They go with the row of that table which they belong to.
    With(&'static str),
    /// They stay until somebody takes them away, or for good.
    Kept(&'static str),
}

const UNSWEPT: &[(&str, Why)] = &[
    ("schema_migration", Why::Kept("the books of the schema")),
    ("tenant", Why::Kept("until an operator takes it away")),
    ("tenant_host", Why::Kept("with its tenant")),
    ("tenant_logo", Why::Kept("one per tenant")),
    ("tenant_sweep", Why::Kept("one row per tenant")),
    ("pairwise_salt", Why::Kept("one per tenant; clients know people by it")),
    ("user_account", Why::Kept("until the person or an administrator deletes it")),
    ("user_email", Why::With("user_account")),
    ("user_username", Why::With("user_account")),
    ("user_search", Why::With("user_account")),
    ("password", Why::With("user_account")),
    ("tenant_admin", Why::With("user_account")),
    ("retired_subject", Why::Kept("a name is never given out again")),
    ("retired_username", Why::Kept("a name is never given out again")),
    (
        "client",
        Why::Kept(
            "until an administrator deletes it; those that registered themselves: `server/src/registration.rs`",
        ),
    ),
    ("resource_server", Why::Kept("until an administrator deletes it")),
    ("consent", Why::With("user_account")),
    ("session_client", Why::With("session")),
    ("refresh_token", Why::With("grant_record")),
];

/// A new table must be swept (`store/src/sweep.rs`), or say here why it needn't.
#[tokio::test]
async fn every_table_is_swept_or_says_why_not() {
    for store in testing::engines().await {
        let (tables, cascades) = match store.kind() {
            EngineKind::Sqlite => (
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                "SELECT m.name || ' ' || f.\"table\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
                  WHERE m.type = 'table' AND f.on_delete = 'CASCADE'",
            ),
            EngineKind::Postgres => (
                "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = current_schema()",
                "SELECT t.relname || ' ' || r.relname FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
                   JOIN pg_class r ON r.oid = c.confrelid
                  WHERE c.contype = 'f' AND c.confdeltype = 'c' AND t.relnamespace = current_schema()::regnamespace",
            ),
        };
        let tables: BTreeSet<String> = testing::texts(&store.database, tables).await.into_iter().collect();
        let cascades: BTreeSet<String> =
            testing::texts(&store.database, cascades).await.into_iter().collect();
        assert!(tables.len() > 20, "{tables:?}");
        for table in &tables {
            let swept = SWEPT.contains(&table.as_str());
            let why = UNSWEPT.iter().find(|(name, _)| name == table).map(|(_, why)| why);
            assert!(swept || why.is_some(), "{table} grows without end");
            assert!(!(swept && why.is_some()), "{table} is swept, and is said not to be");
            match why {
                Some(Why::With(owner)) => {
                    assert!(
                        cascades.contains(&format!("{table} {owner}")),
                        "{table} doesn't go with {owner}"
                    );
                }
                Some(Why::Kept(why)) => assert!(!why.is_empty()),
                None => {}
            }
        }
        for named in SWEPT.iter().chain(UNSWEPT.iter().map(|(name, _)| name)) {
            assert!(tables.contains(*named), "there is no table {named}");
        }
    }
}

async fn user(store: &TestStore) -> UserId {
    let id = UserId::new(NOW, testing::id_bits());
    let user = User {
        id,
        subject: format!("subject{}", testing::unique()).parse().unwrap(),
        emails: Vec::new(),
        profile: Profile::default(),
        created_at: NOW,
        updated_at: NOW,
        disabled_at: None,
        language: None,
        username: None,
    };
    let webauthn = [u8::try_from(testing::unique() % 256).unwrap(); 32];
    write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> { tx.insert_user(&user, &webauthn).await })
        .unwrap();
    id
}

async fn browser(store: &TestStore, seen: Timestamp) -> BrowserId {
    let id = BrowserId::new(NOW, testing::id_bits());
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&testing::unique().to_be_bytes());
    let browser = BrowserRecord {
        id,
        handle_hash: BrowserHandleHash::from_bytes(hash),
        previous_handle_hash: None,
        rotated_at: NOW,
        created_at: NOW,
        last_seen_at: seen,
    };
    write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.insert_browser(&browser).await }).unwrap();
    id
}

async fn session(store: &TestStore, change: impl FnOnce(&mut Session)) -> SessionId {
    let mut session = Session {
        id: SessionId::new(NOW, testing::id_bits()),
        browser_id: browser(store, NOW.plus(DAY * 365)).await,
        user_id: user(store).await,
        factors: vec![Factor { method: FactorMethod::Password, verified_at: NOW }],
        created_at: NOW,
        last_active_at: NOW.plus(DAY * 365),
        expires_at: NOW.plus(DAY * 365),
        ended_at: None,
        device: Device::default(),
    };
    change(&mut session);
    write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.insert_session(&session).await }).unwrap();
    session.id
}

/// How many rows go at each of these instants.
async fn swept(store: &TestStore, at: &[Timestamp]) -> Vec<u64> {
    let mut counts = Vec::new();
    for at in at {
        counts.push(store.sweep(store.tenant, *at).await.unwrap());
    }
    counts
}

#[tokio::test]
async fn ended_and_idle_sessions_go_long_before_their_longest_life() {
    for store in testing::engines().await {
        let ended = session(&store, |it| it.ended_at = Some(NOW)).await;
        let idle = session(&store, |it| it.last_active_at = NOW).await;
        let live = session(&store, |_| ()).await;
        let just = Duration::from_millis(1);
        let idle_end = NOW.plus(limits::SESSION_IDLE).plus(DAY);
        let at = [NOW.plus(DAY).minus(just), NOW.plus(DAY), idle_end.minus(just), idle_end];
        assert_eq!(swept(&store, &at).await, [0, 1, 0, 1]);
        let mut read = store.read(store.tenant);
        assert!(read.session(ended).await.unwrap().is_none() && read.session(idle).await.unwrap().is_none());
        assert!(read.session(live).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_browser_that_others_use_forgets_who_comes_no_more() {
    for store in testing::engines().await {
        let (ada, bob, browser) =
            (user(&store).await, user(&store).await, browser(&store, NOW.plus(DAY * 365)).await);
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.know_browser(ada, browser, NOW).await?;
            tx.know_browser(bob, browser, NOW.plus(DAY)).await?;
            Ok(())
        })
        .unwrap();
        assert_eq!(
            swept(&store, &[NOW.plus(DAY * 90).minus(Duration::from_millis(1)), NOW.plus(DAY * 90)]).await,
            [0, 1]
        );
        let mut read = store.read(store.tenant);
        assert!(read.known_browser(ada, browser).await.unwrap().is_none());
        assert!(read.known_browser(bob, browser).await.unwrap().is_some());
    }
}

fn signing_key(change: impl FnOnce(&mut KeyLife)) -> SigningKeyRecord {
    let mut life = KeyLife::active(NOW);
    change(&mut life);
    SigningKeyRecord {
        id: SigningKeyId::new(NOW, testing::id_bits()),
        algorithm: Algorithm::Es256,
        public_jwk: serde_json::json!({}),
        sealed_private: vec![1],
        life,
    }
}

#[tokio::test]
async fn keys_that_verify_nothing_any_more_go_with_their_private_halves() {
    for store in testing::engines().await {
        let keys = [
            signing_key(|_| ()),
            signing_key(|life| life.retired_at = Some(NOW)),
            signing_key(|life| life.revoked_at = Some(NOW.plus(DAY))),
        ];
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            for key in &keys {
                tx.insert_signing_key(key).await?;
            }
            Ok(())
        })
        .unwrap();
        let end = NOW.plus(limits::SESSION_LIFETIME).plus(DAY * 90);
        assert_eq!(
            swept(&store, &[end.minus(Duration::from_millis(1)), end, end.plus(DAY)]).await,
            [0, 1, 1]
        );
        let left = store.read(store.tenant).signing_keys().await.unwrap();
        assert_eq!(left.iter().map(|key| key.id).collect::<Vec<_>>(), [keys[0].id]);
    }
}

async fn events(store: &TestStore, at: Timestamp, count: usize) {
    let events: Vec<Event> = (0..count)
        .map(|_| Event::new(EventId::new(at, testing::id_bits()), EventKind::UserCreated, Actor::System, at))
        .collect();
    write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
        for event in &events {
            tx.append_event(event).await?;
        }
        Ok(())
    })
    .unwrap();
}

#[tokio::test]
async fn events_go_when_somebody_keeps_them_no_longer_and_of_one_tenant_only() {
    for store in testing::engines().await {
        let other = testing::add_tenant(&store, "other").await.unwrap();
        events(&store, NOW, 450).await;
        events(&store, NOW.plus(Duration::from_millis(1)), 2).await;
        assert_eq!(store.sweep(store.tenant, NOW.plus(DAY * 4000)).await.unwrap(), 0, "nobody said how long");
        assert_eq!(store.sweep_events(other, NOW.plus(DAY)).await.unwrap(), 0);
        assert_eq!(store.sweep_events(store.tenant, NOW).await.unwrap(), 0);
        assert_eq!(store.sweep_events(store.tenant, NOW.plus(Duration::from_millis(1))).await.unwrap(), 450);
        assert_eq!(store.read(store.tenant).events(1000).await.unwrap().len(), 2);
    }
}

/// However much there is to take away, others write meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backlog_does_not_hold_the_writer() {
    for store in testing::engines().await {
        events(&store, NOW, 4000).await;
        let sweeping = store.store.clone();
        let tenant = store.tenant;
        let sweep = tokio::spawn(async move { sweeping.sweep_events(tenant, NOW.plus(DAY)).await.unwrap() });
        let mut written = 0;
        while !sweep.is_finished() {
            write_tx!(store, tenant, |tx| -> Result<(), Fault> { tx.bump_tenant_version().await }).unwrap();
            written += 1;
        }
        assert_eq!(sweep.await.unwrap(), 4000);
        assert!(written >= 5, "{:?}: {written} writes while 20 batches went", store.kind());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_nodes_one_sweeps_a_tenant_and_another_may_later() {
    for store in testing::engines().await {
        let period = Duration::from_mins(10);
        let claims = async |now: Timestamp| {
            let (sharer, tenant) = (store.store.clone(), store.tenant);
            let claims = testing::race(8, move |_| {
                let store = sharer.clone();
                async move {
                    write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
                        tx.claim_sweep(now, now.minus(period)).await
                    })
                }
            });
            claims.await.into_iter().filter(|claim| *claim.as_ref().unwrap()).count()
        };
        let later = NOW.plus(period);
        assert_eq!((claims(NOW).await, claims(NOW).await), (1, 0));
        assert_eq!(claims(later.minus(Duration::from_millis(1))).await, 0);
        assert_eq!((claims(later).await, claims(later).await), (1, 0));
    }
}

#[tokio::test]
async fn only_tenants_that_have_something_to_take_away_are_found() {
    for store in testing::engines().await {
        let other = testing::add_tenant(&store, "other").await.unwrap();
        events(&store, NOW, 1).await;
        let after = NOW.plus(Duration::from_millis(1));
        let found = async |events| store.tenants_to_sweep(NOW.plus(DAY * 4000), events).await.unwrap();
        assert!(found(None).await.is_empty(), "nobody said how long events are kept");
        assert!(found(Some(NOW)).await.is_empty());
        assert_eq!(found(Some(after)).await.into_iter().collect::<Vec<_>>(), [store.tenant]);
        let key = signing_key(|life| life.retired_at = Some(NOW));
        write_tx!(store, other, |tx| -> Result<(), Fault> { tx.insert_signing_key(&key).await }).unwrap();
        assert_eq!(found(None).await.into_iter().collect::<Vec<_>>(), [other]);
        assert!(store.tenants_to_sweep(after, None).await.unwrap().is_empty(), "too early");
        assert_eq!(store.sweep(other, NOW.plus(DAY * 4000)).await.unwrap(), 1);
        assert!(found(None).await.is_empty());
    }
}
