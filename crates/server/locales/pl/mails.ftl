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

mail-recovery =
    .subject = Kod do ustawienia nowego hasła w { $service }
    .before =
        Dzień dobry,

        oto Twój kod do ustawienia nowego hasła w { $service }:
    .after =
        Jest ważny przez dziesięć minut, na stronie, na której o niego poproszono. Nikt z { $service } nigdy o niego nie zapyta.

        Jeśli to nie Ty prosisz o kod, możesz zignorować tę wiadomość: hasło pozostanie bez zmian.

mail-no-account =
    .subject = Brak konta z tym adresem w { $service }
    .before =
        Dzień dobry,

        ktoś, być może Ty, chce ustawić nowe hasło w { $service } dla tego adresu. Żadne konto go jednak nie ma.

        Jeśli to Ty, spróbuj innych swoich adresów. Jeśli nie, możesz zignorować tę wiadomość.

mail-password-changed =
    .subject = Zmieniono Twoje hasło w { $service }
    .before =
        Dzień dobry,

        hasło do Twojego konta w { $service } zostało zmienione { $when }{ $by ->
            [administrator] {" "}przez administratora
           *[person] . Przeglądarka: { $device }, adres sieciowy: { $from }
        }. Wszędzie indziej nastąpiło wylogowanie.

        Jeśli tak ma być, wszystko jest w porządku. Jeśli nie, ustaw od razu inne hasło:
    .action = Ustaw inne hasło

mail-new-device =
    .subject = Nowe logowanie na Twoje konto w { $service }
    .before =
        Dzień dobry,

        ktoś, zapewne Ty, zalogował się na Twoje konto w { $service } z przeglądarki, której wcześniej do tego nie używano.

        Kiedy: { $when }

        Przeglądarka: { $device }

        Adres sieciowy: { $from }

        Jeśli to Ty, nie musisz nic robić. Jeśli nie, wyloguj tę przeglądarkę i od razu zmień hasło:
    .action = Zobacz swoje urządzenia
