//! What people do with their own account, and what must have been shown before.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use terms::{CanonicalEmail, EmailAdditionId, EmailAddress, SessionId, Timestamp, UserId, limits};

use crate::password::VerifiedPassword;
use crate::session::{Factor, FactorMethod, Session};
use crate::sign_in::{Account, FactorProof};
use crate::user::{Profile, User, UserEmail};

/// Addresses that one account may have.
pub const MOST_EMAILS: usize = 10;

/// The proof that the person of a session typed their password in this very session a short while ago.
///
/// Only [`RecentlyProven::of`] makes one, from what the session records: no form can claim it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentlyProven {
    user_id: UserId,
    session_id: SessionId,
}

impl RecentlyProven {
    /// Nothing where the session isn't this user's or isn't live, where the user is disabled, or where it is too long ago.
    pub fn of(session: &Session, user: &User, now: Timestamp) -> Option<Self> {
        if session.user_id != user.id || !session.is_live(now) || !user.is_enabled() {
            return None;
        }
        let is_recent = |factor: &Factor| {
            factor.method == FactorMethod::Password
                && !factor.verified_at.plus(limits::RECENT_PROOF).has_passed(now)
        };
        let proven = session.factors.iter().any(is_recent);
        proven.then_some(Self { user_id: user.id, session_id: session.id })
    }

    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    pub fn session_id(&self) -> SessionId {
        self.session_id
    }
}

/// The proof with which a session is renewed in which its person typed their password again. Nothing where the session
/// isn't live, where it or the password is somebody else's, or where the password was changed meanwhile.
pub fn prove_again(
    session: &Session,
    account: Account<'_>,
    verified: &VerifiedPassword,
    now: Timestamp,
) -> Option<FactorProof> {
    let is_theirs = session.user_id == account.user.id && verified.user_id() == account.user.id;
    let is_unchanged = account.password_version == Some(verified.version());
    if !(is_theirs && is_unchanged && session.is_live(now) && account.user.is_enabled()) {
        return None;
    }
    Some(FactorProof::new(account.user.id, Factor { method: FactorMethod::Password, verified_at: now }))
}

/// An address that somebody wants to add, as it is stored until its mailed code comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddition {
    pub id: EmailAdditionId,
    pub user_id: UserId,
    /// The session that began it, after a recent proof. No other may go on with it.
    pub session_id: SessionId,
    pub address: EmailAddress,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub completed_at: Option<Timestamp>,
}

impl EmailAddition {
    /// A new one, for which the proof is needed.
    pub fn begin(id: EmailAdditionId, address: EmailAddress, proof: &RecentlyProven, now: Timestamp) -> Self {
        Self {
            id,
            user_id: proof.user_id,
            session_id: proof.session_id,
            address,
            created_at: now,
            expires_at: now.plus(limits::FLOW_LIFETIME),
            completed_at: None,
        }
    }

    /// Whether this session may still go on with it.
    pub fn is_open_to(&self, session: &Session, now: Timestamp) -> bool {
        self.user_id == session.user_id
            && self.session_id == session.id
            && self.completed_at.is_none()
            && !self.expires_at.has_passed(now)
    }
}

/// Why an account's addresses stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EmailRefusal {
    /// The account doesn't have this address.
    NotTheirs,
    /// The account has this address already.
    TheirsAlready,
    /// The account has as many as it may have.
    TooMany,
    /// Nobody has shown yet that the address is theirs.
    Unverified,
    /// It is the primary one: another must take its place first.
    Primary,
    /// The proof is another account's.
    OtherAccount,
}

/// Whether an account may ask for one more address.
pub fn may_add_email(
    user: &User,
    address: &EmailAddress,
    proof: &RecentlyProven,
) -> Result<(), EmailRefusal> {
    if proof.user_id != user.id {
        return Err(EmailRefusal::OtherAccount);
    }
    if find(user, address.canonical()).is_some() {
        return Err(EmailRefusal::TheirsAlready);
    }
    if user.emails.len() >= MOST_EMAILS { Err(EmailRefusal::TooMany) } else { Ok(()) }
}

/// The address that may become the account's primary one.
pub fn next_primary<'a>(
    user: &'a User,
    address: &CanonicalEmail,
    proof: &RecentlyProven,
) -> Result<&'a UserEmail, EmailRefusal> {
    if proof.user_id != user.id {
        return Err(EmailRefusal::OtherAccount);
    }
    let email = find(user, address).ok_or(EmailRefusal::NotTheirs)?;
    if email.is_primary {
        return Err(EmailRefusal::Primary);
    }
    if email.verified_at.is_none() { Err(EmailRefusal::Unverified) } else { Ok(email) }
}

/// The address that may be removed: any but the primary one, so that the last one stays.
pub fn removable<'a>(
    user: &'a User,
    address: &CanonicalEmail,
    proof: &RecentlyProven,
) -> Result<&'a UserEmail, EmailRefusal> {
    if proof.user_id != user.id {
        return Err(EmailRefusal::OtherAccount);
    }
    let email = find(user, address).ok_or(EmailRefusal::NotTheirs)?;
    if email.is_primary { Err(EmailRefusal::Primary) } else { Ok(email) }
}

fn find<'a>(user: &'a User, address: &CanonicalEmail) -> Option<&'a UserEmail> {
    user.emails.iter().find(|email| email.address.canonical() == address)
}

/// What people may say of themselves: a closed list of the profile's members, each as it is typed, empty when it is not
/// told. What only an operator sets (`preferred_username`) or only a proof (`phone_number_verified`) is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnProfile(BTreeMap<&'static str, String>);

/// Those of [`OwnProfile::MEMBERS`] that are members of `address`.
const ADDRESS: &str = "address.";

impl OwnProfile {
    /// Every member, those of the postal address after `address.`.
    pub const MEMBERS: [&'static str; 17] = [
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "phone_number",
        "address.street_address",
        "address.locality",
        "address.region",
        "address.postal_code",
        "address.country",
    ];

    /// Reads each member by its name, and nothing else.
    pub fn read<'a>(value: impl Fn(&str) -> &'a str) -> Self {
        Self(Self::MEMBERS.iter().map(|name| (*name, value(name).trim().to_owned())).collect())
    }

    /// What a profile says.
    pub fn of(profile: &Profile) -> Self {
        let whole = serde_json::to_value(profile).unwrap_or_default();
        let text = |name: &str| match name.strip_prefix(ADDRESS) {
            None => whole[name].as_str().unwrap_or_default().to_owned(),
            Some(part) => whole["address"][part].as_str().unwrap_or_default().to_owned(),
        };
        Self(Self::MEMBERS.iter().map(|name| (*name, text(name))).collect())
    }

    /// A member's text.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The profile with this in it, or the members that are not of their form. What isn't in the list stays; what told of
    /// a value that was changed goes: whether the number was verified, how the address is written.
    pub fn apply(&self, before: &Profile) -> Result<Profile, Vec<&'static str>> {
        let said = Self::of(before);
        let Ok(Value::Object(mut members)) = serde_json::to_value(before) else { return Err(Vec::new()) };
        let mut address = match members.remove("address") {
            Some(Value::Object(address)) => address,
            _ => Map::new(),
        };
        let changed = |name: &&&'static str| self.get(name) != said.get(name);
        for name in Self::MEMBERS.iter().filter(changed) {
            let (place, key) = match name.strip_prefix(ADDRESS) {
                None => (&mut members, *name),
                Some(part) => (&mut address, part),
            };
            place.remove(key);
            if !self.get(name).is_empty() {
                place.insert(key.to_owned(), Value::from(self.get(name)));
            }
            if *name == "phone_number" {
                members.remove("phone_number_verified");
            }
            if name.starts_with(ADDRESS) {
                address.remove("formatted");
            }
        }
        if !address.is_empty() {
            members.insert("address".to_owned(), Value::Object(address));
        }
        Profile::parse(&Value::Object(members).to_string()).map_err(|faults| {
            let is_at_fault = |name: &&&'static str| faults.iter().any(|fault| fault.member == **name);
            Self::MEMBERS.iter().filter(is_at_fault).copied().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Device;
    use std::time::Duration;
    use terms::BrowserId;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).unwrap()
    }

    fn user() -> User {
        let email = |text: &str, verified_at, is_primary| UserEmail {
            address: address(text),
            verified_at,
            is_primary,
        };
        User {
            id: UserId::new(NOW, [1; 10]),
            subject: "ada".parse().unwrap(),
            emails: vec![
                email("first@x.test", Some(NOW), true),
                email("second@x.test", Some(NOW), false),
                email("third@x.test", None, false),
            ],
            profile: crate::Profile::default(),
            created_at: NOW,
            updated_at: NOW,
            disabled_at: None,
            language: None,
            username: None,
        }
    }

    fn session() -> Session {
        let factor = Factor { method: FactorMethod::Password, verified_at: NOW };
        let proof = FactorProof::new(user().id, factor);
        Session::mint(
            SessionId::new(NOW, [2; 10]),
            BrowserId::new(NOW, [3; 10]),
            &proof,
            Device::default(),
            NOW,
        )
    }

    type Case = (fn(&mut EmailAddition), Timestamp, bool);

    fn proof() -> RecentlyProven {
        RecentlyProven::of(&session(), &user(), NOW).unwrap()
    }

    #[test]
    fn a_proof_is_the_sessions_own_and_grows_old() {
        type Spoil = fn(&mut Session, &mut User, &mut Timestamp);
        let cases: [(Spoil, bool); 8] = [
            (|_, _, _| (), true),
            (|_, _, now| *now = now.plus(limits::RECENT_PROOF).minus(Duration::from_millis(1)), true),
            (|_, _, now| *now = now.plus(limits::RECENT_PROOF), false),
            (|s, _, _| s.user_id = UserId::new(NOW, [9; 10]), false),
            (|s, _, _| s.ended_at = Some(NOW), false),
            (|s, _, _| s.expires_at = NOW, false),
            (|s, _, _| s.factors.clear(), false),
            (|_, u, _| u.disabled_at = Some(NOW), false),
        ];
        for (index, (spoil, proven)) in cases.into_iter().enumerate() {
            let (mut session, mut user, mut now) = (session(), user(), NOW);
            spoil(&mut session, &mut user, &mut now);
            assert_eq!(RecentlyProven::of(&session, &user, now).is_some(), proven, "case {index}");
        }
    }

    #[test]
    fn a_session_is_proven_again_by_its_own_persons_password_as_it_is_now() {
        type Spoil = fn(&mut Session, &mut User, &mut VerifiedPassword, &mut Option<i64>);
        let cases: [(Spoil, bool); 8] = [
            (|_, _, _, _| (), true),
            (|s, _, _, _| s.ended_at = Some(NOW), false),
            (|s, _, _, _| s.user_id = UserId::new(NOW, [9; 10]), false),
            (|_, u, _, _| u.id = UserId::new(NOW, [9; 10]), false),
            (|_, u, _, _| u.disabled_at = Some(NOW), false),
            (|_, _, v, _| *v = VerifiedPassword::for_test(UserId::new(NOW, [9; 10]), 3), false),
            (|_, _, v, _| *v = VerifiedPassword::for_test(v.user_id(), 2), false),
            (|_, _, _, version| *version = None, false),
        ];
        for (index, (spoil, proven)) in cases.into_iter().enumerate() {
            let (mut session, mut user, mut version) = (session(), user(), Some(3));
            let mut verified = VerifiedPassword::for_test(user.id, 3);
            spoil(&mut session, &mut user, &mut verified, &mut version);
            let account = Account { user: &user, password_version: version };
            assert_eq!(prove_again(&session, account, &verified, NOW).is_some(), proven, "case {index}");
        }
    }

    #[test]
    fn addresses_change_only_as_they_may() {
        let (ada, proof) = (user(), proof());
        let at = |text: &str| address(text).canonical().clone();
        assert_eq!(may_add_email(&ada, &address("new@x.test"), &proof), Ok(()));
        assert_eq!(may_add_email(&ada, &address("SECOND@x.test"), &proof), Err(EmailRefusal::TheirsAlready));
        assert!(next_primary(&ada, &at("second@x.test"), &proof).is_ok());
        assert_eq!(next_primary(&ada, &at("first@x.test"), &proof), Err(EmailRefusal::Primary));
        assert_eq!(next_primary(&ada, &at("third@x.test"), &proof), Err(EmailRefusal::Unverified));
        assert_eq!(next_primary(&ada, &at("else@x.test"), &proof), Err(EmailRefusal::NotTheirs));
        assert!(removable(&ada, &at("second@x.test"), &proof).is_ok());
        assert!(removable(&ada, &at("third@x.test"), &proof).is_ok());
        assert_eq!(removable(&ada, &at("first@x.test"), &proof), Err(EmailRefusal::Primary));
        assert_eq!(removable(&ada, &at("else@x.test"), &proof), Err(EmailRefusal::NotTheirs));

        let mut many = user();
        many.emails.extend((0..7).map(|n| UserEmail {
            address: address(&format!("a{n}@x.test")),
            verified_at: None,
            is_primary: false,
        }));
        assert_eq!(may_add_email(&many, &address("new@x.test"), &proof), Err(EmailRefusal::TooMany));

        let mut other = user();
        other.id = UserId::new(NOW, [9; 10]);
        let refused = Err(EmailRefusal::OtherAccount);
        assert_eq!(may_add_email(&other, &address("new@x.test"), &proof), refused);
        assert_eq!(
            next_primary(&other, &at("second@x.test"), &proof).err(),
            Some(EmailRefusal::OtherAccount)
        );
        assert_eq!(removable(&other, &at("second@x.test"), &proof).err(), Some(EmailRefusal::OtherAccount));
    }

    #[test]
    fn an_addition_is_its_sessions_alone_and_ends() {
        let begun =
            || EmailAddition::begin(EmailAdditionId::new(NOW, [4; 10]), address("n@x.test"), &proof(), NOW);
        let cases: [Case; 5] = [
            (|_| (), NOW, true),
            (|_| (), NOW.plus(limits::FLOW_LIFETIME), false),
            (|a| a.completed_at = Some(NOW), NOW, false),
            (|a| a.session_id = SessionId::new(NOW, [9; 10]), NOW, false),
            (|a| a.user_id = UserId::new(NOW, [9; 10]), NOW, false),
        ];
        for (index, (spoil, now, open)) in cases.into_iter().enumerate() {
            let mut addition = begun();
            spoil(&mut addition);
            assert_eq!(addition.is_open_to(&session(), now), open, "case {index}");
        }
    }

    #[test]
    fn people_say_of_themselves_what_is_theirs_to_say_and_nothing_else() {
        let before = Profile::parse(
            r#"{"name":"Ada","preferred_username":"ada","locale":"pl","phone_number":"+48221234567","phone_number_verified":true,
                "address":{"formatted":"1 Road","street_address":"1 Road","country":"PL"}}"#,
        )
        .unwrap();
        let own = OwnProfile::of(&before);
        assert_eq!(own.apply(&before).unwrap(), before, "nothing said, nothing changed");
        let say = |changes: &[(&str, &str)]| {
            let value = |name: &str| {
                let said = changes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
                said.unwrap_or(own.get(name)).to_owned()
            };
            let all: Vec<(&str, String)> =
                OwnProfile::MEMBERS.iter().map(|name| (*name, value(name))).collect();
            OwnProfile::read(|name| all.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value))
                .apply(&before)
        };
        let renamed =
            say(&[("name", " Ada L "), ("preferred_username", "root"), ("phone_number_verified", "true")])
                .unwrap();
        assert_eq!(renamed, Profile { name: Some("Ada L".to_owned()), ..before.clone() });
        let rung = say(&[("phone_number", "+48229999999")]).unwrap();
        assert_eq!((rung.phone_number.as_deref(), rung.phone_number_verified), (Some("+48229999999"), None));
        let moved = say(&[("address.locality", "Krak\u{f3}w")]).unwrap().address.unwrap();
        assert_eq!((moved.formatted, moved.locality.as_deref()), (None, Some("Krak\u{f3}w")));
        let gone = say(&[("address.street_address", ""), ("address.country", ""), ("name", "")]).unwrap();
        assert_eq!((gone.address, gone.name, gone.locale), (None, None, before.locale.clone()));
        let faults = say(&[
            ("website", "javascript:alert(1)"),
            ("birthdate", "yesterday"),
            ("address.country", "a\nb"),
        ]);
        assert_eq!(faults, Err(vec!["website", "birthdate", "address.country"]));
    }
}
