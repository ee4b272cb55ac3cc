//! The desktop program: reads the configuration, starts the network thread, opens the first window.
// Windows would open a console beside the windows.
#![cfg_attr(windows, windows_subsystem = "windows")]

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use clap::Parser;
use jiff::tz::TimeZone;
use thrive_slint::adapters::dialogs::NoticeView;
use thrive_slint::adapters::shell::{Input, Tell};
use thrive_slint::bridge::{self, Line, Place};
use thrive_slint::config::{Config, Flags};
use thrive_slint::desk::{Office, Parts};
use thrive_slint::fonts::{self, NoFont};
use thrive_slint::instance::{self, Start};
use thrive_slint::keys::Command;
use thrive_slint::keys::map::KeyMap;
use thrive_slint::settings::Settings;
use thrive_slint::sounds::Speaker;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let ended = run().and_then(start_new_version);
    let Err(error) = ended else { return ExitCode::SUCCESS };
    // Who started it from a menu sees nothing of what it prints, and neither does anybody on Windows.
    let seen = !cfg!(windows) && std::io::stderr().is_terminal();
    drop(writeln!(std::io::stderr(), "thrive-messenger: {error:#}"));
    if !seen {
        explain(&error);
    }
    ExitCode::FAILURE
}

/// The folder is free now, so the new one need not wake this one.
fn start_new_version(program: Option<PathBuf>) -> anyhow::Result<()> {
    let Some(program) = program else { return Ok(()) };
    let arguments = std::env::args_os().skip(1);
    std::process::Command::new(program).args(arguments).spawn().context("start the new version")?;
    Ok(())
}

/// Says in a window why there is no other one.
fn explain(error: &anyhow::Error) {
    // What failed may have come before this. That there is a backend already is no harm.
    let selected = fonts::or_none(|| slint::BackendSelector::new().select());
    if error.is::<NoFont>() || selected.and_then(|_| fonts::ensure()).is_err() {
        return say_without_font(error);
    }
    let lines: Vec<_> = error.chain().map(ToString::to_string).collect();
    let tell = Tell::new(Rc::new(KeyMap::default()), |_, input| {
        if matches!(input, Input::Escape | Input::Closed | Input::Command(Command::Close)) {
            slint::quit_event_loop().ok();
        }
    });
    let view = NoticeView::open("Thrive cannot start", &lines, &Settings::default(), &tell);
    let shown = view.and_then(|view| {
        view.show();
        slint::run_event_loop_until_quit()
    });
    if let Err(error) = shown {
        tracing::error!(%error, "There is no window to say it in");
    }
}

/// Windows itself finds a way to say it.
#[cfg(windows)]
fn say_without_font(error: &anyhow::Error) {
    let message = rfd::MessageDialog::new().set_level(rfd::MessageLevel::Error);
    message.set_title("Thrive cannot start").set_description(error.to_string()).show();
}

/// Elsewhere the program has said it where it was started.
#[cfg(not(windows))]
fn say_without_font(_error: &anyhow::Error) {}

/// Runs until the program ends; gives what is to be started then.
fn run() -> anyhow::Result<Option<PathBuf>> {
    let flags = match Flags::try_parse() {
        // Said in a window.
        Err(error) if cfg!(windows) && error.use_stderr() => return Err(anyhow!("{error}")),
        read => read.unwrap_or_else(|told| told.exit()),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let config = Config::read(&flags).map_err(|problems| anyhow!(problems))?;
    std::fs::create_dir_all(&config.dir)
        .with_context(|| format!("make the folder {}", config.dir.display()))?;
    let first = match instance::start(&config.dir, config.runtime.as_deref()) {
        Ok(Start::First(first)) => first,
        Ok(Start::Woken) => return Ok(None),
        Err(error) => {
            return Err(error).context("another Thrive uses this folder and does not answer");
        }
    };
    for folder in config.pack_folders.iter().filter(|folder| folder.is_dir()) {
        tracing::info!(folder = %folder.display(), "Sounds are taken from here");
    }
    // Before everything that Slint is told, and before the windows, which would end the program without one.
    fonts::or_none(|| slint::BackendSelector::new().select())?.context("reach the desktop")?;
    fonts::ensure()?;
    // By this name desktops find the icon and the entry of the program.
    if let Err(error) = slint::set_xdg_app_id("org.thrive.Messenger") {
        tracing::debug!(%error, "The windows have no name for the desktop");
    }
    let settings = Settings::load(&config.dir);
    let (keys, key_problems) = KeyMap::load(&config.dir);

    let (line, asked) = Line::new();
    let place = Place {
        dir: config.dir.clone(),
        documents: config.documents.clone(),
        device: config.device.clone(),
        autostart: config.autostart.clone(),
        zone: TimeZone::system(),
        wayland: thrive_slint::config::on_wayland(),
        updates: config.updates.clone(),
    };
    let heard = bridge::start(place, asked).context("start the network thread")?;

    let program = config.autostart.program.clone();
    let speaker = Speaker::start(config.pack_folders.clone());
    let began = Instant::now();
    let office = Office::new(Parts {
        config,
        settings,
        line,
        speaker: Some(speaker),
        zone: TimeZone::system(),
        keys: Rc::new(keys),
        key_problems,
        clock: Box::new(move || began.elapsed()),
    });
    let listener = office.clone();
    bridge::deliver(heard, Rc::new(move |news| listener.hear(news)))
        .context("join the network thread to the windows")?;
    let woken = office.clone();
    bridge::deliver(first.wakes, Rc::new(move |()| woken.raise()))
        .context("join a second start to the windows")?;
    office.begin();
    // Windows come and go; only Exit ends the program.
    slint::run_event_loop_until_quit().context("run the windows")?;
    Ok(office.wants_restart().then_some(program))
}
