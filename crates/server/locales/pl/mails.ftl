### Co piszemy w listach. Objaśnienia: ../en/mails.ftl.

mail-footer = Wiadomość od { $service }. Wysłaliśmy ją, ponieważ ktoś podał tam ten adres.

mail-code =
    .subject = Twój kod do { $service }
    .before =
        Dzień dobry,

        oto kod, którym potwierdzisz swój adres w { $service }:
    .after =
        Kod działa przez dziesięć minut, na stronie, na której o niego poproszono. Nikt z { $service } nigdy Cię o niego nie zapyta.

        Jeśli to nie Ty prosisz o kod, zignoruj tę wiadomość: bez niego konto nie powstanie.

mail-taken =
    .subject = Masz już konto w { $service }
    .before =
        Dzień dobry,

        ktoś, być może Ty, próbował założyć nowe konto w { $service } z tym adresem. Masz już konto, więc nic się nie zmieniło.
    .action = Zaloguj się
    .after = Jeśli to nie Ty, zignoruj tę wiadomość.
