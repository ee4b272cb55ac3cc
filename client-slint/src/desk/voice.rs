//! Speaking, sounding, showing: what `announce` decides is done here.

use std::time::Duration;

use slint::{ComponentHandle, Timer};
use thrive_client::{Arrival, UserId};

use super::Desk;
use crate::adapters::shell::WindowKey;
use crate::announce::queue::{Region, Utterance};
use crate::announce::{Chat, Context, Event, Sound, Speech, decide};
use crate::bridge::Wish;
use crate::ui::{ChatWindow, MainWindow};

impl Desk {
    /// Something happened.
    pub(super) fn event(&mut self, event: &Event, arrival: Arrival) {
        self.event_with(None, event, arrival);
    }

    /// Something happened between this person and oneself.
    pub(super) fn event_with(&mut self, peer: Option<UserId>, event: &Event, arrival: Arrival) {
        let own = self.session.as_ref().map(|session| session.own.availability);
        let context = Context { in_front: self.in_front(), arrival, own: own.unwrap_or_default() };
        let decision = decide(event, context, &self.settings);
        if let Some(sound) = decision.sound {
            self.sound(sound);
        }
        if let Some(speech) = decision.speech {
            self.queue.push(speech);
        }
        if let Some(notice) = decision.notice {
            self.ask(Wish::Notify { peer, notice });
        }
        if let (Some(shown), Some(session)) = (decision.shown, &self.session) {
            session.main.view.window.set_notice(shown.into());
        }
    }

    pub(super) fn sound(&self, sound: Sound) {
        self.sound_of(&self.settings.pack, self.settings.volume, sound);
    }

    pub(super) fn sound_of(&self, pack: &str, volume: u8, sound: Sound) {
        self.speaker.iter().for_each(|speaker| speaker.play(pack, volume, sound));
    }

    /// An answer to what the person just did.
    pub(super) fn answer(&mut self, text: impl Into<String>) {
        self.event(&Event::Answer(text.into()), Arrival::Live);
    }

    /// What the person tried did not work.
    pub(super) fn problem(&mut self, text: impl Into<String>) {
        self.event(&Event::Problem(text.into()), Arrival::Live);
    }

    /// Whether a chat is the one in front.
    pub(super) fn where_is(&self, key: WindowKey) -> Chat {
        if self.active == Some(key) { Chat::InFront } else { Chat::Other }
    }

    /// One of our windows has the keyboard, or had it a moment ago and hands it to another one.
    fn in_front(&self) -> bool {
        self.active.is_some() || self.hands_over()
    }

    fn hands_over(&self) -> bool {
        self.active.is_none()
            && self.left.is_some_and(|left| self.now().saturating_sub(left) < HAND_OVER)
    }

    pub(super) fn activate(&mut self, key: WindowKey, active: bool) {
        if active {
            self.active = Some(key);
            self.arrived = Some(self.now());
            self.last_active = Some(key);
            self.follow_contrast();
            self.comes_back(key);
            self.tell_of_keys();
            if let WindowKey::Chat(peer) = key {
                self.read(peer);
            }
        } else if self.active == Some(key) {
            self.active = None;
            self.left = Some(self.now());
        }
        self.tell_attended();
    }

    /// While somebody is here, a dead connection is to be noticed soon.
    pub(super) fn tell_attended(&mut self) {
        let attended = self.active.is_some();
        if attended != self.attended && self.line.ask(Wish::Attend(attended)) {
            self.attended = attended;
        }
    }

    /// A window that was in the tray takes its focus again, once a screen reader has seen the window.
    fn comes_back(&self, key: WindowKey) {
        let Some(session) = &self.session else { return };
        match key {
            WindowKey::Contacts => {
                let window = session.main.view.window.as_weak();
                Timer::single_shot(LOOKED_AT_AFTER, move || {
                    window.upgrade().iter().for_each(MainWindow::invoke_come_back);
                });
            }
            WindowKey::Chat(peer) => {
                let Some(open) = session.chats.get(&peer) else { return };
                let window = open.view.view.window.as_weak();
                Timer::single_shot(LOOKED_AT_AFTER, move || {
                    window.upgrade().iter().for_each(ChatWindow::invoke_come_back);
                });
            }
            _ => {}
        }
    }

    /// A window is closing; what is said next is said elsewhere.
    pub(super) fn forget_window(&mut self, key: WindowKey) {
        if self.active == Some(key) {
            self.active = None;
            self.left = Some(self.now());
        }
        if self.last_active == Some(key) {
            self.last_active = None;
        }
        self.tell_attended();
    }

    pub(super) fn speak_next(&mut self, now: Duration) {
        // What a new window says before a screen reader has seen it is no news to the reader.
        let fresh = self.arrived.is_some_and(|at| now.saturating_sub(at) < SEEN_AFTER);
        if fresh || self.hands_over() {
            return;
        }
        let Some(utterance) = self.queue.next(now) else { return };
        let Utterance { region, text } = utterance;
        if text.is_empty() {
            // The window may have changed since, so all of them are cleared.
            self.everywhere(region, "");
            return;
        }
        if RING <= self.spoken.len() {
            self.spoken.pop_front();
        }
        self.spoken.push_back(text.clone());
        let key = self.active.or(self.last_active).filter(|key| self.shown(*key).is_some());
        self.speak_in(key, region, &text);
    }

    /// Says again what was said last.
    pub(super) fn repeat(&mut self) {
        // It goes to the end of the list again when it is said.
        match self.spoken.pop_back() {
            Some(text) => self.queue.push(Speech { text, assertive: false, from: None }),
            None => self.answer("Nothing was announced yet."),
        }
    }

    /// Everything that was said lately, the newest first.
    pub(super) fn show_announcements(&mut self) {
        let mut lines: Vec<_> = self.spoken.iter().rev().cloned().collect();
        if lines.is_empty() {
            lines.push("Nothing was announced yet.".into());
        }
        self.show_lines("Announcements", &lines);
    }

    /// Speaks in one window; without one, in the main window or the one for logging in.
    fn speak_in(&self, key: Option<WindowKey>, region: Region, text: &str) {
        let fallback = if self.session.is_some() { WindowKey::Contacts } else { WindowKey::Login };
        if let Some(window) = self.shown(key.unwrap_or(fallback)) {
            window.speak(region, text);
        }
    }

    fn everywhere(&self, region: Region, text: &str) {
        self.all_shown().for_each(|window| window.speak(region, text));
    }

    /// Everything that was said lately, oldest first.
    #[must_use]
    pub fn spoken(&self) -> Vec<String> {
        self.spoken.iter().cloned().collect()
    }
}

/// What a window manager may take to give the keyboard to the next window.
const HAND_OVER: Duration = Duration::from_millis(800);
/// Between the keyboard's arrival in a window, or the making of one, and the first announcement there.
const SEEN_AFTER: Duration = Duration::from_millis(500);
/// Between the keyboard's arrival in a window that was in the tray and the focus in it.
const LOOKED_AT_AFTER: Duration = Duration::from_millis(300);
/// Announcements that are kept.
const RING: usize = 100;
