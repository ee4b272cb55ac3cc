//! Where the server and the folder come from when they are no arguments. The only place that reads the
//! environment.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use serde::Deserialize;
use thrive_client::{Secret, ServerAddress};

use super::Trouble;

const FILE: &str = "client.conf";
const DEFAULT_SERVER: &str = "127.0.0.1:2005";

/// What the environment says, read once.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) server: Option<String>,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) password: Option<Secret>,
    pub(crate) new_password: Option<Secret>,
    pub(crate) log: Option<String>,
}

impl Environment {
    pub(crate) fn read() -> Self {
        Self {
            server: variable("THRIVE_SERVER"),
            dir: variable("THRIVE_DIR").map(PathBuf::from),
            password: variable("THRIVE_PASSWORD").map(Secret::new),
            new_password: variable("THRIVE_NEW_PASSWORD").map(Secret::new),
            log: variable("THRIVE_LOG"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place of this program that reads them")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What this device is called in the list of logins.
pub(crate) fn device() -> String {
    let host = if cfg!(windows) {
        variable("COMPUTERNAME").unwrap_or_default()
    } else {
        std::fs::read_to_string("/etc/hostname").unwrap_or_default()
    };
    match host.trim() {
        "" => format!("thrive on {}", std::env::consts::OS),
        host => format!("thrive on {host}"),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    server: Server,
}

#[derive(Debug, Default, Deserialize)]
struct Server {
    host: Option<String>,
    port: Option<u16>,
}

fn project() -> Option<ProjectDirs> {
    ProjectDirs::from("", "", "thrive")
}

/// The folder for logins, messages and known servers.
pub(crate) fn data_dir(given: Option<PathBuf>, from: &Environment) -> Result<PathBuf, Trouble> {
    given
        .or_else(|| from.dir.clone())
        .or_else(|| project().map(|dirs| dirs.data_dir().to_owned()))
        .ok_or_else(|| Trouble::Usage("no home folder is known; say --dir FOLDER".to_owned()))
}

/// The server to talk to.
pub(crate) fn server(given: Option<&str>, from: &Environment) -> Result<ServerAddress, Trouble> {
    let named = given.map(str::to_owned).or_else(|| from.server.clone());
    if let Some(named) = named {
        return Ok(ServerAddress::parse(&named)?);
    }
    let beside =
        std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_owned));
    let folders = [project().map(|dirs| dirs.config_dir().to_owned()), beside];
    for folder in folders.into_iter().flatten() {
        if let Some(server) = from_file(&folder.join(FILE))? {
            return Ok(server);
        }
    }
    Ok(ServerAddress::parse(DEFAULT_SERVER)?)
}

fn from_file(path: &Path) -> Result<Option<ServerAddress>, Trouble> {
    let wrong = |why: &dyn std::fmt::Display| Trouble::Usage(format!("{}: {why}", path.display()));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(&error)),
    };
    let file: File = toml::from_str(&text).map_err(|error| wrong(&error))?;
    let Some(host) = file.server.host else { return Ok(None) };
    let mut server = ServerAddress::parse(&host).map_err(|error| wrong(&error))?;
    server.port = file.server.port.unwrap_or(server.port);
    Ok(Some(server))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_the_server_and_a_mistake_in_it_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        assert!(from_file(&path).unwrap().is_none());
        std::fs::write(&path, "[server]\nhost = \"chat.example.org\"\nport = 2100\n").unwrap();
        assert_eq!(from_file(&path).unwrap().unwrap().to_string(), "chat.example.org:2100");
        std::fs::write(&path, "[server]\nport = \"many\"\n").unwrap();
        let Err(Trouble::Usage(why)) = from_file(&path) else { panic!("a mistake is usage") };
        assert!(why.contains("client.conf"), "{why}");
    }
}
