//! A few threads for work that burns a processor, with a short queue before them. What waits too long
//! is thrown away: whoever asked has given up, and doing it anyway would make the next one late too.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

/// The size of a [`Pool`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Threads, and so the most that is worked on at once.
    pub(crate) workers: usize,
    /// Jobs that may wait. One more is refused.
    pub(crate) queue: usize,
    /// How long a job may wait before it is thrown away.
    pub(crate) patience: Duration,
}

/// The pool is full, or the job waited too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Overloaded;

/// The owner of the threads; they end when it is dropped and the queue is empty.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    size: Size,
}

struct Shared {
    /// Guards the queue, and nothing is done under it but pushing and popping.
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Job {
    deadline: Instant,
    run: Box<dyn FnOnce() + Send>,
}

impl Pool {
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(name: &str, size: Size) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), work: Condvar::new() });
        // Made first, so that the threads that did start are ended if a later one does not.
        let pool = Self { shared: Arc::clone(&shared), size };
        for number in 0..size.workers {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || {
                step_back();
                shared.work_until_closed();
            })?;
        }
        Ok(pool)
    }

    /// Does `job` on a thread of the pool. If the caller goes away before it begins, it is not done.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Overloaded> {
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move || {
            if !answer.is_closed() {
                // The caller may leave while the job is done; then nobody wants the answer.
                drop(answer.send(job()));
            }
        });
        {
            let mut state = self.shared.state.lock();
            if self.size.queue <= state.jobs.len() {
                return Err(Overloaded);
            }
            state.jobs.push_back(Job { deadline: Instant::now() + self.size.patience, run });
        }
        self.shared.work.notify_one();
        // A job that is thrown away takes its end of the channel with it.
        answered.await.map_err(|_| Overloaded)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl Shared {
    fn work_until_closed(&self) {
        while let Some(job) = self.next() {
            if Instant::now() <= job.deadline {
                // A job that panics ends its caller's wait and not the thread, of which there are few.
                drop(catch_unwind(AssertUnwindSafe(job.run)));
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            self.work.wait(&mut state);
        }
    }
}

/// Work here may wait; what people write to each other must not wait for it. In a flood of passwords
/// these threads get what the others leave.
#[cfg(target_os = "linux")]
fn step_back() {
    // On Linux these are a matter of one thread, whatever their names say.
    let already = rustix::process::getpriority_process(None).is_ok_and(|it| NICE <= it);
    if !already && let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "Passwords are hashed as eagerly as all else is done");
    }
}

#[cfg(not(target_os = "linux"))]
fn step_back() {}

/// How far they step back, of 19.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use futures_util::future::join_all;

    use super::*;

    fn size(workers: usize, queue: usize) -> Size {
        Size { workers, queue, patience: Duration::from_secs(60) }
    }

    /// A job that holds its thread until the returned sender is dropped or used.
    fn blocker(
        pool: &Arc<Pool>,
    ) -> (mpsc::SyncSender<()>, tokio::task::JoinHandle<Result<(), Overloaded>>) {
        let (release, released) = mpsc::sync_channel(1);
        let (began, beginning) = mpsc::sync_channel(1);
        let pool = Arc::clone(pool);
        let task = tokio::spawn(async move {
            pool.run(move || {
                began.send(()).unwrap();
                let _released_or_dropped = released.recv();
            })
            .await
        });
        beginning.recv_timeout(Duration::from_secs(10)).unwrap();
        (release, task)
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn its_threads_step_back_and_no_others() {
        let mine = || rustix::process::getpriority_process(None).unwrap();
        let before = mine();
        let pool = Pool::start("test", size(1, 2)).unwrap();
        assert_eq!(pool.run(mine).await, Ok(before.max(NICE)));
        assert_eq!(mine(), before);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_queue_refuses_at_once_and_takes_work_again_when_it_is_empty() {
        let pool = Arc::new(Pool::start("test", size(1, 2)).unwrap());
        let (release, blocked) = blocker(&pool);
        let queued = [(); 2].map(|()| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move { pool.run(|| ()).await })
        });
        let full = async {
            while pool.shared.state.lock().jobs.len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), full).await.unwrap();
        assert_eq!(pool.run(|| ()).await, Err(Overloaded));

        drop(release);
        assert_eq!(blocked.await.unwrap(), Ok(()));
        for task in queued {
            assert_eq!(task.await.unwrap(), Ok(()));
        }
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test]
    async fn never_more_jobs_run_at_once_than_there_are_workers() {
        let pool = Pool::start("test", size(3, 200)).unwrap();
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let jobs = (0..200).map(|_| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            pool.run(move || {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                running.fetch_sub(1, Ordering::SeqCst);
            })
        });
        assert!(join_all(jobs).await.iter().all(Result::is_ok));
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
    }

    #[tokio::test]
    async fn a_job_that_waited_too_long_is_thrown_away() {
        let size = Size { patience: Duration::ZERO, ..size(1, 10) };
        let pool = Pool::start("test", size).unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let late = pool.run(move || count.fetch_add(1, Ordering::SeqCst)).await;
        assert_eq!((late, done.load(Ordering::SeqCst)), (Err(Overloaded), 0));
    }

    #[tokio::test]
    async fn a_job_that_panics_costs_its_caller_and_nobody_else() {
        let pool = Pool::start("test", size(1, 10)).unwrap();
        let panicked: Result<(), _> = pool.run(|| panic!("on purpose")).await;
        assert_eq!(panicked, Err(Overloaded));
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn work_whose_caller_has_left_is_not_done() {
        let pool = Arc::new(Pool::start("test", size(1, 10)).unwrap());
        let (release, blocked) = blocker(&pool);
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let left = tokio::time::timeout(
            Duration::ZERO,
            pool.run(move || count.fetch_add(1, Ordering::SeqCst)),
        );
        assert!(left.await.is_err());
        drop(release);
        blocked.await.unwrap().unwrap();
        pool.run(|| ()).await.unwrap();
        assert_eq!(done.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn the_threads_end_with_the_pool() {
        let pool = Pool::start("test", size(2, 10)).unwrap();
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        let ended = async {
            while shared.upgrade().is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
    }
}
