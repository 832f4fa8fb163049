### What mails say. Each is one message with these attributes:
###
###   subject   the header, which is also the heading
###   before    what stands above the code or the button, paragraphs with an empty line between
###   action    of a mail with a link: what the button says
###   after     what stands below
###
### Every one is given $service.

# What stands at the end of every mail.
mail-footer = Sent by { $service }, because this address was used there.

mail-code =
    .subject = Your code for { $service }
    .before =
        Hello,

        this is your code to confirm your address for { $service }:
    .after =
        It works for ten minutes, on the page where you asked for it. Nobody from { $service } will ever ask you for it.

        If you didn't ask for it, you can ignore this mail: no account is made without the code.

mail-taken =
    .subject = You already have an account at { $service }
    .before =
        Hello,

        somebody, perhaps you, tried to make a new account at { $service } with this address. You already have one, so nothing was changed.
    .action = Sign in
    .after = If it wasn't you, you can ignore this mail.

mail-recovery =
    .subject = Your code for a new password at { $service }
    .before =
        Hello,

        this is your code to set a new password at { $service }:
    .after =
        It works for ten minutes, on the page where you asked for it. Nobody from { $service } will ever ask you for it.

        If you didn't ask for it, you can ignore this mail: your password stays as it is.

mail-no-account =
    .subject = No account at { $service } with this address
    .before =
        Hello,

        somebody, perhaps you, wants to set a new password at { $service } for this address. But no account there has it.

        If it was you, please try the other addresses that you use. If it wasn't, you can ignore this mail.

mail-password-changed =
    .subject = Your password at { $service } was changed
    .before =
        Hello,

        the password of your account at { $service } was changed on { $when }{ $by ->
            [administrator] {" "}by an administrator
           *[person] , with { $device }, from the network address { $from }
        }. Whoever was signed in to it elsewhere has been signed out.

        If this is as you want it, all is well. If it isn't, set another password at once:
    .action = Set another password

mail-new-device =
    .subject = New sign-in to your account at { $service }
    .before =
        Hello,

        somebody, probably you, signed in to your account at { $service } from a browser that wasn't used for it before.

        When: { $when }

        Browser: { $device }

        Network address: { $from }

        If it was you, there is nothing to do. If it wasn't, sign that browser out and change your password at once:
    .action = See your devices
