### A device that asks for access, and is answered in a browser.

device-title = Connect a device
device-intro = Enter the code that your device shows.
device-code-label = Code
device-code-empty = Enter the code that your device shows.
device-code-malformed = The code has eight letters, like BCDF-GHJK, and no vowels or digits.
device-code-wrong = This code doesn't work. It may be mistyped, too old or already used. If it is as your device shows it, ask there for a new one.

device-confirm-title = Is this your device?
device-confirm-text = { $client } wants to use your account on a device that shows this code:
device-confirm-warning = Go on only if you began this yourself, on a device that is in front of you. If somebody sent you the code or the link, they would get into your account.
device-confirm-yes = Yes, go on
device-confirm-no = No, it isn't mine

device-approved-title = You can go back to your device
device-approved-text = { $client } is connected. You can close this page.
device-denied-title = The device was not connected
device-denied-text = { $client } got no access to your account. You can close this page.

consent-device = This is for a device, not for this browser. Go on only if you began it yourself, on a device that is in front of you.
