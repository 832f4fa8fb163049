# Mails that an operator sends by the command line.

post-test =
    .subject = A test from { $service }
    .before =
        This is a test: mail from { $service } arrives.

        Whoever runs the server has sent it by the command line. There is nothing for you to do.
