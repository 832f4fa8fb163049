//! Growth: the same operations while the data grows, each beside what it took with the least.

use std::time::Duration;

use serde::Serialize;
use terms::ClientSecret;

use crate::load::{self, Pace};
use crate::measure::{ROUNDS, WARM_UP, median, used};
use crate::provider::{Counts, Engine, Provider};
use crate::seed;
use crate::workload::{Role, Scene, Workload, basic};
use crate::{Problem, RunArguments};

/// What is there after a step. Each adds to the one before.
#[derive(Clone, Copy, Serialize)]
struct Size {
    people: i64,
    clients: i64,
    /// Beside the default one.
    tenants: i64,
}

const SIZES: [Size; 5] = [
    Size { people: 1_000, clients: 10, tenants: 0 },
    Size { people: 100_000, clients: 10, tenants: 0 },
    Size { people: 1_000_000, clients: 10, tenants: 0 },
    Size { people: 1_000_000, clients: 10_000, tenants: 0 },
    Size { people: 1_000_000, clients: 10_000, tenants: 10_000 },
];
/// People who ask at once, each of another client, spread over all that there are. No more than may wait for their passwords to be
/// hashed, on a server with one processor.
const CAST: u16 = 16;

const WORKLOADS: [Workload; 5] =
    [Workload::Login, Workload::LiveSession, Workload::Refresh, Workload::Userinfo, Workload::Introspection];

/// One operation at one size. Processor time in microseconds, of server and database together.
#[derive(Serialize)]
struct Point {
    engine: &'static str,
    size: Size,
    workload: String,
    cpu: f64,
    counts: Counts,
}

pub(crate) async fn run(arguments: &RunArguments) -> Result<(), Problem> {
    let mut points = Vec::new();
    for engine in arguments.engines() {
        on_engine(arguments, engine, &mut points).await?;
    }
    print(&points);
    if let Some(path) = &arguments.json {
        std::fs::write(path, serde_json::to_string_pretty(&points)? + "\n")?;
    }
    Ok(())
}

async fn on_engine(arguments: &RunArguments, engine: Engine, points: &mut Vec<Point>) -> Result<(), Problem> {
    let mut provider = Provider::start(&arguments.program, engine).await?;
    let mut made = Size { people: 0, clients: 0, tenants: 0 };
    for size in SIZES {
        provider.end().await?;
        provider
            .seed(size.people - made.people, size.clients - made.clients, size.tenants - made.tenants)
            .await?;
        made = size;
        let ready = provider.begin().await?;
        let name = provider.engine.name();
        eprintln!("{name}: {}, ready after {} ms", words(size), ready.as_millis());
        let scene = Scene::of(&provider, "client1".to_owned(), cast(size))?;
        for workload in WORKLOADS {
            eprintln!("{name}: {}", workload.name());
            points.push(point(&provider, &scene, size, workload, arguments.seconds).await?);
        }
    }
    provider.end().await
}

async fn point(
    provider: &Provider,
    scene: &Scene,
    size: Size,
    workload: Workload,
    seconds: u64,
) -> Result<Point, Problem> {
    let mut actors = scene.actors(workload, CAST.into()).await?;
    load::run(&mut actors, Pace::Closed, WARM_UP).await?;
    let counted = provider.counts().await?;
    let (mut operations, mut took) = (0.0, Vec::new());
    for _ in 0..ROUNDS {
        let (before, hashed) = (used(provider)?, provider.counts().await?.hash_cpu);
        let closed = load::run(&mut actors, Pace::Closed, Duration::from_secs(seconds)).await?;
        let (after, hashes) = (used(provider)?, provider.counts().await?.hash_cpu - hashed);
        // Without the hash of the password, which is most of a login and never grows.
        took.push((after.0 + after.1 - before.0 - before.1 - hashes) / closed.count());
        operations += closed.count();
    }
    Ok(Point {
        engine: provider.engine.name(),
        size,
        workload: workload.name(),
        cpu: median(&mut took),
        counts: provider.counts().await?.since(&counted).by(operations),
    })
}

/// Half of them in tenants of their own where there are any.
fn cast(size: Size) -> Vec<Role> {
    let secret = ClientSecret::new(seed::SECRET).reveal();
    let nth = |place: u16, all: i64| 1 + i64::from(place) * (all - 1).max(0) / i64::from(CAST - 1);
    (0..CAST)
        .map(|place| {
            let in_tenant = size.tenants > 0 && place % 2 == 1;
            let (person, client) =
                if in_tenant { (1, 1) } else { (nth(place, size.people), nth(place, size.clients)) };
            let client_id = format!("client{client}");
            let slug = in_tenant.then(|| seed::slug(nth(place, size.tenants)));
            Role {
                tenant: slug.map(|slug| format!("/t/{slug}")).unwrap_or_default(),
                email: seed::address(person),
                password: seed::PASSWORD,
                authorization: basic(&client_id, &secret),
                client_id,
                redirect_uri: seed::REDIRECT_URI,
            }
        })
        .collect()
}

fn words(size: Size) -> String {
    format!("{} people, {} clients, {} tenants", size.people, size.clients, size.tenants + 1)
}

fn print(points: &[Point]) {
    println!(
        "| workload | engine | people | clients | tenants | CPU µs | of the least | statements | rows |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for point in points {
        let is_least = |it: &&Point| it.engine == point.engine && it.workload == point.workload;
        let least = points.iter().find(is_least).map_or(point.cpu, |it| it.cpu);
        println!(
            "| {} | {} | {} | {} | {} | {:.0} | {:.0} % | {:.1} | {:.1} |",
            point.workload,
            point.engine,
            point.size.people,
            point.size.clients,
            point.size.tenants + 1,
            point.cpu,
            100.0 * point.cpu / least,
            point.counts.statements,
            point.counts.rows
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cast_reaches_from_the_first_to_the_last_that_there_is() {
        for size in SIZES {
            let cast = cast(size);
            assert_eq!(cast.len(), usize::from(CAST));
            assert_eq!(cast[0].email, seed::address(1));
            let last = cast.last().unwrap();
            if size.tenants == 0 {
                assert_eq!(last.email, seed::address(size.people));
                assert_eq!(last.client_id, format!("client{}", size.clients));
            } else {
                assert_eq!(last.tenant, format!("/t/{}", seed::slug(size.tenants)));
                assert_eq!(cast.iter().filter(|role| role.tenant.is_empty()).count(), cast.len() / 2);
            }
        }
    }
}
