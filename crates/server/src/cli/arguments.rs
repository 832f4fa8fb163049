//! What can be typed, and the administrator's command that it means.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};
use terms::SecretText;

use super::Complaint;
use super::initial_access_tokens::InitialAccessTokensCommand;
use crate::admin::{AdminCommand, ClientChanges, EventsAsked};
use crate::tenant::DEFAULT_SLUG;

/// Portico: a self-hosted OpenID Connect provider.
#[derive(Debug, Parser)]
#[command(name = "portico", version, about, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "one is made in the life of the process")]
pub enum Command {
    /// Run on this machine for development: one folder of data, mail is shown at /dev/mailbox
    Dev {
        /// The folder of the data; made when there is none
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// The port on loopback; 0 takes a free one
        #[arg(long, value_name = "N", default_value_t = 8080)]
        port: u16,
        /// The issuer, when it isn't http://localhost and the port
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
    },
    /// Run as the configuration says
    Serve {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Bring the database's schema up to date, and make the default tenant where there is none
    Migrate {
        #[command(flatten)]
        target: Target,
    },
    /// Write a copy of an SQLite database while the server runs. The master key is not in it
    Backup {
        #[command(flatten)]
        target: Target,
        /// Where to; there must be no such file
        file: PathBuf,
    },
    /// About the configuration
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Look at everything that a set-up needs, from within and from outside, and say what to mend
    Doctor {
        /// The configuration file of a server, which may run or not
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The authorities that the issuer's certificate may be from, as PEM; by default those that the system trusts
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Print what the program knows about itself
    Print { topic: PrintTopic },
    /// The people who administer a tenant on its pages
    Admins {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: AdminsCommand,
    },
    /// What was done, by whom and from where, the newest first
    Events {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        asked: Events,
    },
    /// The keys that sign tokens
    Keys {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// The master keys, which seal the tenants' data keys
    MasterKey {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: MasterKeyCommand,
    },
    /// The relying parties
    Clients {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: ClientsCommand,
    },
    /// The tokens that let programs register clients (RFC 7591), where a tenant's registration wants one
    InitialAccessTokens {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: InitialAccessTokensCommand,
    },
    /// The mail on its way out
    Mail {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: MailCommand,
    },
    /// The people
    Users {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: UsersCommand,
    },
    /// The isolated directories, each with its issuer
    Tenants {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: TenantsCommand,
    },
    /// The APIs that take access tokens
    ResourceServers {
        #[command(flatten)]
        target: Target,
        #[command(subcommand)]
        command: ResourceServersCommand,
    },
}

/// Which data a command is about, and how it answers.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// The configuration file of a server
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "data")]
    pub config: Option<PathBuf>,
    /// The folder of `portico dev` [default: data]
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,
    /// The tenant, by its slug or id
    #[arg(long, value_name = "T", global = true, default_value = DEFAULT_SLUG)]
    pub tenant: String,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say everything that is wrong with a configuration
    Check {
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrintTopic {
    /// An example of the configuration file, with every key
    ConfigExample,
    /// The JSON Schema of the configuration file
    ConfigSchema,
    /// The JSON Schema of a tenant's settings
    TenantSettingsSchema,
}

/// Which events are asked for.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Events {
    /// Of one kind, such as session.created
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// What a user did and what was done to them, by address or id
    #[arg(long, value_name = "USER", conflicts_with = "about")]
    user: Option<String>,
    /// What was done by or to anything else, by its id
    #[arg(long, value_name = "ID")]
    about: Option<String>,
    /// From this day (UTC) or instant on
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Before this day (UTC) or instant
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// The next part: older than the event that the answer before ended with
    #[arg(long, value_name = "EVENT_ID")]
    before: Option<String>,
    /// How many, up to 1000
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
}

impl Events {
    pub fn into_admin(self) -> AdminCommand {
        let Self { kind, user, about, since, until, before, limit } = self;
        AdminCommand::EventsList(EventsAsked { kind, user, about, since, until, before, limit: Some(limit) })
    }
}

#[derive(Debug, Subcommand)]
pub enum AdminsCommand {
    /// Make a user an administrator, and the user too if there is none; print a link that signs them in once
    Create {
        #[arg(long)]
        email: String,
    },
    /// List the administrators
    List,
    /// Take the role away from a user, who stays
    Remove {
        /// The user, by address or id
        user: String,
    },
}

impl AdminsCommand {
    pub fn into_admin(self) -> AdminCommand {
        match self {
            Self::Create { email } => AdminCommand::AdminsCreate { email },
            Self::List => AdminCommand::AdminsList,
            Self::Remove { user } => AdminCommand::AdminsRemove { user },
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List the signing keys, with what each is for
    List,
    /// Make a key for an algorithm that there is none for
    Create {
        /// PS256 or EdDSA (or RS256, ES256)
        #[arg(long)]
        alg: String,
    },
    /// Announce successors, which take over by themselves once clients know them
    Rotate {
        /// Only the key of this algorithm
        #[arg(long)]
        alg: Option<String>,
        /// Let them sign after seconds; clients that don't ask again may refuse tokens for some minutes
        #[arg(long)]
        now: bool,
    },
    /// Let nothing that a key signed be believed any more; a successor signs at once
    Revoke {
        /// The key's id, as `keys list` shows it
        kid: String,
    },
}

impl KeysCommand {
    pub fn into_admin(self) -> AdminCommand {
        match self {
            Self::List => AdminCommand::KeysList,
            Self::Create { alg } => AdminCommand::KeysCreate { alg },
            Self::Rotate { alg, now } => AdminCommand::KeysRotate { alg, now },
            Self::Revoke { kid } => AdminCommand::KeysRevoke { kid },
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum MasterKeyCommand {
    /// Say which master key is needed by how many tenants
    Status,
    /// Let the current master key (the first of the ring) take the place of older ones, for all tenants
    Rewrap,
}

impl MasterKeyCommand {
    pub fn into_admin(self) -> AdminCommand {
        match self {
            Self::Status => AdminCommand::MasterKeyStatus,
            Self::Rewrap => AdminCommand::MasterKeyRewrap,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum ClientsCommand {
    /// Register a client, and print its client_id and client_secret
    Create {
        #[command(flatten)]
        metadata: Metadata,
    },
    /// List the clients
    List,
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
            Self::List => AdminCommand::ClientsList,
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
        conflicts_with_all = ["name", "redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "frontchannel_logout_uri", "frontchannel_logout_session_required", "grant_types", "scope", "auth_method", "auth_signing_alg", "jwks", "jwks_uri", "public", "native", "subject_type", "sector_identifier_uri", "default_max_age", "require_auth_time"]
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

#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Make a user whose address counts as verified, or who has a username, or both
    Create {
        #[arg(long, required_unless_present = "username")]
        email: Option<String>,
        /// Where accounts of the tenant have usernames
        #[arg(long)]
        username: Option<String>,
        /// The password, or - to read it from standard input
        #[arg(long, value_parser = secret)]
        password: SecretText,
        /// A JSON file with standard claims (OpenID Connect Core section 5.1)
        #[arg(long, value_name = "FILE.json")]
        profile: Option<PathBuf>,
    },
    /// List the users
    List,
    /// Let nothing be issued for a user any more, and sign them out everywhere
    Disable {
        /// The user, by address or id
        user: String,
    },
    /// Undo a disabling
    Enable {
        /// The user, by address or id
        user: String,
    },
    /// End a user's sessions and what clients were granted by them
    SignOut {
        /// The user, by address or id
        user: String,
    },
    /// Let a user who guessed wrong too often try again at once
    ForgiveAttempts {
        /// The user, by address or id
        user: String,
    },
    /// Take a user's password away: they choose another by a mailed code
    ResetPassword {
        /// The user, by address or id
        user: String,
    },
    /// Give a user another password, and end their sessions
    SetPassword {
        /// The user, by address or id
        user: String,
        /// The password, or - to read it from standard input
        #[arg(long, value_parser = secret)]
        password: SecretText,
    },
    /// Delete a user, with their sessions and grants
    Delete {
        /// The user, by address or id
        user: String,
    },
}

impl UsersCommand {
    pub fn into_admin(self) -> Result<AdminCommand, Complaint> {
        Ok(match self {
            Self::Create { email, username, password, profile } => {
                let profile = profile.as_deref().map(read_json).transpose()?;
                AdminCommand::UsersCreate { email, username, password: typed(password)?, profile }
            }
            Self::List => AdminCommand::UsersList,
            Self::Disable { user } => AdminCommand::UsersDisable { user },
            Self::Enable { user } => AdminCommand::UsersEnable { user },
            Self::SignOut { user } => AdminCommand::UsersSignOut { user },
            Self::ForgiveAttempts { user } => AdminCommand::UsersForgiveAttempts { user },
            Self::ResetPassword { user } => AdminCommand::UsersResetPassword { user },
            Self::SetPassword { user, password } => {
                AdminCommand::UsersSetPassword { user, password: typed(password)? }
            }
            Self::Delete { user } => AdminCommand::UsersDelete { user },
        })
    }
}

#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send one mail as the configuration says, and tell what came of it
    Test {
        #[arg(long, value_name = "ADDRESS")]
        to: String,
    },
    /// List the mails that wait or were given up; those that were sent are gone
    List,
    /// Try again at once what failed
    Retry {
        /// One mail; without it, all of the tenant
        mail_id: Option<String>,
    },
}

impl MailCommand {
    pub fn into_admin(self) -> AdminCommand {
        match self {
            Self::Test { to } => AdminCommand::MailTest { to },
            Self::List => AdminCommand::MailList,
            Self::Retry { mail_id } => AdminCommand::MailRetry { mail_id },
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum TenantsCommand {
    /// Make a tenant with keys of its own
    Create {
        /// Its name in paths and on the command line
        #[arg(long)]
        slug: String,
        /// Its issuer, for ever [default: the default tenant's host and /t/SLUG]
        #[arg(long, value_name = "URL")]
        issuer: Option<String>,
        /// A further host of a tenant with a host of its own; may be given several times
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// List the tenants
    List,
    /// Show a tenant with its settings
    Show {
        /// The tenant, by its slug or id
        #[arg(value_name = "T")]
        which: String,
    },
    /// Change a tenant's settings: what is named, and nothing else
    Set {
        /// The tenant, by its slug or id
        #[arg(value_name = "T")]
        which: String,
        /// A JSON file with the settings that change; null goes back to the default
        #[arg(long, value_name = "FILE.json", required_unless_present = "logo")]
        settings: Option<PathBuf>,
        /// A PNG, JPEG or WebP file
        #[arg(long, value_name = "FILE")]
        logo: Option<PathBuf>,
    },
}

impl TenantsCommand {
    /// The tenant that the command names itself, in the place of `--tenant`.
    pub fn which(&self) -> Option<&str> {
        match self {
            Self::Create { .. } | Self::List => None,
            Self::Show { which } | Self::Set { which, .. } => Some(which),
        }
    }

    pub fn into_admin(self) -> Result<AdminCommand, Complaint> {
        Ok(match self {
            Self::Create { slug, issuer, hosts } => AdminCommand::TenantsCreate { slug, issuer, hosts },
            Self::List => AdminCommand::TenantsList,
            Self::Show { .. } => AdminCommand::TenantsShow,
            Self::Set { settings, logo, .. } => {
                let mut settings = settings.as_deref().map_or_else(|| Ok(json!({})), read_json)?;
                if let (Some(file), Some(members)) = (logo, settings.as_object_mut()) {
                    members.insert("logo".to_owned(), Value::from(data_url(&file)?));
                }
                AdminCommand::TenantsSet { settings }
            }
        })
    }
}

/// A file as it stands in JSON. What kind of file it is, its content says.
fn data_url(file: &Path) -> Result<String, Complaint> {
    let octets = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(format!("data:;base64,{}", STANDARD.encode(octets)))
}

#[derive(Debug, Subcommand)]
pub enum ResourceServersCommand {
    /// Register an API that takes access tokens
    Create {
        /// Its identifier: the `resource` that clients ask for and the `aud` of its tokens (RFC 8707)
        #[arg(long, value_name = "URI")]
        identifier: String,
        /// The scope tokens that it knows, separated by blanks
        #[arg(long, default_value = "")]
        scope: String,
        /// jwt-es256, jwt-rs256, jwt-ps256, jwt-eddsa or opaque
        #[arg(long, value_name = "FORMAT", default_value = "jwt-es256")]
        token_format: String,
        /// How long its tokens live
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        token_lifetime: u64,
        /// The client as which it asks about tokens (RFC 7662)
        #[arg(long, value_name = "CLIENT_ID")]
        introspection_client: Option<String>,
    },
    /// List the resource servers
    List,
    /// Delete a resource server, by its identifier
    Delete { identifier: String },
}

impl ResourceServersCommand {
    pub fn into_admin(self) -> AdminCommand {
        match self {
            Self::Create { identifier, scope, token_format, token_lifetime, introspection_client } => {
                AdminCommand::ResourceServersCreate {
                    identifier,
                    scope,
                    token_format,
                    token_lifetime,
                    introspection_client,
                }
            }
            Self::List => AdminCommand::ResourceServersList,
            Self::Delete { identifier } => AdminCommand::ResourceServersDelete { identifier },
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a clap value parser")]
fn secret(text: &str) -> Result<SecretText, std::convert::Infallible> {
    Ok(SecretText::new(text.to_owned()))
}

/// A dash stands for the first line of standard input, so that the password isn't seen in the list of processes.
fn typed(password: SecretText) -> Result<SecretText, Complaint> {
    if password.reveal() != "-" {
        return Ok(password);
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| format!("cannot read the password: {error}"))?;
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(SecretText::new(line))
}

fn read_json(file: &Path) -> Result<Value, Complaint> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    serde_json::from_str::<Value>(&text)
        .map_err(|error| format!("{} is not JSON: {error}", file.display()))?;
    // Strictly, so that of a member that is there twice not just one counts; the reader before says where an error is.
    oidc::jose::json::parse(text.as_bytes()).map_err(|error| format!("{} is {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
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

    #[test]
    fn what_contradicts_itself_is_refused() {
        for text in [
            "portico",
            "portico serve",
            "portico clients create --metadata f.json --name x",
            "portico clients create --public --auth-method none",
            "portico clients list --config c --data d",
            "portico users create --email a@b.example",
            "portico dev --port 70000",
            "portico tenants set acme",
            "portico tenants show",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_in_what_is_printed_of_a_command() {
        let command = parse("portico users create --email a@b.example --password correct-horse").unwrap();
        assert!(!format!("{command:?}").contains("horse"));
    }
}
