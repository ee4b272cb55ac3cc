//! What goes into the packages, and under which names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{Built, guides, version};
use crate::root;

/// One file of a package.
#[derive(Clone)]
pub(super) struct Item {
    /// With `/` between its parts.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    /// It can be started.
    pub(super) program: bool,
}

impl Item {
    pub(super) fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into(), program: false }
    }

    pub(super) fn program(path: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { program: true, ..Self::new(path, bytes) }
    }
}

/// Whom a folder that is unpacked is for.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum System {
    Windows,
    Linux,
}

/// Where installed clients look for newer versions.
pub(super) struct Feed {
    url: String,
    key: String,
}

impl Feed {
    /// `key` is the public key, or the file that holds it.
    pub(super) fn new(url: &str, key: &str) -> Result<Self> {
        if !url.starts_with("https://") {
            bail!("--updates-feed must begin with https://");
        }
        let written = fs::read_to_string(key).unwrap_or_else(|_| key.to_owned());
        let last =
            written.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        minisign::PublicKey::from_base64(last).context("--updates-key is no public key")?;
        Ok(Self { url: url.to_owned(), key: last.to_owned() })
    }

    /// `updates.toml` for a package of this form.
    pub(super) fn item(&self, path: &str, form: &str) -> Item {
        let Self { url, key } = self;
        Item::new(
            path,
            format!(
                "# Where this program looks for newer versions, and whose signature it asks for.\n\
                 url = {url:?}\nkey = {key:?}\nform = {form:?}\n"
            ),
        )
    }
}

/// The client in a folder that is unpacked and used where it lies.
pub(super) fn client(system: System, how: Built, feed: Option<&Feed>) -> Result<Vec<Item>> {
    let (ending, form) = match system {
        System::Windows => (".exe", "zip"),
        System::Linux => ("", "tar"),
    };
    let mut items = Vec::new();
    for name in ["thrive-messenger", "thrive"] {
        let name = format!("{name}{ending}");
        items.push(Item::program(&name, how.bytes(&name)?));
    }
    items.extend(sounds("sounds")?);
    items.extend(guides::client("", "sounds")?);
    items.push(readme("README.client.txt", system)?);
    items.extend(own_licences()?);
    items.extend(feed.map(|feed| feed.item("updates.toml", form)));
    if system == System::Linux {
        items.push(Item::new("thrive-messenger.svg", icon("thrive-messenger.svg")?));
    }
    Ok(items)
}

/// The server in a folder that is unpacked.
pub(super) fn server(how: Built) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for name in ["thrive-node", "thrive-router"] {
        items.push(Item::program(name, how.bytes(name)?));
    }
    for file in [
        "deploy/thrive-node.example.toml",
        "deploy/thrive-router.example.toml",
        "packaging/linux/thrive-node.service",
    ] {
        let name = file.rsplit('/').next().unwrap_or(file);
        items.push(Item::new(name, read(&root().join(file))?));
    }
    items.extend(guides::server("", "")?);
    items.push(readme("README.server.txt", System::Linux)?);
    items.extend(own_licences()?);
    Ok(items)
}

/// Every sound pack, below `folder`.
pub(super) fn sounds(folder: &str) -> Result<Vec<Item>> {
    let from = root().join("sounds");
    let mut items = vec![Item::new(format!("{folder}/README.md"), read(&from.join("README.md"))?)];
    for pack in entries(&from)?.into_iter().filter(|path| path.is_dir()) {
        for sound in entries(&pack)? {
            let path = sound.strip_prefix(&from).context("it lies in there")?;
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            items.push(Item::new(format!("{folder}/{}", parts.join("/")), read(&sound)?));
        }
    }
    Ok(items)
}

fn own_licences() -> Result<Vec<Item>> {
    ["LICENSE-MIT", "LICENSE-APACHE"]
        .into_iter()
        .map(|name| Ok(Item::new(format!("{name}.txt"), read(&root().join(name))?)))
        .collect()
}

fn readme(file: &str, system: System) -> Result<Item> {
    let text = template(file)?;
    // The oldest editors of Windows know no other line ends.
    let text = if system == System::Windows { text.replace('\n', "\r\n") } else { text };
    Ok(Item::new("README.txt", text))
}

/// A file of `packaging` with the version in its place.
pub(super) fn template(file: &str) -> Result<String> {
    let bytes = read(&root().join("packaging").join(file))?;
    let text = String::from_utf8(bytes).with_context(|| format!("{file} is text"))?;
    Ok(text.replace("@VERSION@", version()))
}

pub(super) fn icon(file: &str) -> Result<Vec<u8>> {
    read(&root().join("packaging/icons").join(file))
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// Says that a package is there, and how large it is.
pub(super) fn say(file: &Path) -> Result<()> {
    let bytes = fs::metadata(file).with_context(|| format!("no {}", file.display()))?.len();
    println!("Made {} ({}.{} MB).", file.display(), bytes / 1_000_000, bytes / 100_000 % 10);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn a_feed_is_over_https_and_has_a_key() {
        assert!(Feed::new("http://a.example/latest.toml", KEY).is_err());
        assert!(Feed::new("https://a.example/latest.toml", "secret").is_err());
        let feed = Feed::new("https://a.example/latest.toml", KEY).expect("it is in order");
        let text = String::from_utf8(feed.item("updates.toml", "zip").bytes).expect("text");
        assert!(text.contains("url = \"https://a.example/latest.toml\"\n"), "{text}");
        assert!(text.contains("form = \"zip\"\n"), "{text}");
    }

    #[test]
    fn every_sound_pack_is_in_the_package() {
        let items = sounds("sounds").expect("they are there");
        for pack in ["default", "galaxia", "classic"] {
            assert!(items.iter().any(|it| it.path == format!("sounds/{pack}/login.wav")), "{pack}");
        }
    }
}
