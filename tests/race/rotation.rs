//! Signing keys change while tokens are issued at one node and verified at another, and by clients that keep the key set.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use harness::{World, client};
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyId};
use serde_json::Value;
use server::admin::AdminCommand;
use server::clock::HeldClock;
use server::testing::{EngineKind, engine_kinds};
use terms::Timestamp;

const ROTATIONS: usize = 3;
/// Verifications between two steps of the clock.
const BETWEEN: usize = 20;
/// The clock goes on in steps that are shorter than clients keep the key set.
const STEP: Duration = Duration::from_mins(4);

/// Where the deployment is reached, and as which client.
#[derive(Clone)]
struct Deployment {
    nodes: Vec<SocketAddr>,
    host: String,
    client_id: String,
    secret: String,
    http: reqwest::Client,
}

impl Deployment {
    async fn post(&self, node: usize, path: &str, form: &[(&str, &str)]) -> Value {
        let url = format!("http://{}{path}", self.nodes[node % self.nodes.len()]);
        let request = self.http.post(url).header("host", &self.host).form(form);
        let answer = request.basic_auth(&self.client_id, Some(&self.secret)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path} at node {node}");
        answer.json().await.unwrap()
    }

    /// The key set of a node, and for how many seconds it may be kept.
    async fn key_set(&self, node: usize) -> (CoreJsonWebKeySet, u64) {
        let url = format!("http://{}/.well-known/jwks.json", self.nodes[node % self.nodes.len()]);
        let answer = self.http.get(url).header("host", &self.host).send().await.unwrap();
        let kept =
            answer.headers()["cache-control"].to_str().unwrap().strip_prefix("public, max-age=").unwrap();
        let kept = kept.parse().unwrap();
        (answer.json().await.unwrap(), kept)
    }
}

/// A client that keeps the key set for as long as it may, and doesn't ask again before.
struct Keeper {
    keys: CoreJsonWebKeySet,
    until: Timestamp,
}

impl Keeper {
    async fn new(deployment: &Deployment, node: usize, now: Timestamp) -> Self {
        let (keys, kept) = deployment.key_set(node).await;
        Self { keys, until: now.plus(Duration::from_secs(kept)) }
    }

    async fn verify(&mut self, deployment: &Deployment, node: usize, token: &str, now: Timestamp) {
        if self.until.has_passed(now) {
            *self = Self::new(deployment, node, now).await;
        }
        let key_id = harness::header(token)["kid"].as_str().unwrap().to_owned();
        let key =
            self.keys.keys().iter().find(|key| key.key_id() == Some(&JsonWebKeyId::new(key_id.clone())));
        let key = key.unwrap_or_else(|| panic!("{key_id} signs, and who keeps the key set doesn't know it"));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature =
            base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature).unwrap();
        let good =
            key.verify_signature(&CoreJwsSigningAlgorithm::EcdsaP256Sha256, message.as_bytes(), &signature);
        assert!(good.is_ok(), "{key_id}: {good:?}");
    }
}

/// Issues at one node, verifies at the next and by the key set that is kept, until told to stop.
async fn load(
    deployment: Deployment,
    clock: HeldClock,
    first: usize,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
) {
    let mut keeper = Keeper::new(&deployment, first, clock.now()).await;
    let mut node = first;
    while !stop.load(Ordering::Relaxed) {
        let now = clock.now();
        let form = [("grant_type", "client_credentials"), ("scope", "reports:read")];
        let issued = deployment.post(node, "/oauth/token", &form).await;
        let token = issued["access_token"].as_str().unwrap();
        keeper.verify(&deployment, node + 1, token, now).await;
        let about = deployment.post(node + 1, "/oauth/introspect", &[("token", token)]).await;
        // On a machine that was busy with something else the clock may have gone on beyond the token's end.
        let lifetime = Duration::from_secs(issued["expires_in"].as_u64().unwrap());
        let has_expired = now.plus(lifetime).has_passed(clock.now());
        assert!(about["active"] == true || has_expired, "a token of node {node} at the next one: {about}");
        done.fetch_add(1, Ordering::Relaxed);
        node += 1;
    }
}

async fn more(done: &AtomicUsize, loads: &[tokio::task::JoinHandle<()>]) {
    let wanted = done.load(Ordering::Relaxed) + BETWEEN;
    while done.load(Ordering::Relaxed) < wanted {
        assert!(!loads.iter().any(tokio::task::JoinHandle::is_finished), "a verification failed");
        tokio::task::yield_now().await;
    }
}

/// Waits until every node publishes the key: nodes ask for changes once a second.
async fn known(deployment: &Deployment, kid: &str) {
    let key_id = JsonWebKeyId::new(kid.to_owned());
    for node in 0..deployment.nodes.len() {
        while !deployment.key_set(node).await.0.keys().iter().any(|key| key.key_id() == Some(&key_id)) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_verification_fails_while_keys_rotate() {
    for engine in engine_kinds() {
        // Keys that differ, unlike those of the other tests.
        let world = World::with(engine, |config| config.fixed_signing_keys = None).await;
        let second = match engine {
            EngineKind::Sqlite => None,
            EngineKind::Postgres => Some(world.another_node().await),
        };
        let service = world.rp("service").await;
        let first = url::Url::parse(world.issuer()).unwrap();
        let local = SocketAddr::from(([127, 0, 0, 1], first.port().unwrap()));
        let deployment = Deployment {
            nodes: std::iter::once(local).chain(second.as_ref().map(|node| node.local_addr)).collect(),
            host: format!("localhost:{}", local.port()),
            client_id: service.client_id.clone(),
            secret: service.client_secret.clone().unwrap(),
            http: client().build().unwrap(),
        };
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let spawn = |number| {
            let clock = world.clock.clone();
            tokio::spawn(load(deployment.clone(), clock, number, Arc::clone(&stop), Arc::clone(&done)))
        };
        let loads: Vec<_> = (0..4).map(spawn).collect();
        let mut kid = String::new();
        for _ in 0..ROTATIONS {
            let rotate = AdminCommand::KeysRotate { alg: Some("ES256".to_owned()), now: false };
            let rotated = world.operate(rotate).await.unwrap();
            rotated[0]["kid"].as_str().unwrap().clone_into(&mut kid);
            known(&deployment, &kid).await;
            // Past the instant at which the successor takes over, an hour from now.
            for _ in 0..17 {
                world.clock.advance(STEP);
                more(&done, &loads).await;
            }
        }
        stop.store(true, Ordering::Relaxed);
        for load in loads {
            load.await.expect("no verification failed");
        }
        println!("{engine:?}: {} tokens verified over {ROTATIONS} rotations", done.load(Ordering::Relaxed));
        assert!(done.load(Ordering::Relaxed) >= ROTATIONS * 17 * BETWEEN);
        revoked_everywhere(&world, &deployment, &kid).await;
        if let Some(node) = second {
            node.shutdown().await;
        }
    }
}

/// After a revocation no node believes what the key signed, as soon as it has asked for changes.
async fn revoked_everywhere(world: &World, deployment: &Deployment, kid: &str) {
    let form = [("grant_type", "client_credentials"), ("scope", "reports:read")];
    let issued = deployment.post(0, "/oauth/token", &form).await;
    let token = issued["access_token"].as_str().unwrap().to_owned();
    assert_eq!(harness::header(&token)["kid"], kid);
    let revoked = world.operate(AdminCommand::KeysRevoke { kid: kid.to_owned() }).await.unwrap();
    known(deployment, revoked["successor"]["kid"].as_str().unwrap()).await;
    for node in 0..deployment.nodes.len() {
        let about = deployment.post(node, "/oauth/introspect", &[("token", &token)]).await;
        assert_eq!(about["active"], false, "node {node}");
        deployment.post(node, "/oauth/token", &form).await;
    }
}
