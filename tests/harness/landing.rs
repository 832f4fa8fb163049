use axum::Router;
use axum::response::Html;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A relying party's side of the browser: a page on a port of its own, where redirects arrive.
pub struct Landing {
    /// To be registered as a redirect URI.
    pub url: String,
    serving: JoinHandle<()>,
}

impl Landing {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let page = r#"<!doctype html><html lang="en"><title>Arrived</title><link rel="icon" href="data:,"><h1>Arrived</h1>"#;
        let routes = Router::new().fallback(move || async move { Html(page) });
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Self { url: format!("http://localhost:{port}/callback"), serving }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
