//! Limits on what comes from outside. Each refuses; none drops or cuts.

use std::time::Duration;

/// Octets of a form or query string at a protocol endpoint.
pub const REQUEST_BYTES: usize = 64 * 1024;
/// Parameters in one form or query string.
pub const PARAMETERS: usize = 64;
/// Octets of one parameter's value, where nothing shorter is said.
pub const PARAMETER_BYTES: usize = 8 * 1024;
/// Octets of `state` and `nonce`, which we give back or store.
pub const STATE_BYTES: usize = 4 * 1024;
pub const NONCE_BYTES: usize = 1024;
/// Octets of a redirect URI.
pub const REDIRECT_URI_BYTES: usize = 2048;
/// Octets of a `request_uri` (OpenID Connect Core section 6.2).
pub const REQUEST_URI_BYTES: usize = 512;
/// Redirect URIs that one client may register.
pub const REDIRECT_URIS: usize = 100;
/// Scope tokens in one request, and octets in all.
pub const SCOPE_TOKENS: usize = 64;
pub const SCOPE_BYTES: usize = 2048;
/// `resource` parameters in one request (RFC 8707 section 2).
pub const RESOURCES: usize = 8;
/// Claims in one member of a `claims` parameter, and values of one of them.
pub const CLAIMS: usize = 64;
/// Octets of a compact JWS that is handed to us.
pub const TOKEN_BYTES: usize = 8 * 1024;
/// Keys in a client's JWK set.
pub const CLIENT_KEYS: usize = 32;
/// Times that one initial access token may be used, and how long it may live (RFC 7591 section 3).
pub const INITIAL_ACCESS_TOKEN_USES: u32 = 1000;
pub const INITIAL_ACCESS_TOKEN_LIFETIME: Duration = Duration::from_hours(365 * 24);
/// The use of a client that registered itself is noted no oftener than this.
pub const CLIENT_USE_NOTED: Duration = Duration::from_hours(24);
/// Octets of the `jti` of a client's assertion.
pub const JTI_BYTES: usize = 512;
/// Octets of a password: enough for any passphrase, too few to be a burden to hash.
pub const PASSWORD_BYTES: usize = 1024;
/// Octets of a `User-Agent` that are remembered.
pub const USER_AGENT_BYTES: usize = 512;
/// Octets of an email address (RFC 5321 section 4.5.3.1).
pub const EMAIL_BYTES: usize = 254;
/// Characters of a username.
pub const USERNAME_CHARACTERS: usize = 64;
pub const USERNAME_LEAST_CHARACTERS: usize = 2;
/// Octets of a tenant's logo: what a form that carries one may hold beside the rest.
pub const LOGO_BYTES: usize = 48 * 1024;
/// Pixels of a side of a tenant's logo.
pub const LOGO_PIXELS: u32 = 1024;
/// Characters of a tenant's name.
pub const SERVICE_NAME_CHARACTERS: usize = 60;
/// Octets of a link to a tenant's terms or privacy policy.
pub const LINK_BYTES: usize = 2048;

/// How far in the future the `exp` of a client's assertion may lie, by the client's own clock: for so long its `jti` is
/// remembered.
pub const ASSERTION_LIFETIME: Duration = Duration::from_hours(1);
/// How far a client's clock may be ahead of ours (FAPI 2.0 Security Profile section 5.3.2.1).
pub const CLIENT_CLOCK_SKEW: Duration = Duration::from_mins(1);
pub const AUTHORIZATION_CODE_LIFETIME: Duration = Duration::from_mins(1);
/// How long a device's codes work (RFC 8628 section 3.2): enough to fetch a telephone, type the code and sign in. The code that
/// people type is short, and each minute more is one more to guess at it (section 5.1).
pub const DEVICE_CODE_LIFETIME: Duration = Duration::from_mins(10);
/// Octets of what somebody types as a device's code.
pub const USER_CODE_BYTES: usize = 64;
/// How long a device waits between two questions, and what is added each time that it doesn't (RFC 8628 sections 3.2 and 3.5).
pub const DEVICE_POLL_INTERVAL: Duration = Duration::from_secs(5);
/// By how much a question may come too soon: a device waits by its own clock, and the network is not even.
pub const DEVICE_POLL_SLACK: Duration = Duration::from_secs(1);
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_mins(5);
/// The longest that an access token may live by any setting: revocation must not have to be remembered for longer, nor keys
/// be kept.
pub const ACCESS_TOKEN_LONGEST: Duration = Duration::from_hours(24);
pub const ID_TOKEN_LIFETIME: Duration = Duration::from_mins(10);
/// What the operator may choose for a client's tokens.
pub const SHORTEST_LIFETIME: Duration = Duration::from_mins(1);
pub const LONGEST_TOKEN_LIFETIME: Duration = Duration::from_hours(24);
pub const FLOW_LIFETIME: Duration = Duration::from_hours(1);
pub const MAILED_CODE_LIFETIME: Duration = Duration::from_mins(10);
/// Wrong guesses that a mailed code survives.
pub const MAILED_CODE_ATTEMPTS: i64 = 5;
/// How long a one-time sign-in link for an administrator works.
pub const ADMIN_LINK_LIFETIME: Duration = Duration::from_hours(1);
pub const SESSION_IDLE: Duration = Duration::from_hours(7 * 24);
pub const SESSION_LIFETIME: Duration = Duration::from_hours(30 * 24);
pub const REFRESH_TOKEN_IDLE: Duration = Duration::from_hours(30 * 24);
pub const REFRESH_TOKEN_LIFETIME: Duration = Duration::from_hours(365 * 24);
/// How long after typing the password a person may do what is dangerous to their account.
pub const RECENT_PROOF: Duration = Duration::from_mins(10);
/// How long a rotated refresh token may still be presented by a client that lost the answer.
pub const REFRESH_TOKEN_GRACE: Duration = Duration::from_secs(30);
/// How long a browser's previous handle is honoured after a rotation, for requests already on their way.
pub const BROWSER_HANDLE_GRACE: Duration = Duration::from_secs(10);
