//! A connection that stands and brings nothing: what a driver leaves that comes back without subscribing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::bus::Periods;
use crate::bus::rig::{NEVER, World, eager, quiet};

/// Between a node and Redis. It can be told to swallow what the server says on the connections that
/// listen now; those that are made later are not harmed.
struct Proxy {
    address: SocketAddr,
    /// Connections with a lower number than this hear nothing if they listen.
    deaf_below: Arc<AtomicU64>,
    made: Arc<AtomicU64>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (deaf_below, made) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (deaf, count) = (Arc::clone(&deaf_below), Arc::clone(&made));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(thrive_services::redis().address()).await.unwrap();
                let number = count.fetch_add(1, Ordering::SeqCst);
                let listens = Arc::<AtomicBool>::default();
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(up(from_client, to_server, Arc::clone(&listens)));
                let deaf = Arc::clone(&deaf);
                let swallow =
                    move || number < deaf.load(Ordering::SeqCst) && listens.load(Ordering::SeqCst);
                tokio::spawn(down(from_server, to_client, swallow));
            }
        });
        Self { address, deaf_below, made }
    }

    fn deafen(&self) {
        self.deaf_below.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

async fn up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, listens: Arc<AtomicBool>) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if bytes[..count].windows(9).any(|it| it == b"SUBSCRIBE") {
            listens.store(true, Ordering::SeqCst);
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, swallow: impl Fn() -> bool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if !swallow() && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn a_connection_that_stands_and_brings_nothing_is_found_by_the_sign_of_life_that_is_missing()
{
    let proxy = Proxy::start().await;
    let world = World::new().await;
    let silence = Duration::from_millis(1_500);
    let periods = Periods { compare: NEVER, compare_degraded: NEVER, silence, ..eager() };
    let here = world.hearing(world.ann, quiet()).await;
    let there = world.node(&format!("redis://{}", proxy.address), world.bob, periods).await;
    there.sound().await;
    let committed = world.store(1..=3).await;
    here.bus.publish_committed(committed).await;
    there.hears(1..=3).await;
    // Longer than the silence that is noticed: its own signs of life keep an idle node content.
    tokio::time::sleep(silence + silence / 4).await;
    assert_eq!((there.figures().canaries_missed, there.figures().subscriptions), (0, 1));

    proxy.deafen();
    let committed = world.store(4..=6).await;
    here.bus.publish_committed(committed).await;
    there.hears(4..=6).await;
    let figures = there.figures();
    assert_eq!((figures.canaries_missed, figures.subscriptions, figures.tails), (1, 2, 1));
    // With the two introductions before the first one.
    assert_eq!((figures.received, figures.repaired_entries), (5, 3));

    let committed = world.store(7..=9).await;
    here.bus.publish_committed(committed).await;
    there.hears(7..=9).await;
    assert_eq!((there.figures().received, there.figures().repaired_entries), (8, 3));
}
