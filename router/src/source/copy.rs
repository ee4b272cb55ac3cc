//! The last list of nodes in a file, so that a router that starts while Redis is away knows them.

use std::fs;
use std::io;
use std::path::Path;

use thrive_protocol::lease::{Digest, Lease};

use crate::table::{Listing, Member};

/// What was kept; nothing when there is no such file, or none that can be read.
#[must_use]
pub fn read(path: &Path) -> Listing {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Listing::default(),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "The list of nodes cannot be read");
            return Listing::default();
        }
    };
    let leases = text.lines().filter_map(|line| Lease::decode(line.as_bytes()).ok());
    Listing { members: leases.map(member).collect(), leased: true }
}

/// Keeps a list, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, listing: &Listing) -> io::Result<()> {
    let lease = |member: &Member| Lease {
        id: member.lease,
        epoch: member.epoch,
        owner: String::new(),
        workers: member.workers.clone(),
        connections: 0,
        load: 0,
        draining: member.draining,
        presence: Digest::default(),
    };
    let lines: String = listing.members.iter().map(|it| lease(it).encode() + "\n").collect();
    let beside = path.with_extension("new");
    fs::write(&beside, lines)?;
    fs::rename(&beside, path)
}

/// What a router needs of a lease.
#[must_use]
pub fn member(lease: Lease) -> Member {
    let Lease { id, epoch, workers, draining, .. } = lease;
    Member { lease: id, epoch, workers, draining }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing() -> Listing {
        let member = |lease| Member {
            lease,
            epoch: 9,
            workers: vec!["10.0.0.1:2011".parse().unwrap(), "[2001:db8::1]:2012".parse().unwrap()],
            draining: lease == 2,
        };
        Listing { members: vec![member(1), member(2)], leased: true }
    }

    #[test]
    fn what_was_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nodes");
        write(&path, &listing()).unwrap();
        assert_eq!(read(&path), listing());
        write(&path, &Listing { members: vec![], leased: true }).unwrap();
        assert_eq!(read(&path).members, []);
    }

    #[test]
    fn a_file_that_is_not_there_or_is_broken_holds_what_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nodes");
        assert_eq!(read(&path).members, []);
        write(&path, &listing()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 9]).unwrap();
        assert_eq!(read(&path).members, listing().members[..1]);
        fs::write(&path, [0xFF, 0xFE]).unwrap();
        assert_eq!(read(&path).members, []);
    }
}
