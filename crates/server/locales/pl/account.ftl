### Strony konta i wiadomości o nim.

home-manage = Zarządzaj
home-manage-of = Zarządzaj kontem { $account }

## Wokół każdej strony

account-nav-profile = Profil
account-nav-email = Adresy e-mail
account-nav-password = Hasło
account-nav-sessions = Urządzenia
account-nav-clients = Połączone aplikacje
account-nav-language = Język
account-nav-data = Twoje dane
account-nav-delete = Usuń konto
account-switch = Zmień konto. Teraz:
account-sign-out-all = Wyloguj ze wszystkich kont w tej przeglądarce
account-save = Zapisz

account-done-profile = Profil został zapisany.
account-done-username = Nazwa użytkownika została zmieniona.
account-done-email-added = Adres został dodany.
account-done-email-removed = Adres został usunięty.
account-done-primary = Główny adres został zmieniony. Powiadomiliśmy oba adresy.
account-done-password = Hasło zostało zmienione. Wszędzie indziej nastąpiło wylogowanie.
account-done-session = Wylogowano z tego urządzenia.
account-done-sessions = Wszędzie indziej nastąpiło wylogowanie.
account-done-client = Aplikacja nie ma już dostępu do Twojego konta.
account-done-language = Zapisaliśmy Twój język.
account-done-confirmed = Dziękujemy. Przez dziesięć minut nie zapytamy ponownie.

## Ponownie hasło

account-confirm-title = Czy to Ty?
account-confirm-text = Podaj hasło, aby przejść dalej.
account-confirm-needed = Aby chronić Twoje konto, przed każdą zmianą w tym miejscu pytamy o hasło.
account-confirm-submit = Potwierdź, że to Ty
account-password-wrong = To nie jest Twoje hasło. Spróbuj ponownie.

## Profil

account-username-effect = Poprzednia nazwa pozostaje Twoja: nikt inny jej nie dostanie.
account-username-save = Zapisz nazwę
account-username-already = To już jest Twoja nazwa użytkownika.
account-username-too-often = W ciągu 30 dni porzucono już trzy nazwy użytkownika. Spróbuj ponownie później.
account-profile-text = Tego dowiadują się o Tobie aplikacje, jeśli im na to pozwolisz. Żadne pole nie jest wymagane.
account-profile-names = Dane osobowe
account-profile-about = O Tobie
account-profile-contact = Telefon i adres
account-profile-name = Imię i nazwisko
account-profile-name-hint = Tak, jak mamy się do Ciebie zwracać
account-profile-given-name = Imię
account-profile-middle-name = Drugie imię
account-profile-family-name = Nazwisko
account-profile-nickname = Pseudonim
account-profile-gender = Płeć
account-profile-birthdate = Data urodzenia
account-profile-birthdate-hint = Na przykład 1990-12-31 albo 0000-12-31, jeśli nie chcesz podawać roku
account-profile-picture = Zdjęcie
account-profile-page = Strona profilu
account-profile-website = Strona internetowa
account-profile-url-hint = Adres zaczynający się od https://
account-profile-zoneinfo = Strefa czasowa
account-profile-zoneinfo-hint = Na przykład Europe/Warsaw
account-profile-phone = Numer telefonu
account-profile-phone-hint = Z numerem kierunkowym kraju, na przykład +48221234567
account-profile-street = Ulica i numer
account-profile-postal-code = Kod pocztowy
account-profile-locality = Miejscowość
account-profile-region = Region
account-profile-country = Kraj
account-fault-line = Wpisz jeden wiersz, najwyżej 255 znaków.
account-fault-url = Podaj adres zaczynający się od https:// lub http://.
account-fault-birthdate = Podaj datę w postaci 1990-12-31.
account-fault-zoneinfo = Podaj strefę czasową, na przykład Europe/Warsaw.
account-fault-phone = Podaj numer z kierunkowym kraju i bez spacji, na przykład +48221234567.

## Adresy e-mail

account-email-text = Możesz logować się każdym potwierdzonym adresem. Piszemy na adres główny.
account-email-primary = Główny
account-email-verified = Potwierdzony
account-email-not-verified = Niepotwierdzony
account-email-make-primary = Ustaw jako główny
account-email-make-primary-of = Ustaw jako główny: { $email }
account-email-remove = Usuń
account-email-remove-of = Usuń { $email }
account-email-add-title = Dodaj adres
account-email-add-hint = Wyślemy na niego kod, aby sprawdzić, że należy do Ciebie.
account-email-add = Wyślij kod
account-email-verify-intro = Jeśli adres { $email } można dodać do Twojego konta, wysłaliśmy na niego sześciocyfrowy kod. Jest ważny przez dziesięć minut.
account-email-no-more-codes = Wysłaliśmy już tyle kodów na ten adres, ile możemy. Dodaj go ponownie później.
account-email-already = Ten adres jest już w Twoim koncie.
account-email-too-many = Twoje konto ma już tyle adresów, ile może mieć. Najpierw usuń jeden z nich.
account-email-too-often = W krótkim czasie próbowano dodać wiele adresów. Spróbuj ponownie za godzinę.
account-email-unverified = Ten adres nie jest jeszcze potwierdzony.
account-email-is-primary = To jest główny adres. Najpierw ustaw inny jako główny.
account-email-not-yours = Tego adresu nie ma w Twoim koncie.
account-email-taken = Tego adresu nie można dodać do Twojego konta.

## Hasło

account-password-text = Po zmianie hasła wszędzie indziej nastąpi wylogowanie, a aplikacje połączone gdzie indziej zapytają Cię ponownie.
account-password-current = Obecne hasło
account-password-new = Nowe hasło
account-password-change = Zmień hasło
account-password-same = Wybierz inne hasło niż obecne.

## Urządzenia

account-sessions-text = Tu jesteś zalogowany lub zalogowana. Jeśli nie rozpoznajesz któregoś urządzenia, wyloguj je i zmień hasło.
account-device = { $browser }, { $system }
account-device-unknown = Nieznana przeglądarka
account-session-this = To urządzenie
account-session-now = Aktywne teraz
account-session-active = Ostatnia aktywność { $when }
account-session-end = Wyloguj z tego urządzenia
account-session-end-of = Wyloguj z tego urządzenia: { $device }
account-sessions-end-others = Wyloguj wszędzie indziej
account-sessions-end-all = Wyloguj wszędzie

## Połączone aplikacje

account-clients-none = Żadna aplikacja nie ma dostępu do Twojego konta.
account-clients-text = Aplikacje, do których logowano się tym kontem.
account-client-scopes = Może: { $what }
account-client-allowed = Dostęp od { $when }
account-client-used = Ostatnie logowanie { $when }
account-client-offline = Ma dostęp także pod Twoją nieobecność
account-client-disconnect = Odłącz
account-client-disconnect-of = Odłącz { $client }

## Dane

account-data-text = Pobierz plik ze wszystkim, co o Tobie przechowujemy: profilem, adresami, urządzeniami, połączonymi aplikacjami i historią konta.
account-data-submit = Pobierz moje dane

## Usunięcie konta

account-delete-text = Profil, adresy, hasło, urządzenia i połączone aplikacje zostaną usunięte na zawsze. Aplikacje zachowają to, co od Ciebie dostały. Nikt nie może tego cofnąć.
account-delete-sure = Tak, usuń konto { $account }
account-delete-submit = Usuń konto
account-delete-unsure = Zaznacz pole, jeśli na pewno tego chcesz.
account-deleted-title = Twoje konto zostało usunięte
account-deleted-unmailed = Do widzenia i dziękujemy.
account-deleted-text = Potwierdziliśmy to wiadomością e-mail. Do widzenia i dziękujemy.

## Wiadomości, w postaci opisanej w mails.ftl

account-mail-code =
    .subject = Twój kod do { $service }
    .before =
        Dzień dobry,

        oto kod do dodania tego adresu do Twojego konta w { $service }:
    .after =
        Kod jest ważny przez dziesięć minut na stronie, na której o niego poproszono. Nikt z { $service } nigdy o niego nie zapyta.

        Jeśli to nie Ty, możesz zignorować tę wiadomość: bez kodu nic nie zostanie dodane.

account-mail-taken =
    .subject = Ten adres ma już konto w { $service }
    .before =
        Dzień dobry,

        ktoś, być może Ty, próbował dodać ten adres do innego konta w { $service }. Należy on do Twojego konta, więc nic się nie zmieniło.
    .after = Jeśli chcesz mieć go w tamtym koncie, najpierw usuń go z tego. Jeśli to nie Ty, możesz zignorować tę wiadomość.

account-mail-added =
    .subject = Do Twojego konta w { $service } dodano adres
    .before =
        Dzień dobry,

        do Twojego konta w { $service } dodano adres { $email }. Można się nim logować.
    .action = Zobacz swoje konto
    .after = Jeśli to nie Ty, od razu zmień hasło i usuń ten adres.

account-mail-removed =
    .subject = Z Twojego konta w { $service } usunięto adres
    .before =
        Dzień dobry,

        z Twojego konta w { $service } usunięto adres { $email }. Nie można się nim już logować.
    .action = Zobacz swoje konto
    .after = Jeśli to nie Ty, od razu zmień hasło.

account-mail-primary =
    .subject = Zmieniono główny adres Twojego konta w { $service }
    .before =
        Dzień dobry,

        { $email } jest teraz głównym adresem Twojego konta w { $service }. Od teraz piszemy na ten adres.
    .action = Zobacz swoje konto
    .after = Jeśli to nie Ty, od razu zmień hasło.

account-mail-username =
    .subject = Zmieniono nazwę użytkownika Twojego konta w { $service }
    .before =
        Dzień dobry,

        { $username } jest teraz nazwą użytkownika Twojego konta w { $service }. Nią się logujesz.
    .action = Zobacz swoje konto
    .after = Jeśli to nie Ty, od razu zmień hasło.

account-mail-deleted =
    .subject = Twoje konto w { $service } zostało usunięte
    .before =
        Dzień dobry,

        Twoje konto w { $service } zostało usunięte wraz ze wszystkim, co w nim było. To ostatnia wiadomość o nim.

## Język

account-language-text = W tym języku do Ciebie piszemy i w nim pokazujemy strony, gdziekolwiek się zalogujesz. Aplikacje się o nim nie dowiedzą.
