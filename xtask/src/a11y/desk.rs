//! A desk without a screen: a display, a window manager, a session bus and the accessibility bus,
//! all our own, so that nobody else's keys and windows get in between.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::children::Child;
use crate::{deadline, shell};

/// What a part of the desk may take to be there, on a busy machine.
const START: Duration = Duration::from_secs(30);

/// Where Debian keeps the launcher of the accessibility bus.
const LAUNCHERS: &[&str] =
    &["/usr/libexec/at-spi-bus-launcher", "/usr/lib/at-spi2-core/at-spi-bus-launcher"];

/// The field order is the order in which the parts end: windows before what they stand on.
pub(crate) struct Desk {
    launcher: Child,
    manager: Child,
    bus: Child,
    screen: Child,
    display: String,
    address: String,
    /// Home and sockets; gone afterwards.
    home: TempDir,
    /// What the parts complained about; stays.
    pub(crate) logs: PathBuf,
}

impl Desk {
    pub(crate) fn start(logs: &Path) -> Result<Self> {
        let home =
            tempfile::Builder::new().prefix("thrive-desk-").tempdir().context("no folder")?;
        let logs = logs.to_owned();

        let mut xvfb = shell::command("Xvfb");
        // It takes the first display that is free and prints which.
        xvfb.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        xvfb.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut screen = Child::start("Xvfb", &mut xvfb)?;
        let number = screen.lines()?.find("a display", START, |line| line.parse::<u32>().ok())?;
        let display = format!(":{number}");

        let address = format!("unix:path={}", home.path().join("bus").display());
        let mut daemon = shell::command("dbus-daemon");
        daemon.args(["--session", "--nofork", "--nopidfile", "--print-address=1"]);
        daemon.arg(format!("--address={address}"));
        daemon.stdout(Stdio::piped()).stderr(Stdio::null());
        surround(&mut daemon, home.path(), &display, &address);
        let mut bus = Child::start("dbus-daemon", &mut daemon)?;
        let lines = bus.lines()?;
        lines.find("the session bus", START, |line| line.starts_with("unix:").then_some(()))?;

        let part = |name: &str, program: &str| {
            let mut command = shell::command(program);
            surround(&mut command, home.path(), &display, &address);
            Child::logged(name, &mut command, &logs.join(format!("{name}.log")))
        };
        let manager = part("openbox", "openbox")?;
        let launcher = LAUNCHERS.iter().find(|path| Path::new(path).exists());
        let launcher = part("at-spi", launcher.context("the package at-spi2-core is missing")?)?;
        let mut desk = Self { launcher, manager, bus, screen, display, address, home, logs };
        desk.wake_accessibility()?;
        Ok(desk)
    }

    /// Programs build their accessible tree only when they are told that somebody looks.
    fn wake_accessibility(&mut self) -> Result<()> {
        let mut owned = self.command("dbus-send");
        owned.args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"]);
        owned.args(["org.freedesktop.DBus.NameHasOwner", "string:org.a11y.Bus"]);
        // Asked before our launcher is there, the session bus would start one of its own.
        deadline::wait("the accessibility bus", START, || {
            self.launcher.still_there()?;
            Ok(shell::output(&mut owned)?.contains("boolean true").then_some(()))
        })?;
        for property in ["IsEnabled", "ScreenReaderEnabled"] {
            let mut set = self.command("dbus-send");
            set.args(["--session", "--print-reply", "--dest=org.a11y.Bus", "/org/a11y/bus"]);
            set.args(["org.freedesktop.DBus.Properties.Set", "string:org.a11y.Status"]);
            set.args([&format!("string:{property}"), "variant:boolean:true"]);
            deadline::wait("an awake accessibility bus", START, || {
                Ok(shell::output(&mut set).ok())
            })?;
        }
        Ok(())
    }

    /// Everything that was started is still there.
    pub(crate) fn stands(&mut self) -> Result<()> {
        for part in [&mut self.screen, &mut self.bus, &mut self.manager, &mut self.launcher] {
            part.still_there()?;
        }
        Ok(())
    }

    /// A command that sees this desk and no other.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = shell::command(program);
        surround(&mut command, self.home.path(), &self.display, &self.address);
        command
    }

    /// A script of ours in `xtask/a11y`. Debian's own Python, since only that has its packages.
    pub(crate) fn script(&self, name: &str) -> Command {
        let mut command = self.command("/usr/bin/python3");
        command.arg("-W").arg("ignore");
        command.arg(crate::root().join("xtask").join("a11y").join(name));
        command
    }

    /// Presses keys one after the other, for example `["Tab", "alt+s"]`.
    pub(crate) fn press(&self, keys: &[&str]) -> Result<()> {
        shell::output(self.command("xdotool").args(["key", "--delay", "60"]).args(keys)).map(drop)
    }

    pub(crate) fn write(&self, text: &str) -> Result<()> {
        let mut xdotool = self.command("xdotool");
        shell::output(xdotool.args(["type", "--delay", "30", "--", text])).map(drop)
    }

    /// Keeps a picture of the screen for whoever has to find out what went wrong.
    pub(crate) fn photograph(&self, file: &Path) {
        let mut import = self.command("import");
        import.args(["-window", "root"]).arg(file);
        if shell::output(&mut import).is_ok() {
            println!("  The screen at that moment: {}", file.display());
        }
    }
}

/// Points a command at the desk and at an empty home.
fn surround(command: &mut Command, home: &Path, display: &str, address: &str) {
    for foreign in ["WAYLAND_DISPLAY", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
        command.env_remove(foreign);
    }
    command
        .env("DISPLAY", display)
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env("XDG_RUNTIME_DIR", home)
        .env("HOME", home)
        .env("XDG_SESSION_TYPE", "x11")
        .env("GSETTINGS_BACKEND", "memory")
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .env("SLINT_SCALE_FACTOR", "1")
        .env("PYTHONUNBUFFERED", "1");
}

/// Empties the folder for logs and pictures.
pub(crate) fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    if let Err(error) = fs::create_dir_all(folder) {
        bail!("cannot make {}: {error}", folder.display());
    }
    Ok(())
}
