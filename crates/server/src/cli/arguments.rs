//! What can be typed, and the administrator's command that it means.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::{Value, json};
use terms::SecretText;

use super::Complaint;
use super::clients::ClientsCommand;
use super::initial_access_tokens::InitialAccessTokensCommand;
use crate::admin::{AdminCommand, EventsAsked, Part};
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

/// Which part of a list is asked for.
#[derive(Args, Debug)]
#[group(skip)]
pub struct ListPart {
    /// The next part: behind the one with this id, with which the answer before ended
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// How many, up to 1000
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
}

impl ListPart {
    pub fn into_admin(self) -> Part {
        Part { after: self.after, limit: Some(self.limit) }
    }
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
    /// List the users, a part at a time
    List {
        /// Only those with an address, a username or a name that begins so
        #[arg(long, value_name = "TEXT", conflicts_with = "after")]
        search: Option<String>,
        #[command(flatten)]
        part: ListPart,
    },
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
            Self::List { search, part } => {
                AdminCommand::UsersList { beginning: search, part: part.into_admin() }
            }
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
    /// List the tenants, a part at a time
    List {
        #[command(flatten)]
        part: ListPart,
    },
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
            Self::Create { .. } | Self::List { .. } => None,
            Self::Show { which } | Self::Set { which, .. } => Some(which),
        }
    }

    pub fn into_admin(self) -> Result<AdminCommand, Complaint> {
        Ok(match self {
            Self::Create { slug, issuer, hosts } => AdminCommand::TenantsCreate { slug, issuer, hosts },
            Self::List { part } => AdminCommand::TenantsList(part.into_admin()),
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

pub(super) fn read_json(file: &Path) -> Result<Value, Complaint> {
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

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for text in [
            "portico",
            "portico serve",
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
