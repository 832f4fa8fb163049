use std::fmt;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response};
use scraper::{ElementRef, Html, Selector};
use url::Url;

use crate::browser::{hides_origin, redirect};

/// What a browser shows, or where it went instead.
pub struct Page {
    pub status: u16,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: String,
    /// Where the browser left the server to, a relying party's redirect URI for example.
    pub left_to: Option<Url>,
}

impl Page {
    pub(crate) async fn read(answer: Response, home: &Url) -> Self {
        let (status, url, headers) =
            (answer.status().as_u16(), answer.url().clone(), answer.headers().clone());
        assert_eq!(url.origin(), home.origin(), "a browser of this harness asks its own server only");
        let body = answer.text().await.expect("a body");
        Self { status, url, headers, body, left_to: None }
    }

    /// Where this answer sends a browser by itself: a redirect, or a page that moves on.
    pub fn leads_to(&self) -> Option<Url> {
        if (300..400).contains(&self.status) {
            return redirect(&self.headers, &self.url);
        }
        let refresh =
            self.first("meta[http-equiv=refresh]", |meta| meta.attr("content").map(str::to_owned))?;
        let (_, target) = refresh.split_once("url=").or_else(|| refresh.split_once("URL="))?;
        Some(self.url.join(target.trim().trim_matches(['\'', '"'])).expect("a refresh to a URL"))
    }

    /// The text of the page's `h1`.
    pub fn heading(&self) -> String {
        self.first("h1", |h1| Some(text_of(h1))).unwrap_or_default()
    }

    /// All that a person can read, blanks made one.
    pub fn text(&self) -> String {
        self.first("body", |body| Some(text_of(body))).unwrap_or_default()
    }

    pub fn says(&self, words: &str) -> bool {
        self.text().contains(words)
    }

    /// What the page says is wrong: the texts of its alerts.
    pub fn alerts(&self) -> Vec<String> {
        let selector = Selector::parse("[role=alert]").expect("a selector");
        Html::parse_document(&self.body).select(&selector).map(text_of).collect()
    }

    /// The address behind the link with this text.
    pub fn link(&self, text: &str) -> Url {
        let selector = Selector::parse("a[href]").expect("a selector");
        let document = Html::parse_document(&self.body);
        let found = document.select(&selector).find(|a| text_of(*a) == text).and_then(|a| a.attr("href"));
        let href = found.unwrap_or_else(|| panic!("no link {text:?} on {self}"));
        self.url.join(href).expect("a link to a URL")
    }

    /// The form that has a field of this name.
    pub fn form_with(&self, field: &str) -> Form {
        self.forms()
            .into_iter()
            .find(|form| form.has(field))
            .unwrap_or_else(|| panic!("no form with a field {field:?} on {self}"))
    }

    /// The form that has a button of this text, with that button pressed.
    pub fn press(&self, button: &str) -> Form {
        self.forms()
            .into_iter()
            .find_map(|form| form.pressed(button))
            .unwrap_or_else(|| panic!("no form with a button {button:?} on {self}"))
    }

    /// Every form as it stands, in the page's order.
    pub fn forms(&self) -> Vec<Form> {
        let selector = Selector::parse("form").expect("a selector");
        let document = Html::parse_document(&self.body);
        document.select(&selector).map(|form| Form::read(form, self)).collect()
    }

    /// The parameter that the browser took along when it left.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let url = self.left_to.as_ref()?;
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    fn first<T>(&self, selector: &str, take: impl Fn(ElementRef<'_>) -> Option<T>) -> Option<T> {
        let selector = Selector::parse(selector).expect("a selector");
        Html::parse_document(&self.body).select(&selector).find_map(take)
    }
}

/// For messages of failed tests.
impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.left_to {
            Some(url) => write!(f, "left to {url}"),
            None => write!(f, "{} {}\n{}", self.status, self.url, self.body),
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A form as a person sees it, to be filled in and sent by [`Browser::submit`](crate::Browser::submit).
#[derive(Clone, Debug)]
pub struct Form {
    pub method: Method,
    pub action: Url,
    pub fields: Vec<(String, String)>,
    pub(crate) page: Url,
    pub(crate) page_hides_origin: bool,
    empty: Vec<String>,
    buttons: Vec<Button>,
}

#[derive(Clone, Debug)]
struct Button {
    text: String,
    sends: Option<(String, String)>,
}

impl Form {
    fn read(form: ElementRef<'_>, page: &Page) -> Self {
        let action = form.attr("action").filter(|action| !action.is_empty());
        let mut read = Self {
            method: match form.attr("method").map(str::to_ascii_lowercase).as_deref() {
                Some("post") => Method::POST,
                _ => Method::GET,
            },
            action: action
                .map_or_else(|| page.url.clone(), |action| page.url.join(action).expect("an action")),
            fields: Vec::new(),
            page: page.url.clone(),
            page_hides_origin: hides_origin(&page.headers),
            empty: Vec::new(),
            buttons: Vec::new(),
        };
        let controls = Selector::parse("input, button, textarea, select").expect("a selector");
        for control in form.select(&controls) {
            read.add(control);
        }
        read
    }

    fn add(&mut self, control: ElementRef<'_>) {
        let name = control.attr("name").map(str::to_owned);
        let value = control.attr("value").unwrap_or_default().to_owned();
        let kind = control.attr("type").unwrap_or_default();
        match (control.value().name(), kind) {
            ("button", "button" | "reset") => {}
            ("button", _) => {
                self.buttons.push(Button { text: text_of(control), sends: name.map(|name| (name, value)) });
            }
            ("input", "submit") => {
                self.buttons.push(Button { text: value.clone(), sends: name.map(|name| (name, value)) });
            }
            ("input", "checkbox" | "radio") if control.attr("checked").is_none() => self.empty.extend(name),
            ("textarea", _) => self.fields.extend(name.map(|name| (name, control.text().collect()))),
            ("select", _) => {
                let options = Selector::parse("option").expect("a selector");
                let chosen = control.select(&options).find(|option| option.attr("selected").is_some());
                let chosen = chosen.or_else(|| control.select(&options).next());
                let value = chosen.and_then(|option| option.attr("value"));
                self.fields.extend(name.map(|name| (name, value.unwrap_or_default().to_owned())));
            }
            _ => self.fields.extend(name.map(|name| (name, value))),
        }
    }

    /// Types into a field that the form has; a form without it is a failed test.
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        assert!(self.has(name), "no field {name:?} in {self:?}");
        self.set(name, value);
        self
    }

    /// Changes what is sent in a way that the page doesn't offer.
    pub fn tamper(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sends it to another path of the server than the page says.
    pub fn at(mut self, path: &str) -> Self {
        self.action.set_path(path);
        self
    }

    /// Leaves a field out.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(field, _)| field == name) || self.empty.iter().any(|field| field == name)
    }

    /// What a field holds.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn pressed(mut self, text: &str) -> Option<Self> {
        let button = self.buttons.iter().find(|button| button.text == text)?.clone();
        self.fields.extend(button.sends);
        Some(self)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value.to_owned()));
    }
}

fn text_of(element: ElementRef<'_>) -> String {
    let unseen = ["style", "script", "template"];
    let mut text = String::new();
    for node in element.descendants() {
        let hidden = node
            .parent()
            .and_then(ElementRef::wrap)
            .is_some_and(|parent| unseen.contains(&parent.value().name()));
        if let Some(part) = node.value().as_text().filter(|_| !hidden) {
            text.push_str(part);
            text.push(' ');
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(body: &str) -> Page {
        Page {
            status: 200,
            url: Url::parse("http://localhost/sign-in?flow=f").expect("a URL"),
            headers: HeaderMap::new(),
            body: body.to_owned(),
            left_to: None,
        }
    }

    #[test]
    fn a_form_is_sent_as_it_stands() {
        let page = page(
            r#"<h1>Sign <b>in</b></h1><form method="post" action="/here"><input type="hidden" name="csrf" value="t">
            <input name="email"><input type="checkbox" name="remember" value="1"><button name="do" value="go">Go on</button>
            <button name="do" value="stop">Stop</button></form>"#,
        );
        assert_eq!(page.heading(), "Sign in");
        let form = page.press("Go on").fill("email", "a@example.test");
        assert_eq!(form.action.path(), "/here");
        let fields: Vec<_> = form.fields.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(fields, ["csrf=t", "do=go", "email=a@example.test"]);
        assert!(page.form_with("remember").value("remember").is_none());
    }

    #[test]
    fn a_page_that_moves_on_says_where_to() {
        let moving = page(r#"<meta http-equiv="refresh" content="0; url=/oauth/authorize/continue?flow=f">"#);
        assert_eq!(
            moving.leads_to().map(|url| url.path().to_owned()).as_deref(),
            Some("/oauth/authorize/continue")
        );
        assert!(page("<p>still").leads_to().is_none());
    }
}
