//! The user directory.

use thrive_client::{Failure, FoundPage};

use super::Social;
use crate::adapters::people::DirectoryView;
use crate::adapters::shell::{Input, WindowKey};
use crate::bridge::Wish;
use crate::controllers::directory::{Chosen, Directory, TABS, somebody_else};
use crate::desk::Desk;
use crate::keys::Command;
use crate::words;

impl Desk {
    pub(in crate::desk) fn open_directory(&mut self) {
        if let Some((view, _)) = &self.circle.directory {
            return view.view.raise();
        }
        let view = DirectoryView::open(&self.settings, &self.tell);
        let Some(view) = self.made(view) else { return };
        let mut directory = Directory::default();
        let wish = directory.search("");
        view.say("Searching…", false);
        view.view.show();
        self.circle.directory = Some((view, directory));
        self.ask(Wish::Social(wish));
    }

    pub(super) fn directory_command(&mut self, command: Command) {
        let Some((view, directory)) = &mut self.circle.directory else { return };
        match command {
            Command::Search => view.view.window.invoke_focus_search(),
            Command::SearchNow => {
                self.search_directory();
                if let Some((view, _)) = &self.circle.directory {
                    view.view.window.invoke_focus_list();
                }
            }
            Command::Entered => {
                directory.enter();
                view.update(directory, &[]);
            }
            Command::NextPage => self.turn_directory(true),
            Command::PreviousPage => self.turn_directory(false),
            Command::More => self.more_people(),
            Command::Open | Command::Add | Command::Block => self.with_found(command),
            other => tracing::error!(?other, "A command of another window"),
        }
    }

    fn with_found(&mut self, command: Command) {
        let Some((_, directory)) = &self.circle.directory else { return };
        let found = match directory.chosen() {
            Chosen::Person(found) => found,
            Chosen::More if command == Command::Open => return self.more_people(),
            Chosen::More | Chosen::Nobody => {
                return self.answer("Choose somebody in the list first.");
            }
        };
        let username = match somebody_else(&found) {
            Ok(username) => username.clone(),
            Err(sentence) => return self.answer(sentence),
        };
        match command {
            Command::Open => self.open_chat_from(Social::Directory, username),
            Command::Add => self.ask_to_add(username),
            _ if found.blocked => self.ask(Wish::Unblock(found.user)),
            _ => self.ask(Wish::Block(username)),
        }
    }

    fn more_people(&mut self) {
        let Some((_, directory)) = &mut self.circle.directory else { return };
        match directory.more() {
            Some(wish) => self.ask(Wish::Social(wish)),
            None => self.answer("There is nobody more to load."),
        }
    }

    /// Searches for what stands in the field now.
    pub(super) fn search_directory(&mut self) {
        // Nothing was typed since: what was asked for is on its way or there.
        let Some(_) = self.circle.directory_edited.take() else { return };
        let Some((view, directory)) = &mut self.circle.directory else { return };
        let wish = directory.search(&view.view.window.get_search());
        self.ask(Wish::Social(wish));
    }

    fn turn_directory(&mut self, forward: bool) {
        let Some((_, directory)) = &self.circle.directory else { return };
        let by = if forward { 1 } else { TABS.len() - 1 };
        let tab = (directory.tab() + by) % TABS.len();
        self.go_to_tab(tab);
        // A tab is what changes, so it is what is read; the one that is left is not.
        if let Some((view, _)) = &self.circle.directory {
            view.view.window.invoke_focus_tabs();
        }
    }

    fn go_to_tab(&mut self, tab: usize) {
        let Some((view, directory)) = &mut self.circle.directory else { return };
        if directory.tab() == tab {
            return;
        }
        let wish = directory.turn(tab);
        view.update(directory, &[]);
        self.ask(Wish::Social(wish));
    }

    pub(super) fn move_in_directory(&mut self, input: &Input) {
        let Some((view, directory)) = &mut self.circle.directory else { return };
        match input {
            Input::Walk(step) => directory.walk(*step),
            Input::Letter(letter) => directory.letter(letter),
            Input::Picked(at) => directory.choose(*at),
            _ => {}
        }
        view.update(directory, &[]);
    }

    pub(super) fn directory_came(&mut self, asked: u64, result: Result<FoundPage, Failure>) {
        let Some((view, directory)) = &mut self.circle.directory else { return };
        if !directory.wants(asked) {
            return;
        }
        match result {
            Ok(page) => {
                let changes = directory.found(page);
                let stands_in_list = view.view.window.get_list_has_focus();
                if stands_in_list {
                    directory.enter();
                }
                let sentence = directory.result();
                view.update(directory, &changes);
                view.say(&sentence, false);
                self.answer(sentence);
            }
            Err(failure) => {
                directory.failed();
                let sentence = words::failure(&failure);
                view.say(&sentence, true);
                self.problem(sentence);
            }
        }
    }

    /// A tab of a window of this theme was chosen.
    pub(in crate::desk) fn tab_chosen(&mut self, key: WindowKey, tab: usize) {
        if key == WindowKey::Social(Social::Directory) {
            self.go_to_tab(tab);
        }
    }
}
