//! What the program is told before it starts: flags, and the servers in `client.conf`. The only place
//! that reads the environment.

use std::path::{Path, PathBuf};

use clap::Parser;
use directories::{BaseDirs, ProjectDirs, UserDirs};
use thrive_client::ServerAddress;

use crate::autostart::Autostart;
use crate::updates::Feed;

/// The accessible desktop client of Thrive Messenger.
#[derive(Clone, Debug, Default, Parser)]
#[command(version, name = "thrive-messenger")]
pub struct Flags {
    /// The server to offer: `host` or `host:port`.
    #[arg(long, env = "THRIVE_SERVER", value_name = "HOST[:PORT]")]
    pub server: Option<String>,
    /// Folder for settings, messages and known servers; one program for each folder.
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    /// Another `client.conf`.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Where things are, and which servers are offered. The first one is the default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    pub dir: PathBuf,
    pub documents: PathBuf,
    /// Folders that may hold sound packs; the first that has a pack wins.
    pub pack_folders: Vec<PathBuf>,
    pub servers: Vec<ServerAddress>,
    pub device: String,
    pub autostart: Autostart,
    /// A folder of this user alone that is emptied when they log out of the computer, where there is one.
    pub runtime: Option<PathBuf>,
    /// Where newer versions are, if the package says it.
    pub updates: Option<Feed>,
}

impl Config {
    /// Puts flags, environment, `client.conf` and defaults together.
    ///
    /// # Errors
    /// A sentence with everything that is wrong in it, and where it stands.
    pub fn read(flags: &Flags) -> Result<Self, String> {
        let project = ProjectDirs::from("org", "Thrive", "ThriveMessenger");
        let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
        let dir = match (&flags.dir, &project) {
            (Some(dir), _) => dir.clone(),
            (None, Some(project)) => project.data_dir().to_owned(),
            (None, None) => {
                return Err("This computer names no home folder. Give one with --dir.".into());
            }
        };
        let documents = UserDirs::new()
            .and_then(|user| user.document_dir().map(Path::to_owned))
            .unwrap_or_else(|| dir.clone());

        let mut problems = Vec::new();
        let mut servers = Vec::new();
        if let Some(raw) = &flags.server {
            match ServerAddress::parse(raw) {
                Ok(server) => servers.push(server),
                Err(error) => problems.push(format!("--server or THRIVE_SERVER: {error}")),
            }
        }
        let candidates = match &flags.config {
            Some(file) => vec![file.clone()],
            None => [project.as_ref().map(|it| it.config_dir().to_owned()), beside.clone()]
                .into_iter()
                .flatten()
                .map(|folder| folder.join("client.conf"))
                .collect(),
        };
        for file in candidates {
            match std::fs::read_to_string(&file) {
                Ok(text) => match servers_of(&text) {
                    Ok(found) => servers.extend(found),
                    Err(problem) => problems.push(format!("{}: {problem}", file.display())),
                },
                Err(error) if flags.config.is_some() => {
                    problems.push(format!("{}: {error}", file.display()));
                }
                // Nobody promised that there is one.
                Err(_) => {}
            }
        }
        if !problems.is_empty() {
            return Err(problems.join("\n"));
        }
        if servers.is_empty() {
            servers.push(ServerAddress::parse("localhost").map_err(|error| error.to_string())?);
        }
        let mut seen = Vec::new();
        servers.retain(|server| {
            let new = !seen.contains(server);
            seen.push(server.clone());
            new
        });
        let base = BaseDirs::new();
        let arguments = match &flags.dir {
            Some(dir) => vec!["--dir".to_owned(), absolute(dir).to_string_lossy().into_owned()],
            None => Vec::new(),
        };
        let autostart = Autostart {
            folder: base.as_ref().map(|base| base.config_dir().join("autostart")),
            program: std::env::current_exe().unwrap_or_else(|_| "thrive-messenger".into()),
            arguments,
        };
        let runtime = base.and_then(|base| base.runtime_dir().map(Path::to_owned));
        let shared = shared_folders(beside.as_deref());
        let updates = match Feed::read(&shared, &autostart.program) {
            Ok(feed) => feed,
            Err(problem) => {
                // The program is good without it.
                tracing::warn!(%problem, "updates.toml is not understood");
                None
            }
        };
        let own = std::iter::once(dir.join("sounds"));
        let pack_folders = own.chain(shared.iter().map(|folder| folder.join("sounds"))).collect();
        Ok(Self {
            dir,
            documents,
            pack_folders,
            servers,
            device: device_name(),
            autostart,
            runtime,
            updates,
        })
    }
}

/// Whether the desktop speaks Wayland, so that an X server would not know what is touched.
#[must_use]
pub fn on_wayland() -> bool {
    std::env::var_os("WAYLAND_DISPLAY").is_some_and(|display| !display.is_empty())
}

/// Where the package has put what belongs to the program: beside it, or where Unix has it, one folder up
/// from `bin`.
fn shared_folders(beside: Option<&Path>) -> Vec<PathBuf> {
    let Some(beside) = beside else { return Vec::new() };
    let mut folders = vec![beside.to_owned()];
    if let (true, Some(prefix)) = (beside.ends_with("bin"), beside.parent()) {
        folders.push(prefix.join("share").join("thrive-messenger"));
    }
    folders
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What this device is called in the list of logins.
fn device_name() -> String {
    let named = if cfg!(windows) {
        std::env::var_os("COMPUTERNAME").unwrap_or_default().to_string_lossy().into_owned()
    } else {
        std::fs::read_to_string("/etc/hostname").unwrap_or_default()
    };
    let computer = named.trim();
    if computer.is_empty() {
        format!("desktop on {}", std::env::consts::OS)
    } else {
        format!("desktop on {computer}")
    }
}

/// Reads the servers of a `client.conf`: one or more `[server]` parts with `host` and perhaps `port`.
/// Other parts are left to other programs.
fn servers_of(text: &str) -> Result<Vec<ServerAddress>, String> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    let mut ours = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            ours = name.trim() == "server";
            if ours {
                found.push((String::new(), None));
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("line {number} is neither a [part] nor key = value"));
        };
        let value = value.trim().trim_matches('"').to_owned();
        match (ours, key.trim(), found.last_mut()) {
            (true, "host", Some(server)) => server.0 = value,
            (true, "port", Some(server)) => server.1 = Some(value),
            _ => {}
        }
    }
    found
        .into_iter()
        .map(|(host, port)| {
            if host.is_empty() {
                return Err("a [server] has no host".to_owned());
            }
            let bracketed = if host.contains(':') { format!("[{host}]") } else { host };
            let raw = match port {
                Some(port) => format!("{bracketed}:{port}"),
                None => bracketed,
            };
            ServerAddress::parse(&raw).map_err(|error| error.to_string())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(config: &Path, server: Option<&str>) -> Flags {
        Flags {
            server: server.map(str::to_owned),
            dir: Some("/tmp/nowhere".into()),
            config: Some(config.to_owned()),
        }
    }

    #[test]
    fn the_flag_comes_before_the_servers_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("client.conf");
        std::fs::write(
            &file,
            "[server]\nhost=chat.example.org\n\n[server]\nhost = \"::1\"\nport=2006\n",
        )
        .unwrap();
        let config = Config::read(&flags(&file, Some("elsewhere:9"))).unwrap();
        let servers: Vec<_> = config.servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["elsewhere:9", "chat.example.org:2005", "[::1]:2006"]);
    }

    #[test]
    fn what_belongs_to_the_program_lies_beside_it_or_where_unix_has_it() {
        let beside = |at: &str| shared_folders(Some(Path::new(at)));
        assert_eq!(beside("/opt/thrive"), [PathBuf::from("/opt/thrive")]);
        let wanted = ["/usr/bin", "/usr/share/thrive-messenger"].map(PathBuf::from);
        assert_eq!(beside("/usr/bin"), wanted);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once_and_where() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("client.conf");
        std::fs::write(&file, "[server]\nhost=a\nport=70000\n").unwrap();
        let problem = Config::read(&flags(&file, Some("a b"))).unwrap_err();
        assert!(problem.contains("--server") && problem.contains("client.conf"), "{problem}");
    }

    #[test]
    fn other_parts_of_the_file_are_left_alone() {
        let found = servers_of("; old\n[updates]\nhost=wrong\n[server]\nhost=right\n").unwrap();
        assert_eq!(found, [ServerAddress::parse("right").unwrap()]);
    }
}
