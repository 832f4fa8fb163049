### A forgotten password.

recover-link = Forgot your password?
recover-title = Set a new password
recover-intro = Enter the email address of your account. We will send a code to it.
recover-no-address = An account without an email address can't get one. Its password is set anew by the administrators of this service.
recover-submit = Send code
recover-back = Back to sign-in
recover-code-title = Check your mail
recover-code-intro = We sent a mail to { $email }. If an account has this address, it holds a code of six digits that works for ten minutes.
recover-code-submit = Continue
recover-other-address = Use another address
recover-no-more = We sent as many codes as we can for one attempt. Please start anew.
recover-password-title = Choose a new password
recover-password-for = For
recover-password-label = New password
recover-password-effect = You will be signed out everywhere else.
recover-password-submit = Set password and sign in
recover-closed-title = We can't send you a code
recover-closed-text = This service can't send mail yet. Please ask its operator for a new password.
