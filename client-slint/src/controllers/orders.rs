//! The commands for the server: what was typed, what was answered, and the way back to former commands.

use thrive_client::Failure;
use thrive_client::admin::{AdminAnswer, AdminCommand, Line as Typed, grammar, words};

use crate::bridge::{HostWish, Wish};
use crate::rows::{Listed, RowChange, Rows, Step};
use crate::words as sentences;

/// A line of the answers, by its number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    number: u64,
    pub text: String,
}

impl Listed for Answer {
    type Id = u64;
    type Place = u64;

    fn id(&self) -> u64 {
        self.number
    }

    fn place(&self) -> u64 {
        self.number
    }

    fn letters(&self) -> String {
        String::new()
    }
}

/// What is to be done with a line that was typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Plan {
    Ask(Box<Wish>),
    /// It is answered here.
    Answer(Vec<String>),
    /// A sentence why it is no command.
    Refuse(String),
}

#[derive(Debug, Default)]
pub struct Orders {
    rows: Rows<Answer>,
    next: u64,
    /// What was typed, newest last, without passwords.
    typed: Vec<String>,
    /// Which of them is in the field; the one behind the last is what is being written.
    at: usize,
}

impl Orders {
    /// What Enter does with the line in the field. It is among the former ones from now on, whether it was
    /// right or not.
    pub fn submit(&mut self, line: &str) -> (Plan, Vec<RowChange>) {
        let line = line.trim();
        let parsed = grammar::parse(line);
        let (shown, again) = without_password(line, parsed.as_ref().ok());
        let mut changes = Vec::new();
        if !line.is_empty() {
            changes = self.put(&format!("You: {shown}"));
            if self.typed.last() != Some(&again) {
                self.typed.push(again);
            }
            if TYPED_MAX < self.typed.len() {
                self.typed.remove(0);
            }
        }
        self.at = self.typed.len();
        let plan = match parsed {
            Ok(Typed::Help(of)) => Plan::Answer(lines(&words::help(of))),
            Ok(Typed::Command(command)) => {
                Plan::Ask(Box::new(Wish::Host(HostWish::Order(command))))
            }
            Err(why) => Plan::Refuse(sentences::failure(&Failure::Invalid(why.to_string()))),
        };
        (plan, changes)
    }

    /// Appends a line below the others.
    pub fn put(&mut self, text: &str) -> Vec<RowChange> {
        self.next += 1;
        let mut changes = self.rows.put(Answer { number: self.next, text: text.to_owned() });
        let oldest = self.rows.rows().first().map(Answer::id);
        if let Some(oldest) = oldest.filter(|_| LINES_MAX < self.rows.count()) {
            changes.extend(self.rows.remove(oldest));
        }
        changes
    }

    /// A former command for the field: the one before (-1) or after (1) the one that is there. Behind the
    /// last is an empty field. Nothing when there is no further one.
    pub fn recall(&mut self, before: bool) -> Option<String> {
        let to = if before { self.at.checked_sub(1)? } else { self.at + 1 };
        if self.typed.len() < to {
            return None;
        }
        self.at = to;
        Some(self.typed.get(to).cloned().unwrap_or_default())
    }

    pub fn walk(&mut self, step: Step) {
        self.rows.walk(step);
    }

    pub fn choose(&mut self, at: usize) {
        self.rows.choose(at);
    }

    /// The list got the focus: the newest answer is where one starts.
    pub fn enter(&mut self) {
        if self.rows.current().is_none() {
            self.rows.walk(Step::Last);
        }
    }

    #[must_use]
    pub fn rows(&self) -> &Rows<Answer> {
        &self.rows
    }

    #[must_use]
    pub fn chosen_text(&self) -> Option<&str> {
        self.rows.chosen().map(|answer| answer.text.as_str())
    }
}

/// The lines of what the server answered.
#[must_use]
pub fn answer(answer: &AdminAnswer) -> Vec<String> {
    lines(&answer.to_string())
}

/// What is said of an answer: all of it, or where the rest is.
#[must_use]
pub fn spoken(lines: &[String]) -> String {
    match lines {
        [first, _, ..] if SPOKEN_MAX < lines.len() => {
            format!("{} lines. Shift+Tab leads to them. The first is: {first}", lines.len())
        }
        _ => lines.join(" "),
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// How a line is shown, and how it comes back into the field: a password is in neither.
fn without_password(line: &str, parsed: Option<&Typed>) -> (String, String) {
    let mut words = line.trim_start_matches('/').split_whitespace();
    let creates = words.next().is_some_and(|word| {
        word.trim_matches(['"', '/']).to_ascii_lowercase().starts_with("create")
    });
    let username = match parsed {
        Some(Typed::Command(AdminCommand::CreateUser(create))) => create.username.clone(),
        _ if creates => words.next().unwrap_or_default().to_owned(),
        _ => return (line.to_owned(), line.to_owned()),
    };
    let again = format!("/create {username} ");
    (format!("{}, with what is not shown", again.trim_end()), again)
}

/// More answers than anybody goes back to; all are rows in the tree of a screen reader.
const LINES_MAX: usize = 1_000;
/// Former commands that come back.
const TYPED_MAX: usize = 100;
/// More lines are not listened to at a stretch.
const SPOKEN_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(orders: &Orders) -> Vec<String> {
        orders.rows.rows().iter().map(|it| it.text.clone()).collect()
    }

    #[test]
    fn a_line_is_read_by_the_grammar_of_all_programs() {
        let mut orders = Orders::default();
        let promote = AdminCommand::Promote { username: "bob".into() };
        let (plan, _) = orders.submit(" /admin bob ");
        assert_eq!(plan, Plan::Ask(Box::new(Wish::Host(HostWish::Order(promote.clone())))));
        assert_eq!(
            orders.submit("admin bob").0,
            Plan::Ask(Box::new(Wish::Host(HostWish::Order(promote))))
        );
        let Plan::Answer(help) = orders.submit("/help").0 else { panic!("help is no request") };
        assert!(help[0].starts_with("/admin USER: "), "{help:?}");
        let (plan, _) = orders.submit("/fly");
        let sentence = "There is no command /fly; /help lists them.";
        assert_eq!(plan, Plan::Refuse(sentence.into()));
        assert_eq!(
            texts(&orders),
            ["You: /admin bob", "You: admin bob", "You: /help", "You: /fly"]
        );
    }

    #[test]
    fn an_empty_line_leaves_no_trace() {
        let mut orders = Orders::default();
        let (plan, changes) = orders.submit("  ");
        let sentence = "Nothing was typed; /help lists the commands.";
        assert_eq!((plan, changes), (Plan::Refuse(sentence.into()), vec![]));
        assert_eq!(orders.recall(true), None);
    }

    #[test]
    fn former_commands_come_back_and_the_way_ends_on_both_sides() {
        let mut orders = Orders::default();
        orders.submit("/who");
        orders.submit("/bans");
        orders.submit("/bans");
        assert_eq!(orders.recall(false), None);
        assert_eq!(orders.recall(true).unwrap(), "/bans");
        assert_eq!(orders.recall(true).unwrap(), "/who");
        assert_eq!(orders.recall(true), None);
        assert_eq!(orders.recall(false).unwrap(), "/bans");
        assert_eq!(orders.recall(false).unwrap(), "");
        assert_eq!(orders.recall(false), None);
    }

    #[test]
    fn a_password_is_neither_shown_nor_kept() {
        for line in
            ["/create eve horse-7 eve@example.org", "CREATE eve horse-7", "/create eve \"horse-7"]
        {
            let mut orders = Orders::default();
            let (plan, _) = orders.submit(line);
            assert_eq!(texts(&orders), ["You: /create eve, with what is not shown"], "{line}");
            assert_eq!(orders.recall(true).unwrap(), "/create eve ");
            assert!(!format!("{plan:?}{orders:?}").contains("horse"), "{line}");
        }
    }

    #[test]
    fn long_answers_say_where_they_are() {
        let many: Vec<_> = (1..=6).map(|number| format!("line {number}")).collect();
        assert_eq!(spoken(&many[..2]), "line 1 line 2");
        let sentence = "6 lines. Shift+Tab leads to them. The first is: line 1";
        assert_eq!(spoken(&many), sentence);
    }

    #[test]
    fn the_oldest_answers_go_when_there_are_too_many() {
        let mut orders = Orders::default();
        for number in 0..=LINES_MAX {
            orders.put(&number.to_string());
        }
        assert_eq!(orders.rows.count(), LINES_MAX);
        assert_eq!(texts(&orders)[0], "1");
    }
}
