use identity::{Event, EventKind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::events::EventFilter;
use terms::{EventId, Timestamp};

use super::{AdminError, Desk, instant, part, users};

/// Which events are asked for, as it was typed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsAsked {
    pub kind: Option<String>,
    /// A user, by address or id: what they did and what was done to them.
    pub user: Option<String>,
    /// The id of anything: a client, a session, a grant.
    pub about: Option<String>,
    /// An instant (RFC 3339) or a day (UTC).
    pub since: Option<String>,
    pub until: Option<String>,
    /// The id of the event that the answer before ended with.
    pub before: Option<String>,
    pub limit: Option<u32>,
}

/// The newest first.
pub async fn list(at: Desk<'_>, asked: &EventsAsked) -> Result<Value, AdminError> {
    let mut filter = filter(asked).map_err(AdminError::Refused)?;
    if let Some(user) = &asked.user {
        filter.about = Some(match user.parse::<terms::UserId>() {
            // One who was deleted has events still.
            Ok(id) => id.to_string(),
            Err(_) => users::find(at, user).await?.id.to_string(),
        });
    }
    let most = part::most(asked.limit).unwrap_or(part::MOST);
    let events = at.app.store.read(at.tenant.id).events_where(&filter, most).await?;
    Ok(events.iter().map(shown).collect())
}

/// Everything that is wrong, at once.
fn filter(asked: &EventsAsked) -> Result<EventFilter, Vec<String>> {
    let mut faults = Vec::new();
    let mut filter = EventFilter { about: asked.about.clone(), ..EventFilter::default() };
    if asked.user.is_some() && asked.about.is_some() {
        faults.push("--user and --about can't be asked for together".to_owned());
    }
    if let Some(kind) = &asked.kind {
        match kind.parse::<EventKind>() {
            Ok(kind) => filter.kind = Some(kind),
            Err(error) => faults.push(format!("--kind {kind}: {error}; see docs/reference/events.md")),
        }
    }
    for (name, text, bound) in
        [("--since", &asked.since, &mut filter.since), ("--until", &asked.until, &mut filter.until)]
    {
        if let Some(text) = text {
            *bound = moment(text);
            if bound.is_none() {
                faults.push(format!("{name} {text}: must be like 2026-01-31 or 2026-01-31T12:00:00Z"));
            }
        }
    }
    if let Some(before) = &asked.before {
        match before.parse::<EventId>() {
            Ok(event) => filter.before = Some(event),
            Err(error) => faults.push(format!("--before: {error}")),
        }
    }
    if part::most(asked.limit).is_none() {
        faults.push(part::too_many());
    }
    if faults.is_empty() { Ok(filter) } else { Err(faults) }
}

/// An instant, or the beginning of a day in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let instant = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let day = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10)?;
        jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
    });
    instant.map(|at| Timestamp::from_millis(at.as_millisecond()))
}

fn shown(event: &Event) -> Value {
    json!({
        "at": instant(event.at),
        "kind": event.kind.as_str(),
        "actor": event.actor,
        "subject": event.subject,
        "address": event.address,
        "details": event.details,
        "event_id": event.id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_an_instant_or_a_day() {
        assert_eq!(moment("1970-01-02"), Some(Timestamp::from_seconds(86_400)));
        assert_eq!(moment("1970-01-01T00:01:00Z"), Some(Timestamp::from_seconds(60)));
        for bad in ["", "yesterday", "1970-01", "1970-01-01T00:00:00", "1970-02-30"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = || Some("x".to_owned());
        let asked = EventsAsked {
            kind: text(),
            user: text(),
            about: text(),
            since: text(),
            until: text(),
            before: text(),
            limit: Some(0),
        };
        assert_eq!(filter(&asked).unwrap_err().len(), 6);
        assert_eq!(filter(&EventsAsked::default()).unwrap(), EventFilter::default());
    }

    #[test]
    fn every_kind_is_documented_and_no_other() {
        let documented: Vec<&str> = include_str!("../../../../docs/reference/events.md")
            .split_once("## Kinds")
            .and_then(|(_, rest)| rest.split_once("## "))
            .map_or("", |(kinds, _)| kinds)
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        for kind in EventKind::ALL {
            assert!(documented.contains(&kind.as_str()), "{kind} is not in docs/reference/events.md");
        }
        assert_eq!(documented.len(), EventKind::ALL.len(), "{documented:?}");
    }
}
