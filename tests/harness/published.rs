use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A JSON document that a relying party publishes at an address of its own, and who asked for it.
pub struct Published {
    /// Where it is.
    pub url: String,
    document: Arc<Mutex<Option<Value>>>,
    fetches: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Published {
    pub async fn start(document: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (document, fetches) = (Arc::new(Mutex::new(Some(document))), Arc::new(AtomicUsize::new(0)));
        let (held, count) = (Arc::clone(&document), Arc::clone(&fetches));
        let routes = Router::new().fallback(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = held.lock().unwrap().clone();
            async move { answer.map_or(StatusCode::BAD_GATEWAY.into_response(), json) }
        });
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Self { url: format!("http://localhost:{port}/document.json"), document, fetches, serving }
    }

    /// Publishes another document; with none the address answers with an error.
    pub fn put(&self, document: Option<Value>) {
        *self.document.lock().unwrap() = document;
    }

    /// How often it was asked for.
    pub fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

fn json(document: Value) -> Response {
    axum::Json(document).into_response()
}

impl Drop for Published {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
