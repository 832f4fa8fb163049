use identity::attempt::BudgetId;
use identity::username::UsernameHash;
use oidc::device::UserCodeHash;
use serde::Serialize;
use terms::{
    AccessTokenHandleHash, AdminLinkHash, AdminLinkId, AuthorizationCodeHash, BrowserHandleHash, BrowserId,
    CanonicalEmail, CanonicalUsername, ClientId, ClientSecretHash, ClientSecretId, DeviceAuthorizationId,
    DeviceCodeHash, EmailAdditionId, EventId, FlowId, GrantId, InitialAccessTokenHash, InitialAccessTokenId,
    Language, MailId, MailedCodeId, RecoveryId, RegistrationAccessTokenHash, ResourceServerId, SessionId,
    SignInId, SignUpId, SigningKeyId, Subject, TenantId, Timestamp, UserId,
};

/// The kinds of column that both engines have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Bool,
    Blob,
    Json,
}

/// A value on its way into a statement.
#[derive(Clone)]
pub enum Value {
    /// An identifier of ours: text that a [`Fault`](crate::Fault) may name.
    Id(String),
    Text(String),
    Int(i64),
    Bool(bool),
    Blob(Vec<u8>),
    Json(serde_json::Value),
    Null(Kind),
}

/// What can be bound to a parameter.
pub trait ToValue {
    /// The kind of column it fits, also where it is absent: PostgreSQL types its nulls.
    const KIND: Kind;

    fn to_value(&self) -> Value;
}

impl<T: ToValue + ?Sized> ToValue for &T {
    const KIND: Kind = T::KIND;

    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    const KIND: Kind = T::KIND;

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null(T::KIND), ToValue::to_value)
    }
}

/// A value for a `@json` column. Fields of a type that has no JSON form (a map with keys that are not text) become
/// a null, which the column's `NOT NULL` refuses.
pub struct Json<T>(pub T);

impl<T: Serialize> ToValue for Json<T> {
    const KIND: Kind = Kind::Json;

    fn to_value(&self) -> Value {
        serde_json::to_value(&self.0).map_or(Value::Null(Kind::Json), Value::Json)
    }
}

macro_rules! values {
    ($($ty:ty => $kind:ident, |$it:ident| $value:expr;)*) => {$(
        impl ToValue for $ty {
            const KIND: Kind = Kind::$kind;

            fn to_value(&self) -> Value {
                let $it = self;
                $value
            }
        }
    )*};
}

values! {
    str => Text, |it| Value::Text(it.to_owned());
    String => Text, |it| Value::Text(it.clone());
    CanonicalEmail => Text, |it| Value::Text(it.to_string());
    CanonicalUsername => Text, |it| Value::Text(it.to_string());
    Language => Text, |it| Value::Text(it.as_str().to_owned());
    Subject => Text, |it| Value::Text(it.to_string());
    ClientId => Text, |it| Value::Id(it.to_string());
    bool => Bool, |it| Value::Bool(*it);
    i64 => Int, |it| Value::Int(*it);
    u32 => Int, |it| Value::Int(i64::from(*it));
    Timestamp => Int, |it| Value::Int(it.as_millis());
    [u8] => Blob, |it| Value::Blob(it.to_vec());
    Vec<u8> => Blob, |it| Value::Blob(it.clone());
    [u8; 32] => Blob, |it| Value::Blob(it.to_vec());
    serde_json::Value => Json, |it| Value::Json(it.clone());
}

macro_rules! ids {
    ($($ty:ty),* $(,)?) => { values! { $($ty => Text, |it| Value::Id(it.to_string());)* } };
}

ids! {
    TenantId, UserId, BrowserId, SessionId, SignInId, SignUpId, FlowId, GrantId, ClientSecretId, ResourceServerId, EmailAdditionId, EventId, MailId, MailedCodeId, SigningKeyId, AdminLinkId, RecoveryId, InitialAccessTokenId,
    DeviceAuthorizationId,
}

macro_rules! hashes {
    ($($ty:ty),* $(,)?) => { values! { $($ty => Blob, |it| Value::Blob(it.as_bytes().to_vec());)* } };
}

hashes! { AdminLinkHash, DeviceCodeHash, UserCodeHash, InitialAccessTokenHash, RegistrationAccessTokenHash, BudgetId, UsernameHash, AuthorizationCodeHash, AccessTokenHandleHash, ClientSecretHash, BrowserHandleHash }
