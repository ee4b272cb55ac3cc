//! The window of the settings: its tabs, its pages, and the events whose sounds are switched.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use slint::{ComponentHandle, Model, ModelRc, PlatformError, SharedString, VecModel};
use thrive_client::Privacy;

use super::dialogs::{index, strings};
use super::shell::{Input, Tell, View, WindowKey, number, wire};
use crate::announce::Sound;
use crate::controllers::settings::{Form, Tab, event_words};
use crate::settings::{Colors, Detail, Order, Settings};
use crate::ui::{PeopleForm, SettingsForm, SettingsPage, SettingsWindow};

pub struct SettingsView {
    pub view: View<SettingsWindow>,
    pages: Rc<VecModel<SettingsPage>>,
    events: Rc<VecModel<SharedString>>,
    /// Those that are offered here, whatever comes meanwhile.
    packs: Vec<String>,
    silent: RefCell<BTreeSet<String>>,
    /// What the system said last; nothing before it has answered.
    starts_at_login: Cell<Option<bool>>,
}

impl SettingsView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(settings: &Settings, packs: &[String], tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Settings;
        let window = SettingsWindow::new()?;
        wire!(window, KEY, tell);
        let told = tell.clone();
        window.on_picked(move |at| {
            if let Ok(at) = usize::try_from(at) {
                told.say(KEY, Input::Picked(at));
            }
        });
        window.set_tabs(strings(Tab::ALL.map(Tab::words)));
        let pages = Rc::new(VecModel::from(vec![SettingsPage { kind: 0, shown: true }]));
        window.set_pages(ModelRc::from(pages.clone()));
        let form = Form::of(settings, packs);
        let events: Vec<SharedString> =
            Sound::ALL.iter().map(|it| event_words(*it, &form.silent).into()).collect();
        let events = Rc::new(VecModel::from(events));
        let to = window.global::<SettingsForm<'_>>();
        to.set_automatic(form.automatic);
        to.set_automatic_possible(settings.remember);
        to.set_keep_running(form.keep_running);
        to.set_look_for_updates(form.look_for_updates);
        to.set_schemes(strings(Colors::ALL.map(Colors::words)));
        to.set_scheme(number(Some(form.colors)));
        to.set_text_points(form.text_points);
        to.set_scale(form.scale);
        to.set_packs(strings(packs));
        to.set_pack(number(Some(form.pack)));
        to.set_sounds(form.sounds);
        to.set_volume(form.volume);
        to.set_events(ModelRc::from(events.clone()));
        to.set_speak_messages(form.speak_messages);
        to.set_speak_other_chats(form.speak_other_chats);
        to.set_speak_status(form.speak_status);
        to.set_speak_typing(form.speak_typing);
        to.set_speak_files(form.speak_files);
        to.set_interrupt_speech(form.interrupt_speech);
        to.set_notices_possible(cfg!(any(windows, target_os = "linux")));
        to.set_details(strings(Detail::ALL.map(Detail::words)));
        to.set_notices(number(Some(form.notices)));
        to.set_enter_sends(form.enter_sends);
        to.set_read_times(form.read_times);
        to.set_files_folder(form.files_folder.as_str().into());
        let people = window.global::<PeopleForm<'_>>();
        people.set_orders(strings(Order::ALL.map(Order::words)));
        people.set_order(number(Some(form.order)));
        people.set_away_after(form.away_after);
        let view = View::new(window, KEY, settings, tell);
        let silent = RefCell::new(form.silent);
        let (packs, starts_at_login) = (packs.to_vec(), Cell::new(None));
        let view = Self { view, pages, events, packs, silent, starts_at_login };
        view.show_event();
        Ok(view)
    }

    /// Whether the package says where newer versions are.
    pub fn updates_possible(&self, possible: bool) {
        self.view.window.global::<SettingsForm<'_>>().set_updates_possible(possible);
    }

    /// What the system says. What a person has changed meanwhile stays.
    pub fn starts_at_login(&self, on: bool) {
        if self.changed_start_at_login().is_none() {
            self.view.window.global::<SettingsForm<'_>>().set_start_at_login(on);
        }
        self.starts_at_login.set(Some(on));
    }

    /// What the person wants, where the system does otherwise.
    #[must_use]
    pub fn changed_start_at_login(&self) -> Option<bool> {
        let wanted = self.view.window.global::<SettingsForm<'_>>().get_start_at_login();
        (wanted != self.starts_at_login.get().unwrap_or(false)).then_some(wanted)
    }

    /// The settings as they would be.
    #[must_use]
    pub fn applied(&self, settings: &Settings) -> Settings {
        self.form().applied(settings, &self.packs)
    }

    fn form(&self) -> Form {
        let from = self.view.window.global::<SettingsForm<'_>>();
        let people = self.view.window.global::<PeopleForm<'_>>();
        Form {
            automatic: from.get_automatic(),
            keep_running: from.get_keep_running(),
            look_for_updates: from.get_look_for_updates(),
            colors: index(from.get_scheme()),
            text_points: from.get_text_points(),
            scale: from.get_scale(),
            pack: index(from.get_pack()),
            sounds: from.get_sounds(),
            volume: from.get_volume(),
            silent: self.silent.borrow().clone(),
            speak_messages: from.get_speak_messages(),
            speak_other_chats: from.get_speak_other_chats(),
            speak_status: from.get_speak_status(),
            speak_typing: from.get_speak_typing(),
            speak_files: from.get_speak_files(),
            interrupt_speech: from.get_interrupt_speech(),
            notices: index(from.get_notices()),
            enter_sends: from.get_enter_sends(),
            read_times: from.get_read_times(),
            files_folder: from.get_files_folder().into(),
            order: index(people.get_order()),
            away_after: people.get_away_after(),
        }
    }

    /// The server has said what others may see.
    pub fn show_privacy(&self, privacy: Privacy) {
        let form = self.view.window.global::<PeopleForm<'_>>();
        form.set_listed(privacy.listed);
        form.set_presence_to_strangers(privacy.presence_to_strangers);
        form.set_last_seen(privacy.last_seen_to_contacts);
        form.set_privacy_known(true);
    }

    /// What others may see as it stands in the window; nothing before the server has said how it is.
    #[must_use]
    pub fn privacy(&self) -> Option<Privacy> {
        let form = self.view.window.global::<PeopleForm<'_>>();
        form.get_privacy_known().then(|| Privacy {
            listed: form.get_listed(),
            presence_to_strangers: form.get_presence_to_strangers(),
            last_seen_to_contacts: form.get_last_seen(),
        })
    }

    /// Whether this computer says for how long nothing was touched.
    pub fn show_idle(&self, known: bool) {
        self.view.window.global::<PeopleForm<'_>>().set_idle_known(known);
    }

    /// Shows another page. The one that is left is hidden and stays; a new one takes its place.
    pub fn go(&self, tab: usize) {
        let window = &self.view.window;
        let kind = number(Some(tab.min(Tab::ALL.len() - 1)));
        if window.get_tab() == kind {
            return;
        }
        for at in 0..self.pages.row_count() {
            if let Some(page) = self.pages.row_data(at).filter(|page| page.shown) {
                self.pages.set_row_data(at, SettingsPage { shown: false, ..page });
            }
        }
        self.pages.push(SettingsPage { kind, shown: true });
        window.set_tab(kind);
    }

    /// The next tab or the one before, and around. The focus goes with it: what had it is gone. It goes
    /// last, or the tab that is left would be read too.
    pub fn turn(&self, forward: bool) {
        let count = Tab::ALL.len();
        let now = index(self.view.window.get_tab());
        self.go(if forward { (now + 1) % count } else { (now + count - 1) % count });
        self.view.window.invoke_focus_tabs();
    }

    /// The tabs, the page, the buttons; and around.
    pub fn go_region(&self, forward: bool) {
        let window = &self.view.window;
        let (tabs, buttons) = (window.get_tabs_have_focus(), window.get_buttons_have_focus());
        match (tabs, buttons, forward) {
            (true, _, true) | (_, true, false) => {
                let form = window.global::<SettingsForm<'_>>();
                form.set_entered(form.get_entered() + 1);
            }
            (true, _, false) | (false, false, true) => window.invoke_focus_buttons(),
            (false, true, true) | (false, false, false) => window.invoke_focus_tabs(),
        }
    }

    /// The event that is chosen in the list.
    #[must_use]
    pub fn event(&self) -> Option<Sound> {
        let at = index(self.view.window.global::<SettingsForm<'_>>().get_event());
        Sound::ALL.get(at).copied()
    }

    pub fn show_event(&self) {
        if let Some(sound) = self.event() {
            let on = !self.silent.borrow().contains(sound.word());
            self.view.window.global::<SettingsForm<'_>>().set_event_on(on);
        }
    }

    /// The check box beside the list was used.
    pub fn switch_event(&self) {
        let Some(sound) = self.event() else { return };
        let form = self.view.window.global::<SettingsForm<'_>>();
        let mut silent = self.silent.borrow_mut();
        if form.get_event_on() {
            silent.remove(sound.word());
        } else {
            silent.insert(sound.word().to_owned());
        }
        self.events.set_row_data(index(form.get_event()), event_words(sound, &silent).into());
    }
}
