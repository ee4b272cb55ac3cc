//! Tries the packages for Linux: installs them into a folder, starts what is in them, and takes them out
//! again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{linux, version};
use crate::a11y::desk::{Desk, fresh};
use crate::children::Child;
use crate::person::Person;
use crate::{config, deadline, demo, root, run, shell, system};

/// A password of nobody.
pub(super) const PASSWORD: &str = "copper kettle 51";
/// What a program may take to start on a busy machine.
pub(super) const START: Duration = Duration::from_secs(120);

pub(super) fn try_out(files: &[PathBuf]) -> Result<()> {
    system::ensure(&[system::SHOW, system::TEST])?;
    let logs = config::target(&root()).join("packages").join("tried-linux");
    fresh(&logs)?;
    let scratch = tempfile::Builder::new().prefix("thrive-scratch-").tempdir()?;

    let debs: Vec<_> =
        files.iter().filter(|it| it.extension().is_some_and(|it| it == "deb")).collect();
    let installed = scratch.path().join("installed");
    system_of_nobody(&installed)?;
    for deb in &debs {
        shell::output(dpkg(&installed).arg("--install").arg(deb)).context("install a package")?;
    }
    println!("  Both Debian packages are installed below {}.", installed.display());
    let bin = installed.join("usr/bin");
    let sounds = installed.join("usr/share/thrive-messenger/sounds");
    chat(&bin, &bin, scratch.path(), "deb")?;
    window(&bin, &sounds, &logs, "deb")?;

    let unpacked = scratch.path().join("unpacked");
    fs::create_dir(&unpacked)?;
    for file in files.iter().filter(|it| it.extension().is_some_and(|it| it == "gz")) {
        shell::output(shell::command("tar").arg("-xzf").arg(file).arg("-C").arg(&unpacked))?;
    }
    let folder = |package: &str| -> Result<PathBuf> {
        let start = format!("{package}-{}", version());
        let found = super::stock::entries(&unpacked)?.into_iter().find(|it| {
            it.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start))
        });
        found.with_context(|| format!("{package} is not in its package"))
    };
    let client = folder(linux::CLIENT)?;
    chat(&client, &folder(linux::SERVER)?, scratch.path(), "tar")?;
    window(&client, &client.join("sounds"), &logs, "tar")?;

    for package in [linux::CLIENT, linux::SERVER] {
        shell::output(dpkg(&installed).args(["--purge", package])).context("take it out again")?;
    }
    let left = shell::output(shell::command("find").arg(&installed).args([
        "-type",
        "f",
        "-not",
        "-path",
        "*/var/lib/dpkg/*",
    ]))?;
    ensure!(left.trim().is_empty(), "files were left behind:\n{left}");
    println!("  Nothing is left of the Debian packages after they were taken out.");
    Ok(())
}

/// A system in which nothing is installed.
fn system_of_nobody(folder: &Path) -> Result<()> {
    let records = folder.join("var/lib/dpkg");
    for part in ["info", "updates", "triggers"] {
        fs::create_dir_all(records.join(part))?;
    }
    fs::write(records.join("status"), "")?;
    fs::write(records.join("available"), "").context("the records of dpkg")
}

fn dpkg(folder: &Path) -> std::process::Command {
    let mut dpkg = shell::command("dpkg");
    // What the packages need is on this machine and not in the folder; so is the shell of their scripts.
    dpkg.args(["--force-depends", "--force-script-chrootless", "--force-not-root"]);
    dpkg.arg("--log=/dev/null").arg(format!("--root={}", folder.display()));
    dpkg
}

/// A server on loopback, with two people who can log in.
pub(super) struct Server {
    _node: Child,
    pub(super) people: Vec<Person>,
}

impl Server {
    pub(super) fn start(node: &Path, thrive: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut command = shell::command(node);
        command.arg("--data").arg(folder.join("server")).args(["--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut node = Child::start("The server", &mut command)?;
        let lines = node.lines()?;
        let server = lines.find("the server's ready line", START, run::address)?;
        lines.pass_over_rest();
        let password = folder.join("password");
        demo::write_private(&password, PASSWORD)?;
        let person = |name| Person {
            name,
            program: thrive.to_owned(),
            folder: folder.join(name),
            password: password.clone(),
            server,
        };
        let people: Vec<_> = ["ann", "bob"].map(person).into();
        for person in &people {
            person.creates_account()?;
        }
        Ok(Self { _node: node, people })
    }
}

/// Two people write to each other with the programs of a package.
fn chat(client: &Path, server: &Path, scratch: &Path, form: &str) -> Result<()> {
    for (folder, program) in [
        (client, "thrive"),
        (client, "thrive-messenger"),
        (server, "thrive-node"),
        (server, "thrive-router"),
    ] {
        let said = shell::output(shell::command(folder.join(program)).arg("--version"))?;
        ensure!(said.contains(version()), "{program} says {said:?}");
    }
    let folder = scratch.join(format!("chat-{form}"));
    let server = Server::start(&server.join("thrive-node"), &client.join("thrive"), &folder)?;
    let [ann, bob] = &server.people[..] else { return Ok(()) };
    ann.logs_in()?;
    bob.logs_in()?;
    ann.does(&["contacts", "add", "bob"])?;
    bob.does(&["contacts", "accept", "ann"])?;
    ann.does(&["send", "bob", "from a package"])?;
    let history = bob.does(&["history", "ann"])?;
    ensure!(history.contains("from a package"), "the message is not in {history:?}");
    println!("  {form}: the programs start, log in, send and read on a server from the package.");
    Ok(())
}

/// The client opens its window and finds its sounds.
fn window(programs: &Path, sounds: &Path, logs: &Path, form: &str) -> Result<()> {
    let logs = logs.join(form);
    fresh(&logs)?;
    let desk = Desk::start(&logs)?;
    let mut command = desk.command(programs.join("thrive-messenger"));
    command.env("RUST_LOG", "thrive_slint=info,thrive_messenger=info");
    let log = logs.join("client.log");
    let mut client = Child::logged("The client", &mut command, &log)?;
    let seen = deadline::wait("the window of the client", START, || {
        client.still_there()?;
        let mut search = desk.command("xdotool");
        Ok(shell::output(search.args(["search", "--onlyvisible", "--name", "Thrive"])).ok())
    });
    seen.with_context(|| client.last_words())?;
    let text = fs::read_to_string(&log)?;
    ensure!(text.contains(&sounds.display().to_string()), "the sounds are not found: {text}");
    // A window is there before there is something in it.
    std::thread::sleep(Duration::from_secs(2));
    desk.photograph(&logs.join("screen.png"));
    println!(
        "  {form}: the client opens its window and takes its sounds from {}.",
        sounds.display()
    );
    Ok(())
}
