//! Coming in and going out: log in, create an account, log out.

use thrive_client::{Arrival, Failure, ServerAddress, SignedUp, Username};

use super::doors::Door;
use super::{Desk, Entering, Session};
use crate::adapters::contacts::ContactsView;
use crate::adapters::entrance::{CreateAccountView, LoginView};
use crate::adapters::shell::WindowKey;
use crate::announce::Event;
use crate::bridge::{FileWish, Wish};
use crate::controllers::connection::Watch;
use crate::controllers::contacts::Contacts;
use crate::controllers::login::Mistake;
use crate::controllers::{create_account, login};
use crate::keys::Command;
use crate::keys::map::FILE;
use crate::ui::LoginField;
use crate::words;

impl Desk {
    /// Opens the first window.
    pub(super) fn begin(&mut self) {
        self.open_login();
        if !self.settings.automatic {
            return self.ask_greeting();
        }
        self.resume();
    }

    /// Logs in with the token of the last time, if it is known who that was.
    pub(super) fn resume(&mut self) {
        let server = match self.settings.server.as_str() {
            "" => self.config.servers.first().cloned(),
            last => ServerAddress::parse(last).ok(),
        };
        if let (Ok(username), Some(server)) = (Username::parse(&self.settings.username), server) {
            self.login.iter().for_each(|it| it.window.set_server(server.to_string().into()));
            self.server_edited();
            self.set_entering(Some(Entering { remember: true, automatic: true }));
            self.ask(Wish::Resume { server, username });
        }
    }

    /// Once the first window has the keyboard: of two that are opened at once, either one may be in front.
    pub(super) fn tell_of_keys(&mut self) {
        if self.key_problems.is_empty() {
            return;
        }
        let mut lines = std::mem::take(&mut self.key_problems);
        lines.insert(0, format!("The keys of the program are used until {FILE} is right."));
        self.show_lines("Your keys cannot be used", &lines);
    }

    pub(super) fn open_login(&mut self) {
        self.offer_servers();
        let (server, rows) = (self.first_server(), &self.doors.offered_rows);
        let view = LoginView::open(&self.settings, &server, rows, &self.tell);
        if let Some(view) = self.made(view) {
            view.show();
            self.login = Some(view);
            self.server_edited();
        }
    }

    pub(super) fn entrance_command(&mut self, key: WindowKey, command: Command) {
        match (key, command) {
            (WindowKey::Login, Command::LogIn) => self.log_in(),
            (WindowKey::Login, Command::CreateAccount) => self.open_create(),
            (WindowKey::Login, Command::ToggleRemember) => {
                self.login.iter().for_each(|it| it.window.invoke_toggle_remember());
            }
            (WindowKey::Login, Command::ToggleAutomatic) => {
                self.login.iter().for_each(|it| it.window.invoke_toggle_automatic());
            }
            (WindowKey::Login, Command::FocusServer) => {
                self.login.iter().for_each(|it| it.window.invoke_focus_field(LoginField::Server));
            }
            (WindowKey::Login, Command::Status) => {
                self.login.iter().for_each(|it| it.window.invoke_focus_status());
            }
            (WindowKey::Login, Command::ForgotPassword) => self.open_door(Door::Forgot),
            (WindowKey::Login, Command::Servers) => self.open_door(Door::Servers),
            (WindowKey::Login, Command::Exit) => self.exit(),
            (WindowKey::CreateAccount, Command::Create) => self.create_account(),
            (WindowKey::CreateAccount, Command::ToggleLogInAfter) => {
                self.create.iter().for_each(|(it, _)| it.window.invoke_toggle_log_in_after());
            }
            (WindowKey::CreateAccount, Command::Close) => self.close_dialog(key),
            (_, other) => tracing::error!(?key, ?other, "A command of another window"),
        }
    }

    pub(super) fn log_in(&mut self) {
        if self.entering.is_some() {
            return;
        }
        let Some(view) = &self.login else { return };
        let form = view.form();
        let automatic = view.window.get_automatic();
        let remember = form.remember;
        match login::submit(form) {
            Ok(wish) => {
                self.set_entering(Some(Entering { remember, automatic: automatic && remember }));
                self.ask(wish);
            }
            Err(mistake) => self.login_mistake(&mistake),
        }
    }

    pub(super) fn login_mistake(&mut self, mistake: &Mistake) {
        self.login.iter().for_each(|view| view.point_at(mistake));
        self.problem(mistake.sentence.clone());
    }

    fn set_entering(&mut self, entering: Option<Entering>) {
        self.entering = entering;
        if let Some(view) = &self.login {
            view.window.set_busy(entering.is_some());
            if entering.is_some() {
                view.say("Connecting to the server…", false);
            }
        }
    }

    pub(super) fn no_token(&mut self) {
        self.set_entering(None);
        if let Some(view) = &self.login {
            view.say("Enter your password to log in.", false);
            view.window.invoke_focus_field(LoginField::Password);
        }
        self.answer("Enter your password to log in.");
        self.ask_greeting();
    }

    pub(super) fn not_entered(&mut self, server: &ServerAddress, failure: &Failure) {
        self.set_entering(None);
        if self.is_certificate(server, failure) {
            return;
        }
        let sentence = words::failure(failure);
        if login::is_hopeless(failure) && self.settings.automatic {
            // It would fail the next time as well. A server that is away is tried again.
            self.settings.automatic = false;
            self.save_settings();
            self.login.iter().for_each(|it| it.window.set_automatic(false));
        }
        if login::is_unverified(failure)
            && let Some(login) = &self.login
        {
            let username = login.form().username.trim().to_lowercase();
            login.say(&sentence, true);
            self.open_verify(server.clone(), username, true);
            return self.problem(sentence);
        }
        if matches!(failure, Failure::Unreachable(_)) {
            // It may be long since Enter, and a password on its way: the focus stays.
            self.login.iter().for_each(|view| view.say(&sentence, true));
            return self.problem(sentence);
        }
        self.login_mistake(&Mistake::new(login::field_of(failure), sentence));
    }

    fn open_create(&mut self) {
        if let Some((view, _)) = &self.create {
            return view.raise();
        }
        let Some(view) = &self.login else { return };
        match login::server(&view.form().server) {
            Ok(server) => {
                let view = CreateAccountView::open(&server, &self.settings, &self.tell);
                if let Some(view) = self.made(view) {
                    view.show();
                    // An old mistake would be read out again at the return.
                    self.login.iter().for_each(|login| login.say("", true));
                    self.create = Some((view, server.clone()));
                    self.greet_creator(&server);
                }
            }
            Err(mistake) => self.login_mistake(&mistake),
        }
    }

    fn create_account(&mut self) {
        let Some((view, server)) = &self.create else { return };
        if view.window.get_busy() {
            return;
        }
        match create_account::submit(view.form(), server.clone()) {
            Ok(wish) => {
                view.window.set_busy(true);
                view.window.set_notice("".into());
                self.ask(wish);
            }
            Err(mistake) => {
                view.point_at(&mistake);
                self.problem(mistake.sentence);
            }
        }
    }

    pub(super) fn account_created(&mut self, result: Result<SignedUp, Failure>) {
        let Some((view, server)) = &self.create else { return };
        let server = server.clone();
        view.window.set_busy(false);
        if let Err(failure) = &result {
            if self.is_certificate(&server, failure) {
                return;
            }
            let mistake = Mistake::new(create_account::field_of(failure), words::failure(failure));
            self.create.iter().for_each(|(view, _)| view.point_at(&mistake));
            return self.problem(mistake.sentence);
        }
        let (username, password) = (view.window.get_username(), view.window.get_password());
        let log_in_after = view.window.get_log_in_after();
        self.close_dialog(WindowKey::CreateAccount);
        if let Some(login) = &self.login {
            login.window.set_username(username);
            login.window.set_password(password);
            // Another one may have been chosen there meanwhile.
            login.window.set_server(server.to_string().into());
            login.say("The account is made.", false);
        }
        self.server_edited();
        let Ok(SignedUp::Ready) = result else {
            self.answer("The account is made. A code is on its way to your e-mail address.");
            let Some(form) = self.login.as_ref().map(|login| login.form()) else { return };
            let username = form.username.trim().to_lowercase();
            return self.open_verify(server, username, log_in_after);
        };
        self.answer("The account is made.");
        if log_in_after {
            self.log_in();
        }
    }

    /// Opens the main window.
    pub(super) fn entered(&mut self, username: Username, server: ServerAddress) {
        if let Some(entering) = self.entering.take() {
            self.settings.remember = entering.remember;
            self.settings.automatic = entering.automatic;
            self.settings.username =
                if entering.remember { username.as_str().to_owned() } else { String::new() };
            self.settings.server = server.to_string();
            self.save_settings();
        }
        if self.session.is_some() {
            return;
        }
        let main = ContactsView::open(username.as_str(), &self.settings, &self.tell);
        let Some(main) = self.made(main) else { return };
        main.view.window.set_connection("Connecting to the server…".into());
        main.view.show();
        self.watch = Watch::default();
        self.session = Some(Session {
            username,
            server,
            main,
            contacts: Contacts::default(),
            chats: Default::default(),
            opening: Default::default(),
            again: Default::default(),
            left: Default::default(),
            own: Default::default(),
            greeted: false,
        });
        self.keep_logs();
        self.ask(Wish::File(FileWish::List));
        self.enter_circle();
        self.close_dialog(WindowKey::CreateAccount);
        self.close_entrance_doors();
        self.doors.asked = None;
        if let Some(login) = self.login.take() {
            // The password goes with the window.
            login.window.set_password("".into());
            self.forget_window(WindowKey::Login);
            login.close();
        }
        self.look_for_updates_once_a_day();
    }

    /// The session is over, by one's own wish or not.
    pub(super) fn logged_out(&mut self, why: Option<String>) {
        if self.session.is_none() || self.leaving {
            return;
        }
        self.leave_session();
        self.open_login();
        if let (Some(view), Some(why)) = (&self.login, &why) {
            view.say(why, true);
        }
        self.event(&Event::LoggedOut { why }, Arrival::Live);
        self.ask_greeting();
    }

    pub(super) fn leave_session(&mut self) {
        for key in WindowKey::single().filter(|key| key.is_of_session()) {
            self.close_dialog(key);
        }
        self.watch = Watch::default();
        // The next person at this computer may be another one.
        self.spoken.clear();
        self.queue.forget();
        self.circle.forget();
        self.set_entering(None);
        self.counter.forget();
        self.shelf.forget();
        let Some(session) = self.session.take() else { return };
        for (peer, open) in session.chats {
            self.forget_window(WindowKey::Chat(peer));
            open.view.view.close();
        }
        self.forget_window(WindowKey::Contacts);
        session.main.view.close();
    }
}
