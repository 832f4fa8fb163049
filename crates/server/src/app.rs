//! What every handler may use.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::clock::Clock;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::tenant::Directory;

/// The running server, shared by all requests.
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub entropy: Entropy,
    /// All tenants as of the last look at the database.
    pub tenants: ArcSwap<Directory>,
}

impl App {
    pub fn new(config: Config, clock: Clock, directory: Directory) -> Arc<Self> {
        Arc::new(Self { config, clock, entropy: Entropy, tenants: ArcSwap::from_pointee(directory) })
    }
}
