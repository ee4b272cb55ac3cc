//! The windows about files: sending some, and all that were offered.

use slint::PlatformError;

use super::lines::{Line, Lines};
use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::files::Transfers;
use crate::controllers::send_files::{Chosen, SendFiles};
use crate::desk::files::Files;
use crate::rows::RowChange;
use crate::settings::Settings;
use crate::ui::{SendFilesWindow, TransfersWindow};

pub struct SendFilesView {
    pub view: View<SendFilesWindow>,
    lines: Lines,
}

pub struct TransfersView {
    pub view: View<TransfersWindow>,
    lines: Lines,
}

/// Sends what is done in a list to the desk.
macro_rules! wire_list {
    ($window:expr, $key:expr, $tell:expr) => {{
        let (key, tell) = ($key, $tell.clone());
        $window.on_walk(move |it| tell.say(key, Input::Walk(step(it))));
        let tell = $tell.clone();
        $window.on_letter(move |letter| tell.say(key, Input::Letter(letter.into())));
        let tell = $tell.clone();
        $window.on_picked(move |at| {
            if let Ok(at) = usize::try_from(at) {
                tell.say(key, Input::Picked(at));
            }
        });
    }};
}

impl SendFilesView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(send: &SendFiles, settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Files(Files::Send);
        let window = SendFilesWindow::new()?;
        wire!(window, KEY, tell);
        wire_list!(window, KEY, tell);
        window.set_person(send.name.as_str().into());
        let lines = Lines::new(send.rows(), chosen);
        window.set_rows(lines.seen());
        window.set_heard(lines.heard());
        Ok(Self { view: View::new(window, KEY, settings, tell), lines })
    }

    pub fn update(&self, send: &SendFiles, changes: &[RowChange]) {
        self.lines.update(send.rows(), changes, chosen);
        let window = &self.view.window;
        window.set_count(number(Some(send.rows().count())));
        window.set_current(number(send.rows().current()));
        window.set_current_heard(self.lines.index(send.rows().current()));
        window.set_busy(send.is_busy());
    }
}

fn chosen(file: &Chosen) -> Line {
    let folder = file.path.parent().map(|it| it.display().to_string()).unwrap_or_default();
    Line { spoken: file.words(), text: file.words(), detail: folder }
}

impl TransfersView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        transfers: &Transfers,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Files(Files::Transfers);
        let window = TransfersWindow::new()?;
        wire!(window, KEY, tell);
        wire_list!(window, KEY, tell);
        let lines = Lines::new(transfers.rows(), |entry| line(transfers.words(entry)));
        window.set_rows(lines.seen());
        window.set_heard(lines.heard());
        let view = Self { view: View::new(window, KEY, settings, tell), lines };
        view.update(transfers, &[]);
        Ok(view)
    }

    pub fn update(&self, transfers: &Transfers, changes: &[RowChange]) {
        self.lines.update(transfers.rows(), changes, |entry| line(transfers.words(entry)));
        let window = &self.view.window;
        window.set_count(number(Some(transfers.rows().count())));
        window.set_current(number(transfers.rows().current()));
        window.set_current_heard(self.lines.index(transfers.rows().current()));
    }
}

fn line([spoken, text, detail]: [String; 3]) -> Line {
    Line { spoken, text, detail }
}
