//! The own account of whoever is logged in: password, e-mail address, devices.

use thrive_client::{Code, Device, Failure, OwnEmail, Secret, SessionId};

use super::Door;
use crate::adapters::doors::{DevicesView, EmailView, PasswordView};
use crate::adapters::shell::{Input, WindowKey};
use crate::bridge::{DoorWish, Wish};
use crate::clock;
use crate::controllers::codes::{self, Slip, Spot};
use crate::controllers::devices::{Devices, Entry};
use crate::desk::Desk;
use crate::ui::DoorField;
use crate::words;

impl Desk {
    pub(super) fn open_password(&mut self) {
        let view = PasswordView::open(&self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.doors.password = Some(view);
        }
    }

    pub(super) fn change_password(&mut self) {
        let Some(view) = &self.doors.password else { return };
        let window = &view.window;
        if window.get_busy() {
            return;
        }
        let secret = |text: slint::SharedString| Secret::new(text.into());
        let (old, new) = (secret(window.get_old()), secret(window.get_password()));
        let again = secret(window.get_confirmation());
        match codes::change_password(old, new, &again, window.get_others()) {
            Ok(wish) => {
                window.set_busy(true);
                window.set_notice("".into());
                self.ask(Wish::Door(wish));
            }
            Err(slip) => {
                view.point_at(&slip);
                self.problem(slip.sentence);
            }
        }
    }

    pub(super) fn password_changed(&mut self, result: Result<(), Failure>) {
        let others = match (&self.doors.password, result) {
            (None, _) => return,
            (Some(view), Ok(())) => view.window.get_others(),
            (Some(view), Err(failure)) => {
                view.window.set_busy(false);
                let slip = codes::slip(&failure, Spot::OldPassword);
                view.point_at(&slip);
                return self.problem(slip.sentence);
            }
        };
        self.close_dialog(WindowKey::Door(Door::Password));
        self.answer(match others {
            true => "The password is changed. Your other devices are logged out.",
            false => "The password is changed.",
        });
    }

    pub(super) fn open_email(&mut self) {
        let view = EmailView::open(&self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.doors.email = Some(view);
            self.ask(Wish::Door(DoorWish::ShowEmail));
        }
    }

    pub(super) fn email_told(&mut self, result: Result<OwnEmail, Failure>) {
        let Some(view) = &self.doors.email else { return };
        match result {
            Ok(own) => {
                view.show_own(&own);
                let sentence = view.window.get_own();
                self.answer(sentence);
            }
            Err(failure) => {
                let sentence = words::failure(&failure);
                view.window.set_own(sentence.as_str().into());
                self.problem(sentence);
            }
        }
    }

    pub(super) fn change_email(&mut self) {
        let Some(view) = &self.doors.email else { return };
        let password = Secret::new(view.window.get_password().into());
        let wish = codes::change_email(&view.window.get_address(), password);
        self.ask_about_email(wish);
    }

    pub(super) fn confirm_email(&mut self) {
        let Some(view) = &self.doors.email else { return };
        let wish = codes::confirm_email(&view.window.get_code());
        self.ask_about_email(wish);
    }

    fn ask_about_email(&mut self, wish: Result<DoorWish, Slip>) {
        let Some(view) = self.doors.email.as_ref().filter(|it| !it.window.get_busy()) else {
            return;
        };
        match wish {
            Ok(wish) => {
                view.window.set_busy(true);
                view.say("", true);
                self.ask(Wish::Door(wish));
            }
            Err(slip) => {
                view.point_at(&slip);
                self.problem(slip.sentence);
            }
        }
    }

    pub(super) fn email_asked(&mut self, result: Result<(), Failure>) {
        let sentence = "A code is on its way to the new address.";
        let Some(view) = &self.doors.email else { return };
        view.window.set_busy(false);
        if let Err(failure) = result {
            return self.not_about_email(&failure);
        }
        view.window.set_password("".into());
        view.say(sentence, false);
        view.window.invoke_focus_field(DoorField::Code);
        self.answer(sentence);
    }

    pub(super) fn email_confirmed(&mut self, result: Result<(), Failure>) {
        let sentence = "Your e-mail address is changed.";
        let Some(view) = &self.doors.email else { return };
        view.window.set_busy(false);
        if let Err(failure) = result {
            return self.not_about_email(&failure);
        }
        view.window.set_code("".into());
        view.window.set_address("".into());
        view.say(sentence, false);
        self.answer(sentence);
        self.ask(Wish::Door(DoorWish::ShowEmail));
    }

    fn not_about_email(&mut self, failure: &Failure) {
        let slip = codes::slip(failure, Spot::Password);
        self.doors.email.iter().for_each(|view| view.point_at(&slip));
        self.problem(slip.sentence);
    }

    pub(super) fn open_devices(&mut self) {
        let view = DevicesView::open(&self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.view.show();
            self.doors.devices = Some((view, Devices::default()));
            self.ask(Wish::Door(DoorWish::ListDevices));
        }
    }

    pub(super) fn list_devices(&mut self) {
        let Some((view, _)) = &self.doors.devices else { return };
        if view.view.window.get_busy() {
            return;
        }
        view.view.window.set_busy(true);
        view.say("", true);
        self.ask(Wish::Door(DoorWish::ListDevices));
    }

    pub(super) fn devices_told(&mut self, result: Result<Vec<Device>, Failure>) {
        let (now, zone) = (clock::now_ms(), &self.zone);
        let Some((view, devices)) = &mut self.doors.devices else { return };
        view.view.window.set_busy(false);
        match result {
            Ok(all) => {
                let entry = |device: Device| Entry {
                    created: clock::of_message(device.created_ms, now, zone),
                    seen: clock::of_message(device.last_seen_ms, now, zone),
                    device,
                };
                let changes = devices.reload(all.into_iter().map(entry).collect());
                view.update(devices, &changes);
                let sentence = match devices.rows().count() {
                    1 => "You are logged in on 1 device.".to_owned(),
                    many => format!("You are logged in on {many} devices."),
                };
                self.answer(sentence);
            }
            Err(failure) => {
                let sentence = words::failure(&failure);
                view.say(&sentence, true);
                self.problem(sentence);
            }
        }
    }

    pub(super) fn move_in_devices(&mut self, input: &Input) {
        let Some((view, devices)) = &mut self.doors.devices else { return };
        match input {
            Input::Walk(step) => devices.rows_mut().walk(*step),
            Input::Letter(letter) => devices.rows_mut().letter(letter),
            Input::Picked(at) => devices.rows_mut().choose(*at),
            _ => {}
        }
        view.update(devices, &[]);
    }

    pub(super) fn revoke_device(&mut self) {
        let Some((view, devices)) = &self.doors.devices else { return };
        match devices.revoke() {
            Ok(session) => {
                view.say("", true);
                self.ask(Wish::Door(DoorWish::Revoke(session)));
            }
            Err(sentence) => {
                view.say(sentence, true);
                self.problem(sentence);
            }
        }
    }

    pub(super) fn revoked(&mut self, session: SessionId, result: Result<(), Failure>) {
        let Some((view, devices)) = &mut self.doors.devices else { return };
        let name = devices.rows().get(session).map(Entry::name).unwrap_or_default();
        // Somebody else may have been faster; it is not logged in any more in any case.
        let over = |failure: &Failure| {
            matches!(failure, Failure::Refused { code: Code::NoSuchSession, .. })
        };
        match result {
            Err(failure) if !over(&failure) => {
                let sentence = words::failure(&failure);
                view.say(&sentence, true);
                self.problem(sentence);
            }
            Ok(()) | Err(_) => {
                let changes = devices.gone(session);
                view.update(devices, &changes);
                let sentence = format!("{name} is logged out.");
                view.say(&sentence, false);
                self.answer(sentence);
            }
        }
    }
}
