//! The walk: log in, choose a contact, chat, send, listen, leave. With keys only.

mod files;
mod people;

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::events::{Event, Listener};
use super::snapshot::Snapshots;
use super::tree::Node;
use super::window::Window;
use super::{Desk, PASSWORD, Stage};
use crate::children::Child;
use crate::{deadline, shell};

/// What is sent with the keyboard.
const GREETING: &str = "Good morning, Bob";

/// What stands half written in the composer while messages come in.
const DRAFT: &str = "half a sen";

/// How many messages come in while somebody writes.
const FLOOD: usize = 50;

/// The fewest announcements that so many messages may end in: none would be silence.
const HEARD_AT_LEAST: usize = 1;

/// Dialogs of the main window: the key that opens each, and the name of its snapshot.
const DIALOGS: &[(&str, &str)] = &[
    ("alt+a", "add_contact"),
    ("alt+u", "status"),
    ("alt+i", "server_information"),
    ("F1", "all_commands"),
    ("alt+e", "about"),
    ("alt+y", "directory"),
    ("alt+c", "conversations"),
    ("alt+m", "missed"),
    ("alt+n", "rename"),
    ("shift+F10", "actions"),
    ("alt+d", "delete_contact"),
    ("alt+f", "send_files"),
    ("alt+r", "file_transfers"),
    ("alt+v", "server_commands"),
];

/// The tabs of the settings after the first one, and the names of their snapshots.
const TABS: &[(&str, &str)] = &[
    ("Appearance", "settings_appearance"),
    ("Sounds", "settings_sounds"),
    ("Speech and notices", "settings_speech"),
    ("Chats", "settings_chats"),
    ("People", "settings_people"),
    ("Account", "settings_account"),
];

/// Windows that are there before the log-in, and those of the own account.
const DOORS: &[(&str, &str)] =
    &[("alt+c", "create_account"), ("alt+f", "forgot_password"), ("alt+s", "servers")];
const ACCOUNT: &[(&str, &str)] = &[("alt+w", "change_password"), ("alt+e", "own_email")];

/// Walks, and gives what was not as it should be. An error where it could not go on.
pub(super) fn walk(desk: &Desk, stage: &Stage, snapshots: &Snapshots) -> Result<Vec<String>> {
    let window = Window::open(desk, &stage.seat())?;
    let mut walker = Walker { window, stage, snapshots, complaints: Vec::new() };
    walker.logs_in().context("logging in")?;
    walker.opens_dialogs().context("the dialogs of the main window")?;
    walker.closes_group().context("a group of contacts")?;
    walker.meets_others().context("people who are no contacts yet")?;
    walker.gives_orders().context("the commands for the server")?;
    walker.turns_pages().context("the tabs of the settings")?;
    walker.opens_chat().context("opening the chat")?;
    walker.leads_around().context("the parts of the chat")?;
    walker.starts_twice().context("starting the program again")?;
    walker.sends().context("sending")?;
    walker.chooses_link().context("a message with two links")?;
    walker.takes_file().context("a file that comes")?;
    walker.sends_file().context("a file that goes")?;
    walker.is_left_alone(desk).context("while messages come in")?;
    walker.leaves().context("closing the chat")?;
    walker.lists_files().context("the file transfers")?;
    walker.hides_and_comes_back(desk).context("the tray")?;
    walker.exits().context("leaving")?;
    Ok(walker.complaints)
}

struct Walker<'a> {
    window: Window<'a>,
    stage: &'a Stage,
    snapshots: &'a Snapshots,
    complaints: Vec<String>,
}

impl Walker<'_> {
    fn logs_in(&mut self) -> Result<()> {
        self.window.focus("the field for the user name", |node| labelled(node, "User name"))?;
        self.snapshot("login")?;
        for (key, screen) in DOORS {
            self.opens(key, screen).with_context(|| format!("{key}, {screen}"))?;
            self.window.focus("the field for the user name", |node| labelled(node, "User name"))?;
        }
        self.window.write(self.stage.people[0].name)?;
        self.window.press(&["Tab"])?;
        self.window.focus("the field for the password", |node| labelled(node, "Password"))?;
        self.window.write(PASSWORD)?;
        self.window.press(&["Return"])?;
        self.window.focus("a row of the contact list", |node| {
            node.role == "list item" && (named(node, "bob") || named(node, "cleo"))
        })?;
        // A server forgives a short absence, so somebody who has just left is still online.
        self.window.find("the row of bob, who has left", |node| node.name == "bob, offline")?;
        self.snapshot("contacts")
    }

    fn opens_dialogs(&mut self) -> Result<()> {
        self.goes_to_row("bob")?;
        for (key, screen) in DIALOGS {
            self.opens(key, screen).with_context(|| format!("{key}, {screen}"))?;
            self.window
                .focus("the row of bob, after the dialog", |node| named(node, "bob"))
                .with_context(|| format!("{screen} was closed by Escape"))?;
        }
        Ok(())
    }

    /// Ann's terminal puts somebody into a group, and takes them out of it.
    fn closes_group(&mut self) -> Result<()> {
        let ann = &self.stage.people[0];
        ann.does(&["contacts", "group", "bob", "Choir"])?;
        let open = "Choir, group, open, 0 of 1 online";
        self.window.find("the heading of the group", |node| node.name == open)?;
        self.window.focus("the row of bob, in the group", |node| named(node, "bob"))?;
        self.window.press(&["Left"])?;
        self.window.focus("the heading of the group", |node| node.name == open)?;
        self.window.press(&["Return"])?;
        let closed = "Choir, group, closed, 0 of 1 online";
        self.window.focus("the group that is closed", |node| node.name == closed)?;
        self.snapshot("contacts_group_closed")?;
        self.window.press(&["Right"])?;
        self.window.focus("the group that is open again", |node| node.name == open)?;
        self.opens("alt+n", "rename_group")?;
        self.window.focus("the heading, after the dialog", |node| node.name == open)?;
        self.window.press(&["alt+n"])?;
        self.window.focus("the name of the group", |node| labelled(node, "Name of the group"))?;
        self.window.write("Singers")?;
        self.window.press(&["Return"])?;
        let renamed = "Singers, group, open, 0 of 1 online";
        self.window.focus("the heading by its new name", |node| node.name == renamed)?;
        self.window.press(&["Right"])?;
        self.window.focus("the row of bob, in the group", |node| named(node, "bob"))?;
        ann.does(&["contacts", "group", "bob"])?;
        self.window.focus("the row of bob, in no group", |node| named(node, "bob"))?;
        Ok(())
    }

    /// Every page, and the first ones again: what was hidden must be heard when it is back.
    fn turns_pages(&mut self) -> Result<()> {
        self.window.press(&["alt+t"])?;
        self.tab("General")?;
        self.snapshot("settings")?;
        for (tab, screen) in TABS {
            self.window.press(&["ctrl+Tab"])?;
            self.tab(tab)?;
            self.snapshot(screen)?;
        }
        self.window.press(&["Right", "Tab"])?;
        self.window.focus("the first control of the first page, again", |node| {
            node.role == "check box" && node.name.starts_with("Start Thrive")
        })?;
        self.window.press(&["ctrl+Page_Down", "F6"])?;
        self.window.focus("the first control of the second page, again", |node| {
            node.role == "list item" && labelled(node, "Like the system")
        })?;
        self.window.press(&["F6"])?;
        self.window.focus("the first button", |node| labelled(node, "OK"))?;
        self.own_account()?;
        self.window.press(&["Escape"])?;
        self.window.focus("the row of bob, after the settings", |node| named(node, "bob"))?;
        Ok(())
    }

    /// The windows around the own account, each of which leads back to the settings.
    fn own_account(&mut self) -> Result<()> {
        for (key, screen) in ACCOUNT {
            self.opens(key, screen).with_context(|| format!("{key}, {screen}"))?;
            self.window.focus("the first button, again", |node| labelled(node, "OK"))?;
        }
        self.window.press(&["alt+d"])?;
        self.window.focus("the row of this device", |node| {
            node.role == "list item" && node.name.contains(", this device, last used ")
        })?;
        self.snapshot("devices")?;
        self.window.press(&["Escape"])?;
        self.window.focus("the first button, again", |node| labelled(node, "OK")).map(drop)
    }

    fn tab(&mut self, name: &str) -> Result<Node> {
        self.window.focus("a tab", |node| node.role == "page tab" && labelled(node, name))
    }

    /// F6 goes through the parts of the chat and back to where one writes.
    fn leads_around(&mut self) -> Result<()> {
        self.window.press(&["F6"])?;
        self.window.focus("the button that sends", |node| labelled(node, "Send"))?;
        self.window.press(&["F6"])?;
        self.window.focus("the messages", |node| labelled(node, "Messages"))?;
        self.window.press(&["F6"])?;
        self.composer().map(drop)
    }

    /// A second start ends at once and well, and the first program goes on where it was.
    fn starts_twice(&mut self) -> Result<()> {
        let status = self.window.start_again(&self.stage.seat())?;
        ensure!(status.success(), "the second start ended with {status}");
        self.composer().map(drop)
    }

    fn opens_chat(&mut self) -> Result<()> {
        self.goes_to_row("bob")?;
        self.window.press(&["Return"])?;
        self.composer()?;
        self.snapshot("chat")
    }

    fn sends(&mut self) -> Result<()> {
        self.window.write(GREETING)?;
        self.window.press(&["Return"])?;
        let bob = self.stage.bob();
        let wanted = format!("\"{GREETING}\"");
        deadline::wait("the message at Bob's", Duration::from_secs(20), || {
            let history = bob.does(&["history", "ann", "--json"])?;
            Ok((0 < history.matches(&wanted).count()).then_some(()))
        })?;
        let history = bob.does(&["history", "ann", "--json"])?;
        ensure!(history.matches(&wanted).count() == 1, "Bob has the message more than once");
        self.window.find("the own message in the list", |node| {
            node.role == "list item" && node.name.starts_with("You") && node.name.contains(GREETING)
        })?;
        let composer = self.composer()?;
        ensure!(content(&composer).is_empty(), "the composer still holds what was sent");
        self.snapshot("chat_written")
    }

    /// One link would be opened at once; of two, one is asked for.
    fn chooses_link(&mut self) -> Result<()> {
        let text = "The notes: https://a.example/notes and https://b.example";
        self.stage.bob().does(&["send", "ann", text])?;
        let is_it = |node: &Node| node.role == "list item" && node.name.contains(text);
        self.window.find("the message with the links", is_it)?;
        self.window.press(&["F6", "F6", "End"])?;
        self.window.focus("the message with the links", is_it)?;
        self.window.press(&["Return"])?;
        self.window.focus("the first link", |node| labelled(node, "https://a.example/notes"))?;
        self.snapshot("several_links")?;
        self.window.press(&["Escape"])?;
        self.window.focus("the message with the links, again", is_it)?;
        self.window.press(&["F6"])?;
        self.composer().map(drop)
    }

    /// Nothing that arrives takes the keys, the caret or the voice for long.
    fn is_left_alone(&mut self, desk: &Desk) -> Result<()> {
        self.window.write(DRAFT)?;
        self.drafted()?;
        let listener = Listener::start(desk)?;
        // A listener that is deaf would find nothing wrong, so it must hear us leave and come back.
        self.window.press(&["shift+Tab"])?;
        self.window.focus("what is before the composer", |node| node.role == "check box")?;
        self.window.press(&["Tab"])?;
        let before = self.drafted()?;
        let ours = quiet(&listener)?;
        ensure!(ours.iter().any(Event::moves_somebody), "the listener hears nothing: {ours:?}");
        self.flood()?;
        let last = format!("message {FLOOD}");
        self.window.find("the last message in the list", |node| {
            node.role == "list item" && node.name.contains(&last)
        })?;
        let after = self.composer()?;
        if after.text != before.text {
            self.complain(format!("the composer went from {:?} to {:?}", before.text, after.text));
        }
        let mut heard = quiet(&listener)?;
        heard.drain(..ours.len());
        for event in heard.iter().filter(|event| event.moves_somebody()) {
            self.complain(format!("{} on {} {:?}", event.kind, event.role, event.name));
        }
        let announced: Vec<_> = heard.iter().filter(|event| event.is_heard()).collect();
        println!("  {FLOOD} messages were announced in {} parts:", announced.len());
        for event in &announced {
            println!("    {}", event.said);
        }
        if announced.len() < HEARD_AT_LEAST || FLOOD <= announced.len() {
            let parts = announced.len();
            self.complain(format!(
                "{FLOOD} messages must be announced merged, not in {parts} parts"
            ));
        }
        if heard.iter().any(Event::is_assertive) {
            self.complain("a message interrupted what was being spoken".to_owned());
        }
        Ok(())
    }

    /// The composer, once the draft stands in it.
    fn drafted(&mut self) -> Result<Node> {
        self.window.focus("the draft in the composer", |node| content(node).trim_end() == DRAFT)
    }

    /// Bob sends them in several programs at once, so that they come faster than they can be
    /// spoken.
    fn flood(&self) -> Result<()> {
        let bob = self.stage.bob();
        let send = |number: usize| bob.does(&["send", "ann", &format!("message {number}")]);
        thread::scope(|scope| {
            let parts: Vec<_> = (0..4)
                .map(|part| {
                    scope.spawn(move || {
                        // The last one is sent apart, so that it is the last one.
                        (1..FLOOD)
                            .filter(|number| number % 4 == part)
                            .try_for_each(|number| send(number).map(drop))
                    })
                })
                .collect();
            for part in parts {
                part.join().unwrap_or_else(|_| bail!("a sender broke down"))?;
            }
            send(FLOOD).map(drop)
        })
    }

    fn leaves(&mut self) -> Result<()> {
        self.window.press(&["Escape"])?;
        self.window.focus("the row of bob, after the chat", |node| named(node, "bob"))?;
        // The draft is still there the next time.
        self.window.press(&["Return"])?;
        let composer = self.composer()?;
        ensure!(content(&composer).trim_end() == DRAFT, "the draft is lost: {:?}", composer.text);
        self.window.press(&["Escape"])?;
        self.window.focus("the row of bob, after the chat", |node| named(node, "bob"))?;
        Ok(())
    }

    /// Where there is a tray, the main window goes there when it is closed, and comes back from there.
    fn hides_and_comes_back(&mut self, desk: &Desk) -> Result<()> {
        let notes = desk.logs.join("tray.log");
        let mut tray = Child::logged("tray.py", &mut desk.script("tray.py"), &notes)?;
        let mut noted = |word: &str| {
            deadline::wait(word, Duration::from_secs(20), || {
                tray.still_there()?;
                let lines = fs::read_to_string(&notes).unwrap_or_default();
                Ok(lines.lines().any(|line| line == word).then_some(()))
            })
        };
        noted("ready")?;
        self.window.press(&["alt+F4"])?;
        noted("registered")?;
        deadline::wait("no window at all", Duration::from_secs(20), || {
            let mut search = desk.command("xdotool");
            search.args(["search", "--onlyvisible", "--name", "Thrive Messenger"]);
            // It fails when it finds nothing.
            Ok(shell::output(&mut search).is_err().then_some(()))
        })?;
        noted("used")?;
        self.window.focus("the row of bob, back from the tray", |node| named(node, "bob"))?;
        Ok(())
    }

    fn exits(&mut self) -> Result<()> {
        self.window.press(&["alt+x"])?;
        self.window.ended_well()
    }

    /// Opens a dialog, compares it, and closes it with Escape.
    fn opens(&mut self, key: &str, screen: &str) -> Result<()> {
        let before = self.window.settled()?.name;
        self.window.press(&[key])?;
        deadline::wait("another window", Duration::from_secs(20), || {
            let tree = self.window.tree()?;
            let active = tree.as_ref().and_then(Node::active_window);
            Ok(active
                .filter(|window| window.name != before && window.focused().is_some())
                .map(drop))
        })?;
        self.snapshot(screen)?;
        self.window.press(&["Escape"])
    }

    /// Walks the contact list down to somebody.
    fn goes_to_row(&mut self, name: &str) -> Result<()> {
        self.window.press(&["Home"])?;
        for _ in 0..self.stage.people.len() {
            let row = self.window.focus("a row", |node| node.role == "list item")?;
            if named(&row, name) {
                return Ok(());
            }
            self.window.press(&["Down"])?;
            self.window.focus("the next row", |node| node.name != row.name)?;
        }
        bail!("no row of the contact list is named {name}")
    }

    fn composer(&mut self) -> Result<Node> {
        self.window.focus("the composer", |node| labelled(node, "Message to bob"))
    }

    fn snapshot(&mut self, screen: &str) -> Result<()> {
        self.complaints.extend(self.snapshots.complaint(screen, &mut self.window)?);
        Ok(())
    }

    fn complain(&mut self, what: String) {
        self.complaints.push(what);
    }
}

/// What was heard, once nothing more is said for a while.
fn quiet(listener: &Listener) -> Result<Vec<Event>> {
    let mut last = listener.heard()?.len();
    deadline::wait("silence", Duration::from_secs(30), || {
        thread::sleep(Duration::from_millis(1500));
        let now = listener.heard()?;
        let silent = now.len() == last;
        last = now.len();
        Ok(silent.then_some(now))
    })
}

fn labelled(node: &Node, label: &str) -> bool {
    node.name == label
}

/// A row begins with the name, then comes the rest.
fn named(node: &Node, name: &str) -> bool {
    node.name.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

fn content(node: &Node) -> &str {
    node.text.as_ref().map_or("", |text| text.content.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> Node {
        Node { name: name.to_owned(), ..Node::default() }
    }

    #[test]
    fn a_row_is_known_by_the_name_it_begins_with() {
        assert!(named(&row("bob, 2 unread, away"), "bob"));
        assert!(named(&row("bob"), "bob"));
        assert!(!named(&row("bobby, away"), "bob"));
    }
}
