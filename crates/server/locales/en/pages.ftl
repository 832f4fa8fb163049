### What pages say: those that everybody meets, and what pages share.

## What all pages share

# This language's name in itself, for the switch.
language-name = English
language-choose = Language
date = { $day } { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $year }
date-time = { date }, { $time } UTC
skip-to-content = Skip to content
footer-note = Secured by Portico
error-summary-title = Please check this
continue = Continue
back = Back
email-label = Email address
# What accounts sign in with: $kind is email, username or either.
identifier-label = { $kind ->
    [username] Username
    [either] Email address or username
   *[email] Email address
}
username-label = Username
username-hint = Letters and digits; dots, underscores and hyphens between them. Others can see it, and capitals don't matter.
password-label = Password
to-continue-to = to continue to { $client }

## Signing in

sign-in-title = Sign in
sign-in-intro = { $kind ->
    [username] Enter your username to begin.
    [either] Enter your email address or your username to begin.
   *[email] Enter your email address to begin.
}
sign-in-intro-for = { $kind ->
    [username] Enter your username to continue to { $client }.
    [either] Enter your email address or your username to continue to { $client }.
   *[email] Enter your email address to continue to { $client }.
}
sign-in-no-account = New here?
sign-in-create-account = Create an account
sign-in-password-title = Enter your password
sign-in-as = Signing in as
sign-in-other-address = { $kind ->
    [email] Use another address
   *[username] Use another account
}
sign-in-submit = Sign in
sign-in-refused = { $kind ->
    [username] The username or the password is not right. Please try again.
    [either] The name or the password is not right. Please try again.
   *[email] The email address or the password is not right. Please try again.
}

## Signing up

sign-up-title = Create your account
sign-up-intro = { $kind ->
    [username] Choose the name and the password that you will sign in with.
   *[email] You will get a code by mail to confirm your address.
}
sign-up-intro-for = { $kind ->
    [username] Choose the name and the password that you will sign in with, then continue to { $client }.
   *[email] You will get a code by mail to confirm your address, then continue to { $client }.
}
sign-up-password-hint = At least { $least } characters. A few words that don't belong together make a good one; spaces are fine.
sign-up-submit = Create account
sign-up-have-account = Already have an account?
sign-up-sign-in = Sign in
sign-up-closed-title = Sign-up is not available
sign-up-closed-text = New accounts are made by the administrators of this service. Please ask them for one.

## The mailed code

verify-title = Check your mail
verify-intro = If { $email } can be used for a new account, we sent a code of six digits to it. It works for ten minutes.
verify-code-label = Code
verify-submit = Confirm
verify-resend = Send another code
verify-resent = Another code is on its way. The one before no longer works.
verify-no-more = We sent as many codes as we can for one sign-up. Please start anew.
verify-other-address = Use another address
verify-wrong = { $left ->
    [one] That is not the code. You have one more try.
   *[other] That is not the code. You have { $left } more tries.
}
verify-unusable = This code can't be used any more. Please ask for another one.
verify-shape = The code has six digits.

## Signed in, signing out

home-title = You are signed in
home-since = Signed in { $when }
home-add-account = Sign in with another account
home-none-title = You are not signed in
home-none-text = Sign in to see your account.
sign-out-title = Sign out?
sign-out-text = You will be signed out of every account in this browser.
sign-out-submit = Sign out
sign-out-stay = Stay signed in
signed-out-title = You are signed out
signed-out-text = It is safe to close this page.
signed-out-again = Sign in again

end-session-client = { $client } asks to sign you out.

## Approving

consent-title = Let { $client } use your account?
consent-as = You are signed in as { $account }.
consent-wants = It wants to
consent-unproven = Another application on your device could pose as this one. Go on only if you have just begun to sign in there.
consent-approve = Allow
consent-deny = Cancel
# What a client shows of itself, wherever people sign in for it.
client-logo = Logo of { $client }
client-site = About { $client }
client-policy = Privacy policy of { $client }
client-terms = Terms of service of { $client }
client-unvouched = { $client } registered itself with { $service }. Nobody here has checked who runs it.
scope-openid = know that it is you
scope-profile = see your name and the rest of your profile
scope-email = see your email address
scope-phone = see your telephone number
scope-address = see your postal address
scope-offline-access = keep this access while you are away

## Choosing an account

select-account-title = Choose an account
select-account-other = Use another account

## Moving on

signing-out-title = Signing you out
signing-out-text = The apps you used are being told. You will be taken on in a moment; if not, use the button.

moving-on-title = One moment
moving-on-text = You are being taken back. If nothing happens within a few seconds, use the button.

## Faults of a form

identifier-empty = { $kind ->
    [username] Enter your username.
    [either] Enter your email address or your username.
   *[email] Enter your email address.
}
identifier-malformed = { $kind ->
    [either] Enter an email address like name@example.com, or a username of letters and digits.
   *[username] Enter a username of letters and digits, with dots, underscores or hyphens only between them.
}
username-empty = Choose a username.
username-too-short = { $least ->
    [one] Use at least one character.
   *[other] Use at least { $least } characters.
}
username-too-long = Use at most { $most } characters.
username-characters = Use letters and digits, with dots, underscores or hyphens only between them.
username-mixed-scripts = Use the letters of one script only.
username-taken = This username is taken, or too much like one that is. Please choose another.
email-empty = Enter your email address.
email-malformed = Enter an email address like name@example.com.
email-too-long = This email address is too long.
password-empty = Enter your password.
password-too-short = Use at least { $least } characters.
password-too-long = This password is too long. Use fewer than { $most } characters.
password-guessable = This password is easy to guess. Choose one that is no common word or pattern and doesn't contain your address.

## What went wrong

error-stale-title = This page is too old
error-stale-text = This attempt was begun in another browser, is too old or was used already. Please start anew.
error-too-often-title = Too many attempts
error-form-title = We couldn't check where this came from
error-form-text = The form was sent from another site, or cookies are turned off. Allow cookies for this site, go back, load the page again and send it once more.
error-request-title = We couldn't read this request
error-request-text = Something in the address or the form is missing or malformed. Please go back and try again.
error-taken-title = You already have an account
error-taken-text = An account with this address was made in the meantime. Please sign in.
error-username-taken-title = This username is taken
error-username-taken-text = Somebody else took this username in the meantime. Please start anew with another one.
error-start-anew = Start anew

refused-title = This request can't be answered
refused-text = The application that sent you here asked for something that we can't do. Please tell whoever runs it.
refused-detail = What is wrong:

## The mailbox of `portico dev`

mailbox-title = Mailbox
mailbox-intro = Mails that this server would have sent, newest first. This page exists in development only.
mailbox-empty = No mail yet. Load this page again once something was sent.
mailbox-html = See it as a mail program shows it

## When a request can't be answered at all

notice-request-id = Request id:
notice-failed-title = Something went wrong
notice-failed = Something went wrong on our side. Please try again; if it stays, tell the operator the request id.
notice-busy-title = Too much to do
notice-busy = There is too much to do at the moment. Please try again in a few seconds.
notice-too-large-title = Too large
notice-too-large = What was sent is too large.
notice-nothing-here-title = Not found
notice-nothing-here = There is nothing at this address.
notice-unknown-host-title = Not found
notice-unknown-host = Nobody lives at this host. Use the host name of the issuer.
notice-ambiguous-host-title = We couldn't read this request
notice-ambiguous-host = The request must name exactly one host.
notice-ambiguous-client-title = We couldn't read this request
notice-ambiguous-client = The proxy before this server does not say whom it speaks for. Please tell the operator.
