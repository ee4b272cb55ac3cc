//! The window for commands to the server.

use slint::PlatformError;

use super::lines::{Line, Lines};
use super::shell::{Input, Tell, View, WindowKey, number, step, wire};
use crate::controllers::orders::{Answer, Orders};
use crate::desk::host::Host;
use crate::rows::RowChange;
use crate::settings::Settings;
use crate::ui::OrdersWindow;

pub struct OrdersView {
    pub view: View<OrdersWindow>,
    lines: Lines,
}

impl OrdersView {
    /// # Errors
    /// The platform gives no window.
    pub fn open(orders: &Orders, settings: &Settings, tell: &Tell) -> Result<Self, PlatformError> {
        const KEY: WindowKey = WindowKey::Host(Host::Orders);
        let window = OrdersWindow::new()?;
        wire!(window, KEY, tell);
        let told = tell.clone();
        window.on_walk(move |it| told.say(KEY, Input::Walk(step(it))));
        let told = tell.clone();
        window.on_picked(move |at| {
            if let Ok(at) = usize::try_from(at) {
                told.say(KEY, Input::Picked(at));
            }
        });
        let lines = Lines::new(orders.rows(), line);
        window.set_rows(lines.seen());
        window.set_heard(lines.heard());
        let view = Self { view: View::new(window, KEY, settings, tell), lines };
        view.update(orders, &[]);
        Ok(view)
    }

    pub fn update(&self, orders: &Orders, changes: &[RowChange]) {
        self.lines.update(orders.rows(), changes, line);
        let window = &self.view.window;
        window.set_count(number(Some(orders.rows().count())));
        window.set_current(number(orders.rows().current()));
        window.set_current_heard(self.lines.index(orders.rows().current()));
    }
}

fn line(answer: &Answer) -> Line {
    Line::plain(&answer.text)
}
