//! SQLite's one writing connection, with several commands in each commit.
//!
//! A FIFO mutex holds the connection. The first command of a group begins the transaction and, should it be undone, rolls it
//! back: it is alone in it. Each further one runs in a savepoint. Giving the mutex back wakes the committer, a task that is
//! never cancelled; it queues for the same mutex, so that all who already wait join the group, then commits and answers
//! everybody. A savepoint is released together with whatever runs next, since to wake the connection's thread costs more than
//! what it is woken for.
//!
//! A caller may be dropped at any await. So the slot's state is written down *before* each step, and whoever comes
//! next recovers by the state found. A dropped caller's finished work may still commit, as after any lost answer.
//!
//! Whether SQLite itself has ended the transaction (disk full, I/O error) shows in pure SQL: then the savepoint is gone
//! too, and `ROLLBACK TO` fails. The whole group fails with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, watch};

use crate::fault::{Failure, Fault};
use crate::pools::{PATIENCE, sqlite_options};

/// Until a file that another one is just making is tried again.
const OPENED_BY_ANOTHER: Duration = Duration::from_millis(10);

/// What becomes of a group: `None` while it is open.
type Outcome = Option<Result<(), Lost>>;

/// The group's transaction did not commit.
#[derive(Clone, Copy, Debug)]
struct Lost;

/// What the connection was doing last. Written before the step, so that it is right also when the step is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No transaction.
    Idle,
    /// `BEGIN` may have run.
    Beginning,
    /// The first command runs in the group's transaction.
    First,
    /// In the group's transaction, between commands.
    Open,
    /// The same, with the savepoint of the last command, of which what it holds is to be kept.
    Kept,
    /// The last command's `RELEASE` may have run, if it had a savepoint, and then the next one's `SAVEPOINT`; nothing after it.
    Saving,
    /// A command runs within its savepoint.
    Running,
    /// `COMMIT` failed, or the transaction was lost: the connection is not to be trusted.
    Broken,
}

struct Slot {
    path: PathBuf,
    /// Absent while broken, and after closing.
    connection: Option<SqliteConnection>,
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
        tokio::spawn(commit_groups(Arc::clone(&slot), woken));
        Ok(Self { slot, wake, commits })
    }

    /// Groups committed since the start.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Waits for its turn and opens a savepoint.
    pub(crate) async fn begin(&self) -> Result<Turn, Fault> {
        let slot = tokio::time::timeout(PATIENCE, Arc::clone(&self.slot).lock_owned())
            .await
            .map_err(|_| Fault::busy("write: too many wait for the database"))?;
        let outcome = slot.group.subscribe();
        let mut turn = Turn { slot, outcome, wake: self.wake.clone() };
        turn.slot.recover().await?;
        // Recovery may have ended the group that was open before.
        turn.outcome = turn.slot.group.subscribe();
        turn.slot.save().await?;
        Ok(turn)
    }

    /// Commits what is open and closes the connection. Writes that come later fail.
    pub(crate) async fn close(&self) {
        let mut slot = self.slot.lock().await;
        if slot.recover().await.is_ok() {
            slot.commit().await;
        }
        if let Some(connection) = slot.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "SQLite's writing connection did not close cleanly");
        }
        slot.state = State::Broken;
        slot.path = PathBuf::new();
    }
}

pub(crate) async fn connect(path: &Path) -> Result<SqliteConnection, Fault> {
    make_private(path).map_err(|error| Fault::new(format!("make {}", path.display())).because(error))?;
    let options = sqlite_options(path);
    let started = Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => return Ok(connection),
            // Of several that open a new file at once, one turns on its log. SQLite tells the others so without waiting: two
            // that both hold on to the file while they wait for each other would never end.
            Err(error) if Failure::of(&error) == Failure::Busy && started.elapsed() < PATIENCE => {
                tokio::time::sleep(OPENED_BY_ANOTHER).await;
            }
            Err(error) => return Err(Fault::database(format!("open {}", path.display()), error)),
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

/// The committer. It ends when the store and every turn are gone.
async fn commit_groups(slot: Arc<Mutex<Slot>>, mut woken: mpsc::Receiver<()>) {
    while woken.recv().await.is_some() {
        let mut slot = slot.lock().await;
        if slot.recover().await.is_ok() {
            slot.commit().await;
        }
    }
}

impl Slot {
    async fn run(&mut self, sql: &'static str) -> Result<(), Fault> {
        let connection = self
            .connection
            .as_mut()
            .ok_or_else(|| Fault::busy(format!("run {sql}: the database is closed")))?;
        // As plain statements nothing is known to sqlx of our transaction: its depth counter stays at zero. They are prepared once.
        sqlx::query::<sqlx::Sqlite>(sql)
            .execute(connection)
            .await
            .map(|_| ())
            .map_err(|error| Fault::database(format!("run {sql}"), error))
    }

    /// Makes the state `Idle` or `Open` again, whatever the last holder left behind.
    async fn recover(&mut self) -> Result<(), Fault> {
        match self.state {
            State::Idle | State::Open | State::Kept => return Ok(()),
            State::Beginning => {
                // Fails where `BEGIN` didn't run, which is as good.
                let _ = self.run("ROLLBACK").await;
                self.state = State::Idle;
                return Ok(());
            }
            State::Saving => {
                // The savepoint is the one that is kept, or the next one with nothing in it. Or there is none, and this fails.
                let _ = self.run("RELEASE command").await;
                self.state = State::Open;
            }
            State::First | State::Running => self.undo().await,
            State::Broken => {}
        }
        if self.state == State::Broken { self.reconnect().await } else { Ok(()) }
    }

    async fn reconnect(&mut self) -> Result<(), Fault> {
        if self.path.as_os_str().is_empty() {
            return Err(Fault::busy("write: the database is closed"));
        }
        self.connection = Some(connect(&self.path).await?);
        self.state = State::Idle;
        Ok(())
    }

    /// Begins a command: the first of a group with the transaction, another one with a savepoint.
    async fn save(&mut self) -> Result<(), Fault> {
        let (state, sql, then) = match self.state {
            State::Idle => (State::Beginning, "BEGIN IMMEDIATE", State::First),
            State::Kept => (State::Saving, "RELEASE command; SAVEPOINT command", State::Running),
            _ => (State::Saving, "SAVEPOINT command", State::Running),
        };
        self.state = state;
        self.run(sql).await?;
        self.state = then;
        Ok(())
    }

    /// Rolls back the running command, and with it nothing else.
    async fn undo(&mut self) {
        let (sql, then) = match self.state {
            State::First => ("ROLLBACK", State::Idle),
            // Its savepoint is then empty, and released with what runs next. Cut off, this can be done again.
            _ => ("ROLLBACK TO command", State::Kept),
        };
        match self.run(sql).await {
            Ok(()) => self.state = then,
            Err(error) => {
                tracing::error!(%error, "SQLite ended the transaction by itself; its whole group is undone");
                self.lose().await;
            }
        }
    }

    /// Ends the group without a commit, and the connection with it.
    async fn lose(&mut self) {
        self.state = State::Broken;
        // Before anything is awaited: a caller that is dropped there must not leave the group to be answered by the next commit.
        self.answer(Err(Lost));
        let _ = self.run("ROLLBACK").await;
        if let Some(connection) = self.connection.take() {
            let _ = connection.close().await;
        }
    }

    async fn commit(&mut self) {
        let sql = match self.state {
            State::Open => "COMMIT",
            State::Kept => "RELEASE command; COMMIT",
            _ => return,
        };
        match self.run(sql).await {
            Ok(()) => {
                self.state = State::Idle;
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.answer(Ok(()));
            }
            Err(error) => {
                tracing::error!(%error, "SQLite did not commit");
                self.lose().await;
            }
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
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, Fault> {
        self.slot.connection.as_mut().ok_or_else(|| Fault::busy("write: the database is closed"))
    }

    /// Ends the command, gives the connection to the next and waits for the group's commit. A command that is undone
    /// waits too: what it saw may have been written by others of its group.
    pub(crate) async fn end(mut self, keep: bool) -> Result<(), Fault> {
        if keep {
            self.slot.state = if self.slot.state == State::First { State::Open } else { State::Kept };
        } else {
            self.slot.undo().await;
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
        turn.slot.run(sql).await?;
        Ok(turn)
    }

    async fn rows(folder: &Path) -> i64 {
        let mut connection = connect(&folder.join("portico.db")).await.unwrap();
        sqlx::query_scalar("SELECT COUNT(*) FROM t").fetch_one(&mut connection).await.unwrap()
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
        assert_eq!(rows(&folder).await, 0, "nothing is committed while the second runs");
        second.end(true).await.unwrap();
        assert_eq!(rows(&folder).await, 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn whatever_state_a_dropped_caller_leaves_the_next_command_works() {
        for state in [State::Beginning, State::First, State::Broken] {
            let (writer, folder) = writer().await;
            let mut left = turn(&writer, INSERT).await.unwrap();
            left.slot.state = state;
            drop(left);
            let next = turn(&writer, INSERT).await.unwrap();
            next.end(true).await.unwrap();
            assert_eq!(rows(&folder).await, 1, "{state:?}");
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    #[tokio::test]
    async fn whatever_a_dropped_caller_leaves_those_before_it_in_the_group_are_kept() {
        // How far each came: of two who are kept, the second has a savepoint.
        for (state, sql) in [
            (State::Saving, None),
            (State::Saving, Some("RELEASE command")),
            (State::Saving, Some("RELEASE command; SAVEPOINT command")),
            (State::Running, Some("RELEASE command; SAVEPOINT command; INSERT INTO t VALUES ('left')")),
            (State::Kept, None),
        ] {
            let (writer, folder) = writer().await;
            let mut first = turn(&writer, INSERT).await.unwrap();
            let group = first.outcome.clone();
            // Without its end, so that the committer isn't woken: the next one takes the mutex from here.
            first.slot.state = State::Open;
            first.slot.save().await.unwrap();
            first.slot.run(INSERT).await.unwrap();
            first.slot.state = state;
            if let Some(sql) = sql {
                first.slot.run(sql).await.unwrap();
            }
            drop(first);
            let next = turn(&writer, INSERT).await.unwrap();
            assert!(next.outcome.same_channel(&group), "{state:?} {sql:?}");
            next.end(true).await.unwrap();
            let committed = group.borrow().is_some_and(|outcome| outcome.is_ok());
            assert!(committed, "{state:?} {sql:?}: the group was lost");
            assert_eq!(rows(&folder).await, 3, "{state:?} {sql:?}");
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    #[tokio::test]
    async fn a_full_disk_fails_its_group_and_no_later_one() {
        let (writer, folder) = writer().await;
        let good = turn(&writer, INSERT).await.unwrap();
        let good = tokio::spawn(good.end(true));
        let mut full = writer.begin().await.unwrap();
        full.slot.run("PRAGMA max_page_count = 1").await.unwrap();
        let error = full.slot.run("INSERT INTO t VALUES (zeroblob(1000000))").await.unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
        let full = full.end(false).await;
        let good = good.await.unwrap();
        // SQLite may undo the statement or the whole transaction: either way the answers tell what is on the disk.
        let next = turn(&writer, INSERT).await.unwrap();
        next.end(true).await.unwrap();
        assert_eq!(rows(&folder).await, 1 + i64::from(good.is_ok()), "{full:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_is_noticed_in_time() {
        let (writer, folder) = writer().await;
        let mut lost = turn(&writer, INSERT).await.unwrap();
        // What SQLite does by itself after some I/O errors.
        lost.slot.run("ROLLBACK").await.unwrap();
        assert!(lost.end(false).await.unwrap_err().is_busy());
        let next = turn(&writer, INSERT).await.unwrap();
        next.end(true).await.unwrap();
        assert_eq!(rows(&folder).await, 1);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
