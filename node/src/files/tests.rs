//! What every place for files must do: a folder, and a store that speaks S3.

use futures_util::TryStreamExt as _;
use thrive_services::ObjectStore as Server;

use super::*;
use crate::config::S3;

/// Runs a test on an empty depot of each kind.
async fn on_each_depot(test: impl AsyncFn(Depot)) {
    let folder = tempfile::tempdir().unwrap();
    let place = FilePlace::Folder(folder.path().join("deep/files"));
    test(Depot::open(&place).unwrap().unwrap()).await;
    let server = Server::start().unwrap();
    for prefix in ["", "one/two/"] {
        test(Depot::open(&FilePlace::S3(at(&server, prefix))).unwrap().unwrap()).await;
        assert_eq!(server.objects().unwrap(), 0, "each test cleans up");
    }
}

fn at(server: &Server, prefix: &str) -> S3 {
    S3 {
        bucket: Server::BUCKET.into(),
        prefix: prefix.into(),
        endpoint: Some(server.endpoint()),
        region: "us-east-1".into(),
        access_key_file: server.access_key_file(),
        secret_key_file: server.secret_key_file(),
        ca: None,
    }
}

const FILE: FileId = FileId(4_611_686_018_427_387_904);
const OTHER: FileId = FileId(7);

fn part(number: i64, upload: i64) -> Part {
    Part { number, upload }
}

async fn all(depot: &Depot, part: Part, from: u64) -> Result<Vec<u8>, DepotError> {
    let bytes: Vec<Bytes> = depot.read(FILE, part, from).await?.try_collect().await?;
    Ok(bytes.concat())
}

#[tokio::test]
async fn a_part_is_read_as_it_was_written_from_any_place_on() {
    on_each_depot(async |depot| {
        let bytes: Vec<u8> = (0..PART).map(|at| (at % 251) as u8).collect();
        depot.put(FILE, part(0, 1), bytes.clone().into()).await.unwrap();
        depot.put(FILE, part(1, 2), Bytes::from_static(b"the end")).await.unwrap();
        assert_eq!(all(&depot, part(0, 1), 0).await.unwrap(), bytes);
        assert_eq!(all(&depot, part(0, 1), 700_000).await.unwrap(), bytes[700_000..]);
        assert_eq!(all(&depot, part(1, 2), 4).await.unwrap(), b"end");
        assert!(all(&depot, part(1, 1), 0).await.is_err(), "another upload");
        depot.put(OTHER, part(0, 1), Bytes::from_static(b"of another file")).await.unwrap();
        let lengths = depot.lengths(FILE).await.unwrap();
        assert_eq!(lengths, [((0, 1), PART as u64), ((1, 2), 7)].into());
        depot.delete(OTHER).await.unwrap();
        depot.put(FILE, part(1, 2), Bytes::from_static(b"again")).await.unwrap();
        assert_eq!(all(&depot, part(1, 2), 0).await.unwrap(), b"again");
        depot.delete(FILE).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn deleting_a_file_takes_all_of_its_parts_and_none_of_another() {
    on_each_depot(async |depot| {
        for number in 0..5 {
            depot.put(FILE, part(number, 1), Bytes::from_static(b"x")).await.unwrap();
        }
        depot.put(OTHER, part(0, 1), Bytes::from_static(b"y")).await.unwrap();
        depot.delete_part(FILE, part(4, 1)).await.unwrap();
        depot.delete_part(FILE, part(4, 1)).await.unwrap();
        assert!(all(&depot, part(4, 1), 0).await.is_err());
        depot.delete(FILE).await.unwrap();
        depot.delete(FILE).await.unwrap();
        assert!(all(&depot, part(0, 1), 0).await.is_err());
        assert!(depot.read(OTHER, part(0, 1), 0).await.is_ok());
        depot.delete(OTHER).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_not_there_or_does_not_know_the_key_is_an_error_and_no_wait() {
    let server = Server::start().unwrap();
    let stranger = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(stranger.path(), "wrong\n").unwrap();
    let settings = S3 { secret_key_file: stranger.path().to_owned(), ..at(&server, "") };
    let depot = Depot::open(&FilePlace::S3(settings)).unwrap().unwrap();
    assert!(depot.put(FILE, part(0, 1), Bytes::from_static(b"x")).await.is_err());
    let settings = S3 { endpoint: Some("http://127.0.0.1:1".into()), ..at(&server, "") };
    let depot = Depot::open(&FilePlace::S3(settings)).unwrap().unwrap();
    assert!(depot.put(FILE, part(0, 1), Bytes::from_static(b"x")).await.is_err());
    let missing = S3 { access_key_file: "/nonexistent".into(), ..at(&server, "") };
    assert!(matches!(Depot::open(&FilePlace::S3(missing)), Err(DepotError::File { .. })));
    assert!(Depot::open(&FilePlace::Off).unwrap().is_none());
}
