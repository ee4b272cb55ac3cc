//! Orders of admins, end to end: what one says at one node is so at another.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use thrive_protocol::admin::{AdminAnswer, AdminCommand, Ban, Until};
use thrive_protocol::people::Contact;
use thrive_protocol::text::{AlertText, Reason};
use thrive_protocol::version::close;
use thrive_protocol::{Code, Event, Reply, Request};
use thrive_testkit::{Cluster, Pair, RawClient, TestNode, eventually};

fn promote(username: &str) -> Request {
    Request::Admin(AdminCommand::Promote { username: username.into() })
}

fn demote(username: &str) -> Request {
    Request::Admin(AdminCommand::Demote { username: username.into() })
}

fn ban(username: &str) -> Request {
    let (username, reason) = (username.into(), "spam".into());
    Request::Admin(AdminCommand::Ban(Ban { username, until: Until::Forever {}, reason }))
}

async fn order(client: &mut RawClient, request: Request) -> Result<AdminAnswer> {
    match client.ok(request).await? {
        Reply::Admin(answer) => Ok(answer),
        other => bail!("no answer to an admin but {other:?}"),
    }
}

/// The list of contacts, and whether the client itself is an admin.
async fn roster(client: &RawClient) -> Result<(Vec<Contact>, bool)> {
    match client.bulk(Request::ListContacts {}).await? {
        Ok(Reply::Roster { contacts, admin, .. }) => Ok((contacts.into_inner(), admin)),
        other => bail!("no roster but {other:?}"),
    }
}

async fn is_banned(client: &mut RawClient) -> Result<()> {
    let told = client.event(|event| match event {
        Event::Banned { until, reason } => Some((until, reason)),
        _ => None,
    });
    assert_eq!(told.await?, (None, Reason::cut("spam")));
    assert_eq!(client.closed().await?, close::SESSION_ENDED);
    Ok(())
}

#[tokio::test]
async fn a_ban_at_one_node_ends_the_session_at_another_and_says_why() -> Result<()> {
    let cluster = Cluster::start().nodes(2).ready()?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    let (mut ann, mut bob) = (here.newcomer("ann").await?, there.newcomer("bob").await?);
    assert_eq!(ann.refused(ban("bob")).await?, Code::AdminOnly, "the first of a cluster is none");
    assert_eq!(cluster.host(1, &["admin", "create", "ann"])?.trim(), "ann is an admin now.");
    let begin = Instant::now();
    let answer = order(&mut ann, ban("bob")).await?;
    ensure!(matches!(answer, AdminAnswer::Banned { sessions: 1, until: None, .. }), "{answer:?}");
    is_banned(&mut bob).await?;
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    let mut guest = there.guest().await?;
    let refused = there.try_log_in(&mut guest, "bob", thrive_testkit::PASSWORD).await?;
    assert_eq!(refused.map_err(|it| it.code).map(drop), Err(Code::Banned));
    Ok(())
}

#[tokio::test]
async fn a_ban_is_found_by_a_node_that_hears_nothing_of_it() -> Result<()> {
    let cluster = Cluster::start().nodes(2).links().ready()?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    let (mut ann, mut bob) = (here.newcomer("ann").await?, there.newcomer("bob").await?);
    cluster.host(0, &["admin", "create", "ann"])?;
    cluster.redis_link(1)?.blackhole(thrive_testkit::chaos::Way::Both);
    let begin = Instant::now();
    order(&mut ann, ban("bob")).await?;
    is_banned(&mut bob).await?;
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_right_that_is_taken_away_at_one_node_is_gone_at_once_at_another() -> Result<()> {
    let cluster = Cluster::start().nodes(2).ready()?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    let Pair { mut ann, mut bob, .. } = here.pair_across("ann", &there, "bob").await?;
    cluster.host(0, &["admin", "create", "ann"])?;
    order(&mut ann, promote("bob")).await?;
    assert!(roster(&bob).await?.1);
    let seen = eventually("Ann reads that Bob is an admin", async || {
        Ok(roster(&ann).await?.0.into_iter().find(|it| it.admin))
    });
    assert_eq!(seen.await?.user, bob.user()?);
    order(&mut bob, demote("ann")).await?;
    assert_eq!(ann.refused(demote("bob")).await?, Code::AdminOnly);
    assert_eq!(bob.refused(demote("bob")).await?, Code::LastAdmin);
    let audit = Request::Admin(AdminCommand::Audit { before: None, limit: 50 });
    let Ok(Reply::Admin(AdminAnswer::Audit { entries, more: false })) = bob.bulk(audit).await?
    else {
        bail!("no audit")
    };
    let outcomes: Vec<_> = entries.iter().map(|it| it.outcome.as_str()).collect();
    assert_eq!(outcomes, ["last_admin", "admin_only", "done", "done", "done"]);
    Ok(())
}

#[tokio::test]
async fn an_alert_reaches_everybody_on_every_node() -> Result<()> {
    let cluster = Cluster::start().nodes(2).ready()?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    let (mut ann, mut bob) = (here.newcomer("ann").await?, there.newcomer("bob").await?);
    cluster.host(0, &["admin", "create", "ann"])?;
    let alert = || Request::Admin(AdminCommand::Alert { text: "The server moves.".into() });
    let answer = eventually("both nodes know of each other and of both people", async || {
        let answer = order(&mut ann, alert()).await?;
        Ok((answer == AdminAnswer::Alerted { nodes: 2, people: 2, alone: false }).then_some(()))
    });
    answer.await?;
    for client in [&mut ann, &mut bob] {
        let text = client.event(|event| match event {
            Event::Alert { text, .. } => Some(text),
            _ => None,
        });
        assert_eq!(text.await?, AlertText::cut("The server moves."));
    }
    Ok(())
}

#[tokio::test]
async fn exit_all_ends_every_node_in_good_order_and_exit_only_one() -> Result<()> {
    let cluster = Cluster::start().nodes(3).set("cluster.drain_seconds", 1).ready()?;
    let mut ann = cluster.door(0)?.newcomer("ann").await?;
    cluster.host(0, &["admin", "create", "ann"])?;
    let stop = |all| Request::Admin(AdminCommand::Stop { all });
    let mut elsewhere = cluster.door(2)?.log_in("ann").await?;
    assert_eq!(
        order(&mut elsewhere, stop(false)).await?,
        AdminAnswer::Stopping { nodes: 1, alone: false }
    );
    assert_eq!(cluster.wait_for_end_of_node(2)?.code(), Some(0));
    assert!(cluster.node_runs(0)? && cluster.node_runs(1)?);
    let answer = order(&mut ann, stop(true)).await?;
    ensure!(matches!(answer, AdminAnswer::Stopping { .. }), "{answer:?}");
    for node in [0, 1] {
        assert_eq!(cluster.wait_for_end_of_node(node)?.code(), Some(0), "node {node}");
    }
    Ok(())
}

#[tokio::test]
async fn the_first_account_of_an_embedded_server_is_its_admin() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, .. } = node.pair().await?;
    assert_eq!((roster(&ann).await?.1, roster(&bob).await?.1), (true, false));
    assert!(roster(&bob).await?.0[0].admin, "Bob sees that Ann is one");
    assert_eq!(bob.refused(demote("ann")).await?, Code::AdminOnly);
    let who = ann.bulk(Request::Admin(AdminCommand::Who {})).await?;
    let Ok(Reply::Admin(AdminAnswer::Online { people, more: false })) = who else {
        bail!("nobody is online: {who:?}")
    };
    let names: Vec<_> = people.iter().map(|it| (it.username.as_str(), it.admin)).collect();
    assert_eq!(names, [("ann", true), ("bob", false)]);
    let deleted = Request::Admin(AdminCommand::DeleteUser { username: "bob".into() });
    order(&mut ann, deleted).await?;
    bob.event(|event| (event == Event::AccountDeleted {}).then_some(())).await?;
    assert_eq!(bob.closed().await?, close::SESSION_ENDED);
    assert_eq!(roster(&ann).await?.0, []);
    Ok(())
}

#[tokio::test]
async fn an_embedded_node_notices_what_another_program_did_to_its_file() -> Result<()> {
    let node = TestNode::start().await?;
    let (_ann, mut bob) = (node.newcomer("ann").await?, node.newcomer("bob").await?);
    let path = thrive_node::data_dir::DataDir::database_in(node.folder());
    let database = thrive_node::store::Database::open(&path)?;
    let hasher = thrive_node::password::Hasher::start()?;
    let (online, around) = (Default::default(), Default::default());
    let host = thrive_node::service::admins::Admins::new(database, hasher, online, around);
    let (username, reason) = ("bob".into(), "spam".into());
    let ban = Ban { username, until: Until::Forever {}, reason };
    let begin = Instant::now();
    host.host(AdminCommand::Ban(ban)).await?;
    is_banned(&mut bob).await?;
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    Ok(())
}
