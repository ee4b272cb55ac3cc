//! The handle of the desk: takes one thing after another, and looks at the clock while that is needed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;

use slint::{Timer, TimerMode};

use super::{Desk, Parts};
use crate::adapters::shell::{Input, Tell, WindowKey};
use crate::bridge::News;

/// The handle of the desk. Whatever comes while something is being taken is taken right after it.
#[derive(Clone)]
pub struct Office(Rc<Shared>);

impl fmt::Debug for Office {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Office")
    }
}

impl Office {
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let shared = Rc::new_cyclic(|weak: &Weak<Shared>| {
            let told = weak.clone();
            let tell = Tell::new(parts.keys.clone(), move |key, input| {
                if let Some(shared) = told.upgrade() {
                    Self(shared).put(Item::Input(key, input));
                }
            });
            let desk = Desk::new(parts, tell);
            Shared {
                desk: RefCell::new(desk),
                waiting: RefCell::new(VecDeque::new()),
                timer: Timer::default(),
            }
        });
        Self(shared)
    }

    /// Opens the first window, and logs in when that is to happen by itself.
    pub fn begin(&self) {
        self.0.desk.borrow_mut().begin();
        self.run();
    }

    pub fn tell(&self, key: WindowKey, input: Input) {
        self.put(Item::Input(key, input));
    }

    pub fn hear(&self, news: News) {
        self.put(Item::News(Box::new(news)));
    }

    pub fn tick(&self) {
        self.put(Item::Tick);
    }

    /// The program was started a second time: its windows come to the front.
    pub fn raise(&self) {
        self.put(Item::Raise);
    }

    /// Whether the program was ended to be started again.
    #[must_use]
    pub fn wants_restart(&self) -> bool {
        self.0.desk.borrow().restart
    }

    /// Looks at the desk; for tests.
    pub fn look<T>(&self, at: impl FnOnce(&Desk) -> T) -> T {
        at(&self.0.desk.borrow())
    }

    fn put(&self, item: Item) {
        let mut waiting = self.0.waiting.borrow_mut();
        if waiting.len() < INPUTS_MAX {
            waiting.push_back(item);
        } else {
            tracing::warn!("An input was dropped");
        }
        drop(waiting);
        self.run();
    }

    fn run(&self) {
        // Somebody further up the stack is at it and will take what waits.
        let Ok(mut desk) = self.0.desk.try_borrow_mut() else { return };
        loop {
            let next = self.0.waiting.borrow_mut().pop_front();
            match next {
                Some(Item::Input(key, input)) => desk.take(key, input),
                Some(Item::News(news)) => desk.hear(*news),
                Some(Item::Tick) => desk.tick(),
                Some(Item::Raise) => desk.raise(),
                None => break,
            }
        }
        desk.name_tray();
        let now = desk.now();
        desk.speak_next(now);
        let wanted = desk.needs_clock();
        drop(desk);
        if wanted && !self.0.timer.running() {
            let weak = Rc::downgrade(&self.0);
            self.0.timer.start(TimerMode::Repeated, TICK, move || {
                if let Some(shared) = weak.upgrade() {
                    Self(shared).tick();
                }
            });
        } else if !wanted {
            self.0.timer.stop();
        }
    }
}

struct Shared {
    desk: RefCell<Desk>,
    waiting: RefCell<VecDeque<Item>>,
    timer: Timer,
}

enum Item {
    Input(WindowKey, Input),
    News(Box<News>),
    Tick,
    Raise,
}

/// Announcements are 300 ms apart; a third of it is soon enough.
const TICK: Duration = Duration::from_millis(100);
/// Inputs that wait while another one is being taken. They are taken at once, so this is never
/// reached unless a screen answers every input with another one; then the newest is dropped.
const INPUTS_MAX: usize = 256;
