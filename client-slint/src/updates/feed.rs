//! Where newer versions are, as the package says in `updates.toml`. A build without that file looks
//! nowhere.

use std::fs;
use std::path::{Path, PathBuf};

use minisign_verify::PublicKey;
use serde::Deserialize;

/// What the package that was installed says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Feed {
    /// The page about the newest version; its signature lies beside it.
    pub url: String,
    pub key: PublicKey,
    pub form: Form,
    /// The file that runs, by the name under which it was started: once it is replaced, the system
    /// calls it by its new place.
    pub program: PathBuf,
}

/// How the program came to this computer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    Zip,
    Tar,
    /// Belongs to the system, which alone replaces it.
    Deb,
}

#[derive(Deserialize)]
struct Written {
    url: String,
    key: String,
    form: Form,
}

impl Feed {
    /// From the first of these folders that has the file.
    ///
    /// # Errors
    /// A sentence about what is wrong in the file.
    pub fn read(folders: &[PathBuf], program: &Path) -> Result<Option<Self>, String> {
        let found = folders.iter().find_map(|folder| fs::read_to_string(folder.join(FILE)).ok());
        found.map(|text| Self::parse(&text, program)).transpose()
    }

    fn parse(text: &str, program: &Path) -> Result<Self, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        if !written.url.starts_with("https://") {
            return Err("url does not begin with https://".into());
        }
        let key = PublicKey::from_base64(&written.key).map_err(|_| "key is no key")?;
        let program = program.to_owned();
        Ok(Self { url: written.url, key, form: written.form, program })
    }

    /// The folder that holds the program.
    #[must_use]
    pub fn root(&self) -> Option<PathBuf> {
        self.program.parent().map(Path::to_owned)
    }
}

const FILE: &str = "updates.toml";

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn a_build_without_the_file_has_no_feed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Feed::read(&[dir.path().to_owned()], Path::new("/a/b")), Ok(None));
    }

    #[test]
    fn the_file_beside_the_program_says_everything() {
        let dir = tempfile::tempdir().unwrap();
        let text =
            format!("url = \"https://a.example/latest.toml\"\nkey = \"{KEY}\"\nform = \"tar\"\n");
        fs::write(dir.path().join(FILE), text).unwrap();
        let read = Feed::read(&["/nowhere".into(), dir.path().to_owned()], Path::new("/a/b"));
        let feed = read.unwrap().unwrap();
        assert_eq!((feed.form, feed.root()), (Form::Tar, Some("/a".into())));
    }

    #[test]
    fn a_feed_that_anybody_on_the_way_could_change_is_none() {
        for text in [
            format!("url = \"http://a.example/l\"\nkey = \"{KEY}\"\nform = \"zip\"\n"),
            "url = \"https://a.example/l\"\nkey = \"\"\nform = \"zip\"\n".to_owned(),
            format!("url = \"https://a.example/l\"\nkey = \"{KEY}\"\nform = \"exe\"\n"),
            format!("url = \"https://a.example/l\"\nkey = \"{KEY}\"\n"),
        ] {
            assert!(Feed::parse(&text, Path::new("a")).is_err(), "{text}");
        }
    }
}
