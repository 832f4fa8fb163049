//! The table for people, and the figures for programs.

use serde::Serialize;

use crate::measure::{Engines, Row};
use crate::workload::Target;

/// All that was measured in one run.
#[derive(Serialize)]
pub(crate) struct Report {
    /// Processor time of one password hash by itself, in microseconds.
    pub hash_cpu: f64,
    pub rows: Vec<Row>,
    pub engines: Vec<Engines>,
}

/// As a table in Markdown, as `docs/measured/performance.md` has it.
pub(crate) fn print(report: &Report) {
    println!("\nA password hash takes {:.2} ms of processor time by itself.\n", report.hash_cpu / 1000.0);
    println!(
        "| workload | engine | CPU µs server | database | limit µs | target | reached | per second | p50 ms | p99 | p99.9 | \
         statements | rows | writes | commits |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for row in &report.rows {
        let (limit, target, reached) = judged(row);
        println!(
            "| {} | {} | {:.1} | {:.1} | {limit} | {target} | {reached} | {:.0} | {} | {} | {} | {:.1} | {:.1} | {:.2} | {:.2} |",
            row.workload,
            row.engine,
            row.server_cpu,
            row.database_cpu,
            row.per_second,
            millis(row.p50),
            millis(row.p99),
            millis(row.p999),
            row.counts.statements,
            row.counts.rows,
            row.counts.transactions,
            row.counts.commits
        );
    }
    println!(
        "\n| engine | ready ms | memory MiB: at first | after all | at most | idle CPU | page that rested |"
    );
    println!("|---|---|---|---|---|---|---|");
    for it in &report.engines {
        println!(
            "| {} | {:.0} | {} | {} | {} | {:.2} % | {:.2} µs |",
            it.engine,
            it.ready_millis,
            mebibytes(it.first_memory),
            mebibytes(it.memory),
            mebibytes(it.peak_memory),
            it.idle * 100.0,
            it.rested_page
        );
    }
}

/// The limit, the target and what was reached, in words.
fn judged(row: &Row) -> (String, String, String) {
    let whole = row.server_cpu + row.database_cpu;
    let said = |reached: String, is_met: bool| if is_met { reached } else { format!("**{reached}**") };
    match row.kind.target() {
        Target::OfLimit(part) => {
            let limit = row.limit_cpu.unwrap_or_default();
            let reached = limit / whole;
            let percent = format!("{:.0} %", reached * 100.0);
            (format!("{limit:.1}"), format!("{:.0} %", part * 100.0), said(percent, reached >= part))
        }
        Target::AboveHash(bound) => {
            let hash = row.limit_cpu.unwrap_or_default();
            let above = whole - hash;
            let target = format!("{bound:.0} µs above");
            (format!("{hash:.0}"), target, said(format!("{above:.0} µs above"), above <= bound))
        }
        Target::Under(bound) => {
            (String::new(), format!("{bound:.0} µs"), said(format!("{whole:.0} µs"), whole <= bound))
        }
    }
}

fn mebibytes(octets: u64) -> u64 {
    octets / (1024 * 1024)
}

/// Microseconds as milliseconds.
fn millis(micros: u64) -> String {
    format!("{}.{:02}", micros / 1000, micros % 1000 / 10)
}
