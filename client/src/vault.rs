//! Keeps tokens between runs: in the system keyring, or in a private file where there is none.
//!
//! A keyring may be locked, or wait for a person who does not come. After 2 s the file is used, and the
//! keyring is not asked again. So the keyring may hold what is long void; the file knows better: what
//! is in it counts, and saving into the keyring takes it out of there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::pin::{private_folder, write_private};
use crate::types::{Failure, Secret, ServerAddress, Username};

const FILE: &str = "tokens.toml";
/// In the place of a token: there is none, whatever the keyring says. It could not be asked to forget.
const NONE: &str = "";

/// Server, then user name, then token.
type Tokens = BTreeMap<String, BTreeMap<String, String>>;

/// Tokens by server and user name.
#[derive(Clone, Debug)]
pub struct Vault {
    path: PathBuf,
    #[cfg(feature = "keyring")]
    keyring: Option<ring::Keyring>,
}

impl Vault {
    /// Uses the system keyring if there is one. `dir` holds the file that stands in for it.
    #[must_use]
    pub fn open(dir: &Path) -> Self {
        Self {
            path: dir.join(FILE),
            #[cfg(feature = "keyring")]
            keyring: Some(ring::Keyring::default()),
        }
    }

    /// Uses the file only: for programs that run where nobody can unlock a keyring.
    #[must_use]
    pub fn in_file(dir: &Path) -> Self {
        Self {
            path: dir.join(FILE),
            #[cfg(feature = "keyring")]
            keyring: None,
        }
    }

    /// # Errors
    /// Neither the keyring nor the file takes it.
    pub async fn save(
        &self,
        server: &ServerAddress,
        username: &Username,
        token: &Secret,
    ) -> Result<(), Failure> {
        #[cfg(feature = "keyring")]
        if let Some(keyring) = &self.keyring
            && keyring.save(name(server, username), token.clone()).await
        {
            // One that was kept in the file before must not stay there.
            return self.edit(server, username, None).await;
        }
        self.edit(server, username, Some(token.clone())).await
    }

    pub async fn load(&self, server: &ServerAddress, username: &Username) -> Option<Secret> {
        if let Some(token) = self.noted(server, username).await {
            return Some(token).filter(|token| token.expose() != NONE);
        }
        #[cfg(feature = "keyring")]
        if let Some(keyring) = &self.keyring
            && let Some(token) = keyring.load(name(server, username)).await
        {
            return Some(token);
        }
        None
    }

    /// What the file says.
    async fn noted(&self, server: &ServerAddress, username: &Username) -> Option<Secret> {
        let (path, server, username) =
            (self.path.clone(), server.to_string(), username.to_string());
        let tokens = tokio::task::spawn_blocking(move || read(&path)).await.ok()?.ok()?;
        tokens.get(&server)?.get(&username).cloned().map(Secret::new)
    }

    /// # Errors
    /// The file cannot be changed.
    pub async fn remove(&self, server: &ServerAddress, username: &Username) -> Result<(), Failure> {
        #[cfg(feature = "keyring")]
        if let Some(keyring) = &self.keyring
            && !keyring.remove(name(server, username)).await
        {
            return self.forget(server, username).await;
        }
        self.edit(server, username, None).await
    }

    /// Notes that what the keyring has is void.
    #[cfg(any(feature = "keyring", test))]
    async fn forget(&self, server: &ServerAddress, username: &Username) -> Result<(), Failure> {
        self.edit(server, username, Some(Secret::new(NONE.to_owned()))).await
    }

    /// The accounts on a server whose tokens are in the file.
    #[must_use]
    pub fn in_file_for(&self, server: &ServerAddress) -> Vec<Username> {
        let tokens = read(&self.path).unwrap_or_default();
        let of_server = tokens.get(&server.to_string()).into_iter().flatten();
        let names = of_server.filter(|(_, token)| *token != NONE).map(|(name, _)| name);
        names.filter_map(|name| Username::parse(name).ok()).collect()
    }

    async fn edit(
        &self,
        server: &ServerAddress,
        username: &Username,
        token: Option<Secret>,
    ) -> Result<(), Failure> {
        let (path, server, username) =
            (self.path.clone(), server.to_string(), username.to_string());
        let edited = tokio::task::spawn_blocking(move || {
            edit(&path, server, username, token).map_err(|error| {
                Failure::Local(format!("{} cannot be changed: {error}", path.display()))
            })
        });
        edited.await.unwrap_or_else(|error| Err(Failure::Local(error.to_string())))
    }
}

#[cfg(feature = "keyring")]
fn name(server: &ServerAddress, username: &Username) -> String {
    format!("{username}@{server}")
}

fn read(path: &Path) -> io::Result<Tokens> {
    match fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).map_err(|_| {
            // The error of the parser would quote the file.
            io::Error::new(io::ErrorKind::InvalidData, "it is not a list of tokens")
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Tokens::new()),
        Err(error) => Err(error),
    }
}

fn edit(path: &Path, server: String, username: String, token: Option<Secret>) -> io::Result<()> {
    let mut tokens = read(path)?;
    match token {
        Some(token) => {
            let of_server = tokens.entry(server).or_default();
            of_server.insert(username, token.expose().to_owned());
        }
        None => {
            let Some(of_server) = tokens.get_mut(&server) else { return Ok(()) };
            if of_server.remove(&username).is_none() {
                return Ok(());
            }
            tokens.retain(|_, of_server| !of_server.is_empty());
        }
    }
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let text = toml::to_string(&tokens).map_err(io::Error::other)?;
    write_private(path, text.as_bytes())
}

#[cfg(feature = "keyring")]
mod ring {
    //! The keyring of the system, with a bound on its silence.

    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use keyring::Entry;
    use tokio::task::spawn_blocking;
    use tokio::time::timeout;
    use tracing::info;

    use crate::types::Secret;

    const SERVICE: &str = "Thrive Messenger";
    const PATIENCE: Duration = Duration::from_secs(2);

    #[derive(Clone, Debug, Default)]
    pub(super) struct Keyring {
        silent: Arc<AtomicBool>,
    }

    impl Keyring {
        pub(super) async fn save(&self, name: String, token: Secret) -> bool {
            self.ask(name, move |entry| entry.set_password(token.expose())).await.is_some()
        }

        pub(super) async fn load(&self, name: String) -> Option<Secret> {
            self.ask(name, Entry::get_password).await.map(Secret::new)
        }

        /// Whether there is none now.
        pub(super) async fn remove(&self, name: String) -> bool {
            let removed = self.ask(name, |entry| match entry.delete_credential() {
                Err(keyring::Error::NoEntry) => Ok(()),
                result => result,
            });
            removed.await.is_some()
        }

        async fn ask<T: Send + 'static>(
            &self,
            name: String,
            ask: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
        ) -> Option<T> {
            if self.silent.load(Ordering::Relaxed) {
                return None;
            }
            let asked = spawn_blocking(move || Entry::new(SERVICE, &name).and_then(|e| ask(&e)));
            match timeout(PATIENCE, asked).await {
                Ok(Ok(Ok(value))) => Some(value),
                Ok(Ok(Err(keyring::Error::NoEntry))) => None,
                Ok(Ok(Err(error))) => {
                    info!(%error, "The system keyring cannot be used");
                    None
                }
                Ok(Err(_)) | Err(_) => {
                    info!("The system keyring does not answer");
                    self.silent.store(true, Ordering::Relaxed);
                    None
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(name: &str) -> (ServerAddress, Username) {
        (ServerAddress::parse("example.org").unwrap(), Username::parse(name).unwrap())
    }

    #[tokio::test]
    async fn tokens_survive_in_the_file_and_go_when_they_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let ((server, ann), (_, bob)) = (who("ann"), who("bob"));
        let vault = Vault::in_file(dir.path());
        vault.save(&server, &ann, &Secret::new("a".into())).await.unwrap();
        vault.save(&server, &bob, &Secret::new("b".into())).await.unwrap();
        let again = Vault::in_file(dir.path());
        assert_eq!(again.load(&server, &ann).await.unwrap().expose(), "a");
        assert_eq!(again.in_file_for(&server), [ann.clone(), bob.clone()]);
        again.remove(&server, &ann).await.unwrap();
        assert_eq!(vault.load(&server, &ann).await, None);
        assert_eq!(vault.load(&server, &bob).await.unwrap().expose(), "b");
    }

    #[tokio::test]
    async fn a_token_that_the_keyring_could_not_forget_is_void_until_there_is_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        let (server, ann) = who("ann");
        let vault = Vault::in_file(dir.path());
        vault.forget(&server, &ann).await.unwrap();
        assert!(vault.noted(&server, &ann).await.is_some(), "or the keyring would be asked");
        assert_eq!(vault.load(&server, &ann).await, None);
        assert!(vault.in_file_for(&server).is_empty());
        vault.save(&server, &ann, &Secret::new("new".into())).await.unwrap();
        assert_eq!(vault.load(&server, &ann).await.unwrap().expose(), "new");
    }

    #[tokio::test]
    async fn a_damaged_file_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (server, ann) = who("ann");
        fs::write(dir.path().join(FILE), "precious, but no tokens").unwrap();
        let vault = Vault::in_file(dir.path());
        let failure = vault.save(&server, &ann, &Secret::new("secret".into())).await.unwrap_err();
        assert!(!failure.to_string().contains("precious"));
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        assert_eq!(text, "precious, but no tokens");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (server, ann) = who("ann");
        let vault = Vault::in_file(dir.path());
        vault.save(&server, &ann, &Secret::new("a".into())).await.unwrap();
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
