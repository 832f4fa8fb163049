# Wiadomości, które operator wysyła z wiersza poleceń.

post-test =
    .subject = Wiadomość testowa: { $service }
    .before =
        To jest test: wiadomości z { $service } dochodzą.

        Wysłała ją z wiersza poleceń osoba, która prowadzi ten serwer. Nie musisz nic robić.
