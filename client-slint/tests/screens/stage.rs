//! A desk with windows that nobody sees, and the words with which tests use it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery, ElementRoot};
use jiff::tz::TimeZone;
use slint::ComponentHandle;
use slint::platform::{Key, WindowEvent};
use thrive_client::{
    Arrival, Availability, Change, Connection, Contact, Message, MessageKey, MessageState,
    Presence, Relation, ServerAddress, UserId, Username,
};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::autostart::Autostart;
use thrive_slint::bridge::{DoorWish, Line, News, OpenedChat, Wish};
use thrive_slint::config::Config;
use thrive_slint::desk::{Desk, Office, Parts};
use thrive_slint::keys::map::KeyMap;
use thrive_slint::settings::Settings;
use thrive_slint::ui::{ChatWindow, LoginWindow, MainWindow, NoticeWindow, SettingsWindow};
use tokio::sync::mpsc::Receiver;

pub(crate) struct Stage {
    pub(crate) office: Office,
    line: Line,
    asked: RefCell<Receiver<Wish>>,
    waiting: RefCell<Vec<Wish>>,
    /// Nobody takes wishes any more.
    stuck: Cell<bool>,
    autostart: Autostart,
    now: Rc<Cell<Duration>>,
    pub(crate) dir: tempfile::TempDir,
}

impl Stage {
    /// The program has just started; the window for logging in is there.
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::at(dir, settings)
    }

    /// With whatever lies in the data folder.
    pub(crate) fn at(dir: tempfile::TempDir, settings: Settings) -> Self {
        Self::of_package(dir, settings, None)
    }

    /// As it was installed from a package that says where newer versions are.
    pub(crate) fn of_package(
        dir: tempfile::TempDir,
        settings: Settings,
        updates: Option<thrive_slint::updates::Feed>,
    ) -> Self {
        thread_local! {
            static READY: () = i_slint_backend_testing::init_no_event_loop();
        }
        READY.with(|()| ());
        let (keys, key_problems) = KeyMap::load(dir.path());
        let (line, asked) = Line::new();
        let now = Rc::new(Cell::new(Duration::from_secs(100)));
        let clock = now.clone();
        let autostart = Autostart {
            folder: Some(dir.path().join("autostart")),
            program: "thrive-messenger".into(),
            arguments: Vec::new(),
        };
        let office = Office::new(Parts {
            config: Config {
                dir: dir.path().to_owned(),
                documents: dir.path().to_owned(),
                pack_folders: vec![dir.path().join("sounds")],
                servers: vec![server()],
                device: "test".into(),
                autostart: autostart.clone(),
                runtime: None,
                updates,
            },
            settings,
            line: line.clone(),
            speaker: None,
            zone: TimeZone::UTC,
            keys: Rc::new(keys),
            key_problems,
            clock: Box::new(move || clock.get()),
        });
        office.begin();
        let asked = RefCell::new(asked);
        let (waiting, stuck) = (RefCell::default(), Cell::default());
        let stage = Self { office, line, asked, waiting, stuck, autostart, now, dir };
        stage.office.tell(WindowKey::Login, Input::Active(true));
        stage
    }

    /// Ann is logged in and has these contacts.
    pub(crate) fn logged_in(contacts: Vec<Contact>) -> Self {
        let mut stage = Self::new();
        stage.enter(contacts);
        stage
    }

    pub(crate) fn enter(&mut self, contacts: Vec<Contact>) {
        let username = Username::parse("ann").unwrap();
        self.office.hear(News::Entered { username, server: server() });
        let own = Presence::new(Availability::Online, String::new());
        self.office.hear(News::Roster { contacts, own, connection: Connection::Online });
        self.office.tell(WindowKey::Contacts, Input::Active(true));
        self.settle();
        self.wishes();
    }

    /// A chat with somebody is open and in front.
    pub(crate) fn chatting(with: Contact, messages: Vec<Message>) -> Self {
        let mut stage = Self::logged_in(vec![with.clone()]);
        stage.open_chat(&with, messages, "");
        stage
    }

    pub(crate) fn open_chat(&mut self, with: &Contact, messages: Vec<Message>, draft: &str) {
        let opened = OpenedChat { peer: with.user, messages, draft: draft.into() };
        let username = with.username.clone();
        self.office.hear(News::ChatOpened { username, result: Ok(opened) });
        self.office.tell(WindowKey::Contacts, Input::Active(false));
        self.office.tell(WindowKey::Chat(with.user), Input::Active(true));
        self.settle();
        self.wishes();
    }

    /// Everything that was asked of the network since the last time, but not what the program asks by itself:
    /// what a server says to everybody, and whether somebody is here.
    pub(crate) fn wishes(&mut self) -> Vec<Wish> {
        let mut all = self.all_wishes();
        all.retain(|wish| !matches!(wish, Wish::Door(DoorWish::Greet(_)) | Wish::Attend(_)));
        all
    }

    pub(crate) fn all_wishes(&mut self) -> Vec<Wish> {
        self.take_wishes();
        std::mem::take(self.waiting.get_mut())
    }

    /// What is to be kept is kept at once, as the network thread does a little later.
    fn take_wishes(&self) {
        loop {
            let next = self.asked.borrow_mut().try_recv();
            match next {
                Ok(Wish::Keep(settings)) => settings.save(self.dir.path()).unwrap(),
                Ok(Wish::StartAtLogin(Some(on))) => self.autostart.set(on).unwrap(),
                Ok(Wish::StartAtLogin(None)) => {
                    self.office.hear(News::StartsAtLogin(self.autostart.is_on()));
                }
                Ok(wish) => self.waiting.borrow_mut().push(wish),
                Err(_) => break,
            }
        }
    }

    /// The settings as they are on the disk.
    pub(crate) fn kept(&self) -> Settings {
        self.take_wishes();
        Settings::load(self.dir.path())
    }

    /// Nobody takes wishes any more, and no more of them fit.
    pub(crate) fn fill_the_line(&self) {
        self.stuck.set(true);
        while self.line.ask(Wish::Roster) {}
    }

    /// Time passes.
    pub(crate) fn later(&self, ms: u64) {
        for _ in 0..ms.div_ceil(100) {
            self.now.set(self.now.get() + Duration::from_millis(100));
            self.office.tick();
        }
        self.settle();
    }

    /// Everything that was to happen in the windows happens.
    pub(crate) fn settle(&self) {
        i_slint_backend_testing::mock_elapsed_time(Duration::from_millis(50));
        if !self.stuck.get() {
            self.take_wishes();
        }
    }

    pub(crate) fn spoken(&self) -> Vec<String> {
        self.office.look(Desk::spoken)
    }

    pub(crate) fn login(&self) -> LoginWindow {
        self.office.look(|desk| desk.login.as_ref().unwrap().window.clone_strong())
    }

    pub(crate) fn main(&self) -> MainWindow {
        self.office.look(|desk| desk.session.as_ref().unwrap().main.view.window.clone_strong())
    }

    pub(crate) fn chat(&self, user: i64) -> ChatWindow {
        self.office.look(|desk| {
            let session = desk.session.as_ref().unwrap();
            session.chats[&UserId(user)].view.view.window.clone_strong()
        })
    }

    pub(crate) fn settings(&self) -> SettingsWindow {
        self.office.look(|desk| desk.choices.as_ref().unwrap().view.window.clone_strong())
    }

    pub(crate) fn notice(&self) -> NoticeWindow {
        self.office.look(|desk| desk.notice.as_ref().unwrap().window.clone_strong())
    }

    pub(crate) fn message(&self, message: Message) {
        let arrival = Arrival::Live;
        self.office.hear(News::Change(Change::Message { before: None, now: message, arrival }));
    }

    pub(crate) fn press<W: ComponentHandle>(
        &self,
        window: &W,
        text: impl Into<slint::SharedString>,
    ) {
        let text = text.into();
        window.window().dispatch_event(WindowEvent::KeyPressed { text: text.clone() });
        window.window().dispatch_event(WindowEvent::KeyReleased { text });
        self.settle();
    }

    pub(crate) fn write<W: ComponentHandle>(&self, window: &W, text: &str) {
        text.chars().for_each(|letter| self.press(window, letter));
    }

    pub(crate) fn with_modifier<W: ComponentHandle>(
        &self,
        window: &W,
        held: Key,
        text: impl Into<slint::SharedString>,
    ) {
        let modifier: slint::SharedString = held.into();
        window.window().dispatch_event(WindowEvent::KeyPressed { text: modifier.clone() });
        self.press(window, text);
        window.window().dispatch_event(WindowEvent::KeyReleased { text: modifier });
        self.settle();
    }

    pub(crate) fn with_control_shift<W: ComponentHandle>(&self, window: &W, letter: &str) {
        let control: slint::SharedString = Key::Control.into();
        window.window().dispatch_event(WindowEvent::KeyPressed { text: control.clone() });
        self.with_modifier(window, Key::Shift, letter);
        window.window().dispatch_event(WindowEvent::KeyReleased { text: control });
        self.settle();
    }

    pub(crate) fn alt<W: ComponentHandle>(&self, window: &W, letter: char) {
        self.with_modifier(window, Key::Alt, letter);
    }
}

pub(crate) fn server() -> ServerAddress {
    ServerAddress::parse("localhost:2005").unwrap()
}

pub(crate) fn contact(id: i64, name: &str) -> Contact {
    Contact {
        user: UserId(id),
        username: Username::parse(name).unwrap(),
        nickname: String::new(),
        group: String::new(),
        relation: Relation::Contact,
        blocked: false,
        request: String::new(),
        presence: Presence::new(Availability::Online, String::new()),
        unread: 0,
        typing: false,
        admin: false,
    }
}

/// Message number `seq` of Bob, who is user 2.
pub(crate) fn of_bob(seq: i64) -> Message {
    Message {
        key: MessageKey(seq),
        peer: UserId(2),
        seq: Some(seq.unsigned_abs()),
        mine: false,
        sender: Username::parse("bob").unwrap(),
        time_ms: 1_700_000_000_000,
        text: format!("text {seq}"),
        state: MessageState::Stored,
        file: None,
    }
}

/// The control with this name. What no name leads to, nobody can use.
pub(crate) fn named(window: &(impl ElementRoot + ComponentHandle), label: &str) -> ElementHandle {
    ElementHandle::find_by_accessible_label(window, label)
        .next()
        .unwrap_or_else(|| panic!("nothing is named {label:?}"))
}

/// The names of all rows that are not hidden, as they are heard.
pub(crate) fn rows(window: &(impl ElementRoot + ComponentHandle)) -> Vec<String> {
    let query = ElementQuery::from_root(window)
        .match_descendants()
        .match_accessible_role(AccessibleRole::ListItem);
    // One element may be found several times, once for each component that it is made of.
    let mut rows = std::collections::BTreeMap::new();
    for row in query.find_all().into_iter().filter(|row| 0.0 < row.size().height) {
        let label = row.accessible_label().unwrap_or_default().to_string();
        rows.insert((row.accessible_item_index(), label.clone()), label);
    }
    rows.into_values().collect()
}
