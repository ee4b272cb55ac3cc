//! A real Postgres: with fsync, with passwords, with room for many connections, and nothing else.

use std::fmt::Write as _;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;

use crate::folder::Folder;
use crate::instance::{Instance, Signal};
use crate::programs::{self, Account};

/// How often another port is tried, when somebody was faster.
const ATTEMPTS: usize = 5;

/// Where a Postgres is and how to log in as somebody who may do everything. A cheap handle.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// The URL up to the name of the database: `postgres://user:password@127.0.0.1:port`.
    base: String,
    programs: PathBuf,
}

/// A Postgres of one's own. It ends when this is dropped.
pub struct OwnPostgres {
    server: Postgres,
    port: u16,
    data: PathBuf,
    account: Option<Account>,
    settings: Vec<(String, String)>,
    instance: Mutex<Instance>,
}

/// What a Postgres of one's own may have that others have not.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions {
    /// Settings of the server, such as `("ssl", "on")`.
    pub settings: Vec<(String, String)>,
    /// Megabytes of the disk that its data lies on, which only root can make. About 100 are enough to
    /// start.
    pub disk: Option<u32>,
    /// Where its data stays for the next one. Without it, everything is gone in the end.
    pub folder: Option<PathBuf>,
}

impl Postgres {
    /// One that somebody else runs, by the URL of one of its databases.
    ///
    /// # Errors
    /// It is no such URL, or the programs of Postgres are not installed.
    pub fn at(url: &str) -> Result<Self> {
        let begin = url.find("://").context("a URL begins with postgres://")? + 3;
        let end = url[begin..].find('/').map_or(url.len(), |at| begin + at);
        Ok(Self { base: url[..end].to_owned(), programs: programs::postgres()? })
    }

    /// Starts one of one's own.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start() -> Result<OwnPostgres> {
        Self::start_with(PostgresOptions::default())
    }

    /// Starts one of one's own that has something special.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start_with(options: PostgresOptions) -> Result<OwnPostgres> {
        OwnPostgres::start(options)
    }

    /// The URL of a database, whether there is one or not.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.base)
    }

    /// Makes a new, empty database and gives its URL.
    ///
    /// # Panics
    /// Postgres does not do it.
    #[must_use]
    pub fn fresh(&self) -> String {
        let name = format!("test_{:016x}", programs::random());
        let made = self.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE template0"));
        made.unwrap_or_else(|error| panic!("no database for this test: {error:#}"));
        self.url(&name)
    }

    /// Says something to one of the databases and gives what it answers: rows as lines, columns
    /// separated by `|`.
    ///
    /// # Errors
    /// It refuses, or does not answer.
    pub fn sql(&self, database: &str, statement: &str) -> Result<String> {
        let output = programs::command(&self.programs.join("psql"))
            .args(["--no-psqlrc", "--no-align", "--tuples-only", "--quiet", "--no-password"])
            .args(["--set", "ON_ERROR_STOP=1", "--dbname", &self.url(database)])
            .args(["--command", statement])
            .env("PGCONNECT_TIMEOUT", "10")
            .output()
            .context("run psql")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "Postgres refuses: {}", said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

impl OwnPostgres {
    fn start(options: PostgresOptions) -> Result<Self> {
        let programs = programs::postgres()?;
        let account = programs::unprivileged()?;
        let folder = match &options.folder {
            Some(path) => Folder::kept(path, account.as_ref())?,
            None => Folder::new(account.as_ref())?,
        };
        let place = match options.disk {
            Some(megabytes) => folder.disk(megabytes, account.as_ref())?,
            None => folder.path().to_owned(),
        };
        let data = place.join("data");
        let password = initialise(&programs, &folder, &data, account.as_ref())?;
        let mut own = Self {
            server: Postgres { base: String::new(), programs },
            port: 0,
            data,
            account,
            settings: options.settings,
            instance: Mutex::new(Instance::new("Postgres", folder)),
        };
        let mut attempt = 0;
        loop {
            own.port = programs::free_port()?;
            own.server.base = format!("postgres://thrive:{password}@127.0.0.1:{}", own.port);
            attempt += 1;
            match own.start_again() {
                Ok(()) => return Ok(own),
                Err(_) if attempt < ATTEMPTS && programs::port_is_taken(own.port) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The process id of its first process.
    ///
    /// # Panics
    /// It does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.instance.lock().pid().expect("Postgres runs")
    }

    /// Whether it runs; false also when somebody else has ended it.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.instance.lock().runs()
    }

    /// The file with the password of its user.
    #[must_use]
    pub fn password_file(&self) -> PathBuf {
        self.instance.lock().folder().join("password")
    }

    /// Where its log is, for as long as it lives.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.instance.lock().log()
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks it to end: transactions are rolled back, and the files are left in order.
    ///
    /// # Errors
    /// It does not run, or goes on running.
    pub fn stop_fast(&self) -> Result<()> {
        self.instance.lock().stop(Signal::Interrupt)
    }

    /// Asks it to end without putting anything in order, so that the next start has to recover.
    ///
    /// # Errors
    /// It does not run, or goes on running.
    pub fn stop_immediate(&self) -> Result<()> {
        self.instance.lock().stop(Signal::Quit)
    }

    /// SIGKILL to all its processes.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&self) -> Result<()> {
        self.instance.lock().kill()
    }

    /// Holds all its processes still: connections stay open and nothing answers.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&self) -> Result<()> {
        self.instance.lock().pause()
    }

    /// # Errors
    /// It does not run.
    pub fn resume(&self) -> Result<()> {
        self.instance.lock().resume()
    }

    /// Starts it on the same port and the same data, and waits until it accepts connections.
    ///
    /// # Errors
    /// It runs already, or does not start.
    pub fn start_again(&self) -> Result<()> {
        let mut instance = self.instance.lock();
        let state = self.data.join("postmaster.pid");
        if instance.pid().is_none() {
            // A killed one leaves it behind, and it would say that this one is ready.
            drop(fs::remove_file(&state));
        }
        let mut command = as_user(&self.server.programs.join("postgres"), self.account.as_ref());
        command.arg("-D").arg(&self.data);
        let sockets = instance.folder().to_string_lossy().into_owned();
        let port = self.port.to_string();
        let own = [("port", port.as_str()), ("unix_socket_directories", sockets.as_str())];
        let special = self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in SETTINGS.iter().copied().chain(own).chain(special) {
            command.args(["-c", &format!("{key}={value}")]);
        }
        let ready = || {
            let text = fs::read_to_string(&state).ok()?;
            (text.lines().nth(7)?.trim() == "ready").then_some(())
        };
        instance.start(&mut command, ready)
    }

    /// Fills the small disk to the last byte.
    ///
    /// # Errors
    /// It has none.
    pub fn fill_disk(&self) -> Result<()> {
        use std::io::Write as _;
        let mut file = fs::File::create(self.ballast()?).context("write on the small disk")?;
        let block = vec![1; 64 * 1024];
        for size in [block.len(), 512] {
            while file.write_all(&block[..size]).is_ok() {}
        }
        Ok(())
    }

    /// Makes room on the small disk again.
    ///
    /// # Errors
    /// It was not filled.
    pub fn free_disk(&self) -> Result<()> {
        fs::remove_file(self.ballast()?).context("the small disk was filled")
    }

    fn ballast(&self) -> Result<PathBuf> {
        let disk = self.data.parent().filter(|place| place.ends_with("disk"));
        Ok(disk.context("this Postgres has no small disk")?.join("ballast"))
    }
}

impl Deref for OwnPostgres {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        &self.server
    }
}

/// Durable as in earnest, and small.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("max_connections", "300"),
    ("shared_buffers", "32MB"),
    ("min_wal_size", "32MB"),
    ("max_wal_size", "256MB"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] %q%a@%d "),
    ("logging_collector", "off"),
];

/// Makes the data, unless it was kept, and gives the password.
fn initialise(
    programs: &Path,
    folder: &Folder,
    data: &Path,
    account: Option<&Account>,
) -> Result<String> {
    let file = folder.path().join("password");
    if data.exists() {
        return fs::read_to_string(&file).context("read the password of the kept database");
    }
    let password = format!("{:016x}{:016x}", programs::random(), programs::random());
    fs::write(&file, &password).context("write the password of the database")?;
    let output = as_user(&programs.join("initdb"), account)
        .args(["--username=thrive", "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"])
        .args(["--locale=C.UTF-8", "--no-instructions", "--pwfile"])
        .arg(&file)
        .arg("--pgdata")
        .arg(data)
        .current_dir(folder.path())
        .output()
        .context("run initdb")?;
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    write!(said, "{}", String::from_utf8_lossy(&output.stderr)).context("two texts are one")?;
    ensure!(output.status.success(), "initdb failed: {said}");
    Ok(password)
}

/// The program as somebody else, if need be; the process id stays the one that was started.
fn as_user(program: &Path, account: Option<&Account>) -> Command {
    let Some(Account { user, group }) = account else { return programs::command(program) };
    let mut command = programs::command(Path::new("setpriv"));
    command.args([format!("--reuid={user}"), format!("--regid={group}")]);
    command.arg("--clear-groups").arg("--").arg(program);
    command
}
