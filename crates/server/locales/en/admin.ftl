### The pages of administrators.

admin-paging = Pages
admin-as = Administering as { $who }
admin-users = Users
admin-clients = Clients
admin-keys = Keys
admin-events = Events
admin-actions = Actions
admin-yes = Yes
admin-no = No
admin-edit = Edit
admin-save = Save
admin-create = Create
admin-search = Search
admin-filter = Show
admin-next = Next page
admin-older = Older events
admin-created = Created
admin-nothing-found = Nothing was found.
admin-its-events = Events about it
admin-refused = Please check this
admin-refused-title = That did not work
admin-one-a-line = One a line.

## Coming in

admin-enter-title = Sign in as administrator
admin-enter-text = This link works once and for an hour. It signs you in, in this browser.
admin-enter-submit = Sign in

## What stops somebody

error-not-admin-title = This is for administrators
error-not-admin-text = You are not signed in as an administrator of this service. Sign in with another account, or ask whoever runs it.

## Users

admin-user-new = New user
admin-user-new-text = The address counts as verified. The person chooses a password by "forgot password" on the sign-in page.
admin-user-search = Find a user
admin-user-search-hint = The beginning of an address or of a name.
admin-user-name = Name
admin-user-email = Email address
admin-user-state = State
admin-user-enabled = Enabled
admin-user-disabled = Disabled
admin-user-is-admin = Administrator
admin-user-password = Has a password
admin-user-id = User ID
admin-user-subject = Subject
admin-user-sessions = Signed in
admin-user-no-sessions = Nowhere at the moment.
admin-session-since = Since
admin-session-active = Last active
admin-user-sign-out = Sign out everywhere
admin-user-reset-password = Take the password away
admin-user-disable = Disable
admin-user-enable = Enable
admin-user-delete = Delete this user
admin-user-delete-hint = With everything that is known of them. It can't be undone.
admin-user-self = You can't disable or delete yourself.
admin-done-user-created = The user was made.
admin-done-user-disabled = The user is disabled and signed out everywhere.
admin-done-user-enabled = The user is enabled.
admin-done-user-signed-out = The user is signed out everywhere.
admin-done-attempts-forgiven = The user may try again at once.
admin-done-password-reset = The password no longer works, and the user is signed out everywhere.
admin-done-user-deleted = The user was deleted.

## Clients

admin-client-none = There is no client yet.
admin-client-new-title = New client
admin-client-edit-title = Edit the client
admin-client-made-title = Keep this
admin-client-name = Name
admin-client-id = Client ID
admin-client-method = Authenticates by
admin-client-redirect-uris = Redirect URIs
admin-client-post-logout-uris = Redirect URIs after signing out
admin-client-back-logout = Where its server is told of a sign-out
admin-client-back-logout-hint = backchannel_logout_uri, an https address. The server posts to it whenever a session ends that the app was used in.
admin-client-back-logout-session = It must be told which session ended
admin-client-back-logout-session-hint = backchannel_logout_session_required. It always is.
admin-client-front-logout = Page to show at a sign-out
admin-client-front-logout-hint = frontchannel_logout_uri, on the same host as one of the redirect URIs. Many browsers keep cookies from it; the other way is the surer one.
admin-client-front-logout-session = Tell that page which session ended
admin-client-front-logout-session-hint = frontchannel_logout_session_required: adds iss and sid to the address.
admin-client-scope = Scope
admin-client-grant-types = Grant types
admin-client-first-party = It belongs to whoever runs this service: people aren't asked for consent
admin-client-rotate = Its refresh tokens change at each use
admin-client-secrets = Secrets
admin-client-secrets-text = Two can be good at once, so that one can be replaced without a gap.
admin-client-secret = Client secret
admin-client-secret-made = Made { $when }
admin-client-secret-once = The secret is shown this once and can't be shown again.
admin-client-new-secret = Make another secret
admin-client-end-secrets = End all but the newest secret
admin-client-delete = Delete this client
admin-client-delete-hint = With what was granted to it. It can't be undone.
admin-done-client-updated = The client was changed.
admin-done-client-deleted = The client was deleted.
admin-done-secrets-ended = Only the newest secret works now.

## Keys

admin-key-id = Key ID
admin-key-algorithm = Algorithm
admin-key-state = State
admin-key-published = Published

## Events

admin-event-kind = Kind
admin-event-any = Any
admin-event-about = By or about (an ID)
admin-event-since = From
admin-event-until = Until
admin-event-at = When
admin-event-actor = Who
admin-event-subject = About
admin-event-address = From where
admin-event-id = Event ID
admin-event-operator = Operator
admin-event-system = The service itself

## More of what stops somebody, and the way back

admin-not-recent = Your sign-in is more than ten minutes old. Confirm it's you in another tab, then save again here: what you typed stays.
admin-not-recent-confirm = Confirm it's you
admin-confirm-as = Signed in as
admin-confirm-text = This can't be undone or gives a secret out, so we ask for your password once more.
admin-confirm-no-password = This takes your password, and you have none yet. Choose one by a code that we mail you, or ask whoever runs this service for another link.
admin-confirm-forgot = Choose a password
admin-confirm-back = Back to the administration
admin-done-confirmed = Thank you. You can go on now.

## The first password

admin-password-title = Choose a password
admin-password-text = Your link worked once. With a password you can come back without another one, and confirm what can't be undone.
admin-password-submit = Set the password
admin-password-later = Not now
admin-done-password-chosen = Your password is set.
admin-mail-first-password =
    .subject = You have a password at { $service } now
    .before =
        Hello,

        a password was chosen for your account at { $service } by somebody who came in by the one-time link of an administrator.

        If it was you, all is well. If it wasn't, choose another one at once, and tell whoever runs the service:
    .action = Choose another password
admin-mail-password-reset =
    .subject = Choose a new password for { $service }
    .before =
        Hello,

        an administrator of { $service } took away the password of your account and signed you out everywhere.

        To come in again, choose a new password. You get a code by mail for that:
    .action = Choose a new password
    .after =
        Nobody else knows your password, before or after. If you wonder why this happened, ask whoever runs the service.

## Lists, forms, keys, settings

admin-cancel = Cancel
admin-user-none = There is nobody yet.
admin-user-all = Show everybody
admin-user-emails = Email addresses
admin-user-no-emails = None
admin-user-primary = Primary
admin-user-unverified = Not verified
admin-session-end = Sign out
admin-session-end-of = Sign out: { $device }
admin-done-session-ended = The user is signed out there.
admin-user-sign-out-title = Everywhere out
admin-user-sign-out-hint = Ends what clients were granted too.
admin-user-forgive = Too many wrong passwords
admin-user-forgive-hint = Lets the user try again at once.
admin-user-forgive-submit = Forget wrong guesses
admin-user-reset-title = A new password
admin-user-reset-hint = The present one stops working, the user is signed out everywhere, and gets a mail on how to choose another.
admin-user-reset-no-mail = The present one stops working, and the user is signed out everywhere. There is no address to write to: whoever runs the service can set another.
admin-user-disable-title = Keep out
admin-user-disable-hint = Signs the user out everywhere, until you let them in again.
admin-user-enable-title = Let in again
admin-user-enable-hint = The user can sign in as before.
admin-client-none-text = A client is an app or a service that lets people sign in here.
admin-client-fixed = The client ID stays as it is for ever. To have another, make a new client.
admin-client-refused = Not taken: { $detail }
admin-client-not-json = This is no JSON.
admin-client-group-about = The client
admin-client-group-sign-in = Signing in
admin-client-group-sign-out = Signing out
admin-client-group-authentication = How it proves who it is
admin-client-group-tokens = Tokens
admin-client-group-answers = Signed and encrypted answers
admin-client-group-names = By what name it knows people
admin-client-group-links = What it says of itself
admin-client-name-hint = People see it when they sign in.
admin-client-application-type = Where it runs
admin-client-application-type-hint = An installed app may be called back at its own scheme or on the device itself.
admin-client-web = On a server or in a browser
admin-client-native = Installed on a device
admin-client-first-party-hint = For your own apps only.
admin-client-redirect-uris-hint = Where answers go: exactly these, one a line.
admin-client-initiate = Where a sign-in can be begun from here
admin-client-initiate-hint = initiate_login_uri, an https address.
admin-client-max-age = Oldest sign-in that it takes, in seconds
admin-client-max-age-hint = Where a request doesn't say. Empty: any.
admin-client-acr-values = Levels of sign-in that it would like (acr)
admin-client-acr-values-hint = Where a request doesn't say; one a line. A wish: its ID tokens say what was reached.
admin-client-auth-time = Its ID tokens must say when the person signed in (they always do)
admin-client-grant-types-hint = A public client always needs PKCE with S256 for a code.
admin-client-by-browser = It gets tokens through the browser (implicit), only with the older profile
admin-client-profile = Rules that it is held to
admin-client-profile-hint = The older one only for apps that can't be changed any more, and only where this service allows it.
admin-client-standard = Those of every client
admin-client-legacy = Older ones: tokens may pass through the browser (oidc-legacy)
admin-client-response-types = Answers that pass through the browser
admin-client-response-types-hint = None chosen: a code only.
admin-client-by-code = People sign in (authorization_code)
admin-client-by-refresh = It stays connected (refresh_token)
admin-client-by-credentials = It acts for itself (client_credentials)
admin-client-by-device = It runs on a device without a browser (device_code)
admin-client-scope-hint = What it may ask for, separated by blanks.
admin-client-resource-servers = APIs that it may ask for
admin-client-resource-servers-hint = None chosen: all of them.
admin-client-method-hint = Another way ends its secrets; where the new one has a secret, it is shown once after you save.
admin-client-auth-none = Not at all: a public client
admin-client-auth-basic = Secret in the header (client_secret_basic)
admin-client-auth-post = Secret in the form (client_secret_post)
admin-client-auth-secret-jwt = Signed with the secret (client_secret_jwt)
admin-client-auth-key-jwt = Signed with its own key (private_key_jwt)
admin-client-auth-alg = The only algorithm of its signatures
admin-client-auth-alg-hint = For the two ways that sign.
admin-client-any-alg = Any of its method
admin-client-jwks-uri = Address of its public keys
admin-client-jwks-uri-hint = Either the address or the keys themselves.
admin-client-jwks = Its public keys
admin-client-request-alg = The only algorithm of its request objects
admin-client-request-alg-hint = For requests that it signs (RFC 9101). They are never taken unsigned.
admin-client-any-request-alg = Any that it has keys for
admin-client-request-uris = Addresses of its request objects
admin-client-request-uris-hint = One a line. Only these are fetched.
admin-client-jwks-hint = A JWK set (RFC 7517), without private parts; at most 8 KiB here.
admin-client-id-token-alg = Algorithm of its ID tokens
admin-client-id-token-lifetime = Life of its ID tokens, in seconds
admin-client-access-token-lifetime = Life of its access tokens, in seconds
admin-client-token-lifetime-hint = From a minute to a day.
admin-client-access-token-lifetime-hint = From a minute to a day; never longer than the API says.
admin-client-refresh-idle = Life of an unused refresh token, in seconds
admin-client-refresh-idle-hint = At most as long as in all.
admin-client-refresh-lifetime = Life of a refresh token in all, in seconds
admin-client-refresh-lifetime-hint = At most a year.
admin-client-rotate-hint = Those of a public client always do.
admin-client-id-token-claims = Its ID tokens say of people what userinfo does
admin-client-id-token-claims-hint = For clients that never ask userinfo.
admin-client-userinfo-alg = Algorithm of its userinfo
admin-client-userinfo-alg-hint = Signed, userinfo comes as a JWT; otherwise as plain JSON.
admin-client-not-signed = Not signed
admin-client-userinfo-encryption = Encryption of its userinfo
admin-client-userinfo-content = How the content of its userinfo is encrypted
admin-client-id-token-encryption = Encryption of its ID tokens
admin-client-id-token-content = How the content of its ID tokens is encrypted
admin-client-encryption-hint = To one of its public keys. While none can be had, it gets nothing.
admin-client-not-encrypted = Not encrypted
admin-client-usual-content = As usual
admin-client-subject-type = Names of people
admin-client-subject-type-hint = Changed later, it takes everybody for somebody new.
admin-client-public = The same as for every client
admin-client-pairwise = Its own, which no other client knows (pairwise)
admin-client-sector = Address of its sector
admin-client-sector-hint = Where all redirect URIs of the sector are listed. Needed for names of its own with several hosts.
admin-client-uri = Home page
admin-client-logo-uri = Logo
admin-client-tos-uri = Terms of service
admin-client-policy-uri = Privacy policy
admin-client-contacts = Contacts
admin-client-software-id = Software
admin-client-software-version = Version
admin-keys-text = They sign the tokens of this service. They are replaced by themselves; by hand it takes a moment.
admin-key-signs = Signs from
admin-key-active = Signs
admin-key-announced = Announced
admin-key-retiring = Verifies only
admin-key-retired = Retired
admin-key-gone = Gone
admin-key-revoked = Revoked
admin-key-rotate-title = Replace a key
admin-key-rotate-text = A new key is announced first and signs an hour later, when every app knows it. What the old one signed stays good until it expires.
admin-key-rotate-now = At once, after ten seconds
admin-key-rotate-now-hint = An app that keeps a copy of the keys may refuse tokens for up to five minutes.
admin-key-rotate = Replace
admin-key-revoke = Revoke
admin-key-revoke-of = Revoke { $key }
admin-key-revoke-title = Revoke a key
admin-key-revoke-effect = What happens then
admin-key-revoke-tokens = Nothing that this key signed is believed here any more, from this moment on: access tokens, ID tokens, hints.
admin-key-revoke-apis = APIs that read tokens by themselves refuse them when they next fetch the keys. Apps must get new tokens.
admin-key-revoke-successor = It signs now: another key takes its place in the same moment, before every app could learn of it.
admin-key-revoke-idle = It doesn't sign now, so what is signed from here on stays as it is.
admin-key-revoke-people = People stay signed in. It can't be undone.
admin-key-revoke-submit = Revoke this key
admin-done-key-rotated = A new key was announced.
admin-done-key-revoked = The key is revoked.
admin-settings = Settings
admin-settings-text = What this service is called, how its pages look, and who may come in.
admin-settings-preview = Open the sign-in page
admin-settings-service = The service
admin-settings-look = Look
admin-settings-people = People
admin-setting-name = Name
admin-setting-name-hint = On every page and in every mail.
admin-setting-terms = Terms of service
admin-setting-privacy = Privacy policy
admin-setting-link-hint = An https address, linked at the foot of every page.
admin-setting-logo = Logo
admin-setting-logo-now = The logo as it is now
admin-setting-logo-file = Picture
admin-setting-logo-hint = PNG, JPEG or WebP, at most { $kib } KiB and { $pixels } pixels a side.
admin-setting-logo-none = Choose a picture first.
admin-setting-logo-put = Use this picture
admin-setting-logo-remove = Remove the logo
admin-setting-light-accent = Colour
admin-setting-colour-hint = Of buttons, such as #0e6152. Links have the nearest one that can be read.
admin-setting-light-background = Background
admin-setting-background-hint = Behind the card. Text on it must be readable: 4.5 to 1.
admin-setting-dark-accent = Colour in the dark
admin-setting-dark-accent-hint = Empty: the same as in the light.
admin-setting-dark-background = Background in the dark
admin-setting-radius = Roundness of corners
admin-setting-radius-hint = In pixels, from 0 to 24.
admin-setting-font = Font
admin-setting-font-hint = Fonts that devices have already.
admin-font-system = The device's own
admin-font-grotesque = Neutral
admin-font-humanist = Open
admin-font-geometric = Geometric
admin-font-rounded = Rounded
admin-font-serif = Of a book
admin-font-slab = Strong, with feet
admin-setting-sign-up = New accounts
admin-sign-up-open = Whoever comes makes one
admin-sign-up-closed = Administrators only make them
admin-setting-identifiers = People sign in with
admin-identifier-email = Their email address
admin-identifier-username = A username
admin-settings-apps = Apps
admin-setting-session-management = Apps may watch whether somebody's sign-in has changed
admin-setting-session-management-hint = By a frame in their pages (session management). A cookie then goes along in the pages of other sites, and browsers that keep such cookies back make it useless. It opens nothing.
admin-session-management-off = No
admin-session-management-on = Yes
admin-samples = How it looks now
admin-samples-text = As it was saved, with how well it can be read. Text needs a contrast of 4.5 to 1 (WCAG 2.2).
admin-sample-light = Light
admin-sample-dark = Dark
admin-contrast-button = Text on buttons: { $ratio } to 1
admin-contrast-link = Links: { $ratio } to 1
admin-contrast-text = Text on the background: { $ratio } to 1
admin-done-settings-saved = The settings were saved.
admin-done-logo-saved = The logo was changed.
admin-done-logo-removed = The logo was removed.
