//! The command line.

mod arguments;
mod clients;
mod initial_access_tokens;
mod output;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use identity::tenant_settings;
use serde_json::{Value, json};
use tokio::net::UnixStream;

use crate::admin::socket::{self, AdminRequest};
use crate::admin::{self, AdminCommand};
use crate::app::{App, OpenError, Schema};
use crate::clock::Clock;
use crate::config::{self, Config, Database, LogConfig, Surroundings};
use crate::tenant::{DEFAULT_SLUG, Issuer};
use crate::{Options, doctor, logging, service_manager, start, stop};
use arguments::{Arguments, Command, ConfigCommand, PrintTopic, Target};
use output::{complain, readable, say};

/// The administrator that `portico dev` makes. The domain is reserved (RFC 2606), so the address is nobody's.
const DEVELOPMENT_ADMIN: &str = "admin@example.com";

/// What went wrong, in words for whoever typed the command.
type Complaint = String;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            complain(&complaint);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Complaint> {
    match command {
        Command::Dev { data, port, issuer } => develop(&data, port, issuer.as_deref()).await,
        Command::Serve { config } => Box::pin(serve(read_config(&config)?)).await,
        Command::Migrate { target } => migrate(target).await,
        Command::Backup { target, file } => backup(&target, &file).await,
        Command::Config { command: ConfigCommand::Check { config } } => {
            read_config(&config)?;
            say(&format!("{} is good", config.display()));
            Ok(())
        }
        Command::Doctor { config, ca_file, json } => Box::pin(examine(&config, ca_file, json)).await,
        Command::Print { topic } => print(topic),
        Command::Admins { target, command } => administer(target, command.into_admin()).await,
        Command::Events { target, asked } => administer(target, asked.into_admin()).await,
        Command::Keys { target, command } => administer(target, command.into_admin()).await,
        Command::MasterKey { target, command } => administer(target, command.into_admin()).await,
        Command::Clients { target, command } => administer(target, command.into_admin()?).await,
        Command::InitialAccessTokens { target, command } => administer(target, command.into_admin()).await,
        Command::Mail { target, command } => administer(target, command.into_admin()).await,
        Command::Users { target, command } => administer(target, command.into_admin()?).await,
        Command::Tenants { mut target, command } => {
            if let Some(which) = command.which() {
                which.clone_into(&mut target.tenant);
            }
            administer(target, command.into_admin()?).await
        }
        Command::ResourceServers { target, command } => administer(target, command.into_admin()).await,
    }
}

/// Says how everything stands; fails when something fails.
async fn examine(file: &Path, ca_file: Option<PathBuf>, json: bool) -> Result<(), Complaint> {
    let mut log = LogConfig { filter: "off".to_owned(), json: false };
    log.apply_environment();
    logging::init(&log);
    let target = format!("--config {}", file.display());
    let options = doctor::Options { clock: Clock::System, ca_file, target };
    let report = doctor::examine_file(file, Surroundings::of(file), &options).await;
    say(&if json { pretty(&report.to_json())? } else { report.to_text().trim_end().to_owned() });
    match report.failures() {
        0 => Ok(()),
        1 => Err("one thing must be mended".to_owned()),
        count => Err(format!("{count} things must be mended")),
    }
}

fn print(topic: PrintTopic) -> Result<(), Complaint> {
    match topic {
        PrintTopic::ConfigExample => say(config::EXAMPLE.trim_end()),
        PrintTopic::ConfigSchema => {
            say(&pretty(&config::schema())?);
        }
        PrintTopic::TenantSettingsSchema => say(&pretty(&tenant_settings::schema())?),
    }
    Ok(())
}

async fn develop(data: &Path, port: u16, issuer: Option<&str>) -> Result<(), Complaint> {
    let issuer = issuer.map(Issuer::parse).transpose().map_err(|error| format!("--issuer {error}"))?;
    let mut config = Config::development(data, port, issuer);
    config.log.apply_environment();
    logging::init(&config.log);
    let running = Box::pin(start(Options { config, clock: Clock::System })).await;
    let running = running.map_err(|error| error.to_string())?;
    let issuer = running.base_url.clone();
    let email = DEVELOPMENT_ADMIN.to_owned();
    let admin = admin::execute(&running.app, DEFAULT_SLUG, AdminCommand::AdminsCreate { email }).await;
    let admin = admin.map_err(|error| error.to_string())?;
    let link = admin["link"].as_str().unwrap_or_default();
    say(&format!(
        "Portico runs in development mode: on this machine only, mail is shown and not sent.\n\n\
         \x20   Sign in, sign up   {issuer}/\n\
         \x20   Mailbox            {issuer}/dev/mailbox\n\
         \x20   For clients        {issuer}/.well-known/openid-configuration\n\
         \x20   Administration     {link}\n\
         \x20                      (signs {DEVELOPMENT_ADMIN} in, once, within an hour)\n\n\
         Ctrl-C stops it.",
    ));
    say(&json!({ "ready": true, "issuer": issuer }).to_string());
    running.run_until(stop::ordered()).await;
    Ok(())
}

async fn serve(mut config: Config) -> Result<(), Complaint> {
    config.log.apply_environment();
    logging::init(&config.log);
    let running = Box::pin(start(Options { config, clock: Clock::System })).await;
    let running = running.map_err(|error| error.to_string())?;
    tracing::info!(issuer = running.base_url, listen = %running.local_addr, "serving");
    if running.app.config.smtp.is_none() {
        tracing::info!(
            "no mail is sent and people can't sign up by themselves: the configuration has no [smtp]"
        );
    }
    say(&json!({ "ready": true, "issuer": running.base_url }).to_string());
    service_manager::ready();
    let order = async {
        stop::ordered().await;
        service_manager::stopping();
    };
    running.run_until(order).await;
    Ok(())
}

async fn migrate(target: Target) -> Result<(), Complaint> {
    let config = config_of(&target)?;
    logging::init(&config.log);
    let app = App::open(config, Clock::System, Schema::Migrate).await.map_err(|error| error.to_string())?;
    let default = app.tenant_by_slug(DEFAULT_SLUG).await.map_err(|fault| fault.to_string())?;
    let issuer = default.map(|tenant| tenant.issuer.to_string()).unwrap_or_default();
    app.close().await;
    if target.json {
        say(&json!({ "migrated": true, "issuer": issuer }).to_string());
    } else {
        say(&format!("The database is up to date. The default tenant's issuer is {issuer}."));
    }
    Ok(())
}

/// Copies the database past a server that has it: SQLite lets others read.
async fn backup(target: &Target, file: &Path) -> Result<(), Complaint> {
    let config = config_of(target)?;
    logging::init(&config.log);
    let path = match &config.database {
        Database::Sqlite(path) => path,
        Database::Postgres(_) => {
            return Err(format!(
                "the database is PostgreSQL's, which makes its own backups: run `pg_dump --format=custom --file={} URL` with the \
                 URL of the configuration, and `pg_restore` to bring it back (docs/guide/operate.md)",
                file.display()
            ));
        }
    };
    store::backup::sqlite(path, file).await.map_err(|fault| fault.to_string())?;
    if target.json {
        say(&json!({ "backup": file }).to_string());
    } else {
        say(&format!(
            "{} is a copy of the database as it is now. It holds secrets sealed by the master key, which is not in it: keep \
             that apart.",
            file.display()
        ));
    }
    Ok(())
}

/// Carries out an administrator's command: here, or by the server that has the data.
async fn administer(target: Target, command: AdminCommand) -> Result<(), Complaint> {
    let config = config_of(&target)?;
    logging::init(&config.log);
    let continuation = command.continuation();
    let answer = match Box::pin(reach(config)).await? {
        Reached::Data(app) => {
            let answer = admin::execute(&app, &target.tenant, command).await;
            app.close().await;
            answer
        }
        Reached::Server(stream) => {
            socket::ask(stream, &AdminRequest { tenant: target.tenant, command }).await
        }
    };
    let answer = answer.map_err(|error| error.to_string())?;
    say(&if target.json { pretty(&answer)? } else { readable(&answer) });
    if let Some(next) = continuation.and_then(|it| it.after(&answer)) {
        complain(&format!("there may be more: {next}"));
    }
    Ok(())
}

/// Who can carry out a command.
enum Reached {
    /// This process, which has the data now.
    Data(Arc<App>),
    /// The server that has the data.
    Server(UnixStream),
}

/// Another command, or a server that starts or stops, may have the data for a moment without answering.
async fn reach(config: Config) -> Result<Reached, Complaint> {
    const ATTEMPTS: u32 = 50;
    const BETWEEN: Duration = Duration::from_millis(100);
    for _ in 0..ATTEMPTS {
        match (App::open(config.clone(), Clock::System, Schema::Require).await, config.database.folder()) {
            (Ok(app), _) => return Ok(Reached::Data(app)),
            (Err(OpenError::Locked(_)), Some(folder)) => {
                if let Ok(stream) = socket::connect(folder).await {
                    return Ok(Reached::Server(stream));
                }
            }
            (Err(error), _) => return Err(error.to_string()),
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Err("another portico has the data and does not answer. Is it starting or stopping? Try again.".to_owned())
}

fn pretty(value: &Value) -> Result<String, Complaint> {
    serde_json::to_string_pretty(value).map_err(|error| error.to_string())
}

/// The configuration that a command names: a server's file, or the folder of `portico dev`.
fn config_of(target: &Target) -> Result<Config, Complaint> {
    let mut config = match &target.config {
        Some(file) => read_config(file)?,
        None => Config::development(target.data.as_deref().unwrap_or(Path::new("data")), 0, None),
    };
    // The answer is what was asked for; only trouble is told besides.
    "warn".clone_into(&mut config.log.filter);
    config.log.apply_environment();
    Ok(config)
}

fn read_config(file: &Path) -> Result<Config, Complaint> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Config::read(&text, Surroundings::of(file)).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
        format!("the configuration {} can't be used:\n{}", file.display(), lines.join("\n"))
    })
}
