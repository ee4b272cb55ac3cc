//! The windows before one is in: log in, create an account.

use slint::PlatformError;
use thrive_client::{Greeting, Secret, ServerAddress};

use super::dialogs::{index, strings};
use super::doors::listen;
use super::lines::Lines;
use super::shell::{Input, Tell, View, WindowKey, step, wire};
use crate::controllers::login::{Field, Mistake};
use crate::controllers::{create_account, login, status};
use crate::settings::Settings;
use crate::ui::{CreateAccountWindow, CreateField, LoginField, LoginWindow};

pub type LoginView = View<LoginWindow>;
pub type CreateAccountView = View<CreateAccountWindow>;

impl LoginView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        settings: &Settings,
        server: &str,
        rows: &Lines,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Login;
        let window = LoginWindow::new()?;
        wire!(window, KEY, tell);
        listen!(window, KEY, tell);
        let told = tell.clone();
        window.on_server_edited(move || told.say(KEY, Input::Edited));
        window.set_servers(rows.seen());
        window.set_servers_heard(rows.heard());
        window.set_server(server.into());
        window.set_statuses(strings(status::at_login()));
        window.set_username(settings.username.as_str().into());
        window.set_remember(settings.remember);
        window.set_automatic(settings.automatic);
        let view = Self::new(window, WindowKey::Login, settings, tell);
        if !settings.username.is_empty() {
            view.window.invoke_focus_field(LoginField::Password);
        }
        Ok(view)
    }

    #[must_use]
    pub fn form(&self) -> login::Form {
        login::Form {
            server: self.window.get_server().into(),
            username: self.window.get_username().into(),
            password: Secret::new(self.window.get_password().into()),
            remember: self.window.get_remember(),
            presence: status::of_login(index(self.window.get_status())),
        }
    }

    pub fn say(&self, words: &str, bad: bool) {
        self.window.set_notice(words.into());
        self.window.set_notice_bad(bad);
    }

    pub fn point_at(&self, mistake: &Mistake) {
        self.say(&mistake.sentence, true);
        self.window.invoke_focus_field(match mistake.field {
            Field::Username => LoginField::Username,
            Field::Password | Field::Confirmation | Field::Email | Field::Invite => {
                LoginField::Password
            }
            Field::Server => LoginField::Server,
        });
    }
}

impl CreateAccountView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        server: &ServerAddress,
        settings: &Settings,
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        let window = CreateAccountWindow::new()?;
        wire!(window, WindowKey::CreateAccount, tell);
        window.set_server(server.to_string().into());
        Ok(Self::new(window, WindowKey::CreateAccount, settings, tell))
    }

    #[must_use]
    pub fn form(&self) -> create_account::Form {
        create_account::Form {
            username: self.window.get_username().into(),
            password: Secret::new(self.window.get_password().into()),
            confirmation: Secret::new(self.window.get_confirmation().into()),
            email: self.window.get_email_shown().then(|| self.window.get_email().into()),
            invite: (self.window.get_invite_shown())
                .then(|| Secret::new(self.window.get_invite().into())),
        }
    }

    /// Takes away what nobody should find there.
    pub fn wipe(&self) {
        self.window.set_password("".into());
        self.window.set_confirmation("".into());
        self.window.set_invite("".into());
    }

    /// Shows the fields that the server asks for, and whether it takes anybody.
    pub fn greeted(&self, greeting: &Greeting) {
        self.window.set_email_shown(greeting.email_required);
        self.window.set_invite_shown(greeting.sign_up_by_invite);
        if self.window.get_notice().is_empty() {
            self.window.set_notice(create_account::welcome(greeting).into());
            self.window.set_notice_bad(!greeting.sign_up_by_invite);
        }
    }

    pub fn point_at(&self, mistake: &Mistake) {
        match mistake.field {
            // The server asks for more than it was known to.
            Field::Email => self.window.set_email_shown(true),
            Field::Invite => self.window.set_invite_shown(true),
            Field::Username | Field::Password | Field::Confirmation | Field::Server => {}
        }
        self.window.set_notice(mistake.sentence.as_str().into());
        self.window.set_notice_bad(true);
        self.window.invoke_focus_field(match mistake.field {
            Field::Username | Field::Server => CreateField::Username,
            Field::Password => CreateField::Password,
            Field::Confirmation => CreateField::Confirmation,
            Field::Email => CreateField::Email,
            Field::Invite => CreateField::Invite,
        });
    }
}
