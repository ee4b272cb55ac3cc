//! What all windows have in common: their keys, their voice, their colors, and whether one of them
//! has the keyboard.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use slint::winit_030::{EventResult, WinitWindowAccessor, winit};
use slint::{CloseRequestResponse, ComponentHandle, Global};
use thrive_client::UserId;

use crate::announce::queue::Region;
use crate::contrast::{self, Contrast};
use crate::controllers::contacts::Fold;
use crate::desk::doors::Door;
use crate::desk::files::Files;
use crate::desk::host::Host;
use crate::desk::social::Social;
use crate::keys::chord::Chord;
use crate::keys::map::{KeyMap, Meaning};
use crate::keys::{Command, Place};
use crate::rows::Step;
use crate::settings::{Colors, Settings};
use crate::ui::{Announcer, Habits, Scheme, Shortcuts, Theme};

/// Names a window that is open.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum WindowKey {
    Login,
    CreateAccount,
    Contacts,
    Chat(UserId),
    AddContact,
    Status,
    Settings,
    Confirm,
    Notice,
    About,
    /// Of the ways in.
    Door(Door),
    /// Of people beyond the contact list.
    Social(Social),
    /// Of files.
    Files(Files),
    /// Of the host and its admins.
    Host(Host),
}

impl WindowKey {
    /// Every window that there can be once only.
    pub fn single() -> impl Iterator<Item = Self> {
        let own = [
            Self::Login,
            Self::CreateAccount,
            Self::Contacts,
            Self::AddContact,
            Self::Status,
            Self::Settings,
            Self::Confirm,
            Self::Notice,
            Self::About,
        ];
        let doors = Door::ALL.iter().copied().map(Self::Door);
        let social = Social::ALL.iter().copied().map(Self::Social);
        let files = Files::ALL.iter().copied().map(Self::Files);
        let host = Host::ALL.iter().copied().map(Self::Host);
        own.into_iter().chain(doors).chain(social).chain(files).chain(host)
    }

    /// Ends with the session.
    #[must_use]
    pub fn is_of_session(self) -> bool {
        match self {
            Self::Login | Self::CreateAccount => false,
            Self::Door(door) => door.is_of_session(),
            _ => true,
        }
    }

    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Login => Place::Login,
            Self::CreateAccount => Place::CreateAccount,
            Self::Contacts => Place::Contacts,
            Self::Chat(_) => Place::Chat,
            Self::AddContact => Place::AddContact,
            Self::Status => Place::Status,
            Self::Settings => Place::Settings,
            Self::Confirm => Place::Confirm,
            Self::Notice => Place::Notice,
            Self::About => Place::About,
            Self::Door(door) => door.place(),
            Self::Social(social) => social.place(),
            Self::Files(files) => files.place(),
            Self::Host(host) => host.place(),
        }
    }
}

/// What a person did in a window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    Command(Command),
    /// A letter or digit with Alt that is no command.
    Key(String),
    Escape,
    Walk(Step),
    /// Left or Right in the contacts.
    Fold(Fold),
    Letter(String),
    Picked(usize),
    /// The text of the composer changed.
    Edited,
    Answered(usize),
    /// The window got or lost the keyboard.
    Active(bool),
    /// The frame's own button, or Alt+F4.
    Closed,
}

/// Tells the desk what happened in a window, and knows what the keys mean there.
#[derive(Clone)]
pub struct Tell {
    tell: Rc<dyn Fn(WindowKey, Input)>,
    keys: Rc<KeyMap>,
}

impl Tell {
    pub fn new(keys: Rc<KeyMap>, tell: impl Fn(WindowKey, Input) + 'static) -> Self {
        Self { tell: Rc::new(tell), keys }
    }

    pub fn say(&self, window: WindowKey, input: Input) {
        (self.tell)(window, input);
    }

    /// A key was pressed. True when it was for the window.
    #[must_use]
    pub fn press(
        &self,
        window: WindowKey,
        text: &str,
        control: bool,
        shift: bool,
        alt: bool,
    ) -> bool {
        let Some(chord) = Chord::pressed(text, control, shift, alt) else { return false };
        match self.keys.meaning(window.place(), chord) {
            Meaning::Command(command) => self.say(window, Input::Command(command)),
            // Unknown ones too: a text field would type the letter.
            Meaning::Letter(letter) => self.say(window, Input::Key(letter)),
            Meaning::Nothing => return false,
        }
        true
    }

    /// The key of a command in a window.
    #[must_use]
    pub fn label(&self, window: WindowKey, word: &str) -> String {
        let label = |command| self.keys.label(window.place(), command);
        Command::parse(word).map(label).unwrap_or_default()
    }
}

impl fmt::Debug for Tell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tell")
    }
}

/// An open window of any kind.
pub struct View<W: ComponentHandle> {
    pub window: W,
    pub key: WindowKey,
    size: Rc<Size>,
}

impl<W: ComponentHandle + 'static> fmt::Debug for View<W> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "View({:?})", self.key)
    }
}

impl<W> View<W>
where
    W: ComponentHandle + 'static,
    for<'a> Theme<'a>: Global<'a, W>,
    for<'a> Announcer<'a>: Global<'a, W>,
    for<'a> Shortcuts<'a>: Global<'a, W>,
    for<'a> Habits<'a>: Global<'a, W>,
{
    /// Dresses the window and listens to its frame; the caller shows it when it is filled.
    pub fn new(window: W, key: WindowKey, settings: &Settings, tell: &Tell) -> Self {
        let told = tell.clone();
        window.window().on_close_requested(move || {
            told.say(key, Input::Closed);
            // Whoever hears it decides, and drops the window later than in its own callback.
            CloseRequestResponse::KeepWindowShown
        });
        let size = Rc::new(Size::default());
        let told = tell.clone();
        let sized = size.clone();
        let marked = Cell::new(false);
        window.window().on_winit_window_event(move |window, event| {
            if !marked.replace(true) {
                window.with_winit_window(super::mark::put_on);
            }
            match event {
                winit::event::WindowEvent::Focused(active) => {
                    told.say(key, Input::Active(*active));
                    sized.keep(window);
                }
                winit::event::WindowEvent::Resized(_) => sized.keep(window),
                _ => {}
            }
            EventResult::Propagate
        });
        let told = tell.clone();
        let shortcuts = window.global::<Shortcuts<'_>>();
        shortcuts.on_of(move |word| told.label(key, &word).into());
        shortcuts.set_known(true);
        let view = Self { window, key, size };
        view.dress(settings);
        view
    }

    pub fn dress(&self, settings: &Settings) {
        let theme = self.window.global::<Theme<'_>>();
        theme.set_scheme(match settings.colors {
            Colors::System => match contrast::asked_for() {
                None => Scheme::System,
                Some(Contrast::Light) => Scheme::ContrastLight,
                Some(Contrast::Dark) => Scheme::ContrastDark,
            },
            Colors::Light => Scheme::Light,
            Colors::Dark => Scheme::Dark,
            Colors::ContrastLight => Scheme::ContrastLight,
            Colors::ContrastDark => Scheme::ContrastDark,
        });
        // A point is a 72nd of an inch, a pixel a 96th.
        theme.set_chat_text(f32::from(settings.text_points) * 96.0 / 72.0);
        self.window.global::<Habits<'_>>().set_enter_sends(settings.enter_sends);
        self.size.percent.set(settings.scale);
        self.size.keep(self.window.window());
    }

    pub fn speak(&self, region: Region, text: &str) {
        let announcer = self.window.global::<Announcer<'_>>();
        match region {
            Region::PoliteA => announcer.set_polite_a(text.into()),
            Region::PoliteB => announcer.set_polite_b(text.into()),
            Region::AssertiveA => announcer.set_assertive_a(text.into()),
            Region::AssertiveB => announcer.set_assertive_b(text.into()),
        }
    }

    pub fn show(&self) {
        if let Err(error) = self.window.show() {
            tracing::error!(%error, "A window cannot be shown");
        }
        self.size.keep(self.window.window());
    }

    /// Brings a window to the front that is open already.
    pub fn raise(&self) {
        self.show();
        self.window.window().set_minimized(false);
        self.window.window().with_winit_window(|window: &winit::window::Window| {
            window.focus_window();
        });
    }

    /// Hides the window, or makes it small; `raise` brings it back.
    pub fn put_away(&self, hidden: bool) {
        if !hidden {
            self.window.window().set_minimized(true);
        } else if let Err(error) = self.window.hide() {
            tracing::debug!(%error, "A window cannot be hidden");
        }
    }

    /// Hides the window now and drops it when its own callbacks have returned.
    pub fn close(self) {
        if let Err(error) = self.window.hide() {
            tracing::debug!(%error, "A window cannot be hidden");
        }
        slint::Timer::single_shot(std::time::Duration::ZERO, move || drop(self));
    }
}

/// A window of any kind, for what is done with all of them.
pub trait Shown {
    /// Puts words into a live region.
    fn speak(&self, region: Region, text: &str);
    /// Puts on the colors and sizes that the person chose.
    fn dress(&self, settings: &Settings);
    /// Brings it to the front.
    fn raise(&self);
}

impl<W> Shown for View<W>
where
    W: ComponentHandle + 'static,
    for<'a> Theme<'a>: Global<'a, W>,
    for<'a> Announcer<'a>: Global<'a, W>,
    for<'a> Shortcuts<'a>: Global<'a, W>,
    for<'a> Habits<'a>: Global<'a, W>,
{
    fn speak(&self, region: Region, text: &str) {
        Self::speak(self, region, text);
    }

    fn dress(&self, settings: &Settings) {
        Self::dress(self, settings);
    }

    fn raise(&self) {
        Self::raise(self);
    }
}

/// The size of everything in a window: what the system says, times what the person chose.
#[derive(Debug)]
struct Size {
    /// Percent.
    percent: Cell<u16>,
    /// The factor of the system, as it was when it was last seen.
    system: Cell<f32>,
    /// The factor that was set here; the system sets its own when a window is made and when it comes to
    /// another screen.
    ours: Cell<Option<f32>>,
    /// The window is one of the system, and no longer only a wish.
    made: Cell<bool>,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            percent: Cell::new(100),
            system: Cell::new(1.0),
            ours: Cell::new(None),
            made: Cell::new(false),
        }
    }
}

impl Size {
    /// Sets the factor again if it is not what is wanted.
    fn keep(&self, window: &slint::Window) {
        if self.percent.get() == 100 && self.ours.get().is_none() {
            return;
        }
        let made = window.has_winit_window();
        if made && !self.made.replace(made) {
            self.ours.set(None);
        }
        let now = window.scale_factor();
        if self.ours.get().is_none_or(|ours| 0.01 < (ours - now).abs()) {
            self.system.set(now);
        }
        let wanted = self.system.get() * f32::from(self.percent.get()) / 100.0;
        self.ours.set(Some(wanted));
        if (wanted - now).abs() < 0.01 {
            return;
        }
        let size = window.size();
        window.dispatch_event(slint::platform::WindowEvent::ScaleFactorChanged {
            scale_factor: wanted,
        });
        if !made {
            return;
        }
        // The window is as large as before, so less fits into it now.
        window.dispatch_event(slint::platform::WindowEvent::Resized {
            size: size.to_logical(wanted),
        });
        // As much is to be seen as before, as far as the screen is large enough.
        let mut size = size.to_logical(now).to_physical(wanted);
        let screen = window.with_winit_window(|it: &winit::window::Window| {
            it.current_monitor().map(|monitor| monitor.size())
        });
        if let Some(Some(screen)) = screen {
            size.width = size.width.min(screen.width * 19 / 20);
            size.height = size.height.min(screen.height * 9 / 10);
        }
        window.set_size(size);
    }
}

/// Sends the commands and keys of a window to the desk.
macro_rules! wire {
    ($window:expr, $key:expr, $tell:expr) => {{
        use crate::adapters::shell::Input;
        use crate::keys::Command;
        let (key, tell) = ($key, $tell.clone());
        $window.on_command(move |word| match Command::parse(&word) {
            Some(command) => tell.say(key, Input::Command(command)),
            None => tracing::error!(%word, "A screen calls a command that does not exist"),
        });
        let tell = $tell.clone();
        $window.on_key(move |text, control, shift, alt| {
            tell.press(key, &text, control, shift, alt)
        });
        let tell = $tell.clone();
        $window.on_escape(move || tell.say(key, Input::Escape));
    }};
}
pub(crate) use wire;

/// The step of a screen in the word of the rows.
#[must_use]
pub fn step(step: crate::ui::Step) -> Step {
    match step {
        crate::ui::Step::Up => Step::Up,
        crate::ui::Step::Down => Step::Down,
        crate::ui::Step::PageUp => Step::PageUp,
        crate::ui::Step::PageDown => Step::PageDown,
        crate::ui::Step::First => Step::First,
        crate::ui::Step::Last => Step::Last,
    }
}

/// Row numbers are small; a list of more than two thousand million rows is never shown.
#[must_use]
pub fn number(index: Option<usize>) -> i32 {
    index.and_then(|index| i32::try_from(index).ok()).unwrap_or(-1)
}
