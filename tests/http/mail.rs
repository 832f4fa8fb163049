//! Mail that leaves: through the queue to a mail server that others wrote.

use std::time::{Duration, Instant};

use harness::{Browser, MailServer, PASSWORD, Page, World, free_port};
use serde_json::{Value, json};
use server::admin::AdminCommand;
use server::config::Encryption;
use server::testing::EngineKind;
use std::sync::atomic::Ordering;

const EMAIL: &str = "ada@example.test";

/// From the empty form to the page that asks for the code.
async fn begin(browser: &Browser, email: &str) -> Page {
    let form = browser.open("/sign-up").await.form_with("password");
    browser.submit(form.fill("email", email).fill("password", PASSWORD)).await
}

fn code_in(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    text.split(|c: char| !c.is_ascii_digit())
        .find(|word| word.len() == 6)
        .unwrap_or_else(|| panic!("no code in {text}"))
        .to_owned()
}

async fn queue(world: &World) -> Vec<Value> {
    world.operate(AdminCommand::MailList).await.unwrap().as_array().unwrap().clone()
}

/// Waits until the queue is as it should be: the mail server knows of an answer before the queue does.
async fn queue_becomes(world: &World, is_right: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    for _ in 0..1000 {
        let queue = queue(world).await;
        if is_right(&queue) {
            return queue;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the queue stays {:?}", queue(world).await);
}

/// In production on every engine, with a mail server.
async fn each(story: impl AsyncFn(&mut World, &mut MailServer)) {
    for engine in server::testing::engine_kinds() {
        let (mut world, mut mail_server) = with(MailServer::start().await, engine).await;
        Box::pin(story(&mut world, &mut mail_server)).await;
    }
}

async fn with(mail_server: MailServer, engine: EngineKind) -> (World, MailServer) {
    let mut world = Box::pin(World::on(engine)).await;
    world.go_into_production(|config| config.smtp = Some(mail_server.config())).await;
    (world, mail_server)
}

#[tokio::test]
async fn a_newcomer_signs_up_with_a_code_from_a_real_mail() {
    each(async |world, mail_server| {
        let browser = world.browser();
        #[expect(clippy::disallowed_methods, reason = "how long a mail takes to leave is what this is about")]
        let asked_at = Instant::now();
        let asked = begin(&browser, EMAIL).await;
        assert_eq!(asked.heading(), "Check your mail", "{asked}");
        let mail = mail_server.mail().await;
        println!("the mail was there {:?} after the form was sent", asked_at.elapsed());
        assert_eq!(mail["to"], json!([EMAIL]));
        assert_eq!(mail["from"], "login@portico.example");
        let html = mail["html"].as_str().expect("the mail as a page");
        assert!(html.contains(&code_in(&mail)), "{html}");
        assert_eq!(mail["headers"]["auto-submitted"], "Auto-Submitted: auto-generated");
        assert!(mail["headers"]["message-id"].as_str().unwrap().contains("<mai_"), "{mail}");
        let done = browser.submit(asked.form_with("code").fill("code", &code_in(&mail))).await;
        assert_eq!((done.status, done.heading().as_str()), (200, "You are signed in"), "{done}");
        queue_becomes(world, <[_]>::is_empty).await;
        let counts = &world.app().post;
        assert_eq!(counts.delivered.load(Ordering::Relaxed), 1);
    })
    .await;
}

#[tokio::test]
async fn without_a_mail_server_nobody_signs_up_and_no_mail_is_sent() {
    let mut world = Box::pin(World::start()).await;
    world.go_into_production(|_| {}).await;
    let page = world.browser().open("/sign-up").await;
    assert!(page.forms().iter().all(|form| !form.has("password")), "{page}");
    let refused = world.operate(AdminCommand::MailTest { to: EMAIL.to_owned() }).await.unwrap_err();
    assert!(refused.to_string().contains("no [smtp]"), "{refused}");
}

#[tokio::test]
async fn a_mail_that_was_put_off_is_sent_later() {
    each(async |world, mail_server| {
        mail_server.refuse(451, "data", 1).await;
        begin(&world.browser(), EMAIL).await;
        assert_eq!(mail_server.refused().await, 451);
        let queue = queue_becomes(world, |queue| queue[0]["failure"].is_string()).await;
        assert_eq!((&queue[0]["failure"], &queue[0]["state"]), (&json!("answered 451"), &json!("waits")));
        assert!(!queue[0].to_string().contains("text"), "the queue shows no body: {queue:?}");
        world.clock.advance(Duration::from_secs(3));
        assert_eq!(mail_server.mail().await["to"], json!([EMAIL]));
        queue_becomes(world, <[_]>::is_empty).await;
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up_and_can_be_retried() {
    each(async |world, mail_server| {
        mail_server.refuse(550, "rcpt", 1).await;
        begin(&world.browser(), EMAIL).await;
        assert_eq!(mail_server.refused().await, 550);
        let queue = queue_becomes(world, |queue| queue[0]["state"] == "given up").await;
        assert_eq!(queue[0]["failure"], "answered 550");
        assert_eq!(world.events("mail.given_up").await, 1);
        let retried = world.operate(AdminCommand::MailRetry { mail_id: None }).await.unwrap();
        assert_eq!(retried["retried"], 1);
        assert_eq!(mail_server.mail().await["to"], json!([EMAIL]));
        queue_becomes(world, <[_]>::is_empty).await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_down_holds_up_nothing_and_gets_the_mail_when_it_is_up() {
    let port = free_port();
    let mut config = MailServer::start().await.config();
    config.port = port;
    let mut world = Box::pin(World::start()).await;
    world.go_into_production(|it| it.smtp = Some(config)).await;
    let asked = begin(&world.browser(), EMAIL).await;
    assert_eq!(asked.heading(), "Check your mail");
    let queue = queue_becomes(&world, |queue| queue[0]["failure"].is_string()).await;
    assert_eq!(queue[0]["failure"], "connect");
    let mut mail_server = MailServer::start_with(Encryption::None, None, port, json!({})).await;
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(mail_server.mail().await["to"], json!([EMAIL]));
}

#[tokio::test]
async fn a_code_that_is_worth_nothing_any_more_is_not_sent() {
    let mut world = Box::pin(World::start()).await;
    let mut mail_server = MailServer::start().await;
    let mut config = mail_server.config();
    config.port = free_port();
    world.go_into_production(|it| it.smtp = Some(config)).await;
    begin(&world.browser(), EMAIL).await;
    queue_becomes(&world, |queue| queue[0]["failure"].is_string()).await;
    world.clock.advance(Duration::from_mins(10));
    let config = mail_server.config();
    world.go_into_production(|it| it.smtp = Some(config)).await;
    queue_becomes(&world, <[_]>::is_empty).await;
    assert_eq!(world.events("mail.given_up").await, 1);
    // What the server takes next is a mail of its own, so the old one was not sent before it.
    world.operate(AdminCommand::MailTest { to: "other@example.test".to_owned() }).await.unwrap();
    assert_eq!(mail_server.mail().await["to"], json!(["other@example.test"]));
}

#[tokio::test]
async fn tls_and_a_sign_in_are_used_where_the_configuration_says_so() {
    for encryption in [Encryption::Starttls, Encryption::Tls] {
        let known = Some(("portico", "hidden-3141"));
        let mail_server = MailServer::start_with(encryption, known, 0, json!({})).await;
        let (world, mut mail_server) = with(mail_server, EngineKind::Sqlite).await;
        world.operate(AdminCommand::MailTest { to: EMAIL.to_owned() }).await.unwrap();
        let mail = mail_server.mail().await;
        assert_eq!((&mail["secure"], &mail["user"]), (&json!(true), &json!("portico")), "{encryption:?}");
        assert_eq!(mail["subject"], "A test from Portico");
    }
}

/// What `mail test` says of a server that was spoiled in one way.
async fn refusal(mail_server: &MailServer, spoil: impl FnOnce(&mut server::config::SmtpConfig)) -> String {
    let mut config = mail_server.config();
    spoil(&mut config);
    let mut world = Box::pin(World::start()).await;
    world.go_into_production(|it| it.smtp = Some(config)).await;
    let refused = world.operate(AdminCommand::MailTest { to: EMAIL.to_owned() }).await;
    refused.unwrap_err().to_string()
}

#[tokio::test]
async fn a_server_that_cannot_be_trusted_gets_no_mail() {
    let known = Some(("portico", "hidden-3141"));
    for encryption in [Encryption::Starttls, Encryption::Tls] {
        let mail_server = MailServer::start_with(encryption, known, 0, json!({})).await;
        let said = refusal(&mail_server, |config| config.ca_file = None).await;
        assert!(said.contains("(tls)") && said.to_lowercase().contains("certificate"), "{said}");
        let said = refusal(&mail_server, |config| config.host = "127.0.0.1".to_owned()).await;
        assert!(said.contains("(tls)"), "a certificate for another name: {said}");
        let said = refusal(&mail_server, |config| {
            config.credentials.as_mut().unwrap().password = terms::SecretText::new("hidden-2718".to_owned());
        })
        .await;
        assert!(said.contains("(authentication)") && !said.contains("hidden"), "{said}");
    }
    let plain = MailServer::start().await;
    let said = refusal(&plain, |config| config.encryption = Encryption::Starttls).await;
    assert!(said.contains("offers no STARTTLS"), "{said}");
}

#[tokio::test]
async fn letters_beyond_ascii_are_sent_or_refused_clearly() {
    let (world, mut mail_server) = with(MailServer::start().await, EngineKind::Sqlite).await;
    world.operate(AdminCommand::MailTest { to: "Ada@B\u{fc}cher.example".to_owned() }).await.unwrap();
    let mail = mail_server.mail().await;
    assert!(mail["raw"].as_str().unwrap().contains("To: Ada@xn--bcher-kva.example\r\n"), "{mail}");
    world.operate(AdminCommand::MailTest { to: "zo\u{eb}@example.test".to_owned() }).await.unwrap();
    assert_eq!(mail_server.mail().await["to"], json!(["zo\u{eb}@example.test"]));

    let old = MailServer::start_with(Encryption::None, None, 0, json!({ "hideSmtputf8": true })).await;
    let (world, _old) = with(old, EngineKind::Sqlite).await;
    let refused = world.operate(AdminCommand::MailTest { to: "zo\u{eb}@example.test".to_owned() }).await;
    assert!(refused.unwrap_err().to_string().contains("SMTPUTF8"));
}
