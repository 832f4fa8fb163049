//! Clients' own pages are shown when a session ends in a browser (OpenID Connect Front-Channel Logout).

use harness::{Page, Person, RelyingParty, World, web_metadata};
use serde_json::json;
use url::Url;

const ADA: &str = "ada@example.test";
const BASE: &str = "frame-ancestors 'none'; base-uri 'none'";

/// A client with a page to show.
async fn client(world: &World, name: &str, session_required: bool) -> RelyingParty {
    let mut metadata = web_metadata(name, &format!("https://{name}.example.test/callback"), false);
    metadata["frontchannel_logout_uri"] = json!(format!("https://{name}.example.test/out?a=%26"));
    metadata["frontchannel_logout_session_required"] = json!(session_required);
    world.register(metadata, true).await
}

/// Signs the person in at the client; gives its ID token and what `sid` it says.
async fn use_client(rp: &RelyingParty, person: &Person) -> (String, String) {
    let tokens = rp.exchange(&rp.authorize(&person.browser).await.code()).await.tokens();
    let sid = tokens.id_claims()["sid"].as_str().unwrap().to_owned();
    (tokens.id.unwrap(), sid)
}

/// The addresses that the page shows in frames.
fn frames(page: &Page) -> Vec<Url> {
    let parts = page.body.split("<iframe ").skip(1);
    let source = |part: &str| part.split("src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let unescape = |text: String| text.replace("&#38;", "&").replace("&amp;", "&");
    parts.map(|part| Url::parse(&unescape(source(part))).unwrap()).collect()
}

fn policy(page: &Page) -> String {
    page.headers["content-security-policy"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_page_after_a_sign_out_shows_the_clients_pages_and_may_show_no_others() {
    World::each(async |world| {
        let (one, two) = (client(world, "one", true).await, client(world, "two", false).await);
        client(world, "unused", true).await;
        let web = world.rp("web").await;
        let ada = world.signed_in(ADA).await;
        let (_, sid) = use_client(&one, &ada).await;
        use_client(&two, &ada).await;
        use_client(&web, &ada).await;
        let asked = ada.browser.open("/sign-out").await;
        assert!(
            frames(&asked).is_empty() && policy(&asked).ends_with(BASE),
            "shown before the person agreed"
        );
        let done = ada.browser.submit(asked.press("Sign out")).await;
        assert_eq!(done.heading(), "You are signed out", "{done}");
        let mut shown = frames(&done);
        shown.sort();
        assert_eq!(shown.len(), 2, "{done}");
        let named: Vec<(String, String)> = shown[0].query_pairs().into_owned().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(named, [pair("a", "&"), pair("iss", world.issuer()), pair("sid", &sid)]);
        assert_eq!(shown[1].as_str(), "https://two.example.test/out?a=%26");
        let expected = format!("{BASE}; frame-src https://one.example.test https://two.example.test");
        assert!(policy(&done).ends_with(&expected), "{}", policy(&done));
        assert!(!done.body.contains("http-equiv=\"refresh\""), "there is nowhere to go");
        // Once.
        assert!(frames(&ada.browser.open("/sign-out").await).is_empty());
    })
    .await;
}

#[tokio::test]
async fn back_to_the_client_goes_by_way_of_that_page() {
    let world = World::start().await;
    let (one, two) = (client(&world, "one", true).await, client(&world, "two", true).await);
    for asks in [false, true] {
        let ada = world.signed_in(&format!("ada{asks}@example.test")).await;
        let (hint, sid) = use_client(&one, &ada).await;
        use_client(&two, &ada).await;
        let who = if asks { ("client_id", one.client_id.as_str()) } else { ("id_token_hint", hint.as_str()) };
        let back = [who, ("post_logout_redirect_uri", one.redirect_uri.as_str()), ("state", "a b")];
        let mut page = ada.browser.open(&one.end_session_url(&back)).await;
        if asks {
            page = ada.browser.submit(page.press("Sign out")).await;
        }
        assert_eq!((page.status, page.heading().as_str()), (200, "Signing you out"), "{page}");
        assert!(page.left_to.is_some(), "{page}");
        let shown = frames(&page);
        assert_eq!(shown.len(), 2, "{page}");
        assert!(shown.iter().all(|it| it.query().unwrap().ends_with(&format!("&sid={sid}"))), "{shown:?}");
        let to = format!("{}?state=a+b", one.redirect_uri);
        assert!(page.body.contains(&format!("http-equiv=\"refresh\" content=\"0;url={to}\"")), "{page}");
        assert!(page.body.contains(&format!("href=\"{to}\"")), "{page}");
        assert_eq!(ada.browser.open("/").await.heading(), "You are not signed in");
    }
}

#[tokio::test]
async fn only_what_was_used_in_this_browser_is_shown_in_it() {
    let world = World::start().await;
    let one = client(&world, "one", true).await;
    let ada = world.signed_in(ADA).await;
    let away = Person { email: ada.email.clone(), password: ada.password.clone(), browser: world.browser() };
    away.sign_in().await;
    use_client(&one, &away).await;
    let page = ada.browser.open("/account/sessions").await;
    let out = ada.browser.submit(page.press("Sign out everywhere")).await;
    assert_eq!(out.heading(), "You are signed out", "{out}");
    assert!(frames(&out).is_empty(), "{out}");
    // From the page of sessions, and from that of the account's end, just as from the sign-out.
    ada.sign_in().await;
    use_client(&one, &ada).await;
    let page = ada.browser.open("/account/sessions").await;
    let out = ada.browser.submit(page.press("Sign out everywhere")).await;
    assert_eq!(frames(&out).len(), 1, "{out}");
    ada.sign_in().await;
    use_client(&one, &ada).await;
    let page = ada.browser.open("/account/delete").await;
    let gone = ada.browser.submit(page.form_with("sure").fill("sure", "yes")).await;
    assert_eq!(frames(&gone).len(), 1, "{gone}");
}
