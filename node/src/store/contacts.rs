//! What people hold of each other. A pair is read, changed by a rule of `domain`, and written, in one
//! transaction.

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::limits::CONTACTS;
use thrive_protocol::name::Username;
use thrive_protocol::people::Relation;
use thrive_protocol::text::GroupName;

use crate::domain::group::Renaming;
use crate::domain::relation::{Pair, Side};
use crate::store::conversations::numbered_after;
use crate::store::error::{Cause, Doing};
use crate::store::undisturbed::undisturbed;
use crate::store::value::{FromValue, Row, Value, values};
use crate::store::{Database, StoreError, Transaction};

/// One line of somebody's list.
pub struct ListedContact {
    pub user: UserId,
    pub username: Username,
    pub side: Side,
    /// They have blocked the owner of the list.
    pub blocked_by_them: bool,
    /// When they were last seen, if they let their contacts know.
    pub last_seen: Option<Time>,
    pub is_admin: bool,
}

/// What a pair was before a change, and what it is now.
#[derive(Debug)]
pub struct Changed {
    pub before: Pair,
    pub after: Pair,
}

/// What renaming a group has changed.
pub struct Renamed {
    /// As it is written now.
    pub group: GroupName,
    /// Everybody who was in it, by name.
    pub members: Vec<UserId>,
    /// Those of them whose lines look different, as they look now.
    pub changed: Vec<ListedContact>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeContactError<E: std::error::Error + 'static> {
    #[error("the rules of the messenger say no")]
    Refused(#[source] E),
    #[error("a list is full")]
    Full,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Database {
    /// The list of somebody, by name. Blocks may make it longer than [`CONTACTS`]; then requests of
    /// others are left out first, and those who are only blocked next.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_contacts(&self, owner: UserId) -> Result<Vec<ListedContact>, StoreError> {
        let doing = "list contacts";
        let at_most = i64::try_from(CONTACTS).unwrap_or(i64::MAX);
        let rows = self.read(doing, SELECT_LIST, values![owner, at_most]).await?;
        list_of_rows(&rows).doing(doing)
    }

    /// Puts all contacts of `owner` who are in `group` into `name`, or into none. Nothing when nobody is in
    /// it. The rule is [`Renaming`].
    ///
    /// # Errors
    /// The store failed.
    pub async fn rename_group(
        &self,
        owner: UserId,
        group: &GroupName,
        name: &GroupName,
    ) -> Result<Option<Renamed>, StoreError> {
        undisturbed(|| self.try_rename_group(owner, group, name)).await
    }

    async fn try_rename_group(
        &self,
        owner: UserId,
        group: &GroupName,
        name: &GroupName,
    ) -> Result<Option<Renamed>, StoreError> {
        let doing = "rename a group of contacts";
        let mut transaction = self.begin(doing).await?;
        let at_most = i64::try_from(CONTACTS).unwrap_or(i64::MAX);
        let rows = transaction.run(SELECT_LIST, values![owner, at_most]).await?;
        let mut contacts = list_of_rows(&rows).doing(doing)?;
        contacts.retain(|it| it.side.relation == Relation::Contact);
        let written = contacts.iter().map(|it| &it.side.group);
        let Some(renaming) = Renaming::of(written, group, name) else { return Ok(None) };
        contacts.retain(|it| renaming.moves(&it.side.group));
        let members = contacts.iter().map(|it| it.user).collect();
        contacts.retain(|it| it.side.group != renaming.to);
        if !contacts.is_empty() {
            // Filled up with repeats, so that there are few statements to prepare.
            let forms = renaming.from.len().next_power_of_two();
            let padded = renaming.from.iter().chain(std::iter::repeat(&renaming.from[0]));
            let mut params = values![owner, renaming.to.as_str()];
            params.extend(padded.take(forms).map(|it| Value::from(it.as_str())));
            let sql = format!("{UPDATE_GROUP} ({})", numbered_after(2, forms));
            transaction.run(sql, params).await?;
            transaction.run(RAISE_VERSION, values![owner]).await?;
        }
        transaction.commit().await?;
        contacts.iter_mut().for_each(|it| it.side.group.clone_from(&renaming.to));
        Ok(Some(Renamed { group: renaming.to, members, changed: contacts }))
    }

    /// How two people stand with each other now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn pair(&self, me: UserId, them: UserId) -> Result<Pair, StoreError> {
        let doing = "read how two people stand";
        let rows = self.read(doing, SELECT_PAIR, values![me, them]).await?;
        pair_of(&rows, me).doing(doing)
    }

    /// Lets `change` decide about a pair and writes what comes of it. `change` may run more than once.
    ///
    /// # Errors
    /// `change` said no, a list would have more than [`CONTACTS`] lines, or the store failed. A block
    /// has always room: a list that others have filled must not keep its owner from blocking them.
    pub async fn change_contact<E: std::error::Error + 'static>(
        &self,
        me: UserId,
        them: UserId,
        change: impl Fn(&mut Pair) -> Result<(), E>,
    ) -> Result<Changed, ChangeContactError<E>> {
        undisturbed(|| self.try_change_contact(me, them, &change)).await
    }

    async fn try_change_contact<E: std::error::Error + 'static>(
        &self,
        me: UserId,
        them: UserId,
        change: &impl Fn(&mut Pair) -> Result<(), E>,
    ) -> Result<Changed, ChangeContactError<E>> {
        let doing = "change how two people stand";
        let mut transaction = self.begin(doing).await?;
        let rows = transaction.run(SELECT_PAIR, values![me, them]).await?;
        let before = pair_of(&rows, me).doing(doing)?;
        let mut after = before.clone();
        change(&mut after).map_err(ChangeContactError::Refused)?;
        for (owner, other, was, is) in
            [(me, them, &before.mine, &after.mine), (them, me, &before.theirs, &after.theirs)]
        {
            if was == is {
                continue;
            }
            let needs_room = was.is_blank() && !is.blocked;
            if needs_room && lines_of(&mut transaction, owner).await? >= CONTACTS {
                return Err(ChangeContactError::Full);
            }
            write_side(&mut transaction, owner, other, is).await?;
        }
        // In the order of their ids, so that two who change the same pair do not wait for each other.
        for user in [me.min(them), me.max(them)] {
            if list_of(&before, user == me) != list_of(&after, user == me) {
                transaction.run(RAISE_VERSION, values![user]).await?;
            }
        }
        transaction.commit().await?;
        Ok(Changed { before, after })
    }
}

/// What one of the two sees of a pair in their list.
fn list_of(pair: &Pair, mine: bool) -> (&Side, bool) {
    let (own, other) = if mine { (&pair.mine, &pair.theirs) } else { (&pair.theirs, &pair.mine) };
    (own, other.blocked)
}

/// By name.
fn list_of_rows(rows: &[Row]) -> Result<Vec<ListedContact>, Cause> {
    let listed = |row: &Row| {
        Ok(ListedContact {
            user: row.get(0)?,
            username: row.get(1)?,
            side: side_of(row, 2)?,
            blocked_by_them: row.get(7)?,
            last_seen: Some(row.get(8)?).filter(|seen| *seen != Time(0)),
            is_admin: 0 < row.get::<i64>(9)?,
        })
    };
    let mut listed = rows.iter().map(listed).collect::<Result<Vec<_>, Cause>>()?;
    listed.sort_by(|one, other| one.username.as_str().cmp(other.username.as_str()));
    Ok(listed)
}

async fn lines_of(transaction: &mut Transaction, owner: UserId) -> Result<usize, StoreError> {
    let rows = transaction.run(COUNT_LINES, values![owner]).await?;
    let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0)).doing("count contacts")?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

async fn write_side(
    transaction: &mut Transaction,
    owner: UserId,
    other: UserId,
    side: &Side,
) -> Result<(), StoreError> {
    if side.is_blank() {
        return transaction.run(DELETE_SIDE, values![owner, other]).await.map(drop);
    }
    let params = values![
        owner,
        other,
        relation_word(side.relation),
        side.blocked,
        side.nickname.as_str(),
        side.request.as_str(),
        side.group.as_str()
    ];
    transaction.run(UPSERT_SIDE, params).await.map(drop)
}

fn pair_of(rows: &[Row], me: UserId) -> Result<Pair, Cause> {
    let mut pair = Pair::default();
    for row in rows {
        let side = side_of(row, 1)?;
        if row.get::<UserId>(0)? == me { pair.mine = side } else { pair.theirs = side }
    }
    Ok(pair)
}

/// From five columns that start at `first`.
fn side_of(row: &Row, first: usize) -> Result<Side, Cause> {
    Ok(Side {
        relation: row.get(first)?,
        blocked: row.get(first + 1)?,
        nickname: row.get(first + 2)?,
        request: row.get(first + 3)?,
        group: row.get(first + 4)?,
    })
}

pub(super) fn relation_word(relation: Relation) -> &'static str {
    match relation {
        Relation::None => "none",
        Relation::Asked => "asked",
        Relation::AsksMe => "asks_me",
        Relation::Contact => "contact",
    }
}

impl FromValue for Relation {
    fn from_value(value: &Value) -> Option<Self> {
        match String::from_value(value)?.as_str() {
            "none" => Some(Self::None),
            "asked" => Some(Self::Asked),
            "asks_me" => Some(Self::AsksMe),
            "contact" => Some(Self::Contact),
            _ => None,
        }
    }
}

const SELECT_LIST: &str = "
    SELECT contact.other, account.username,
      contact.relation, contact.blocked, contact.nickname, contact.request, contact.in_group,
      coalesce(theirs.blocked, 0),
      account.last_seen_to_contacts * account.last_seen,
      coalesce(admin.account, 0)
    FROM contact
    JOIN account ON account.id = contact.other AND account.deleted = 0
    LEFT JOIN admin ON admin.account = contact.other
    LEFT JOIN contact AS theirs
      ON theirs.owner = contact.other AND theirs.other = contact.owner
    WHERE contact.owner = $1
    ORDER BY
      CASE contact.relation WHEN 'asks_me' THEN 2 WHEN 'none' THEN 1 ELSE 0 END,
      account.username
    LIMIT $2";

const SELECT_PAIR: &str = "
    SELECT owner, relation, blocked, nickname, request, in_group FROM contact
    WHERE (owner = $1 AND other = $2) OR (owner = $2 AND other = $1)";

const COUNT_LINES: &str = "SELECT count(*) FROM contact WHERE owner = $1";

const RAISE_VERSION: &str = "
    UPDATE account SET contacts_version = contacts_version + 1 WHERE id = $1";

const UPDATE_GROUP: &str = "
    UPDATE contact SET in_group = $2
    WHERE owner = $1 AND relation = 'contact' AND in_group IN";

const DELETE_SIDE: &str = "DELETE FROM contact WHERE owner = $1 AND other = $2";

const UPSERT_SIDE: &str = "
    INSERT INTO contact (owner, other, relation, blocked, nickname, request, in_group)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (owner, other) DO UPDATE SET
      relation = excluded.relation, blocked = excluded.blocked,
      nickname = excluded.nickname, request = excluded.request,
      in_group = excluded.in_group";
