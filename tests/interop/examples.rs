use std::path::Path;

use harness::{Program, REMEDY, Script, World, free_port, target};
use serde_json::json;
use tokio::process::Command;

const EMAIL: &str = "edith@example.test";
const PASSWORD: &str = "quiet lantern harbour moss";

/// The integrators' guide shows a whole application in each of these languages; each signs a person in and out.
#[tokio::test]
async fn the_example_in_javascript_signs_a_person_in() {
    let mut node = Command::new(std::env::var("NODE").unwrap_or_else(|_| "node".to_owned()));
    node.arg(examples().join("javascript/app.mjs"));
    sign_in_with("javascript", node).await;
}

#[tokio::test]
async fn the_example_in_python_signs_a_person_in() {
    let mut python = Command::new(built("python/bin/python"));
    python.arg(examples().join("python/app.py"));
    sign_in_with("python", python).await;
}

#[tokio::test]
async fn the_example_in_go_signs_a_person_in() {
    sign_in_with("go", Command::new(built("go"))).await;
}

fn examples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/examples")
}

/// What `cargo xtask test` made of an example that needs more than this repository.
fn built(path: &str) -> std::path::PathBuf {
    let path = target().join("examples").join(path);
    assert!(path.exists(), "{} is missing: {REMEDY}", path.display());
    path
}

async fn sign_in_with(name: &str, mut command: Command) {
    let world = World::start().await;
    world.create_user(EMAIL, PASSWORD).await;
    let port = free_port();
    let home = format!("http://localhost:{port}/");
    let metadata = json!({
        "client_name": name,
        "redirect_uris": [format!("{home}callback")],
        "post_logout_redirect_uris": [home],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid profile email",
    });
    let party = world.register(metadata, true).await;
    command
        .env("ISSUER", world.issuer())
        .env("CLIENT_ID", &party.client_id)
        .env("CLIENT_SECRET", party.client_secret.as_deref().unwrap_or_default())
        .env("PORT", port.to_string());
    let _running = Program::run(name, command).await;
    let told = json!({
        "issuer": world.issuer(),
        "application": home,
        "person": { "email": EMAIL, "password": PASSWORD },
    });
    Script::new("interop/example.mjs", told).run(async |question| panic!("asked for {question}")).await;
}
