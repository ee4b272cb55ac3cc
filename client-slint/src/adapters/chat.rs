//! The window of one chat.

use std::rc::Rc;

use slint::{Model, ModelRc, PlatformError, VecModel};

use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::chat::{Chat, Line};
use crate::rows::RowChange;
use crate::settings::Settings;
use crate::ui::{ChatWindow, MessageRow};

pub struct ChatView {
    pub view: View<ChatWindow>,
    rows: Rc<VecModel<MessageRow>>,
}

impl ChatView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        chat: &Chat,
        draft: &str,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        let key = WindowKey::Chat(chat.peer);
        let window = ChatWindow::new()?;
        wire!(window, key, tell);
        let told = tell.clone();
        window.on_walk(move |it| told.say(key, Input::Walk(step(it))));
        let told = tell.clone();
        window.on_letter(move |letter| told.say(key, Input::Letter(letter.into())));
        let told = tell.clone();
        window.on_picked(move |at| {
            if let Ok(at) = usize::try_from(at) {
                told.say(key, Input::Picked(at));
            }
        });
        let told = tell.clone();
        window.on_edited(move || told.say(key, Input::Edited));
        window.set_person(chat.name.as_str().into());
        window.set_draft(draft.into());
        let rows =
            Rc::new(VecModel::from((0..chat.rows()).map(|at| row(chat, at)).collect::<Vec<_>>()));
        window.set_rows(ModelRc::from(rows.clone()));
        let view = Self { view: View::new(window, key, settings, tell), rows };
        view.update(chat, &[]);
        Ok(view)
    }

    /// Changes the rows in place, and the number of the current one with them.
    pub fn update(&self, chat: &Chat, changes: &[RowChange]) {
        for change in changes {
            match change {
                RowChange::Inserted(at) => self.rows.insert(*at, MessageRow::default()),
                RowChange::Updated(_) => {}
            }
        }
        let all = 0..self.rows.row_count();
        for at in all.filter(|_| !changes.is_empty()) {
            let row = row(chat, at);
            if self.rows.row_data(at).as_ref() != Some(&row) {
                self.rows.set_row_data(at, row);
            }
        }
        let window = &self.view.window;
        window.set_count(number(Some(chat.count())));
        window.set_current(number(chat.current()));
        window.set_more(chat.more);
    }
}

fn row(chat: &Chat, at: usize) -> MessageRow {
    let Some(line) = chat.line(at) else { return MessageRow::default() };
    let Line { present, position, spoken, sender, time, text, state, mine, failed } = line;
    MessageRow {
        present,
        position: number(Some(position)),
        spoken: spoken.into(),
        sender: sender.into(),
        time: time.into(),
        text: text.into(),
        state: state.into(),
        mine,
        failed,
    }
}
