//! The wall clock, for times that people read, and for what lasts days. Never for order, or for limits.

use std::time::SystemTime;

use thrive_protocol::ids::Time;

#[must_use]
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
