//! What can be done with a group of contacts: the window of actions, another name, nobody in it.

use thrive_client::{Failure, GroupRenamed};

use super::Social;
use crate::adapters::dialogs::ConfirmView;
use crate::adapters::people::{ActionsView, RenameGroupView};
use crate::adapters::shell::WindowKey;
use crate::bridge::{SocialWish, Wish};
use crate::controllers::actions::{GroupAction, group_actions};
use crate::controllers::groups::Heading;
use crate::desk::Desk;
use crate::desk::people::Question;
use crate::words;

impl Desk {
    pub(super) fn chosen_heading(&self) -> Option<Heading> {
        self.session.as_ref()?.contacts.heading().cloned()
    }

    pub(super) fn open_group_actions(&mut self, heading: Heading) {
        self.circle.close(Social::Actions);
        let offered = group_actions(&heading);
        let view = ActionsView::of_group(heading, offered, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.view.show();
            self.circle.actions = Some(view);
        }
    }

    pub(super) fn act_on_group(&mut self, heading: &Heading, action: GroupAction) {
        match action {
            GroupAction::Open => self.set_closed(heading, false),
            GroupAction::Close => self.set_closed(heading, true),
            GroupAction::Rename => self.open_rename_group(heading),
            GroupAction::Disband => self.ask_to_disband(heading),
        }
    }

    /// The heading that it was asked for, whatever is chosen by now.
    fn set_closed(&mut self, heading: &Heading, closed: bool) {
        let Some(session) = &mut self.session else { return };
        match session.contacts.set_closed(&heading.key, closed) {
            Some(changes) => self.contacts_moved(&changes),
            None => self.answer("Nobody is in this group any more."),
        }
    }

    pub(super) fn open_rename_group(&mut self, heading: &Heading) {
        if !heading.is_group() {
            return self.answer("These contacts are in no group. Alt+N on one puts them into one.");
        }
        self.circle.close(Social::RenameGroup);
        let group = heading.name();
        let view = RenameGroupView::open(group, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            view.window.invoke_focus_name();
            self.circle.rename_group = Some((view, group.to_owned()));
        }
    }

    pub(super) fn set_group_name(&mut self) {
        let Some((view, group)) = &self.circle.rename_group else { return };
        if view.window.get_busy() {
            return;
        }
        let (group, name) = (group.clone(), words::one_line(&view.window.get_name()));
        if name == group {
            self.close_dialog(WindowKey::Social(Social::RenameGroup));
            return self.answer("Nothing was changed.");
        }
        view.window.set_busy(true);
        view.window.set_notice("".into());
        self.ask_to_rename(group, name);
    }

    fn ask_to_disband(&mut self, heading: &Heading) {
        let group = heading.name();
        let question = match heading.people() {
            1 => "1 contact will be in no group, and this group will be gone.".to_owned(),
            people => format!("{people} contacts will be in no group, and this one will be gone."),
        };
        let title = format!("Take everybody out of {group}?");
        let answers = [("Take everybody out", "Alt+T"), ("Cancel", "Escape")];
        let view = ConfirmView::open(&title, &question, &answers, 1, &self.settings, &self.tell);
        self.ask_person(view, Question::Disband(group.to_owned()));
    }

    pub(in crate::desk) fn ask_to_rename(&mut self, group: String, name: String) {
        let Some(session) = &mut self.session else { return };
        session.contacts.rename_group(&group, &name);
        self.ask(Wish::Social(SocialWish::RenameGroup { group, name }));
    }

    pub(super) fn group_renamed(&mut self, group: &str, result: Result<GroupRenamed, Failure>) {
        let Some(session) = &mut self.session else { return };
        let asked = self.circle.rename_group.as_ref().filter(|(_, of)| of == group);
        match result {
            Ok(renamed) => {
                let users: Vec<_> = renamed.contacts.iter().map(|it| it.user).collect();
                let changes = session.contacts.renamed(&users, &renamed.group);
                let of_new = session.contacts.known().filter(|it| it.group == renamed.group);
                let joined = users.len() < of_new.count();
                let is_asked = asked.is_some();
                // Before the list gets the keys again: it is read once, as it is now.
                self.contacts_moved(&changes);
                if is_asked {
                    self.close_dialog(WindowKey::Social(Social::RenameGroup));
                }
                self.answer(match (renamed.group.as_str(), joined) {
                    ("", _) => format!("Nobody is in the group {group} any more."),
                    (now, true) => format!("Everybody from {group} is in the group {now}."),
                    (now, false) => format!("The group {group} is called {now}."),
                });
            }
            Err(failure) => {
                session.contacts.not_renamed();
                let sentence = words::failure(&failure);
                if let Some((view, _)) = asked {
                    view.window.set_busy(false);
                    view.window.set_notice(sentence.as_str().into());
                    view.window.invoke_focus_name();
                }
                self.problem(sentence);
            }
        }
    }
}
