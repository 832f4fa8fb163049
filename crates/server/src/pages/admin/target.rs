//! Where a sign-in or a typed password leads an administrator back to.

use std::str::FromStr;

use terms::{ClientId, EventId, SigningKeyId, UserId};

use crate::pages::Malformed;

/// A page of the administration that is opened by a GET: a closed list, so that no address of somebody else's choice is
/// ever followed. Its text is the page's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Users,
    NewUser,
    User(UserId),
    Clients,
    NewClient,
    Client(ClientId),
    EditClient(ClientId),
    Keys,
    RevokeKey(SigningKeyId),
    Settings,
    Events,
    Event(EventId),
    /// Where the first password is chosen.
    Password,
}

impl Target {
    /// Within the tenant.
    pub fn path(&self) -> String {
        match self {
            Self::Users => "/admin/users".to_owned(),
            Self::NewUser => "/admin/users/new".to_owned(),
            Self::User(id) => format!("/admin/users/{id}"),
            Self::Clients => "/admin/clients".to_owned(),
            Self::NewClient => "/admin/clients/new".to_owned(),
            Self::Client(id) => format!("/admin/clients/{}", segment(id)),
            Self::EditClient(id) => format!("/admin/clients/{}/edit", segment(id)),
            Self::Keys => "/admin/keys".to_owned(),
            Self::RevokeKey(id) => format!("/admin/keys/{id}/revoke"),
            Self::Settings => "/admin/settings".to_owned(),
            Self::Events => "/admin/events".to_owned(),
            Self::Event(id) => format!("/admin/events/{id}"),
            Self::Password => "/admin/password".to_owned(),
        }
    }

    /// The page that says what was done. The word is one of ours.
    pub fn after(&self, done: &str) -> String {
        format!("{}?done={done}", self.path())
    }
}

/// A client's id may hold whatever is visible ASCII, a slash too.
fn segment(client: &ClientId) -> String {
    // It has no blank, which is where a form's encoding differs from a path's.
    url::form_urlencoded::byte_serialize(client.as_str().as_bytes()).collect()
}

fn client_of(segment: &str) -> Result<ClientId, Malformed> {
    let mut pairs = url::form_urlencoded::parse(segment.as_bytes());
    let (Some((id, value)), None) = (pairs.next(), pairs.next()) else { return Err(Malformed) };
    if value.is_empty() { id.parse().map_err(|_| Malformed) } else { Err(Malformed) }
}

fn id<T: FromStr>(segment: &str) -> Result<T, Malformed> {
    segment.parse().map_err(|_| Malformed)
}

impl FromStr for Target {
    type Err = Malformed;

    fn from_str(path: &str) -> Result<Self, Malformed> {
        let rest = path.strip_prefix("/admin/").ok_or(Malformed)?;
        let segments: Vec<&str> = rest.split('/').collect();
        let target = match segments[..] {
            ["users"] => Self::Users,
            ["users", "new"] => Self::NewUser,
            ["users", user] => Self::User(id(user)?),
            ["clients"] => Self::Clients,
            ["clients", "new"] => Self::NewClient,
            ["clients", client] => Self::Client(client_of(client)?),
            ["clients", client, "edit"] => Self::EditClient(client_of(client)?),
            ["keys"] => Self::Keys,
            ["keys", key, "revoke"] => Self::RevokeKey(id(key)?),
            ["settings"] => Self::Settings,
            ["events"] => Self::Events,
            ["events", event] => Self::Event(id(event)?),
            ["password"] => Self::Password,
            _ => return Err(Malformed),
        };
        // One spelling of each, so that what comes back is what was given out.
        if target.path() == path { Ok(target) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use terms::Timestamp;

    #[test]
    fn every_page_is_found_by_its_path() {
        let at = Timestamp::from_seconds(1);
        let client = |id: &str| id.parse::<ClientId>().unwrap();
        for target in [
            Target::Users,
            Target::NewUser,
            Target::User(UserId::new(at, [1; 10])),
            Target::Clients,
            Target::NewClient,
            Target::Client(client("cli_1")),
            Target::Client(client("https://a.example/?x=1&y=+%2F#z")),
            Target::EditClient(client("a/edit")),
            Target::Keys,
            Target::RevokeKey(SigningKeyId::new(at, [1; 10])),
            Target::Settings,
            Target::Events,
            Target::Event(EventId::new(at, [1; 10])),
            Target::Password,
        ] {
            assert_eq!(target.path().parse(), Ok(target));
        }
    }

    #[test]
    fn nothing_else_is_a_page_to_come_back_to() {
        for path in [
            "",
            "/",
            "/admin",
            "/admin/",
            "/admin/enter",
            "/admin/users/",
            "/admin/users/x",
            "/admin/users?q=x",
            "/admin//users",
            "/admin/users/../keys",
            "/admin/clients/",
            "/admin/clients/a/b",
            "/admin/clients/a=b",
            "/admin/clients/a b",
            "/admin/keys/rotate",
            "//evil.example/admin/users",
            "https://evil.example/admin/users",
            "/admin/users\r\nx",
            "/account",
        ] {
            assert_eq!(path.parse::<Target>(), Err(Malformed), "{path}");
        }
    }
}
