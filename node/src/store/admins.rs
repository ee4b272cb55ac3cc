//! Orders of admins: the right, the facts, the deed and its line in the audit, in one transaction. What
//! may be done is decided in [`crate::domain::admin`].

use std::collections::HashSet;

use thrive_protocol::admin::Extension;
use thrive_protocol::entry::Body;
use thrive_protocol::file::FileState;
use thrive_protocol::ids::{SessionId, Time, UserId};
use thrive_protocol::limits::ACCOUNTS_PER_EMAIL;
use thrive_protocol::name::Username;
use thrive_protocol::text::Reason;
use thrive_protocol::{Code, Refusal};

use crate::domain::admin::{Right, Subject, Wish, decide};
use crate::store::accounts::{DELETE_EXPIRED, INSERT_ACCOUNT, NewAccount, NewAddress};
use crate::store::addresses::{COUNT_OTHERS, DELETE_CODES};
use crate::store::audit::{self, Line};
use crate::store::entries;
use crate::store::error::{Cause, Doing, rule};
use crate::store::ids::fresh_id;
use crate::store::invites::give_back;
use crate::store::undisturbed::undisturbed;
use crate::store::value::{Row, values};
use crate::store::{Database, StoreError, Transaction};

/// One order, and what the audit is to say of it.
#[derive(Clone, Debug)]
pub struct Order {
    pub by: By,
    pub now: Time,
    /// The word of the command.
    pub action: &'static str,
    /// Whom it is about, as it was typed; empty: nobody.
    pub target: String,
    pub detail: String,
    /// Or why it makes no sense. Whoever has no right is told only that.
    pub deed: Result<Deed, Refusal>,
}

/// Who gives an order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum By {
    /// Somebody at the machine of the server.
    Host,
    Account {
        user: UserId,
        session: SessionId,
        username: Username,
    },
}

#[derive(Clone, Debug)]
pub enum Deed {
    Promote(Username),
    Demote(Username),
    Create(NewAccount),
    Delete(Username),
    Ban {
        username: Username,
        ends: Time,
        reason: Reason,
    },
    Unban(Username),
    BanFiles {
        username: Username,
        extension: Extension,
        ends: Time,
        reason: Reason,
    },
    UnbanFiles {
        username: Username,
        extension: Option<Extension>,
    },
    SetPassword {
        username: Username,
        hash: String,
    },
    MakeInvite {
        code_hash: [u8; 32],
        uses: u32,
        ends: Time,
    },
    RevokeInvite(i64),
    /// Nothing that the store keeps: only the right and the audit count.
    Nothing,
    /// To be shown something. It changes nothing, so the audit has a line only when it is refused.
    Look,
}

/// What an order has done.
#[derive(Debug, Default)]
pub struct Carried {
    /// Whom it was about.
    pub user: Option<UserId>,
    /// Sessions of theirs that were ended.
    pub sessions: Vec<SessionId>,
    /// People who see something else in their list of contacts now, the person among them.
    pub lists: Vec<UserId>,
    /// Rows that were taken away, where they are counted; or the number of what was made.
    pub number: i64,
}

impl Database {
    /// Carries an order out, if it may be; either way the audit has a line of it then.
    ///
    /// # Errors
    /// The store failed: neither happened.
    pub async fn administer(&self, order: &Order) -> Result<Result<Carried, Refusal>, StoreError> {
        loop {
            match undisturbed(|| self.try_administer(order)).await {
                // Somebody else got this number or this name in the same moment.
                Err(error)
                    if matches!(
                        error.rule(),
                        Some(
                            rule::ACCOUNT_PKEY
                                | rule::ACCOUNT_USERNAME_KEY
                                | rule::AUDIT_PKEY
                                | rule::INVITE_PKEY
                        )
                    ) => {}
                other => return other,
            }
        }
    }

    async fn try_administer(&self, order: &Order) -> Result<Result<Carried, Refusal>, StoreError> {
        let mut transaction = self.begin("carry out an order of an admin").await?;
        let (target, outcome) = run(&mut transaction, order).await?;
        if outcome.is_ok() && matches!(order.deed, Ok(Deed::Look)) {
            return Ok(outcome);
        }
        let actor = match &order.by {
            By::Host => None,
            By::Account { user, username, .. } => Some((*user, username)),
        };
        // What somebody writes who may not give orders is no word of an admin: it is not kept.
        let may = !matches!(&outcome, Err(refusal) if refusal.code == Code::AdminOnly);
        let line = Line {
            time: order.now,
            actor,
            action: order.action,
            target,
            target_name: if may { &order.target } else { "" },
            detail: if may { &order.detail } else { "" },
            outcome: outcome.as_ref().map_or_else(|refusal| refusal.code.word(), |_| "done"),
        };
        audit::write(&mut transaction, &line).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

    /// Whether somebody is an admin now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_admin(&self, user: UserId) -> Result<bool, StoreError> {
        Ok(self.admins_among(&[user]).await?.contains(&user))
    }

    /// Which of these people are admins.
    ///
    /// # Errors
    /// The store failed.
    pub async fn admins_among(&self, users: &[UserId]) -> Result<HashSet<UserId>, StoreError> {
        let doing = "look for admins";
        let admins = self.of_each(doing, SELECT_ADMINS, users, |row| row.get(0)).await?;
        Ok(admins.into_iter().collect())
    }

    /// Everybody who is an admin, at most `limit`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn admins(&self, limit: usize) -> Result<Vec<UserId>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        ids(&self.read("list the admins", SELECT_ALL_ADMINS, values![limit]).await?)
    }

    /// The names of these people, and whether they are admins. Those who are deleted are left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn people(
        &self,
        users: &[UserId],
    ) -> Result<Vec<(UserId, Username, bool)>, StoreError> {
        let doing = "read the names of people";
        let person = |row: &Row| Ok((row.get(0)?, row.get(1)?, 0 < row.get::<i64>(2)?));
        self.of_each(doing, SELECT_PEOPLE, users, person).await
    }
}

/// Whom it is about, and what came of it.
async fn run(
    transaction: &mut Transaction,
    order: &Order,
) -> Result<(Option<UserId>, Result<Carried, Refusal>), StoreError> {
    let right = right_of(transaction, &order.by).await?;
    if right == Right::None {
        return Ok((None, Err(Code::AdminOnly.into())));
    }
    let deed = match &order.deed {
        Ok(deed) => deed,
        Err(refusal) => return Ok((None, Err(refusal.clone()))),
    };
    if let Deed::Create(new) = deed {
        // A sign-up whose time is over holds its name no more.
        let params = values![new.username.as_str(), order.now];
        let gone = transaction.run(DELETE_EXPIRED, params).await?;
        give_back(transaction, &gone).await?;
    }
    let found = match deed.username() {
        Some(username) => find(transaction, deed, username, order.now).await?,
        None => None,
    };
    let (target, subject) = found.unzip();
    if let Err(code) = decide(right, deed.wish(), subject, order.now) {
        return Ok((target, Err(code.into())));
    }
    let carried = match target {
        Some(user) => carry_out(transaction, order, deed, user).await?.map(|mut carried| {
            carried.user = Some(user);
            carried
        }),
        None => carry_out(transaction, order, deed, NOBODY).await?,
    };
    let target = target.or_else(|| carried.as_ref().ok().and_then(|it| it.user));
    Ok((target, carried))
}

async fn right_of(transaction: &mut Transaction, by: &By) -> Result<Right, StoreError> {
    let By::Account { user, session, .. } = by else { return Ok(Right::Host) };
    // With the session, so that what an ended one has still on its way does nothing any more.
    let found = transaction.run(SELECT_RIGHT, values![*user, *session]).await?;
    Ok(if found.is_empty() { Right::None } else { Right::Admin })
}

async fn find(
    transaction: &mut Transaction,
    deed: &Deed,
    username: &Username,
    now: Time,
) -> Result<Option<(UserId, Subject)>, StoreError> {
    let doing = "look whom an order is about";
    // Whoever waits for a code is nobody yet; only the name is taken.
    let waiting_too = i64::from(matches!(deed, Deed::Create(_)));
    let params = values![username.as_str(), now, waiting_too];
    let rows = transaction.run(SELECT_SUBJECT, params).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let user: UserId = row.get(0).doing(doing)?;
    let mut subject = Subject {
        is_admin: 0 < row.get::<i64>(1).doing(doing)?,
        is_banned: 0 < row.get::<i64>(2).doing(doing)?,
        other_admins: 0,
        file_bans: 0,
    };
    if subject.is_admin {
        subject.other_admins =
            counted(&transaction.run(COUNT_OTHER_ADMINS, values![user, now]).await?)?;
    }
    if let Deed::UnbanFiles { extension, .. } = deed {
        let params = values![user, extension.as_ref().map_or("", |it| it.as_str())];
        subject.file_bans = counted(&transaction.run(COUNT_FILE_BANS, params).await?)?;
    }
    Ok(Some((user, subject)))
}

async fn carry_out(
    transaction: &mut Transaction,
    order: &Order,
    deed: &Deed,
    user: UserId,
) -> Result<Result<Carried, Refusal>, StoreError> {
    let now = order.now;
    let by = match &order.by {
        By::Host => NOBODY,
        By::Account { user, .. } => *user,
    };
    let mut carried = Carried::default();
    match deed {
        Deed::Promote(_) => {
            transaction.run(INSERT_ADMIN, values![user, now, by]).await?;
            carried.lists = raise_lists(transaction, user).await?;
        }
        Deed::Demote(_) => {
            transaction.run(DELETE_ADMIN, values![user]).await?;
            carried.lists = raise_lists(transaction, user).await?;
        }
        Deed::Create(new) => {
            let user = UserId(fresh_id(new.created));
            if let Some(NewAddress { email, .. }) = &new.address {
                let others = transaction.run(COUNT_OTHERS, values![email.folded(), user]).await?;
                if ACCOUNTS_PER_EMAIL as u64 <= counted(&others)? {
                    return Ok(Err(Refusal::over(Code::TooManyAccounts, ACCOUNTS_PER_EMAIL)));
                }
            }
            if transaction.run(INSERT_ACCOUNT, new.params(user, 0)).await?.is_empty() {
                return Ok(Err(Code::UsernameTaken.into()));
            }
            carried.user = Some(user);
        }
        Deed::Delete(username) => {
            carried.sessions = end_sessions(transaction, user).await?;
            carried.lists = raise_lists(transaction, user).await?;
            for forget in
                [DELETE_ADMIN, DELETE_BAN, DELETE_FILE_BANS, DELETE_CONTACTS, DELETE_CODES]
            {
                transaction.run(forget, values![user]).await?;
            }
            end_files(transaction, user, now).await?;
            transaction.run(BLOCK_EVERYBODY, values![user]).await?;
            transaction.run(FREE_USERNAME, values![username.as_str(), now]).await?;
            transaction.run(DELETE_ACCOUNT, values![user, now]).await?;
        }
        Deed::Ban { ends, reason, .. } => {
            let params = values![user, *ends, reason.as_str(), now, by];
            transaction.run(UPSERT_BAN, params).await?;
            carried.sessions = end_sessions(transaction, user).await?;
        }
        Deed::Unban(_) => drop(transaction.run(DELETE_BAN, values![user]).await?),
        Deed::BanFiles { extension, ends, reason, .. } => {
            let params = values![user, extension.as_str(), *ends, reason.as_str(), now, by];
            transaction.run(UPSERT_FILE_BAN, params).await?;
        }
        Deed::UnbanFiles { extension, .. } => {
            let params = values![user, extension.as_ref().map_or("", |it| it.as_str())];
            carried.number = transaction.run(DELETE_SOME_FILE_BANS, params).await?.len() as i64;
        }
        Deed::SetPassword { hash, .. } => {
            transaction.run(SET_PASSWORD, values![user, hash.as_str()]).await?;
            // Whoever has asked for one must not undo what this is for.
            transaction.run(DELETE_CODES, values![user]).await?;
            carried.sessions = end_sessions(transaction, user).await?;
        }
        Deed::MakeInvite { code_hash, uses, ends } => {
            transaction.run(DELETE_OLD_INVITES, values![now]).await?;
            carried.number = fresh_id(now);
            let (id, uses) = (carried.number, i64::from(*uses));
            let params = values![id, code_hash.to_vec(), uses, *ends, now, by];
            transaction.run(INSERT_INVITE, params).await?;
        }
        Deed::RevokeInvite(id) => {
            if transaction.run(DELETE_INVITE, values![*id]).await?.is_empty() {
                return Ok(Err(Code::InviteInvalid.into()));
            }
        }
        Deed::Nothing | Deed::Look => {}
    }
    Ok(Ok(carried))
}

/// Has everybody look at their list again who has this person in it, and the person. Returns them.
async fn raise_lists(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<Vec<UserId>, StoreError> {
    ids(&transaction.run(RAISE_LISTS, values![user]).await?)
}

/// Takes back what they have offered and declines what they were offered, and says so in the logs: everybody
/// finds it there, who is connected within seconds. The sweeper takes away what is stored of them.
async fn end_files(
    transaction: &mut Transaction,
    user: UserId,
    now: Time,
) -> Result<(), StoreError> {
    let both = [(CANCEL_FILES, FileState::Cancelled), (DECLINE_FILES, FileState::Declined)];
    for (end, state) in both {
        let ended = transaction.run(end, values![user, now]).await?;
        let file = |row: &Row| Ok::<_, Cause>((row.get(0)?, row.get(1)?, row.get(2)?));
        let ended: Result<Vec<_>, Cause> = ended.iter().map(file).collect();
        let ended = ended.doing("end the files of an account")?;
        let told = ended.into_iter().filter(|(.., is_open)| *is_open).take(FILES_TOLD);
        for (conversation, file, _) in told {
            let body = Body::FileState { file, state };
            entries::append(transaction, conversation, user, None, now, body).await?;
        }
    }
    Ok(())
}

async fn end_sessions(
    transaction: &mut Transaction,
    user: UserId,
) -> Result<Vec<SessionId>, StoreError> {
    ids(&transaction.run(DELETE_SESSIONS, values![user]).await?)
}

fn ids<T: crate::store::value::FromValue>(rows: &[Row]) -> Result<Vec<T>, StoreError> {
    let all: Result<_, Cause> = rows.iter().map(|row| row.get(0)).collect();
    all.doing("carry out an order of an admin")
}

fn counted(rows: &[Row]) -> Result<u64, StoreError> {
    let count = rows.first().map_or(Ok(0), |row| row.get::<i64>(0));
    count.map(i64::unsigned_abs).doing("look whom an order is about")
}

impl Deed {
    fn username(&self) -> Option<&Username> {
        match self {
            Self::Promote(username)
            | Self::Demote(username)
            | Self::Create(NewAccount { username, .. })
            | Self::Delete(username)
            | Self::Ban { username, .. }
            | Self::Unban(username)
            | Self::BanFiles { username, .. }
            | Self::UnbanFiles { username, .. }
            | Self::SetPassword { username, .. } => Some(username),
            Self::MakeInvite { .. } | Self::RevokeInvite(_) | Self::Nothing | Self::Look => None,
        }
    }

    fn wish(&self) -> Wish {
        match self {
            Self::Promote(_) => Wish::Promote,
            Self::Demote(_) => Wish::Demote,
            Self::Create(_) => Wish::Create,
            Self::Delete(_) => Wish::Delete,
            Self::Ban { ends, .. } => Wish::Ban { ends: *ends },
            Self::Unban(_) => Wish::Unban,
            Self::BanFiles { ends, .. } => Wish::BanFiles { ends: *ends },
            Self::UnbanFiles { .. } => Wish::UnbanFiles,
            Self::SetPassword { .. } => Wish::SetPassword,
            Self::MakeInvite { .. } | Self::RevokeInvite(_) | Self::Nothing | Self::Look => {
                Wish::Other
            }
        }
    }
}

/// Files of a deleted account whose end is written into the logs, of each kind: as many as a transaction
/// over a network has time for, in which messages to their conversations wait. Of the others, it is said
/// when somebody wants them.
const FILES_TOLD: usize = 30;

/// In the place of an account: the host, or nobody.
const NOBODY: UserId = UserId(0);

const SELECT_RIGHT: &str = "
    SELECT admin.account FROM admin
    JOIN account ON account.id = admin.account AND account.deleted = 0
    JOIN session ON session.account = admin.account
    WHERE admin.account = $1 AND session.id = $2";

const SELECT_SUBJECT: &str = "
    SELECT account.id, coalesce(admin.account, 0), coalesce(ban.account, 0)
    FROM account
    LEFT JOIN admin ON admin.account = account.id
    LEFT JOIN ban ON ban.account = account.id AND $2 <= ban.ends
    WHERE account.username = $1 AND account.deleted = 0
      AND (account.unverified_until = 0 OR $3 = 1)";

/// Those who could act: a banned one cannot.
const COUNT_OTHER_ADMINS: &str = "
    SELECT count(*) FROM admin
    JOIN account ON account.id = admin.account AND account.deleted = 0
    LEFT JOIN ban ON ban.account = admin.account AND $2 <= ban.ends
    WHERE admin.account <> $1 AND ban.account IS NULL";

const COUNT_FILE_BANS: &str = "
    SELECT count(*) FROM file_ban WHERE account = $1 AND ($2 = '' OR extension = $2)";

pub(super) const INSERT_ADMIN: &str =
    "INSERT INTO admin (account, since, made_by) VALUES ($1, $2, $3)";

const DELETE_ADMIN: &str = "DELETE FROM admin WHERE account = $1";

/// One list of people and no "or": a server would look at each account for it.
pub(super) const RAISE_LISTS: &str = "
    UPDATE account SET contacts_version = contacts_version + 1
    WHERE id IN (
      SELECT CAST($1 AS BIGINT) UNION ALL SELECT owner FROM contact WHERE other = $1
    ) RETURNING id";

const DELETE_SESSIONS: &str = "DELETE FROM session WHERE account = $1 RETURNING id";

pub(super) const UPSERT_BAN: &str = "
    INSERT INTO ban (account, ends, reason, made, made_by) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (account) DO UPDATE SET
      ends = excluded.ends, reason = excluded.reason,
      made = excluded.made, made_by = excluded.made_by";

const DELETE_BAN: &str = "DELETE FROM ban WHERE account = $1";

pub(super) const UPSERT_FILE_BAN: &str = "
    INSERT INTO file_ban (account, extension, ends, reason, made, made_by)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (account, extension) DO UPDATE SET
      ends = excluded.ends, reason = excluded.reason,
      made = excluded.made, made_by = excluded.made_by";

const DELETE_FILE_BANS: &str = "DELETE FROM file_ban WHERE account = $1";

const DELETE_SOME_FILE_BANS: &str = "
    DELETE FROM file_ban WHERE account = $1 AND ($2 = '' OR extension = $2)
    RETURNING extension";

pub(super) const DELETE_CONTACTS: &str = "DELETE FROM contact WHERE owner = $1 OR other = $1";

/// Whoever has a conversation with them hears that nothing is accepted there any more.
const BLOCK_EVERYBODY: &str = "
    INSERT INTO contact (owner, other, blocked)
    SELECT $1, CASE WHEN direct.low = $1 THEN direct.high ELSE direct.low END, 1
    FROM member JOIN direct ON direct.conversation = member.conversation
    WHERE member.account = $1";

/// With those that have expired or arrived, for which nobody waits.
pub(super) const CANCEL_FILES: &str = "
    UPDATE file SET ended = 'cancelled' WHERE sender = $1 AND ended = ''
    RETURNING conversation, id, CASE WHEN received = 0 AND $2 < expires THEN 1 ELSE 0 END";

pub(super) const DECLINE_FILES: &str = "
    UPDATE file SET ended = 'declined' WHERE recipient = $1 AND ended = ''
    RETURNING conversation, id, CASE WHEN received = 0 AND $2 < expires THEN 1 ELSE 0 END";

const FREE_USERNAME: &str = "
    INSERT INTO freed_username (username, freed) VALUES ($1, $2)
    ON CONFLICT (username) DO UPDATE SET freed = excluded.freed";

/// Its name becomes one that nobody can choose; its id is never used again. Nothing stays that tells who it was.
const DELETE_ACCOUNT: &str = "
    UPDATE account SET
      deleted = $2, username = 'deleted-' || CAST(id AS TEXT), password_hash = '',
      email = '', email_folded = '', status_text = '', status_preset = '',
      listed = 0, presence_to_strangers = 0, last_seen_to_contacts = 0, last_seen = 0
    WHERE id = $1";

const SET_PASSWORD: &str = "UPDATE account SET password_hash = $2 WHERE id = $1";

const INSERT_INVITE: &str = "
    INSERT INTO invite (id, code_hash, uses, ends, made, made_by)
    VALUES ($1, $2, $3, $4, $5, $6)";

/// One that is used up stays while a use may come back.
const DELETE_OLD_INVITES: &str = "
    DELETE FROM invite WHERE ends < $1 OR (uses = 0 AND NOT EXISTS (
      SELECT 1 FROM account WHERE 0 < unverified_until AND account.invite = invite.id
    ))";

const DELETE_INVITE: &str = "DELETE FROM invite WHERE id = $1 RETURNING id";

const SELECT_ALL_ADMINS: &str = "SELECT account FROM admin ORDER BY account LIMIT $1";

const SELECT_ADMINS: &str = "SELECT account FROM admin WHERE account IN";

const SELECT_PEOPLE: &str = "
    SELECT account.id, account.username, coalesce(admin.account, 0)
    FROM account LEFT JOIN admin ON admin.account = account.id
    WHERE account.deleted = 0 AND account.unverified_until = 0 AND account.id IN";
