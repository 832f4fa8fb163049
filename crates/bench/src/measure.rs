//! One run: for each engine the workloads one after the other, each right beside its limit.

use std::time::Duration;

use serde::Serialize;

use crate::limit::{self, Limit};
use crate::load::{self, Pace};
use crate::provider::{Counts, Engine, HASH_KIB, Provider};
use crate::report::{self, Report};
use crate::workload::{Scene, Workload};
use crate::{Problem, RunArguments, process};

/// Connections that ask at once.
const ACTORS: usize = 8;
/// The open loop's rate, as a part of what the closed loop reached.
const OPEN_RATE: f64 = 0.5;
/// Closed loops of a workload, each followed by one of its limit: what disturbs the machine for a while then spoils one
/// round, and the median is of another.
pub(crate) const ROUNDS: usize = 3;
/// Before it is measured.
pub(crate) const WARM_UP: Duration = Duration::from_secs(1);
/// How long nobody asks, to see what the server does by itself.
const IDLE: Duration = Duration::from_secs(20);
/// Starts of which the fastest counts: the disk's caches are warm then, as after an update of the program.
const STARTS: usize = 5;

/// What one workload on one engine came to. Times in microseconds, processor time for one operation.
#[derive(Serialize)]
pub(crate) struct Row {
    pub workload: String,
    pub engine: &'static str,
    /// Operations in a second of the closed loop.
    pub per_second: f64,
    /// Latencies of the open loop at half that rate.
    pub p50: u64,
    pub p99: u64,
    pub p999: u64,
    pub server_cpu: f64,
    pub database_cpu: f64,
    /// Processor time of the limit, the database's included, where there is one.
    pub limit_cpu: Option<f64>,
    pub counts: Counts,
    #[serde(skip)]
    pub kind: Workload,
}

/// What belongs to no single operation.
#[derive(Serialize)]
pub(crate) struct Engines {
    pub engine: &'static str,
    pub ready_millis: f64,
    /// Octets: when it had started, after all workloads, and the most that there were.
    pub first_memory: u64,
    pub memory: u64,
    pub peak_memory: u64,
    /// Processor time while nobody asks, in parts of that time.
    pub idle: f64,
    /// Microseconds to touch a page of memory again that rested for a second meanwhile ([`process::rested_page`]).
    pub rested_page: f64,
}

pub(crate) async fn run(arguments: &RunArguments) -> Result<(), Problem> {
    let mut report = Report { hash_cpu: 0.0, rows: Vec::new(), engines: Vec::new() };
    let mut hashes = Vec::new();
    let mut ended = Ok(());
    for engine in arguments.engines() {
        ended = on_engine(arguments, engine, &mut report, &mut hashes).await;
        if ended.is_err() {
            break;
        }
    }
    // What was measured before something failed is not lost.
    report.hash_cpu = median(&mut hashes);
    report::print(&report);
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    ended
}

async fn on_engine(
    arguments: &RunArguments,
    engine: Engine,
    report: &mut Report,
    hashes: &mut Vec<f64>,
) -> Result<(), Problem> {
    let mut provider = Provider::start(&arguments.program, engine).await?;
    let first_memory = process::memory(provider.process()?)?;
    let scene = Scene::prepare(&provider).await?;
    let time = Duration::from_secs(arguments.seconds);
    let wanted =
        |workload: &Workload| arguments.only.as_ref().is_none_or(|text| workload.name().contains(text));
    for workload in Workload::ALL.into_iter().filter(wanted) {
        eprintln!("{}: {}", provider.engine.name(), workload.name());
        if workload == Workload::Login {
            hashes.push(limit::hash_time(HASH_KIB).await?);
        }
        report.rows.push(row(&provider, &scene, workload, time).await?);
        if workload == Workload::Login {
            hashes.push(limit::hash_time(HASH_KIB).await?);
        }
    }
    eprintln!("{}: idle, and starts", provider.engine.name());
    let process = provider.process()?;
    let before = process::cpu_time(process)?;
    let rested_page = process::rested_page(IDLE).await;
    let idle = (process::cpu_time(process)? - before) / (IDLE.as_secs_f64() * 1e6);
    let (memory, peak_memory) = (process::memory(process)?, process::peak_memory(process)?);
    let mut ready = Duration::MAX;
    for _ in 0..STARTS {
        provider.end().await?;
        ready = ready.min(provider.begin().await?);
    }
    report.engines.push(Engines {
        engine: provider.engine.name(),
        ready_millis: ready.as_secs_f64() * 1000.0,
        first_memory,
        memory,
        peak_memory,
        idle,
        rested_page,
    });
    provider.end().await
}

async fn row(provider: &Provider, scene: &Scene, workload: Workload, time: Duration) -> Result<Row, Problem> {
    let mut actors = scene.actors(workload, ACTORS).await?;
    let mut limit = match limit::path_of(workload) {
        Some(path) => Some(Limit::start(provider, scene, workload, path, ACTORS).await?),
        None => None,
    };
    load::run(&mut actors, Pace::Closed, WARM_UP).await?;
    let counted = provider.counts().await?;
    let (mut operations, mut rates) = (0.0, Vec::new());
    let (mut servers, mut databases, mut limits) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (server, database) = used(provider)?;
        let closed = load::run(&mut actors, Pace::Closed, time).await?;
        let (server_after, database_after) = used(provider)?;
        servers.push((server_after - server) / closed.count());
        databases.push((database_after - database) / closed.count());
        operations += closed.count();
        rates.push(closed.per_second());
        if let Some(limit) = &mut limit {
            limits.push(limit_of(limit, provider, time).await?);
        }
    }
    let counts = provider.counts().await?.since(&counted).by(operations);
    if workload == Workload::Login {
        limits.push(counts.hash_cpu);
    }
    let per_second = median(&mut rates);
    let open = load::run(&mut actors, Pace::Open(per_second * OPEN_RATE), time).await?;
    Ok(Row {
        workload: workload.name(),
        engine: provider.engine.name(),
        per_second,
        p50: open.latency.value_at_quantile(0.5),
        p99: open.latency.value_at_quantile(0.99),
        p999: open.latency.value_at_quantile(0.999),
        server_cpu: median(&mut servers),
        database_cpu: median(&mut databases),
        limit_cpu: (!limits.is_empty()).then(|| median(&mut limits)),
        counts,
        kind: workload,
    })
}

pub(crate) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Processor time so far in microseconds, of the server and of the database.
pub(crate) fn used(provider: &Provider) -> Result<(f64, f64), Problem> {
    let database = match &provider.engine {
        Engine::Sqlite => 0.0,
        Engine::Postgres { process, .. } => process::cpu_time(*process)?,
    };
    Ok((process::cpu_time(provider.process()?)?, database))
}

/// What the bare handler takes for one operation, of the database too.
async fn limit_of(limit: &mut Limit, provider: &Provider, time: Duration) -> Result<f64, Problem> {
    let both = |limit: &Limit| -> Result<f64, Problem> {
        Ok(process::cpu_time(limit.process()?)? + used(provider)?.1)
    };
    limit.ask(WARM_UP / 4).await?;
    let before = both(limit)?;
    let operations = limit.ask(time).await?;
    Ok((both(limit)? - before) / f64::from(operations))
}
