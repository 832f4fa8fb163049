//! Starting and stopping the server; the program and the tests do it the same way.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::socket;
use crate::app::{App, OpenError, Schema};
use crate::clock::Clock;
use crate::config::Config;
use crate::listen::{self, Door};
use crate::tenant::{DEFAULT_SLUG, Issuer};
use crate::tls::{self, Certificate, TlsFault};
use crate::{https_only, key_changes, logout_notices, metrics, post, routes, sweeping, tenants};

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
    /// Development serves this machine only.
    IssuerNotLoopback(String),
    Tls(TlsFault),
    Open(OpenError),
    /// The socket for the command line.
    Socket(io::Error),
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
            Self::IssuerNotLoopback(issuer) => write!(
                f,
                "development mode serves this machine only, so its issuer can't be {issuer}. Use a name like \
                 http://localhost:8080, or run `portico serve`."
            ),
            Self::Tls(fault) => fault.fmt(f),
            Self::Open(error) => error.fmt(f),
            Self::Socket(error) => {
                write!(
                    f,
                    "cannot make the administrator's socket beside the database: {error}. Is the path of the folder too long?"
                )
            }
        }
    }
}

impl std::error::Error for StartError {}

/// A server that takes requests until it is shut down or dropped.
pub struct Running {
    pub app: Arc<App>,
    pub local_addr: SocketAddr,
    /// The issuer of the default tenant: where browsers and clients begin.
    pub base_url: String,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
    companions: Vec<JoinHandle<()>>,
    /// Sends mail, if any is sent, and notices to clients.
    carrying: Vec<JoinHandle<()>>,
}

impl Running {
    /// Takes no further request, lets those in flight end within the configured time, closes the database, returns.
    pub async fn shutdown(mut self) {
        let _ = self.stop.send(true);
        for serving in &mut self.serving {
            let _ = serving.await;
        }
        let ends = tokio::time::Instant::now() + self.app.config.shutdown_grace;
        for carrying in &mut self.carrying {
            // What is on its way comes to its end, so that it isn't sent twice.
            let _ = tokio::time::timeout_at(ends, carrying).await;
        }
        self.end_companions();
        self.app.close().await;
    }

    /// Serves until `order` comes, then shuts down.
    pub async fn run_until(self, order: impl Future<Output = ()>) {
        order.await;
        tracing::info!("stopping");
        self.shutdown().await;
    }

    fn end_companions(&self) {
        for task in self.companions.iter().chain(&self.carrying) {
            task.abort();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.end_companions();
    }
}

/// Binds, opens, and serves.
///
/// The port comes first: that it is taken is the commonest trouble, and nothing has been touched by then.
pub async fn start(options: Options) -> Result<Running, StartError> {
    let Options { mut config, clock } = options;
    let listener = bind(config.listen).await?;
    let local_addr = listener.local_addr().map_err(|error| StartError::Listen(config.listen, error))?;
    let certificate = config.tls.as_ref().map(|tls| Certificate::open(tls.files.clone())).transpose();
    let certificate = certificate.map_err(StartError::Tls)?.map(Arc::new);
    let plain = match config.tls.as_ref().and_then(|tls| tls.redirect_listen) {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let measured = match config.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let mut schema = Schema::Require;
    if config.is_development() {
        schema = Schema::Migrate;
        config.issuer = Some(development_issuer(config.issuer, local_addr)?);
    }
    let app = Box::pin(App::open(config, clock, schema)).await.map_err(StartError::Open)?;
    let socket = app.config.database.folder().map(socket::bind).transpose().map_err(StartError::Socket)?;
    let default = app.tenant_by_slug(DEFAULT_SLUG).await.map_err(|fault| StartError::Open(fault.into()))?;
    let base_url = default.map(|tenant| tenant.issuer.to_string()).unwrap_or_default();
    let (stop, stopped) = watch::channel(false);
    let grace = app.config.shutdown_grace;
    let door = certificate.clone().map_or(Door::Http, Door::Https);
    let serving = listen::serve(listener, door, routes::service(&app), stopped.clone(), grace);
    let mut serving = vec![tokio::spawn(serving)];
    let beside = [
        plain.map(|listener| (listener, https_only::service(&app))),
        measured.map(|listener| (listener, metrics::service(&app))),
    ];
    for (listener, routes) in beside.into_iter().flatten() {
        serving.push(tokio::spawn(listen::serve(listener, Door::Http, routes, stopped.clone(), grace)));
    }
    let smtp = app.config.smtp.clone().filter(|_| !app.config.is_development());
    let mut carrying = vec![tokio::spawn(logout_notices::carry(Arc::clone(&app), stopped.clone()))];
    carrying.extend(smtp.map(|smtp| tokio::spawn(post::carry(Arc::clone(&app), smtp, stopped.clone()))));
    let mut companions = vec![
        tokio::spawn(tenants::keep_fresh(Arc::clone(&app))),
        tokio::spawn(sweeping::keep_swept(Arc::clone(&app))),
        tokio::spawn(sweeping::keep_known(Arc::clone(&app))),
        tokio::spawn(key_changes::keep_rotated(Arc::clone(&app))),
        tokio::spawn(warm(Arc::clone(&app))),
    ];
    if let Some(certificate) = certificate {
        let _ = app.certificate.set(Arc::clone(&certificate));
        companions.push(tokio::spawn(tls::keep_current(certificate)));
    }
    if let Some(listener) = socket {
        companions.push(tokio::spawn(socket::serve(Arc::clone(&app), listener)));
    }
    Ok(Running { app, local_addr, base_url, stop, serving, companions, carrying })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken(address),
        _ => StartError::Listen(address, error),
    })
}

/// What the first who asks would otherwise wait for: the default tenant's keys, and then some for tenants that have none yet.
async fn warm(app: Arc<App>) {
    let warmed = async {
        match app.tenant_by_slug(DEFAULT_SLUG).await? {
            Some(default) => app.keys(&default).await.map(|_| ()),
            None => Ok(()),
        }
    };
    if let Err(fault) = warmed.await {
        tracing::warn!(%fault, "cannot open the default tenant's keys");
    }
    app.key_source.make_ahead();
}

fn development_issuer(asked: Option<Issuer>, local_addr: SocketAddr) -> Result<Issuer, StartError> {
    match asked {
        Some(issuer) if issuer.is_loopback() => Ok(issuer),
        Some(issuer) => Err(StartError::IssuerNotLoopback(issuer.to_string())),
        None => Ok(Issuer::on_localhost(local_addr.port())),
    }
}
