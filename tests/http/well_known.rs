//! `/.well-known/…`: what the server says about itself, and that it is true.

use harness::{TokenAnswer, World, client};

async fn get(url: &str, headers: &[(&str, &str)]) -> TokenAnswer {
    let http = client().build().unwrap();
    let request = headers.iter().fold(http.get(url), |request, (name, value)| request.header(*name, *value));
    TokenAnswer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn both_documents_say_the_same_and_can_be_kept() {
    World::each(async |world| {
        let issuer = world.issuer().to_owned();
        let openid = get(&format!("{issuer}/.well-known/openid-configuration"), &[]).await;
        let oauth = get(&format!("{issuer}/.well-known/oauth-authorization-server"), &[]).await;
        assert_eq!((openid.status, &openid.text), (200, &oauth.text));
        assert_eq!(openid.body["issuer"], issuer);
        assert_eq!(openid.header("content-type"), Some("application/json"));
        assert_eq!(openid.header("access-control-allow-origin"), Some("*"));
        assert!(openid.header("cache-control").unwrap().contains("max-age"));
        let tag = openid.header("etag").unwrap().to_owned();
        for held in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let again =
                get(&format!("{issuer}/.well-known/openid-configuration"), &[("if-none-match", &held)]).await;
            assert_eq!((again.status, again.text.as_str()), (304, ""), "{held}");
        }
        let other =
            get(&format!("{issuer}/.well-known/openid-configuration"), &[("if-none-match", "\"x\"")]).await;
        assert_eq!(other.status, 200);
    })
    .await;
}

#[tokio::test]
async fn every_endpoint_that_is_named_is_there() {
    let world = World::start().await;
    let document = get(&format!("{}/.well-known/openid-configuration", world.issuer()), &[]).await.body;
    let mut named = 0;
    for (member, url) in document.as_object().unwrap() {
        if member.ends_with("_endpoint") || member == "jwks_uri" {
            let url = url.as_str().unwrap();
            assert!(url.starts_with(world.issuer()), "{member} {url}");
            assert_ne!(get(url, &[]).await.status, 404, "{member}");
            named += 1;
        }
    }
    assert_eq!(named, 8);
}

#[tokio::test]
async fn what_a_request_says_about_its_host_changes_no_link() {
    let world = World::start().await;
    let url = format!("{}/.well-known/openid-configuration", world.issuer());
    let plain = get(&url, &[]).await.text;
    for name in [
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-prefix",
        "x-original-url",
        "x-host",
    ] {
        for value in ["evil.example", "host=evil.example;proto=https", "https"] {
            assert_eq!(get(&url, &[(name, value)]).await.text, plain, "{name}: {value}");
        }
    }
    assert_eq!(get(&url, &[("host", "evil.example")]).await.status, 404);
}
