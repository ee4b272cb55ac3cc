//! What all windows have in common: their keys, their voice, their colors, and whether one of them
//! has the keyboard.

use std::fmt;
use std::rc::Rc;

use slint::winit_030::{EventResult, WinitWindowAccessor, winit};
use slint::{CloseRequestResponse, ComponentHandle, Global};
use thrive_client::UserId;

use crate::announce::queue::Region;
use crate::keys::{Command, Place};
use crate::rows::Step;
use crate::settings::{Colors, Settings};
use crate::ui::{Announcer, Scheme, Theme};

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
}

impl WindowKey {
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
        }
    }
}

/// What a person did in a window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    Command(Command),
    /// A letter or digit with Alt.
    Key(String),
    Escape,
    Help,
    Walk(Step),
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

/// Tells the desk what happened in a window.
#[derive(Clone)]
pub struct Tell(Rc<dyn Fn(WindowKey, Input)>);

impl Tell {
    pub fn new(tell: impl Fn(WindowKey, Input) + 'static) -> Self {
        Self(Rc::new(tell))
    }

    pub fn say(&self, window: WindowKey, input: Input) {
        (self.0)(window, input);
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
{
    /// Dresses the window and listens to its frame; the caller shows it when it is filled.
    pub fn new(window: W, key: WindowKey, settings: &Settings, tell: &Tell) -> Self {
        let told = tell.clone();
        window.window().on_close_requested(move || {
            told.say(key, Input::Closed);
            // Whoever hears it decides, and drops the window later than in its own callback.
            CloseRequestResponse::KeepWindowShown
        });
        let told = tell.clone();
        window.window().on_winit_window_event(move |_, event| {
            if let winit::event::WindowEvent::Focused(active) = event {
                told.say(key, Input::Active(*active));
            }
            EventResult::Propagate
        });
        let view = Self { window, key };
        view.dress(settings);
        view
    }

    pub fn dress(&self, settings: &Settings) {
        let theme = self.window.global::<Theme<'_>>();
        theme.set_scheme(match settings.colors {
            Colors::System => Scheme::System,
            Colors::Light => Scheme::Light,
            Colors::Dark => Scheme::Dark,
            Colors::ContrastLight => Scheme::ContrastLight,
            Colors::ContrastDark => Scheme::ContrastDark,
        });
        // A point is a 72nd of an inch, a pixel a 96th.
        theme.set_chat_text(f32::from(settings.text_points) * 96.0 / 72.0);
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
    }

    /// Brings a window to the front that is open already.
    pub fn raise(&self) {
        self.show();
        self.window.window().set_minimized(false);
        self.window.window().with_winit_window(|window: &winit::window::Window| {
            window.focus_window();
        });
    }

    /// Hides the window now and drops it when its own callbacks have returned.
    pub fn close(self) {
        if let Err(error) = self.window.hide() {
            tracing::debug!(%error, "A window cannot be hidden");
        }
        slint::Timer::single_shot(std::time::Duration::ZERO, move || drop(self));
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
        $window.on_access_key(move |letter| tell.say(key, Input::Key(letter.into())));
        let tell = $tell.clone();
        $window.on_escape(move || tell.say(key, Input::Escape));
        let tell = $tell.clone();
        $window.on_help(move || tell.say(key, Input::Help));
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
