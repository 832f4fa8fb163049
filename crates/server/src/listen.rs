//! Taking connections, each within limits of time and size, and letting them end in good order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::request::Peer;
use crate::tls::Certificate;

/// Connections at once. More wait in the system's queue, where they cost this process nothing.
const CONNECTIONS: usize = 10_000;
/// How long a client may take to send the head of a request: also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Octets of a request's head. A long authorization request fits (`terms::limits::REQUEST_BYTES`).
const HEAD_BYTES: usize = 128 * 1024;
/// After an accept that failed, most often for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// What a listener's clients speak.
#[derive(Clone)]
pub enum Door {
    Http,
    Https(Arc<Certificate>),
}

/// Serves until `stopped` says so; then takes no further connection, and gives those there are `grace` to end.
pub async fn serve(
    listener: TcpListener,
    door: Door,
    routes: Router,
    mut stopped: watch::Receiver<bool>,
    grace: Duration,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            next = next => next,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let routes = routes.clone().layer(Extension(Peer(peer)));
                let connection = connection(stream, door.clone(), routes, stopped.clone());
                connections.spawn(async move {
                    let _place = place;
                    connection.await;
                });
            }
            Err(error) => pause_after(&error).await,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all_ended).await.is_err() {
        tracing::warn!("some requests did not end in time and were cut off");
        connections.shutdown().await;
    }
}

/// One client's connection: its requests one after the other, until it goes or the server stops.
async fn connection(stream: TcpStream, door: Door, routes: Router, mut stopped: watch::Receiver<bool>) {
    // An answer is written at once; waiting for more to send would only delay it.
    let _ = stream.set_nodelay(true);
    match door {
        Door::Http => requests(stream, routes, stopped).await,
        Door::Https(certificate) => {
            let agreed = tokio::select! {
                agreed = certificate.accept(stream) => agreed,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            if let Some(stream) = agreed {
                requests(stream, routes, stopped).await;
            }
        }
    }
}

async fn requests<S>(stream: S, routes: Router, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = std::pin::pin!(connection);
    // How a connection ends, a client that goes away included, is no news.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// A client that went before it was accepted is no reason to wait; anything else would come back at once.
async fn pause_after(error: &io::Error) {
    use io::ErrorKind as E;
    if !matches!(error.kind(), E::ConnectionAborted | E::ConnectionReset | E::ConnectionRefused) {
        tracing::error!(%error, "cannot accept a connection");
        tokio::time::sleep(BREATH).await;
    }
}
