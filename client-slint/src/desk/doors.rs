//! The windows of the ways in (codes by mail, forgotten passwords, the list of servers), and those around
//! the own account: password, address, devices.

mod codes;
mod own;
mod servers;

use thrive_client::{Arrival, Failure, Greeting, ServerAddress};

use super::Desk;
use crate::adapters::doors::{
    DevicesView, EmailView, ForgotView, PasswordView, ServersView, VerifyView,
};
use crate::adapters::lines::Lines;
use crate::adapters::shell::{Input, Shown, WindowKey};
use crate::announce::Event;
use crate::bridge::{DoorNews, DoorWish, Wish};
use crate::controllers::devices::Devices;
use crate::controllers::login;
use crate::controllers::servers::Servers;
use crate::keys::{Command, Place};
use crate::words;

/// A window of this theme.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Door {
    /// The code for a new account.
    Verify,
    Forgot,
    Servers,
    Password,
    Email,
    Devices,
}

impl Door {
    pub const ALL: &[Self] =
        &[Self::Verify, Self::Forgot, Self::Servers, Self::Password, Self::Email, Self::Devices];

    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Verify => Place::Verify,
            Self::Forgot => Place::ForgotPassword,
            Self::Servers => Place::Servers,
            Self::Password => Place::ChangePassword,
            Self::Email => Place::Email,
            Self::Devices => Place::Devices,
        }
    }

    /// Ends with the session; the others end with the log-in.
    #[must_use]
    pub fn is_of_session(self) -> bool {
        match self {
            Self::Verify | Self::Forgot | Self::Servers => false,
            Self::Password | Self::Email | Self::Devices => true,
        }
    }
}

/// The windows of this theme that are open.
#[derive(Debug, Default)]
pub struct Doors {
    pub verify: Option<Verifying>,
    pub forgot: Option<(ForgotView, ServerAddress)>,
    pub servers: Option<(ServersView, Servers)>,
    pub password: Option<PasswordView>,
    pub email: Option<EmailView>,
    pub devices: Option<(DevicesView, Devices)>,
    /// The list of servers in the window for logging in.
    pub(super) offered: Servers,
    pub(super) offered_rows: Lines,
    /// What a server said, and the one that was asked last.
    greeting: Option<(ServerAddress, Greeting)>,
    pub(super) asked: Option<ServerAddress>,
}

/// An account waits for its code.
#[derive(Debug)]
pub struct Verifying {
    pub view: VerifyView,
    server: ServerAddress,
    username: String,
    /// When the code is right, the person comes in.
    log_in_after: bool,
}

impl Doors {
    pub(super) fn shown(&self, window: Door) -> Option<&dyn Shown> {
        fn any<W: Shown>(view: Option<&W>) -> Option<&dyn Shown> {
            view.map(|view| view as &dyn Shown)
        }
        match window {
            Door::Verify => any(self.verify.as_ref().map(|it| &it.view)),
            Door::Forgot => any(self.forgot.as_ref().map(|(view, _)| view)),
            Door::Servers => any(self.servers.as_ref().map(|(it, _)| &it.view)),
            Door::Password => any(self.password.as_ref()),
            Door::Email => any(self.email.as_ref()),
            Door::Devices => any(self.devices.as_ref().map(|(it, _)| &it.view)),
        }
    }

    /// Closes one; where the focus was in the window behind, it still is. Passwords and codes go with it.
    pub(super) fn close(&mut self, window: Door) {
        match window {
            Door::Verify => {
                if let Some(verifying) = self.verify.take() {
                    verifying.view.wipe();
                    verifying.view.close();
                }
            }
            Door::Forgot => {
                if let Some((view, _)) = self.forgot.take() {
                    view.wipe();
                    view.close();
                }
            }
            Door::Servers => self.servers.take().into_iter().for_each(|(it, _)| it.view.close()),
            Door::Password => {
                if let Some(view) = self.password.take() {
                    view.wipe();
                    view.close();
                }
            }
            Door::Email => {
                if let Some(view) = self.email.take() {
                    view.wipe();
                    view.close();
                }
            }
            Door::Devices => self.devices.take().into_iter().for_each(|(it, _)| it.view.close()),
        }
    }

    /// What this server said, if it was heard.
    fn greeting_of(&self, server: &ServerAddress) -> Option<&Greeting> {
        self.greeting.as_ref().filter(|(of, _)| of == server).map(|(_, greeting)| greeting)
    }
}

impl Desk {
    /// Opens a window of this theme, or brings it to the front.
    pub(super) fn open_door(&mut self, door: Door) {
        if let Some(shown) = self.doors.shown(door) {
            return shown.raise();
        }
        match door {
            // It needs to know for whom; see `open_verify`.
            Door::Verify => {}
            Door::Forgot => self.open_forgot(),
            Door::Servers => self.open_servers(),
            Door::Password => self.open_password(),
            Door::Email => self.open_email(),
            Door::Devices => self.open_devices(),
        }
    }

    pub(super) fn doors_command(&mut self, window: Door, command: Command) {
        if command == Command::Close {
            return self.close_dialog(WindowKey::Door(window));
        }
        match (window, command) {
            (Door::Verify, Command::Confirm) => self.verify(),
            (Door::Verify, Command::SendCode) => self.resend_code(),
            (Door::Forgot, Command::SendCode) => self.ask_reset(),
            (Door::Forgot, Command::ChangePassword) => self.reset_password(),
            (Door::Servers, Command::Add) => self.add_server(),
            (Door::Servers, Command::Delete) => self.delete_server(),
            (Door::Servers, Command::Primary) => self.set_primary(),
            (Door::Password, Command::ChangePassword) => self.change_password(),
            (Door::Password, Command::ToggleOthers) => {
                self.doors.password.iter().for_each(|it| it.window.invoke_toggle_others());
            }
            (Door::Email, Command::SendCode) => self.change_email(),
            (Door::Email, Command::Confirm) => self.confirm_email(),
            (Door::Devices, Command::Revoke) => self.revoke_device(),
            (Door::Devices, Command::Refresh) => self.list_devices(),
            (_, other) => tracing::error!(?window, ?other, "A command of another window"),
        }
    }

    pub(super) fn move_in_doors(&mut self, window: Door, input: &Input) {
        match window {
            Door::Servers => self.move_in_servers(input),
            Door::Devices => self.move_in_devices(input),
            Door::Verify | Door::Forgot | Door::Password | Door::Email => {}
        }
    }

    /// F6 in one of them.
    pub(super) fn go_doors_region(&self, window: Door, forward: bool) {
        let by = if forward { 1 } else { -1 };
        match window {
            Door::Servers => {
                let open = self.doors.servers.iter();
                open.for_each(|(it, _)| it.view.window.invoke_go_region(by));
            }
            Door::Devices => {
                let open = self.doors.devices.iter();
                open.for_each(|(it, _)| it.view.window.invoke_go_region(by));
            }
            // One part each.
            Door::Verify | Door::Forgot | Door::Password | Door::Email => {}
        }
    }

    pub(super) fn hear_doors(&mut self, news: DoorNews) {
        match news {
            DoorNews::Greeted { server, result } => self.greeted(server, result),
            DoorNews::Created(result) => self.account_created(result),
            DoorNews::Verified(result) => self.verified(result),
            DoorNews::CodeSent(result) => self.code_sent(result),
            DoorNews::ResetAsked(result) => self.reset_asked(result),
            DoorNews::Reset(result) => self.password_reset(result),
            DoorNews::PasswordChanged(result) => self.password_changed(result),
            DoorNews::Email(result) => self.email_told(result),
            DoorNews::EmailAsked(result) => self.email_asked(result),
            DoorNews::EmailConfirmed(result) => self.email_confirmed(result),
            DoorNews::Devices(result) => self.devices_told(result),
            DoorNews::Revoked { session, result } => self.revoked(session, result),
            DoorNews::Welcome(text) => {
                if !text.trim().is_empty() && self.session.is_some() {
                    self.event(&Event::Welcome(text), Arrival::Live);
                }
            }
        }
    }

    /// Asks the server at the log-in what it says to everybody, once for each server. Nobody waits for it.
    pub(super) fn ask_greeting(&mut self) {
        let Some(login) = &self.login else { return };
        let Ok(server) = login::server(&login.form().server) else { return };
        if self.doors.asked.as_ref() != Some(&server) {
            login.window.set_welcome("".into());
            login.window.set_people("".into());
            self.doors.asked = Some(server.clone());
            self.ask(Wish::Door(DoorWish::Greet(server)));
        }
    }

    fn greeted(&mut self, server: ServerAddress, result: Result<Greeting, Failure>) {
        if self.doors.asked.as_ref() != Some(&server) {
            return;
        }
        let greeting = match result {
            Ok(greeting) => greeting,
            Err(error) => {
                // Whoever logs in hears it; until then it is nobody's trouble.
                tracing::debug!(%error, "The server says nothing to whoever comes");
                self.doors.asked = None;
                return;
            }
        };
        let theirs = self.create.iter().filter(|(_, at)| *at == server);
        theirs.for_each(|(view, _)| view.greeted(&greeting));
        let text = words::one_line(&greeting.text);
        if let Some(login) = &self.login {
            login.window.set_welcome(text.as_str().into());
            login.window.set_people(login::people(greeting.people).into());
            if !text.is_empty() && self.entering.is_none() && self.create.is_none() {
                self.answer(text);
            }
        }
        self.doors.greeting = Some((server, greeting));
    }

    /// What is known of the server goes into the window for a new account.
    pub(super) fn greet_creator(&mut self, server: &ServerAddress) {
        if let (Some((view, _)), Some(greeting)) = (&self.create, self.doors.greeting_of(server)) {
            view.greeted(greeting);
        } else {
            self.doors.asked = None;
            self.ask_greeting();
        }
    }
}
