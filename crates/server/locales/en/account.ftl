### The pages of one's account, and the mails about it.

home-manage = Manage
home-manage-of = Manage { $account }

## Around every page

account-nav-profile = Profile
account-nav-email = Email addresses
account-nav-password = Password
account-nav-sessions = Devices
account-nav-clients = Connected apps
account-nav-language = Language
account-nav-data = Your data
account-nav-delete = Delete account
account-switch = Switch account. Now:
account-sign-out-all = Sign out of every account here
account-save = Save

account-done-profile = Your profile was saved.
account-done-username = Your username was changed.
account-done-email-added = The address was added.
account-done-email-removed = The address was removed.
account-done-primary = Your primary address was changed. Both addresses were told.
account-done-password = Your password was changed. You were signed out everywhere else.
account-done-session = You were signed out there.
account-done-sessions = You were signed out everywhere else.
account-done-client = The app has no access to your account any more.
account-done-language = Your language was saved.
account-done-confirmed = Thank you. For ten minutes you won't be asked again.

## The password again

account-confirm-title = Is it you?
account-confirm-text = Enter your password to go on.
account-confirm-needed = To protect your account, we ask for your password before anything is changed here.
account-confirm-submit = Confirm it's you
account-password-wrong = This is not your password. Please try again.

## Profile

account-username-effect = The name before it stays yours: nobody else gets it.
account-username-save = Save username
account-username-already = This is your username already.
account-username-too-often = You have given up three usernames within 30 days. Please try again later.
account-profile-text = What applications learn about you when you let them. Everything is optional.
account-profile-names = Name
account-profile-about = About you
account-profile-contact = Phone and address
account-profile-name = Full name
account-profile-name-hint = As you want to be called
account-profile-given-name = First name
account-profile-middle-name = Middle name
account-profile-family-name = Last name
account-profile-nickname = Nickname
account-profile-gender = Gender
account-profile-birthdate = Date of birth
account-profile-birthdate-hint = Like 1990-12-31, or 0000-12-31 to keep the year to yourself
account-profile-picture = Picture
account-profile-page = Profile page
account-profile-website = Website
account-profile-url-hint = An address that begins with https://
account-profile-zoneinfo = Time zone
account-profile-zoneinfo-hint = Like Europe/Warsaw
account-profile-phone = Telephone number
account-profile-phone-hint = With the country code, like +48221234567
account-profile-street = Street and number
account-profile-postal-code = Postal code
account-profile-locality = Town
account-profile-region = Region
account-profile-country = Country
account-fault-line = Use one line of at most 255 characters.
account-fault-url = Enter a web address that begins with https:// or http://.
account-fault-birthdate = Enter a date like 1990-12-31.
account-fault-zoneinfo = Enter a time zone like Europe/Warsaw.
account-fault-phone = Enter the number with its country code and without blanks, like +48221234567.

## Email addresses

account-email-text = You can sign in with each verified address. We write to the primary one.
account-email-primary = Primary
account-email-verified = Verified
account-email-not-verified = Not verified
account-email-make-primary = Make primary
account-email-make-primary-of = Make primary: { $email }
account-email-remove = Remove
account-email-remove-of = Remove { $email }
account-email-add-title = Add an address
account-email-add-hint = We send a code to it, to see that it is yours.
account-email-add = Send a code
account-email-verify-intro = If { $email } can be added to your account, we sent a code of six digits to it. It works for ten minutes.
account-email-no-more-codes = We sent as many codes as we can for this address. Please add it anew later.
account-email-already = This is one of your addresses already.
account-email-too-many = Your account has as many addresses as it can have. Remove one first.
account-email-too-often = You have tried to add many addresses in a short time. Please try again in an hour.
account-email-unverified = This address is not verified yet.
account-email-is-primary = This is your primary address. Make another one primary first.
account-email-not-yours = This address is not one of yours.
account-email-taken = This address can't be added to your account.

## Password

account-password-text = When it is changed, you are signed out everywhere else, and apps that you connected elsewhere must ask you again.
account-password-current = Current password
account-password-new = New password
account-password-change = Change password
account-password-same = Choose a password that is not the current one.

## Devices

account-sessions-text = Where you are signed in. If you don't recognise one, sign it out and change your password.
account-device = { $browser } on { $system }
account-device-unknown = Unknown browser
account-session-this = This device
account-session-now = Active now
account-session-active = Last active { $when }
account-session-end = Sign out from this device
account-session-end-of = Sign out from this device: { $device }
account-sessions-end-others = Sign out everywhere else
account-sessions-end-all = Sign out everywhere

## Connected apps

account-clients-none = No app has access to your account.
account-clients-text = Apps that you signed in to with this account.
account-client-scopes = It may { $what }
account-client-allowed = Allowed { $when }
account-client-used = Last signed in { $when }
account-client-offline = Has access while you are away
account-client-disconnect = Disconnect
account-client-disconnect-of = Disconnect { $client }

## Data

account-data-text = Get a file with everything that we store about you: profile, addresses, devices, connected apps and what happened with your account.
account-data-submit = Download my data

## Deletion

account-delete-text = Your profile, addresses, password, devices and connected apps are deleted for good. Apps keep what you gave them. Nobody can undo this.
account-delete-sure = Yes, delete the account { $account }
account-delete-submit = Delete account
account-delete-unsure = Tick the box if you are sure.
account-deleted-title = Your account is deleted
account-deleted-unmailed = Goodbye, and thank you.
account-deleted-text = We confirmed it by mail. Goodbye, and thank you.

## Mails, in the form that mails.ftl tells of

account-mail-code =
    .subject = Your code for { $service }
    .before =
        Hello,

        this is your code to add this address to your account at { $service }:
    .after =
        It works for ten minutes, on the page where you asked for it. Nobody from { $service } will ever ask you for it.

        If you didn't ask for it, you can ignore this mail: nothing is added without the code.

account-mail-taken =
    .subject = This address has an account at { $service } already
    .before =
        Hello,

        somebody, perhaps you, tried to add this address to another account at { $service }. It belongs to yours, so nothing was changed.
    .after = If you want it in the other account, remove it from this one first. If it wasn't you, you can ignore this mail.

account-mail-added =
    .subject = An address was added to your account at { $service }
    .before =
        Hello,

        the address { $email } was added to your account at { $service }. You can sign in with it.
    .action = See your account
    .after = If it wasn't you, change your password and remove the address at once.

account-mail-removed =
    .subject = An address was removed from your account at { $service }
    .before =
        Hello,

        the address { $email } was removed from your account at { $service }. It can't be used to sign in any more.
    .action = See your account
    .after = If it wasn't you, change your password at once.

account-mail-primary =
    .subject = Your primary address at { $service } was changed
    .before =
        Hello,

        { $email } is now the primary address of your account at { $service }. From now on we write to it.
    .action = See your account
    .after = If it wasn't you, change your password at once.

account-mail-username =
    .subject = Your username at { $service } was changed
    .before =
        Hello,

        { $username } is now the username of your account at { $service }. It is what you sign in with.
    .action = See your account
    .after = If it wasn't you, change your password at once.

account-mail-deleted =
    .subject = Your account at { $service } was deleted
    .before =
        Hello,

        your account at { $service } was deleted, with everything that was stored in it. This is the last mail about it.

## Language

account-language-text = We write to you in this language, and show our pages in it wherever you sign in. Apps are not told.
