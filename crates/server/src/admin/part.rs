use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AdminCommand, AdminError};

/// Rows of an answer unless another number is asked for.
const USUAL: u32 = 100;
/// Rows of an answer at most.
pub(super) const MOST: u32 = 1000;

/// Which part of a list is asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What the answer before ended with, by its id.
    pub after: Option<String>,
    pub limit: Option<u32>,
}

impl Part {
    /// How many are asked for.
    pub(super) fn most(&self) -> Result<u32, AdminError> {
        most(self.limit).ok_or_else(|| AdminError::refused(too_many()))
    }
}

/// How many are asked for; nothing when that is none or too many.
pub(super) fn most(limit: Option<u32>) -> Option<u32> {
    let most = limit.unwrap_or(USUAL);
    (1..=MOST).contains(&most).then_some(most)
}

pub(super) fn too_many() -> String {
    format!("--limit: must be between 1 and {MOST}")
}

/// How somebody goes on after an answer that is as long as it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Continuation {
    most: u32,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// By an option, with what the last row has as this member.
    Option { name: &'static str, member: &'static str },
    /// By a longer beginning of what is searched.
    Narrower,
}

impl AdminCommand {
    /// How to go on after the answer; none where it is always whole.
    pub fn continuation(&self) -> Option<Continuation> {
        let after = |member| How::Option { name: "--after", member };
        let (limit, how) = match self {
            Self::UsersList { part, beginning: None } => (part.limit, after("user_id")),
            Self::UsersList { part, beginning: Some(_) } => (part.limit, How::Narrower),
            Self::ClientsList(part) => (part.limit, after("client_id")),
            Self::TenantsList(part) => (part.limit, after("tenant_id")),
            Self::EventsList(asked) => (asked.limit, How::Option { name: "--before", member: "event_id" }),
            _ => return None,
        };
        Some(Continuation { most: limit.unwrap_or(USUAL), how })
    }
}

impl Continuation {
    /// What to ask for next, if there may be more.
    pub fn after(self, answer: &Value) -> Option<String> {
        let rows = answer.as_array().filter(|rows| rows.len() >= self.most as usize)?;
        match self.how {
            How::Option { name, member } => {
                let last = rows.last()?.get(member)?.as_str()?;
                Some(format!("{name} {last} goes on from here"))
            }
            How::Narrower => Some("a longer --search finds fewer".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_that_is_full_says_how_to_go_on() {
        let part = |limit| Part { after: None, limit: Some(limit) };
        let answer = json!([{ "client_id": "one" }, { "client_id": "two" }]);
        for (limit, next) in [(1, true), (2, true), (3, false)] {
            let next_part = AdminCommand::ClientsList(part(limit)).continuation().unwrap().after(&answer);
            assert_eq!(next_part, next.then(|| "--after two goes on from here".to_owned()), "{limit}");
        }
        let found = AdminCommand::UsersList { beginning: Some("a".to_owned()), part: part(1) };
        let narrower = found.continuation().unwrap();
        assert_eq!(narrower.after(&answer).unwrap(), "a longer --search finds fewer");
        assert_eq!(narrower.after(&json!([])), None);
        assert_eq!(AdminCommand::KeysList.continuation(), None);
        for (limit, most) in
            [(None, Some(USUAL)), (Some(1), Some(1)), (Some(0), None), (Some(MOST + 1), None)]
        {
            assert_eq!(super::most(limit), most);
        }
    }
}
