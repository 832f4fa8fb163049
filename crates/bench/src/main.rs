//! The load driver: what each operation costs, beside what the machine does at most. `cargo xtask bench` runs it.

// A program for the terminal that measures time: neither rule is meant for it.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods)]

mod grow;
mod http;
mod limit;
mod load;
mod measure;
mod memory;
mod process;
mod provider;
mod report;
mod seed;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::limit::LimitArguments;
use crate::provider::Engine;
use crate::seed::SeedArguments;

type Problem = Box<dyn std::error::Error + Send + Sync>;

#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What each operation costs, beside its limit
    Run(RunArguments),
    /// What operations cost while the data grows to a million people, ten thousand clients and ten thousand tenants
    Grow(RunArguments),
    /// How much memory a hundred thousand logins leave behind
    Memory(RunArguments),
    /// Make people, tenants and clients to measure growth with
    Seed(SeedArguments),
    /// Be the process of the limits
    #[command(hide = true)]
    Limit(LimitArguments),
    /// Tell the processor time of one password hash, in microseconds
    #[command(hide = true)]
    Hash {
        #[arg(long)]
        memory_kib: u32,
    },
}

/// What is measured.
#[derive(Args)]
pub(crate) struct RunArguments {
    /// The release build of `portico`
    #[arg(long)]
    program: PathBuf,
    /// A database of PostgreSQL; measured beside SQLite where it is given
    #[arg(long, requires = "postgres_process")]
    postgres: Option<String>,
    /// The process id of that server
    #[arg(long)]
    postgres_process: Option<u32>,
    /// Only this engine: `sqlite` or `postgres`
    #[arg(long, value_parser = ["sqlite", "postgres"])]
    engine: Option<String>,
    /// Only workloads whose names hold this text
    #[arg(long)]
    only: Option<String>,
    /// For how long each loop runs
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Where the figures go as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

impl RunArguments {
    fn engines(&self) -> Vec<Engine> {
        let postgres = self.postgres.clone().zip(self.postgres_process);
        let postgres = postgres.map(|(url, process)| Engine::Postgres { url, process });
        let is_wanted = |name: &str| self.engine.as_deref().is_none_or(|engine| engine == name);
        let sqlite = is_wanted("sqlite").then_some(Engine::Sqlite);
        [sqlite, postgres.filter(|_| is_wanted("postgres"))].into_iter().flatten().collect()
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // One processor is the driver's, so one thread is.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Problem::from).and_then(|runtime| {
        runtime.block_on(async {
            match arguments.command {
                Command::Run(run) => measure::run(&run).await,
                Command::Grow(run) => grow::run(&run).await,
                Command::Memory(run) => memory::run(&run).await,
                Command::Seed(asked) => Box::pin(seed::run(&asked)).await,
                Command::Limit(limit) => limit::serve(limit).await,
                Command::Hash { memory_kib } => {
                    println!("{:.1}", limit::hash_here(memory_kib)?);
                    Ok(())
                }
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}
