//! What a client says of itself to the people whom it sends here: its logo, and links to what they may want to read before
//! they sign in (OpenID Connect Registration section 2).

use http::HeaderValue;
use oidc::client::Client;
use url::Url;

use super::{POLICY, Stop, View};
use crate::error::Failure;

/// A client as it shows itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCard {
    pub name: String,
    /// The address of its logo, which is fetched from there by the browser that shows it.
    pub logo: Option<String>,
    pub site: Option<String>,
    pub policy: Option<String>,
    pub terms: Option<String>,
    /// Whether nobody here vouches for what it says: it registered itself.
    pub is_unvouched: bool,
}

impl ClientCard {
    pub fn of(client: &Client) -> Self {
        Self {
            name: client.display_name().to_owned(),
            logo: client.logo_uri.clone(),
            site: client.client_uri.clone(),
            policy: client.policy_uri.clone(),
            terms: client.tos_uri.clone(),
            is_unvouched: client.registered_itself() && !client.settings.first_party,
        }
    }

    pub fn has_links(&self) -> bool {
        self.site.is_some() || self.policy.is_some() || self.terms.is_some()
    }

    /// What people are told of a client for which nobody here vouches.
    pub fn caution(&self, view: &View<'_>) -> Option<String> {
        let told = || {
            let service = view.service().to_owned();
            view.texts.with("client-unvouched", &[("client", &self.name), ("service", &service)])
        };
        self.is_unvouched.then(told)
    }

    /// The origin that its logo comes from. Its form is a scheme, a host in ASCII and a port: nothing that could end a policy.
    fn logo_origin(&self) -> Option<String> {
        let origin = Url::parse(self.logo.as_deref()?).ok()?.origin();
        origin.is_tuple().then(|| origin.ascii_serialization())
    }
}

/// The policy of a page that shows this client: that of all pages, with pictures from the logo's origin too.
pub fn policy(card: Option<&ClientCard>) -> Result<HeaderValue, Stop> {
    let Some(origin) = card.and_then(ClientCard::logo_origin) else {
        return Ok(HeaderValue::from_static(POLICY));
    };
    let text = POLICY.replace("img-src 'self'", &format!("img-src 'self' {origin}"));
    Ok(HeaderValue::from_str(&text).map_err(Failure::new)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(logo: &str) -> ClientCard {
        ClientCard {
            name: "Shop".to_owned(),
            logo: Some(logo.to_owned()),
            site: None,
            policy: None,
            terms: None,
            is_unvouched: false,
        }
    }

    #[test]
    fn a_logo_opens_the_policy_for_its_origin_and_nothing_else() {
        let directive = |logo: &str| {
            let policy = policy(Some(&card(logo))).ok().unwrap().to_str().unwrap().to_owned();
            let (others, images): (Vec<_>, Vec<_>) = policy
                .split("; ")
                .map(str::to_owned)
                .partition(|directive| !directive.starts_with("img-src"));
            let usual: Vec<_> = POLICY.split("; ").filter(|it| !it.starts_with("img-src")).collect();
            assert_eq!(others, usual);
            images.join(" | ")
        };
        for (logo, expected) in [
            ("https://cdn.shop.example/a/logo.png?x=1", "img-src 'self' https://cdn.shop.example"),
            ("https://cdn.shop.example:8443/l", "img-src 'self' https://cdn.shop.example:8443"),
            ("https://sklep.pl/;script-src *", "img-src 'self' https://sklep.pl"),
            ("https://żółw.example/l", "img-src 'self' https://xn--w-uga1v8h.example"),
            ("data:image/png;base64,AAAA", "img-src 'self'"),
            ("nonsense", "img-src 'self'"),
        ] {
            assert_eq!(directive(logo), expected, "{logo}");
        }
    }
}
