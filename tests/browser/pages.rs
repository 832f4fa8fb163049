use std::time::Duration;

use harness::{Landing, PASSWORD, RelyingParty, Script, World, web_metadata};
use serde_json::{Value, json};

const ADA: &str = "ada@example.test";
const GRACE: &str = "grace@example.test";

/// One chapter of a script, in a world of its own. On one engine: what a page looks like doesn't depend on it.
pub(crate) async fn tell(script: &'static str, chapter: &str) {
    let world = World::start().await;
    let (web, stranger) = (Landing::start().await, Landing::start().await);
    for email in [ADA, GRACE] {
        world.create_user(email, PASSWORD).await;
    }
    let told = json!({
        "chapter": chapter,
        "issuer": world.issuer(),
        "web": told_of(&world.register_landing("Bookshop", &web, false).await),
        "stranger": told_of(&world.register(web_metadata("Photo prints", &stranger.url, false), false).await),
        "person": { "email": ADA, "password": PASSWORD },
        "other": { "email": GRACE, "password": PASSWORD },
    });
    let answer = async |question: Value| {
        let seconds = question["advance"].as_u64().expect("a question about time");
        world.clock.advance(Duration::from_secs(seconds));
        json!({})
    };
    Script::new(script, told).run(answer).await;
}

fn told_of(party: &RelyingParty) -> Value {
    json!({ "clientId": party.client_id, "redirectUri": party.redirect_uri })
}

#[tokio::test]
async fn somebody_new_signs_up() {
    tell("browser/pages.mjs", "newcomer").await;
}

#[tokio::test]
async fn somebody_known_signs_in() {
    tell("browser/pages.mjs", "regular").await;
}

#[tokio::test]
async fn somebody_goes_back() {
    tell("browser/pages.mjs", "back").await;
}

#[tokio::test]
async fn consent_is_denied_given_and_remembered() {
    tell("browser/pages.mjs", "consent").await;
}

#[tokio::test]
async fn two_accounts_share_a_browser() {
    tell("browser/pages.mjs", "accounts").await;
}

#[tokio::test]
async fn two_tabs_begin_at_once() {
    tell("browser/pages.mjs", "tabs").await;
}

#[tokio::test]
async fn somebody_signs_out() {
    tell("browser/pages.mjs", "signOut").await;
}

#[tokio::test]
async fn errors_are_said_to_people() {
    tell("browser/pages.mjs", "errors").await;
}

#[tokio::test]
async fn a_page_that_was_open_for_too_long_says_so() {
    tell("browser/pages.mjs", "expired").await;
}

#[tokio::test]
async fn everything_works_with_scripts_off() {
    tell("browser/without-scripts.mjs", "all").await;
}
