//! How often the operations of the protocol ask the database: a reviewed list, so that nobody adds a read unseen.

use std::collections::BTreeMap;

use harness::{Person, World};
use server::admin::AdminCommand;
use server::testing::EngineKind;

const API: &str = "https://api.example.test";

/// What each operation costs at most once it is warm. Fewer is better: then the list is to be changed.
///
/// Statements within transactions count, those that begin and end them don't.
const REVIEWED: [(&str, u64, u64); 9] = [
    ("authorization with a live session", 4, 1),
    ("client credentials", 0, 0),
    ("client credentials, opaque", 1, 1),
    ("code for tokens", 3, 1),
    ("introspection of a JWT", 1, 0),
    ("introspection of an opaque token", 1, 0),
    ("refresh with rotation", 2, 1),
    ("userinfo", 1, 0),
    ("whole sign-in by password, to the code", 29, 5),
];

/// The least that was seen of each operation, since the server polls meanwhile.
struct Counts<'w> {
    world: &'w World,
    least: BTreeMap<&'static str, (u64, u64)>,
}

impl Counts<'_> {
    async fn of<T>(&mut self, operation: &'static str, work: impl Future<Output = T>) -> T {
        let before = self.world.app().store.usage();
        let done = work.await;
        let after = self.world.app().store.usage();
        let seen = (after.statements - before.statements, after.transactions - before.transactions);
        let least = self.least.entry(operation).or_insert(seen);
        *least = (least.0.min(seen.0), least.1.min(seen.1));
        done
    }
}

/// A first sign-in in a browser that nobody knows.
async fn sign_in(world: &World, alice: &Person, url: &str) {
    let stranger =
        Person { browser: world.browser(), email: alice.email.clone(), password: alice.password.clone() };
    let page = stranger.browser.open(url).await;
    let page = stranger.sign_in_at(page).await;
    assert!(page.parameter("code").is_some(), "{page}");
}

#[tokio::test]
async fn every_operation_asks_the_database_as_often_as_was_reviewed() {
    let world = Box::pin(World::on(EngineKind::Sqlite)).await;
    let (web, spa, service) = (world.rp("web").await, world.rp("spa").await, world.rp("service").await);
    let alice = world.signed_in("alice@example.test").await;
    let create = AdminCommand::ResourceServersCreate {
        identifier: API.to_owned(),
        scope: "reports:read".to_owned(),
        token_format: "opaque".to_owned(),
        token_lifetime: 60,
        introspection_client: Some(service.client_id.clone()),
    };
    world.operate(create).await.unwrap();
    let for_api = [("grant_type", "client_credentials"), ("scope", "reports:read"), ("resource", API)];
    let mut refresh_token =
        spa.exchange(&spa.authorize(&alice.browser).await.code()).await.tokens().refresh.unwrap();
    let mut counts = Counts { world: &world, least: BTreeMap::new() };
    for _ in 0..4 {
        counts.of("client credentials", service.client_credentials("reports:read")).await.tokens();
        let opaque = counts.of("client credentials, opaque", service.token(&for_api)).await.tokens().access;
        let silent = [("prompt", "none")];
        let asked = web.authorize_with(&alice.browser, &silent);
        let code = counts.of("authorization with a live session", asked).await.code();
        let tokens = counts.of("code for tokens", web.exchange(&code)).await.tokens();
        let told = counts.of("userinfo", web.userinfo(&tokens.access)).await;
        assert_eq!(told.status, 200);
        let told = counts.of("introspection of a JWT", web.introspect(&tokens.access)).await;
        assert!(told.body["active"] == true, "{told}");
        let told = counts.of("introspection of an opaque token", service.introspect(&opaque)).await;
        assert!(told.body["active"] == true, "{told}");
        let refreshed = counts.of("refresh with rotation", spa.refresh(&refresh_token)).await.tokens();
        let next = refreshed.refresh.unwrap();
        assert_ne!(next, refresh_token);
        refresh_token = next;
        let url = web.authorization_url(&[]);
        counts.of("whole sign-in by password, to the code", sign_in(&world, &alice, &url)).await;
    }
    let seen: Vec<_> =
        counts.least.into_iter().map(|(name, (statements, commits))| (name, statements, commits)).collect();
    assert_eq!(seen, REVIEWED);
}
