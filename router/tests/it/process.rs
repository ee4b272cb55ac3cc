//! The program: what it says, how it ends, with which code.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::UdpSocket;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::rig::{Client, Node, SOON, Shared, short};

fn program(shared: &Shared) -> Command {
    program_behind(shared, "127.0.0.1:0")
}

fn program_behind(shared: &Shared, backend: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thrive-router"));
    command.args(["--listen", "127.0.0.1:0", "--backend", backend, "--secret"]);
    command.arg(shared.secret()).env_clear().stdin(Stdio::null());
    command
}

/// A process that does not outlive its test.
struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Process {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    fn log(&mut self) -> String {
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn it_says_when_it_is_ready_and_what_it_counted_and_stops_when_asked() {
    let shared = Shared::new();
    let node = Node::start(&shared, 1).await;
    let mut command = program(&shared);
    command.args(["--nodes", &format!("1={}", node.address)]);
    let mut router = Process::start(command);
    let ready = router.line();
    let address = ready.strip_prefix("thrive-router ready on ").expect(&ready);
    let client = Client::dial(address.parse().unwrap()).await;
    assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);

    router.signal(Signal::SIGUSR1);
    let counted: Value = serde_json::from_str(&router.line()).unwrap();
    assert_eq!(counted["routed"]["connection_id"], 1);
    router.signal(Signal::SIGTERM);
    let counted: Value = serde_json::from_str(&router.line()).unwrap();
    assert_eq!(counted["to_clients"], 1);
    assert_eq!(router.child.wait().unwrap().code(), Some(0));
    for line in router.log().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["message"].is_string(), "{line}");
    }
}

#[test]
fn a_node_with_another_secret_is_told_to_the_log_once_and_not_with_each_frame() {
    let shared = Shared::new();
    let node = UdpSocket::bind("127.0.0.1:0").unwrap();
    node.set_read_timeout(Some(SOON)).unwrap();
    let address = node.local_addr().unwrap();
    let mut command = program(&shared);
    command.args(["--nodes", &format!("1={address}")]);
    let mut router = Process::start(command);
    router.line();
    for _ in 0..3 {
        let (_, from) = node.recv_from(&mut [0; 100]).unwrap();
        node.send_to(&[7; 60], from).unwrap();
    }
    let deadline = Instant::now() + SOON;
    loop {
        router.signal(Signal::SIGUSR1);
        let counted: Value = serde_json::from_str(&router.line()).unwrap();
        if counted["bad_frame"] == 3 {
            break;
        }
        assert!(Instant::now() < deadline, "{counted}");
    }
    router.signal(Signal::SIGTERM);
    router.line();
    let log = router.log();
    let told: Vec<_> = log.lines().filter(|it| it.contains("another secret")).collect();
    assert_eq!(told.len(), 1, "{log}");
    assert!(told[0].contains(&address.to_string()), "{log}");
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |it| String::from_utf8(it).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn check_config_shows_what_is_in_effect_or_all_that_is_wrong() {
    let shared = Shared::new();
    let mut command = program(&shared);
    command.args(["check-config", "--nodes", "1=127.0.0.1:2011"]);
    let (code, out, _) = output(&mut command);
    assert_eq!(code, Some(0));
    assert!(out.contains("nodes = \"1=127.0.0.1:2011\"  # flag --nodes\n"), "{out}");

    let mut command = program(&shared);
    command.env("THRIVE_ROUTER_WORKERS", "many").args(["check-config"]);
    let (code, out, error) = output(&mut command);
    assert_eq!((code, out.as_str()), (Some(64), ""));
    assert!(error.starts_with("The configuration has 2 problems:\n"), "{error}");

    assert_eq!(output(program(&shared).arg("--no-such-flag")).0, Some(64));
    assert_eq!(output(program(&shared).arg("--help")).0, Some(0));
}

#[test]
fn what_stands_in_the_way_of_a_start_is_one_message_and_code_1() {
    let shared = Shared::new();
    let check = |command: &mut Command, words: &str| {
        let (code, out, error) = output(command.args(["--nodes", "1=127.0.0.1:2011"]));
        assert_eq!((code, out.as_str()), (Some(1), ""));
        assert!(error.contains(words), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = socket.local_addr().unwrap().to_string();
    check(&mut program_behind(&shared, &taken), "cannot listen on");
    drop(socket);
    std::fs::write(shared.secret(), b"short").unwrap();
    check(&mut program(&shared), "at least 32 bytes; this one has 5");
    std::fs::remove_file(shared.secret()).unwrap();
    check(&mut program(&shared), "cannot be read");
}
