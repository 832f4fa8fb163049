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
error-not-recent-title = Please sign in again
error-not-recent-text = This can't be undone or gives a secret out, so it takes a sign-in of the last ten minutes. Sign in again, then repeat what you did.

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
admin-session-methods = By
admin-user-sign-out = Sign out everywhere
admin-user-forgive = Forget wrong guesses
admin-user-reset-password = Take the password away
admin-user-disable = Disable
admin-user-enable = Enable
admin-user-delete = Delete this user
admin-user-delete-hint = With everything that is known of them. It can't be undone.
admin-user-self = You can't disable or delete yourself.
admin-done-no-password = You are signed in. You have no password yet: choose one by "forgot password" on the sign-in page, or the next time takes another link.
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
admin-client-scope = Scope
admin-client-grant-types = Grant types
admin-client-further = Further metadata
admin-client-further-hint = A JSON object, by the names of RFC 7591.
admin-client-settings = Further settings
admin-client-settings-hint = A JSON object. What is left out is as usual.
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

admin-all-events = All events
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
