//! Finding people, what others may see of me, and whom I talk with.

use thrive_protocol::directory;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::Request;

use crate::engine::asking::Effect;
use crate::handle::Client;
use crate::model::presence;
use crate::session::strange;
use crate::types::{Failure, Found, FoundPage, Missed, Privacy, SetPrivacy, Tab, Talk};

/// People of one page.
const PAGE: u32 = 100;

impl Client {
    /// One page of the people who let themselves be found: those whose name holds `search`, by name.
    /// `after` is the `next` of the page before. A page may be short, or empty, before the end.
    ///
    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn directory(
        &self,
        tab: Tab,
        search: &str,
        after: Option<String>,
    ) -> Result<FoundPage, Failure> {
        let search = search.to_owned();
        let request = directory::Directory { tab, search, after, limit: PAGE };
        let reply = self.aside(Request::Directory(request)).await?;
        let Reply::Directory(page) = reply else { return Err(strange("the directory")) };
        let people = page.people.into_iter().map(|listed| Found {
            user: listed.user,
            username: listed.username,
            presence: presence(listed.presence),
            relation: listed.relation,
            blocked: listed.blocked,
            you: listed.you,
            admin: listed.admin,
        });
        Ok(FoundPage { people: people.collect(), next: page.next })
    }

    /// What others may see of me.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn privacy(&self) -> Result<Privacy, Failure> {
        self.privacy_request(Request::GetPrivacy {}).await
    }

    /// Changes what is given, and returns all of it.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn set_privacy(&self, set: SetPrivacy) -> Result<Privacy, Failure> {
        self.privacy_request(Request::SetPrivacy(set)).await
    }

    /// Everybody with whom something was written, the last active first: contacts, and others, who are
    /// in no list of contacts ([`Talk::is_stranger`]).
    ///
    /// # Errors
    /// Nobody is logged in, or the disk says no.
    pub async fn conversations(&self) -> Result<Vec<Talk>, Failure> {
        let last = self.last_messages().await?;
        let mut talks: Vec<_> = last
            .into_iter()
            .filter_map(|last| Some(Talk { contact: self.contact(last.peer)?, last }))
            .collect();
        talks.sort_by_key(|talk| std::cmp::Reverse(talk.last.time_ms));
        Ok(talks)
    }

    /// What came while this device was away, the last time that it came back: how many messages of
    /// whom, of those that I have not read elsewhere; the most first.
    #[must_use]
    pub fn missed(&self) -> Vec<Missed> {
        self.shared.state.lock().missed.clone()
    }

    async fn privacy_request(&self, request: Request) -> Result<Privacy, Failure> {
        match self.request(request, Effect::None).await? {
            Reply::Privacy(privacy) => Ok(privacy),
            _ => Err(strange("the privacy")),
        }
    }
}
