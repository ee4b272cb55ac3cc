//! The window of one chat.

use std::cell::RefCell;

use slint::PlatformError;

use super::listing::Listing;
use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::chat::{Chat, Line, Manner};
use crate::rows::RowChange;
use crate::settings::Settings;
use crate::ui::{ChatWindow, MessageRow};

pub struct ChatView {
    pub view: View<ChatWindow>,
    rows: Listing<MessageRow>,
    manner: RefCell<Manner>,
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
        let rows = Listing::default();
        window.set_rows(rows.seen());
        window.set_heard(rows.heard());
        let view = View::new(window, key, settings, tell);
        let view = Self { view, rows, manner: RefCell::default() };
        let all: Vec<_> = (0..chat.count()).map(RowChange::Inserted).collect();
        view.update(chat, &all);
        Ok(view)
    }

    /// The newest messages are in sight: above them nothing is looked at that could jump.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.view.window.get_at_end()
    }

    /// Changes the rows in place, and the number of the current one with them.
    pub fn update(&self, chat: &Chat, changes: &[RowChange]) {
        let manner = chat.manner();
        if self.manner.replace(manner.clone()) != manner {
            self.rows.renew();
        }
        self.rows.update(changes, |at| row(chat, at));
        let window = &self.view.window;
        window.set_count(number(Some(chat.count())));
        window.set_current(number(chat.current()));
        window.set_current_heard(self.rows.index(chat.current()));
        window.set_more(chat.more);
    }
}

fn row(chat: &Chat, at: usize) -> (String, MessageRow) {
    let Some(line) = chat.line(at) else { return Default::default() };
    let Line { spoken, sender, time, text, state, mine, failed } = line;
    let (sender, time, text, state) = (sender.into(), time.into(), text.into(), state.into());
    (spoken, MessageRow { sender, time, text, state, mine, failed })
}
