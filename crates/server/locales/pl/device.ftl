### Urządzenie, które prosi o dostęp, a odpowiedź dostaje w przeglądarce.

device-title = Połącz urządzenie
device-intro = Wpisz kod, który pokazuje Twoje urządzenie.
device-code-label = Kod
device-code-empty = Wpisz kod, który pokazuje Twoje urządzenie.
device-code-malformed = Kod ma osiem liter, na przykład BCDF-GHJK, bez samogłosek i cyfr.
device-code-wrong = Ten kod nie działa. Może jest w nim błąd, może jest za stary albo już użyty. Jeśli jest taki jak na urządzeniu, poproś tam o nowy.

device-confirm-title = Czy to Twoje urządzenie?
device-confirm-text = Aplikacja { $client } chce korzystać z Twojego konta na urządzeniu, które pokazuje ten kod:
device-confirm-warning = Kontynuuj tylko wtedy, gdy rozpoczęto to na urządzeniu, które masz przed sobą. Jeśli kod lub link przysłał Ci ktoś inny, dostałby się na Twoje konto.
device-confirm-yes = Tak, kontynuuj
device-confirm-no = Nie, to nie moje

device-approved-title = Możesz wrócić do urządzenia
device-approved-text = Aplikacja { $client } jest połączona. Możesz zamknąć tę stronę.
device-denied-title = Urządzenie nie zostało połączone
device-denied-text = Aplikacja { $client } nie dostała dostępu do Twojego konta. Możesz zamknąć tę stronę.

consent-device = To dostęp dla urządzenia, a nie dla tej przeglądarki. Kontynuuj tylko wtedy, gdy rozpoczęto to na urządzeniu, które masz przed sobą.
