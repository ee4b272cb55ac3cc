//! Redis as a cluster: channels are sharded, and a slot may move to another server.

use crate::bus::Periods;
use crate::bus::redis::codec::{PARTITIONS, partition};
use crate::bus::rig::{NEVER, World, eager, quiet};

fn cluster() -> thrive_services::OwnRedis {
    let options = thrive_services::RedisOptions { cluster: true, ..Default::default() };
    thrive_services::Redis::start_with(options).unwrap()
}

#[tokio::test]
async fn on_a_cluster_the_channels_are_sharded_and_everything_is_heard() {
    let server = cluster();
    let world = World::new().await;
    let here = world.node(&server.url(), world.ann, quiet()).await;
    let there = world.node(&server.url(), world.bob, quiet()).await;
    there.sound().await;
    for partition in 0..PARTITIONS {
        let channel = world.channel(partition);
        let found = server.command(&["PUBSUB", "SHARDCHANNELS", &channel]).unwrap();
        assert!(matches!(found, thrive_services::Value::List(it) if it.len() == 1));
    }
    let committed = world.store(1..=500).await;
    here.bus.publish_committed(committed).await;
    there.hears(1..=500).await;
    // With the two introductions before the first one.
    assert_eq!((there.figures().received, there.figures().repaired_entries), (502, 0));
}

#[tokio::test]
async fn a_slot_that_moves_is_noticed_and_what_was_missed_meanwhile_is_found() {
    let server = cluster();
    server.command(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]).unwrap();
    let world = World::new().await;
    let periods = Periods { compare: NEVER, compare_degraded: NEVER, ..eager() };
    let here = world.node(&server.url(), world.ann, periods).await;
    let there = world.node(&server.url(), world.bob, periods).await;
    there.sound().await;
    let channel = world.channel(partition(world.chat.0));
    let slot = server.command(&["CLUSTER", "KEYSLOT", &channel]).unwrap().number().to_string();
    // The server takes the subscriptions of a slot away when it gives the slot up.
    server.command(&["CLUSTER", "DELSLOTS", &slot]).unwrap();
    there.until("it is deaf", |it| !it.bus.health().now().hears).await;
    world.store(1..=3).await;
    server.command(&["CLUSTER", "ADDSLOTS", &slot]).unwrap();
    there.hears(1..=3).await;
    there.sound().await;
    here.sound().await;
    let committed = world.store(4..=4).await;
    here.bus.publish_committed(committed).await;
    there.hears(4..=4).await;
    assert_eq!(there.figures().received, 1);
}
