//! The folder of an instance, and the watcher that ends everything in it when its owner is gone.
//!
//! The watcher is a shell that waits for the end of a pipe. The pipe ends when the owner drops it, and
//! also when the owner is killed; then everything that works inside of the folder is ended and the
//! folder is removed. A process of an instance is known by its working directory, which survives what
//! a process id or a parent does not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::programs::Account;

/// `$1`: the folder; `$2`: `keep` if it is to stay. It waits first; each process inside is then ended by
/// its own id.
const WATCHER: &str = r#"
trap '' HUP INT TERM
cat >/dev/null
for round in 1 2 3; do
  for process in /proc/[0-9]*; do
    case "$(readlink "$process/cwd" 2>/dev/null)" in
      "$1"|"$1"/*) kill -9 "${process#/proc/}" 2>/dev/null ;;
    esac
  done
  if grep -q " $1/disk " /proc/mounts; then umount -l "$1/disk"; fi
  if [ "$2" = keep ]; then break; fi
  rm -rf "$1" && break
  sleep 0.2
done
"#;

const PREFIX: &str = "thrive-services-";

/// A folder whose processes end when this is dropped, and which is then gone too, unless it is kept.
pub(crate) struct Folder {
    path: PathBuf,
    watcher: Child,
}

impl Folder {
    /// Made for `account` if there is one, and for us otherwise.
    pub(crate) fn new(account: Option<&Account>) -> Result<Self> {
        ensure!(cfg!(target_os = "linux"), "services for tests are started on Linux only");
        sweep();
        let folder = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .tempdir()
            .context("make a folder for a service")?;
        let path = fs::canonicalize(folder.path()).context("the folder that was just made")?;
        give(&path, account)?;
        let watcher = watch(&path, Ends::Removed, Stdio::piped())?;
        // From here on the watcher removes it.
        drop(folder.keep());
        Ok(Self { path, watcher })
    }

    /// One that stays when this is dropped; what runs in it ends all the same.
    pub(crate) fn kept(path: &Path, account: Option<&Account>) -> Result<Self> {
        ensure!(cfg!(target_os = "linux"), "services for tests are started on Linux only");
        fs::create_dir_all(path).with_context(|| format!("make {}", path.display()))?;
        let path = fs::canonicalize(path).context("the folder that was just made")?;
        let others = members(&path);
        ensure!(others.is_empty(), "process {others:?} still works in {}", path.display());
        give(&path, account)?;
        let watcher = watch(&path, Ends::Kept, Stdio::piped())?;
        Ok(Self { path, watcher })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Processes that work inside of it.
    pub(crate) fn members(&self) -> Vec<u32> {
        members(&self.path)
    }

    /// Mounts a disk of this size as `disk`, which only root may do.
    pub(crate) fn disk(&self, megabytes: u32, account: Option<&Account>) -> Result<PathBuf> {
        let disk = self.path.join("disk");
        fs::create_dir(&disk).context("make the folder of the small disk")?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0700"), "tmpfs"])
            .arg(&disk)
            .output()
            .context("run mount")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "a small disk needs root to mount it: {}", said.trim());
        give(&disk, account)?;
        Ok(disk)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The end of the pipe is the sign for the watcher; what it could not remove stays for the next.
        drop(self.watcher.stdin.take());
        drop(self.watcher.wait());
    }
}

/// What becomes of a folder in the end.
enum Ends {
    Removed,
    Kept,
}

fn watch(folder: &Path, ends: Ends, until: Stdio) -> Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", WATCHER, "thrive-services"]).arg(folder);
    command.arg(match ends {
        Ends::Removed => "remove",
        Ends::Kept => "keep",
    });
    command.current_dir("/").stdin(until).stdout(Stdio::null()).stderr(Stdio::null());
    own_group(&mut command);
    command.spawn().context("start the watcher of a service")
}

/// Removes what is left of owners whose watcher was ended too.
fn sweep() {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let owner = name.to_str().and_then(owner);
        if owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists())
            && let Ok(path) = fs::canonicalize(entry.path())
            && members(&path).is_empty()
        {
            // Two who sweep at once do each other no harm; what cannot be removed is not ours.
            let ended = watch(&path, Ends::Removed, Stdio::null())
                .and_then(|mut watcher| Ok(watcher.wait()?));
            drop(ended);
        }
    }
}

/// Reads the process id in the name of a folder.
fn owner(name: &str) -> Option<u32> {
    name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok()
}

fn members(folder: &Path) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let inside = |id: &u32| {
        fs::read_link(format!("/proc/{id}/cwd")).is_ok_and(|place| place.starts_with(folder))
    };
    processes.filter_map(|it| it.file_name().to_str()?.parse().ok()).filter(inside).collect()
}

#[cfg(unix)]
fn give(path: &Path, account: Option<&Account>) -> Result<()> {
    let Some(account) = account else { return Ok(()) };
    std::os::unix::fs::chown(path, Some(account.user), Some(account.group))
        .context("hand a folder to the user of a service")
}

#[cfg(not(unix))]
fn give(_path: &Path, _account: Option<&Account>) -> Result<()> {
    Ok(())
}

/// So that Ctrl+C at the terminal of the owner does not reach it.
#[cfg(unix)]
pub(crate) fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
pub(crate) fn own_group(_command: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_read_from_the_name_of_the_folder() {
        assert_eq!(owner("thrive-services-4711-x7Yz"), Some(4711));
        assert_eq!(owner("thrive-services-old"), None);
        assert_eq!(owner("somebody-elses-4711-x"), None);
    }

    #[test]
    fn what_runs_in_a_folder_ends_with_it() {
        let folder = Folder::new(None).unwrap();
        let path = folder.path().to_owned();
        let mut sleeper = Command::new("sleep").arg("600").current_dir(&path).spawn().unwrap();
        assert_eq!(folder.members(), [sleeper.id()]);
        drop(folder);
        // Ended by a signal, and the folder is gone.
        assert_eq!(sleeper.wait().unwrap().code(), None);
        assert!(!path.exists());
    }
}
