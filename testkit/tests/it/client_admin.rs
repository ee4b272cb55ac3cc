//! The client library of an admin, and of those who are told something by one.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use thrive_client::admin::{AdminAnswer, AdminCommand, Line, grammar};
use thrive_client::{Change, Changes, Client, Code, Failure, Options, Secret, ServerAddress};
use thrive_testkit::{Door, PASSWORD, TestNode, eventually};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(45);

async fn open(dir: &std::path::Path, name: &str, door: &Door) -> Result<Client> {
    let options = Options {
        dir: dir.join(name),
        server: ServerAddress { host: "127.0.0.1".into(), port: door.address.port() },
        program: "thrive-testkit".into(),
        device: format!("{name}'s computer"),
    };
    let client = Client::open(options).await?;
    client.log_in(name, Secret::new(PASSWORD.into())).await?;
    client.online(PATIENCE).await?;
    Ok(client)
}

fn typed(line: &str) -> Result<AdminCommand> {
    match grammar::parse(line)? {
        Line::Command(command) => Ok(command),
        Line::Help(_) => bail!("{line} is no order"),
    }
}

async fn heard<T>(changes: &mut Changes, pick: impl Fn(Change) -> Option<T>) -> Result<T> {
    loop {
        let change = timeout(PATIENCE, changes.next()).await.context("a change in time")?;
        if let Some(picked) = pick(change.context("the client is open")?) {
            return Ok(picked);
        }
    }
}

#[tokio::test]
async fn what_an_admin_types_is_done_and_heard_by_whom_it_is_about() -> Result<()> {
    let (node, dir) = (TestNode::start().await?, tempfile::tempdir()?);
    drop(node.pair().await?);
    let ann = open(dir.path(), "ann", &node).await?;
    let bob = open(dir.path(), "bob", &node).await?;
    assert!(ann.is_admin() && !bob.is_admin());
    assert!(bob.contacts()[0].admin, "Bob sees that Ann is one");
    let refused = bob.admin(typed("/unadmin ann")?).await;
    assert!(matches!(refused, Err(Failure::Refused { code: Code::AdminOnly, .. })), "{refused:?}");

    let mut changes = bob.changes();
    ann.admin(typed("/alert The server moves at eight.")?).await?;
    let alert = heard(&mut changes, |change| match change {
        Change::Alert { text, .. } => Some(text),
        _ => None,
    });
    assert_eq!(alert.await?, "The server moves at eight.");
    ann.admin(typed("/admin bob")?).await?;
    assert!(heard(&mut changes, |it| matches!(it, Change::Admin(true)).then_some(true)).await?);
    eventually("Ann sees that Bob is one", async || {
        Ok(ann.contacts().first().is_some_and(|it| it.admin).then_some(()))
    })
    .await?;

    let answer = ann.admin(typed("/ban bob 12/31/9999 no spam")?).await?;
    assert!(matches!(answer, AdminAnswer::Banned { until: None, .. }), "{answer:?}");
    let banned = heard(&mut changes, |change| match change {
        Change::Banned { until_ms, reason } => Some((until_ms, reason)),
        _ => None,
    });
    assert_eq!(banned.await?, (None, "no spam".to_owned()));
    let code = heard(&mut changes, |change| match change {
        Change::LoggedOut(code) => Some(code),
        _ => None,
    });
    assert_eq!(code.await?, Some(Code::Banned));
    let again = bob.log_in("bob", Secret::new(PASSWORD.into())).await;
    assert_eq!(again, Err(Failure::Banned { until_ms: None, reason: "no spam".into() }));
    let wrong = bob.log_in("bob", Secret::new("wrong".into())).await;
    let wrong_credentials = |failure: &Failure| {
        matches!(failure, Failure::Refused { code: Code::WrongCredentials, .. })
    };
    assert!(wrong.as_ref().is_err_and(wrong_credentials), "{wrong:?}");
    let AdminAnswer::Audit { entries, .. } = ann.admin(typed("/audit 3")?).await? else {
        bail!("no audit")
    };
    let actions: Vec<_> = entries.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions, ["ban", "promote", "alert"]);
    Ok(())
}
