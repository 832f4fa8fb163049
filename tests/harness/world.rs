use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use server::clock::{Clock, HeldClock};
use server::config::{Config, Mode};
use server::{Options, Running, start};

use crate::browser::Browser;

/// A whole Portico in this process, with nobody in it yet.
pub struct World {
    running: Running,
    /// The server's clock. It stands still until the test moves it.
    pub clock: HeldClock,
}

impl World {
    /// Starts a server on a free port. It begins at the system's time, since other parties read the system's clock.
    pub async fn start() -> Self {
        let clock = HeldClock::at_system_time();
        let config = Config {
            mode: Mode::Development,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            request_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(1),
        };
        let options = Options { config, clock: Clock::Held(clock.clone()) };
        let running = start(options).await.expect("the server starts");
        Self { running, clock }
    }

    /// Where the default tenant is reached; its issuer.
    pub fn issuer(&self) -> &str {
        &self.running.base_url
    }

    /// A browser that never was here.
    pub fn browser(&self) -> Browser {
        Browser::new(self.issuer())
    }
}
