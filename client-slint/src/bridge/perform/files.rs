//! Wishes about files.

use std::path::{Path, PathBuf};

use directories::BaseDirs;
use thrive_client::{Client, Failure, File, Username};
use tokio::sync::mpsc::Sender;

use super::{Bridge, tell};
use crate::bridge::chooser;
use crate::bridge::words::{FileDeed, FileNews, FileWish, News};
use crate::links;

impl Bridge {
    pub(super) fn files(&mut self, wish: FileWish) {
        match wish {
            FileWish::Look { to, paths, typed } => self.call(async move |news| {
                let looked = tokio::task::spawn_blocking(|| paths.into_iter().map(look).collect());
                let looked = looked.await.unwrap_or_default();
                hear(&news, FileNews::Looked { to, looked, typed }).await;
            }),
            FileWish::Browse { to, title } => self.call(async move |news| {
                let chosen = chooser::choose(&title).await;
                hear(&news, FileNews::Browsed { to, chosen }).await;
            }),
            FileWish::Open(path) => self.open_path(path),
            FileWish::List
            | FileWish::Offer { .. }
            | FileWish::Accept { .. }
            | FileWish::Decline(_)
            | FileWish::Cancel(_)
            | FileWish::Get { .. } => self.files_of_client(wish),
        }
    }

    /// What needs somebody who is logged in.
    fn files_of_client(&mut self, wish: FileWish) {
        let Some(connected) = &self.line else { return };
        let client = connected.client.clone();
        match wish {
            FileWish::List => self.call(async move |news| {
                hear(&news, FileNews::Listed(client.files().await)).await;
            }),
            FileWish::Offer { to, paths } => {
                self.call(async move |news| offer(&client, &news, &to, paths).await);
            }
            FileWish::Accept { file, folder } => {
                self.file_deed(FileDeed::Accept, file, async move |file| {
                    client.accept_file(file.message, Some(&folder)).await
                });
            }
            FileWish::Decline(file) => self.file_deed(FileDeed::Decline, file, async move |file| {
                client.decline_file(file.message).await
            }),
            FileWish::Cancel(file) => self.file_deed(FileDeed::Cancel, file, async move |file| {
                client.cancel_file(file.message).await
            }),
            FileWish::Get { file, folder } => {
                self.file_deed(FileDeed::Get, file, async move |file| {
                    client.fetch_file(file.message, &folder).await
                });
            }
            FileWish::Look { .. } | FileWish::Browse { .. } | FileWish::Open(_) => {}
        }
    }

    fn file_deed<F>(&mut self, deed: FileDeed, file: File, call: impl FnOnce(File) -> F)
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let (peer, name) = (file.peer, file.name.clone());
        let call = call(file);
        self.call(async move |news| {
            let result = call.await;
            hear(&news, FileNews::Done { deed, peer, name, result }).await;
        });
    }

    /// On a thread of its own, like a link.
    fn open_path(&self, path: PathBuf) {
        let news = self.news.clone();
        let started = std::thread::Builder::new().name("file".into()).spawn(move || {
            let gone = !path.exists();
            if gone || links::open_path(&path).is_err() {
                // Fails only when the windows are gone.
                drop(news.blocking_send(News::File(FileNews::NotOpened { gone })));
            }
        });
        if let Err(error) = started {
            tracing::warn!(%error, "There is no thread for a file");
        }
    }
}

async fn hear(news: &Sender<News>, item: FileNews) {
    tell(news, News::File(item)).await;
}

async fn offer(client: &Client, news: &Sender<News>, to: &Username, paths: Vec<PathBuf>) {
    let peer = client.open_chat(to.as_str()).await;
    for path in paths {
        let result = match &peer {
            Ok(peer) => client.offer_file(*peer, &path).await.map(|_| ()),
            Err(failure) => Err(failure.clone()),
        };
        hear(news, FileNews::Offered { to: to.clone(), path, result }).await;
    }
}

fn look(path: PathBuf) -> (PathBuf, Result<u64, String>) {
    let path = at_home(&path);
    let size = match std::fs::metadata(&path) {
        Ok(about) if about.is_file() && about.len() == 0 => {
            Err(format!("There is nothing in {}.", path.display()))
        }
        Ok(about) if about.is_file() => Ok(about.len()),
        Ok(_) => Err(format!("{} is no file.", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(format!("There is no file {}.", path.display()))
        }
        Err(error) => Err(format!("{} cannot be read: {error}.", path.display())),
    };
    (path, size)
}

/// `~` is the home folder of whoever runs the program.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), BaseDirs::new()) {
        (Ok(rest), Some(base)) => base.home_dir().join(rest),
        (Ok(_) | Err(_), _) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_with_something_in_them_are_sent() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("a.txt"), "hello").unwrap();
        std::fs::write(path("empty.txt"), "").unwrap();
        assert_eq!(look(path("a.txt")).1, Ok(5));
        assert!(look(path("empty.txt")).1.unwrap_err().starts_with("There is nothing in "));
        assert!(look(path("none.txt")).1.unwrap_err().starts_with("There is no file "));
        assert!(look(dir.path().to_owned()).1.unwrap_err().ends_with(" is no file."));
    }
}
