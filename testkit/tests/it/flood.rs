//! Peers that try to fill the node's memory. Measured on the real program, from outside.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tempfile::TempDir;
use thrive_protocol::ids::Seq;
use thrive_protocol::request::Position;
use thrive_protocol::version::{ALPN, close};
use thrive_protocol::{Event, Request, limits};
use thrive_testkit::dial::Windows;
use thrive_testkit::process::Place;
use thrive_testkit::{Dialer, NodeProcess, Pair, eventually, message_id, raw, usage};

const MIB: u64 = 1_048_576;

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?)
}

fn place(folder: &TempDir) -> Result<Place> {
    Place::new(&folder.path().join("node"))
}

/// What the node holds now, over what it held.
fn growth(node: &NodeProcess, before: u64) -> Result<u64> {
    Ok(usage::resident(node.pid())?.saturating_sub(before))
}

/// Somebody who takes in no more than one small window, and then stops.
fn lazy() -> Result<Dialer> {
    Dialer::with(Windows { stream: 8 * 1024, connection: 16 * 1024 }, &[ALPN])
}

#[tokio::test]
async fn who_stops_reading_costs_a_bounded_outbox_and_hears_of_the_heads_when_reading_again()
-> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.set("limits.write_stall_seconds", 60).start()?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let mut sleeper = node.by(lazy()?).resume(&bob.token()?).await?;
    // Warm: buffers for texts of this size exist.
    let text = "x".repeat(limits::TEXT_CHARS);
    ann.say(chat, &text).await?;
    let before = usage::resident(node.pid())?;

    // Each round is 6 MB for each of bob's devices. Where memory is bounded, the first one fills every
    // cache and buffer there is, and the others cost nothing.
    let mut grown = Vec::new();
    let mut last = Seq(1);
    for _ in 0..4 {
        for _ in 0..30 {
            let under_way = 50;
            for _ in 0..under_way {
                ann.post(raw::message(chat, message_id(), &text)).await?;
            }
            let end = Seq(last.0 + under_way);
            while last < end {
                last = bob.entry().await?.seq;
            }
        }
        grown.push(growth(&node, before)? / 1_024);
    }
    assert!(grown[0] < 24 * 1_024, "KiB: {grown:?}");
    assert!(grown[3] < grown[0] + 3 * 1_024, "KiB: {grown:?}");

    // It wakes up: some entries that were queued, then one hint, and the rest by sync.
    let mut seen = Seq::START;
    let head = loop {
        match sleeper.event(Some).await? {
            Event::Entry(entry) => {
                ensure!(entry.seq == seen.next() || seen == Seq::START, "no gap before the hint");
                seen = entry.seq;
            }
            // An empty one is about contacts, which are new.
            Event::Heads { heads } if !heads.is_empty() => break heads[0],
            _ => {}
        }
    };
    assert_eq!((head.conversation, head.seq), (chat, Seq(6_001)));
    assert!(seen < Seq(1_000), "most was dropped: {seen}");
    let epoch = bob.me.as_ref().map(|me| me.epoch);
    while seen < head.seq {
        let page = sleeper.sync(epoch, &[Position { conversation: chat, seq: seen }]).await?;
        for entry in page.entries.iter() {
            assert_eq!(entry.seq, seen.next());
            seen = entry.seq;
        }
    }
    assert_eq!(ann.say(chat, "good morning").await?.seq, Seq(6_002));
    assert_eq!(sleeper.entry().await?.seq, Seq(6_002), "and from here on it hears again");
    Ok(())
}

#[tokio::test]
async fn weakness_16_who_reads_nothing_at_all_is_closed_after_the_write_stall_and_others_are_served()
-> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.set("limits.write_stall_seconds", 5).start()?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let sleeper = node.by(lazy()?).resume(&bob.token()?).await?;
    let text = "x".repeat(limits::TEXT_CHARS);
    let begun = Instant::now();
    let mut slowest = Duration::ZERO;
    while sleeper.connection.close_reason().is_none() {
        let sent = Instant::now();
        ann.say(chat, &text).await?;
        bob.entry().await?;
        slowest = slowest.max(sent.elapsed());
        ensure!(begun.elapsed() < Duration::from_secs(30), "it is closed by now");
    }
    assert_eq!(sleeper.closed().await?, close::SLOW_READER);
    assert!(slowest < Duration::from_secs(4), "a message to the others took {slowest:?}");
    Ok(())
}

#[tokio::test]
async fn a_revoked_device_that_reads_nothing_can_do_nothing_more() -> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.set("limits.write_stall_seconds", 60).start()?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let mut stolen = node.by(lazy()?).log_in("bob").await?;
    // More than it takes in, so that its good-bye stands behind what cannot be written.
    let text = "x".repeat(limits::TEXT_CHARS);
    for _ in 0..20 {
        ann.say(chat, &text).await?;
    }
    let session = stolen.me.as_ref().expect("logged in").session;
    bob.ok(Request::RevokeSession { session }).await?;
    // It may be closed already, and then this fails; it must not be served.
    drop(stolen.post(raw::message(chat, message_id(), "too late")).await);
    let heard = ann.events_until(Duration::from_millis(500)).await?;
    assert!(!heard.iter().any(|it| matches!(it, Event::Entry(_))), "{heard:?}");
    Ok(())
}

#[tokio::test]
async fn who_asks_much_and_reads_no_answers_is_not_listened_to_any_more() -> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.set("limits.write_stall_seconds", 5).start()?;
    node.sign_up("ann").await?;
    let mut ann = node.by(lazy()?).log_in("ann").await?;
    ann.ok(Request::ServerInfo {}).await?;
    let before = usage::resident(node.pid())?;
    // Each answer is larger than its question, so the answers alone would pass the limit.
    let flood = async {
        for _ in 0..400_000 {
            ann.post(Request::ServerInfo {}).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    assert!(tokio::time::timeout(Duration::from_secs(3), flood).await.is_err(), "it is held back");
    let grown = growth(&node, before)?;
    assert!(grown < 16 * MIB, "the node has grown by {grown} bytes");
    node.guest().await?.ok(Request::ServerInfo {}).await.map(drop)
}

#[tokio::test]
async fn weakness_09_sixty_four_mebibytes_before_login_cost_the_node_nothing() -> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.start()?;
    let before = usage::resident(node.pid())?;
    let chunk = vec![0_u8; 64 * 1024];
    let mut sent = 0;
    // In frames that are too long; in frames that are not frames; on streams that nobody reads.
    for kind in 0..3 {
        for _ in 0..8 {
            let mut guest = if kind == 1 { node.connect().await? } else { node.guest().await? };
            let mut streams = Vec::new();
            if kind == 2 {
                for _ in 0..15 {
                    streams.push(guest.connection.open_bi().await?);
                }
            }
            let flood = async {
                for at in 0..48 {
                    match streams.len() {
                        0 => guest.write(&chunk).await?,
                        len => streams[at % len].0.write_all(&chunk).await?,
                    }
                    sent += chunk.len() as u64;
                }
                Ok::<_, anyhow::Error>(())
            };
            // It ends by being closed, or held back by the windows; both are right.
            drop(tokio::time::timeout(Duration::from_millis(200), flood).await);
            let grown = growth(&node, before)?;
            assert!(grown < 24 * MIB, "kind {kind}: the node has grown by {grown} bytes");
        }
    }
    assert!(0 < sent);
    node.newcomer("ann").await?.ok(Request::Heartbeat {}).await.map(drop)
}

#[tokio::test]
async fn one_guest_who_writes_64_mebibytes_is_thrown_out_at_the_first_frame() -> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.start()?;
    let mut guest = node.guest().await?;
    let before = usage::resident(node.pid())?;
    let chunk = vec![0xa5_u8; MIB as usize];
    let mut written = 0;
    while written < 64 && guest.write(&chunk).await.is_ok() {
        written += 1;
    }
    assert_eq!(guest.closed().await?, close::PROTOCOL);
    assert!(written < 4, "the windows held back the rest: {written} MiB");
    assert!(growth(&node, before)? < 8 * MIB);
    Ok(())
}

#[tokio::test]
async fn ten_thousand_datagrams_of_garbage_change_nothing() -> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.start()?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let before = usage::resident(node.pid())?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for n in 0..10_000_usize {
        let mut datagram: Vec<u8> = (0..1 + (n * 7) % 1_400)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .collect();
        // A quarter each: noise, first packets of QUIC 1, of other versions, packets of no connection.
        let head: &[u8] = match n % 4 {
            0 => &[],
            1 => &[0xc0, 0, 0, 0, 1, 8],
            2 => &[0xc0, 0xfa, 0xce, 0xb0, 0x0c, 20],
            _ => &[0x40],
        };
        let len = head.len().min(datagram.len());
        datagram[..len].copy_from_slice(&head[..len]);
        socket.send_to(&datagram, node.address)?;
        if n % 1_000 == 0 {
            ann.say(chat, &format!("through the noise: {n}")).await?;
        }
    }
    for seq in 1..=10 {
        assert_eq!(bob.entry().await?.seq, Seq(seq));
    }
    let grown = growth(&node, before)?;
    assert!(grown < 16 * MIB, "the node has grown by {grown} bytes");
    node.guest().await?.ok(Request::ServerInfo {}).await.map(drop)
}

#[tokio::test]
async fn connections_that_come_and_go_leave_no_memory_behind() -> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.start()?;
    let token = node.newcomer("ann").await?.token()?;
    let round = async || -> Result<u64> {
        for _ in 0..100 {
            let client = node.resume(&token).await?;
            client.connection.close(0_u32.into(), b"");
        }
        usage::resident(node.pid())
    };
    round().await?;
    let before = round().await?;
    round().await?;
    round().await?;
    eventually("memory is back", async || {
        Ok((usage::resident(node.pid())? < before + 4 * MIB).then_some(()))
    })
    .await
}

#[tokio::test]
async fn weakness_09_many_passwords_cost_only_the_memory_to_hash_as_many_at_once_as_there_are_processors()
-> Result<()> {
    let folder = folder()?;
    let node = place(&folder)?.start()?;
    let before = usage::resident(node.pid())?;
    node.sign_up("ann").await?;
    for _ in 0..40 {
        node.log_in("ann").await?.connection.close(0_u32.into(), b"");
    }
    let workers = std::thread::available_parallelism()?.get() as u64;
    let grown = growth(&node, before)?;
    // Argon2id as we use it fills 19 MiB each time.
    assert!(grown < (workers * 20 + 16) * MIB, "the node has grown by {grown} bytes");
    Ok(())
}
