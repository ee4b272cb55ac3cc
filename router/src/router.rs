//! The composition root: binds the sockets, starts the source and the workers, and ends them.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use thrive_protocol::cid::{Codec, DEFAULT_CONFIG};
use thrive_protocol::cluster::{Keys, Secret, TooShort};
use thrive_protocol::encapsulation::EncapKey;
use tokio::runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::{Config, MOST_ID, MOST_WORKERS};
use crate::counters::{Counters, Figures};
use crate::io::{Opening, open};
use crate::rendezvous::Rendezvous;
use crate::source::{Source, SourceError};
use crate::table::Listing;
use crate::verdict::Judge;
use crate::worker::{self, Parts, random};

/// A router that runs. It ends when it is dropped.
pub struct Router {
    address: SocketAddr,
    backends: Vec<SocketAddr>,
    counters: Vec<Arc<Counters>>,
    listing: watch::Receiver<Arc<Listing>>,
    threads: Vec<JoinHandle<()>>,
    /// Says why a thread ended that should not.
    ended: mpsc::Receiver<String>,
    stop: DropGuard,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the secret of the cluster in {path} cannot be read")]
    Secret { path: PathBuf, source: io::Error },
    #[error("{path} is no secret of a cluster")]
    NoSecret { path: PathBuf, source: TooShort },
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("the nodes cannot be found")]
    Source(#[from] SourceError),
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
}

/// By which nodes know a worker. No two of all routers are the same, so that none gets the answers to
/// another's clients.
fn number(router: u16, worker: usize) -> u16 {
    router * MOST_WORKERS as u16 + worker as u16
}

/// How long a start waits for the first list of nodes. Without one it serves all the same.
const FIRST_LIST: Duration = Duration::from_secs(3);

impl Router {
    /// Starts to serve. When this returns, the sockets are bound, and the nodes are known if the source
    /// could tell them.
    ///
    /// # Errors
    /// A setting is of no use, or an address is taken.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let keys = keys(&config)?;
        let pairs = bind(&config)?;
        let address = local(&pairs[0].0, config.listen)?;
        let mut backends = Vec::new();
        for (_, back) in &pairs {
            backends.push(local(back, config.backend)?);
        }
        let stop = CancellationToken::new();
        let (tell_end, ended) = mpsc::channel(1 + pairs.len());
        let mut threads = Vec::new();

        let source = Source::open(&config)?;
        let (list, mut listing) = watch::channel(source.first());
        let guard = stop.clone().drop_guard();
        threads.push(spawn("source", tell_end.clone(), stop.clone(), {
            let stop = stop.clone();
            || async move {
                source.run(list, stop).await;
                Ok(())
            }
        })?);
        // Marks as seen only what a source said by itself.
        if timeout(FIRST_LIST, listing.changed()).await.is_err() {
            tracing::warn!("No list of nodes yet; serving with what was kept");
        }

        let router = config.id.unwrap_or_else(|| u16::from_ne_bytes(random()) % (MOST_ID + 1));
        let mut counters = Vec::new();
        for (at, (front, back)) in pairs.into_iter().enumerate() {
            let own = Arc::new(Counters::default());
            counters.push(Arc::clone(&own));
            let parts = Parts {
                front,
                back,
                judge: Judge::new(
                    Codec::new(DEFAULT_CONFIG, &keys.cid),
                    Rendezvous::new(&keys.rendezvous),
                ),
                key: EncapKey::new(&keys.encapsulation),
                router: number(router, at),
                listing: listing.clone(),
                counters: own,
                tells: at == 0,
            };
            let until = stop.clone();
            let run = move || worker::run(parts, until);
            threads.push(spawn(&format!("worker-{at}"), tell_end.clone(), stop.clone(), run)?);
        }
        Ok(Self { address, backends, counters, listing, threads, ended, stop: guard })
    }

    /// Where clients are served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where nodes see each worker.
    #[must_use]
    pub fn backends(&self) -> &[SocketAddr] {
        &self.backends
    }

    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures::of(self.counters.iter().map(AsRef::as_ref))
    }

    /// How many nodes the source named last.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.listing.borrow().members.len()
    }

    /// Waits until a part ends by itself, which none should, and says why.
    pub async fn ended(&mut self) -> String {
        self.ended.recv().await.unwrap_or_default()
    }

    /// Ends at once: a router holds nothing that anybody would miss.
    #[must_use]
    pub fn stop(self) -> Figures {
        let Self { counters, threads, stop, .. } = self;
        drop(stop);
        for thread in threads {
            drop(thread.join());
        }
        Figures::of(counters.iter().map(AsRef::as_ref))
    }
}

fn keys(config: &Config) -> Result<Keys, StartError> {
    let path = config.secret.clone();
    let bytes =
        fs::read(&path).map_err(|source| StartError::Secret { path: path.clone(), source })?;
    let secret = Secret::new(bytes).map_err(|source| StartError::NoSecret { path, source })?;
    Ok(Keys::derive(&secret))
}

type Pair = (std::net::UdpSocket, std::net::UdpSocket);

/// The sockets of each worker.
fn bind(config: &Config) -> Result<Vec<Pair>, StartError> {
    let dual_stack = config.dual_stack;
    let bound = |opening: Opening| {
        open(opening).map_err(|source| StartError::Bind { address: opening.address, source })
    };
    let mut pairs = Vec::new();
    let mut address = config.listen;
    for at in 0..config.workers {
        let front = bound(Opening { address, shared: true, dual_stack })?;
        // With port 0 the first worker finds one for all.
        address = local(&front, address)?;
        let mut behind = config.backend;
        if behind.port() != 0 {
            behind.set_port(behind.port().saturating_add(at as u16));
        }
        pairs.push((front, bound(Opening { address: behind, shared: false, dual_stack })?));
    }
    Ok(pairs)
}

fn local(socket: &std::net::UdpSocket, address: SocketAddr) -> Result<SocketAddr, StartError> {
    socket.local_addr().map_err(|source| StartError::Bind { address, source })
}

/// Runs `work` on a thread of its own, where it is made, and tells when it ends before `stop`.
fn spawn<W: Future<Output = io::Result<()>>>(
    name: &str,
    tell: mpsc::Sender<String>,
    stop: CancellationToken,
    work: impl FnOnce() -> W + Send + 'static,
) -> Result<JoinHandle<()>, StartError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(StartError::Thread)?;
    let name = name.to_owned();
    let run = move || {
        let told =
            Told { name: thread::current().name().unwrap_or_default().to_owned(), tell, stop };
        if let Err(error) = runtime.block_on(work()) {
            tracing::error!(%error, thread = told.name, "A part of the router failed");
        }
        drop(told);
    };
    thread::Builder::new().name(name).spawn(run).map_err(StartError::Thread)
}

/// Tells the end of a thread, also when it panics.
struct Told {
    name: String,
    tell: mpsc::Sender<String>,
    stop: CancellationToken,
}

impl Drop for Told {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            drop(self.tell.try_send(format!("{} ended by itself", self.name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_worker_of_any_router_has_the_number_of_another_one() {
        let routers = 0..=MOST_ID;
        let workers = |router| (0..MOST_WORKERS).map(move |worker| number(router, worker));
        let numbers: HashSet<_> = routers.flat_map(workers).collect();
        assert_eq!(numbers.len(), (usize::from(MOST_ID) + 1) * MOST_WORKERS);
    }
}
