//! The servers that are offered at the log-in: those of `client.conf` and those that a person added,
//! without those that they deleted.

use thrive_client::{Failure, ServerAddress};

use crate::rows::{Listed, RowChange, Rows, Step};
use crate::settings::{KnownServer, Settings};
use crate::words;

/// One of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known {
    pub name: String,
    pub address: ServerAddress,
    /// The one that is offered first: chosen by the person, or where they were last, or the first of all.
    pub primary: bool,
}

/// All of them, those of `client.conf` first.
#[must_use]
pub fn known(settings: &Settings, config: &[ServerAddress]) -> Vec<Known> {
    let of_config = config
        .iter()
        .filter(|address| !settings.removed_servers.contains(&address.to_string()))
        .map(|address| (String::new(), address.clone()));
    let own = settings.servers.iter().filter_map(|known| {
        let address = ServerAddress::parse(&known.address).ok()?;
        Some((known.name.clone(), address))
    });
    let mut all: Vec<Known> = Vec::new();
    for (name, address) in of_config.chain(own) {
        if let Some(twin) = all.iter_mut().find(|it| it.address == address) {
            twin.name = name;
            continue;
        }
        all.push(Known { name, address, primary: false });
    }
    let at = |wanted: &str| all.iter().position(|it| it.address.to_string() == wanted);
    let primary = at(&settings.primary_server).or_else(|| at(&settings.server));
    if let Some(first) = all.get_mut(primary.unwrap_or(0)) {
        first.primary = true;
    }
    for it in all.iter_mut().filter(|it| it.name.is_empty()) {
        it.name = it.address.host.clone();
    }
    all
}

/// What is wrong with what was typed, and whether it is the address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused(pub String);

/// Takes a server into the settings.
///
/// # Errors
/// There is no address, it can be none, or it is known.
pub fn add(
    settings: &mut Settings,
    config: &[ServerAddress],
    name: &str,
    address: &str,
) -> Result<Known, Refused> {
    if address.trim().is_empty() {
        return Err(Refused("Enter the address of a server.".into()));
    }
    let address =
        ServerAddress::parse(address).map_err(|why: Failure| Refused(words::failure(&why)))?;
    if let Some(twin) = known(settings, config).into_iter().find(|it| it.address == address) {
        return Err(Refused(format!("This server is in the list already, as {}.", twin.name)));
    }
    let name = words::one_line(name);
    settings.removed_servers.remove(&address.to_string());
    settings.servers.retain(|it| it.address != address.to_string());
    settings.servers.push(KnownServer { name: name.clone(), address: address.to_string() });
    let name = if name.is_empty() { address.host.clone() } else { name };
    Ok(Known { name, address, primary: false })
}

/// Deletes a server from the settings.
///
/// # Errors
/// It is the last one, or the primary one.
pub fn delete(
    settings: &mut Settings,
    config: &[ServerAddress],
    server: &Known,
) -> Result<(), Refused> {
    let all = known(settings, config);
    if all.len() < 2 {
        return Err(Refused("This is the only server. Add another one first.".into()));
    }
    if all.iter().any(|it| it.primary && it.address == server.address) {
        let sentence = "This is the primary server. Set another one as primary first.";
        return Err(Refused(sentence.into()));
    }
    let address = server.address.to_string();
    settings.servers.retain(|it| it.address != address);
    if config.contains(&server.address) {
        settings.removed_servers.insert(address);
    }
    Ok(())
}

/// The rows of a list of servers.
#[derive(Debug, Default)]
pub struct Servers {
    rows: Rows<Entry>,
    last: u32,
}

/// A server in a list. One that comes back after it was deleted is another entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    id: u32,
    pub server: Known,
}

impl Listed for Entry {
    type Id = u32;
    type Place = u32;

    fn id(&self) -> u32 {
        self.id
    }

    fn place(&self) -> u32 {
        self.id
    }

    fn letters(&self) -> String {
        self.server.name.clone()
    }
}

impl Servers {
    /// Takes the whole list anew.
    pub fn sync(&mut self, all: Vec<Known>) -> Vec<RowChange> {
        let gone: Vec<_> = self
            .rows
            .rows()
            .iter()
            .filter(|entry| !all.iter().any(|it| it.address == entry.server.address))
            .map(|entry| entry.id)
            .collect();
        let mut changes: Vec<_> = gone.into_iter().flat_map(|id| self.rows.remove(id)).collect();
        for server in all {
            let there = self.rows.rows().iter().find(|it| it.server.address == server.address);
            let id = there.map_or(self.last + 1, |entry| entry.id);
            self.last = self.last.max(id);
            changes.extend(self.rows.put(Entry { id, server }));
        }
        changes
    }

    #[must_use]
    pub fn rows(&self) -> &Rows<Entry> {
        &self.rows
    }

    #[must_use]
    pub fn chosen(&self) -> Option<&Known> {
        self.rows.chosen().map(|entry| &entry.server)
    }

    pub fn walk(&mut self, step: Step) {
        self.rows.walk(step);
    }

    pub fn letter(&mut self, letter: &str) {
        self.rows.letter(letter);
    }

    pub fn choose(&mut self, at: usize) {
        self.rows.choose(at);
    }

    /// Goes to the server with this address; to none if it is not in the list.
    pub fn choose_address(&mut self, address: &str) {
        let wanted = ServerAddress::parse(address).ok();
        let found = self.rows.rows().iter().find(|it| Some(&it.server.address) == wanted.as_ref());
        match found.map(|entry| entry.id) {
            Some(id) => self.rows.choose_id(id),
            None => self.rows.choose_none(),
        }
    }

    /// Goes to the primary one.
    pub fn choose_primary(&mut self) {
        let found =
            self.rows.rows().iter().find(|entry| entry.server.primary).map(|entry| entry.id);
        found.into_iter().for_each(|id| self.rows.choose_id(id));
    }
}

impl Known {
    /// For the ear: "Home, host chat.example.org, port 2005, primary".
    #[must_use]
    pub fn spoken(&self) -> String {
        let ServerAddress { host, port } = &self.address;
        let name = if self.name == *host { String::new() } else { format!("{}, ", self.name) };
        let primary = if self.primary { ", primary" } else { "" };
        format!("{name}host {host}, port {port}{primary}")
    }

    /// The second line.
    #[must_use]
    pub fn detail(&self) -> String {
        let primary = if self.primary { ", primary" } else { "" };
        format!("{}{primary}", self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(raw: &str) -> ServerAddress {
        ServerAddress::parse(raw).unwrap()
    }

    fn names(settings: &Settings, config: &[ServerAddress]) -> Vec<String> {
        known(settings, config).iter().map(Known::spoken).collect()
    }

    #[test]
    fn what_a_person_adds_comes_after_what_the_file_says_and_no_server_twice() {
        let (mut settings, config) = (Settings::default(), [address("one")]);
        assert_eq!(names(&settings, &config), ["host one, port 2005, primary"]);
        let added = add(&mut settings, &config, " Home ", "two:9").unwrap();
        assert_eq!(added.spoken(), "Home, host two, port 9");
        for (again, sentence) in [
            (" ", "Enter the address of a server."),
            ("TWO:9", "This server is in the list already, as Home."),
            ("one:2005", "This server is in the list already, as one."),
        ] {
            let refused = add(&mut settings, &config, "", again).unwrap_err();
            assert_eq!(refused.0, sentence);
        }
        assert!(add(&mut settings, &config, "", "a b").is_err());
        assert_eq!(names(&settings, &config).len(), 2);
    }

    #[test]
    fn neither_the_primary_nor_the_only_server_can_be_deleted() {
        let (mut settings, config) = (Settings::default(), [address("one")]);
        let one = known(&settings, &config).remove(0);
        assert!(delete(&mut settings, &config, &one).unwrap_err().0.contains("only"));
        let two = add(&mut settings, &config, "", "two").unwrap();
        assert!(delete(&mut settings, &config, &one).unwrap_err().0.contains("primary"));
        settings.primary_server = two.address.to_string();
        assert_eq!(names(&settings, &config)[1], "host two, port 2005, primary");
        delete(&mut settings, &config, &one).unwrap();
        assert_eq!(names(&settings, &config), ["host two, port 2005, primary"]);
        // What the file says comes back only when it is added again.
        add(&mut settings, &config, "", "one").unwrap();
        assert_eq!(names(&settings, &config).len(), 2);
        let one = known(&settings, &config).remove(0);
        delete(&mut settings, &config, &one).unwrap();
        assert_eq!(names(&settings, &config).len(), 1);
    }

    #[test]
    fn a_row_that_comes_back_is_another_row() {
        let (mut settings, config) = (Settings::default(), [address("one")]);
        let two = add(&mut settings, &config, "", "two").unwrap();
        let mut servers = Servers::default();
        servers.sync(known(&settings, &config));
        servers.choose_address("two");
        assert_eq!(servers.chosen().map(|it| it.name.as_str()), Some("two"));
        delete(&mut settings, &config, &two).unwrap();
        servers.sync(known(&settings, &config));
        assert_eq!(servers.chosen().map(|it| it.name.as_str()), Some("one"));
        add(&mut settings, &config, "", "two").unwrap();
        servers.sync(known(&settings, &config));
        let rows = servers.rows().rows();
        assert_eq!(rows.iter().map(|it| it.id).collect::<Vec<_>>(), [1, 3]);
    }
}
