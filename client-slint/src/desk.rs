//! Who sits at the program: which windows are open, what is known, and who does what with it. One
//! owner for all of it, on the thread of the windows.

mod certificate;
mod choices;
pub mod doors;
mod entrance;
pub mod files;
pub mod host;
mod news;
mod office;
pub mod people;
pub mod social;
mod talk;
mod updates;
mod voice;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use jiff::tz::TimeZone;
use slint::{PlatformError, Timer};
use thrive_client::{Failure, Presence, ServerAddress, Username};

use crate::adapters::chat::ChatView;
use crate::adapters::contacts::ContactsView;
use crate::adapters::dialogs::{AboutView, AddContactView, ConfirmView, NoticeView, StatusView};
use crate::adapters::entrance::{CreateAccountView, LoginView};
use crate::adapters::settings::SettingsView;
use crate::adapters::shell::{Input, Shown, Tell, View, WindowKey};
use crate::announce::queue::Queue;
use crate::bridge::{Line, Wish};
use crate::config::Config;
use crate::contrast::{self, Contrast};
use crate::controllers::chat::Chat;
use crate::controllers::connection::Watch;
use crate::controllers::contacts::Contacts;
use crate::controllers::updates::Way;
use crate::keys::Command;
use crate::keys::map::KeyMap;
use crate::settings::Settings;
use crate::sounds::Speaker;
use crate::words;

pub use self::office::Office;
use self::people::Question;

/// What a desk is made of; tests give a clock and a line of their own.
pub struct Parts {
    pub config: Config,
    pub settings: Settings,
    pub line: Line,
    pub speaker: Option<Speaker>,
    pub zone: TimeZone,
    pub keys: Rc<KeyMap>,
    /// What is wrong with the file of the keys; shown at the start.
    pub key_problems: Vec<String>,
    /// Time since some beginning.
    pub clock: Box<dyn Fn() -> Duration>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Parts")
    }
}

/// Everything about the windows and whoever uses them.
pub struct Desk {
    pub(crate) config: Config,
    pub(crate) settings: Settings,
    line: Line,
    speaker: Option<Speaker>,
    zone: TimeZone,
    keys: Rc<KeyMap>,
    key_problems: Vec<String>,
    clock: Box<dyn Fn() -> Duration>,
    tell: Tell,
    queue: Queue,
    watch: Watch,
    /// The window that has the keyboard.
    active: Option<WindowKey>,
    /// The last one that had it; what is said behind another program is said there.
    last_active: Option<WindowKey>,
    /// Whether the network thread knows that a window has the keyboard.
    attended: bool,
    /// When the keyboard left the last one. From one window of ours to the next it is nowhere.
    left: Option<Duration>,
    /// When a window last got the keyboard, or was made to get it.
    arrived: Option<Duration>,
    /// What was said, newest last.
    spoken: VecDeque<String>,
    /// An answer is awaited before anything else may be tried.
    entering: Option<Entering>,
    leaving: bool,
    /// The program is to be started again when it has ended.
    restart: bool,
    /// How far the way to a newer version is.
    way: Way,
    /// The server of this session shows another certificate than before.
    changed: Option<Failure>,
    /// What the icon in the tray was called last, once there is one.
    tray: Option<String>,
    /// What the system asked for when the windows were dressed.
    contrast: Option<Contrast>,
    pub login: Option<LoginView>,
    /// With the server that its window names.
    pub create: Option<(CreateAccountView, ServerAddress)>,
    pub session: Option<Session>,
    pub add: Option<AddContactView>,
    pub status: Option<StatusView>,
    pub choices: Option<SettingsView>,
    pub confirm: Option<(ConfirmView, Question)>,
    pub notice: Option<NoticeView>,
    pub about: Option<AboutView>,
    pub doors: doors::Doors,
    pub circle: social::Circle,
    pub shelf: files::Shelf,
    pub counter: host::Counter,
}

/// Somebody is logged in.
pub struct Session {
    pub username: Username,
    pub server: ServerAddress,
    pub main: ContactsView,
    pub contacts: Contacts,
    pub chats: BTreeMap<thrive_client::UserId, OpenChat>,
    /// Chats that were asked for and are not open yet.
    opening: BTreeMap<Username, Asked>,
    /// Open chats that are being read again.
    again: BTreeSet<Username>,
    /// What stands in the composers of chats that are closed.
    left: BTreeMap<thrive_client::UserId, String>,
    pub own: Presence,
    /// The greeting was said: everything that was missed has been read.
    greeted: bool,
}

/// Where and when a window was asked for that needs an answer of the server.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Nowhere: it is to come wherever its person is.
    from: Option<WindowKey>,
    at: Duration,
}

/// A chat with its window.
pub struct OpenChat {
    pub chat: Chat,
    pub view: ChatView,
    /// When the draft was changed and not yet kept.
    unsaved: Option<Duration>,
    /// The number that was spoken last, and when: a second press goes there.
    reviewed: Option<(usize, Duration)>,
    typing_told: bool,
}

/// What was typed to get in, to be remembered once it has worked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Entering {
    remember: bool,
    automatic: bool,
}

impl fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Desk").field("active", &self.active).finish_non_exhaustive()
    }
}

impl Desk {
    fn new(parts: Parts, tell: Tell) -> Self {
        let Parts { config, settings, line, speaker, zone, keys, key_problems, clock } = parts;
        Self {
            config,
            settings,
            line,
            speaker,
            zone,
            keys,
            key_problems,
            clock,
            tell,
            queue: Queue::default(),
            watch: Watch::default(),
            active: None,
            last_active: None,
            attended: false,
            left: Some(Duration::ZERO),
            arrived: None,
            spoken: VecDeque::new(),
            entering: None,
            leaving: false,
            restart: false,
            way: Way::default(),
            changed: None,
            tray: None,
            contrast: contrast::asked_for(),
            login: None,
            create: None,
            session: None,
            add: None,
            status: None,
            choices: None,
            confirm: None,
            notice: None,
            about: None,
            doors: doors::Doors::default(),
            circle: social::Circle::default(),
            shelf: files::Shelf::default(),
            counter: host::Counter::default(),
        }
    }

    /// Asks the network thread. The answer comes as news.
    fn ask(&mut self, wish: Wish) {
        if !self.line.ask(wish) {
            self.problem(BUSY);
        }
    }

    fn now(&self) -> Duration {
        (self.clock)()
    }

    /// A window that was made, or nothing and a sentence.
    fn made<T>(&mut self, window: Result<T, PlatformError>) -> Option<T> {
        match window {
            Ok(window) => {
                // The keyboard is on its way there, and what is said now would be cut off.
                self.arrived = Some(self.now());
                Some(window)
            }
            Err(error) => {
                tracing::error!(%error, "A window cannot be made");
                self.problem("A window could not be opened.");
                None
            }
        }
    }

    fn save_settings(&mut self) {
        self.ask(Wish::Keep(Box::new(self.settings.clone())));
    }

    fn take(&mut self, key: WindowKey, input: Input) {
        match input {
            Input::Active(active) => self.activate(key, active),
            Input::Command(command) => self.command(key, command),
            Input::Key(letter) => self.other_key(key, &letter),
            Input::Escape => self.escape(key),
            Input::Closed => match key {
                WindowKey::Contacts if self.settings.keep_running => self.ask(Wish::Hide),
                WindowKey::Login | WindowKey::Contacts => self.exit(),
                _ => self.escape(key),
            },
            Input::Walk(_) | Input::Letter(_) | Input::Picked(_) | Input::Fold(_) => {
                self.move_in_list(key, input);
            }
            Input::Edited if key == WindowKey::Login => self.server_edited(),
            Input::Edited => self.edited(key),
            Input::Answered(tab) if matches!(key, WindowKey::Social(_)) => {
                self.tab_chosen(key, tab);
            }
            Input::Answered(answer) => self.answered(answer),
        }
    }

    fn command(&mut self, key: WindowKey, command: Command) {
        match command {
            Command::Help => return self.show_commands(key),
            Command::Repeat => return self.repeat(),
            Command::Announcements => return self.show_announcements(),
            Command::NextRegion => return self.go_region(key, true),
            Command::PreviousRegion => return self.go_region(key, false),
            _ => {}
        }
        match key {
            WindowKey::Login | WindowKey::CreateAccount => self.entrance_command(key, command),
            WindowKey::Contacts | WindowKey::AddContact => self.people_command(key, command),
            WindowKey::Chat(peer) => self.talk_command(peer, command),
            WindowKey::Status
            | WindowKey::Settings
            | WindowKey::Confirm
            | WindowKey::Notice
            | WindowKey::About => self.choices_command(key, command),
            WindowKey::Door(window) => self.doors_command(window, command),
            WindowKey::Social(window) => self.social_command(window, command),
            WindowKey::Files(window) => self.files_command(window, command),
            WindowKey::Host(window) => self.host_command(window, command),
        }
    }

    /// Alt and something that is no command: the digits of a chat, the answers of a question.
    fn other_key(&mut self, key: WindowKey, letter: &str) {
        match key {
            WindowKey::Chat(peer) => self.review(peer, letter),
            WindowKey::Confirm => self.answer_by_letter(letter),
            _ => {}
        }
    }

    fn escape(&mut self, key: WindowKey) {
        match key {
            // Escape never quits.
            WindowKey::Login => {}
            WindowKey::Contacts => self.end_search(),
            WindowKey::Chat(peer) => self.close_chat(peer),
            dialog => self.close_dialog(dialog),
        }
    }

    fn move_in_list(&mut self, key: WindowKey, input: Input) {
        match key {
            WindowKey::Contacts => self.move_in_contacts(input),
            WindowKey::Chat(peer) => self.move_in_messages(peer, input),
            WindowKey::Settings => self.choose_tab(&input),
            WindowKey::Door(window) => self.move_in_doors(window, &input),
            WindowKey::Social(window) => self.move_in_social(window, &input),
            WindowKey::Files(window) => self.move_in_files(window, &input),
            WindowKey::Host(window) => self.move_in_host(window, &input),
            WindowKey::Login => self.move_in_known_servers(&input),
            WindowKey::CreateAccount
            | WindowKey::AddContact
            | WindowKey::Status
            | WindowKey::Confirm
            | WindowKey::Notice
            | WindowKey::About => {}
        }
    }

    /// F6: the next part of a window. A window with one part keeps the focus where it is.
    fn go_region(&self, key: WindowKey, forward: bool) {
        let by = if forward { 1 } else { -1 };
        match (key, &self.session, &self.choices) {
            (WindowKey::Contacts, Some(session), _) => {
                session.main.view.window.invoke_go_region(by);
            }
            (WindowKey::Chat(peer), Some(session), _) => {
                let chat = session.chats.get(&peer);
                chat.iter().for_each(|open| open.view.view.window.invoke_go_region(by));
            }
            (WindowKey::Settings, _, Some(view)) => view.go_region(forward),
            (WindowKey::Door(window), _, _) => self.go_doors_region(window, forward),
            (WindowKey::Social(window), _, _) => self.go_social_region(window, forward),
            (WindowKey::Files(window), _, _) => self.go_files_region(window, forward),
            (WindowKey::Host(window), _, _) => self.go_host_region(window, forward),
            (_, _, _) => {}
        }
    }

    /// The main window was closed: it and the chats go into the tray, and where there is none, they are
    /// made small. Messages keep coming.
    fn hide(&mut self, tray: bool) {
        let Some(session) = &self.session else { return };
        session.main.view.put_away(tray);
        session.chats.values().for_each(|open| open.view.view.put_away(tray));
        if tray {
            session.main.view.window.invoke_step_aside();
            session.chats.values().for_each(|open| open.view.view.window.invoke_step_aside());
            self.active = None;
            self.left = Some(Duration::ZERO);
            self.tell_attended();
            self.tray.get_or_insert_default();
        }
    }

    /// Keeps the name of the icon in the tray true.
    fn name_tray(&mut self) {
        let Some(before) = &self.tray else { return };
        let name = match &self.session {
            Some(session) => {
                let connected = !self.watch.is_lost();
                words::tray(session.contacts.unread(), session.own.availability, connected)
            }
            None => words::PROGRAM.to_owned(),
        };
        // If nobody can be asked just now, the next time is soon.
        if name != *before && self.line.ask(Wish::NameTray(name.clone())) {
            self.tray = Some(name);
        }
    }

    /// Brings every window to the front, the last one that had the keyboard as the last.
    fn raise(&self) {
        self.login.iter().for_each(View::raise);
        self.create.iter().for_each(|(view, _)| view.raise());
        let Some(session) = &self.session else { return };
        session.main.view.raise();
        session.chats.values().for_each(|open| open.view.view.raise());
        match self.last_active {
            Some(WindowKey::Chat(peer)) => {
                session.chats.get(&peer).iter().for_each(|open| open.view.view.raise());
            }
            Some(_) | None => session.main.view.raise(),
        }
    }

    /// Looks at the clock: announcements, drafts, the connection.
    fn tick(&mut self) {
        let now = self.now();
        if let Some(event) = self.watch.tick(now) {
            self.connection_event(&event);
        }
        self.keep_drafts(now);
        self.tick_social(now);
        self.speak_next(now);
    }

    /// An open window, whatever kind it is.
    fn shown(&self, key: WindowKey) -> Option<&dyn Shown> {
        fn any<W: Shown>(view: Option<&W>) -> Option<&dyn Shown> {
            view.map(|view| view as &dyn Shown)
        }
        match key {
            WindowKey::Login => any(self.login.as_ref()),
            WindowKey::CreateAccount => any(self.create.as_ref().map(|(it, _)| it)),
            WindowKey::Contacts => any(self.session.as_ref().map(|it| &it.main.view)),
            WindowKey::Chat(peer) => {
                let open = self.session.as_ref().and_then(|it| it.chats.get(&peer));
                any(open.map(|it| &it.view.view))
            }
            WindowKey::AddContact => any(self.add.as_ref()),
            WindowKey::Status => any(self.status.as_ref()),
            WindowKey::Settings => any(self.choices.as_ref().map(|it| &it.view)),
            WindowKey::Confirm => any(self.confirm.as_ref().map(|(it, _)| it)),
            WindowKey::Notice => any(self.notice.as_ref()),
            WindowKey::About => any(self.about.as_ref()),
            WindowKey::Door(window) => self.doors.shown(window),
            WindowKey::Social(window) => self.circle.shown(window),
            WindowKey::Files(window) => self.shelf.shown(window),
            WindowKey::Host(window) => self.counter.shown(window),
        }
    }

    /// All windows that are open.
    fn all_shown(&self) -> impl Iterator<Item = &dyn Shown> {
        let chats = self.session.iter().flat_map(|it| it.chats.keys().copied());
        WindowKey::single().chain(chats.map(WindowKey::Chat)).filter_map(|key| self.shown(key))
    }

    fn needs_clock(&self) -> bool {
        let unsaved = |session: &Session| session.chats.values().any(|it| it.unsaved.is_some());
        self.queue.is_busy()
            || self.watch.is_waiting()
            || self.circle.needs_clock()
            || self.session.as_ref().is_some_and(unsaved)
    }

    /// Ends the program; the last word is the network thread's.
    fn exit(&mut self) {
        if self.leaving {
            return;
        }
        self.leaving = true;
        self.keep_drafts(Duration::MAX);
        if !self.line.ask(Wish::Exit) {
            quit();
        }
        self.close_everything();
        // A network that does not answer must not keep the program alive.
        Timer::single_shot(LEAVE_WITHIN, quit);
    }

    fn close_everything(&mut self) {
        self.leave_session();
        if let Some(view) = self.login.take() {
            view.close();
        }
        self.close_dialog(WindowKey::CreateAccount);
        doors::Door::ALL.iter().for_each(|door| self.close_dialog(WindowKey::Door(*door)));
    }
}

fn quit() {
    if let Err(error) = slint::quit_event_loop() {
        tracing::debug!(%error, "The event loop is not there");
    }
}

const BUSY: &str = "This program is too busy at the moment. Please try again.";
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
