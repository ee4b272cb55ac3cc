//! The windows about people beyond the contact list: directory, conversations, what was missed, and
//! what can be done with one person or a group.

mod company;
mod directory;
mod group;
mod person;
mod standing;

use std::collections::BTreeMap;
use std::time::Duration;

use thrive_client::{Contact, Failure, Missed, Privacy, Username};

use super::Desk;
use crate::adapters::people::{
    ActionsView, CompanyView, DirectoryView, RenameGroupView, RenameView,
};
use crate::adapters::shell::{Input, Shown, WindowKey};
use crate::bridge::{SocialNews, SocialWish, Wish};
use crate::controllers::add_contact;
use crate::controllers::company::Company;
use crate::controllers::directory::Directory;
use crate::keys::{Command, Place};
use crate::words;

/// A window of this theme.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Social {
    Directory,
    Conversations,
    Missed,
    Actions,
    Rename,
    RenameGroup,
}

impl Social {
    pub const ALL: &[Self] = &[
        Self::Directory,
        Self::Conversations,
        Self::Missed,
        Self::Actions,
        Self::Rename,
        Self::RenameGroup,
    ];

    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Directory => Place::Directory,
            Self::Conversations => Place::Conversations,
            Self::Missed => Place::Missed,
            Self::Actions => Place::Actions,
            Self::Rename => Place::Rename,
            Self::RenameGroup => Place::RenameGroup,
        }
    }
}

/// The windows of this theme that are open, and what is remembered for them.
#[derive(Default)]
pub struct Circle {
    pub directory: Option<(DirectoryView, Directory)>,
    pub conversations: Option<(CompanyView, Company)>,
    pub missed: Option<(CompanyView, Company)>,
    pub actions: Option<ActionsView>,
    pub rename: Option<(RenameView, Contact)>,
    /// With what the group is called.
    pub rename_group: Option<(RenameGroupView, String)>,
    /// What came while this device was away, the last time that it came back.
    missed_messages: Vec<Missed>,
    /// It was not said yet.
    missed_unsaid: bool,
    /// When the number of those who were found is said, and when the directory is searched.
    searched: Option<Duration>,
    directory_edited: Option<Duration>,
    /// The windows from which chats were opened: closing the chat leads back.
    came_from: BTreeMap<Username, Social>,
    /// Letters of the longest status.
    status_limit: Option<u32>,
    idle_known: Option<bool>,
    /// What others may see, as the server has it.
    privacy: Option<Privacy>,
}

impl std::fmt::Debug for Circle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Circle")
    }
}

impl Circle {
    pub(super) fn shown(&self, window: Social) -> Option<&dyn Shown> {
        match window {
            Social::Directory => self.directory.as_ref().map(|(it, _)| &it.view as &dyn Shown),
            Social::Conversations => {
                self.conversations.as_ref().map(|(it, _)| &it.view as &dyn Shown)
            }
            Social::Missed => self.missed.as_ref().map(|(it, _)| &it.view as &dyn Shown),
            Social::Actions => self.actions.as_ref().map(|it| &it.view as &dyn Shown),
            Social::Rename => self.rename.as_ref().map(|(it, _)| it as &dyn Shown),
            Social::RenameGroup => self.rename_group.as_ref().map(|(it, _)| it as &dyn Shown),
        }
    }

    /// Closes one; where the focus was in the window behind, it still is.
    pub(super) fn close(&mut self, window: Social) {
        match window {
            Social::Directory => {
                self.directory_edited = None;
                self.directory.take().into_iter().for_each(|(it, _)| it.view.close());
            }
            Social::Conversations => {
                self.conversations.take().into_iter().for_each(|(it, _)| it.view.close());
            }
            Social::Missed => self.missed.take().into_iter().for_each(|(it, _)| it.view.close()),
            Social::Actions => self.actions.take().into_iter().for_each(|it| it.view.close()),
            Social::Rename => self.rename.take().into_iter().for_each(|(it, _)| it.close()),
            Social::RenameGroup => {
                self.rename_group.take().into_iter().for_each(|(it, _)| it.close());
            }
        }
    }

    /// Something is to happen soon without anybody doing anything.
    pub(super) fn needs_clock(&self) -> bool {
        self.searched.is_some() || self.directory_edited.is_some()
    }

    /// A chat that was asked for in one of these windows is not opened.
    pub(super) fn no_way_back(&mut self, username: &Username) {
        self.came_from.remove(username);
    }

    /// The session is over.
    pub(super) fn forget(&mut self) {
        // How long a status may be is another matter on another server.
        let idle_known = self.idle_known;
        *self = Self { idle_known, ..Self::default() };
    }
}

impl Desk {
    pub(super) fn social_command(&mut self, window: Social, command: Command) {
        match (window, command) {
            (_, Command::Close) => self.close_dialog(WindowKey::Social(window)),
            (Social::Directory, command) => self.directory_command(command),
            (Social::Conversations | Social::Missed, command) => {
                self.company_command(window, command);
            }
            (Social::Actions, Command::Do) => self.do_action(),
            (Social::Rename, Command::Set) => self.set_name(),
            (Social::RenameGroup, Command::Accept) => self.set_group_name(),
            (_, other) => tracing::error!(?window, ?other, "A command of another window"),
        }
    }

    pub(super) fn move_in_social(&mut self, window: Social, input: &Input) {
        match window {
            Social::Directory => self.move_in_directory(input),
            Social::Conversations | Social::Missed => self.move_in_company(window, input),
            Social::Actions | Social::Rename | Social::RenameGroup => {}
        }
    }

    /// F6 in one of them.
    pub(super) fn go_social_region(&self, window: Social, forward: bool) {
        let by = if forward { 1 } else { -1 };
        let company = match window {
            Social::Directory => {
                let view = self.circle.directory.as_ref();
                return view.into_iter().for_each(|(it, _)| it.view.window.invoke_go_region(by));
            }
            Social::Conversations => &self.circle.conversations,
            Social::Missed => &self.circle.missed,
            Social::Actions | Social::Rename | Social::RenameGroup => return,
        };
        company.iter().for_each(|(it, _)| it.view.window.invoke_go_region(by));
    }

    pub(super) fn hear_social(&mut self, news: SocialNews) {
        match news {
            SocialNews::Directory { asked, result } => self.directory_came(asked, result),
            SocialNews::Talks(result) => self.talks_came(result),
            SocialNews::Added(result) => self.added(result),
            SocialNews::Named(result) => self.named(result),
            SocialNews::GroupRenamed { group, result } => self.group_renamed(&group, result),
            SocialNews::Missed(missed) => self.missed_came(missed),
            SocialNews::IdleKnown(known) => self.idle_told(known),
            SocialNews::AutoAway(shown) => self.auto_away(shown),
            SocialNews::Privacy(result) => self.privacy_came(result),
            SocialNews::StatusLimit(limit) => self.circle.status_limit = Some(limit),
        }
    }

    /// The text of a search changed.
    pub(super) fn search_edited(&mut self, key: WindowKey) {
        let now = self.now();
        match key {
            WindowKey::Contacts => self.search_contacts(),
            WindowKey::Social(Social::Directory) => self.circle.directory_edited = Some(now),
            _ => {}
        }
    }

    pub(super) fn tick_social(&mut self, now: Duration) {
        let is_due = |since: Option<Duration>, after| {
            since.is_some_and(|since| after <= now.saturating_sub(since))
        };
        if is_due(self.circle.directory_edited, SEARCH_AFTER) {
            self.search_directory();
        }
        if is_due(self.circle.searched, SAY_AFTER) {
            self.circle.searched = None;
            self.say_matches();
        }
    }

    /// A contact is new or changed: the rows that show it elsewhere.
    pub(super) fn contact_elsewhere(&mut self, contact: &Contact) {
        if let Some((view, directory)) = &mut self.circle.directory {
            let changes = directory.changed(contact);
            view.update(directory, &changes);
        }
        let companies = [&mut self.circle.conversations, &mut self.circle.missed];
        for (view, company) in companies.into_iter().flatten() {
            let changes = company.changed(contact);
            view.update(company, &changes);
        }
    }

    /// Opens a chat from one of these windows; closing it leads back there.
    fn open_chat_from(&mut self, window: Social, username: Username) {
        self.circle.came_from.insert(username.clone(), window);
        self.open_chat(username);
    }

    /// A chat was closed. False when it was not opened from a window that is still there.
    pub(super) fn back_from_chat(&mut self, username: &Username) -> bool {
        let from = self.circle.came_from.remove(username);
        let Some(window) = from.and_then(|window| self.circle.shown(window)) else { return false };
        window.raise();
        true
    }

    /// Asks somebody to be a contact, from any window.
    pub(super) fn ask_to_add(&mut self, username: Username) {
        self.ask(Wish::Social(SocialWish::Add(username)));
    }

    fn added(&mut self, result: Result<Contact, Failure>) {
        match result {
            Ok(contact) => {
                self.answer(add_contact::outcome(&contact));
                self.contact_changed(None, contact, thrive_client::Arrival::CatchUp);
            }
            Err(failure) => self.social_problem(&words::failure(&failure)),
        }
    }

    /// Says what went wrong, and writes it into the window that has the keyboard.
    fn social_problem(&mut self, sentence: &str) {
        match self.active {
            Some(WindowKey::Social(Social::Directory)) => {
                self.circle.directory.iter().for_each(|(view, _)| view.say(sentence, true));
            }
            Some(WindowKey::Social(Social::Conversations)) => {
                self.circle.conversations.iter().for_each(|(view, _)| view.say(sentence, true));
            }
            Some(WindowKey::Social(Social::Missed)) => {
                self.circle.missed.iter().for_each(|(view, _)| view.say(sentence, true));
            }
            Some(WindowKey::Chat(peer)) => {
                let chat = self.session.as_ref().and_then(|it| it.chats.get(&peer));
                chat.iter().for_each(|open| open.view.view.window.set_notice(sentence.into()));
            }
            Some(_) | None => {}
        }
        self.problem(sentence);
    }
}

/// Between the last letter of a search and the question to the server.
const SEARCH_AFTER: Duration = Duration::from_millis(400);
/// Between the last letter of a search and the number of those who were found.
const SAY_AFTER: Duration = Duration::from_millis(700);
