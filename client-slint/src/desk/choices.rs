//! The dialogs for status and settings, and those that are only read.

use thrive_client::{Failure, ServerInfo};

use super::Desk;
use crate::adapters::dialogs::{AboutView, NoticeView, SettingsView, StatusView};
use crate::adapters::shell::WindowKey;
use crate::announce::Sound;
use crate::bridge::Wish;
use crate::keys::{self, Command};
use crate::settings::Settings;
use crate::{clock, sounds, words};

impl Desk {
    pub(super) fn choices_command(&mut self, key: WindowKey, command: Command) {
        match (key, command) {
            (_, Command::Close) => self.close_dialog(key),
            (WindowKey::Status, Command::Set) => self.set_status(),
            (WindowKey::Settings, Command::Apply) => self.apply_settings(),
            (WindowKey::Settings, Command::Preview) => self.preview_sound(),
            (WindowKey::Settings, Command::PreviewLook) => self.preview_look(),
            (_, other) => tracing::error!(?key, ?other, "A command of another window"),
        }
    }

    pub(super) fn open_status(&mut self) {
        if let Some(view) = &self.status {
            return view.raise();
        }
        let Some(session) = &self.session else { return };
        let view = StatusView::open(&session.own, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.status = Some(view);
        }
    }

    fn set_status(&mut self) {
        let Some(view) = &self.status else { return };
        let presence = view.form();
        self.settings.status_text.clone_from(&presence.text);
        self.save_settings();
        self.close_dialog(WindowKey::Status);
        self.ask(Wish::SetPresence(presence));
    }

    pub(super) fn open_settings(&mut self) {
        if let Some(view) = &self.choices {
            return view.raise();
        }
        let packs = sounds::packs(&self.config.pack_folders);
        let view = SettingsView::open(&self.settings, &packs, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.choices = Some(view);
        }
    }

    fn wanted_settings(&self) -> Option<Settings> {
        let packs = sounds::packs(&self.config.pack_folders);
        self.choices.as_ref().map(|view| view.form().applied(&self.settings, &packs))
    }

    fn apply_settings(&mut self) {
        let Some(settings) = self.wanted_settings() else { return };
        self.settings = settings;
        self.save_settings();
        self.dress_everything(&self.settings);
        self.close_dialog(WindowKey::Settings);
        self.answer("The settings are applied.");
    }

    fn preview_sound(&self) {
        if let Some(settings) = self.wanted_settings() {
            self.sound_of(&settings.pack, settings.volume, Sound::Receive);
        }
    }

    fn preview_look(&self) {
        if let (Some(settings), Some(view)) = (self.wanted_settings(), &self.choices) {
            view.dress(&settings);
        }
    }

    fn dress_everything(&self, settings: &Settings) {
        if let Some(session) = &self.session {
            session.main.view.dress(settings);
            session.chats.values().for_each(|open| open.view.view.dress(settings));
        }
        self.add.iter().for_each(|view| view.dress(settings));
        self.status.iter().for_each(|view| view.dress(settings));
        self.notice.iter().for_each(|view| view.dress(settings));
        self.about.iter().for_each(|view| view.dress(settings));
        self.confirm.iter().for_each(|(view, _)| view.dress(settings));
    }

    pub(super) fn open_about(&mut self) {
        if let Some(view) = &self.about {
            return view.raise();
        }
        let view = AboutView::open(&self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.about = Some(view);
        }
    }

    /// The list of the commands of one window.
    pub(super) fn show_commands(&mut self, key: WindowKey) {
        self.show_lines("All commands", &keys::lines(key.place()));
    }

    pub(super) fn server_told(&mut self, result: Result<ServerInfo, Failure>) {
        let info = match result {
            Ok(info) => info,
            Err(failure) => return self.problem(words::failure(&failure)),
        };
        let address =
            self.session.as_ref().map(|session| session.server.to_string()).unwrap_or_default();
        let started = clock::of_message(info.started_ms, clock::now_ms(), &self.zone);
        let new_accounts = match (info.sign_up_open, info.sign_up_by_invite) {
            (true, _) => "welcome",
            (false, true) => "by invitation",
            (false, false) => "closed",
        };
        let lines = [
            format!("Name: {}", info.name),
            format!("Address: {address}"),
            format!("Software: {}", info.software),
            "Encrypted: yes, always".to_owned(),
            format!("Registered users: {}", info.accounts),
            format!("Users online: {}", info.online),
            format!("Running since: {started}"),
            format!("New accounts: {new_accounts}"),
            format!("Longest message: {} letters", info.text_chars),
            format!("Longest status: {} letters", info.status_chars),
        ];
        self.show_lines("Server information", &lines);
    }

    fn show_lines(&mut self, heading: &str, lines: &[String]) {
        self.close_dialog(WindowKey::Notice);
        let view = NoticeView::open(heading, lines, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.notice = Some(view);
        }
    }

    /// Closes a dialog. Where the focus was in the window behind, it still is.
    pub(super) fn close_dialog(&mut self, key: WindowKey) {
        match key {
            WindowKey::CreateAccount => self.create.take().into_iter().for_each(|it| it.close()),
            WindowKey::AddContact => self.add.take().into_iter().for_each(|it| it.close()),
            WindowKey::Status => self.status.take().into_iter().for_each(|it| it.close()),
            WindowKey::Settings => self.choices.take().into_iter().for_each(|it| it.close()),
            WindowKey::Confirm => self.confirm.take().into_iter().for_each(|(it, _)| it.close()),
            WindowKey::Notice => self.notice.take().into_iter().for_each(|it| it.close()),
            WindowKey::About => self.about.take().into_iter().for_each(|it| it.close()),
            WindowKey::Login | WindowKey::Contacts | WindowKey::Chat(_) => return,
        }
        self.forget_window(key);
    }
}
