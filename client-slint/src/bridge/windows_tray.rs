//! The place of the program in the tray of Windows, while its windows are hidden. Made when it is first
//! needed, and then it stays. The icon lives on the thread of the windows, whose messages it needs.

use std::cell::RefCell;
use std::time::Duration;

use slint::{Timer, TimerMode};
use tokio::sync::mpsc::Sender;
use winsafe::{AtomStr, HWND};

use super::tray_bar::{Bar, Seen};
use super::words::News;
use crate::adapters::tray::TrayView;
use crate::words;

/// Where the tray is asked for. Never waits.
#[derive(Debug)]
pub(super) struct Tray {
    news: Sender<News>,
}

impl Tray {
    pub(super) fn start(news: Sender<News>) -> Self {
        Self { news }
    }

    /// Whether the windows may be hidden comes as news.
    pub(super) fn ask(&self) {
        let news = self.news.clone();
        let there = move || {
            let there = PLACE.with_borrow_mut(|place| place.take_seat(&news));
            tell(&news, News::Tray(there));
        };
        if !beside_the_windows(there) {
            tell(&self.news, News::Tray(false));
        }
    }

    pub(super) fn name(&self, name: String) {
        beside_the_windows(move || PLACE.with_borrow_mut(|place| place.rename(name)));
    }
}

impl Drop for Tray {
    /// An icon that nobody takes away stays until the mouse comes over it.
    fn drop(&mut self) {
        beside_the_windows(|| PLACE.with_borrow_mut(Place::leave));
    }
}

/// False when the windows are gone already.
fn beside_the_windows(action: impl FnOnce() + Send + 'static) -> bool {
    slint::invoke_from_event_loop(action)
        .inspect_err(|error| tracing::debug!(%error, "The tray is not asked"))
        .is_ok()
}

fn tell(news: &Sender<News>, item: News) {
    // The thread of the windows takes the news, so it must not wait for itself.
    if news.try_send(item).is_err() {
        tracing::debug!("The windows have too much to hear");
    }
}

thread_local! {
    /// For the thread of the windows, and empty on every other one.
    static PLACE: RefCell<Place> = RefCell::default();
}

#[derive(Default)]
struct Place {
    icon: Option<TrayView>,
    name: Option<String>,
    news: Option<Sender<News>>,
    bar: Bar,
    /// Looks whether the bar is still the same one.
    looks: Timer,
}

impl Place {
    /// False where Windows has no bar that could show the icon.
    fn take_seat(&mut self, news: &Sender<News>) -> bool {
        self.news = Some(news.clone());
        match self.bar.look(find()) {
            Seen::Nothing => return false,
            Seen::Same if self.icon.is_some() => return true,
            Seen::Same | Seen::Other => self.make(),
        }
        self.looks.start(TimerMode::Repeated, LOOKS_EVERY, || PLACE.with_borrow_mut(Self::look));
        self.icon.is_some()
    }

    /// A bar that was started anew shows none of the icons of before.
    fn look(&mut self) {
        if self.bar.look(find()) == Seen::Other {
            self.make();
        }
    }

    fn make(&mut self) {
        self.icon = None;
        let Some(news) = self.news.clone() else { return };
        let name = self.name.as_deref().unwrap_or(words::PROGRAM);
        self.icon = TrayView::open(name, move |choice| tell(&news, News::TrayChosen(choice)))
            .inspect_err(|error| tracing::debug!(%error, "There is no icon for the tray"))
            .ok();
    }

    fn rename(&mut self, name: String) {
        self.icon.iter().for_each(|icon| icon.rename(&name));
        self.name = Some(name);
    }

    fn leave(&mut self) {
        self.looks.stop();
        self.icon = None;
    }
}

/// The window in which Windows shows the icons, as a number.
fn find() -> Option<usize> {
    let found = HWND::FindWindow(Some(AtomStr::from_str("Shell_TrayWnd")), None);
    found.ok().flatten().map(|window| window.ptr() as usize)
}

/// A bar that is started anew is away for seconds.
const LOOKS_EVERY: Duration = Duration::from_secs(3);
