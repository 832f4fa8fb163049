//! Answers that hold tokens, and the ways on which answers travel (OpenID Connect Core sections 3.2 and 3.3, OAuth 2.0 Form
//! Post Response Mode).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{Answer, Browser, RelyingParty, VERIFIER, World, claims};
use serde_json::{Map, Value, json};
use server::admin::{AdminCommand, ClientChanges};

const ADA: &str = "ada@example.test";
const CALLBACK: &str = "https://legacy.example.test/cb";
const TYPES: [&str; 5] = ["id_token", "id_token token", "code id_token", "code token", "code id_token token"];

async fn allow(world: &World, value: &str) {
    world.operate(AdminCommand::TenantsSet { settings: json!({ "oidc_legacy": value }) }).await.unwrap();
}

fn changes(profile: &str) -> ClientChanges {
    let metadata = json!({
        "client_name": "legacy", "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "implicit", "refresh_token"],
        "response_types": ["code", "id_token", "token id_token", "code id_token", "code token", "id_token code token"],
        "scope": "openid profile email offline_access",
    });
    let settings = Map::from_iter([("profile".to_owned(), json!(profile))]);
    ClientChanges { metadata, whole: true, first_party: Some(true), settings, ..ClientChanges::default() }
}

/// A client of the profile `oidc-legacy` in a tenant that allows it.
async fn legacy(world: &World) -> RelyingParty {
    allow(world, "per_client").await;
    let made = world.operate(AdminCommand::ClientsCreate(changes("oidc-legacy"))).await.unwrap();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    RelyingParty::new(world.issuer(), &text("client_id"), Some(&text("client_secret")), CALLBACK)
        .asking("openid email offline_access")
}

/// What stands in the fragment of the address that an answer left to.
fn in_fragment(answer: &Answer) -> Map<String, Value> {
    let left = answer.0.left_to.clone().unwrap_or_else(|| panic!("{}", answer.0));
    assert_eq!((left.query(), &left.as_str()[..CALLBACK.len()]), (None, CALLBACK), "{left}");
    let pairs = url::form_urlencoded::parse(left.fragment().unwrap_or_default().as_bytes());
    pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect()
}

fn half_hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
}

async fn asked(rp: &RelyingParty, browser: &Browser, changed: &[(&str, &str)]) -> Answer {
    rp.authorize_with(browser, changed).await
}

#[tokio::test]
async fn each_response_type_answers_what_it_names_and_nothing_else() {
    World::each(async |world| {
        let (ada, rp) = (world.signed_in(ADA).await, legacy(world).await);
        for response_type in TYPES {
            let reversed: Vec<&str> = response_type.split(' ').rev().collect();
            for written in [response_type.to_owned(), reversed.join(" ")] {
                let answer = asked(&rp, &ada.browser, &[("response_type", &written)]).await;
                let parameters = in_fragment(&answer);
                let has = |word: &str| response_type.split(' ').any(|it| it == word);
                let text = |name: &str| parameters.get(name).and_then(Value::as_str);
                assert_eq!(text("code").is_some(), has("code"), "{written} {parameters:?}");
                assert_eq!(text("access_token").is_some(), has("token"), "{written} {parameters:?}");
                assert_eq!(text("id_token").is_some(), has("id_token"), "{written} {parameters:?}");
                assert_eq!((text("state"), text("iss")), (Some("a-state"), Some(world.issuer())));
                assert_eq!(text("refresh_token"), None, "never through the browser");
                let beside = [text("token_type"), text("expires_in")];
                assert_eq!(beside == [Some("Bearer"), Some("300")], has("token"), "{parameters:?}");
                if let Some(token) = text("id_token") {
                    let claims = claims(token);
                    let hash = |name: &str| claims[name].as_str().map(str::to_owned);
                    assert_eq!(claims["nonce"], "a-nonce");
                    assert_eq!(hash("c_hash"), text("code").map(half_hash), "{written}");
                    assert_eq!(hash("at_hash"), text("access_token").map(half_hash), "{written}");
                    // OpenID Connect Core section 5.4.
                    let says = claims.get("email").is_some();
                    assert_eq!(says, response_type == "id_token", "{written} {claims}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_comes_through_the_browser_ends_with_its_grant() {
    World::each(async |world| {
        let (ada, rp) = (world.signed_in(ADA).await, legacy(world).await);
        let answer = asked(&rp, &ada.browser, &[("response_type", "code id_token token")]).await;
        let parameters = in_fragment(&answer);
        let text = |name: &str| parameters[name].as_str().unwrap();
        let userinfo = rp.userinfo(text("access_token")).await;
        assert_eq!((userinfo.status, &userinfo.body["email"]), (200, &json!(ADA)));
        let tokens = rp.exchange(text("code")).await.tokens();
        let (front, back) = (claims(text("id_token")), tokens.id_claims());
        for name in ["iss", "sub", "nonce", "auth_time"] {
            assert_eq!(front[name], back[name], "{name}");
        }
        // The refresh token comes from the token endpoint.
        assert!(tokens.refresh.is_some());
        // A code that is used again takes all of its Grant with it (RFC 6749 section 4.1.2).
        assert_eq!(rp.exchange(text("code")).await.error(), Some("invalid_grant"));
        for token in [text("access_token"), &tokens.access] {
            assert_eq!(rp.userinfo(token).await.status, 401);
        }
        // So does the end of the session.
        let answer = asked(&rp, &ada.browser, &[("response_type", "id_token token")]).await;
        let token = in_fragment(&answer)["access_token"].as_str().unwrap().to_owned();
        assert_eq!(rp.userinfo(&token).await.status, 200);
        let page = ada.browser.open("/sign-out").await;
        ada.browser.submit(page.form_with("form_token")).await;
        assert_eq!(rp.userinfo(&token).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn it_is_off_unless_tenant_and_operator_both_let_the_client() {
    let world = World::start().await;
    let ada = world.signed_in(ADA).await;
    let listed = async || {
        let document = world.rp("web").await.get("/.well-known/openid-configuration").send().await.unwrap();
        let document: Value = document.json().await.unwrap();
        (document["response_types_supported"].clone(), document["grant_types_supported"].clone())
    };
    assert_eq!(
        listed().await,
        (
            json!(["code"]),
            json!([
                "authorization_code",
                "refresh_token",
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:device_code"
            ])
        )
    );
    for (tenant, profile) in [("off", "oidc-legacy"), ("per_client", "standard")] {
        allow(&world, tenant).await;
        let refused = world.operate(AdminCommand::ClientsCreate(changes(profile))).await.unwrap_err();
        assert!(refused.to_string().contains("oidc-legacy"), "{refused}");
    }
    let rp = legacy(&world).await;
    let (types, grants) = listed().await;
    assert_eq!(
        types,
        json!(["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"])
    );
    assert!(grants.as_array().unwrap().contains(&json!("implicit")), "{grants}");
    in_fragment(&asked(&rp, &ada.browser, &[("response_type", "id_token")]).await)["id_token"]
        .as_str()
        .unwrap();
    // Another client has not even registered it.
    let web = world.rp("web").await;
    let other = asked(&web, &ada.browser, &[("response_type", "id_token")]).await;
    let left = other.0.left_to.unwrap();
    assert!(left.fragment().unwrap().contains("error=unauthorized_client"), "{left}");
    // What the operator takes back is gone at once, and so is what the tenant does.
    let settings = Map::from_iter([("profile".to_owned(), json!("standard"))]);
    let taken = ClientChanges { metadata: json!({}), settings, ..ClientChanges::default() };
    let client_id = rp.client_id.clone();
    let kept =
        world.operate(AdminCommand::ClientsUpdate { client_id, changes: taken, new_secret: false }).await;
    assert!(kept.is_err(), "its response types want the profile");
    for (tenant, error) in [("off", "unsupported_response_type"), ("all_clients", "")] {
        allow(&world, tenant).await;
        let parameters = in_fragment(&asked(&rp, &ada.browser, &[("response_type", "id_token")]).await);
        let told = parameters.get("error").and_then(Value::as_str).unwrap_or_default();
        assert_eq!(told, error, "{tenant} {parameters:?}");
    }
    // The token endpoint knows nothing of it.
    assert_eq!(rp.token(&[("grant_type", "implicit")]).await.error(), Some("unsupported_grant_type"));
}

#[tokio::test]
async fn refusals_travel_on_the_way_of_the_answer() {
    let world = World::start().await;
    let (ada, rp) = (world.signed_in(ADA).await, legacy(&world).await);
    for (changed, error) in [
        (&[("response_type", "id_token"), ("nonce", "")][..], "invalid_request"),
        (&[("response_type", "code id_token token"), ("nonce", "")], "invalid_request"),
        (&[("response_type", "id_token token"), ("response_mode", "query")], "invalid_request"),
        (&[("response_type", "code token"), ("response_mode", "query")], "invalid_request"),
        (&[("response_type", "id_token"), ("scope", "email")], "invalid_scope"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "id_token id_token")], "unsupported_response_type"),
        (&[("response_type", "code"), ("response_mode", "fragment"), ("prompt", "frob")], "invalid_request"),
        (&[("response_type", "id_token"), ("prompt", "none login")], "invalid_request"),
    ] {
        let parameters = in_fragment(&asked(&rp, &ada.browser, changed).await);
        assert_eq!(
            parameters.get("error").and_then(Value::as_str),
            Some(error),
            "{changed:?} {parameters:?}"
        );
        assert_eq!(parameters["state"], "a-state");
        for name in ["code", "access_token", "id_token"] {
            assert!(!parameters.contains_key(name), "{changed:?}");
        }
    }
    let nobody = world.browser();
    let silent = asked(&rp, &nobody, &[("response_type", "id_token"), ("prompt", "none")]).await;
    assert_eq!(in_fragment(&silent)["error"], "login_required");
    let missing = asked(&rp, &ada.browser, &[("response_type", "")]).await;
    assert_eq!(missing.error().as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_form_carries_the_answer_and_its_page_lets_no_other_script_run() {
    World::each(async |world| {
        let (ada, rp) = (world.signed_in(ADA).await, legacy(world).await);
        for changed in [
            &[("response_mode", "form_post")][..],
            &[("response_mode", "form_post"), ("response_type", "code id_token token")],
            &[("response_mode", "form_post"), ("prompt", "none login")],
            &[("response_mode", "form_post"), ("state", "\"><script>alert(1)</script>")],
        ] {
            let page = asked(&rp, &ada.browser, changed).await.0;
            assert_eq!((page.status, page.left_to.as_ref()), (200, None), "{page}");
            let form = page.form_with("iss");
            assert_eq!(form.action.as_str(), CALLBACK);
            let field = |name: &str| form.value(name).map(str::to_owned);
            let state =
                changed.iter().find(|(name, _)| *name == "state").map_or("a-state", |(_, value)| value);
            assert_eq!(
                (field("state").as_deref(), field("iss").as_deref()),
                (Some(state), Some(world.issuer()))
            );
            if changed.contains(&("prompt", "none login")) {
                assert_eq!((field("error").as_deref(), field("code")), (Some("invalid_request"), None));
            } else {
                rp.exchange(&field("code").unwrap()).await.tokens();
            }
            let policy = page.headers["content-security-policy"].to_str().unwrap();
            assert!(!policy.contains("form-action") && !policy.contains("unsafe"), "{policy}");
            assert!(
                policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-"),
                "{policy}"
            );
            assert_eq!(page.headers["cache-control"], "no-store");
        }
        // Out of a person's sign-in it comes as well.
        let eve = world.person("eve@example.test").await;
        let page = asked(&rp, &eve.browser, &[("response_mode", "form_post")]).await.0;
        let done = eve.sign_in_at(page).await;
        assert_eq!(done.form_with("iss").action.as_str(), CALLBACK, "{done}");
    })
    .await;
}

#[tokio::test]
async fn hybrid_codes_keep_the_rules_of_codes() {
    let world = World::start().await;
    let (ada, rp) = (world.signed_in(ADA).await, legacy(&world).await);
    let answer = asked(&rp, &ada.browser, &[("response_type", "code id_token")]).await;
    let code = in_fragment(&answer)["code"].as_str().unwrap().to_owned();
    let redeem = |verifier: &'static str| {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        let rp = &rp;
        async move { rp.token(&fields.map(|(name, value)| (name, value))).await }
    };
    assert_eq!(redeem("").await.error(), Some("invalid_grant"));
    redeem(VERIFIER).await.tokens();
}
