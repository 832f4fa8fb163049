//! Clients that register themselves (RFC 7591, OpenID Connect Registration), and manage that (RFC 7592).

use std::time::Duration;

use harness::{ASSERTION_TYPE, Published, RelyingParty, Signer, TokenAnswer, World, client};
use reqwest::Method;
use serde_json::{Value, json};
use server::admin::{AdminCommand, AdminError, ClientChanges};
use server::config::Config;
use server::rate_limits::{Limit, Rate};

const CALLBACK: &str = "https://rp.example.test/cb";

/// Lets clients register themselves; further members of the setting beside the mode.
async fn allow(world: &World, mode: &str, further: Value) {
    let mut registration = further;
    registration["mode"] = mode.into();
    let settings = json!({ "registration": registration });
    world.operate(AdminCommand::TenantsSet { settings }).await.unwrap();
}

async fn send(method: Method, url: &str, token: Option<&str>, body: Option<&Value>) -> TokenAnswer {
    let mut request = client().build().unwrap().request(method, url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    TokenAnswer::read(request.send().await.unwrap()).await
}

async fn register_with(world: &World, token: Option<&str>, metadata: &Value) -> TokenAnswer {
    let url = format!("{}/oauth/register", world.issuer());
    send(Method::POST, &url, token, Some(metadata)).await
}

async fn register(world: &World, metadata: &Value) -> TokenAnswer {
    register_with(world, None, metadata).await
}

fn metadata() -> Value {
    json!({ "client_name": "Visitor", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"] })
}

fn party(world: &World, made: &TokenAnswer) -> RelyingParty {
    assert_eq!(made.status, 201, "{made}");
    let text = |member: &str| made.body[member].as_str();
    RelyingParty::new(world.issuer(), text("client_id").unwrap(), text("client_secret"), CALLBACK)
}

/// Where the registration is managed, and with what.
fn place(made: &TokenAnswer) -> (String, String) {
    let text = |member: &str| made.body[member].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    (text("registration_client_uri"), text("registration_access_token"))
}

#[tokio::test]
async fn a_client_registers_itself_signs_somebody_in_and_goes() {
    World::each(async |world| {
        allow(world, "open", json!({})).await;
        let made = register(world, &metadata()).await;
        assert_eq!(made.header("cache-control"), Some("no-store"));
        assert_eq!(made.header("access-control-allow-origin"), None);
        // RFC 7591 section 3.2.1: all of it is given back, with the defaults.
        for (member, value) in [
            ("client_secret_expires_at", json!(0)),
            ("client_id_issued_at", json!(world.clock.now().as_seconds())),
            ("client_name", json!("Visitor")),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("response_types", json!(["code"])),
            ("application_type", json!("web")),
            ("id_token_signed_response_alg", json!("RS256")),
        ] {
            assert_eq!(made.body[member], value, "{member}: {made}");
        }
        let rp = party(world, &made);
        let person = world.signed_in("alice@example.test").await;
        let asked = rp.authorize(&person.browser).await;
        assert!(asked.0.says("Visitor"), "never without asking: {}", asked.0);
        let allowed = person.browser.submit(asked.0.press("Allow")).await;
        let code = allowed.parameter("code").unwrap_or_else(|| panic!("{allowed}"));
        let tokens = rp.exchange(&code).await.tokens();
        assert_eq!(rp.userinfo(&tokens.access).await.status, 200);

        let (uri, token) = place(&made);
        assert_eq!(uri, format!("{}/oauth/register/{}", world.issuer(), rp.client_id));
        let shown = send(Method::GET, &uri, Some(&token), None).await;
        assert_eq!(shown.status, 200, "{shown}");
        assert_eq!(shown.body["redirect_uris"], json!([CALLBACK]));
        assert_eq!(shown.body["registration_access_token"], token.as_str());
        assert!(shown.body.get("client_secret").is_none(), "it is not kept as it is");
        let gone = send(Method::DELETE, &uri, Some(&token), None).await;
        assert_eq!((gone.status, gone.text.as_str()), (204, ""), "{gone}");
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(send(method, &uri, Some(&token), None).await.status, 401);
        }
        assert_eq!(rp.refresh("x").await.status, 401);
        assert_ne!(rp.userinfo(&tokens.access).await.status, 200);
        let kinds = world.event_kinds().await;
        assert!(kinds.contains(&"client.created".to_owned()) && kinds.contains(&"client.deleted".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn nobody_registers_where_the_tenant_is_closed() {
    let world = World::start().await;
    let refused = register(&world, &metadata()).await;
    assert_eq!((refused.status, refused.error()), (403, Some("access_denied")), "{refused}");
    let discovery = async || {
        let url = format!("{}/.well-known/openid-configuration", world.issuer());
        send(Method::GET, &url, None, None).await.body
    };
    assert!(discovery().await.get("registration_endpoint").is_none());
    for mode in ["open", "token"] {
        allow(&world, mode, json!({})).await;
        let endpoint = format!("{}/oauth/register", world.issuer());
        assert_eq!(discovery().await["registration_endpoint"], endpoint.as_str());
    }
}

#[tokio::test]
async fn an_initial_token_serves_as_often_as_it_says_and_not_after_its_time() {
    World::each(async |world| {
        allow(world, "token", json!({})).await;
        let create = |uses: u32| AdminCommand::InitialAccessTokensCreate { uses, lifetime: 3600 };
        let made = world.operate(create(2)).await.unwrap();
        let token = made["initial_access_token"].as_str().unwrap();
        let none = register(world, &metadata()).await;
        assert_eq!(none.status, 401, "{none}");
        assert!(none.header("www-authenticate").unwrap().starts_with("Bearer realm="), "{none}");
        for bad in ["x", "ptc_ia_x", &format!("{}x", &token[..token.len() - 1])] {
            let refused = register_with(world, Some(bad), &metadata()).await;
            assert_eq!((refused.status, refused.error()), (401, Some("invalid_token")), "{bad}: {refused}");
        }
        // What is refused for its metadata costs no use.
        let bad = json!({ "redirect_uris": [format!("{CALLBACK}#x")] });
        assert_eq!(register_with(world, Some(token), &bad).await.status, 400);
        assert_eq!(register_with(world, Some(token), &metadata()).await.status, 201);
        let listed = world.operate(AdminCommand::InitialAccessTokensList).await.unwrap();
        assert_eq!(listed[0]["uses_left"], 1, "{listed}");
        assert!(listed[0].get("initial_access_token").is_none());
        assert_eq!(register_with(world, Some(token), &metadata()).await.status, 201);
        assert_eq!(register_with(world, Some(token), &metadata()).await.status, 401);

        let late = world.operate(create(1)).await.unwrap();
        world.clock.advance(Duration::from_hours(1));
        let late = late["initial_access_token"].as_str().unwrap();
        assert_eq!(register_with(world, Some(late), &metadata()).await.status, 401);

        let deleted = world.operate(create(1)).await.unwrap();
        let token_id = deleted["token_id"].as_str().unwrap().to_owned();
        let delete = || AdminCommand::InitialAccessTokensDelete { token_id: token_id.clone() };
        world.operate(delete()).await.unwrap();
        assert!(matches!(world.operate(delete()).await, Err(AdminError::Unknown(_))));
        let deleted = deleted["initial_access_token"].as_str().unwrap();
        assert_eq!(register_with(world, Some(deleted), &metadata()).await.status, 401);
        for (uses, lifetime) in [(0, 60), (1001, 60), (1, 0), (1, 366 * 86400)] {
            let refused = world.operate(AdminCommand::InitialAccessTokensCreate { uses, lifetime }).await;
            assert!(matches!(refused, Err(AdminError::Refused(_))), "{uses} {lifetime}");
        }
    })
    .await;
}

#[tokio::test]
async fn of_racing_registrations_with_one_token_one_is_made() {
    World::each(async |world| {
        allow(world, "token", json!({})).await;
        let create = AdminCommand::InitialAccessTokensCreate { uses: 1, lifetime: 60 };
        let made = world.operate(create).await.unwrap();
        let token = made["initial_access_token"].as_str().unwrap();
        let url = format!("{}/oauth/register", world.issuer());
        let runs: Vec<_> = (0..8)
            .map(|_| {
                let (url, token) = (url.clone(), token.to_owned());
                tokio::spawn(
                    async move { send(Method::POST, &url, Some(&token), Some(&metadata())).await.status },
                )
            })
            .collect();
        let mut statuses = Vec::new();
        for run in runs {
            statuses.push(run.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 401, 401, 401, 401, 401, 401, 401]);
    })
    .await;
}

#[tokio::test]
async fn what_a_client_may_not_have_is_refused_by_its_name() {
    let world = World::start().await;
    allow(&world, "open", json!({})).await;
    let cases = [
        ("redirect_uris", json!([format!("{CALLBACK}#frag")]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["http://rp.example.test/cb"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["javascript:alert(1)"]), "invalid_redirect_uri"),
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("grant_types", json!(["authorization_code", "client_credentials"]), "invalid_client_metadata"),
        ("grant_types", json!(["password"]), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("tls_client_auth"), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata"),
        ("initiate_login_uri", json!("http://127.0.0.1/login"), "invalid_client_metadata"),
        ("id_token_signed_response_alg", json!("none"), "invalid_client_metadata"),
        ("id_token_signed_response_alg", json!("PS256"), "invalid_client_metadata"),
        ("logo_uri", json!("javascript:alert(1)"), "invalid_client_metadata"),
    ];
    for (member, value, error) in cases {
        let mut spoiled = metadata();
        spoiled[member] = value.clone();
        let refused = register(&world, &spoiled).await;
        assert_eq!((refused.status, refused.error()), (400, Some(error)), "{member} {value}: {refused}");
    }
    let url = format!("{}/oauth/register", world.issuer());
    let request = |kind: &str, body: String| {
        client().build().unwrap().post(&url).header("content-type", kind).body(body)
    };
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "client_name=x".to_owned()),
        ("text/plain", metadata().to_string()),
        ("application/json", "[]".to_owned()),
        (
            "application/json",
            r#"{"client_name":"a","client_name":"b","redirect_uris":["https://a.example/"]}"#.to_owned(),
        ),
    ] {
        let refused = TokenAnswer::read(request(kind, body).send().await.unwrap()).await;
        assert_eq!((refused.status, refused.error()), (400, Some("invalid_client_metadata")), "{refused}");
    }
    let oversize = request("application/json", format!("{{\"client_name\":\"{}\"}}", "x".repeat(70_000)));
    assert!(matches!(oversize.send().await.unwrap().status().as_u16(), 400 | 413));
    assert_eq!(world.events("client.created").await, 0);

    // What is not understood is left aside, what is more than it may have is cut, and nobody is first-party by their own word.
    let mut wide = metadata();
    for (member, value) in [
        ("scope", json!("openid reports:read offline_access")),
        ("first_party", json!(true)),
        ("client_id", json!("cli_mine")),
        ("client_secret", json!("mine")),
        ("software_statement", json!("e30.e30.")),
        ("tls_client_certificate_bound_access_tokens", json!(true)),
        ("client_name#ja-Jpan-JP", json!("x")),
    ] {
        wide[member] = value;
    }
    let made = register(&world, &wide).await;
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(made.body["scope"], "offline_access openid");
    assert_ne!(made.body["client_id"], "cli_mine");
    assert_ne!(made.body["client_secret"], "mine");
    let client_id = made.body["client_id"].as_str().unwrap().to_owned();
    let shown = world.operate(AdminCommand::ClientsShow { client_id }).await.unwrap();
    assert_eq!((&shown["first_party"], &shown["registered_itself"]), (&json!(false), &json!(true)));
    assert_eq!(shown["resource_servers"], json!([world.issuer()]), "no API of the tenant's");
}

#[tokio::test]
async fn a_sector_is_asked_before_a_client_joins_it() {
    let world = World::start().await;
    allow(&world, "open", json!({})).await;
    let sector = Published::start(json!([CALLBACK, "https://other.example.test/cb"])).await;
    let mut pairwise = metadata();
    pairwise["subject_type"] = "pairwise".into();
    pairwise["sector_identifier_uri"] = sector.url.as_str().into();
    let made = register(&world, &pairwise).await;
    assert_eq!((made.status, &made.body["subject_type"]), (201, &json!("pairwise")), "{made}");
    let (uri, token) = place(&made);
    for document in [Some(json!(["https://other.example.test/cb"])), Some(json!({ "a": 1 })), None] {
        sector.put(document);
        let refused = register(&world, &pairwise).await;
        assert_eq!((refused.status, refused.error()), (400, Some("invalid_client_metadata")), "{refused}");
        let mut change = pairwise.clone();
        change["client_id"] = made.body["client_id"].clone();
        assert_eq!(send(Method::PUT, &uri, Some(&token), Some(&change)).await.status, 400);
    }
    // Whoever asks learns nothing of what this server reaches.
    pairwise["sector_identifier_uri"] = "https://10.0.0.1/secret.json".into();
    let refused = register(&world, &pairwise).await;
    let description = refused.body["error_description"].as_str().unwrap();
    assert!(!description.contains("private") && !description.contains("10.0.0.1"), "{description}");
}

#[tokio::test]
async fn clients_that_sign_or_seal_register_too() {
    let world = World::start().await;
    allow(&world, "open", json!({ "grant_types": ["client_credentials"], "scopes": ["reports:read"] })).await;
    let key = Signer::es256("k1");
    let published = Published::start(json!({ "keys": [key.jwk()] })).await;
    let machine = |further: Value| {
        let mut metadata = json!({ "grant_types": ["client_credentials"], "scope": "reports:read" });
        metadata.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        metadata
    };
    let by_keys =
        machine(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] } }));
    let by_uri =
        machine(json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": published.url }));
    let by_secret = machine(json!({ "token_endpoint_auth_method": "client_secret_jwt" }));
    for metadata in [by_keys, by_uri, by_secret] {
        let made = register(&world, &metadata).await;
        let rp = party(&world, &made);
        let sealed = rp.client_secret.as_deref().map(Signer::hs256);
        let signer = sealed.as_ref().unwrap_or(&key);
        let assertion = signer.assertion(&rp, "1", world.clock.now());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.as_str()),
        ];
        let answer = TokenAnswer::read(rp.post("/oauth/token").form(&form).send().await.unwrap()).await;
        assert_eq!(answer.status, 200, "{metadata}: {answer}");
    }
}

#[tokio::test]
async fn only_the_clients_own_token_opens_its_registration() {
    World::each(async |world| {
        allow(world, "open", json!({})).await;
        let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
        world.operate(create).await.unwrap();
        let (mine, other) = (register(world, &metadata()).await, register(world, &metadata()).await);
        let ((uri, token), (other_uri, other_token)) = (place(&mine), place(&other));
        let by_operator = world.rp("web").await;
        let operators = format!("{}/oauth/register/{}", world.issuer(), by_operator.client_id);
        let elsewhere = uri.replace("/oauth/", "/t/acme/oauth/");
        let unknown = format!("{}/oauth/register/cli_none", world.issuer());
        let secret = mine.body["client_secret"].as_str().unwrap();
        let mut change = metadata();
        change["client_id"] = mine.body["client_id"].clone();
        for (uri, token) in [
            (uri.as_str(), None),
            (&uri, Some("x")),
            (&uri, Some(secret)),
            (&uri, Some(&other_token)),
            (&other_uri, Some(&token)),
            (&operators, Some(&token)),
            (&elsewhere, Some(&token)),
            (&unknown, Some(&token)),
        ] {
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                let body = (method == Method::PUT).then_some(&change);
                let refused = send(method.clone(), uri, token, body).await;
                assert_eq!(refused.status, 401, "{method} {uri}: {refused}");
                assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer "), "{refused}");
            }
        }
        assert_eq!(send(Method::GET, &uri, Some(&token), None).await.status, 200);
        assert_eq!(send(Method::GET, &other_uri, Some(&other_token), None).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn a_change_replaces_what_the_client_says_and_nothing_else() {
    World::each(async |world| {
        allow(world, "open", json!({})).await;
        let made = register(world, &metadata()).await;
        let (uri, token) = place(&made);
        let put = async |body: &Value| send(Method::PUT, &uri, Some(&token), Some(body)).await;
        let base = json!({
            "client_id": made.body["client_id"], "client_secret": made.body["client_secret"],
            "redirect_uris": ["https://new.example.test/cb"],
        });
        let changed = put(&base).await;
        assert_eq!(changed.status, 200, "{changed}");
        assert_eq!(changed.body["redirect_uris"], json!(["https://new.example.test/cb"]));
        assert!(changed.body.get("client_name").is_none(), "left out is taken away: {changed}");
        assert_eq!(changed.body["grant_types"], json!(["authorization_code"]), "the default again");
        for (member, value) in [
            ("client_id", json!("cli_other")),
            ("client_secret", json!("ptc_cs_x")),
            ("client_secret", other_secret(world).await),
            ("registration_access_token", json!(token)),
            ("client_id_issued_at", json!(1)),
            ("redirect_uris", json!(["http://new.example.test/cb"])),
            ("grant_types", json!(["client_credentials"])),
        ] {
            let mut spoiled = base.clone();
            spoiled[member] = value;
            let refused = put(&spoiled).await;
            assert_eq!(refused.status, 400, "{member}: {refused}");
        }
        // Another method keeps its secret in another way, so there is another secret.
        let mut jwt = base.clone();
        jwt["token_endpoint_auth_method"] = "client_secret_jwt".into();
        let changed = put(&jwt).await;
        let fresh = changed.body["client_secret"].as_str().unwrap_or_else(|| panic!("{changed}"));
        assert_ne!(fresh, made.body["client_secret"].as_str().unwrap());
        assert_eq!(put(&jwt).await.status, 400, "the old one is no secret of its any more");
        jwt["client_secret"] = fresh.into();
        assert_eq!(put(&jwt).await.status, 200);

        // What the operator vouches for, the operator changes.
        let client_id = made.body["client_id"].as_str().unwrap().to_owned();
        let changes =
            ClientChanges { metadata: json!({}), first_party: Some(true), ..ClientChanges::default() };
        let vouch = AdminCommand::ClientsUpdate { client_id, changes, new_secret: false };
        world.operate(vouch).await.unwrap();
        assert_eq!(put(&jwt).await.status, 403);
        assert_eq!(send(Method::GET, &uri, Some(&token), None).await.status, 200);
        let open = register(world, &metadata()).await;
        allow(world, "closed", json!({})).await;
        let (uri, token) = place(&open);
        let mut change = metadata();
        change["client_id"] = open.body["client_id"].clone();
        assert_eq!(send(Method::PUT, &uri, Some(&token), Some(&change)).await.status, 403);
        assert_eq!(send(Method::DELETE, &uri, Some(&token), None).await.status, 204);
    })
    .await;
}

async fn other_secret(world: &World) -> Value {
    register(world, &metadata()).await.body["client_secret"].clone()
}

#[tokio::test]
async fn no_more_register_than_the_tenant_and_the_address_may() {
    let strict = |config: &mut Config| {
        config.rate_limits.exempt = Vec::new();
        let rate = Rate { count: 3.try_into().unwrap(), period: Duration::from_hours(1) };
        config.rate_limits.set(Limit::Registrations, Some(rate));
    };
    let world = World::configured(strict).await;
    allow(&world, "open", json!({ "clients": 2 })).await;
    let made = register(&world, &metadata()).await;
    assert_eq!(register(&world, &metadata()).await.status, 201);
    let refused = register(&world, &metadata()).await;
    assert_eq!((refused.status, refused.error()), (403, Some("access_denied")), "{refused}");
    let refused = register(&world, &metadata()).await;
    assert_eq!(refused.status, 429, "{refused}");
    assert!(refused.header("retry-after").is_some());
    let (uri, token) = place(&made);
    assert_eq!(send(Method::DELETE, &uri, Some(&token), None).await.status, 204);
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(register(&world, &metadata()).await.status, 201, "room for one");
}

#[tokio::test]
async fn a_client_that_nobody_uses_goes_and_one_in_use_stays() {
    World::each(async |world| {
        allow(world, "open", json!({ "unused_days": 2 })).await;
        let (idle, used) = (register(world, &metadata()).await, register(world, &metadata()).await);
        let by_operator = world.rp("web").await;
        let rp = party(world, &used);
        let person = world.signed_in("alice@example.test").await;
        let day = Duration::from_hours(24);
        world.clock.advance(day);
        let asked = rp.authorize(&person.browser).await;
        let allowed = person.browser.submit(asked.0.press("Allow")).await;
        let tokens = rp.exchange(&allowed.parameter("code").unwrap()).await.tokens();
        world.clock.advance(day);
        server::sweeping::sweep(world.app()).await.unwrap();
        let status = async |made: &TokenAnswer| {
            let (uri, token) = place(made);
            send(Method::GET, &uri, Some(&token), None).await.status
        };
        assert_eq!((status(&idle).await, status(&used).await), (401, 200));
        // A refresh is a use too.
        let refreshed = rp.refresh(tokens.refresh.as_deref().unwrap()).await;
        assert_eq!(refreshed.status, 200, "{refreshed}");
        world.clock.advance(day);
        server::sweeping::sweep(world.app()).await.unwrap();
        assert_eq!(status(&used).await, 200);
        world.clock.advance(day);
        server::sweeping::sweep(world.app()).await.unwrap();
        assert_eq!(status(&used).await, 401);
        assert_eq!(world.events("client.expired").await, 2);
        let show = AdminCommand::ClientsShow { client_id: by_operator.client_id.clone() };
        assert!(world.operate(show).await.is_ok(), "operators' clients stay");
    })
    .await;
}

#[tokio::test]
async fn a_use_is_noted_once_a_day_and_not_at_each_request() {
    World::each(async |world| {
        allow(world, "open", json!({})).await;
        let rp = party(world, &register(world, &metadata()).await);
        let person = world.signed_in("alice@example.test").await;
        let asked = rp.authorize(&person.browser).await;
        let allowed = person.browser.submit(asked.0.press("Allow")).await;
        let mut tokens = rp.exchange(&allowed.parameter("code").unwrap()).await.tokens();
        let mut refreshed = async || {
            let before = world.app().store.usage().transactions;
            tokens = rp.refresh(tokens.refresh.as_deref().unwrap()).await.tokens();
            world.app().store.usage().transactions - before
        };
        assert!(refreshed().await >= 1);
        world.clock.advance(Duration::from_hours(25));
        assert!(refreshed().await >= 2, "the refresh and the note");
        // Others commit too, now and then.
        let least = refreshed().await.min(refreshed().await).min(refreshed().await);
        assert_eq!(least, 1);
    })
    .await;
}

#[tokio::test]
async fn tokens_out_of_the_authorization_endpoint_take_the_tenants_word_twice() {
    let world = World::start().await;
    let mut implicit = metadata();
    implicit["grant_types"] = json!(["implicit"]);
    implicit["response_types"] = json!(["id_token"]);
    let mut statuses = Vec::new();
    for (grants, legacy) in [
        (json!(["authorization_code"]), "all_clients"),
        (json!(["implicit"]), "off"),
        (json!(["implicit"]), "per_client"),
        (json!(["implicit"]), "all_clients"),
    ] {
        let registration = json!({ "mode": "open", "grant_types": grants });
        let settings = json!({ "registration": registration, "oidc_legacy": legacy });
        world.operate(AdminCommand::TenantsSet { settings }).await.unwrap();
        let answer = register(&world, &implicit).await;
        assert!(answer.status == 201 || answer.error() == Some("invalid_client_metadata"), "{answer}");
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [400, 400, 400, 201]);
}
