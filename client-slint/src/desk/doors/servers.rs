//! The list of servers: at the log-in, where one is chosen, and in its own window, where they are added
//! and deleted.

use super::Door;
use crate::adapters::doors::{ServersView, server_words};
use crate::adapters::shell::{Input, WindowKey, number};
use crate::controllers::servers::{self, Known, Refused, Servers};
use crate::desk::Desk;
use crate::rows::RowChange;
use crate::ui::DoorField;

impl Desk {
    fn known_servers(&self) -> Vec<Known> {
        servers::known(&self.settings, &self.config.servers)
    }

    /// The server that is offered first: the primary one if somebody chose one, else where one was last.
    pub(in crate::desk) fn first_server(&self) -> String {
        let (primary, last) = (&self.settings.primary_server, &self.settings.server);
        let chosen = self.known_servers().into_iter().find(|it| it.primary);
        match chosen {
            Some(known) if !primary.is_empty() || last.is_empty() => known.address.to_string(),
            Some(_) | None => last.clone(),
        }
    }

    /// Fills the list at the log-in, which is new.
    pub(in crate::desk) fn offer_servers(&mut self) {
        self.doors.offered = Servers::default();
        self.doors.offered_rows = Default::default();
        self.renew_offered();
    }

    fn renew_offered(&mut self) {
        let changes = self.doors.offered.sync(servers::known(&self.settings, &self.config.servers));
        self.show_offered(&changes);
    }

    fn show_offered(&self, changes: &[RowChange]) {
        let rows = self.doors.offered.rows();
        self.doors.offered_rows.update(rows, changes, server_words);
        let Some(login) = &self.login else { return };
        login.window.set_server_count(number(Some(rows.count())));
        login.window.set_chosen_server(number(rows.current()));
        let heard = self.doors.offered_rows.index(rows.current());
        login.window.set_chosen_server_heard(heard);
    }

    /// Somebody typed into the field for the server: the list follows.
    pub(in crate::desk) fn server_edited(&mut self) {
        let Some(login) = &self.login else { return };
        self.doors.offered.choose_address(&login.form().server);
        self.show_offered(&[]);
    }

    /// The field for the server follows the list.
    pub(in crate::desk) fn move_in_known_servers(&mut self, input: &Input) {
        move_in(&mut self.doors.offered, input);
        self.show_offered(&[]);
        if let (Some(login), Some(server)) = (&self.login, self.doors.offered.chosen()) {
            login.window.set_server(server.address.to_string().into());
        }
        self.ask_greeting();
    }

    pub(super) fn open_servers(&mut self) {
        let view = ServersView::open(&self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            let mut servers = Servers::default();
            let changes = servers.sync(self.known_servers());
            servers.choose_primary();
            view.update(&servers, &changes);
            view.view.show();
            self.doors.servers = Some((view, servers));
        }
    }

    pub(super) fn move_in_servers(&mut self, input: &Input) {
        let Some((view, servers)) = &mut self.doors.servers else { return };
        move_in(servers, input);
        view.update(servers, &[]);
    }

    pub(super) fn add_server(&mut self) {
        let Some((view, _)) = &self.doors.servers else { return };
        let (name, address) = (view.view.window.get_name(), view.view.window.get_address());
        match servers::add(&mut self.settings, &self.config.servers, &name, &address) {
            Ok(added) => {
                view.view.window.set_name("".into());
                view.view.window.set_address("".into());
                self.servers_changed(&format!("{} is in the list of servers.", added.name));
                if let Some((view, servers)) = &mut self.doors.servers {
                    servers.choose_address(&added.address.to_string());
                    view.update(servers, &[]);
                    view.view.window.invoke_focus_list();
                }
            }
            Err(Refused(sentence)) => {
                view.say(&sentence, true);
                view.view.window.invoke_focus_field(DoorField::Address);
                self.problem(sentence);
            }
        }
    }

    pub(super) fn delete_server(&mut self) {
        let Some(server) = self.chosen_server() else { return };
        match servers::delete(&mut self.settings, &self.config.servers, &server) {
            Ok(()) => self.servers_changed(&format!("{} is deleted from the list.", server.name)),
            Err(Refused(sentence)) => {
                self.doors.servers.iter().for_each(|(view, _)| view.say(&sentence, true));
                self.problem(sentence);
            }
        }
    }

    pub(super) fn set_primary(&mut self) {
        let Some(server) = self.chosen_server() else { return };
        self.settings.primary_server = server.address.to_string();
        self.servers_changed(&format!("{} is the primary server.", server.name));
        if let Some(login) = &self.login {
            login.window.set_server(server.address.to_string().into());
        }
        self.server_edited();
        self.ask_greeting();
    }

    fn chosen_server(&self) -> Option<Known> {
        self.doors.servers.as_ref().and_then(|(_, servers)| servers.chosen().cloned())
    }

    /// The settings have another list: it is kept and shown, here and at the log-in.
    fn servers_changed(&mut self, sentence: &str) {
        self.save_settings();
        let all = self.known_servers();
        if let Some((view, servers)) = &mut self.doors.servers {
            let changes = servers.sync(all);
            view.update(servers, &changes);
            view.say(sentence, false);
        }
        self.renew_offered();
        self.server_edited();
        self.answer(sentence);
    }

    /// Escape, and the log-in is over.
    pub(in crate::desk) fn close_entrance_doors(&mut self) {
        for door in Door::ALL.iter().filter(|door| !door.is_of_session()) {
            self.close_dialog(WindowKey::Door(*door));
        }
    }
}

fn move_in(servers: &mut Servers, input: &Input) {
    match input {
        Input::Walk(step) => servers.walk(*step),
        Input::Letter(letter) => servers.letter(letter),
        Input::Picked(at) => servers.choose(*at),
        Input::Command(_)
        | Input::Key(_)
        | Input::Escape
        | Input::Fold(_)
        | Input::Edited
        | Input::Answered(_)
        | Input::Active(_)
        | Input::Closed => {}
    }
}
