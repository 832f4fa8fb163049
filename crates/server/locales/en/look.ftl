### What all pages share of the look: the frame, and what the script says.

look-terms = Terms of service
look-privacy = Privacy policy
# What stands in brackets is the link.
look-agree-terms = By creating an account you agree to the [terms of service].
look-agree-privacy = The [privacy policy] says what is done with your data.
look-nav-account = Your account
look-nav-admin = Administration
look-area-admin = Administration

## The script

look-show = Show
look-hide = Hide
look-show-name = Show password
look-hide-name = Hide password
look-busy = One moment, please.
look-copy = Copy
look-copied = Copied

## The strength of a password

look-strength-name = Strength
look-strength-weak = Too weak
look-strength-fair = Fair
look-strength-good = Good
look-strength-strong = Strong
look-advice-short = { $missing ->
    [one] One more character, please.
   *[other] { $missing } more characters, please.
}
look-advice-long = This is too long.
look-advice-guessable = This is easy to guess. Avoid common words, names, dates and patterns, and words of your address.
look-advice-fair = This will do. One more uncommon word makes it much stronger.
look-advice-good = This is hard to guess.
look-advice-strong = This is very hard to guess.

## What is wrong with a setting of a tenant

setting-shape = This can't be read.
setting-number = Enter a whole number.
setting-empty = Choose at least one.
setting-too-long = Use at most { $most } characters.
setting-one-line = Use one line without control characters.
setting-colour = Enter a colour as # and six hexadecimal digits, such as #0e6152.
setting-contrast = Text on this colour could hardly be read: the contrast is { $ratio } and must be 4.5 at least. Choose one nearer to the usual background.
setting-range = Enter a number from 0 to { $most }.
setting-choice = Choose one of: { $known }.
setting-https = Enter an address that begins with https:// and has no user name or password in it.
setting-logo-unreadable = This file can't be read.
setting-logo-large = The file is larger than { $most } KiB.
setting-logo-format = This is no PNG, JPEG or WebP. SVG is not taken.
setting-logo-size = The picture may be at most { $most } pixels wide and high.
