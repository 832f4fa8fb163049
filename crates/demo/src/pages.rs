use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Map, Value};

use crate::provider::{SignedIn, Trouble};

pub(crate) const STYLE: &str = include_str!("../templates/style.css");
pub(crate) const ICON: &str = include_str!("../templates/icon.svg");

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome<'a> {
    issuer: &'a str,
    signed_out: bool,
}

#[derive(Template)]
#[template(path = "person.html")]
struct Person<'a> {
    issuer: &'a str,
    name: &'a str,
    id_token: Vec<Row>,
    userinfo: Vec<Row>,
    compact: String,
    scope: &'a str,
    refreshed: u32,
    can_refresh: bool,
}

#[derive(Template)]
#[template(path = "trouble.html")]
struct TroublePage<'a> {
    heading: &'a str,
    text: &'a str,
    code: Option<&'a str>,
}

/// One claim as a person reads it.
struct Row {
    /// The claim's name, in pieces between which a narrow screen may break it.
    pieces: Vec<String>,
    value: String,
    /// What an instant given in seconds means.
    instant: Option<String>,
}

pub(crate) fn welcome(issuer: &str, signed_out: bool) -> Response {
    show(StatusCode::OK, &Welcome { issuer, signed_out })
}

pub(crate) fn person(issuer: &str, signed_in: &SignedIn) -> Response {
    let said = |claim: &str| {
        [&signed_in.userinfo, &signed_in.claims].iter().find_map(|claims| claims.get(claim)?.as_str())
    };
    let name = said("name").or_else(|| said("email")).or_else(|| said("sub")).unwrap_or("someone");
    let page = Person {
        issuer,
        name,
        id_token: rows(&signed_in.claims),
        userinfo: rows(&signed_in.userinfo),
        compact: signed_in.id_token.to_string(),
        scope: &signed_in.scope,
        refreshed: signed_in.refreshed,
        can_refresh: signed_in.can_refresh(),
    };
    show(StatusCode::OK, &page)
}

pub(crate) fn trouble(trouble: &Trouble) -> Response {
    let (status, heading, text, code) = match trouble {
        Trouble::Refused { error, description } => (
            StatusCode::FORBIDDEN,
            "The provider said no",
            if description.is_empty() { "It gave no reason." } else { description },
            Some(error.as_str()),
        ),
        Trouble::NotTrusted(why) => {
            (StatusCode::BAD_REQUEST, "This answer can't be trusted", why.as_str(), None)
        }
        Trouble::Failed(why) => {
            (StatusCode::BAD_GATEWAY, "The provider could not be used", why.as_str(), None)
        }
        Trouble::UnknownKey => (
            StatusCode::BAD_REQUEST,
            "This answer can't be trusted",
            "The ID token is signed with a key that the provider doesn't publish.",
            None,
        ),
    };
    show(status, &TroublePage { heading, text, code })
}

pub(crate) fn problem(status: StatusCode, heading: &str, text: &str) -> Response {
    show(status, &TroublePage { heading, text, code: None })
}

fn show(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, [(header::CACHE_CONTROL, "no-store")], Html(html)).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be shown.").into_response(),
    }
}

fn rows(claims: &Map<String, Value>) -> Vec<Row> {
    claims
        .iter()
        .map(|(name, value)| Row {
            pieces: name.split_inclusive('_').map(str::to_owned).collect(),
            value: match value {
                Value::String(text) => text.clone(),
                Value::Array(list) if list.iter().all(Value::is_string) => {
                    list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
                }
                other => other.to_string(),
            },
            instant: instant(name, value),
        })
        .collect()
}

fn instant(name: &str, value: &Value) -> Option<String> {
    let is_instant = matches!(name, "iat" | "exp" | "nbf" | "auth_time" | "updated_at");
    let seconds = value.as_i64().filter(|_| is_instant)?;
    jiff::Timestamp::from_second(seconds).ok().map(|instant| instant.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_shown_as_a_person_reads_it() {
        let Value::Object(claims) =
            json!({"aud": ["web"], "auth_time": 1_700_000_000, "email_verified": true, "name": "Ada"})
        else {
            panic!("an object")
        };
        let shown: Vec<_> =
            rows(&claims).into_iter().map(|row| (row.pieces.concat(), row.value, row.instant)).collect();
        let row = |name: &str, value: &str, instant: Option<&str>| {
            (name.to_owned(), value.to_owned(), instant.map(str::to_owned))
        };
        let expected = [
            row("aud", "web", None),
            row("auth_time", "1700000000", Some("2023-11-14T22:13:20Z")),
            row("email_verified", "true", None),
            row("name", "Ada", None),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_the_provider_says_is_not_markup() {
        let page = TroublePage { heading: "No", text: "<script>alert(1)</script>", code: Some("<b>") };
        let html = page.render().expect("a page");
        assert!(!html.contains("<script>") && !html.contains("<b>"), "{html}");
    }
}
