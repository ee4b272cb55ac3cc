//! Offering files and what becomes of them, and their content on its way in and out.

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use thrive_protocol::admin::{AdminCommand, BanFiles, Until};
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::file::{FileHash, FileState, OfferFile, OfferedName};
use thrive_protocol::ids::FileId;
use thrive_protocol::request::BlockUser;

use super::*;
use crate::files::PART;

/// More than two parts, and none of them like another.
fn content() -> Vec<u8> {
    (0..2 * PART + 1_000).map(|at| (at % 241) as u8 ^ (at / PART) as u8).collect()
}

fn offer(conversation: ConversationId, name: &str, content: &[u8]) -> OfferFile {
    OfferFile {
        conversation,
        id: ClientMsgId(crate::random::bytes()),
        name: OfferedName(name.into()),
        size: content.len() as u64,
        content_type: "text/plain".into(),
        sha256: FileHash(Sha256::digest(content).into()),
    }
}

/// Ann and Bob, who talk.
async fn pair(world: &World) -> (Caller, Caller, ConversationId) {
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let chat = world.talk(&ann, &bob).await;
    (ann, bob, chat)
}

async fn offered(world: &World, caller: &Caller, request: OfferFile) -> FileId {
    world.services.files.offer(caller, request).await.unwrap().0.file
}

async fn send(
    world: &World,
    caller: &Caller,
    file: FileId,
    bytes: &[u8],
) -> Result<Option<Entry>, Code> {
    let mut upload = code(world.services.files.upload(caller, file).await)?;
    let from = usize::try_from(upload.at()).unwrap();
    for piece in bytes[from.min(bytes.len())..].chunks(100_000) {
        if let Err(error) = upload.take(Bytes::copy_from_slice(piece)).await {
            upload.refuse().await.unwrap();
            return Err(error.refusal().code);
        }
    }
    match upload.finish().await {
        Ok(entry) => Ok(entry),
        Err(error) => {
            upload.refuse().await.unwrap();
            Err(error.refusal().code)
        }
    }
}

async fn fetch(world: &World, caller: &Caller, file: FileId, from: u64) -> Result<Vec<u8>, Code> {
    let mut download = code(world.services.files.download(caller, file, from).await)?;
    let mut bytes = Vec::new();
    while let Some(piece) = download.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Whether anything of it is left after the next sweep.
async fn is_kept(world: &World, file: FileId) -> bool {
    for file in world.database.files_to_sweep(clock::now(), 10).await.unwrap() {
        world.depot.delete(file).await.unwrap();
        world.database.file_is_swept(file, clock::now()).await.unwrap();
    }
    let folder = world.folder.path().join("files").join(file.to_string());
    folder.exists() || !world.database.parts(file, 0, 10).await.unwrap().is_empty()
}

#[tokio::test]
async fn a_file_goes_in_parts_and_comes_out_as_it_was_from_any_place_on() {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let content = content();
    let file = offered(&world, &ann, offer(chat, "a.txt", &content)).await;
    assert_eq!(fetch(&world, &bob, file, 0).await, Err(Code::FileNotAccepted));
    world.services.files.accept(&bob, file).await.unwrap().unwrap();
    assert_eq!(fetch(&world, &bob, file, 0).await, Err(Code::FileNotReady));
    let entry = send(&world, &ann, file, &content).await.unwrap().unwrap();
    assert_eq!(entry.body, Body::FileState { file, state: FileState::Ready });
    assert_eq!(send(&world, &ann, file, &content).await.unwrap(), None, "it is there already");
    for from in [0, 1, PART as u64, 2 * PART as u64 + 999, content.len() as u64] {
        let expected = &content[usize::try_from(from).unwrap()..];
        assert!(fetch(&world, &bob, file, from).await.unwrap() == expected, "{from}");
    }
    assert!(world.services.files.received(&bob, file).await.unwrap().is_some());
    assert!(world.services.files.received(&bob, file).await.unwrap().is_none());
}

#[tokio::test]
async fn what_somebody_receives_while_they_are_invisible_is_told_when_they_say_so_again_and_are_seen()
 {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let eve = world.person("eve").await;
    let content = content();
    let file = offered(&world, &ann, offer(chat, "a.txt", &content)).await;
    world.services.files.accept(&bob, file).await.unwrap().unwrap();
    world.shows(&bob, Availability::Invisible).await;
    let received = async |caller| code(world.services.files.received(caller, file).await);
    assert_eq!(received(&bob).await, Err(Code::FileNotReady));
    send(&world, &ann, file, &content).await.unwrap().unwrap();
    let head = world.database.heads(&[chat]).await.unwrap()[0].seq;
    assert!(fetch(&world, &bob, file, 0).await.unwrap() == content);
    for _ in 0..2 {
        assert_eq!(received(&bob).await, Ok(None));
    }
    assert_eq!(received(&eve).await, Err(Code::NoSuchFile));
    assert_eq!(world.database.heads(&[chat]).await.unwrap()[0].seq, head);
    world.shows(&bob, Availability::Away).await;
    let entry = received(&bob).await.unwrap().expect("it is told now");
    assert_eq!(entry.body, Body::FileState { file, state: FileState::Received });
    assert_eq!(received(&bob).await, Ok(None));
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_interrupted_and_the_one_before_is_over() {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let content = content();
    let file = offered(&world, &ann, offer(chat, "a.txt", &content)).await;
    let mut first = world.services.files.upload(&ann, file).await.unwrap();
    first.take(Bytes::copy_from_slice(&content[..PART + 5])).await.unwrap();
    let mut second = world.services.files.upload(&ann, file).await.unwrap();
    assert_eq!(second.at(), PART as u64);
    let late = first.take(Bytes::copy_from_slice(&content[PART + 5..2 * PART])).await;
    assert_eq!(code(late), Err(Code::TransferElsewhere));
    second.take(Bytes::copy_from_slice(&content[PART..])).await.unwrap();
    second.finish().await.unwrap().unwrap();
    world.services.files.accept(&bob, file).await.unwrap();
    assert!(fetch(&world, &bob, file, 0).await.unwrap() == content);
}

#[tokio::test]
async fn an_upload_that_goes_on_reads_nothing_again_and_still_knows_what_came_before() {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let content = content();
    for wrong in [true, false] {
        let file = offered(&world, &ann, offer(chat, "a.txt", &content)).await;
        let mut first = world.services.files.upload(&ann, file).await.unwrap();
        let mut begun = content[..2 * PART].to_vec();
        begun[PART + 7] ^= u8::from(wrong);
        first.take(Bytes::from(begun)).await.unwrap();
        drop(first);
        let folder = world.folder.path().join("files").join(file.to_string());
        // Of the same length, and yet not what came: whoever reads it again, finds out.
        let parts = [folder.join("0-1"), folder.join("1-1")];
        let kept = parts.each_ref().map(|part| std::fs::read(part).unwrap());
        parts.iter().for_each(|part| std::fs::write(part, vec![0; PART]).unwrap());
        let mut again = world.services.files.upload(&ann, file).await.unwrap();
        assert_eq!(again.at(), 2 * PART as u64);
        parts.iter().zip(kept).for_each(|(part, kept)| std::fs::write(part, kept).unwrap());
        again.take(Bytes::copy_from_slice(&content[2 * PART..])).await.unwrap();
        let done = code(again.finish().await);
        assert_eq!(
            done.map(|entry| entry.is_some()),
            if wrong { Err(Code::FileNotAsOffered) } else { Ok(true) }
        );
        if !wrong {
            world.services.files.accept(&bob, file).await.unwrap();
            assert!(fetch(&world, &bob, file, 0).await.unwrap() == content);
        }
    }
}

#[tokio::test]
async fn a_part_that_is_lost_in_the_depot_is_sent_again_and_what_follows_it() {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let content = content();
    let file = offered(&world, &ann, offer(chat, "a.txt", &content)).await;
    let mut first = world.services.files.upload(&ann, file).await.unwrap();
    first.take(Bytes::copy_from_slice(&content[..2 * PART])).await.unwrap();
    drop(first);
    for lost in [1, 0] {
        let part = world.database.parts(file, lost, 1).await.unwrap().remove(0);
        world.depot.delete_part(file, part).await.unwrap();
        let mut again = world.services.files.upload(&ann, file).await.unwrap();
        let at = usize::try_from(lost).unwrap() * PART;
        assert_eq!(again.at(), at as u64);
        again.take(Bytes::copy_from_slice(&content[at..2 * PART])).await.unwrap();
    }
    send(&world, &ann, file, &content).await.unwrap().unwrap();
    world.services.files.accept(&bob, file).await.unwrap();
    assert!(fetch(&world, &bob, file, 0).await.unwrap() == content);
}

#[tokio::test]
async fn weakness_06_what_was_sent_is_checked_and_not_what_was_promised() {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let program = [b"MZ\x90\0\x03\0\0\0".as_slice(), &[0; 500]].concat();
    let text = b"hello, this is a text".as_slice();
    let cases: [(&str, OfferFile, Vec<u8>, Code); 4] = [
        ("a program", offer(chat, "a.txt", &program), program.clone(), Code::FileTypeRefused),
        ("longer", offer(chat, "a.txt", text), [text, text].concat(), Code::FileNotAsOffered),
        ("shorter", offer(chat, "a.txt", text), text[..5].to_vec(), Code::FileNotAsOffered),
        ("other", offer(chat, "a.txt", text), vec![b'x'; text.len()], Code::FileNotAsOffered),
    ];
    for (what, request, sent, expected) in cases {
        let file = offered(&world, &ann, request).await;
        world.services.files.accept(&bob, file).await.unwrap();
        assert_eq!(send(&world, &ann, file, &sent).await, Err(expected), "{what}");
        assert_eq!(fetch(&world, &bob, file, 0).await, Err(Code::FileGone), "{what}");
        assert_eq!(send(&world, &ann, file, text).await, Err(Code::FileGone), "{what}");
        assert!(!is_kept(&world, file).await, "{what}");
    }
    // A long one is refused at its first byte too many, and nothing of its parts is given out.
    let large = content();
    let file = offered(&world, &ann, offer(chat, "a.bin", &large)).await;
    let other: Vec<u8> = large.iter().map(|it| !it).collect();
    assert_eq!(send(&world, &ann, file, &other).await, Err(Code::FileNotAsOffered));
    assert!(!is_kept(&world, file).await);
}

#[tokio::test]
async fn weakness_06_names_and_kinds_that_are_not_taken_are_refused_without_any_setting() {
    let world = World::new().await;
    let (ann, _, chat) = pair(&world).await;
    let refused = async |request| code(world.services.files.offer(&ann, request).await).map(drop);
    for name in ["a.exe", "photo.jpg.SCR", "a.lnk", "setup.msi"] {
        assert_eq!(refused(offer(chat, name, b"x")).await, Err(Code::FileTypeRefused), "{name}");
    }
    for name in ["../../../tmp/x", "a\\b", "a\nb", "", "a.exe."] {
        assert_eq!(refused(offer(chat, name, b"x")).await, Err(Code::FileNameInvalid), "{name:?}");
    }
    assert_eq!(refused(offer(chat, "a.txt", b"")).await, Err(Code::FileEmpty));
    let large = OfferFile { size: u64::MAX, ..offer(chat, "a.txt", b"x") };
    assert_eq!(refused(large).await, Err(Code::FileTooLarge));
}

#[tokio::test]
async fn only_the_two_of_the_conversation_get_at_a_file_and_a_block_ends_it() {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let eve = world.person("eve").await;
    let file = offered(&world, &ann, offer(chat, "a.txt", b"hello")).await;
    send(&world, &ann, file, b"hello").await.unwrap();
    let files = &world.services.files;
    files.accept(&bob, file).await.unwrap();
    let none = Some(Code::NoSuchFile);
    assert_eq!(fetch(&world, &eve, file, 0).await.err(), none);
    assert_eq!(code(files.accept(&eve, file).await).err(), none);
    assert_eq!(code(files.decline(&eve, file).await).err(), none);
    assert_eq!(code(files.upload(&eve, file).await.map(drop)).err(), none);
    assert_eq!(code(files.upload(&bob, file).await.map(drop)).err(), none);
    assert_eq!(fetch(&world, &bob, FileId(77), 0).await.err(), none);
    assert_eq!(fetch(&world, &ann, file, 0).await.unwrap(), b"hello");
    let block = BlockUser { username: "ann".into() };
    world.services.contacts.block(&bob, block).await.unwrap();
    assert_eq!(fetch(&world, &bob, file, 0).await, Err(Code::BlockedByYou));
    assert_eq!(fetch(&world, &ann, file, 0).await, Err(Code::Blocked));
    let more = files.offer(&ann, offer(chat, "b.txt", b"hello")).await;
    assert_eq!(code(more).map(drop), Err(Code::Blocked));
    assert_eq!(code(files.upload(&ann, file).await.map(drop)), Err(Code::Blocked));
}

#[tokio::test]
async fn a_file_that_was_taken_back_while_it_is_sent_takes_nothing_more() {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let content = content();
    let file = offered(&world, &ann, offer(chat, "a.txt", &content)).await;
    let mut upload = world.services.files.upload(&ann, file).await.unwrap();
    upload.take(Bytes::copy_from_slice(&content[..PART])).await.unwrap();
    world.services.files.decline(&bob, file).await.unwrap().unwrap();
    let late = upload.take(Bytes::copy_from_slice(&content[PART..2 * PART])).await;
    assert_eq!(code(late), Err(Code::FileGone));
    assert!(!is_kept(&world, file).await);
}

#[tokio::test]
async fn whoever_may_not_send_files_of_a_kind_sends_none_and_may_again_later() {
    let world = World::new().await;
    let (ann, bob, chat) = pair(&world).await;
    let host = |command| world.services.admins.host(command);
    let text = content();
    let earlier = offered(&world, &ann, offer(chat, "earlier.Txt", &text)).await;
    code(world.services.files.accept(&bob, earlier).await).unwrap();
    let try_offer = async |caller: &Caller, name: &str| {
        code(world.services.files.offer(caller, offer(chat, name, &text)).await).map(drop)
    };
    let ban = |extension: &str| {
        let (username, extension) = ("ann".into(), extension.into());
        let (until, reason) = (Until::Forever {}, String::new());
        AdminCommand::BanFiles(BanFiles { username, extension, until, reason })
    };
    let mut under_way = world.services.files.upload(&ann, earlier).await.unwrap();
    under_way.take(Bytes::copy_from_slice(&text)).await.unwrap();
    host(ban("txt")).await.unwrap();
    assert_eq!(code(under_way.finish().await), Err(Code::FileBanned));
    assert_eq!(try_offer(&ann, "notes.TXT").await, Err(Code::FileBanned));
    assert_eq!(try_offer(&ann, "picture.png").await, Ok(()));
    assert_eq!(try_offer(&bob, "notes.txt").await, Ok(()));
    // What was offered before is not sent any more, either.
    assert_eq!(send(&world, &ann, earlier, &text).await.map(drop), Err(Code::FileBanned));
    host(ban("*")).await.unwrap();
    for name in ["picture.png", "README"] {
        assert_eq!(try_offer(&ann, name).await, Err(Code::FileBanned));
    }
    let unban = AdminCommand::UnbanFiles { username: "ann".into(), extension: None };
    host(unban).await.unwrap();
    assert_eq!(try_offer(&ann, "notes.txt").await, Ok(()));
    assert!(send(&world, &ann, earlier, &text).await.is_ok());
}
