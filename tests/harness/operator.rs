use serde_json::{Value, json};
use server::admin::{AdminCommand, AdminError, ClientChanges, execute};
use terms::{SecretText, TenantId};

use crate::landing::Landing;
use crate::people::{PASSWORD, Person};
use crate::relying_party::RelyingParty;
use crate::world::World;

/// All that a person can be asked for.
const SCOPE: &str = "openid profile email phone address offline_access";

/// What an operator does by the command line; tests do it without the detour over a process.
impl World {
    /// Carries out a command for the default tenant.
    pub async fn operate(&self, command: AdminCommand) -> Result<Value, AdminError> {
        execute(self.app(), "default", command).await
    }

    /// The tenant that stories are about.
    pub async fn default_tenant(&self) -> TenantId {
        let found = self.app().tenant_by_slug("default").await.expect("the database answers");
        found.expect("the default tenant").id
    }

    /// The kinds of the default tenant's latest events, the newest first.
    pub async fn event_kinds(&self) -> Vec<String> {
        let tenant = self.default_tenant().await;
        let events = self.app().store.read(tenant).events(50).await.expect("events");
        events.iter().map(|event| event.kind.to_string()).collect()
    }

    /// Makes a user whose address counts as verified; gives what the command line prints.
    pub async fn create_user(&self, email: &str, password: &str) -> Value {
        self.create_user_with(email, password, None).await
    }

    /// A user with a profile: claims by their names in OpenID Connect Core section 5.1.
    pub async fn create_user_with(&self, email: &str, password: &str, profile: Option<Value>) -> Value {
        let password = SecretText::new(password.to_owned());
        let command =
            AdminCommand::UsersCreate { email: Some(email.to_owned()), username: None, password, profile };
        self.operate(command).await.expect("a user that can be made")
    }

    /// Somebody whose account an operator made, at a browser that never was here.
    pub async fn person(&self, email: &str) -> Person {
        self.create_user(email, PASSWORD).await;
        Person { email: email.to_owned(), password: PASSWORD.to_owned(), browser: self.browser() }
    }

    /// Somebody who is signed in, with an account that an operator made.
    pub async fn signed_in(&self, email: &str) -> Person {
        let person = self.person(email).await;
        let page = person.sign_in().await;
        assert_eq!(page.status, 200, "{page}");
        person
    }

    /// How many guesses at an account were refused, minute by minute, the newest first; of an empty id: at none.
    pub async fn refused_guesses(&self, user: &str) -> Vec<i64> {
        let app = self.app();
        let tenant = self.default_tenant().await;
        let refused = app.store.read(tenant).refused_guesses(user, 100).await.expect("counts");
        refused.iter().map(|it| it.refused).collect()
    }

    /// How many events of this kind there are.
    pub async fn events(&self, kind: &str) -> usize {
        let app = self.app();
        let tenant = self.default_tenant().await;
        let events = app.store.read(tenant).events(10_000).await.expect("events");
        events.iter().filter(|event| event.kind.as_str() == kind).count()
    }

    /// One of the tests' usual clients, registered when a test first asks for it:
    ///
    /// - `web` is confidential and first-party: nobody is asked for consent;
    /// - `spa` is public and first-party;
    /// - `stranger` is confidential and somebody else's, so people are asked;
    /// - `service` has no people: client credentials only.
    pub async fn rp(&self, name: &'static str) -> RelyingParty {
        if let Some(known) = self.parties().get(name) {
            return known.clone();
        }
        let callback = format!("https://{name}.example.test/callback");
        let party = match name {
            "web" => self.register(web_metadata(name, &callback, false), true).await,
            "spa" => self.register(web_metadata(name, &callback, true), true).await,
            "stranger" => self.register(web_metadata(name, &callback, false), false).await,
            "service" => {
                let metadata = json!({ "client_name": name, "grant_types": ["client_credentials"], "scope": "reports:read" });
                self.register(metadata, true).await
            }
            other => panic!("the world has no client {other:?}; register it"),
        };
        self.parties().insert(name, party.clone());
        party
    }

    /// Registers a client by its metadata (RFC 7591 section 2).
    pub async fn register(&self, metadata: Value, first_party: bool) -> RelyingParty {
        let redirect_uri = metadata["redirect_uris"][0].as_str().unwrap_or_default().to_owned();
        let changes = ClientChanges {
            metadata,
            whole: true,
            first_party: Some(first_party),
            ..ClientChanges::default()
        };
        let made = self.operate(AdminCommand::ClientsCreate(changes)).await;
        let made = made.unwrap_or_else(|error| panic!("a client that can't be registered: {error}"));
        let client_id = made["client_id"].as_str().expect("a client_id");
        RelyingParty::new(self.issuer(), client_id, made["client_secret"].as_str(), &redirect_uri)
    }

    /// A first-party client whose redirects arrive at a real port.
    pub async fn register_landing(&self, name: &str, landing: &Landing, is_public: bool) -> RelyingParty {
        self.register(web_metadata(name, &landing.url, is_public), true).await
    }
}

/// A client that people sign in to.
pub fn web_metadata(name: &str, callback: &str, is_public: bool) -> Value {
    json!({
        "client_name": name,
        "redirect_uris": [callback],
        "post_logout_redirect_uris": [callback],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": if is_public { "none" } else { "client_secret_basic" },
        "scope": SCOPE,
    })
}
