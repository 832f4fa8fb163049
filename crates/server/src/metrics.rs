//! What an operator's instruments read, as Prometheus scrapes it: `docs/reference/metrics.md` says what each means.
//!
//! Every label has a bounded set of values: templates of routes and words of ours, never anything that was sent.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use terms::Timestamp;

use crate::app::App;
use crate::hasher::Hasher;
use crate::rate_limits::Limit;

/// From what is answered out of memory to what the time limit of a request ends.
const LATENCIES: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// One label, whose name says which question it answers.
macro_rules! label {
    ($name:ident { $label:ident: $type:ty }) => {
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct $name {
            $label: $type,
        }
    };
}

label!(Kind { kind: &'static str });
label!(GrantType { grant_type: &'static str });
label!(ErrorCode { error: &'static str });
label!(Reason { reason: &'static str });
label!(Outcome { outcome: &'static str });
label!(CertificateUse { certificate: &'static str });
label!(LimitName { limit: &'static str });
label!(Algorithm { algorithm: &'static str });
label!(ConnectionState { state: &'static str });
label!(Version { version: &'static str });

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInRefused {
    /// No such account, or another password.
    Password,
    /// Another code than the mailed one, or one that is used up.
    MailedCode,
    /// No guess is left for a while.
    TooMany,
}

impl SignInRefused {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::MailedCode => "mailed_code",
            Self::TooMany => "too_many",
        }
    }
}

/// The instruments. What a request changes are atomics behind a lock that is only read; the rest is asked for when
/// somebody looks.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    tokens: Family<GrantType, Counter>,
    token_refusals: Family<ErrorCode, Counter>,
    sign_in_refusals: Family<Reason, Counter>,
    rate_limited: Family<LimitName, Counter>,
    looked_at: LookedAt,
}

/// What is set when somebody looks.
#[derive(Default)]
struct LookedAt {
    events: Family<Kind, Counter>,
    hashes_running: Gauge,
    hashes_waiting: Gauge,
    connections: Family<ConnectionState, Gauge>,
    statements: Counter,
    rows: Counter,
    transactions: Counter,
    commits: Counter,
    key_ages: Family<Algorithm, Gauge>,
    tenants: Gauge,
    mails: Gauge,
    oldest_mail: Gauge,
    mail_attempts: Family<Outcome, Counter>,
    logout_notices: Gauge,
    logout_notice_attempts: Family<Outcome, Counter>,
    certificate_days: Family<CertificateUse, Gauge>,
    memory: Gauge,
    files: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}

/// Registers under the name that the documentation has.
fn register<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: &M) {
    registry.register(name, help, metric.clone());
}

fn latencies() -> Histogram {
    Histogram::new(LATENCIES)
}

impl Metrics {
    /// All of them at nought, those of the hasher as it counts.
    pub fn new(hasher: &Hasher, started: Timestamp) -> Self {
        let mut registry = Registry::default();
        let it = &mut registry;
        let version = Info::new(Version { version: env!("CARGO_PKG_VERSION") });
        it.register("portico_build", "The program that runs", version);
        let start: Gauge = Gauge::default();
        start.set(started.as_millis() / 1000);
        register(it, "process_start_time_seconds", "When the program started, as Unix time", &start);
        register(
            it,
            "portico_password_hash_wait_seconds",
            "How long hashes waited for a buffer",
            &hasher.waits,
        );
        register(
            it,
            "portico_password_hashes_turned_away",
            "Hashes not begun, since too many waited",
            &hasher.turned_away,
        );
        register(
            it,
            "portico_password_hash_cpu_seconds",
            "Processor time that hashes took",
            &hasher.processor_time,
        );
        let durations: Family<Route, Histogram, fn() -> Histogram> = Family::new_with_constructor(latencies);
        let (requests, tokens) = (Family::default(), Family::default());
        let (token_refusals, sign_in_refusals) = (Family::default(), Family::default());
        register(it, "portico_http_requests", "Requests answered", &requests);
        register(
            it,
            "portico_http_request_duration_seconds",
            "From a request's head to its answer's",
            &durations,
        );
        register(it, "portico_tokens_issued", "Answers of the token endpoint with a token", &tokens);
        register(
            it,
            "portico_token_refusals",
            "Answers of the token endpoint with an error",
            &token_refusals,
        );
        register(it, "portico_sign_in_refusals", "Proofs that were wrong", &sign_in_refusals);
        let rate_limited = Family::default();
        register(it, "portico_rate_limited", "Requests refused since they came too often", &rate_limited);
        let looked_at = LookedAt::default();
        looked_at.register(it);
        Self {
            registry,
            requests,
            durations,
            tokens,
            token_refusals,
            sign_in_refusals,
            rate_limited,
            looked_at,
        }
    }

    /// A request was answered. Without a route it found none.
    pub fn answered(&self, method: &Method, route: Option<&str>, status: StatusCode, took: Duration) {
        let route = route.unwrap_or("none").to_owned();
        let answered =
            Answered { method: method_word(method), route: route.clone(), status: status.as_u16() };
        self.requests.get_or_create(&answered).inc();
        self.durations.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }

    pub fn token_issued(&self, grant_type: &'static str) {
        self.tokens.get_or_create(&GrantType { grant_type }).inc();
    }

    pub fn token_refused(&self, error: &'static str) {
        self.token_refusals.get_or_create(&ErrorCode { error }).inc();
    }

    pub fn sign_in_refused(&self, reason: SignInRefused) {
        self.sign_in_refusals.get_or_create(&Reason { reason: reason.as_str() }).inc();
    }

    /// Something was asked too often.
    pub fn rate_limited(&self, limit: Limit) {
        self.rate_limited.get_or_create(&LimitName { limit: limit.as_str() }).inc();
    }

    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl LookedAt {
    fn register(&self, it: &mut Registry) {
        register(it, "portico_events", "Events written to the record, by their kind", &self.events);
        register(
            it,
            "portico_password_hashes_running",
            "Hashes that are being computed",
            &self.hashes_running,
        );
        register(
            it,
            "portico_password_hashes_waiting",
            "Hashes that wait for a buffer",
            &self.hashes_waiting,
        );
        register(
            it,
            "portico_database_connections",
            "Connections to the database, by what they do",
            &self.connections,
        );
        register(it, "portico_database_statements", "Statements run", &self.statements);
        register(it, "portico_database_rows_read", "Rows that statements gave", &self.rows);
        register(it, "portico_database_transactions", "Transactions committed", &self.transactions);
        register(
            it,
            "portico_database_commits",
            "Commits; with SQLite several transactions share one",
            &self.commits,
        );
        register(
            it,
            "portico_signing_key_age_seconds",
            "Since when the oldest key that has not retired signs, of all tenants",
            &self.key_ages,
        );
        register(it, "portico_mails_waiting", "Mails that are not sent yet", &self.mails);
        register(
            it,
            "portico_mail_oldest_age_seconds",
            "The age of the oldest mail that waits",
            &self.oldest_mail,
        );
        register(
            it,
            "portico_mail_attempts",
            "What became of mails when they were tried",
            &self.mail_attempts,
        );
        register(
            it,
            "portico_logout_notices_waiting",
            "Clients that are not told of a logout yet",
            &self.logout_notices,
        );
        register(
            it,
            "portico_logout_notice_attempts",
            "What became of notices of a logout when clients were told",
            &self.logout_notice_attempts,
        );
        register(
            it,
            "portico_tls_certificate_expires_in_days",
            "Whole days until the certificate in use expires; negative when it has",
            &self.certificate_days,
        );
        register(it, "portico_tenants", "Tenants that are served", &self.tenants);
        register(it, "process_resident_memory_bytes", "Memory that the program holds", &self.memory);
        register(it, "process_open_fds", "Files and sockets that the program holds open", &self.files);
    }

    /// Asks everybody. A database that doesn't answer leaves what it would have told as it was.
    async fn look(&self, app: &App) {
        for (kind, count) in app.store.events_committed() {
            set(&self.events.get_or_create(&Kind { kind: kind.as_str() }), count);
        }
        let (running, waiting) = app.hasher.queue();
        self.hashes_running.set(whole(running));
        self.hashes_waiting.set(whole(waiting));
        let usage = app.store.usage();
        let busy = usage.connections - usage.idle_connections;
        for (state, count) in [("idle", usage.idle_connections), ("busy", busy)] {
            self.connections.get_or_create(&ConnectionState { state }).set(count.into());
        }
        set(&self.statements, usage.statements);
        set(&self.rows, usage.rows);
        set(&self.transactions, usage.transactions);
        set(&self.commits, usage.commits);
        match app.store.directory().tenant_count().await {
            Err(fault) => tracing::warn!(%fault, "cannot count the tenants"),
            Ok(tenants) => {
                self.tenants.set(tenants);
            }
        }
        let now = app.clock.now();
        match app.store.directory().oldest_signing_keys(now).await {
            Err(fault) => tracing::warn!(%fault, "cannot ask for the ages of keys"),
            Ok(oldest) => {
                self.key_ages.clear();
                for oldest in oldest {
                    let age = now.since(oldest.activated_at).as_secs();
                    let labels = Algorithm { algorithm: oldest.algorithm.as_str() };
                    self.key_ages.get_or_create(&labels).set(i64::try_from(age).unwrap_or(i64::MAX));
                }
            }
        }
        match app.store.directory().mail_queues().await {
            Err(fault) => tracing::warn!(%fault, "cannot ask for the mails that wait"),
            Ok(queues) => {
                self.mails.set(queues.iter().map(|queue| queue.waiting).sum());
                let oldest = queues.iter().map(|queue| now.since(queue.oldest).as_secs()).max();
                self.oldest_mail.set(i64::try_from(oldest.unwrap_or(0)).unwrap_or(i64::MAX));
            }
        }
        for (outcome, count) in [
            ("delivered", &app.post.delivered),
            ("postponed", &app.post.postponed),
            ("given_up", &app.post.given_up),
        ] {
            set(&self.mail_attempts.get_or_create(&Outcome { outcome }), count.load(Ordering::Relaxed));
        }
        self.look_at_notices(app).await;
        // Where a proxy speaks TLS there is none of ours, and no number to be taken for one.
        if let Some(certificate) = app.certificate.get() {
            let left = certificate.validity().until.as_seconds() - now.as_seconds();
            let days = left.div_euclid(24 * 60 * 60);
            self.certificate_days.get_or_create(&CertificateUse { certificate: "server" }).set(days);
        }
        let process = process();
        self.memory.set(process.memory);
        self.files.set(process.files);
    }

    async fn look_at_notices(&self, app: &App) {
        match app.store.directory().notice_queues().await {
            Err(fault) => tracing::warn!(%fault, "cannot ask for the notices of logouts that wait"),
            Ok(queues) => {
                self.logout_notices.set(queues.iter().map(|queue| queue.waiting).sum());
            }
        }
        for (outcome, count) in [
            ("delivered", &app.notices.delivered),
            ("postponed", &app.notices.postponed),
            ("given_up", &app.notices.given_up),
        ] {
            let labels = Outcome { outcome };
            set(&self.logout_notice_attempts.get_or_create(&labels), count.load(Ordering::Relaxed));
        }
    }
}

/// A counter that others count.
fn set(counter: &Counter, count: u64) {
    counter.inner().store(count, Ordering::Relaxed);
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Methods of our routes; any other word is the client's own.
fn method_word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[derive(Default)]
struct Process {
    memory: i64,
    files: i64,
}

/// What Linux says about this process; nought elsewhere.
fn process() -> Process {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = kib.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<i64>().ok());
    let files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    Process { memory: kib.unwrap_or(0) * 1024, files: whole(files) }
}

/// The listener of its own, so that what is counted is never public by accident.
pub(crate) fn service(app: &Arc<App>) -> Router {
    Router::new().route("/metrics", get(show)).with_state(Arc::clone(app))
}

async fn show(State(app): State<Arc<App>>) -> Response {
    app.metrics.looked_at.look(&app).await;
    match app.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PasswordHashing;
    use std::collections::BTreeMap;

    fn metrics() -> Metrics {
        Metrics::new(&Hasher::new(PasswordHashing::default()), Timestamp::from_seconds(1_800_000_000))
    }

    /// `| `name` | type | labels | …`, as the reference writes them.
    fn documented() -> BTreeMap<String, (String, String)> {
        let page = include_str!("../../../docs/reference/metrics.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
        rows.map(|(name, rest)| {
            let mut cells = rest.split(" | ").map(|cell| cell.replace('`', ""));
            (name.to_owned(), (cells.next().unwrap_or_default(), cells.next().unwrap_or_default()))
        })
        .collect()
    }

    #[test]
    fn the_reference_names_every_metric_with_its_type() {
        let text = each_counted_once();
        let registered: BTreeMap<String, String> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .collect();
        let documented: BTreeMap<String, String> =
            documented().into_iter().map(|(name, (kind, _))| (name, kind)).collect();
        assert!(registered.len() > 15, "{registered:?}");
        assert_eq!(registered, documented);
    }

    /// What has never counted isn't shown, so each has to.
    fn each_counted_once() -> String {
        let it = metrics();
        it.answered(&Method::GET, Some("/sign-in"), StatusCode::OK, Duration::from_millis(3));
        it.token_issued("authorization_code");
        it.token_refused("invalid_grant");
        it.sign_in_refused(SignInRefused::Password);
        it.rate_limited(Limit::Mails);
        let seen = &it.looked_at;
        seen.events.get_or_create(&Kind { kind: "x" }).inc();
        seen.connections.get_or_create(&ConnectionState { state: "x" }).inc();
        seen.mail_attempts.get_or_create(&Outcome { outcome: "x" }).inc();
        seen.logout_notice_attempts.get_or_create(&Outcome { outcome: "x" }).inc();
        seen.certificate_days.get_or_create(&CertificateUse { certificate: "x" }).inc();
        seen.key_ages.get_or_create(&Algorithm { algorithm: "x" }).inc();
        it.text().unwrap()
    }

    #[test]
    fn the_reference_names_every_label() {
        let text = each_counted_once();
        for (name, (_, labels)) in documented() {
            let line = text.lines().find(|line| line.starts_with(&name) && !line.starts_with('#'));
            let line = line.unwrap_or_else(|| panic!("no sample of {name}"));
            let inside = line.split_once('{').map_or("", |(_, rest)| rest.split_once('}').unwrap().0);
            let mut found: Vec<&str> =
                inside.split(',').filter_map(|it| it.split_once('=')).map(|it| it.0).collect();
            found.retain(|label| *label != "le");
            let mut named: Vec<&str> = labels.split(", ").filter(|label| !label.is_empty()).collect();
            found.sort_unstable();
            named.sort_unstable();
            assert_eq!(found, named, "{name}: {line}");
        }
    }

    #[test]
    fn words_of_clients_make_no_series() {
        let it = metrics();
        for number in 0..100 {
            let method = Method::from_bytes(format!("X{number}").as_bytes()).unwrap();
            it.answered(&method, None, StatusCode::NOT_FOUND, Duration::ZERO);
        }
        let text = it.text().unwrap();
        let series: Vec<&str> =
            text.lines().filter(|line| line.starts_with("portico_http_requests_total{")).collect();
        assert_eq!(
            series,
            ["portico_http_requests_total{method=\"other\",route=\"none\",status=\"404\"} 100"]
        );
    }
}
