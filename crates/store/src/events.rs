//! Events: appended in the transaction of the change that they tell of, never changed. Only addresses are taken out of
//! them, with the person whose they were.

use core::net::IpAddr;

use identity::{Event, EventKind};
use terms::{EventId, Timestamp, UserId};

use crate::fault::Fault;
use crate::row::{BadColumn, FromRow, Row};
use crate::statement::verbs;
use crate::tx::{Read, Tx};
use crate::value::Json;

impl FromRow for Event {
    const TABLE: &'static str = "event";
    const KEY: &'static str = "event_id";

    fn from_row(row: &Row<'_>) -> Result<Self, BadColumn> {
        Ok(Self {
            id: row.parse("event_id")?,
            kind: row.parse("kind")?,
            at: row.time("at")?,
            actor: row.json("actor")?,
            subject: row.opt_text("subject")?,
            address: row.opt_parse::<IpAddr>("address")?,
            details: row.json("details")?,
        })
    }
}

/// Which events are asked for. Each that is given narrows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    pub kind: Option<EventKind>,
    /// The id of whoever did it or of what was changed.
    pub about: Option<String>,
    /// From this instant on, and before that one.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Older than the event that a page ended with.
    pub before: Option<EventId>,
}

impl EventFilter {
    /// An id tells its time, so an interval of time is one of ids. The least id that is too new, and the least that is
    /// asked for.
    fn bounds(&self) -> (String, String) {
        let id_at = |at: Timestamp| EventId::new(at, [0; 10]).to_string();
        let newest = [self.until.map(id_at), self.before.map(|event| event.to_string())];
        // Greater than every id: those have digits and small letters behind their prefix.
        let too_new = newest.into_iter().flatten().min().unwrap_or_else(|| "evt_g".to_owned());
        (too_new, self.since.map(id_at).unwrap_or_default())
    }
}

impl Read {
    /// The newest of all.
    pub async fn events(&mut self, most: u32) -> Result<Vec<Event>, Fault> {
        self.events_where(&EventFilter::default(), most).await
    }

    /// The newest first.
    pub async fn events_where(&mut self, filter: &EventFilter, most: u32) -> Result<Vec<Event>, Fault> {
        let (too_new, least) = filter.bounds();
        let kind = filter.kind.map(EventKind::as_str);
        match (&filter.about, kind) {
            (Some(about), kind) => self.events_about(about, kind, &too_new, &least, most).await,
            (None, Some(kind)) => self.events_of_kind(kind, &too_new, &least, most).await,
            (None, None) => self.events_between(&too_new, &least, most).await,
        }
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
        [it.id, it.kind.as_str(), it.at, Json(&it.actor), it.actor.id(), it.subject, it.address.map(|it| it.to_string()), Json(&it.details)] =
        "INSERT INTO event (tenant_id, event_id, kind, at, actor, actor_id, subject, address, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

    pub read opt event(event: EventId) -> Event =
        "SELECT event_id, kind, at, actor, subject, address, details FROM event WHERE tenant_id = $1 AND event_id = $2";

    read many events_between(too_new: &str, least: &str, most: u32) -> Event =
        "SELECT event_id, kind, at, actor, subject, address, details FROM event
          WHERE tenant_id = $1 AND event_id < $2 AND event_id >= $3 ORDER BY event_id DESC LIMIT $4";

    read many events_of_kind(kind: &str, too_new: &str, least: &str, most: u32) -> Event =
        "SELECT event_id, kind, at, actor, subject, address, details FROM event
          WHERE tenant_id = $1 AND kind = $2 AND event_id < $3 AND event_id >= $4 ORDER BY event_id DESC LIMIT $5";

    /// What somebody did and what was done to it: each by its own index, the newest of both.
    read many events_about(id: &str, kind: Option<&str>, too_new: &str, least: &str, most: u32) -> Event =
        "SELECT event_id, kind, at, actor, subject, address, details FROM event
          WHERE tenant_id = $1 AND event_id IN (
                SELECT event_id FROM (SELECT event_id FROM event
                  WHERE tenant_id = $1 AND actor_id = $2 AND (CAST($3 AS TEXT) IS NULL OR kind = $3) AND event_id < $4 AND event_id >= $5
                  ORDER BY event_id DESC LIMIT $6) AS done
                UNION
                SELECT event_id FROM (SELECT event_id FROM event
                  WHERE tenant_id = $1 AND subject = $2 AND (CAST($3 AS TEXT) IS NULL OR kind = $3) AND event_id < $4 AND event_id >= $5
                  ORDER BY event_id DESC LIMIT $6) AS suffered)
          ORDER BY event_id DESC LIMIT $6";

    /// Takes the addresses out of what a user did, and out of what was done before anyone was signed in there in the browsers
    /// in which they have signed in.
    pub write exec erase_addresses_of(user: UserId) =
        "UPDATE event SET address = NULL
          WHERE tenant_id = $1 AND address IS NOT NULL
            AND actor_id IN (SELECT CAST($2 AS TEXT)
                             UNION SELECT browser_id FROM session WHERE tenant_id = $1 AND user_id = $2
                             UNION SELECT browser_id FROM known_browser WHERE tenant_id = $1 AND user_id = $2)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_of_time_is_one_of_ids() {
        let at = Timestamp::from_seconds;
        let first = |seconds| EventId::new(at(seconds), [0; 10]);
        let last = |seconds| EventId::new(at(seconds), [0xff; 10]).to_string();
        let filter = EventFilter { since: Some(at(5)), until: Some(at(9)), ..EventFilter::default() };
        let (too_new, least) = filter.bounds();
        assert!(least <= first(5).to_string() && least > last(4), "{least}");
        assert!(too_new > last(8) && too_new <= first(9).to_string(), "{too_new}");
        let paged = EventFilter { before: Some(first(7)), ..filter };
        assert_eq!(paged.bounds().0, first(7).to_string());
        let (too_new, least) = EventFilter::default().bounds();
        assert!(least.is_empty() && too_new > last(9_999_999_999));
    }
}
