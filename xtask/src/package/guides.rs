//! The guides, with their pictures and with links that lead somewhere in the place where they are put.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};

use super::stock::{Item, read};
use crate::root;

/// From a path in the repository to the path in a package.
type Places = BTreeMap<String, String>;

/// What whoever chats may want to read. `folder` is empty or ends with `/`.
pub(super) fn client(folder: &str, sounds: &str) -> Result<Vec<Item>> {
    let papers = ["USER_GUIDE.md", "KEYS.md", "ORCA_WALK.md", "NVDA_JAWS_WALK.md", "CHANGELOG.md"];
    items(folder, &papers, &[("sounds/README.md", format!("{sounds}/README.md"))])
}

/// What whoever runs a server has to read; the examples of its configuration lie in `examples`.
pub(super) fn server(folder: &str, examples: &str) -> Result<Vec<Item>> {
    let example = |name: &str| format!("{examples}thrive-{name}.example.toml");
    let also = [
        ("deploy/thrive-node.example.toml", example("node")),
        ("deploy/thrive-router.example.toml", example("router")),
    ];
    items(folder, &["ADMIN_GUIDE.md", "RUNBOOK.md", "CHANGELOG.md"], &also)
}

fn items(folder: &str, papers: &[&str], also: &[(&str, String)]) -> Result<Vec<Item>> {
    let mut texts = Vec::new();
    let mut places: Places =
        also.iter().map(|(from, to)| ((*from).to_owned(), to.clone())).collect();
    let mut pictures = Vec::new();
    for paper in papers {
        let from = format!("docs/{paper}");
        let text = String::from_utf8(read(&root().join(&from))?)
            .with_context(|| format!("{from} is text"))?;
        for (_, target) in links(&text).into_iter().filter(|(_, it)| it.starts_with("screenshots/"))
        {
            let picture = format!("docs/{target}");
            let place = format!("{folder}{target}");
            if places.insert(picture.clone(), place.clone()).is_none() {
                pictures.push(Item::new(place, read(&root().join(picture))?));
            }
        }
        places.insert(from.clone(), format!("{folder}{paper}"));
        texts.push((from, format!("{folder}{paper}"), text));
    }
    let guides =
        texts.iter().map(|(from, to, text)| Item::new(to, relink(text, from, to, &places)));
    Ok(guides.chain(pictures).collect())
}

/// Where each link of a text begins with its `](`, and what it leads to.
fn links(text: &str) -> Vec<(usize, &str)> {
    text.match_indices("](")
        .filter_map(|(at, _)| text[at + 2..].split_once(')').map(|(target, _)| (at, target)))
        .collect()
}

/// The text with links from where it lies now; what is not in the package is named as part of the source.
fn relink(text: &str, from: &str, to: &str, places: &Places) -> String {
    let mut new = String::with_capacity(text.len());
    let mut done = 0;
    for (at, target) in links(text) {
        let (path, part) =
            target.split_once('#').map_or((target, None), |(path, part)| (path, Some(part)));
        if path.is_empty() || path.contains(':') {
            continue;
        }
        new.push_str(&text[done..at]);
        done = at + "](".len() + target.len() + ")".len();
        let path = resolved(from, path);
        if let Some(place) = places.get(&path) {
            let part = part.map(|part| format!("#{part}")).unwrap_or_default();
            new.push_str(&format!("]({}{part})", relative(to, place)));
        } else {
            // The words of the link stay.
            if let Some(begin) = new.rfind('[') {
                new.remove(begin);
            }
            new.push_str(&format!(" ({path} in the source)"));
        }
    }
    new.push_str(&text[done..]);
    new
}

/// The path in the repository that `path` in the file `from` means.
fn resolved(from: &str, path: &str) -> String {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The way from the file `from` to the file `to`.
fn relative(from: &str, to: &str) -> String {
    let folder = Path::new(from).parent().unwrap_or_else(|| Path::new(""));
    let same = folder.iter().zip(Path::new(to)).take_while(|(one, other)| one == other).count();
    let up = folder.iter().skip(same).map(|_| "..".to_owned());
    let down = Path::new(to).iter().skip(same).map(|part| part.to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_of_a_shipped_guide_leads_to_something_in_the_package() {
        let (doc, share) = ("usr/share/doc/thrive-messenger/", "usr/share/thrive-messenger/sounds");
        let (node, examples) =
            ("usr/share/doc/thrive-node/", "usr/share/doc/thrive-node/examples/");
        for (items, also) in [
            (client("", "sounds"), "sounds/README.md"),
            (client(doc, share), "usr/share/thrive-messenger/sounds/README.md"),
            (server("", ""), "thrive-node.example.toml"),
            (server(node, examples), "usr/share/doc/thrive-node/examples/thrive-node.example.toml"),
        ] {
            let items = items.expect("they are there");
            let there = |path: &str| path == also || items.iter().any(|item| item.path == path);
            let mut pictures = 0;
            for item in items.iter().filter(|item| item.path.ends_with(".md")) {
                let text = std::str::from_utf8(&item.bytes).expect("text");
                for (_, target) in links(text).into_iter().filter(|(_, it)| !it.contains(':')) {
                    let path = target.split('#').next().unwrap_or_default();
                    pictures += usize::from(path.ends_with(".png"));
                    let path = resolved(&item.path, path);
                    assert!(target.starts_with('#') || there(&path), "{}: {target}", item.path);
                }
            }
            assert!(pictures > 0, "no pictures near {also}");
        }
    }

    #[test]
    fn a_link_follows_its_file_and_what_is_left_out_is_named() {
        let places: Places =
            [("docs/A.md", "doc/A.md"), ("sounds/README.md", "share/sounds/README.md")]
                .map(|(from, to)| (from.to_owned(), to.to_owned()))
                .into();
        let text = "[Here](#a), [sounds](../sounds/README.md#names), [B](B.md), [web](https://a.example/).";
        assert_eq!(
            relink(text, "docs/A.md", "doc/A.md", &places),
            "[Here](#a), [sounds](../share/sounds/README.md#names), B (docs/B.md in the source), [web](https://a.example/)."
        );
    }
}
