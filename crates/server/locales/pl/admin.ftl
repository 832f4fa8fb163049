### Strony administratorów.

admin-paging = Strony
admin-as = Administrujesz jako { $who }
admin-users = Użytkownicy
admin-clients = Aplikacje
admin-keys = Klucze
admin-events = Zdarzenia
admin-actions = Działania
admin-yes = Tak
admin-no = Nie
admin-edit = Edytuj
admin-save = Zapisz
admin-create = Utwórz
admin-search = Szukaj
admin-filter = Pokaż
admin-next = Następna strona
admin-older = Starsze zdarzenia
admin-created = Utworzono
admin-nothing-found = Niczego nie znaleziono.
admin-its-events = Zdarzenia na ten temat
admin-refused = Sprawdź to, proszę
admin-refused-title = Nie udało się
admin-one-a-line = Po jednym w wierszu.

## Wejście

admin-enter-title = Zaloguj się jako administrator
admin-enter-text = Ten link działa raz i przez godzinę. Zaloguje Cię w tej przeglądarce.
admin-enter-submit = Zaloguj się

## Co zatrzymuje

error-not-admin-title = To strona dla administratorów
error-not-admin-text = Nie jesteś zalogowany jako administrator tej usługi. Zaloguj się na inne konto albo zapytaj osobę, która ją prowadzi.

## Użytkownicy

admin-user-new = Nowy użytkownik
admin-user-new-text = Adres uznaje się za potwierdzony. Osoba wybierze hasło, używając „nie pamiętam hasła” na stronie logowania.
admin-user-search = Znajdź użytkownika
admin-user-search-hint = Początek adresu lub nazwiska.
admin-user-name = Imię i nazwisko
admin-user-email = Adres e-mail
admin-user-state = Stan
admin-user-enabled = Aktywny
admin-user-disabled = Zablokowany
admin-user-is-admin = Administrator
admin-user-password = Ma hasło
admin-user-id = Identyfikator użytkownika
admin-user-subject = Podmiot (sub)
admin-user-sessions = Zalogowania
admin-user-no-sessions = Obecnie nigdzie.
admin-session-since = Od
admin-session-active = Ostatnia aktywność
admin-user-sign-out = Wyloguj wszędzie
admin-user-reset-password = Unieważnij hasło
admin-user-disable = Zablokuj
admin-user-enable = Odblokuj
admin-user-delete = Usuń tego użytkownika
admin-user-delete-hint = Wraz ze wszystkim, co o nim wiadomo. Tego nie da się cofnąć.
admin-user-self = Nie możesz zablokować ani usunąć samego siebie.
admin-done-user-created = Użytkownik został utworzony.
admin-done-user-disabled = Użytkownik jest zablokowany i wylogowany wszędzie.
admin-done-user-enabled = Użytkownik jest aktywny.
admin-done-user-signed-out = Użytkownik jest wylogowany wszędzie.
admin-done-attempts-forgiven = Użytkownik może od razu spróbować ponownie.
admin-done-password-reset = Hasło już nie działa, a użytkownik jest wylogowany wszędzie.
admin-done-user-deleted = Użytkownik został usunięty.

## Aplikacje

admin-client-none = Nie ma jeszcze żadnej aplikacji.
admin-client-new-title = Nowa aplikacja
admin-client-edit-title = Edytuj aplikację
admin-client-made-title = Zachowaj to
admin-client-name = Nazwa
admin-client-id = Identyfikator aplikacji
admin-client-method = Uwierzytelnia się przez
admin-client-redirect-uris = Adresy przekierowań
admin-client-post-logout-uris = Adresy przekierowań po wylogowaniu
admin-client-back-logout = Gdzie powiadamiać serwer aplikacji o wylogowaniu
admin-client-back-logout-hint = backchannel_logout_uri, adres https. Serwer wysyła tam wiadomość zawsze, gdy kończy się sesja, w której używano aplikacji.
admin-client-back-logout-session = Musi wiedzieć, która sesja się skończyła
admin-client-back-logout-session-hint = backchannel_logout_session_required. Zawsze jest o tym powiadamiana.
admin-client-front-logout = Strona pokazywana przy wylogowaniu
admin-client-front-logout-hint = frontchannel_logout_uri, na tym samym hoście co jeden z adresów przekierowań. Wiele przeglądarek nie daje jej plików cookie, więc pewniejszy jest poprzedni sposób.
admin-client-front-logout-session = Podaj tej stronie, która sesja się skończyła
admin-client-front-logout-session-hint = frontchannel_logout_session_required: dodaje iss i sid do adresu.
admin-client-scope = Zakres
admin-client-grant-types = Typy uprawnień
admin-client-first-party = Należy do tego, kto prowadzi tę usługę: nie pyta się ludzi o zgodę
admin-client-rotate = Jej tokeny odświeżania zmieniają się przy każdym użyciu
admin-client-secrets = Sekrety
admin-client-secrets-text = Dwa mogą działać jednocześnie, żeby jeden dało się wymienić bez przerwy.
admin-client-secret = Sekret aplikacji
admin-client-secret-made = Utworzono { $when }
admin-client-secret-once = Sekret jest pokazany tylko ten jeden raz i nie da się go pokazać ponownie.
admin-client-new-secret = Utwórz kolejny sekret
admin-client-end-secrets = Unieważnij wszystkie prócz najnowszego
admin-client-delete = Usuń tę aplikację
admin-client-delete-hint = Wraz z tym, co jej przyznano. Tego nie da się cofnąć.
admin-done-client-updated = Aplikacja została zmieniona.
admin-done-client-deleted = Aplikacja została usunięta.
admin-done-secrets-ended = Teraz działa tylko najnowszy sekret.

## Klucze

admin-key-id = Identyfikator klucza
admin-key-algorithm = Algorytm
admin-key-state = Stan
admin-key-published = Opublikowano

## Zdarzenia

admin-event-kind = Rodzaj
admin-event-any = Dowolny
admin-event-about = Kto lub o kim (identyfikator)
admin-event-since = Od
admin-event-until = Do
admin-event-at = Kiedy
admin-event-actor = Kto
admin-event-subject = Czego dotyczy
admin-event-address = Skąd
admin-event-id = Identyfikator zdarzenia
admin-event-operator = Operator
admin-event-system = Sama usługa

## More of what stops somebody, and the way back

admin-not-recent = Od Twojego zalogowania minęło ponad dziesięć minut. Potwierdź w drugiej karcie, że to Ty, a potem zapisz tutaj jeszcze raz: to, co wpisano, zostaje.
admin-not-recent-confirm = Potwierdź, że to Ty
admin-confirm-as = Zalogowano jako
admin-confirm-text = Tego nie da się cofnąć albo wydaje to sekret, dlatego jeszcze raz prosimy o hasło.
admin-confirm-no-password = Do tego potrzebne jest hasło, a jeszcze go nie masz. Ustaw je za pomocą kodu, który wyślemy pocztą, albo poproś prowadzącego usługę o kolejny link.
admin-confirm-forgot = Ustaw hasło
admin-confirm-back = Powrót do administracji
admin-done-confirmed = Dziękujemy. Możesz kontynuować.

## The first password

admin-password-title = Ustaw hasło
admin-password-text = Twój link zadziałał ten jeden raz. Z hasłem wrócisz bez kolejnego linku i potwierdzisz to, czego nie da się cofnąć.
admin-password-submit = Ustaw hasło
admin-password-later = Nie teraz
admin-done-password-chosen = Twoje hasło jest ustawione.
admin-mail-first-password =
    .subject = Masz teraz hasło w { $service }
    .before =
        Dzień dobry,

        dla Twojego konta w { $service } ustawił hasło ktoś, kto wszedł przez jednorazowy link administratora.

        Jeśli to Ty, wszystko w porządku. Jeśli nie, od razu ustaw inne i powiadom prowadzącego usługę:
    .action = Ustaw inne hasło
admin-mail-password-reset =
    .subject = Ustaw nowe hasło w { $service }
    .before =
        Dzień dobry,

        administrator { $service } unieważnił hasło Twojego konta i wylogował Cię wszędzie.

        Aby wejść ponownie, ustaw nowe hasło. Potrzebny do tego kod przyjdzie pocztą:
    .action = Ustaw nowe hasło
    .after =
        Twojego hasła nie zna nikt inny, ani dawnego, ani nowego. Jeśli nie wiesz, skąd ta zmiana, zapytaj prowadzącego usługę.

## Lists, forms, keys, settings

admin-cancel = Anuluj
admin-user-none = Nikogo jeszcze nie ma.
admin-user-all = Pokaż wszystkich
admin-user-emails = Adresy e-mail
admin-user-no-emails = Brak
admin-user-primary = Główny
admin-user-unverified = Niepotwierdzony
admin-session-end = Wyloguj
admin-session-end-of = Wyloguj: { $device }
admin-done-session-ended = Użytkownik jest tam wylogowany.
admin-user-sign-out-title = Wyloguj ze wszystkiego
admin-user-sign-out-hint = Kończy także dostęp udzielony aplikacjom.
admin-user-forgive = Zbyt wiele błędnych haseł
admin-user-forgive-hint = Pozwala spróbować ponownie od razu.
admin-user-forgive-submit = Zapomnij błędne próby
admin-user-reset-title = Nowe hasło
admin-user-reset-hint = Obecne przestaje działać, użytkownik zostaje wszędzie wylogowany i dostaje list, jak ustawić nowe.
admin-user-reset-no-mail = Obecne przestaje działać, a użytkownik zostaje wszędzie wylogowany. Nie ma adresu, na który można napisać: nowe może ustawić prowadzący usługę.
admin-user-disable-title = Zablokuj dostęp
admin-user-disable-hint = Wylogowuje użytkownika wszędzie, dopóki nie przywrócisz dostępu.
admin-user-enable-title = Przywróć dostęp
admin-user-enable-hint = Użytkownik może się logować jak dawniej.
admin-client-none-text = Do aplikacji i usług, które tu dodasz, ludzie logują się przez tę stronę.
admin-client-fixed = Identyfikator nigdy się nie zmienia. Aby mieć inny, utwórz nową aplikację.
admin-client-refused = Nie przyjęto: { $detail }
admin-client-not-json = To nie jest JSON.
admin-client-group-about = Aplikacja
admin-client-group-sign-in = Logowanie
admin-client-group-sign-out = Wylogowanie
admin-client-group-authentication = Jak potwierdza swoją tożsamość
admin-client-group-tokens = Tokeny
admin-client-group-answers = Odpowiedzi podpisane i szyfrowane
admin-client-group-names = Pod jaką nazwą zna ludzi
admin-client-group-links = Co mówi o sobie
admin-client-name-hint = Widzą ją ludzie podczas logowania.
admin-client-application-type = Gdzie działa
admin-client-application-type-hint = Do zainstalowanej aplikacji można wracać przez jej własny schemat albo na samym urządzeniu.
admin-client-web = Na serwerze lub w przeglądarce
admin-client-native = Zainstalowana na urządzeniu
admin-client-first-party-hint = Tylko dla własnych aplikacji.
admin-client-redirect-uris-hint = Dokąd idą odpowiedzi: dokładnie te, po jednym w wierszu.
admin-client-initiate = Gdzie można stąd rozpocząć logowanie
admin-client-initiate-hint = initiate_login_uri, adres https.
admin-client-max-age = Najstarsze przyjmowane logowanie, w sekundach
admin-client-max-age-hint = Gdy żądanie tego nie mówi. Puste: dowolne.
admin-client-acr-values = Poziomy logowania, jakich by chciała (acr)
admin-client-acr-values-hint = Gdy żądanie tego nie mówi; po jednym w wierszu. To życzenie: jej tokeny ID mówią, co osiągnięto.
admin-client-auth-time = Jej tokeny ID muszą mówić, kiedy osoba się zalogowała (zawsze to mówią)
admin-client-grant-types-hint = Aplikacja publiczna zawsze potrzebuje PKCE z S256 do kodu.
admin-client-by-browser = Dostaje tokeny przez przeglądarkę (implicit), tylko ze starszym profilem
admin-client-profile = Zasady, które ją obowiązują
admin-client-profile-hint = Starsze tylko dla aplikacji, których nie da się już zmienić, i tylko tam, gdzie ta usługa na to pozwala.
admin-client-standard = Takie jak dla każdej aplikacji
admin-client-legacy = Starsze: tokeny mogą przechodzić przez przeglądarkę (oidc-legacy)
admin-client-response-types = Odpowiedzi, które przechodzą przez przeglądarkę
admin-client-response-types-hint = Nic nie wybrano: tylko kod.
admin-client-by-code = Ludzie się logują (authorization_code)
admin-client-by-refresh = Pozostaje połączona (refresh_token)
admin-client-by-credentials = Działa we własnym imieniu (client_credentials)
admin-client-by-device = Działa na urządzeniu bez przeglądarki (device_code)
admin-client-scope-hint = O co może prosić, rozdzielone spacjami.
admin-client-resource-servers = API, o które może prosić
admin-client-resource-servers-hint = Nic nie wybrano: wszystkie.
admin-client-method-hint = Inny sposób kończy jej sekrety; jeśli nowy ma sekret, pokażemy go raz po zapisaniu.
admin-client-auth-none = Wcale: aplikacja publiczna
admin-client-auth-basic = Sekret w nagłówku (client_secret_basic)
admin-client-auth-post = Sekret w formularzu (client_secret_post)
admin-client-auth-secret-jwt = Podpis sekretem (client_secret_jwt)
admin-client-auth-key-jwt = Podpis własnym kluczem (private_key_jwt)
admin-client-auth-alg = Jedyny algorytm jej podpisów
admin-client-auth-alg-hint = Dla dwóch sposobów z podpisem.
admin-client-any-alg = Dowolny dla sposobu
admin-client-jwks-uri = Adres jej kluczy publicznych
admin-client-jwks-uri-hint = Albo adres, albo same klucze.
admin-client-jwks = Jej klucze publiczne
admin-client-request-alg = Jedyny algorytm jej obiektów żądania
admin-client-request-alg-hint = Dla żądań, które podpisuje (RFC 9101). Niepodpisanych nigdy się nie przyjmuje.
admin-client-any-request-alg = Dowolny, do którego ma klucze
admin-client-request-uris = Adresy jej obiektów żądania
admin-client-request-uris-hint = Po jednym w wierszu. Tylko te są pobierane.
admin-client-jwks-hint = Zbiór JWK (RFC 7517), bez części prywatnych; tutaj najwyżej 8 KiB.
admin-client-id-token-alg = Algorytm jej tokenów ID
admin-client-id-token-lifetime = Życie tokenów ID, w sekundach
admin-client-access-token-lifetime = Życie tokenów dostępu, w sekundach
admin-client-token-lifetime-hint = Od minuty do doby.
admin-client-access-token-lifetime-hint = Od minuty do doby; nigdy dłużej, niż mówi API.
admin-client-refresh-idle = Życie nieużywanego tokenu odświeżania, w sekundach
admin-client-refresh-idle-hint = Najwyżej tyle, co łącznie.
admin-client-refresh-lifetime = Łączne życie tokenu odświeżania, w sekundach
admin-client-refresh-lifetime-hint = Najwyżej rok.
admin-client-rotate-hint = Tokeny aplikacji publicznej zawsze się zmieniają.
admin-client-id-token-claims = Jej tokeny ID mówią o ludziach to, co userinfo
admin-client-id-token-claims-hint = Dla aplikacji, które nigdy nie pytają userinfo.
admin-client-userinfo-alg = Algorytm jej userinfo
admin-client-userinfo-alg-hint = Podpisane userinfo jest tokenem JWT; inaczej zwykłym JSON.
admin-client-not-signed = Bez podpisu
admin-client-userinfo-encryption = Szyfrowanie jej userinfo
admin-client-userinfo-content = Jak szyfrowana jest treść jej userinfo
admin-client-id-token-encryption = Szyfrowanie jej tokenów ID
admin-client-id-token-content = Jak szyfrowana jest treść jej tokenów ID
admin-client-encryption-hint = Do jednego z jej kluczy publicznych. Gdy żadnego nie można uzyskać, nie dostaje niczego.
admin-client-not-encrypted = Bez szyfrowania
admin-client-usual-content = Jak zwykle
admin-client-subject-type = Nazwy ludzi
admin-client-subject-type-hint = Po późniejszej zmianie aplikacja każdego uzna za kogoś nowego.
admin-client-public = Takie same dla każdej aplikacji
admin-client-pairwise = Własne, nieznane innym aplikacjom (pairwise)
admin-client-sector = Adres jej sektora
admin-client-sector-hint = Tam wymienione są wszystkie adresy przekierowań sektora. Potrzebny przy własnych nazwach i kilku hostach.
admin-client-uri = Strona główna
admin-client-logo-uri = Logo
admin-client-tos-uri = Warunki korzystania
admin-client-policy-uri = Polityka prywatności
admin-client-contacts = Kontakty
admin-client-software-id = Oprogramowanie
admin-client-software-version = Wersja
admin-keys-text = Podpisują tokeny tej usługi. Są wymieniane samoczynnie; ręcznie trwa to chwilę.
admin-key-signs = Podpisuje od
admin-key-active = Podpisuje
admin-key-announced = Zapowiedziany
admin-key-retiring = Tylko weryfikuje
admin-key-retired = Wycofany
admin-key-gone = Zakończony
admin-key-revoked = Unieważniony
admin-key-rotate-title = Wymień klucz
admin-key-rotate-text = Nowy klucz jest najpierw zapowiadany, a podpisuje po godzinie, gdy zna go każda aplikacja. To, co podpisał dawny, pozostaje ważne do wygaśnięcia.
admin-key-rotate-now = Od razu, po dziesięciu sekundach
admin-key-rotate-now-hint = Aplikacja, która trzyma kopię kluczy, może przez pięć minut odrzucać tokeny.
admin-key-rotate = Wymień
admin-key-revoke = Unieważnij
admin-key-revoke-of = Unieważnij { $key }
admin-key-revoke-title = Unieważnienie klucza
admin-key-revoke-effect = Co się wtedy stanie
admin-key-revoke-tokens = Od tej chwili nic, co podpisał ten klucz, nie jest tu uznawane: tokeny dostępu, tokeny ID, podpowiedzi.
admin-key-revoke-apis = API, które same czytają tokeny, odrzucą je po następnym pobraniu kluczy. Aplikacje muszą pobrać nowe.
admin-key-revoke-successor = Teraz on podpisuje: inny klucz zajmie jego miejsce w tej samej chwili, zanim dowie się o nim każda aplikacja.
admin-key-revoke-idle = Teraz nie podpisuje, więc nowe podpisy pozostają bez zmian.
admin-key-revoke-people = Ludzie pozostają zalogowani. Tego nie da się cofnąć.
admin-key-revoke-submit = Unieważnij ten klucz
admin-done-key-rotated = Nowy klucz został zapowiedziany.
admin-done-key-revoked = Klucz został unieważniony.
admin-settings = Ustawienia
admin-settings-text = Jak nazywa się ta usługa, jak wyglądają jej strony i kto może wejść.
admin-settings-preview = Otwórz stronę logowania
admin-settings-service = Usługa
admin-settings-look = Wygląd
admin-settings-people = Ludzie
admin-setting-name = Nazwa
admin-setting-name-hint = Na każdej stronie i w każdym liście.
admin-setting-terms = Warunki korzystania
admin-setting-privacy = Polityka prywatności
admin-setting-link-hint = Adres https, w stopce każdej strony.
admin-setting-logo = Logo
admin-setting-logo-now = Obecne logo
admin-setting-logo-file = Obraz
admin-setting-logo-hint = PNG, JPEG lub WebP, najwyżej { $kib } KiB i { $pixels } pikseli na bok.
admin-setting-logo-none = Najpierw wybierz obraz.
admin-setting-logo-put = Użyj tego obrazu
admin-setting-logo-remove = Usuń logo
admin-setting-light-accent = Kolor
admin-setting-colour-hint = Przycisków, na przykład #0e6152. Linki mają najbliższy czytelny.
admin-setting-light-background = Tło
admin-setting-background-hint = Za kartą. Tekst na nim musi być czytelny: 4,5 do 1.
admin-setting-dark-accent = Kolor w ciemnym wyglądzie
admin-setting-dark-accent-hint = Puste: taki sam jak w jasnym.
admin-setting-dark-background = Tło w ciemnym wyglądzie
admin-setting-radius = Zaokrąglenie rogów
admin-setting-radius-hint = W pikselach, od 0 do 24.
admin-setting-font = Krój pisma
admin-setting-font-hint = Kroje, które urządzenia już mają.
admin-font-system = Własny urządzenia
admin-font-grotesque = Neutralny
admin-font-humanist = Otwarty
admin-font-geometric = Geometryczny
admin-font-rounded = Zaokrąglony
admin-font-serif = Książkowy
admin-font-slab = Mocny, z szeryfami
admin-setting-sign-up = Nowe konta
admin-sign-up-open = Zakłada każdy, kto przyjdzie
admin-sign-up-closed = Zakładają tylko administratorzy
admin-setting-identifiers = Ludzie logują się przez
admin-identifier-email = Adres e-mail
admin-identifier-username = Nazwę użytkownika
admin-settings-apps = Aplikacje
admin-setting-session-management = Aplikacje mogą sprawdzać, czy logowanie się zmieniło
admin-setting-session-management-hint = Przez ramkę na swoich stronach (session management). Wtedy ciasteczko jest wysyłane także na stronach innych witryn, a w przeglądarkach, które takie ciasteczka blokują, to nie działa. Niczego nie otwiera.
admin-session-management-off = Nie
admin-session-management-on = Tak
admin-samples = Jak to teraz wygląda
admin-samples-text = Tak, jak zapisano, z czytelnością. Tekst wymaga kontrastu 4,5 do 1 (WCAG 2.2).
admin-sample-light = Jasny
admin-sample-dark = Ciemny
admin-contrast-button = Tekst na przyciskach: { $ratio } do 1
admin-contrast-link = Linki: { $ratio } do 1
admin-contrast-text = Tekst na tle: { $ratio } do 1
admin-done-settings-saved = Ustawienia zostały zapisane.
admin-done-logo-saved = Logo zostało zmienione.
admin-done-logo-removed = Logo zostało usunięte.
