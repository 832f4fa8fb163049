//! Who calls the token, introspection and revocation endpoints (RFC 6749 section 2.3).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq as _};
use terms::{ClientId, ClientSecret, ClientSecretHash, ClientSecretId, SecretText, Timestamp};

use crate::client::{Client, ClientAuthMethod};
use crate::client_assertion::{self, Addressee, AssertionRefusal, Single};
use crate::jose::{Algorithm, ClientAlgorithm, ClientJws, ClientKeys};
use crate::params::{Parameters, decode};

/// How a request says who its client is, before any of it was checked.
#[derive(Clone, Debug)]
pub struct Credentials {
    client: ClientId,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    None,
    Basic(SecretText),
    Post(SecretText),
    Assertion(SecretText),
}

/// Why a client is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRefusal {
    /// RFC 6749 section 2.3: not more than one method in a request.
    SeveralMethods,
    /// `client_id` in the form names another client than the `Authorization` header.
    SeveralClients,
    /// RFC 6749 section 3.2.1: a client that doesn't authenticate names itself.
    NoClient,
    /// RFC 7617 section 2: not what the `Basic` scheme carries; or another scheme.
    HeaderUnreadable,
    /// RFC 7521 section 4.2: `client_assertion` and `client_assertion_type` come together.
    AssertionIncomplete,
    /// RFC 7523 section 2.2: another `client_assertion_type` than the one for JWTs.
    AssertionTypeUnknown,
    /// RFC 6749 section 2.3: no such client, another method than the registered one, or a wrong secret or signature. One answer
    /// for all, so that nobody learns which.
    NotAuthenticated,
    /// An assertion that the client did sign, and that is not taken for what it says.
    Assertion(AssertionRefusal),
}

impl ClientRefusal {
    /// Every refusal, for the table of refusals; of the assertion's one.
    pub const ALL: [Self; 8] = [
        Self::SeveralMethods,
        Self::SeveralClients,
        Self::NoClient,
        Self::HeaderUnreadable,
        Self::AssertionIncomplete,
        Self::AssertionTypeUnknown,
        Self::NotAuthenticated,
        Self::Assertion(AssertionRefusal::Spent),
    ];

    /// What the client's developer is told.
    pub const fn description(self) -> &'static str {
        match self {
            Self::SeveralMethods => "the client authenticates in more than one way; use one",
            Self::SeveralClients => {
                "client_id names another client than the Authorization header or the client_assertion"
            }
            Self::NoClient => "the request does not say which client it comes from",
            Self::HeaderUnreadable => "the Authorization header is not well-formed Basic authentication",
            Self::AssertionIncomplete => "client_assertion and client_assertion_type must come together",
            Self::AssertionTypeUnknown => {
                "this server has no such client_assertion_type; use urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            }
            Self::NotAuthenticated => {
                "the client is unknown, its secret or signature is wrong, or it authenticates otherwise than it registered"
            }
            Self::Assertion(refusal) => refusal.description(),
        }
    }
}

impl Credentials {
    /// Reads them from the `Authorization` header fields of a request and from its form.
    pub fn read(headers: &[&[u8]], form: &Parameters) -> Result<Self, ClientRefusal> {
        let header = match headers {
            [] => None,
            [one] => Some(*one),
            // RFC 9110 section 11.6.2: the field is a single one.
            _ => return Err(ClientRefusal::SeveralMethods),
        };
        let secret = form.get("client_secret");
        let assertion = (form.get("client_assertion_type"), form.get("client_assertion"));
        let asserted = assertion != (None, None);
        if usize::from(header.is_some()) + usize::from(secret.is_some()) + usize::from(asserted) > 1 {
            return Err(ClientRefusal::SeveralMethods);
        }
        let named =
            form.get("client_id").map(str::parse).transpose().map_err(|_| ClientRefusal::NotAuthenticated)?;
        match assertion {
            (None, None) => {}
            (Some(client_assertion::TYPE), Some(assertion)) => return Self::read_assertion(assertion, named),
            (Some(_), Some(_)) => return Err(ClientRefusal::AssertionTypeUnknown),
            (Some(_), None) | (None, Some(_)) => return Err(ClientRefusal::AssertionIncomplete),
        }
        if let Some(header) = header {
            let (client, secret) = read_basic(header).ok_or(ClientRefusal::HeaderUnreadable)?;
            if named.is_some_and(|named: ClientId| named != client) {
                return Err(ClientRefusal::SeveralClients);
            }
            return Ok(Self { client, proof: Proof::Basic(secret) });
        }
        let client = named.ok_or(ClientRefusal::NoClient)?;
        let proof = match secret {
            Some(secret) => Proof::Post(SecretText::new(secret.to_owned())),
            None => Proof::None,
        };
        Ok(Self { client, proof })
    }

    /// RFC 7521 section 4.2: whose the assertion is, it says itself; `client_id` may say the same.
    fn read_assertion(assertion: &str, named: Option<ClientId>) -> Result<Self, ClientRefusal> {
        let jws = ClientJws::parse(assertion).map_err(|_| ClientRefusal::NotAuthenticated)?;
        let client: ClientId = jws
            .claimed_issuer()
            .and_then(|issuer| issuer.parse().ok())
            .ok_or(ClientRefusal::NotAuthenticated)?;
        if named.is_some_and(|named| named != client) {
            return Err(ClientRefusal::SeveralClients);
        }
        Ok(Self { client, proof: Proof::Assertion(SecretText::new(assertion.to_owned())) })
    }

    /// Which client they claim to be of, for finding it.
    pub fn client_id(&self) -> &ClientId {
        &self.client
    }

    /// With what a signature of this client would have to be verified: the `kid`, if it names one, and the algorithm. `None`
    /// where it needn't be, since there is none that this client may use.
    pub fn signed_with(&self, client: &Client) -> Option<(Option<String>, Algorithm)> {
        let Proof::Assertion(assertion) = &self.proof else { return None };
        let jws = ClientJws::parse(assertion.reveal()).ok()?;
        match jws.algorithm() {
            ClientAlgorithm::Signature(algorithm) if client.may_sign_with(jws.algorithm()) => {
                Some((jws.key_id().map(str::to_owned), algorithm))
            }
            ClientAlgorithm::Signature(_) | ClientAlgorithm::Hs256 => None,
        }
    }
}

/// RFC 7617 section 2, with the two halves form-encoded before they were joined (RFC 6749 section 2.3.1).
fn read_basic(header: &[u8]) -> Option<(ClientId, SecretText)> {
    let (scheme, token) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = SecretText::new(String::from_utf8(STANDARD.decode(token.trim_matches(' ')).ok()?).ok()?);
    let (id, secret) = decoded.reveal().split_once(':')?;
    Some((decode(id.as_bytes())?.parse().ok()?, SecretText::new(decode(secret.as_bytes())?)))
}

/// One of a client's secrets, as it is stored. A client has at most two that live, so that one can be replaced without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSecret {
    /// Its row.
    pub id: ClientSecretId,
    /// What is kept of it.
    pub kept: KeptSecret,
    /// The instant from which it is no longer taken, if there is one.
    pub expires_at: Option<Timestamp>,
}

/// What is kept of a secret, as the client's method needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptSecret {
    /// What it is recognised by.
    Hashed(ClientSecretHash),
    /// The secret itself, sealed.
    Sealed(Vec<u8>),
}

/// A sealed secret, opened.
#[derive(Clone, Debug)]
pub struct OpenedSecret {
    /// The secret.
    pub secret: ClientSecret,
    /// The instant from which it is no longer taken, if there is one.
    pub expires_at: Option<Timestamp>,
}

impl OpenedSecret {
    /// Whether it is still taken.
    pub fn lives(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|expiry| !expiry.has_passed(now))
    }
}

/// What there is under the name that a request claims, gathered before anything is decided.
#[derive(Clone, Debug)]
pub struct KnownClient {
    /// The client.
    pub client: Arc<Client>,
    /// Its secrets.
    pub secrets: Arc<[LiveSecret]>,
    /// The sealed ones among them, opened, where an assertion is to be verified by them.
    pub opened: Vec<OpenedSecret>,
    /// Its public keys, where an assertion is to be verified by them.
    pub keys: Option<Arc<ClientKeys>>,
}

impl KnownClient {
    /// A client that needs neither an opened secret nor a key.
    pub fn new(client: impl Into<Arc<Client>>, secrets: impl Into<Arc<[LiveSecret]>>) -> Self {
        Self { client: client.into(), secrets: secrets.into(), opened: Vec::new(), keys: None }
    }
}

/// A client whose credentials were checked for this request (RFC 6749 section 2.3).
///
/// Only [`authenticate`] makes one, so a function that takes it can't be reached without that check.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient(Arc<Client>);

impl AuthenticatedClient {
    /// The client that was authenticated.
    pub fn client(&self) -> &Client {
        &self.0
    }

    /// Whether it proved more than that it knows its own name (RFC 6749 section 2.1).
    pub fn is_confidential(&self) -> bool {
        !self.0.is_public()
    }
}

/// A client that is believed, as far as one request by itself can tell.
#[derive(Clone, Debug)]
pub enum Believed {
    /// Without reserve.
    Now(AuthenticatedClient),
    /// If its assertion is used for the first time.
    Once(Unspent),
}

/// A client whose assertion holds, and must still be spent.
#[derive(Clone, Debug)]
pub struct Unspent {
    client: Arc<Client>,
    single: Single,
}

impl Unspent {
    /// What to remember, by one guarded statement.
    pub fn single(&self) -> Single {
        self.single
    }

    /// Believes the client if that statement said that this was the first time (OpenID Connect Core section 9 `jti`).
    pub fn spent(self, first: bool) -> Result<AuthenticatedClient, ClientRefusal> {
        if first {
            Ok(AuthenticatedClient(self.client))
        } else {
            Err(ClientRefusal::Assertion(AssertionRefusal::Spent))
        }
    }
}

/// Believes a client, or doesn't. `found` is what there is under the claimed name.
///
/// The registered method and no other (RFC 9700 section 2.5; a client that may choose could be made to choose the weaker).
pub fn authenticate(
    credentials: &Credentials,
    found: Option<KnownClient>,
    addressee: Addressee<'_>,
    now: Timestamp,
) -> Result<Believed, ClientRefusal> {
    let known =
        found.filter(|it| it.client.id == credentials.client).ok_or(ClientRefusal::NotAuthenticated)?;
    let proven = match (&credentials.proof, known.client.auth_method) {
        (Proof::None, ClientAuthMethod::None) => true,
        (Proof::Basic(secret), ClientAuthMethod::ClientSecretBasic)
        | (Proof::Post(secret), ClientAuthMethod::ClientSecretPost) => {
            knows_secret(secret, &known.secrets, now)
        }
        (
            Proof::Assertion(assertion),
            ClientAuthMethod::ClientSecretJwt | ClientAuthMethod::PrivateKeyJwt,
        ) => {
            let single = verify_assertion(assertion, &known, addressee, now)?;
            return Ok(Believed::Once(Unspent { client: known.client, single }));
        }
        (Proof::None | Proof::Basic(_) | Proof::Post(_) | Proof::Assertion(_), _) => false,
    };
    if proven {
        Ok(Believed::Now(AuthenticatedClient(known.client)))
    } else {
        Err(ClientRefusal::NotAuthenticated)
    }
}

/// RFC 7523 section 3. What the assertion says counts only when it is known who says it.
fn verify_assertion(
    assertion: &SecretText,
    known: &KnownClient,
    addressee: Addressee<'_>,
    now: Timestamp,
) -> Result<Single, ClientRefusal> {
    let refused = ClientRefusal::NotAuthenticated;
    let jws = ClientJws::parse(assertion.reveal()).map_err(|_| refused)?;
    // RFC 8725 section 3.1: the registration says the algorithm, never the token.
    if !known.client.may_sign_with(jws.algorithm()) {
        return Err(refused);
    }
    let claims = match jws.algorithm() {
        ClientAlgorithm::Hs256 => {
            jws.verify_mac(known.opened.iter().filter(|it| it.lives(now)).map(|it| &it.secret))
        }
        ClientAlgorithm::Signature(_) => jws.verify_signature(known.keys.as_ref().ok_or(refused)?),
    };
    let claims = claims.map_err(|_| refused)?;
    client_assertion::check(jws.typ(), &claims, &known.client.id, addressee, now)
        .map_err(ClientRefusal::Assertion)
}

/// Compares with every secret that lives, in time that doesn't tell which one matched.
fn knows_secret(presented: &SecretText, secrets: &[LiveSecret], now: Timestamp) -> bool {
    let Ok(presented) = ClientSecret::parse(presented.reveal()) else {
        return false;
    };
    let presented = presented.hash();
    let mut known = Choice::from(0);
    for secret in secrets {
        // A sealed secret is for another method.
        let KeptSecret::Hashed(hash) = &secret.kept else { continue };
        let lives = secret.expires_at.is_none_or(|expiry| !expiry.has_passed(now));
        known |= hash.as_bytes().ct_eq(presented.as_bytes()) & Choice::from(u8::from(lives));
    }
    known.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{NOW, client};

    const ID: &str = "cli_web";
    const ADDRESSEE: Addressee<'static> = Addressee {
        issuer: "https://login.example.test",
        token_endpoint: "https://login.example.test/oauth/token",
    };

    fn secret(n: u8) -> ClientSecret {
        ClientSecret::new([n; 32])
    }

    fn live(n: u8, expires_at: Option<Timestamp>) -> LiveSecret {
        let kept = KeptSecret::Hashed(secret(n).hash());
        LiveSecret { id: ClientSecretId::new(NOW, [n; 10]), kept, expires_at }
    }

    fn basic(id: &str, secret: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))).into_bytes()
    }

    fn form(text: &str) -> Parameters {
        Parameters::parse(text.as_bytes()).unwrap()
    }

    fn attempt(
        method: ClientAuthMethod,
        headers: &[&[u8]],
        text: &str,
        secrets: Vec<LiveSecret>,
    ) -> Result<AuthenticatedClient, ClientRefusal> {
        let credentials = Credentials::read(headers, &form(text))?;
        let mut known = client();
        known.metadata.auth_method = method;
        let found = (credentials.client_id().as_str() == ID).then_some(KnownClient::new(known, secrets));
        match authenticate(&credentials, found, ADDRESSEE, NOW)? {
            Believed::Now(client) => Ok(client),
            Believed::Once(unspent) => unspent.spent(true),
        }
    }

    #[test]
    fn each_method_works_where_it_is_registered_and_nowhere_else() {
        use ClientAuthMethod as M;
        let text = secret(1).reveal();
        let header = basic(ID, &text);
        let post = format!("client_id={ID}&client_secret={text}");
        let none = format!("client_id={ID}");
        for method in [M::None, M::ClientSecretBasic, M::ClientSecretPost] {
            let by =
                |headers: &[&[u8]], form: &str| attempt(method, headers, form, vec![live(1, None)]).is_ok();
            assert_eq!(by(&[&header], ""), method == M::ClientSecretBasic);
            assert_eq!(by(&[&header], &none), method == M::ClientSecretBasic);
            assert_eq!(by(&[], &post), method == M::ClientSecretPost);
            assert_eq!(by(&[], &none), method == M::None);
        }
    }

    #[test]
    fn both_live_secrets_are_taken_and_an_expired_one_is_not() {
        let soon = NOW.plus(std::time::Duration::from_millis(1));
        let secrets = || vec![live(1, Some(soon)), live(2, None), live(3, Some(NOW))];
        for (n, taken) in [(1, true), (2, true), (3, false), (4, false)] {
            let header = basic(ID, &secret(n).reveal());
            let got = attempt(ClientAuthMethod::ClientSecretBasic, &[&header], "", secrets());
            assert_eq!(got.is_ok(), taken, "{n}");
        }
    }

    #[test]
    fn the_halves_of_basic_are_form_encoded() {
        // RFC 6749 section 2.3.1: as `%5F` an underscore is an underscore.
        let text = secret(1).reveal().replace('_', "%5F");
        let header = basic("cli%5fweb", &text);
        assert!(attempt(ClientAuthMethod::ClientSecretBasic, &[&header], "", vec![live(1, None)]).is_ok());
    }

    #[test]
    fn what_is_wrong_is_refused() {
        use ClientRefusal as R;
        let text = secret(1).reveal();
        let good = basic(ID, &text);
        let id_only = basic("", "");
        let bad_percent = basic("cli%zz", &text);
        let unpadded = good.strip_suffix(b"=").unwrap_or(&good[..good.len() - 1]).to_vec();
        let cases: Vec<(Vec<&[u8]>, String, R)> = vec![
            (vec![&good, &good], String::new(), R::SeveralMethods),
            (vec![&good], format!("client_secret={text}"), R::SeveralMethods),
            (vec![&good], "client_assertion=x".to_owned(), R::SeveralMethods),
            (vec![&good], format!("client_assertion_type={}", client_assertion::TYPE), R::SeveralMethods),
            (vec![], format!("client_secret={text}&client_assertion=x"), R::SeveralMethods),
            (vec![], "client_assertion=x&client_id=cli_web".to_owned(), R::AssertionIncomplete),
            (vec![], format!("client_assertion_type={}", client_assertion::TYPE), R::AssertionIncomplete),
            (vec![], "client_assertion=x&client_assertion_type=x".to_owned(), R::AssertionTypeUnknown),
            (
                vec![],
                format!("client_assertion=x&client_assertion_type={}", client_assertion::TYPE),
                R::NotAuthenticated,
            ),
            (vec![&good], "client_id=cli_other".to_owned(), R::SeveralClients),
            (vec![], String::new(), R::NoClient),
            (vec![], format!("client_secret={text}"), R::NoClient),
            (vec![b"Bearer abc"], String::new(), R::HeaderUnreadable),
            (vec![b"Basic"], String::new(), R::HeaderUnreadable),
            (vec![b"Basic \xff"], String::new(), R::HeaderUnreadable),
            (vec![b"Basic YWJj"], String::new(), R::HeaderUnreadable),
            (vec![&unpadded], String::new(), R::HeaderUnreadable),
            (vec![&id_only], String::new(), R::HeaderUnreadable),
            (vec![&bad_percent], String::new(), R::HeaderUnreadable),
            (vec![], "client_id=cli%20web".to_owned(), R::NotAuthenticated),
            (vec![], "client_id=cli_other".to_owned(), R::NotAuthenticated),
        ];
        for (headers, form, refusal) in cases {
            let got = attempt(ClientAuthMethod::ClientSecretBasic, &headers, &form, vec![live(1, None)]);
            assert_eq!(got.err(), Some(refusal), "{form}");
        }
    }

    #[test]
    fn every_bit_of_a_secret_counts() {
        let text = secret(1).reveal();
        for cut in 0..text.len() {
            let header = basic(ID, &text[..cut]);
            assert!(
                attempt(ClientAuthMethod::ClientSecretBasic, &[&header], "", vec![live(1, None)]).is_err()
            );
        }
        for position in 0..text.len() {
            for bit in 0..7 {
                let mut octets = text.clone().into_bytes();
                octets[position] ^= 1 << bit;
                let header = basic(ID, &String::from_utf8(octets).unwrap());
                let got = attempt(ClientAuthMethod::ClientSecretBasic, &[&header], "", vec![live(1, None)]);
                assert!(got.is_err(), "{position} {bit}");
            }
        }
    }
}
