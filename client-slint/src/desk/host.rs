//! The windows about the host: its answers to admins.

use thrive_client::Arrival;

use super::Desk;
use crate::adapters::orders::OrdersView;
use crate::adapters::shell::{Input, Shown, WindowKey};
use crate::announce::Event;
use crate::bridge::HostNews;
use crate::controllers::orders::{self, Orders, Plan};
use crate::keys::{Command, Place};
use crate::words;

/// A window of this theme.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Host {
    /// Commands for the server.
    Orders,
}

impl Host {
    pub const ALL: &[Self] = &[Self::Orders];

    #[must_use]
    pub fn place(self) -> Place {
        match self {
            Self::Orders => Place::Orders,
        }
    }
}

/// The windows of this theme that are open.
#[derive(Default)]
pub struct Counter {
    pub orders: Option<OrdersView>,
    /// What was typed and answered since the log-in; it is there again when the window is.
    answers: Orders,
}

impl Counter {
    pub(super) fn shown(&self, window: Host) -> Option<&dyn Shown> {
        match window {
            Host::Orders => self.orders.as_ref().map(|it| &it.view as &dyn Shown),
        }
    }

    /// Closes one; where the focus was in the window behind, it still is.
    pub(super) fn close(&mut self, window: Host) {
        match window {
            Host::Orders => self.orders.take().into_iter().for_each(|it| it.view.close()),
        }
    }

    /// The session is over, and what was answered in it is nobody else's business.
    pub(super) fn forget(&mut self) {
        self.answers = Orders::default();
    }
}

impl Desk {
    pub(super) fn open_orders(&mut self) {
        if let Some(view) = &self.counter.orders {
            return view.view.raise();
        }
        let view = OrdersView::open(&self.counter.answers, &self.settings, &self.tell);
        if let Some(view) = self.made(view) {
            view.view.show();
            view.view.window.invoke_show_end();
            self.counter.orders = Some(view);
        }
    }

    pub(super) fn host_command(&mut self, window: Host, command: Command) {
        match (window, command) {
            (Host::Orders, Command::Send) => self.give_order(),
            (Host::Orders, Command::RecallBefore) => self.recall(true),
            (Host::Orders, Command::RecallAfter) => self.recall(false),
            (Host::Orders, Command::Copy) => self.copy_answer(),
            (Host::Orders, Command::EnteredList) => {
                self.counter.answers.enter();
                self.show_answers(&[]);
            }
            (Host::Orders, Command::Close) => self.close_dialog(WindowKey::Host(window)),
            (_, other) => tracing::error!(?window, ?other, "A command of another window"),
        }
    }

    fn give_order(&mut self) {
        let Some(view) = &self.counter.orders else { return };
        let window = &view.view.window;
        let (plan, changes) = self.counter.answers.submit(&window.get_text());
        window.invoke_focus_field();
        if !matches!(plan, Plan::Refuse(_)) {
            window.set_text("".into());
        }
        self.show_answers(&changes);
        match plan {
            Plan::Ask(wish) => self.ask(*wish),
            Plan::Answer(lines) => self.answered_lines(&lines),
            // It stays in the field, where it can be mended.
            Plan::Refuse(sentence) => {
                self.put_answers(std::slice::from_ref(&sentence));
                self.problem(sentence);
            }
        }
    }

    fn answered_lines(&mut self, lines: &[String]) {
        self.put_answers(lines);
        self.answer(orders::spoken(lines));
    }

    fn put_answers(&mut self, lines: &[String]) {
        for line in lines {
            let changes = self.counter.answers.put(line);
            self.show_answers(&changes);
        }
    }

    fn show_answers(&self, changes: &[crate::rows::RowChange]) {
        self.counter.orders.iter().for_each(|it| it.update(&self.counter.answers, changes));
    }

    fn recall(&mut self, before: bool) {
        let Some(view) = &self.counter.orders else { return };
        match self.counter.answers.recall(before) {
            // A screen reader reads the field by itself when the caret moves in it.
            Some(text) => {
                view.view.window.set_text(text.into());
                view.view.window.invoke_to_end_of_field();
            }
            None if before => self.answer("There is no earlier command."),
            None => self.answer("There is no later command."),
        }
    }

    fn copy_answer(&mut self) {
        let (Some(view), Some(text)) = (&self.counter.orders, self.counter.answers.chosen_text())
        else {
            return;
        };
        view.view.window.invoke_copy(text.into());
        self.answer("Copied.");
    }

    pub(super) fn move_in_host(&mut self, window: Host, input: &Input) {
        let Host::Orders = window;
        match input {
            Input::Walk(step) => self.counter.answers.walk(*step),
            Input::Picked(at) => self.counter.answers.choose(*at),
            _ => {}
        }
        self.show_answers(&[]);
    }

    /// F6 in one of them.
    pub(super) fn go_host_region(&self, window: Host, forward: bool) {
        let Host::Orders = window;
        let by = if forward { 1 } else { -1 };
        self.counter.orders.iter().for_each(|it| it.view.window.invoke_go_region(by));
    }

    pub(super) fn hear_host(&mut self, news: HostNews) {
        match news {
            HostNews::Answered(Ok(answer)) => self.answered_lines(&orders::answer(&answer)),
            HostNews::Answered(Err(failure)) => {
                let sentence = words::failure(&failure);
                self.put_answers(std::slice::from_ref(&sentence));
                self.problem(sentence);
            }
        }
    }

    /// An admin tells everybody something: said at once, and it stands in the main window and in the chats
    /// until something else does.
    pub(super) fn alerted(&mut self, text: &str) {
        self.event(&Event::Alert(text.to_owned()), Arrival::Live);
        let line = format!("Message from the host: {}", words::one_line(text));
        let chats = self.session.iter().flat_map(|session| session.chats.values());
        chats.for_each(|open| open.view.view.window.set_notice(line.as_str().into()));
    }

    /// I am an admin now, or none any more. At the log-in that is no news.
    pub(super) fn own_rights(&mut self, admin: bool) {
        if !self.session.as_ref().is_some_and(|session| session.greeted) {
            return;
        }
        self.answer(match admin {
            true => "You are an admin of this server now.",
            false => "You are no admin of this server any more.",
        });
    }
}
