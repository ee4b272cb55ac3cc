//! One node or router as a process: what it is told, what it prints, and its coming back.

use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::children::{Child, Lines};
use crate::demo::write_private;
use crate::shell;
use crate::stop::Stop;

/// What a start may take on a busy machine.
const READY: Duration = Duration::from_secs(60);
/// How often is looked whether the person still wants it.
const LOOK: Duration = Duration::from_millis(100);
/// How long people have to leave a node that is asked to end.
const DRAIN_SECONDS: u16 = 3;

/// Shows the lines of many programs, each with its name before it, in colors on a terminal.
#[derive(Clone)]
pub(crate) struct Printer {
    colors: bool,
    width: usize,
}

/// What all nodes and routers are told.
pub(crate) struct Shared<'a> {
    pub(crate) programs: &'a Path,
    pub(crate) data: &'a Path,
    pub(crate) secret: &'a Path,
    pub(crate) log: &'a str,
    pub(crate) database: String,
    pub(crate) password: PathBuf,
    pub(crate) redis: String,
}

/// A node or a router, which is started again at the same place.
pub(crate) struct Part {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    address: SocketAddr,
    color: u8,
    child: Option<Child>,
    starting: Option<Starting>,
    died: Option<Instant>,
    fingerprint: Option<String>,
}

/// A start under way.
struct Starting {
    lines: Lines,
    until: Instant,
}

impl Shared<'_> {
    pub(crate) fn node(&self, number: u16) -> Result<Part> {
        let name = format!("node-{number}");
        let folder = self.data.join(&name);
        let path = |path: &Path| toml_text(&path.to_string_lossy());
        // A file of its own, so that it can be read, changed and learned from.
        let file = format!(
            "# Written anew at each start of `cargo xtask cluster`.
[database]
url = {}
password_file = {}

[redis]
url = {}

[cluster]
secret = {}
listen = \"127.0.0.1:0\"
node = {number}
drain_seconds = {DRAIN_SECONDS}

[files]
folder = {}
shared = \"yes\"
",
            toml_text(&self.database),
            path(&self.password),
            toml_text(&self.redis),
            path(self.secret),
            path(&self.data.join("files"))
        );
        private_folder(&folder).with_context(|| format!("make {}", folder.display()))?;
        write_private(&folder.join("thrive-node.toml"), &file)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, thrive_services::free_udp_port()?));
        let arguments = vec![
            format!("--data={}", folder.display()),
            format!("--listen={address}"),
            format!("--log={}", self.log),
            "--log-format=text".to_owned(),
        ];
        Ok(self.part(name, "thrive-node", arguments, address, number))
    }

    pub(crate) fn router(&self, number: u16, listen: SocketAddr) -> Result<Part> {
        let backend = SocketAddr::from((Ipv4Addr::LOCALHOST, thrive_services::free_udp_port()?));
        let arguments = vec![
            format!("--secret={}", self.secret.display()),
            format!("--listen={listen}"),
            format!("--backend={backend}"),
            // The same after each start, so that nodes know it again.
            format!("--set=id={number}"),
            format!("--set=redis.url={}", self.redis),
            format!("--log={}", self.log),
            "--set=log_format=text".to_owned(),
        ];
        Ok(self.part(format!("router-{number}"), "thrive-router", arguments, listen, number + 3))
    }

    fn part(
        &self,
        name: String,
        program: &str,
        arguments: Vec<String>,
        address: SocketAddr,
        color: u16,
    ) -> Part {
        let program = self.programs.join(program);
        // The six colors that can be read on black and on white.
        let color = u8::try_from(color % 6).unwrap_or_default() + 31;
        let (child, starting, died, fingerprint) = (None, None, None, None);
        Part { name, program, arguments, address, color, child, starting, died, fingerprint }
    }
}

impl Part {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    /// The process id; 0 when it does not run.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// What brings the database up to date.
    pub(crate) fn migration(&self) -> Command {
        let mut command = shell::command(&self.program);
        command.arg("migrate").args(&self.arguments);
        command
    }

    /// Starts it and waits until it is ready, or nobody wants it any more. Its lines are shown from now on.
    pub(crate) fn start(&mut self, printer: &Printer, stop: &Stop) -> Result<()> {
        self.begin(printer)?;
        while !self.is_ready(LOOK)? {
            ensure!(!stop.within(Duration::ZERO), "stopped while {} was starting", self.name);
        }
        Ok(())
    }

    fn begin(&mut self, printer: &Printer) -> Result<()> {
        let mut command = shell::command(&self.program);
        command.args(&self.arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Child::start(&self.name, &mut command)?;
        printer.show(&self.name, self.color, child.complaints()?);
        self.starting = Some(Starting { lines: child.lines()?, until: Instant::now() + READY });
        self.child = Some(child);
        Ok(())
    }

    /// Whether it is, or gets so in this time. An error ends it.
    fn is_ready(&mut self, within: Duration) -> Result<bool> {
        let ready = self.ready_line(within);
        if !matches!(ready, Ok(None))
            && let Some(starting) = self.starting.take()
        {
            starting.lines.pass_over_rest();
        }
        match ready {
            Ok(None) => Ok(false),
            Ok(Some(line)) => {
                let certificate = line.split_once(", certificate ");
                self.fingerprint = certificate.map(|(_, fingerprint)| fingerprint.to_owned());
                self.died = None;
                Ok(true)
            }
            Err(error) => {
                self.child = None;
                let name = &self.name;
                Err(error.context(format!("{name} did not start; what it said stands above")))
            }
        }
    }

    fn ready_line(&self, within: Duration) -> Result<Option<String>> {
        let starting = self.starting.as_ref().context("it was not started")?;
        let what = "its ready line";
        let line = starting
            .lines
            .look_for(what, within, |line| line.contains(" ready on ").then(|| line.to_owned()))?;
        let seconds = READY.as_secs();
        let in_time = line.is_some() || Instant::now() < starting.until;
        ensure!(in_time, "waited {seconds} s in vain for {what}");
        Ok(line)
    }

    /// Sees whether it has died, and starts it again when it was away for long enough. Never waits for
    /// it to be ready, so that others and the person are not kept waiting.
    pub(crate) fn look_after(&mut self, printer: &Printer, away: Duration) {
        if self.starting.is_some() {
            match self.is_ready(Duration::ZERO) {
                Ok(false) => {}
                Ok(true) => {
                    printer.say(&format!("{} is back as process {}.", self.name, self.id()));
                }
                Err(error) => self.stays_away(printer, &error),
            }
            return;
        }
        if let Some(child) = &mut self.child {
            let Some(status) = child.ended() else { return };
            let seconds = away.as_secs();
            printer
                .say(&format!("{} is gone ({status}); it comes back in {seconds} s.", self.name));
            self.child = None;
            self.died = Some(Instant::now());
        }
        if self.died.is_some_and(|died| died.elapsed() >= away)
            && let Err(error) = self.begin(printer)
        {
            self.stays_away(printer, &error);
        }
    }

    /// What it stands on may be away as well; it is tried again.
    fn stays_away(&mut self, printer: &Printer, error: &anyhow::Error) {
        printer.say(&format!("{} does not come back yet: {error:#}", self.name));
        self.died = Some(Instant::now());
    }

    /// Asks it to end, and does not wait.
    pub(crate) fn ask_to_end(&mut self) {
        if let Some(child) = &mut self.child {
            child.ask_to_end();
        }
    }
}

impl Printer {
    /// For names with numbers up to this.
    pub(crate) fn new(most: u16) -> Self {
        let width = format!("router-{most}").len();
        Self { colors: io::stdout().is_terminal(), width }
    }

    /// Says something about the cluster itself.
    pub(crate) fn say(&self, line: &str) {
        println!("{}", self.prefixed("cluster", None, line));
    }

    /// Shows every line that comes.
    fn show(&self, name: &str, color: u8, from: impl Read + Send + 'static) {
        let (printer, name) = (self.clone(), name.to_owned());
        thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                // A closed terminal is no reason to stop reading: the program would stand still.
                writeln!(io::stdout(), "{}", printer.prefixed(&name, Some(color), &line)).ok();
            }
        });
    }

    fn prefixed(&self, name: &str, color: Option<u8>, line: &str) -> String {
        let width = self.width;
        match color.filter(|_| self.colors) {
            Some(color) => format!("\x1b[{color}m{name:<width$} |\x1b[0m {line}"),
            None => format!("{name:<width$} | {line}"),
        }
    }
}

/// The secret of the cluster: made at the first start, kept from then on.
pub(crate) fn keep_secret(file: &Path) -> Result<()> {
    if file.exists() {
        return Ok(());
    }
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).context("the system gives random numbers")?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    write_private(file, &format!("{text}\n"))
}

/// A folder that nobody else on this machine can look into.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

/// A text as TOML writes it.
fn toml_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part that runs this script instead of a node.
    fn part(script: &str) -> Part {
        Part {
            name: "node-1".to_owned(),
            program: "sh".into(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            color: 31,
            child: None,
            starting: None,
            died: None,
            fingerprint: None,
        }
    }

    #[test]
    fn ctrl_c_is_heard_while_a_part_starts() {
        let (person, stop) = Stop::told();
        person.send(()).expect("somebody listens");
        let begin = Instant::now();
        let mut part = part("exec sleep 600");
        let error = part.start(&Printer::new(1), &stop).expect_err("nobody wants it");
        assert!(error.to_string().contains("stopped while node-1"), "{error}");
        assert!(begin.elapsed() < READY / 2);
    }

    #[test]
    fn a_part_comes_back_without_anybody_waiting_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let gate = folder.path().join("gate").display().to_string();
        let (_person, stop) = Stop::told();
        let printer = Printer::new(1);
        let mut part = part(&format!(
            "until [ -e {gate} ]; do sleep 0.02; done; echo 'it is ready on 1, certificate x'; exec sleep 600"
        ));
        fs::write(&gate, "").expect("it is ours");
        part.start(&printer, &stop).expect("it starts");
        assert_eq!(part.fingerprint(), Some("x"));

        fs::remove_file(&gate).expect("it is there");
        part.ask_to_end();
        let look = |part: &mut Part, wanted: &dyn Fn(&Part) -> bool| {
            crate::deadline::wait("what is looked for", READY, || {
                part.look_after(&printer, Duration::ZERO);
                Ok(wanted(part).then_some(()))
            })
        };
        // Every look returns at once, though it cannot be ready.
        look(&mut part, &|it| it.starting.is_some()).expect("it is started again");
        part.look_after(&printer, Duration::ZERO);
        assert!(part.starting.is_some());
        fs::write(&gate, "").expect("it is ours");
        look(&mut part, &|it| it.starting.is_none() && it.child.is_some()).expect("it is back");
    }

    #[test]
    fn each_line_begins_with_the_name_of_its_program() {
        let plain = Printer { colors: false, width: 8 };
        assert_eq!(plain.prefixed("node-1", Some(32), "Ready"), "node-1   | Ready");
        let colored = Printer { colors: true, width: 8 };
        assert_eq!(
            colored.prefixed("node-1", Some(32), "Ready"),
            "\x1b[32mnode-1   |\x1b[0m Ready"
        );
    }

    #[test]
    fn the_secret_is_made_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        keep_secret(&file).expect("it is made");
        let first = fs::read_to_string(&file).expect("it is there");
        assert!(first.trim().len() == 64, "{first}");
        keep_secret(&file).expect("it is kept");
        assert_eq!(fs::read_to_string(&file).expect("it is there"), first);
    }

    #[test]
    fn a_path_with_odd_letters_is_still_one_text() {
        assert_eq!(toml_text(r#"C:\a "b""#), r#""C:\\a \"b\"""#);
    }
}
