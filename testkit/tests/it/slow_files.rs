//! Whoever moves the content of a file as slowly as they can takes no turn from others without end.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use quinn::{ReadError, RecvStream, SendStream};
use sha2::{Digest as _, Sha256};
use thrive_protocol::file::{FileHash, OfferFile, OfferedName};
use thrive_protocol::ids::{ConversationId, FileId};
use thrive_protocol::version::{ALPN, close};
use thrive_protocol::{ClientFrame, Code, NodeFrame, Refusal, Reply, Request, frame, limits};
use thrive_testkit::dial::Windows;
use thrive_testkit::{Dialer, PATIENCE, Pair, RawClient, TestNode, message_id};

async fn offer(client: &mut RawClient, chat: ConversationId, content: &[u8]) -> Result<FileId> {
    let offer = OfferFile {
        conversation: chat,
        id: message_id(),
        name: OfferedName("a.txt".into()),
        size: content.len() as u64,
        content_type: "text/plain".into(),
        sha256: FileHash(Sha256::digest(content).into()),
    };
    match client.ok(Request::OfferFile(offer)).await? {
        Reply::FileOffered(offered) => Ok(offered.file),
        other => bail!("not offered but {other:?}"),
    }
}

/// A stream for the content of a file, and what the node says first.
async fn transfer(
    client: &RawClient,
    rq: Request,
) -> Result<(SendStream, RecvStream, Result<Reply, Refusal>)> {
    let (mut up, mut down) = client.connection.open_bi().await?;
    up.write_all(&ClientFrame { id: 0, rq }.encode()).await?;
    let answer = answer(&mut down).await?;
    Ok((up, down, answer))
}

async fn answer(down: &mut RecvStream) -> Result<Result<Reply, Refusal>> {
    let body = async {
        let mut header = [0; frame::HEADER];
        down.read_exact(&mut header).await?;
        let mut body = vec![0; frame::checked(header, limits::FRAME_BULK)?];
        down.read_exact(&mut body).await?;
        anyhow::Ok(body)
    };
    let body = tokio::time::timeout(PATIENCE, body).await.context("an answer in time")??;
    match NodeFrame::decode(&body)? {
        Some(NodeFrame::Reply { result, .. }) => Ok(result),
        other => bail!("no answer but {other:?}"),
    }
}

#[tokio::test]
async fn whoever_fetches_a_file_byte_by_byte_gives_up_the_turn() -> Result<()> {
    let node =
        TestNode::start_with(|config| config.limits.file_pace = Duration::from_secs(5)).await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let content = vec![b'x'; 2 << 20];
    let file = offer(&mut ann, chat, &content).await?;
    bob.ok(Request::AcceptFile { file }).await?;
    let (mut up, mut down, begun) = transfer(&ann, Request::UploadFile { file }).await?;
    ensure!(matches!(begun, Ok(Reply::Upload { from: 0 })), "{begun:?}");
    up.write_all(&content).await?;
    up.finish()?;
    ensure!(matches!(answer(&mut down).await?, Ok(Reply::Done {})));

    let lazy = Dialer::with(Windows { stream: 8 * 1024, connection: 16 * 1024 }, &[ALPN])?;
    let slow = node.by(lazy).resume(&bob.token()?).await?;
    let fetch = Request::DownloadFile { file, from: 0 };
    let (mut up, mut down, begun) = transfer(&slow, fetch).await?;
    up.finish()?;
    ensure!(matches!(begun, Ok(Reply::Download { .. })), "{begun:?}");
    let mut fetched = 0;
    let ended = loop {
        // Never standing still, and 80 KB a second at most.
        tokio::time::sleep(Duration::from_millis(100)).await;
        match down.read_chunk(8 * 1024, true).await {
            Ok(Some(chunk)) => fetched += chunk.bytes.len(),
            ended => break ended,
        }
    };
    let reset = ReadError::Reset(close::TOO_SLOW.into());
    assert_eq!(ended.map(drop), Err(reset), "after {fetched} bytes");
    assert!(fetched < 1 << 20);
    Ok(())
}

#[tokio::test]
async fn whoever_finds_all_turns_of_the_node_taken_is_told_so() -> Result<()> {
    let node = TestNode::start_with(|config| {
        config.limits.files_at_once = 1;
        config.limits.file_turn = Duration::from_secs(1);
        config.limits.write_stall = Duration::from_secs(60);
    })
    .await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let (anns, bobs) =
        (offer(&mut ann, chat, b"hers").await?, offer(&mut bob, chat, b"his").await?);
    let (up, down, begun) = transfer(&ann, Request::UploadFile { file: anns }).await?;
    ensure!(begun.is_ok(), "{begun:?}");
    let (_, _, answer) = transfer(&bob, Request::UploadFile { file: bobs }).await?;
    let refusal = answer.expect_err("there is no turn");
    assert_eq!(refusal.code, Code::SlowDown);
    assert!(refusal.retry_after_ms.is_some());
    // It is free again when whoever had it has gone.
    drop((up, down));
    ann.connection.close(0_u32.into(), b"");
    thrive_testkit::eventually("there is a turn", async || {
        let (_, _, answer) = transfer(&bob, Request::UploadFile { file: bobs }).await?;
        Ok(answer.is_ok().then_some(()))
    })
    .await?;
    Ok(())
}
