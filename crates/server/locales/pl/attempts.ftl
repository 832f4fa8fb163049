### Za dużo prób.

attempts-wait-seconds = { $count ->
    [one] Było za dużo prób. Odczekaj jedną sekundę, a potem spróbuj ponownie.
    [few] Było za dużo prób. Odczekaj { $count } sekundy, a potem spróbuj ponownie.
    [many] Było za dużo prób. Odczekaj { $count } sekund, a potem spróbuj ponownie.
   *[other] Było za dużo prób. Odczekaj { $count } sekundy, a potem spróbuj ponownie.
}
attempts-wait-minutes = { $count ->
    [one] Było za dużo prób. Odczekaj jedną minutę, a potem spróbuj ponownie.
    [few] Było za dużo prób. Odczekaj { $count } minuty, a potem spróbuj ponownie.
    [many] Było za dużo prób. Odczekaj { $count } minut, a potem spróbuj ponownie.
   *[other] Było za dużo prób. Odczekaj { $count } minuty, a potem spróbuj ponownie.
}
attempts-wait-hours = { $count ->
    [one] Było za dużo prób. Odczekaj jedną godzinę, a potem spróbuj ponownie.
    [few] Było za dużo prób. Odczekaj { $count } godziny, a potem spróbuj ponownie.
    [many] Było za dużo prób. Odczekaj { $count } godzin, a potem spróbuj ponownie.
   *[other] Było za dużo prób. Odczekaj { $count } godziny, a potem spróbuj ponownie.
}
attempts-wait-days = { $count ->
    [one] Było za dużo prób. Odczekaj jeden dzień, a potem spróbuj ponownie.
    [few] Było za dużo prób. Odczekaj { $count } dni, a potem spróbuj ponownie.
    [many] Było za dużo prób. Odczekaj { $count } dni, a potem spróbuj ponownie.
   *[other] Było za dużo prób. Odczekaj { $count } dnia, a potem spróbuj ponownie.
}
