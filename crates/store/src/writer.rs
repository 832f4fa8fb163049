//! SQLite's one writing connection, with several commands in each commit.
//!
//! A FIFO mutex holds the connection. The first command of a group begins the transaction and, should it be undone, rolls it
//! back: it is alone in it. Each further one runs in a savepoint. Giving the mutex back wakes the committer, a thread that is
//! never cancelled; it queues for the same mutex, so that all who already wait join the group, then commits and answers
//! everybody. A commit waits for the disk; all else runs in place.
//!
//! A caller may be dropped between two statements. So the slot's state says what runs, and whoever comes next recovers
//! by the state found. A dropped caller's finished work may still commit, as after any lost answer.
//!
//! Whether SQLite itself has ended the transaction (disk full, I/O error) shows in pure SQL: then the savepoint is gone
//! too, and `ROLLBACK TO` fails. The whole group fails with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, watch};
use tokio::time::Instant;

use crate::fault::{DatabaseError, Failure, Fault};
use crate::pools::PATIENCE;
use crate::sqlite::{Access, Connection};

/// Until a file that another program makes, or writes to, is tried again.
const ANOTHER_WRITES: Duration = Duration::from_millis(5);

/// What becomes of a group: `None` while it is open.
type Outcome = Option<Result<(), Lost>>;

/// The group's transaction did not commit.
#[derive(Clone, Copy, Debug)]
struct Lost;

/// What the connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No transaction.
    Idle,
    /// The first command runs in the group's transaction.
    First,
    /// In the group's transaction, between commands.
    Open,
    /// A command runs within its savepoint.
    Running,
    /// `COMMIT` failed, or the transaction was lost: the connection is not to be trusted.
    Broken,
}

struct Slot {
    path: PathBuf,
    /// Absent while broken, and after closing.
    connection: Option<Connection>,
    state: State,
    group: watch::Sender<Outcome>,
    commits: Arc<AtomicU64>,
}

/// The writer, as the store holds it.
pub(crate) struct Writer {
    slot: Arc<Mutex<Slot>>,
    wake: mpsc::Sender<()>,
    commits: Arc<AtomicU64>,
}

/// A command's turn on the connection. Dropping it, however that comes, gives the connection to the next.
pub(crate) struct Turn {
    slot: OwnedMutexGuard<Slot>,
    outcome: watch::Receiver<Outcome>,
    wake: mpsc::Sender<()>,
}

impl Writer {
    pub(crate) async fn open(path: PathBuf) -> Result<Self, Fault> {
        let connection = connect(&path).await?;
        let (group, _) = watch::channel(None);
        let commits = Arc::<AtomicU64>::default();
        let slot = Slot {
            path,
            connection: Some(connection),
            state: State::Idle,
            group,
            commits: Arc::clone(&commits),
        };
        let slot = Arc::new(Mutex::new(slot));
        let (wake, woken) = mpsc::channel(1);
        let committer = {
            let slot = Arc::clone(&slot);
            std::thread::Builder::new().name("commits".to_owned()).spawn(move || commit_groups(&slot, woken))
        };
        committer.map_err(|error| Fault::new("start the thread that commits").because(error))?;
        Ok(Self { slot, wake, commits })
    }

    /// Groups committed since the start.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Waits for its turn, and until no other program writes.
    pub(crate) async fn begin(&self) -> Result<Turn, Fault> {
        let slot = tokio::time::timeout(PATIENCE, Arc::clone(&self.slot).lock_owned())
            .await
            .map_err(|_| Fault::busy("write: too many wait for the database"))?;
        let outcome = slot.group.subscribe();
        let mut turn = Turn { slot, outcome, wake: self.wake.clone() };
        turn.slot.recover()?;
        // Recovery may have ended the group that was open before.
        turn.outcome = turn.slot.group.subscribe();
        patiently(|| turn.slot.save()).await.map_err(|error| Fault::database("begin to write", error))?;
        Ok(turn)
    }

    /// Commits what is open and closes the connection. Writes that come later fail.
    pub(crate) async fn close(&self) {
        let mut slot = self.slot.lock().await;
        if slot.recover().is_ok() {
            slot.commit();
        }
        if let Some(connection) = slot.connection.take() {
            connection.close();
        }
        slot.state = State::Broken;
        slot.path = PathBuf::new();
    }
}

/// Opens the file, and makes it where there is none.
///
/// Of several that open a new file at once, one turns on its log. SQLite tells the others so at once, whatever their patience: two
/// that both hold on to the file while they wait for each other would never end.
pub(crate) async fn connect(path: &Path) -> Result<Connection, Fault> {
    make_private(path).map_err(|error| Fault::new(format!("make {}", path.display())).because(error))?;
    let opened = patiently(|| Connection::open(path, Access::Write)).await;
    opened.map_err(|error| Fault::database(format!("open {}", path.display()), error))
}

/// Tries until no other program stands in the way.
pub(crate) async fn patiently<T, E: Into<DatabaseError>>(
    mut attempt: impl FnMut() -> Result<T, E>,
) -> Result<T, DatabaseError> {
    let started = Instant::now();
    loop {
        match attempt().map_err(Into::into) {
            Err(error) if Failure::of(&error) == Failure::Busy && started.elapsed() < PATIENCE => {
                tokio::time::sleep(ANOTHER_WRITES).await;
            }
            tried => return tried,
        }
    }
}

/// A new database is readable by its owner only, wherever it lies: it is all about people. SQLite gives the files beside
/// it the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The committer, on a thread of its own: it waits for the disk, and nothing that others wait for may keep it waiting. It ends
/// when the store and every turn are gone.
fn commit_groups(slot: &Arc<Mutex<Slot>>, mut woken: mpsc::Receiver<()>) {
    while woken.blocking_recv().is_some() {
        let commit = || {
            let mut slot = Arc::clone(slot).blocking_lock_owned();
            if slot.recover().is_ok() {
                slot.commit();
            }
        };
        if catch_unwind(AssertUnwindSafe(commit)).is_err() {
            tracing::error!("the committer panicked; the group it was about is undone");
            let mut slot = Arc::clone(slot).blocking_lock_owned();
            slot.state = State::Broken;
            slot.answer(Err(Lost));
        }
    }
}

impl Slot {
    fn run(&mut self, sql: &'static str) -> Result<(), DatabaseError> {
        match &mut self.connection {
            Some(connection) => Ok(connection.execute(sql, &[]).map(|_| ())?),
            None => Err(rusqlite::Error::InvalidQuery.into()),
        }
    }

    /// Makes the state `Idle` or `Open` again, whatever the last holder left behind.
    fn recover(&mut self) -> Result<(), Fault> {
        match self.state {
            State::Idle | State::Open => return Ok(()),
            State::First | State::Running => self.undo(),
            State::Broken => {}
        }
        if self.state == State::Broken { self.reconnect() } else { Ok(()) }
    }

    fn reconnect(&mut self) -> Result<(), Fault> {
        if self.path.as_os_str().is_empty() {
            return Err(Fault::busy("write: the database is closed"));
        }
        self.answer(Err(Lost));
        // Closed before another one is opened: it may hold on to the file.
        self.connection = None;
        make_private(&self.path)
            .map_err(|error| Fault::new(format!("make {}", self.path.display())).because(error))?;
        let opened = Connection::open(&self.path, Access::Write);
        let failed = |error| Fault::database(format!("open {}", self.path.display()), error);
        self.connection = Some(opened.map_err(failed)?);
        self.state = State::Idle;
        Ok(())
    }

    /// Begins a command: the first of a group with the transaction, another one with a savepoint.
    fn save(&mut self) -> Result<(), DatabaseError> {
        let (sql, then) = match self.state {
            State::Idle => ("BEGIN IMMEDIATE", State::First),
            _ => ("SAVEPOINT command", State::Running),
        };
        self.run(sql)?;
        self.state = then;
        Ok(())
    }

    /// Adds the running command to its group.
    fn keep(&mut self) -> Result<(), DatabaseError> {
        if self.state == State::Running {
            self.run("RELEASE command")?;
        }
        self.state = State::Open;
        Ok(())
    }

    /// Rolls back the running command, and with it nothing else.
    fn undo(&mut self) {
        let undone = match self.state {
            State::First => self.run("ROLLBACK").map(|()| State::Idle),
            _ => self
                .run("ROLLBACK TO command")
                .and_then(|()| self.run("RELEASE command"))
                .map(|()| State::Open),
        };
        match undone {
            Ok(then) => self.state = then,
            Err(error) => self.lose("undo a command", error),
        }
    }

    /// Ends the group without a commit, and the connection with it.
    fn lose(&mut self, doing: &'static str, error: DatabaseError) {
        let error = Fault::database(doing, error);
        tracing::error!(%error, "SQLite's transaction is lost; its whole group is undone");
        self.state = State::Broken;
        self.answer(Err(Lost));
        let _ = self.run("ROLLBACK");
        if let Some(connection) = self.connection.take() {
            connection.close();
        }
    }

    fn commit(&mut self) {
        if self.state != State::Open {
            return;
        }
        // Whatever ends this step, nobody takes the connection for one with a transaction.
        self.state = State::Broken;
        match self.run("COMMIT") {
            Ok(()) => {
                self.state = State::Idle;
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.answer(Ok(()));
            }
            Err(error) => self.lose("commit", error),
        }
    }

    /// Tells everybody in the group, and opens the next one's books.
    fn answer(&mut self, outcome: Result<(), Lost>) {
        let group = std::mem::replace(&mut self.group, watch::channel(None).0);
        group.send_replace(Some(outcome));
    }
}

impl Turn {
    /// The connection, within this command's part of the transaction.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection, Fault> {
        self.slot.connection.as_mut().ok_or_else(|| Fault::busy("write: the database is closed"))
    }

    /// Ends the command, gives the connection to the next and waits for the group's commit. A command that is undone
    /// waits too: what it saw may have been written by others of its group.
    pub(crate) async fn end(mut self, keep: bool) -> Result<(), Fault> {
        if keep {
            if let Err(error) = self.slot.keep() {
                self.slot.lose("keep a command", error);
            }
        } else {
            self.slot.undo();
            if self.slot.state == State::Idle {
                // It was alone in its group, of which nothing is left to wait for.
                return Ok(());
            }
        }
        let mut outcome = self.outcome.clone();
        drop(self);
        let outcome = outcome.wait_for(Option::is_some).await.map(|outcome| *outcome);
        match outcome {
            Ok(Some(Ok(()))) => Ok(()),
            _ => Err(Fault::busy("commit: the database undid what was written")),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A full channel means that the committer is already on its way.
        let _ = self.wake.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineKind;
    use crate::testing::TestDatabase;

    async fn writer() -> (Writer, PathBuf) {
        let folder = std::env::temp_dir().join(format!(
            "portico_writer_{}_{}",
            std::process::id(),
            crate::testing::unique()
        ));
        std::fs::create_dir_all(&folder).unwrap();
        let writer = Writer::open(folder.join("portico.db")).await.unwrap();
        let turn = turn(&writer, "CREATE TABLE t (v TEXT NOT NULL)").await.unwrap();
        turn.end(true).await.unwrap();
        (writer, folder)
    }

    async fn turn(writer: &Writer, sql: &'static str) -> Result<Turn, Fault> {
        let mut turn = writer.begin().await?;
        turn.slot.run(sql).map_err(|error| Fault::database(sql, error))?;
        Ok(turn)
    }

    fn rows(folder: &Path) -> i64 {
        let mut connection = Connection::open(&folder.join("portico.db"), Access::Read).unwrap();
        connection.raw().query_row("SELECT COUNT(*) FROM t", (), |row| row.get(0)).unwrap()
    }

    const INSERT: &str = "INSERT INTO t VALUES ('x')";

    #[tokio::test]
    async fn a_new_database_is_its_owners_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let (writer, folder) = writer().await;
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
        assert!(files.len() > 1, "no journal beside the database");
        for file in files {
            let mode = file.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{}", file.path().display());
        }
        writer.close().await;
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn those_who_wait_share_a_commit() {
        let (writer, folder) = writer().await;
        let first = turn(&writer, INSERT).await.unwrap();
        let group = first.outcome.clone();
        let (second, ()) = tokio::join!(writer.begin(), async {
            // `begin` is in the queue by now, the committer behind it.
            tokio::spawn(first.end(true));
        });
        let second = second.unwrap();
        assert!(second.outcome.same_channel(&group), "the second joined the first's group");
        assert_eq!(rows(&folder), 0, "nothing is committed while the second runs");
        second.end(true).await.unwrap();
        assert_eq!(rows(&folder), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn whatever_state_a_dropped_caller_leaves_the_next_command_works() {
        for state in [State::First, State::Broken] {
            let (writer, folder) = writer().await;
            let mut left = turn(&writer, INSERT).await.unwrap();
            left.slot.state = state;
            drop(left);
            let next = turn(&writer, INSERT).await.unwrap();
            next.end(true).await.unwrap();
            assert_eq!(rows(&folder), 1, "{state:?}");
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    #[tokio::test]
    async fn whatever_a_dropped_caller_leaves_those_before_it_in_the_group_are_kept() {
        let (writer, folder) = writer().await;
        let mut first = turn(&writer, INSERT).await.unwrap();
        let group = first.outcome.clone();
        first.slot.keep().unwrap();
        first.slot.save().unwrap();
        first.slot.run(INSERT).unwrap();
        // The next one is in the queue before the committer is woken.
        let (next, ()) = tokio::join!(turn(&writer, INSERT), async { drop(first) });
        let next = next.unwrap();
        assert!(next.outcome.same_channel(&group), "the group goes on");
        next.end(true).await.unwrap();
        assert!(group.borrow().is_some_and(|outcome| outcome.is_ok()), "the group was lost");
        assert_eq!(rows(&folder), 2, "of the one that was dropped within its command nothing is left");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn who_opens_a_file_that_another_program_is_making_waits() {
        let database = TestDatabase::make(EngineKind::Sqlite).await;
        let other = rusqlite::Connection::open(database.url()).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE t (v TEXT NOT NULL)").unwrap();
        let freed = async {
            tokio::time::sleep(ANOTHER_WRITES * 4).await;
            other.execute_batch("COMMIT").unwrap();
        };
        let (opened, ()) = tokio::join!(connect(Path::new(database.url())), freed);
        opened.unwrap().batch("INSERT INTO t VALUES ('x')").unwrap();
    }

    #[tokio::test]
    async fn while_another_program_writes_a_command_waits() {
        let (writer, folder) = writer().await;
        let mut other = connect(&folder.join("portico.db")).await.unwrap();
        other.batch("BEGIN IMMEDIATE").unwrap();
        let waiting = turn(&writer, INSERT);
        let freed = async {
            tokio::time::sleep(ANOTHER_WRITES * 4).await;
            assert_eq!(rows(&folder), 0);
            other.batch("INSERT INTO t VALUES ('theirs'); COMMIT").unwrap();
        };
        let (turn, ()) = tokio::join!(waiting, freed);
        turn.unwrap().end(true).await.unwrap();
        assert_eq!(rows(&folder), 2);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_fails_its_group_and_no_later_one() {
        let (writer, folder) = writer().await;
        let good = turn(&writer, INSERT).await.unwrap();
        let good = tokio::spawn(good.end(true));
        let mut full = writer.begin().await.unwrap();
        full.connection().unwrap().batch("PRAGMA max_page_count = 1").unwrap();
        let error = full.slot.run("INSERT INTO t VALUES (zeroblob(1000000))").unwrap_err();
        let error = Fault::database("fill the disk", error).to_string();
        assert!(error.contains("full"), "{error}");
        let full = full.end(false).await;
        let good = good.await.unwrap();
        // SQLite may undo the statement or the whole transaction: either way the answers tell what is on the disk.
        let next = turn(&writer, INSERT).await.unwrap();
        next.end(true).await.unwrap();
        assert_eq!(rows(&folder), 1 + i64::from(good.is_ok()), "{full:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_is_noticed_in_time() {
        let (writer, folder) = writer().await;
        let mut lost = turn(&writer, INSERT).await.unwrap();
        // What SQLite does by itself after some I/O errors.
        lost.slot.run("ROLLBACK").unwrap();
        assert!(lost.end(false).await.unwrap_err().is_busy());
        let next = turn(&writer, INSERT).await.unwrap();
        next.end(true).await.unwrap();
        assert_eq!(rows(&folder), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
