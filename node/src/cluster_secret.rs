//! The file with the secret that all nodes and routers of a cluster share.

use std::path::{Path, PathBuf};

use thrive_protocol::cluster::{Keys, Secret, TooShort};

#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("read the secret of the cluster in {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} cannot be the secret of a cluster", path.display())]
    Short { path: PathBuf, source: TooShort },
}

/// The keys that are made of it.
///
/// # Errors
/// The file is missing, cannot be read, or is too short.
pub fn read(path: &Path) -> Result<Keys, SecretError> {
    let bytes =
        std::fs::read(path).map_err(|source| SecretError::Read { path: path.into(), source })?;
    let secret =
        Secret::new(bytes).map_err(|source| SecretError::Short { path: path.into(), source })?;
    Ok(Keys::derive(&secret))
}

#[cfg(unix)]
pub fn warn_if_open_to_others(path: &Path) {
    if let Some(mode) = mode_for_others(path) {
        let (path, mode) = (path.display(), format!("{mode:03o}"));
        tracing::warn!(%path, %mode, "Other accounts can read the secret of the cluster");
    }
}

#[cfg(not(unix))]
pub fn warn_if_open_to_others(_path: &Path) {}

/// The permissions of the file, if they let anybody but its owner at it.
#[cfg(unix)]
fn mode_for_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_missing_or_short_secret_is_one_clear_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let error = |path: &Path| {
            let error = anyhow::Error::from(read(path).err().unwrap());
            format!("{error:#}").replace(&folder.path().display().to_string(), "DIR")
        };
        let missing = error(&path);
        assert!(missing.starts_with("read the secret of the cluster in DIR/secret: "), "{missing}");
        fs::write(&path, [7; 31]).unwrap();
        assert_eq!(
            error(&path),
            "DIR/secret cannot be the secret of a cluster: \
             the secret of a cluster has at least 32 bytes; this one has 31"
        );
        fs::write(&path, [7; 32]).unwrap();
        assert_eq!(read(&path).unwrap().cid, read(&path).unwrap().cid);
    }

    #[test]
    #[cfg(unix)]
    fn a_secret_that_others_can_read_is_noticed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, [7; 32]).unwrap();
        let with = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            mode_for_others(&path)
        };
        assert_eq!((with(0o600), with(0o400)), (None, None));
        assert_eq!((with(0o640), with(0o604)), (Some(0o640), Some(0o604)));
    }
}
