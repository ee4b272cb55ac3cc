//! The packages for Linux.

use anyhow::Result;

use super::deb::{self, Deb};
use super::stock::{self, Feed, Item, System};
use super::{Built, Making, archive, build, guides, licences, scratch, version};
use crate::{root, system};

const TARGET: &str = if cfg!(target_arch = "aarch64") {
    "aarch64-unknown-linux-gnu"
} else {
    "x86_64-unknown-linux-gnu"
};
const SYSTEM: &str = if cfg!(target_arch = "aarch64") { "linux-aarch64" } else { "linux-x86_64" };

/// For whoever is at a desk.
pub(super) const CLIENT: &str = "thrive-messenger";
/// For whoever runs a community.
pub(super) const SERVER: &str = "thrive-node";

pub(super) fn make(making: &Making) -> Result<()> {
    let feed = making.feed()?;
    system::ensure(&[system::BUILD])?;
    let maintainer = deb::maintainer(making.maintainer.as_deref())?;
    let how = Built { dev: making.dev, target: None };
    if !making.no_build {
        build(&["thrive-client", "thrive-slint", "thrive-node", "thrive-router"], how)?;
    }
    let folder = how.packages()?;
    let client_licences = licences::items("thrive-slint", TARGET)?;
    let server_licences = licences::items("thrive-node", TARGET)?;

    let mut files = Vec::new();
    for (package, mut items, licences) in [
        (CLIENT, stock::client(System::Linux, how, feed.as_ref())?, &client_licences),
        (SERVER, stock::server(how)?, &server_licences),
    ] {
        items.extend(licences.clone());
        let name = format!("{package}-{}-{SYSTEM}", version());
        let file = folder.join(format!("{name}.tar.gz"));
        archive::tar_gz(items, &name, &file)?;
        files.push(file);
    }
    files.push(client(how, feed.as_ref(), client_licences)?.pack(&folder, &maintainer)?);
    files.push(server(how, server_licences)?.pack(&folder, &maintainer)?);
    for file in &files {
        stock::say(file)?;
    }
    if making.tried { scratch::try_out(&files) } else { Ok(()) }
}

fn client(how: Built, feed: Option<&Feed>, licences: Option<Item>) -> Result<Deb> {
    let sounds = "usr/share/thrive-messenger/sounds";
    let mut items = stock::sounds(sounds)?;
    for name in [CLIENT, "thrive"] {
        items.push(Item::program(format!("usr/bin/{name}"), how.bytes(name)?));
    }
    items.push(Item::new(
        "usr/share/applications/org.thrive.Messenger.desktop",
        stock::template("linux/org.thrive.Messenger.desktop")?,
    ));
    items.push(Item::new("usr/share/metainfo/org.thrive.Messenger.metainfo.xml", metainfo()?));
    let icons = "usr/share/icons/hicolor";
    for size in [16, 22, 24, 32, 48, 64, 128, 256, 512] {
        let picture = stock::icon(&format!("thrive-messenger-{size}.png"))?;
        items.push(Item::new(format!("{icons}/{size}x{size}/apps/thrive-messenger.png"), picture));
    }
    let drawing = stock::icon("thrive-messenger.svg")?;
    items.push(Item::new(format!("{icons}/scalable/apps/thrive-messenger.svg"), drawing));
    items.extend(guides::client("usr/share/doc/thrive-messenger/", sounds)?);
    items.extend(third_party(CLIENT, licences));
    items.extend(feed.map(|it| it.item("usr/share/thrive-messenger/updates.toml", "deb")));
    Ok(Deb {
        name: CLIENT,
        section: "net",
        says: (
            "instant messenger that is made for blind people first",
            "The desktop client with its sounds, and the command line thrive. Everything can be\n \
             done with keys, and everything has a name that a screen reader speaks.",
        ),
        programs: &["usr/bin/thrive-messenger", "usr/bin/thrive"],
        // Opened while the program runs, so that no program names them.
        depends: system::SHOW
            .iter()
            .filter(|it| it.starts_with("lib"))
            .map(|it| (*it).to_owned())
            .collect(),
        recommends: "at-spi2-core, fonts-dejavu-core, xdg-utils",
        conffiles: &[],
        scripts: Vec::new(),
        items,
    })
}

fn server(how: Built, licences: Option<Item>) -> Result<Deb> {
    let mut items = Vec::new();
    for name in [SERVER, "thrive-router"] {
        items.push(Item::program(format!("usr/bin/{name}"), how.bytes(name)?));
    }
    let example = stock::read(&root().join("deploy/thrive-node.example.toml"))?;
    items.push(Item::new("etc/thrive-node/thrive-node.toml", example));
    let doc = "usr/share/doc/thrive-node";
    for (path, file) in [
        (
            "usr/lib/systemd/system/thrive-node.service".to_owned(),
            "packaging/linux/thrive-node.service",
        ),
        (format!("{doc}/examples/thrive-node.example.toml"), "deploy/thrive-node.example.toml"),
        (format!("{doc}/examples/thrive-router.example.toml"), "deploy/thrive-router.example.toml"),
    ] {
        items.push(Item::new(path, stock::read(&root().join(file))?));
    }
    items.extend(guides::server(&format!("{doc}/"), &format!("{doc}/examples/"))?);
    items.extend(third_party(SERVER, licences));
    Ok(Deb {
        name: SERVER,
        section: "net",
        says: (
            "server of Thrive Messenger",
            "One program is a server for a community; several of them behind thrive-router are one\n \
             for a large community. It listens on this machine only until /etc/thrive-node says more,\n \
             and starts when you say so: systemctl enable --now thrive-node",
        ),
        programs: &["usr/bin/thrive-node", "usr/bin/thrive-router"],
        depends: Vec::new(),
        recommends: "",
        conffiles: &["etc/thrive-node/thrive-node.toml"],
        scripts: vec![
            ("postinst", script("")),
            (
                "prerm",
                script(
                    "[ \"$1\" != remove ] || systemctl disable --now thrive-node.service || true",
                ),
            ),
            ("postrm", script("")),
        ],
        items,
    })
}

/// A step of an installation, where systemd runs on the machine itself.
fn script(step: &str) -> String {
    let step = if step.is_empty() { "systemctl daemon-reload || true" } else { step };
    format!(
        "#!/bin/sh\nset -e\nif [ -z \"$DPKG_ROOT\" ] && [ -d /run/systemd/system ]; then\n  {step}\nfi\n"
    )
}

fn third_party(package: &str, licences: Option<Item>) -> Option<Item> {
    let path = format!("usr/share/doc/{package}/THIRD-PARTY.txt");
    licences.map(|item| Item { path, ..item })
}

/// What software centres show.
pub(super) fn metainfo() -> Result<String> {
    let text = stock::template("linux/org.thrive.Messenger.metainfo.xml")?;
    Ok(text.replace("@DATE@", &archive::commit_day()?))
}
