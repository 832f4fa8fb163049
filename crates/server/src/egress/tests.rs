//! A laboratory on loopback: a server that may be reached, one that may not, and a name server that can't be trusted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// What is expected of a fetch.
type Expected = fn(&Result<Vec<u8>, EgressError>) -> bool;

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Answers every connection with these octets; counts them.
struct Responder {
    port: u16,
    heard: Arc<AtomicUsize>,
    requests: Arc<Mutex<String>>,
}

impl Responder {
    async fn start(at: &str, port: u16, answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((address(at), port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(String::new())));
        let (count, log, answer) = (Arc::clone(&heard), Arc::clone(&requests), answer.into());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                log.lock().unwrap().push_str(&String::from_utf8_lossy(&request[..length]));
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { port, heard, requests }
    }

    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

/// A door that may go to 127.0.0.1 and not to 127.0.0.2, by plain http, with a name server that gives these answers one after
/// the other. Every name counts as a loopback one here only by its being `localhost`.
fn door(answers: &[&[&str]]) -> (Egress, Arc<AtomicUsize>) {
    let rules = EgressRules { allow: vec![address("127.0.0.1").into()], http_on_loopback: true };
    let answers: Vec<Vec<IpAddr>> =
        answers.iter().map(|answer| answer.iter().map(|text| address(text)).collect()).collect();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let lookup: Lookup = Arc::new(move |_| {
        let turn = count.fetch_add(1, Ordering::SeqCst);
        let answer = answers.get(turn.min(answers.len().saturating_sub(1))).cloned();
        Box::pin(async move { answer.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    });
    (Egress::with_lookup(rules, lookup).unwrap(), asked)
}

#[test]
fn only_addresses_of_the_open_internet_are_public() {
    let rules = EgressRules::default();
    for text in
        ["9.9.9.9", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"]
    {
        assert!(rules.admit(address(text)), "{text}");
        // As an IPv6 socket writes it, and as a NAT64 gateway does.
        if let IpAddr::V4(v4) = address(text) {
            assert!(rules.admit(v4.to_ipv6_mapped().into()), "{text}");
            assert!(rules.admit(address(&format!("64:ff9b::{v4}"))), "{text}");
        }
    }
    for text in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        assert!(!rules.admit(address(text)), "{text}");
        let IpAddr::V4(v4) = address(text) else { panic!("{text}") };
        assert!(!rules.admit(v4.to_ipv6_mapped().into()), "mapped {text}");
        assert!(!rules.admit(address(&format!("64:ff9b::{v4}"))), "NAT64 {text}");
        assert!(!rules.admit(address(&format!("::{v4}"))), "compatible {text}");
    }
    for text in [
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "64:ff9b:1::1",
        "100::1",
        "5f00::1",
        // 6to4 of 127.0.0.1 and of 9.9.9.9.
        "2002:7f00:1::1",
        "2002:909:909::1",
    ] {
        assert!(!rules.admit(address(text)), "{text}");
    }
}

#[test]
fn what_the_configuration_names_is_allowed_and_nothing_beside_it() {
    let rules = EgressRules::parse(["10.1.0.0/16", "fd00::7"]).unwrap();
    for (text, allowed) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("10.2.0.1", false),
        ("fd00::7", true),
        ("fd00::8", false),
        ("127.0.0.1", false),
    ] {
        assert_eq!(rules.admit(address(text)), allowed, "{text}");
    }
    assert!(EgressRules::parse(["10.0.0.0/33"]).is_err() && EgressRules::parse(["intranet"]).is_err());
    assert!(
        EgressRules::development().admit(address("127.9.9.9"))
            && EgressRules::development().admit(address("::1"))
    );
}

#[tokio::test]
async fn no_spelling_of_an_address_passes_the_judgement() {
    let strict = Egress::new(EgressRules::default()).unwrap();
    for text in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://169.254.169.254/latest/",
        "https://[fd00:ec2::254]/",
        "https://127.0.0.1./",
        "https://１２７.0.0.1/",
    ] {
        let refused = strict.fetch_json(text).await;
        assert!(matches!(refused, Err(EgressError::Forbidden(_))), "{text}: {refused:?}");
    }
    for text in [
        "http://example.com/",
        "http://127.0.0.1/",
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com/",
    ] {
        assert!(
            matches!(strict.fetch_json(text).await, Err(EgressError::Scheme | EgressError::Address)),
            "{text}"
        );
    }
    for text in [
        "",
        "example.com",
        "https://",
        "https://user@example.com/",
        "https://:p@example.com/",
        "https://example.com/#x",
    ] {
        assert!(matches!(strict.fetch_json(text).await, Err(EgressError::Address)), "{text}");
    }
    // This machine's own resolver says where `localhost` is.
    let refused = strict.fetch_json("https://localhost/").await;
    assert!(matches!(refused, Err(EgressError::Forbidden(_))), "{refused:?}");
    // Plain http is for this machine in development, and for no other name there.
    let (door, _) = door(&[&["127.0.0.1"]]);
    assert!(matches!(door.fetch_json("http://internal.test/").await, Err(EgressError::Scheme)));
}

#[tokio::test]
async fn a_name_goes_where_it_was_judged_to_go() {
    let public = Responder::start("127.0.0.1", 0, GOOD).await;
    let internal = Responder::start("127.0.0.2", public.port, GOOD).await;
    let url = format!("http://localhost:{}/jwks.json", public.port);
    // Each fetch asks once, and the second answer of a name server that changes its mind is for the next one.
    let (rebound, asked) = door(&[&["127.0.0.1"], &["127.0.0.2"]]);
    assert_eq!(rebound.fetch_json(&url).await.unwrap(), b"{}");
    assert_eq!((asked.load(Ordering::SeqCst), public.heard()), (1, 1));
    let refused = rebound.fetch_json(&url).await;
    assert!(matches!(refused, Err(EgressError::Forbidden(_))), "{refused:?}");
    // An address that is allowed beside one that is not is no way around.
    for answer in [&["127.0.0.1", "127.0.0.2"], &["127.0.0.2", "127.0.0.1"]] {
        let (mixed, _) = door(&[answer]);
        assert!(matches!(mixed.fetch_json(&url).await, Err(EgressError::Forbidden(_))));
    }
    assert_eq!((public.heard(), internal.heard()), (1, 0));
    for (nowhere, _) in [door(&[]), door(&[&[]])] {
        assert!(matches!(nowhere.fetch_json(&url).await, Err(EgressError::Unresolved)));
    }
}

#[tokio::test]
async fn a_redirect_leads_nowhere() {
    let internal = Responder::start("127.0.0.2", 0, GOOD).await;
    for (status, place) in [(301, "127.0.0.2"), (302, "localhost"), (307, "127.0.0.1"), (308, "[::1]")] {
        let answer = format!(
            "HTTP/1.1 {status} Moved\r\nlocation: http://{place}:{}/\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}",
            internal.port
        );
        let first = Responder::start("127.0.0.1", 0, answer).await;
        let (door, _) = door(&[&["127.0.0.1"]]);
        let fetched = door.fetch_json(&format!("http://localhost:{}/", first.port)).await;
        assert!(matches!(fetched, Err(EgressError::Redirect)), "{status}: {fetched:?}");
        assert_eq!((first.heard(), internal.heard()), (1, 0));
    }
}

#[tokio::test]
async fn an_answer_is_small_prompt_and_json() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let too_large = format!("{head}content-length: {}\r\n\r\n{}", OCTETS + 1, " ".repeat(OCTETS + 1));
    let endless = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{}",
        format!("8000\r\n{}\r\n", " ".repeat(0x8000)).repeat(4)
    );
    let just = format!("{head}content-length: {OCTETS}\r\n\r\n{}", " ".repeat(OCTETS));
    let cases: [(String, Expected); 9] = [
        (just, |it| it.as_ref().is_ok_and(|body| body.len() == OCTETS)),
        (GOOD.replace("application/json", "application/jwk-set+json; charset=utf-8"), |it| it.is_ok()),
        (too_large, |it| matches!(it, Err(EgressError::TooLarge))),
        (endless, |it| matches!(it, Err(EgressError::TooLarge))),
        (GOOD.replace("200 OK", "404 Not Found"), |it| matches!(it, Err(EgressError::Status(404)))),
        (GOOD.replace("application/json", "text/html"), |it| {
            matches!(it, Err(EgressError::MediaType(Document::Json)))
        }),
        (GOOD.replace("content-type: application/json\r\n", ""), |it| {
            matches!(it, Err(EgressError::MediaType(Document::Json)))
        }),
        (GOOD.replace("content-length: 2", "content-length: 3"), |it| {
            matches!(it, Err(EgressError::Network(_)))
        }),
        ("SSH-2.0-OpenSSH\r\n".to_owned(), |it| matches!(it, Err(EgressError::Network(_)))),
    ];
    for (answer, expected) in cases {
        let responder = Responder::start("127.0.0.1", 0, answer.clone()).await;
        let (door, _) = door(&[&["127.0.0.1"]]);
        let fetched = door.fetch_json(&format!("http://localhost:{}/", responder.port)).await;
        assert!(expected(&fetched), "{answer:.60}: {fetched:?}");
    }
}

#[tokio::test]
async fn a_request_object_is_told_by_its_media_type_and_waits_for_others_of_its_kind_only() {
    for (media_type, taken) in [
        ("application/oauth-authz-req+jwt", true),
        ("application/jwt; charset=utf-8", true),
        ("application/jose", true),
        ("application/json", false),
        ("text/plain", false),
        ("text/jwt", false),
    ] {
        let answer = GOOD.replace("application/json", media_type);
        let responder = Responder::start("127.0.0.1", 0, answer).await;
        let url = format!("http://localhost:{}/", responder.port);
        let (mut door, _) = door(&[&["127.0.0.1"]]);
        door.turns = Semaphore::new(0);
        let fetched = door.fetch_request_object(&url).await;
        assert_eq!(fetched.is_ok(), taken, "{media_type}: {fetched:?}");
        door.turns = Semaphore::new(1);
        door.request_object_turns = Semaphore::new(0);
        assert!(!matches!(door.fetch_json(&url).await, Err(EgressError::Late)));
    }
}

#[tokio::test]
async fn who_never_answers_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let (mut door, _) = door(&[&["127.0.0.1"]]);
    door.time = Duration::from_millis(50);
    assert!(matches!(door.fetch_json(&url).await, Err(EgressError::Late)));
    // Nor may those who never answer keep others from having their turn for longer.
    let (mut door, _) = self::door(&[&["127.0.0.1"]]);
    door.turns = Semaphore::new(0);
    door.time = Duration::from_millis(50);
    assert!(matches!(door.fetch_json(&url).await, Err(EgressError::Late)));
}

#[tokio::test]
async fn nothing_is_carried_from_one_fetch_to_the_next() {
    let answer = GOOD.replace("content-length", "set-cookie: a=b\r\ncontent-length");
    let responder = Responder::start("127.0.0.1", 0, answer).await;
    let (door, asked) = door(&[&["127.0.0.1"]]);
    for _ in 0..2 {
        door.fetch_json(&format!("http://localhost:{}/", responder.port)).await.unwrap();
    }
    assert_eq!((responder.heard(), asked.load(Ordering::SeqCst)), (2, 2), "each has its own connection");
    let requests = responder.requests.lock().unwrap().to_lowercase();
    for header in ["cookie:", "referer:", "authorization:"] {
        assert!(!requests.contains(header), "{requests}");
    }
}

#[tokio::test]
async fn a_post_is_held_to_the_same_rules_and_tells_the_status() {
    let internal = Responder::start("127.0.0.2", 0, GOOD).await;
    let time = Duration::from_secs(5);
    let fields = [("a b", "c&d"), ("e", "=")];
    for status in [200, 204, 400, 404, 501, 503] {
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        let responder = Responder::start("127.0.0.1", 0, answer).await;
        let (door, asked) = door(&[&["127.0.0.1"]]);
        let posted = door.post_form(&format!("http://localhost:{}/", responder.port), &fields, time).await;
        assert_eq!(posted.unwrap(), status);
        assert_eq!((responder.heard(), asked.load(Ordering::SeqCst)), (1, 1));
        let request = responder.requests.lock().unwrap().clone();
        assert!(request.starts_with("POST / ") && request.ends_with("\r\n\r\na+b=c%26d&e=%3D"), "{request}");
        assert!(request.contains("content-type: application/x-www-form-urlencoded"), "{request}");
    }
    for (answer, expected) in
        [(&["127.0.0.2"][..], "forbidden"), (&["127.0.0.1", "127.0.0.2"], "forbidden"), (&[], "unresolved")]
    {
        let (door, _) = door(&[answer]);
        let posted = door.post_form(&format!("http://localhost:{}/", internal.port), &fields, time).await;
        let said = match posted {
            Err(EgressError::Forbidden(_)) => "forbidden",
            Err(EgressError::Unresolved) => "unresolved",
            other => panic!("{other:?}"),
        };
        assert_eq!(said, expected);
    }
    let place = format!("http://127.0.0.2:{}/", internal.port);
    let moved = format!("HTTP/1.1 307 X\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
    let first = Responder::start("127.0.0.1", 0, moved).await;
    let (door, _) = door(&[&["127.0.0.1"]]);
    let posted = door.post_form(&format!("http://localhost:{}/", first.port), &fields, time).await;
    assert!(matches!(posted, Err(EgressError::Redirect)), "{posted:?}");
    assert_eq!((first.heard(), internal.heard()), (1, 0));
    assert!(matches!(door.post_form("http://internal.test/", &fields, time).await, Err(EgressError::Scheme)));
}

#[tokio::test]
async fn a_post_waits_for_as_long_as_it_is_told_and_for_no_fetch() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
    let (mut door, _) = door(&[&["127.0.0.1"]]);
    let short = Duration::from_millis(50);
    assert!(matches!(door.post_form(&url, &[], short).await, Err(EgressError::Late)));
    door.time = short;
    assert!(matches!(door.post_form(&url, &[], Duration::from_hours(1)).await, Err(EgressError::Late)));
    // Who waits for slow fetches doesn't hold up posts.
    door.time = Duration::from_secs(5);
    door.turns = Semaphore::new(0);
    let responder = Responder::start("127.0.0.1", 0, GOOD).await;
    let url = format!("http://localhost:{}/", responder.port);
    assert_eq!(door.post_form(&url, &[], door.time).await.unwrap(), 200);
}
