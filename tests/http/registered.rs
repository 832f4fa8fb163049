//! What is kept in memory of clients and resource servers: a change holds at once where it was made, and within the poll elsewhere.

use std::time::Duration;

use harness::{RelyingParty, TokenAnswer, World, client};
use reqwest::RequestBuilder;
use reqwest::header::HOST;
use serde_json::{Value, json};
use server::admin::{AdminCommand, ClientChanges, execute};
use server::rate_limits::Limit;
use server::testing::{EngineKind, engine_kinds};

const API: &str = "https://api.example.test";

fn changed(client: &RelyingParty, metadata: Value, new_secret: bool) -> AdminCommand {
    let changes = ClientChanges { metadata, ..ClientChanges::default() };
    AdminCommand::ClientsUpdate { client_id: client.client_id.clone(), changes, new_secret }
}

fn deleted(client: &RelyingParty) -> AdminCommand {
    AdminCommand::ClientsDelete { client_id: client.client_id.clone() }
}

fn api() -> AdminCommand {
    AdminCommand::ResourceServersCreate {
        identifier: API.to_owned(),
        scope: "reports:read".to_owned(),
        token_format: "jwt-es256".to_owned(),
        token_lifetime: 60,
        introspection_client: None,
    }
}

#[tokio::test]
async fn a_change_of_a_client_holds_at_once() {
    World::each(async |world| {
        let old = world.rp("service").await;
        let asked = async |party: &RelyingParty| party.client_credentials("reports:read").await;
        assert_eq!(asked(&old).await.status, 200);

        world.clock.advance(Duration::from_secs(1));
        let made = world.operate(changed(&old, json!({}), true)).await.unwrap();
        let mut new = old.clone();
        new.client_secret = made["client_secret"].as_str().map(str::to_owned);
        for party in [&old, &new, &old, &new] {
            assert_eq!(asked(party).await.status, 200, "both secrets live");
        }
        let end = AdminCommand::ClientsEndSecrets { client_id: old.client_id.clone() };
        world.operate(end).await.unwrap();
        assert_eq!(asked(&old).await.error(), Some("invalid_client"), "its secret was ended");
        assert_eq!(asked(&new).await.status, 200);

        world.operate(changed(&new, json!({ "scope": "reports:write" }), false)).await.unwrap();
        assert_eq!(asked(&new).await.error(), Some("invalid_scope"), "it may have another scope");
        world.operate(deleted(&new)).await.unwrap();
        assert_eq!(new.client_credentials("reports:write").await.error(), Some("invalid_client"));
    })
    .await;
}

#[tokio::test]
async fn a_deleted_client_is_unknown_at_once_wherever_it_is_named() {
    World::each(async |world| {
        let (web, alice) = (world.rp("web").await, world.signed_in("alice@example.test").await);
        let tokens = web.exchange(&web.authorize(&alice.browser).await.code()).await.tokens();
        let code = web.authorize(&alice.browser).await.code();
        assert_eq!(web.userinfo(&tokens.access).await.status, 200);
        world.operate(deleted(&web)).await.unwrap();
        assert_eq!(web.userinfo(&tokens.access).await.status, 401);
        assert_eq!(web.exchange(&code).await.error(), Some("invalid_client"));
        assert_eq!(web.authorize(&alice.browser).await.0.status, 400, "a page, and no redirect");
    })
    .await;
}

#[tokio::test]
async fn a_resource_server_is_there_and_gone_at_once() {
    World::each(async |world| {
        let service = world.rp("service").await;
        let asked = async || {
            let form = [("grant_type", "client_credentials"), ("scope", "reports:read"), ("resource", API)];
            service.token(&form).await
        };
        assert_eq!(asked().await.error(), Some("invalid_target"));
        world.operate(api()).await.unwrap();
        let token = asked().await.tokens().access;
        assert_eq!(harness::claims(&token)["aud"], API);
        world.operate(AdminCommand::ResourceServersDelete { identifier: API.to_owned() }).await.unwrap();
        assert_eq!(asked().await.error(), Some("invalid_target"));
    })
    .await;
}

#[tokio::test]
async fn a_client_is_never_found_at_another_tenant() {
    World::each(async |world| {
        let create = AdminCommand::TenantsCreate { slug: "acme".to_owned(), issuer: None, hosts: Vec::new() };
        world.operate(create).await.unwrap();
        let metadata =
            json!({ "client_name": "there", "grant_types": ["client_credentials"], "scope": "reports:read" });
        let changes = ClientChanges { metadata, whole: true, ..ClientChanges::default() };
        let made = execute(world.app(), "acme", AdminCommand::ClientsCreate(changes)).await.unwrap();
        let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str());
        let here = world.rp("service").await;
        let there = RelyingParty::new(&format!("{}/t/acme", world.issuer()), id, secret, "");
        for _ in 0..2 {
            for party in [&here, &there] {
                assert_eq!(party.client_credentials("reports:read").await.status, 200);
            }
            let (mut strayed, mut lost) = (here.clone(), there.clone());
            strayed.issuer.clone_from(&there.issuer);
            lost.issuer.clone_from(&here.issuer);
            for party in [strayed, lost] {
                let asked = party.client_credentials("reports:read").await;
                assert_eq!(asked.error(), Some("invalid_client"), "though it is in memory");
            }
        }
        assert_eq!(world.app().registered.clients_held().0, 2);
    })
    .await;
}

#[tokio::test]
async fn names_that_nobody_has_take_no_memory() {
    let world = World::configured(|config| config.rate_limits.set(Limit::ClientFailures, None)).await;
    let service = world.rp("service").await;
    assert_eq!(service.client_credentials("reports:read").await.status, 200);
    let held = world.app().registered.clients_held();
    assert_eq!(held.0, 1);
    for number in 0..200 {
        let mut nobody = service.clone();
        nobody.client_id = format!("cli_{number:032x}");
        assert_eq!(nobody.client_credentials("reports:read").await.error(), Some("invalid_client"));
    }
    assert_eq!(world.app().registered.clients_held(), held);
}

/// The same request at another node: to its address, for the tenant's host.
async fn at(node: std::net::SocketAddr, world: &World, service: &RelyingParty) -> TokenAnswer {
    let host = world.issuer().trim_start_matches("http://").to_owned();
    let request: RequestBuilder = client().build().unwrap().post(format!("http://{node}/oauth/token"));
    let form = [("grant_type", "client_credentials"), ("scope", "reports:read")];
    let request = service.authenticated(request.header(HOST, host).form(&form));
    TokenAnswer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn another_node_hears_of_a_change_within_the_poll() {
    if !engine_kinds().contains(&EngineKind::Postgres) {
        return;
    }
    let world = World::on(EngineKind::Postgres).await;
    let node = world.another_node().await;
    let service = world.rp("service").await;
    let asked = async || at(node.local_addr, &world, &service).await;
    assert_eq!(asked().await.status, 200, "and now it has it in memory");
    world.operate(deleted(&service)).await.unwrap();
    assert_eq!(service.client_credentials("reports:read").await.error(), Some("invalid_client"));
    let heard = async {
        while asked().await.status == 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard).await.expect("the poll is once a second");
    assert_eq!(asked().await.error(), Some("invalid_client"));
    node.shutdown().await;
}
