//! The contact list and everything that is done with a contact.

use slint::PlatformError;
use thrive_client::{Arrival, Contact, Failure, ServerAddress, UserId};

use super::Desk;
use crate::adapters::dialogs::{AddContactView, ConfirmView};
use crate::adapters::shell::{Input, WindowKey};
use crate::announce::Event;
use crate::bridge::{Deed, Wish};
use crate::controllers::add_contact;
use crate::controllers::contacts::{A_GROUP, Plan};
use crate::keys::Command;
use crate::rows::RowChange;
use crate::updates::Offer;
use crate::{clock, words};

/// What a dialog asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Question {
    Delete(Contact),
    /// Nobody in this group any more?
    Disband(String),
    Request(Contact),
    Certificate {
        server: ServerAddress,
        fingerprint: String,
    },
    Links(Vec<String>),
    Offer(thrive_client::File),
    Update(Offer),
    /// Start the program again, with its new version.
    Restart,
}

impl Desk {
    pub(super) fn people_command(&mut self, key: WindowKey, command: Command) {
        match (key, command) {
            (WindowKey::Contacts, Command::Open) => self.with_chosen(Command::Open),
            (WindowKey::Contacts, Command::Delete) => self.with_chosen(Command::Delete),
            (WindowKey::Contacts, Command::Block) => self.with_chosen(Command::Block),
            (WindowKey::Contacts, Command::Entered) => {
                if let Some(session) = &mut self.session {
                    let changes = session.contacts.enter();
                    session.main.update(&session.contacts, &changes);
                }
            }
            (WindowKey::Contacts, Command::Add) => self.open_add(),
            (WindowKey::Contacts, Command::Search) => {
                if let Some(session) = &self.session {
                    session.main.view.window.invoke_focus_search();
                }
            }
            (WindowKey::Contacts, Command::Rename) => self.rename_chosen(),
            (WindowKey::Contacts, Command::Actions) => self.open_actions(),
            (WindowKey::Contacts, Command::Directory) => self.open_directory(),
            (WindowKey::Contacts, Command::Conversations) => self.open_conversations(),
            (WindowKey::Contacts, Command::Missed) => self.open_missed(),
            (WindowKey::Contacts, Command::Status) => self.open_status(),
            (WindowKey::Contacts, Command::Settings) => self.open_settings(),
            (WindowKey::Contacts, Command::About) => self.open_about(),
            (WindowKey::Contacts, Command::SendFile) => self.send_files_to_chosen(),
            (WindowKey::Contacts, Command::Transfers) => self.open_transfers(),
            (WindowKey::Contacts, Command::Orders) => self.open_orders(),
            (WindowKey::Contacts, Command::Updates) => self.ask_for_updates(),
            (WindowKey::Contacts, Command::Server) => self.ask_server(),
            (WindowKey::Contacts, Command::LogOut) => {
                self.keep_drafts(std::time::Duration::MAX);
                self.ask(Wish::LogOut);
            }
            (WindowKey::Contacts, Command::Exit) => self.exit(),
            (WindowKey::AddContact, Command::Add) => self.add_contact(),
            (WindowKey::AddContact, Command::Close) => self.close_dialog(key),
            (_, other) => tracing::error!(?key, ?other, "A command of another window"),
        }
    }

    fn with_chosen(&mut self, command: Command) {
        let Some(session) = &self.session else { return };
        let plan = match command {
            Command::Delete => session.contacts.delete(),
            Command::Block => session.contacts.block(),
            _ => session.contacts.open(),
        };
        match plan {
            Plan::Chat(username) => self.open_chat(username),
            Plan::Request(contact) => self.ask_about_request(contact),
            Plan::ConfirmDelete(contact) => self.ask_to_delete(contact),
            Plan::Block(username) => self.ask(Wish::Block(username)),
            Plan::Unblock(user) => self.ask(Wish::Unblock(user)),
            // From elsewhere nobody would hear it.
            Plan::Fold if session.main.view.window.get_list_has_focus() => self.turn_group(),
            Plan::Fold => self.answer(A_GROUP),
            Plan::Nothing(sentence) => self.answer(sentence),
        }
    }

    pub(super) fn ask_to_delete(&mut self, contact: Contact) {
        let question = format!(
            "{} will no longer be one of your contacts, and neither of you sees whether \
             the other is online.",
            contact.display_name()
        );
        let heading = format!("Delete {}?", contact.display_name());
        let answers = [("Delete", "Alt+D"), ("Cancel", "Escape")];
        let view = ConfirmView::open(&heading, &question, &answers, 1, &self.settings, &self.tell);
        self.ask_person(view, Question::Delete(contact));
    }

    fn ask_about_request(&mut self, contact: Contact) {
        let name = contact.display_name();
        let heading = format!("{name} asks to be your contact");
        let question = if contact.request.is_empty() {
            "There are no words with it.".to_owned()
        } else {
            contact.request.clone()
        };
        let answers =
            [("Accept", "Alt+A"), ("Decline", "Alt+D"), ("Block", "Alt+B"), ("Later", "Escape")];
        let view = ConfirmView::open(&heading, &question, &answers, 0, &self.settings, &self.tell);
        self.ask_person(view, Question::Request(contact));
    }

    pub(super) fn ask_person(
        &mut self,
        view: Result<ConfirmView, PlatformError>,
        question: Question,
    ) {
        self.close_dialog(WindowKey::Confirm);
        if let Some(view) = self.made(view) {
            view.show();
            self.confirm = Some((view, question));
        }
    }

    pub(super) fn answer_by_letter(&mut self, letter: &str) {
        use slint::Model;
        let Some((view, _)) = &self.confirm else { return };
        let wanted = format!("Alt+{}", letter.to_uppercase());
        let found = view.window.get_answers().iter().position(|it| it.keys == wanted.as_str());
        if let Some(answer) = found {
            self.answered(answer);
        }
    }

    pub(super) fn answered(&mut self, answer: usize) {
        let Some((_, question)) = &self.confirm else { return };
        let question = question.clone();
        self.close_dialog(WindowKey::Confirm);
        match (question, answer) {
            (Question::Delete(contact), 0) => self.ask(Wish::Remove(contact.user)),
            (Question::Disband(group), 0) => self.ask_to_rename(group, String::new()),
            (Question::Request(contact), 0) => self.ask(Wish::Accept(contact.user)),
            (Question::Request(contact), 1) => self.ask(Wish::Decline(contact.user)),
            (Question::Request(contact), 2) => self.ask(Wish::Block(contact.username)),
            (Question::Certificate { server, fingerprint }, 1) => {
                self.ask(Wish::AcceptServer { server, fingerprint });
            }
            (Question::Offer(file), at) => self.offer_answered(file, at),
            (Question::Links(links), at) => {
                if let Some(link) = links.into_iter().nth(at) {
                    self.ask(Wish::OpenLink(link));
                }
            }
            (Question::Update(offer), 0) => self.install_update(offer),
            (Question::Restart, 0) => self.restart(),
            // Cancel, later, do not connect: nothing is changed.
            (Question::Delete(_) | Question::Disband(_) | Question::Request(_), _)
            | (Question::Certificate { .. } | Question::Update(_) | Question::Restart, _) => {}
        }
    }

    fn open_add(&mut self) {
        if let Some(view) = &self.add {
            return view.raise();
        }
        let view = AddContactView::open(&self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.add = Some(view);
        }
    }

    fn add_contact(&mut self) {
        let (Some(view), Some(session)) = (&self.add, &self.session) else { return };
        let window = &view.window;
        if window.get_busy() {
            return;
        }
        match add_contact::submit(&window.get_username(), &window.get_words(), &session.username) {
            Ok(wish) => {
                window.set_busy(true);
                window.set_notice("".into());
                self.ask(wish);
            }
            Err(sentence) => {
                window.set_notice(sentence.as_str().into());
                window.invoke_focus_username();
                self.problem(sentence);
            }
        }
    }

    pub(super) fn contact_added(&mut self, result: Result<Contact, Failure>) {
        match result {
            Ok(contact) => {
                self.close_dialog(WindowKey::AddContact);
                self.answer(add_contact::outcome(&contact));
                self.contact_changed(None, contact, Arrival::CatchUp);
            }
            Err(failure) => {
                let sentence = words::failure(&failure);
                if let Some(view) = &self.add {
                    view.window.set_busy(false);
                    view.window.set_notice(sentence.as_str().into());
                    view.window.invoke_focus_username();
                }
                self.problem(sentence);
            }
        }
    }

    pub(super) fn done(&mut self, deed: Deed, result: Result<(), Failure>) {
        let sentence = match (deed, result) {
            (Deed::Log, Err(_)) => "The log of the chat could not be written.".to_owned(),
            (Deed::KeepToken, Err(_)) => {
                "Your login could not be kept on this computer. You will be asked for the password."
                    .to_owned()
            }
            (Deed::KeepSettings, Err(_)) => "The settings could not be saved.".to_owned(),
            (Deed::StartAtLogin, Err(_)) => {
                let sentence = "Starting Thrive when you log in could not be changed.";
                self.choices.iter().for_each(|it| it.view.window.set_notice(sentence.into()));
                sentence.to_owned()
            }
            (Deed::OpenLink, Err(_)) => "The link could not be opened.".to_owned(),
            (_, Err(failure)) => words::failure(&failure),
            (Deed::Decline, Ok(())) => return self.answer("The request is declined."),
            (Deed::Remove, Ok(())) => return self.answer("The contact is deleted."),
            (Deed::Block, Ok(())) => return self.answer("Blocked."),
            (Deed::Unblock, Ok(())) => return self.answer("Unblocked."),
            (Deed::SetPresence, Ok(())) => {
                // Whoever chooses to be away is not to be brought back by the next key.
                self.watch_idle();
                return self.answer("Your status is set.");
            }
            // The contact who is there now is the answer to `Accept`.
            (
                Deed::Accept
                | Deed::Retry
                | Deed::Discard
                | Deed::Log
                | Deed::KeepToken
                | Deed::OpenLink
                | Deed::KeepSettings
                | Deed::StartAtLogin,
                Ok(()),
            ) => return,
        };
        self.problem(sentence);
    }

    pub(super) fn move_in_contacts(&mut self, input: Input) {
        let Some(session) = &mut self.session else { return };
        let changes = match input {
            Input::Walk(step) => session.contacts.walk(step),
            Input::Letter(letter) => session.contacts.letter(&letter),
            Input::Picked(at) => session.contacts.choose(at),
            Input::Fold(fold) => session.contacts.fold(fold),
            _ => return,
        };
        self.contacts_moved(&changes);
    }

    pub(super) fn turn_group(&mut self) {
        let Some(session) = &mut self.session else { return };
        let changes = session.contacts.turn();
        self.contacts_moved(&changes);
    }

    pub(super) fn contacts_moved(&mut self, changes: &[RowChange]) {
        let Some(session) = &self.session else { return };
        session.main.update(&session.contacts, changes);
        if *session.contacts.closed() != self.settings.closed_groups {
            self.settings.closed_groups.clone_from(session.contacts.closed());
            self.save_settings();
        }
    }

    /// A contact is new or changed: the row, the chat, and what is said of it.
    pub(super) fn contact_changed(
        &mut self,
        before: Option<Contact>,
        now: Contact,
        arrival: Arrival,
    ) {
        let Some(session) = &mut self.session else { return };
        let changes = session.contacts.put(now.clone());
        if arrival == Arrival::CatchUp {
            session.contacts.begin();
        }
        session.main.update(&session.contacts, &changes);
        let user = now.user;
        if let Some(open) = session.chats.get_mut(&user) {
            if open.chat.name != now.display_name() {
                now.display_name().clone_into(&mut open.chat.name);
                open.view.view.window.set_person(now.display_name().into());
            }
            show_person(open, Some(&now), &self.zone);
        }
        self.contact_elsewhere(&now);
        for event in news_of(before.as_ref(), &now, self.where_is(WindowKey::Chat(user))) {
            self.event(&event, arrival);
        }
    }

    pub(super) fn contact_gone(&mut self, user: UserId) {
        let Some(session) = &mut self.session else { return };
        let changes = session.contacts.gone(user);
        session.main.update(&session.contacts, &changes);
        if let Some(open) = session.chats.get(&user) {
            show_person(open, None, &self.zone);
        }
    }
}

/// What stands above a chat about the person.
pub(super) fn show_person(
    open: &super::OpenChat,
    contact: Option<&Contact>,
    zone: &jiff::tz::TimeZone,
) {
    let window = &open.view.view.window;
    let status = match contact {
        Some(contact) => {
            let standing = words::standing(&Contact { typing: false, ..contact.clone() });
            let seen = contact.presence.last_seen_ms.filter(|_| {
                contact.presence.availability == thrive_client::Availability::Offline
                    && contact.relation == thrive_client::Relation::Contact
            });
            match seen {
                Some(seen) => {
                    let seen = clock::of_message(seen, clock::now_ms(), zone);
                    format!("{standing}, last seen {seen}")
                }
                None => standing,
            }
        }
        None => "not in your contacts".into(),
    };
    window.set_status(status.into());
    let stranger = contact.is_none_or(|contact| contact.relation == thrive_client::Relation::None);
    window.set_stranger(stranger);
    let blocked = contact.is_some_and(|contact| contact.blocked);
    window.set_block_label(if blocked { "Unblock" } else { "Block" }.into());
    let typing = contact.is_some_and(|contact| contact.typing);
    let words = if typing { format!("{} is typing…", open.chat.name) } else { String::new() };
    window.set_typing(words.into());
}

/// What is worth saying about a change of a contact.
fn news_of(before: Option<&Contact>, now: &Contact, chat: crate::announce::Chat) -> Vec<Event> {
    use thrive_client::{Availability, Relation};
    let who = now.display_name().to_owned();
    let mut events = Vec::new();
    let asked_before = before.is_some_and(|it| it.relation == Relation::AsksMe);
    if now.relation == Relation::AsksMe && !asked_before && !now.blocked {
        events.push(Event::Request { who: who.clone(), words: now.request.clone() });
    }
    let Some(before) = before else { return events };
    if before.relation == Relation::Asked && now.relation == Relation::Contact {
        events.push(Event::Answer(format!("{who} has accepted your request.")));
    }
    if asked_before && now.relation == Relation::Contact {
        // By name: the row has moved, and was perhaps not read.
        events.push(Event::Answer(format!("{who} is one of your contacts now.")));
    }
    let there = |contact: &Contact| contact.presence.availability != Availability::Offline;
    if before.relation == Relation::Contact && now.relation == Relation::Contact {
        match (there(before), there(now)) {
            (false, true) => events.push(Event::CameOnline { who: who.clone() }),
            (true, false) => events.push(Event::WentOffline { who: who.clone() }),
            (true, true) | (false, false) => {}
        }
    }
    if before.typing != now.typing {
        events.push(Event::Typing { who, active: now.typing, chat });
    }
    events
}
