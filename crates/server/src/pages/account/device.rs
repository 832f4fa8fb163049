//! What a browser is called in words, by what it says of itself.
//!
//! A table of our own: whoever looks through their sessions tells "Firefox, Linux" from "Safari, iPhone", and needs no
//! version numbers. The crates that know thousands of devices bring a database of patterns that must be kept up.

use identity::UserAgent;

use crate::locale::Texts;

/// What a product calls itself in a `User-Agent`, and what people call it. The first that is there counts, since most
/// browsers also claim to be those that came before them.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("FreeBSD", "FreeBSD"),
    ("Linux", "Linux"),
];

/// A browser and what it runs on, as far as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub browser: Option<&'static str>,
    pub system: Option<&'static str>,
}

/// What a browser is called on pages and in mails.
pub fn in_words(texts: &Texts, agent: Option<&UserAgent>) -> String {
    let named = name(agent);
    match (named.browser, named.system) {
        (Some(browser), Some(system)) => {
            texts.with("account-device", &[("browser", &browser), ("system", &system)])
        }
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => texts.get("account-device-unknown"),
    }
}

/// Names them. Nothing is decided by it: a browser may say what it likes.
pub fn name(agent: Option<&UserAgent>) -> Named {
    let text = agent.map_or("", UserAgent::as_str);
    let first = |table: &[(&str, &'static str)]| {
        table.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name)
    };
    Named { browser: first(&BROWSERS), system: first(&SYSTEMS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_have_their_names() {
        const WEBKIT: &str = "AppleWebKit/537.36 (KHTML, like Gecko)";
        let cases = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(), "Firefox", "Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0.0.0 Safari/537.36"), "Chrome", "Windows"),
            (format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/140.0 Safari/537.36 Edg/140.0"), "Edge", "Windows"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15".to_owned(), "Safari", "Mac"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1".to_owned(), "Chrome", "iPhone"),
            (format!("Mozilla/5.0 (Linux; Android 15; SM-S931B) {WEBKIT} SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36"), "Samsung Internet", "Android"),
            (format!("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/140.0 Safari/537.36"), "Chrome", "ChromeOS"),
        ];
        for (text, browser, system) in cases {
            let named = name(UserAgent::parse(&text).as_ref());
            assert_eq!(named, Named { browser: Some(browser), system: Some(system) }, "{text}");
        }
        assert_eq!(name(None), Named { browser: None, system: None });
        assert_eq!(name(UserAgent::parse("some-client").as_ref()), Named { browser: None, system: None });
    }
}
