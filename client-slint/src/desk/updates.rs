//! Newer versions of this program: what the key for them does, and what is told of them. Nothing here
//! opens a window that was not asked for a moment ago.

use thrive_client::Arrival;

use super::Desk;
use super::people::Question;
use crate::adapters::dialogs::ConfirmView;
use crate::adapters::shell::WindowKey;
use crate::announce::Event;
use crate::bridge::{UpdateNews, UpdateWish, Wish};
use crate::controllers::updates::{self, Step, Way};
use crate::keys::{Command, Place};
use crate::updates::{Offer, Verdict, Version};

impl Desk {
    /// The key for newer versions.
    pub(super) fn ask_for_updates(&mut self) {
        match self.way.pressed(self.config.updates.is_some()) {
            Step::Look => {
                self.way = Way::Looking;
                self.say_and_show("Looking for a newer version.");
                self.ask(Wish::Update(UpdateWish::Look));
            }
            Step::Say(sentence) => self.say_and_show(sentence),
            Step::AskToRestart(version) => {
                let heading = format!("Thrive {version} is installed");
                let question = "It is used from the next start on. The former version is kept in the \
                                folder \"former\" beside the program.";
                let answers = [("Restart now", "Alt+R"), ("Later", "Escape")];
                let view =
                    ConfirmView::open(&heading, question, &answers, 1, &self.settings, &self.tell);
                self.ask_person(view, Question::Restart);
            }
        }
    }

    /// Somebody has logged in.
    pub(super) fn look_for_updates_once_a_day(&mut self) {
        if self.config.updates.is_some()
            && self.settings.look_for_updates
            && self.way == Way::Nowhere
        {
            self.ask(Wish::Update(UpdateWish::LookOnceADay));
        }
    }

    pub(super) fn hear_updates(&mut self, news: UpdateNews) {
        match news {
            UpdateNews::Looked(result) => {
                self.way = Way::Nowhere;
                match result {
                    Ok(Verdict::Newest) => {
                        self.say_and_show(format!(
                            "Thrive {} is the newest version.",
                            Version::own()
                        ));
                    }
                    Ok(Verdict::Newer(offer)) => self.offered(offer),
                    Err(sentence) => self.fail_and_show(sentence),
                }
            }
            UpdateNews::Noticed(offer) => self.noticed(&offer),
            UpdateNews::Progress(percent) => {
                let Way::Loading { version, .. } = self.way else { return };
                self.way = Way::Loading { version, percent };
                let sentence = updates::loading(version, percent);
                if updates::is_said(percent) {
                    self.say_and_show(sentence);
                } else {
                    self.show(&sentence);
                }
            }
            UpdateNews::Installed(Ok(version)) => {
                self.way = Way::Installed(version);
                let key = self.updates_key();
                self.say_and_show(format!(
                    "Thrive {version} is installed and used from the next start on. {key} restarts now."
                ));
            }
            UpdateNews::Installed(Err(sentence)) => {
                self.way = Way::Nowhere;
                self.fail_and_show(sentence);
            }
        }
    }

    /// It was asked for. Whoever went on to another window meanwhile keeps it.
    fn offered(&mut self, offer: Offer) {
        if self.active != Some(WindowKey::Contacts) {
            return self.noticed(&offer);
        }
        let (heading, words) = updates::question(&offer);
        let itself =
            self.config.updates.as_ref().is_some_and(|it| updates::replaces_itself(it.form));
        if !itself {
            return self.show_lines(&heading, &updates::by_hand(&offer));
        }
        let answers = [("Fetch and install", "Alt+F"), ("Later", "Escape")];
        let view = ConfirmView::open(&heading, &words, &answers, 1, &self.settings, &self.tell);
        self.ask_person(view, Question::Update(offer));
    }

    fn noticed(&mut self, offer: &Offer) {
        let key = self.updates_key();
        let event = Event::NewVersion(updates::noticed(offer.version, &key));
        self.event(&event, Arrival::Live);
    }

    pub(super) fn install_update(&mut self, offer: Offer) {
        self.way = Way::Loading { version: offer.version, percent: 0 };
        self.say_and_show(updates::loading(offer.version, 0));
        self.ask(Wish::Update(UpdateWish::Install(offer)));
    }

    /// Ends the program so that it is started again.
    pub(super) fn restart(&mut self) {
        self.restart = true;
        self.exit();
    }

    fn updates_key(&self) -> String {
        self.keys.label(Place::Contacts, Command::Updates)
    }

    fn say_and_show(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        self.show(&sentence);
        self.answer(sentence);
    }

    pub(super) fn fail_and_show(&mut self, sentence: String) {
        self.show(&sentence);
        self.problem(sentence);
    }

    /// In the line of the main window.
    pub(super) fn show(&self, sentence: &str) {
        if let Some(session) = &self.session {
            session.main.view.window.set_notice(sentence.into());
        }
    }
}
