//! Starting and stopping the server; the program and the tests do it the same way.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::routes;
use crate::tenant::Directory;

/// What a server is started with.
pub struct Options {
    pub config: Config,
    pub clock: Clock,
}

/// Why a server did not start; the text says what to do.
#[derive(Debug)]
pub enum StartError {
    PortTaken(SocketAddr),
    Listen(SocketAddr, io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortTaken(address) => write!(
                f,
                "port {} is taken: another program listens on {address}. Stop it, or choose another port.",
                address.port()
            ),
            Self::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A server that takes requests until it is shut down or dropped.
pub struct Running {
    pub app: Arc<App>,
    pub local_addr: SocketAddr,
    /// Where the default tenant is reached.
    pub base_url: String,
    stop: watch::Sender<bool>,
    serving: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Takes no further request, lets those in flight end within the configured time, then returns.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        finish(&mut self.serving, self.app.config.shutdown_grace).await;
    }

    /// Serves until `order` comes, then shuts down.
    pub async fn run_until(self, order: impl Future<Output = ()>) {
        order.await;
        tracing::info!("stopping");
        self.shutdown().await;
    }
}

async fn finish(serving: &mut JoinHandle<io::Result<()>>, grace: Duration) {
    if tokio::time::timeout(grace, &mut *serving).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
        serving.abort();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// Binds, opens, and serves.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let Options { config, clock } = options;
    let listener = bind(config.listen).await?;
    let local_addr = listener.local_addr().map_err(|error| StartError::Listen(config.listen, error))?;
    let app = App::new(config, clock, Directory::default());
    let service = routes::service(&app).into_make_service_with_connect_info::<SocketAddr>();
    let (stop, mut stopped) = watch::channel(false);
    let order = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let serving =
        tokio::spawn(async move { axum::serve(listener, service).with_graceful_shutdown(order).await });
    let base_url = format!("http://localhost:{}", local_addr.port());
    Ok(Running { app, local_addr, base_url, stop, serving })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken(address),
        _ => StartError::Listen(address, error),
    })
}
