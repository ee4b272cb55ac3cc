//! From accounts that exist to people who are friends and connected.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use thrive_protocol::secret::Secret;
use thrive_protocol::{Reply, Request};
use tokio::task::JoinSet;

use super::device::{Circle, Device};
use super::{Crowd, Person, Shape};
use crate::door::{Door, request_contact};
use crate::ledger::journal::{Follower, Journal};
use crate::raw::RawClient;
use crate::seed::Seeded;

/// How long a whole crowd may take to come in.
const ENTER: Duration = Duration::from_secs(60);
/// Groups that make friends at the same time.
const AT_ONCE: usize = 6;

impl Crowd {
    /// Makes friends of the people of each group and connects all of their devices, spread over
    /// `fronts`.
    ///
    /// # Errors
    /// A node refuses something, or somebody does not get in.
    pub async fn gather(seeded: Vec<Seeded>, shape: Shape, fronts: &[SocketAddr]) -> Result<Self> {
        ensure!(1 < shape.group && seeded.len() == shape.people, "people have somebody to talk to");
        let people = befriend(seeded, shape.group, fronts).await?;
        let journal = Journal::default();
        let folder = folder()?;
        let mut crowd =
            Self { people, devices: Vec::new(), journal, followers: Vec::new(), folder };
        crowd.connect(shape, fronts).await?;
        crowd.rest(ENTER).await.context("everybody comes in")?;
        crowd.presences(ENTER).await.context("everybody sees everybody")?;
        Ok(crowd)
    }

    async fn connect(&mut self, shape: Shape, fronts: &[SocketAddr]) -> Result<()> {
        let owners = (0_u32..).zip(&self.people).flat_map(|(number, _)| {
            let two = shape.two_devices != 0 && (number as usize).is_multiple_of(shape.two_devices);
            std::iter::repeat_n(number, if two { 2 } else { 1 })
        });
        let owners: Vec<u32> = owners.collect();
        for (index, number) in (0_u32..).zip(owners) {
            let person = &self.people[number as usize];
            self.followers.push(Follower {
                device: index,
                person: number,
                conversations: person.friends.iter().map(|(_, chat)| *chat).collect(),
                watches: person.friends.iter().map(|(friend, _)| *friend).collect(),
            });
            // Neighbours in a group are to be on different fronts as often as on the same.
            let front = fronts[(index as usize / 2 + index as usize) % fronts.len()];
            let circle = self.circle(person);
            let dir = self.place_of(index);
            let device =
                Device::open(index, (number, person), circle, &self.journal, front, dir).await?;
            self.devices.push(device);
        }
        Ok(())
    }

    fn circle(&self, person: &Person) -> Circle {
        let friends = || person.friends.iter().map(|(friend, chat)| (*friend, *chat));
        let user = |friend: u32| self.people[friend as usize].user;
        Circle {
            users: friends().map(|(friend, _)| (friend, user(friend))).collect(),
            chats: friends().map(|(friend, chat)| (user(friend), (friend, chat))).collect(),
        }
    }
}

/// On a disk in memory where there is one: hundreds of clients that wait for one real disk would
/// measure that disk.
fn folder() -> Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("thrive-crowd-");
    Ok(builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir())?)
}

async fn befriend(seeded: Vec<Seeded>, group: usize, fronts: &[SocketAddr]) -> Result<Vec<Person>> {
    let mut people: Vec<Person> = seeded
        .into_iter()
        .map(|Seeded { user, username, token }| Person { user, username, token, friends: vec![] })
        .collect();
    let mut at_work = JoinSet::new();
    let mut done: HashMap<usize, Vec<Person>> = HashMap::new();
    for (number, members) in people.chunks(group).enumerate() {
        if AT_ONCE <= at_work.len() {
            let (number, members) = at_work.join_next().await.context("one is at work")???;
            done.insert(number, members);
        }
        let (members, first) = (members.to_vec(), number * group);
        let door = Door::new(fronts[number % fronts.len()])?;
        at_work.spawn(async move {
            let members = make_friends(&door, first as u32, members).await?;
            Ok::<_, anyhow::Error>((number, members))
        });
    }
    while let Some(outcome) = at_work.join_next().await {
        let (number, members) = outcome??;
        done.insert(number, members);
    }
    for (number, members) in done {
        let at = number * group;
        people.splice(at..at + members.len(), members);
    }
    Ok(people)
}

/// Everybody of one group asks everybody after them; those accept; both open the chat.
async fn make_friends(door: &Door, first: u32, mut people: Vec<Person>) -> Result<Vec<Person>> {
    let mut clients = Vec::new();
    for person in &people {
        clients.push(come_in(door, &person.token).await?);
    }
    for one in 0..people.len() {
        for other in one + 1..people.len() {
            let name = people[other].username.clone();
            insist(&mut clients[one], request_contact(&name, "")).await?;
            let user = people[one].user;
            insist(&mut clients[other], Request::AcceptContact { user }).await?;
            let open = Request::OpenConversation { username: name };
            let Reply::Conversation(opened) = insist(&mut clients[one], open).await? else {
                bail!("no conversation")
            };
            let chat = opened.conversation;
            people[one].friends.push((first + other as u32, chat));
            people[other].friends.push((first + one as u32, chat));
        }
    }
    for client in clients {
        client.connection.close(0_u32.into(), b"");
    }
    Ok(people)
}

/// Asks, and asks again while the node says that it is busy.
async fn insist(client: &mut RawClient, request: Request) -> Result<Reply> {
    let begun = Instant::now();
    loop {
        match client.ask(request.clone()).await? {
            Ok(reply) => return Ok(reply),
            Err(refusal) if refusal.code.retry() && begun.elapsed() < ENTER => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(refusal) => bail!("a new friend is refused: {refusal:?}"),
        }
    }
}

/// Comes in by token, and again while the node says that it is busy.
///
/// # Errors
/// It never lets this in.
pub async fn come_in(door: &Door, token: &Secret) -> Result<RawClient> {
    let begun = Instant::now();
    loop {
        match door.resume(token).await {
            Err(error) if ENTER < begun.elapsed() => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            Ok(client) => return Ok(client),
        }
    }
}
