//! A node inside of the test: real in everything, with a folder and a port of its own.

use std::ops::Deref;
use std::path::Path;

use anyhow::Result;
use tempfile::TempDir;
use thrive_node::config::Config;
use thrive_node::console::Console;
use thrive_node::node::Node;
use thrive_node::rate::Rate;

use crate::door::Door;

/// A node that serves until this is dropped, or stopped. It is also the [`Door`] to itself.
pub struct TestNode {
    node: Node,
    folder: TempDir,
    door: Door,
    config: Config,
}

impl TestNode {
    /// With limits under which a test does not have to wait.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start() -> Result<Self> {
        Self::start_with(|_| {}).await
    }

    /// With some of the configuration changed.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?;
        let mut config = quick_config(folder.path());
        change(&mut config);
        Self::on(folder, config).await
    }

    async fn on(folder: TempDir, config: Config) -> Result<Self> {
        let node = Node::start(config.clone()).await?;
        let door = Door::new(node.address())?;
        Ok(Self { node, folder, door, config })
    }

    /// Says good-bye to clients, and ends.
    pub async fn stop(self) {
        self.node.stop().await;
    }

    /// Stops it and starts another one on the same folder (and, most likely, another port).
    ///
    /// # Errors
    /// It does not start again.
    pub async fn restart(self) -> Result<Self> {
        let Self { node, folder, config, .. } = self;
        node.stop().await;
        Self::on(folder, config).await
    }

    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the host gives orders to it.
    #[must_use]
    pub fn console(&self) -> &Console {
        self.node.console()
    }

    /// The fingerprint that it prints for people.
    #[must_use]
    pub fn printed_fingerprint(&self) -> String {
        self.node.fingerprint().to_string()
    }
}

impl Deref for TestNode {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

fn quick_config(folder: &Path) -> Config {
    let mut config = Config::defaults(folder);
    config.listen.set_port(0);
    let plenty = Rate::new(100_000, 100_000.0);
    config.limits.messages = plenty;
    config.limits.requests = plenty;
    config.limits.sign_ups = plenty;
    config.limits.mails = plenty;
    config.limits.codes = plenty;
    config.limits.logins.per_address = plenty;
    config.limits.connections_per_address = 10_000;
    config
}
