//! A run of several steps: each one announced, timed, and listed at the end.

use std::time::Instant;

use crate::run::elapsed;

/// What has been done so far.
pub(crate) struct Steps {
    began: Instant,
    total: usize,
    done: Vec<(String, String)>,
}

impl Steps {
    pub(crate) fn of(total: usize) -> Self {
        Self { began: Instant::now(), total, done: Vec::new() }
    }

    /// Does one step. The first that fails ends the run, with the summary of what went before.
    pub(crate) fn step<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        println!("\n==> [{}/{}] {name}", self.done.len() + 1, self.total);
        let since = Instant::now();
        let outcome = work();
        let took = elapsed(since);
        match outcome {
            Ok(value) => {
                println!("==> {name}: done in {took}");
                self.done.push((name.to_owned(), took));
                Ok(value)
            }
            Err(problem) => {
                self.done.push((name.to_owned(), format!("FAILED after {took}")));
                self.summary();
                Err(format!("{name}: {problem}"))
            }
        }
    }

    pub(crate) fn summary(&self) {
        println!("\n==> Summary");
        for (name, took) in &self.done {
            println!("    {name:<40} {took}");
        }
        println!("    {:<40} {}", "all", elapsed(self.began));
    }
}
