//! Windows that a good day does not show: a program that cannot start, mistakes in the file of the keys,
//! a newer version, a server with another certificate. With keys only.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::desk::Desk;
use super::place::{NEW_PROGRAM, Place};
use super::snapshot::Snapshots;
use super::tree::Node;
use super::window::Window;
use super::{ANYWHERE, PASSWORD, Seat, start_server};
use crate::person::Person;
use crate::{config, deadline, demo, root};

const NAME: &str = "ann";

/// What fetching and installing a small package may take on a busy machine.
const INSTALLED: Duration = Duration::from_secs(30);

/// Between two presses of the same key.
const AGAIN: Duration = Duration::from_millis(700);

/// A command that there is not.
const MISTAKES: &str = "[chat]\nfly = \"Alt+F\"\n";

struct Walker<'a> {
    desk: &'a Desk,
    snapshots: &'a Snapshots,
    complaints: Vec<String>,
}

/// Walks, and gives what was not as it should be.
pub(super) fn walk(desk: &Desk, logs: &Path, snapshots: &Snapshots) -> Result<Vec<String>> {
    // Called as the other stage, so that its folders are replaced in snapshots as well.
    let folder = tempfile::Builder::new().prefix("thrive-stage-").tempdir()?;
    let data = |name: &str| folder.path().join(name);
    let mut walker = Walker { desk, snapshots, complaints: Vec::new() };

    walker.cannot_start(&Seat::new("host:port", data("desktop"))).context("a wrong server")?;

    let (node, server) = start_server(&data("server"), logs, "server-before", ANYWHERE, &[])?;
    let password = data("password");
    demo::write_private(&password, PASSWORD)?;
    let program = config::target(&root()).join("debug").join("thrive");
    Person { name: NAME, program, folder: data("thrive"), password, server }.creates_account()?;
    let place = Place::open(desk, folder.path())?;
    let mut seat = Seat::new(server, data("desktop"));
    seat.program.clone_from(&place.program);
    seat.trusts = Some(place.certificate.clone());
    walker.renews(&seat).context("mistakes and a newer version")?;

    drop(node);
    // It has the address of the former one, and nothing else of it.
    let listen = server.to_string();
    let (_node, _) = start_server(&data("another-server"), logs, "server-after", &listen, &[])?;
    walker.meets_another(&Seat::new(server, data("desktop"))).context("another certificate")?;
    Ok(walker.complaints)
}

impl Walker<'_> {
    fn cannot_start(&mut self, seat: &Seat) -> Result<()> {
        let mut window = Window::open(self.desk, seat)?;
        window.focus("what is wrong", |node| node.role == "list item")?;
        self.snapshot("cannot_start", &mut window)?;
        window.press(&["Escape"])?;
        let status = window.ended()?;
        ensure!(!status.success(), "a program that cannot start ended well");
        Ok(())
    }

    fn renews(&mut self, seat: &Seat) -> Result<()> {
        fs::create_dir_all(&seat.folder)?;
        let keys = seat.folder.join("keys.toml");
        fs::write(&keys, MISTAKES)?;
        let mut window = Window::open(self.desk, seat)?;
        window.focus("the first line about the keys", |node| node.role == "list item")?;
        self.snapshot("mistakes_in_keys", &mut window)?;
        window.press(&["Escape"])?;
        fs::remove_file(&keys)?;
        logs_in(&mut window)?;
        window.focus("the contacts, which are empty", |node| labelled(node, "Contacts"))?;

        window.press(&["alt+p"])?;
        window.focus("the safe answer", |node| labelled(node, "Later"))?;
        self.snapshot("newer_version", &mut window)?;
        window.press(&["alt+f"])?;
        let root = seat.program.parent().context("the program has a folder")?;
        deadline::wait("the new program in the place of the old one", INSTALLED, || {
            let written = fs::metadata(&seat.program)?.len() == u64::try_from(NEW_PROGRAM.len())?;
            Ok(written.then_some(()))
        })?;
        ensure!(root.join("former/thrive-messenger").is_file(), "the former version is not kept");
        // Until the program has heard that its successor is in place, the key says that it is on its way.
        deadline::wait("the question about the restart", INSTALLED, || {
            window.press(&["alt+p"])?;
            thread::sleep(AGAIN);
            let tree = window.tree()?;
            let focused = tree.as_ref().and_then(Node::active_window).and_then(Node::focused);
            Ok(focused.filter(|node| labelled(node, "Later")).map(drop))
        })?;
        self.snapshot("newer_version_installed", &mut window)?;
        window.press(&["Escape"])?;
        window.focus("the contacts, still", |node| labelled(node, "Contacts"))?;
        window.press(&["alt+x"])?;
        window.ended_well()
    }

    /// The password goes to nobody before somebody has looked.
    fn meets_another(&mut self, seat: &Seat) -> Result<()> {
        let mut window = Window::open(self.desk, seat)?;
        logs_in(&mut window)?;
        window.focus("the safe answer", |node| labelled(node, "Do not connect"))?;
        self.snapshot("another_certificate", &mut window)?;
        window.press(&["Escape"])?;
        window.find("the log-in, still", |node| labelled(node, "Log in to Thrive"))?;
        window.press(&["alt+x"])?;
        window.ended_well()
    }

    fn snapshot(&mut self, screen: &str, window: &mut Window<'_>) -> Result<()> {
        self.complaints.extend(self.snapshots.complaint(screen, window)?);
        Ok(())
    }
}

fn logs_in(window: &mut Window<'_>) -> Result<()> {
    window.focus("the field for the user name", |node| labelled(node, "User name"))?;
    window.press(&["ctrl+a"])?;
    window.write(NAME)?;
    window.press(&["Tab"])?;
    window.focus("the field for the password", |node| labelled(node, "Password"))?;
    window.write(PASSWORD)?;
    window.press(&["Return"])
}

fn labelled(node: &Node, label: &str) -> bool {
    node.name == label
}
