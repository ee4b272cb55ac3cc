//! Two appends that break the contract when the fault runner orders it, to prove that it sees that.

use std::time::Duration;

use futures_util::future::try_join_all;
use thrive_protocol::ids::{ClientMsgId, Seq};
use tokio::time::sleep;

use super::{
    Append, AppendAnswers, AppendRefusal, Appended, FIND_DUPLICATE, INSERT_MESSAGE, KIND_TEXT,
    MAY_WRITE,
};
use crate::random;
use crate::store::error::{Doing, rule};
use crate::store::value::values;
use crate::store::{Database, StoreError};

/// What was known is stored again, under an id that nobody sent.
pub(super) async fn without_duplicate_check(
    database: &Database,
    batch: Vec<Append>,
) -> Result<AppendAnswers, StoreError> {
    let mut answers = database.append_well(batch.clone()).await?;
    for (answer, item) in answers.iter_mut().zip(batch) {
        if matches!(answer, Ok(Appended { duplicate: true, .. })) {
            let again = Append { id: ClientMsgId(random::bytes()), ..item };
            *answer = database.append_well(vec![again]).await?.remove(0);
        }
    }
    Ok(answers)
}

/// Each number is taken in one transaction and used in a later one, so that a higher one may be there
/// before a lower one is, or a lower one may never come.
pub(super) async fn with_numbers_taken_before(
    database: &Database,
    batch: &[Append],
) -> Result<AppendAnswers, StoreError> {
    let mut answers = Vec::with_capacity(batch.len());
    for items in batch.chunks(AT_ONCE) {
        let mut appends = Vec::with_capacity(items.len());
        for item in items {
            appends.push(with_a_number_taken_before(database, item));
        }
        answers.extend(try_join_all(appends).await?);
    }
    Ok(answers)
}

async fn with_a_number_taken_before(
    database: &Database,
    item: &Append,
) -> Result<Result<Appended, AppendRefusal>, StoreError> {
    let doing = "append a message wrongly";
    let Append { conversation, sender, id, text, time } = item;
    if let Some(known) = known(database, item).await? {
        return Ok(Ok(known));
    }
    let found = database.read(doing, MAY_WRITE, values![*conversation, *sender]).await?;
    let Some(right) = found.first() else {
        return Ok(Err(AppendRefusal::NoSuchConversation));
    };
    if right.get(0).doing(doing)? {
        return Ok(Err(AppendRefusal::BlockedByYou));
    }
    if right.get(1).doing(doing)? {
        return Ok(Err(AppendRefusal::Blocked));
    }
    let taken = database.write(doing, TAKE_NUMBER, values![*conversation, *time]).await?;
    let seq: Seq = taken.first().map_or(Ok(Seq(0)), |row| row.get(0)).doing(doing)?;
    let [pause] = random::bytes();
    sleep(Duration::from_millis(u64::from(pause) / 8)).await;
    let body = text.as_str().as_bytes().to_vec();
    let row = values![*conversation, seq, *sender, id.0.to_vec(), *time, KIND_TEXT, body];
    match database.write(doing, INSERT_MESSAGE, row).await {
        Ok(_) => Ok(Ok(Appended { seq, time: *time, duplicate: false })),
        Err(error) if error.rule() == Some(rule::MESSAGE_ID_KEY) => {
            let first = known(database, item).await?;
            Ok(first.ok_or(AppendRefusal::NoSuchConversation))
        }
        Err(error) => Err(error),
    }
}

async fn known(database: &Database, item: &Append) -> Result<Option<Appended>, StoreError> {
    let doing = "look for a message";
    let key = values![item.conversation, item.sender, item.id.0.to_vec()];
    let found = database.read(doing, FIND_DUPLICATE, key).await?;
    let first = found
        .first()
        .map(|row| Ok(Appended { seq: row.get(0)?, time: row.get(1)?, duplicate: true }));
    first.transpose().doing(doing)
}

/// Fewer than there are connections.
const AT_ONCE: usize = 6;

const TAKE_NUMBER: &str = "
    UPDATE conversation SET last_seq = last_seq + 1, last_time = $2 WHERE id = $1
    RETURNING last_seq";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract::{ann_and_bob, message, on_each_engine};

    #[tokio::test]
    async fn without_the_check_a_repeat_is_another_row() {
        on_each_engine(async |database| {
            let (ann, _, conversation) = ann_and_bob(&database).await;
            let item = message(conversation, ann, 1);
            for seq in 1..=2 {
                let told = without_duplicate_check(&database, vec![item.clone()]).await.unwrap();
                let expected = Appended { seq: Seq(seq), time: item.time, duplicate: false };
                assert_eq!(told, [Ok(expected)]);
            }
            assert_eq!(database.entries_after(conversation, Seq(0), 9).await.unwrap().len(), 2);
        })
        .await;
    }

    #[tokio::test]
    async fn with_numbers_taken_before_a_later_one_may_be_there_first() {
        on_each_engine(async |database| {
            let (ann, _, conversation) = ann_and_bob(&database).await;
            let mut holes = 0;
            for round in 0..20 {
                let batch: Vec<_> =
                    (0..6).map(|i| message(conversation, ann, round * 6 + i)).collect();
                let appending = with_numbers_taken_before(&database, &batch);
                let looking = async {
                    for _ in 0..20 {
                        sleep(Duration::from_millis(2)).await;
                        let seen = database.entries_after(conversation, Seq(0), 999).await.unwrap();
                        let last = seen.last().map_or(0, |it| it.seq.0);
                        holes += u64::from((seen.len() as u64) < last);
                    }
                };
                let (appended, ()) = tokio::join!(appending, looking);
                assert!(appended.unwrap().iter().all(Result::is_ok));
            }
            assert!(0 < holes);
        })
        .await;
    }
}
