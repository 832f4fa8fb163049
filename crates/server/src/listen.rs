//! Taking connections, each within limits of time and size, and letting them end in good order.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::tls::Certificate;

/// Connections at once. More wait in the system's queue, where they cost this process nothing.
const CONNECTIONS: usize = 10_000;
/// How long a client may take to send the head of a request: also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Octets of a request's head. A long authorization request fits (`terms::limits::REQUEST_BYTES`).
const HEAD_BYTES: usize = 128 * 1024;
/// After an accept that failed, most often for want of file descriptors.
const BREATH: Duration = Duration::from_millis(100);

/// What answers the requests of a listener.
pub trait Answers: Clone + Send + Sync + 'static {
    /// Answers one, which came by a connection from `peer`.
    fn answer(&self, request: Request, peer: SocketAddr) -> impl Future<Output = Response> + Send;
}

impl Answers for Router {
    async fn answer(&self, request: Request, _: SocketAddr) -> Response {
        let Ok(response) = self.clone().oneshot(request).await;
        response
    }
}

/// What a listener's clients speak.
#[derive(Clone)]
pub enum Door {
    Http,
    Https(Arc<Certificate>),
}

/// Serves until `stopped` says so; then takes no further connection, and gives those there are `grace` to end.
pub async fn serve<A: Answers>(
    listener: TcpListener,
    door: Door,
    answers: A,
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
                let connection = connection(stream, peer, door.clone(), answers.clone(), stopped.clone());
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
async fn connection<A: Answers>(
    stream: TcpStream,
    peer: SocketAddr,
    door: Door,
    answers: A,
    mut stopped: watch::Receiver<bool>,
) {
    // An answer is written at once; waiting for more to send would only delay it.
    let _ = stream.set_nodelay(true);
    match door {
        Door::Http => requests(stream, peer, answers, stopped).await,
        Door::Https(certificate) => {
            let agreed = tokio::select! {
                agreed = certificate.accept(stream) => agreed,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            if let Some(stream) = agreed {
                requests(stream, peer, answers, stopped).await;
            }
        }
    }
}

async fn requests<S, A>(stream: S, peer: SocketAddr, answers: A, mut stopped: watch::Receiver<bool>)
where
    A: Answers,
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES);
    let connection = builder.serve_connection(
        TokioIo::new(stream),
        service_fn(move |request: http::Request<Incoming>| {
            let answers = answers.clone();
            async move { Ok::<_, Infallible>(answers.answer(request.map(Body::new), peer).await) }
        }),
    );
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
