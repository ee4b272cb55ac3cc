//! The desktop client as a blind user meets it: what has the focus, what can be read, which keys
//! were pressed.

use std::process::{Command, ExitStatus};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Seat;
use super::desk::Desk;
use super::tree::Node;
use crate::children::Child;
use crate::{deadline, shell};

/// What a screen may take to answer a key on a busy machine.
const ANSWER: Duration = Duration::from_secs(20);

/// How long a screen must look the same to be called settled.
const SETTLED: Duration = Duration::from_millis(400);

pub(super) struct Window<'a> {
    desk: &'a Desk,
    program: Child,
}

impl<'a> Window<'a> {
    pub(super) fn open(desk: &'a Desk, seat: &Seat) -> Result<Self> {
        let mut command = messenger(desk, seat);
        let log = desk.logs.join("messenger.log");
        Ok(Self { desk, program: Child::logged("The desktop client", &mut command, &log)? })
    }

    /// Starts the program a second time, and waits for its end.
    pub(super) fn start_again(&self, seat: &Seat) -> Result<ExitStatus> {
        let log = self.desk.logs.join("messenger-again.log");
        let mut again = Child::logged("The second start", &mut messenger(self.desk, seat), &log)?;
        deadline::wait("the end of the second start", ANSWER, || Ok(again.ended()))
    }

    pub(super) fn press(&self, keys: &[&str]) -> Result<()> {
        self.desk.press(keys)
    }

    pub(super) fn write(&self, text: &str) -> Result<()> {
        self.desk.write(text)
    }

    /// The tree as it is now; nothing while the program is not on the bus.
    pub(super) fn tree(&mut self) -> Result<Option<Node>> {
        self.program.still_there()?;
        let mut script = self.desk.command("timeout");
        let tree = self.desk.script("tree.py");
        script.arg("30").arg(tree.get_program()).args(tree.get_args());
        Node::read(&shell::output(script.arg(self.program.id().to_string()))?)
    }

    /// Waits until what has the focus is what `wanted` means, and gives it. The error names what
    /// had it instead.
    pub(super) fn focus(&mut self, what: &str, wanted: impl Fn(&Node) -> bool) -> Result<Node> {
        let mut last = None;
        let found = deadline::wait(what, ANSWER, || {
            let Some(tree) = self.tree()? else { return Ok(None) };
            let focused = tree.active_window().and_then(Node::focused).cloned();
            let hit = focused.clone().filter(|node| wanted(node));
            last = focused;
            Ok(hit)
        });
        found.with_context(|| match last {
            Some(node) => format!("the focus is on {} {:?}", node.role, node.name),
            None => "nothing has the focus".to_owned(),
        })
    }

    /// The active window, once it stays as it is for a moment.
    pub(super) fn settled(&mut self) -> Result<Node> {
        let mut last: Option<Node> = None;
        deadline::wait("a screen that stays as it is", ANSWER, || {
            let now = self.tree()?.and_then(|tree| tree.active_window().cloned());
            if now.is_some() && now == last {
                return Ok(now);
            }
            last = now;
            thread::sleep(SETTLED);
            Ok(None)
        })
    }

    /// Waits for something in any of the program's windows.
    pub(super) fn find(&mut self, what: &str, wanted: impl Fn(&Node) -> bool) -> Result<Node> {
        deadline::wait(what, ANSWER, || {
            let tree = self.tree()?;
            let all = tree.as_ref().map(Node::all).unwrap_or_default();
            Ok(all.into_iter().find(|node| wanted(node)).cloned())
        })
    }

    /// Waits until the program has ended by itself.
    pub(super) fn ended(&mut self) -> Result<ExitStatus> {
        deadline::wait("the end of the program", ANSWER, || Ok(self.program.ended()))
    }

    /// It ended by itself, and well.
    pub(super) fn ended_well(&mut self) -> Result<()> {
        let status = self.ended()?;
        if status.success() {
            Ok(())
        } else {
            bail!("the program ended with {status}{}", self.program.last_words())
        }
    }
}

fn messenger(desk: &Desk, seat: &Seat) -> Command {
    let mut command = desk.command(&seat.program);
    command.args(["--server", &seat.server]);
    command.arg("--dir").arg(&seat.folder);
    command.envs(seat.trusts.iter().map(|certificate| ("SSL_CERT_FILE", certificate)));
    command
}
