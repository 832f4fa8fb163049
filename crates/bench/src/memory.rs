//! Memory: how much the server holds after so many logins, each of a browser that was never there before.

use std::time::Duration;

use crate::load::{self, Pace};
use crate::provider::Provider;
use crate::workload::{Scene, Workload};
use crate::{Problem, RunArguments, process};

/// After how many logins it is looked at.
const AFTER: [u64; 6] = [100, 1_000, 10_000, 25_000, 50_000, 100_000];
const ACTORS: usize = 8;
/// Between two counts of the logins.
const TURN: Duration = Duration::from_secs(1);

pub(crate) async fn run(arguments: &RunArguments) -> Result<(), Problem> {
    println!("| engine | logins | memory MiB | at most |");
    println!("|---|---|---|---|");
    for engine in arguments.engines() {
        let mut provider = Provider::start(&arguments.program, engine).await?;
        let scene = Scene::prepare(&provider).await?;
        let mut actors = scene.actors(Workload::Login, ACTORS).await?;
        let mut logins = 0;
        for after in AFTER {
            while logins < after {
                logins += load::run(&mut actors, Pace::Closed, TURN).await?.operations;
            }
            let process = provider.process()?;
            let mebibytes = |octets: u64| octets / (1024 * 1024);
            let (now, most) = (process::memory(process)?, process::peak_memory(process)?);
            println!("| {} | {logins} | {} | {} |", provider.engine.name(), mebibytes(now), mebibytes(most));
        }
        provider.end().await?;
    }
    Ok(())
}
