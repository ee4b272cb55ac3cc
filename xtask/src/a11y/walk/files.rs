//! Files and the server: a file comes and one goes, and a command is answered. With keys only.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Node, Walker, labelled, named};
use crate::deadline;

/// What a file may take from disk to disk on a busy machine.
const CARRIED: Duration = Duration::from_secs(60);

impl Walker<'_> {
    /// The first account is an admin's: an order is answered, and what it tells everybody is announced here
    /// as well and takes no focus.
    pub(super) fn gives_orders(&mut self) -> Result<()> {
        const ALERT: &str = "The server moves at eight.";
        let is_answer = |node: &Node| {
            node.role == "list item" && node.name.starts_with("The alert was sent on 1 node")
        };
        self.window.press(&["alt+v"])?;
        self.window.focus("the field for commands", |node| labelled(node, "Command"))?;
        self.window.write(&format!("/alert {ALERT}"))?;
        self.window.press(&["Return"])?;
        self.window.find("the answer", is_answer)?;
        self.window.focus("the field for commands, still", |node| labelled(node, "Command"))?;
        self.window.press(&["shift+Tab"])?;
        self.window.focus("the answer", is_answer)?;
        self.snapshot("server_answers")?;
        self.window.press(&["ctrl+shift+h"])?;
        self.window.find("the alert among what was announced", |node| {
            let said = format!("Message from the host: {ALERT}");
            node.role == "list item" && node.name.contains(&said)
        })?;
        self.snapshot("announcements")?;
        self.window.press(&["Escape"])?;
        self.window.focus("the answer, after the announcements", is_answer)?;
        self.window.press(&["Escape"])?;
        self.window.focus("the row of bob, after the commands", |node| named(node, "bob"))?;
        Ok(())
    }

    /// Bob offers a file to the chat in front; it is accepted from its row, and what arrives is what was
    /// sent.
    pub(super) fn takes_file(&mut self) -> Result<()> {
        let folder = self.stage.folder.path();
        let (file, bytes) = (folder.join("holiday.txt"), b"sun and sea\n".repeat(40_000));
        fs::write(&file, &bytes).context("the file to offer")?;
        self.stage.bob().does(&["send-file", "ann", &file.to_string_lossy()])?;
        self.window.find("the offer in the list", |node| {
            node.name.starts_with("bob: holiday.txt, 480 kB, offered, Enter accepts")
        })?;
        self.composer()?;
        self.window.press(&["F6", "F6", "End"])?;
        let is_file = |name: &str| name.starts_with("bob: holiday.txt");
        self.window.focus("the offer", |node| is_file(&node.name))?;
        self.snapshot("chat_offer")?;
        self.window.press(&["Return"])?;
        self.window.focus("the answer that accepts", |node| labelled(node, "Accept"))?;
        self.snapshot("file_offer")?;
        self.window.press(&["Return"])?;
        // Without a folder for documents, they stand beside the settings.
        let saved = folder.join("desktop/ThriveMessenger/files/holiday.txt");
        deadline::wait("the file on the disk", CARRIED, || {
            Ok(fs::read(&saved).ok().filter(|read| read.len() == bytes.len()))
        })?;
        ensure!(fs::read(&saved)? == bytes, "what arrived is not what was sent");
        self.window.focus("the row of the file that has come", |node| {
            is_file(&node.name) && node.name.contains("received, Enter opens it")
        })?;
        self.window.press(&["F6"])?;
        self.composer().map(drop)
    }

    /// A path is typed and sent, and Bob gets what it leads to.
    pub(super) fn sends_file(&mut self) -> Result<()> {
        let folder = self.stage.folder.path();
        let (file, bytes) = (folder.join("letter.txt"), b"dear Bob\n".repeat(30_000));
        fs::write(&file, &bytes).context("the file to send")?;
        self.window.press(&["alt+f"])?;
        self.window.focus("the field for paths", |node| labelled(node, "Paths of files"))?;
        self.window.write(&file.to_string_lossy())?;
        self.window.press(&["alt+s"])?;
        self.composer().context("after the files were offered")?;
        let bob = self.stage.bob();
        let id = deadline::wait("the offer at Bob's", CARRIED, || {
            let files = bob.does(&["files", "--json"])?;
            let all = files.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let found = all.filter(|it| it["name"] == "letter.txt" && it["state"] == "ready");
            Ok(found.filter_map(|it| it["id"].as_i64()).next())
        })?;
        let to = folder.join("at-bob");
        bob.does(&["files", "accept", &id.to_string(), "--to", &to.to_string_lossy()])?;
        ensure!(fs::read(to.join("letter.txt"))? == bytes, "what Bob got is not what was sent");
        self.window.find("the own file in the list", |node| {
            node.name.starts_with("You: letter.txt, 270 kB, received by them")
        })?;
        self.composer().map(drop)
    }

    /// Both files stand in the list of all, with what became of them.
    pub(super) fn lists_files(&mut self) -> Result<()> {
        self.opens("alt+r", "file_transfers_done")?;
        self.window.focus("the row of bob, after the files", |node| named(node, "bob")).map(drop)
    }
}
