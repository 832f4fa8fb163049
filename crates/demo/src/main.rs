//! The demo relying party: the smallest honest application that signs people in with Portico.
//!
//! It shows what an integrator has to do and nothing else: discovery, the authorization code flow with PKCE, `state`
//! and `nonce`, the check of `iss` in the answer (RFC 9207), the verification of the ID token, userinfo, refresh and
//! RP-initiated logout. All of its state lies in memory.

mod fault;
mod http_client;
mod pages;
mod provider;
mod sessions;
mod web;

use std::io::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use openidconnect::{ClientId, ClientSecret, IssuerUrl};
use tokio::net::TcpListener;
use url::Url;

use crate::fault::{Fault, chain};
use crate::http_client::Http;
use crate::provider::{Discovery, Provider, Settings};
use crate::web::Demo;

/// How long the provider may take to start before the demo gives up.
const PATIENCE: Duration = Duration::from_mins(2);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(250);

/// A relying party that signs people in with an OpenID Connect provider and shows what it learned.
///
/// A confidential client's secret is read from the environment variable DEMO_CLIENT_SECRET; without it the demo
/// is a public client.
#[derive(Parser)]
#[command(name = "demo", version)]
struct Arguments {
    /// The provider's issuer identifier, for example http://localhost:8080
    #[arg(long)]
    issuer: String,
    /// The identifier of this relying party at the provider
    #[arg(long)]
    client_id: String,
    /// The port to listen on, on loopback only; 0 takes a free one
    #[arg(long, default_value_t = 8090)]
    port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            say(&format!("demo: {fault}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Fault> {
    let issuer = IssuerUrl::new(arguments.issuer.clone())
        .map_err(|error| Fault(format!("--issuer {:?} is not a URL: {error}", arguments.issuer)))?;
    let listeners = listen(arguments.port).await?;
    let port = listeners
        .first()
        .and_then(|listener| listener.local_addr().ok())
        .map_or(arguments.port, |address| address.port());
    let own = Url::parse(&format!("http://localhost:{port}/"))
        .map_err(|error| Fault(format!("cannot build this relying party's own URL: {error}")))?;
    let secret = std::env::var("DEMO_CLIENT_SECRET").ok().filter(|secret| !secret.is_empty());
    let settings = Settings {
        issuer,
        client_id: ClientId::new(arguments.client_id),
        client_secret: secret.map(ClientSecret::new),
        own: own.clone(),
    };
    let http = Http::new()?;
    let provider = wait_for_provider(&settings, &http).await?;
    let demo = Arc::new(Demo::new(settings, http, provider));
    announce(&own)?;
    let mut serving = tokio::task::JoinSet::new();
    for listener in listeners {
        let routes = web::routes(Arc::clone(&demo));
        serving.spawn(async move { axum::serve(listener, routes).await });
    }
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        ended = serving.join_next() => Err(Fault(format!("stopped serving: {ended:?}"))),
    }
}

/// Loopback only, on both of its addresses: browsers differ in which one `localhost` means first.
async fn listen(port: u16) -> Result<Vec<TcpListener>, Fault> {
    let taken = |error: std::io::Error| {
        Fault(format!(
            "cannot listen on port {port} ({error}). Stop what uses it, or choose another by --port"
        ))
    };
    let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(taken)?;
    let bound = v4.local_addr().map_err(taken)?.port();
    let mut listeners = vec![v4];
    match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).await {
        Ok(v6) => listeners.push(v6),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => return Err(taken(error)),
        // A machine without IPv6.
        Err(_) => {}
    }
    Ok(listeners)
}

/// Asks until the provider answers, since both are usually started at once. What waiting cannot mend ends it.
async fn wait_for_provider(settings: &Settings, http: &Http) -> Result<Provider, Fault> {
    let issuer = settings.issuer.as_str();
    let attempts = PATIENCE.as_millis() / BETWEEN_ATTEMPTS.as_millis();
    let mut last = String::new();
    for attempt in 0..attempts {
        match Provider::discover(settings, http).await {
            Ok(provider) => return Ok(provider),
            Err(Discovery::NotReady(why)) => {
                if attempt % 40 == 0 {
                    say(&format!("Waiting for the provider at {issuer} ({why})"));
                }
                last = why;
            }
            Err(Discovery::Wrong(why)) => {
                return Err(Fault(format!(
                    "the provider at {issuer} answers, but its discovery document can't be used: {why}"
                )));
            }
        }
        tokio::time::sleep(BETWEEN_ATTEMPTS).await;
    }
    Err(Fault(format!(
        "no provider answered at {issuer} within {} seconds ({last}). Is it running, and is --issuer right?",
        PATIENCE.as_secs()
    )))
}

/// One line of JSON for whoever started this program.
fn announce(own: &Url) -> Result<(), Fault> {
    let url = own.as_str().trim_end_matches('/');
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::json!({ "ready": true, "url": url }))
        .and_then(|()| out.flush())
        .map_err(|error| Fault(format!("cannot write to standard output: {}", chain(&error))))
}

fn say(line: &str) {
    // Nothing is left to tell anyone when standard error itself is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
