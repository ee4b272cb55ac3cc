//! Tries the package for Windows with Wine, against a real server on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::scratch::{PASSWORD, START, Server};
use super::version;
use crate::a11y::desk::{Desk, fresh};
use crate::children::Child;
use crate::{config, deadline, demo, root, shell, system};

/// `WSAEOPNOTSUPP`.
const NO_SUCH_OPTION: &str = "os error 10045";

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
        self.chat(programs, scratch)?;
        self.window(logs)
    }

    /// Puts in what Wine 8 lacks and Windows has.
    fn complete(&self) -> Result<()> {
        let fonts = self.prefix.join("drive_c/windows/Fonts");
        fs::create_dir_all(&fonts)?;
        for font in super::stock::entries(Path::new("/usr/share/fonts/truetype/dejavu"))? {
            fs::copy(&font, fonts.join(font.file_name().unwrap_or_default()))?;
        }
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

    /// Ann writes with the program for Windows, Bob with the one for Linux.
    fn chat(&self, programs: &Path, scratch: &Path) -> Result<()> {
        let folder = scratch.join("chat");
        let server =
            Server::start(&programs.join("thrive-node"), &programs.join("thrive"), &folder)?;
        let [ann, bob] = &server.people[..] else { return Ok(()) };
        bob.logs_in()?;
        let password = folder.join("password.txt");
        demo::write_private(&password, PASSWORD)?;
        let on_windows =
            |path: &Path| format!("Z:{}", path.display().to_string().replace('/', "\\"));
        let thrive = |words: &[&str]| {
            let mut command = self.run("thrive.exe");
            command.args(["--server", &ann.server.to_string()]);
            command.args(["--dir", &on_windows(&ann.folder)]).args(words);
            shell::output(&mut command)
        };
        if let Err(error) = thrive(&["login", "ann", "--password-file", &on_windows(&password)]) {
            // What a QUIC socket asks of Windows, and Wine 8 does not have.
            ensure!(error.to_string().contains(NO_SUCH_OPTION), "{error:#}");
            println!(
                "  NOT TRIED: this Wine has no sockets as QUIC needs them ({NO_SUCH_OPTION}), so \
                 thrive.exe cannot reach a server here. On Windows it can; try it there."
            );
            return Ok(());
        }
        thrive(&["contacts", "add", "bob"])?;
        bob.does(&["contacts", "accept", "ann"])?;
        thrive(&["send", "bob", "from Windows"])?;
        bob.does(&["send", "ann", "from Linux"])?;
        let read = bob.does(&["history", "ann"])?;
        ensure!(read.contains("from Windows"), "the message is not in {read:?}");
        let read = thrive(&["history", "bob"])?;
        ensure!(read.contains("from Linux") && read.contains("from Windows"), "not in {read:?}");
        println!("  thrive.exe logs in, sends and reads on a server on Linux:");
        read.lines().for_each(|line| println!("    {line}"));
        Ok(())
    }

    fn window(&self, logs: &Path) -> Result<()> {
        let log = logs.join("client.log");
        let mut command = self.run("thrive-messenger.exe");
        command.env("RUST_LOG", "thrive_slint=info,thrive_messenger=info,warn");
        let begin = Instant::now();
        let mut client = Child::logged("thrive-messenger.exe", &mut command, &log)?;
        let window = deadline::wait("the window of thrive-messenger.exe", START, || {
            client.still_there()?;
            let mut search = self.desk.command("xdotool");
            search.args(["search", "--onlyvisible", "--name", "Thrive"]);
            Ok(shell::output(&mut search).ok().filter(|found| !found.trim().is_empty()))
        });
        let window = window.with_context(|| client.last_words())?;
        println!("  Its window is there after {} s.", begin.elapsed().as_secs());
        let id = window.lines().next().unwrap_or_default().to_owned();
        let told = shell::output(self.desk.command("xwininfo").args(["-id", &id]))?;
        told.lines()
            .filter(|line| ["Window id", "Width", "Height"].iter().any(|it| line.contains(it)))
            .for_each(|line| println!("    {}", line.trim()));
        std::thread::sleep(Duration::from_secs(5));
        client.still_there()?;
        let text = fs::read_to_string(&log).unwrap_or_default();
        ensure!(text.contains("sounds"), "it does not find its sounds: {text}");
        self.desk.photograph(&logs.join("screen.png"));
        Ok(())
    }
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
