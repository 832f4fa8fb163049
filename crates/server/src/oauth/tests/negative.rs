//! What each endpoint refuses, in the form that its RFC gives.

use std::collections::BTreeMap;

use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use oidc::client::ClientSettings;
use oidc::jose::Algorithm;
use serde_json::{Map, Value, json};
use terms::{BrowserHandle, FlowId};

use super::scene::{Answer, GOOD, ISSUER, OPAQUE_API, Party, REDIRECT_URI, Scene, VERIFIER, Wanted, basic};

const FORM: &str = "application/x-www-form-urlencoded";

/// One request: what spoils it, its headers, its body, and what it gets.
struct Case {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
    status: u16,
    error: &'static str,
}

fn case(
    name: &'static str,
    headers: &[(&'static str, &str)],
    body: &str,
    status: u16,
    error: &'static str,
) -> Case {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Case { name, headers, body: body.to_owned(), status, error }
}

async fn post_raw(scene: &Scene, path: &str, headers: &[(&str, String)], body: String) -> Answer {
    let mut request = Request::post(path).header(HOST, "localhost:8080");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    scene.send(request.body(Body::from(body)).unwrap()).await
}

async fn check(scene: &Scene, path: &str, cases: Vec<Case>) {
    for case in cases {
        let answer = post_raw(scene, path, &case.headers, case.body).await;
        let got = (answer.status.as_u16(), answer.error());
        assert_eq!(got, (case.status, case.error), "{path}: {} {}", case.name, answer.body);
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}: {}", case.name);
        if case.status == 401 {
            let challenge = answer.headers[WWW_AUTHENTICATE].to_str().unwrap();
            assert!(challenge.starts_with("Basic realm="), "{path}: {}", case.name);
        }
        if path != "/oauth/introspect" {
            assert_eq!(answer.headers["access-control-allow-origin"], "*", "{path}: {}", case.name);
        }
    }
}

/// What the three endpoints that clients authenticate at refuse alike. `rest` is a good request without its client.
fn common_cases(backend: &Party, rest: &str) -> Vec<Case> {
    let secret = backend.secret.clone().unwrap();
    let form = [("content-type", FORM)];
    let authorized = |value: &'static str| [("content-type", FORM), ("authorization", value)];
    let large = format!("{rest}&filler={}", "x".repeat(9000));
    let many = (0..70).fold(rest.to_owned(), |body, n| format!("{body}&p{n}=1"));
    let both = format!("{rest}&client_id={}&client_secret={secret}", backend.id);
    let mut cases = vec![
        case("no content type", &[], rest, 400, "invalid_request"),
        case("JSON", &[("content-type", "application/json")], "{}", 400, "invalid_request"),
        case(
            "multipart",
            &[("content-type", "multipart/form-data; boundary=x")],
            rest,
            400,
            "invalid_request",
        ),
        case(
            "almost a form",
            &[("content-type", "application/x-www-form-urlencoded2")],
            rest,
            400,
            "invalid_request",
        ),
        case("two types", &[("content-type", FORM), ("content-type", FORM)], rest, 400, "invalid_request"),
        case("no client", &form, rest, 401, "invalid_client"),
        case("unknown client", &form, &format!("{rest}&client_id=cli_nobody"), 401, "invalid_client"),
        case("no such client id", &form, &format!("{rest}&client_id=a%00b"), 401, "invalid_client"),
        case("no secret", &form, &format!("{rest}&client_id={}", backend.id), 401, "invalid_client"),
        case("by post, not basic", &form, &both, 401, "invalid_client"),
        case("bearer", &authorized("Bearer x"), rest, 401, "invalid_client"),
        case("half a header", &authorized("Basic"), rest, 401, "invalid_client"),
        case("no base64", &authorized("Basic !!"), rest, 401, "invalid_client"),
        case("repeated", &form, &format!("{rest}&client_id=a&client_id=b"), 400, "invalid_request"),
        case(
            "repeated beside an empty one",
            &form,
            &format!("{rest}&client_id=&client_id=b"),
            400,
            "invalid_request",
        ),
        case("bad percent", &form, &format!("{rest}&x=%zz"), 400, "invalid_request"),
        case("no UTF-8", &form, &format!("{rest}&x=%ff"), 400, "invalid_request"),
        case("an oversized value", &form, &large, 400, "invalid_request"),
        case("too many parameters", &form, &many, 400, "invalid_request"),
        case(
            "an assertion without its type",
            &form,
            &format!("{rest}&client_id={}&client_assertion=x", backend.id),
            400,
            "invalid_request",
        ),
        case(
            "an assertion that is no JWT",
            &form,
            &format!("{rest}&client_assertion_type={}&client_assertion=x", oidc::client_assertion::TYPE),
            401,
            "invalid_client",
        ),
    ];
    cases.extend(header_cases(backend, rest, &both));
    cases
}

/// What they refuse of an `Authorization` header. `both` has the credentials in the form too.
fn header_cases(backend: &Party, rest: &str, both: &str) -> Vec<Case> {
    let good = basic(backend.id.as_str(), &backend.secret.clone().unwrap());
    let mut cases = Vec::new();
    let mut with_header = |name, header: &str, body: &str, status, error| {
        cases.push(case(name, &[("content-type", FORM), ("authorization", header)], body, status, error));
    };
    let wrong = basic(backend.id.as_str(), "ptc_cs_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    with_header("wrong secret", &wrong, rest, 401, "invalid_client");
    with_header("no secret in the header", &basic(backend.id.as_str(), ""), rest, 401, "invalid_client");
    with_header("both ways", &good, both, 400, "invalid_request");
    with_header("two clients", &good, &format!("{rest}&client_id=cli_web"), 400, "invalid_request");
    with_header("an assertion too", &good, &format!("{rest}&client_assertion=x"), 400, "invalid_request");
    cases.push(Case {
        name: "two headers",
        headers: vec![
            ("content-type", FORM.to_owned()),
            ("authorization", good.clone()),
            ("authorization", good),
        ],
        body: rest.to_owned(),
        status: 400,
        error: "invalid_request",
    });
    cases
}

#[tokio::test]
async fn the_token_endpoint_refuses() {
    Scene::each(async |scene| {
        let (web, backend) = (scene.web().await, scene.backend().await);
        check(scene, "/oauth/token", common_cases(&backend, "grant_type=client_credentials")).await;
        check(scene, "/oauth/device_authorization", common_cases(&backend, "scope=openid")).await;
        let alice = scene.person("alice").await;
        let code = scene.code(&alice, &web, GOOD).await;
        let good = format!(
            "client_id={}&grant_type=authorization_code&code={code}&redirect_uri={REDIRECT_URI}&code_verifier={VERIFIER}",
            web.id
        );
        let form = [("content-type", FORM)];
        let spoilt = |name, from: &str, to: &str, error| {
            assert!(good.contains(from), "{from}");
            case(name, &form, &good.replace(from, to), 400, error)
        };
        let more = |name, more: &str, error| case(name, &form, &format!("{good}&{more}"), 400, error);
        check(
            scene,
            "/oauth/token",
            vec![
                spoilt("no grant type", "grant_type=authorization_code", "", "invalid_request"),
                spoilt("empty grant type", "grant_type=authorization_code", "grant_type=", "invalid_request"),
                spoilt("password", "=authorization_code", "=password", "unsupported_grant_type"),
                spoilt("implicit", "=authorization_code", "=implicit", "unsupported_grant_type"),
                spoilt("upper case", "=authorization_code", "=AUTHORIZATION_CODE", "unsupported_grant_type"),
                spoilt("not registered", "=authorization_code", "=client_credentials", "unauthorized_client"),
                spoilt("no code", "&code=", "&kode=", "invalid_request"),
                spoilt("another code", "code=ptc_ac_", "code=ptc_ac_A", "invalid_grant"),
                spoilt("no prefix", "code=ptc_ac_", "code=", "invalid_grant"),
                spoilt("no redirect URI", "redirect_uri=", "redirect=", "invalid_grant"),
                spoilt("a longer redirect URI", "/cb&", "/cb/&", "invalid_grant"),
                spoilt("another host", "app.example", "APP.example", "invalid_grant"),
                spoilt("no verifier", "code_verifier=", "verifier=", "invalid_grant"),
                spoilt("a short verifier", VERIFIER, "short", "invalid_grant"),
                spoilt("another verifier", "dBjf", "eBjf", "invalid_grant"),
                more("code twice", "code=x", "invalid_request"),
                more("grant type twice", "grant_type=refresh_token", "invalid_request"),
                more("verifier twice", "code_verifier=x", "invalid_request"),
                more("a relative resource", "resource=/api", "invalid_target"),
                more("a resource with fragment", "resource=https://a.test/%23x", "invalid_target"),
                more("an unknown resource", "resource=https://a.test", "invalid_target"),
                more("a resource not granted", &format!("resource={OPAQUE_API}"), "invalid_target"),
                more("two resources", &format!("resource={OPAQUE_API}&resource={ISSUER}"), "invalid_target"),
            ],
        )
        .await;
        // None of it spent the code, and parameters that nobody knows are ignored (RFC 6749 section 3.2).
        let headers = [("content-type", format!("{FORM}; charset=UTF-8"))];
        let answer = post_raw(scene, "/oauth/token", &headers, format!("{good}&future=1")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let token = answer.text("refresh_token");
        let refresh = format!("client_id={}&grant_type=refresh_token&refresh_token={token}", web.id);
        let more = |name, more: &str, error| case(name, &form, &format!("{refresh}&{more}"), 400, error);
        check(
            scene,
            "/oauth/token",
            vec![
                case("no token", &form, &refresh.replace(&token, ""), 400, "invalid_request"),
                case("cut", &form, &refresh[..refresh.len() - 1], 400, "invalid_grant"),
                more("token twice", "refresh_token=x", "invalid_request"),
                more("more scope", "scope=openid%20email", "invalid_scope"),
                more("malformed scope", "scope=a%20%20b", "invalid_scope"),
                more("a quote in scope", "scope=a%22b", "invalid_scope"),
            ],
        )
        .await;
        assert_eq!(scene.refresh(&web, &token).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn client_credentials_are_for_what_the_client_registered() {
    Scene::each(async |scene| {
        let backend = scene.backend().await;
        let ask = async |more: &[(&str, &str)]| {
            let mut form = vec![("grant_type", "client_credentials")];
            form.extend_from_slice(more);
            scene.post("/oauth/token", &backend, &form).await
        };
        let answer = ask(&[]).await;
        assert_eq!(answer.text("scope"), "api:read api:write");
        assert!(answer.body.get("refresh_token").is_none() && answer.body.get("id_token").is_none());
        assert_eq!(ask(&[("scope", "api:read")]).await.text("scope"), "api:read");
        for scope in ["openid", "api:read offline_access", "profile", "api:delete"] {
            assert_eq!(ask(&[("scope", scope)]).await.error(), "invalid_scope", "{scope}");
        }
        // It has no person, so it opens no userinfo.
        let own = scene.userinfo(&answer.text("access_token")).await;
        assert_eq!((own.status, own.error()), (StatusCode::FORBIDDEN, "insufficient_scope"));
        let challenge = own.headers[WWW_AUTHENTICATE].to_str().unwrap();
        assert!(challenge.contains("error=\"insufficient_scope\"") && challenge.contains("scope=\"openid\""));
    })
    .await;
}

#[tokio::test]
async fn introspection_and_revocation_refuse() {
    Scene::each(async |scene| {
        let (web, backend) = (scene.web().await, scene.backend().await);
        for path in ["/oauth/introspect", "/oauth/revoke"] {
            check(scene, path, common_cases(&backend, "token=x")).await;
            let header = basic(backend.id.as_str(), &backend.secret.clone().unwrap());
            let headers = [("content-type", FORM), ("authorization", header.as_str())];
            let cases = vec![
                case("no token", &headers, "", 400, "invalid_request"),
                case("empty token", &headers, "token=", 400, "invalid_request"),
                case("token twice", &headers, "token=a&token=b", 400, "invalid_request"),
            ];
            check(scene, path, cases).await;
        }
        // A public client may take tokens back, and may not go fishing for them.
        assert_eq!(scene.post("/oauth/revoke", &web, &[("token", "x")]).await.status, StatusCode::OK);
        let answer = scene.post("/oauth/introspect", &web, &[("token", "x")]).await;
        assert_eq!((answer.status, answer.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    })
    .await;
}

#[tokio::test]
async fn other_methods_are_refused_and_preflights_answered() {
    Scene::each(async |scene| {
        for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/device_authorization"] {
            for method in ["GET", "PUT", "DELETE", "PATCH"] {
                let request = Request::builder().method(method).uri(path).header(HOST, "localhost:8080");
                let answer = scene.send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            }
        }
        for (path, answered) in [
            ("/oauth/token", true),
            ("/oauth/userinfo", true),
            ("/oauth/revoke", true),
            ("/oauth/device_authorization", true),
            ("/oauth/introspect", false),
        ] {
            let request = Request::builder().method("OPTIONS").uri(path).header(HOST, "localhost:8080");
            let request = request
                .header("origin", "https://app.example.test")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization");
            let answer = scene.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.headers.get("access-control-allow-origin").is_some(), answered, "{path}");
            if answered {
                assert_eq!(answer.status, StatusCode::NO_CONTENT);
                assert_eq!(answer.headers["access-control-allow-headers"], "Authorization, Content-Type");
                assert!(answer.headers.get("access-control-allow-credentials").is_none());
            }
        }
    })
    .await;
}

/// Method, query, header fields, body.
type Sent<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

#[tokio::test]
async fn userinfo_takes_a_token_in_exactly_one_way() {
    Scene::each(async |scene| {
        let (web, alice) = (scene.web().await, scene.person("alice").await);
        let tokens = scene.exchange(&web, &scene.code(&alice, &web, GOOD).await).await;
        let access = tokens.text("access_token");
        let bearer = format!("Bearer {access}");
        let send = async |method: &str, query: &str, headers: &[(&str, &str)], body: &str| {
            let request = Request::builder().method(method).uri(format!("/oauth/userinfo{query}"));
            let mut request = request.header(HOST, "localhost:8080");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            scene.send(request.body(Body::from(body.to_owned())).unwrap()).await
        };
        let in_form = format!("access_token={access}");
        let query = format!("?{in_form}");
        let form = ("content-type", FORM);
        let header = ("authorization", bearer.as_str());
        let good: [Sent<'_>; 6] = [
            ("GET", "", &[header], ""),
            ("POST", "", &[header], ""),
            ("POST", "", &[form], &in_form),
            ("POST", "", &[header, form], ""),
            ("POST", "", &[header, ("content-type", "application/json")], "{}"),
            ("GET", "?x=1", &[header], ""),
        ];
        for (method, query, headers, body) in good {
            let answer = send(method, query, headers, body).await;
            assert_eq!((answer.status, answer.text("sub").as_str()), (StatusCode::OK, "alice"));
            assert_eq!(answer.headers["access-control-allow-origin"], "*");
            assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        }
        let twice = format!("{in_form}&{in_form}");
        let bad: [(Sent<'_>, u16, &str); 13] = [
            (("GET", "", &[], ""), 401, ""),
            (("POST", "", &[form], ""), 401, ""),
            (("GET", &query, &[], ""), 401, ""),
            (("GET", "", &[form], &in_form), 401, ""),
            (("POST", "", &[("content-type", "text/plain")], &in_form), 401, ""),
            (("GET", "", &[("authorization", "Basic YTpi")], ""), 401, ""),
            (("POST", "", &[header, form], &in_form), 400, "invalid_request"),
            (("GET", "", &[header, header], ""), 400, "invalid_request"),
            (("POST", "", &[form], &twice), 400, "invalid_request"),
            (("POST", "", &[form], "access_token=%zz"), 400, "invalid_request"),
            (("GET", "", &[("authorization", "Bearer")], ""), 400, "invalid_request"),
            (("GET", "", &[("authorization", "Bearer a b")], ""), 400, "invalid_request"),
            (("GET", "", &[("authorization", "Bearer a.b.c")], ""), 401, "invalid_token"),
        ];
        for ((method, query, headers, body), status, error) in bad {
            let answer = send(method, query, headers, body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.error()),
                (status, error),
                "{method} {query} {headers:?} {body}"
            );
            let challenge = answer.headers[WWW_AUTHENTICATE].to_str().unwrap();
            assert!(challenge.starts_with("Bearer realm="), "{challenge}");
            assert_eq!(challenge.contains("error="), !error.is_empty(), "{challenge}");
        }
    })
    .await;
}

/// Everything that somebody may hold, by name.
async fn holdings(scene: &Scene, backend: &Party) -> BTreeMap<&'static str, String> {
    let alice = scene.person("alice").await;
    let tokens = scene.exchange(backend, &scene.code(&alice, backend, GOOD).await).await;
    let wanted = Wanted { resource: Some(OPAQUE_API), ..GOOD };
    let opaque = scene.exchange(backend, &scene.code(&alice, backend, wanted).await).await;
    let (code, grant) = scene.code_and_grant(&alice, backend, GOOD).await;
    let (device_code, _) = scene.device_code_and_grant(&alice, backend, GOOD).await;
    BTreeMap::from([
        ("code", code),
        ("device code", device_code),
        ("user code", "BCDF-GHJK".to_owned()),
        ("access token", tokens.text("access_token")),
        ("opaque token", opaque.text("access_token")),
        ("refresh token", tokens.text("refresh_token")),
        ("ID token", tokens.text("id_token")),
        ("client secret", backend.secret.clone().unwrap()),
        ("browser handle", scene.app.entropy.secret(BrowserHandle::new).reveal()),
        ("mailed code", "123456".to_owned()),
        ("flow id", scene.app.entropy.id(FlowId::new, scene.now()).to_string()),
        ("grant id", grant.to_string()),
        ("session id", alice.session.to_string()),
        ("user id", alice.user.to_string()),
        ("client id", backend.id.to_string()),
        ("nothing", String::new()),
    ])
}

#[tokio::test]
async fn no_kind_of_token_passes_for_another() {
    Scene::each(async |scene| {
        let backend = scene.backend().await;
        let held = holdings(scene, &backend).await;
        let takers: [(&str, &[&str]); 6] = [
            ("as a refresh token", &["refresh token"]),
            ("at userinfo", &["access token"]),
            ("at introspection", &["access token", "opaque token", "refresh token"]),
            ("as a client secret", &["client secret"]),
            ("as a code", &["code"]),
            ("as a device code", &["device code"]),
        ];
        let mut cells = 0;
        for (taker, own) in takers {
            for (kind, text) in &held {
                let taken = match taker {
                    "as a refresh token" => scene.refresh(&backend, text).await.status == StatusCode::OK,
                    "at userinfo" => scene.userinfo(text).await.status == StatusCode::OK,
                    "at introspection" => !text.is_empty() && scene.is_active(&backend, text).await,
                    "as a device code" => scene.poll(&backend, text).await.status == StatusCode::OK,
                    "as a code" => scene.exchange(&backend, text).await.status == StatusCode::OK,
                    _ => {
                        let party = Party { id: backend.id.clone(), secret: Some(text.clone()) };
                        let form = [("grant_type", "client_credentials")];
                        scene.post("/oauth/token", &party, &form).await.status == StatusCode::OK
                    }
                };
                assert_eq!(taken, own.contains(kind), "{kind} {taker}");
                cells += 1;
            }
        }
        // Revocation answers alike whatever it is given, so what it did shows afterwards: nothing to what it doesn't take.
        for (kind, text) in &held {
            if ["access token", "opaque token", "refresh token", "nothing"].contains(kind) {
                continue;
            }
            let answer = scene.post("/oauth/revoke", &backend, &[("token", text)]).await;
            assert_eq!(answer.status, StatusCode::OK, "{kind}");
            for kind in ["access token", "opaque token", "refresh token"] {
                assert!(scene.is_active(&backend, &held[kind]).await, "{kind}");
            }
            cells += 1;
        }
        println!("{cells} cells of the matrix of tokens");
        assert_eq!(cells, 6 * 16 + 12);
    })
    .await;
}

#[tokio::test]
async fn every_bit_and_every_length_of_a_token_counts() {
    Scene::each(async |scene| {
        let backend = scene.backend().await;
        let held = holdings(scene, &backend).await;
        let mut tried = 0;
        for kind in ["access token", "opaque token", "refresh token"] {
            let text = &held[kind];
            let cuts = (0..text.len()).step_by(7).map(|end| text[..end].to_owned());
            let bends = (0..text.len()).map(|place| {
                let mut octets = text.clone().into_bytes();
                octets[place] ^= 1 << (place % 6);
                String::from_utf8(octets).unwrap()
            });
            for spoilt in cuts.chain(bends).chain([format!("{text}A"), format!("{text}=")]) {
                if !spoilt.is_empty() {
                    assert!(!scene.is_active(&backend, &spoilt).await, "{kind} {spoilt}");
                }
                // A header holds no control characters at all.
                if kind == "access token" && spoilt.bytes().all(|octet| octet.is_ascii_graphic()) {
                    assert_ne!(scene.userinfo(&spoilt).await.status, StatusCode::OK, "{spoilt}");
                }
                tried += 1;
            }
            assert!(scene.is_active(&backend, text).await, "{kind}");
        }
        println!("{tried} spoilt tokens");
    })
    .await;
}

#[tokio::test]
async fn an_access_token_without_any_one_of_its_claims_is_none() {
    Scene::each(async |scene| {
        let (backend, alice) = (scene.backend().await, scene.person("alice").await);
        let answer = scene.exchange(&backend, &scene.code(&alice, &backend, GOOD).await).await;
        let good = claims(&answer.text("access_token"));
        let sign = async |typ: &str, claims: &Map<String, Value>| {
            let tenant = scene.app.tenant(scene.tenant).await.unwrap().unwrap();
            let keys = scene.app.keys(&tenant).await.unwrap();
            keys.set.signer(Algorithm::Es256).unwrap().sign_token(typ, claims).unwrap()
        };
        let stands = async |token: &str| {
            (scene.userinfo(token).await.status == StatusCode::OK, scene.is_active(&backend, token).await)
        };
        assert_eq!(stands(&sign("at+jwt", &good).await).await, (true, true));
        for typ in ["JWT", "jwt", "logout+jwt", ""] {
            assert_eq!(stands(&sign(typ, &good).await).await, (false, false), "{typ}");
        }
        for name in good.keys() {
            let mut less = good.clone();
            less.remove(name);
            let expected = (false, name == "scope");
            assert_eq!(stands(&sign("at+jwt", &less).await).await, expected, "without {name}");
        }
        let changes: [(&str, Value); 14] = [
            ("iss", json!("https://other.example.test")),
            ("iss", json!([ISSUER])),
            ("sub", json!("bob")),
            ("sub", json!("")),
            ("aud", json!([ISSUER])),
            ("exp", json!(1_800_000_000)),
            ("exp", json!("1900000000")),
            ("exp", json!(-1)),
            ("client_id", json!("cli_web")),
            ("client_id", json!("")),
            ("gid", json!("gra_00000000000000000000000000000000")),
            ("gid", json!(null)),
            ("jti", json!("")),
            ("amr", json!("pwd")),
        ];
        for (name, value) in changes {
            let mut other = good.clone();
            other.insert(name.to_owned(), value.clone());
            assert_eq!(stands(&sign("at+jwt", &other).await).await, (false, false), "{name}={value}");
        }
    })
    .await;
}

fn claims(jwt: &str) -> Map<String, Value> {
    use base64::Engine as _;
    let part = jwt.split('.').nth(1).unwrap();
    let octets = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice(&octets).unwrap()
}

#[tokio::test]
async fn a_client_gets_nothing_with_another_ones_secret_or_tokens() {
    Scene::each(async |scene| {
        let (backend, alice) = (scene.backend().await, scene.person("alice").await);
        let other = scene.party("cli_other", "client_secret_basic", ClientSettings::default()).await;
        let mixed = Party { id: other.id.clone(), secret: backend.secret.clone() };
        let code = scene.code(&alice, &backend, GOOD).await;
        assert_eq!(scene.exchange(&mixed, &code).await.error(), "invalid_client");
        assert_eq!(scene.exchange(&other, &code).await.error(), "invalid_grant");
        let tokens = scene.exchange(&backend, &code).await;
        let refresh = tokens.text("refresh_token");
        assert_eq!(scene.refresh(&other, &refresh).await.error(), "invalid_grant");
        assert_eq!(scene.refresh(&backend, &refresh).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn an_oversized_body_is_refused_in_the_endpoints_own_form() {
    Scene::each(async |scene| {
        let body = format!("grant_type=client_credentials&x={}", "y".repeat(70 * 1024));
        let request = |chunked: bool| {
            let request =
                Request::post("/oauth/token").header(HOST, "localhost:8080").header(CONTENT_TYPE, FORM);
            let request = request.header(AUTHORIZATION, "Basic eDp5");
            if chunked {
                return request.body(Body::from(body.clone())).unwrap();
            }
            request.header("content-length", body.len()).body(Body::from(body.clone())).unwrap()
        };
        for chunked in [true, false] {
            let answer = scene.send(request(chunked)).await;
            assert!([400, 413].contains(&answer.status.as_u16()), "{}", answer.status);
            assert_eq!(answer.error(), "invalid_request", "{chunked} {}", answer.body);
        }
    })
    .await;
}
