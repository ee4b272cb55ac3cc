//! The whole way of an update: a place with HTTPS, a signed page, a package, a folder with the program.

#![expect(clippy::unwrap_used, reason = "clippy takes the words that tests share for shipped code")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use minisign::KeyPair;
use minisign_verify::PublicKey;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};
use thrive_slint::updates::{self, Feed, Fetcher, Form, Offer, Refusal, Verdict, Version};
use ureq::tls::{Certificate, RootCerts};

const NAME: &str = "thrive-messenger-9.0.0.tar.gz";

/// A place that newer versions are fetched from, and a computer that has an old one.
struct Place {
    feed: Feed,
    fetcher: Fetcher,
    /// With the folder of the program and the data folder.
    computer: tempfile::TempDir,
}

impl Place {
    fn with(keys: &KeyPair, files: BTreeMap<String, Vec<u8>>) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || serve(&listener, &Arc::new(config), &files));

        let computer = tempfile::tempdir().unwrap();
        let root = computer.path().join("thrive");
        fs::create_dir_all(root.join("sounds")).unwrap();
        fs::create_dir_all(computer.path().join("data")).unwrap();
        fs::write(root.join("thrive-messenger"), "old").unwrap();
        fs::write(root.join("client.conf"), "mine").unwrap();
        let feed = Feed {
            url: format!("https://localhost:{port}/latest.toml"),
            key: PublicKey::from_base64(&keys.pk.to_base64()).unwrap(),
            form: Form::Tar,
            program: root.join("thrive-messenger"),
        };
        let trusted = Certificate::from_der(&certificate).to_owned();
        let fetcher = Fetcher::trusting(RootCerts::new_with_certs(&[trusted]));
        Self { feed, fetcher, computer }
    }

    fn data(&self) -> PathBuf {
        self.computer.path().join("data")
    }

    fn program(&self) -> String {
        fs::read_to_string(&self.feed.program).unwrap()
    }

    fn look(&self) -> Result<Verdict, Refusal> {
        updates::look(&self.feed, &self.fetcher, &self.data(), Version::own())
    }

    fn offer(&self) -> Offer {
        match self.look().unwrap() {
            Verdict::Newer(offer) => offer,
            Verdict::Newest => panic!("it is newer"),
        }
    }

    fn install(&self, offer: &Offer) -> Result<(), Refusal> {
        updates::install(&self.feed, offer, &self.fetcher, &self.data(), &mut |_| {})
    }
}

/// Answers each request with a file, and with 404 where there is none.
fn serve(listener: &TcpListener, config: &Arc<ServerConfig>, files: &BTreeMap<String, Vec<u8>>) {
    for stream in listener.incoming().flatten() {
        let tls = ServerConnection::new(config.clone()).unwrap();
        let mut reader = BufReader::new(StreamOwned::new(tls, stream));
        let mut first = String::new();
        // A client that does not trust us leaves here.
        if reader.read_line(&mut first).is_err() {
            continue;
        }
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|_| line != "\r\n") {
            line.clear();
        }
        let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
        let (status, body) = match files.get(path) {
            Some(body) => ("200 OK", body.as_slice()),
            None => ("404 Not Found", &b""[..]),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let stream = reader.get_mut();
        let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        stream.conn.send_close_notify();
        if sent.is_ok() {
            stream.flush().ok();
        }
    }
}

fn package(files: &[(&str, &str)]) -> Vec<u8> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(packed);
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        builder
            .append_data(&mut header, Path::new("thrive-9.0.0").join(name), text.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// What lies at the place: the page, signed, and the package.
fn published(keys: &KeyPair, version: &str, package: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let hash: String = Sha256::digest(package).iter().map(|byte| format!("{byte:02x}")).collect();
    let page = format!(
        "program = \"thrive-messenger\"\nversion = \"{version}\"\n\n[[package]]\n\
         holds = \"thrive-messenger\"\nname = \"{NAME}\"\nform = \"tar\"\nsystem = \"{}\"\n\
         size = {}\nsha256 = \"{hash}\"\nurl = \"{NAME}\"\n",
        updates::manifest::SYSTEM,
        package.len()
    );
    let signature = minisign::sign(None, &keys.sk, page.as_bytes(), None, None).unwrap();
    BTreeMap::from([
        ("latest.toml".to_owned(), page.into_bytes()),
        ("latest.toml.minisig".to_owned(), signature.into_string().into_bytes()),
        (NAME.to_owned(), package.to_vec()),
    ])
}

fn keys() -> KeyPair {
    KeyPair::generate_unencrypted_keypair().unwrap()
}

#[test]
fn a_newer_version_is_found_fetched_and_put_in_place() {
    let keys = keys();
    let package = package(&[("thrive-messenger", "new"), ("sounds/a.wav", "new")]);
    let place = Place::with(&keys, published(&keys, "9.0.0", &package));
    let offer = place.offer();
    assert_eq!(offer.version.to_string(), "9.0.0");
    let mut heard = 0;
    updates::install(&place.feed, &offer, &place.fetcher, &place.data(), &mut |it| heard = it)
        .unwrap();
    assert_eq!((place.program().as_str(), heard), ("new", 100));
    let root = place.feed.root().unwrap();
    assert_eq!(fs::read_to_string(root.join("former/thrive-messenger")).unwrap(), "old");
    assert_eq!(fs::read_to_string(root.join("client.conf")).unwrap(), "mine");
    // The package itself is gone.
    assert_eq!(fs::read_dir(place.data().join("updates")).unwrap().count(), 0);
}

#[test]
fn weakness_11_a_forged_page_is_refused_and_so_is_a_place_that_nobody_vouches_for() {
    let (keys, others) = (keys(), keys());
    let place = Place::with(&keys, published(&others, "9.0.0", b"x"));
    assert!(matches!(place.look(), Err(Refusal::Forged)));
    let stranger = Place { fetcher: Fetcher::trusting(RootCerts::new_with_certs(&[])), ..place };
    assert!(matches!(stranger.look(), Err(Refusal::Unreachable(_))));
}

#[test]
fn a_version_that_was_seen_cannot_be_taken_back() {
    let keys = keys();
    let place = Place::with(&keys, published(&keys, "9.0.0", b"x"));
    place.offer();
    let older = Place::with(&keys, published(&keys, "8.0.0", b"x"));
    let older = Place { computer: place.computer, ..older };
    assert!(matches!(older.look(), Err(Refusal::TakenBack { .. })));
}

#[test]
fn a_package_that_is_cut_off_changed_or_tricky_changes_nothing() {
    let keys = keys();
    let good = package(&[("thrive-messenger", "new")]);
    let cut = good[..good.len() - 1].to_vec();
    let mut changed = good.clone();
    changed[20] ^= 1;
    for wrong in [cut, changed, Vec::new()] {
        let mut files = published(&keys, "9.0.0", &good);
        files.insert(NAME.to_owned(), wrong);
        let place = Place::with(&keys, files);
        let refused = place.install(&place.offer());
        assert!(matches!(refused, Err(Refusal::Damaged)), "{refused:?}");
        assert_eq!(place.program(), "old");
    }
    for tricky in [package(&[("sounds/a.wav", "new")]), b"no package".to_vec()] {
        let place = Place::with(&keys, published(&keys, "9.0.0", &tricky));
        let refused = place.install(&place.offer());
        assert!(matches!(refused, Err(Refusal::Unsafe(_))), "{refused:?}");
        assert_eq!(place.program(), "old");
    }
}

#[test]
fn nothing_is_fetched_without_tls() {
    let keys = keys();
    let mut place = Place::with(&keys, published(&keys, "9.0.0", b"x"));
    place.feed.url = place.feed.url.replace("https:", "http:");
    assert!(matches!(place.look(), Err(Refusal::Unreachable(_))));
}
