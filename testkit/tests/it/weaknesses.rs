//! What was wrong with the messenger that Thrive follows, one test for each that no other file has: the
//! numbers are those of `docs/PARITY.md`, which names the others.

use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ciborium::Value;
use quinn::crypto::rustls::QuicServerConfig;
use tempfile::TempDir;
use thrive_client::{Client, Failure, Options, Secret, ServerAddress, Vault};
use thrive_node::config::Config;
use thrive_node::tls;
use thrive_protocol::admin::grammar::{self, Line};
use thrive_protocol::admin::{AdminAnswer, AdminCommand};
use thrive_protocol::people::Availability;
use thrive_protocol::request::BlockUser;
use thrive_protocol::{ClientFrame, Code, Event, Reply, Request, frame};
use thrive_services::free_udp_port;
use thrive_testkit::door::request_contact;
use thrive_testkit::process::Place;
use thrive_testkit::{PASSWORD, Pair, TestNode, eventually, message_id};
use tokio::task::JoinHandle;

/// Long enough for a client that waits before it comes back.
const REUNION: Duration = Duration::from_secs(45);

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?)
}

async fn client(dir: &Path, port: u16) -> Result<Client> {
    let options = Options {
        dir: dir.to_owned(),
        server: ServerAddress { host: "127.0.0.1".into(), port },
        program: "thrive-testkit".into(),
        device: "a test".into(),
    };
    Ok(Client::open(options).await?)
}

/// Whether any file below this folder has these bytes in it.
fn holds(folder: &Path, bytes: &[u8]) -> Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let found = match path.is_dir() {
            true => holds(&path, bytes)?,
            false => std::fs::read(&path)?.windows(bytes.len()).any(|it| it == bytes),
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test]
async fn weakness_01_whoever_a_message_claims_to_be_from_it_is_from_the_session() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let eve = node.newcomer("eve").await?.user()?;
    let rq = thrive_testkit::raw::message(chat, message_id(), "it is me, Eve");
    let sent = ClientFrame { id: 77, rq }.encode();
    // The frame again, with more in the request than a client has to say.
    let mut value: Value = ciborium::from_reader(&sent[4..])?;
    let rq = value
        .as_map_mut()
        .and_then(|it| it.iter_mut().find(|(key, _)| key.as_text() == Some("rq")));
    let rq = rq.and_then(|(_, rq)| rq.as_map_mut()).context("a request")?;
    let fields = rq.iter_mut().find_map(|(_, it)| it.as_map_mut()).context("fields")?;
    for key in ["from", "sender", "user"] {
        fields.push((Value::Text(key.into()), Value::Integer(eve.0.into())));
    }
    let mut forged = Vec::new();
    ciborium::into_writer(&value, &mut forged)?;
    ann.write(&frame::wrap(&forged)).await?;
    ensure!(ann.answer_to(77).await?.is_ok(), "what is not known is no matter");
    assert_eq!(bob.entry().await?.sender, ann.user()?);
    Ok(())
}

#[tokio::test]
async fn weakness_04_the_name_of_a_deleted_admin_brings_no_rights() -> Result<()> {
    let node = TestNode::start().await?;
    let mut host = node.newcomer("host").await?;
    let order = |words: AdminCommand| Request::Admin(words);
    let promote = |name: &str| order(AdminCommand::Promote { username: name.into() });
    let missing = host.refused(promote("mallory")).await?;
    assert_eq!(missing, Code::NoSuchUser, "a name that nobody has yet");
    let mut former = node.newcomer("mallory").await?;
    host.ok(promote("mallory")).await?;
    let alert = || order(AdminCommand::Alert { text: "Mine!".into() });
    former.ok(alert()).await?;
    host.ok(order(AdminCommand::DeleteUser { username: "mallory".into() })).await?;
    let request = thrive_testkit::door::create_account("mallory", None);
    assert_eq!(node.guest().await?.refused(request).await?, Code::UsernameTaken, "a name rests");
    assert_eq!(host.refused(promote("mallory")).await?, Code::NoSuchUser);
    Ok(())
}

#[tokio::test]
async fn weakness_05_what_is_no_thrive_server_hears_no_password() -> Result<()> {
    let dir = folder()?;
    let other = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
    let port = other.local_addr()?.port();
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        let mut datagram = [0; 2_048];
        // Answers everything with what is no QUIC, as a server without encryption would.
        while let Ok((length, from)) = other.recv_from(&mut datagram).await {
            heard.push(datagram[..length].to_vec());
            drop(other.send_to(b"{\"status\": \"ok\"}\n", from).await);
            if 3 <= heard.len() {
                break;
            }
        }
        heard
    });
    let ann = client(dir.path(), port).await?;
    let failure = ann.log_in("ann", Secret::new(PASSWORD.into())).await;
    ensure!(matches!(failure, Err(Failure::Unreachable(_))), "{failure:?}");
    let heard = heard.await?;
    ensure!(!heard.is_empty(), "it was asked");
    for datagram in heard {
        ensure!(!datagram.windows(PASSWORD.len()).any(|it| it == PASSWORD.as_bytes()));
    }
    Ok(())
}

#[tokio::test]
async fn weakness_08_no_password_is_kept_by_client_or_server() -> Result<()> {
    let (node, dir) = (TestNode::start().await?, folder()?);
    node.sign_up("ann").await?;
    let ann = client(dir.path(), node.address.port()).await?;
    let account = ann.log_in("ann", Secret::new(PASSWORD.into())).await?;
    ann.online(REUNION).await?;
    let server = ServerAddress { host: "127.0.0.1".into(), port: node.address.port() };
    let vault = Vault::open(dir.path());
    vault.save(&server, &account.username, &account.token).await?;
    let elsewhere = ServerAddress { port: 1, ..server.clone() };
    ensure!(vault.load(&elsewhere, &account.username).await.is_none(), "a token of another server");
    vault.remove(&server, &account.username).await?;
    ann.close().await;
    let in_base64 = data_encoding::BASE64.encode(PASSWORD.as_bytes());
    for words in [PASSWORD.as_bytes(), in_base64.trim_end_matches('=').as_bytes()] {
        ensure!(!holds(dir.path(), words)?, "the client keeps it");
        ensure!(!holds(node.folder(), words)?, "the server keeps it");
    }
    ensure!(holds(node.folder(), b"ann")?, "the files were read");
    Ok(())
}

#[tokio::test]
async fn weakness_12_a_stranger_can_be_blocked_and_is_heard_no_more() -> Result<()> {
    let node = TestNode::start().await?;
    let (mut ann, mut eve) = (node.newcomer("ann").await?, node.newcomer("eve").await?);
    let chat = eve.open_chat("ann").await?.conversation;
    ann.ok(Request::BlockUser(BlockUser { username: "eve".into() })).await?;
    let refused = eve.send(chat, message_id(), "hello?").await?;
    assert_eq!(refused.map_err(|it| it.code).map(drop), Err(Code::Blocked));
    drop(eve.ask(Request::Typing { conversation: chat, active: true }).await?);
    drop(eve.ask(request_contact("ann", "please")).await?);
    let news = ann.events_until(Duration::from_millis(150)).await?;
    let of_eve = |it: &&Event| match it {
        Event::Contact(contact) => contact.username.as_str() == "eve" && !contact.blocked,
        Event::Entry(_) | Event::Typing { .. } => true,
        _ => false,
    };
    assert_eq!(news.iter().find(of_eve), None);
    Ok(())
}

#[tokio::test]
async fn weakness_17_guests_who_say_nothing_keep_nobody_out() -> Result<()> {
    let node = TestNode::start().await?;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(node.connect().await?);
    }
    // Not even a handshake is finished by these: their first datagram is all that comes.
    let half = UdpSocket::bind("127.0.0.1:0")?;
    for _ in 0..40 {
        half.send_to(&[0xc0; 1_200], node.address)?;
    }
    let ann = tokio::time::timeout(Duration::from_secs(5), node.newcomer("ann")).await??;
    ensure!(ann.me.is_some());
    drop(silent);
    Ok(())
}

#[tokio::test]
async fn weakness_18_many_who_leave_at_once_are_all_seen_to_leave() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let mut others = Vec::new();
    for number in 0..12 {
        let name = format!("friend{number}");
        let mut friend = node.newcomer(&name).await?;
        ann.ok(request_contact(&name, "")).await?;
        friend.ok(Request::AcceptContact { user: ann.user()? }).await?;
        others.push(friend);
    }
    let mut left: Vec<_> = others.iter().map(|it| it.user()).collect::<Result<_>>()?;
    drop(ann.events_until(Duration::from_millis(200)).await?);
    drop(others);
    while !left.is_empty() {
        let gone = ann.event(|event| match event {
            Event::Presence { user, presence } => {
                (presence.availability == Availability::Offline).then_some(user)
            }
            _ => None,
        });
        let gone = gone.await.with_context(|| format!("{} are still there", left.len()))?;
        left.retain(|user| *user != gone);
    }
    ann.ok(Request::Heartbeat {}).await.map(drop)
}

#[tokio::test]
async fn weakness_19_a_login_is_told_to_contacts_only_however_many_are_online() -> Result<()> {
    let node = TestNode::start().await?;
    let mut strangers = Vec::new();
    for number in 0..20 {
        strangers.push(node.newcomer(&format!("stranger{number}")).await?);
    }
    let Pair { bob, mut ann, .. } = node.pair().await?;
    let user = bob.user()?;
    drop(bob);
    ann.sees(user, |it| (it.availability == Availability::Offline).then_some(())).await?;
    let _bob = node.log_in("bob").await?;
    ann.sees(user, |it| (it.availability == Availability::Online).then_some(())).await?;
    for stranger in &mut strangers {
        assert_eq!(stranger.events_until(Duration::from_millis(10)).await?, []);
    }
    Ok(())
}

/// A server with the certificate of the node that says nothing that makes sense, in another way each
/// time; and how often it has.
fn babbler(
    config: &Config,
    port: u16,
) -> Result<(quinn::Endpoint, Arc<AtomicUsize>, JoinHandle<()>)> {
    let tls = QuicServerConfig::try_from(tls::server(config)?.config)?;
    let tls = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let endpoint = quinn::Endpoint::server(tls, ([127, 0, 0, 1], port).into())?;
    let accepting = endpoint.clone();
    let said = Arc::new(AtomicUsize::new(0));
    let count = said.clone();
    let task = tokio::spawn(async move {
        let lines =
            [frame::wrap(b"garbage").to_vec(), vec![0xff; 64], vec![0, 0, 0, 9, 0xa1], Vec::new()];
        for line in lines.iter().cycle() {
            let Some(incoming) = accepting.accept().await else { return };
            let Ok(connection) = incoming.await else { continue };
            let Ok((mut down, _up)) = connection.accept_bi().await else { continue };
            drop(down.write_all(line).await);
            drop(down.finish());
            count.fetch_add(1, Ordering::Relaxed);
            connection.closed().await;
        }
    });
    Ok((endpoint, said, task))
}

#[tokio::test]
async fn weakness_21_a_server_that_talks_nonsense_does_not_end_the_client() -> Result<()> {
    let (home, dir) = (folder()?, folder()?);
    let place = Place { port: free_udp_port()?, ..Place::new(&home.path().join("node"))? };
    let node = place.start()?;
    node.sign_up("ann").await?;
    let ann = client(dir.path(), place.port).await?;
    ann.log_in("ann", Secret::new(PASSWORD.into())).await?;
    ann.online(REUNION).await?;
    node.kill()?;
    let (nonsense, said, task) = babbler(&Config::defaults(&place.folder), place.port)?;
    let heard = tokio::time::timeout(REUNION, async {
        while said.load(Ordering::Relaxed) < 3 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    heard.await.context("the client tries again and again")?;
    nonsense.close(0_u32.into(), b"");
    nonsense.wait_idle().await;
    drop(nonsense);
    task.await?;
    // The socket goes with the last driver of its connections.
    eventually("the port is free", async || {
        Ok(UdpSocket::bind(("127.0.0.1", place.port)).ok().map(drop))
    })
    .await?;
    let _node = place.start()?;
    ann.online(REUNION).await?;
    Ok(())
}

#[tokio::test]
async fn weakness_25_a_ban_lasts_to_the_end_of_its_day_and_a_deleted_account_is_not_called_banned()
-> Result<()> {
    let node = TestNode::start().await?;
    let (mut host, mut bob) = (node.newcomer("host").await?, node.newcomer("bob").await?);
    let Line::Command(ban) = grammar::parse("/ban bob 01/02/2096 spam")? else {
        bail!("a command")
    };
    match host.ok(Request::Admin(ban)).await? {
        Reply::Admin(AdminAnswer::Banned { until: Some(until), .. }) => {
            // The last moment before 2096-01-03 00:00 in UTC.
            assert_eq!(until.0, 3_976_387_200_000 - 1);
        }
        other => bail!("{other:?}"),
    }
    bob.event(|event| matches!(event, Event::Banned { .. }).then_some(())).await?;
    let mut eve = node.newcomer("eve").await?;
    host.ok(Request::Admin(AdminCommand::DeleteUser { username: "eve".into() })).await?;
    eve.event(|event| match event {
        Event::Banned { .. } => Some(false),
        Event::AccountDeleted {} => Some(true),
        _ => None,
    })
    .await
    .and_then(|deleted| deleted.then_some(()).context("called banned"))
}
