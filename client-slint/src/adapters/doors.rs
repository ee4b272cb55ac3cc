//! The windows of the ways in, and those around one's own account.

use slint::PlatformError;
use thrive_client::{OwnEmail, Secret, ServerAddress};

use super::lines::{Line, Lines};
use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::codes::{Reset, Slip, Spot};
use crate::controllers::devices::{self, Devices};
use crate::controllers::servers::{self, Servers};
use crate::desk::doors::Door;
use crate::rows::RowChange;
use crate::settings::Settings;
use crate::ui::{
    DevicesWindow, DoorField, EmailWindow, ForgotWindow, PasswordWindow, ServersWindow,
    VerifyWindow,
};

pub type VerifyView = View<VerifyWindow>;
pub type ForgotView = View<ForgotWindow>;
pub type PasswordView = View<PasswordWindow>;
pub type EmailView = View<EmailWindow>;

fn field(spot: Spot) -> DoorField {
    match spot {
        Spot::Account => DoorField::Account,
        Spot::Username => DoorField::Username,
        Spot::Code => DoorField::Code,
        Spot::OldPassword => DoorField::OldPassword,
        Spot::Password => DoorField::Password,
        Spot::Confirmation => DoorField::Confirmation,
        Spot::Address => DoorField::Address,
        Spot::Nowhere => DoorField::None,
    }
}

impl VerifyView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(username: &str, settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Door(Door::Verify);
        let window = VerifyWindow::new()?;
        wire!(window, KEY, tell);
        window.set_username(username.into());
        Ok(Self::new(window, KEY, settings, tell))
    }

    pub fn say(&self, words: &str, bad: bool) {
        self.window.set_notice(words.into());
        self.window.set_notice_bad(bad);
    }

    pub fn point_at(&self, slip: &Slip) {
        self.say(&slip.sentence, true);
        if slip.at != Spot::Nowhere {
            self.window.invoke_focus_field(field(slip.at));
        }
    }

    /// Takes away what nobody should find there.
    pub fn wipe(&self) {
        self.window.set_code("".into());
    }
}

impl ForgotView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        server: &ServerAddress,
        account: &str,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Door(Door::Forgot);
        let window = ForgotWindow::new()?;
        wire!(window, KEY, tell);
        window.set_server(server.to_string().into());
        window.set_account(account.into());
        Ok(Self::new(window, KEY, settings, tell))
    }

    #[must_use]
    pub fn form(&self) -> Reset {
        Reset {
            username: self.window.get_username().into(),
            code: self.window.get_code().into(),
            password: Secret::new(self.window.get_password().into()),
            confirmation: Secret::new(self.window.get_confirmation().into()),
        }
    }

    pub fn say(&self, words: &str, bad: bool) {
        self.window.set_notice(words.into());
        self.window.set_notice_bad(bad);
    }

    pub fn point_at(&self, slip: &Slip) {
        self.say(&slip.sentence, true);
        if slip.at != Spot::Nowhere {
            self.window.invoke_focus_field(field(slip.at));
        }
    }

    /// Takes away what nobody should find there.
    pub fn wipe(&self) {
        self.window.set_code("".into());
        self.window.set_password("".into());
        self.window.set_confirmation("".into());
    }
}

impl PasswordView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Door(Door::Password);
        let window = PasswordWindow::new()?;
        wire!(window, KEY, tell);
        Ok(Self::new(window, KEY, settings, tell))
    }

    pub fn point_at(&self, slip: &Slip) {
        self.window.set_notice(slip.sentence.as_str().into());
        if slip.at != Spot::Nowhere {
            self.window.invoke_focus_field(field(slip.at));
        }
    }

    /// Takes away what nobody should find there.
    pub fn wipe(&self) {
        self.window.set_old("".into());
        self.window.set_password("".into());
        self.window.set_confirmation("".into());
    }
}

impl EmailView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Door(Door::Email);
        let window = EmailWindow::new()?;
        wire!(window, KEY, tell);
        window.set_own("Asking the server…".into());
        Ok(Self::new(window, KEY, settings, tell))
    }

    pub fn show_own(&self, own: &OwnEmail) {
        let address = match &own.address {
            Some(address) => format!("Your e-mail address is {address}."),
            None => "Your account has no e-mail address.".to_owned(),
        };
        let changing = match &own.changing_to {
            Some(address) => format!(" The code for {address} is awaited."),
            None => String::new(),
        };
        self.window.set_own(format!("{address}{changing}").into());
    }

    pub fn say(&self, words: &str, bad: bool) {
        self.window.set_notice(words.into());
        self.window.set_notice_bad(bad);
    }

    pub fn point_at(&self, slip: &Slip) {
        self.say(&slip.sentence, true);
        if slip.at != Spot::Nowhere {
            self.window.invoke_focus_field(field(slip.at));
        }
    }

    /// Takes away what nobody should find there.
    pub fn wipe(&self) {
        self.window.set_password("".into());
        self.window.set_code("".into());
    }
}

/// Tells how somebody moves in a list.
macro_rules! listen {
    ($window:expr, $key:expr, $tell:expr) => {{
        let told = $tell.clone();
        $window.on_walk(move |it| told.say($key, Input::Walk(step(it))));
        let told = $tell.clone();
        $window.on_letter(move |letter| told.say($key, Input::Letter(letter.into())));
        let told = $tell.clone();
        $window.on_picked(move |at| {
            if let Ok(at) = usize::try_from(at) {
                told.say($key, Input::Picked(at));
            }
        });
    }};
}
pub(super) use listen;

pub struct ServersView {
    pub view: View<ServersWindow>,
    rows: Lines,
}

/// The words of a server in a list.
#[must_use]
pub fn server_words(entry: &servers::Entry) -> Line {
    let server = &entry.server;
    Line { spoken: server.spoken(), text: server.name.clone(), detail: server.detail() }
}

impl ServersView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Door(Door::Servers);
        let window = ServersWindow::new()?;
        wire!(window, KEY, tell);
        listen!(window, KEY, tell);
        let rows = Lines::default();
        window.set_rows(rows.seen());
        window.set_heard(rows.heard());
        Ok(Self { view: View::new(window, KEY, settings, tell), rows })
    }

    pub fn update(&self, servers: &Servers, changes: &[RowChange]) {
        self.rows.update(servers.rows(), changes, server_words);
        self.view.window.set_count(number(Some(servers.rows().count())));
        self.view.window.set_current(number(servers.rows().current()));
        self.view.window.set_current_heard(self.rows.index(servers.rows().current()));
    }

    pub fn say(&self, words: &str, bad: bool) {
        self.view.window.set_notice(words.into());
        self.view.window.set_notice_bad(bad);
    }
}

pub struct DevicesView {
    pub view: View<DevicesWindow>,
    rows: Lines,
}

impl DevicesView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Door(Door::Devices);
        let window = DevicesWindow::new()?;
        wire!(window, KEY, tell);
        listen!(window, KEY, tell);
        let rows = Lines::default();
        window.set_rows(rows.seen());
        window.set_heard(rows.heard());
        window.set_busy(true);
        Ok(Self { view: View::new(window, KEY, settings, tell), rows })
    }

    pub fn update(&self, devices: &Devices, changes: &[RowChange]) {
        self.rows.update(devices.rows(), changes, |entry: &devices::Entry| Line {
            spoken: format!("{}, {}", entry.name(), entry.detail()),
            text: entry.name(),
            detail: entry.detail(),
        });
        self.view.window.set_count(number(Some(devices.rows().count())));
        self.view.window.set_current(number(devices.rows().current()));
        self.view.window.set_current_heard(self.rows.index(devices.rows().current()));
    }

    pub fn say(&self, words: &str, bad: bool) {
        self.view.window.set_notice(words.into());
        self.view.window.set_notice_bad(bad);
    }
}

impl std::fmt::Debug for ServersView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ServersView")
    }
}

impl std::fmt::Debug for DevicesView {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DevicesView")
    }
}
