//! For tests: a bus of a desktop, our own, which ends with the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub(super) struct Bus {
    daemon: Child,
    pub(super) address: String,
}

impl Bus {
    pub(super) fn start() -> Self {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's package dbus is there");
        let mut address = String::new();
        let output = daemon.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut address).expect("it says where it is");
        Self { daemon, address: address.trim().to_owned() }
    }

    pub(super) async fn connect(address: String) -> zbus::Result<zbus::Connection> {
        zbus::connection::Builder::address(address.as_str())?.build().await
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.daemon.kill().expect("it is ours");
        self.daemon.wait().expect("it is ours");
    }
}
