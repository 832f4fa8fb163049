//! A copy of an SQLite database as it is at one moment, made while others write.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::fault::Fault;
use crate::pools::PATIENCE;
use crate::sqlite::{Access, Connection};

/// Writes a copy of the database at `from` to the file `to`, which must not exist. Only its owner may read the copy, and it is there
/// under that name only when it is whole, sound, and on the disk.
///
/// It reads one state of the database, and nobody who writes waits for it.
pub async fn sqlite(from: &Path, to: &Path) -> Result<(), Fault> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let copied = tokio::task::spawn_blocking(move || copy(&from, &to)).await;
    copied.map_err(|error| Fault::new("write the backup").because(error))?
}

fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    let failed = |doing: &str, path: &Path| Fault::new(format!("{doing} {}", path.display()));
    if to.exists() {
        return Err(failed("write the backup", to).because("there is a file of that name already"));
    }
    let part = PathBuf::from(format!("{}.part", to.display()));
    let made = write(from, &part);
    let placed =
        made.and_then(|()| place(&part, to).map_err(|error| failed("write the backup", to).because(error)));
    // Where it went well this takes the second name away, else what was begun.
    let _ = std::fs::remove_file(&part);
    placed
}

fn write(from: &Path, part: &Path) -> Result<(), Fault> {
    let at = |error: io::Error| Fault::new(format!("write the backup {}", part.display())).because(error);
    // What a backup left that was interrupted.
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
        _ => {}
    }
    // SQLite takes a file that is there and empty, so the mode is right from the first octet on.
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(part).map_err(at)?;
    let mut source = connect(from, "open the database")?;
    let text = part.to_str().ok_or_else(|| Fault::new("write the backup: its path is not UTF-8"))?;
    let copied = source.raw().execute("VACUUM INTO ?1", (text,));
    copied.map_err(|error| Fault::database(format!("copy the database {}", from.display()), error))?;
    source.close();
    sound(part)?;
    File::open(part).and_then(|file| file.sync_all()).map_err(at)
}

/// SQLite's own word on whether the copy can be used.
fn sound(part: &Path) -> Result<(), Fault> {
    let doing = || format!("check the backup {}", part.display());
    let mut copy = connect(part, "open the backup")?;
    let said = copy.raw().query_row("PRAGMA quick_check(1)", (), |row| row.get::<_, String>(0));
    let said = said.map_err(|error| Fault::database(doing(), error))?;
    copy.close();
    if said == "ok" { Ok(()) } else { Err(Fault::new(doing()).because(said)) }
}

fn connect(path: &Path, doing: &str) -> Result<Connection, Fault> {
    let failed = |error| Fault::database(format!("{doing} {}", path.display()), error);
    // As it is: a copy has no journal, and asking for one would make files beside it.
    let mut connection = Connection::open(path, Access::AsItIs).map_err(failed)?;
    connection.raw().busy_timeout(PATIENCE).map_err(failed)?;
    Ok(connection)
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
