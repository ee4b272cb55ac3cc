//! Nodes that an operator lists: as tables in a file, or as one text in a variable or a flag.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::Value;
use thrive_protocol::cid::ServerId;

use crate::config::reader::Reader;
use crate::table::Member;

const ALLOWED: &str = "a list of { id = NUMBER, addresses = [ADDRESS, …] }, or a text such as \
                       \"1=10.0.0.7:2011,10.0.0.7:2012 2=10.0.0.8:2011\", each id and address once";

pub(super) fn read(reader: &mut Reader) -> Option<Vec<Member>> {
    reader.value("nodes", ALLOWED, |value| {
        let nodes = match value {
            Value::String(text) => from_text(text)?,
            Value::Array(list) => list.iter().map(from_table).collect::<Option<Vec<_>>>()?,
            _ => return None,
        };
        fits(&nodes).then(|| (in_words(&nodes), nodes))
    })
}

fn from_text(text: &str) -> Option<Vec<Member>> {
    let node = |word: &str| {
        let (id, addresses) = word.split_once('=')?;
        let addresses = addresses.split(',').map(|it| it.parse().ok());
        node(id.parse().ok()?, addresses.collect::<Option<_>>()?)
    };
    text.split_whitespace().map(node).collect()
}

fn from_table(table: &Value) -> Option<Member> {
    let table = table.as_object()?;
    let address = |it: &Value| it.as_str()?.parse().ok();
    let id = u32::try_from(table.get("id")?.as_u64()?).ok()?;
    let addresses = table.get("addresses")?.as_array()?.iter().map(address);
    // A key that is not known is a mistake, as everywhere else.
    if table.len() != 2 {
        return None;
    }
    node(id, addresses.collect::<Option<_>>()?)
}

fn node(id: u32, workers: Vec<SocketAddr>) -> Option<Member> {
    ServerId::new(id, 1)?;
    let fits = (1..=usize::from(u8::MAX)).contains(&workers.len());
    fits.then_some(Member { lease: id, epoch: 0, workers, draining: false })
}

fn fits(nodes: &[Member]) -> bool {
    let ids: BTreeSet<_> = nodes.iter().map(|it| it.lease).collect();
    let addresses: Vec<_> = nodes.iter().flat_map(|it| &it.workers).collect();
    let different: BTreeSet<_> = addresses.iter().collect();
    !nodes.is_empty() && ids.len() == nodes.len() && different.len() == addresses.len()
}

fn in_words(nodes: &[Member]) -> String {
    let list = |addresses: &[SocketAddr]| {
        addresses.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(",")
    };
    let node = |it: &Member| format!("{}={}", it.lease, list(&it.workers));
    let text = nodes.iter().map(node).collect::<Vec<_>>().join(" ");
    toml::Value::from(text).to_string()
}
