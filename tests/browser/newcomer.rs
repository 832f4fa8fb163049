use harness::{Folder, Program, Script, free_port, portico};
use serde_json::json;

/// The main job: `portico dev` and the demo, and somebody who has no account yet.
#[tokio::test]
async fn a_newcomer_signs_up_and_sees_the_id_token() {
    let data = Folder::new();
    let provider = Program::start("portico", &["dev", "--data", data.text(), "--port", "0"], &[]).await;
    let issuer = provider.ready["issuer"].as_str().expect("an issuer");
    let port = free_port().to_string();
    let client = portico(&[
        "clients",
        "create",
        "--data",
        data.text(),
        "--json",
        "--name",
        "Demo",
        "--first-party",
        "--redirect-uri",
        &format!("http://localhost:{port}/callback"),
        "--post-logout-redirect-uri",
        &format!("http://localhost:{port}/"),
        "--grant-type",
        "authorization_code",
        "--grant-type",
        "refresh_token",
    ])
    .await;
    let member = |name: &str| client[name].as_str().expect("a text").to_owned();
    let demo = Program::start(
        "demo",
        &["--issuer", issuer, "--client-id", &member("client_id"), "--port", &port],
        &[("DEMO_CLIENT_SECRET", &member("client_secret"))],
    )
    .await;
    let world = json!({
        "issuer": issuer,
        "demo": demo.ready["url"],
        "person": { "email": "newcomer@example.test", "password": "quiet lantern harbour moss" },
    });
    Script::new("browser/newcomer.mjs", world).run(async |question| panic!("asked for {question}")).await;
}
