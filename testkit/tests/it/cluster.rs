//! The cluster of the test kit itself: its parts are real, find each other, and come back where they were.

use anyhow::{Context as _, Result};
use thrive_protocol::ids::Seq;
use thrive_protocol::{Reply, Request};
use thrive_testkit::chaos::Way;
use thrive_testkit::{Cluster, Pair, eventually};

#[tokio::test]
async fn what_is_said_at_one_node_is_heard_at_another() -> Result<()> {
    let cluster = Cluster::start().nodes(2).ready()?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    let Pair { mut ann, mut bob, chat } = here.pair_across("ann", &there, "bob").await?;
    let stored = ann.say(chat, "across").await?;
    assert_eq!(bob.entry().await?.seq, stored.seq);
    assert_eq!(here.fingerprint().await?, there.fingerprint().await?, "one server to its people");
    Ok(())
}

#[tokio::test]
async fn a_node_that_was_killed_comes_back_where_it_was_with_everything() -> Result<()> {
    let cluster = Cluster::start().nodes(2).ready()?;
    let (address, fingerprint) = (cluster.node_address(0)?, cluster.fingerprint(0)?);
    let Pair { mut ann, chat, .. } = cluster.door(0)?.pair().await?;
    let stored = ann.say(chat, "before the end").await?;
    cluster.kill_node(0)?;
    assert!(!cluster.node_runs(0)? && cluster.node_runs(1)?);
    // What was said is the other node's as well.
    let bob = cluster.door(1)?.log_in("bob").await?;
    assert_eq!(bob.sync(None, &[]).await?.conversations[0].head, stored.seq);
    cluster.start_node(0)?;
    assert_eq!((cluster.node_address(0)?, cluster.fingerprint(0)?), (address, fingerprint));
    cluster.door(0)?.log_in("ann").await?;
    let status = cluster.terminate_node(0)?;
    assert_eq!(status.code(), Some(0), "{status}");
    Ok(())
}

#[tokio::test]
async fn people_reach_each_other_through_different_routers() -> Result<()> {
    let cluster = Cluster::start().nodes(2).routers(2).ready()?;
    let (here, there) = (cluster.router_door(0)?, cluster.router_door(1)?);
    let Pair { mut ann, mut bob, chat } = here.pair_across("ann", &there, "bob").await?;
    let stored = ann.say(chat, "through two routers").await?;
    assert_eq!(bob.entry().await?.seq, stored.seq);
    // The connections go on as if nothing had happened.
    cluster.kill_router(0)?;
    cluster.start_router(0)?;
    let stored = ann.say(chat, "after its death").await?;
    assert_eq!(bob.entry().await?.seq, stored.seq);
    assert!(cluster.router_figures(0)?.is_object());
    Ok(())
}

#[tokio::test]
async fn a_binding_that_is_forgotten_does_not_end_a_connection() -> Result<()> {
    let cluster = Cluster::start().nodes(2).routers(1).relays(7).ready()?;
    let Pair { mut ann, mut bob, chat } = cluster.router_door(0)?.pair().await?;
    for number in 0..3 {
        cluster.router_relay(0)?.rebind();
        // Nobody can reach him before he has spoken: that is what a binding is for.
        bob.ok(Request::Heartbeat {}).await?;
        let stored = ann.say(chat, &format!("from another port {number}")).await?;
        assert_eq!(bob.entry().await?.seq, stored.seq);
    }
    Ok(())
}

#[tokio::test]
async fn a_link_that_is_cut_cuts_one_node_and_heals() -> Result<()> {
    let cluster = Cluster::start().nodes(2).links().ready()?;
    cluster.door(0)?.sign_up("ann").await?;
    cluster.postgres_link(0)?.blackhole(Way::Both);
    let cut = cluster.door(0)?;
    let silent = tokio::time::timeout(std::time::Duration::from_secs(1), cut.sign_up("bob"));
    assert!(!matches!(silent.await, Ok(Ok(()))), "no account without a database");
    cluster.door(1)?.sign_up("cleo").await?;
    cluster.postgres_link(0)?.pass();
    eventually("the node that was cut off works again", async || Ok(cut.log_in("ann").await.ok()))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_cluster_with_services_of_its_own_survives_their_restart() -> Result<()> {
    let cluster = Cluster::start().own_services().ready()?;
    let door = cluster.door(0)?;
    door.sign_up("ann").await?;
    cluster.own_postgres()?.stop_immediate()?;
    cluster.own_postgres()?.start_again()?;
    eventually("the node has found its database again", async || Ok(door.log_in("ann").await.ok()))
        .await
        .context(cluster.last_words())?;
    Ok(())
}

#[tokio::test]
async fn a_node_that_waits_for_its_database_still_gives_signs_of_life() -> Result<()> {
    let cluster = Cluster::start().own_services().ready()?;
    let Pair { ann: _ann, mut bob, chat } = cluster.door(0)?.pair().await?;
    cluster.own_postgres()?.pause()?;
    let waits = bob.post(Request::MarkDelivered { conversation: chat, seq: Seq(1) }).await?;
    let behind = bob.post(Request::MarkRead { conversation: chat, seq: Seq(1) }).await?;
    let beat = bob.post(Request::Heartbeat {}).await?;
    let (first, answer) = bob.next_answer().await?;
    assert_eq!(first, beat);
    assert!(matches!(answer, Ok(Reply::Heartbeat { .. })), "{answer:?}");
    cluster.own_postgres()?.resume()?;
    // What was asked before keeps its order.
    assert_eq!(bob.next_answer().await?.0, waits);
    assert_eq!(bob.next_answer().await?.0, behind);
    Ok(())
}
