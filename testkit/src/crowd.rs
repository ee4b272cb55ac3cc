//! Simulated people with the real client library: each has a folder, a connection and a mind of its
//! own, writes when told to, and writes down in the [`Journal`] whatever their client shows them.
//!
//! - [`Shape`]: how many, in which groups, with how many devices.
//! - [`load`]: who writes when; seeded.
//! - [`device`]: one client and the two tasks around it.
//! - [`reading`]: what the store, and each device, holds in the end.

pub mod device;
pub mod gather;
pub mod load;
pub mod reading;
pub mod text;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tempfile::TempDir;
use thrive_protocol::ids::{ConversationId, UserId};
use thrive_protocol::secret::Secret;
use tokio::task::JoinSet;

use self::device::Device;
use crate::ledger::journal::{Follower, Journal};

pub use self::load::Load;

/// How a crowd is made up.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub people: usize,
    /// People in each group; everybody talks with everybody else of their group. 2: pairs.
    pub group: usize,
    /// Every how many-th person has a second device; 0: nobody.
    pub two_devices: usize,
}

/// Somebody with an account, a token and at least one friend.
#[derive(Clone)]
pub struct Person {
    pub user: UserId,
    pub username: String,
    pub token: Secret,
    /// Numbers of the others of the group, and the chats with them.
    pub friends: Vec<(u32, ConversationId)>,
}

/// People and their devices. The connections end when this is dropped.
pub struct Crowd {
    pub people: Vec<Person>,
    pub devices: Vec<Device>,
    pub journal: Journal,
    followers: Vec<Follower>,
    folder: TempDir,
}

impl Crowd {
    /// What each device should hold and see.
    #[must_use]
    pub fn followers(&self) -> &[Follower] {
        &self.followers
    }

    /// All chats: number, and the two people.
    #[must_use]
    pub fn chats(&self) -> Vec<(ConversationId, u32, u32)> {
        let mut chats = Vec::new();
        for (number, person) in (0..).zip(&self.people) {
            let later = person.friends.iter().filter(|(friend, _)| number < *friend);
            chats.extend(later.map(|(friend, chat)| (*chat, number, *friend)));
        }
        chats
    }

    /// Waits until every message has an answer and everybody is connected and holds everything.
    ///
    /// # Errors
    /// It takes longer than `within`; what is missing.
    pub async fn rest(&self, within: Duration) -> Result<Duration> {
        let begun = Instant::now();
        loop {
            let Some(unrest) = self.journal.unrest(&self.followers) else {
                return Ok(begun.elapsed());
            };
            if within < begun.elapsed() {
                bail!("no rest within {within:?}: {unrest}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until everybody sees who is there and who is not.
    ///
    /// # Errors
    /// It takes longer than `within`; how many pairs are wrong.
    pub async fn presences(&self, within: Duration) -> Result<Duration> {
        let begun = Instant::now();
        loop {
            let wrong = self.journal.wrong_presences(&self.followers);
            if wrong == 0 {
                return Ok(begun.elapsed());
            }
            if within < begun.elapsed() {
                bail!("{wrong} people are still shown wrongly after {within:?}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Everybody of this share of the crowd goes away, as by a power cut, and does not come back. Only
    /// whole people go, and of each group at most one. Returns how many.
    pub fn leave(&self, share: f64) -> usize {
        let many = (self.people.len() as f64 * share).ceil() as usize;
        let mut groups = std::collections::BTreeSet::new();
        let mut gone = 0;
        for (number, person) in (0_u32..).zip(&self.people) {
            let group = person.friends.iter().map(|(friend, _)| *friend).chain([number]).min();
            if many <= gone || !groups.insert(group) {
                continue;
            }
            for device in self.devices.iter().filter(|it| it.person == number) {
                device.leave();
            }
            gone += 1;
        }
        gone
    }

    /// Everybody says good-bye and closes their files.
    pub async fn close(&self) {
        let clients = self.devices.iter().filter_map(Device::end);
        let mut closing: JoinSet<()> = clients.map(|client| client.close()).collect();
        while closing.join_next().await.is_some() {}
    }

    fn place_of(&self, device: u32) -> PathBuf {
        self.folder.path().join(format!("d{device}"))
    }

    /// The devices that dial this address.
    pub fn at(&self, front: SocketAddr) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(move |it| it.front == front)
    }
}

/// How often it is asked whether something has come to rest.
const LOOK: Duration = Duration::from_millis(20);
