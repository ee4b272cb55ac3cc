//! A real mail server, which keeps what it takes: Debian's aiosmtpd in a process of its own, with a small
//! script that can also refuse and be slow.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;

use crate::folder::Folder;
use crate::instance::{Instance, Signal};
use crate::programs;

/// How often another port is tried, when somebody was faster.
const ATTEMPTS: usize = 5;
/// For one word of it.
const WORD: Duration = Duration::from_secs(2);
const SCRIPT: &str = include_str!("smtp.py");
/// The one of Debian, which has Debian's packages.
const PYTHON: &str = "/usr/bin/python3";

/// A mail server of one's own. It ends when this is dropped.
pub struct OwnSmtp {
    port: u16,
    banner: String,
    options: SmtpOptions,
    instance: Mutex<Instance>,
}

/// What a mail server may have that others have not.
#[derive(Clone, Debug, Default)]
pub struct SmtpOptions {
    pub tls: Option<SmtpTls>,
    /// The user and the password without which it takes nothing.
    pub login: Option<(String, String)>,
}

#[derive(Clone, Debug)]
pub struct SmtpTls {
    /// As PEM.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// From the first byte, and not only when it is asked for.
    pub now: bool,
}

/// A mail that was taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mail {
    /// Whom the envelope named.
    pub to: String,
    /// Each with its name, as they stand in the mail.
    pub headers: Vec<(String, String)>,
    pub text: String,
    /// It came over TLS.
    pub secured: bool,
    /// Who had logged in to send it; empty: nobody.
    pub login: String,
}

impl Mail {
    /// The first header of this name; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

impl OwnSmtp {
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(SmtpOptions::default())
    }

    /// # Errors
    /// It is not installed, or does not start.
    pub fn start_with(options: SmtpOptions) -> Result<Self> {
        installed()?;
        let folder = Folder::new(None)?;
        fs::write(folder.path().join("smtp.py"), SCRIPT).context("write the script")?;
        let instance = Mutex::new(Instance::new("the mail server", folder));
        let banner = format!("test-{:016x}", programs::random());
        let mut own = Self { port: 0, banner, options, instance };
        let mut attempt = 0;
        loop {
            own.port = programs::free_port()?;
            attempt += 1;
            match own.start_again() {
                Ok(()) => return Ok(own),
                Err(_) if attempt < ATTEMPTS && programs::port_is_taken(own.port) => {}
                Err(error) => return Err(error),
            }
        }
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Takes every mail, which is how it begins.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn take(&self) -> Result<()> {
        self.order("")
    }

    /// Refuses every recipient with this number: 451 for now, 550 for good.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn refuse(&self, code: u16) -> Result<()> {
        self.order(&format!("refuse {code}\n"))
    }

    /// Answers each recipient only after so long.
    ///
    /// # Errors
    /// Its folder cannot be written.
    pub fn delay(&self, by: Duration) -> Result<()> {
        self.order(&format!("delay {}\n", by.as_secs_f64()))
    }

    fn order(&self, words: &str) -> Result<()> {
        let folder = self.instance.lock().folder().to_owned();
        fs::write(folder.join("new-orders"), words).context("write the orders")?;
        fs::rename(folder.join("new-orders"), folder.join("orders")).context("give the orders")
    }

    /// Everything that it has taken, in order.
    ///
    /// # Errors
    /// Its folder cannot be read.
    pub fn mails(&self) -> Result<Vec<Mail>> {
        let folder = self.instance.lock().folder().join("mails");
        let mut files: Vec<_> =
            fs::read_dir(folder)?.map(|it| Ok(it?.path())).collect::<Result<_>>()?;
        files.sort();
        files.iter().map(|path| mail(&fs::read_to_string(path)?)).collect()
    }

    /// # Errors
    /// It does not run, or goes on running.
    pub fn stop(&self) -> Result<()> {
        self.instance.lock().stop(Signal::Terminate)
    }

    /// Holds it still: connections stay open and nothing answers.
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

    /// Starts it on the same port, with the mails that it had, and waits until it answers.
    ///
    /// # Errors
    /// It runs already, or does not start.
    pub fn start_again(&self) -> Result<()> {
        let mut instance = self.instance.lock();
        let mut command = programs::command(PYTHON.as_ref());
        command.args(["-B", "smtp.py", &self.port.to_string(), &self.banner]);
        if let Some(tls) = &self.options.tls {
            command.args(["--tls", if tls.now { "now" } else { "start" }]);
            command.arg(&tls.certificate).arg(&tls.key);
        }
        if let Some((user, password)) = &self.options.login {
            command.args(["--login", user, password]);
        }
        instance.start(&mut command, || self.is_ready().then_some(()))
    }

    /// It answers, and is not somebody else on the same port.
    fn is_ready(&self) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let Ok(stream) = TcpStream::connect_timeout(&address, WORD) else { return false };
        if self.options.tls.as_ref().is_some_and(|it| it.now) {
            // It says nothing in the clear.
            return true;
        }
        let mut greeting = String::new();
        let heard = stream.set_read_timeout(Some(WORD)).is_ok()
            && BufReader::new(stream).read_line(&mut greeting).is_ok();
        heard && greeting.contains(&self.banner)
    }
}

fn installed() -> Result<()> {
    let asked = Command::new(PYTHON).args(["-c", "import aiosmtpd"]).output();
    ensure!(
        asked.is_ok_and(|it| it.status.success()),
        "aiosmtpd is not installed: run `apt-get install python3-aiosmtpd` (cargo xtask test does it)"
    );
    Ok(())
}

/// Reads headers, a blank line, and the text.
fn mail(raw: &str) -> Result<Mail> {
    let (head, text) = raw.split_once("\n\n").context("a mail has a head and a text")?;
    let header = |line: &str| {
        let (name, value) =
            line.split_once(": ").unwrap_or_else(|| (line.trim_end_matches(':'), ""));
        (name.to_owned(), value.to_owned())
    };
    let mut headers: Vec<_> = head.lines().map(header).collect();
    ensure!(3 <= headers.len(), "what the script adds is there");
    let [to, secured, login] = [0, 0, 0].map(|at| headers.remove(at).1);
    Ok(Mail { to, headers, text: text.to_owned(), secured: secured == "yes", login })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_read_with_its_headers_and_its_text() {
        let raw =
            "Envelope-To: ann@example.org\nSecured: no\nLogin: \nSubject: Hello: Ann\n\nHi\n\nBye";
        let mail = mail(raw).unwrap();
        assert_eq!((mail.to.as_str(), mail.header("subject")), ("ann@example.org", "Hello: Ann"));
        assert_eq!((mail.text.as_str(), mail.secured), ("Hi\n\nBye", false));
        assert_eq!(mail.header("Date"), "");
    }
}
