//! What the relay does to datagrams, decided without a network and seen on loopback.

use std::time::Instant as Clock;

use tokio::time::timeout;

use super::*;

const MOMENT: Duration = Duration::from_millis(100);

/// A server that says back what it hears with the port it came from, and a client through a relay.
async fn echo(seed: u64) -> (UdpRelay, UdpSocket) {
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let relay = UdpRelay::start(server.local_addr().unwrap(), seed).unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2_048];
        while let Ok((length, from)) = server.recv_from(&mut buffer).await {
            let answer = [&from.port().to_be_bytes(), &buffer[..length]].concat();
            drop(server.send_to(&answer, from).await);
        }
    });
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    client.connect(relay.address()).await.unwrap();
    (relay, client)
}

/// The next answer: the port that the server saw, and the words.
async fn hears(client: &UdpSocket, within: Duration) -> Option<(u16, Vec<u8>)> {
    let mut buffer = [0; 2_048];
    let length = timeout(within, client.recv(&mut buffer)).await.ok()?.ok()?;
    Some((u16::from_be_bytes([buffer[0], buffer[1]]), buffer[2..length].to_vec()))
}

async fn port(client: &UdpSocket) -> u16 {
    client.send(b"which").await.unwrap();
    hears(client, Duration::from_secs(10)).await.expect("an answer").0
}

fn fates(path: &UdpPath, seed: u64, datagrams: u32) -> Vec<Fate> {
    let (mut line, mut dice) = (Line::default(), Dice::new(seed));
    let begin = Instant::now();
    let mut one = |number| line.fate(path, &mut dice, begin + Duration::from_millis(number), 1_000);
    (0..u64::from(datagrams)).map(&mut one).collect()
}

fn lost(fates: &[Fate]) -> usize {
    fates.iter().filter(|fate| **fate == Fate::Lost).count()
}

#[test]
fn about_as_many_are_lost_and_doubled_as_was_said() {
    let path = UdpPath { loss: 0.2, duplicate: 0.1, ..UdpPath::default() };
    let fates = fates(&path, 1, 10_000);
    let doubled =
        fates.iter().filter(|fate| matches!(fate, Fate::Arrives { again: Some(_), .. })).count();
    assert!((1_800..2_200).contains(&lost(&fates)), "{}", lost(&fates));
    assert!((700..900).contains(&doubled), "{doubled}");
}

#[test]
fn the_same_seed_loses_the_same_datagrams() {
    let path = UdpPath { loss: 0.5, ..UdpPath::default() };
    let pattern = |seed| {
        let fates = fates(&path, seed, 200);
        fates.iter().map(|fate| *fate == Fate::Lost).collect::<Vec<_>>()
    };
    assert_eq!(pattern(3), pattern(3));
    assert_ne!(pattern(3), pattern(4));
}

#[test]
fn jitter_lets_datagrams_overtake_each_other_and_delay_alone_does_not() {
    let overtakes = |jitter| {
        let path = UdpPath { delay: MOMENT, jitter, ..UdpPath::default() };
        let times = fates(&path, 1, 500).into_iter().filter_map(|fate| match fate {
            Fate::Arrives { first, .. } => Some(first),
            Fate::Lost => None,
        });
        !times.collect::<Vec<_>>().is_sorted()
    };
    assert!(overtakes(Duration::from_millis(20)));
    assert!(!overtakes(Duration::ZERO));
}

#[test]
fn a_narrow_link_carries_what_it_can_and_loses_the_rest() {
    // 1 000 bytes each millisecond into a link of 100 000 bytes a second, for one second.
    let path = UdpPath { bandwidth: Some(100_000), ..UdpPath::default() };
    let carried = 1_000 - lost(&fates(&path, 1, 1_000));
    // What it carries in that second, and what waits at its end.
    assert!((100..=145).contains(&carried), "{carried}");
}

#[tokio::test]
async fn what_is_said_arrives_in_order_and_once() {
    let (relay, client) = echo(1).await;
    relay.set(UdpLink::both(UdpPath { delay: Duration::from_millis(20), ..UdpPath::default() }));
    let begun = Clock::now();
    for number in 0..100_u8 {
        client.send(&[number]).await.unwrap();
    }
    for number in 0..100_u8 {
        let (_, words) = hears(&client, Duration::from_secs(10)).await.unwrap();
        assert_eq!(words, [number]);
    }
    assert!(begun.elapsed() >= Duration::from_millis(40), "{:?}", begun.elapsed());
    assert_eq!(hears(&client, MOMENT).await, None);
    assert_eq!(relay.traffic(), Traffic { passed: 200, ..Traffic::default() });
}

#[tokio::test]
async fn a_blackhole_swallows_one_direction_or_both() {
    for way in [Way::Up, Way::Down, Way::Both] {
        let (relay, client) = echo(1).await;
        port(&client).await;
        relay.blackhole(way);
        client.send(b"hello?").await.unwrap();
        assert_eq!(hears(&client, MOMENT).await, None, "{way:?}");
        let deadline = Clock::now() + Duration::from_secs(10);
        while relay.traffic().lost < 1 {
            assert!(Clock::now() < deadline, "{way:?}");
            sleep(Duration::from_millis(5)).await;
        }
        relay.pass();
        port(&client).await;
    }
}

#[tokio::test]
async fn every_datagram_can_come_twice() {
    let (relay, client) = echo(1).await;
    let up = UdpPath { duplicate: 1.0, ..UdpPath::default() };
    relay.set(UdpLink { up, down: UdpPath::default() });
    client.send(b"echo").await.unwrap();
    for _ in 0..2 {
        assert_eq!(hears(&client, Duration::from_secs(10)).await.unwrap().1, b"echo");
    }
}

#[tokio::test]
async fn a_client_comes_from_another_port_after_a_rebinding() {
    let (relay, client) = echo(1).await;
    let first = port(&client).await;
    assert_eq!(port(&client).await, first);
    relay.rebind();
    let second = port(&client).await;
    assert_ne!(second, first);
    relay.rebind_one("127.0.0.1:9".parse().unwrap());
    assert_eq!(port(&client).await, second, "somebody else was meant");
    relay.rebind_one(client.local_addr().unwrap());
    let third = port(&client).await;
    assert_ne!(third, second);
    relay.rebind_every(Some(Duration::from_millis(20)));
    let deadline = Clock::now() + Duration::from_secs(10);
    // An answer to the former port is lost, and only then the next question tells.
    loop {
        assert!(Clock::now() < deadline, "it keeps its port");
        client.send(b"which").await.unwrap();
        match hears(&client, Duration::from_millis(50)).await {
            Some((port, _)) if port != third => break,
            Some(_) | None => {}
        }
    }
}
