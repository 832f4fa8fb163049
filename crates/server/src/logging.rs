//! What the program writes about its own work: to standard error, one line per event, with the request's id.
//!
//! Nothing personal and no secret is logged. Requests appear by method and path, never with their query; ids of
//! ours may appear, addresses and names of people may not.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::LogConfig;

/// Begins to log. A second call in the same process changes nothing.
pub fn init(config: &LogConfig) {
    // Statements are constants, but their values may be personal: the driver never logs, whatever the filter says.
    let filter = config.filter.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let filter = filter.with_target("sqlx", LevelFilter::OFF);
    let plain = fmt::layer().with_writer(std::io::stderr);
    let layer = if config.json {
        plain.json().with_current_span(true).with_span_list(false).boxed()
    } else {
        plain.with_ansi(std::io::stderr().is_terminal()).with_target(false).boxed()
    };
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}
