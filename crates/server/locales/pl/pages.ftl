### Co mówią strony: te, które widzi każdy, i to, co strony mają wspólne. Objaśnienia: ../en/pages.ftl.

## Wspólne dla wszystkich stron

language-name = Polski
language-choose = Język
date = { $day } { $month ->
    [1] stycznia
    [2] lutego
    [3] marca
    [4] kwietnia
    [5] maja
    [6] czerwca
    [7] lipca
    [8] sierpnia
    [9] września
    [10] października
    [11] listopada
   *[12] grudnia
} { $year }
date-time = { date }, { $time } UTC
skip-to-content = Przejdź do treści
footer-note = Zabezpiecza Portico
error-summary-title = Sprawdź poniższe pola
continue = Dalej
back = Wstecz
email-label = Adres e-mail
identifier-label = { $kind ->
    [username] Nazwa użytkownika
    [either] Adres e-mail lub nazwa użytkownika
   *[email] Adres e-mail
}
username-label = Nazwa użytkownika
username-hint = Litery i cyfry, a między nimi kropki, podkreślenia i łączniki. Inni mogą ją zobaczyć, a wielkość liter nie ma znaczenia.
password-label = Hasło
to-continue-to = aby przejść do { $client }

## Logowanie

sign-in-title = Zaloguj się
sign-in-intro = { $kind ->
    [username] Na początek podaj swoją nazwę użytkownika.
    [either] Na początek podaj swój adres e-mail lub nazwę użytkownika.
   *[email] Na początek podaj swój adres e-mail.
}
sign-in-intro-for = { $kind ->
    [username] Podaj swoją nazwę użytkownika, aby przejść do { $client }.
    [either] Podaj swój adres e-mail lub nazwę użytkownika, aby przejść do { $client }.
   *[email] Podaj swój adres e-mail, aby przejść do { $client }.
}
sign-in-no-account = Nie masz konta?
sign-in-create-account = Załóż konto
sign-in-password-title = Podaj hasło
sign-in-as = Logujesz się jako
sign-in-other-address = { $kind ->
    [email] Użyj innego adresu
   *[username] Użyj innego konta
}
sign-in-submit = Zaloguj się
sign-in-refused = { $kind ->
    [username] Nazwa użytkownika lub hasło się nie zgadza. Spróbuj ponownie.
    [either] Nazwa lub hasło się nie zgadza. Spróbuj ponownie.
   *[email] Adres e-mail lub hasło się nie zgadza. Spróbuj ponownie.
}

## Zakładanie konta

sign-up-title = Załóż konto
sign-up-intro = { $kind ->
    [username] Wybierz nazwę i hasło, którymi będziesz się logować.
   *[email] Wyślemy Ci e-mailem kod, którym potwierdzisz adres.
}
sign-up-intro-for = { $kind ->
    [username] Wybierz nazwę i hasło, którymi będziesz się logować, a potem przejdziesz do { $client }.
   *[email] Wyślemy Ci e-mailem kod, którym potwierdzisz adres, a potem przejdziesz do { $client }.
}
sign-up-password-hint = { $least ->
    [one] Co najmniej { $least } znak.
    [few] Co najmniej { $least } znaki.
    [many] Co najmniej { $least } znaków.
   *[other] Co najmniej { $least } znaku.
} Dobre hasło to kilka słów, które do siebie nie pasują; odstępy są dozwolone.
sign-up-submit = Załóż konto
sign-up-have-account = Masz już konto?
sign-up-sign-in = Zaloguj się
sign-up-closed-title = Nie można założyć konta
sign-up-closed-text = Nowe konta zakładają administratorzy tej usługi. Poproś ich o konto.

## Kod z wiadomości

verify-title = Sprawdź pocztę
verify-intro = Jeśli adres { $email } może posłużyć do założenia konta, wysłaliśmy na niego kod z sześciu cyfr. Działa przez dziesięć minut.
verify-code-label = Kod
verify-submit = Potwierdź
verify-resend = Wyślij inny kod
verify-resent = Nowy kod jest w drodze. Poprzedni już nie działa.
verify-no-more = Wysłaliśmy już tyle kodów, ile można dla jednej rejestracji. Zacznij od nowa.
verify-other-address = Użyj innego adresu
verify-wrong = { $left ->
    [one] To nie ten kod. Została jeszcze jedna próba.
    [few] To nie ten kod. Zostały jeszcze { $left } próby.
    [many] To nie ten kod. Zostało jeszcze { $left } prób.
   *[other] To nie ten kod. Zostało jeszcze { $left } próby.
}
verify-unusable = Tego kodu nie można już użyć. Poproś o nowy.
verify-shape = Kod ma sześć cyfr.

## Po zalogowaniu, wylogowanie

home-title = Zalogowano
home-since = Zalogowano { $when }
home-add-account = Zaloguj się na inne konto
home-none-title = Nie zalogowano
home-none-text = Zaloguj się, aby zobaczyć swoje konto.
sign-out-title = Wylogować?
sign-out-text = Nastąpi wylogowanie ze wszystkich kont w tej przeglądarce.
sign-out-submit = Wyloguj się
sign-out-stay = Nie wylogowuj
signed-out-title = Wylogowano
signed-out-text = Możesz bezpiecznie zamknąć tę stronę.
signed-out-again = Zaloguj się ponownie

end-session-client = { $client } prosi o wylogowanie.

## Zgoda

consent-title = Pozwolić aplikacji { $client } korzystać z Twojego konta?
consent-as = Używasz konta { $account }.
consent-wants = Aplikacja chce
consent-unproven = Inna aplikacja na Twoim urządzeniu może się podszyć pod tę. Przejdź dalej tylko wtedy, gdy właśnie zaczynasz się w niej logować.
consent-approve = Zezwól
consent-deny = Anuluj
# Co aplikacja pokazuje o sobie wszędzie tam, gdzie ludzie się dla niej logują.
client-logo = Logo: { $client }
client-site = O aplikacji { $client }
client-policy = Polityka prywatności aplikacji { $client }
client-terms = Regulamin aplikacji { $client }
client-unvouched = Aplikacja { $client } zarejestrowała się w { $service } samodzielnie. Nikt tutaj nie sprawdził, kto ją prowadzi.
scope-openid = wiedzieć, że to Ty
scope-profile = widzieć Twoje imię i nazwisko oraz resztę profilu
scope-email = widzieć Twój adres e-mail
scope-phone = widzieć Twój numer telefonu
scope-address = widzieć Twój adres pocztowy
scope-offline-access = zachować ten dostęp także pod Twoją nieobecność

## Wybór konta

select-account-title = Wybierz konto
select-account-other = Użyj innego konta

## Dalej

signing-out-title = Wylogowujemy Cię
signing-out-text = Powiadamiamy aplikacje, z których korzystasz. Za chwilę przejdziesz dalej; jeśli nie, użyj przycisku.

moving-on-title = Chwileczkę
moving-on-text = Wracasz tam, skąd Cię przysłano. Jeśli przez kilka sekund nic się nie stanie, użyj przycisku.

## Błędy w formularzu

identifier-empty = { $kind ->
    [username] Podaj swoją nazwę użytkownika.
    [either] Podaj swój adres e-mail lub nazwę użytkownika.
   *[email] Podaj swój adres e-mail.
}
identifier-malformed = { $kind ->
    [either] Podaj adres e-mail w postaci imie@example.com albo nazwę użytkownika złożoną z liter i cyfr.
   *[username] Podaj nazwę użytkownika złożoną z liter i cyfr; kropki, podkreślenia i łączniki mogą stać tylko między nimi.
}
username-empty = Wybierz nazwę użytkownika.
username-too-short = { $least ->
    [one] Użyj co najmniej { $least } znaku.
    [few] Użyj co najmniej { $least } znaków.
    [many] Użyj co najmniej { $least } znaków.
   *[other] Użyj co najmniej { $least } znaku.
}
username-too-long = { $most ->
    [one] Użyj najwyżej { $most } znaku.
    [few] Użyj najwyżej { $most } znaków.
    [many] Użyj najwyżej { $most } znaków.
   *[other] Użyj najwyżej { $most } znaku.
}
username-characters = Użyj liter i cyfr; kropki, podkreślenia i łączniki mogą stać tylko między nimi.
username-mixed-scripts = Użyj liter tylko jednego alfabetu.
username-taken = Ta nazwa jest zajęta albo zbyt podobna do zajętej. Wybierz inną.
email-empty = Podaj swój adres e-mail.
email-malformed = Podaj adres e-mail w postaci imie@example.com.
email-too-long = Ten adres e-mail jest za długi.
password-empty = Podaj hasło.
password-too-short = { $least ->
    [one] Użyj co najmniej { $least } znaku.
    [few] Użyj co najmniej { $least } znaków.
    [many] Użyj co najmniej { $least } znaków.
   *[other] Użyj co najmniej { $least } znaku.
}
password-too-long = { $most ->
    [one] To hasło jest za długie. Użyj mniej niż { $most } znaku.
    [few] To hasło jest za długie. Użyj mniej niż { $most } znaków.
    [many] To hasło jest za długie. Użyj mniej niż { $most } znaków.
   *[other] To hasło jest za długie. Użyj mniej niż { $most } znaku.
}
password-guessable = To hasło łatwo odgadnąć. Wybierz takie, które nie jest popularnym słowem ani wzorem i nie zawiera Twojego adresu.

## Co poszło nie tak

error-stale-title = Ta strona jest nieaktualna
error-stale-text = Tę próbę zaczęto w innej przeglądarce, trwała za długo albo została już wykorzystana. Zacznij od nowa.
error-too-often-title = Zbyt wiele prób
error-form-title = Nie udało się sprawdzić, skąd to przyszło
error-form-text = Formularz wysłano z innej witryny albo pliki cookie są wyłączone. Zezwól tej witrynie na pliki cookie, wróć, wczytaj stronę ponownie i wyślij formularz jeszcze raz.
error-request-title = Nie udało się odczytać tego żądania
error-request-text = W adresie lub w formularzu czegoś brakuje albo coś jest niepoprawne. Wróć i spróbuj ponownie.
error-taken-title = Masz już konto
error-taken-text = W międzyczasie założono konto z tym adresem. Zaloguj się.
error-username-taken-title = Ta nazwa użytkownika jest zajęta
error-username-taken-text = W międzyczasie ktoś inny wybrał tę nazwę użytkownika. Zacznij od nowa z inną.
error-start-anew = Zacznij od nowa

refused-title = Nie można spełnić tego żądania
refused-text = Aplikacja, z której przychodzisz, poprosiła o coś, czego nie możemy zrobić. Powiadom osobę, która ją prowadzi.
refused-detail = Co jest nie tak:

## Skrzynka w `portico dev`

mailbox-title = Skrzynka
mailbox-intro = Wiadomości, które ten serwer by wysłał, od najnowszej. Ta strona istnieje tylko w trybie deweloperskim.
mailbox-empty = Nie ma jeszcze wiadomości. Wczytaj stronę ponownie, gdy coś zostanie wysłane.
mailbox-html = Zobacz ją tak jak w programie pocztowym

## Gdy żądania w ogóle nie da się spełnić

notice-request-id = Identyfikator żądania:
notice-failed-title = Coś poszło nie tak
notice-failed = Coś poszło nie tak po naszej stronie. Spróbuj ponownie; jeśli to nie pomoże, podaj operatorowi identyfikator żądania.
notice-busy-title = Zbyt duży ruch
notice-busy = Mamy teraz zbyt dużo pracy. Spróbuj ponownie za kilka sekund.
notice-too-large-title = Za dużo danych
notice-too-large = Przysłano za dużo danych.
notice-nothing-here-title = Nie znaleziono
notice-nothing-here = Pod tym adresem niczego nie ma.
notice-unknown-host-title = Nie znaleziono
notice-unknown-host = Pod tą nazwą hosta nikogo nie ma. Użyj nazwy hosta wystawcy.
notice-ambiguous-host-title = Nie udało się odczytać tego żądania
notice-ambiguous-host = Żądanie musi wskazywać dokładnie jeden host.
notice-ambiguous-client-title = Nie udało się odczytać tego żądania
notice-ambiguous-client = Pośrednik przed tym serwerem nie mówi, w czyim imieniu pyta. Powiadom operatora.
