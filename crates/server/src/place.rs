//! Where in a tenant's pages a person is, so that they can be led back there.

use http::Uri;
use terms::limits;
use url::{Position, Url};

/// Where everything begins.
pub const START: &str = "/";

/// Whose paths these are doesn't matter: the name is of none that exists (RFC 6761 section 6.4).
const SOMEWHERE: &str = "http://place.invalid";

/// The path and query of a request, as a place.
pub fn of(uri: &Uri) -> String {
    canonical(uri.path_and_query().map_or(START, |it| it.as_str())).unwrap_or_else(|| START.to_owned())
}

/// A place that somebody says: a path of this origin in the spelling that [`of`] gives, and nothing that a browser would
/// take for another origin's address, such as `//host` or `/\host`.
pub fn parse(text: &str) -> Option<String> {
    canonical(text).filter(|place| place == text)
}

fn canonical(text: &str) -> Option<String> {
    if !text.starts_with('/') || text.len() > limits::PARAMETER_BYTES {
        return None;
    }
    let somewhere = Url::parse(SOMEWHERE).ok()?;
    let url = somewhere.join(text).ok()?;
    let place = &url[Position::BeforePath..Position::AfterQuery];
    let is_here = url.origin() == somewhere.origin()
        && !place.starts_with("//")
        && place.len() <= limits::PARAMETER_BYTES;
    is_here.then(|| place.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_of_this_origin() {
        for place in
            ["/", "/sign-in", "/sign-in?flow=flo_1", "/a?b=%22%3E&c=/d//e", "/a//b", "/?x=http://b.example"]
        {
            assert_eq!(parse(place).as_deref(), Some(place));
            assert_eq!(of(&place.parse().unwrap()), place);
        }
    }

    #[test]
    fn what_leads_elsewhere_is_no_place() {
        for text in [
            "",
            "sign-in",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " /sign-in",
            "/..//evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e%2e//evil.example",
            "https://evil.example",
            "https:/evil.example",
            "javascript:alert(1)",
            "/sign-in#x",
            "/sign in",
            "/sign-in\r\nSet-Cookie: a=b",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
        assert_eq!(parse(&format!("/{}", "a".repeat(limits::PARAMETER_BYTES))), None);
    }

    #[test]
    fn an_address_that_could_be_taken_for_anothers_leads_to_the_start() {
        for text in ["//evil.example", "/.//evil.example"] {
            let uri = Uri::builder().path_and_query(text).build().unwrap();
            assert_eq!(of(&uri), START, "{text}");
        }
    }
}
