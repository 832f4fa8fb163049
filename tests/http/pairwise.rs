//! Clients that know people by a name of their sector's (OpenID Connect Core section 8).

use harness::{Person, Published, RelyingParty, World, claims};
use serde_json::{Value, json};
use server::admin::{AdminCommand, ClientChanges};

fn pairwise(name: &str, host: &str) -> Value {
    let callback = format!("https://{host}/callback");
    json!({
        "client_name": name, "redirect_uris": [callback], "post_logout_redirect_uris": [callback],
        "grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile offline_access",
        "subject_type": "pairwise",
    })
}

/// The `sub` by which this client gets to know this person: the same wherever it sees one.
async fn seen(rp: &RelyingParty, person: &Person) -> String {
    let code = rp.authorize(&person.browser).await.code();
    let tokens = rp.exchange(&code).await.tokens();
    let sub = tokens.id_claims()["sub"].as_str().unwrap().to_owned();
    assert_eq!(claims(&tokens.access)["sub"], json!(sub), "the access token");
    assert_eq!(rp.userinfo(&tokens.access).await.body["sub"], json!(sub), "userinfo");
    assert_eq!(rp.introspect(&tokens.access).await.body["sub"], json!(sub), "introspection");
    let refresh = tokens.refresh.as_deref().unwrap();
    assert_eq!(rp.introspect(refresh).await.body["sub"], json!(sub), "the refresh token");
    assert_eq!(rp.refresh(refresh).await.tokens().id_claims()["sub"], json!(sub), "what is refreshed");
    sub
}

#[tokio::test]
async fn two_sectors_cannot_be_joined_and_one_shares() {
    World::each(async |world| {
        let (alice, bob) =
            (world.signed_in("alice@example.test").await, world.signed_in("bob@example.test").await);
        let shop = world.register(pairwise("shop", "shop.example.test"), true).await;
        let till = world.register(pairwise("till", "shop.example.test"), true).await;
        let forum = world.register(pairwise("forum", "forum.example.test"), true).await;
        let public = world.rp("web").await;
        let at_shop = seen(&shop, &alice).await;
        assert_eq!(seen(&till, &alice).await, at_shop, "one sector");
        let elsewhere = [
            seen(&forum, &alice).await,
            seen(&public.asking("openid"), &alice).await,
            seen(&shop, &bob).await,
        ];
        for (index, one) in elsewhere.iter().enumerate() {
            assert_ne!(*one, at_shop);
            assert!(!elsewhere[..index].contains(one));
        }
        // The names are for ever.
        world.restart().await;
        assert_eq!(seen(&shop, &alice).await, at_shop);
    })
    .await;
}

#[tokio::test]
async fn a_hint_means_the_person_by_the_clients_own_name() {
    World::each(async |world| {
        let alice = world.signed_in("alice@example.test").await;
        let shop = world.register(pairwise("shop", "shop.example.test"), true).await;
        let forum = world.register(pairwise("forum", "forum.example.test"), true).await;
        let id_token = async |rp: &RelyingParty, person: &Person| {
            let code = rp.authorize(&person.browser).await.code();
            rp.exchange(&code).await.tokens().id.unwrap()
        };
        let hint = id_token(&shop, &alice).await;
        let silent = [("prompt", "none"), ("id_token_hint", hint.as_str())];
        assert!(shop.authorize_with(&alice.browser, &silent).await.error().is_none());
        assert_eq!(
            forum.authorize_with(&alice.browser, &silent).await.error().as_deref(),
            Some("invalid_request")
        );
        let bob = world.signed_in("bob@example.test").await;
        assert_eq!(
            shop.authorize_with(&bob.browser, &silent).await.error().as_deref(),
            Some("login_required")
        );
        // Signing out by it needs no question.
        let asked =
            [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", shop.redirect_uri.as_str())];
        let page = alice.browser.arrive(&shop.end_session_url(&asked)).await;
        assert!(page.parameter("error").is_none());
        assert_eq!(
            shop.authorize_with(&alice.browser, &[("prompt", "none")]).await.error().as_deref(),
            Some("login_required")
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_granted_before_a_change_keeps_its_name() {
    let world = World::start().await;
    let alice = world.signed_in("alice@example.test").await;
    let shop = world.register(pairwise("shop", "shop.example.test"), true).await;
    let code = shop.authorize(&alice.browser).await.code();
    let tokens = shop.exchange(&code).await.tokens();
    let changes = ClientChanges { metadata: json!({ "subject_type": "public" }), ..ClientChanges::default() };
    let update =
        AdminCommand::ClientsUpdate { client_id: shop.client_id.clone(), changes, new_secret: false };
    world.operate(update).await.unwrap();
    // OpenID Connect Core section 12.2: the same `sub` as before.
    let refreshed = shop.refresh(tokens.refresh.as_deref().unwrap()).await.tokens();
    assert_eq!(refreshed.id_claims()["sub"], tokens.id_claims()["sub"]);
    assert_ne!(seen(&shop, &alice).await, tokens.id_claims()["sub"].as_str().unwrap());
}

#[tokio::test]
async fn who_belongs_to_a_sector_is_said_by_whoever_has_its_host() {
    let world = World::start().await;
    let alice = world.signed_in("alice@example.test").await;
    let listed = ["https://shop.example.test/callback", "https://till.example.test/callback"];
    let sector = Published::start(json!(listed)).await;
    let member = |name: &str| {
        let mut metadata = pairwise(name, &format!("{name}.example.test"));
        metadata["sector_identifier_uri"] = json!(sector.url);
        metadata
    };
    let (shop, till) =
        (world.register(member("shop"), true).await, world.register(member("till"), true).await);
    assert_eq!(seen(&shop, &alice).await, seen(&till, &alice).await);
    let create = async |metadata: Value| {
        let changes =
            ClientChanges { metadata, whole: true, first_party: Some(true), ..ClientChanges::default() };
        world.operate(AdminCommand::ClientsCreate(changes)).await
    };
    for (document, said) in [
        (Some(json!(listed)), "doesn't list https://thief.example.test/callback"),
        (Some(json!({ "uris": listed })), "no list"),
        (None, "status 502"),
    ] {
        sector.put(document);
        let refused = create(member("thief")).await.unwrap_err().to_string();
        assert!(refused.contains("sector_identifier_uri") && refused.contains(said), "{refused}");
    }
}
