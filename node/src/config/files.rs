//! Files that people offer each other: where their content is, and what is taken.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thrive_protocol::limits::REFUSED_EXTENSIONS;
use thrive_protocol::url::Url;

use crate::config::Config;
use crate::config::reader::Reader;
use crate::domain::file_kind::{REFUSED, Rules};

/// What an operator decides about files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Files {
    pub place: FilePlace,
    /// Every node sees the same folder.
    pub shared: bool,
    /// Bytes of one file.
    pub most: u64,
    /// Bytes of all files of one account that are kept.
    pub quota: u64,
    /// How long a file is kept.
    pub keep: Duration,
    pub rules: Rules,
}

/// Where the content of files is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FilePlace {
    /// No files are taken.
    Off,
    Folder(PathBuf),
    S3(S3),
}

/// A store that speaks the language of S3.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct S3 {
    pub bucket: String,
    /// What every name in the bucket begins with; empty, or it ends in a slash.
    pub prefix: String,
    /// Where it is, unless it is Amazon's.
    pub endpoint: Option<String>,
    pub region: String,
    /// Files with the two halves of the key.
    pub access_key_file: PathBuf,
    pub secret_key_file: PathBuf,
    /// The certificate authority of the store, as PEM. Without it, those of the system.
    pub ca: Option<PathBuf>,
}

impl Files {
    pub(super) fn defaults(data: &Path) -> Self {
        Self {
            place: FilePlace::Folder(data.join(FOLDER)),
            shared: false,
            // A long video of a telephone, a whole album of music.
            most: 100 * MEBIBYTE,
            quota: 1_024 * MEBIBYTE,
            // Whoever is away for a week finds what was sent to them.
            keep: Duration::from_secs(7 * 86_400),
            rules: Rules::refusing(REFUSED.iter().map(|it| (*it).to_owned())),
        }
    }

    pub(super) fn read(reader: &mut Reader, or: &Self) -> Self {
        let enabled = reader.text("files.enabled", "yes", YES_OR_NO, yes_or_no);
        let folder = reader.path("files.folder");
        let shared = reader.text("files.shared", "no", YES_OR_NO, yes_or_no);
        let s3 = s3(reader);
        let place = match (enabled, s3, folder) {
            (false, _, _) => FilePlace::Off,
            (true, Some(s3), _) => FilePlace::S3(s3),
            (true, None, Some(folder)) => FilePlace::Folder(folder),
            (true, None, None) => or.place.clone(),
        };
        let bytes = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
        let most = reader.count("files.max_bytes", bytes(or.most), 1..=MOST);
        let quota = reader.count("files.quota_bytes", bytes(or.quota), 1..=MOST);
        let keep = reader.seconds("files.keep_seconds", or.keep, 1..=MOST_SECONDS);
        let allowed =
            format!("up to {REFUSED_EXTENSIONS} extensions without dots, with commas between");
        let refused = REFUSED.join(", ");
        let rules = reader.text("files.refused_extensions", &refused, &allowed, extensions);
        Self { place, shared, most: most as u64, quota: quota as u64, keep, rules }
    }
}

/// Nodes that serve the same people must find the same files.
pub(super) fn are_shared(config: &Config, reader: &mut Reader) {
    let because = match (&config.redis, &config.database, &config.cluster) {
        (Some(_), _, _) => "redis.url",
        (None, Some(_), Some(_)) => "cluster.secret",
        (None, _, _) => return,
    };
    if matches!(config.files.place, FilePlace::Folder(_)) && !config.files.shared {
        let allowed = "the URL of an object store that all nodes share; or files.folder with \
                       files.shared = \"yes\", when each node sees the same folder there; or \
                       files.enabled = \"no\"";
        reader.missing("files.url", allowed, because);
    }
}

fn s3(reader: &mut Reader) -> Option<S3> {
    let url = reader.url("files.url", &["s3"]);
    let allowed = "https:// and a host; http:// only on this machine";
    let endpoint = reader.optional("files.endpoint", allowed, endpoint);
    let allowed = "1 to 40 letters, digits or '-'";
    let region = reader.text("files.region", "us-east-1", allowed, region);
    let access_key_file = reader.path("files.access_key_file");
    let secret_key_file = reader.path("files.secret_key_file");
    let ca = reader.path("files.ca");
    let Some((bucket, prefix)) = url.as_ref().map(bucket_of) else {
        for (key, given) in [
            ("files.endpoint", endpoint.is_some()),
            ("files.access_key_file", access_key_file.is_some()),
            ("files.secret_key_file", secret_key_file.is_some()),
            ("files.ca", ca.is_some()),
        ] {
            if given {
                reader.missing("files.url", "the URL of the object store", key);
            }
        }
        return None;
    };
    let files = [
        ("files.access_key_file", access_key_file.is_some()),
        ("files.secret_key_file", secret_key_file.is_some()),
    ];
    for (key, given) in files {
        if !given {
            reader.missing(key, "a file with this half of the key", "files.url");
        }
    }
    // What is missing has been told, and nothing starts without it.
    let access_key_file = access_key_file.unwrap_or_default();
    let secret_key_file = secret_key_file.unwrap_or_default();
    Some(S3 { bucket, prefix, endpoint, region, access_key_file, secret_key_file, ca })
}

/// `s3://bucket/prefix`
fn bucket_of(url: &Url) -> (String, String) {
    let rest = url.expose().trim_start_matches("s3://").trim_end_matches('/');
    match rest.split_once('/') {
        Some((bucket, prefix)) => (bucket.to_owned(), format!("{}/", prefix.trim_matches('/'))),
        None => (rest.to_owned(), String::new()),
    }
}

/// Keys and files travel in clear over HTTP, so it is for tests on one machine only.
fn endpoint(raw: &str) -> Option<String> {
    let raw = raw.trim_end_matches('/');
    let (scheme, place) = raw.split_once("://")?;
    if place.is_empty() || place.contains(|it: char| it.is_whitespace() || "@?#".contains(it)) {
        return None;
    }
    let authority = place.split('/').next().unwrap_or(place);
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    };
    let here = host == "localhost" || host.parse().is_ok_and(|it: IpAddr| it.is_loopback());
    (scheme == "https" || scheme == "http" && here).then(|| raw.to_owned())
}

fn region(raw: &str) -> Option<String> {
    let fine = |it: char| it.is_ascii_alphanumeric() || it == '-';
    ((1..=40).contains(&raw.len()) && raw.chars().all(fine)).then(|| raw.to_owned())
}

fn extensions(raw: &str) -> Option<Rules> {
    let all: Vec<_> = raw.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
    let fine = |it: &&str| it.len() <= 16 && !it.contains(|c: char| c.is_whitespace() || c == '.');
    let fits = all.len() <= REFUSED_EXTENSIONS && all.iter().all(fine);
    fits.then(|| Rules::refusing(all.into_iter().map(str::to_owned)))
}

fn yes_or_no(raw: &str) -> Option<bool> {
    match raw {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

const YES_OR_NO: &str = "yes or no";
/// Below the data folder.
const FOLDER: &str = "files";
const MEBIBYTE: u64 = 1_024 * 1_024;
/// A thousand tebibytes: nobody has more, and the sum of all files stays a number.
const MOST: usize = 1 << 50;
/// Ten years.
const MOST_SECONDS: u64 = 10 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_have_a_prefix() {
        let check = |url: &str, bucket: &str, prefix: &str| {
            let url = Url::parse(url, &["s3"]).unwrap();
            assert_eq!(bucket_of(&url), (bucket.to_owned(), prefix.to_owned()));
        };
        check("s3://thrive", "thrive", "");
        check("s3://thrive/", "thrive", "");
        check("s3://thrive/one/two/", "thrive", "one/two/");
    }

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for yes in [
            "https://s3.example.org",
            "https://store:9000/x",
            "http://127.0.0.1:5000",
            "http://[::1]:5000",
            "http://localhost",
        ] {
            assert_eq!(endpoint(yes).as_deref(), Some(yes));
        }
        for no in [
            "http://store",
            "http://10.0.0.1:9000",
            "http://localhost.example.org",
            "http://127.0.0.1@store",
            "ftp://localhost",
            "https://",
            "store",
        ] {
            assert_eq!(endpoint(no), None, "{no}");
        }
    }

    #[test]
    fn extensions_are_words_with_commas_between() {
        assert_eq!(extensions("EXE, msi").unwrap().refused(), ["exe", "msi"]);
        assert_eq!(extensions("").unwrap(), Rules::default());
        for no in ["tar.gz", "a b", &"x".repeat(17), &"a,".repeat(200)] {
            assert!(extensions(no).is_none(), "{no}");
        }
    }
}
