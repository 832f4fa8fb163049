use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::browser::client;
use crate::relying_party::{claims, header};

/// The address at which a relying party is told of logouts (OpenID Connect Back-Channel Logout section 2.5).
pub struct LogoutReceiver {
    /// Where it is.
    pub url: String,
    answer: Arc<Mutex<Option<u16>>>,
    received: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl LogoutReceiver {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (answer, received) = (Arc::new(Mutex::new(Some(200))), Arc::new(Mutex::new(Vec::new())));
        let (held, kept) = (Arc::clone(&answer), Arc::clone(&received));
        let routes = Router::new().fallback(move |headers: HeaderMap, body: String| {
            assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
            let token =
                body.strip_prefix("logout_token=").unwrap_or_else(|| panic!("no token alone: {body}"));
            kept.lock().unwrap().push(token.to_owned());
            let answer = *held.lock().unwrap();
            async move { answer_with(answer).await }
        });
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Self { url: format!("http://localhost:{port}/logged-out"), answer, received, serving }
    }

    /// Answers with this status from now on; with none, not at all.
    pub fn answer(&self, status: Option<u16>) {
        *self.answer.lock().unwrap() = status;
    }

    /// The logout tokens that came, in their order.
    pub fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// The same once there are so many; they take longer than a while only in a failed test.
    pub async fn awaited(&self, count: usize) -> Vec<String> {
        for _ in 0..200 {
            if self.received().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let received = self.received();
        assert_eq!(received.len(), count, "{received:?}");
        received
    }
}

async fn answer_with(status: Option<u16>) -> Response {
    match status {
        Some(status) => StatusCode::from_u16(status).expect("a status").into_response(),
        None => std::future::pending().await,
    }
}

impl Drop for LogoutReceiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What a JWT says whose signature is by a key that this issuer publishes; another one is a failed test.
pub async fn verified(issuer: &str, jwt: &str) -> Value {
    let http = client().build().expect("an HTTP client");
    let answer = http.get(format!("{issuer}/.well-known/jwks.json")).send().await.expect("an answer");
    let set: Value = answer.json().await.expect("a key set");
    let header = header(jwt);
    let keys = set["keys"].as_array().expect("keys");
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).expect("the key that the header names");
    let part = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().expect(name)).expect("base64url");
    let (signed, signature) = jwt.rsplit_once('.').expect("a JWS");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let outcome = match header["alg"].as_str() {
        Some("RS256") => RsaPublicKeyComponents { n: part("n"), e: part("e") }.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            signed.as_bytes(),
            &signature,
        ),
        Some("ES256") => {
            let point = [vec![4], part("x"), part("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed.as_bytes(), &signature)
        }
        other => panic!("the tests don't verify {other:?}"),
    };
    outcome.expect("a signature that verifies");
    claims(jwt)
}
