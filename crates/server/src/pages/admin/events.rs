//! `/admin/events`: what was done in the tenant, by whom and from where.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use http::StatusCode;
use identity::{Actor, Event, EventKind};
use store::events::EventFilter;
use terms::{EventId, Timestamp};

use super::{AdminVisit, Frame, ROWS, Section, instant, nothing_there, query_of};
use crate::pages::error::Problem;
use crate::pages::{Fields, Stop, View, page};

/// An event in the list.
struct Row {
    path: String,
    kind: &'static str,
    at: String,
    actor: String,
    subject: String,
    address: String,
}

/// What the filter's form holds.
struct Asked {
    kind: String,
    about: String,
    since: String,
    until: String,
}

#[derive(Template)]
#[template(path = "admin/events.html")]
struct EventsPage<'a> {
    view: View<'a>,
    frame: Frame,
    kinds: Vec<&'static str>,
    asked: Asked,
    rows: Vec<Row>,
    next: Option<String>,
}

/// `GET /admin/events`: the newest first, a part at a time.
pub async fn list(visit: AdminVisit) -> Result<Response, Stop> {
    let value = |name: &str| visit.query.value(name).trim().to_owned();
    let asked =
        Asked { kind: value("kind"), about: value("about"), since: value("since"), until: value("until") };
    let Some(filter) = filter(&visit.query, &asked) else {
        return Err(Problem::Request.stop(&visit.site));
    };
    let mut read = visit.site.app.store.read(visit.site.tenant.id);
    let mut events = read.events_where(&filter, ROWS + 1).await?;
    let more = events.len() > ROWS as usize;
    events.truncate(ROWS as usize);
    let view = visit.view();
    let next = events.last().filter(|_| more).map(|last| {
        let query = query_of(&[
            ("kind", &asked.kind),
            ("about", &asked.about),
            ("since", &asked.since),
            ("until", &asked.until),
            ("before", &last.id.to_string()),
        ]);
        format!("{}?{query}", view.path(Section::Events.path()))
    });
    let rows = events.iter().map(|event| row(view, event)).collect();
    let kinds = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    page(StatusCode::OK, &EventsPage { view, frame: visit.frame(Section::Events), kinds, asked, rows, next })
}

/// Nothing when a field is not of its form.
fn filter(query: &Fields, asked: &Asked) -> Option<EventFilter> {
    Some(EventFilter {
        kind: if asked.kind.is_empty() { None } else { Some(asked.kind.parse().ok()?) },
        about: (!asked.about.is_empty()).then(|| asked.about.clone()),
        since: if asked.since.is_empty() { None } else { Some(day(&asked.since, 0)?) },
        // The last day that is asked for belongs to it.
        until: if asked.until.is_empty() { None } else { Some(day(&asked.until, 1)?) },
        before: query.id::<EventId>("before").ok()?,
    })
}

/// The beginning of a day in UTC, or of one so many days later.
fn day(text: &str, later: i64) -> Option<Timestamp> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let date = date.checked_add(jiff::Span::new().days(later)).ok()?;
    let start = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(Timestamp::from_millis(start.as_millisecond()))
}

fn actor_of(view: View<'_>, actor: &Actor) -> String {
    actor.id().unwrap_or_else(|| {
        view.text(if *actor == Actor::Operator { "admin-event-operator" } else { "admin-event-system" })
    })
}

fn row(view: View<'_>, event: &Event) -> Row {
    Row {
        path: view.path(&format!("/admin/events/{}", event.id)),
        kind: event.kind.as_str(),
        at: instant(event.at),
        actor: actor_of(view, &event.actor),
        subject: event.subject.clone().unwrap_or_default(),
        address: event.address.map(|address| address.to_string()).unwrap_or_default(),
    }
}

#[derive(Template)]
#[template(path = "admin/event.html")]
struct EventPage<'a> {
    view: View<'a>,
    frame: Frame,
    id: EventId,
    row: Row,
    details: Vec<(String, String)>,
}

/// `GET /admin/events/{event}`.
pub async fn show(Path(id): Path<String>, visit: AdminVisit) -> Result<Response, Stop> {
    let Ok(id) = id.parse::<EventId>() else { return Err(nothing_there()) };
    let event = visit.site.app.store.read(visit.site.tenant.id).event(id).await?;
    let Some(event) = event else { return Err(nothing_there()) };
    let view = visit.view();
    let row = row(view, &event);
    let details = event.details.into_iter().collect();
    page(StatusCode::OK, &EventPage { view, frame: visit.frame(Section::Events), id, row, details })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_of_utc_and_the_last_one_is_whole() {
        assert_eq!(day("1970-01-02", 0), Some(Timestamp::from_seconds(86_400)));
        assert_eq!(day("1970-01-02", 1), Some(Timestamp::from_seconds(2 * 86_400)));
        for bad in ["", "x", "1970-13-01", "9999-12-31T"] {
            assert_eq!(day(bad, 0), None, "{bad}");
        }
        assert_eq!(day("9999-12-31", 1), None, "beyond the end of the calendar");
    }
}
