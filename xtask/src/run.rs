//! `cargo xtask run`: a server and the desktop client, ready to chat, from nothing but a Rust
//! toolchain.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::children::Child;
use crate::stop::Stop;
use crate::{config, demo, root, shell, system};

/// Where a Thrive server listens unless told otherwise.
const PORT: u16 = 2005;

/// What a server may take to make its folder, its certificate and its database, and to bind.
const READY: Duration = Duration::from_secs(60);

/// What the server prints when it can be reached.
const READY_LINE: &str = "thrive-node ready on ";

#[derive(Args)]
pub(crate) struct Options {
    /// Make accounts with contacts and messages to look at.
    #[arg(long)]
    demo: bool,
    /// Build quickly instead of for speed.
    #[arg(long)]
    dev: bool,
    /// The folder for everything that the server and the clients keep.
    #[arg(long, value_name = "DIR", default_value = ".data")]
    data: PathBuf,
    /// Open no window, even if there is a display.
    #[arg(long)]
    headless: bool,
}

/// Where the programs are and where they keep their things.
pub(crate) struct Place {
    programs: PathBuf,
    pub(crate) data: PathBuf,
}

impl Place {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let stop = Stop::listen()?;
    let display = if options.headless { Err("--headless was given") } else { config::display() };
    let show = if display.is_ok() { system::SHOW } else { &[] };
    system::ensure(&[system::BUILD, show])?;
    build(options.dev, display.is_ok())?;

    let place = place(options)?;
    let (mut node, address) = start_node(&place)?;
    if options.demo {
        demo::make(&place, address)?;
    }
    let client = match display {
        Ok(()) => Some(open_client(&place, address)?),
        Err(why) => {
            explain(&place, address, why, options.demo);
            None
        }
    };
    let outcome = watch(&mut node, client, &stop);
    println!("Ending the server.");
    node.end();
    outcome
}

fn build(dev: bool, with_window: bool) -> Result<()> {
    let begin = Instant::now();
    let mut cargo = shell::cargo(&["build", "--locked"]);
    cargo.args(["--package", "thrive-node", "--package", "thrive-client"]);
    if with_window {
        cargo.args(["--package", "thrive-slint"]);
    }
    cargo.arg("--bins");
    if !dev {
        cargo.arg("--release");
        println!(
            "Building for speed: the first time takes ten minutes or more on a small machine (--dev: half)."
        );
    }
    shell::run(&mut cargo).context("mend what does not compile and start again")?;
    println!("Built in {} s.", begin.elapsed().as_secs());
    Ok(())
}

fn place(options: &Options) -> Result<Place> {
    let profile = if options.dev { "debug" } else { "release" };
    // Relative to where the person stands, except for the default.
    let data = if options.data == Path::new(".data") {
        root().join(&options.data)
    } else {
        std::path::absolute(&options.data).context("--data is a folder name")?
    };
    fs::create_dir_all(&data).with_context(|| format!("cannot make {}", data.display()))?;
    Ok(Place { programs: config::target(&root()).join(profile), data })
}

/// Starts the server on loopback and waits until it can be reached.
fn start_node(place: &Place) -> Result<(Child, SocketAddr)> {
    let port = free_port();
    let mut command = shell::command(place.program("thrive-node"));
    command.arg("--data").arg(place.data.join("server"));
    command.args(["--listen", &format!("{}:{port}", Ipv4Addr::LOCALHOST)]);
    command.stdout(Stdio::piped());
    println!("Starting the server; it keeps its data in {}.", place.data.join("server").display());
    let mut node = Child::start("The server", &mut command)?;
    let lines = node.lines()?;
    let address = lines
        .find("the server's ready line", READY, |line| {
            println!("{line}");
            address(line)
        })
        .context("the server did not start; what it said stands above")?;
    lines.show_rest();
    Ok((node, address))
}

/// The usual port if nobody has it, else any: the server says which it got.
fn free_port() -> u16 {
    if UdpSocket::bind((Ipv4Addr::LOCALHOST, PORT)).is_ok() {
        PORT
    } else {
        println!("UDP port {PORT} is taken, so the server takes another one.");
        0
    }
}

/// `thrive-node ready on 127.0.0.1:2005, certificate sha256:…` → the address.
pub(crate) fn address(line: &str) -> Option<SocketAddr> {
    let rest = line.strip_prefix(READY_LINE)?;
    rest.split([',', ' ']).next()?.parse().ok()
}

fn open_client(place: &Place, address: SocketAddr) -> Result<Child> {
    let mut command = shell::command(place.program("thrive-messenger"));
    command.args(["--server", &address.to_string()]);
    command.arg("--dir").arg(place.data.join("desktop"));
    println!("Opening the desktop client on {address}. Close it or press Ctrl+C to end both.");
    Child::start("The desktop client", &mut command)
}

/// What to type where no window can be shown.
fn explain(place: &Place, address: SocketAddr, why: &str, demo: bool) {
    let thrive = place.program("thrive").display().to_string();
    let user = |name: &str| {
        let folder = if demo { demo::folder(place).join(name) } else { place.data.join(name) };
        format!("{thrive} --server {address} --dir {}", folder.display())
    };
    let (ann, bob) = (user("ann"), user("bob"));
    println!("\nNo window: {why}. The server runs, and two accounts chat like this:\n");
    if !demo {
        println!(
            "    {ann} account create ann --login    # asks for a password
    {bob} account create bob --login
    {ann} contacts add bob
    {bob} contacts accept ann"
        );
    }
    println!(
        "    {bob} tail &
    {ann} send bob 'Good morning!'
\nCtrl+C ends the server."
    );
}

/// Waits until the person wants to stop, the client is closed, or the server breaks down.
fn watch(node: &mut Child, client: Option<Child>, stop: &Stop) -> Result<()> {
    let mut client = client;
    loop {
        if stop.within(Duration::from_millis(100)) {
            println!("\nStopping.");
            return Ok(());
        }
        node.still_there().context("the server broke down")?;
        let Some(client) = &mut client else { continue };
        match client.ended() {
            None => {}
            Some(status) if status.success() => {
                println!("The desktop client was closed.");
                return Ok(());
            }
            Some(status) => bail!("the desktop client ended with {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_ready_line() {
        let line = "thrive-node ready on 127.0.0.1:2005, certificate sha256:00ff";
        assert_eq!(address(line), Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 2005))));
        let six = "thrive-node ready on [::1]:41000, certificate sha256:00ff";
        assert_eq!(address(six).map(|address| address.port()), Some(41_000));
        assert_eq!(address("thrive-node is not ready on 127.0.0.1:2005"), None);
    }
}
