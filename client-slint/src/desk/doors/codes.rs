//! Codes by mail before one is in: for a new account, and for a password that was forgotten.

use thrive_client::{Failure, ServerAddress};

use super::{Door, Verifying};
use crate::adapters::doors::{ForgotView, VerifyView};
use crate::adapters::shell::WindowKey;
use crate::bridge::{DoorWish, Wish};
use crate::controllers::codes::{self, Slip, Spot};
use crate::controllers::login;
use crate::desk::Desk;
use crate::ui::{DoorField, LoginField};

impl Desk {
    /// Asks for the code of an account. It can be left and come back to by logging in.
    pub(in crate::desk) fn open_verify(
        &mut self,
        server: ServerAddress,
        username: String,
        log_in_after: bool,
    ) {
        self.close_dialog(WindowKey::Door(Door::Verify));
        let view = VerifyView::open(&username, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.doors.verify = Some(Verifying { view, server, username, log_in_after });
        }
    }

    pub(super) fn verify(&mut self) {
        let Some(Verifying { view, server, username, .. }) = &self.doors.verify else { return };
        if view.window.get_busy() {
            return;
        }
        match codes::verify(server.clone(), username, &view.window.get_code()) {
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

    pub(super) fn verified(&mut self, result: Result<(), Failure>) {
        let Some(verifying) = &self.doors.verify else { return };
        verifying.view.window.set_busy(false);
        if let Err(failure) = result {
            let server = verifying.server.clone();
            if self.is_certificate(&server, &failure) {
                return;
            }
            let slip = codes::slip(&failure, Spot::Nowhere);
            self.doors.verify.iter().for_each(|it| it.view.point_at(&slip));
            return self.problem(slip.sentence);
        }
        let (username, log_in_after) = (verifying.username.clone(), verifying.log_in_after);
        self.close_dialog(WindowKey::Door(Door::Verify));
        let sentence = "The account is verified.";
        self.answer(sentence);
        let Some(login) = &self.login else { return };
        login.say(sentence, false);
        let form = login.form();
        let same = form.username.trim().eq_ignore_ascii_case(&username);
        if log_in_after && same && !form.password.expose().is_empty() {
            self.log_in();
        }
    }

    pub(super) fn resend_code(&mut self) {
        let Some(Verifying { view, server, username, .. }) = &self.doors.verify else { return };
        if view.window.get_busy() {
            return;
        }
        view.window.set_busy(true);
        view.say("", true);
        let (server, username) = (server.clone(), username.clone());
        self.ask(Wish::Door(DoorWish::ResendCode { server, username }));
    }

    pub(super) fn code_sent(&mut self, result: Result<(), Failure>) {
        let Some(Verifying { view, .. }) = &self.doors.verify else { return };
        view.window.set_busy(false);
        match result {
            Ok(()) => {
                let sentence = "Another code is on its way. The one before is void.";
                view.say(sentence, false);
                self.answer(sentence);
            }
            Err(failure) => {
                let slip = codes::slip(&failure, Spot::Nowhere);
                view.point_at(&Slip { at: Spot::Nowhere, ..slip.clone() });
                self.problem(slip.sentence);
            }
        }
    }

    pub(super) fn open_forgot(&mut self) {
        let Some(login) = &self.login else { return };
        let form = login.form();
        match login::server(&form.server) {
            Ok(server) => {
                let view =
                    ForgotView::open(&server, form.username.trim(), &self.settings, &self.tell);
                if let Some(view) = self.made(view) {
                    view.show();
                    // What stands there already can be written over.
                    view.window.invoke_focus_field(DoorField::Account);
                    self.doors.forgot = Some((view, server));
                    self.login.iter().for_each(|login| login.say("", true));
                }
            }
            Err(mistake) => self.login_mistake(&mistake),
        }
    }

    pub(super) fn ask_reset(&mut self) {
        let Some((view, server)) = &self.doors.forgot else { return };
        if view.window.get_busy() {
            return;
        }
        let wish = codes::ask_reset(server.clone(), &view.window.get_account());
        self.ask_from_forgot(wish);
    }

    pub(super) fn reset_password(&mut self) {
        let Some((view, server)) = &self.doors.forgot else { return };
        if view.window.get_busy() {
            return;
        }
        let wish = codes::reset(server.clone(), view.form());
        self.ask_from_forgot(wish);
    }

    fn ask_from_forgot(&mut self, wish: Result<DoorWish, Slip>) {
        let Some((view, _)) = &self.doors.forgot else { return };
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

    pub(super) fn reset_asked(&mut self, result: Result<(), Failure>) {
        let Some((view, server)) = &self.doors.forgot else { return };
        view.window.set_busy(false);
        if let Err(failure) = result {
            let server = server.clone();
            return self.not_from_forgot(&server, &failure, Spot::Account);
        }
        view.say(codes::SENT, false);
        let account = view.window.get_account();
        let account = account.trim();
        if account.contains('@') {
            // The mail says which user name it is for.
            view.window.invoke_focus_field(DoorField::Username);
        } else {
            view.window.set_username(account.into());
            view.window.invoke_focus_field(DoorField::Code);
        }
        self.answer(codes::SENT);
    }

    pub(super) fn password_reset(&mut self, result: Result<(), Failure>) {
        let Some((view, server)) = &self.doors.forgot else { return };
        view.window.set_busy(false);
        if let Err(failure) = result {
            let server = server.clone();
            return self.not_from_forgot(&server, &failure, Spot::Nowhere);
        }
        let (username, password) = (view.window.get_username(), view.window.get_password());
        let server = server.to_string();
        self.close_dialog(WindowKey::Door(Door::Forgot));
        let sentence = "The password is changed. You can log in with it.";
        if let Some(login) = &self.login {
            login.window.set_username(username);
            login.window.set_password(password);
            login.window.set_server(server.into());
            login.say(sentence, false);
            login.window.invoke_focus_field(LoginField::Password);
        }
        self.server_edited();
        self.answer(sentence);
    }

    /// `account` is the field that a name or an address leads back to.
    fn not_from_forgot(&mut self, server: &ServerAddress, failure: &Failure, account: Spot) {
        if self.is_certificate(server, failure) {
            return;
        }
        let mut slip = codes::slip(failure, Spot::Nowhere);
        if account == Spot::Account && matches!(slip.at, Spot::Address | Spot::Username) {
            slip.at = account;
        }
        self.doors.forgot.iter().for_each(|(view, _)| view.point_at(&slip));
        self.problem(slip.sentence);
    }
}
