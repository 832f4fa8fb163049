use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse as _};
use harness::{PASSWORD, Script, World, web_metadata};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const ADA: &str = "ada@example.test";

/// The page of a client that is shown at a sign-out. It may run its scripts, and not lead the page around it away.
const OUT: &str = "<!doctype html><html lang=\"en\"><title>Out</title><link rel=\"icon\" href=\"data:,\">\
    <script>document.title = 'ran'; try { top.location = '/stolen'; } catch {}</script>";
const ARRIVED: &str = "<!doctype html><html lang=\"en\"><title>Arrived</title><link rel=\"icon\" href=\"data:,\"><h1>Arrived</h1>";

/// A client on a port of its own, which keeps what it was asked for, and can be told not to answer when somebody signs out.
#[derive(Clone, Default)]
struct Shop {
    asked: Arc<Mutex<Vec<Value>>>,
    hangs: Arc<Mutex<bool>>,
}

impl Shop {
    /// Where it is.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
        let shop = self.clone();
        let routes = Router::new().fallback(move |uri: Uri, headers: HeaderMap| {
            let is_out = uri.path() == "/out";
            if is_out {
                let hears =
                    json!({ "address": uri.to_string(), "referrer": headers.contains_key("referer") });
                shop.asked.lock().unwrap().push(hears);
            }
            let hangs = is_out && *shop.hangs.lock().unwrap();
            async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                Html(if is_out { OUT } else { ARRIVED }).into_response()
            }
        });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        origin
    }
}

/// A sign-out that two clients hear of in the browser, as one of the chapters of `sign-out.mjs`.
async fn tell(chapter: &str) {
    let world = World::start().await;
    world.create_user(ADA, PASSWORD).await;
    let shops = [Shop::default(), Shop::default()];
    let mut clients = Vec::new();
    for (shop, name) in shops.iter().zip(["Bookshop", "Forum"]) {
        let origin = shop.start().await;
        let mut metadata = web_metadata(name, &format!("{origin}/callback"), true);
        metadata["frontchannel_logout_uri"] = json!(format!("{origin}/out?by=portico"));
        metadata["frontchannel_logout_session_required"] = json!(true);
        let party = world.register(metadata, true).await;
        clients.push(json!({ "clientId": party.client_id, "redirectUri": party.redirect_uri }));
    }
    let person = json!({ "email": ADA, "password": PASSWORD });
    let told = json!({ "chapter": chapter, "issuer": world.issuer(), "clients": clients, "person": person });
    // What each was asked for since the last question; and whether the second one hangs from now on.
    let answer = async |question: Value| {
        *shops[1].hangs.lock().unwrap() = question["hangs"] == json!(true);
        json!(shops.each_ref().map(|shop| std::mem::take(&mut *shop.asked.lock().unwrap())))
    };
    Script::new("browser/sign-out.mjs", told).run(answer).await;
}

#[tokio::test]
async fn a_sign_out_is_heard_of_by_clients_in_the_browser() {
    tell("english").await;
}

#[tokio::test]
async fn a_sign_out_is_heard_of_by_clients_in_the_browser_in_polish() {
    tell("polish").await;
}

#[tokio::test]
async fn a_sign_out_is_heard_of_by_clients_in_the_browser_with_scripts_off() {
    tell("withoutScripts").await;
}

#[tokio::test]
async fn a_sign_out_is_heard_of_by_clients_in_the_browser_in_polish_with_scripts_off() {
    tell("polishWithoutScripts").await;
}
