//! Accounts by e-mail, end to end: real nodes, the client that people use, and a real mail server that is
//! up, down, slow, and refuses.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use thrive_client::{Client, Failure, Options, Secret, ServerAddress, SignedUp};
use thrive_node::config::{Config, Sender, Smtp, SmtpSecurity};
use thrive_protocol::mail::{EmailAddress, RequestReset, ResendCode, ResetPassword, VerifyAccount};
use thrive_protocol::version::close;
use thrive_protocol::{Code, Event, Request};
use thrive_services::{Mail, OwnSmtp};
use thrive_testkit::chaos::WrongClock;
use thrive_testkit::process::Place;
use thrive_testkit::{Cluster, Door, PASSWORD, TestNode, bin, eventually};

const NEW: &str = "quite another password";
const ADDRESS: &str = "ann@example.org";

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?)
}

/// Makes a node send its mail there.
fn by(smtp: &OwnSmtp) -> impl FnOnce(&mut Config) + use<> {
    let port = smtp.port();
    move |config| {
        config.smtp = Some(Smtp {
            server: "127.0.0.1".into(),
            port,
            security: SmtpSecurity::None,
            login: None,
            ca: None,
            from: Sender {
                name: None,
                address: EmailAddress::parse("noreply@example.org").expect("an address"),
            },
        });
    }
}

/// The same as settings of a process.
fn settings(smtp: &OwnSmtp) -> [(&'static str, String); 5] {
    [
        ("smtp.enabled", "true".into()),
        ("smtp.server", "127.0.0.1".into()),
        ("smtp.port", smtp.port().to_string()),
        ("smtp.security", "none".into()),
        ("smtp.from", "The Lighthouse <noreply@example.org>".into()),
    ]
}

async fn client(dir: &Path, door: &Door) -> Result<Client> {
    let options = Options {
        dir: dir.to_owned(),
        server: ServerAddress { host: "127.0.0.1".into(), port: door.address.port() },
        program: "thrive-testkit".into(),
        device: "a test".into(),
    };
    Ok(Client::open(options).await?)
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

/// Waits for the mail with this number, counted from 1.
async fn mail(smtp: &OwnSmtp, number: usize) -> Result<Mail> {
    eventually("the mail comes", async || Ok(smtp.mails()?.into_iter().nth(number - 1))).await
}

/// Waits for the mail with this number, and takes the code out of it.
async fn code(smtp: &OwnSmtp, number: usize) -> Result<String> {
    let mail = mail(smtp, number).await?;
    let halves = |it: &&str| it.len() == 9 && it.as_bytes()[4] == b'-' && it.to_uppercase() == **it;
    let found = mail.text.split_whitespace().find(halves);
    Ok(found.with_context(|| format!("a code in {}", mail.text))?.to_owned())
}

fn refused<T>(result: Result<T, Failure>) -> Result<Code> {
    match result {
        Err(Failure::Refused { code, .. }) => Ok(code),
        Err(other) => bail!("not refused but {other}"),
        Ok(_) => bail!("it was not refused"),
    }
}

fn verify(username: &str, code: &str) -> Request {
    Request::VerifyAccount(VerifyAccount { username: username.into(), code: secret(code) })
}

fn forgot(account: &str) -> Request {
    Request::RequestReset(RequestReset { account: secret(account) })
}

fn reset(username: &str, code: &str, password: &str) -> Request {
    let (code, password) = (secret(code), secret(password));
    Request::ResetPassword(ResetPassword { username: username.into(), code, password })
}

/// A node that sends mail, and Ann, who has an account there.
async fn with_ann(smtp: &OwnSmtp) -> Result<TestNode> {
    let node = TestNode::start_with(by(smtp)).await?;
    node.sign_up_with("ann", ADDRESS).await?;
    let code = code(smtp, 1).await?;
    node.guest().await?.ok(verify("ann", &code)).await?;
    Ok(node)
}

#[tokio::test]
async fn somebody_signs_up_with_an_address_and_comes_in_after_the_code() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let (node, dir) = (TestNode::start_with(by(&smtp)).await?, folder()?);
    let ann = client(dir.path(), &node).await?;
    assert!(ann.server_info().await?.email_required);
    let without = ann.create_account("ann", secret(PASSWORD)).await;
    assert_eq!(refused(without)?, Code::EmailRequired, "an older program is told why");
    let signed_up = ann.sign_up("ann", secret(PASSWORD), Some(" Ann@Example.org "), None).await?;
    assert_eq!(signed_up, SignedUp::CodeSent);
    let early = ann.log_in("ann", secret(PASSWORD)).await;
    assert_eq!(refused(early)?, Code::AccountUnverified);
    assert_eq!(ann.server_info().await?.accounts, 0, "not yet");

    let typed = code(&smtp, 1).await?;
    assert_eq!(refused(ann.verify_account("ann", secret("K7QM-R2XP")).await)?, Code::WrongCode);
    ann.verify_account("ann", secret(&typed.to_lowercase())).await?;
    ann.log_in("ann", secret(PASSWORD)).await?;
    ann.online(Duration::from_secs(30)).await?;
    assert_eq!(ann.email().await?.address.as_deref(), Some("A***@Example.org"));

    ann.change_email("ann@example.net", secret(PASSWORD)).await?;
    let typed = code(&smtp, 2).await?;
    assert_eq!(ann.email().await?.changing_to.as_deref(), Some("a***@example.net"));
    ann.confirm_email(secret(&typed)).await?;
    assert_eq!(ann.email().await?.address.as_deref(), Some("a***@example.net"));
    let notice = mail(&smtp, 3).await?;
    assert_eq!((notice.to.as_str(), notice.text.contains("another")), ("Ann@Example.org", true));
    ann.close().await;
    Ok(())
}

#[tokio::test]
async fn weakness_13_nobody_can_meet_an_account_that_is_not_verified() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let node = with_ann(&smtp).await?;
    node.sign_up_with("bob", "bob@example.org").await?;
    let mut ann = node.log_in("ann").await?;
    let open = || Request::OpenConversation { username: "bob".into() };
    assert_eq!(ann.refused(open()).await?, Code::NoSuchUser);
    let ask = thrive_testkit::door::request_contact("bob", "");
    assert_eq!(ann.refused(ask).await?, Code::NoSuchUser);
    let code = code(&smtp, 2).await?;
    node.guest().await?.ok(verify("bob", &code)).await?;
    ann.ok(open()).await.map(drop)
}

#[tokio::test]
async fn a_forgotten_password_is_replaced_and_whoever_was_logged_in_is_thrown_out() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let node = with_ann(&smtp).await?;
    let mut thief = node.log_in("ann").await?;
    let token = thief.token()?;
    let mut guest = node.guest().await?;
    guest.ok(forgot(ADDRESS)).await?;
    let code = code(&smtp, 2).await?;
    assert_eq!(guest.refused(reset("ann", &code, "12345678")).await?, Code::PasswordTooCommon);
    guest.ok(reset("ann", &code, NEW)).await?;
    thief.event(|event| matches!(event, Event::SessionEnded {}).then_some(())).await?;
    assert_eq!(thief.closed().await?, close::SESSION_ENDED);
    assert!(node.resume(&token).await.is_err(), "the token is void");
    let old = node.try_log_in(&mut guest, "ann", PASSWORD).await?;
    assert_eq!(old.map_err(|no| no.code), Err(Code::WrongCredentials));
    assert!(node.try_log_in(&mut guest, "ann", NEW).await?.is_ok());
    assert!(mail(&smtp, 3).await?.header("Subject").contains("was changed"));
    Ok(())
}

#[tokio::test]
async fn weakness_23_while_the_mail_server_is_down_nobody_waits_and_afterwards_the_mail_comes()
-> Result<()> {
    let smtp = OwnSmtp::start()?;
    let node = with_ann(&smtp).await?;
    smtp.stop()?;
    node.sign_up_with("bob", "bob@example.org").await?;
    let mut guest = node.guest().await?;
    guest.ok(forgot("ann")).await?;
    guest.ok(Request::ResendCode(ResendCode { username: "bob".into() })).await?;
    let mut ann = node.log_in("ann").await?;
    ann.ok(Request::Heartbeat {}).await?;
    smtp.start_again()?;
    let to_bob = async || {
        let mails = smtp.mails()?;
        Ok(mails.into_iter().rev().find(|it| it.to == "bob@example.org"))
    };
    let mut typed = eventually("Bob has a mail", to_bob).await?;
    // Of the two that were asked for, only the last one counts.
    let verified = eventually("Bob is verified", async || {
        typed = to_bob().await?.unwrap_or_else(|| typed.clone());
        let word = typed.text.split_whitespace().find(|it| it.len() == 9 && it.contains('-'));
        Ok(guest.ask(verify("bob", word.context("a code")?)).await?.ok())
    });
    verified.await.map(drop)
}

#[tokio::test]
async fn a_mail_server_that_falls_silent_holds_nobody_up() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let node = with_ann(&smtp).await?;
    // Nothing can be sent, so whatever is answered was answered without it.
    smtp.pause()?;
    let begun = Instant::now();
    node.sign_up_with("bob", "bob@example.org").await?;
    let mut guest = node.guest().await?;
    for account in ["ann", ADDRESS, "nobody"] {
        guest.ok(forgot(account)).await?;
    }
    node.log_in("ann").await?.ok(Request::ShowEmail {}).await?;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    smtp.resume()?;
    mail(&smtp, 2).await.map(drop)
}

#[tokio::test]
async fn a_mail_server_that_is_slow_delays_the_mail_and_nothing_else() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let node = with_ann(&smtp).await?;
    smtp.delay(Duration::from_secs(3))?;
    let begun = Instant::now();
    let mut guest = node.guest().await?;
    guest.ok(forgot("ann")).await?;
    node.log_in("ann").await?;
    assert_eq!(smtp.mails()?.len(), 1, "it is still on its way");
    let code = code(&smtp, 2).await?;
    assert!(Duration::from_secs(3) <= begun.elapsed());
    guest.ok(reset("ann", &code, NEW)).await.map(drop)
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_comes_later_and_one_for_good_never() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let node = with_ann(&smtp).await?;
    smtp.refuse(451)?;
    let mut guest = node.guest().await?;
    guest.ok(forgot("ann")).await?;
    node.log_in("ann").await?;
    smtp.take()?;
    mail(&smtp, 2).await?;

    smtp.refuse(550)?;
    node.sign_up_with("bob", "bob@example.org").await?;
    let mut bob = node.guest().await?;
    let early = node.try_log_in(&mut bob, "bob", PASSWORD).await?;
    assert_eq!(early.map_err(|no| no.code), Err(Code::AccountUnverified));
    smtp.take()?;
    node.sign_up_with("cleo", "cleo@example.org").await?;
    let to = mail(&smtp, 3).await?.to;
    assert!(["cleo@example.org", "bob@example.org"].contains(&to.as_str()), "{to}");
    Ok(())
}

#[tokio::test]
async fn codes_count_on_every_node_and_a_reset_ends_sessions_on_all_of_them() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let mut builder = Cluster::start().nodes(2);
    for (key, value) in settings(&smtp) {
        builder = builder.set(key, value);
    }
    let cluster = tokio::task::spawn_blocking(move || builder.ready()).await??;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    here.sign_up_with("ann", ADDRESS).await?;
    let first = code(&smtp, 1).await?;
    let early = here.try_log_in(&mut there.guest().await?, "ann", PASSWORD).await?;
    assert_eq!(early.map_err(|no| no.code), Err(Code::AccountUnverified));
    there.guest().await?.ok(verify("ann", &first)).await?;
    let mut ann = here.log_in("ann").await?;

    let (mut one, mut other) = (here.guest().await?, there.guest().await?);
    one.ok(forgot("ann")).await?;
    let second = code(&smtp, 2).await?;
    let wrong = if second.ends_with("22") { "3333-3333" } else { "2222-2222" };
    for at_the_other in [false, true, false, true, false] {
        let guest = if at_the_other { &mut other } else { &mut one };
        assert_eq!(guest.refused(reset("ann", wrong, NEW)).await?, Code::WrongCode);
    }
    assert_eq!(other.refused(reset("ann", &second, NEW)).await?, Code::WrongCode, "used up");

    other.ok(forgot("ann")).await?;
    let third = code(&smtp, 3).await?;
    other.ok(reset("ann", &third, NEW)).await?;
    ann.event(|event| matches!(event, Event::SessionEnded {}).then_some(())).await?;
    assert!(mail(&smtp, 4).await?.header("Subject").contains("was changed"));
    one.ok(forgot("ann")).await?;
    assert_eq!(mail(&smtp, 5).await?.to, ADDRESS);
    // Three for forgotten passwords in this hour were sent by two nodes.
    other.ok(forgot("ann")).await?;
    here.sign_up_with("bob", "bob@example.org").await?;
    assert_eq!(mail(&smtp, 6).await?.to, "bob@example.org");
    Ok(())
}

/// It was right when the node joined: a node with a clock that is far off does not.
#[tokio::test]
async fn the_clock_of_a_node_makes_no_code_too_old_and_none_last_longer() -> Result<()> {
    let (smtp, clock) = (OwnSmtp::start()?, WrongClock::new()?);
    let mut builder = Cluster::start().nodes(2);
    for (key, value) in settings(&smtp) {
        builder = builder.set(key, value);
    }
    for (name, value) in clock.environment() {
        builder = builder.environment_of(0, name, &value);
    }
    let cluster = tokio::task::spawn_blocking(move || builder.ready()).await??;
    let (wrong, right) = (cluster.door(0)?, cluster.door(1)?);
    for (number, (name, seconds)) in [("ann", -3_600), ("bob", 3_600)].into_iter().enumerate() {
        clock.set(seconds)?;
        wrong.sign_up_with(name, &format!("{name}@example.org")).await?;
        let typed = code(&smtp, number + 1).await?;
        right.guest().await?.ok(verify(name, &typed)).await?;
    }
    right.guest().await?.ok(forgot("ann")).await?;
    let typed = code(&smtp, 3).await?;
    wrong.guest().await?.ok(reset("ann", &typed, NEW)).await?;
    Ok(())
}

#[tokio::test]
async fn no_address_and_no_code_is_in_the_log_even_at_the_finest_level() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let folder = folder()?;
    let mut place = Place::new(&folder.path().join("node"))?.set("log", "trace");
    for (key, value) in settings(&smtp) {
        place = place.set(key, value);
    }
    let node = place.start()?;
    node.sign_up_with("ann", "canary@example.org").await?;
    let typed = code(&smtp, 1).await?;
    smtp.refuse(550)?;
    node.sign_up_with("bob", "canary-too@example.org").await?;
    let mut guest = node.guest().await?;
    guest.ok(verify("ann", &typed)).await?;
    guest.ok(forgot("canary@example.org")).await?;
    assert_eq!(guest.refused(forgot("canary@")).await?, Code::EmailInvalid);
    eventually("the refusals are in the log", async || {
        let log = std::fs::read_to_string(place.log())?;
        Ok((2 <= log.matches("has refused a mail").count()).then_some(()))
    })
    .await?;
    smtp.stop()?;
    guest.ok(forgot("ann")).await?;
    eventually("the outage is in the log", async || {
        Ok(std::fs::read_to_string(place.log())?.contains("takes no mails").then_some(()))
    })
    .await?;
    node.terminate()?;
    let log = std::fs::read_to_string(place.log())?;
    for word in ["canary", typed.as_str(), &typed.replace('-', ""), PASSWORD] {
        assert!(!log.contains(word), "{word} is in the log");
    }
    Ok(())
}

/// Runs the `thrive` command, with passwords in its environment.
fn thrive(folder: &Path, door: &Door, arguments: &[&str]) -> Result<Output> {
    let mut command = std::process::Command::new(bin("thrive")?);
    command.args(["--json", "--server", &door.address.to_string(), "--dir"]).arg(folder);
    command.args(arguments).env("THRIVE_PASSWORD", PASSWORD).env("THRIVE_NEW_PASSWORD", NEW);
    command.stdin(std::process::Stdio::null()).output().context("run thrive")
}

#[tokio::test]
async fn the_thrive_command_does_all_of_it() -> Result<()> {
    let smtp = OwnSmtp::start()?;
    let (node, folder) = (TestNode::start_with(by(&smtp)).await?, folder()?);
    let run = async |arguments: &[&str]| {
        let (dir, door) = (folder.path().to_owned(), (*node).clone());
        let owned: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        let output = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = owned.iter().map(String::as_str).collect();
            thrive(&dir, &door, &arguments)
        });
        let output = output.await??;
        let line: serde_json::Value = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("JSON of {arguments:?}: {output:?}"))?;
        Ok::<_, anyhow::Error>((output.status.code(), line))
    };
    let (status, refused) = run(&["account", "create", "ann"]).await?;
    assert_eq!((status, refused["error"]["code"].as_str()), (Some(1), Some("email_required")));
    let (status, made) = run(&["account", "create", "ann", "--email", ADDRESS]).await?;
    assert_eq!((status, made["verified"].as_bool()), (Some(0), Some(false)));
    let (status, early) = run(&["login", "ann"]).await?;
    assert_eq!((status, early["error"]["code"].as_str()), (Some(1), Some("account_unverified")));
    run(&["account", "verify", "ann", "--resend"]).await?;
    code(&smtp, 1).await?;
    let typed = code(&smtp, 2).await?;
    let (status, wrong) = run(&["account", "verify", "ann", "nonsense"]).await?;
    assert_eq!((status, wrong["error"]["code"].as_str()), (Some(1), Some("wrong_code")));
    assert_eq!(run(&["account", "verify", "ann", &typed]).await?.0, Some(0));
    assert_eq!(run(&["login", "ann"]).await?.0, Some(0));
    let (_, shown) = run(&["account", "email"]).await?;
    assert_eq!(shown["address"].as_str(), Some("a***@example.org"));
    assert_eq!(run(&["account", "email", "change", "new@example.net"]).await?.0, Some(0));
    let typed = code(&smtp, 3).await?;
    assert_eq!(run(&["account", "email", "confirm", &typed]).await?.0, Some(0));
    let (_, shown) = run(&["account", "email", "show"]).await?;
    assert_eq!(shown["address"].as_str(), Some("n***@example.net"));
    mail(&smtp, 4).await?;

    assert_eq!(run(&["account", "forgot", "new@example.net"]).await?.0, Some(0));
    let typed = code(&smtp, 5).await?;
    assert_eq!(run(&["account", "reset", "ann", &typed]).await?.0, Some(0));
    let (status, ended) = run(&["account", "email"]).await?;
    assert_eq!((status, ended["error"]["code"].as_str()), (Some(4), Some("session_ended")));
    let mut guest = node.guest().await?;
    assert!(node.try_log_in(&mut guest, "ann", NEW).await?.is_ok());
    Ok(())
}
