//! `write_tx!`: what holds whatever happens to its callers.

use std::future::Future;

use store::testing::{self, TestStore};
use store::{Fault, Store, write_tx};
use terms::TenantId;

async fn version(store: &TestStore) -> i64 {
    store.read(store.tenant).tenant_record().await.unwrap().unwrap().version
}

fn send<F: Future + Send>(future: F) -> F {
    future
}

/// As a handler writes it: borrowed arguments, a borrowed and a mutable environment.
async fn handler(store: &Store, tenant: TenantId, host: &str, tries: &mut u32) -> Result<bool, Fault> {
    let added = write_tx!(store, tenant, |tx| -> Result<_, Fault> {
        *tries += 1;
        let before = tx.tenant_record().await?;
        if before.is_none() {
            return Ok(false);
        }
        tx.bump_tenant_version().await?;
        tx.insert_tenant_host(host).await
    })?;
    Ok(added)
}

#[tokio::test]
async fn a_handler_is_send_and_commits_as_a_whole() {
    for store in testing::engines().await {
        let mut tries = 0;
        assert!(send(handler(&store, store.tenant, "a.example.test", &mut tries)).await.unwrap());
        assert_eq!(tries, 1);
        assert_eq!(version(&store).await, 2);
        let found = store.directory().tenant_by_host("a.example.test").await.unwrap().unwrap();
        assert_eq!(found.id, store.tenant);
    }
}
