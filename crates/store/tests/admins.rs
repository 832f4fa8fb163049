//! Administrators, their links, the search for users, and events by whom and about whom.
#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::time::Duration;

use identity::tenant_admin::AdminLink;
use identity::{Actor, Event, EventKind, Profile, User, UserEmail};
use store::events::EventFilter;
use store::testing::{self, NOW, TestStore, race};
use store::{Fault, write_tx};
use terms::{AdminLinkHash, AdminLinkId, BrowserId, EmailAddress, EventId, Timestamp, UserId, limits};

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

async fn add_user(store: &TestStore, email: &str, name: Option<&str>) -> User {
    let id = UserId::new(NOW, testing::id_bits());
    let user = User {
        id,
        subject: id.to_string().parse().unwrap(),
        emails: vec![UserEmail {
            address: EmailAddress::parse(email).unwrap(),
            verified_at: Some(NOW),
            is_primary: true,
        }],
        profile: Profile { name: name.map(str::to_owned), ..Profile::default() },
        created_at: NOW,
        updated_at: NOW,
        language: None,
        username: None,
        disabled_at: None,
    };
    let mut handle = [0; 32];
    handle[..10].copy_from_slice(&testing::id_bits());
    let made =
        write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> { tx.insert_user(&user, &handle).await });
    assert!(made.unwrap());
    user
}

#[tokio::test]
async fn the_role_is_given_and_taken_once_and_goes_with_the_user() {
    for store in testing::engines().await {
        let ada = add_user(&store, "ada@x.test", None).await;
        let (first, again) = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            Ok((tx.grant_admin(ada.id, NOW).await?, tx.grant_admin(ada.id, later(1)).await?))
        })
        .unwrap();
        assert_eq!((first, again), (true, false));
        let role = store.read(store.tenant).admin_role(ada.id).await.unwrap().unwrap();
        assert_eq!((role.tenant_id, role.user_id, role.granted_at), (store.tenant, ada.id, NOW));
        let other = testing::add_tenant(&store, "other").await.unwrap();
        assert_eq!(store.read(other).admin_role(ada.id).await.unwrap(), None);
        let foreign =
            write_tx!(store, other, |tx| -> Result<_, Fault> { tx.withdraw_admin(ada.id, NOW).await });
        assert!(!foreign.unwrap(), "taken by another tenant");
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.delete_user(ada.id, NOW).await })
            .unwrap();
        assert!(store.read(store.tenant).admin_roles().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn of_many_who_open_a_link_at_once_one_gets_in() {
    for store in testing::engines().await {
        let ada = add_user(&store, "ada@x.test", None).await;
        let hash = AdminLinkHash::from_bytes([7; 32]);
        let link = AdminLink::new(AdminLinkId::new(NOW, testing::id_bits()), ada.id, NOW);
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.replace_admin_link(hash, &link).await
        })
        .unwrap();
        let other = testing::add_tenant(&store, "other").await.unwrap();
        let spend = |tenant, at| {
            let store = store.store.clone();
            async move {
                write_tx!(store, tenant, |tx| -> Result<_, Fault> { tx.spend_admin_link(hash, at).await })
                    .unwrap()
            }
        };
        assert_eq!(spend(other, NOW).await, None, "by another tenant");
        assert_eq!(spend(store.tenant, NOW.plus(limits::ADMIN_LINK_LIFETIME)).await, None, "too late");
        let winners = race(8, |_| spend(store.tenant, later(1))).await;
        let won: Vec<_> = winners.into_iter().flatten().collect();
        assert_eq!(won.len(), 1);
        assert_eq!(won[0].0, link);
    }
}

#[tokio::test]
async fn a_new_link_and_a_withdrawn_role_end_the_links_before() {
    for store in testing::engines().await {
        let ada = add_user(&store, "ada@x.test", None).await;
        let put = async |byte: u8| {
            let link = AdminLink::new(AdminLinkId::new(NOW, testing::id_bits()), ada.id, NOW);
            let hash = AdminLinkHash::from_bytes([byte; 32]);
            write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
                tx.replace_admin_link(hash, &link).await
            })
            .unwrap();
            hash
        };
        let spend = async |hash| {
            let spent = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
                tx.spend_admin_link(hash, NOW).await
            });
            spent.unwrap().is_some()
        };
        let (first, second) = (put(1).await, put(2).await);
        assert!(!spend(first).await && spend(second).await);
        let third = put(3).await;
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.withdraw_admin(ada.id, NOW).await })
            .unwrap();
        assert!(!spend(third).await);
    }
}

#[tokio::test]
async fn users_are_found_by_the_beginning_of_an_address_or_a_name_page_by_page() {
    for store in testing::engines().await {
        let anna = add_user(&store, "anna@x.test", Some("\u{17b}aneta Annand")).await;
        let bob = add_user(&store, "bob@x.test", Some("Bob Anders")).await;
        let odd = add_user(&store, "zoe@x.test", Some("100% _under")).await;
        let other = testing::add_tenant(&store, "other").await.unwrap();
        let found = async |text: &str| {
            let mut users = Vec::new();
            let mut after = None;
            loop {
                let page = store.read(store.tenant).users_found(text, after.as_ref(), 1).await.unwrap();
                let Some(last) = page.last() else { break };
                users.push(last.user);
                after = Some(last.clone());
            }
            users.sort_unstable();
            users.dedup();
            users
        };
        assert_eq!(found("ANN").await, [anna.id]);
        assert_eq!(found("an").await, [anna.id, bob.id]);
        assert_eq!(found("\u{17c}aneta a").await, [anna.id]);
        assert_eq!(found("bob@").await, [bob.id]);
        for nothing in ["%", "x.test", "_", "'", "\\"] {
            assert_eq!(found(nothing).await, if nothing == "_" { vec![odd.id] } else { vec![] }, "{nothing}");
        }
        assert!(store.read(other).users_found("an", None, 10).await.unwrap().is_empty());
        let profile = Profile { name: Some("Carol".to_owned()), ..Profile::default() };
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            tx.set_profile(bob.id, &profile, NOW).await
        })
        .unwrap();
        assert_eq!(found("bob").await, [bob.id], "by the address");
        assert_eq!(found("carol").await, [bob.id]);
        assert!(found("anders").await.is_empty(), "the name before is forgotten");
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.delete_user(bob.id, NOW).await })
            .unwrap();
        assert!(found("carol").await.is_empty() && found("bob").await.is_empty());
    }
}

#[tokio::test]
async fn events_are_found_by_kind_by_whom_about_whom_and_by_time() {
    for store in testing::engines().await {
        let [ada, bob] = [1, 2].map(|number| UserId::new(NOW, [number; 10]));
        let event = |second, kind, actor, about: UserId| {
            let at = later(second);
            Event::new(EventId::new(at, testing::id_bits()), kind, actor, at).about(about)
        };
        let all = [
            event(1, EventKind::UserCreated, Actor::Operator, ada),
            event(2, EventKind::SignInCompleted, Actor::User(ada), ada),
            event(3, EventKind::UserDisabled, Actor::User(ada), bob),
            event(4, EventKind::UserCreated, Actor::User(bob), bob),
        ];
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            for event in &all {
                tx.append_event(event).await?;
            }
            Ok(())
        })
        .unwrap();
        let found = async |filter: EventFilter, most| {
            let events = store.read(store.tenant).events_where(&filter, most).await.unwrap();
            events.iter().map(|it| all.iter().position(|other| other == it).unwrap()).collect::<Vec<_>>()
        };
        let none = EventFilter::default;
        let about = |user: UserId| EventFilter { about: Some(user.to_string()), ..none() };
        assert_eq!(found(none(), 3).await, [3, 2, 1]);
        assert_eq!(found(EventFilter { before: Some(all[1].id), ..none() }, 3).await, [0]);
        assert_eq!(found(EventFilter { kind: Some(EventKind::UserCreated), ..none() }, 9).await, [3, 0]);
        assert_eq!(found(about(ada), 9).await, [2, 1, 0]);
        assert_eq!(found(about(bob), 9).await, [3, 2]);
        assert_eq!(found(about(ada), 2).await, [2, 1]);
        let kind = Some(EventKind::UserCreated);
        assert_eq!(found(EventFilter { kind, ..about(bob) }, 9).await, [3]);
        let (since, until) = (Some(later(2)), Some(later(4)));
        assert_eq!(found(EventFilter { since, until, ..none() }, 9).await, [2, 1]);
        assert_eq!(found(EventFilter { since, ..about(ada) }, 9).await, [2, 1]);
        let other = testing::add_tenant(&store, "other").await.unwrap();
        assert!(store.read(other).events_where(&about(ada), 9).await.unwrap().is_empty());
        assert_eq!(store.read(other).event(all[0].id).await.unwrap(), None);
        assert_eq!(store.read(store.tenant).event(all[0].id).await.unwrap().as_ref(), Some(&all[0]));
    }
}

#[tokio::test]
async fn with_a_user_go_the_addresses_from_which_they_acted_and_no_others() {
    for store in testing::engines().await {
        let ada = add_user(&store, "ada@x.test", None).await;
        let other = UserId::new(NOW, testing::id_bits());
        let event = |actor| {
            let event = Event::new(EventId::new(NOW, testing::id_bits()), EventKind::UserUpdated, actor, NOW);
            event.about(ada.id).from_address("192.0.2.1".parse().unwrap())
        };
        let (own, others) = (event(Actor::User(ada.id)), event(Actor::User(other)));
        let stranger = event(Actor::Browser(BrowserId::new(NOW, testing::id_bits())));
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            for event in [&own, &others, &stranger] {
                tx.append_event(event).await?;
            }
            Ok(())
        })
        .unwrap();
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.delete_user(ada.id, NOW).await })
            .unwrap();
        let mut read = store.read(store.tenant);
        assert_eq!(read.event(own.id).await.unwrap(), Some(Event { address: None, ..own }));
        assert_eq!(read.event(others.id).await.unwrap().as_ref(), Some(&others));
        assert_eq!(read.event(stranger.id).await.unwrap().as_ref(), Some(&stranger));
    }
}
