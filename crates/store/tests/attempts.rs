//! Budgets for guesses: each guess is counted, however many come at once.

#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::sync::Arc;
use std::time::Duration;

use identity::attempt::{BudgetId, BudgetKey, BudgetOwner, FORGOTTEN_AFTER, FREE_ATTEMPTS, GuessedFactor};
use identity::{BrowserRecord, Profile, User};
use store::attempts::KnownBrowser;
use store::testing::{self, NOW, TestStore};
use store::{Fault, write_tx};
use terms::{BrowserHandleHash, BrowserId, EmailAddress, EventId, Timestamp, UserId};

fn budget(email: &str) -> BudgetId {
    let email = EmailAddress::parse(email).unwrap();
    BudgetKey::new(&[1; 32]).budget(GuessedFactor::Password, BudgetOwner::Email(email.canonical()))
}

async fn admitted(store: &store::Store, tenant: terms::TenantId, budget: BudgetId, now: Timestamp) -> bool {
    let seen = store.read(tenant).attempt_budget(budget).await.unwrap();
    store.admit_guess(tenant, budget, seen, now).await.map(|admitted| admitted.is_ok()).unwrap()
}

/// Guesses from many places at once; gives how many were admitted.
async fn rush(store: &Arc<TestStore>, budget: BudgetId, now: Timestamp) -> usize {
    let guesses = testing::race(12, |_| {
        let store = Arc::clone(store);
        async move { admitted(&store, store.tenant, budget, now).await }
    });
    guesses.await.into_iter().filter(|admitted| *admitted).count()
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_admitted_than_the_budget_has() {
    for store in testing::engines().await {
        let store = Arc::new(store);
        let ada = budget("ada@x.test");
        let mut now = NOW;
        let free = rush(&store, ada, now).await;
        assert!(
            free > 0 && free <= usize::try_from(FREE_ATTEMPTS).unwrap(),
            "{free} of a rush were admitted"
        );
        // Whatever the rush left of the budget.
        while admitted(&store, store.tenant, ada, now).await {}
        let spent = store.read(store.tenant).attempt_budget(ada).await.unwrap().unwrap();
        assert_eq!(spent.attempts, FREE_ATTEMPTS);
        // From then on each wait buys one guess, however many want it.
        for _ in 0..3 {
            now = store.read(store.tenant).attempt_budget(ada).await.unwrap().unwrap().next_at;
            assert_eq!(rush(&store, ada, now.minus(Duration::from_millis(1))).await, 0);
            assert_eq!(rush(&store, ada, now).await, 1);
        }
        assert!(admitted(&store, store.tenant, budget("b@x.test"), now).await, "another's budget was spent");
        let other = testing::add_tenant(&store, "other").await.unwrap();
        assert!(admitted(&store, other, ada, now).await, "another tenant's budget was spent");
    }
}

#[tokio::test]
async fn a_budget_is_whole_again_when_it_is_forgiven_forgotten_or_swept() {
    for store in testing::engines().await {
        let ada = budget("ada@x.test");
        let spend = async || while admitted(&store, store.tenant, ada, NOW).await {};
        spend().await;
        let forgiven = async || {
            write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> { tx.forget_guesses(ada).await })
                .unwrap()
        };
        assert!(forgiven().await && !forgiven().await);
        spend().await;
        let spent = store.read(store.tenant).attempt_budget(ada).await.unwrap().unwrap();
        assert_eq!(spent.expires_at, spent.next_at.plus(FORGOTTEN_AFTER));
        store.sweep(store.tenant, spent.expires_at.minus(Duration::from_millis(1))).await.unwrap();
        assert!(!admitted(&store, store.tenant, ada, NOW).await, "a live budget was swept");
        for _ in 0..FREE_ATTEMPTS {
            assert!(
                admitted(&store, store.tenant, ada, spent.expires_at).await,
                "an old budget was not forgotten"
            );
        }
        let spent = store.read(store.tenant).attempt_budget(ada).await.unwrap().unwrap();
        store.sweep(store.tenant, spent.expires_at).await.unwrap();
        assert_eq!(store.read(store.tenant).attempt_budget(ada).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_browser_is_known_from_its_first_sign_in_and_goes_with_its_user() {
    for store in testing::engines().await {
        let later = NOW.plus(Duration::from_secs(9));
        let ada = User {
            id: UserId::new(NOW, testing::id_bits()),
            subject: "ada".parse().unwrap(),
            emails: Vec::new(),
            profile: Profile::default(),
            created_at: NOW,
            updated_at: NOW,
            disabled_at: None,
            language: None,
            username: None,
        };
        let browser = BrowserRecord {
            id: BrowserId::new(NOW, testing::id_bits()),
            handle_hash: BrowserHandleHash::from_bytes([1; 32]),
            previous_handle_hash: None,
            rotated_at: NOW,
            created_at: NOW,
            last_seen_at: NOW,
        };
        let known = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            tx.insert_user(&ada, &[7; 32]).await?;
            tx.insert_browser(&browser).await?;
            let first = tx.know_browser(ada.id, browser.id, NOW).await?;
            let again = tx.know_browser(ada.id, browser.id, later).await?;
            assert!(tx.touch_known_browser(ada.id, browser.id, later).await?);
            Ok((first, again))
        });
        assert_eq!(known.unwrap(), (true, false));
        let expected = KnownBrowser { browser: browser.id, first_at: NOW, last_at: later };
        let mut read = store.read(store.tenant);
        assert_eq!(read.known_browser(ada.id, browser.id).await.unwrap(), Some(expected));
        assert_eq!(read.known_browsers(ada.id).await.unwrap(), [expected]);
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.delete_user(ada.id, NOW).await })
            .unwrap();
        assert_eq!(store.read(store.tenant).known_browsers(ada.id).await.unwrap(), []);
    }
}

#[tokio::test]
async fn refused_guesses_are_counted_by_account_address_and_minute() {
    for store in testing::engines().await {
        let store = Arc::new(store);
        let (ada, minute) = (UserId::new(NOW, testing::id_bits()).to_string(), NOW);
        let counted = testing::race(6, |_| {
            let (store, ada) = (Arc::clone(&store), ada.clone());
            let event = EventId::new(NOW, testing::id_bits());
            async move {
                write_tx!(store, store.tenant, |tx| -> Result<i64, Fault> {
                    tx.count_refused(&ada, "192.0.2.1", minute, event).await
                })
                .unwrap()
            }
        });
        let mut counted = counted.await;
        counted.sort_unstable();
        assert_eq!(counted, [1, 2, 3, 4, 5, 6]);
        let event = EventId::new(NOW, testing::id_bits());
        let others = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            let elsewhere = tx.count_refused(&ada, "192.0.2.2", minute, event).await?;
            Ok(elsewhere)
        });
        assert_eq!(others.unwrap(), 1);
        let kept = store.read(store.tenant).refused_guesses(&ada, 10).await.unwrap();
        let kept: Vec<_> = kept.iter().map(|it| (it.client_address.as_str(), it.refused)).collect();
        assert_eq!(kept, [("192.0.2.1", 6), ("192.0.2.2", 1)]);
        assert_eq!(store.read(store.tenant).refused_guesses("", 10).await.unwrap(), []);
    }
}
