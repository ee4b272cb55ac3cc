//! The dialogs for status and settings, and those that are only read.

use std::path::Path;

use thrive_client::{Failure, ServerInfo, size_in_words};

use super::Desk;
use super::doors::Door;
use crate::adapters::dialogs::{AboutView, NoticeView, StatusView};
use crate::adapters::settings::SettingsView;
use crate::adapters::shell::{Input, WindowKey};
use crate::announce::Sound;
use crate::bridge::Wish;
use crate::controllers::settings::folder_problem;
use crate::keys::{Command, Place};
use crate::settings::Settings;
use crate::sounds::packs;
use crate::{clock, contrast, words};

impl Desk {
    pub(super) fn choices_command(&mut self, key: WindowKey, command: Command) {
        match (key, command) {
            (_, Command::Close) => self.close_dialog(key),
            (WindowKey::Status, Command::Set) => self.set_status(),
            (WindowKey::Settings, command) => self.settings_command(command),
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
            self.ask_status_limit();
        }
    }

    fn set_status(&mut self) {
        let Some(view) = &self.status else { return };
        let presence = match view.form(self.status_limit()) {
            Ok(presence) => presence,
            Err(sentence) => {
                view.window.set_notice(sentence.as_str().into());
                view.window.invoke_focus_words();
                return self.problem(sentence);
            }
        };
        // What was chosen is to stay, so nothing is to come back from.
        self.settings.auto_away = false;
        self.settings.status_text.clone_from(&presence.text);
        self.save_settings();
        self.close_dialog(WindowKey::Status);
        self.ask(Wish::SetPresence(presence));
    }

    fn settings_command(&mut self, command: Command) {
        let Some(view) = &self.choices else { return };
        match command {
            Command::Accept => {
                if self.apply_settings() {
                    self.close_dialog(WindowKey::Settings);
                }
            }
            Command::Apply => {
                self.apply_settings();
            }
            Command::Preview => self.preview_sound(Sound::Receive),
            Command::PreviewEvent => {
                if let Some(sound) = view.event() {
                    self.preview_sound(sound);
                }
            }
            Command::PreviewLook => self.preview_look(),
            Command::EventChosen => view.show_event(),
            Command::EventSwitched => view.switch_event(),
            Command::ChangePassword => self.open_door(Door::Password),
            Command::ChangeEmail => self.open_door(Door::Email),
            Command::Devices => self.open_door(Door::Devices),
            Command::NextPage => view.turn(true),
            Command::PreviousPage => view.turn(false),
            other => tracing::error!(?other, "A command of another window"),
        }
    }

    pub(super) fn open_settings(&mut self) {
        if let Some(view) = &self.choices {
            return view.view.raise();
        }
        let packs = packs::packs(&self.config.pack_folders);
        let view = SettingsView::open(&self.settings, &packs, &self.tell);
        if let Some(view) = self.made(view) {
            view.updates_possible(self.config.updates.is_some());
            view.view.show();
            self.choices = Some(view);
            self.fill_settings();
            self.ask(Wish::StartAtLogin(None));
        }
    }

    /// It may have been changed with the means of the system too, so that is asked each time.
    pub(super) fn starts_at_login(&self, on: bool) {
        self.choices.iter().for_each(|view| view.starts_at_login(on));
    }

    pub(super) fn choose_tab(&self, input: &Input) {
        if let (Input::Picked(at), Some(view)) = (input, &self.choices) {
            view.go(*at);
        }
    }

    fn wanted_settings(&self) -> Option<Settings> {
        self.choices.as_ref().map(|view| view.applied(&self.settings))
    }

    /// False when something could not be set; then that was said.
    fn apply_settings(&mut self) -> bool {
        let (Some(settings), Some(view)) = (self.wanted_settings(), &self.choices) else {
            return false;
        };
        if let Some(sentence) = folder_problem(Path::new(&settings.files_folder)) {
            view.view.window.set_notice(sentence.as_str().into());
            self.problem(sentence);
            return false;
        }
        let start_at_login = view.changed_start_at_login();
        let before = std::mem::replace(&mut self.settings, settings);
        self.apply_to_circle(&before);
        self.save_settings();
        self.dress_everything();
        if start_at_login.is_some() {
            self.ask(Wish::StartAtLogin(start_at_login));
            self.ask(Wish::StartAtLogin(None));
        }
        self.choices.iter().for_each(|it| it.view.window.set_notice("".into()));
        self.answer("The settings are applied.");
        true
    }

    fn preview_sound(&self, sound: Sound) {
        if let Some(settings) = self.wanted_settings() {
            self.sound_of(&settings.pack, settings.volume, sound);
        }
    }

    /// Colors are seen while they are chosen. The size is not: a window that grows under the hands
    /// would lose whoever looks for the next button.
    fn preview_look(&self) {
        if let (Some(settings), Some(view)) = (self.wanted_settings(), &self.choices) {
            view.view.dress(&Settings { scale: self.settings.scale, ..settings });
        }
    }

    fn dress_everything(&mut self) {
        let settings = &self.settings;
        self.all_shown().for_each(|window| window.dress(settings));
        let read_times = settings.read_times;
        let chats = self.session.iter_mut().flat_map(|session| session.chats.values_mut());
        chats.for_each(|open| open.read_times(read_times));
    }

    /// Whoever switches the contrast of the system does it in another window.
    pub(super) fn follow_contrast(&mut self) {
        let contrast = contrast::asked_for();
        if std::mem::replace(&mut self.contrast, contrast) != contrast {
            self.dress_everything();
        }
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
        self.show_lines("All commands", &self.keys.lines(key.place()));
    }

    pub(super) fn server_told(&mut self, result: Result<ServerInfo, Failure>) {
        let info = match result {
            Ok(info) => info,
            Err(failure) => return self.problem(words::failure(&failure)),
        };
        // Whoever went on to another window meanwhile keeps it.
        if self.active != Some(WindowKey::Contacts) {
            let key = self.keys.label(Place::Contacts, Command::Server);
            let sentence = format!("The server has answered. {key} in the main window shows it.");
            return self.answer(sentence);
        }
        let files = info.files.as_ref();
        let endings = match files.map(|files| files.refused.join(", ")) {
            Some(endings) if endings.is_empty() => "none".to_owned(),
            Some(endings) => endings,
            None => "all".to_owned(),
        };
        let largest = files
            .map_or_else(|| "no files are taken".to_owned(), |files| size_in_words(files.bytes));
        let started = clock::of_message(info.started_ms, clock::now_ms(), &self.zone);
        let new_accounts = match (info.sign_up_open, info.sign_up_by_invite) {
            (true, _) => "welcome",
            (false, true) => "by invitation",
            (false, false) => "closed",
        };
        let lines = [
            format!("Name: {}", info.name),
            format!("Host name: {}", info.host),
            format!("Port: {}", info.port),
            format!("Software: {}", info.software),
            "Encrypted: yes, always".to_owned(),
            format!("Registered users: {}", info.accounts),
            format!("Users online: {}", info.online),
            format!("Running since: {started}"),
            format!("New accounts: {new_accounts}"),
            format!("Longest message: {} letters", info.text_chars),
            format!("Longest status: {} letters", info.status_chars),
            format!("Largest file: {largest}"),
            format!("Files that are refused by their ending: {endings}"),
        ];
        self.show_lines("Server information", &lines);
    }

    pub(super) fn show_lines(&mut self, heading: &str, lines: &[String]) {
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
            WindowKey::CreateAccount => self.create.take().into_iter().for_each(|(it, _)| {
                it.wipe();
                it.close();
            }),
            WindowKey::AddContact => self.add.take().into_iter().for_each(|it| it.close()),
            WindowKey::Status => self.status.take().into_iter().for_each(|it| it.close()),
            WindowKey::Settings => {
                self.choices.take().into_iter().for_each(|it| it.view.close());
            }
            WindowKey::Confirm => self.confirm.take().into_iter().for_each(|(it, _)| it.close()),
            WindowKey::Notice => self.notice.take().into_iter().for_each(|it| it.close()),
            WindowKey::About => self.about.take().into_iter().for_each(|it| it.close()),
            WindowKey::Door(window) => self.doors.close(window),
            WindowKey::Social(window) => self.circle.close(window),
            WindowKey::Files(window) => self.shelf.close(window),
            WindowKey::Host(window) => self.counter.close(window),
            WindowKey::Login | WindowKey::Contacts | WindowKey::Chat(_) => return,
        }
        self.forget_window(key);
    }
}
