//! What is used twice.

use std::time::Duration;

use http::StatusCode;
use identity::EventKind;

use super::scene::{GOOD, OPAQUE_API, Party, RS256_API, Scene, Wanted};

#[tokio::test]
async fn a_code_buys_tokens_that_work() {
    Scene::each(async |scene| {
        let (web, alice) = (scene.web().await, scene.person("alice").await);
        let code = scene.code(&alice, &web, GOOD).await;
        let tokens = scene.exchange(&web, &code).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        assert_eq!(tokens.headers["cache-control"], "no-store");
        assert_eq!(tokens.headers["pragma"], "no-cache");
        assert_eq!(tokens.text("token_type"), "Bearer");
        assert_eq!(tokens.body["expires_in"], 300);
        assert_eq!(tokens.text("scope"), "api:read openid profile");
        assert!(tokens.text("id_token").split('.').count() == 3);
        let userinfo = scene.userinfo(&tokens.text("access_token")).await;
        assert_eq!(userinfo.text("sub"), "alice");
        assert_eq!(userinfo.text("name"), "alice");
        assert!(userinfo.body.get("email").is_none(), "{}", userinfo.body);
        let next = scene.refresh(&web, &tokens.text("refresh_token")).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.body);
        assert_ne!(next.text("refresh_token"), tokens.text("refresh_token"));
        assert_eq!(scene.userinfo(&next.text("access_token")).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_replayed_code_takes_its_tokens_with_it() {
    Scene::each(async |scene| {
        let (web, alice) = (scene.web().await, scene.person("alice").await);
        let code = scene.code(&alice, &web, GOOD).await;
        let tokens = scene.exchange(&web, &code).await;
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        assert_eq!(scene.userinfo(&access).await.status, StatusCode::OK);
        let replay = scene.exchange(&web, &code).await;
        assert_eq!((replay.status, replay.error()), (StatusCode::BAD_REQUEST, "invalid_grant"));
        let userinfo = scene.userinfo(&access).await;
        assert_eq!((userinfo.status, userinfo.error()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        assert_eq!(scene.refresh(&web, &refresh).await.error(), "invalid_grant");
        let events = scene.app.store.read(scene.tenant).events(10).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
        assert!(kinds.contains(&EventKind::ReplayDetected) && kinds.contains(&EventKind::GrantEnded));
    })
    .await;
}

#[tokio::test]
async fn a_code_that_is_presented_wrongly_is_not_spent() {
    Scene::each(async |scene| {
        let (web, alice) = (scene.web().await, scene.person("alice").await);
        let thief = scene.backend().await;
        let code = scene.code(&alice, &web, GOOD).await;
        assert_eq!(scene.exchange(&thief, &code).await.error(), "invalid_grant");
        for (name, value) in
            [("code_verifier", "x"), ("code_verifier", ""), ("redirect_uri", "https://e.test")]
        {
            let mut form = super::scene::exchange_form(&code);
            form.iter_mut().filter(|(known, _)| *known == name).for_each(|pair| pair.1 = value);
            assert_eq!(
                scene.post("/oauth/token", &web, &form).await.error(),
                "invalid_grant",
                "{name}={value}"
            );
        }
        assert_eq!(scene.exchange(&web, &code).await.status, StatusCode::OK);
        // And once it is spent, a wrong request is no replay.
        assert_eq!(scene.exchange(&thief, &code).await.error(), "invalid_grant");
        let mut form = super::scene::exchange_form(&code);
        form[3].1 = "wrong";
        assert_eq!(scene.post("/oauth/token", &web, &form).await.error(), "invalid_grant");
        let grants = scene.app.store.read(scene.tenant).events(10).await.unwrap();
        assert!(grants.iter().all(|event| event.kind != EventKind::ReplayDetected));
    })
    .await;
}

#[tokio::test]
async fn a_code_expires() {
    Scene::each(async |scene| {
        let (web, alice) = (scene.web().await, scene.person("alice").await);
        let code = scene.code(&alice, &web, GOOD).await;
        scene.clock.advance(Duration::from_mins(1));
        assert_eq!(scene.exchange(&web, &code).await.error(), "invalid_grant");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_redemptions_at_once_one_gets_tokens_and_none_of_them_live() {
    Scene::each(async |scene| {
        let (web, alice) = (scene.web().await, scene.person("alice").await);
        for _ in 0..5 {
            let code = scene.code(&alice, &web, GOOD).await;
            let answers = at_once(8, async || scene.exchange(&web, &code).await).await;
            let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
            assert_eq!(won.len(), 1);
            assert!(
                answers
                    .iter()
                    .all(|answer| answer.status == StatusCode::OK || answer.error() == "invalid_grant")
            );
            // The others were replays.
            assert_eq!(scene.userinfo(&won[0].text("access_token")).await.error(), "invalid_token");
        }
    })
    .await;
}

/// Polls the same request several times over, each to its next wait, until all are done.
async fn at_once<T>(count: usize, run: impl AsyncFn() -> T) -> Vec<T> {
    let mut runs: Vec<_> = (0..count).map(|_| Box::pin(run())).collect();
    let mut done: Vec<Option<T>> = (0..count).map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (run, done) in runs.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(answer) = run.as_mut().poll(context) {
                *done = Some(answer);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_refreshes_at_once_get_one_successor() {
    Scene::each(async |scene| {
        let (web, alice) = (scene.web().await, scene.person("alice").await);
        let code = scene.code(&alice, &web, GOOD).await;
        let first = scene.exchange(&web, &code).await.text("refresh_token");
        let answers = at_once(8, async || scene.refresh(&web, &first).await).await;
        let mut successors: Vec<_> = answers.iter().map(|answer| answer.text("refresh_token")).collect();
        successors.dedup();
        assert_eq!(successors.len(), 1);
        assert_eq!(scene.refresh(&web, &successors[0]).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn the_refresh_table_over_http() {
    Scene::each(async |scene| {
        let (web, alice) = (scene.web().await, scene.person("alice").await);
        let begin = async || {
            let code = scene.code(&alice, &web, GOOD).await;
            scene.exchange(&web, &code).await.text("refresh_token")
        };
        let next = async |token: &str| scene.refresh(&web, token).await.text("refresh_token");
        let lives = async |token: &str| scene.refresh(&web, token).await.status == StatusCode::OK;

        // The one before, its successor unused, within 30 s: the same successor again.
        let zero = begin().await;
        let one = next(&zero).await;
        scene.clock.advance(Duration::from_secs(29));
        assert_eq!(next(&zero).await, one);
        // Its successor used: refused, nothing ends.
        let two = next(&one).await;
        scene.clock.advance(Duration::from_millis(999));
        assert_eq!(scene.refresh(&web, &zero).await.error(), "invalid_grant");
        assert!(lives(&two).await);

        // The one before, later: the Grant ends.
        let zero = begin().await;
        let one = next(&zero).await;
        scene.clock.advance(Duration::from_secs(30));
        assert_eq!(scene.refresh(&web, &zero).await.error(), "invalid_grant");
        assert!(!lives(&one).await);

        // An older one: the Grant ends, however soon.
        let zero = begin().await;
        let three = next(&next(&next(&zero).await).await).await;
        assert_eq!(scene.refresh(&web, &zero).await.error(), "invalid_grant");
        assert!(!lives(&three).await);
    })
    .await;
}

#[tokio::test]
async fn a_confidential_clients_refresh_token_stays() {
    Scene::each(async |scene| {
        let (backend, alice) = (scene.backend().await, scene.person("alice").await);
        let offline = Wanted { offline: true, ..GOOD };
        let code = scene.code(&alice, &backend, offline).await;
        let first = scene.exchange(&backend, &code).await.text("refresh_token");
        for _ in 0..3 {
            // Each use begins its idle time anew.
            scene.clock.advance(Duration::from_hours(24 * 29));
            assert_eq!(scene.refresh(&backend, &first).await.text("refresh_token"), first);
        }
        scene.clock.advance(Duration::from_hours(24 * 30));
        assert_eq!(scene.refresh(&backend, &first).await.error(), "invalid_grant");
    })
    .await;
}

#[tokio::test]
async fn scope_and_audience_narrow() {
    Scene::each(async |scene| {
        let (backend, alice) = (scene.backend().await, scene.person("alice").await);
        let wanted = Wanted { resource: Some(OPAQUE_API), scope: "openid profile api:read", ..GOOD };
        let code = scene.code(&alice, &backend, wanted).await;
        let tokens = scene.exchange(&backend, &code).await;
        assert_eq!(tokens.text("scope"), "api:read");
        assert_eq!(tokens.body["expires_in"], 120);
        let handle = tokens.text("access_token");
        assert!(handle.starts_with("ptc_at_"));
        // A token for an API opens no userinfo.
        assert_eq!(scene.userinfo(&handle).await.error(), "invalid_token");
        let about = scene.introspect(&backend, &handle).await;
        assert_eq!((&about["aud"], &about["sub"]), (&OPAQUE_API.into(), &"alice".into()));
        let refresh = async |more: &[(&str, &str)]| {
            let token = tokens.text("refresh_token");
            let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
            form.extend_from_slice(more);
            scene.post("/oauth/token", &backend, &form).await
        };
        // With openid granted, the issuer may be named, for userinfo.
        let at_issuer = refresh(&[("resource", super::scene::ISSUER)]).await;
        assert_eq!(scene.userinfo(&at_issuer.text("access_token")).await.text("sub"), "alice");
        assert_eq!(refresh(&[("scope", "openid")]).await.body.get("scope"), None);
        assert_eq!(refresh(&[("scope", "email")]).await.error(), "invalid_scope");
        assert_eq!(refresh(&[("resource", RS256_API)]).await.error(), "invalid_target");
        assert_eq!(refresh(&[("resource", "https://nobody.test")]).await.error(), "invalid_target");
        assert_eq!(
            refresh(&[("resource", OPAQUE_API), ("resource", RS256_API)]).await.error(),
            "invalid_target"
        );
    })
    .await;
}

#[tokio::test]
async fn revoking_each_kind_ends_it() {
    Scene::each(async |scene| {
        let (backend, alice) = (scene.backend().await, scene.person("alice").await);
        let other = scene.web().await;
        let revoke = async |party: &Party, token: &str| {
            scene.post("/oauth/revoke", party, &[("token", token), ("token_type_hint", "nonsense")]).await
        };
        for resource in [None, Some(OPAQUE_API), Some(RS256_API)] {
            let code = scene.code(&alice, &backend, Wanted { resource, ..GOOD }).await;
            let tokens = scene.exchange(&backend, &code).await;
            let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
            // Another client's token is refused, and stays.
            assert_eq!(revoke(&other, &access).await.error(), "invalid_grant");
            assert_eq!(revoke(&other, &refresh).await.error(), "invalid_grant");
            assert!(scene.is_active(&backend, &access).await && scene.is_active(&backend, &refresh).await);
            // An access token goes alone; twice is once.
            for _ in 0..2 {
                let answer = revoke(&backend, &access).await;
                assert_eq!((answer.status, answer.body), (StatusCode::OK, serde_json::Value::Null));
            }
            assert!(!scene.is_active(&backend, &access).await && scene.is_active(&backend, &refresh).await);
            // With a refresh token everything of its Grant goes.
            let again = scene.refresh(&backend, &refresh).await.text("access_token");
            assert!(scene.is_active(&backend, &again).await);
            assert_eq!(revoke(&backend, &refresh).await.status, StatusCode::OK);
            assert!(!scene.is_active(&backend, &again).await && !scene.is_active(&backend, &refresh).await);
            assert_eq!(scene.refresh(&backend, &refresh).await.error(), "invalid_grant");
        }
        assert_eq!(revoke(&backend, "what").await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn who_may_introspect() {
    Scene::each(async |scene| {
        let (backend, alice) = (scene.backend().await, scene.person("alice").await);
        let settings = oidc::client::ClientSettings::default;
        let api = scene.party("cli_api", "client_secret_post", settings()).await;
        let other = scene.party("cli_other", "client_secret_basic", settings()).await;
        scene.reads_tokens("https://read.example.test", &Party { ..api.clone() }).await;
        let wanted = Wanted { resource: Some("https://read.example.test"), ..GOOD };
        let code = scene.code(&alice, &backend, wanted).await;
        let tokens = scene.exchange(&backend, &code).await;
        let ask = async |party: &Party, token: &str, in_form: bool| {
            let secret = party.secret.clone().unwrap();
            let mut form = vec![("token", token)];
            let public = Party { id: party.id.clone(), secret: None };
            if in_form {
                form.push(("client_secret", &secret));
                return scene.post("/oauth/introspect", &public, &form).await.body;
            }
            scene.post("/oauth/introspect", party, &form).await.body
        };
        let access = tokens.text("access_token");
        assert_eq!(ask(&backend, &access, false).await["active"], true);
        assert_eq!(ask(&api, &access, true).await["active"], true);
        assert_eq!(ask(&other, &access, false).await, serde_json::json!({ "active": false }));
        let refresh = tokens.text("refresh_token");
        assert_eq!(ask(&backend, &refresh, false).await["active"], true);
        assert_eq!(ask(&api, &refresh, true).await, serde_json::json!({ "active": false }));
    })
    .await;
}
