//! What the network thread tells.

use thrive_client::{Arrival, Change, Connection, Contact, Presence};

use super::{Desk, OpenChat, quit};
use crate::announce::Event;
use crate::bridge::{DoorWish, FileWish, News, TrayChoice, Wish};
use crate::words;

impl Desk {
    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::Change(change) => self.change(change),
            News::Entered { username, server } => self.entered(username, server),
            News::NotEntered { server, failure } => self.not_entered(&server, &failure),
            News::NoToken => self.no_token(),
            News::ServerAccepted(result) => self.server_accepted(result),
            News::Server(result) => self.server_told(result),
            News::Roster { contacts, own, connection } => self.roster(contacts, own, &connection),
            News::ContactAdded(result) => self.contact_added(result),
            News::ChatOpened { username, result } => self.chat_opened(username, result),
            News::Earlier { peer, result } => self.earlier_came(peer, result),
            News::NotSent { peer, text, failure } => self.not_sent(peer, &text, &failure),
            News::Done { deed, result } => self.done(deed, result),
            News::Tray(there) => self.hide(there),
            News::TrayChosen(TrayChoice::Show) => self.raise(),
            News::TrayChosen(TrayChoice::Exit) => self.exit(),
            News::StartsAtLogin(on) => self.starts_at_login(on),
            News::Wanted(peer) => self.wanted(peer),
            News::LoggedOut => self.logged_out(None),
            News::Door(news) => self.hear_doors(news),
            News::Social(news) => self.hear_social(news),
            News::File(news) => self.hear_files(news),
            News::Host(news) => self.hear_host(news),
            News::Update(news) => self.hear_updates(news),
            News::Ended => quit(),
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Connection(connection) => self.connection_changed(&connection),
            Change::LoggedIn(_) => {}
            Change::LoggedOut(None) => self.logged_out(None),
            Change::LoggedOut(Some(code)) => {
                let refused =
                    thrive_client::Failure::Refused { code, retry_after_ms: None, limit: None };
                self.logged_out(Some(words::failure(&refused)));
            }
            Change::Contact { before, now, arrival } => self.contact_changed(before, now, arrival),
            Change::ContactGone(user) => self.contact_gone(user),
            Change::OwnPresence(presence) => self.own_presence(presence),
            Change::Message { before, now, arrival } => self.message_changed(before, now, arrival),
            Change::File(file) => self.file_changed(file),
            Change::Reload => self.reload(),
            Change::Admin(admin) => self.own_rights(admin),
            Change::Alert { text, .. } => self.alerted(&text),
            Change::Banned { until_ms, reason } => {
                let banned = thrive_client::Failure::Banned { until_ms, reason };
                self.logged_out(Some(words::failure(&banned)));
            }
        }
    }

    fn roster(&mut self, contacts: Vec<Contact>, own: Presence, connection: &Connection) {
        let Some(session) = &mut self.session else { return };
        let changes = session.contacts.reload(contacts);
        session.contacts.begin();
        session.main.update(&session.contacts, &changes);
        self.own_presence(own);
        self.connection_changed(connection);
    }

    /// More happened than could be told: everything is read again, open chats too.
    fn reload(&mut self) {
        self.ask(Wish::Roster);
        self.ask(Wish::File(FileWish::List));
        let Some(session) = &mut self.session else { return };
        let read_again = |it: &mut OpenChat| {
            it.chat.may_lack();
            it.chat.username.clone()
        };
        let open: Vec<_> = session.chats.values_mut().map(read_again).collect();
        session.again.extend(open.iter().cloned());
        for username in open {
            self.ask(Wish::OpenChat(username));
        }
    }

    fn own_presence(&mut self, presence: Presence) {
        let Some(session) = &mut self.session else { return };
        session.main.view.window.set_own_status(words::presence(&presence).into());
        session.own = presence;
    }

    fn connection_changed(&mut self, connection: &Connection) {
        let now = self.now();
        let event = self.watch.hear(connection, now);
        let missed = self.has_missed();
        let Some(session) = &mut self.session else {
            event.iter().for_each(|event| self.connection_event(event));
            return;
        };
        if *connection == Connection::Online && !session.greeted {
            session.greeted = true;
            // What was missed is said with the names, and what is left unread not as well.
            let unread = if missed { 0 } else { session.contacts.unread() };
            self.event(&Event::LoggedIn { unread }, Arrival::Live);
            self.ask(Wish::Door(DoorWish::Welcome));
        }
        let Some(session) = &self.session else { return };
        session.main.view.window.set_connection(words::connection(connection).into());
        self.hear_certificate(connection);
        if let Some(event) = event {
            self.say_connection(&event);
        }
        self.show_connection();
        if *connection == Connection::Online {
            self.say_missed();
        }
    }

    /// The quiet time of a lost connection is over.
    pub(super) fn connection_event(&mut self, event: &Event) {
        if self.session.is_none() {
            // Nothing is lost yet; whoever waits to get in hears that it takes long.
            if self.entering.is_some() && matches!(event, Event::ConnectionLost { .. }) {
                self.answer("Still connecting to the server.");
            }
            return;
        }
        self.say_connection(event);
        self.show_connection();
    }

    fn say_connection(&mut self, event: &Event) {
        // That it is lost was said with the reason, and with what to do.
        if self.changed.is_none() || !matches!(event, Event::ConnectionLost { .. }) {
            self.event(event, Arrival::Live);
        }
    }

    /// What the chats and the color of the line say about the connection.
    pub(super) fn show_connection(&self) {
        let lost = self.watch.is_lost();
        let Some(session) = &self.session else { return };
        session.main.view.window.set_connection_bad(lost);
        let words = if lost { "No connection. Messages are sent when it is back." } else { "" };
        for open in session.chats.values() {
            open.view.view.window.set_connection(words.into());
        }
    }
}
