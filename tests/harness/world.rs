use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use server::clock::{Clock, HeldClock};
use server::config::{Config, Database, Mode};
use server::keys::FixedKeys;
use server::tenant::Issuer;
use server::testing::{EngineKind, TestDatabase, engine_kinds};
use server::{Options, Running, start};
use terms::SecretText;

use crate::browser::Browser;
use crate::folder::Folder;
use crate::relying_party::RelyingParty;

/// A whole Portico in this process, with nobody in it yet.
///
/// On which databases is said by `PORTICO_TEST_ENGINES` (`sqlite`, or `sqlite,postgres`).
pub struct World {
    running: Option<Running>,
    /// The server's clock. It stands still until the test moves it.
    pub clock: HeldClock,
    config: Config,
    parties: Mutex<HashMap<&'static str, RelyingParty>>,
    folder: Folder,
    _database: TestDatabase,
}

impl World {
    /// Starts a server on a free port, on the first of the engines. Its clock begins at the system's time, since
    /// other parties read the system's.
    pub async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    /// The same, with a configuration that the test changes before the start.
    pub async fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let first = engine_kinds().first().copied().expect("PORTICO_TEST_ENGINES names an engine");
        Box::pin(Self::with(first, change)).await
    }

    /// Starts a server on this engine.
    pub async fn on(engine: EngineKind) -> Self {
        Box::pin(Self::with(engine, |_| ())).await
    }

    /// Starts a server on this engine, with a configuration that is changed first.
    pub async fn with(engine: EngineKind, change: impl FnOnce(&mut Config)) -> Self {
        let (folder, database) = (Folder::new(), TestDatabase::make(engine).await);
        let mut config = Config::development(folder.path(), 0, None);
        config.database = match engine {
            EngineKind::Sqlite => Database::Sqlite(database.url().into()),
            EngineKind::Postgres => Database::Postgres(SecretText::new(database.url().to_owned())),
        };
        // As little as argon2 takes: what a hash costs is not what these tests are about.
        config.password_hashing.cost.memory_kib = 64;
        config.password_hashing.cost.passes = 1;
        config.fixed_signing_keys = Some(FixedKeys {
            rs256: include_bytes!("fixtures/rs256.pkcs8").to_vec(),
            es256: include_bytes!("fixtures/es256.pkcs8").to_vec(),
        });
        change(&mut config);
        let clock = HeldClock::at_system_time();
        let running = Some(serve(config.clone(), &clock).await);
        let parties = Mutex::default();
        Self { running, clock, config, parties, folder, _database: database }
    }

    /// Tells a story on every engine, each time in a world of its own.
    pub async fn each(story: impl AsyncFn(&mut Self)) {
        for engine in engine_kinds() {
            println!("on {engine:?}");
            let mut world = Box::pin(Self::on(engine)).await;
            // A long story is a large future, which callers would otherwise carry along.
            Box::pin(story(&mut world)).await;
        }
    }

    /// Starts the server again as `portico serve` does, at the same address and on the same data, with a configuration
    /// that the test changes.
    pub async fn go_into_production(&mut self, change: impl FnOnce(&mut Config)) {
        let issuer = Issuer::parse(self.issuer()).expect("an issuer");
        let production = |config: &mut Config| {
            config.mode = Mode::Production;
            config.issuer = Some(issuer);
            change(config);
        };
        Box::pin(self.restart_as(production)).await;
    }

    /// Stops the server and starts it again, at the same address and on the same data.
    pub async fn restart(&mut self) {
        Box::pin(self.restart_as(|_| ())).await;
    }

    /// The same, with another configuration from then on.
    pub async fn restart_as(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        let running = self.running.take().expect("a server that runs");
        let mut config = self.config.clone();
        config.listen = running.local_addr;
        let app = Arc::downgrade(&running.app);
        running.shutdown().await;
        // Tasks of ended connections let go of the data a moment later.
        let gone = async {
            while app.strong_count() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("a server that lets go of its data");
        self.running = Some(serve(config, &self.clock).await);
    }

    /// Another node of the same deployment, on a port of its own. It needs a database that several may have open.
    pub async fn another_node(&self) -> Running {
        let mut config = self.config.clone();
        config.issuer = Some(Issuer::parse(self.issuer()).expect("its issuer"));
        serve(config, &self.clock).await
    }

    /// Tells a story while the server's clock goes with the system's, by which other parties judge what they are given.
    pub async fn in_real_time<T>(&self, story: impl Future<Output = T>) -> T {
        let keeping = async {
            loop {
                self.clock.set(HeldClock::at_system_time().now());
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            told = story => told,
            () = keeping => unreachable!("it has no end"),
        }
    }

    /// Where the data of this world lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the default tenant is reached; its issuer.
    pub fn issuer(&self) -> &str {
        &self.running().base_url
    }

    /// A browser that never was here.
    pub fn browser(&self) -> Browser {
        Browser::new(self.issuer())
    }

    /// The server from within, for what has no address: what an operator does by the command line.
    pub fn app(&self) -> &server::app::App {
        &self.running().app
    }

    pub(crate) fn parties(&self) -> MutexGuard<'_, HashMap<&'static str, RelyingParty>> {
        self.parties.lock().expect("no test thread panicked with it")
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("a server that runs")
    }
}

async fn serve(config: Config, clock: &HeldClock) -> Running {
    let options = Options { config, clock: Clock::Held(clock.clone()) };
    Box::pin(start(options)).await.unwrap_or_else(|error| panic!("the server doesn't start: {error}"))
}
