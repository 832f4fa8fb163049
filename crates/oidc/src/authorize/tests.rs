use serde_json::json;
use terms::limits;

use super::*;
use crate::client::{ClientMetadata, ClientSettings};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn client(public: bool, first_party: bool) -> Client {
    let metadata = json!({
        "redirect_uris": ["https://shop.example/cb", "http://127.0.0.1/cb"],
        "application_type": "native",
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": if public { "none" } else { "client_secret_basic" },
        "scope": "openid email offline_access reports:read",
    });
    Client {
        id: "shop".parse().unwrap(),
        metadata: ClientMetadata::parse(&metadata).unwrap(),
        settings: ClientSettings { first_party, ..ClientSettings::default() },
        created_at: NOW,
        last_used_at: None,
    }
}

const GOOD: [(&str, &str); 9] = [
    ("client_id", "shop"),
    ("redirect_uri", "https://shop.example/cb"),
    ("response_type", "code"),
    ("scope", "openid email"),
    ("state", "st&te"),
    ("nonce", "n"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
    ("resource", "https://api.example"),
];

/// The good request with one parameter changed, added, or (by an empty value) left out.
fn spoiled(name: &str, value: &str) -> Parameters {
    let kept = GOOD.iter().copied().filter(|(known, _)| *known != name);
    Parameters::parse(crate::params::encode(kept.chain([(name, value)])).as_bytes()).unwrap()
}

fn validated(parameters: &Parameters, client: &Client) -> Result<AuthorizationRequest, AuthorizeRefusal> {
    validated_where(parameters, client, true)
}

fn validated_where(
    parameters: &Parameters,
    client: &Client,
    sign_up: bool,
) -> Result<AuthorizationRequest, AuthorizeRefusal> {
    let issuer = "https://login.example".parse().unwrap();
    let registered = ["https://api.example".parse().unwrap()];
    validate(
        &PlainRequest::of(parameters.clone()).unwrap(),
        Some(client),
        &Offered { issuer: &issuer, registered: &registered, sign_up, legacy: LegacyClients::None },
    )
}

#[test]
fn every_value_that_is_listed_is_taken_and_create_only_where_sign_up_is_open() {
    let error = |value: &str, sign_up| {
        let asked = validated_where(&spoiled("prompt", value), &client(true, false), sign_up);
        asked.map(|asked| asked.prompt).map_err(|refusal| match refusal {
            AuthorizeRefusal::Redirect { error, .. } => error,
            AuthorizeRefusal::Page(reason) => panic!("{reason:?}"),
        })
    };
    for sign_up in [false, true] {
        for value in Prompt::values(sign_up) {
            assert_ne!(error(value, sign_up).unwrap(), Prompt::default(), "{value}");
        }
    }
    assert_eq!(error("create", false), Err(AuthorizeError::PromptUnknown));
    assert_eq!(error("login create", false), Err(AuthorizeError::PromptUnknown));
    assert_eq!(error("create none", true), Err(AuthorizeError::PromptNoneWithOthers));
    let all = Prompt { none: false, login: true, consent: true, select_account: true, create: true };
    assert_eq!(error("create consent login select_account", true), Ok(all));
    let query = "prompt=create&id_token_hint=x&client_id=shop&response_type=code&scope=openid\
                 &redirect_uri=https%3A%2F%2Fshop.example%2Fcb";
    let hinted = validated(&Parameters::parse(query.as_bytes()).unwrap(), &client(false, false));
    let Err(AuthorizeRefusal::Redirect { error, .. }) = hinted else { panic!("{hinted:?}") };
    assert_eq!(error, AuthorizeError::PromptCreateWithHint);
}

#[test]
fn a_good_request_is_understood() {
    let request = validated(&spoiled("prompt", "login consent"), &client(true, false)).unwrap();
    assert_eq!(request.redirect_uri.as_str(), "https://shop.example/cb");
    assert!(request.redirect_uri_named && request.code_challenge.is_some());
    assert_eq!(request.scope, scope("openid email"));
    assert_eq!(request.resources.len(), 1);
    assert!(request.prompt.login && request.prompt.consent && !request.prompt.none);
    assert_eq!(
        request
            .answer(
                &Issued { code: Some("ptc_ac_x".to_owned()), ..Issued::default() },
                "https://login.example"
            )
            .location(),
        "https://shop.example/cb?state=st%26te&iss=https%3A%2F%2Flogin.example&code=ptc_ac_x"
    );
}

#[test]
fn what_can_not_be_answered_is_told_to_the_person() {
    use PageReason as P;
    let long = "x".repeat(limits::STATE_BYTES + 1);
    for (name, value, reason) in [
        ("client_id", "", P::ClientIdMissing),
        ("client_id", "other", P::ClientUnknown),
        ("client_id", "no such", P::ClientUnknown),
        ("redirect_uri", "", P::RedirectUriMissing),
        ("redirect_uri", "https://shop.example/cb/", P::RedirectUriUnregistered),
        ("redirect_uri", "https://shop.example/cb?x=1", P::RedirectUriUnregistered),
        ("redirect_uri", "https://evil.example/cb", P::RedirectUriUnregistered),
        ("redirect_uri", "javascript:alert(1)", P::RedirectUriUnregistered),
        ("state", &long, P::StateTooLong),
    ] {
        let refusal = validated(&spoiled(name, value), &client(true, false));
        assert_eq!(refusal, Err(AuthorizeRefusal::Page(reason)), "{name}={value}");
    }
}

#[test]
fn everything_else_is_told_to_the_client() {
    use AuthorizeError as E;
    let long = "x".repeat(limits::NONCE_BYTES + 1);
    for (name, value, expected) in [
        ("response_type", "", E::ResponseTypeMissing),
        ("response_type", "token", E::ResponseTypeUnsupported),
        ("response_type", "code id_token", E::ResponseTypeUnsupported),
        ("response_mode", "web_message", E::ResponseModeUnsupported),
        ("claims", "{", E::ClaimsMalformed),
        ("registration", "{}", E::RegistrationUnsupported),
        ("scope", "", E::ScopeMissing),
        ("scope", "openid  email", E::ScopeMalformed),
        ("scope", "profile phone", E::ScopeNotAllowed),
        ("nonce", &long, E::NonceTooLong),
        ("prompt", "perhaps", E::PromptUnknown),
        ("prompt", "none create", E::PromptNoneWithOthers),
        ("prompt", "none login", E::PromptNoneWithOthers),
        ("max_age", "-1", E::MaxAgeMalformed),
        ("max_age", "1.5", E::MaxAgeMalformed),
        ("max_age", "+1", E::MaxAgeMalformed),
        ("max_age", "99999999999999999999999", E::MaxAgeMalformed),
        ("code_challenge", "", E::ChallengeMissing),
        ("code_challenge", "short", E::ChallengeMalformed),
        ("code_challenge_method", "", E::ChallengeMethodUnsupported),
        ("code_challenge_method", "plain", E::ChallengeMethodUnsupported),
        ("resource", "api", E::ResourceMalformed),
        ("resource", "https://api.example#x", E::ResourceMalformed),
        ("resource", "https://other.example", E::ResourceUnknown),
    ] {
        let refusal = validated(&spoiled(name, value), &client(true, false)).unwrap_err();
        let AuthorizeRefusal::Redirect { to, state, error, .. } = &refusal else {
            panic!("{name}={value}: {refusal:?}")
        };
        assert_eq!((to.as_str(), state.as_deref()), ("https://shop.example/cb", Some("st&te")));
        assert_eq!(*error, expected, "{name}={value}");
        let location = refusal.into_response("https://login.example").unwrap().location();
        assert!(location.contains(&format!("error={}", expected.code().as_str())), "{location}");
        assert!(location.contains("iss=https%3A%2F%2Flogin.example"), "{location}");
    }
}

#[test]
fn what_is_unknown_is_ignored() {
    for (name, value) in [
        ("display", "hologram"),
        ("ui_locales", "xx"),
        ("claims_locales", "de"),
        ("claims", "{\"userinfo\":{\"frob\":null}}"),
        ("acr_values", "urn:x"),
        ("login_hint", "\u{1f600}"),
        ("frob", "1"),
        ("scope", "reports:read unheard-of openid"),
        ("state", ""),
        ("nonce", ""),
        ("response_mode", "query"),
    ] {
        validated(&spoiled(name, value), &client(true, false)).unwrap();
    }
}

#[test]
fn rules_that_depend_on_the_client() {
    let confidential = client(false, false);
    let without_pkce = Parameters::parse(
        b"client_id=shop&redirect_uri=https%3A%2F%2Fshop.example%2Fcb&response_type=code&scope=openid+offline_access",
    )
    .unwrap();
    assert!(validated(&without_pkce, &confidential).unwrap().scope.contains("offline_access"));
    let mut no_refresh = confidential.clone();
    no_refresh.metadata.grant_types.retain(|grant| *grant != GrantType::RefreshToken);
    assert_eq!(validated(&without_pkce, &no_refresh).unwrap().scope, scope("openid"));

    let mut one_uri = confidential.clone();
    one_uri.metadata.redirect_uris.truncate(1);
    one_uri.metadata.default_max_age = Some(7);
    let bare = Parameters::parse(b"client_id=shop&response_type=code&scope=reports:read").unwrap();
    let request = validated(&bare, &one_uri).unwrap();
    assert!(!request.redirect_uri_named && request.max_age == Some(7));
    let two = validated(&bare, &confidential);
    assert_eq!(two, Err(AuthorizeRefusal::Page(PageReason::RedirectUriMissing)));

    let mut not_by_code = confidential.clone();
    not_by_code.metadata.response_types.clear();
    let refusal = validated(&without_pkce, &not_by_code).unwrap_err();
    assert!(matches!(
        refusal,
        AuthorizeRefusal::Redirect { error: AuthorizeError::ResponseTypeNotRegistered, .. }
    ));

    let mut other_resources = client(true, false);
    other_resources.settings.resource_servers = vec!["https://else.example".parse().unwrap()];
    assert!(validated(&spoiled("a", "b"), &other_resources).is_err());
    assert!(validated(&spoiled("resource", "https://login.example"), &other_resources).is_ok());
}

#[test]
fn every_error_says_what_the_wire_allows() {
    let allowed = |text: &str| text.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    let of_objects = RequestRefusal::ALL.map(AuthorizeError::RequestObject);
    let all: Vec<AuthorizeError> = AuthorizeError::ALL.into_iter().chain(of_objects).collect();
    for error in &all {
        assert!(allowed(error.description()) && allowed(error.code().as_str()), "{error}");
    }
    let table: Vec<String> = all.iter().map(|error| format!("{error:?} {}", error.code().as_str())).collect();
    insta::assert_snapshot!(table.join("\n"));
}

fn session_id(n: u8) -> SessionId {
    SessionId::new(NOW, [n; 10])
}

fn user_id(n: u8) -> UserId {
    UserId::new(NOW, [n; 10])
}

const ALICE: u8 = 1;
const BOB: u8 = 2;
const GONE: u8 = 9;

fn session(n: u8, auth_time: Timestamp, consented: Option<&str>) -> SessionFact {
    let name = if n == ALICE { "alice" } else { "bob" };
    SessionFact {
        id: session_id(n),
        user: user_id(n),
        subject: name.parse().unwrap(),
        addresses: vec![EmailAddress::parse(&format!("{name}@example.test")).unwrap().canonical().clone()],
        username: Some(name.parse().unwrap()),
        auth_time,
        acr: "1".to_owned(),
        consented: consented.map(scope),
    }
}

const FLOW_START: Timestamp = Timestamp::from_millis(NOW.as_millis() - 5_000);
const BEFORE: Timestamp = Timestamp::from_millis(NOW.as_millis() - 50_000);

/// One state of the world, in owned parts.
#[derive(Clone, Debug)]
struct World {
    request: AuthorizationRequest,
    ask: Ask,
    client: Client,
    hint: IdTokenHint,
    sessions: Vec<SessionFact>,
    last_used: Option<SessionId>,
    flow: Option<FlowFact>,
}

impl World {
    fn step(&self) -> NextStep {
        next_step(&Facts {
            ask: &self.ask,
            client: &self.client,
            hint: &self.hint,
            sessions: &self.sessions,
            last_used: self.last_used,
            flow: self.flow.as_ref(),
            now: NOW,
        })
    }
}

fn prompts() -> Vec<Prompt> {
    let all = (0..16).map(|bits| Prompt {
        none: false,
        login: bits & 1 != 0,
        consent: bits & 2 != 0,
        select_account: bits & 4 != 0,
        create: bits & 8 != 0,
    });
    all.chain([Prompt { none: true, ..Prompt::default() }]).collect()
}

fn flows() -> Vec<Option<FlowFact>> {
    let mut flows = vec![None];
    for chosen in [None, Some(ALICE), Some(BOB), Some(GONE)] {
        for consented in
            [None, Some((ALICE, "openid email")), Some((ALICE, "openid")), Some((BOB, "openid email"))]
        {
            flows.push(Some(FlowFact {
                created_at: FLOW_START,
                chosen: chosen.map(session_id),
                consented: consented.map(|(user, text)| (user_id(user), scope(text))),
                denied: false,
            }));
        }
    }
    // Of those who refused, the one for whom all else is done.
    let consented = Some((user_id(ALICE), scope("openid email")));
    flows.push(Some(FlowFact {
        created_at: FLOW_START,
        chosen: Some(session_id(ALICE)),
        consented,
        denied: true,
    }));
    flows
}

fn requests() -> Vec<AuthorizationRequest> {
    let mut requests = Vec::new();
    let good = validated(&spoiled("frob", "1"), &client(true, false)).unwrap();
    let to_loopback =
        validated(&spoiled("redirect_uri", "http://127.0.0.1:5000/cb"), &client(true, false)).unwrap();
    for request in [good, to_loopback] {
        for prompt in prompts() {
            for max_age in [None, Some(0), Some(10), Some(100)] {
                for login_hint in
                    [None, Some("ALICE@example.test"), Some("Bob"), Some("stranger@example.test")]
                {
                    let login_hint = login_hint.map(str::to_owned);
                    requests.push(AuthorizationRequest { prompt, max_age, login_hint, ..request.clone() });
                }
            }
        }
    }
    requests
}

/// What the request asks of a person, and the same as if a device asked it.
fn ask_of(request: &AuthorizationRequest, client: &Client, on_a_device: bool) -> Ask {
    let ask = request.ask(client);
    if on_a_device { Ask { asker: Asker::Device, ..ask } } else { ask }
}

fn sessions() -> Vec<Vec<SessionFact>> {
    let mut all = vec![Vec::new()];
    for auth_time in [BEFORE, FLOW_START] {
        for consented in [None, Some("openid"), Some("openid email")] {
            all.push(vec![session(ALICE, auth_time, consented)]);
            all.push(vec![session(ALICE, auth_time, consented), session(BOB, BEFORE, None)]);
        }
    }
    all
}

/// The clients here are native ones.
fn could_be_anyone(world: &World) -> bool {
    let by_redirect = world.client.is_public() && world.request.redirect_uri.as_str().starts_with("http:");
    by_redirect || world.ask.asker == Asker::Device
}

/// What must hold of a step in a state, said apart from how it is decided.
fn check_step(world: &World, step: &NextStep) {
    let World { request, ask, client, hint, sessions, last_used, flow } = world;
    let flow = flow.as_ref();
    match step {
        NextStep::Refuse(_) => {}
        NextStep::Interact(interaction) => {
            assert!(
                !request.prompt.none
                    && !flow.is_some_and(|flow| flow.denied)
                    && *hint != IdTokenHint::Invalid,
                "{world:?}"
            );
            if let Interaction::Consent(_) = interaction {
                assert!(!client.settings.first_party || could_be_anyone(world), "{world:?}");
            }
            if *interaction == Interaction::SignUp {
                let chosen = flow.and_then(|flow| flow.chosen);
                let is_live = chosen.is_some_and(|chosen| sessions.iter().any(|it| it.id == chosen));
                assert!(request.prompt.create && !is_live, "{world:?}");
            }
            if *interaction == Interaction::SelectAccount {
                assert!(!sessions.is_empty(), "{world:?}");
            }
        }
        NextStep::Issue(issue) => {
            let session = sessions.iter().find(|it| it.id == issue.session).expect("a live session");
            assert_eq!((session.user, &issue.scope), (issue.user, &request.scope));
            assert!(!flow.is_some_and(|flow| flow.denied), "{world:?}");
            let hinted = match hint {
                IdTokenHint::Invalid => panic!("{world:?}"),
                IdTokenHint::Of(subject) => {
                    assert_eq!(*subject, session.subject);
                    true
                }
                IdTokenHint::Absent => false,
            };
            let chosen = flow.is_some_and(|flow| flow.chosen == Some(session.id));
            let since_start = flow.is_some_and(|flow| session.auth_time >= flow.created_at);
            assert!(!request.prompt.login || since_start, "{world:?}");
            assert!(!request.prompt.select_account || chosen || hinted, "{world:?}");
            assert!(!request.prompt.create || chosen || hinted, "{world:?}");
            if let Some(max_age) = request.max_age {
                let age = (NOW.as_millis() - session.auth_time.as_millis()) / 1000;
                assert!(since_start || u64::try_from(age).unwrap() <= max_age, "{world:?}");
            }
            let by_login_hint =
                ask.hinted_address().is_some_and(|it| session.addresses.contains(it.canonical()));
            let by_login_hint =
                by_login_hint || ask.hinted_username().is_some_and(|it| session.username == Some(it));
            // Of a hint that isn't an address and names nobody here, nothing follows.
            let hint_says_nothing = ask.hinted_address().is_none()
                && !sessions.iter().any(|it| it.username == ask.hinted_username() && it.username.is_some());
            let unambiguous = sessions.len() == 1 && hint_says_nothing;
            let by_last_use = *last_used == Some(session.id) && hint_says_nothing;
            assert!(hinted || chosen || by_login_hint || by_last_use || unambiguous, "{world:?}");
            let needs_consent = !client.settings.first_party || could_be_anyone(world);
            assert_eq!(issue.by_consent, needs_consent);
            let now_consented = flow.and_then(|flow| flow.consented.as_ref());
            let now_consented = now_consented
                .is_some_and(|(user, it)| *user == session.user && request.scope.is_subset_of(it));
            let remembered = session.consented.as_ref().is_some_and(|it| request.scope.is_subset_of(it));
            let need_not_ask = remembered && !request.prompt.consent && !could_be_anyone(world);
            assert!(!needs_consent || now_consented || need_not_ask, "{world:?}");
        }
    }
}

/// Every state, in one walk: nothing is issued without what the rules ask for, and whoever does what a page asks gets on.
#[test]
fn every_state_has_a_right_next_step() {
    let hints = [
        IdTokenHint::Absent,
        IdTokenHint::Invalid,
        IdTokenHint::Of("alice".parse().unwrap()),
        IdTokenHint::Of("bob".parse().unwrap()),
    ];
    let clients = [
        (client(true, false), false),
        (client(false, false), false),
        (client(false, true), false),
        (client(false, true), true),
    ];
    let (requests, flows, all_sessions) = (requests(), flows(), sessions());
    let (mut states, mut issued, mut asked, mut refused) = (0_u32, 0_u32, 0_u32, 0_u32);
    for request in &requests {
        for (client, on_a_device) in &clients {
            let ask = ask_of(request, client, *on_a_device);
            for hint in &hints {
                for sessions in &all_sessions {
                    for last_used in [None, Some(ALICE), Some(GONE)] {
                        let mut world = World {
                            request: request.clone(),
                            ask: ask.clone(),
                            client: client.clone(),
                            hint: hint.clone(),
                            sessions: sessions.clone(),
                            last_used: last_used.map(session_id),
                            flow: None,
                        };
                        for flow in &flows {
                            world.flow.clone_from(flow);
                            let step = world.step();
                            check_step(&world, &step);
                            states += 1;
                            match step {
                                NextStep::Issue(_) => issued += 1,
                                NextStep::Interact(_) => asked += 1,
                                NextStep::Refuse(_) => refused += 1,
                            }
                        }
                    }
                }
            }
        }
    }
    println!("{states} states: {issued} issue, {asked} ask, {refused} refuse");
    assert!(issued > 0 && asked > 0 && refused > 0);
}

/// Does what a page asks, as a person would, and returns how often a page was shown until the end.
fn pages_until_the_end(mut world: World) -> usize {
    let mut pages = 0;
    while let NextStep::Interact(interaction) = world.step() {
        pages += 1;
        assert!(pages <= 3, "no end: {world:?}");
        let flow = world.flow.get_or_insert(FlowFact {
            created_at: FLOW_START,
            chosen: None,
            consented: None,
            denied: false,
        });
        match interaction {
            Interaction::SignIn | Interaction::SignUp => {
                world.sessions.retain(|it| it.id != session_id(ALICE));
                world.sessions.push(session(ALICE, NOW, None));
                flow.chosen = Some(session_id(ALICE));
            }
            Interaction::SelectAccount => flow.chosen = Some(world.sessions[0].id),
            Interaction::Consent(session) => {
                let of = world.sessions.iter().find(|it| it.id == session).unwrap();
                flow.consented = Some((of.user, world.request.scope.clone()));
            }
        }
    }
    pages
}

#[test]
fn whoever_does_what_the_pages_ask_reaches_an_end() {
    let hints = [
        IdTokenHint::Absent,
        IdTokenHint::Of("alice".parse().unwrap()),
        IdTokenHint::Of("bob".parse().unwrap()),
    ];
    for request in requests() {
        for (client, on_a_device) in
            [(client(true, false), false), (client(false, true), false), (client(false, true), true)]
        {
            let ask = ask_of(&request, &client, on_a_device);
            for hint in &hints {
                for sessions in sessions() {
                    pages_until_the_end(World {
                        request: request.clone(),
                        ask: ask.clone(),
                        client: client.clone(),
                        hint: hint.clone(),
                        sessions,
                        last_used: None,
                        flow: None,
                    });
                }
            }
        }
    }
}

#[test]
fn another_browsers_session_is_no_fact() {
    // A session is only known by being in the list that the store made for this browser; an id alone opens nothing.
    let (request, client) = (requests().remove(0), client(false, true));
    let world = World {
        ask: request.ask(&client),
        request,
        client,
        hint: IdTokenHint::Absent,
        sessions: Vec::new(),
        last_used: Some(session_id(ALICE)),
        flow: Some(FlowFact {
            created_at: FLOW_START,
            chosen: Some(session_id(ALICE)),
            consented: None,
            denied: false,
        }),
    };
    assert_eq!(world.step(), NextStep::Interact(Interaction::SignIn));
}

#[test]
fn a_native_first_party_client_that_anyone_could_pose_as_asks_each_time() {
    let client = client(true, true);
    let mut request = requests().remove(0);
    (request.prompt, request.max_age) = (Prompt::default(), None);
    let mut world = World {
        ask: request.ask(&client),
        request,
        client: client.clone(),
        hint: IdTokenHint::Absent,
        sessions: vec![session(ALICE, NOW, Some("openid email offline_access reports:read"))],
        last_used: None,
        flow: None,
    };
    for (redirect_uri, asks) in [("https://shop.example/cb", false), ("http://127.0.0.1:5000/cb", true)] {
        world.request.redirect_uri = client.redirect_uri(redirect_uri).unwrap();
        world.ask = world.request.ask(&client);
        let asked = matches!(world.step(), NextStep::Interact(Interaction::Consent(_)));
        assert_eq!(asked, asks, "{redirect_uri}: {:?}", world.step());
    }
}
