//! What can be done with one person: the search for them, the window of actions, a name for them.

use thrive_client::{Arrival, Code, Contact, Failure, UserId};

use super::Social;
use crate::adapters::people::{ActionsView, Chosen, RenameView};
use crate::adapters::shell::WindowKey;
use crate::bridge::{SocialWish, Wish};
use crate::controllers::actions::{Action, actions};
use crate::desk::Desk;
use crate::words;

impl Desk {
    /// The text of the search in the main window has changed.
    pub(super) fn search_contacts(&mut self) {
        let now = self.now();
        let Some(session) = &mut self.session else { return };
        let changes = session.contacts.search(&session.main.view.window.get_search());
        session.contacts.begin();
        session.main.update(&session.contacts, &changes);
        self.circle.searched = Some(now);
    }

    pub(super) fn say_matches(&mut self) {
        let Some(session) = &self.session else { return };
        let count = session.contacts.people();
        self.answer(match (session.contacts.is_searched(), count) {
            (true, 0) => "Nobody has such a name.".to_owned(),
            (true, 1) => "1 contact has such a name.".to_owned(),
            (true, count) => format!("{count} contacts have such a name."),
            (false, 1) => "1 contact.".to_owned(),
            (false, count) => format!("{count} contacts."),
        });
    }

    /// Escape in the main window: the search ends; without one, the list has the focus.
    pub(in crate::desk) fn end_search(&mut self) {
        let Some(session) = &self.session else { return };
        let window = &session.main.view.window;
        if window.get_search().is_empty() {
            if window.get_search_has_focus() {
                window.invoke_focus_list();
            }
            return;
        }
        window.set_search("".into());
        self.search_contacts();
    }

    fn chosen_contact(&self) -> Option<Contact> {
        self.session.as_ref()?.contacts.chosen().cloned()
    }

    pub(in crate::desk) fn open_actions(&mut self) {
        if let Some(heading) = self.chosen_heading() {
            return self.open_group_actions(heading);
        }
        let Some(contact) = self.chosen_contact() else {
            return self.answer("Choose somebody in the list first.");
        };
        self.circle.close(Social::Actions);
        let offered = actions(&contact);
        let view = ActionsView::open(contact, offered, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.view.show();
            self.circle.actions = Some(view);
        }
    }

    pub(super) fn do_action(&mut self) {
        let Some(view) = &self.circle.actions else { return };
        let chosen = view.chosen();
        self.close_dialog(WindowKey::Social(Social::Actions));
        match chosen {
            Some(Chosen::Person(contact, action)) => self.act(contact, action),
            Some(Chosen::Group(heading, action)) => self.act_on_group(&heading, action),
            None => {}
        }
    }

    fn act(&mut self, contact: Contact, action: Action) {
        match action {
            Action::Chat => self.open_chat(contact.username),
            Action::Accept => self.ask(Wish::Accept(contact.user)),
            Action::Decline => self.ask(Wish::Decline(contact.user)),
            Action::Add => self.ask_to_add(contact.username),
            Action::Rename => self.open_rename(contact),
            Action::Block => self.ask(Wish::Block(contact.username)),
            Action::Unblock => self.ask(Wish::Unblock(contact.user)),
            Action::Delete => self.ask_to_delete(contact),
        }
    }

    pub(in crate::desk) fn rename_chosen(&mut self) {
        if let Some(heading) = self.chosen_heading() {
            return self.open_rename_group(&heading);
        }
        match self.chosen_contact() {
            Some(contact) => self.open_rename(contact),
            None => self.answer("Choose somebody in the list first."),
        }
    }

    fn open_rename(&mut self, contact: Contact) {
        self.circle.close(Social::Rename);
        let known = self.session.iter().flat_map(|session| session.contacts.known());
        let groups = thrive_client::groups(known);
        let view = RenameView::open(&contact, &groups, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.circle.rename = Some((view, contact));
        }
    }

    pub(super) fn set_name(&mut self) {
        let Some((view, contact)) = &self.circle.rename else { return };
        if view.window.get_busy() {
            return;
        }
        let changed = |now: slint::SharedString, before: &str| {
            Some(words::one_line(&now)).filter(|now| now != before)
        };
        let nickname = changed(view.window.get_name(), &contact.nickname);
        let group = changed(view.window.get_group(), &contact.group);
        if nickname.is_none() && group.is_none() {
            self.close_dialog(WindowKey::Social(Social::Rename));
            return self.answer("Nothing was changed.");
        }
        view.window.set_busy(true);
        view.window.set_notice("".into());
        let user = contact.user;
        self.ask(Wish::Social(SocialWish::Name { user, nickname, group }));
    }

    pub(super) fn named(&mut self, result: Result<Contact, Failure>) {
        match result {
            Ok(contact) => {
                let before = self.circle.rename.as_ref().map(|(_, before)| before.clone());
                self.close_dialog(WindowKey::Social(Social::Rename));
                self.answer(what_is_new(before.as_ref(), &contact));
                self.contact_changed(None, contact, Arrival::CatchUp);
            }
            Err(failure) => {
                let sentence = words::failure(&failure);
                if let Some((view, _)) = &self.circle.rename {
                    view.window.set_busy(false);
                    view.window.set_notice(sentence.as_str().into());
                    match failure {
                        Failure::Refused { code: Code::GroupTooLong, .. } => {
                            view.window.invoke_focus_group();
                        }
                        _ => view.window.invoke_focus_name(),
                    }
                }
                self.problem(sentence);
            }
        }
    }

    /// From the chat with somebody.
    pub(in crate::desk) fn add_peer(&mut self, peer: UserId) {
        let Some(open) = self.session.as_ref().and_then(|it| it.chats.get(&peer)) else { return };
        if open.view.view.window.get_stranger() {
            self.ask_to_add(open.chat.username.clone());
        } else {
            self.answer(format!(
                "{} is one of your contacts already, or was asked.",
                open.chat.name
            ));
        }
    }

    /// From the chat with somebody.
    pub(in crate::desk) fn block_peer(&mut self, peer: UserId) {
        let Some(session) = &self.session else { return };
        let Some(open) = session.chats.get(&peer) else { return };
        let blocked = session.contacts.get(peer).is_some_and(|contact| contact.blocked);
        let username = open.chat.username.clone();
        self.ask(if blocked { Wish::Unblock(peer) } else { Wish::Block(username) });
    }
}

/// What was set of a name and a group.
fn what_is_new(before: Option<&Contact>, now: &Contact) -> String {
    let name = &now.username;
    let changed = |of: fn(&Contact) -> &String| before.is_none_or(|before| of(before) != of(now));
    let mut sentences = Vec::new();
    if changed(|it| &it.nickname) {
        sentences.push(match now.nickname.as_str() {
            "" => format!("{name} has no other name any more."),
            nickname => format!("{name} is called {nickname} here."),
        });
    }
    if changed(|it| &it.group) {
        sentences.push(match now.group.as_str() {
            "" => format!("{} is in no group.", now.display_name()),
            group => format!("{} is in the group {group}.", now.display_name()),
        });
    }
    if sentences.is_empty() { "Nothing was changed.".to_owned() } else { sentences.join(" ") }
}
