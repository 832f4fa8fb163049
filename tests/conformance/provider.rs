//! The provider under test: the program itself, with its own TLS, on a fresh SQLite file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use harness::{Authority, Folder, free_port};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::Problem;

/// The person who signs in: every claim of the scopes profile, email, phone and address (OpenID Connect Core
/// section 5.4).
pub(crate) const EMAIL: &str = "ada@example.test";
pub(crate) const PASSWORD: &str = "quiet lantern harbour moss";
const STARTING: Duration = Duration::from_secs(30);

/// A provider that runs until it is dropped.
pub(crate) struct Provider {
    program: PathBuf,
    folder: Folder,
    _server: Child,
    pub issuer: String,
}

/// Where it is to be reached.
pub(crate) struct Whereabouts {
    pub listen: SocketAddr,
    pub issuer: String,
}

impl Whereabouts {
    /// A free port of this machine.
    pub(crate) fn here() -> Self {
        let port = free_port();
        Self { listen: SocketAddr::from(([127, 0, 0, 1], port)), issuer: format!("https://localhost:{port}") }
    }
}

impl Provider {
    /// Starts it. `authorities` is a PEM file with those that it trusts when it fetches from the suite.
    pub(crate) async fn start(
        program: &Path,
        place: Whereabouts,
        authorities: Option<&Path>,
        settings: &Value,
    ) -> Result<Self, Problem> {
        let folder = Folder::new();
        let at = |name: &str| folder.path().join(name);
        let issued = Authority::new().issue(1);
        write(&at("cert.pem"), &issued.certificate)?;
        write(&at("key.pem"), &issued.key)?;
        write(&at("master.key"), "0123456789abcdef".repeat(4).as_bytes())?;
        write(&at("portico.toml"), configuration(&place).as_bytes())?;
        write(&at("tenant.json"), settings.to_string().as_bytes())?;
        write(&at("profile.json"), profile().to_string().as_bytes())?;
        command(program, &folder, &["migrate"]).await?;
        if settings.as_object().is_some_and(|settings| !settings.is_empty()) {
            let path = at("tenant.json");
            command(program, &folder, &["tenants", "set", "default", "--settings", &path.to_string_lossy()])
                .await?;
        }
        let path = at("profile.json");
        let user = [
            "users",
            "create",
            "--email",
            EMAIL,
            "--password",
            PASSWORD,
            "--profile",
            &path.to_string_lossy(),
        ];
        command(program, &folder, &user).await?;
        let server = serve(program, &folder, authorities).await?;
        Ok(Self { program: program.to_owned(), folder, _server: server, issuer: place.issuer })
    }

    /// Registers a client by its metadata; gives what `portico clients create` answers.
    pub(crate) async fn register(&self, metadata: &Value, options: &[&str]) -> Result<Value, Problem> {
        let path = self.folder.path().join("client.json");
        write(&path, metadata.to_string().as_bytes())?;
        let path = path.to_string_lossy().into_owned();
        let mut arguments = vec!["clients", "create", "--json", "--metadata", &path];
        arguments.extend_from_slice(options);
        Ok(serde_json::from_str(&command(&self.program, &self.folder, &arguments).await?)?)
    }

    /// A command of the operator, such as the rotation of keys.
    pub(crate) async fn operate(&self, arguments: &[&str]) -> Result<String, Problem> {
        command(&self.program, &self.folder, arguments).await
    }
}

fn configuration(place: &Whereabouts) -> String {
    format!(
        "listen = \"{}\"\nissuer = \"{}\"\ndatabase = \"portico.db\"\nmaster_key_file = \"master.key\"\n\
         [tls]\ncertificate_file = \"cert.pem\"\nkey_file = \"key.pem\"\n\
         [log]\nfilter = \"warn,rustls=error\"\n\
         [password_hashing]\nmemory_kib = 19456\n\
         [egress]\nallow = [\"127.0.0.0/8\", \"::1\"]\n",
        place.listen, place.issuer
    )
}

fn profile() -> Value {
    json!({
        "name": "Ada King Lovelace", "given_name": "Ada", "middle_name": "King", "family_name": "Lovelace",
        "nickname": "Countess", "preferred_username": "ada", "profile": "https://ada.example.test/profile",
        "picture": "https://ada.example.test/ada.png", "website": "https://ada.example.test/", "gender": "female",
        "birthdate": "1990-12-10", "zoneinfo": "Europe/London", "locale": "en-GB",
        "phone_number": "+442079460000", "phone_number_verified": true,
        "address": {
            "formatted": "12 St James's Square\nLondon SW1Y 4JH", "street_address": "12 St James's Square",
            "locality": "London", "region": "Greater London", "postal_code": "SW1Y 4JH", "country": "GB",
        },
    })
}

/// Keys are for their owner only.
fn write(path: &Path, octets: &[u8]) -> Result<(), Problem> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    Ok(options.open(path)?.write_all(octets)?)
}

async fn command(program: &Path, folder: &Folder, arguments: &[&str]) -> Result<String, Problem> {
    let output = Command::new(program)
        .args(arguments)
        .args(["--config", "portico.toml"])
        .current_dir(folder.path())
        .output()
        .await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("portico {}: {said}", arguments.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

async fn serve(program: &Path, folder: &Folder, authorities: Option<&Path>) -> Result<Child, Problem> {
    let mut command = Command::new(program);
    command.args(["serve", "--config", "portico.toml"]).current_dir(folder.path());
    if let Some(path) = authorities {
        command.env("SSL_CERT_FILE", path);
    }
    let mut server = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(server.stdout.take().ok_or("no output")?).lines();
    let ready = async {
        while let Some(line) = lines.next_line().await? {
            if serde_json::from_str::<Value>(&line).is_ok_and(|it| it["ready"] == true) {
                return Ok::<_, Problem>(());
            }
            eprintln!("portico: {line}");
        }
        Err("portico ended before it was ready".into())
    };
    tokio::time::timeout(STARTING, ready).await??;
    // What it says later is shown, and read, so that it never waits for a reader.
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            eprintln!("portico: {line}");
        }
    });
    Ok(server)
}
