//! The desktop program: reads the configuration, starts the network thread, opens the first window.

use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use clap::Parser;
use jiff::tz::TimeZone;
use thrive_slint::bridge::{self, Line, Place};
use thrive_slint::config::{Config, Flags};
use thrive_slint::desk::{Office, Parts};
use thrive_slint::instance::{self, Start};
use thrive_slint::keys::map::KeyMap;
use thrive_slint::settings::Settings;
use thrive_slint::sounds::Speaker;
use tracing_subscriber::EnvFilter;

fn main() -> anyhow::Result<()> {
    let flags = Flags::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let config = Config::read(&flags).map_err(|problems| anyhow!(problems))?;
    std::fs::create_dir_all(&config.dir)
        .with_context(|| format!("make the folder {}", config.dir.display()))?;
    let first = match instance::start(&config.dir, config.runtime.as_deref()) {
        Ok(Start::First(first)) => first,
        Ok(Start::Woken) => return Ok(()),
        Err(error) => {
            return Err(error).context("another Thrive uses this folder and does not answer");
        }
    };
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
    };
    let heard = bridge::start(place, asked).context("start the network thread")?;

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
    slint::run_event_loop_until_quit().context("run the windows")
}
