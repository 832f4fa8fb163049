//! Usernames: round trips of every verb, and races for one name.

#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::time::Duration;

use identity::username::{UsernameHash, UsernameKey};
use identity::{Identifier, Profile, User};
use store::testing::{self, NOW, TestStore};
use store::{Fault, write_tx};
use terms::{CanonicalUsername, Timestamp, UserId};

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn name(text: &str) -> CanonicalUsername {
    CanonicalUsername::parse(text).unwrap()
}

fn hash(text: &str) -> UsernameHash {
    UsernameKey::new(&[1; 32]).hash(&name(text))
}

fn user(subject: &str, username: &str) -> User {
    User {
        id: UserId::new(NOW, testing::id_bits()),
        subject: subject.parse().unwrap(),
        username: Some(name(username)),
        emails: Vec::new(),
        profile: Profile::default(),
        created_at: NOW,
        updated_at: NOW,
        disabled_at: None,
        language: None,
    }
}

async fn insert(store: &TestStore, user: &User) -> bool {
    let handle = testing::id_bits().repeat(4)[..32].try_into().unwrap();
    write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> { tx.insert_user(user, &handle).await })
        .unwrap()
}

#[tokio::test]
async fn a_user_is_found_by_their_name_and_nobody_gets_one_that_looks_like_it() {
    for store in testing::engines().await {
        let ada = user("ada", "ada1");
        assert!(insert(&store, &ada).await);
        let mut read = store.read(store.tenant);
        assert_eq!(read.user_by_username(&name("ADA1")).await.unwrap().as_ref(), Some(&ada));
        let typed: Identifier = "Ada1".parse().unwrap();
        assert_eq!(read.user_by_identifier(&typed).await.unwrap().as_ref(), Some(&ada));
        assert_eq!(read.user(ada.id).await.unwrap().as_ref(), Some(&ada));
        assert_eq!(read.users_after(None, 10).await.unwrap(), std::slice::from_ref(&ada));
        assert_eq!(
            read.user_by_username(&name("adal")).await.unwrap(),
            None,
            "found by a name that looks like it"
        );
        assert_eq!(read.users_found("ADA", None, 10).await.unwrap()[0].user, ada.id);
        assert_eq!(read.users_found("da", None, 10).await.unwrap(), []);
        let nobody = user("nobody", "other").id;
        for (wanted, free) in [("ada1", false), ("adal", false), ("ada2", true)] {
            assert_eq!(
                read.is_username_free(&name(wanted), hash(wanted), nobody).await.unwrap(),
                free,
                "{wanted}"
            );
            assert!(read.is_username_free(&name(wanted), hash(wanted), ada.id).await.unwrap(), "{wanted}");
        }
        let eve = user("eve", "adal");
        assert!(!insert(&store, &eve).await, "two names that look alike");
        assert_eq!(read.user(eve.id).await.unwrap(), None, "half a user stayed behind");
        let other = testing::add_tenant(&store, "other").await.unwrap();
        let mut elsewhere = store.read(other);
        assert_eq!(elsewhere.user_by_username(&name("ada1")).await.unwrap(), None);
        assert!(elsewhere.is_username_free(&name("ada1"), hash("ada1"), nobody).await.unwrap());
    }
}

#[tokio::test]
async fn a_name_that_was_somebodys_goes_back_to_them_only() {
    for store in testing::engines().await {
        let (ada, eve) = (user("ada", "ada"), user("eve", "eve"));
        assert!(insert(&store, &ada).await && insert(&store, &eve).await);
        let change = async |user: &User, before: &str, to: &str, at: Timestamp| {
            write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
                tx.change_username(user.id, Some(hash(before)), &name(to), at).await
            })
            .unwrap()
        };
        assert!(change(&ada, "ada", "lovelace", later(1)).await);
        let mut read = store.read(store.tenant);
        let now = read.user(ada.id).await.unwrap().unwrap();
        assert_eq!((now.username, now.updated_at), (Some(name("lovelace")), later(1)));
        assert_eq!(read.user_by_username(&name("ada")).await.unwrap(), None);
        assert!(!read.is_username_free(&name("ada"), hash("ada"), eve.id).await.unwrap());
        assert!(read.is_username_free(&name("ada"), hash("ada"), ada.id).await.unwrap());
        // To one that looks like their own.
        assert!(
            change(&ada, "lovelace", "l0velace", later(2)).await
                && change(&ada, "l0velace", "1ove1ace", later(3)).await
        );
        assert_eq!(read.usernames_retired_since(ada.id, NOW).await.unwrap(), 3);
        assert_eq!(read.usernames_retired_since(ada.id, later(1)).await.unwrap(), 2);
        assert_eq!(read.usernames_retired_since(eve.id, NOW).await.unwrap(), 0);
        let deleted = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
            Ok(tx.delete_account(&eve, Some(hash("eve")), later(4)).await?.is_some())
        });
        assert!(deleted.unwrap());
        assert_eq!(read.user_by_username(&name("eve")).await.unwrap(), None);
        assert!(!read.is_username_free(&name("eve"), hash("eve"), ada.id).await.unwrap());
    }
}

#[tokio::test]
async fn of_many_who_want_one_name_at_once_one_gets_it() {
    for store in testing::engines().await {
        let mut users = Vec::new();
        for n in 0..8 {
            let user = user(&format!("user-{n}"), &format!("first{n}x"));
            assert!(insert(&store, &user).await);
            users.push(user);
        }
        let wanted = name("wanted");
        let take = |user: User| {
            let (store, wanted) = (&store, &wanted);
            async move {
                write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
                    if !tx.is_username_free(wanted, hash("wanted"), user.id).await? {
                        return Ok(false);
                    }
                    if !tx.change_username(user.id, None, wanted, later(1)).await? {
                        return Err(Fault::new("change a username"));
                    }
                    Ok(true)
                })
                .unwrap()
            }
        };
        let mut tasks = users.iter().cloned().map(take).collect::<Vec<_>>().into_iter();
        let mut next = || tasks.next().unwrap();
        let got = tokio::join!(next(), next(), next(), next(), next(), next(), next(), next());
        let got = [got.0, got.1, got.2, got.3, got.4, got.5, got.6, got.7];
        assert_eq!(got.iter().filter(|it| **it).count(), 1, "{got:?}");
        let mut read = store.read(store.tenant);
        assert!(read.user_by_username(&wanted).await.unwrap().is_some());
        for user in &users {
            assert!(read.user(user.id).await.unwrap().unwrap().username.is_some(), "a name was lost");
        }
    }
}
