//! By what name a client knows people: their own `sub`, or one of its sector's (OpenID Connect Core section 8).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use oidc::client::Client;
use oidc::subject::{Naming, PairwiseSalt};
use store::{Fault, write_tx};
use terms::TenantId;

use crate::app::App;
use crate::sealing::Place;
use crate::tenant::Tenant;

/// The tenants' salts, opened. They never change, so what is here is true for ever; there is one per tenant at most.
#[derive(Default)]
pub struct PairwiseSalts(Mutex<HashMap<TenantId, PairwiseSalt>>);

impl App {
    /// How this client names people. Makes the tenant's salt where it has none yet.
    pub async fn naming(&self, tenant: &Tenant, client: &Client) -> Result<Naming, Fault> {
        match client.sector() {
            None => Ok(Naming::Own),
            Some(sector) => {
                Ok(Naming::Pairwise { sector, salt: Box::new(self.pairwise_salt(tenant).await?) })
            }
        }
    }

    async fn pairwise_salt(&self, tenant: &Tenant) -> Result<PairwiseSalt, Fault> {
        let known =
            self.pairwise_salts.0.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant.id).cloned();
        if let Some(salt) = known {
            return Ok(salt);
        }
        let doing = |what: &str| Fault::new(format!("{what} the pairwise salt of {}", tenant.id));
        let mut stored = self.store.read(tenant.id).pairwise_salt().await?;
        if stored.is_none() {
            let fresh: [u8; 32] = self.entropy.bytes();
            let sealed = tenant.data_key.seal(&self.entropy, Place::PairwiseSalt, &fresh);
            let sealed = sealed.map_err(|error| doing("seal").because(error))?;
            let now = self.clock.now();
            // Of several who make one at once, the first one's is the tenant's, so it is read again.
            write_tx!(self.store, tenant.id, |tx| -> Result<bool, Fault> {
                tx.insert_pairwise_salt(&sealed, now).await
            })?;
            stored = self.store.read(tenant.id).pairwise_salt().await?;
        }
        let sealed = stored.ok_or_else(|| doing("find"))?;
        let opened = tenant.data_key.open(Place::PairwiseSalt, &sealed.0);
        let opened = opened.map_err(|error| doing("open").because(error))?;
        let octets = opened.as_slice().try_into().map_err(|_| doing("read"))?;
        let salt = PairwiseSalt::new(octets);
        let mut salts = self.pairwise_salts.0.lock().unwrap_or_else(PoisonError::into_inner);
        salts.insert(tenant.id, salt.clone());
        Ok(salt)
    }
}
