//! Tries the package for Windows with Wine, against a real server on this machine.

mod tray;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::scratch::{PASSWORD, START, Server};
use super::version;
use crate::a11y::desk::{Desk, fresh};
use crate::children::Child;
use crate::{config, deadline, demo, root, shell, system};

/// Whose account is made by the program for Windows.
const NAME: &str = "cleo";

/// What a window may take until everything in it is drawn.
const DRAWN: Duration = Duration::from_secs(5);

/// What Wine may take to make its first folder.
const PREPARED: Duration = Duration::from_secs(240);

pub(super) fn try_out(zip: &Path, name: &str) -> Result<()> {
    system::ensure(&[system::SHOW, system::TEST, system::WINE]).context(
        "Wine cannot be installed here, so the package for Windows was made and not tried",
    )?;
    let programs = programs()?;
    let logs = config::target(&root()).join("packages").join("tried-windows");
    fresh(&logs)?;
    let scratch = tempfile::Builder::new().prefix("thrive-wine-").tempdir()?;
    unzip(zip, scratch.path())?;
    let wine = Wine {
        desk: Desk::start(&logs)?,
        prefix: scratch.path().join("prefix"),
        folder: scratch.path().join(name),
    };
    let outcome = wine.everything(&programs, scratch.path(), &logs);
    if outcome.is_err() {
        wine.desk.photograph(&logs.join("screen.png"));
    }
    // Nothing of Wine outlives this; what it started are its own children and not ours.
    shell::output(wine.command("wineserver").arg("-k")).ok();
    outcome.with_context(|| format!("logs and pictures are in {}", logs.display()))
}

struct Wine {
    desk: Desk,
    /// What Wine takes for a computer with Windows; gone afterwards.
    prefix: PathBuf,
    /// Where the package was unpacked.
    folder: PathBuf,
}

impl Wine {
    fn command(&self, program: &str) -> Command {
        let mut command = self.desk.command(program);
        command
            .env("WINEPREFIX", &self.prefix)
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            // It would offer to fetch what no program of ours needs.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        command
    }

    /// A program of the package.
    fn run(&self, program: &str) -> Command {
        let mut command = self.command("wine");
        command.arg(self.folder.join(program));
        command
    }

    fn everything(&self, programs: &Path, scratch: &Path, logs: &Path) -> Result<()> {
        let begin = Instant::now();
        let log = logs.join("wineboot.log");
        let mut boot = Child::logged("wineboot", self.command("wineboot").arg("--init"), &log)?;
        deadline::wait("a computer with Windows", PREPARED, || Ok(boot.ended()))?;
        println!("  Wine is ready after {} s.", begin.elapsed().as_secs());

        self.complete()?;
        self.give_rate()?;
        let said = shell::output(self.run("thrive.exe").arg("--version"))?;
        ensure!(said.contains(version()), "thrive.exe says {said:?}");
        println!("  thrive.exe --version: {}", said.trim());
        let server = self.chat(programs, scratch)?;
        self.window(&server, logs, scratch)
    }

    /// Puts in what Wine 8 lacks and Windows has. Fonts it takes from this machine.
    fn complete(&self) -> Result<()> {
        let library = self.prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
        if library.exists() {
            return Ok(());
        }
        let mut gcc = shell::command("x86_64-w64-mingw32-gcc");
        gcc.args(["-shared", "-o"]).arg(library).arg("xtask/wine/bcryptprimitives.c");
        shell::output(gcc.arg("-ladvapi32")).map(drop).context("complete Wine")
    }

    /// A display of nobody redraws itself 0 times a second, says XRandR, and Wine hands that on. Slint 1.18
    /// divides by it. Without XRandR Wine says 60, as Windows does for most screens.
    fn give_rate(&self) -> Result<()> {
        let key = r"HKEY_CURRENT_USER\Software\Wine\X11 Driver";
        let mut registry = self.command("wine");
        registry.args(["reg", "add", key, "/v", "UseXRandR", "/d", "N", "/f"]);
        shell::output(&mut registry).map(drop).context("tell Wine how often the display is redrawn")
    }

    /// Ann makes her account, logs in and writes with the program for Windows, Bob with the one for Linux.
    fn chat(&self, programs: &Path, scratch: &Path) -> Result<Server> {
        let folder = scratch.join("chat");
        let server =
            Server::start(&programs.join("thrive-node"), &programs.join("thrive"), &folder)?;
        let [_, bob] = &server.people[..] else { bail!("the server has other people") };
        bob.logs_in()?;
        let secret = folder.join("password.txt");
        demo::write_private(&secret, PASSWORD)?;
        let (dir, password) = (on_windows(&folder.join("windows")), on_windows(&secret));
        let thrive = |words: &[&str]| {
            let mut command = self.run("thrive.exe");
            command.args(["--server", &bob.server.to_string(), "--dir", &dir]).args(words);
            shell::output(&mut command)
        };
        thrive(&["account", "create", NAME, "--password-file", &password])?;
        thrive(&["login", NAME, "--password-file", &password])?;
        thrive(&["contacts", "add", "bob"])?;
        bob.does(&["contacts", "accept", NAME])?;
        thrive(&["send", "bob", "from Windows"])?;
        bob.does(&["send", NAME, "from Linux"])?;
        let read = bob.does(&["history", NAME])?;
        ensure!(read.contains("from Windows"), "the message is not in {read:?}");
        let read = thrive(&["history", "bob"])?;
        ensure!(read.contains("from Linux") && read.contains("from Windows"), "not in {read:?}");
        println!("  thrive.exe makes an account, logs in, sends and reads on a server on Linux:");
        read.lines().for_each(|line| println!("    {line}"));
        Ok(server)
    }

    /// The desktop client logs in by keys.
    fn window(&self, server: &Server, logs: &Path, scratch: &Path) -> Result<()> {
        let address = server.people.first().context("the server has people")?.server;
        let log = logs.join("client.log");
        let mut command = self.run("thrive-messenger.exe");
        command.env("RUST_LOG", "thrive_slint=debug,thrive_messenger=info,warn");
        command.args(["--server", &address.to_string()]);
        command.args(["--dir", &on_windows(&scratch.join("desktop"))]);
        let begin = Instant::now();
        let mut client = Child::logged("thrive-messenger.exe", &mut command, &log)?;
        let id = self.opens(&mut client, "Log in to Thrive")?;
        println!("  Its window for the log-in is there after {} s.", begin.elapsed().as_secs());
        let told = shell::output(self.desk.command("xwininfo").args(["-id", &id]))?;
        told.lines()
            .filter(|line| ["Window id", "Width", "Height"].iter().any(|it| line.contains(it)))
            .for_each(|line| println!("    {}", line.trim()));
        // A window is there before there is something in it.
        std::thread::sleep(DRAWN);
        client.still_there().with_context(|| client.last_words())?;
        self.desk.photograph(&logs.join("log-in.png"));
        self.desk.write(NAME)?;
        self.desk.press(&["Tab"])?;
        self.desk.write(PASSWORD)?;
        self.desk.press(&["Return"])?;
        let main = format!("Thrive Messenger, {NAME}");
        self.opens(&mut client, &main)?;
        println!("  It logs in by keys and opens the main window.");
        std::thread::sleep(DRAWN);
        client.still_there().with_context(|| client.last_words())?;
        self.desk.photograph(&logs.join("main.png"));
        let text = fs::read_to_string(&log).unwrap_or_default();
        ensure!(text.contains("Sounds are taken from here"), "it does not find its sounds: {text}");
        let bob = server.people.get(1).context("bob has an account")?;
        self.tray(&mut client, bob, &main, logs).with_context(|| client.last_words())
    }

    /// Waits for a window and gives its id.
    fn opens(&self, client: &mut Child, title: &str) -> Result<String> {
        let found = deadline::wait(&format!("the window {title:?}"), START, || {
            client.still_there()?;
            Ok(self.shown(title))
        });
        found.with_context(|| client.last_words())
    }

    /// The id of a window, while it can be seen.
    fn shown(&self, title: &str) -> Option<String> {
        let mut search = self.desk.command("xdotool");
        search.args(["search", "--onlyvisible", "--name", title]);
        let found = shell::output(&mut search).unwrap_or_default();
        found.lines().next().map(str::to_owned)
    }
}

/// How a program for Windows names a file of this machine.
fn on_windows(path: &Path) -> String {
    format!("Z:{}", path.display().to_string().replace('/', "\\"))
}

/// Where the server and the command line for this machine are; built quickly if they are nowhere.
fn programs() -> Result<PathBuf> {
    let target = config::target(&root());
    let there = |folder: &PathBuf| {
        ["thrive-node", "thrive"].iter().all(|program| folder.join(program).is_file())
    };
    if let Some(found) = ["release", "debug"].map(|it| target.join(it)).into_iter().find(there) {
        return Ok(found);
    }
    let packages = ["--package", "thrive-node", "--package", "thrive-client"];
    shell::run(shell::cargo(&["build", "--locked", "--bins"]).args(packages))?;
    Ok(target.join("debug"))
}

/// Unpacks a package of our own.
fn unzip(file: &Path, into: &Path) -> Result<()> {
    let mut archive = zip::ZipArchive::new(fs::File::open(file)?)?;
    archive.extract(into).with_context(|| format!("unpack {}", file.display()))
}
