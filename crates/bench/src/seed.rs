//! Data to measure growth with: people, tenants and clients by the thousand, made through the store.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use identity::password::{self, HashCost, HashMemory, NewPassword, PasswordHash, PasswordPolicy};
use identity::{Actor, Event, EventKind};
use oidc::client::{Client, ClientMetadata, ClientSettings};
use server::app::{App, Schema};
use server::clock::Clock;
use server::config::{Config, Surroundings};
use server::tenant::DEFAULT_SLUG;
use store::bulk::{Clients, People};
use store::tenants::TenantRecord;
use store::{EngineKind, Fault, write_tx};
use terms::{ClientSecret, ClientSecretId, EventId, SecretText, TenantId, Timestamp, UserId};
use tokio::task::JoinSet;

use crate::Problem;

/// Everybody's.
pub const PASSWORD: &str = "growth is measured here";
/// Where everybody's clients are answered.
pub const REDIRECT_URI: &str = "https://app.example.test/callback";
/// What all of them authenticate with.
pub const SECRET: [u8; 32] = [b'g'; 32];

/// The address of a person by their number, from 1 on.
pub fn address(number: i64) -> String {
    format!("person{number}@example.test")
}

/// The slug of a tenant by its number, from 1 on.
pub fn slug(number: i64) -> String {
    format!("tenant{number}")
}

/// Rows in one transaction: it must be done within seconds, on any machine.
const BATCH: i64 = 1_000;
/// Tenants made at once with SQLite: those that wait for the disk share a commit. With PostgreSQL they would only wait for each
/// other's versions.
const AT_ONCE: usize = 64;
/// How often a transaction is tried again that a busy machine did not finish in time.
const AGAIN: u32 = 10;
const BETWEEN: Duration = Duration::from_secs(1);
const TELL_EVERY: Duration = Duration::from_secs(2);

/// What is made.
#[derive(Args)]
pub struct SeedArguments {
    /// The configuration file of a server that doesn't run
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// People of the default tenant, with one password
    #[arg(long, value_name = "N", default_value_t = 0)]
    users: i64,
    /// Tenants by path, each with one person and one client
    #[arg(long, value_name = "N", default_value_t = 0)]
    tenants: i64,
    /// Confidential clients of the default tenant, with one secret
    #[arg(long, value_name = "N", default_value_t = 0)]
    clients: i64,
    /// Add to what an earlier run made
    #[arg(long)]
    append: bool,
}

pub async fn run(asked: &SeedArguments) -> Result<(), Problem> {
    let app = open(&asked.config).await?;
    let made = seed(&app, asked).await;
    app.close().await;
    made
}

async fn open(file: &Path) -> Result<Arc<App>, Problem> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let config = Config::read(&text, Surroundings::of(file)).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        format!("{}: {}", file.display(), lines.join("; "))
    })?;
    Ok(App::open(config, Clock::System, Schema::Migrate).await?)
}

async fn seed(app: &Arc<App>, asked: &SeedArguments) -> Result<(), Problem> {
    let tenant = app.tenant_by_slug(DEFAULT_SLUG).await?.ok_or("there is no default tenant")?.id;
    let seeder = Seeder { app: Arc::clone(app), hash: hash(app.config.password_hashing.cost)? };
    let (mut users, mut clients, mut tenants) = (1, 1, 1);
    if asked.append {
        users = seeder.free_person(tenant).await?;
        clients = seeder.free_client(tenant).await?;
        tenants = first_free(async |number| {
            Ok(app.store.directory().tenant_by_slug(&slug(number)).await?.is_some())
        })
        .await?;
    } else if !app.store.read(tenant).users_after(None, 1).await?.is_empty() {
        return Err("the database has users already; with --append more are made beside them".into());
    }
    let begun = Instant::now();
    seeder.people(tenant, users, asked.users).await?;
    seeder.clients(tenant, clients, asked.clients).await?;
    seeder.tenants(tenants, asked.tenants).await?;
    println!("All of it took {:.1} s.", begun.elapsed().as_secs_f64());
    println!("Everybody's password is {PASSWORD:?}; everybody's client secret is");
    println!("{}", ClientSecret::new(SECRET).reveal());
    Ok(())
}

/// The password as the configuration's cost has it: a cheaper hash would be made anew when its owner signs in.
fn hash(cost: HashCost) -> Result<PasswordHash, Problem> {
    let password = NewPassword::check(&SecretText::new(PASSWORD.to_owned()), PasswordPolicy::Alone, &[])
        .map_err(|error| error.to_string())?;
    Ok(password::hash(&password, [b's'; 16], cost, &mut HashMemory::new(cost))?)
}

/// The first number from 1 on that nothing has, of numbers that are had without gaps.
async fn first_free(is_taken: impl AsyncFn(i64) -> Result<bool, Fault>) -> Result<i64, Fault> {
    let mut free = 1;
    while is_taken(free).await? {
        free *= 2;
    }
    let mut taken = free / 2;
    while free - taken > 1 {
        let middle = taken.midpoint(free);
        if is_taken(middle).await? { taken = middle } else { free = middle }
    }
    Ok(free)
}

/// A transaction, again when it was not finished in time.
macro_rules! patiently {
    ($transaction:expr) => {{
        let mut left = AGAIN;
        loop {
            match $transaction {
                Err(fault) if Fault::is_busy(&fault) && left > 0 => {
                    left -= 1;
                    tokio::time::sleep(BETWEEN).await;
                }
                ended => break ended,
            }
        }
    }};
}

/// Tells how far something has come.
struct Progress {
    what: &'static str,
    all: i64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    fn of(what: &'static str, all: i64) -> Self {
        let now = Instant::now();
        Self { what, all, begun: now, told: now }
    }

    fn at(&mut self, made: i64) {
        if self.told.elapsed() >= TELL_EVERY && made < self.all {
            self.told = Instant::now();
            eprintln!("{made} of {} {}", self.all, self.what);
        }
    }

    fn done(&self) {
        let seconds = self.begun.elapsed().as_secs_f64();
        println!("{} {} in {seconds:.1} s", self.all, self.what);
    }
}

struct Seeder {
    app: Arc<App>,
    hash: PasswordHash,
}

impl Seeder {
    async fn free_person(&self, tenant: TenantId) -> Result<i64, Fault> {
        first_free(async |number| {
            let Ok(email) = terms::EmailAddress::parse(&address(number)) else { return Ok(false) };
            Ok(self.app.store.read(tenant).user_by_email(email.canonical()).await?.is_some())
        })
        .await
    }

    async fn free_client(&self, tenant: TenantId) -> Result<i64, Fault> {
        first_free(async |number| {
            let Ok(client) = format!("client{number}").parse() else { return Ok(false) };
            Ok(self.app.store.read(tenant).client(&client).await?.is_some())
        })
        .await
    }

    async fn people(&self, tenant: TenantId, first: i64, count: i64) -> Result<(), Problem> {
        let mut progress = Progress::of("people", count);
        for (from, to) in batches(first, count) {
            let (now, subject) = (self.app.clock.now(), self.app.entropy.hex::<8>());
            let people = self.people_of(from, to, &subject, now);
            patiently!(write_tx!(self.app.store, tenant, |tx| -> Result<(), Fault> {
                tx.insert_people(&people).await
            }))?;
            progress.at(to - first + 1);
        }
        progress.done();
        Ok(())
    }

    fn people_of<'a>(&'a self, first: i64, last: i64, subject: &'a str, now: Timestamp) -> People<'a> {
        let entropy = self.app.entropy;
        People {
            first,
            last,
            user: entropy.id(UserId::new, now),
            event: entropy.id(EventId::new, now),
            subject,
            webauthn_handle: entropy.bytes(),
            name: "Person",
            password: &self.hash,
            now,
        }
    }

    async fn clients(&self, tenant: TenantId, first: i64, count: i64) -> Result<(), Problem> {
        let mut progress = Progress::of("clients", count);
        for (from, to) in batches(first, count) {
            let now = self.app.clock.now();
            let like = client(now)?;
            let clients = self.clients_of(from, to, &like, now);
            patiently!(write_tx!(self.app.store, tenant, |tx| -> Result<(), Fault> {
                tx.insert_clients(&clients).await
            }))?;
            progress.at(to - first + 1);
        }
        progress.done();
        Ok(())
    }

    fn clients_of<'a>(&self, first: i64, last: i64, like: &'a Client, now: Timestamp) -> Clients<'a> {
        let secret = self.app.entropy.id(ClientSecretId::new, now);
        Clients { first, last, like, secret, secret_hash: ClientSecret::new(SECRET).hash(), now }
    }

    async fn tenants(self, first: i64, count: i64) -> Result<(), Problem> {
        let mut progress = Progress::of("tenants", count);
        let default = self.app.tenant_by_slug(DEFAULT_SLUG).await?.ok_or("there is no default tenant")?;
        let origin = default.issuer.origin().to_owned();
        let at_once = match self.app.store.kind() {
            EngineKind::Sqlite => AT_ONCE,
            EngineKind::Postgres => 1,
        };
        let seeder = Arc::new(self);
        let (mut tasks, mut made) = (JoinSet::new(), 0);
        let mut numbers: VecDeque<i64> = (first..first + count).collect();
        loop {
            while tasks.len() < at_once
                && let Some(number) = numbers.pop_front()
            {
                let (seeder, origin) = (Arc::clone(&seeder), origin.clone());
                tasks.spawn(async move { seeder.tenant(&origin, number).await });
            }
            let Some(done) = tasks.join_next().await else { break };
            done??;
            made += 1;
            progress.at(made);
        }
        progress.done();
        Ok(())
    }

    /// A tenant by path; its signing keys are made when it is first asked for something signed.
    async fn tenant(&self, origin: &str, number: i64) -> Result<(), Problem> {
        let (now, entropy, slug) = (self.app.clock.now(), self.app.entropy, slug(number));
        let id = entropy.id(TenantId::new, now);
        let (_, sealed_data_key) = self.app.master_keys.new_data_key(&entropy, id)?;
        let issuer = format!("{origin}/t/{slug}");
        let settings = serde_json::json!({});
        let record =
            TenantRecord { id, slug, issuer, settings, sealed_data_key, version: 1, created_at: now };
        let event = Event::new(self.app.event_id(), EventKind::TenantCreated, Actor::Operator, now).about(id);
        let (subject, like) = (entropy.hex::<8>(), client(now)?);
        let people = self.people_of(1, 1, &subject, now);
        let clients = self.clients_of(1, 1, &like, now);
        patiently!(write_tx!(self.app.store, id, |tx| -> Result<(), Fault> {
            if !tx.insert_tenant(&record).await? {
                return Err(Fault::new(format!("make {}: there is one of that name", record.slug)));
            }
            tx.append_event(&event).await?;
            tx.insert_people(&people).await?;
            tx.insert_clients(&clients).await
        }))?;
        Ok(())
    }
}

/// A web application of whoever runs the server, so that nobody is asked for consent.
fn client(now: Timestamp) -> Result<Client, Problem> {
    let metadata = serde_json::json!({
        "client_name": "Application",
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "scope": "openid email offline_access",
    });
    let metadata = ClientMetadata::parse(&metadata).map_err(|_| "the client's metadata is refused")?;
    Ok(Client {
        id: "like".parse()?,
        metadata,
        settings: ClientSettings {
            first_party: true,
            rotate_refresh_tokens: true,
            ..ClientSettings::default()
        },
        created_at: now,
        last_used_at: None,
    })
}

/// The numbers from `first` on, `count` of them, in batches.
fn batches(first: i64, count: i64) -> impl Iterator<Item = (i64, i64)> {
    let end = first + count;
    let begin = move |batch: i64| first + batch * BATCH;
    (0..).map(begin).take_while(move |from| *from < end).map(move |from| (from, (from + BATCH).min(end) - 1))
}

#[cfg(test)]
mod tests {
    use identity::password::verify;

    use super::*;

    #[test]
    fn batches_leave_nothing_out() {
        assert_eq!(batches(1, 0).count(), 0);
        assert_eq!(batches(5, 3).collect::<Vec<_>>(), [(5, 7)]);
        assert_eq!(batches(1, BATCH + 1).collect::<Vec<_>>(), [(1, BATCH), (BATCH + 1, BATCH + 1)]);
    }

    #[tokio::test]
    async fn the_first_free_number_is_found() {
        for taken in [0, 1, 2, 3, 7, 8, 1000] {
            assert_eq!(first_free(async |number| Ok(number <= taken)).await.unwrap(), taken + 1);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_made_can_sign_in_and_is_made_once() {
        let folder = std::env::temp_dir().join(format!("portico_seed_{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let config = Config::development(&folder, 0, None);
        let app = App::open(config, Clock::System, Schema::Migrate).await.unwrap();
        let asked =
            |append| SeedArguments { config: PathBuf::new(), users: 5, tenants: 2, clients: 3, append };
        seed(&app, &asked(false)).await.unwrap();
        assert!(seed(&app, &asked(false)).await.unwrap_err().to_string().contains("--append"));
        seed(&app, &asked(true)).await.unwrap();

        assert_eq!(app.store.directory().tenant_count().await.unwrap(), 5);
        for (slug, number) in [(DEFAULT_SLUG, 10), ("tenant4", 1)] {
            let tenant = app.tenant_by_slug(slug).await.unwrap().unwrap();
            let mut read = app.store.read(tenant.id);
            let email = terms::EmailAddress::parse(&address(number)).unwrap();
            let user = read.user_by_email(email.canonical()).await.unwrap().unwrap();
            let stored = read.password_of(user.id).await.unwrap().unwrap();
            let cost = app.config.password_hashing.cost;
            assert!(!stored.hash.needs_rehash(cost));
            let typed = SecretText::new(PASSWORD.to_owned());
            assert!(verify(&typed, Some(&stored), cost, &mut HashMemory::new(cost)).unwrap().is_some());
            assert_eq!(read.users_after(None, 100).await.unwrap().len(), usize::try_from(number).unwrap());
        }
        let default = app.tenant_by_slug(DEFAULT_SLUG).await.unwrap().unwrap();
        let clients = app.store.read(default.id).clients_after("", 9).await;
        assert_eq!(clients.unwrap().len(), 6);
        app.close().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}
