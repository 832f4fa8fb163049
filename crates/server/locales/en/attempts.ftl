### Too many guesses.

attempts-wait-seconds = { $count ->
    [one] There were too many attempts. Please wait one second, then try again.
   *[other] There were too many attempts. Please wait { $count } seconds, then try again.
}
attempts-wait-minutes = { $count ->
    [one] There were too many attempts. Please wait one minute, then try again.
   *[other] There were too many attempts. Please wait { $count } minutes, then try again.
}
attempts-wait-hours = { $count ->
    [one] There were too many attempts. Please wait one hour, then try again.
   *[other] There were too many attempts. Please wait { $count } hours, then try again.
}
attempts-wait-days = { $count ->
    [one] There were too many attempts. Please wait one day, then try again.
   *[other] There were too many attempts. Please wait { $count } days, then try again.
}
