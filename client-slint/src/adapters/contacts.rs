//! The main window.

use std::rc::Rc;

use slint::{Model, ModelRc, PlatformError, VecModel};

use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::contacts::{Contacts, Fold, Line};
use crate::rows::RowChange;
use crate::settings::Settings;
use crate::ui::{MainWindow, PersonRow};

pub struct ContactsView {
    pub view: View<MainWindow>,
    rows: Rc<VecModel<PersonRow>>,
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
        let rows = Rc::new(VecModel::default());
        window.set_rows(ModelRc::from(rows.clone()));
        Ok(Self { view: View::new(window, KEY, settings, tell), rows })
    }

    /// Changes the rows in place, and the number of the current one with them.
    pub fn update(&self, contacts: &Contacts, changes: &[RowChange]) {
        put_rows(&self.rows, changes, |at| contacts.line(at));
        let window = &self.view.window;
        window.set_count(number(Some(contacts.count())));
        window.set_current(number(contacts.current()));
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

/// Changes rows of people in place.
pub(super) fn put_rows(
    rows: &VecModel<PersonRow>,
    changes: &[RowChange],
    line: impl Fn(usize) -> Option<Line>,
) {
    for change in changes {
        match change {
            RowChange::Inserted(at) => {
                rows.insert(*at, PersonRow { present: true, ..PersonRow::default() });
            }
            RowChange::Updated(_) => {}
        }
    }
    // After an insertion every number means another row, so all are compared; unchanged rows
    // cost nothing on the screen and say nothing to a screen reader.
    let mut position = 0;
    for at in (0..rows.row_count()).filter(|_| !changes.is_empty()) {
        // One that is hidden stays so.
        if rows.row_data(at).is_some_and(|row| !row.present) {
            continue;
        }
        if let Some(line) = line(at) {
            let present = line.present;
            let row = row(Line { position, ..line });
            position += usize::from(present);
            if rows.row_data(at).as_ref() != Some(&row) {
                rows.set_row_data(at, row);
            }
        }
    }
}

fn row(line: Line) -> PersonRow {
    PersonRow {
        present: line.present,
        position: number(Some(line.position)),
        spoken: line.spoken.into(),
        name: line.name.into(),
        detail: line.detail.into(),
        unread: line.unread.into(),
        shape: line.shape,
    }
}
