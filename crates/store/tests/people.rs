//! Users, browsers, sessions and attempts: round trips of every verb, and races on what may happen once.

#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use identity::mailed_code::{CodePurpose, MailedCode, MailedCodeHash};
use identity::password::PasswordHash;
use identity::recovery::{ReadMail, Recovery};
use identity::sign_in::{ProvenFactor, SignIn};
use identity::sign_up::{SignUp, VerifiedAddress};
use identity::{
    BrowserRecord, Device, Factor, FactorMethod, Identifier, Profile, Session, User, UserAgent, UserEmail,
};
use store::testing::{self, NOW, TestStore};
use store::{Fault, write_tx};
use terms::{
    BrowserHandleHash, BrowserId, EmailAddress, FlowId, MailedCodeId, RecoveryId, SessionId, SignInId,
    SignUpId, Timestamp, UserId, limits,
};

fn later(seconds: u64) -> Timestamp {
    NOW.plus(std::time::Duration::from_secs(seconds))
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn user(subject: &str, emails: &[&str]) -> User {
    let email = |(index, text): (usize, &&str)| UserEmail {
        address: address(text),
        verified_at: (index == 0).then_some(NOW),
        is_primary: index == 0,
    };
    User {
        id: UserId::new(NOW, testing::id_bits()),
        subject: subject.parse().unwrap(),
        emails: emails.iter().enumerate().map(email).collect(),
        profile: Profile::parse(r#"{"name":"Ada \u0141","address":{"country":"Polska"}}"#).unwrap(),
        created_at: NOW,
        updated_at: NOW,
        disabled_at: None,
        language: None,
        username: None,
    }
}

fn hash_of(byte: u8) -> BrowserHandleHash {
    BrowserHandleHash::from_bytes([byte; 32])
}

fn browser(byte: u8) -> BrowserRecord {
    BrowserRecord {
        id: BrowserId::new(NOW, testing::id_bits()),
        handle_hash: hash_of(byte),
        previous_handle_hash: None,
        rotated_at: NOW,
        created_at: NOW,
        last_seen_at: NOW,
    }
}

fn session(browser: &BrowserRecord, user: &User) -> Session {
    Session {
        id: SessionId::new(NOW, testing::id_bits()),
        browser_id: browser.id,
        user_id: user.id,
        factors: vec![Factor { method: FactorMethod::Password, verified_at: NOW }],
        created_at: NOW,
        last_active_at: NOW,
        expires_at: later(1000),
        ended_at: None,
        device: Device {
            address: "2001:db8::7".parse().ok(),
            user_agent: UserAgent::parse("Mozilla/5.0 (X11; Linux x86_64)"),
        },
    }
}

async fn add_user(store: &TestStore, user: &User) -> bool {
    write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> { tx.insert_user(user, &[7; 32]).await })
        .unwrap()
}

async fn add_browser(store: &TestStore, browser: &BrowserRecord) {
    write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.insert_browser(browser).await }).unwrap();
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
async fn a_user_comes_back_as_stored_by_id_address_and_subject() {
    for store in testing::engines().await {
        let ada = user("ada", &["Ada@x.test", "b@x.test"]);
        let bob = user("bob", &[]);
        assert!(add_user(&store, &ada).await && add_user(&store, &bob).await);
        let mut read = store.read(store.tenant);
        assert_eq!(read.user(ada.id).await.unwrap().as_ref(), Some(&ada));
        assert_eq!(read.user(bob.id).await.unwrap().as_ref(), Some(&bob));
        assert_eq!(read.user_by_email(address("b@X.test").canonical()).await.unwrap().as_ref(), Some(&ada));
        assert_eq!(read.user_by_subject(&ada.subject).await.unwrap().as_ref(), Some(&ada));
        assert_eq!(read.users_after(None, 10).await.unwrap().len(), 2);
        assert_eq!(read.users_after(Some(ada.id), 10).await.unwrap(), [bob]);
        let other = testing::add_tenant(&store, "other").await.unwrap();
        assert_eq!(store.read(other).user(ada.id).await.unwrap(), None);
        assert_eq!(store.read(other).user_by_email(address("b@x.test").canonical()).await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_address_has_one_owner_and_a_refused_user_leaves_nothing() {
    for store in testing::engines().await {
        let ada = user("ada", &["ada@x.test"]);
        assert!(add_user(&store, &ada).await);
        let thief = user("thief", &["t@x.test", "ADA@x.test"]);
        assert!(!add_user(&store, &thief).await);
        assert!(!add_user(&store, &user("ada", &["new@x.test"])).await);
        assert_eq!(store.read(store.tenant).user(thief.id).await.unwrap(), None);
        assert_eq!(
            store.read(store.tenant).user_by_email(address("t@x.test").canonical()).await.unwrap(),
            None
        );
        let racer = UserEmail { address: address("race@x.test"), verified_at: None, is_primary: false };
        assert_eq!(wins!(store, |tx| tx.insert_email(ada.id, &racer).await), 1);
    }
}

#[tokio::test]
async fn a_password_counts_its_changes_but_not_its_rehashes() {
    for store in testing::engines().await {
        let ada = user("ada", &["ada@x.test"]);
        add_user(&store, &ada).await;
        let phc = |text: &str| PasswordHash::from_stored(text.to_owned());
        let outcome = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            let first = tx.set_password(ada.id, &phc("one"), NOW).await?;
            let second = tx.set_password(ada.id, &phc("two"), later(1)).await?;
            let stale = tx.rehash_password(ada.id, first, &phc("no")).await?;
            let fresh = tx.rehash_password(ada.id, second, &phc("three")).await?;
            Ok((first, second, stale, fresh))
        });
        assert_eq!(outcome.unwrap(), (1, 2, false, true));
        let stored = store.read(store.tenant).password_of(ada.id).await.unwrap().unwrap();
        assert_eq!((stored.hash.as_phc(), stored.version, stored.changed_at), ("three", 2, later(1)));
        let profile = Profile::default();
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            assert!(tx.set_profile(ada.id, &profile, later(5)).await?);
            assert!(tx.set_disabled(ada.id, Some(later(6))).await?);
            Ok(())
        })
        .unwrap();
        let read = store.read(store.tenant).user(ada.id).await.unwrap().unwrap();
        assert_eq!((read.profile, read.updated_at, read.disabled_at), (profile, later(5), Some(later(6))));
        assert_eq!(wins!(store, |tx| Ok(tx.delete_user(ada.id, later(9)).await?.is_some())), 1);
        assert_eq!(store.read(store.tenant).password_of(ada.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_browser_is_found_by_two_handles_and_rotates_once() {
    for store in testing::engines().await {
        let before = browser(1);
        add_browser(&store, &before).await;
        assert_eq!(
            wins!(store, |tx| tx.rotate_browser(before.id, hash_of(1), hash_of(2), later(3)).await),
            1
        );
        let mut read = store.read(store.tenant);
        let by_new = read.browser_with_sessions(hash_of(2)).await.unwrap().unwrap();
        let by_old = read.browser_with_sessions(hash_of(1)).await.unwrap().unwrap();
        assert_eq!(by_new, by_old);
        assert_eq!(by_new.0.previous_handle_hash, Some(hash_of(1)));
        assert!(by_new.1.is_empty());
        assert_eq!(read.browser_with_sessions(hash_of(3)).await.unwrap(), None);
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            tx.touch_browser(before.id, later(9)).await
        })
        .unwrap();
        assert_eq!(read.browser(before.id).await.unwrap().unwrap().last_seen_at, later(9));
    }
}

#[tokio::test]
async fn a_session_ends_once_and_stays_ended() {
    for store in testing::engines().await {
        let (browser, ada) = (browser(1), user("ada", &["ada@x.test"]));
        add_user(&store, &ada).await;
        add_browser(&store, &browser).await;
        let [one, two, three] = [(); 3].map(|()| session(&browser, &ada));
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            for it in [&one, &two, &three] {
                tx.insert_session(it).await?;
            }
            tx.touch_session(one.id, later(5)).await
        })
        .unwrap();
        let mut read = store.read(store.tenant);
        assert_eq!(read.session(two.id).await.unwrap().as_ref(), Some(&two));
        assert_eq!(read.sessions_of_browser(browser.id).await.unwrap().len(), 3);
        assert_eq!(wins!(store, |tx| Ok(tx.end_session(one.id, later(6)).await?.is_any())), 1);
        let renewed = Session { last_active_at: later(7), ..one.clone() };
        let back =
            write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.renew_session(&renewed).await })
                .unwrap();
        assert!(!back, "an ended session was renewed");
        assert_eq!(read.sessions_of_user(ada.id).await.unwrap(), [two.clone(), three.clone()]);
        let ended = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            assert!(tx.renew_session(&Session { expires_at: later(2000), ..two.clone() }).await?);
            let of_user = tx.end_sessions_of_user(ada.id, later(8)).await?.sessions.len();
            Ok((of_user, tx.end_sessions_of_user(ada.id, later(9)).await?.sessions.len()))
        });
        assert_eq!(ended.unwrap(), (2, 0));
    }
}

#[tokio::test]
async fn an_attempt_to_sign_in_completes_once_and_before_it_expires() {
    for store in testing::engines().await {
        let browser = browser(1);
        add_browser(&store, &browser).await;
        let attempt = SignIn {
            id: SignInId::new(NOW, testing::id_bits()),
            browser_id: browser.id,
            flow_id: Some(FlowId::new(NOW, testing::id_bits())),
            identifier: Some(Identifier::Email(address("Ada@x.test"))),
            first_factor: None,
            created_at: NOW,
            expires_at: later(100),
            completed_at: None,
        };
        let record = ProvenFactor {
            sign_in_id: attempt.id,
            browser_id: browser.id,
            user_id: UserId::new(NOW, testing::id_bits()),
            method: FactorMethod::Password,
            credential_version: 3,
            verified_at: NOW,
        };
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.insert_sign_in(&attempt).await })
            .unwrap();
        assert_eq!(store.read(store.tenant).sign_in(attempt.id).await.unwrap().as_ref(), Some(&attempt));
        let proven = SignIn { first_factor: Some(record), ..attempt.clone() };
        let outcome = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            tx.complete_sign_in(&proven, later(100)).await
        });
        assert!(!outcome.unwrap(), "an expired attempt was completed");
        assert_eq!(wins!(store, |tx| tx.complete_sign_in(&proven, later(9)).await), 1);
        let stored = store.reopened().await.read(store.tenant).sign_in(attempt.id).await.unwrap().unwrap();
        assert_eq!((stored.first_factor, stored.completed_at), (Some(record), Some(later(9))));
    }
}

#[tokio::test]
async fn an_attempt_to_sign_up_completes_once_and_forgets_the_hash() {
    for store in testing::engines().await {
        let browser = browser(1);
        add_browser(&store, &browser).await;
        let attempt = SignUp {
            id: SignUpId::new(NOW, testing::id_bits()),
            browser_id: browser.id,
            flow_id: None,
            username: Some("ada".parse().unwrap()),
            email: Some(address("ada@x.test")),
            password: Some(PasswordHash::from_stored("phc".to_owned())),
            verified: None,
            created_at: NOW,
            expires_at: later(100),
            completed_at: None,
        };
        let verified = VerifiedAddress { address: address("ada@x.test"), verified_at: later(5) };
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.insert_sign_up(&attempt).await })
            .unwrap();
        assert_eq!(store.read(store.tenant).sign_up(attempt.id).await.unwrap().as_ref(), Some(&attempt));
        let recorded = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            tx.record_verified_address(attempt.id, &verified).await
        });
        assert!(recorded.unwrap());
        assert_eq!(wins!(store, |tx| tx.complete_sign_up(attempt.id, later(9)).await), 1);
        let stored = store.read(store.tenant).sign_up(attempt.id).await.unwrap().unwrap();
        assert_eq!(
            (stored.password, stored.verified, stored.completed_at),
            (None, Some(verified), Some(later(9)))
        );
    }
}

#[tokio::test]
async fn a_mailed_code_takes_five_guesses_however_many_come_at_once() {
    for store in testing::engines().await {
        let purpose = CodePurpose::SignUp(SignUpId::new(NOW, testing::id_bits()));
        let code = |byte| {
            let id = MailedCodeId::new(NOW, testing::id_bits());
            let recipient = address("ada@x.test").canonical().clone();
            MailedCode::new(id, purpose, recipient, MailedCodeHash::from_bytes([byte; 32]), NOW)
        };
        let (first, second) = (code(1), code(2));
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.replace_code(&first).await }).unwrap();
        assert_eq!(wins!(store, |tx| Ok(tx.count_guess(purpose, NOW).await?.is_some())), 5);
        write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.replace_code(&second).await }).unwrap();
        assert_eq!(store.read(store.tenant).codes_made(purpose).await.unwrap(), 2);
        let expiry = NOW.plus(limits::MAILED_CODE_LIFETIME);
        let (live, late) = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            Ok((tx.count_guess(purpose, NOW).await?, tx.count_guess(purpose, expiry).await?))
        })
        .unwrap();
        assert_eq!(live, Some(MailedCode { attempts: 1, ..second.clone() }));
        assert_eq!(late, None);
        assert_eq!(wins!(store, |tx| tx.spend_mailed_code(second.id, NOW).await), 1);
        let spent =
            write_tx!(store, store.tenant, |tx| -> Result<_, Fault> { tx.count_guess(purpose, NOW).await });
        assert_eq!(spent.unwrap(), None);
    }
}

#[tokio::test]
async fn a_recovery_is_kept_and_completes_once() {
    for store in testing::engines().await {
        let (ada, at) = (user("ada", &["ada@x.test"]), browser(1));
        add_user(&store, &ada).await;
        let recovery = Recovery {
            id: RecoveryId::new(NOW, testing::id_bits()),
            browser_id: at.id,
            flow_id: Some(FlowId::new(NOW, testing::id_bits())),
            email: address("Ada@x.test"),
            read_mail: None,
            created_at: NOW,
            expires_at: later(60),
            completed_at: None,
        };
        let record = ReadMail {
            recovery_id: recovery.id,
            browser_id: at.id,
            user_id: ada.id,
            password_version: None,
            read_at: later(1),
        };
        let recorded = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.insert_browser(&at).await?;
            tx.insert_recovery(&recovery).await?;
            tx.record_read_mail(recovery.id, &record).await
        });
        assert!(recorded.unwrap());
        let kept = store.read(store.tenant).recovery(recovery.id).await.unwrap();
        assert_eq!(kept, Some(Recovery { read_mail: Some(record), ..recovery.clone() }));
        let late = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.complete_recovery(recovery.id, later(60)).await
        });
        assert!(!late.unwrap());
        assert_eq!(wins!(store, |tx| tx.complete_recovery(recovery.id, later(2)).await), 1);
        let after = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.record_read_mail(recovery.id, &record).await
        });
        assert!(!after.unwrap(), "a finished attempt was changed");
        let other = testing::add_tenant(&store, "other").await.unwrap();
        assert_eq!(store.read(other).recovery(recovery.id).await.unwrap(), None);
    }
}
