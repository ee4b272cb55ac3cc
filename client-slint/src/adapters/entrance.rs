//! The windows before one is in: log in, create an account.

use slint::{ComponentHandle, ModelRc, PlatformError, SharedString, VecModel};
use thrive_client::{Secret, ServerAddress};

use super::shell::{Tell, View, WindowKey, wire};
use crate::controllers::login::{Field, Mistake};
use crate::controllers::{create_account, login};
use crate::settings::Settings;
use crate::ui::{CreateAccountWindow, CreateField, LoginField, LoginWindow};

pub type LoginView = View<LoginWindow>;
pub type CreateAccountView = View<CreateAccountWindow>;

impl LoginView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(
        settings: &Settings,
        servers: &[ServerAddress],
        tell: &Tell,
    ) -> Result<Self, PlatformError> {
        let window = LoginWindow::new()?;
        wire!(window, WindowKey::Login, tell);
        let names: Vec<SharedString> =
            servers.iter().map(|server| server.to_string().into()).collect();
        let last = match settings.server.as_str() {
            "" => names.first().cloned().unwrap_or_default(),
            last => last.into(),
        };
        let chosen = names.iter().position(|name| *name == last);
        window.set_chosen_server(super::shell::number(chosen));
        window.set_servers(ModelRc::new(VecModel::from(names)));
        window.set_server(last);
        window.set_username(settings.username.as_str().into());
        window.set_remember(settings.remember);
        window.set_automatic(settings.automatic);
        let weak = window.as_weak();
        window.on_server_picked(move |at| {
            use slint::Model;
            let Some(window) = weak.upgrade() else { return };
            let picked = usize::try_from(at).ok().and_then(|at| window.get_servers().row_data(at));
            if let Some(name) = picked {
                window.set_server(name);
            }
        });
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
            Field::Password | Field::Confirmation => LoginField::Password,
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
        }
    }

    pub fn point_at(&self, mistake: &Mistake) {
        self.window.set_notice(mistake.sentence.as_str().into());
        self.window.set_notice_bad(true);
        self.window.invoke_focus_field(match mistake.field {
            Field::Username | Field::Server => CreateField::Username,
            Field::Password => CreateField::Password,
            Field::Confirmation => CreateField::Confirmation,
        });
    }
}
