//! By what name a client knows people: their own `sub`, or one of its sector's (OpenID Connect Core section 8).

use oidc::client::Client;
use oidc::subject::{Naming, PairwiseSalt};
use store::{Fault, write_tx};

use crate::app::App;
use crate::sealing::Place;
use crate::tenant::Tenant;

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
        tenant.opened.pairwise_salt.get_or_try_init(|| self.open_pairwise_salt(tenant)).await.cloned()
    }

    async fn open_pairwise_salt(&self, tenant: &Tenant) -> Result<PairwiseSalt, Fault> {
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
        Ok(PairwiseSalt::new(octets))
    }
}
