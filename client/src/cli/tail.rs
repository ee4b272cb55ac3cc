//! `thrive tail`: follows messages for ever.
//!
//! It prints from the cache, by place, and notes how far it got. So a message is printed once even
//! when changes were missed, when another `thrive` on this computer read it first, or when this one
//! was stopped for a week.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use thrive_client::{
    Change, Client, Code, Connection, Contact, Failure, File, FileState, Message, MessageKey,
    UserId, Username,
};

use super::args::TailOptions;
use super::context::{Context, name_of, username};
use super::output::indented;
use super::{Trouble, records};

/// The name under which the place is noted.
const BOOKMARK: &str = "tail";
/// Messages read at once.
const PAGE: usize = 100;
/// Longer than anybody waits.
const EVER: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

pub(crate) async fn tail(context: &Context, options: TailOptions) -> Result<(), Trouble> {
    let only = options.user.as_deref().map(username).transpose()?;
    let client = context.client().await?;
    let mut changes = client.changes();
    context.resume(&client).await?;
    let mut end = std::pin::pin!(interrupted());
    let mut tail = Tail {
        context,
        client: &client,
        options: &options,
        only,
        places: BTreeMap::new(),
        files: BTreeMap::new(),
    };
    if options.since_start {
        tokio::select! {
            () = &mut end => { client.clone().close().await; return Ok(()) }
            online = client.online(EVER) => online?,
        }
        tail.skip_to_end().await?;
    } else {
        tail.all().await?;
    }
    let result = loop {
        tokio::select! {
            biased;
            () = &mut end => break Ok(()),
            change = changes.next() => match change {
                Some(change) => match tail.change(change).await {
                    Ok(()) => {}
                    Err(trouble) => break Err(trouble),
                },
                None => break Ok(()),
            },
        }
    };
    client.clone().close().await;
    result
}

/// Ctrl+C, or the wish of whoever started this.
async fn interrupted() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return interrupt.await };
        tokio::select! {
            () = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupt.await;
}

struct Tail<'a> {
    context: &'a Context,
    client: &'a Client,
    options: &'a TailOptions,
    only: Option<Username>,
    /// What has been printed of each chat.
    places: BTreeMap<UserId, u64>,
    /// What was told of each file.
    files: BTreeMap<MessageKey, FileState>,
}

impl Tail<'_> {
    async fn change(&mut self, change: Change) -> Result<(), Trouble> {
        match change {
            Change::Message { now: Message { peer, seq: Some(_), .. }, .. } => {
                self.chat(peer).await
            }
            Change::Reload => {
                self.look_again().await?;
                self.all().await
            }
            Change::LoggedOut(code) => {
                let code = code.unwrap_or(Code::SessionEnded);
                Err(Failure::Refused { code, retry_after_ms: None, limit: None }.into())
            }
            Change::Banned { until_ms, reason } => Err(Failure::Banned { until_ms, reason }.into()),
            Change::Alert { text, time_ms } if self.options.events => {
                let time = records::instant(time_ms);
                let record = json!({ "type": "alert", "time": time, "text": text });
                let line = format!("{}  alert: {}", records::time(time_ms), indented(&text));
                self.context.output.say(&line, &record)
            }
            Change::Connection(connection) if self.options.events => self.connection(&connection),
            Change::Contact { now, .. } if self.options.events => self.contact(&now),
            Change::File(file) if self.options.events => self.file(&file),
            Change::Message { .. }
            | Change::Connection(_)
            | Change::LoggedIn(_)
            | Change::Contact { .. }
            | Change::ContactGone(_)
            | Change::OwnPresence(_)
            | Change::File(_)
            | Change::Admin(_)
            | Change::Alert { .. } => Ok(()),
        }
    }

    /// Prints what is new in every chat.
    async fn all(&mut self) -> Result<(), Trouble> {
        for contact in self.client.contacts() {
            self.chat(contact.user).await?;
        }
        Ok(())
    }

    /// Prints what is new in one chat.
    async fn chat(&mut self, peer: UserId) -> Result<(), Trouble> {
        if !self.is_wanted(peer) {
            return Ok(());
        }
        let with = name_of(self.client, peer);
        let mut place = match self.places.get(&peer) {
            Some(&place) => place,
            // A chat that is new since the start is new as a whole.
            None if self.options.since_start => 0,
            None => self.client.bookmark(BOOKMARK, peer).await?,
        };
        loop {
            let messages = self.client.later(peer, place, PAGE).await?;
            let Some(last) = messages.last().and_then(|message| message.seq) else { break };
            for message in &messages {
                let (line, record) = records::message(message, &with, true);
                self.context.output.say(&line, &record)?;
            }
            place = last;
            self.places.insert(peer, place);
            self.client.set_bookmark(BOOKMARK, peer, place).await?;
            if self.options.read {
                self.client.mark_read(peer).await?;
            }
        }
        self.places.insert(peer, place);
        Ok(())
    }

    /// What is there now has been seen.
    async fn skip_to_end(&mut self) -> Result<(), Trouble> {
        for contact in self.client.contacts() {
            let place = self.newest(contact.user).await?;
            self.places.insert(contact.user, place);
        }
        Ok(())
    }

    /// The server's history may be another one, in which the places mean nothing.
    async fn look_again(&mut self) -> Result<(), Trouble> {
        if !self.options.since_start {
            // The bookmarks are on the disk, and went with the old history.
            self.places.clear();
            return Ok(());
        }
        for (peer, place) in self.places.clone() {
            let held = self.client.later(peer, place.saturating_sub(1), 1).await?;
            if held.is_empty() {
                let newest = self.newest(peer).await?;
                self.places.insert(peer, place.min(newest));
            }
        }
        Ok(())
    }

    /// The last place that is held of a chat.
    async fn newest(&self, peer: UserId) -> Result<u64, Trouble> {
        let newest = self.client.messages(peer, PAGE).await?;
        Ok(newest.iter().filter_map(|message| message.seq).max().unwrap_or_default())
    }

    fn is_wanted(&self, peer: UserId) -> bool {
        let Some(only) = &self.only else { return true };
        self.client.contact(peer).is_some_and(|contact| contact.username == *only)
    }

    fn connection(&self, connection: &Connection) -> Result<(), Trouble> {
        let (word, why) = match connection {
            Connection::Idle => ("idle", None),
            Connection::Connecting { last_error, .. } => ("connecting", last_error.as_ref()),
            Connection::Online => ("online", None),
        };
        let why = why.map(ToString::to_string);
        let text = match &why {
            Some(why) => format!("{word}: {why}"),
            None => word.to_owned(),
        };
        self.context.output.say(&text, &json!({ "type": "connection", "state": word, "why": why }))
    }

    /// What became of a file; how far it is says nobody here.
    fn file(&mut self, file: &File) -> Result<(), Trouble> {
        let told = self.files.insert(file.message, file.state);
        if !self.is_wanted(file.peer) || told == Some(file.state) {
            return Ok(());
        }
        let (text, record) = records::file(file, &name_of(self.client, file.peer));
        self.context.output.say(&text, &record)
    }

    fn contact(&self, contact: &Contact) -> Result<(), Trouble> {
        if !self.is_wanted(contact.user) {
            return Ok(());
        }
        let (mut text, record) = records::contact(contact);
        if contact.typing {
            text.push_str(", writing");
        }
        self.context.output.say(&text, &record)
    }
}
