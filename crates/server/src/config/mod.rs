//! The typed configuration: what the server may rely on after everything that was written was checked.

use std::net::SocketAddr;
use std::time::Duration;

/// How the program was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `portico dev`: loopback only, mail is shown instead of sent.
    Development,
    /// `portico serve`.
    Production,
}

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub mode: Mode,
    /// Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long requests in flight may go on after the order to stop.
    pub shutdown_grace: Duration,
}
