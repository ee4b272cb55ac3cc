//! The page about the newest version, and what this program makes of it.

use minisign_verify::{PublicKey, Signature};
use serde::Deserialize;

use super::{Feed, Form, Refusal, Version};

/// What this program runs on, in the words of the page.
pub const SYSTEM: &str = if cfg!(all(windows, target_arch = "x86_64")) {
    "windows-x86_64"
} else if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    "linux-x86_64"
} else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
    "linux-aarch64"
} else {
    "another system"
};

/// The page, signed and understood.
#[derive(Debug)]
pub struct Manifest {
    version: Version,
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Written {
    program: String,
    version: String,
    #[serde(default, rename = "package")]
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    /// What is in it; a page has packages of servers too.
    holds: String,
    name: String,
    /// Forms that came later are passed over.
    form: String,
    system: String,
    size: u64,
    sha256: String,
    url: String,
}

/// A newer version for this computer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    pub version: Version,
    /// A plain file name.
    pub name: String,
    pub url: String,
    pub size: u64,
    /// In small hexadecimal digits.
    pub sha256: String,
}

/// What the page means for this program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// There is nothing newer.
    Newest,
    Newer(Offer),
}

impl Manifest {
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }
}

/// Takes nothing from the page before its signature is right.
///
/// # Errors
/// The signature is another one's, or the page is not understood.
pub fn read(page: &[u8], signature: &str, key: &PublicKey) -> Result<Manifest, Refusal> {
    let signature = Signature::decode(signature).map_err(|_| Refusal::Forged)?;
    key.verify(page, &signature, false).map_err(|_| Refusal::Forged)?;
    let text = std::str::from_utf8(page).map_err(|error| Refusal::Strange(error.to_string()))?;
    let written: Written =
        toml::from_str(text).map_err(|error| Refusal::Strange(error.message().to_owned()))?;
    // A key may sign other things too.
    if written.program != PROGRAM {
        return Err(Refusal::Strange(format!("the page is about {:?}", written.program)));
    }
    let version = Version::parse(&written.version)
        .ok_or_else(|| Refusal::Strange(format!("the version {:?}", written.version)))?;
    Ok(Manifest { version, packages: written.packages })
}

/// Whether there is something newer for this computer. `seen` is the newest version that was ever seen.
///
/// # Errors
/// An old page is shown again, there is no package for this computer, or one that is not in order.
pub fn judge(
    page: &Manifest,
    feed: &Feed,
    own: Version,
    seen: Version,
    system: &str,
) -> Result<Verdict, Refusal> {
    let offered = page.version;
    if offered < seen {
        return Err(Refusal::TakenBack { offered, seen });
    }
    if offered <= own {
        return Ok(Verdict::Newest);
    }
    let form = match feed.form {
        Form::Zip => "zip",
        Form::Tar => "tar",
        Form::Deb => "deb",
    };
    let ours = |it: &&Package| it.holds == PROGRAM && it.form == form && it.system == system;
    let package = page.packages.iter().find(ours).ok_or(Refusal::NotForUs(offered))?;
    let url = beside(&feed.url, &package.url);
    let in_order = is_plain(&package.name)
        && url.starts_with("https://")
        && (1..=PACKAGE_MAX).contains(&package.size)
        && package.sha256.len() == 64
        && package.sha256.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    if !in_order {
        return Err(Refusal::Strange(format!("the package {:?}", package.name)));
    }
    Ok(Verdict::Newer(Offer {
        version: offered,
        name: package.name.clone(),
        url,
        size: package.size,
        sha256: package.sha256.clone(),
    }))
}

/// A whole address stays; a name alone lies beside the page.
fn beside(page: &str, url: &str) -> String {
    if url.contains("://") || !is_plain(url) {
        return url.to_owned();
    }
    let folder = page.rsplit_once('/').map_or(page, |(folder, _)| folder);
    format!("{folder}/{url}")
}

/// The name of a file and of nothing else, on every system.
fn is_plain(name: &str) -> bool {
    let sign = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-' | b'+');
    (1..=128).contains(&name.len()) && !name.starts_with(['.', '-']) && name.bytes().all(sign)
}

const PROGRAM: &str = "thrive-messenger";
/// Larger than any package of ours may become.
const PACKAGE_MAX: u64 = 512 * 1_024 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use minisign::KeyPair;

    const PAGE: &str = r#"program = "thrive-messenger"
version = "0.2.0"

[[package]]
holds = "thrive-node"
name = "thrive-node-0.2.0-linux-x86_64.tar.gz"
form = "tar"
system = "linux-x86_64"
size = 10
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
url = "thrive-node-0.2.0-linux-x86_64.tar.gz"

[[package]]
holds = "thrive-messenger"
name = "thrive-messenger-0.2.0-linux-x86_64.tar.gz"
form = "tar"
system = "linux-x86_64"
size = 1000
sha256 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
url = "thrive-messenger-0.2.0-linux-x86_64.tar.gz"
"#;

    fn signed(page: &str, keys: &KeyPair) -> (Vec<u8>, String) {
        let signature = minisign::sign(None, &keys.sk, page.as_bytes(), None, None).unwrap();
        (page.as_bytes().to_vec(), signature.into_string())
    }

    fn keys() -> (KeyPair, PublicKey) {
        let keys = KeyPair::generate_unencrypted_keypair().unwrap();
        let key = PublicKey::from_base64(&keys.pk.to_base64()).unwrap();
        (keys, key)
    }

    fn feed(key: PublicKey) -> Feed {
        Feed {
            url: "https://feed.example/thrive/latest.toml".into(),
            key,
            form: Form::Tar,
            program: "/opt/thrive/thrive-messenger".into(),
        }
    }

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    /// What a program of version `own` makes of a page that is signed as it should be.
    fn judged(page: &str, own: &str, seen: &str) -> Result<Verdict, Refusal> {
        let (keys, key) = keys();
        let (page, signature) = signed(page, &keys);
        let page = read(&page, &signature, &key)?;
        judge(&page, &feed(key), version(own), version(seen), "linux-x86_64")
    }

    #[test]
    fn a_newer_version_is_offered_with_the_package_for_this_computer() {
        let verdict = judged(PAGE, "0.1.0", "0.1.0").unwrap();
        let Verdict::Newer(offer) = verdict else { panic!("it is newer") };
        assert_eq!(offer.name, "thrive-messenger-0.2.0-linux-x86_64.tar.gz");
        assert_eq!(
            offer.url,
            "https://feed.example/thrive/thrive-messenger-0.2.0-linux-x86_64.tar.gz"
        );
        assert_eq!((offer.version, offer.size), (version("0.2.0"), 1_000));
    }

    #[test]
    fn the_page_that_our_own_command_writes_is_read() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/latest.example.toml");
        let page = std::fs::read_to_string(example).unwrap();
        let verdict = judged(&page, "0.1.0", "0.1.0").unwrap();
        assert!(matches!(verdict, Verdict::Newer(offer) if offer.size == 1_000));
    }

    #[test]
    fn weakness_11_the_same_version_and_an_older_one_are_never_offered() {
        assert_eq!(judged(PAGE, "0.2.0", "0.2.0").unwrap(), Verdict::Newest);
        assert_eq!(judged(PAGE, "0.10.0", "0.1.0").unwrap(), Verdict::Newest);
    }

    #[test]
    fn an_old_page_that_is_shown_again_is_refused_although_it_is_signed() {
        let refused = judged(PAGE, "0.1.0", "0.3.0");
        assert!(matches!(refused, Err(Refusal::TakenBack { .. })), "{refused:?}");
    }

    #[test]
    fn a_page_of_somebody_else_or_changed_on_the_way_says_nothing() {
        let ((keys, key), (others, _)) = (keys(), keys());
        let (page, signature) = signed(PAGE, &keys);
        assert!(read(&page, &signature, &key).is_ok());
        let changed = PAGE.replace("0.2.0", "0.2.1");
        let (_, foreign) = signed(PAGE, &others);
        let half = &signature[..signature.len() / 2];
        for (page, signature) in [
            (changed.as_bytes(), signature.as_str()),
            (&page[..], foreign.as_str()),
            (&page[..], half),
            (&page[..], ""),
            (&page[..page.len() - 1], signature.as_str()),
        ] {
            assert!(matches!(read(page, signature, &key), Err(Refusal::Forged)));
        }
    }

    #[test]
    fn what_the_key_signed_for_something_else_is_no_page() {
        for page in [
            PAGE.replace("program = \"thrive-messenger\"", "program = \"other\""),
            PAGE.replace("version = \"0.2.0\"", "version = \"0.2.0-rc1\""),
            "hello".to_owned(),
        ] {
            assert!(matches!(judged(&page, "0.1.0", "0.1.0"), Err(Refusal::Strange(_))), "{page}");
        }
    }

    #[test]
    fn a_package_with_a_name_that_leads_elsewhere_is_refused() {
        let name = "name = \"thrive-messenger-0.2.0-linux-x86_64.tar.gz\"";
        for wrong in ["../thrive", "a/b", "a\\\\b", "C:thrive", ".bashrc", "-rf", "", "a b"] {
            let page = PAGE.replace(name, &format!("name = \"{wrong}\""));
            assert!(matches!(judged(&page, "0.1.0", "0.1.0"), Err(Refusal::Strange(_))), "{wrong}");
        }
        for (right, wrong) in [
            ("url = \"thrive-messenger", "url = \"http://a.example/thrive-messenger"),
            ("url = \"thrive-messenger", "url = \"../thrive-messenger"),
            ("size = 1000", "size = 999999999999"),
            ("size = 1000", "size = 0"),
            ("sha256 = \"0011", "sha256 = \"11"),
            ("sha256 = \"0011", "sha256 = \"ZZ11"),
        ] {
            let page = PAGE.replace(right, wrong);
            assert!(matches!(judged(&page, "0.1.0", "0.1.0"), Err(Refusal::Strange(_))), "{wrong}");
        }
    }

    #[test]
    fn a_version_without_a_package_for_this_computer_is_said_to_be_so() {
        let page = PAGE.replace("linux-x86_64\"\nsize", "plan9-mips\"\nsize");
        assert!(matches!(judged(&page, "0.1.0", "0.1.0"), Err(Refusal::NotForUs(_))));
    }
}
