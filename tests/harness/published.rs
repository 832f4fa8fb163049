use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A document that a relying party publishes at an address of its own, and how often it was asked for.
pub struct Published {
    /// Where it is.
    pub url: String,
    document: Arc<Mutex<Option<Document>>>,
    fetches: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

/// A media type and what is of it.
type Document = (&'static str, String);

impl Published {
    /// A JSON document.
    pub async fn start(document: Value) -> Self {
        let this = Self::empty().await;
        this.put(Some(document));
        this
    }

    /// Nothing yet.
    pub async fn empty() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (document, fetches) = (Arc::<Mutex<Option<Document>>>::default(), Arc::new(AtomicUsize::new(0)));
        let (held, count) = (Arc::clone(&document), Arc::clone(&fetches));
        let routes = Router::new().fallback(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = held.lock().unwrap().clone();
            async move { answer.map_or(StatusCode::BAD_GATEWAY.into_response(), respond) }
        });
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Self { url: format!("http://localhost:{port}/document.json"), document, fetches, serving }
    }

    /// Publishes another JSON document; with none the address answers with an error.
    pub fn put(&self, document: Option<Value>) {
        *self.document.lock().unwrap() = document.map(|document| ("application/json", document.to_string()));
    }

    /// Publishes a document of this media type.
    pub fn put_as(&self, media_type: &'static str, text: &str) {
        *self.document.lock().unwrap() = Some((media_type, text.to_owned()));
    }

    /// How often it was asked for.
    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn respond((media_type, text): Document) -> Response {
    ([(CONTENT_TYPE, media_type)], text).into_response()
}

impl Drop for Published {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
