//! Runs the OpenID Foundation's conformance suite against the program: `cargo xtask conformance --suite URL`. What it is
//! told, and what is expected of each module, lies in `conformance/`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod plans;
mod provider;
mod suite;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde_json::{Map, Value, json};

use plans::{Expected, ExpectedOutcome, Files, filled};
use provider::{EMAIL, PASSWORD, Provider, Whereabouts};
use suite::{Outcome, Suite};

/// By then the server serves the keys that a command made.
const NOTICED: Duration = Duration::from_secs(3);

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Runs the conformance suite's plans against Portico, and compares what comes out with what is expected.
#[derive(Parser)]
#[command(name = "cargo xtask conformance")]
struct Arguments {
    /// Where the suite is, such as <https://127.0.0.1:8443>
    #[arg(long, value_name = "URL")]
    suite: String,
    /// Only this plan of conformance/plans; may be given several times
    #[arg(long, value_name = "NAME")]
    plan: Vec<String>,
    /// Only modules whose names hold this text
    #[arg(long, value_name = "TEXT")]
    module: Option<String>,
    /// A PEM file with the authority that the suite's certificate is from
    #[arg(long, value_name = "FILE.pem")]
    ca: Option<PathBuf>,
    /// The program under test
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// Write what came out to conformance/expected, for review
    #[arg(long)]
    accept: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("conformance: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<bool, Problem> {
    let files = Files::find();
    let names = if arguments.plan.is_empty() { files.names()? } else { arguments.plan.clone() };
    let authority = arguments.ca.as_ref().map(std::fs::read).transpose()?;
    let suite = Suite::at(&arguments.suite, authority.as_deref())?;
    let mut all_as_expected = true;
    for name in names {
        println!("\n{name}");
        all_as_expected &= run_plan(arguments, &files, &suite, &name).await?;
    }
    Ok(all_as_expected)
}

async fn run_plan(
    arguments: &Arguments,
    files: &Files,
    suite: &Suite,
    name_of_plan: &str,
) -> Result<bool, Problem> {
    let file = files.plan(name_of_plan)?;
    let runs = file.runs();
    let mut expected = files.expected(name_of_plan)?;
    let settings = Value::Object(file.tenant.clone());
    let ca = arguments.ca.as_ref().map(std::fs::canonicalize).transpose()?;
    let program = std::fs::canonicalize(&arguments.program)
        .map_err(|error| format!("{}: {error}", arguments.program.display()))?;
    let provider = Provider::start(&program, Whereabouts::here(), ca.as_deref(), &settings).await?;
    let alias = format!("portico-{name_of_plan}");
    let callback = format!("{}/test/a/{alias}", suite.url());
    let known = [
        ("issuer", provider.issuer.as_str()),
        ("suite", suite.url()),
        ("callback", &callback),
        ("email", EMAIL),
        ("password", PASSWORD),
    ];
    let mut configuration = files.browser()?;
    configuration.insert("alias".to_owned(), json!(alias));
    configuration.insert("description".to_owned(), json!(format!("Portico, {name_of_plan}")));
    configuration.extend(file.configuration);
    for (client, it) in file.clients {
        let options: Vec<&str> = it.options.iter().map(String::as_str).collect();
        let made = provider.register(&filled(it.metadata, &known), &options).await?;
        let told = json!({ "client_id": made["client_id"], "client_secret": made["client_secret"] });
        merge(&mut configuration, &client, told);
    }
    let configuration = filled(Value::Object(configuration), &known);
    let mut table = Table::default();
    let mut there = Vec::new();
    for (prefix, variant) in runs {
        let plan = suite.plan(&file.plan, &variant, &configuration).await?;
        for module in &plan.modules {
            let name = format!("{prefix}{}", module.name);
            there.push(name.clone());
            if arguments.module.as_ref().is_some_and(|text| !name.contains(text.as_str())) {
                continue;
            }
            let outcome = suite.run(&plan, module, async || rotate_keys(&provider).await).await?;
            table.add(&name, &outcome, expected.0.get(&name));
            if arguments.accept {
                accept(&mut expected, &name, &outcome);
                files.accept(name_of_plan, &expected)?;
            }
        }
    }
    if arguments.module.is_none() {
        table.missing(&expected, &there);
    }
    table.summary();
    Ok(table.surprises == 0)
}

/// Rotates the keys, and waits until the server has noticed, which it does within a second.
async fn rotate_keys(provider: &Provider) -> Result<(), Problem> {
    provider.operate(&["keys", "rotate", "--now"]).await?;
    tokio::time::sleep(NOTICED).await;
    Ok(())
}

/// Adds to a member that may be there already.
fn merge(configuration: &mut Map<String, Value>, name: &str, told: Value) {
    match (configuration.get_mut(name), told) {
        (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
        (_, told) => drop(configuration.insert(name.to_owned(), told)),
    }
}

fn accept(expected: &mut Expected, name: &str, outcome: &Outcome) {
    let because = expected.0.get(name).and_then(|known| known.because.clone());
    let because =
        if outcome.result == "PASSED" { None } else { because.or(Some("to be reviewed".to_owned())) };
    expected.0.insert(name.to_owned(), ExpectedOutcome { result: outcome.result.clone(), because });
}

/// What came out, as it is printed.
#[derive(Default)]
struct Table {
    counts: std::collections::BTreeMap<String, usize>,
    surprises: usize,
}

impl Table {
    fn add(&mut self, name: &str, outcome: &Outcome, expected: Option<&ExpectedOutcome>) {
        *self.counts.entry(outcome.result.clone()).or_default() += 1;
        let wanted = expected.map_or("PASSED", |it| it.result.as_str());
        let is_surprise = wanted != outcome.result;
        self.surprises += usize::from(is_surprise);
        let note = if is_surprise { format!("  expected {wanted}") } else { String::new() };
        println!("  {:<8} {name}{note}", outcome.result);
        if is_surprise || outcome.result == "WARNING" {
            for remark in &outcome.remarks {
                println!("           {remark}");
            }
            println!("           {}", outcome.page);
        }
    }

    /// What is expected of modules that the plan no longer has would hide that they are gone.
    fn missing(&mut self, expected: &Expected, there: &[String]) {
        for name in expected.0.keys().filter(|name| !there.contains(name)) {
            self.surprises += 1;
            println!("  GONE     {name}  is expected, and no module of the plan");
        }
    }

    fn summary(&self) {
        let told: Vec<String> =
            self.counts.iter().map(|(result, count)| format!("{count} {result}")).collect();
        println!("  {}; {} not as expected", told.join(", "), self.surprises);
    }
}
