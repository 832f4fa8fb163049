### Co wszystkie strony mają wspólnego z wyglądu: rama i to, co mówi skrypt.

look-terms = Regulamin
look-privacy = Polityka prywatności
# W nawiasach stoi odsyłacz.
look-agree-terms = Zakładając konto, akceptujesz [regulamin].
look-agree-privacy = [Polityka prywatności] wyjaśnia, co dzieje się z Twoimi danymi.
look-nav-account = Twoje konto
look-nav-admin = Administracja
look-area-admin = Administracja

## Skrypt

look-show = Pokaż
look-hide = Ukryj
look-show-name = Pokaż hasło
look-hide-name = Ukryj hasło
look-busy = Chwileczkę.
look-copy = Kopiuj
look-copied = Skopiowano

## Siła hasła

look-strength-name = Siła
look-strength-weak = Za słabe
look-strength-fair = Dostateczne
look-strength-good = Dobre
look-strength-strong = Mocne
look-advice-short = { $missing ->
    [one] Dodaj jeszcze jeden znak.
    [few] Dodaj jeszcze { $missing } znaki.
    [many] Dodaj jeszcze { $missing } znaków.
   *[other] Dodaj jeszcze { $missing } znaku.
}
look-advice-long = To hasło jest za długie.
look-advice-guessable = To hasło łatwo odgadnąć. Unikaj popularnych słów, imion, dat i schematów oraz słów ze swojego adresu.
look-advice-fair = Wystarczy. Jeszcze jedno nietypowe słowo bardzo je wzmocni.
look-advice-good = To hasło trudno odgadnąć.
look-advice-strong = To hasło bardzo trudno odgadnąć.

## Co jest nie tak z ustawieniem

setting-shape = Nie da się tego odczytać.
setting-number = Podaj liczbę całkowitą.
setting-empty = Wybierz co najmniej jedną możliwość.
setting-too-long = Użyj najwyżej { $most } znaków.
setting-one-line = Użyj jednego wiersza bez znaków sterujących.
setting-colour = Podaj kolor jako # i sześć cyfr szesnastkowych, na przykład #0e6152.
setting-contrast = Tekst na tym tle byłby mało czytelny: kontrast wynosi { $ratio }, a musi wynosić co najmniej 4,5. Wybierz kolor bliższy zwykłemu tłu.
setting-range = Podaj liczbę od 0 do { $most }.
setting-choice = Wybierz jedno z: { $known }.
setting-https = Podaj adres, który zaczyna się od https:// i nie zawiera nazwy użytkownika ani hasła.
setting-logo-unreadable = Nie da się odczytać tego pliku.
setting-logo-large = Plik jest większy niż { $most } KiB.
setting-logo-format = To nie jest PNG, JPEG ani WebP. SVG nie jest przyjmowany.
setting-logo-size = Obraz może mieć najwyżej { $most } pikseli szerokości i wysokości.
