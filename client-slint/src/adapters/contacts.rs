//! The main window.

use slint::PlatformError;

use super::listing::Listing;
use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::contacts::{Contacts, Fold, Line};
use crate::rows::RowChange;
use crate::settings::Settings;
use crate::ui::{MainWindow, PersonRow};

pub struct ContactsView {
    pub view: View<MainWindow>,
    rows: Listing<PersonRow>,
}

impl ContactsView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(username: &str, settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Contacts;
        let window = MainWindow::new()?;
        wire!(window, KEY, tell);
        let told = tell.clone();
        window.on_walk(move |it| told.say(KEY, Input::Walk(step(it))));
        let told = tell.clone();
        window.on_folded(move |inward| {
            told.say(KEY, Input::Fold(if inward { Fold::In } else { Fold::Out }));
        });
        let told = tell.clone();
        window.on_letter(move |letter| told.say(KEY, Input::Letter(letter.into())));
        let told = tell.clone();
        window.on_picked(move |at| {
            if let Ok(at) = usize::try_from(at) {
                told.say(KEY, Input::Picked(at));
            }
        });
        let told = tell.clone();
        window.on_edited(move || told.say(KEY, Input::Edited));
        window.set_username(username.into());
        let rows = Listing::default();
        window.set_rows(rows.seen());
        window.set_heard(rows.heard());
        Ok(Self { view: View::new(window, KEY, settings, tell), rows })
    }

    /// Changes the rows in place, and the number of the current one with them.
    pub fn update(&self, contacts: &Contacts, changes: &[RowChange]) {
        self.rows.update(changes, |at| person(contacts.line(at)));
        let window = &self.view.window;
        window.set_count(number(Some(contacts.count())));
        window.set_current(number(contacts.current()));
        window.set_current_heard(self.rows.index(contacts.current()));
        window.set_block_label(contacts.block_label().into());
        window.set_empty(if contacts.is_searched() { NOBODY_FOUND } else { "" }.into());
        let unread = match contacts.unread_elsewhere() {
            0 => String::new(),
            unread => format!("{unread} unread"),
        };
        if window.get_conversations_unread() != unread.as_str() {
            window.set_conversations_unread(unread.into());
        }
    }
}

const NOBODY_FOUND: &str = "Nobody has such a name. Escape shows all contacts again.";

/// What is heard and what is seen of a person.
pub(super) fn person(line: Option<Line>) -> (String, PersonRow) {
    let Line { spoken, name, detail, unread, shape } = line.unwrap_or_default();
    let (name, detail, unread) = (name.into(), detail.into(), unread.into());
    (spoken, PersonRow { name, detail, unread, shape })
}
