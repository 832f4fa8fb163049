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
        "preferred_username" => text(&profile.preferred_username),
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
