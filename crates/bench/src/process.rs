//! What a process, and those that it started, have used: processor time and memory, as `/proc` tells (proc(5)).

use std::fs;

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
    Ok(rest.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum())
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

#[cfg(test)]
mod tests {
    use super::*;

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
