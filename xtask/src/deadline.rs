//! Waiting for a condition instead of sleeping and hoping.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long to leave the processor to others between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks until `look` finds something; an error that names `what` when `within` has passed.
///
/// # Errors
/// The time is over, or `look` itself failed.
pub(crate) fn wait<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if end <= Instant::now() {
            bail!("waited {} s in vain for {what}", within.as_secs());
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_as_soon_as_the_condition_holds() {
        let mut looks = 0;
        let found = wait("the third look", Duration::from_secs(5), || {
            looks += 1;
            Ok((looks == 3).then_some("found"))
        });
        assert_eq!(found.expect("it is found"), "found");
    }

    #[test]
    fn waiting_in_vain_names_what_did_not_happen() {
        let error = wait("a blue moon", Duration::ZERO, || Ok(None::<()>)).expect_err("too late");
        assert!(error.to_string().contains("a blue moon"), "{error}");
    }
}
