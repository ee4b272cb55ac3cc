//! Files that people offer each other.

use thrive_protocol::entry::Body;
use thrive_protocol::file::{ContentType, FileHash, FileName, FileState};
use thrive_protocol::ids::{FileId, Seq};

use super::*;
use crate::config::FilePlace;
use crate::domain::offer::{Deed, Ended, OfferRefusal};
use crate::domain::relation::{Pair, RelationRefusal};
use crate::store::files::{ChangeFileError, NewOffer, Offered, OfferingRefusal, Part, Turn};

const SIZE: u64 = 2_500;

fn offer_of(conversation: ConversationId, sender: UserId, number: u8) -> NewOffer {
    NewOffer {
        conversation,
        sender,
        id: ClientMsgId([number; 16]),
        name: FileName::parse(&format!("file {number} ☕.txt")).unwrap(),
        size: SIZE,
        content_type: ContentType::parse("text/plain"),
        sha256: FileHash([number; 32]),
        time: NOW,
        expires: Time(NOW.0 + 1_000),
        quota: 3 * SIZE,
        at_most: 10,
    }
}

async fn offered(database: &Database, new: &NewOffer) -> Offered {
    database.offer_file(new).await.unwrap().unwrap()
}

async fn refused(database: &Database, new: &NewOffer) -> OfferingRefusal {
    database.offer_file(new).await.unwrap().unwrap_err()
}

async fn change(database: &Database, file: FileId, who: UserId, deed: Deed) -> Option<FileState> {
    let entry = database.change_file(file, who, deed, None, NOW).await.unwrap()?;
    let Body::FileState { file: of, state } = entry.body else { panic!("{entry:?}") };
    assert_eq!((of, entry.sender), (file, who));
    Some(state)
}

#[tokio::test]
async fn an_offer_has_its_place_in_the_log_and_is_stored_once() {
    on_each_engine(async |database| {
        let (ann, bob, chat) = ann_and_bob(&database).await;
        append_one(&database, message(chat, bob, 1)).await.unwrap();
        let new = offer_of(chat, ann, 1);
        let first = offered(&database, &new).await;
        assert_eq!((first.entry.seq, first.duplicate), (Seq(2), false));
        append_one(&database, message(chat, bob, 2)).await.unwrap();
        let later = NewOffer { time: Time(NOW.0 + 5), size: 1, ..new.clone() };
        let again = offered(&database, &later).await;
        assert_eq!((again.entry, again.duplicate), (first.entry.clone(), true));
        let log = database.entries_after(chat, Seq::START, 10).await.unwrap();
        assert_eq!((log.len(), &log[1]), (3, &first.entry));
        assert_eq!(database.heads(&[chat]).await.unwrap()[0].seq, Seq(3));
        let stored = database.file(first.offer.file, NOW).await.unwrap().unwrap();
        assert_eq!((stored.sender, stored.recipient, stored.size), (ann, bob, SIZE));
        assert_eq!((stored.name, stored.sha256), (new.name.clone(), new.sha256));
        // An id that a message has is no id for an offer.
        let taken = NewOffer { id: message(chat, bob, 1).id, sender: bob, ..new };
        assert_eq!(refused(&database, &taken).await, OfferingRefusal::OtherUse);
    })
    .await;
}

#[tokio::test]
async fn blocked_people_and_strangers_can_offer_nothing() {
    on_each_engine(async |database| {
        let (ann, bob, chat) = ann_and_bob(&database).await;
        let eve = account(&database, "eve").await;
        let stranger = refused(&database, &offer_of(chat, eve, 1)).await;
        assert_eq!(stranger, OfferingRefusal::NoSuchConversation);
        let block = |pair: &mut Pair| {
            pair.block();
            Ok::<_, RelationRefusal>(())
        };
        database.change_contact(bob, ann, block).await.unwrap();
        assert_eq!(refused(&database, &offer_of(chat, ann, 1)).await, OfferingRefusal::Blocked);
        assert_eq!(
            refused(&database, &offer_of(chat, bob, 1)).await,
            OfferingRefusal::BlockedByYou
        );
        assert_eq!(database.heads(&[chat]).await.unwrap()[0].seq, Seq::START);
    })
    .await;
}

#[tokio::test]
async fn what_an_account_has_offered_has_a_bound_in_bytes_and_in_number() {
    on_each_engine(async |database| {
        let (ann, bob, chat) = ann_and_bob(&database).await;
        for number in 1..=3 {
            offered(&database, &offer_of(chat, ann, number)).await;
        }
        let full = OfferingRefusal::Quota { left: 0 };
        assert_eq!(refused(&database, &offer_of(chat, ann, 4)).await, full);
        let nearly = NewOffer { quota: 4 * SIZE - 1, ..offer_of(chat, ann, 4) };
        let left = OfferingRefusal::Quota { left: SIZE - 1 };
        assert_eq!(refused(&database, &nearly).await, left);
        let many = NewOffer { at_most: 3, quota: u64::MAX, ..offer_of(chat, ann, 4) };
        assert_eq!(refused(&database, &many).await, OfferingRefusal::TooMany);
        // It is counted for each account, and what has expired or ended makes room.
        let first = offered(&database, &offer_of(chat, bob, 1)).await;
        let later = NewOffer { time: Time(NOW.0 + 1_000), ..offer_of(chat, ann, 4) };
        offered(&database, &later).await;
        offered(&database, &NewOffer { quota: 2 * SIZE, ..offer_of(chat, bob, 2) }).await;
        let full = NewOffer { quota: 2 * SIZE, ..offer_of(chat, bob, 3) };
        assert_eq!(refused(&database, &full).await, OfferingRefusal::Quota { left: 0 });
        change(&database, first.offer.file, bob, Deed::Cancel).await.unwrap();
        offered(&database, &full).await;
    })
    .await;
}

#[tokio::test]
async fn offers_at_the_same_time_cannot_pass_the_bound_together() {
    on_each_engine(async |database| {
        let (ann, _, chat) = ann_and_bob(&database).await;
        let offers = (1..=8).map(|number| {
            let database = database.clone();
            async move { database.offer_file(&offer_of(chat, ann, number)).await }
        });
        let outcomes = futures_util::future::join_all(offers).await;
        let stored = outcomes.iter().filter(|it| matches!(it, Ok(Ok(_)))).count();
        let sized =
            outcomes.iter().filter(|it| matches!(it, Ok(Err(OfferingRefusal::Quota { .. }))));
        assert!(stored <= 3, "{outcomes:?}");
        // One that was disturbed too often is told to come back; no other outcome is right.
        let busy = outcomes.iter().filter(|it| it.as_ref().is_err_and(|it| it.is_busy())).count();
        assert_eq!(stored + sized.count() + busy, 8, "{outcomes:?}");
    })
    .await;
}

#[tokio::test]
async fn what_becomes_of_an_offer_is_told_once_in_the_log() {
    on_each_engine(async |database| {
        let (ann, bob, chat) = ann_and_bob(&database).await;
        let file = offered(&database, &offer_of(chat, ann, 1)).await.offer.file;
        assert_eq!(change(&database, file, bob, Deed::Accept).await, Some(FileState::Accepted));
        assert_eq!(change(&database, file, bob, Deed::Accept).await, None);
        let eve = account(&database, "eve").await;
        for (who, deed) in [(ann, Deed::Accept), (bob, Deed::Cancel), (eve, Deed::Accept)] {
            let outcome = database.change_file(file, who, deed, None, NOW).await.unwrap_err();
            assert!(matches!(outcome, ChangeFileError::Refused(OfferRefusal::NoSuchFile)));
        }
        assert_eq!(change(&database, file, bob, Deed::Decline).await, Some(FileState::Declined));
        let outcome = database.change_file(file, ann, Deed::Cancel, None, NOW).await.unwrap_err();
        assert!(matches!(outcome, ChangeFileError::Refused(OfferRefusal::Gone)));
        assert_eq!(database.heads(&[chat]).await.unwrap()[0].seq, Seq(3));
        let stored = database.file(file, NOW).await.unwrap().unwrap();
        assert_eq!(stored.standing.ended, Some(Ended::Declined));
    })
    .await;
}

/// What stands for a hash.
const HASHED: &[u8] = b"up to here";

#[tokio::test]
async fn parts_are_added_in_order_and_only_by_the_last_upload() {
    on_each_engine(async |database| {
        let (ann, bob, chat) = ann_and_bob(&database).await;
        let file = offered(&database, &offer_of(chat, ann, 1)).await.offer.file;
        let begin = async |who| database.begin_upload(file, who, NOW).await;
        assert!(matches!(begin(bob).await, Err(ChangeFileError::Refused(_))));
        let (before, first) = begin(ann).await.unwrap();
        assert_eq!((before.stored, first), (0, Turn { file, upload: 1 }));
        assert!(database.add_part(first, 0, 0, 1_000, Some(HASHED), NOW).await.unwrap());
        assert!(
            !database.add_part(first, 0, 0, 1_000, Some(HASHED), NOW).await.unwrap(),
            "it is there already"
        );
        let (before, second) = begin(ann).await.unwrap();
        assert_eq!((before.stored, second.upload), (1_000, 2));
        assert!(
            !database.add_part(first, 1, 1_000, 1_000, Some(HASHED), NOW).await.unwrap(),
            "its turn is over"
        );
        let over = database.change_file(file, ann, Deed::Finish, Some(first), NOW).await;
        assert!(matches!(over, Err(ChangeFileError::Elsewhere)));
        assert!(database.add_part(second, 1, 1_000, 1_000, Some(HASHED), NOW).await.unwrap());
        assert!(database.add_part(second, 2, 2_000, 500, Some(HASHED), NOW).await.unwrap());
        let hashed = async |before| database.hashed_part(file, before).await.unwrap();
        assert_eq!(hashed(0).await, None);
        assert_eq!(hashed(3).await, Some((2, HASHED.to_vec())));
        let parts = database.parts(file, 1, 10).await.unwrap();
        assert_eq!(parts, [1, 2].map(|number| Part { number, upload: 2 }));
        assert_eq!(database.parts(file, 0, 1).await.unwrap(), [Part { number: 0, upload: 1 }]);
        let done = database.change_file(file, ann, Deed::Finish, Some(second), NOW).await.unwrap();
        assert!(done.is_some());
        assert!(database.file(file, NOW).await.unwrap().unwrap().standing.ready);
        change(&database, file, ann, Deed::Cancel).await.unwrap();
        assert!(matches!(begin(ann).await, Err(ChangeFileError::Refused(OfferRefusal::Gone))));
    })
    .await;
}

#[tokio::test]
async fn parts_that_are_lost_are_forgotten_by_the_last_upload_only() {
    on_each_engine(async |database| {
        let (ann, _, chat) = ann_and_bob(&database).await;
        let offer = offer_of(chat, ann, 1);
        let file = offered(&database, &offer).await.offer.file;
        let (_, first) = database.begin_upload(file, ann, NOW).await.unwrap();
        for (number, at) in [(0, 0), (1, 1_000)] {
            assert!(database.add_part(first, number, at, 1_000, Some(HASHED), NOW).await.unwrap());
        }
        assert!(
            !database.add_part(first, 2, 2_000, 500, Some(HASHED), offer.expires).await.unwrap(),
            "too late"
        );
        let (_, second) = database.begin_upload(file, ann, NOW).await.unwrap();
        assert!(!database.cut_parts(first, 1, 1_000).await.unwrap(), "its turn is over");
        assert!(database.cut_parts(second, 1, 1_000).await.unwrap());
        assert_eq!(database.parts(file, 0, 10).await.unwrap(), [Part { number: 0, upload: 1 }]);
        assert!(database.add_part(second, 1, 1_000, 1_000, Some(HASHED), NOW).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn what_has_ended_or_expired_is_swept_once_and_leaves_its_place_in_the_log() {
    on_each_engine(async |database| {
        let (ann, bob, chat) = ann_and_bob(&database).await;
        let file = offered(&database, &offer_of(chat, ann, 1)).await.offer.file;
        let other = offered(&database, &offer_of(chat, ann, 2)).await.offer.file;
        let (_, turn) = database.begin_upload(file, ann, NOW).await.unwrap();
        assert!(database.add_part(turn, 0, 0, 1_000, Some(HASHED), NOW).await.unwrap());
        assert_eq!(database.files_to_sweep(NOW, 10).await.unwrap(), []);
        change(&database, file, bob, Deed::Decline).await.unwrap();
        assert_eq!(database.files_to_sweep(NOW, 10).await.unwrap(), [file]);
        database.file_is_swept(file, NOW).await.unwrap();
        assert_eq!(database.files_to_sweep(NOW, 10).await.unwrap(), []);
        assert_eq!(database.parts(file, 0, 10).await.unwrap(), []);
        assert_eq!(database.file(file, NOW).await.unwrap().unwrap().stored, 0);

        let late = Time(NOW.0 + 1_000);
        assert!(database.file(other, late).await.unwrap().unwrap().standing.expired);
        assert_eq!(database.files_to_sweep(late, 10).await.unwrap().len(), 2);
        for file in [file, other] {
            database.file_is_swept(file, late).await.unwrap();
            assert!(database.file(file, late).await.unwrap().is_none());
        }
        assert_eq!(database.files_to_sweep(late, 10).await.unwrap(), []);
        assert_eq!(database.entries_after(chat, Seq::START, 10).await.unwrap().len(), 3);
    })
    .await;
}

/// Of several nodes, one may have a wrong clock: what it deletes is gone for all.
#[tokio::test]
async fn the_clock_of_a_shared_store_decides_what_has_expired_and_not_that_of_a_node() {
    fn wrong() -> Time {
        Time(crate::clock::now().0 + 86_400_000)
    }
    on_each_engine(async |database| {
        let (ann, _, chat) = ann_and_bob(&database).await;
        let now = crate::clock::now();
        let new = NewOffer { expires: Time(now.0 + 3_600_000), ..offer_of(chat, ann, 1) };
        let file = offered(&database, &new).await.offer.file;
        let folder = tempfile::tempdir().unwrap();
        let place = FilePlace::Folder(folder.path().into());
        let sweeper = crate::files::Sweeper {
            database: database.clone(),
            depot: crate::files::Depot::open(&place).unwrap().unwrap(),
            nudge: crate::files::Nudge::default(),
            keep: std::time::Duration::from_secs(1),
            clock: wrong,
        };
        assert_eq!(sweeper.sweep(&crate::outage::Outage::default()).await, Some(false));
        let is_there = database.file(file, now).await.unwrap().is_some();
        let is_shared = matches!(database, Database::Postgres(_));
        assert_eq!(is_there, is_shared, "a file has one node and one clock");
        let told = database.time(wrong()).await.unwrap();
        assert_eq!((told.0 - now.0).abs() < 3_600_000, is_shared);
    })
    .await;
}

#[tokio::test]
async fn open_files_of_a_deleted_account_end_and_are_swept() {
    on_each_engine(async |database| {
        let (ann, bob, chat) = ann_and_bob(&database).await;
        let eve = account(&database, "eve").await;
        let other = database.create_direct(ann, eve, NOW).await.unwrap().unwrap();
        let mut theirs = Vec::new();
        for (conversation, sender, number) in [(chat, ann, 1), (chat, bob, 2), (other, ann, 3)] {
            let new = offer_of(conversation, sender, number);
            theirs.push(offered(&database, &new).await.offer.file);
        }
        let old = NewOffer { expires: NOW, ..offer_of(chat, bob, 4) };
        let old = offered(&database, &old).await.offer.file;
        assert_eq!(database.files_to_sweep(NOW, 9).await.unwrap(), [old]);
        let order = crate::store::admins::Order {
            by: crate::store::admins::By::Host,
            now: NOW,
            action: "a test",
            target: "bob".into(),
            detail: String::new(),
            deed: Ok(crate::store::admins::Deed::Delete(Username::parse("bob").unwrap())),
        };
        database.administer(&order).await.unwrap().unwrap();
        let mut swept = database.files_to_sweep(NOW, 9).await.unwrap();
        swept.sort_unstable();
        let mut expected = [theirs[0], theirs[1], old];
        expected.sort_unstable();
        assert_eq!(swept, expected, "what ann and eve have between them stays");
        // Ann, who has them on the screen, hears of those that she may wait for.
        let log = database.entries_after(chat, Seq(3), 9).await.unwrap();
        let told: Vec<_> = log.iter().map(|it| (it.sender, it.body.clone())).collect();
        let said = |file, state| (bob, Body::FileState { file, state });
        let both = [said(theirs[1], FileState::Cancelled), said(theirs[0], FileState::Declined)];
        assert_eq!(told, both);
        assert_eq!(database.heads(&[other]).await.unwrap()[0].seq, Seq(1));
    })
    .await;
}
