//! The way to a running server on the same machine: a Unix socket beside the SQLite file that only its owner can open.
//!
//! One request, one answer, each a line of JSON. Who may open the socket may read the database and the master key as
//! well, so there is nothing more to prove.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{AdminCommand, AdminError, execute};
use crate::app::App;

/// Octets of one request: metadata of a client or a profile of a user.
const REQUEST_BYTES: u64 = 1024 * 1024;
/// How long one request may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the socket lies.
pub fn path_in(folder: &Path) -> PathBuf {
    folder.join("portico.sock")
}

/// A command and the tenant it is for.
#[derive(Debug, Serialize, Deserialize)]
pub struct AdminRequest {
    pub tenant: String,
    pub command: AdminCommand,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminAnswer {
    Done(Value),
    Refused(Vec<String>),
}

/// Makes the socket, with no moment in which another user could open it. The data's lock must be held: a socket file
/// that is still there was left by a process that died.
pub fn bind(folder: &Path) -> io::Result<UnixListener> {
    let path = path_in(folder);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Bound where only the owner can look, and moved to its place when its own mode is right.
    let private = folder.join("portico.sock.new");
    match std::fs::remove_dir_all(&private) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().mode(0o700).create(&private)?;
    }
    let inner = private.join("s");
    let listener = UnixListener::bind(&inner)?;
    std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&inner, &path)?;
    std::fs::remove_dir(&private)?;
    Ok(listener)
}

/// Answers commands for as long as the server runs.
pub async fn serve(app: Arc<App>, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let app = Arc::clone(&app);
                tokio::spawn(async move {
                    match tokio::time::timeout(PATIENCE, answer(&app, stream)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => {
                            tracing::warn!(%error, "an administrator's command was not answered");
                        }
                        Err(_) => tracing::warn!("an administrator's command took too long"),
                    }
                });
            }
            Err(error) => {
                tracing::error!(%error, "the administrator's socket failed");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(app: &App, mut stream: UnixStream) -> io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut line = zeroize::Zeroizing::new(String::new());
    BufReader::new(reading.take(REQUEST_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str::<AdminRequest>(&line) {
        Err(_) => AdminAnswer::Refused(vec![
            "this is no command that the running server knows; are both of one version?".to_owned(),
        ]),
        Ok(AdminRequest { tenant, command }) => match execute(app, &tenant, command).await {
            Ok(value) => AdminAnswer::Done(value),
            Err(AdminError::Refused(reasons)) => AdminAnswer::Refused(reasons),
            Err(error @ (AdminError::Unknown(_) | AdminError::Forbidden(_))) => {
                AdminAnswer::Refused(vec![error.to_string()])
            }
            Err(AdminError::Fault(fault)) => {
                tracing::error!(%fault, "an administrator's command failed");
                AdminAnswer::Refused(vec![fault.to_string()])
            }
        },
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    writing.write_all(&text).await?;
    writing.shutdown().await
}

/// Reaches the server that has the data in this folder.
pub async fn connect(folder: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path_in(folder)).await
}

/// Hands a command over, and waits for what came of it.
pub async fn ask(mut stream: UnixStream, request: &AdminRequest) -> Result<Value, AdminError> {
    let lost = |error: io::Error| {
        AdminError::refused(format!("the running server did not answer: {error}. See its log."))
    };
    let asking = async {
        let mut text = zeroize::Zeroizing::new(serde_json::to_vec(request)?);
        text.push(b'\n');
        stream.write_all(&text).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(serde_json::from_slice::<AdminAnswer>(&answer)?)
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(AdminAnswer::Done(value))) => Ok(value),
        Ok(Ok(AdminAnswer::Refused(reasons))) => Err(AdminError::Refused(reasons)),
        Ok(Err(error)) => Err(lost(error)),
        Err(_) => Err(lost(io::ErrorKind::TimedOut.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;

    #[test]
    fn a_command_survives_the_way() {
        let changes = || super::super::ClientChanges {
            metadata: serde_json::json!({ "client_name": "x" }),
            whole: false,
            first_party: Some(true),
            settings: serde_json::Map::new(),
            rotate_refresh_tokens: None,
        };
        let password = terms::SecretText::new("correct horse".to_owned());
        for command in [
            AdminCommand::KeysList,
            AdminCommand::ClientsCreate(changes()),
            AdminCommand::ClientsUpdate { client_id: "c".to_owned(), changes: changes(), new_secret: true },
            AdminCommand::UsersCreate {
                email: Some("a@b.example".to_owned()),
                username: None,
                password,
                profile: None,
            },
        ] {
            let text =
                serde_json::to_string(&AdminRequest { tenant: "default".to_owned(), command }).unwrap();
            let back: AdminRequest = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&back).unwrap(), text);
            assert!(!format!("{back:?}").contains("horse"));
        }
    }

    #[tokio::test]
    async fn only_the_owner_can_open_the_socket() {
        let folder = std::env::temp_dir().join(format!("portico-socket-{}", Entropy.hex::<8>()));
        std::fs::create_dir(&folder).unwrap();
        for _ in 0..2 {
            // The second time as after a process that died and left its socket.
            let listener = bind(&folder).unwrap();
            let mode = std::fs::metadata(path_in(&folder)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            assert!(connect(&folder).await.is_ok());
            drop(listener);
        }
        let left: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["portico.sock"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
