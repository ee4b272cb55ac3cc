//! Registers only grow, whoever marks what in which order, and however many do so at once.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use thrive_protocol::ids::{ConversationId, Seq, UserId};

use super::{NOW, account, on_each_engine};
use crate::store::{Database, StoreError};

#[derive(Clone, Copy, Debug)]
enum Kind {
    Read,
    Unseen,
    Delivered,
}

/// What of which member, and how far: counted from where the round begins.
type Marking = (usize, Kind, u64);

/// As the functions promise it: read, shown read, delivered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Model([u64; 3]);

impl Model {
    fn mark(&mut self, kind: Kind, seq: u64) {
        let moved: &[usize] = match kind {
            Kind::Read => &[0, 1, 2],
            Kind::Unseen => &[0],
            Kind::Delivered => &[2],
        };
        for register in moved {
            self.0[*register] = self.0[*register].max(seq);
        }
    }
}

async fn mark(
    database: &Database,
    (conversation, member): (ConversationId, UserId),
    kind: Kind,
    seq: u64,
) -> Result<(), StoreError> {
    match kind {
        Kind::Read => database.mark_read(member, conversation, Seq(seq)).await,
        Kind::Unseen => database.mark_read_unseen(member, conversation, Seq(seq)).await,
        Kind::Delivered => database.mark_delivered(member, conversation, Seq(seq)).await,
    }
}

async fn found(database: &Database, place: (ConversationId, UserId)) -> Model {
    let (conversation, member) = place;
    let standing = database.standing(member, conversation).await.unwrap().unwrap();
    Model([standing.read.0, standing.shown_read.0, standing.delivered.0])
}

/// Rounds of markings, the same in every run.
fn rounds() -> Vec<Vec<Marking>> {
    let kind = prop_oneof![Just(Kind::Read), Just(Kind::Unseen), Just(Kind::Delivered)];
    let round = prop::collection::vec((0..MEMBERS, kind, 0..30_u64), 1..40);
    let rounds = prop::collection::vec(round, ROUNDS);
    rounds.new_tree(&mut TestRunner::deterministic()).unwrap().current()
}

#[tokio::test]
async fn marks_at_once_and_one_after_another_come_to_the_same_and_none_goes_back() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let mut places = Vec::new();
        for name in ["bob", "carol"] {
            let other = account(&database, name).await;
            let conversation = database.create_direct(ann, other, NOW).await.unwrap().unwrap();
            places.extend([(conversation, ann), (conversation, other)]);
        }
        let mut models = [Model::default(); MEMBERS];
        for (number, round) in rounds().into_iter().enumerate() {
            // Some of a round are behind where the last one ended.
            let base = 10 * number as u64;
            for (member, kind, ahead) in &round {
                models[*member].mark(*kind, base + ahead);
            }
            let marks = round
                .iter()
                .map(|(at, kind, ahead)| mark(&database, places[*at], *kind, base + ahead));
            if number % 2 == 0 {
                try_join_all(marks).await.unwrap();
            } else {
                for one in marks {
                    one.await.unwrap();
                }
            }
            for (place, model) in places.iter().zip(models) {
                assert_eq!(found(&database, *place).await, model, "round {number}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn marks_of_a_stranger_change_nothing_and_the_largest_position_is_stored() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = super::ann_and_bob(&database).await;
        let eve = account(&database, "eve").await;
        let largest = i64::MAX.unsigned_abs();
        let marks = [(eve, 5), (bob, u64::MAX), (UserId(7), 5), (bob, largest - 1)];
        let marks = marks.map(|(user, seq)| mark(&database, (conversation, user), Kind::Read, seq));
        try_join_all(marks).await.unwrap();
        let mut all = BTreeMap::new();
        for user in [ann, bob] {
            all.insert(user, found(&database, (conversation, user)).await);
        }
        assert_eq!(all, BTreeMap::from([(ann, Model([0; 3])), (bob, Model([largest; 3]))]));
        assert!(database.standing(eve, conversation).await.unwrap().is_none());
    })
    .await;
}

const MEMBERS: usize = 4;
const ROUNDS: usize = 24;
