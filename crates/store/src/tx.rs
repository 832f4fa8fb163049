use std::cell::Cell;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use identity::EventKind;
use terms::TenantId;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::fault::{DatabaseError, Failure, Fault};
use crate::statement::{Conn, Place};
use crate::store::{Engine, Store};

/// The reading verbs of one tenant. By itself each verb sees the newest committed state; within a [`Tx`], the transaction's.
pub struct Read {
    tenant: TenantId,
    conn: Conn,
}

impl Read {
    pub(crate) fn new(tenant: TenantId, conn: Conn) -> Self {
        Self { tenant, conn }
    }

    /// The tenant that every verb is bound to.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub(crate) fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// A transaction of one tenant: its writing verbs, and by [`Deref`] the reading ones. Made by [`write_tx!`](crate::write_tx) only.
pub struct Tx {
    read: Read,
    /// Whether a mail was appended, so that those who send are woken when it is there for others to see.
    mailed: bool,
    /// Whether something was changed that nodes keep in memory.
    reconfigured: bool,
    /// What was appended, for the tally of what was committed.
    events: Vec<EventKind>,
}

impl Tx {
    /// Whether no other command of any node runs: on SQLite they come one after the other, so what one reads holds until it ends.
    pub(crate) fn is_alone(&self) -> bool {
        self.read.conn.is_writer()
    }

    /// To be called by whatever verb appends a mail.
    pub(crate) fn note_mail(&mut self) {
        self.mailed = true;
    }

    /// To be called by whatever verb changes what nodes keep in memory.
    pub(crate) fn note_reconfiguration(&mut self) {
        self.reconfigured = true;
    }

    /// To be called by whatever verb appends an event.
    pub(crate) fn note_event(&mut self, event: EventKind) {
        self.events.push(event);
    }
}

impl Deref for Tx {
    type Target = Read;

    fn deref(&self) -> &Read {
        &self.read
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Read {
        &mut self.read
    }
}

/// Lookups that come before a tenant is known, and those of jobs that go through all of them.
pub struct Directory {
    conn: Conn,
}

impl Directory {
    pub(crate) fn new(conn: Conn) -> Self {
        Self { conn }
    }

    pub(crate) fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// How long a command's body may hold the writer. Generous: a body awaits nothing but the store.
const BODY_LIMIT: Duration = Duration::from_secs(5);
/// How often a command is run again when PostgreSQL asks for it.
const RUNS: u32 = 20;
/// From this run on a command has this node's writing to itself, so that only other nodes can still be met.
const ALONE_FROM: u32 = 4;
/// Before the first run alone; each further one waits twice as long, up to the longest: all of them together a second.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

tokio::task_local! {
    /// Set while a command's body runs.
    static WRITING: Cell<()>;
}

/// Whether the caller is within the body of a [`write_tx!`](crate::write_tx).
pub(crate) fn in_a_write() -> bool {
    WRITING.try_with(|_| ()).is_ok()
}

/// Runs a command: a block that reads, decides and writes through `tx`, and is committed as a whole or not at all.
///
/// ```text
/// let spent = write_tx!(app.store, tenant, |tx| -> Result<CodeSpent, Fault> {
///     tx.spend_code(hash, now).await
/// })?;
/// ```
///
/// - The block **may be run again** (PostgreSQL asks for it when two transactions meet), so it borrows what it needs,
///   moves nothing out of its surroundings, and has no other effect. Ids, secrets and `now` are made before it.
/// - It awaits only the store's verbs on `tx`. It holds SQLite's only writer: a time limit ends it, and a second write
///   or a `store.read(..)` inside it is a fault.
/// - `Ok` commits and `Err` rolls back. So a refusal that must stand by what it read, or must write, is an `Ok(outcome)`.
/// - `?` and `return` leave the block, not the function around it. The error type takes a [`Fault`] by `From`.
/// - A caller that is dropped while it waits may find its work committed: a retry must come out the same.
#[macro_export]
macro_rules! write_tx {
    ($store:expr, $tenant:expr, |$tx:ident| -> Result<$ok:ty, $err:ty> $body:block) => {
        $crate::write_tx!(@run $store.command($tenant), |$tx| -> Result<$ok, $err> $body)
    };
    (@run $command:expr, |$tx:ident| -> Result<$ok:ty, $err:ty> $body:block) => {{
        let mut command = $command;
        loop {
            match command.begin().await {
                Err(fault) => break Err(<$err>::from(fault)),
                Ok(mut tx) => {
                    let result: Result<$ok, $err> = {
                        let $tx = &mut tx;
                        $crate::limited(async { $body }).await
                    };
                    if let Some(result) = command.end(tx, result).await {
                        break result;
                    }
                }
            }
        }
    }};
}

/// A command's body with its time limit. A part of [`write_tx!`](crate::write_tx).
#[doc(hidden)]
pub async fn limited<T, E: From<Fault>>(body: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    match tokio::time::timeout(BODY_LIMIT, WRITING.scope(Cell::new(()), body)).await {
        Ok(result) => result,
        Err(_) => Err(Fault::busy("finish a transaction in time").into()),
    }
}

/// Runs a command all of whose conditions stand in its own statements: guards, whose answers it heeds.
///
/// It is written as a [`write_tx!`](crate::write_tx) is. PostgreSQL runs it READ COMMITTED: each statement sees what was committed
/// before it, and a guard that meets another transaction waits for it and is looked at again. What the block reads may change until
/// it commits, so nothing may depend on that. It neither fails nor makes others fail for what merely lies nearby.
#[macro_export]
macro_rules! write_guarded {
    ($store:expr, $tenant:expr, |$tx:ident| -> Result<$ok:ty, $err:ty> $body:block) => {
        $crate::write_tx!(@run $store.command_of_guards($tenant), |$tx| -> Result<$ok, $err> $body)
    };
}

/// Runs a command that is one writing verb.
///
/// ```text
/// write_one!(app.store, tenant, |tx| -> Result<(), Fault> { tx.insert_flow(&flow).await })?;
/// ```
///
/// All that holds for [`write_tx!`](crate::write_tx) holds here, and a second statement is a fault. PostgreSQL runs it by itself,
/// in one message instead of three, and READ COMMITTED: what it depends on stands in its own conditions, which are looked at
/// again when another transaction has changed the row. So it neither fails nor makes others fail for what merely lies nearby.
#[macro_export]
macro_rules! write_one {
    ($store:expr, $tenant:expr, |$tx:ident| -> Result<$ok:ty, $err:ty> $body:block) => {
        $crate::write_tx!(@run $store.command_of_one($tenant), |$tx| -> Result<$ok, $err> $body)
    };
}

/// The runs of one command. A part of [`write_tx!`](crate::write_tx).
#[doc(hidden)]
pub struct Command<'s> {
    store: &'s Store,
    tenant: TenantId,
    isolation: Isolation,
    runs: u32,
    turn: Option<NodeTurn>,
}

/// How PostgreSQL keeps a command from others. On SQLite commands come one after the other in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Isolation {
    Serializable,
    /// Its guards are enough.
    Guarded,
    /// It is one statement, which is a transaction by itself.
    Single,
}

/// A command's part in this node's writing on PostgreSQL, held for as long as it runs.
enum NodeTurn {
    Shared { _guard: OwnedRwLockReadGuard<()> },
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

impl<'s> Command<'s> {
    pub(crate) fn new(store: &'s Store, tenant: TenantId, isolation: Isolation) -> Self {
        Self { store, tenant, isolation, runs: 0, turn: None }
    }

    pub async fn begin(&mut self) -> Result<Tx, Fault> {
        Box::pin(self.begin_run()).await
    }

    async fn begin_run(&mut self) -> Result<Tx, Fault> {
        if in_a_write() {
            return Err(Fault::new("begin a transaction within another one"));
        }
        self.runs += 1;
        let place = match self.store.engine() {
            Engine::Sqlite { writer, .. } => Place::Writer { turn: writer.begin().await?, failure: None },
            Engine::Postgres { pool, .. } if self.isolation == Isolation::Single => {
                Place::Single { pool: pool.clone(), failure: None }
            }
            Engine::Postgres { pool, turns } => {
                self.take_turn(turns).await;
                let begin = match self.isolation {
                    Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
                    Isolation::Guarded | Isolation::Single => "BEGIN ISOLATION LEVEL READ COMMITTED",
                };
                let failed = |error: sqlx::Error| Fault::database("begin a transaction", error);
                Place::Transaction { tx: pool.begin(begin).await.map_err(failed)?, failure: None }
            }
        };
        let conn =
            Conn::new(place, Arc::clone(self.store.tally())).of_one(self.isolation == Isolation::Single);
        Ok(Tx { read: Read::new(self.tenant, conn), mailed: false, reconfigured: false, events: Vec::new() })
    }

    /// Those whose runs keep failing for the sake of others get this node's writing to themselves: all of them at once would keep
    /// meeting until their runs are used up.
    async fn take_turn(&mut self, turns: &Arc<RwLock<()>>) {
        let turns = || Arc::clone(turns);
        match self.turn {
            None => self.turn = Some(NodeTurn::Shared { _guard: turns().read_owned().await }),
            Some(NodeTurn::Shared { .. }) if self.runs >= ALONE_FROM => {
                // Given back first: two that wait for each other would wait for good.
                self.turn = None;
                self.turn = Some(NodeTurn::Alone { _guard: turns().write_owned().await });
            }
            Some(_) => {}
        }
        if let Some(earlier) = self.runs.checked_sub(ALONE_FROM) {
            // What it meets is another node's and still under way: at once, it would only meet it again.
            let pause = FIRST_PAUSE * 2_u32.saturating_pow(earlier).min(1 << 16);
            tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
        }
    }

    /// Commits or rolls back. `None`: the command is to be run again.
    pub async fn end<T, E: From<Fault>>(&mut self, tx: Tx, result: Result<T, E>) -> Option<Result<T, E>> {
        let Tx { read, mailed, reconfigured, events } = tx;
        let ended = Box::pin(self.commit_or_roll_back(read.conn.into_place(), result)).await;
        // Also when nobody knows whether it was committed. The version is what tells of one whose caller was dropped meanwhile.
        if reconfigured {
            self.store.reconfigured(self.tenant);
        }
        if let Some(Ok(_)) = ended {
            self.store.tally().committed(&events);
            if mailed {
                self.store.mail_appended().notify_one();
            }
        }
        ended
    }

    async fn commit_or_roll_back<T, E: From<Fault>>(
        &mut self,
        place: Place,
        result: Result<T, E>,
    ) -> Option<Result<T, E>> {
        match place {
            Place::Writer { turn, failure } => {
                let keep = result.is_ok() && failure.is_none();
                match turn.end(keep).await {
                    Err(fault) => Some(Err(fault.into())),
                    Ok(()) if failure.is_some() && result.is_ok() => Some(Err(swallowed().into())),
                    Ok(()) => Some(result),
                }
            }
            Place::Transaction { tx, failure: None } => {
                if result.is_err() {
                    // Dropping it rolls back as well; waiting for it keeps the pool's connections ready.
                    tx.roll_back().await;
                    return Some(result);
                }
                match tx.commit().await {
                    Ok(()) => Some(result),
                    Err(error) => {
                        let error = DatabaseError::from(error);
                        self.again_or(Failure::of(&error), || Fault::database("commit", error).into())
                    }
                }
            }
            Place::Transaction { tx, failure: Some(failure) } => {
                tx.roll_back().await;
                match result {
                    Ok(_) => self.again_or(failure, || swallowed().into()),
                    Err(error) => self.again_or(failure, || error),
                }
            }
            Place::Single { failure, .. } => match (failure, result) {
                (None, result) => Some(result),
                (Some(_), Ok(_)) => Some(Err(swallowed().into())),
                (Some(failure), Err(error)) => self.again_or(failure, || error),
            },
            // A `Tx` is made over the others only.
            Place::Pool(_) => Some(Err(swallowed().into())),
        }
    }

    fn again_or<T, E: From<Fault>>(
        &self,
        failure: Failure,
        error: impl FnOnce() -> E,
    ) -> Option<Result<T, E>> {
        match failure {
            Failure::Again if self.runs < RUNS => None,
            Failure::Again => Some(Err(Fault::busy("write: others kept changing the same rows").into())),
            Failure::Busy | Failure::Final => Some(Err(error())),
        }
    }
}

fn swallowed() -> Fault {
    Fault::new("commit: a statement had failed, and the command went on")
}
