use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is done to the head of a request, or to a whole answer, as text.
type Change = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// A proxy before a server that does to GETs what a test tells it to. It ends when dropped.
pub struct Meddler(JoinHandle<()>);

impl Meddler {
    /// Listens on one port of loopback and passes on to another.
    pub async fn between(
        outer: u16,
        inner: u16,
        request: impl Fn(&str) -> String + Send + Sync + 'static,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, outer)).await.expect("a free port");
        let (request, answer): (Change, Change) = (Arc::new(request), Arc::new(answer));
        Self(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass_on(stream, inner, Arc::clone(&request), Arc::clone(&answer)));
            }
        }))
    }

    /// Gives its port free.
    pub async fn end(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One request, whose head is all of it, and its answer, after which the connection ends.
async fn pass_on(mut client: TcpStream, inner: u16, request: Change, answer: Change) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(octet) = client.read_u8().await else { return };
        head.push(octet);
    }
    let head = request(std::str::from_utf8(&head).expect("a head of ASCII"));
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    let Ok(mut server) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, inner))).await else {
        return;
    };
    server.write_all(head.as_bytes()).await.expect("a server that listens");
    let mut said = Vec::new();
    server.read_to_end(&mut said).await.expect("an answer");
    let said = answer(std::str::from_utf8(&said).expect("an answer of text"));
    let _ = client.write_all(said.as_bytes()).await;
}
