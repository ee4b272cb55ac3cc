//! Finding people: everybody who lets themselves be found, as the caller may see them.
//!
//! Names and rights are in the store, who is there is known to the node. So a page is made in rounds:
//! some names, of which those are kept that belong to the tab. The rounds are few: a page that finds too
//! little says where to go on.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use thrive_protocol::bounded::List;
use thrive_protocol::directory::{Directory, DirectoryPage, Listed, Tab};
use thrive_protocol::ids::UserId;
use thrive_protocol::limits::{DIRECTORY_PAGE, USERNAME_MAX};
use thrive_protocol::people::{Availability, Presence};
use thrive_protocol::{Code, Refusal};

use super::Caller;
use super::sessions::address_of;
use crate::domain::relation::{may_see_presence, may_see_presence_of_found};
use crate::last_seen;
use crate::news::{Answer, Fault};
use crate::presence::Online;
use crate::rate::Rate;
use crate::store::directory::{Found, Look, MOST_BY_ID};
use crate::store::{Database, StoreError};
use crate::throttle::AddressThrottle;

#[derive(Clone)]
pub struct People {
    database: Database,
    online: Online,
    searches: AddressThrottle,
}

#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error("that is no place of the directory")]
    NoSuchPlace,
    #[error("too many searches, the next in {0:?}")]
    TooOften(Duration),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Searches of one account. Whoever looks for a part of a name that nobody has reads the names of all.
const SEARCHES: Rate = Rate::new(10, 1.0);

/// Names that one page may look at, in rounds of this size.
const ROUNDS: usize = 16;
const ROUND: usize = 256;

impl People {
    pub(super) fn new(database: Database, online: Online) -> Self {
        Self { database, online, searches: AddressThrottle::new(SEARCHES) }
    }

    /// One page of the directory.
    ///
    /// # Errors
    /// The place to go on from is none that was given out, or there were too many searches.
    pub async fn page(
        &self,
        caller: &Caller,
        request: Directory,
    ) -> Result<DirectoryPage, DirectoryError> {
        let mut after = request.after.unwrap_or_default();
        if USERNAME_MAX < after.len() || !after.chars().all(is_of_names) {
            return Err(DirectoryError::NoSuchPlace);
        }
        let search = request.search.trim().to_ascii_lowercase();
        if USERNAME_MAX < search.len() || !search.chars().all(is_of_names) {
            // Nobody is called like that.
            return Ok(page(Vec::new(), None));
        }
        if !search.is_empty() {
            let searches = self.searches.take(address_of(caller.user), Instant::now());
            searches.map_err(DirectoryError::TooOften)?;
        }
        let asked = usize::try_from(request.limit).unwrap_or(DIRECTORY_PAGE);
        let limit = asked.clamp(1, DIRECTORY_PAGE);
        let only = match request.tab {
            Tab::Everyone | Tab::Offline => None,
            Tab::Online => self.online.seen_everywhere(MOST_BY_ID),
            Tab::Admins => Some(self.database.admins(MOST_BY_ID).await?),
        };
        let round = if request.tab == Tab::Everyone { limit + 1 } else { ROUND };
        let mut people = Vec::new();
        for _ in 0..ROUNDS {
            let look = Look {
                caller: caller.user,
                search: &search,
                after: &after,
                only: only.as_deref(),
                limit: round,
            };
            let found = self.database.look_up(look).await?;
            let is_last = found.len() < round;
            let users: Vec<_> = found.iter().map(|it| it.user).collect();
            let admins = self.database.admins_among(&users).await?;
            for one in found {
                let listed = self.listed(caller, &one, &admins);
                let belongs = belongs(&listed, request.tab);
                if belongs && people.len() == limit {
                    // Not whom it looked at since: among those are people who are there unseen.
                    let last = people.last().map(|it: &Listed| it.username.to_string());
                    return Ok(page(people, last));
                }
                after = listed.username.to_string();
                people.extend(belongs.then_some(listed));
            }
            if is_last {
                return Ok(page(people, None));
            }
        }
        // Never with `only`, which fits into fewer rounds: everybody was looked at, wherever they are.
        Ok(page(people, Some(after)))
    }

    fn listed(&self, caller: &Caller, found: &Found, admins: &HashSet<UserId>) -> Listed {
        let you = found.user == caller.user;
        let sees = you
            || may_see_presence_of_found(
                found.relation,
                found.blocked,
                found.presence_to_strangers,
            );
        let mut presence = if sees { self.online.of(found.user) } else { Presence::default() };
        if presence.availability == Availability::Offline
            && may_see_presence(found.relation, found.blocked, false)
        {
            presence.last_seen = found.last_seen.map(last_seen::shown);
        }
        Listed {
            user: found.user,
            username: found.username.clone(),
            presence,
            relation: found.relation,
            blocked: found.blocked,
            you,
            admin: admins.contains(&found.user),
        }
    }
}

fn belongs(listed: &Listed, tab: Tab) -> bool {
    match tab {
        Tab::Everyone => true,
        Tab::Online => listed.presence.availability != Availability::Offline,
        Tab::Offline => listed.presence.availability == Availability::Offline,
        Tab::Admins => listed.admin,
    }
}

fn page(people: Vec<Listed>, next: Option<String>) -> DirectoryPage {
    DirectoryPage { people: List::cut(people), next }
}

fn is_of_names(c: char) -> bool {
    matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-')
}

impl Answer for DirectoryError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::NoSuchPlace => Code::BadRequest.into(),
            Self::TooOften(wait) => Refusal::after(Code::SlowDown, *wait),
            Self::Store(error) => error.refusal(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NoSuchPlace => Fault::Peer,
            Self::TooOften(_) => Fault::Policy,
            Self::Store(error) => error.fault(),
        }
    }
}
