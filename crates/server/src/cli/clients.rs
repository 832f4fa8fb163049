//! What can be typed about clients: their metadata and settings, as options or as a file.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Complaint;
use super::arguments::{ListPart, read_json};
use crate::admin::{AdminCommand, ClientChanges};

#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// Register a client, and print its client_id and client_secret
    Create {
        #[command(flatten)]
        metadata: Metadata,
    },
    /// List the clients, a part at a time
    List {
        #[command(flatten)]
        part: ListPart,
    },
    /// Show one client
    Show { client_id: String },
    /// Replace what is given, and keep the rest; a file replaces all metadata
    Update {
        client_id: String,
        #[command(flatten)]
        metadata: Metadata,
        /// Give it another secret, and print it; of those it has, the newest stays valid too
        #[arg(long)]
        new_secret: bool,
    },
    /// Delete a client, with what was granted to it
    Delete { client_id: String },
}

impl ClientsCommand {
    pub fn into_admin(self) -> Result<AdminCommand, Complaint> {
        Ok(match self {
            Self::Create { metadata } => AdminCommand::ClientsCreate(metadata.for_a_new_client()?),
            Self::List { part } => AdminCommand::ClientsList(part.into_admin()),
            Self::Show { client_id } => AdminCommand::ClientsShow { client_id },
            Self::Update { client_id, metadata, new_secret } => {
                AdminCommand::ClientsUpdate { client_id, changes: metadata.changes()?, new_secret }
            }
            Self::Delete { client_id } => AdminCommand::ClientsDelete { client_id },
        })
    }
}

/// Client metadata, as options or as a file.
#[derive(Args, Debug, Default)]
pub struct Metadata {
    /// The name that people see
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where answers go; may be given several times
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Where a browser goes after signing out; may be given several times
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// Where its server is told that a session ended
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// A page of its own that is shown in a hidden frame when a session ends
    #[arg(long, value_name = "URI")]
    frontchannel_logout_uri: Option<String>,
    /// That page is told which session it was
    #[arg(long)]
    frontchannel_logout_session_required: bool,
    /// authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code or implicit;
    /// may be given several times
    /// [default: authorization_code and refresh_token]
    #[arg(long = "grant-type", value_name = "G")]
    grant_types: Vec<String>,
    /// What it may get from the authorization endpoint, such as "code" or "code id_token"; may be given several times
    /// [default: code]
    #[arg(long = "response-type", value_name = "TYPE")]
    response_types: Vec<String>,
    /// standard, or oidc-legacy: may have tokens out of the authorization endpoint, where the tenant allows that
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,
    /// What it may ask for: scope tokens separated by blanks
    #[arg(long, value_name = "SCOPE")]
    scope: Option<String>,
    /// client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt or none
    /// [default: client_secret_basic]
    #[arg(long, value_name = "METHOD", conflicts_with = "public")]
    auth_method: Option<String>,
    /// The only algorithm with which it signs its assertions [default: any of its method]
    #[arg(long, value_name = "ALG")]
    auth_signing_alg: Option<String>,
    /// A JSON file with its public keys, as a JWK set (RFC 7517 section 5)
    #[arg(long, value_name = "FILE.json", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Where its public keys are fetched from
    #[arg(long, value_name = "URI")]
    jwks_uri: Option<String>,
    /// It can't keep a secret: a browser's or a device's
    #[arg(long)]
    public: bool,
    /// public, or pairwise: it knows people by a name that only its sector knows [default: public]
    #[arg(long, value_name = "TYPE")]
    subject_type: Option<String>,
    /// Where its sector lists the redirect URIs that belong to it; for pairwise with several hosts
    #[arg(long, value_name = "URI")]
    sector_identifier_uri: Option<String>,
    /// How old an authentication may be for it, in seconds, where a request doesn't say
    #[arg(long, value_name = "SECONDS")]
    default_max_age: Option<u64>,
    /// Its ID tokens must say when the person authenticated (they always do)
    #[arg(long)]
    require_auth_time: bool,
    /// It is installed on a device (RFC 8252)
    #[arg(long)]
    native: bool,
    /// A JSON file with its metadata by their names of RFC 7591, instead of the options above
    #[arg(
        long = "metadata",
        value_name = "FILE.json",
        conflicts_with_all = ["name", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "frontchannel_logout_uri", "frontchannel_logout_session_required", "grant_types", "response_types", "scope", "auth_method", "auth_signing_alg", "jwks", "jwks_uri", "public", "native", "subject_type", "sector_identifier_uri", "default_max_age", "require_auth_time"]
    )]
    file: Option<PathBuf>,
    /// It belongs to whoever runs this server: people aren't asked for consent
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    first_party: Option<bool>,
    /// Its refresh tokens change at each use; those of a public client always do
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    rotate_refresh_tokens: Option<bool>,
    /// How long its access tokens live, at most as long as those of the API that they are for
    #[arg(long, value_name = "SECONDS")]
    access_token_lifetime: Option<u64>,
    /// How long its ID tokens live
    #[arg(long, value_name = "SECONDS")]
    id_token_lifetime: Option<u64>,
    /// How long its refresh tokens live unused
    #[arg(long, value_name = "SECONDS")]
    refresh_token_idle: Option<u64>,
    /// How long its refresh tokens live in all
    #[arg(long, value_name = "SECONDS")]
    refresh_token_lifetime: Option<u64>,
    /// Its ID tokens say of the person what userinfo does
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true")]
    id_token_claims: Option<bool>,
}

impl Metadata {
    fn for_a_new_client(mut self) -> Result<ClientChanges, Complaint> {
        if self.file.is_none() && self.grant_types.is_empty() && !self.redirect_uris.is_empty() {
            self.grant_types = vec!["authorization_code".to_owned(), "refresh_token".to_owned()];
        }
        self.changes()
    }

    fn changes(self) -> Result<ClientChanges, Complaint> {
        let Self { first_party, rotate_refresh_tokens, .. } = self;
        let settings = [
            ("access_token_lifetime", self.access_token_lifetime.map(Value::from)),
            ("id_token_lifetime", self.id_token_lifetime.map(Value::from)),
            ("refresh_token_idle", self.refresh_token_idle.map(Value::from)),
            ("refresh_token_lifetime", self.refresh_token_lifetime.map(Value::from)),
            ("id_token_claims", self.id_token_claims.map(Value::from)),
            ("profile", self.profile.clone().map(Value::from)),
        ];
        let settings =
            settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        let (metadata, whole) = match &self.file {
            Some(file) => (read_json(file)?, true),
            None => (Value::Object(self.members()?), false),
        };
        Ok(ClientChanges { metadata, whole, first_party, rotate_refresh_tokens, settings })
    }

    /// The options by the names of RFC 7591 section 2.
    fn members(self) -> Result<Map<String, Value>, Complaint> {
        let auth_method = if self.public { Some("none".to_owned()) } else { self.auth_method };
        let list = |texts: Vec<String>| (!texts.is_empty()).then(|| json!(texts));
        let jwks = self.jwks.as_deref().map(read_json).transpose()?;
        let members = [
            ("client_name", self.name.map(Value::from)),
            ("redirect_uris", list(self.redirect_uris)),
            ("post_logout_redirect_uris", list(self.post_logout_redirect_uris)),
            ("backchannel_logout_uri", self.backchannel_logout_uri.map(Value::from)),
            ("frontchannel_logout_uri", self.frontchannel_logout_uri.map(Value::from)),
            (
                "frontchannel_logout_session_required",
                self.frontchannel_logout_session_required.then_some(Value::Bool(true)),
            ),
            ("grant_types", list(self.grant_types)),
            ("response_types", list(self.response_types)),
            ("scope", self.scope.map(Value::from)),
            ("token_endpoint_auth_method", auth_method.map(Value::from)),
            ("token_endpoint_auth_signing_alg", self.auth_signing_alg.map(Value::from)),
            ("jwks", jwks),
            ("jwks_uri", self.jwks_uri.map(Value::from)),
            ("subject_type", self.subject_type.map(Value::from)),
            ("sector_identifier_uri", self.sector_identifier_uri.map(Value::from)),
            ("default_max_age", self.default_max_age.map(Value::from)),
            ("require_auth_time", self.require_auth_time.then_some(Value::Bool(true))),
            ("application_type", self.native.then(|| Value::from("native"))),
        ];
        Ok(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Parser as _};

    use super::*;
    use crate::cli::arguments::{Arguments, Command, Target};

    fn parse(text: &str) -> Result<Command, clap::Error> {
        Arguments::try_parse_from(text.split_whitespace()).map(|arguments| arguments.command)
    }

    fn clients(text: &str) -> (Target, AdminCommand) {
        match parse(text).unwrap() {
            Command::Clients { target, command } => (target, command.into_admin().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_become_metadata_by_their_registered_names() {
        let (target, command) = clients(
            "portico clients --data d create --json --name Web --public --redirect-uri https://a.example/cb \
             --redirect-uri https://b.example/cb --post-logout-redirect-uri https://a.example/ --first-party --scope openid",
        );
        assert!(target.json && target.data == Some("d".into()) && target.tenant == "default");
        let AdminCommand::ClientsCreate(changes) = command else { panic!("{command:?}") };
        let expected = json!({
            "client_name": "Web",
            "redirect_uris": ["https://a.example/cb", "https://b.example/cb"],
            "post_logout_redirect_uris": ["https://a.example/"],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": "openid",
            "token_endpoint_auth_method": "none",
        });
        assert_eq!(changes.metadata, expected);
        assert_eq!(changes.first_party, Some(true));
    }

    #[test]
    fn an_update_says_only_what_changes() {
        let (_, command) =
            clients("portico clients update cli_1 --name New --first-party false --tenant acme");
        let AdminCommand::ClientsUpdate { client_id, changes, new_secret } = command else {
            panic!("{command:?}")
        };
        assert_eq!((client_id.as_str(), new_secret), ("cli_1", false));
        assert_eq!(changes.metadata, json!({ "client_name": "New" }));
        assert_eq!(
            (changes.first_party, changes.rotate_refresh_tokens, changes.whole),
            (Some(false), None, false)
        );
    }

    /// What the operator says of a client stands beside its metadata, and so may come with a file of them.
    const SETTINGS: [&str; 8] = [
        "profile",
        "first_party",
        "rotate_refresh_tokens",
        "access_token_lifetime",
        "id_token_lifetime",
        "refresh_token_idle",
        "refresh_token_lifetime",
        "id_token_claims",
    ];

    #[test]
    fn beside_a_file_no_option_is_passed_over() {
        let command = Metadata::augment_args(clap::Command::new("clients"));
        let mut refused = 0;
        for option in command.get_arguments().filter(|option| option.get_id() != "file") {
            let name = option.get_long().unwrap();
            let takes_one = option.get_num_args().is_none_or(|values| values.min_values() > 0);
            let value = if takes_one && option.get_action().takes_values() { "1" } else { "" };
            let text = format!("portico clients create --metadata f.json --{name} {value}");
            let is_setting = SETTINGS.contains(&option.get_id().as_str());
            assert_eq!(parse(&text).is_ok(), is_setting, "{text}");
            refused += usize::from(!is_setting);
        }
        assert!(refused > 15, "{refused}");
        assert!(parse("portico clients create --public --auth-method none").is_err());
    }
}
