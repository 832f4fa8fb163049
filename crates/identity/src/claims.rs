//! The claims about a user that scopes and claims requests ask for.

use serde_json::{Map, Value, json};

use crate::user::User;

/// The claims that a scope asks for (OpenID Connect Core section 5.4).
pub const SCOPE_CLAIMS: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// The claims that `scope` asks for; none for a scope that asks for none.
pub fn claims_of_scope(scope: &str) -> &'static [&'static str] {
    SCOPE_CLAIMS.iter().find(|(name, _)| *name == scope).map_or(&[], |(_, claims)| claims)
}

/// What the scopes ask for and the user has. `sub` is not among them: the caller states it.
pub fn claims_for<'s>(user: &User, scopes: impl IntoIterator<Item = &'s str>) -> Map<String, Value> {
    let names = scopes.into_iter().flat_map(claims_of_scope);
    names.filter_map(|name| Some(((*name).to_owned(), claim(user, name)?))).collect()
}

/// Those of these claims that the user has.
pub fn claims_named<'n>(user: &User, names: impl IntoIterator<Item = &'n str>) -> Map<String, Value> {
    names.into_iter().filter_map(|name| Some((name.to_owned(), claim(user, name)?))).collect()
}

/// One claim about the user by its name, when the user has it. A claim without a value is left out, not null
/// (OpenID Connect Core section 5.3.2).
pub fn claim(user: &User, name: &str) -> Option<Value> {
    let profile = &user.profile;
    let text = |value: &Option<String>| value.clone().map(Value::String);
    match name {
        "name" => text(&profile.name),
        "given_name" => text(&profile.given_name),
        "family_name" => text(&profile.family_name),
        "middle_name" => text(&profile.middle_name),
        "nickname" => text(&profile.nickname),
        // One that is nobody else's comes before one that an operator wrote.
        "preferred_username" => match &user.username {
            Some(username) => Some(json!(username)),
            None => text(&profile.preferred_username),
        },
        "profile" => text(&profile.profile),
        "picture" => text(&profile.picture),
        "website" => text(&profile.website),
        "gender" => text(&profile.gender),
        "birthdate" => text(&profile.birthdate),
        "zoneinfo" => text(&profile.zoneinfo),
        "locale" => text(&profile.locale),
        "updated_at" => Some(json!(user.updated_at.as_seconds())),
        "email" => user.primary_email().map(|email| json!(email.address.as_written())),
        "email_verified" => user.primary_email().map(|email| json!(email.verified_at.is_some())),
        "address" => profile.address.as_ref().map(|address| json!(address)),
        "phone_number" => text(&profile.phone_number),
        "phone_number_verified" => {
            profile.phone_number.as_ref().map(|_| json!(profile.phone_number_verified == Some(true)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{Profile, UserEmail};
    use terms::{EmailAddress, Timestamp, UserId};

    fn user(profile: &str) -> User {
        User {
            id: UserId::new(Timestamp::from_seconds(5), [0; 10]),
            subject: "subject-1".parse().unwrap(),
            emails: vec![UserEmail {
                address: EmailAddress::parse("Ada@x.test").unwrap(),
                verified_at: Some(Timestamp::from_seconds(5)),
                is_primary: true,
            }],
            profile: Profile::parse(profile).unwrap(),
            created_at: Timestamp::from_seconds(5),
            updated_at: Timestamp::from_millis(7_999),
            disabled_at: None,
            language: None,
            username: None,
        }
    }

    #[test]
    fn a_scope_gives_what_it_names_and_the_user_has() {
        let ada = user(r#"{"name":"Ada","phone_number":"+48221234567","address":{"country":"PL"}}"#);
        let claims = |scopes: &[&str]| Value::Object(claims_for(&ada, scopes.iter().copied()));
        assert_eq!(claims(&["openid", "offline_access", "nonsense"]), json!({}));
        assert_eq!(claims(&["profile"]), json!({ "name": "Ada", "updated_at": 7 }));
        assert_eq!(claims(&["email"]), json!({ "email": "Ada@x.test", "email_verified": true }));
        let both = json!({ "address": { "country": "PL" }, "phone_number": "+48221234567", "phone_number_verified": false });
        assert_eq!(claims(&["address", "phone"]), both);
    }

    #[test]
    fn every_claim_of_every_scope_is_known() {
        let everything = user(
            r#"{"name":"a","given_name":"a","family_name":"a","middle_name":"a","nickname":"a","preferred_username":"a",
            "profile":"https://a.test/","picture":"https://a.test/","website":"https://a.test/","gender":"a","birthdate":"2000",
            "zoneinfo":"UTC","locale":"en","address":{"country":"a"},"phone_number":"+48221234567","phone_number_verified":true}"#,
        );
        let names: Vec<_> = SCOPE_CLAIMS.iter().flat_map(|(_, claims)| *claims).collect();
        assert_eq!(names.len(), 19);
        for name in names {
            assert!(claim(&everything, name).is_some(), "{name}");
        }
        assert_eq!(claim(&everything, "sub"), None);
    }
}
