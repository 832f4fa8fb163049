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
error-not-recent-title = Zaloguj się ponownie
error-not-recent-text = Tego nie da się cofnąć albo ujawnia to sekret, dlatego wymaga logowania z ostatnich dziesięciu minut. Zaloguj się ponownie i powtórz czynność.

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
admin-session-methods = Sposób
admin-user-sign-out = Wyloguj wszędzie
admin-user-forgive = Zapomnij błędne próby
admin-user-reset-password = Unieważnij hasło
admin-user-disable = Zablokuj
admin-user-enable = Odblokuj
admin-user-delete = Usuń tego użytkownika
admin-user-delete-hint = Wraz ze wszystkim, co o nim wiadomo. Tego nie da się cofnąć.
admin-user-self = Nie możesz zablokować ani usunąć samego siebie.
admin-done-no-password = Jesteś zalogowany. Nie masz jeszcze hasła: ustaw je przez „nie pamiętam hasła” na stronie logowania, inaczej następnym razem będzie potrzebny kolejny link.
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
admin-client-scope = Zakres
admin-client-grant-types = Typy uprawnień
admin-client-further = Dalsze metadane
admin-client-further-hint = Obiekt JSON z nazwami z RFC 7591.
admin-client-settings = Dalsze ustawienia
admin-client-settings-hint = Obiekt JSON. Pominięte mają zwykłą wartość.
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

admin-all-events = Wszystkie zdarzenia
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
