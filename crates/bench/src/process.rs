//! What a process, and those that it started, have used: processor time and memory, as `/proc` tells (proc(5)).

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use tokio::time::Instant;

use crate::Problem;

/// The processor time of a process in microseconds, ended threads and awaited children included, and of the children that live.
pub(crate) fn cpu_time(process: u32) -> Result<f64, Problem> {
    let own = ticks(process)?;
    let children: u64 = children(process)?.into_iter().filter_map(|child| ticks(child).ok()).sum();
    let per_second = rustix::param::clock_ticks_per_second();
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    let micros = (own + children) as f64 * 1e6 / per_second as f64;
    Ok(micros)
}

/// utime, stime, cutime and cstime, in ticks.
fn ticks(process: u32) -> Result<u64, Problem> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in brackets, may hold blanks.
    let (_, rest) = stat.rsplit_once(')').ok_or("an unknown form of /proc/PID/stat")?;
    let ticks: u64 = rest.split_whitespace().skip(11).take(4).map(str::parse::<u64>).sum::<Result<_, _>>()?;
    Ok(ticks)
}

fn children(process: u32) -> Result<Vec<u32>, Problem> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let list = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
    }
    Ok(found)
}

/// Resident memory now, in octets.
pub(crate) fn memory(process: u32) -> Result<u64, Problem> {
    status(process, "VmRSS:")
}

/// The most resident memory that there ever was.
pub(crate) fn peak_memory(process: u32) -> Result<u64, Problem> {
    status(process, "VmHWM:")
}

fn status(process: u32, member: &str) -> Result<u64, Problem> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(member)).ok_or("no such member of status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// Waits, and tells what it took meanwhile to touch a page of memory once a second, in microseconds. Next to nothing; but where the
/// host of a virtual machine takes resting pages away, whatever seldom runs pays in processor time for each page that it needs, and
/// the idle time of a server says little of the server.
pub(crate) async fn rested_page(wait: Duration) -> f64 {
    const PAGE: usize = 4096;
    const PAGES: u32 = 200;
    const REST: Duration = Duration::from_secs(1);
    let mut memory = vec![1_u8; PAGE * PAGES as usize];
    let end = Instant::now() + wait;
    let (mut took, mut rounds) = (Duration::ZERO, 0);
    while Instant::now() + REST <= end {
        tokio::time::sleep(REST).await;
        let begun = Instant::now();
        memory.iter_mut().step_by(PAGE).for_each(|octet| *octet = octet.wrapping_add(1));
        black_box(&mut memory);
        took += begun.elapsed();
        rounds += 1;
    }
    tokio::time::sleep_until(end).await;
    took.as_secs_f64() * 1e6 / f64::from(PAGES * rounds.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_rested_is_touched_in_the_time_given() {
        let begun = Instant::now();
        let page = rested_page(Duration::from_millis(1100)).await;
        assert!(page > 0.0 && begun.elapsed() >= Duration::from_millis(1100), "{page}");
    }

    #[test]
    fn a_process_has_used_time_and_memory() {
        let own = std::process::id();
        let mut spun = 0_u64;
        let before = cpu_time(own).unwrap();
        while cpu_time(own).unwrap() < before + 20_000.0 {
            spun = spun.wrapping_add(1);
        }
        assert!(memory(own).unwrap() > 1024 * 1024 && peak_memory(own).unwrap() > 1024 * 1024);
    }
}
