//! The windows about files, the offers in the chats, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use thrive_client::{
    Arrival, Failure, File, FileState, MessageKey, UserId, Username, size_in_words,
};

use super::Desk;
use super::people::Question;
use crate::adapters::dialogs::ConfirmView;
use crate::adapters::files::{SendFilesView, TransfersView};
use crate::adapters::shell::{Input, Shown, WindowKey};
use crate::announce::Event;
use crate::bridge::{FileDeed, FileNews, FileWish, Wish};
use crate::controllers::files::{self, Plan, Transfers};
use crate::controllers::send_files::{self, SendFiles};
use crate::keys::{Command, Place};
use crate::rows::RowChange;
use crate::words;

/// A window of this theme.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Files {
    /// Files for one person.
    Send,
    /// All that were offered.
    Transfers,
}

impl Files {
    pub const ALL: &[Self] = &[Self::Send, Self::Transfers];

    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Send => Place::SendFiles,
            Self::Transfers => Place::Files,
        }
    }
}

/// The windows of this theme that are open, and the files that are known.
#[derive(Default)]
pub struct Shelf {
    pub send: Option<(SendFilesView, SendFiles)>,
    pub transfers: Option<(TransfersView, Transfers)>,
    known: BTreeMap<MessageKey, File>,
}

impl Shelf {
    pub(super) fn shown(&self, window: Files) -> Option<&dyn Shown> {
        match window {
            Files::Send => self.send.as_ref().map(|(it, _)| &it.view as &dyn Shown),
            Files::Transfers => self.transfers.as_ref().map(|(it, _)| &it.view as &dyn Shown),
        }
    }

    /// Closes one; where the focus was in the window behind, it still is.
    pub(super) fn close(&mut self, window: Files) {
        match window {
            Files::Send => self.send.take().into_iter().for_each(|(it, _)| it.view.close()),
            Files::Transfers => {
                self.transfers.take().into_iter().for_each(|(it, _)| it.view.close());
            }
        }
    }

    /// The session is over.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// What is on its way to or from this person, as it was told last.
    pub(super) fn under_way(&self, peer: UserId) -> impl Iterator<Item = &File> {
        let begun = move |it: &&File| it.peer == peer && 0 < it.done && !it.state.is_over();
        self.known.values().filter(begun)
    }

    fn update_send(&self, changes: &[RowChange]) {
        self.send.iter().for_each(|(view, send)| view.update(send, changes));
    }

    fn update_transfers(&self, changes: &[RowChange]) {
        self.transfers.iter().for_each(|(view, transfers)| view.update(transfers, changes));
    }

    fn chosen(&self) -> Option<File> {
        self.transfers.as_ref().and_then(|(_, transfers)| transfers.chosen()).cloned()
    }
}

impl Desk {
    /// The window for sending files to the contact that is chosen in the main window.
    pub(super) fn send_files_to_chosen(&mut self) {
        let Some(session) = &self.session else { return };
        match session.contacts.chosen().cloned() {
            Some(contact) => {
                let name = contact.display_name().to_owned();
                self.open_send_files(contact.username, name);
            }
            None => self.answer("No contact is chosen."),
        }
    }

    pub(super) fn open_send_files(&mut self, to: Username, name: String) {
        if let Some((view, send)) = &self.shelf.send {
            if send.to == to {
                return view.view.raise();
            }
            if 0 < send.rows().count() || send.is_busy() {
                let sentence = format!("First send the files to {}, or cancel that.", send.name);
                view.view.raise();
                return self.answer(sentence);
            }
            self.close_dialog(WindowKey::Files(Files::Send));
        }
        let send = SendFiles::new(to, name);
        let view = SendFilesView::open(&send, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.view.show();
            self.shelf.send = Some((view, send));
        }
    }

    pub(super) fn open_transfers(&mut self) {
        if let Some((view, _)) = &self.shelf.transfers {
            return view.view.raise();
        }
        let mut transfers = Transfers::new(self.zone.clone());
        for file in self.shelf.known.values() {
            transfers.put(file.clone(), self.name_of(file.peer, &file.peer_name));
        }
        transfers.enter();
        let view = TransfersView::open(&transfers, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.view.show();
            self.shelf.transfers = Some((view, transfers));
        }
    }

    fn name_of(&self, user: UserId, username: &Username) -> String {
        let contact = self.session.as_ref().and_then(|session| session.contacts.get(user));
        contact.map_or(username.as_str(), |contact| contact.display_name()).to_owned()
    }

    /// Where files of others are put.
    fn files_folder(&self) -> PathBuf {
        self.settings.files_folder(&self.config.documents)
    }

    pub(super) fn files_command(&mut self, window: Files, command: Command) {
        match (window, command) {
            (_, Command::Close) => self.close_dialog(WindowKey::Files(window)),
            (Files::Send, Command::AddPath) => self.add_paths(false),
            (Files::Send, Command::Send) => self.send_chosen_files(),
            (Files::Send, Command::Browse) => self.browse(),
            (Files::Send, Command::Unchoose) => self.unchoose(),
            (Files::Send, Command::EnteredList) => {
                self.shelf.send.iter_mut().for_each(|(_, send)| send.enter());
                self.shelf.update_send(&[]);
            }
            (Files::Transfers, Command::EnteredList) => {
                self.shelf.transfers.iter_mut().for_each(|(_, transfers)| transfers.enter());
                self.shelf.update_transfers(&[]);
            }
            (Files::Transfers, command) => match self.shelf.chosen() {
                Some(file) => self.transfers_command(&file, command),
                None => self.answer("No file is chosen."),
            },
            (Files::Send, other) => {
                tracing::error!(?window, ?other, "A command of another window");
            }
        }
    }

    fn transfers_command(&mut self, file: &File, command: Command) {
        match command {
            Command::OpenFile => self.enter_file(file),
            Command::OpenFolder => match file.saved.as_deref().and_then(|path| path.parent()) {
                Some(folder) => self.open_file(folder.to_owned()),
                None => self.answer("This file is not on this computer."),
            },
            Command::CancelFile => self.cancel_file(file),
            Command::GetAgain if files::enter(file) == Plan::OfferAgain => self.enter_file(file),
            Command::GetAgain => match files::again(file, &self.files_folder()) {
                Ok(wish) => self.ask(Wish::File(wish)),
                Err(sentence) => self.answer(sentence),
            },
            other => tracing::error!(?other, "A command of another window"),
        }
    }

    /// Enter on a file, in a chat or in the list of all.
    pub(super) fn enter_file(&mut self, file: &File) {
        match files::enter(file) {
            Plan::Ask => self.ask_about_file(file),
            Plan::Get => {
                let folder = self.files_folder();
                self.ask(Wish::File(FileWish::Get { file: file.clone(), folder }));
            }
            Plan::Open(path) => self.open_file(path),
            Plan::OfferAgain => {
                self.ask(Wish::Retry { peer: file.peer, message: file.message });
            }
            Plan::Nothing(sentence) => self.answer(sentence),
        }
    }

    fn open_file(&mut self, path: PathBuf) {
        self.answer(format!("Opening {}.", send_files::name(&path)));
        self.ask(Wish::File(FileWish::Open(path)));
    }

    /// Delete on a file.
    pub(super) fn cancel_file(&mut self, file: &File) {
        match files::cancel(file) {
            Ok(wish) => self.ask(Wish::File(wish)),
            Err(sentence) => self.answer(sentence),
        }
    }

    fn ask_about_file(&mut self, file: &File) {
        let name = self.name_of(file.peer, &file.peer_name);
        let heading = format!("{name} offers you a file");
        let question = format!(
            "{}. {} It is put into {}.",
            words::files::what(file),
            words::files::kind(file),
            self.files_folder().display()
        );
        let answers = [("Accept", "Alt+A"), ("Decline", "Alt+D"), ("Later", "Escape")];
        let view = ConfirmView::open(&heading, &question, &answers, 0, &self.settings, &self.tell);
        self.ask_person(view, Question::Offer(file.clone()));
    }

    /// The question about an offer was answered.
    pub(super) fn offer_answered(&mut self, file: File, answer: usize) {
        let wish = match answer {
            0 => FileWish::Accept { file, folder: self.files_folder() },
            1 => FileWish::Decline(file),
            // Later.
            _ => return,
        };
        self.ask(Wish::File(wish));
    }

    /// What stands in the field goes on the list, once the disk was looked at.
    fn add_paths(&mut self, send_then: bool) {
        let Some((view, send)) = &mut self.shelf.send else { return };
        match send_files::paths(&view.view.window.get_paths()) {
            Ok(paths) if paths.is_empty() => self.answer("There is no path in the field."),
            Ok(paths) => {
                send.send_then = send_then;
                let (to, typed) = (send.to.clone(), true);
                self.ask(Wish::File(FileWish::Look { to, paths, typed }));
            }
            Err(sentence) => self.refuse_paths(sentence),
        }
    }

    fn refuse_paths(&mut self, sentence: String) {
        if let Some((view, send)) = &mut self.shelf.send {
            send.send_then = false;
            view.view.window.set_notice(sentence.as_str().into());
            view.view.window.invoke_focus_paths();
        }
        self.problem(sentence);
    }

    fn looked(&mut self, to: &Username, looked: Vec<(PathBuf, Result<u64, String>)>, typed: bool) {
        let theirs = self.shelf.send.as_mut().filter(|(_, send)| send.to == *to);
        let Some((view, send)) = theirs else {
            // What was typed went with its window.
            if !typed {
                self.chosen_in_vain(to);
            }
            return;
        };
        let (mut added, mut wrong) = (Vec::new(), Vec::new());
        for (path, size) in looked {
            match size {
                Ok(size) => match send.put(path.clone(), size) {
                    Some(changes) => {
                        view.update(send, &changes);
                        let name = send_files::name(&path);
                        added.push(format!("{name}, {}", size_in_words(size)));
                    }
                    None => wrong.push(format!("{} is on the list.", send_files::name(&path))),
                },
                Err(sentence) => wrong.push(sentence),
            }
        }
        if !wrong.is_empty() {
            return self.refuse_paths(wrong.join(" "));
        }
        // What was chosen meanwhile is not what was to be sent.
        let send_now = typed && std::mem::take(&mut send.send_then);
        let window = &view.view.window;
        window.set_notice("".into());
        if typed {
            window.set_paths("".into());
        }
        if send_now {
            return self.send_chosen_files();
        }
        match added.as_slice() {
            [] => {}
            [one] => self.answer(format!("On the list: {one}.")),
            many => self.answer(format!("{} files are put on the list.", many.len())),
        }
    }

    /// What still stands in the field is sent as well.
    fn send_chosen_files(&mut self) {
        let Some((view, send)) = &mut self.shelf.send else { return };
        if !view.view.window.get_paths().trim().is_empty() {
            return self.add_paths(true);
        }
        match send.submit() {
            Ok(wish) => {
                view.view.window.set_notice("".into());
                view.update(send, &[]);
                self.ask(wish);
            }
            Err(sentence) => {
                view.view.window.set_notice(sentence.into());
                if !send.is_busy() {
                    view.view.window.invoke_focus_paths();
                }
                self.problem(sentence);
            }
        }
    }

    fn browse(&mut self) {
        let Some((_, send)) = &self.shelf.send else { return };
        let (to, title) = (send.to.clone(), format!("Send files to {}", send.name));
        self.ask(Wish::File(FileWish::Browse { to, title }));
    }

    /// The chooser is another program and may be left open for as long as one likes.
    fn browsed(&mut self, to: Username, chosen: Result<Vec<PathBuf>, String>) {
        let is_open = self.shelf.send.as_ref().is_some_and(|(_, send)| send.to == to);
        match chosen {
            Ok(paths) if paths.is_empty() => {}
            Ok(paths) if is_open => {
                self.ask(Wish::File(FileWish::Look { to, paths, typed: false }));
            }
            Ok(_) => self.chosen_in_vain(&to),
            Err(sentence) if is_open => self.refuse_paths(sentence),
            Err(_) => {}
        }
    }

    fn chosen_in_vain(&mut self, to: &Username) {
        // Whoever is here now may be somebody else.
        if self.session.is_some() {
            let sentence = format!("The window for sending files to {to} is closed.");
            self.answer(format!("{sentence} Nothing is chosen."));
        }
    }

    fn unchoose(&mut self) {
        let Some((view, send)) = &mut self.shelf.send else { return };
        if send.is_busy() {
            return self.answer("The files are being read.");
        }
        match send.remove() {
            Some((name, changes)) => {
                view.update(send, &changes);
                self.answer(format!("{name} is taken off the list."));
            }
            None => self.answer("No file is chosen."),
        }
    }

    fn one_offered(&mut self, to: &Username, path: &Path, result: Result<(), Failure>) {
        let awaiting = self.shelf.send.as_mut().filter(|(_, send)| send.awaits(to, path));
        let Some((view, send)) = awaiting else { return self.offered_unseen(path, result) };
        let refused = result.err().map(|failure| words::failure(&failure));
        let changes = send.offered(path, refused);
        view.update(send, &changes);
        if send.is_busy() {
            return;
        }
        let (offered, refused) = send.outcome();
        let notice = refused.join(" ");
        view.view.window.set_notice(notice.as_str().into());
        if refused.is_empty() {
            self.close_dialog(WindowKey::Files(Files::Send));
        }
        offered.into_iter().for_each(|sentence| self.answer(sentence));
        if !notice.is_empty() {
            self.problem(notice);
        }
    }

    /// The window in which a file was sent is closed. One that is offered is a row of the chat.
    fn offered_unseen(&mut self, path: &Path, result: Result<(), Failure>) {
        match result {
            // Of somebody who is not here any more.
            Ok(()) | Err(Failure::NotLoggedIn) => {}
            Err(failure) => {
                let (file, why) = (send_files::name(path), words::failure(&failure));
                self.event(&Event::FileFailed { file, why }, Arrival::Live);
            }
        }
    }

    pub(super) fn move_in_files(&mut self, window: Files, input: &Input) {
        match (window, &mut self.shelf.send, &mut self.shelf.transfers) {
            (Files::Send, Some((_, send)), _) => {
                match input {
                    Input::Walk(step) => send.walk(*step),
                    Input::Letter(letter) => send.letter(letter),
                    Input::Picked(at) => send.choose(*at),
                    _ => {}
                }
                self.shelf.update_send(&[]);
            }
            (Files::Transfers, _, Some((_, transfers))) => {
                let changes = match input {
                    Input::Walk(step) => transfers.walk(*step),
                    Input::Letter(letter) => transfers.letter(letter),
                    Input::Picked(at) => transfers.choose(*at),
                    _ => Vec::new(),
                };
                self.shelf.update_transfers(&changes);
            }
            (Files::Send | Files::Transfers, _, _) => {}
        }
    }

    /// F6 in one of them.
    pub(super) fn go_files_region(&self, window: Files, forward: bool) {
        let by = if forward { 1 } else { -1 };
        match (window, &self.shelf.send, &self.shelf.transfers) {
            (Files::Send, Some((view, _)), _) => view.view.window.invoke_go_region(by),
            (Files::Transfers, _, Some((view, _))) => view.view.window.invoke_go_region(by),
            (Files::Send | Files::Transfers, _, _) => {}
        }
    }

    pub(super) fn hear_files(&mut self, news: FileNews) {
        match news {
            FileNews::Listed(Ok(files)) => self.all_listed(files),
            FileNews::Listed(Err(error)) => tracing::warn!(%error, "The files cannot be listed"),
            FileNews::Looked { to, looked, typed } => self.looked(&to, looked, typed),
            FileNews::Browsed { to, chosen } => self.browsed(to, chosen),
            FileNews::Offered { to, path, result } => self.one_offered(&to, &path, result),
            FileNews::Done { deed, peer, name, result } => {
                self.file_done(deed, peer, &name, result);
            }
            FileNews::NotOpened { gone: true } => {
                self.problem("It is not there any more. It was moved or deleted.");
            }
            FileNews::NotOpened { gone: false } => {
                self.problem("There is no program on this computer that opens it.");
            }
        }
    }

    fn file_done(&mut self, deed: FileDeed, peer: UserId, name: &str, result: Result<(), Failure>) {
        let name = words::one_line(name);
        let failed = result.err().map(|failure| words::failure(&failure));
        let notice = failed.clone().unwrap_or_default();
        if let Some((view, _)) = &self.shelf.transfers {
            view.view.window.set_notice(notice.as_str().into());
        }
        if let Some(open) = self.session.as_ref().and_then(|it| it.chats.get(&peer)) {
            open.view.view.window.set_notice(notice.as_str().into());
        }
        if let Some(sentence) = failed {
            return self.problem(sentence);
        }
        self.answer(match deed {
            FileDeed::Accept => format!("{name} is accepted."),
            FileDeed::Decline => format!("{name} is declined."),
            FileDeed::Cancel => format!("{name} is cancelled."),
            FileDeed::Get => format!("{name} is fetched."),
        });
    }

    /// Every file that is known. A cache that was read anew has other keys for the same ones.
    fn all_listed(&mut self, files: Vec<File>) {
        let keys: BTreeSet<_> = files.iter().map(|file| file.message).collect();
        // What came while the list was on its way is newer than all of it.
        let older = |key: &MessageKey| keys.last().is_some_and(|newest| key < newest);
        let is_gone = |key: &MessageKey| older(key) && !keys.contains(key);
        let gone: Vec<_> = self.shelf.known.keys().copied().filter(is_gone).collect();
        files.into_iter().for_each(|file| self.listed(file));
        for key in gone {
            self.shelf.known.remove(&key);
            if let Some((view, transfers)) = &mut self.shelf.transfers {
                let changes = transfers.gone(key);
                view.update(transfers, &changes);
            }
        }
    }

    /// A file that was there before, or is read again. What is over stays over.
    fn listed(&mut self, file: File) {
        let newer = |known: &File| known.state.is_over() && !file.state.is_over();
        if !self.shelf.known.get(&file.message).is_some_and(newer) {
            self.show_file(&file);
        }
    }

    /// A message offers a file, or was read again.
    pub(super) fn file_offered(&mut self, file: &File) {
        self.show_file(file);
    }

    /// A file has come further, or something became of it.
    pub(super) fn file_changed(&mut self, file: File) {
        let before = self.shelf.known.get(&file.message).cloned();
        self.show_file(&file);
        let name = self.name_of(file.peer, &file.peer_name);
        let greeted = self.session.as_ref().is_some_and(|session| session.greeted);
        let Some(before) = before else { return };
        // Before the greeting all is old, but for what this device does.
        let here = before.saved != file.saved || before.failed != file.failed;
        if let Some(event) = files::news(&before, &file, &name).filter(|_| greeted || here) {
            self.event_with(Some(file.peer), &event, Arrival::Live);
        }
    }

    fn show_file(&mut self, file: &File) {
        self.shelf.known.insert(file.message, file.clone());
        if let Some(open) = self.session.as_mut().and_then(|it| it.chats.get_mut(&file.peer)) {
            let changes = open.chat.put_file(file);
            if !changes.is_empty() {
                open.view.update(&open.chat, &changes);
            }
        }
        let name = self.name_of(file.peer, &file.peer_name);
        if let Some((view, transfers)) = &mut self.shelf.transfers {
            let changes = transfers.put(file.clone(), name);
            view.update(transfers, &changes);
        }
    }
}

/// What is said of a message that offers a file, in the place of its text. Nothing of an own one: the window
/// that offers it has said so.
pub(super) fn offer_event(file: &File, name: String) -> Option<Event> {
    let offered = matches!(file.state, FileState::Offered | FileState::Ready);
    (!file.mine && offered)
        .then(|| Event::FileOffered { from: name, files: words::files::what(file) })
}
