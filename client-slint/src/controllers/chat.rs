//! One chat: its rows, what is being written, and what is spoken of it on demand.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use thrive_client::{File, Message, MessageKey, MessageState, UserId, Username};

use crate::bridge::Wish;
use crate::controllers::files::same_step;
use crate::rows::{Listed, RowChange, Rows, Step};
use crate::{clock, words};

/// By their place in the conversation; what waits stands last, in the order in which it was written.
impl Listed for Message {
    type Id = MessageKey;
    type Place = (u64, MessageKey);

    fn id(&self) -> MessageKey {
        self.key
    }

    fn place(&self) -> Self::Place {
        (self.seq.unwrap_or(u64::MAX), self.key)
    }

    fn letters(&self) -> String {
        // Letters in a list of messages lead nowhere: the first word of a message is no name.
        String::new()
    }
}

#[derive(Debug)]
pub struct Chat {
    pub peer: UserId,
    pub username: Username,
    /// What the person is called.
    pub name: String,
    /// False once the beginning of the conversation has been reached.
    pub more: bool,
    /// Messages before this one are on their way.
    pub loading: Option<MessageKey>,
    /// The time of a message is read with it.
    pub read_times: bool,
    rows: Rows<Message>,
    /// Up to this message nothing is missing, while there is a doubt.
    sure: Option<u64>,
    /// So many rows are kept when more come by themselves.
    kept: usize,
    zone: TimeZone,
    /// The file of the chosen row as it was last heard. How far it is stands still there: a name that
    /// changes while one listens is read again.
    heard: Option<File>,
}

/// What the words of all rows depend on, beside their messages.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Manner {
    name: String,
    read_times: bool,
    /// Another day calls the times of a message otherwise.
    day: Option<jiff::civil::Date>,
}

/// One row, ready to be shown and spoken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    pub spoken: String,
    pub sender: String,
    pub time: String,
    pub text: String,
    pub state: String,
    pub mine: bool,
    pub failed: bool,
}

impl Chat {
    #[must_use]
    pub fn new(peer: UserId, username: Username, name: String, zone: TimeZone) -> Self {
        Self {
            peer,
            username,
            name,
            more: true,
            loading: None,
            sure: None,
            read_times: true,
            rows: Rows::default(),
            kept: ROWS_MAX,
            zone,
            heard: None,
        }
    }

    /// A file of this chat has come further, or something became of it.
    pub fn put_file(&mut self, file: &File) -> Vec<RowChange> {
        let Some(message) = self.rows.get(file.message).cloned() else { return Vec::new() };
        let chosen = self.rows.chosen().is_some_and(|chosen| chosen.key == file.message);
        match (&self.heard, &message.file) {
            (_, _) if !chosen => {}
            (Some(heard), _) if heard.message == file.message && same_step(heard, file) => {}
            (_, Some(before)) if same_step(before, file) => self.heard = Some(before.clone()),
            (_, _) => self.heard = None,
        }
        self.rows.put(Message { file: Some(file.clone()), ..message })
    }

    /// From now on the chosen row says how far its file is.
    pub fn refresh(&mut self) -> Vec<RowChange> {
        let at = self.rows.current().filter(|_| self.heard.take().is_some());
        at.map(RowChange::Updated).into_iter().collect()
    }

    /// What the chosen message offers.
    #[must_use]
    pub fn chosen_file(&self) -> Option<&File> {
        self.rows.chosen().and_then(|message| message.file.as_ref())
    }

    pub fn put(&mut self, message: Message) -> Vec<RowChange> {
        self.rows.put(message)
    }

    /// A message has changed that was known before. One above all rows comes with those around it, if they
    /// are wanted: a row of its own would hide that some are missing below it.
    pub fn changed(&mut self, message: Message) -> Vec<RowChange> {
        let first = self.rows.rows().first();
        let is_above = first.is_some_and(|first| message.place() < first.place());
        // A row that is there may come further up: what waited to be sent stands at the end until it is.
        if self.more && is_above && self.rows.get(message.key).is_none() {
            return Vec::new();
        }
        self.rows.put(message)
    }

    /// Takes a page. What is there already is not doubled, and earlier messages, which were asked for, stay.
    pub fn put_all(&mut self, messages: Vec<Message>) -> Vec<RowChange> {
        let first = self.rows.rows().first().map(Listed::place);
        let changes = messages.into_iter().flat_map(|message| self.rows.put(message)).collect();
        if self.rows.rows().first().map(Listed::place) < first {
            self.kept = self.kept.max(self.rows.count());
        }
        changes
    }

    /// Lets go of the oldest rows, where there are more than are kept; they can be loaded again. The chosen
    /// one stays, and so does what is below it.
    pub fn let_go(&mut self) -> Vec<RowChange> {
        // What was asked for comes before the first row of now.
        if self.loading.is_some() {
            return Vec::new();
        }
        let above = self.rows.current().unwrap_or(usize::MAX);
        let many = self.rows.count().saturating_sub(self.kept).min(above);
        let oldest: Vec<_> = self.rows.rows().iter().take(many).map(Listed::id).collect();
        self.more |= 0 < many;
        oldest.into_iter().flat_map(|key| self.rows.remove(key)).collect()
    }

    #[must_use]
    pub fn manner(&self) -> Manner {
        let day = clock::day(clock::now_ms(), &self.zone);
        Manner { name: self.name.clone(), read_times: self.read_times, day: Some(day) }
    }

    /// More happened than could be told: before what comes from now on, something may be missing.
    pub fn may_lack(&mut self) {
        let newest = self.newest();
        self.sure.get_or_insert(newest);
    }

    /// The first row.
    #[must_use]
    pub fn first(&self) -> Option<MessageKey> {
        self.rows.rows().first().map(Listed::id)
    }

    /// Takes the newest page after more happened than could be told. A row that is not in it, though it stands
    /// where the page does, is not true any more: a cache that was read anew has other keys for the same
    /// messages. What is before the page stays only if nothing can be missing in between.
    pub fn read_again(&mut self, page: Vec<Message>) -> Vec<RowChange> {
        let keys: BTreeSet<_> = page.iter().map(|message| message.key).collect();
        let first = page.iter().map(Listed::place).min();
        let sure = self.sure.take().unwrap_or(u64::MAX);
        let is_sure = |it: &Message| it.seq.is_some_and(|seq| seq <= sure);
        let joins = page.iter().any(|it| is_sure(it) && self.rows.get(it.key).is_some());
        let is_stale = |message: &&Message| match (first, keys.last()) {
            (Some(first), _) if message.place() < first => message.seq.is_some() && !joins,
            // What came while the page was on its way is newer than all of it.
            (Some(_), Some(newest)) => !keys.contains(&message.key) && message.key < *newest,
            (_, _) => message.seq.is_some(),
        };
        let stale: Vec<_> = self.rows.rows().iter().filter(is_stale).map(Listed::id).collect();
        self.more |= !joins;
        let mut changes = self.put_all(page);
        changes.extend(stale.into_iter().flat_map(|key| self.rows.remove(key)));
        changes
    }

    pub fn discard(&mut self, key: MessageKey) -> Vec<RowChange> {
        self.rows.remove(key)
    }

    /// What Enter sends.
    ///
    /// # Errors
    /// There is nothing to send.
    pub fn submit(&self, text: &str) -> Result<Wish, &'static str> {
        let text = text.trim_matches(['\n', '\r', ' ', '\t']);
        if text.is_empty() {
            return Err("There is no text to send.");
        }
        Ok(Wish::Send { peer: self.peer, text: text.to_owned() })
    }

    /// Asks for what was before, unless it is on its way or there is nothing.
    pub fn earlier(&mut self) -> Option<Wish> {
        if self.loading.is_some() || !self.more {
            return None;
        }
        let before = self.first()?;
        self.loading = Some(before);
        Some(Wish::Earlier { peer: self.peer, before })
    }

    /// Moves in the list. True when this was a step beyond its beginning.
    pub fn walk(&mut self, step: Step) -> bool {
        let before = self.rows.current();
        self.rows.walk(step);
        let up = matches!(step, Step::Up | Step::PageUp | Step::First);
        up && before.is_some() && before == self.rows.current()
    }

    pub fn choose(&mut self, at: usize) {
        self.rows.choose(at);
    }

    /// The list got the focus: the newest message is where one starts.
    pub fn enter(&mut self) {
        if self.rows.current().is_none() {
            self.rows.walk(Step::Last);
        }
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.count()
    }

    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.rows.current()
    }

    /// The chosen message, if it is one that failed.
    #[must_use]
    pub fn failed(&self) -> Option<MessageKey> {
        let message = self.rows.chosen()?;
        matches!(message.state, MessageState::Refused(_)).then_some(message.key)
    }

    /// The last message for 1, the one before for 2, up to 10. Its key comes with it.
    #[must_use]
    pub fn last(&self, number: usize) -> Option<(MessageKey, String)> {
        let message = self.rows.rows().iter().nth_back(number.checked_sub(1)?)?;
        Some((message.key, self.spoken(message)))
    }

    pub fn choose_key(&mut self, key: MessageKey) {
        self.rows.choose_id(key);
    }

    #[must_use]
    pub fn line(&self, at: usize) -> Option<Line> {
        let message = self.rows.rows().get(at)?;
        let (text, state, failed) = match &message.file {
            Some(file) => (
                words::files::what(file),
                words::files::state(file, file.done),
                file.failed.is_some(),
            ),
            None => (message.text.clone(), words::message_state(message.state).into(), false),
        };
        let heard = self.heard.as_ref().filter(|file| file.message == message.key);
        Some(Line {
            spoken: match heard {
                Some(file) => self.spoken_file(message, file),
                None => self.spoken(message),
            },
            sender: self.sender(message),
            time: self.time(message),
            text,
            state,
            mine: message.mine,
            failed: failed || matches!(message.state, MessageState::Refused(_)),
        })
    }

    /// The place of the newest message; 0 when there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.rows.rows().iter().filter_map(|message| message.seq).max().unwrap_or(0)
    }

    /// The words of the chosen message.
    #[must_use]
    pub fn chosen_text(&self) -> Option<&str> {
        self.rows.chosen().map(|message| message.text.as_str())
    }

    fn spoken_file(&self, message: &Message, file: &File) -> String {
        let (what, state) = (words::files::what(file), words::files::state(file, file.done));
        let time =
            if self.read_times { format!(", {}", self.time(message)) } else { String::new() };
        format!("{}: {what}, {state}{time}", self.sender(message))
    }

    fn spoken(&self, message: &Message) -> String {
        if let Some(file) = &message.file {
            return self.spoken_file(message, file);
        }
        let time = self.read_times.then(|| self.time(message));
        words::spoken_message(message, &self.sender(message), time.as_deref())
    }

    fn sender(&self, message: &Message) -> String {
        if message.mine { "You".into() } else { self.name.clone() }
    }

    fn time(&self, message: &Message) -> String {
        clock::of_message(message.time_ms, clock::now_ms(), &self.zone)
    }
}

/// More rows slow down the arrows of a screen reader, which gets them all.
const ROWS_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use thrive_client::Code;

    use super::*;

    fn chat() -> Chat {
        let username = Username::parse("ann").unwrap();
        Chat::new(UserId(2), username, "Ann".into(), TimeZone::UTC)
    }

    fn message(key: i64, seq: Option<u64>, mine: bool, text: &str) -> Message {
        Message {
            key: MessageKey(key),
            peer: UserId(2),
            seq,
            mine,
            sender: Username::parse(if mine { "bob" } else { "ann" }).unwrap(),
            time_ms: clock::now_ms() / 86_400_000 * 86_400_000,
            text: text.into(),
            state: if seq.is_some() { MessageState::Stored } else { MessageState::Waiting },
            file: None,
        }
    }

    #[test]
    fn rows_say_who_what_and_only_then_when() {
        let mut chat = chat();
        chat.put(message(1, Some(1), false, "hi\nthere"));
        chat.put(message(2, None, true, "well"));
        assert_eq!(chat.line(0).unwrap().spoken, "Ann: hi there, 12:00 AM");
        assert_eq!(chat.line(1).unwrap().spoken, "You: well, waiting to be sent, 12:00 AM");
        chat.put(message(2, Some(2), true, "well"));
        assert_eq!(chat.line(1).unwrap().spoken, "You: well, 12:00 AM");
    }

    #[test]
    fn the_time_is_left_out_when_it_is_not_wanted() {
        let mut chat = chat();
        chat.read_times = false;
        chat.put(message(1, Some(1), false, "hi"));
        chat.put(message(2, None, true, "well"));
        assert_eq!(chat.line(0).unwrap().spoken, "Ann: hi");
        assert_eq!(chat.line(1).unwrap().spoken, "You: well, waiting to be sent");
        assert_eq!(chat.newest(), 1);
    }

    #[test]
    fn the_order_of_the_server_is_the_order_of_the_rows() {
        let mut chat = chat();
        chat.put(message(1, None, true, "mine"));
        chat.put(message(2, Some(7), false, "theirs"));
        chat.put(message(3, Some(6), false, "before"));
        let texts: Vec<_> = (0..3).map(|at| chat.line(at).unwrap().text).collect();
        assert_eq!(texts, ["before", "theirs", "mine"]);
    }

    #[test]
    fn what_failed_is_said_in_words_and_can_be_sent_again() {
        let mut chat = chat();
        let state = MessageState::Refused(Code::Blocked);
        chat.put(Message { state, ..message(1, None, true, "well") });
        chat.enter();
        assert_eq!(chat.failed(), Some(MessageKey(1)));
        let spoken = chat.line(0).unwrap().spoken;
        assert_eq!(spoken, "You: well, failed, press Enter to retry, 12:00 AM");
    }

    #[test]
    fn going_up_at_the_beginning_loads_what_was_before_once() {
        let mut chat = chat();
        chat.put(message(5, Some(5), false, "five"));
        chat.enter();
        assert!(chat.walk(Step::Up));
        let wish = Wish::Earlier { peer: UserId(2), before: MessageKey(5) };
        assert_eq!(chat.earlier(), Some(wish));
        assert_eq!(chat.earlier(), None);
    }

    /// Messages of Ann from one number to another.
    fn messages(from: i64, to: i64) -> Vec<Message> {
        (from..=to).map(|seq| message(seq, Some(seq.unsigned_abs()), false, "hi")).collect()
    }

    fn first(chat: &Chat) -> MessageKey {
        chat.rows.rows()[0].key
    }

    #[test]
    fn beyond_a_thousand_the_oldest_rows_go_and_can_be_loaded_again() {
        let mut chat = chat();
        chat.put_all(messages(1, 1_000));
        chat.more = false;
        assert_eq!(chat.let_go(), []);
        chat.put_all(messages(1_001, 1_002));
        assert_eq!(chat.let_go(), [RowChange::Removed(0); 2]);
        assert_eq!((chat.count(), first(&chat), chat.more), (1_000, MessageKey(3), true));
        let wish = Wish::Earlier { peer: UserId(2), before: MessageKey(3) };
        assert_eq!(chat.earlier(), Some(wish));
    }

    #[test]
    fn neither_the_chosen_message_goes_nor_those_that_were_asked_for() {
        let mut chat = chat();
        chat.put_all(messages(51, 1_050));
        chat.choose(1);
        chat.put_all(messages(1_051, 1_060));
        assert_eq!(chat.let_go(), [RowChange::Removed(0)]);
        assert_eq!((chat.current(), first(&chat)), (Some(0), MessageKey(52)));
        assert_eq!(chat.let_go(), []);
        chat.put_all(messages(1, 51));
        chat.walk(Step::Last);
        assert_eq!((chat.count(), chat.let_go().len()), (1_060, 0));
        chat.put_all(messages(1_061, 1_062));
        assert_eq!(chat.let_go().len(), 2);
        assert_eq!(chat.current(), Some(1_057), "it is the same message");
    }

    #[test]
    fn a_change_of_a_message_above_all_rows_makes_no_row_with_a_gap_below_it() {
        let mut chat = chat();
        chat.put_all(messages(10, 12));
        assert_eq!(chat.changed(message(4, Some(4), true, "seen by now")), []);
        assert_eq!(first(&chat), MessageKey(10));
        chat.more = false;
        chat.changed(message(4, Some(4), true, "nothing is missing"));
        assert_eq!(first(&chat), MessageKey(4));
    }

    #[test]
    fn rows_stay_while_what_was_before_them_is_on_its_way() {
        let mut chat = chat();
        chat.put_all(messages(1, 1_000));
        let asked = chat.earlier();
        assert!(asked.is_some());
        chat.put_all(messages(1_001, 1_010));
        assert_eq!((chat.let_go(), first(&chat)), (vec![], MessageKey(1)));
        chat.loading = None;
        assert_eq!(chat.let_go().len(), 10);
    }

    /// Messages 61 to 80 were lost on the way, later ones came, and then the page.
    #[test]
    fn what_came_after_a_loss_does_not_vouch_for_what_was_before_it() {
        let mut chat = chat();
        chat.put_all(messages(1, 60));
        chat.more = false;
        chat.may_lack();
        chat.put_all(messages(81, 150));
        chat.may_lack();
        chat.read_again(messages(101, 150));
        assert_eq!((chat.count(), first(&chat), chat.more), (50, MessageKey(101), true));
        chat.may_lack();
        chat.put_all(messages(151, 152));
        chat.read_again(messages(103, 152));
        assert_eq!((chat.count(), first(&chat)), (52, MessageKey(101)), "it joins");
    }

    #[test]
    fn the_first_message_that_is_sent_gets_its_number_though_there_may_be_earlier_ones() {
        let mut chat = chat();
        assert!(chat.more);
        chat.put(message(7, None, true, "on its way"));
        assert_eq!(chat.changed(message(7, Some(3), true, "stored")), [RowChange::Updated(0)]);
        assert_eq!(chat.rows.rows()[0].seq, Some(3));
    }

    #[test]
    fn a_number_speaks_the_last_messages_backwards() {
        let mut chat = chat();
        for seq in 1..=3 {
            chat.put(message(seq, Some(seq.unsigned_abs()), false, &format!("number {seq}")));
        }
        assert!(chat.last(1).unwrap().1.contains("number 3"));
        assert!(chat.last(3).unwrap().1.contains("number 1"));
        assert_eq!((chat.last(4), chat.last(0)), (None, None));
    }

    #[test]
    fn nothing_but_space_is_not_sent() {
        assert!(chat().submit(" \n ").is_err());
        let wish = chat().submit("a\nb\n").unwrap();
        assert_eq!(wish, Wish::Send { peer: UserId(2), text: "a\nb".into() });
    }
}
