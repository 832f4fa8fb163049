//! Clients are told at their own address when a session ends (OpenID Connect Back-Channel Logout).

use std::sync::atomic::Ordering;
use std::time::Duration;

use harness::{LogoutReceiver, PASSWORD, Person, RelyingParty, World, header, verified, web_metadata};
use serde_json::{Value, json};
use server::admin::AdminCommand;
use server::egress::EgressRules;
use server::sweeping::sweep;
use terms::SecretText;
use tokio::time::Instant;

const ADA: &str = "ada@example.test";
/// Within it the queue was looked at.
const LOOK: Duration = Duration::from_millis(5500);

/// A client that wants to be told there.
async fn client(world: &World, name: &str, receiver: &LogoutReceiver) -> RelyingParty {
    client_with(world, name, &receiver.url, &json!({})).await
}

async fn client_with(world: &World, name: &str, address: &str, more: &Value) -> RelyingParty {
    let mut metadata = web_metadata(name, &format!("https://{name}.example.test/callback"), false);
    metadata["backchannel_logout_uri"] = json!(address);
    for (member, value) in more.as_object().unwrap() {
        metadata[member] = value.clone();
    }
    world.register(metadata, true).await
}

/// Signs the person in at the client; gives what its ID token says.
async fn use_client(rp: &RelyingParty, person: &Person) -> Value {
    rp.exchange(&rp.authorize(&person.browser).await.code()).await.tokens().id_claims()
}

/// The same person at another browser.
async fn elsewhere(world: &World, person: &Person) -> Person {
    let other =
        Person { email: person.email.clone(), password: person.password.clone(), browser: world.browser() };
    other.sign_in().await;
    other
}

#[tokio::test]
async fn the_token_is_what_the_standard_says_and_comes_before_the_answer() {
    World::each(async |world| {
        let receiver = LogoutReceiver::start().await;
        let plain = client(world, "shop", &receiver).await;
        let more = json!({
            "id_token_signed_response_alg": "ES256", "backchannel_logout_session_required": true,
            "subject_type": "pairwise",
        });
        let other = LogoutReceiver::start().await;
        let pairwise = client_with(world, "till", &other.url, &more).await;
        let ada = world.signed_in(ADA).await;
        for (rp, receiver, algorithm) in [(&plain, &receiver, "RS256"), (&pairwise, &other, "ES256")] {
            let id_token = use_client(rp, &ada).await;
            let back = [("client_id", rp.client_id.as_str()), ("post_logout_redirect_uri", &rp.redirect_uri)];
            let asked = ada.browser.arrive(&rp.end_session_url(&back)).await;
            assert_eq!(receiver.received().len(), 0, "told before the person agreed");
            let page = ada.browser.submit(asked.press("Sign out")).await;
            assert!(page.left_to.is_some(), "{page}");
            let received = receiver.received();
            assert_eq!(received.len(), 1, "not told before the answer");
            let head = header(&received[0]);
            assert_eq!((&head["typ"], &head["alg"]), (&json!("logout+jwt"), &json!(algorithm)));
            let mut said = verified(world.issuer(), &received[0]).await;
            let jti = said.as_object_mut().unwrap().remove("jti").unwrap();
            assert!(jti.as_str().unwrap().len() >= 22, "{jti}");
            let now = world.app().clock.now().as_seconds();
            let expected = json!({
                "iss": world.issuer(), "aud": rp.client_id, "sub": id_token["sub"], "sid": id_token["sid"],
                "iat": now, "exp": now + 120,
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            });
            assert_eq!(said, expected);
            ada.sign_in().await;
        }
        assert_eq!(receiver.received().len(), 1, "told of a session that it wasn't used in");
    })
    .await;
}

/// How a person's sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    SignOut,
    HintedSignOut,
    OneSession,
    OtherSessions,
    AllSessions,
    PasswordChanged,
    PasswordForgotten,
    AccountDeleted,
    Disabled,
    SignedOutByOperator,
    SessionEndedByOperator,
    PasswordSetByOperator,
    PasswordReset,
    DeletedByOperator,
    Idle,
    Old,
}

impl Way {
    const ALL: [Self; 16] = [
        Self::SignOut,
        Self::HintedSignOut,
        Self::OneSession,
        Self::OtherSessions,
        Self::AllSessions,
        Self::PasswordChanged,
        Self::PasswordForgotten,
        Self::AccountDeleted,
        Self::Disabled,
        Self::SignedOutByOperator,
        Self::SessionEndedByOperator,
        Self::PasswordSetByOperator,
        Self::PasswordReset,
        Self::DeletedByOperator,
        Self::Idle,
        Self::Old,
    ];

    /// Whether nobody waits for an answer, so that the queue's couriers tell.
    fn is_by_time(self) -> bool {
        matches!(self, Self::Idle | Self::Old)
    }

    /// Ends the session `sid` of this person, from their own browser or from `away`.
    async fn happen(self, world: &World, rp: &RelyingParty, ada: &Person, away: &Person, sid: &str) {
        let user = ada.email.clone();
        let press = async |path: &str, button: &str| {
            let page = ada.browser.open(path).await;
            ada.browser.submit(page.press(button)).await
        };
        match self {
            Self::SignOut => drop(press("/sign-out", "Sign out").await),
            Self::HintedSignOut => {
                let answer = rp.exchange(&rp.authorize(&ada.browser).await.code()).await.tokens();
                let hint = answer.id.unwrap();
                ada.browser.arrive(&rp.end_session_url(&[("id_token_hint", &hint)])).await;
            }
            Self::OneSession => {
                let page = away.browser.open("/account/sessions").await;
                let mut forms = page.forms().into_iter();
                let form = forms.find(|form| form.value("session") == Some(sid)).unwrap();
                away.browser.submit(form.tamper("which", "one")).await;
            }
            Self::OtherSessions => {
                let page = away.browser.open("/account/sessions").await;
                away.browser.submit(page.press("Sign out everywhere else")).await;
            }
            Self::AllSessions => drop(press("/account/sessions", "Sign out everywhere").await),
            Self::PasswordChanged => {
                let page = away.browser.open("/account/password").await;
                let form = page.form_with("new_password").fill("password", PASSWORD);
                away.browser.submit(form.fill("new_password", "a wholly other lantern at sea")).await;
            }
            Self::PasswordForgotten => {
                let browser = world.browser();
                let page = browser.open("/password/forgot").await;
                let asked = browser.submit(page.form_with("email").fill("email", &ada.email)).await;
                let code = world.mailed_code(&ada.email).await;
                let page = browser.submit(asked.form_with("code").fill("code", &code)).await;
                let form = page.form_with("password").fill("password", "a wholly other lantern at sea");
                browser.submit(form).await;
            }
            Self::AccountDeleted => {
                let page = ada.browser.open("/account/delete").await;
                ada.browser.submit(page.form_with("sure").fill("sure", "yes")).await;
            }
            Self::Disabled => drop(world.operate(AdminCommand::UsersDisable { user }).await.unwrap()),
            Self::SignedOutByOperator => {
                world.operate(AdminCommand::UsersSignOut { user }).await.unwrap();
            }
            Self::SessionEndedByOperator => {
                let session = sid.parse().unwrap();
                world.operate(AdminCommand::UsersEndSession { user, session }).await.unwrap();
            }
            Self::PasswordSetByOperator => {
                let password = SecretText::new("a wholly other lantern at sea".to_owned());
                world.operate(AdminCommand::UsersSetPassword { user, password }).await.unwrap();
            }
            Self::PasswordReset => {
                world.operate(AdminCommand::UsersResetPassword { user }).await.unwrap();
            }
            Self::DeletedByOperator => drop(world.operate(AdminCommand::UsersDelete { user }).await.unwrap()),
            Self::Idle | Self::Old => {
                let days = if self == Self::Idle { 7 } else { 30 };
                world.clock.advance(Duration::from_hours(days * 24));
                sweep(world.app()).await.unwrap();
                // Whoever ends by time sends nothing: a moment later it is anybody's.
                world.clock.advance(Duration::from_secs(10));
            }
        }
    }
}

#[tokio::test]
async fn whatever_ends_a_session_tells_its_clients() {
    World::each(async |world| {
        let (receiver, stranger) = (LogoutReceiver::start().await, LogoutReceiver::start().await);
        let shop = client(world, "shop", &receiver).await;
        let unused = client(world, "unused", &stranger).await;
        // Somebody else's session goes on throughout.
        let bob = world.signed_in("bob@example.test").await;
        use_client(&unused, &bob).await;
        for (number, way) in Way::ALL.into_iter().enumerate() {
            println!("{way:?}");
            let ada = world.signed_in(&format!("ada{number}@example.test")).await;
            let id_token = use_client(&shop, &ada).await;
            world.clock.advance(Duration::from_secs(1));
            let away = elsewhere(world, &ada).await;
            let sid = id_token["sid"].as_str().unwrap();
            way.happen(world, &shop, &ada, &away, sid).await;
            let received =
                if way.is_by_time() { receiver.awaited(number + 1).await } else { receiver.received() };
            assert_eq!(received.len(), number + 1, "{way:?}");
            let said = verified(world.issuer(), received.last().unwrap()).await;
            assert_eq!((&said["sid"], &said["sub"]), (&id_token["sid"], &id_token["sub"]), "{way:?}");
            if !way.is_by_time() {
                assert!(stranger.received().is_empty(), "{way:?} told of somebody else");
            }
        }
        println!("{} ways", Way::ALL.len());
    })
    .await;
}

#[tokio::test]
async fn a_client_that_is_down_is_told_later_with_a_fresh_token_also_after_a_restart() {
    World::each(async |world| {
        let receiver = LogoutReceiver::start().await;
        let shop = client(world, "shop", &receiver).await;
        let ada = world.signed_in(ADA).await;
        use_client(&shop, &ada).await;
        receiver.answer(Some(503));
        let page = ada.browser.open("/sign-out").await;
        let done = ada.browser.submit(page.press("Sign out")).await;
        assert_eq!(done.heading(), "You are signed out", "{done}");
        assert_eq!(receiver.received().len(), 1);
        // Not before its time, which is at most a quarter longer than five seconds.
        world.clock.advance(Duration::from_secs(4));
        tokio::time::sleep(LOOK).await;
        assert_eq!(receiver.received().len(), 1, "tried again too early");
        world.clock.advance(Duration::from_secs(3));
        receiver.awaited(2).await;
        world.restart().await;
        receiver.answer(Some(204));
        world.clock.advance(Duration::from_secs(13));
        let received = receiver.awaited(3).await;
        let mut tokens = Vec::new();
        for token in &received {
            tokens.push(verified(world.issuer(), token).await);
        }
        for (one, next) in tokens.iter().zip(&tokens[1..]) {
            assert_ne!(one["jti"], next["jti"]);
            assert!(one["iat"].as_i64() < next["iat"].as_i64());
            assert_eq!((&one["sid"], &one["sub"]), (&next["sid"], &next["sub"]));
        }
        world.clock.advance(Duration::from_hours(2));
        tokio::time::sleep(LOOK).await;
        assert_eq!(receiver.received().len(), 3, "told again after it had heard");
        assert_eq!(world.events("logout_notice.given_up").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_will_not_hear_is_given_up_and_that_is_told() {
    let world = World::start().await;
    let receiver = LogoutReceiver::start().await;
    let shop = client(&world, "shop", &receiver).await;
    let ada = world.signed_in(ADA).await;
    use_client(&shop, &ada).await;
    receiver.answer(Some(400));
    let page = ada.browser.open("/sign-out").await;
    ada.browser.submit(page.press("Sign out")).await;
    for attempt in 2..=4 {
        // What the client answered is judged by then: when it is told next is known, and so is the clock's time that it counts from.
        while world.app().notices.postponed.load(Ordering::Relaxed) < attempt - 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        world.clock.advance(Duration::from_mins(1));
        receiver.awaited(attempt.try_into().unwrap()).await;
    }
    for _ in 0..100 {
        if world.events("logout_notice.given_up").await == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.events("logout_notice.given_up").await, 1);
    world.clock.advance(Duration::from_hours(2));
    tokio::time::sleep(LOOK).await;
    assert_eq!(receiver.received().len(), 4);
}

#[tokio::test]
async fn clients_that_hang_hold_nobody_up_and_keep_no_other_from_hearing() {
    let world = World::start().await;
    let mut receivers = Vec::new();
    let ada = world.signed_in(ADA).await;
    for name in ["one", "two", "three", "four", "five"] {
        let receiver = LogoutReceiver::start().await;
        receiver.answer((name == "five").then_some(200));
        use_client(&client(&world, name, &receiver).await, &ada).await;
        receivers.push(receiver);
    }
    let page = ada.browser.open("/sign-out").await;
    let began = Instant::now();
    let done = ada.browser.submit(page.press("Sign out")).await;
    let took = began.elapsed();
    assert_eq!(done.heading(), "You are signed out", "{done}");
    assert!(took >= Duration::from_millis(1500), "nobody was waited for: {took:?}");
    // The whole answer, on a machine that has much else to do.
    assert!(took < Duration::from_millis(3500), "{took:?}");
    for receiver in &receivers {
        assert_eq!(receiver.received().len(), 1);
        receiver.answer(Some(200));
    }
    world.clock.advance(Duration::from_secs(7));
    for receiver in &receivers[..4] {
        receiver.awaited(2).await;
    }
    assert_eq!(receivers[4].received().len(), 1, "told again after it had heard");
}

#[tokio::test]
async fn a_courier_that_finds_a_notice_wakes_the_next_before_it_sends() {
    let world = World::start().await;
    let mut receivers = Vec::new();
    let ada = world.signed_in(ADA).await;
    for name in ["one", "two", "three"] {
        let receiver = LogoutReceiver::start().await;
        receiver.answer(None);
        use_client(&client(&world, name, &receiver).await, &ada).await;
        receivers.push(receiver);
    }
    let page = ada.browser.open("/sign-out").await;
    ada.browser.submit(page.press("Sign out")).await;
    world.clock.advance(Duration::from_secs(7));
    while receivers.iter().all(|receiver| receiver.received().len() == 1) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    for receiver in &receivers {
        receiver.awaited(2).await;
    }
    // The first still waits for its client then, and nobody else's turn to look has come.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_address_on_the_inside_is_not_posted_to() {
    let world = World::configured(|config| config.egress = EgressRules::default()).await;
    let receiver = LogoutReceiver::start().await;
    let port = receiver.url.rsplit_once(':').unwrap().1.to_owned();
    let ada = world.signed_in(ADA).await;
    for (number, begins) in
        ["http://localhost", "https://localhost", "https://127.0.0.1"].into_iter().enumerate()
    {
        let address = format!("{begins}:{port}");
        let shop = client_with(&world, &format!("shop{number}"), &address, &json!({})).await;
        use_client(&shop, &ada).await;
    }
    let page = ada.browser.open("/sign-out").await;
    let done = ada.browser.submit(page.press("Sign out")).await;
    assert_eq!(done.heading(), "You are signed out", "{done}");
    assert!(receiver.received().is_empty());
    let queues = world.app().store.directory().notice_queues().await.unwrap();
    assert_eq!(queues.iter().map(|queue| queue.waiting).sum::<i64>(), 3);
}

#[tokio::test]
async fn a_client_that_wants_it_no_more_is_left_alone() {
    let world = World::start().await;
    let receiver = LogoutReceiver::start().await;
    let shop = client(&world, "shop", &receiver).await;
    let ada = world.signed_in(ADA).await;
    use_client(&shop, &ada).await;
    receiver.answer(Some(500));
    let page = ada.browser.open("/sign-out").await;
    ada.browser.submit(page.press("Sign out")).await;
    let changes = server::admin::ClientChanges {
        metadata: json!({ "backchannel_logout_uri": null }),
        ..Default::default()
    };
    let command =
        AdminCommand::ClientsUpdate { client_id: shop.client_id.clone(), changes, new_secret: false };
    world.operate(command).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    for _ in 0..100 {
        if world.app().store.directory().notice_queues().await.unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(world.app().store.directory().notice_queues().await.unwrap().is_empty());
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(world.events("logout_notice.given_up").await, 0);
}
