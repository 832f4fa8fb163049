### Zapomniane hasło.

recover-link = Nie pamiętasz hasła?
recover-title = Ustaw nowe hasło
recover-intro = Podaj adres e-mail swojego konta. Wyślemy na niego kod.
recover-no-address = Konto bez adresu e-mail nie dostanie kodu. Nowe hasło ustawiają mu administratorzy tej usługi.
recover-submit = Wyślij kod
recover-back = Wróć do logowania
recover-code-title = Sprawdź pocztę
recover-code-intro = Wysłaliśmy wiadomość na adres { $email }. Jeśli jakieś konto ma ten adres, znajdziesz w niej sześciocyfrowy kod, ważny przez dziesięć minut.
recover-code-submit = Dalej
recover-other-address = Użyj innego adresu
recover-no-more = Wysłaliśmy już tyle kodów, ile można w jednej próbie. Zacznij od nowa.
recover-password-title = Wybierz nowe hasło
recover-password-for = Konto
recover-password-label = Nowe hasło
recover-password-effect = Wszędzie indziej nastąpi wylogowanie.
recover-password-submit = Ustaw hasło i zaloguj
recover-closed-title = Nie możemy wysłać kodu
recover-closed-text = Ta usługa nie może jeszcze wysyłać poczty. Poproś jej operatora o nowe hasło.
