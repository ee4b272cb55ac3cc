//! For how long nothing was touched, as Windows and macOS say it.

use std::time::Duration;

use user_idle2::UserIdle;

#[derive(Debug)]
pub(super) struct Idle;

impl Idle {
    #[expect(clippy::unused_async, reason = "on Linux a bus is asked")]
    pub(super) async fn find(_: bool) -> Self {
        Self
    }

    pub(super) fn is_known(&self) -> bool {
        UserIdle::get_time().is_ok()
    }

    #[expect(
        clippy::unused_async,
        clippy::needless_pass_by_ref_mut,
        reason = "on Linux a bus is asked, which may fail for good"
    )]
    pub(super) async fn read(&mut self) -> Option<Duration> {
        UserIdle::get_time().ok().map(|idle| idle.duration())
    }
}
