//! Memory and processor time of a process, as Linux counts them.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Bytes of the process `pid` that are in memory.
///
/// # Errors
/// There is no such process.
pub fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")).context("VmRSS in kB")?;
    Ok(kib.trim().parse::<u64>()? * 1_024)
}

/// Processor time that the process `pid` has used, in the program and in the system for it.
///
/// # Errors
/// There is no such process.
pub fn processor(pid: u32) -> Result<Duration> {
    Ok(times(pid)?.own)
}

/// Processor time of the process `pid`, of its children that live, and of those that it had: what a
/// server with a process for each connection has used.
///
/// # Errors
/// There is no such process.
pub fn processor_with_children(pid: u32) -> Result<Duration> {
    let Times { own, ended } = times(pid)?;
    let mut total = own + ended;
    for entry in fs::read_dir("/proc")? {
        let Some(child) = entry?.file_name().to_str().and_then(|it| it.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end between being listed and being looked at; then it is in `ended` next time.
        if let Ok(times) = times(child)
            && parent(child).is_ok_and(|it| it == pid)
        {
            total += times.own;
        }
    }
    Ok(total)
}

struct Times {
    own: Duration,
    /// Of children that have ended.
    ended: Duration,
}

fn times(pid: u32) -> Result<Times> {
    let fields = stat(pid)?;
    // utime, stime, cutime and cstime are the fields 14 to 17 of proc(5); ours begin with the third.
    let ticks = |field: usize| -> Result<u64> {
        Ok(fields.get(field - 3).context("a time in ticks")?.parse()?)
    };
    let time = |ticks: u64| Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND);
    Ok(Times { own: time(ticks(14)? + ticks(15)?), ended: time(ticks(16)? + ticks(17)?) })
}

fn parent(pid: u32) -> Result<u32> {
    Ok(stat(pid)?.get(1).context("a parent")?.parse()?)
}

/// The fields of proc(5) from the third on.
fn stat(pid: u32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program stands in parentheses and may hold anything; what follows has no names.
    let (_, rest) = stat.rsplit_once(") ").context("a name in parentheses")?;
    Ok(rest.split_whitespace().map(str::to_owned).collect())
}

/// How many programs wanted a processor in the last minute, on average.
///
/// # Errors
/// The system does not tell.
pub fn load() -> Result<f64> {
    let average = fs::read_to_string("/proc/loadavg")?;
    Ok(average.split(' ').next().context("three averages")?.parse()?)
}

/// What `getconf CLK_TCK` says on every Linux of today, whatever its kernel.
const TICKS_PER_SECOND: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_and_processor_time() {
        let pid = std::process::id();
        let before = processor(pid).unwrap();
        let mut ballast = vec![1_u8; 64 << 20];
        while processor(pid).unwrap() - before < Duration::from_millis(50) {
            ballast.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(3));
        }
        assert!(64 << 20 < resident(pid).unwrap());
    }

    #[test]
    fn what_children_have_used_is_counted_while_they_live_and_afterwards() {
        let pid = std::process::id();
        let before = processor_with_children(pid).unwrap();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let mut living = std::process::Command::new("sh")
            .args(["-c", &format!("{busy}; sleep 30")])
            .spawn()
            .unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while processor_with_children(pid).unwrap() - before < Duration::from_millis(50) {
            assert!(std::time::Instant::now() < deadline);
        }
        living.kill().unwrap();
        living.wait().unwrap();
        assert!(Duration::from_millis(50) <= processor_with_children(pid).unwrap() - before);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(resident(u32::MAX).is_err());
        assert!(processor(u32::MAX).is_err());
    }
}
