use harness::{PASSWORD, Script, World, picture};
use serde_json::{Value, json};
use server::admin::AdminCommand;
use std::time::Duration;

const ADA: &str = "ada@example.test";
const GRACE: &str = "grace@example.test";

/// The administration from the link on, as one of the chapters of `admin.mjs`.
async fn tell(chapter: &str) {
    let world = World::start().await;
    for email in [ADA, GRACE] {
        world.create_user(email, PASSWORD).await;
    }
    let create = AdminCommand::AdminsCreate { email: "root@example.test".to_owned() };
    let made = world.operate(create).await.expect("an administrator");
    let told = json!({
        "chapter": chapter,
        "issuer": world.issuer(),
        "link": made["link"],
        "logo": picture(120, 40).data_url(),
        "person": { "email": ADA, "password": PASSWORD },
        "other": { "email": GRACE, "password": PASSWORD },
    });
    let answer = async |question: Value| {
        let seconds = question["advance"].as_u64().expect("a question about time");
        world.clock.advance(Duration::from_secs(seconds));
        json!({})
    };
    Script::new("browser/admin.mjs", told).run(answer).await;
}

#[tokio::test]
async fn a_tenant_is_administered() {
    tell("english").await;
}

#[tokio::test]
async fn a_tenant_is_administered_in_polish() {
    tell("polish").await;
}

#[tokio::test]
async fn a_tenant_is_administered_with_scripts_off() {
    tell("withoutScripts").await;
}

#[tokio::test]
async fn a_tenant_is_administered_in_polish_with_scripts_off() {
    tell("polishWithoutScripts").await;
}
