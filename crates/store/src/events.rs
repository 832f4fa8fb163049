//! Events: appended in the transaction of the change that they tell of, never changed.

use identity::Event;
use terms::EventId;

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::Tx;
use crate::value::Json;

impl FromRow for Event {
    const TABLE: &'static str = "event";
    const KEY: &'static str = "event_id";

    fn from_row(row: &Row) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("event_id")?,
            kind: row.parse("kind")?,
            at: row.time("at")?,
            actor: row.json("actor")?,
            subject: row.opt_text("subject")?,
            details: row.json("details")?,
        })
    }
}

impl Tx {
    /// Appends an event. It is counted when the transaction is committed.
    pub async fn append_event(&mut self, event: &Event) -> Result<(), Fault> {
        self.insert_event(event).await?;
        self.note_event(event.kind);
        Ok(())
    }
}

verbs! {
    write exec insert_event(it: &Event)
        [it.id, it.kind.as_str(), it.at, Json(&it.actor), it.subject, Json(&it.details)] =
        "INSERT INTO event (tenant_id, event_id, kind, at, actor, subject, details) VALUES ($1, $2, $3, $4, $5, $6, $7)";

    /// The newest first.
    pub read many events(limit: i64) -> Event =
        "SELECT event_id, kind, at, actor, subject, details
           FROM event WHERE tenant_id = $1 ORDER BY event_id DESC LIMIT $2";

    /// Those before one that a page ended with, the newest first.
    pub read many events_before(event: EventId, limit: i64) -> Event =
        "SELECT event_id, kind, at, actor, subject, details
           FROM event WHERE tenant_id = $1 AND event_id < $2 ORDER BY event_id DESC LIMIT $3";
}
