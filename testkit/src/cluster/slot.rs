//! One node or router of a cluster: where it is started, whether it runs, and what lies on its links.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;

use crate::chaos::{TcpProxy, UdpRelay};
use crate::process::{Place, Ready, RouterPlace, Running};

/// What is started, in the two forms that there are.
pub(super) enum Program {
    Node(Place),
    Router(RouterPlace),
}

pub(super) struct Slot {
    pub(super) place: Program,
    pub(super) address: SocketAddr,
    pub(super) postgres: Option<TcpProxy>,
    pub(super) redis: Option<TcpProxy>,
    pub(super) relay: Option<UdpRelay>,
    pub(super) running: Mutex<Option<Running>>,
    pub(super) ready: Mutex<Option<Ready>>,
}

impl Slot {
    /// Where clients dial it.
    pub(super) fn front(&self) -> SocketAddr {
        self.relay.as_ref().map_or(self.address, UdpRelay::address)
    }

    pub(super) fn start(&self, settings: &[(&str, &str)]) -> Result<()> {
        let mut running = self.running.lock();
        if let Some(process) = running.as_mut() {
            ensure!(process.ended()?.is_some(), "it runs already");
        }
        *running = None;
        let (process, ready) = match &self.place {
            Program::Node(place) => {
                let mut place = place.clone();
                for (key, value) in settings {
                    place = place.set(key, value);
                }
                let (process, ready) = place.launch()?;
                (process, Some(ready))
            }
            Program::Router(place) => (place.launch()?, None),
        };
        *running = Some(process);
        *self.ready.lock() = ready;
        Ok(())
    }

    /// The process, for its end.
    pub(super) fn take(&self) -> Result<Running> {
        self.running.lock().take().context("it does not run")
    }

    pub(super) fn with<T>(&self, act: impl FnOnce(&Running) -> Result<T>) -> Result<T> {
        act(self.running.lock().as_ref().context("it does not run")?)
    }

    pub(super) fn runs(&self) -> bool {
        let mut running = self.running.lock();
        running.as_mut().is_some_and(|process| matches!(process.ended(), Ok(None)))
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.running.lock().as_ref().map(Running::pid)
    }

    pub(super) fn fingerprint(&self) -> Option<String> {
        self.ready.lock().as_ref().map(|ready| ready.fingerprint.clone())
    }
}

impl Program {
    pub(super) fn log(&self) -> PathBuf {
        match self {
            Self::Node(place) => place.log(),
            Self::Router(place) => place.log(),
        }
    }

    /// Brings the database up to date, if it is a node.
    pub(super) fn host(&self, arguments: &[&str]) -> Option<Command> {
        match self {
            Self::Node(place) => Some(place.host(arguments)),
            Self::Router(_) => None,
        }
    }

    pub(super) fn migrate(&self) -> Option<Command> {
        match self {
            Self::Node(place) => Some(place.migrate()),
            Self::Router(_) => None,
        }
    }
}
