//! Two tenants of one server, on one origin: nothing of the one is known, taken or changed by the other.

use harness::{Browser, PASSWORD, Person, RelyingParty, World, web_metadata};
use server::admin::{AdminCommand, ClientChanges, execute};

struct Neighbours {
    world: World,
    /// A client of the default tenant, and somebody who is signed in there.
    here: RelyingParty,
    alice: Person,
    /// A client of the other tenant, of the same metadata.
    there: RelyingParty,
}

impl Neighbours {
    async fn meet() -> Self {
        let world = World::start().await;
        let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
        world.operate(create).await.unwrap();
        let callback = "https://web.example.test/callback";
        let changes = ClientChanges {
            metadata: web_metadata("web", callback, false),
            whole: true,
            first_party: Some(true),
            ..ClientChanges::default()
        };
        let made = execute(world.app(), "acme", AdminCommand::ClientsCreate(changes)).await.unwrap();
        let issuer = format!("{}/t/acme", world.issuer());
        let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str());
        let there = RelyingParty::new(&issuer, id, secret, callback);
        let (here, alice) = (world.rp("web").await, world.signed_in("alice@example.test").await);
        Self { world, here, alice, there }
    }

    async fn code(&self) -> String {
        self.here.authorize(&self.alice.browser).await.code()
    }
}

#[tokio::test]
async fn no_token_or_secret_of_one_is_worth_anything_at_the_other() {
    let it = Neighbours::meet().await;
    let code = it.code().await;
    assert_eq!(it.there.exchange(&code).await.error(), Some("invalid_grant"), "a code");
    let tokens = it.here.exchange(&code).await.tokens();
    let refresh_token = tokens.refresh.as_deref().unwrap();
    assert_eq!(it.there.refresh(refresh_token).await.error(), Some("invalid_grant"), "a refresh token");
    assert_eq!(it.there.userinfo(&tokens.access).await.status, 401, "an access token");
    for token in [tokens.access.as_str(), refresh_token] {
        assert_eq!(it.there.introspect(token).await.body["active"], false, "{token}");
        assert_eq!(it.there.revoke(token).await.status, 200);
        assert_eq!(it.here.introspect(token).await.body["active"], true, "revoked from elsewhere: {token}");
    }
    let mut stranger = it.here.clone();
    stranger.issuer.clone_from(&it.there.issuer);
    assert_eq!(stranger.refresh(refresh_token).await.error(), Some("invalid_client"), "a client");
}

#[tokio::test]
async fn an_id_token_of_one_is_no_hint_at_the_other() {
    let it = Neighbours::meet().await;
    let tokens = it.here.exchange(&it.code().await).await.tokens();
    let id_token = tokens.id.as_deref().unwrap();
    let hinted = it
        .there
        .authorize_with(&it.world.browser(), &[("id_token_hint", id_token), ("prompt", "none")])
        .await;
    assert_eq!(hinted.error().as_deref(), Some("invalid_request"));
    let parameters =
        [("id_token_hint", id_token), ("post_logout_redirect_uri", it.there.redirect_uri.as_str())];
    let sign_out = it.alice.browser.open(&it.there.end_session_url(&parameters)).await;
    assert!(sign_out.left_to.is_none() && sign_out.status == 400, "{sign_out}");
    assert!(it.alice.browser.open("/").await.body.contains(&it.alice.email), "and nobody was signed out");
}

#[tokio::test]
async fn who_is_signed_in_at_one_is_nobody_at_the_other() {
    let it = Neighbours::meet().await;
    let browser = &it.alice.browser;
    let silent =
        async |browser: &Browser| it.there.authorize_with(browser, &[("prompt", "none")]).await.error();
    assert_eq!(silent(browser).await.as_deref(), Some("login_required"));
    // Even when the handle of the one is put under the other's name.
    let handle = browser.cookies("/").unwrap().split_once('=').unwrap().1.to_owned();
    let other = it.world.browser();
    other.open("/t/acme/sign-in").await;
    let name = other.cookies("/t/acme/").unwrap().split_once('=').unwrap().0.to_owned();
    other.plant_cookie(&format!("{name}={handle}; Path=/t/acme"));
    assert_eq!(silent(&other).await.as_deref(), Some("login_required"));
    // Nor do people of the one have accounts at the other.
    let fresh = it.world.browser();
    let page = fresh.open("/t/acme/sign-in").await;
    let named = fresh.submit(page.form_with("email").fill("email", &it.alice.email)).await;
    let refused = fresh.submit(named.form_with("password").fill("password", PASSWORD)).await;
    assert_eq!(refused.status, 422, "{refused}");
}

#[tokio::test]
async fn a_flow_of_one_leads_nowhere_at_the_other() {
    let it = Neighbours::meet().await;
    let browser = it.world.browser();
    let waiting = it.here.authorize(&browser).await.0;
    let flow = waiting.url.query_pairs().find(|(name, _)| name == "flow").unwrap().1.into_owned();
    for path in ["/oauth/authorize/continue", "/consent", "/select-account"] {
        let page = browser.open(&format!("/t/acme{path}?flow={flow}")).await;
        assert_eq!(page.status, 410, "{path}: {page}");
    }
    assert_eq!(browser.open(&format!("/oauth/authorize/continue?flow={flow}")).await.status, 200);
}
