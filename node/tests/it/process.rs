//! The program `thrive-node` as a process: what it prints, where, and with which code it ends.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use thrive_node::data_dir::DataDir;
use thrive_node::store::Database;
use thrive_node::store::accounts::{NewAccount, NewAddress};
use thrive_node::store::admins::{By, Deed, Order};
use thrive_protocol::ids::Time;
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;
use thrive_services::OwnSmtp;

const DEADLINE: Duration = Duration::from_secs(30);

fn thrive_node(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thrive-node"));
    command.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    thrive_node(arguments).output().unwrap()
}

fn out(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn check_config_shows_each_value_and_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let output = thrive_node(&["check-config", "--data", &data, "--listen", "[::1]:4000"])
        .env("THRIVE_NODE_NAME", "Our club")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let shown = out(&output);
    assert!(shown.contains("listen = \"[::1]:4000\"  # flag --listen\n"), "{shown}");
    assert!(shown.contains("name = \"Our club\"  # variable THRIVE_NODE_NAME\n"), "{shown}");
    assert!(shown.contains("limits.connections = 10000  # default\n"), "{shown}");
    assert!(shown.contains("# tls.key is not set\n"), "{shown}");
    assert!(!Path::new(&data).exists(), "checking makes nothing");
}

#[test]
fn a_wrong_configuration_ends_with_64_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    for command in [&[][..], &["check-config"], &["fingerprint"]] {
        let flags = ["--data", &data, "--listen", "here", "--set", "limits.connections=no"];
        let output = run(&[command, &flags].concat());
        assert_eq!(output.status.code(), Some(64), "{command:?}");
        assert_eq!(out(&output), "");
        assert!(err(&output).contains("2 problems"), "{}", err(&output));
        assert!(err(&output).contains("flag --listen"), "{}", err(&output));
    }
    assert!(!Path::new(&data).exists());
}

#[test]
fn a_wrong_command_line_ends_with_64_and_help_with_0() {
    assert_eq!(run(&["--port", "5"]).status.code(), Some(64));
    assert_eq!(run(&["start"]).status.code(), Some(64));
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(out(&help).contains("Examples:"));
    let version = run(&["--version"]);
    assert_eq!(out(&version), format!("thrive-node {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn there_is_no_fingerprint_before_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["fingerprint", "--data", &folder.path().display().to_string()]);
    assert_eq!((output.status.code(), out(&output)), (Some(1), ""));
    assert!(err(&output).contains("first start"), "{}", err(&output));
}

#[test]
fn a_restored_folder_is_told_once_and_not_while_a_node_runs() {
    let folder = tempfile::tempdir().unwrap();
    let restored = || run(&["restored", "--data", &folder.path().display().to_string()]);
    let output = restored();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("no database"), "{}", err(&output));
    let node = Running::start(folder.path());
    node.line();
    let output = restored();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("another node"), "{}", err(&output));
    node.signal("TERM");
    assert_eq!(node.end().0, Some(0));
    assert_eq!(restored().status.code(), Some(0));
}

/// A node with a port of its own, ended when dropped.
struct Running {
    child: Child,
    /// The lines of standard output, as they come.
    lines: mpsc::Receiver<String>,
}

impl Running {
    fn start(data: &Path) -> Self {
        let arguments = ["--data", &data.display().to_string(), "--listen", "127.0.0.1:0"];
        let mut command = thrive_node(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (to, lines) = mpsc::sync_channel(100);
        thread::spawn(move || stdout.lines().try_for_each(|line| to.send(line.unwrap())));
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).unwrap()
    }

    /// The exit code and the log.
    fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + DEADLINE;
        let code = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status.code();
            }
            assert!(Instant::now() < deadline, "the node does not end");
            thread::yield_now();
        };
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (code, log)
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        // The shell's own `kill`, since not every machine has the program.
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // In most tests it has ended already, and these have nothing to do.
        let _ended_before = self.child.kill();
        let _ended_before = self.child.wait();
    }
}

#[test]
#[cfg(unix)]
fn a_node_says_once_that_it_is_ready_and_ends_with_0_when_asked_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut fingerprints = Vec::new();
    for signal in ["TERM", "INT"] {
        let node = Running::start(&data);
        let line = node.line();
        let rest = line.strip_prefix("thrive-node ready on 127.0.0.1:").unwrap();
        let (port, fingerprint) = rest.split_once(", certificate sha256:").unwrap();
        assert_ne!(port.parse::<u16>().unwrap(), 0);
        assert!(fingerprint.len() == 64 && fingerprint.bytes().all(|it| it.is_ascii_hexdigit()));
        node.signal(signal);
        assert!(node.lines.recv_timeout(DEADLINE).is_err(), "one line, and then the end");
        let (code, log) = node.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("\"WARN\"") && !log.contains("\"ERROR\""), "{log}");
        fingerprints.push(format!("sha256:{fingerprint}\n"));
    }
    let shown = run(&["fingerprint", "--data", &data.display().to_string()]);
    assert_eq!(fingerprints, [out(&shown), out(&shown)]);
}

#[test]
fn a_second_node_on_the_same_folder_is_refused_with_a_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path());
    first.line();
    let (code, log) = Running::start(folder.path()).end();
    assert_eq!(code, Some(1));
    assert!(log.contains("another node") && log.contains("is using the folder"), "{log}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["--data", &folder.path().display().to_string(), "--listen", &address]);
    assert_eq!((output.status.code(), out(&output)), (Some(1), ""));
    assert!(err(&output).contains(&format!("listen on {address}")), "{}", err(&output));
}

#[test]
fn migrate_says_what_a_database_lacks_and_then_does_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let migrate = |more: &[&str]| run(&[&["migrate", "--data", &data], more].concat());
    let lacking = migrate(&["--check"]);
    assert_eq!(lacking.status.code(), Some(2), "{}", err(&lacking));
    assert!(out(&lacking).starts_with("missing: 0001_initial\n"), "{}", out(&lacking));
    assert!(!folder.path().join("thrive.db").exists(), "checking makes nothing");
    assert_eq!(migrate(&[]).status.code(), Some(0));
    let done = migrate(&["--check"]);
    assert_eq!((done.status.code(), out(&done)), (Some(0), "The database is up to date.\n"));
}

#[test]
fn a_database_that_cannot_be_reached_is_waited_for_and_one_that_is_named_wrongly_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    // A port that nobody listens on: it was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("database.url=postgres://thrive@127.0.0.1:{port}/thrive");
    let flags = ["--data", &data, "--listen", "127.0.0.1:0", "--log-format", "json"];
    let mut waiting = thrive_node(&[&flags[..], &["--set", &url]].concat())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It says so within its first lines; the end of what it says would be its own end.
    let mut lines = BufReader::new(waiting.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("cannot be reached yet")));
    assert_eq!(waiting.try_wait().unwrap(), None);
    waiting.kill().unwrap();
    waiting.wait().unwrap();

    let wrong = run(&[&flags[..], &["--set", "database.url=mysql://thrive@db/thrive"]].concat());
    assert_eq!(wrong.status.code(), Some(64));
}

#[cfg(unix)]
/// Bob, whose address is proved.
async fn bob(folder: &Path) {
    let database = Database::open(&DataDir::database_in(folder)).unwrap();
    let username = Username::parse("bob").unwrap();
    let email = EmailAddress::parse("bob@example.org").unwrap();
    let create = Deed::Create(NewAccount {
        username,
        password_hash: "none".into(),
        created: Time(1),
        freed_before: Time(1),
        invite: None,
        first_is_admin: false,
        address: Some(NewAddress { email, unverified_until: Time(0) }),
    });
    let order = Order {
        by: By::Host,
        now: Time(1),
        action: "create",
        target: "bob".into(),
        detail: String::new(),
        deed: Ok(create),
    };
    database.administer(&order).await.unwrap().unwrap();
    database.close().await;
}

/// An owner whose account was rescued, or stolen by whoever can use the machine, heard nothing of it.
#[tokio::test]
async fn a_password_that_the_host_sets_is_told_to_its_owner_by_mail() {
    let (folder, smtp) = (tempfile::tempdir().unwrap(), OwnSmtp::start().unwrap());
    bob(folder.path()).await;
    let password = folder.path().join("password");
    std::fs::write(&password, "a cat on the roof\n").unwrap();
    let set = |mail: &[&str]| {
        let (data, file) = (folder.path().display().to_string(), password.display().to_string());
        let order = ["user", "password", "bob", "--password-file", &file, "--data", &data];
        let output = run(&[&order[..], mail].concat());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        out(&output).trim_end().to_owned()
    };
    let said = "bob has another password now; 0 sessions ended.";
    assert_eq!(set(&[]), said, "no mail is sent here");
    let port = format!("smtp.port={}", smtp.port());
    let mail = ["smtp.enabled=true", "smtp.server=127.0.0.1", &port, "smtp.security=none"];
    let mail = [&mail[..], &["smtp.from=noreply@example.org"]].concat();
    let mail: Vec<_> = mail.into_iter().flat_map(|it| ["--set", it]).collect();
    assert_eq!(set(&mail), format!("{said} They are told by mail."));
    let [told] = &smtp.mails().unwrap()[..] else { panic!("one mail") };
    assert_eq!(told.to, "bob@example.org");
    assert!(told.header("Subject").starts_with("Your password on"), "{}", told.header("Subject"));
    smtp.stop().unwrap();
    assert_eq!(set(&mail), format!("{said} The mail that tells them was not delivered."));
}

#[test]
fn drain_ends_the_node_of_a_folder_and_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let drain = || run(&["drain", "--data", &data]);
    assert_eq!(drain().status.code(), Some(1));
    let mut node = thrive_node(&["--data", &data, "--listen", "127.0.0.1:0", "--log", "error"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(node.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("thrive-node ready"), "{line}");
    let drained = drain();
    assert_eq!(drained.status.code(), Some(0), "{}", err(&drained));
    assert_eq!(node.wait().unwrap().code(), Some(0));
    assert!(err(&drain()).contains("no node is running"), "{}", err(&drain()));
}
