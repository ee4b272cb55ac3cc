//! The chats: opening, writing, reading, closing.

use std::time::Duration;

use thrive_client::{Arrival, Failure, Message, MessageState, UserId, Username};

use super::files::offer_event;
use super::people::{Question, show_person};
use super::{Asked, BUSY, Desk, OpenChat, Session};
use crate::adapters::chat::ChatView;
use crate::adapters::dialogs::ConfirmView;
use crate::adapters::shell::{Input, WindowKey};
use crate::announce::{Event, Speech};
use crate::bridge::{OpenedChat, Wish};
use crate::controllers::chat::Chat;
use crate::keys::Command;
use crate::rows::Step;
use crate::settings::Settings;
use crate::{links, words};

impl Desk {
    pub(super) fn open_chat(&mut self, username: Username) {
        self.open_chat_from_window(username, self.active);
    }

    fn open_chat_from_window(&mut self, username: Username, from: Option<WindowKey>) {
        let asked = Asked { from, at: self.now() };
        let Some(session) = &mut self.session else { return };
        if let Some(open) = session.chats.values().find(|open| open.chat.username == username) {
            return open.view.view.raise();
        }
        if session.opening.insert(username.clone(), asked).is_none() {
            self.ask(Wish::OpenChat(username));
        }
    }

    /// It is long since a window was asked for, and its person is elsewhere: the keyboard stays there.
    fn went_on(&self, asked: Asked) -> bool {
        let late = SOON < self.now().saturating_sub(asked.at);
        late && asked.from.is_some() && asked.from != self.active
    }

    /// A notice on the desktop was chosen.
    pub(super) fn wanted(&mut self, peer: UserId) {
        self.raise();
        let contact = self.session.as_ref().and_then(|session| session.contacts.get(peer));
        if let Some(username) = contact.map(|contact| contact.username.clone()) {
            self.open_chat_from_window(username, None);
        }
    }

    pub(super) fn chat_opened(&mut self, username: Username, result: Result<OpenedChat, Failure>) {
        let Some(session) = &mut self.session else { return };
        let asked = session.opening.remove(&username);
        let again = session.again.remove(&username);
        let OpenedChat { peer, messages, draft } = match result {
            Ok(opened) => opened,
            Err(failure) => return self.problem(words::failure(&failure)),
        };
        if let Some(open) = session.chats.get_mut(&peer) {
            // Read again after more happened than could be told.
            let mut changes = open.chat.read_again(messages);
            // A message that is read tells nothing of how far its file is.
            let files = self.shelf.under_way(peer);
            changes.extend(files.flat_map(|file| open.chat.put_file(file)));
            open.view.update(&open.chat, &changes);
            return;
        }
        // It was only read again, and closed before the answer came.
        if again && asked.is_none() {
            return;
        }
        if asked.is_some_and(|asked| self.went_on(asked)) {
            self.circle.no_way_back(&username);
            let contact = self.session.as_ref().and_then(|session| session.contacts.get(peer));
            let name = contact.map_or(username.as_str(), |contact| contact.display_name());
            return self.answer(format!("The chat with {name} can be opened now."));
        }
        let Some(session) = &mut self.session else { return };
        // The one that was read may be older.
        let draft = session.left.remove(&peer).unwrap_or(draft);
        let contact = session.contacts.get(peer).cloned();
        let name = contact.as_ref().map_or(username.as_str(), |contact| contact.display_name());
        let mut chat = Chat::new(peer, username.clone(), name.to_owned(), self.zone.clone());
        chat.read_times = self.settings.read_times;
        chat.put_all(messages);
        self.shelf.under_way(peer).for_each(|file| drop(chat.put_file(file)));
        let view = ChatView::open(&chat, &draft, &self.settings, &self.tell);
        let Some(view) = self.made(view) else { return };
        let logged =
            self.session.as_ref().is_some_and(|it| it.is_logged(&self.settings, &username));
        view.view.window.set_log(logged);
        view.view.show();
        view.view.window.invoke_show_end();
        let open = OpenChat { chat, view, unsaved: None, reviewed: None, typing_told: false };
        show_person(&open, contact.as_ref(), &self.zone);
        if let Some(session) = &mut self.session {
            session.chats.insert(peer, open);
        }
        self.show_connection();
        if let Some(contact) = contact {
            self.answer(words::spoken_contact(&contact));
        }
    }

    pub(super) fn talk_command(&mut self, peer: UserId, command: Command) {
        match command {
            Command::Send => self.send(peer),
            Command::Earlier => self.load_earlier(peer),
            Command::Add => self.add_peer(peer),
            Command::Block => self.block_peer(peer),
            Command::Close => self.close_chat(peer),
            Command::ToggleLog => {
                if let Some(open) = self.chat(peer) {
                    open.view.view.window.invoke_toggle_log();
                }
            }
            Command::Log => self.log_switched(peer),
            Command::OpenMessage => self.open_message(peer),
            Command::Copy => self.copy(peer),
            Command::Discard => self.discard(peer),
            Command::SendFile => {
                if let Some(open) = self.chat(peer) {
                    let (to, name) = (open.chat.username.clone(), open.chat.name.clone());
                    self.open_send_files(to, name);
                }
            }
            Command::EnteredList => {
                if let Some(open) = self.chat(peer) {
                    open.chat.enter();
                    open.view.update(&open.chat, &[]);
                }
            }
            other => tracing::error!(?other, "A command of another window"),
        }
    }

    fn chat(&mut self, peer: UserId) -> Option<&mut OpenChat> {
        self.session.as_mut()?.chats.get_mut(&peer)
    }

    fn send(&mut self, peer: UserId) {
        let Some(open) = self.chat(peer) else { return };
        let window = &open.view.view.window;
        match open.chat.submit(&window.get_draft()) {
            Ok(wish) => {
                // What is not taken stays where it was written.
                if !self.line.ask(wish) {
                    return self.problem(BUSY);
                }
                let Some(open) = self.chat(peer) else { return };
                let window = &open.view.view.window;
                window.set_draft("".into());
                window.set_notice("".into());
                window.invoke_show_end();
                window.invoke_focus_composer();
                open.unsaved = None;
                open.typing_told = false;
                self.ask(Wish::Typing { peer, active: false });
                self.ask(Wish::Draft { peer, text: String::new() });
            }
            Err(sentence) => self.answer(sentence),
        }
    }

    /// The library did not take the text: it goes back to where it was written.
    pub(super) fn not_sent(&mut self, peer: UserId, text: &str, failure: &Failure) {
        let (why, now) = (words::failure(failure), self.now());
        let before = |written: &str| match written {
            "" => text.to_owned(),
            written => format!("{text}\n{written}"),
        };
        let Some(session) = &mut self.session else { return };
        let to = match session.chats.get_mut(&peer) {
            Some(open) => {
                let window = &open.view.view.window;
                window.set_draft(before(&window.get_draft()).into());
                window.set_notice(why.as_str().into());
                // It was forgotten when it was sent.
                open.unsaved.get_or_insert(now);
                open.chat.name.clone()
            }
            None => {
                let left = session.left.entry(peer).or_default();
                *left = before(left);
                let draft = Wish::Draft { peer, text: left.clone() };
                let contact = session.contacts.get(peer);
                let to = contact.map_or("somebody", |contact| contact.display_name()).to_owned();
                self.ask(draft);
                to
            }
        };
        self.event(&Event::SendFailed { to, why }, Arrival::Live);
    }

    fn load_earlier(&mut self, peer: UserId) {
        let Some(open) = self.chat(peer) else { return };
        match open.chat.earlier() {
            Some(wish) => self.ask(wish),
            None if open.chat.loading.is_some() => {}
            None => self.answer("This is the beginning of the chat."),
        }
    }

    pub(super) fn earlier_came(
        &mut self,
        peer: UserId,
        result: Result<(Vec<Message>, bool), Failure>,
    ) {
        let Some(open) = self.chat(peer) else { return };
        let asked = open.chat.loading.take();
        match result {
            // Rows have gone meanwhile: between them and the answer, some would be missing.
            Ok(_) if asked != open.chat.first() => {
                self.answer("Earlier messages cannot be read now.");
            }
            Ok((messages, more)) => {
                open.chat.more = more;
                let before = open.chat.count();
                let changes = open.chat.put_all(messages);
                open.view.update(&open.chat, &changes);
                let sentence = match (open.chat.count() - before, more) {
                    // The server has them, and there is no way to it.
                    (0, true) => "Earlier messages cannot be read now.".to_owned(),
                    (0, false) => "This is the beginning of the chat.".to_owned(),
                    (1, _) => "1 earlier message.".to_owned(),
                    (many, _) => format!("{many} earlier messages."),
                };
                self.answer(sentence);
            }
            Err(failure) => self.problem(words::failure(&failure)),
        }
    }

    /// Enter on a message: what failed is sent again, a link is opened.
    fn open_message(&mut self, peer: UserId) {
        let Some(open) = self.chat(peer) else { return };
        if let Some(message) = open.chat.failed() {
            return self.ask(Wish::Retry { peer, message });
        }
        if let Some(file) = open.chat.chosen_file().cloned() {
            return self.enter_file(&file);
        }
        let Some(text) = open.chat.chosen_text() else { return };
        let mut links = links::find(text);
        match links.len() {
            0 => self.answer("There is no link in this message."),
            1 => {
                let link = links.remove(0);
                self.answer(format!("Opening {}.", links::host(&link)));
                self.ask(Wish::OpenLink(link));
            }
            _ => self.ask_which(links),
        }
    }

    fn ask_which(&mut self, mut links: Vec<String>) {
        links.truncate(LINKS_MAX);
        let keys: Vec<_> = (1..=links.len()).map(|number| format!("Alt+{number}")).collect();
        let mut answers: Vec<_> =
            links.iter().map(String::as_str).zip(keys.iter().map(String::as_str)).collect();
        answers.push(("Cancel", "Escape"));
        let question = "There are several links in this message.";
        let view =
            ConfirmView::open("Open a link", question, &answers, 0, &self.settings, &self.tell);
        self.ask_person(view, Question::Links(links));
    }

    fn copy(&mut self, peer: UserId) {
        let Some(open) = self.chat(peer) else { return };
        let Some(text) = open.chat.chosen_text() else { return };
        open.view.view.window.invoke_copy(text.into());
        self.answer("Copied.");
    }

    fn discard(&mut self, peer: UserId) {
        let Some(open) = self.chat(peer) else { return };
        if let Some(message) = open.chat.failed() {
            let changes = open.chat.discard(message);
            open.view.update(&open.chat, &changes);
            self.ask(Wish::Discard { peer, message });
            self.answer("The message is discarded.");
        } else if let Some(file) = open.chat.chosen_file().cloned() {
            self.cancel_file(&file);
        }
    }

    fn log_switched(&mut self, peer: UserId) {
        let Some(open) = self.chat(peer) else { return };
        let on = open.view.view.window.get_log();
        let (seq, contact) = (open.chat.newest(), open.chat.username.clone());
        let Some(session) = &self.session else { return };
        let chat = session.log_name(&contact);
        if on {
            self.settings.logged_chats.insert(chat);
            self.ask(Wish::LogFrom { peer, seq });
        } else {
            self.settings.logged_chats.remove(&chat);
        }
        self.save_settings();
        self.keep_logs();
    }

    /// Says which chats of this account are logged.
    pub(super) fn keep_logs(&mut self) {
        let Some(session) = &self.session else { return };
        let account = session.log_account();
        let of_account =
            |chat: &String| chat.strip_prefix(&account).and_then(|it| Username::parse(it).ok());
        let chats = self.settings.logged_chats.iter().filter_map(of_account).collect();
        self.ask(Wish::KeepLogs(chats));
    }

    pub(super) fn move_in_messages(&mut self, peer: UserId, input: Input) {
        let Some(open) = self.chat(peer) else { return };
        let heard = open.chat.refresh();
        let beyond = match input {
            Input::Walk(step) => open.chat.walk(step) && step != Step::Up,
            Input::Picked(at) => {
                open.chat.choose(at);
                false
            }
            _ => false,
        };
        open.view.update(&open.chat, &heard);
        if !beyond {
            return;
        }
        match open.chat.earlier() {
            Some(wish) => self.ask(wish),
            None if open.chat.loading.is_some() => {}
            None => self.event(&Event::ListEdge, Arrival::Live),
        }
    }

    /// Alt and a digit: speaks one of the last ten; a second time within a second goes there.
    pub(super) fn review(&mut self, peer: UserId, digit: &str) {
        let number = match digit {
            "0" => 10,
            digit => match digit.parse::<usize>() {
                Ok(number) if number < 10 => number,
                Ok(_) | Err(_) => return,
            },
        };
        let now = self.now();
        let Some(open) = self.chat(peer) else { return };
        let Some((key, spoken)) = open.chat.last(number) else {
            return self.answer("There is no such message.");
        };
        let again = open.reviewed.is_some_and(|(before, at)| {
            before == number && now.saturating_sub(at) < Duration::from_secs(1)
        });
        open.reviewed = Some((number, now));
        if again {
            open.chat.choose_key(key);
            open.view.update(&open.chat, &[]);
            return open.view.view.window.invoke_focus_list();
        }
        self.queue.push(Speech { text: spoken, assertive: false, from: None });
    }

    pub(super) fn edited(&mut self, key: WindowKey) {
        let WindowKey::Chat(peer) = key else { return self.search_edited(key) };
        let now = self.now();
        let Some(open) = self.chat(peer) else { return };
        open.unsaved.get_or_insert(now);
        let writing = !open.view.view.window.get_draft().is_empty();
        let tell = writing || open.typing_told;
        open.typing_told = writing;
        if tell {
            self.ask(Wish::Typing { peer, active: writing });
        }
    }

    /// Keeps the drafts that were changed a while ago, so that a crash costs seconds.
    pub(super) fn keep_drafts(&mut self, now: Duration) {
        let Some(session) = &mut self.session else { return };
        let mut wishes = Vec::new();
        for (peer, open) in &mut session.chats {
            if open.unsaved.is_some_and(|since| KEPT_AFTER <= now.saturating_sub(since)) {
                open.unsaved = None;
                let text = open.view.view.window.get_draft().into();
                wishes.push(Wish::Draft { peer: *peer, text });
            }
        }
        for wish in wishes {
            self.ask(wish);
        }
    }

    pub(super) fn close_chat(&mut self, peer: UserId) {
        let Some(session) = &mut self.session else { return };
        let Some(open) = session.chats.remove(&peer) else { return };
        let text = String::from(open.view.view.window.get_draft());
        session.left.insert(peer, text.clone());
        let username = open.chat.username.clone();
        self.forget_window(WindowKey::Chat(peer));
        open.view.view.close();
        if open.typing_told {
            self.ask(Wish::Typing { peer, active: false });
        }
        if open.unsaved.is_some() {
            self.ask(Wish::Draft { peer, text });
        }
        if self.back_from_chat(&username) {
            return;
        }
        if let Some(session) = &self.session {
            session.main.view.raise();
        }
    }

    /// The chat is in front: what is in it counts as read.
    pub(super) fn read(&mut self, peer: UserId) {
        let Some(session) = &self.session else { return };
        let unread = session.contacts.get(peer).is_none_or(|contact| 0 < contact.unread);
        if session.chats.contains_key(&peer) && unread {
            self.ask(Wish::MarkRead(peer));
        }
    }

    pub(super) fn message_changed(
        &mut self,
        before: Option<MessageState>,
        now: Message,
        arrival: Arrival,
    ) {
        let peer = now.peer;
        let in_front = self.active == Some(WindowKey::Chat(peer));
        let Some(session) = &mut self.session else { return };
        let name = session.contacts.get(peer).map_or_else(
            || now.sender.as_str().to_owned(),
            |contact| contact.display_name().to_owned(),
        );
        if let Some(open) = session.chats.get_mut(&peer) {
            let mut changes = match before {
                None => open.chat.put(now.clone()),
                Some(_) => open.chat.changed(now.clone()),
            };
            if open.view.is_at_end() {
                changes.extend(open.chat.let_go());
            }
            open.view.update(&open.chat, &changes);
        }
        if in_front && !now.mine && before.is_none() {
            self.ask(Wish::MarkRead(peer));
        }
        self.talks_changed();
        let chat = self.where_is(WindowKey::Chat(peer));
        let stored = now.seq.is_some();
        if let Some(file) = &now.file {
            self.file_offered(file);
        }
        match (now.mine, before, now.state) {
            (false, None, _) if now.file.is_some() => {
                let event = now.file.and_then(|file| offer_event(&file, name));
                event.iter().for_each(|event| self.event_with(Some(peer), event, arrival));
            }
            (true, Some(MessageState::Waiting), MessageState::Refused(code))
                if now.file.is_some() =>
            {
                let refused = Failure::Refused { code, retry_after_ms: None, limit: None };
                let why = now.file.as_ref().and_then(thrive_client::File::refusal);
                let why = words::failure(&why.unwrap_or(refused));
                let event = Event::FileFailed { file: now.text, why };
                self.event(&event, Arrival::Live);
            }
            // What is said of an offer of mine is said when it is made, and when all of it is there.
            (true, _, _) if now.file.is_some() => {}
            (false, None, _) => {
                let event = Event::Message { from: name, text: now.text, chat };
                self.event_with(Some(peer), &event, arrival);
            }
            (true, Some(MessageState::Waiting), MessageState::Refused(code)) => {
                let refused = Failure::Refused { code, retry_after_ms: None, limit: None };
                let why = words::failure(&refused);
                self.event(&Event::SendFailed { to: name, why }, Arrival::Live);
            }
            (true, Some(MessageState::Waiting), _) if stored => {
                self.event(&Event::OwnMessageSent, arrival);
            }
            (true | false, _, _) => {}
        }
    }
}

impl Session {
    /// How the settings name the logged chats of this account.
    fn log_account(&self) -> String {
        format!("{} {} ", self.server, self.username)
    }

    fn log_name(&self, contact: &Username) -> String {
        format!("{}{contact}", self.log_account())
    }

    pub(super) fn is_logged(&self, settings: &Settings, contact: &Username) -> bool {
        settings.logged_chats.contains(&self.log_name(contact))
    }
}

impl OpenChat {
    /// Reads the times of the messages from now on, or leaves them out.
    pub(super) fn read_times(&mut self, wanted: bool) {
        if self.chat.read_times != wanted {
            self.chat.read_times = wanted;
            // Every row is another one then, and there may be none.
            self.view.update(&self.chat, &[]);
        }
    }
}

/// Between the first change of a draft and its way to the disk.
const KEPT_AFTER: Duration = Duration::from_secs(2);
/// An answer that comes within this time is the one that its person waits for.
const SOON: Duration = Duration::from_secs(1);
/// A question with more answers cannot be followed.
const LINKS_MAX: usize = 9;
