//! A copy of an SQLite database as it is at one moment, made while others write.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::fault::Fault;
use crate::pools::PATIENCE;

/// Writes a copy of the database at `from` to the file `to`, which must not exist. Only its owner may read the copy, and it is there
/// under that name only when it is whole, sound, and on the disk.
///
/// It reads one state of the database, and nobody who writes waits for it.
pub async fn sqlite(from: &Path, to: &Path) -> Result<(), Fault> {
    let failed = |doing: &str, path: &Path| Fault::new(format!("{doing} {}", path.display()));
    if to.exists() {
        return Err(failed("write the backup", to).because("there is a file of that name already"));
    }
    let part = PathBuf::from(format!("{}.part", to.display()));
    let made = write(from, &part).await;
    let placed =
        made.and_then(|()| place(&part, to).map_err(|error| failed("write the backup", to).because(error)));
    // Where it went well this takes the second name away, else what was begun.
    let _ = std::fs::remove_file(&part);
    placed
}

async fn write(from: &Path, part: &Path) -> Result<(), Fault> {
    let at = |error: io::Error| Fault::new(format!("write the backup {}", part.display())).because(error);
    // What a backup left that was interrupted.
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
        _ => {}
    }
    // SQLite takes a file that is there and empty, so the mode is right from the first octet on.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(part).map_err(at)?;
    let mut source = connect(from, "open the database").await?;
    let text = part.to_str().ok_or_else(|| Fault::new("write the backup: its path is not UTF-8"))?;
    let copied = sqlx::query("VACUUM INTO ?").bind(text).execute(&mut source).await;
    copied.map_err(|error| Fault::database(format!("copy the database {}", from.display()), error))?;
    let _ = source.close().await;
    sound(part).await?;
    File::open(part).and_then(|file| file.sync_all()).map_err(at)
}

/// SQLite's own word on whether the copy can be used.
async fn sound(part: &Path) -> Result<(), Fault> {
    let doing = || format!("check the backup {}", part.display());
    let mut copy = connect(part, "open the backup").await?;
    let row = sqlx::query("PRAGMA quick_check(1)").fetch_one(&mut copy).await;
    let said =
        row.and_then(|row| row.try_get::<String, _>(0)).map_err(|error| Fault::database(doing(), error))?;
    let _ = copy.close().await;
    if said == "ok" { Ok(()) } else { Err(Fault::new(doing()).because(said)) }
}

async fn connect(path: &Path, doing: &str) -> Result<SqliteConnection, Fault> {
    // As it is: a copy has no journal, and asking for one would make files beside it.
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).busy_timeout(PATIENCE);
    options.connect().await.map_err(|error| Fault::database(format!("{doing} {}", path.display()), error))
}

/// Gives it its name, in whose place nothing may have come meanwhile.
fn place(part: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(part, to) {
        // Not every file system has links. What came there within this moment is lost then.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => std::fs::rename(part, to)?,
        linked => linked?,
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
