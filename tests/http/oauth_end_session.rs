//! `/oauth/end_session`: sign-out that a relying party asks for.

use std::time::Duration;

use harness::{Page, Person, RelyingParty, Signer, World, claims, header};
use serde_json::json;

const ADA: &str = "ada@example.test";

/// Somebody who is signed in at a client, with the ID token that it got.
async fn at_client(world: &World, email: &str, rp: &RelyingParty) -> (Person, String) {
    let person = world.signed_in(email).await;
    let token = rp.exchange(&rp.authorize(&person.browser).await.code()).await.tokens().id.unwrap();
    (person, token)
}

async fn is_signed_in(person: &Person) -> bool {
    person.browser.open("/").await.heading() == "You are signed in"
}

async fn arrive(person: &Person, rp: &RelyingParty, parameters: &[(&str, &str)]) -> Page {
    person.browser.arrive(&rp.end_session_url(parameters)).await
}

#[tokio::test]
async fn a_client_signs_its_person_out_and_gets_them_back() {
    World::each(async |world| {
        let web = world.rp("web").await;
        for by_post in [false, true] {
            let email = if by_post { "bob@example.test" } else { ADA };
            let (person, token) = at_client(world, email, &web).await;
            let parameters = [
                ("id_token_hint", token.as_str()),
                ("post_logout_redirect_uri", web.redirect_uri.as_str()),
                ("state", "a b"),
            ];
            let page = if by_post {
                person.browser.submit_from_elsewhere("/oauth/end_session", &parameters).await
            } else {
                arrive(&person, &web, &parameters).await
            };
            let left = page.left_to.clone().unwrap_or_else(|| panic!("{page}"));
            assert_eq!(left.as_str(), format!("{}?state=a+b", web.redirect_uri));
            assert!(!is_signed_in(&person).await);
            let silent = web.authorize_with(&person.browser, &[("prompt", "none")]).await;
            assert_eq!(silent.error().as_deref(), Some("login_required"));
            // Once more: nobody is there, and the client gets its answer all the same.
            assert!(arrive(&person, &web, &parameters).await.left_to.is_some());
        }
    })
    .await;
}

#[tokio::test]
async fn only_the_session_that_the_hint_names_ends() {
    let world = World::start().await;
    let web = world.rp("web").await;
    let (ada, token) = at_client(&world, ADA, &web).await;
    world.create_user("bob@example.test", harness::PASSWORD).await;
    let page = ada.browser.open("/sign-in").await;
    let named = ada.browser.submit(page.form_with("email").fill("email", "bob@example.test")).await;
    ada.browser.submit(named.form_with("password").fill("password", harness::PASSWORD)).await;
    arrive(&ada, &web, &[("id_token_hint", &token)]).await;
    let home = ada.browser.open("/").await;
    assert!(home.says("bob@example.test") && !home.says(ADA), "{home}");
}

#[tokio::test]
async fn without_a_hint_about_who_is_here_the_person_is_asked() {
    World::each(async |world| {
        let web = world.rp("web").await;
        let (_, token_of_another) = at_client(world, "bob@example.test", &web).await;
        let client_id = web.client_id.clone();
        let back = ("post_logout_redirect_uri", web.redirect_uri.as_str());
        for (number, (parameters, returns)) in [
            (vec![], false),
            (vec![("state", "x")], false),
            (vec![back], false),
            (vec![("client_id", client_id.as_str()), back], true),
            (vec![("id_token_hint", token_of_another.as_str()), back], true),
        ]
        .into_iter()
        .enumerate()
        {
            let (ada, _) = at_client(world, &format!("ada{number}@example.test"), &web).await;
            let asked = arrive(&ada, &web, &parameters).await;
            assert_eq!(asked.heading(), "Sign out?", "{parameters:?} {asked}");
            assert!(is_signed_in(&ada).await, "a link signed out");
            let form = asked.press("Sign out");
            assert_eq!(ada.browser.submit(form.clone().without("form_token")).await.status, 403);
            let done = ada.browser.submit(form.clone()).await;
            assert_eq!(done.left_to.is_some(), returns, "{parameters:?} {done}");
            assert!(returns || done.heading() == "You are signed out", "{done}");
            assert!(!is_signed_in(&ada).await);
            assert_ne!(ada.browser.submit(form).await.status, 200, "used twice");
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_request_is_told_to_the_person_and_signs_nobody_out() {
    let world = World::start().await;
    let (web, other) = (world.rp("web").await, world.rp("spa").await);
    let (ada, token) = at_client(&world, ADA, &web).await;
    let access = web.exchange(&web.authorize(&ada.browser).await.code()).await.tokens().access;
    let mut forged = token.clone();
    forged.replace_range(token.len() - 6..token.len() - 2, "AAAA");
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
    let (hint, long) = (("id_token_hint", token.as_str()), "s".repeat(5000));
    let near = format!("{}/", web.redirect_uri);
    let with_query = format!("{}?x=1", web.redirect_uri);
    for (parameters, words) in [
        (vec![("id_token_hint", "x")], "id_token_hint is not"),
        (vec![("id_token_hint", forged.as_str())], "id_token_hint is not"),
        (vec![("id_token_hint", unsigned.as_str())], "id_token_hint is not"),
        (vec![("id_token_hint", access.as_str())], "id_token_hint is not"),
        (vec![hint, ("client_id", other.client_id.as_str())], "another client"),
        (vec![("client_id", "nobody")], "client_id names no client"),
        (vec![hint, ("post_logout_redirect_uri", "https://evil.example")], "post_logout_redirect_uri is not"),
        (vec![hint, ("post_logout_redirect_uri", near.as_str())], "post_logout_redirect_uri is not"),
        (vec![hint, ("post_logout_redirect_uri", with_query.as_str())], "post_logout_redirect_uri is not"),
        (vec![hint, ("state", long.as_str())], "state is too long"),
        (vec![hint, ("state", "a"), ("state", "b")], "the parameter state is repeated"),
    ] {
        let page = arrive(&ada, &web, &parameters).await;
        assert_eq!((page.status, page.left_to.as_ref()), (400, None), "{parameters:?} {page}");
        assert!(page.says(words), "{words}: {page}");
        let page = ada.browser.submit_from_elsewhere("/oauth/end_session", &parameters).await;
        assert_eq!((page.status, page.left_to.as_ref()), (400, None), "{parameters:?} {page}");
        assert!(is_signed_in(&ada).await, "{parameters:?}");
    }
}

#[tokio::test]
async fn a_waiting_sign_out_is_of_one_browser_and_no_other_kind_of_flow() {
    let world = World::start().await;
    let web = world.rp("web").await;
    let (ada, _) = at_client(&world, ADA, &web).await;
    let (bob, _) = at_client(&world, "bob@example.test", &web).await;
    let asked = arrive(&ada, &web, &[]).await;
    let form = asked.press("Sign out");
    let bobs = arrive(&bob, &web, &[]).await.press("Sign out");
    let stolen = form.clone().tamper("form_token", bobs.value("form_token").unwrap());
    assert_eq!(bob.browser.submit(stolen).await.status, 410);
    let flow = form.value("flow").unwrap();
    for path in ["/oauth/authorize/continue", "/consent", "/select-account"] {
        assert_eq!(ada.browser.open(&format!("{path}?flow={flow}")).await.status, 410, "{path}");
    }
    let authorizing = web.authorize_with(&ada.browser, &[("prompt", "select_account")]).await.0;
    let other_kind = authorizing.url.query_pairs().next().unwrap().1.into_owned();
    assert_eq!(ada.browser.submit(form.tamper("flow", &other_kind)).await.status, 410);
    assert!(is_signed_in(&ada).await && is_signed_in(&bob).await);
}

#[tokio::test]
async fn a_hint_counts_by_its_signature_and_not_by_its_age() {
    World::each(async |world| {
        let web = world.rp("web").await;
        let (ada, token) = at_client(world, ADA, &web).await;
        let (said, kid) = (claims(&token), header(&token)["kid"].as_str().unwrap().to_owned());
        let stranger = Signer::es256(&kid);
        let with_secret = Signer::hs256(web.client_secret.as_deref().unwrap());
        for forged in [
            stranger.sign(&json!({ "alg": "ES256", "kid": kid, "typ": "JWT" }), &said),
            stranger.sign(&json!({ "alg": "RS256", "kid": kid, "typ": "JWT" }), &said),
            stranger.sign(&json!({ "alg": "ES256", "kid": kid, "jwk": stranger.jwk() }), &said),
            with_secret.sign(&json!({ "alg": "HS256", "typ": "JWT" }), &said),
            stranger.sign(&json!({ "alg": "none" }), &said),
        ] {
            let page = arrive(&ada, &web, &[("id_token_hint", &forged)]).await;
            assert!(page.status == 400 && page.says("id_token_hint is not"), "{page}");
            assert!(is_signed_in(&ada).await);
        }
        // RP-Initiated Logout section 2: long expired, in any language, whoever else may be meant; another client isn't.
        world.clock.advance(Duration::from_hours(24));
        let mut parameters = vec![
            ("id_token_hint", token.as_str()),
            ("client_id", "somebody-else"),
            ("logout_hint", "bob@example.test"),
            ("ui_locales", "pl en"),
        ];
        let page = arrive(&ada, &web, &parameters).await;
        assert_eq!((page.status, is_signed_in(&ada).await), (400, true), "{page}");
        parameters[1].1 = &web.client_id;
        let page = arrive(&ada, &web, &parameters).await;
        assert!(page.status == 200 && page.body.contains("lang=\"pl\""), "{page}");
        assert!(!is_signed_in(&ada).await);
    })
    .await;
}
