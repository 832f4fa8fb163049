//! `write_tx!`: what holds whatever happens to its callers.
//!
//! The invariant that most of these read back: each command bumps the tenant's version and adds a host, so the two
//! counts agree exactly when every command was done as a whole or not at all.
#![allow(clippy::unwrap_used, reason = "a test whose set-up fails can only stop")]

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use store::testing::{self, NOW, TestStore};
use store::{EngineKind, Fault, Store, write_one, write_tx};
use terms::TenantId;

async fn version(store: &TestStore) -> i64 {
    store.read(store.tenant).tenant_record().await.unwrap().unwrap().version
}

async fn hosts(store: &Store) -> BTreeSet<String> {
    store.directory().tenant_hosts().await.unwrap().into_iter().map(|it| it.host).collect()
}

/// Fails unless every command was done as a whole or not at all; gives how many were done.
async fn done(store: &TestStore) -> usize {
    let hosts = hosts(store).await.len();
    assert_eq!(version(store).await, 1 + i64::try_from(hosts).unwrap());
    hosts
}

async fn add_host(store: &Store, tenant: TenantId, host: &str) -> Result<bool, Fault> {
    write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
        tx.bump_tenant_version().await?;
        tx.insert_tenant_host(host).await
    })
}

fn send<F: Future + Send>(future: F) -> F {
    future
}

/// As a handler writes it: borrowed arguments, a borrowed and a mutable environment, an early return.
async fn handler(store: &Store, tenant: TenantId, host: &str, runs: &mut u32) -> Result<bool, Fault> {
    let added = write_tx!(store, tenant, |tx| -> Result<_, Fault> {
        *runs += 1;
        if tx.tenant_record().await?.is_none() {
            return Ok(false);
        }
        tx.bump_tenant_version().await?;
        tx.insert_tenant_host(host).await
    })?;
    Ok(added)
}

#[tokio::test]
async fn a_command_of_one_runs_one_statement() {
    for store in testing::engines().await {
        let one = write_one!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.insert_tenant_host("one.example.test").await
        });
        assert!(one.unwrap());
        let two = write_one!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.tenant_record().await?;
            tx.insert_tenant_host("two.example.test").await
        });
        let fault = two.unwrap_err().to_string();
        assert!(fault.contains("as a second statement of a command of one"), "{fault}");
        assert_eq!(hosts(&store).await.into_iter().collect::<Vec<_>>(), ["one.example.test"]);
    }
}

#[tokio::test]
async fn a_handler_is_send_and_commits_as_a_whole() {
    for store in testing::engines().await {
        let mut runs = 0;
        assert!(send(handler(&store, store.tenant, "a.example.test", &mut runs)).await.unwrap());
        assert_eq!((runs, done(&store).await), (1, 1));
        let found = store.directory().tenant_by_host("a.example.test").await.unwrap().unwrap();
        assert_eq!(found.id, store.tenant);
        assert_eq!(store.directory().tenant_count().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    for store in testing::engines().await {
        add_host(&store, store.tenant, "a").await.unwrap();
        // Without a close, as after a kill.
        assert_eq!(hosts(&store.reopened().await).await.len(), 1);
        store.close().await;
        assert_eq!(hosts(&store.reopened().await).await.len(), 1);
        let late = add_host(&store, store.tenant, "b").await.unwrap_err();
        assert!(late.to_string().starts_with("could not "), "{late}");
    }
}

#[tokio::test]
async fn an_error_undoes_its_own_command_only() {
    for store in testing::engines().await {
        let results = testing::race(32, |index| {
            let (store, tenant) = (store.store.clone(), store.tenant);
            async move {
                let host = format!("h{index}");
                write_tx!(store, tenant, |tx| -> Result<(), Fault> {
                    tx.bump_tenant_version().await?;
                    tx.insert_tenant_host(&host).await?;
                    if index % 3 == 0 { Err(Fault::new("go on")) } else { Ok(()) }
                })
            }
        })
        .await;
        for (index, result) in results.iter().enumerate() {
            assert_eq!(result.is_err(), index % 3 == 0, "{index}: {result:?}");
        }
        assert_eq!(done(&store).await, 21);
    }
}

#[tokio::test]
async fn a_failed_statement_can_not_be_passed_over() {
    let nobody = TenantId::new(NOW, testing::id_bits());
    for store in testing::engines().await {
        let result = write_tx!(store, nobody, |tx| -> Result<(), Fault> {
            // A host of a tenant that isn't there: the foreign key refuses it.
            let refused = tx.insert_tenant_host("a").await;
            assert!(refused.is_err());
            Ok(())
        });
        assert!(result.unwrap_err().to_string().contains("a statement had failed"));
        assert_eq!(done(&store).await, 0);
        add_host(&store, store.tenant, "b").await.unwrap();
        assert_eq!(done(&store).await, 1);
    }
}

#[tokio::test]
async fn a_fault_names_the_verb_and_the_tenant_and_no_value() {
    let nobody = TenantId::new(NOW, testing::id_bits());
    for store in testing::engines().await {
        let fault = add_host(&store, nobody, "secret.example.test").await.unwrap_err();
        for text in [fault.to_string(), format!("{fault:?}")] {
            assert!(text.contains("tenants::insert_tenant_host"), "{text}");
            assert!(text.contains(&nobody.to_string()), "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_write_within_a_write_is_refused() {
    for store in testing::engines().await {
        let result = write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.bump_tenant_version().await?;
            add_host(&store, store.tenant, "a").await.map(|_| ())
        });
        assert!(result.unwrap_err().to_string().contains("within another one"));
        assert_eq!(done(&store).await, 0);
    }
}

#[tokio::test]
async fn a_body_that_hangs_is_cut_off() {
    for store in testing::engines().await {
        let result = write_tx!(store, store.tenant, |tx| -> Result<(), Fault> {
            tx.bump_tenant_version().await?;
            std::future::pending::<()>().await;
            Ok(())
        });
        assert!(result.unwrap_err().is_busy());
        add_host(&store, store.tenant, "a").await.unwrap();
        assert_eq!(done(&store).await, 1);
    }
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    for store in testing::engines().await {
        let other = testing::add_tenant(&store, "other").await.unwrap();
        add_host(&store, other, "a").await.unwrap();
        assert_eq!(version(&store).await, 1);
        assert!(!add_host(&store, store.tenant, "a").await.unwrap(), "a host leads to one tenant");
        assert_eq!(store.directory().tenant_by_host("a").await.unwrap().unwrap().id, other);
    }
}

/// A sequence without a source of chance, so that a failure can be repeated.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// One command that ends in one of several ways, perhaps cut off.
async fn troubled(store: Store, tenant: TenantId, host: String, trouble: u64) -> Result<bool, Fault> {
    write_tx!(store, tenant, |tx| -> Result<bool, Fault> {
        tx.bump_tenant_version().await?;
        for _ in 0..trouble {
            tokio::task::yield_now().await;
        }
        let added = tx.insert_tenant_host(&host).await?;
        if trouble == 7 {
            // A panic that doesn't fill the test's output.
            std::panic::resume_unwind(Box::new("wanted"));
        }
        if trouble == 5 { Err(Fault::new("go on")) } else { Ok(added) }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancellation_panic_and_error_leave_every_command_whole() {
    for store in testing::engines().await {
        let mut chance = Sequence(1);
        let mut answered = BTreeSet::new();
        for round in 0..25 {
            let tasks: Vec<_> = (0..16)
                .map(|index| {
                    let (host, trouble) = (format!("h{round}-{index}"), chance.below(10));
                    // A third are left alone; the others are dropped somewhere between their first and last await.
                    let patience = if index % 3 == 0 { 30_000_000 } else { chance.below(6000) };
                    let patience = Duration::from_micros(patience);
                    let work = troubled(store.store.clone(), store.tenant, host.clone(), trouble);
                    let task = tokio::spawn(async move { tokio::time::timeout(patience, work).await });
                    (host, task)
                })
                .collect();
            for (host, task) in tasks {
                if let Ok(Ok(Ok(true))) = task.await {
                    answered.insert(host);
                }
            }
        }
        // The next command comes through, so nobody holds the connection; and what was answered is there.
        add_host(&store, store.tenant, "last").await.unwrap();
        let whole = done(&store).await;
        let present = hosts(&store).await;
        assert!(answered.is_subset(&present), "an answered command is missing");
        assert!(!answered.is_empty() && whole < 400, "{} answered, {whole} done", answered.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_racing_commands_each_runs_once() {
    for store in testing::engines().await {
        let results = testing::race(32, |_| {
            let (store, tenant) = (store.store.clone(), store.tenant);
            // All change one row and want one host: PostgreSQL must run most of them again.
            async move { handler(&store, tenant, "wanted", &mut 0).await }
        })
        .await;
        let won = results.into_iter().map(Result::unwrap).filter(|won| *won).count();
        assert_eq!((won, version(&store).await), (1, 33));
    }
}

#[tokio::test]
async fn a_lost_connection_is_a_fault_and_the_next_write_works() {
    for store in testing::engines().await.into_iter().filter(|it| it.kind() == EngineKind::Postgres) {
        use sqlx::{Connection as _, Executor as _};
        let mut other = sqlx::PgConnection::connect(store.database.url()).await.unwrap();
        let result = write_tx!(store, store.tenant, |tx| -> Result<bool, Fault> {
            tx.bump_tenant_version().await?;
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                         WHERE state = 'idle in transaction' AND query LIKE 'UPDATE tenant SET version%'";
            other.execute(kill).await.unwrap();
            tx.insert_tenant_host("a").await
        });
        assert!(result.unwrap_err().is_busy());
        add_host(&store, store.tenant, "b").await.unwrap();
        assert_eq!(done(&store).await, 1);
    }
}
