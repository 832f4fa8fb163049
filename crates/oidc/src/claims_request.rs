//! The `claims` parameter (OpenID Connect Core section 5.5): single claims, by name, for userinfo and for the ID token.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use terms::limits;

use crate::jose::json;
use crate::scope::{Scope, scope_of_claim};

/// What a request asks for beyond its scope. Claims that we don't have are not in it (section 5.5: what isn't understood is
/// ignored), nor are those whose scope the client may not ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimsRequest {
    userinfo: BTreeMap<String, Wanted>,
    id_token: BTreeMap<String, Wanted>,
}

/// How one claim is wanted (section 5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Wanted {
    essential: bool,
    /// `value` or `values`; empty when any will do.
    values: Vec<Value>,
}

/// A text that is no claims request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl ClaimsRequest {
    /// Reads the parameter of a client that may ask for `permitted`.
    pub(crate) fn parse(text: &str, permitted: &Scope) -> Result<Self, Malformed> {
        let members = json::parse_object(text.as_bytes()).map_err(|_| Malformed)?;
        Ok(Self {
            userinfo: member(&members, "userinfo", permitted)?,
            id_token: member(&members, "id_token", permitted)?,
        })
    }

    /// The part that a client may still have which may now ask for `scope`.
    pub fn permitted(&self, scope: &Scope) -> Self {
        let keep = |members: &BTreeMap<String, Wanted>| {
            let is_permitted = |name: &str| scope_of_claim(name).is_none_or(|needed| scope.contains(needed));
            let kept = members.iter().filter(|(name, _)| is_permitted(name));
            kept.map(|(name, wanted)| (name.clone(), wanted.clone())).collect()
        };
        Self { userinfo: keep(&self.userinfo), id_token: keep(&self.id_token) }
    }

    /// Whether nothing is asked of userinfo.
    pub fn leaves_userinfo_alone(&self) -> bool {
        self.userinfo.is_empty()
    }

    /// The names that userinfo shall say.
    pub fn for_userinfo(&self) -> impl Iterator<Item = &str> {
        self.userinfo.keys().map(String::as_str)
    }

    /// The names that the ID token shall say.
    pub fn for_id_token(&self) -> impl Iterator<Item = &str> {
        self.id_token.keys().map(String::as_str)
    }

    /// The scopes to which these claims belong (section 5.4): what a person is asked about for them.
    pub fn scope(&self) -> Scope {
        let names = self.userinfo.keys().chain(self.id_token.keys());
        let mut scopes: Vec<&str> = names.filter_map(|name| scope_of_claim(name)).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes.join(" ").parse().unwrap_or_else(|_| Scope::empty())
    }

    /// The only `sub` that the answer may be about (section 5.5.1), as texts; `None`: anybody's.
    pub(crate) fn subjects(&self) -> Option<Vec<&str>> {
        let mut wanted: Option<Vec<&str>> = None;
        for members in [&self.id_token, &self.userinfo] {
            let Some(sub) = members.get("sub").filter(|sub| !sub.values.is_empty()) else { continue };
            let texts = sub.values.iter().filter_map(Value::as_str);
            wanted = Some(match wanted {
                None => texts.collect(),
                Some(before) => texts.filter(|text| before.contains(text)).collect(),
            });
        }
        wanted
    }

    /// The `acr` of which one must be reached (section 5.5.1.1); `None`: none must.
    pub(crate) fn required_acr(&self) -> Option<Vec<&str>> {
        let acr = self.id_token.get("acr").filter(|acr| acr.essential && !acr.values.is_empty())?;
        Some(acr.values.iter().filter_map(Value::as_str).collect())
    }
}

fn member(
    members: &Map<String, Value>,
    name: &str,
    permitted: &Scope,
) -> Result<BTreeMap<String, Wanted>, Malformed> {
    let claims = match members.get(name) {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(claims)) if claims.len() <= limits::CLAIMS => claims,
        Some(_) => return Err(Malformed),
    };
    let mut found = BTreeMap::new();
    for (claim, how) in claims {
        let wanted = Wanted::read(how)?;
        let is_ours = match scope_of_claim(claim) {
            Some(scope) => permitted.contains(scope),
            None => matches!(claim.as_str(), "sub" | "acr"),
        };
        if is_ours {
            found.insert(claim.clone(), wanted);
        }
    }
    Ok(found)
}

impl Wanted {
    fn read(how: &Value) -> Result<Self, Malformed> {
        let members = match how {
            Value::Null => return Ok(Self::default()),
            Value::Object(members) => members,
            _ => return Err(Malformed),
        };
        let essential = match members.get("essential") {
            None => false,
            Some(Value::Bool(essential)) => *essential,
            Some(_) => return Err(Malformed),
        };
        let values = match (members.get("value"), members.get("values")) {
            (None, None) => Vec::new(),
            (Some(value), None) => vec![value.clone()],
            (None, Some(Value::Array(values))) if (1..=limits::CLAIMS).contains(&values.len()) => {
                values.clone()
            }
            (_, Some(_)) => return Err(Malformed),
        };
        Ok(Self { essential, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ClaimsRequest, Malformed> {
        ClaimsRequest::parse(text, &"openid profile email".parse().unwrap())
    }

    #[test]
    fn what_is_known_and_permitted_is_kept() {
        let text = r#"{"userinfo":{"name":{"essential":true},"email":null,"phone_number":null,"frob":{"x":1}},
            "id_token":{"sub":{"value":"ada"},"acr":{"essential":true,"values":["2","1"]},"nickname":null},"more":7}"#;
        let request = read(text).unwrap();
        assert_eq!(request.for_userinfo().collect::<Vec<_>>(), ["email", "name"]);
        assert_eq!(request.for_id_token().collect::<Vec<_>>(), ["acr", "nickname", "sub"]);
        assert_eq!(request.scope().to_string(), "email profile");
        let fewer = request.permitted(&"openid email".parse().unwrap());
        assert_eq!(
            fewer.for_userinfo().chain(fewer.for_id_token()).collect::<Vec<_>>(),
            ["email", "acr", "sub"]
        );
        assert_eq!(request.subjects(), Some(vec!["ada"]));
        assert_eq!(request.required_acr(), Some(vec!["2", "1"]));
        let stored = serde_json::to_value(&request).unwrap();
        assert_eq!(serde_json::from_value::<ClaimsRequest>(stored).unwrap(), request);
        assert_eq!(
            read(r#"{"id_token":{"acr":{"values":["2"]}}}"#).unwrap().required_acr(),
            None,
            "voluntary"
        );
    }

    #[test]
    fn two_subjects_leave_nobody() {
        let text = r#"{"id_token":{"sub":{"value":"ada"}},"userinfo":{"sub":{"values":["bob","eve"]}}}"#;
        assert_eq!(read(text).unwrap().subjects(), Some(vec![]));
    }

    #[test]
    fn what_is_malformed_or_too_much_is_refused() {
        let many: Vec<String> = (0..=limits::CLAIMS).map(|n| format!(r#""c{n}":null"#)).collect();
        let many = format!(r#"{{"userinfo":{{{}}}}}"#, many.join(","));
        let deep = format!(r#"{{"userinfo":{{"name":{{"value":{}1{}}}}}}}"#, "[".repeat(20), "]".repeat(20));
        for bad in [
            "",
            "{",
            "[]",
            "7",
            r#"{"userinfo":[]}"#,
            r#"{"userinfo":{"name":true}}"#,
            r#"{"userinfo":{"name":{"essential":"yes"}}}"#,
            r#"{"userinfo":{"name":{"values":"a"}}}"#,
            r#"{"userinfo":{"name":{"values":[]}}}"#,
            r#"{"userinfo":{"name":{"value":1,"values":[1]}}}"#,
            r#"{"userinfo":{"name":null,"name":null}}"#,
            &many,
            &deep,
        ] {
            assert_eq!(read(bad), Err(Malformed), "{bad}");
        }
    }
}
