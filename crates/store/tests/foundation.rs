//! Keys, events, mail, sweeping: round trips of every verb.
#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::time::Duration;

use identity::{Actor, BrowserRecord, Event, EventKind};
use oidc::jose::{Algorithm, KeyLife};
use store::events::EventFilter;
use store::mail::MailRecord;
use store::signing_keys::SigningKeyRecord;
use store::tenants::StoredLogo;
use store::testing::{self, NOW};
use store::{EngineKind, Fault, write_tx};
use terms::{BrowserHandleHash, BrowserId, EventId, MailId, SigningKeyId, Timestamp};

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn key(published_at: Timestamp) -> SigningKeyRecord {
    SigningKeyRecord {
        id: SigningKeyId::new(NOW, testing::id_bits()),
        algorithm: Algorithm::Es256,
        public_jwk: serde_json::json!({"kty": "EC", "crv": "P-256"}),
        sealed_private: vec![1, 2, 3],
        life: KeyLife { published_at, activated_at: None, retired_at: None, revoked_at: None },
    }
}

#[tokio::test]
async fn a_planner_that_knows_nothing_of_a_table_is_told_once() {
    for store in testing::engines().await {
        for number in 0..20 {
            testing::add_tenant(&store, &format!("tenant{number}")).await.unwrap();
        }
        let has_to_be_told = store.kind() == EngineKind::Postgres;
        // What was written PostgreSQL counts within ten seconds, on a machine that is not busy.
        let mut told = 0;
        for _ in 0..240 {
            told = store.gather_missing_statistics().await.unwrap();
            if told > 0 || !has_to_be_told {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert_eq!(told > 0, has_to_be_told);
        // What was told stays so: of the two tables with rows the other one may be counted later, and then no more.
        for _ in 0..2 {
            told += store.gather_missing_statistics().await.unwrap();
        }
        assert!(told <= 2, "it was told before");
    }
}

#[tokio::test]
async fn a_signing_key_goes_its_way_once() {
    for store in testing::engines().await {
        let (old, new) = (key(NOW), key(later(5)));
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.insert_signing_key(&new).await?;
            tx.insert_signing_key(&old).await
        })
        .unwrap();
        assert_eq!(store.read(store.tenant).signing_keys().await.unwrap(), [old.clone(), new.clone()]);

        for expected in [true, false] {
            let changed = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
                let activated = tx.activate_signing_key(old.id, later(1)).await?;
                let retired = tx.retire_signing_key(old.id, later(2)).await?;
                let revoked = tx.revoke_signing_key(old.id, later(3)).await?;
                Ok([activated, retired, revoked])
            });
            assert_eq!(changed.unwrap(), [expected; 3]);
        }
        let stored = store.read(store.tenant).signing_keys().await.unwrap().remove(0);
        let times = [stored.life.activated_at, stored.life.retired_at, stored.life.revoked_at];
        assert_eq!(times, [Some(later(1)), Some(later(2)), Some(later(3))]);

        let other = testing::add_tenant(&store, "other").await.unwrap();
        assert!(store.read(other).signing_keys().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_is_planned_for_a_key_can_be_hastened_and_not_put_off() {
    for store in testing::engines().await {
        let (key, id) = (key(NOW), SigningKeyId::new(NOW, testing::id_bits()));
        let key = SigningKeyRecord { id, ..key };
        let changes = write_tx!(store, store.tenant, |tx| -> Result<_, Fault> {
            tx.insert_signing_key(&key).await?;
            let mut changes = Vec::new();
            for seconds in [50, 60, 40] {
                changes.push(tx.activate_signing_key(id, later(seconds)).await?);
            }
            for seconds in [80, 90, 70] {
                changes.push(tx.retire_signing_key(id, later(seconds)).await?);
            }
            // What is to end doesn't begin.
            changes.push(tx.activate_signing_key(id, later(1)).await?);
            Ok(changes)
        });
        assert_eq!(changes.unwrap(), [true, false, true, true, false, true, false]);
        let life = store.read(store.tenant).signing_keys().await.unwrap().remove(0).life;
        assert_eq!((life.activated_at, life.retired_at), (Some(later(40)), Some(later(70))));
        let old = store.directory().tenants_with_keys_from_before(later(1000)).await.unwrap();
        assert!(old.is_empty(), "the end of this one is planned");
    }
}

#[tokio::test]
async fn tenants_with_old_keys_are_found_and_a_data_key_is_replaced_once() {
    for store in testing::engines().await {
        let mut key = key(NOW);
        key.life.activated_at = Some(later(10));
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.insert_signing_key(&key).await })
            .unwrap();
        for (seconds, found) in [(9, 0), (10, 1)] {
            let tenants = store.directory().tenants_with_keys_from_before(later(seconds)).await.unwrap();
            assert_eq!(tenants.iter().filter(|it| it.id == store.tenant).count(), found, "{seconds}");
        }
        let before = store.read(store.tenant).tenant_record().await.unwrap().unwrap().sealed_data_key;
        for expected in [true, false] {
            let replaced = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
                tx.replace_sealed_data_key(&before, b"anew").await
            });
            assert_eq!(replaced.unwrap(), expected);
        }
        let after = store.read(store.tenant).tenant_record().await.unwrap().unwrap().sealed_data_key;
        assert_eq!(after, b"anew");
    }
}

/// Runs the same change eight times at once and counts how often it said that it was the one.
macro_rules! wins {
    ($store:expr, |$tx:ident| $change:expr) => {{
        let results = testing::race(8, |_| {
            let (store, tenant) = ($store.store.clone(), $store.tenant);
            async move { write_tx!(store, tenant, |$tx| -> Result<bool, Fault> { $change.await }) }
        });
        results.await.into_iter().filter(|result| *result.as_ref().unwrap()).count()
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_changes_of_a_key_one_is_made() {
    for store in testing::engines().await {
        let key = key(NOW);
        let id = key.id;
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.insert_signing_key(&key).await })
            .unwrap();
        assert_eq!(wins!(store, |tx| tx.activate_signing_key(id, NOW)), 1);
        assert_eq!(wins!(store, |tx| tx.retire_signing_key(id, NOW)), 1);
        assert_eq!(wins!(store, |tx| tx.revoke_signing_key(id, NOW)), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_first_keys_one_pair_is_the_tenants() {
    for store in testing::engines().await {
        let results = testing::race(8, |_| {
            let (store, tenant, pair) = (store.store.clone(), store.tenant, [key(NOW), key(later(5))]);
            async move {
                write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
                    tx.insert_first_signing_keys(&pair).await
                })
                .unwrap()
                .then_some(pair)
            }
        });
        let won: Vec<_> = results.await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1);
        assert_eq!(store.read(store.tenant).signing_keys().await.unwrap(), won[0]);
        // Another tenant's keys are no reason to have none, and a key that ended is one.
        let other = testing::add_tenant(&store, "other").await.unwrap();
        let mut ended = key(NOW);
        ended.life.revoked_at = Some(NOW);
        for expected in [true, false] {
            let made = write_tx!(store, other, |tx| -> Result<bool, Fault> {
                tx.insert_first_signing_keys(std::slice::from_ref(&ended)).await
            });
            assert_eq!(made.unwrap(), expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_is_newer_than_every_one_that_was_seen_before_it() {
    for store in testing::engines().await {
        let mut tenants = vec![store.tenant];
        for number in 0..5 {
            tenants.push(testing::add_tenant(&store, &format!("other-{number}")).await.unwrap());
        }
        let newest = async || store.directory().newest_tenant_version().await.unwrap();
        let versions = async |from| store.directory().tenants_from_version(from).await.unwrap();
        assert_eq!((newest().await, versions(1).await.len()), (6, 6));
        let racers = tenants.clone();
        let raced = testing::race(12, move |index| {
            let (store, tenant) = (store.store.clone(), racers[index % racers.len()]);
            async move {
                write_tx!(store, tenant, |tx| -> Result<i64, Fault> {
                    let seen = tx.tenant_record().await?.map_or(0, |it| it.version);
                    tx.bump_tenant_version().await?;
                    let now = tx.tenant_record().await?.map_or(0, |it| it.version);
                    assert!(now > seen && now > 6);
                    Ok(now)
                })
                .unwrap()
            }
        });
        let mut given = raced.await;
        given.sort_unstable();
        assert_eq!(given, (7..=18).collect::<Vec<i64>>(), "each has one of its own");
    }
}

#[tokio::test]
async fn whose_configuration_changed_is_found_by_the_newest_version() {
    for store in testing::engines().await {
        let other = testing::add_tenant(&store, "other").await.unwrap();
        let known = store.directory().newest_tenant_version().await.unwrap();
        let from = async |version| -> Vec<_> {
            let changed = store.directory().tenants_from_version(version).await.unwrap();
            changed.into_iter().map(|it| it.id).collect()
        };
        assert_eq!(from(known).await, [other], "the newest itself and nobody else");
        let settings = serde_json::json!({ "name": "Changed" });
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.update_tenant_settings(&settings).await
        })
        .unwrap();
        assert!(from(known).await.contains(&store.tenant));
        let newest = store.directory().newest_tenant_version().await.unwrap();
        assert_eq!((newest > known, from(newest).await), (true, vec![store.tenant]));
        let record = store.read(store.tenant).tenant_record().await.unwrap().unwrap();
        assert_eq!((record.settings, record.version), (settings, newest));
    }
}

#[tokio::test]
async fn what_seals_the_data_keys_is_counted_by_what_they_begin_with() {
    for store in testing::engines().await {
        let other = testing::add_tenant(&store, "other").await.unwrap();
        testing::add_tenant(&store, "third").await.unwrap();
        write_tx!(store, other, |tx| -> Result<bool, Fault> {
            tx.replace_sealed_data_key(&[0; 32], &[7; 40]).await
        })
        .unwrap();
        let mut heads = store.directory().data_keys_by_head().await.unwrap();
        heads.sort_by_key(|it| it.tenants);
        let heads: Vec<_> = heads.into_iter().map(|it| (it.head, it.tenants)).collect();
        assert_eq!(heads, [(vec![7; 9], 1), (vec![0; 9], 2)]);
    }
}

#[tokio::test]
async fn instruments_tell_what_was_committed_and_how_old_keys_are() {
    for store in testing::engines().await {
        let count = |kind| store.events_committed().find(|it| it.0 == kind).unwrap().1;
        let before = store.usage();
        let event = |kind| {
            Event::new(EventId::new(NOW, testing::id_bits()), kind, Actor::Operator, NOW).about("key_1")
        };
        let (kept, undone) = (event(EventKind::KeyRetired), event(EventKind::KeyRevoked));
        let (older, newer) = (key(NOW), key(later(5)));
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            for key in [&newer, &older] {
                tx.insert_signing_key(key).await?;
            }
            tx.append_event(&kept).await
        })
        .unwrap();
        let failed = write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.append_event(&undone).await?;
            Err(Fault::new("a body that fails"))
        });
        assert!(failed.is_err());
        assert_eq!((count(EventKind::KeyRetired), count(EventKind::KeyRevoked)), (1, 0));
        let after = store.usage();
        assert_eq!(after.transactions, before.transactions + 1);
        assert!(after.commits > before.commits && after.commits <= before.commits + 2, "{after:?}");
        assert!(after.idle_connections <= after.connections && after.connections >= 1);
        let oldest = async |at| store.directory().oldest_signing_keys(at).await.unwrap();
        assert_eq!(oldest(later(9)).await, [], "none signs yet");
        for (key, at) in [(newer.id, later(7)), (older.id, later(2))] {
            write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
                tx.activate_signing_key(key, at).await
            })
            .unwrap();
        }
        for (at, since) in [(later(1), None), (later(3), Some(later(2))), (later(8), Some(later(2)))] {
            let found = oldest(at).await;
            assert_eq!(
                found.first().map(|it| (it.algorithm, it.activated_at)),
                since.map(|it| (older.algorithm, it))
            );
            assert!(found.len() <= 1);
        }
        write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.retire_signing_key(older.id, later(8)).await
        })
        .unwrap();
        assert_eq!(oldest(later(7)).await[0].activated_at, later(2));
        assert_eq!(oldest(later(8)).await[0].activated_at, later(7));
    }
}

#[tokio::test]
async fn events_come_back_newest_first_in_pages() {
    for store in testing::engines().await {
        let events: Vec<Event> = (0..5)
            .map(|n| {
                let id = EventId::new(later(n), testing::id_bits());
                Event::new(id, EventKind::KeyRetired, Actor::Operator, later(n)).about("key_1").with("why", n)
            })
            .collect();
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            for event in &events {
                tx.append_event(event).await?;
            }
            Ok(())
        })
        .unwrap();
        let mut read = store.read(store.tenant);
        let first = read.events(2).await.unwrap();
        assert_eq!(first, [events[4].clone(), events[3].clone()]);
        let rest = read
            .events_where(&EventFilter { before: Some(first[1].id), ..EventFilter::default() }, 10)
            .await
            .unwrap();
        assert_eq!(rest, [events[2].clone(), events[1].clone(), events[0].clone()]);
    }
}

#[tokio::test]
async fn mail_comes_back_newest_first() {
    for store in testing::engines().await {
        let mails: Vec<MailRecord> = (0..3)
            .map(|n| MailRecord {
                id: MailId::new(later(n), testing::id_bits()),
                recipient: "ada@example.test".to_owned(),
                subject: format!("Mail {n}"),
                sealed_body: vec![0; 5],
                created_at: later(n),
                expires_at: later(n + 10),
            })
            .collect();
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            for mail in &mails {
                tx.append_mail(mail).await?;
            }
            Ok(())
        })
        .unwrap();
        let got = store.read(store.tenant).mails(2).await.unwrap();
        assert_eq!(got, [mails[2].clone(), mails[1].clone()]);
    }
}

fn mail(n: u64) -> MailRecord {
    MailRecord {
        id: MailId::new(later(n), testing::id_bits()),
        recipient: "ada@example.test".to_owned(),
        subject: format!("Mail {n}"),
        sealed_body: vec![0; 5],
        created_at: later(n),
        expires_at: later(1000),
    }
}

async fn append(store: &store::Store, tenant: terms::TenantId, mails: &[MailRecord]) {
    write_tx!(store, tenant, |tx| -> Result<(), Fault> {
        for mail in mails {
            tx.append_mail(mail).await?;
        }
        Ok(())
    })
    .unwrap();
}

/// Two nodes, each through connections of its own.
#[tokio::test]
async fn of_several_that_send_each_mail_is_claimed_by_one() {
    const MAILS: u64 = 12;
    for store in testing::engines().await {
        let tenant = store.tenant;
        let mails: Vec<MailRecord> = (0..MAILS).map(mail).collect();
        append(&store, tenant, &mails).await;
        let nodes = match store.kind() {
            // SQLite has one process, so one writer.
            store::EngineKind::Sqlite => [store.store.clone(), store.store.clone()],
            store::EngineKind::Postgres => [store.reopened().await, store.reopened().await],
        };
        let claims = testing::race(8, |index| {
            let node = nodes[index % 2].clone();
            async move {
                let mut mine = Vec::new();
                while let Some(claimed) = write_tx!(node, tenant, |tx| -> Result<_, Fault> {
                    tx.claim_mail(later(50), later(60)).await
                })
                .unwrap()
                {
                    assert_eq!(claimed.attempt, 1);
                    mine.push(claimed.mail.id);
                }
                mine
            }
        });
        let mut claimed: Vec<MailId> = claims.await.into_iter().flatten().collect();
        claimed.sort();
        assert_eq!(claimed, mails.iter().map(|mail| mail.id).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn only_the_newest_attempt_records_its_end_and_an_ended_claim_is_free() {
    for store in testing::engines().await {
        let tenant = store.tenant;
        append(&store, tenant, &[mail(0)]).await;
        let claim = async |now, until| {
            write_tx!(store, tenant, |tx| -> Result<_, Fault> { tx.claim_mail(now, until).await }).unwrap()
        };
        let first = claim(later(1), later(10)).await.unwrap();
        assert_eq!(claim(later(9), later(20)).await, None, "it is claimed");
        let retried =
            write_tx!(store, tenant, |tx| -> Result<_, Fault> { tx.retry_mails(later(9)).await }).unwrap();
        assert_eq!(retried, 0, "what is being tried is left alone");
        let second = claim(later(10), later(20)).await.expect("the first one died");
        assert_eq!((second.mail.id, second.attempt), (first.mail.id, 2));
        let (late, newest) = write_tx!(store, tenant, |tx| -> Result<_, Fault> {
            let late = tx.delete_mail(first.mail.id, first.attempt).await?;
            Ok((late, tx.shelve_mail(second.mail.id, second.attempt, "answered 550").await?))
        })
        .unwrap();
        assert!(!late && newest);
        assert_eq!(claim(later(900), later(910)).await, None, "it was given up");
        assert!(store.directory().mail_queues().await.unwrap().is_empty());
        let shelved = store.read(tenant).queued_mails(10).await.unwrap();
        assert_eq!(shelved[0].failure.as_deref(), Some("answered 550"));
        assert_eq!((shelved[0].next_attempt_at, shelved[0].attempts), (None, 2));
        let revive = async |now| {
            write_tx!(store, tenant, |tx| -> Result<_, Fault> { tx.retry_mail(first.mail.id, now).await })
        };
        assert!(!revive(later(1000)).await.unwrap(), "it is worth nothing any more");
        assert!(revive(later(30)).await.unwrap());
        let queue = store.directory().mail_queues().await.unwrap();
        assert_eq!((queue[0].tenant, queue[0].waiting, queue[0].due), (tenant, 1, later(30)));
        assert_eq!(claim(later(30), later(40)).await.unwrap().attempt, 3);
    }
}

#[tokio::test]
async fn whoever_sends_is_woken_by_a_commit_and_not_by_a_rollback() {
    for store in testing::engines().await {
        let mail = mail(0);
        let undone = write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.append_mail(&mail).await?;
            Err(Fault::new("change one's mind"))
        });
        assert!(undone.is_err());
        let brief = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(brief, store.mail_appended().notified()).await.is_err());
        append(&store, store.tenant, &[mail]).await;
        let woken = tokio::time::timeout(brief, store.mail_appended().notified()).await;
        assert!(woken.is_ok());
    }
}

#[tokio::test]
async fn a_row_that_fits_no_state_is_a_fault_that_names_it() {
    for store in testing::engines().await {
        let event =
            Event::new(EventId::new(NOW, testing::id_bits()), EventKind::KeyRetired, Actor::System, NOW);
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.append_event(&event).await }).unwrap();
        let spoil = "UPDATE event SET kind = 'confidential.unknown'";
        testing::run_raw(&store.database, spoil).await;
        let fault = store.read(store.tenant).events(10).await.unwrap_err().to_string();
        assert!(fault.contains(&format!("read event {}: column kind", event.id)), "{fault}");
        assert!(!fault.contains("confidential"), "{fault}");
    }
}

#[tokio::test]
async fn sweeping_takes_what_has_expired_in_batches_and_nothing_else() {
    for store in testing::engines().await {
        let day = 24 * 60 * 60;
        let browsers: Vec<BrowserRecord> = (0..501u16)
            .map(|n| {
                let mut hash = [0; 32];
                hash[..2].copy_from_slice(&n.to_be_bytes());
                let seen = if n == 500 { later(91 * day) } else { NOW };
                BrowserRecord {
                    id: BrowserId::new(NOW, testing::id_bits()),
                    handle_hash: BrowserHandleHash::from_bytes(hash),
                    previous_handle_hash: None,
                    rotated_at: NOW,
                    created_at: NOW,
                    last_seen_at: seen,
                }
            })
            .collect();
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            for browser in &browsers {
                tx.insert_browser(browser).await?;
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(store.sweep(store.tenant, later(89 * day)).await.unwrap(), 0);
        assert_eq!(store.sweep(store.tenant, later(92 * day)).await.unwrap(), 500);
        assert_eq!(store.sweep(store.tenant, later(92 * day)).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_tenants_settings_and_logo_are_its_own_and_every_change_is_counted() {
    for store in testing::engines().await {
        let other = testing::add_tenant(&store, "other").await.unwrap();
        let version = async || store.read(store.tenant).tenant_record().await.unwrap().unwrap().version;
        let before = version().await;
        let settings = serde_json::json!({ "name": "Trams" });
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.update_tenant_settings(&settings).await?;
            tx.put_tenant_logo("logo.1.png", "image/png", &[1, 2]).await?;
            tx.put_tenant_logo("logo.2.webp", "image/webp", &[3]).await
        })
        .unwrap();
        assert!(version().await > before);
        let settings_of = async |tenant| store.read(tenant).tenant_record().await.unwrap().unwrap().settings;
        assert_eq!(settings_of(store.tenant).await, settings);
        assert_eq!(settings_of(other).await, serde_json::json!({}));

        let logo = async |tenant, name: &str| store.read(tenant).tenant_logo(name).await.unwrap();
        let expected = StoredLogo {
            file_name: "logo.2.webp".to_owned(),
            media_type: "image/webp".to_owned(),
            octets: vec![3],
        };
        assert_eq!(logo(store.tenant, "logo.2.webp").await, Some(expected));
        assert_eq!(logo(store.tenant, "logo.1.png").await, None, "one logo per tenant");
        assert_eq!(logo(other, "logo.2.webp").await, None);
        write_tx!(store, other, |tx| -> Result<(), Fault> { tx.delete_tenant_logo().await }).unwrap();
        assert!(logo(store.tenant, "logo.2.webp").await.is_some());
        write_tx!(store, store.tenant, |tx| -> Result<(), Fault> { tx.delete_tenant_logo().await }).unwrap();
        assert_eq!(logo(store.tenant, "logo.2.webp").await, None);
    }
}
