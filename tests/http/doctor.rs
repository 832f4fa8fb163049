//! `portico doctor`: a set-up that is good, and for each check one in which that one thing is broken.

use std::fs::{Permissions, set_permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use harness::{Authority, Folder, MailServer, Meddler, World, free_port, run_portico};
use serde_json::{Value, json};
use server::clock::{Clock, HeldClock};
use server::config::{Config, Database, Encryption, MasterKeySource, Mode, SmtpCredentials, Tls};
use server::doctor::{Check, Options, Report, Status, examine};
use server::forwarded::TrustedProxies;
use server::tenant::Issuer;
use server::testing::{EngineKind, TestDatabase, engine_kinds};
use server::tls::TlsFiles;
use server::{Options as ServerOptions, start};
use terms::SecretText;

/// As an operator has it: `portico serve`, with a mail server.
async fn in_production(engine: EngineKind) -> (World, MailServer) {
    let (mut world, mail_server) = (World::on(engine).await, MailServer::start().await);
    world.go_into_production(|config| config.smtp = Some(mail_server.config())).await;
    (world, mail_server)
}

fn first_engine() -> EngineKind {
    engine_kinds()[0]
}

/// What the doctor says of the world, with a configuration that is spoiled first.
async fn look(world: &World, spoil: impl FnOnce(&mut Config)) -> Report {
    look_at(world, HeldClock::at_system_time(), spoil).await
}

async fn look_at(world: &World, clock: HeldClock, spoil: impl FnOnce(&mut Config)) -> Report {
    let mut config = world.app().config.clone();
    spoil(&mut config);
    report(&config, clock, None).await
}

async fn report(config: &Config, clock: HeldClock, ca_file: Option<&Path>) -> Report {
    let target = "--config portico.toml".to_owned();
    let options = Options { clock: Clock::Held(clock), ca_file: ca_file.map(Path::to_owned), target };
    let mut report = Report::default();
    Box::pin(examine(&mut report, config, &options)).await;
    report
}

/// The one finding of this check that is of this status, as text with its mend.
fn told(report: &Report, check: Check, status: Status) -> String {
    let all: Vec<_> = report.of(check).filter(|finding| finding.status == status).collect();
    assert_eq!(all.len(), 1, "{check:?} {status:?}\n{}", report.to_text());
    let mend = all[0].mend.clone().unwrap_or_default();
    assert!(status == Status::Ok || status == Status::Unknown || !mend.is_empty(), "{}", report.to_text());
    format!("{}\n{mend}", all[0].what)
}

/// Nothing failed but these.
fn only(report: &Report, checks: &[Check]) {
    let failed: Vec<Check> =
        report.findings.iter().filter(|it| it.status == Status::Fail).map(|it| it.check).collect();
    assert_eq!(failed, checks, "{}", report.to_text());
}

#[tokio::test]
async fn a_good_set_up_has_nothing_to_mend_and_nothing_is_left_behind() {
    for engine in engine_kinds() {
        let (world, mut mail_server) = in_production(engine).await;
        let before = world.event_kinds().await;
        let report = look(&world, |_| ()).await;
        let all_good = report.findings.iter().all(|finding| finding.status == Status::Ok);
        assert!(all_good && report.is_healthy(), "{}", report.to_text());
        for check in
            [Check::Identity, Check::Proxy, Check::Cookies, Check::Mail, Check::SigningKeys, Check::MasterKey]
        {
            told(&report, check, Status::Ok);
        }
        assert_eq!(report.of(Check::DatabaseClock).count(), usize::from(engine == EngineKind::Postgres));
        assert_eq!(world.event_kinds().await, before);
        assert!(
            tokio::time::timeout(Duration::from_millis(200), mail_server.mail()).await.is_err(),
            "a mail was sent"
        );
    }
}

#[tokio::test]
async fn an_issuer_that_nobody_answers_for() {
    let (world, _mail) = in_production(first_engine()).await;
    let port = free_port();
    let report = look(&world, |config| {
        config.issuer = Some(Issuer::parse(&format!("http://localhost:{port}")).unwrap());
        config.listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
    })
    .await;
    only(&report, &[Check::DatabaseIssuer, Check::Issuer]);
    assert!(
        told(&report, Check::Issuer, Status::Fail).contains("start `portico serve --config portico.toml`")
    );
    assert!(told(&report, Check::DatabaseIssuer, Status::Fail).contains(world.issuer()));
    told(&report, Check::Cookies, Status::Unknown);
    let server: SocketAddr =
        world.issuer().trim_start_matches("http://").replace("localhost", "127.0.0.1").parse().unwrap();
    let report = look(&world, |config| {
        config.issuer = Some(Issuer::parse(&format!("http://localhost:{port}")).unwrap());
        config.listen = server;
    })
    .await;
    assert!(
        told(&report, Check::Issuer, Status::Fail).contains("look at the way there"),
        "{}",
        report.to_text()
    );
}

#[tokio::test]
async fn an_issuer_that_is_another_deployment() {
    let (world, _mail) = in_production(first_engine()).await;
    let other = World::start().await;
    let report = look(&world, |config| config.issuer = Some(Issuer::parse(other.issuer()).unwrap())).await;
    only(&report, &[Check::DatabaseIssuer, Check::Identity]);
    assert!(told(&report, Check::Identity, Status::Fail).contains("other data"), "{}", report.to_text());
    told(&report, Check::Proxy, Status::Unknown);
}

/// Nobody but the deployment itself is told anything.
#[tokio::test]
async fn the_echo_is_not_there_for_strangers() {
    let world = World::start().await;
    let http = harness::client().build().unwrap();
    for header in [None, Some("x"), Some("0123456789abcdef0123456789abcdef.AAAA")] {
        let request = http.get(format!("{}/doctor/echo", world.issuer()));
        let request =
            header.map_or(request.try_clone().unwrap(), |header| request.header("portico-doctor", header));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 404);
        assert!(!answer.text().await.unwrap().contains("127.0.0.1"));
    }
}

/// A world whose issuer is a proxy's address; gives it with the ports of the proxy and of the server.
async fn behind(trusted: &[&str]) -> (World, u16, u16) {
    let (outer, inner) = (free_port(), free_port());
    let world = World::configured(|config| {
        config.mode = Mode::Development;
        config.issuer = Some(Issuer::parse(&format!("http://localhost:{outer}")).unwrap());
        config.listen = SocketAddr::from(([127, 0, 0, 1], inner));
        config.trusted_proxies = TrustedProxies::parse(trusted.iter().copied()).unwrap();
    })
    .await;
    (world, outer, inner)
}

fn as_it_is(text: &str) -> String {
    text.to_owned()
}

fn forwarding(head: &str) -> String {
    head.replacen("\r\n", "\r\nX-Forwarded-For: 203.0.113.7\r\n", 1)
}

#[tokio::test]
async fn a_proxy_that_is_listed_and_says_whom_it_speaks_for_is_good() {
    let (world, outer, inner) = behind(&["127.0.0.1"]).await;
    let _proxy = Meddler::between(outer, inner, forwarding, as_it_is).await;
    let report = look(&world, |_| ()).await;
    only(&report, &[]);
    assert!(
        told(&report, Check::Proxy, Status::Ok).contains("speaks for: 203.0.113.7"),
        "{}",
        report.to_text()
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_listed_or_does_not_say_whom_it_speaks_for() {
    let (world, outer, inner) = behind(&[]).await;
    let proxy = Meddler::between(outer, inner, forwarding, as_it_is).await;
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Proxy]);
    assert!(told(&report, Check::Proxy, Status::Fail).contains("trusted_proxies = [\"127.0.0.1\"]"));
    proxy.end().await;

    let (world, outer, inner) = behind(&["127.0.0.1"]).await;
    let silent = |head: &str| head.replacen("\r\n", "\r\nVia: 1.1 somebody\r\n", 1);
    let _proxy = Meddler::between(outer, inner, silent, as_it_is).await;
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Proxy]);
    assert!(told(&report, Check::Proxy, Status::Fail).contains("proxy_set_header X-Forwarded-For"));
}

#[tokio::test]
async fn a_proxy_that_does_not_pass_on_the_host() {
    let (world, outer, inner) = behind(&["127.0.0.1"]).await;
    let change = move |head: &str| forwarding(head).replace(&format!("localhost:{outer}"), "upstream");
    let _proxy = Meddler::between(outer, inner, change, as_it_is).await;
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Proxy]);
    assert!(
        told(&report, Check::Proxy, Status::Fail).contains("proxy_set_header Host"),
        "{}",
        report.to_text()
    );
}

#[tokio::test]
async fn a_proxy_that_spoils_cookies_headers_or_paths() {
    let (world, outer, inner) = behind(&["127.0.0.1"]).await;
    let without = |name: &'static str| {
        move |text: &str| {
            let kept = text.split_inclusive('\n').filter(|line| !line.to_ascii_lowercase().starts_with(name));
            kept.collect::<String>()
        }
    };
    let proxy =
        Meddler::between(outer, inner, move |head: &str| without("cookie:")(&forwarding(head)), as_it_is)
            .await;
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Cookies]);
    assert!(told(&report, Check::Cookies, Status::Fail).contains("does not come back"));
    proxy.end().await;
    for (change, said) in [
        (
            &(|text: &str| text.replace("; HttpOnly", "")) as &'static (dyn Fn(&str) -> String + Send + Sync),
            "without httponly",
        ),
        (&|text: &str| text.replace("set-cookie:", "x-cookie:"), "sets no cookie"),
        (
            &|text: &str| text.replace("content-security-policy:", "x-policy:"),
            "Content-Security-Policy is missing",
        ),
    ] {
        let proxy = Meddler::between(outer, inner, forwarding, change).await;
        let report = look(&world, |_| ()).await;
        only(&report, &[Check::Cookies]);
        assert!(told(&report, Check::Cookies, Status::Fail).contains(said), "{}", report.to_text());
        proxy.end().await;
    }
    let lost = |head: &str| forwarding(head).replace("GET /sign-in", "GET /elsewhere");
    let proxy = Meddler::between(outer, inner, lost, as_it_is).await;
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Cookies]);
    assert!(
        told(&report, Check::Cookies, Status::Fail).contains("/sign-in answers 404"),
        "{}",
        report.to_text()
    );
    proxy.end().await;
    let redirecting = |_: &str| {
        "HTTP/1.1 301 Moved\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n".to_owned()
    };
    let proxy = Meddler::between(outer, inner, forwarding, redirecting).await;
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Issuer]);
    assert!(told(&report, Check::Issuer, Status::Fail).contains("redirects to https://elsewhere.example/"));
    proxy.end().await;
    let failing = |_: &str| "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n".to_owned();
    let _proxy = Meddler::between(outer, inner, forwarding, failing).await;
    let report = look(&world, |_| ()).await;
    assert!(told(&report, Check::Issuer, Status::Fail).contains("answers 502"), "{}", report.to_text());
}

#[tokio::test]
async fn an_issuer_that_calls_itself_otherwise_and_a_server_that_is_not_ready() {
    let (world, outer, inner) = behind(&["127.0.0.1"]).await;
    let renamed = move |text: &str| {
        text.replace(
            &format!("\"issuer\":\"http://localhost:{outer}\""),
            &format!("\"issuer\":\"http://localhost:{}\"", outer ^ 1),
        )
    };
    let proxy = Meddler::between(outer, inner, forwarding, renamed).await;
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Identity]);
    assert!(told(&report, Check::Identity, Status::Fail).contains("calls itself"), "{}", report.to_text());
    proxy.end().await;
    let unready = |text: &str| {
        if text.ends_with("\r\n\r\nready\n") {
            text.replace("200 OK", "503 Service Unavailable").replace("ready\n", "bad!!\n")
        } else {
            text.to_owned()
        }
    };
    let _proxy = Meddler::between(outer, inner, forwarding, unready).await;
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Ready]);
    assert!(told(&report, Check::Ready, Status::Fail).contains("answers 503: bad!!"), "{}", report.to_text());
}

#[tokio::test]
async fn clocks_that_are_off() {
    for engine in engine_kinds() {
        let (world, _mail) = in_production(engine).await;
        let theirs = if engine == EngineKind::Postgres {
            vec![Check::DatabaseClock, Check::Clock]
        } else {
            vec![Check::Clock]
        };
        for (off, status) in [(10, Status::Warn), (120, Status::Fail)] {
            let clock = HeldClock::at_system_time();
            clock.advance(Duration::from_secs(off));
            let report = look_at(&world, clock, |_| ()).await;
            only(&report, if status == Status::Fail { &theirs } else { &[] });
            for check in &theirs {
                assert!(told(&report, *check, status).contains("timedatectl"), "{}", report.to_text());
            }
        }
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_or_not_migrated() {
    let (world, _mail) = in_production(first_engine()).await;
    let folder = Folder::new();
    let nowhere = format!("postgres://portico@127.0.0.1:{}/portico", free_port());
    for (database, said) in [
        (Database::Sqlite(folder.path().join("none.db")), "there is no file"),
        (Database::Postgres(SecretText::new(nowhere)), "start PostgreSQL"),
    ] {
        let report = look(&world, |config| config.database = database).await;
        only(&report, &[Check::Database]);
        assert!(told(&report, Check::Database, Status::Fail).contains(said), "{}", report.to_text());
        told(&report, Check::SigningKeys, Status::Unknown);
        told(&report, Check::Identity, Status::Unknown);
    }
    assert!(!folder.path().join("none.db").exists(), "the doctor made a database");
    for engine in engine_kinds() {
        let empty = TestDatabase::make(engine).await;
        let database = match engine {
            EngineKind::Sqlite => {
                std::fs::write(empty.url(), "").unwrap();
                set_permissions(empty.url(), Permissions::from_mode(0o600)).unwrap();
                Database::Sqlite(empty.url().into())
            }
            EngineKind::Postgres => Database::Postgres(SecretText::new(empty.url().to_owned())),
        };
        let report = look(&world, |config| config.database = database).await;
        only(&report, &[Check::Schema]);
        assert!(told(&report, Check::Schema, Status::Fail).contains("portico migrate --config portico.toml"));
    }
}

#[tokio::test]
async fn a_master_key_that_is_missing_another_open_to_others_or_old() {
    let (world, _mail) = in_production(first_engine()).await;
    let folder = Folder::new();
    let file = folder.path().join("master.key");
    let missing = look(&world, |config| config.master_keys = MasterKeySource::File(file.clone())).await;
    only(&missing, &[Check::MasterKey]);
    told(&missing, Check::Identity, Status::Unknown);

    let another = "8f3a1c5e7092b4d6a8cfe1320457698b9badc0ef12345768a9b0c1d2e3f40516";
    let text = MasterKeySource::Text(SecretText::new(another.to_owned()));
    let report = look(&world, |config| config.master_keys = text).await;
    only(&report, &[Check::MasterKey]);
    assert!(told(&report, Check::MasterKey, Status::Fail).contains("put the master key back"));

    let MasterKeySource::FileOrNew(ours) = &world.app().config.master_keys else { panic!("another source") };
    let right = std::fs::read_to_string(ours).unwrap();
    std::fs::write(&file, &right).unwrap();
    set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let report = look(&world, |config| config.master_keys = MasterKeySource::File(file.clone())).await;
    only(&report, &[Check::MasterKey]);
    assert!(told(&report, Check::MasterKey, Status::Fail).contains("chmod 600"));

    let both = MasterKeySource::Text(SecretText::new(format!("{another}\n{right}")));
    let report = look(&world, |config| config.master_keys = both).await;
    only(&report, &[]);
    assert!(told(&report, Check::MasterKey, Status::Warn).contains("portico master-key rewrap"));
}

/// What a tenant's keys can be is judged in `doctor/data.rs`; here, that those of the database are.
#[tokio::test]
async fn signing_keys_that_nobody_rotates() {
    let (world, _mail) = in_production(first_engine()).await;
    let clock = HeldClock::at_system_time();
    clock.advance(Duration::from_hours(92 * 24));
    let report = look_at(&world, clock, |_| ()).await;
    let overdue: Vec<_> = report.of(Check::SigningKeys).collect();
    assert_eq!(overdue.len(), 2, "{}", report.to_text());
    let mend = overdue[0].mend.as_ref().unwrap();
    assert!(overdue[0].status == Status::Warn && mend.contains("portico keys rotate --alg RS256"), "{mend}");
}

#[tokio::test]
async fn files_that_others_may_read() {
    let (world, _mail) = in_production(EngineKind::Sqlite).await;
    let Database::Sqlite(path) = world.app().config.database.clone() else { panic!("another database") };
    set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let report = look(&world, |_| ()).await;
    only(&report, &[Check::Permissions]);
    let chmod = format!("chmod 600 {}", path.display());
    assert!(told(&report, Check::Permissions, Status::Fail).contains(&chmod), "{}", report.to_text());
}

#[tokio::test]
async fn mail_that_does_not_leave() {
    let (world, mail_server) = in_production(first_engine()).await;
    let report = look(&world, |config| config.smtp = None).await;
    only(&report, &[]);
    assert!(told(&report, Check::Mail, Status::Warn).contains("[smtp]"));

    let signed_in = MailServer::start_with(Encryption::Starttls, Some(("ada", "right")), 0, json!({})).await;
    let report = look(&world, |config| config.smtp = Some(signed_in.config())).await;
    only(&report, &[]);
    assert!(told(&report, Check::Mail, Status::Ok).contains("lets us in"), "{}", report.to_text());

    let mut nobody = mail_server.config();
    nobody.port = free_port();
    let mut untrusted = signed_in.config();
    untrusted.ca_file = None;
    let mut stranger = signed_in.config();
    stranger.credentials =
        Some(SmtpCredentials { username: "ada".into(), password: SecretText::new("wrong".to_owned()) });
    let mut plain = mail_server.config();
    plain.encryption = Encryption::Starttls;
    for (smtp, said) in [
        (nobody, "smtp.port"),
        (untrusted, "smtp.ca_file"),
        (stranger, "smtp.username"),
        (plain, "smtp.encryption must be"),
    ] {
        let report = look(&world, |config| config.smtp = Some(smtp)).await;
        only(&report, &[Check::Mail]);
        assert!(told(&report, Check::Mail, Status::Fail).contains(said), "{}", report.to_text());
    }
}

#[tokio::test]
async fn a_certificate_that_is_good_near_its_end_or_of_nobody_who_is_trusted() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let files =
        TlsFiles { certificate: folder.path().join("fullchain.pem"), key: folder.path().join("privkey.pem") };
    let trusted = folder.path().join("authority.pem");
    std::fs::write(&trusted, authority.pem()).unwrap();
    let write = |from: i64, until: i64| {
        let issued = authority.issue_valid(7, from, until);
        std::fs::write(&files.certificate, issued.certificate).unwrap();
        std::fs::write(&files.key, issued.key).unwrap();
        set_permissions(&files.key, Permissions::from_mode(0o600)).unwrap();
    };
    write(-1, 60);
    let port = free_port();
    let issuer = Issuer::parse(&format!("https://localhost:{port}")).unwrap();
    let mut config = Config::development(&folder.path().join("data"), port, Some(issuer));
    config.tls = Some(Tls { files: files.clone(), redirect_listen: None });
    let options = ServerOptions { config: config.clone(), clock: Clock::System };
    let running = Box::pin(start(options)).await.unwrap_or_else(|error| panic!("{error}"));
    let look = async || report(&config, HeldClock::at_system_time(), Some(&trusted)).await;

    let good = look().await;
    only(&good, &[]);
    assert_eq!(
        good.of(Check::Certificate).count(),
        2,
        "the file's and the one that is shown: {}",
        good.to_text()
    );
    told(&good, Check::Cookies, Status::Ok);

    // The one before it stays in use for a moment, so the file says it first.
    write(-80, 2);
    let soon = look().await;
    only(&soon, &[]);
    assert!(
        soon.of(Check::Certificate).any(|it| it.status == Status::Warn && it.what.contains("expires in")),
        "{}",
        soon.to_text()
    );
    write(-80, -1);
    let late = look().await;
    assert!(late.of(Check::Certificate).any(|it| it.status == Status::Fail), "{}", late.to_text());

    write(-1, 60);
    set_permissions(&files.key, Permissions::from_mode(0o644)).unwrap();
    only(&look().await, &[Check::Permissions]);
    set_permissions(&files.key, Permissions::from_mode(0o600)).unwrap();

    let untrusting = report(&config, HeldClock::at_system_time(), None).await;
    only(&untrusting, &[Check::Issuer]);
    assert!(
        told(&untrusting, Check::Issuer, Status::Fail).contains("certificate"),
        "{}",
        untrusting.to_text()
    );
    running.shutdown().await;
}

#[tokio::test]
async fn the_command_says_it_in_both_forms_and_fails_when_something_must_be_mended() {
    let folder = Folder::new();
    let file = folder.path().join("portico.toml");
    let path = file.to_str().unwrap();
    let doctor =
        async |arguments: &[&str]| run_portico(&[&["doctor", "--config", path], arguments].concat()).await;
    let (good, said, complaint) = doctor(&[]).await;
    assert!(!good && said.contains("FAIL  config") && said.contains("mend: "), "{said}{complaint}");
    assert_eq!(complaint, "portico: one thing must be mended\n");

    let port = free_port();
    std::fs::write(&file, format!("listen = \"127.0.0.1:{port}\"\nissuer = \"http://localhost:{port}\"\ndatabase = \"portico.db\"\nmaster_key_file = \"master.key\"\ncolour = 1\n")).unwrap();
    let (good, said, _) = doctor(&["--json"]).await;
    let told: Value = serde_json::from_str(&said).unwrap();
    assert!(!good && told["healthy"] == false, "{told}");
    let failed: Vec<&str> =
        told["findings"].as_array().unwrap().iter().map(|it| it["check"].as_str().unwrap()).collect();
    assert_eq!(failed, ["config", "master-key"], "{told}");

    let text = std::fs::read_to_string(&file).unwrap().replace("colour = 1\n", "");
    std::fs::write(&file, text).unwrap();
    let key = folder.path().join("master.key");
    std::fs::write(&key, "8f3a1c5e7092b4d6a8cfe1320457698b9badc0ef12345768a9b0c1d2e3f40516").unwrap();
    set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let (migrated, said, complaint) = run_portico(&["migrate", "--config", path]).await;
    assert!(migrated, "{said}{complaint}");
    let server = harness::Program::start("portico", &["serve", "--config", path], &[]).await;
    let (good, said, complaint) = doctor(&[]).await;
    assert!(good && complaint.is_empty(), "{said}{complaint}");
    assert!(said.contains("ok    identity") && said.contains("warn  mail"), "{said}");
    drop(server);
    let (good, said, _) = doctor(&[]).await;
    assert!(!good && said.contains("start `portico serve --config"), "{said}");
}
