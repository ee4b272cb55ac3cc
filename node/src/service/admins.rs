//! Orders of admins: each is checked, carried out and written into the audit in one transaction of the
//! store; here is what comes before and after that.

mod prepare;

use std::time::{Duration, Instant};

use thrive_protocol::admin::{AdminAnswer, AdminCommand, OnlinePerson, Person, Until};
use thrive_protocol::bounded::List;
use thrive_protocol::ids::{SessionId, UserId};
use thrive_protocol::limits::{AUDIT_PAGE, BANS, WHO};
use thrive_protocol::name::Username;
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{AlertText, Reason};
use thrive_protocol::{Code, Event, Refusal};

use self::prepare::Prepared;
use super::sessions::address_of;
use super::token::Invitation;
use super::{Around, Caller};
use crate::bus::Health;
use crate::clock;
use crate::cluster::Membership;
use crate::news::{Answer, Audience, Done, Fault};
use crate::orders::{Ending, Orders};
use crate::password::{HashError, Hasher};
use crate::presence::Online;
use crate::rate::Rate;
use crate::store::admins::{By, Carried, Deed, Order};
use crate::store::bans;
use crate::store::{Database, StoreError};
use crate::throttle::AddressThrottle;

#[derive(Clone)]
pub struct Admins {
    database: Database,
    hasher: Hasher,
    online: Online,
    orders: Orders,
    membership: Option<Membership>,
    bus: Option<Health>,
    has_mail: bool,
    /// Orders of people who are no admins: each writes a line that stays.
    attempts: AddressThrottle,
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error("refused: {}", .0.code.word())]
    Refused(Refusal),
    #[error("too many attempts, the next in {0:?}")]
    TooOften(Duration),
    #[error("hash a password")]
    Hash(#[from] HashError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whoever is no admin may try that often; the rest is refused without a line in the audit.
const ATTEMPTS: Rate = Rate::new(3, 1.0 / 600.0);
/// People who are told at once that their list has changed. The others find it within seconds.
const TOLD: usize = 5_000;

impl Admins {
    /// For a node, or with nothing around for the host's own commands.
    #[must_use]
    pub fn new(database: Database, hasher: Hasher, online: Online, around: Around) -> Self {
        let Around { orders, membership, bus, has_mail } = around;
        let attempts = AddressThrottle::new(ATTEMPTS);
        Self { database, hasher, online, orders, membership, bus, has_mail, attempts }
    }

    /// Does what an admin asks for.
    ///
    /// # Errors
    /// They are none, or it makes no sense now.
    pub async fn answer(
        &self,
        caller: &Caller,
        command: AdminCommand,
    ) -> Result<Done<AdminAnswer>, AdminError> {
        let Caller { user, session, username } = caller.clone();
        let is_admin = self.database.is_admin(user).await?;
        if !is_admin {
            self.attempts.take(address_of(user), Instant::now()).map_err(AdminError::TooOften)?;
        }
        self.perform(By::Account { user, session, username }, is_admin, command).await
    }

    /// Does what somebody at the machine of the server asks for.
    ///
    /// # Errors
    /// It makes no sense now.
    pub async fn host(&self, command: AdminCommand) -> Result<Done<AdminAnswer>, AdminError> {
        self.perform(By::Host, true, command).await
    }

    /// Gives somebody another password and ends their sessions; says who that is, and how many those were.
    ///
    /// # Errors
    /// There is nobody of that name, or the password is not allowed.
    pub async fn host_sets_password(
        &self,
        username: &str,
        password: Secret,
    ) -> Result<(UserId, usize), AdminError> {
        let deed = self.new_password(username, password).await?;
        let carried = self.by_host("set_password", username, String::new(), deed).await?;
        let user = carried.user.ok_or_else(|| AdminError::Refused(Code::Internal.into()))?;
        Ok((user, carried.sessions.len()))
    }

    /// Makes an invitation, and returns its number and its code, which is shown this once.
    ///
    /// # Errors
    /// It would be over already.
    pub async fn host_invites(&self, uses: u32, until: Until) -> Result<(i64, Secret), AdminError> {
        let now = clock::now();
        let (code, ends) = (Invitation::fresh(), prepare::ends(until, now));
        let detail = format!("{uses} times {}", prepare::shown(ends));
        let deed = match now < ends && 0 < uses {
            true => Ok(Deed::MakeInvite { code_hash: code.hash(), uses, ends }),
            false => Err(Code::EndIsPast.into()),
        };
        let made = self.by_host("create_invite", "", detail, deed).await?;
        Ok((made.number, code.text()))
    }

    /// # Errors
    /// There is no invitation with this number.
    pub async fn host_revokes_invite(&self, id: i64) -> Result<(), AdminError> {
        let deed = Ok(Deed::RevokeInvite(id));
        self.by_host("revoke_invite", "", id.to_string(), deed).await.map(drop)
    }

    async fn by_host(
        &self,
        action: &'static str,
        target: &str,
        detail: String,
        deed: Result<Deed, Refusal>,
    ) -> Result<Carried, AdminError> {
        let (target, now) = (target.to_owned(), clock::now());
        self.carry_out(Order { by: By::Host, now, action, target, detail, deed }).await
    }

    async fn perform(
        &self,
        by: By,
        may_be_admin: bool,
        command: AdminCommand,
    ) -> Result<Done<AdminAnswer>, AdminError> {
        let (action, now) = (command.kind(), clock::now());
        let Prepared { target, detail, deed, then } =
            self.prepare(command, may_be_admin, now).await?;
        let name = target.clone();
        let order = Order { by, now, action, target, detail, deed };
        let carried = self.carry_out(order).await?;
        self.finish(&name, carried, then).await
    }

    async fn carry_out(&self, order: Order) -> Result<Carried, AdminError> {
        let by = match &order.by {
            By::Host => 0,
            By::Account { user, .. } => user.0,
        };
        let action = order.action;
        match self.database.administer(&order).await? {
            Ok(carried) => {
                let user = carried.user.map_or(0, |it| it.0);
                tracing::info!(admin.id = by, user.id = user, action, "An order was carried out");
                Ok(carried)
            }
            Err(refusal) => {
                let code = refusal.code.word();
                tracing::info!(admin.id = by, action, code, "An order was refused");
                Err(AdminError::Refused(refusal))
            }
        }
    }

    /// What is to be answered and told, now that it is stored.
    async fn finish(
        &self,
        name: &str,
        carried: Carried,
        then: Then,
    ) -> Result<Done<AdminAnswer>, AdminError> {
        let Carried { user, sessions, lists, number } = carried;
        let ended = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
        let person = || -> Result<Person, AdminError> {
            let nobody = || AdminError::Refused(Code::Internal.into());
            let username = Username::parse(name).map_err(|_| nobody())?;
            Ok(Person { user: user.ok_or_else(nobody)?, username })
        };
        Ok(match then {
            Then::Promoted => look_again(AdminAnswer::Promoted(person()?), lists, None),
            Then::Demoted => look_again(AdminAnswer::Demoted(person()?), lists, None),
            Then::Created => Done::quietly(AdminAnswer::UserCreated(person()?)),
            Then::Deleted => {
                let Person { user, username } = person()?;
                let answer = AdminAnswer::UserDeleted { user, username, sessions: ended };
                let done = look_again(answer, lists, Some(user));
                end(done, user, sessions, &Event::AccountDeleted {})
            }
            Then::Banned { ends, reason } => {
                let (Person { user, username }, until) = (person()?, bans::until(ends));
                let answer = AdminAnswer::Banned { user, username, until, sessions: ended };
                end(Done::quietly(answer), user, sessions, &Event::Banned { until, reason })
            }
            Then::Unbanned => Done::quietly(AdminAnswer::Unbanned(person()?)),
            Then::FilesBanned { extension, ends } => {
                let (Person { user, username }, until) = (person()?, bans::until(ends));
                Done::quietly(AdminAnswer::FilesBanned { user, username, extension, until })
            }
            Then::FilesUnbanned => {
                let Person { user, username } = person()?;
                let bans = u32::try_from(number).unwrap_or(u32::MAX);
                Done::quietly(AdminAnswer::FilesUnbanned { user, username, bans })
            }
            Then::Alert(text) => {
                let ((nodes, alone), people) = (self.hearing(), self.online.count());
                let event = Event::Alert { text, time: clock::now() };
                Done::quietly(AdminAnswer::Alerted { nodes, people, alone }).and(
                    Audience::Everybody,
                    event,
                    None,
                )
            }
            Then::Stop { all: false } => {
                self.orders.give(Ending::Stop);
                Done::quietly(AdminAnswer::Stopping { nodes: 1, alone: false })
            }
            Then::Stop { all: true } => {
                let (nodes, alone) = self.hearing();
                let done = Done::quietly(AdminAnswer::Stopping { nodes, alone });
                done.and(Audience::EveryNode, Event::GoAway { deadline_ms: 0 }, None)
            }
            Then::Restart => {
                self.orders.give(Ending::Restart);
                Done::quietly(AdminAnswer::Restarting {})
            }
            Then::Who => Done::quietly(self.who().await?),
            Then::Bans => {
                let mut bans = self.database.bans(clock::now(), BANS + 1).await?;
                let more = BANS < bans.len();
                bans.truncate(BANS);
                Done::quietly(AdminAnswer::Bans { bans: List::cut(bans), more })
            }
            Then::Audit { before, limit } => {
                let limit = (limit as usize).clamp(1, AUDIT_PAGE);
                let mut entries = self.database.audit(before, limit + 1).await?;
                let more = limit < entries.len();
                entries.truncate(limit);
                Done::quietly(AdminAnswer::Audit { entries: List::cut(entries), more })
            }
        })
    }

    /// Nodes that take people and hear what is said to all, this one among them; and whether others do not.
    /// Nothing looks such news up later, so it is lost to whoever does not hear it.
    fn hearing(&self) -> (u32, bool) {
        if self.bus.as_ref().is_some_and(|it| it.now().is_degraded()) {
            return (1, true);
        }
        let Some(membership) = &self.membership else { return (1, false) };
        let others = membership.members().iter().filter(|it| !it.draining).count();
        (u32::try_from(others.max(1)).unwrap_or(u32::MAX), false)
    }

    /// As everybody sees them: whoever is invisible is not in it.
    async fn who(&self) -> Result<AdminAnswer, AdminError> {
        let seen = self.online.seen(WHO + 1);
        let more = WHO < seen.len();
        let users: Vec<_> = seen.iter().map(|(user, _)| *user).collect();
        let names = self.database.people(&users).await?;
        let mut people: Vec<_> = names
            .into_iter()
            .filter_map(|(user, username, admin)| {
                let presence = seen.iter().find(|(it, _)| *it == user)?.1.clone();
                Some(OnlinePerson { user, username, presence, admin })
            })
            .collect();
        people.sort_by(|one, other| one.username.cmp(&other.username));
        people.dedup_by_key(|it| it.user);
        Ok(AdminAnswer::Online { people: List::cut(people), more })
    }
}

/// What follows when an order is stored.
enum Then {
    Promoted,
    Demoted,
    Created,
    Deleted,
    Banned { ends: thrive_protocol::ids::Time, reason: Reason },
    Unbanned,
    FilesBanned { extension: thrive_protocol::admin::Extension, ends: thrive_protocol::ids::Time },
    FilesUnbanned,
    Alert(AlertText),
    Stop { all: bool },
    Restart,
    Who,
    Bans,
    Audit { before: Option<i64>, limit: u32 },
}

/// Has everybody read their list of contacts again in whose list somebody is.
fn look_again(
    answer: AdminAnswer,
    lists: Vec<UserId>,
    except: Option<UserId>,
) -> Done<AdminAnswer> {
    let people = lists.into_iter().filter(|it| Some(*it) != except).take(TOLD);
    people.fold(Done::quietly(answer), |done, user| {
        done.and(Audience::User(user), Event::Heads { heads: List::default() }, None)
    })
}

fn end(
    done: Done<AdminAnswer>,
    user: UserId,
    sessions: Vec<SessionId>,
    event: &Event,
) -> Done<AdminAnswer> {
    sessions.into_iter().fold(done, |done, session| {
        done.and(Audience::EndSession(user, session), event.clone(), None)
    })
}

impl Answer for AdminError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::TooOften(wait) => Refusal::after(Code::SlowDown, *wait),
            Self::Hash(error) => error.refusal(),
            Self::Store(error) => error.refusal(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Refused(_) | Self::TooOften(_) => Fault::Policy,
            Self::Hash(error) => error.fault(),
            Self::Store(error) => error.fault(),
        }
    }
}
