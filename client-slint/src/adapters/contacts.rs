//! The main window.

use std::rc::Rc;

use slint::{Model, ModelRc, PlatformError, VecModel};

use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::contacts::{Contacts, Line};
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
        window.on_letter(move |letter| told.say(KEY, Input::Letter(letter.into())));
        let told = tell.clone();
        window.on_picked(move |at| {
            if let Ok(at) = usize::try_from(at) {
                told.say(KEY, Input::Picked(at));
            }
        });
        window.set_username(username.into());
        let rows = Rc::new(VecModel::default());
        window.set_rows(ModelRc::from(rows.clone()));
        Ok(Self { view: View::new(window, KEY, settings, tell), rows })
    }

    /// Changes the rows in place, and the number of the current one with them.
    pub fn update(&self, contacts: &Contacts, changes: &[RowChange]) {
        for change in changes {
            match change {
                RowChange::Inserted(at) => self.rows.insert(*at, PersonRow::default()),
                RowChange::Updated(_) => {}
            }
        }
        // After an insertion every number means another row, so all are compared; unchanged rows
        // cost nothing on the screen and say nothing to a screen reader.
        if !changes.is_empty() {
            for at in 0..self.rows.row_count() {
                if let Some(line) = contacts.line(at) {
                    let row = row(line);
                    if self.rows.row_data(at).as_ref() != Some(&row) {
                        self.rows.set_row_data(at, row);
                    }
                }
            }
        }
        let window = &self.view.window;
        window.set_count(number(Some(contacts.count())));
        window.set_current(number(contacts.current()));
        window.set_block_label(contacts.block_label().into());
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
