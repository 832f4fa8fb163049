//! What people do with their own account: round trips of every verb, and races on what may happen once.

#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::time::Duration;

use identity::account::EmailAddition;
use identity::{
    Actor, BrowserRecord, Device, Event, EventKind, Factor, FactorMethod, Profile, Session, User, UserEmail,
};
use oidc::grant::{Authentication, Grant};
use store::endings::Ended;
use store::testing::{self, NOW, TestStore};
use store::{Fault, write_tx};
use terms::{
    BrowserHandleHash, BrowserId, ClientId, EmailAdditionId, EmailAddress, EventId, GrantId, SessionId,
    Timestamp, UserId, limits,
};

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn id<T>(new: fn(Timestamp, [u8; 10]) -> T) -> T {
    new(NOW, testing::id_bits())
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn email(text: &str, is_primary: bool) -> UserEmail {
    UserEmail { address: address(text), verified_at: Some(NOW), is_primary }
}

/// A person with two addresses and two sessions.
struct Scene {
    store: TestStore,
    user: User,
    sessions: [Session; 2],
}

async fn scenes() -> Vec<Scene> {
    let mut scenes = Vec::new();
    for store in testing::engines().await {
        let user = User {
            id: id(UserId::new),
            subject: "ada".parse().unwrap(),
            emails: vec![email("a@x.test", true), email("b@x.test", false)],
            profile: Profile::default(),
            created_at: NOW,
            updated_at: NOW,
            disabled_at: None,
            language: None,
            username: None,
        };
        let browser = BrowserRecord {
            id: id(BrowserId::new),
            handle_hash: BrowserHandleHash::from_bytes([7; 32]),
            previous_handle_hash: None,
            rotated_at: NOW,
            created_at: NOW,
            last_seen_at: NOW,
        };
        let session = || Session {
            id: id(SessionId::new),
            browser_id: browser.id,
            user_id: user.id,
            factors: vec![Factor { method: FactorMethod::Password, verified_at: NOW }],
            created_at: NOW,
            last_active_at: NOW,
            expires_at: later(100_000),
            ended_at: None,
            device: Device::default(),
        };
        let sessions = [session(), session()];
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            assert!(tx.insert_user(&user, &[7; 32]).await?);
            tx.insert_browser(&browser).await?;
            for session in &sessions {
                tx.insert_session(session).await?;
            }
            Ok(())
        })
        .unwrap();
        scenes.push(Scene { store, user, sessions });
    }
    scenes
}

impl Scene {
    fn grant(&self, client: &str, session: usize, offline: bool) -> Grant {
        Grant {
            id: id(GrantId::new),
            client: client.parse().unwrap(),
            user: self.user.id,
            pairwise_subject: None,
            session: self.sessions[session].id,
            offline,
            by_consent: false,
            scope: "openid".parse().unwrap(),
            claims: oidc::claims_request::ClaimsRequest::default(),
            resources: Vec::new(),
            authentication: Authentication {
                time: NOW,
                methods: vec!["pwd".to_owned()],
                acr: "1".to_owned(),
            },
            created_at: NOW,
            ended_at: None,
        }
    }

    async fn add_grant(&self, client: &str, session: usize, offline: bool) -> GrantId {
        let grant = self.grant(client, session, offline);
        let store = &self.store;
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.insert_grant(&grant).await }).unwrap();
        grant.id
    }

    async fn live(&self, now: Timestamp) -> Vec<(String, bool)> {
        let found = self.store.read(self.store.tenant).connections(self.user.id, now).await.unwrap();
        found.into_iter().map(|it| (it.client.to_string(), it.offline)).collect()
    }

    async fn emails(&self) -> Vec<(String, bool)> {
        let user = self.store.read(self.store.tenant).user(self.user.id).await.unwrap().unwrap();
        let pair = |it: &UserEmail| (it.address.as_written().to_owned(), it.is_primary);
        user.emails.iter().map(pair).collect()
    }
}

/// Runs the same thing eight times at once and counts how often it said yes.
macro_rules! wins {
    ($store:expr, |$tx:ident| $body:expr) => {{
        let once =
            || async { write_tx!($store, $store.tenant, |$tx| -> Result<bool, Fault> { $body }).unwrap() };
        let results = tokio::join!(once(), once(), once(), once(), once(), once(), once(), once());
        let results =
            [results.0, results.1, results.2, results.3, results.4, results.5, results.6, results.7];
        results.into_iter().filter(|won| *won).count()
    }};
}

#[tokio::test]
async fn an_addition_comes_back_is_counted_and_completed_once() {
    for scene in scenes().await {
        let store = &scene.store;
        let addition = EmailAddition {
            id: id(EmailAdditionId::new),
            user_id: scene.user.id,
            session_id: scene.sessions[0].id,
            address: address("New@x.test"),
            created_at: NOW,
            expires_at: later(100),
            completed_at: None,
        };
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_email_addition(&addition).await
        })
        .unwrap();
        let mut read = store.read(store.tenant);
        assert_eq!(read.email_addition(addition.id).await.unwrap().as_ref(), Some(&addition));
        let before = NOW.minus(Duration::from_secs(1));
        assert_eq!(read.email_additions_since(scene.user.id, before).await.unwrap(), 1);
        assert_eq!(read.email_additions_since(scene.user.id, NOW).await.unwrap(), 0);
        let late = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.complete_email_addition(addition.id, later(100)).await
        });
        assert!(!late.unwrap(), "an expired addition was completed");
        assert_eq!(wins!(store, |tx| tx.complete_email_addition(addition.id, later(1)).await), 1);
        let other = testing::add_tenant(store, "other").await.unwrap();
        assert_eq!(store.read(other).email_addition(addition.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn one_address_is_primary_and_only_another_is_removed() {
    for scene in scenes().await {
        let store = &scene.store;
        let (a, b) = (address("a@x.test"), address("b@x.test"));
        let user = scene.user.id;
        let remove = async |address: &EmailAddress| {
            write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
                tx.remove_email(user, address.canonical()).await
            })
            .unwrap()
        };
        assert!(!remove(&a).await, "the primary address was removed");
        let promoted = wins!(store, |tx| tx.change_primary_email(user, b.canonical(), later(9)).await);
        assert_eq!(promoted, 1);
        assert_eq!(scene.emails().await, [("a@x.test".to_owned(), false), ("b@x.test".to_owned(), true)]);
        let stored = store.read(store.tenant).user(user).await.unwrap().unwrap();
        assert_eq!(stored.updated_at, later(9));
        assert!(!remove(&b).await && remove(&a).await && !remove(&a).await);
        let missing = write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            let changed = tx.change_primary_email(user, a.canonical(), later(9)).await?;
            if changed { Ok(()) } else { Err(Fault::new("change an address")) }
        });
        assert!(missing.is_err());
        assert_eq!(
            scene.emails().await,
            [("b@x.test".to_owned(), true)],
            "a refused change left no primary address"
        );
        let unverified = UserEmail { verified_at: None, ..email("c@x.test", false) };
        let promoted = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.insert_email(user, &unverified).await?;
            tx.set_disabled(user, None).await?;
            tx.touch_user(user, later(10)).await
        });
        assert!(promoted.unwrap());
        let refused = write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            let changed = tx.change_primary_email(user, unverified.address.canonical(), NOW).await?;
            if changed { Ok(()) } else { Err(Fault::new("change an address")) }
        });
        assert!(refused.is_err(), "an address that nobody verified became primary");
    }
}

#[tokio::test]
async fn sessions_end_for_their_own_user_only() {
    for scene in scenes().await {
        let store = &scene.store;
        let [one, two] = [scene.sessions[0].id, scene.sessions[1].id];
        let stranger = id(UserId::new);
        let foreign = write_tx!(store, store.tenant, |tx| -> Result<(bool, usize), Fault> {
            let ended = tx.end_session_of(stranger, one, NOW).await?;
            Ok((ended.is_any(), tx.end_other_sessions_of_user(stranger, one, NOW).await?.sessions.len()))
        });
        assert_eq!(foreign.unwrap(), (false, 0));
        let ended = write_tx!(store, store.tenant, |tx| -> Result<Ended, Fault> {
            tx.end_other_sessions_of_user(scene.user.id, one, later(3)).await
        });
        assert_eq!(ended.unwrap().sessions.iter().map(|it| it.id).collect::<Vec<_>>(), [two]);
        assert_eq!(wins!(store, |tx| Ok(tx.end_session_of(scene.user.id, one, later(4)).await?.is_any())), 1);
        let all = store.read(store.tenant).all_sessions_of_user(scene.user.id).await.unwrap();
        let ends: Vec<_> = all.iter().map(|it| it.ended_at).collect();
        assert_eq!(
            (ends.len(), ends.contains(&Some(later(3))), ends.contains(&Some(later(4)))),
            (2, true, true)
        );
    }
}

#[tokio::test]
async fn grants_are_told_and_end_by_client_by_session_and_all() {
    for scene in scenes().await {
        let store = &scene.store;
        let user = scene.user.id;
        let web = scene.add_grant("cli_web", 0, false).await;
        let app = scene.add_grant("cli_app", 1, true).await;
        scene.add_grant("cli_web", 1, false).await;
        let told = |pairs: &[(&str, bool)]| {
            pairs.iter().map(|(client, offline)| ((*client).to_owned(), *offline)).collect::<Vec<_>>()
        };
        assert_eq!(scene.live(later(1)).await, told(&[("cli_app", true), ("cli_web", false)]));
        let idle = NOW.plus(limits::SESSION_IDLE);
        assert_eq!(scene.live(idle).await, told(&[("cli_app", true)]), "an idle session's grants live");
        let mut read = store.read(store.tenant);
        let all = read.grants_of_user(user, None, 2).await.unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(read.grants_of_user(user, Some(all[1].id), 2).await.unwrap().len(), 1);
        assert_eq!(read.grants_of_user(id(UserId::new), None, 9).await.unwrap(), []);
        let counts = write_tx!(store, store.tenant, |tx| -> Result<[u64; 4], Fault> {
            let client: ClientId = "cli_web".parse().map_err(|_| Fault::new("name a client"))?;
            let others = tx.end_other_grants_of_user(user, scene.sessions[0].id, later(1)).await?;
            let again = tx.end_grants_to_client(user, &client, later(2)).await?;
            let rest = tx.end_grants_of_user(user, later(3)).await?;
            Ok([others, again, rest, tx.end_grants_of_user(user, later(3)).await?])
        });
        assert_eq!(counts.unwrap(), [2, 1, 0, 0]);
        let end = async |grant| store.read(store.tenant).grant(grant).await.unwrap().unwrap().grant.ended_at;
        assert_eq!((end(app).await, end(web).await), (Some(later(1)), Some(later(2))));
        assert_eq!(scene.live(later(5)).await, []);
    }
}

#[tokio::test]
async fn events_that_a_user_caused_and_those_about_them_are_theirs() {
    for scene in scenes().await {
        let store = &scene.store;
        let user = scene.user.id;
        let event = |actor| Event::new(id(EventId::new), EventKind::UserUpdated, actor, NOW);
        let (own, about) = (event(Actor::User(user)).about("ses_x"), event(Actor::Operator).about(user));
        let foreign = event(Actor::User(id(UserId::new))).about("ses_y");
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            for event in [&own, &about, &foreign] {
                tx.append_event(event).await?;
            }
            Ok(())
        })
        .unwrap();
        let mut read = store.read(store.tenant);
        let first = read.events_of_user(user, None, 1).await.unwrap();
        let rest = read.events_of_user(user, Some(first[0].id), 9).await.unwrap();
        let mut found: Vec<_> = first.iter().chain(&rest).map(|it| it.id).collect();
        found.sort();
        let mut wanted = vec![own.id, about.id];
        wanted.sort();
        assert_eq!(found, wanted);
    }
}

#[tokio::test]
async fn a_deleted_account_leaves_ended_grants_and_a_subject_that_nobody_gets_again() {
    for scene in scenes().await {
        let store = &scene.store;
        let grant = scene.add_grant("cli_app", 0, true).await;
        assert_eq!(wins!(store, |tx| Ok(tx.delete_account(&scene.user, None, later(1)).await?.is_some())), 1);
        let mut read = store.read(store.tenant);
        assert_eq!(read.user(scene.user.id).await.unwrap(), None);
        assert_eq!(read.all_sessions_of_user(scene.user.id).await.unwrap(), []);
        assert_eq!(read.grant(grant).await.unwrap().unwrap().grant.ended_at, Some(later(1)));
        assert!(read.is_retired(&scene.user.subject).await.unwrap());
        let again = User { id: id(UserId::new), ..scene.user.clone() };
        let renamed = User { subject: "ada-2".parse().unwrap(), ..again.clone() };
        let made = write_tx!(store, store.tenant, |tx| -> Result<(bool, bool), Fault> {
            Ok((tx.insert_user(&again, &[8; 32]).await?, tx.insert_user(&renamed, &[9; 32]).await?))
        });
        assert_eq!(made.unwrap(), (false, true), "the subject, then the addresses");
        let other = testing::add_tenant(store, "other").await.unwrap();
        assert!(!store.read(other).is_retired(&scene.user.subject).await.unwrap());
    }
}
