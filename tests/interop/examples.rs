use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use harness::{Folder, Program, REMEDY, Script, Signer, World, client, free_port, target};
use serde_json::{Map, Value, json};
use server::admin::{AdminCommand, ClientChanges};
use tokio::process::Command;

use crate::apache;

const EMAIL: &str = "edith@example.test";
const PASSWORD: &str = "quiet lantern harbour moss";
const NAME: &str = "Edith Clarke & Daughters <Electrics>";

/// The integrators' guide shows a whole application in each of these languages; each signs a person in and out.
#[tokio::test]
async fn the_example_in_javascript_signs_a_person_in() {
    let mut node = Command::new(std::env::var("NODE").unwrap_or_else(|_| "node".to_owned()));
    node.arg(examples().join("javascript/app.mjs"));
    Example::new("javascript", node).sign_a_person_in().await;
}

#[tokio::test]
async fn the_example_in_python_signs_a_person_in_by_its_secret() {
    for method in ["client_secret_basic", "client_secret_post"] {
        let mut example = Example::new("python", python());
        example.command.env("CLIENT_AUTHENTICATION", method);
        example.metadata["token_endpoint_auth_method"] = json!(method);
        example.sign_a_person_in().await;
    }
}

#[tokio::test]
async fn the_example_in_python_signs_a_person_in_by_its_key() {
    let (key, folder) = (Signer::es256("k1"), Folder::new());
    let file = folder.path().join("key.pem");
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", key.pkcs8());
    std::fs::write(&file, pem).unwrap();
    let mut example = Example::new("python", python());
    example.command.env("CLIENT_AUTHENTICATION", "private_key_jwt").env("CLIENT_KEY", file);
    example.metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
    example.metadata["jwks"] = json!({ "keys": [key.jwk()] });
    example.sign_a_person_in().await;
}

#[tokio::test]
async fn the_example_in_go_signs_a_person_in() {
    for method in ["client_secret_basic", "none"] {
        let mut example = Example::new("go", Command::new(built("go")));
        example.metadata["token_endpoint_auth_method"] = json!(method);
        example.sign_a_person_in().await;
    }
}

#[tokio::test]
async fn the_example_in_java_signs_a_person_in() {
    let built = built("java");
    let mut java = Command::new("java");
    // It lives for seconds: quick to start is what counts.
    java.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]);
    java.arg(format!("{0}/classes:{0}/lib/*", built.display())).arg("example.Application");
    let mut example = Example::new("java", java);
    example.callback = "login/oauth2/code/portico";
    example.sign_a_person_in().await;
}

#[tokio::test]
async fn the_example_of_apache_signs_a_person_in() {
    let folder = Folder::new();
    let mut example = Example::new("apache", apache::command(&folder));
    example.says_when_ready = false;
    example.metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
    example.metadata["jwks_uri"] = json!(format!("{}callback?jwks=rsa", example.home()));
    example.asks_by = "form_post";
    example.sign_a_person_in().await;
}

pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/examples")
}

/// What `cargo xtask test` made of an example that needs more than this repository.
fn built(path: &str) -> PathBuf {
    let path = target().join("examples").join(path);
    assert!(path.exists(), "{} is missing: {REMEDY}", path.display());
    path
}

fn python() -> Command {
    let mut python = Command::new(built("python/bin/python"));
    python.arg(examples().join("python/app.py"));
    python
}

/// An application of the guide, and how it is registered.
struct Example {
    name: &'static str,
    command: Command,
    port: u16,
    /// Where its redirects arrive, below its home.
    callback: &'static str,
    /// What is registered beside names and addresses.
    metadata: Value,
    /// The response mode that it asks for; empty: none.
    asks_by: &'static str,
    says_when_ready: bool,
}

impl Example {
    fn new(name: &'static str, command: Command) -> Self {
        let (port, metadata) = (free_port(), json!({}));
        Self { name, command, port, callback: "callback", metadata, asks_by: "", says_when_ready: true }
    }

    fn home(&self) -> String {
        format!("http://localhost:{}/", self.port)
    }

    /// `example.mjs` tells it.
    async fn sign_a_person_in(mut self) {
        let metrics = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let world = World::configured(|config| config.metrics_listen = Some(metrics)).await;
        let person = world.create_user_with(EMAIL, PASSWORD, Some(json!({ "name": NAME }))).await;
        self.register(&world).await;
        let home = self.home();
        let starting = async {
            if self.says_when_ready {
                Program::run(self.name, self.command).await
            } else {
                Program::listening(self.name, self.command, self.port).await
            }
        };
        let _running = world.in_real_time(starting).await;
        let told = json!({
            "issuer": world.issuer(),
            "application": home,
            "callback": format!("{home}{}", self.callback),
            "responseMode": self.asks_by,
            "person": { "email": EMAIL, "password": PASSWORD, "name": NAME, "sub": person["sub"] },
        });
        let script = Script::new("interop/example.mjs", told);
        world.in_real_time(script.run(async |question| panic!("asked for {question}"))).await;
        let counted =
            client().build().unwrap().get(format!("http://{metrics}/metrics")).send().await.unwrap();
        let counted = counted.text().await.unwrap();
        // Two sign-ins, and at least one token that was renewed, since none lives for more than a minute.
        assert_eq!(sample(&counted, "portico_tokens_issued_total{grant_type=\"authorization_code\"}"), 2);
        assert!(
            sample(&counted, "portico_tokens_issued_total{grant_type=\"refresh_token\"}") > 0,
            "{counted}"
        );
        let refused = counted.lines().find(|line| line.starts_with("portico_token_refusals_total"));
        assert_eq!(refused, None, "{}", self.name);
    }

    /// Registers it with access tokens so short-lived that it renews one as soon as it needs one.
    async fn register(&mut self, world: &World) {
        let home = self.home();
        let mut metadata = json!({
            "client_name": self.name,
            "redirect_uris": [format!("{home}{}", self.callback)],
            "post_logout_redirect_uris": [home],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid profile email",
        });
        metadata.as_object_mut().unwrap().extend(self.metadata.as_object().unwrap().clone());
        let settings = Map::from_iter([("access_token_lifetime".to_owned(), json!(60))]);
        let changes = ClientChanges {
            metadata,
            whole: true,
            first_party: Some(true),
            settings,
            ..ClientChanges::default()
        };
        let party = world.operate(AdminCommand::ClientsCreate(changes)).await.unwrap();
        self.command
            .env("ISSUER", world.issuer())
            .env("CLIENT_ID", party["client_id"].as_str().unwrap())
            .env("PORT", self.port.to_string());
        if let Some(secret) = party["client_secret"].as_str() {
            self.command.env("CLIENT_SECRET", secret);
        }
    }
}

/// The value of a metric; zero where nothing was counted yet.
fn sample(metrics: &str, name: &str) -> u64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}
