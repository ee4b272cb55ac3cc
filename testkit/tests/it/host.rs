//! What somebody at the machine of the server can do: the commands of `thrive-node`, and the console.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use tempfile::TempDir;
use thrive_protocol::admin::{AdminAnswer, AdminCommand};
use thrive_protocol::request::CreateAccount;
use thrive_protocol::secret::Secret;
use thrive_protocol::text::AlertText;
use thrive_protocol::{Code, Event, Reply, Request};
use thrive_services::free_udp_port;
use thrive_testkit::process::Place;
use thrive_testkit::{PASSWORD, RawClient, TestNode, eventually};

/// A folder for a node, and a file with a password.
struct Machine {
    _folder: TempDir,
    place: Place,
    password: PathBuf,
}

impl Machine {
    fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?;
        let place = Place { port: free_udp_port()?, ..Place::new(&folder.path().join("node"))? };
        let password = folder.path().join("password");
        fs::write(&password, format!("{PASSWORD}\n"))?;
        Ok(Self { _folder: folder, place, password })
    }

    /// What a command said.
    fn said(&self, arguments: &[&str]) -> Result<String> {
        let output = self.place.host(arguments).output()?;
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        ensure!(output.status.success(), "{error}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn refused(&self, arguments: &[&str]) -> Result<String> {
        match self.said(arguments) {
            Ok(said) => bail!("{arguments:?} was not refused: {said}"),
            Err(error) => Ok(error.to_string()),
        }
    }

    /// With the file of the password.
    fn with_password(&self, arguments: &[&str]) -> Result<String> {
        let file = self.password.display().to_string();
        self.said(&[arguments, &["--password-file", &file]].concat())
    }
}

async fn is_admin(client: &RawClient) -> Result<bool> {
    match client.bulk(Request::ListContacts {}).await? {
        Ok(Reply::Roster { admin, .. }) => Ok(admin),
        other => bail!("no roster but {other:?}"),
    }
}

#[tokio::test]
async fn people_are_managed_before_the_first_start_and_while_the_node_runs() -> Result<()> {
    let machine = Machine::new()?;
    let made = machine.with_password(&["admin", "create", "ann"])?;
    assert_eq!(made, "The account ann is made.\nann is an admin now.");
    assert_eq!(
        machine.refused(&["user", "delete", "bob"])?,
        "thrive-node: there is nobody of that name"
    );

    let node = machine.place.start()?;
    let ann = node.log_in("ann").await?;
    assert!(is_admin(&ann).await?);
    assert_eq!(machine.with_password(&["user", "create", "bob"])?, "The account bob is made.");
    let bob = node.log_in("bob").await?;
    assert!(!is_admin(&bob).await?);
    assert_eq!(machine.said(&["admin", "create", "bob"])?, "bob is an admin now.");
    assert!(is_admin(&bob).await?, "it counts while the node runs");
    assert!(machine.said(&["user", "list"])?.contains("bob (Admin), since "));
    let again = machine.refused(&["admin", "create", "bob"])?;
    assert!(again.contains("an admin already"), "{again}");

    let banned = machine.said(&["ban", "add", "bob", "3d", "no", "spam"])?;
    assert!(banned.contains("; 1 session ended."), "{banned}");
    bob.closed().await?;
    let listed = machine.said(&["ban", "list"])?;
    assert!(
        listed.starts_with("bob is banned until ") && listed.ends_with(": no spam"),
        "{listed}"
    );
    assert!(machine.refused(&["ban", "add", "bob", "2027-02-30"])?.contains("not in the calendar"));
    machine.said(&["ban", "remove", "bob"])?;
    let bob = node.log_in("bob").await?;
    let changed = machine.with_password(&["user", "password", "bob"])?;
    assert_eq!(changed, "bob has another password now; 1 sessions ended.");
    bob.closed().await?;
    let audit = machine.said(&["admin", "audit"])?;
    assert!(audit.contains("host: ban bob until ") && !audit.contains(PASSWORD), "{audit}");
    Ok(())
}

#[tokio::test]
async fn a_code_of_the_host_lets_one_person_in() -> Result<()> {
    let mut machine = Machine::new()?;
    machine.place = machine.place.set("sign_up", "invite");
    let node = machine.place.start()?;
    let said = machine.said(&["invite", "create"])?;
    let code = said.lines().next().unwrap_or_default();
    let sign_up = |username: &str, code: Option<&str>| {
        let (username, password) = (username.to_owned(), Secret::new(PASSWORD.to_owned()));
        let invite = code.map(|it| Secret::new(it.to_owned()));
        Request::CreateAccount(CreateAccount { username, password, email: None, invite })
    };
    let mut guest = node.guest().await?;
    assert_eq!(guest.refused(sign_up("ann", None)).await?, Code::InviteRequired);
    guest.ok(sign_up("ann", Some(code))).await?;
    assert_eq!(guest.refused(sign_up("bob", Some(code))).await?, Code::InviteInvalid);
    assert_eq!(machine.said(&["invite", "list"])?, "Nobody is invited.");
    let said = machine.said(&["invite", "create", "--uses", "5", "--until", "2w"])?;
    let number = said.split(&[' ', '.']).find(|it| it.parse::<i64>().is_ok()).unwrap_or_default();
    assert!(machine.said(&["invite", "list"])?.contains(", for 5 more, until "));
    machine.said(&["invite", "revoke", number])?;
    assert_eq!(machine.said(&["invite", "list"])?, "Nobody is invited.");
    Ok(())
}

#[tokio::test]
async fn a_restart_serves_again_in_the_same_process_and_an_exit_ends_it_with_0() -> Result<()> {
    let machine = Machine::new()?;
    let node = machine.place.start()?;
    let mut ann = node.newcomer("ann").await?;
    let restart = ann.ok(Request::Admin(AdminCommand::Restart {})).await?;
    assert_eq!(restart, Reply::Admin(AdminAnswer::Restarting {}));
    ann.closed().await?;
    let again = eventually("it serves again", async || Ok(node.log_in("ann").await.ok()));
    let mut ann = again.await?;
    let stop = ann.ok(Request::Admin(AdminCommand::Stop { all: false })).await?;
    assert_eq!(stop, Reply::Admin(AdminAnswer::Stopping { nodes: 1, alone: false }));
    ann.closed().await?;
    assert_eq!(node.ended()?.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn the_console_takes_the_same_words_and_is_the_host() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let console = node.console();
    assert!(console.obey("/help").await.contains("/ban USER DATE|DURATION [REASON]: "));
    let seen = eventually("Ann is seen", async || {
        Ok((console.obey("who").await == "ann (Admin), online").then_some(()))
    });
    seen.await?;
    assert_eq!(
        console.obey("/unadmin nobody").await,
        "It was not done: there is nobody of that name."
    );
    assert!(console.obey("/ban ann 02/30/2027").await.starts_with("Not understood: 02/30/2027: "));
    assert_eq!(console.obey("/alert soon").await, "The alert was sent on 1 node; 1 online.");
    let text = ann.event(|event| match event {
        Event::Alert { text, .. } => Some(text),
        _ => None,
    });
    assert_eq!(text.await?, AlertText::cut("soon"));
    // The host may do what the last admin may not.
    assert_eq!(console.obey("/unadmin ann").await, "ann is no admin any more.");
    let order = Request::Admin(AdminCommand::Restart {});
    assert_eq!(ann.refused(order).await?, Code::AdminOnly);
    assert!(console.obey("/audit 1").await.contains("ann: restart (refused: admin_only)"));
    let console = console.clone();
    node.stop().await;
    assert_eq!(console.obey("/who").await, "The server is about to end.");
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn a_restart_runs_the_program_that_an_update_has_put_in_the_place_of_the_old_one()
-> Result<()> {
    let mut machine = Machine::new()?;
    let [installed, update] = ["installed", "update"].map(|it| machine.password.with_file_name(it));
    for copy in [&installed, &update] {
        fs::copy(&machine.place.program, copy)?;
    }
    machine.place.program = installed.clone();
    let node = machine.place.start()?;
    let mut ann = node.newcomer("ann").await?;
    fs::rename(&update, &installed)?;
    let answer = ann.ok(Request::Admin(AdminCommand::Restart {})).await?;
    assert!(matches!(answer, Reply::Admin(AdminAnswer::Restarting {})), "{answer:?}");
    ann.closed().await?;
    eventually("it is back", async || Ok(node.log_in("ann").await.ok())).await?;
    assert!(node.terminate()?.success());
    Ok(())
}
