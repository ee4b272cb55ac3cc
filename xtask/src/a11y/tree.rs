//! What a screen reader can see of the desktop client: windows and all in them.

use std::fs;
use std::sync::OnceLock;

use anyhow::{Context, Result};
use serde_json::Value;

/// One accessible thing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Node {
    pub(super) role: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) states: Vec<String>,
    pub(super) text: Option<Text>,
    pub(super) children: Vec<Self>,
}

/// The content of something that is read or written letter by letter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Text {
    pub(super) content: String,
    pub(super) caret: i64,
    pub(super) selections: i64,
}

impl Node {
    /// Reads what `tree.py` prints; nothing when the program is not on the bus yet.
    pub(super) fn read(json: &str) -> Result<Option<Self>> {
        let value: Value = serde_json::from_str(json).context("tree.py prints JSON")?;
        Ok((!value.is_null()).then(|| Self::from_json(&value)))
    }

    fn from_json(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let content = &value["text"];
        Self {
            role: text(&value["role"]),
            name: text(&value["name"]),
            description: text(&value["description"]),
            states: list(&value["states"]).iter().map(text).collect(),
            text: content.is_object().then(|| Text {
                content: text(&content["content"]),
                caret: content["caret"].as_i64().unwrap_or(-1),
                selections: content["selections"].as_i64().unwrap_or(0),
            }),
            children: list(&value["children"]).iter().map(Self::from_json).collect(),
        }
    }

    /// This and everything below, from the top down.
    pub(super) fn all(&self) -> Vec<&Self> {
        let below = self.children.iter().flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }

    pub(super) fn is(&self, state: &str) -> bool {
        self.states.iter().any(|own| own == state)
    }

    /// The window that gets the keys.
    pub(super) fn active_window(&self) -> Option<&Self> {
        self.children.iter().find(|window| window.is("active"))
    }

    /// What the keys go to in this window.
    pub(super) fn focused(&self) -> Option<&Self> {
        // The innermost: a list may be focused together with its row.
        self.all().into_iter().rev().find(|node| node.is("focused"))
    }

    /// The tree as lines for people, without anything that differs from run to run.
    pub(super) fn lines(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        let Self { role, name, description, states, text, children } = self;
        let mut line = format!("{}{role} \"{}\"", "  ".repeat(depth), steady(name));
        if !description.is_empty() {
            line.push_str(&format!(" described \"{}\"", steady(description)));
        }
        // Text that only repeats the name says nothing new.
        if let Some(text) = text.as_ref().filter(|text| text.content != *name) {
            line.push_str(&format!(" text \"{}\"", steady(&text.content)));
        }
        if !states.is_empty() {
            line.push_str(&format!(" ({})", states.join(" ")));
        }
        out.push_str(line.trim_end());
        out.push('\n');
        let told = |child: &&Self| window(role) && child.role == "label" || comes_late(child);
        for child in children.iter().filter(|child| !told(child)) {
            child.write(depth + 1, out);
        }
    }
}

/// Everything in a window stands in a panel. A label outside of it is a live region: what it says
/// has its own test, and is already over when a snapshot is taken, or not yet.
fn window(role: &str) -> bool {
    role == "frame"
}

/// How many people the server has: it is asked while the window is there already, who has just left counts for
/// some seconds more, and it has its own test.
fn comes_late(node: &Node) -> bool {
    node.name.contains(" an account on this server, ")
}

/// What this computer is called: the name of the device that somebody sits at.
fn computer() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let named = fs::read_to_string("/etc/hostname").unwrap_or_default();
        // Devices on a computer without a name are called after its system.
        match named.trim() {
            "" => std::env::consts::OS.to_owned(),
            name => name.to_owned(),
        }
    })
}

/// The text with times, dates, addresses, fingerprints and this computer replaced, and on one line.
fn steady(text: &str) -> String {
    steady_at(text, computer())
}

fn steady_at(text: &str, computer: &str) -> String {
    let mut before = "";
    let words = text.split(' ').map(|word| {
        let after_port = std::mem::replace(&mut before, word) == "port";
        let core = word.trim_matches([',', '.', ';', '(', ')', '"']);
        let put = |what: &str| word.replacen(core, what, 1);
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if core.starts_with("127.0.0.1:") {
            put("SERVER")
        } else if after_port && digits(core) {
            put("PORT")
        } else if core.contains("/thrive-stage-") {
            put("FOLDER")
        } else if core == computer {
            put("COMPUTER")
        } else if core.starts_with("sha256:") {
            put("FINGERPRINT")
        } else if core.split_once(':').is_some_and(|(hour, minute)| digits(hour) && digits(minute))
        {
            put("TIME")
        } else if core.split('-').count() == 3 && core.split('-').all(digits) {
            put("DATE")
        } else {
            word.to_owned()
        }
    });
    let joined = words.collect::<Vec<_>>().join(" ");
    // The server of a walk takes whatever port is free.
    let joined = match joined.strip_prefix("Port: ") {
        Some(_) => "Port: PORT".to_owned(),
        None => joined,
    };
    joined.replace("TIME AM", "TIME").replace("TIME PM", "TIME").replace('\n', "⏎")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Node {
        let json = r#"{"role":"application","name":"thrive-messenger","states":[],"children":[
            {"role":"frame","name":"Chat with bob","states":["active"],"children":[
                {"role":"label","name":"bob: hi.","states":[],"children":[]},
                {"role":"list","name":"Messages","states":["focused"],"children":[
                    {"role":"list item","name":"Bob: hi, 3:04 PM","states":["focused"],"children":[]}
                ]},
                {"role":"entry","name":"Message to bob","description":"Enter sends",
                 "states":[],"text":{"content":"dear","caret":4,"selections":0},"children":[]}
            ]}]}"#;
        Node::read(json).expect("it is JSON").expect("the program is there")
    }

    #[test]
    fn a_program_that_is_not_on_the_bus_yet_is_no_error() {
        assert_eq!(Node::read("null").expect("it is JSON"), None);
    }

    #[test]
    fn the_row_is_focused_rather_than_its_list() {
        let tree = sample();
        let window = tree.active_window().expect("one is active");
        assert_eq!(window.focused().map(|node| node.role.as_str()), Some("list item"));
    }

    #[test]
    fn a_snapshot_says_what_is_heard_and_nothing_that_changes() {
        let expected = "application \"thrive-messenger\"\n\
            \x20 frame \"Chat with bob\" (active)\n\
            \x20   list \"Messages\" (focused)\n\
            \x20     list item \"Bob: hi, TIME\" (focused)\n\
            \x20   entry \"Message to bob\" described \"Enter sends\" text \"dear\"\n";
        assert_eq!(sample().lines(), expected);
    }

    #[test]
    fn what_differs_from_run_to_run_is_replaced() {
        assert_eq!(steady("Server 127.0.0.1:40123, online"), "Server SERVER, online");
        assert_eq!(steady("Port: 40123"), "Port: PORT");
        assert_eq!(steady("sent 15:04, 2026-01-31"), "sent TIME, DATE");
        assert_eq!(steady("certificate sha256:00ff."), "certificate FINGERPRINT.");
        assert_eq!(steady("host a, port 40123, primary"), "host a, port PORT, primary");
        assert_eq!(steady("put into /tmp/thrive-stage-a1B/files."), "put into FOLDER.");
        assert_eq!(steady_at("den, this device", "den"), "COMPUTER, this device");
        assert_eq!(steady_at("garden, this device", "den"), "garden, this device");
        assert_eq!(steady("Ann, 2 unread, away"), "Ann, 2 unread, away");
    }
}
