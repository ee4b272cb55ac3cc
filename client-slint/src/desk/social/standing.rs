//! How others see me: away by itself, privacy, the limit of a status.

use thrive_client::{Failure, Privacy, SetPrivacy};

use crate::bridge::{SocialWish, Wish};
use crate::desk::Desk;
use crate::settings::Settings;
use crate::words;

impl Desk {
    /// Somebody has logged in.
    pub(in crate::desk) fn enter_circle(&mut self) {
        let Some(session) = &mut self.session else { return };
        session.contacts.order(self.settings.order);
        session.contacts.close(self.settings.closed_groups.clone());
        self.watch_idle();
    }

    /// Begins, or begins anew, to watch for how long nothing was touched.
    pub(in crate::desk) fn watch_idle(&mut self) {
        if self.session.is_none() {
            return;
        }
        let (minutes, shown_away) = (self.settings.away_after, self.settings.auto_away);
        self.ask(Wish::Social(SocialWish::Away { minutes, shown_away }));
    }

    pub(super) fn idle_told(&mut self, known: bool) {
        self.circle.idle_known = Some(known);
        self.choices.iter().for_each(|view| view.show_idle(known));
    }

    /// Kept on the disk: a program that ends while it shows me as away must know it when it is back.
    pub(super) fn auto_away(&mut self, shown: bool) {
        if self.settings.auto_away != shown {
            self.settings.auto_away = shown;
            self.save_settings();
        }
    }

    /// The settings were opened: what the server and the system know is asked for.
    pub(in crate::desk) fn fill_settings(&mut self) {
        if let (Some(known), Some(view)) = (self.circle.idle_known, &self.choices) {
            view.show_idle(known);
        }
        self.circle.privacy = None;
        self.ask(Wish::Social(SocialWish::Privacy));
    }

    pub(super) fn privacy_came(&mut self, result: Result<Privacy, Failure>) {
        match result {
            Ok(privacy) => {
                self.circle.privacy = Some(privacy);
                self.choices.iter().for_each(|view| view.show_privacy(privacy));
            }
            Err(failure) => {
                // The page says that it needs a connection; only a change that was refused is a problem.
                if self.circle.privacy.is_some() {
                    self.problem(words::failure(&failure));
                }
            }
        }
    }

    /// The settings are applied.
    pub(in crate::desk) fn apply_to_circle(&mut self, before: &Settings) {
        self.apply_privacy();
        if before.away_after != self.settings.away_after {
            self.watch_idle();
        }
        let order = self.settings.order;
        if before.order != order
            && let Some(session) = &mut self.session
        {
            let changes = session.contacts.order(order);
            session.main.update(&session.contacts, &changes);
        }
    }

    /// The settings are applied: what others may see is told to the server, if it was changed.
    fn apply_privacy(&mut self) {
        let wanted = self.choices.as_ref().and_then(|view| view.privacy());
        let (Some(wanted), Some(known)) = (wanted, self.circle.privacy) else { return };
        let changed = |now: bool, before: bool| (now != before).then_some(now);
        let set = SetPrivacy {
            listed: changed(wanted.listed, known.listed),
            presence_to_strangers: changed(
                wanted.presence_to_strangers,
                known.presence_to_strangers,
            ),
            last_seen_to_contacts: changed(
                wanted.last_seen_to_contacts,
                known.last_seen_to_contacts,
            ),
        };
        if set != SetPrivacy::default() {
            self.ask(Wish::Social(SocialWish::SetPrivacy(set)));
        }
    }

    /// The dialog for the status was opened.
    pub(in crate::desk) fn ask_status_limit(&mut self) {
        if self.circle.status_limit.is_none() {
            self.ask(Wish::Social(SocialWish::StatusLimit));
        }
    }

    /// The longest status, in letters, as far as the server has said so.
    pub(in crate::desk) fn status_limit(&self) -> Option<u32> {
        self.circle.status_limit
    }
}
