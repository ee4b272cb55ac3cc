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
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name of the program stands in parentheses and may hold anything; what follows has no names.
    let (_, rest) = stat.rsplit_once(") ").context("a name in parentheses")?;
    // The first field here is the third of proc(5); utime and stime are 14 and 15.
    let mut ticks = rest.split(' ').skip(11).take(2);
    let mut next =
        || ticks.next().context("a time in ticks")?.parse::<u64>().map_err(anyhow::Error::from);
    let total = next()? + next()?;
    Ok(Duration::from_millis(total * 1_000 / TICKS_PER_SECOND))
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
    fn a_process_that_is_not_there_is_an_error() {
        assert!(resident(u32::MAX).is_err());
        assert!(processor(u32::MAX).is_err());
    }
}
