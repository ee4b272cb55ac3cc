//! The windows about people beyond the contact list.

use slint::PlatformError;
use thrive_client::Contact;

use super::contacts::person;
use super::dialogs::{index, strings};
use super::listing::Listing;
use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::actions::{Action, GroupAction};
use crate::controllers::company::Company;
use crate::controllers::directory::{Directory, TABS};
use crate::controllers::groups::Heading;
use crate::desk::social::Social;
use crate::rows::RowChange;
use crate::settings::Settings;
use crate::ui::{
    ActionsWindow, DirectoryWindow, PeopleWindow, PersonRow, RenameGroupWindow, RenameWindow,
};

pub type RenameView = View<RenameWindow>;
pub type RenameGroupView = View<RenameGroupWindow>;

/// The arrows, letters and the mouse in a list of people.
macro_rules! wire_list {
    ($window:expr, $key:expr, $tell:expr) => {{
        let (key, told) = ($key, $tell.clone());
        $window.on_walk(move |it| told.say(key, Input::Walk(step(it))));
        let told = $tell.clone();
        $window.on_letter(move |letter| told.say(key, Input::Letter(letter.into())));
        let told = $tell.clone();
        $window.on_picked(move |at| {
            if let Ok(at) = usize::try_from(at) {
                told.say(key, Input::Picked(at));
            }
        });
    }};
}

pub struct DirectoryView {
    pub view: View<DirectoryWindow>,
    rows: Listing<PersonRow>,
}

impl DirectoryView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Social(Social::Directory);
        let window = DirectoryWindow::new()?;
        wire!(window, KEY, tell);
        wire_list!(window, KEY, tell);
        let told = tell.clone();
        window.on_tab_picked(move |tab| told.say(KEY, Input::Answered(index(tab))));
        let told = tell.clone();
        window.on_edited(move || told.say(KEY, Input::Edited));
        window.set_tabs(strings(TABS.map(|(_, words)| words)));
        let rows = Listing::default();
        window.set_rows(rows.seen());
        window.set_heard(rows.heard());
        Ok(Self { view: View::new(window, KEY, settings, tell), rows })
    }

    pub fn update(&self, directory: &Directory, changes: &[RowChange]) {
        self.rows.update(changes, |at| person(directory.line(at)));
        let window = &self.view.window;
        window.set_count(number(Some(directory.count())));
        window.set_current(number(directory.current()));
        window.set_current_heard(self.rows.index(directory.current()));
        window.set_tab(number(Some(directory.tab())));
        window.set_block_label(directory.block_label().into());
    }

    /// What stands under the list.
    pub fn say(&self, sentence: &str, bad: bool) {
        self.view.window.set_notice(sentence.into());
        self.view.window.set_bad(bad);
        self.view.window.set_empty(sentence.into());
    }
}

pub struct CompanyView {
    pub view: View<PeopleWindow>,
    rows: Listing<PersonRow>,
}

impl CompanyView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        social: Social,
        heading: &str,
        empty: &str,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        let key = WindowKey::Social(social);
        let window = PeopleWindow::new()?;
        wire!(window, key, tell);
        wire_list!(window, key, tell);
        window.set_heading(heading.into());
        window.set_empty(empty.into());
        let rows = Listing::default();
        window.set_rows(rows.seen());
        window.set_heard(rows.heard());
        Ok(Self { view: View::new(window, key, settings, tell), rows })
    }

    pub fn update(&self, company: &Company, changes: &[RowChange]) {
        self.rows.update(changes, |at| person(company.line(at)));
        let window = &self.view.window;
        window.set_count(number(Some(company.count())));
        window.set_current(number(company.current()));
        window.set_current_heard(self.rows.index(company.current()));
        window.set_block_label(company.block_label().into());
    }

    pub fn say(&self, sentence: &str, bad: bool) {
        self.view.window.set_notice(sentence.into());
        self.view.window.set_bad(bad);
    }
}

/// What can be done with one person, or with a group.
pub struct ActionsView {
    pub view: View<ActionsWindow>,
    offered: Offered,
}

enum Offered {
    Person(Contact, Vec<Action>),
    Group(Heading, Vec<GroupAction>),
}

/// What was chosen there, and for whom.
pub enum Chosen {
    Person(Contact, Action),
    Group(Heading, GroupAction),
}

impl ActionsView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        contact: Contact,
        actions: Vec<(Action, String)>,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        let (actions, words): (Vec<_>, Vec<_>) = actions.into_iter().unzip();
        let name = contact.display_name().to_owned();
        Self::offer(&name, words, Offered::Person(contact, actions), settings, tell)
    }

    /// # Errors
    /// The platform gives no window.
    pub fn of_group(
        heading: Heading,
        actions: Vec<(GroupAction, String)>,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        let (actions, words): (Vec<_>, Vec<_>) = actions.into_iter().unzip();
        let name = heading.name().to_owned();
        Self::offer(&name, words, Offered::Group(heading, actions), settings, tell)
    }

    fn offer(
        name: &str,
        words: Vec<String>,
        offered: Offered,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Social(Social::Actions);
        let window = ActionsWindow::new()?;
        wire!(window, KEY, tell);
        window.set_person(name.into());
        window.set_actions(strings(words));
        Ok(Self { view: View::new(window, KEY, settings, tell), offered })
    }

    /// What is chosen.
    #[must_use]
    pub fn chosen(&self) -> Option<Chosen> {
        let at = index(self.view.window.get_current());
        match &self.offered {
            Offered::Person(contact, actions) => {
                Some(Chosen::Person(contact.clone(), *actions.get(at)?))
            }
            Offered::Group(heading, actions) => {
                Some(Chosen::Group(heading.clone(), *actions.get(at)?))
            }
        }
    }
}

impl RenameGroupView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(group: &str, settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Social(Social::RenameGroup);
        let window = RenameGroupWindow::new()?;
        wire!(window, KEY, tell);
        window.set_group(group.into());
        window.set_name(group.into());
        Ok(Self::new(window, KEY, settings, tell))
    }
}

impl RenameView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        contact: &Contact,
        groups: &[String],
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Social(Social::Rename);
        let window = RenameWindow::new()?;
        wire!(window, KEY, tell);
        window.set_username(contact.username.as_str().into());
        window.set_name(contact.nickname.as_str().into());
        window.set_group(contact.group.as_str().into());
        window.set_groups(groups.join(", ").into());
        Ok(Self::new(window, KEY, settings, tell))
    }
}
