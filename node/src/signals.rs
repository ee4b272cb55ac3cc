//! What the system asks of the process: the first request to end is granted in good order, the
//! second one at once.

use std::io;
use std::pin::pin;

use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Cancels `stop` at SIGTERM, SIGINT or Ctrl+C, and leaves with code 130 at the next one.
///
/// # Errors
/// The system does not let us listen.
pub fn watch(stop: CancellationToken) -> io::Result<JoinHandle<()>> {
    let requests = stream::unfold(Requests::listen()?, |mut requests| async {
        requests.next().await;
        Some(((), requests))
    });
    Ok(tokio::spawn(obey(requests, stop, || {
        tracing::warn!("Asked twice to stop: leaving at once");
        std::process::exit(AT_ONCE)
    })))
}

/// What shells give a program that was ended with Ctrl+C.
const AT_ONCE: i32 = 130;

async fn obey(requests: impl Stream<Item = ()>, stop: CancellationToken, leave: impl FnOnce()) {
    let mut requests = pin!(requests);
    if requests.next().await.is_some() {
        tracing::info!("Asked to stop");
        stop.cancel();
    }
    if requests.next().await.is_some() {
        leave();
    }
}

#[cfg(unix)]
struct Requests {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Requests {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Requests {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Requests {
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.shutdown.recv() => {}
            _ = self.close.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_first_request_stops_in_good_order_and_the_second_at_once() {
        let (ask, asked) = mpsc::channel::<()>(1);
        let asked =
            stream::unfold(asked, |mut asked| async { asked.recv().await.map(|it| (it, asked)) });
        let stop = CancellationToken::new();
        let left = Arc::new(AtomicBool::new(false));
        let leave = {
            let left = Arc::clone(&left);
            move || left.store(true, Ordering::SeqCst)
        };
        let task = tokio::spawn(obey(asked, stop.clone(), leave));
        assert!(!stop.is_cancelled());
        ask.send(()).await.unwrap();
        tokio::time::timeout(Duration::from_secs(10), stop.cancelled()).await.unwrap();
        assert!(!left.load(Ordering::SeqCst));
        ask.send(()).await.unwrap();
        task.await.unwrap();
        assert!(left.load(Ordering::SeqCst));
    }
}
