//! The embedded form: one node with a file.

use std::net::SocketAddr;
use std::process::ExitStatus;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use thrive_node::data_dir::DataDir;
use thrive_node::store::Database;

use super::Plan;
use crate::process::{NodeProcess, Place};
use crate::seed::{self, Seeded};

/// One embedded node.
pub struct Alone {
    place: Place,
    node: Option<NodeProcess>,
    front: SocketAddr,
    _folder: TempDir,
}

impl Alone {
    pub(super) fn prepare(plan: &Plan, settings: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("thrive-faults-").tempdir()?;
        let port = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut place = Place::new(&folder.path().join("node"))?;
        place.program.clone_from(&plan.node);
        place.port = port;
        if let Some(bug) = plan.bug {
            place = place.set("faults.bug", bug.word());
        }
        for (key, value) in settings {
            place = place.set(key, value);
        }
        let front = SocketAddr::from(([127, 0, 0, 1], port));
        Ok(Self { place, node: None, front, _folder: folder })
    }

    pub(super) fn front(&self) -> SocketAddr {
        self.front
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.node.as_ref().map(NodeProcess::pid)
    }

    pub(super) fn last_words(&self) -> String {
        std::fs::read_to_string(self.place.log()).unwrap_or_default()
    }

    /// Makes people in the file, and starts the node on it.
    pub(super) async fn seed(&mut self, people: usize) -> Result<Vec<Seeded>> {
        let people = {
            let folder = DataDir::open(&self.place.folder)?;
            let database = Database::open(&folder.database())?;
            let people = seed::people(&database, "person", people).await?;
            database.close().await;
            people
        };
        self.start(&[]).await?;
        Ok(people)
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// It did not run.
    pub fn kill(&mut self) -> Result<()> {
        self.node.take().context("it runs")?.kill()
    }

    /// SIGTERM, and how it ended.
    ///
    /// # Errors
    /// It did not run, or does not end.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        let process = self.node.take().context("it runs")?;
        tokio::task::spawn_blocking(move || process.terminate()).await?
    }

    /// Starts it at its old place, with more settings for this once, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(&mut self, settings: &[(&str, &str)]) -> Result<()> {
        let mut place = self.place.clone();
        for (key, value) in settings {
            place = place.set(key, value);
        }
        // Waiting for the ready line would hold up everybody else on this thread.
        self.node = Some(tokio::task::spawn_blocking(move || place.start()).await??);
        Ok(())
    }
}
