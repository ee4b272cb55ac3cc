//! Files: offers are messages, what became of them counts in any order, and what is to be done survives.

use thrive_protocol::file::{ContentType, FileHash, FileName, FileOffer, FileState as Said};
use thrive_protocol::ids::FileId;

use super::*;
use crate::cache::files::{self, Task};
use crate::outbox::Offer;
use crate::types::FileState;

const FILE: FileId = FileId(70);
const NOW: i64 = 1_000;

fn offer_of(id: u8) -> FileOffer {
    FileOffer {
        id: ClientMsgId([id; 16]),
        file: FILE,
        name: FileName::parse("a.txt").unwrap(),
        size: 5,
        content_type: ContentType::parse("text/plain"),
        sha256: FileHash([7; 32]),
        expires: Time(2_000),
    }
}

fn placed(seq: u64, sender: UserId, body: Body) -> Placed<Item> {
    let entry = Entry { conversation: CHAT, seq: Seq(seq), sender, time: Time(5), body };
    Placed { conversation: CHAT, seq: Seq(seq), item: Item::Entry(entry, Arrival::Live) }
}

fn offered(seq: u64, sender: UserId) -> Placed<Item> {
    placed(seq, sender, Body::FileOffer(offer_of(9)))
}

fn became(seq: u64, sender: UserId, state: Said) -> Placed<Item> {
    placed(seq, sender, Body::FileState { file: FILE, state })
}

async fn state(cache: &Cache, now: i64) -> FileState {
    cache.run(move |db| files::all(db, now)).await.unwrap()[0].state
}

async fn work(cache: &Cache) -> Vec<Task> {
    let work = cache.run(|db| files::work(db, NOW)).await.unwrap();
    work.into_iter().map(|it| it.task).collect()
}

#[tokio::test]
async fn an_offer_that_waits_goes_out_as_one_and_takes_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    let key = wait(&cache, 9, "a.txt").await;
    let offer = Offer {
        name: "a.txt".to_owned(),
        size: 5,
        content_type: "text/plain".to_owned(),
        sha256: FileHash([7; 32]),
    };
    let put = offer.clone();
    cache.run(move |db| files::put(db, key, &put, "/home/ann/a.txt")).await.unwrap();
    drop(cache);
    let cache = open(&dir).await;
    begin(&cache).await;
    let waiting = cache.run(|db| messages::waiting(db)).await.unwrap();
    assert_eq!(waiting[0].offer, Some(offer));
    assert_eq!(state(&cache, NOW).await, FileState::Waiting);
    assert_eq!(work(&cache).await, []);

    let done = write(&cache, vec![offered(1, ME)]).await.unwrap();
    assert_eq!(done.messages[0].message.key, key);
    let file = done.messages[0].message.file.clone().unwrap();
    assert_eq!((file.id, file.message), (Some(FILE), key));
    assert_eq!(work(&cache).await, [Task::Upload { source: "/home/ann/a.txt".into() }]);
    let done = write(&cache, vec![became(2, ME, Said::Ready)]).await.unwrap();
    assert_eq!(done.files, [FILE]);
    assert_eq!(state(&cache, NOW).await, FileState::Ready);
    assert_eq!(work(&cache).await, []);
    assert_eq!(state(&cache, 2_000).await, FileState::Expired);
}

#[tokio::test]
async fn what_became_of_a_file_counts_before_its_offer_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    begin(&cache).await;
    write(&cache, vec![became(1, ME, Said::Accepted), became(2, BOB, Said::Ready)]).await.unwrap();
    write(&cache, vec![offered(3, BOB)]).await.unwrap();
    assert_eq!(state(&cache, NOW).await, FileState::Available);
    write(&cache, vec![became(4, BOB, Said::Cancelled), became(5, ME, Said::Unknown)])
        .await
        .unwrap();
    assert_eq!(state(&cache, NOW).await, FileState::Cancelled);
    let messages = all(&cache).await;
    assert_eq!(shape(&messages), [(Some(3), "a.txt")]);
    let file = messages[0].file.clone().unwrap();
    assert_eq!((file.mine, file.peer_name.as_str(), file.time_ms), (false, "bob", 5));
}

#[tokio::test]
async fn a_file_is_fetched_when_it_is_wanted_here_and_told_until_the_log_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    begin(&cache).await;
    let done = write(&cache, vec![offered(1, BOB), became(2, BOB, Said::Ready)]).await.unwrap();
    let key = done.messages[0].message.key;
    cache.run(move |db| files::want(db, key, "/srv/in")).await.unwrap();
    assert_eq!(work(&cache).await, [], "it was not accepted");
    write(&cache, vec![became(3, ME, Said::Accepted)]).await.unwrap();
    drop(cache);
    let cache = open(&dir).await;
    assert_eq!(work(&cache).await, [Task::Download { folder: "/srv/in".into() }]);
    cache.run(move |db| files::saved(db, key, "/srv/in/a.txt")).await.unwrap();
    drop(cache);
    let cache = open(&dir).await;
    assert_eq!(work(&cache).await, [Task::Tell]);
    write(&cache, vec![became(4, ME, Said::Received)]).await.unwrap();
    assert_eq!(work(&cache).await, []);
    // Again, into another folder.
    cache.run(move |db| files::want(db, key, "/srv/other")).await.unwrap();
    assert_eq!(work(&cache).await, [Task::Download { folder: "/srv/other".into() }]);
    let folder = cache.run(move |db| files::unwant(db, key)).await.unwrap();
    assert_eq!(folder, Some("/srv/other".into()));
    assert_eq!(work(&cache).await, []);
}
