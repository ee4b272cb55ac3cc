//! The dialogs: windows of their own, made when they are asked for and dropped when they close.

use slint::{ModelRc, PlatformError, SharedString, VecModel};
use thrive_client::Presence;

use super::shell::{Input, Tell, View, WindowKey, number, wire};
use crate::controllers::status;
use crate::settings::Settings;
use crate::ui::{AboutWindow, AddContactWindow, Answer, ConfirmWindow, NoticeWindow, StatusWindow};

pub type AddContactView = View<AddContactWindow>;
pub type StatusView = View<StatusWindow>;
pub type ConfirmView = View<ConfirmWindow>;
pub type NoticeView = View<NoticeWindow>;
pub type AboutView = View<AboutWindow>;

pub(super) fn strings<T: Into<SharedString>>(
    items: impl IntoIterator<Item = T>,
) -> ModelRc<SharedString> {
    ModelRc::new(VecModel::from(items.into_iter().map(Into::into).collect::<Vec<_>>()))
}

pub(super) fn index(at: i32) -> usize {
    usize::try_from(at).unwrap_or(0)
}

impl AddContactView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        let window = AddContactWindow::new()?;
        wire!(window, WindowKey::AddContact, tell);
        Ok(Self::new(window, WindowKey::AddContact, settings, tell))
    }
}

impl StatusView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(own: &Presence, settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        let window = StatusWindow::new()?;
        wire!(window, WindowKey::Status, tell);
        window.set_options(strings(status::options()));
        window.set_current(number(Some(status::chosen(own))));
        let words = if own.text.is_empty() { &settings.status_text } else { &own.text };
        window.set_words(words.as_str().into());
        Ok(Self::new(window, WindowKey::Status, settings, tell))
    }

    /// `limit` is the longest text that the server takes, as far as it has said so.
    ///
    /// # Errors
    /// A sentence: the text is too long.
    pub fn form(&self, limit: Option<u32>) -> Result<Presence, String> {
        status::submit(index(self.window.get_current()), &self.window.get_words(), limit)
    }
}

impl ConfirmView {
    /// `safe` is the answer that has the focus.
    ///
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        heading: &str,
        question: &str,
        answers: &[(&str, &str)],
        safe: usize,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        let window = ConfirmWindow::new()?;
        wire!(window, WindowKey::Confirm, tell);
        let told = tell.clone();
        window.on_answered(move |at| told.say(WindowKey::Confirm, Input::Answered(index(at))));
        window.set_heading(heading.into());
        window.set_question(question.into());
        window.set_safe(number(Some(safe)));
        let answers: Vec<_> = answers
            .iter()
            .map(|(text, keys)| Answer { text: (*text).into(), keys: (*keys).into() })
            .collect();
        window.set_answers(ModelRc::new(VecModel::from(answers)));
        Ok(Self::new(window, WindowKey::Confirm, settings, tell))
    }
}

impl NoticeView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        heading: &str,
        lines: &[String],
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        let window = NoticeWindow::new()?;
        wire!(window, WindowKey::Notice, tell);
        window.set_heading(heading.into());
        window.set_lines(strings(lines));
        Ok(Self::new(window, WindowKey::Notice, settings, tell))
    }
}

impl AboutView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        let window = AboutWindow::new()?;
        wire!(window, WindowKey::About, tell);
        window.set_version(env!("CARGO_PKG_VERSION").into());
        Ok(Self::new(window, WindowKey::About, settings, tell))
    }
}
