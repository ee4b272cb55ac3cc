//! Takes a package apart. What is in it is written below one folder and nowhere else, whatever the names
//! in it say, and only plain files are.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;

use super::{Form, Refusal};

/// Unpacks a package into a folder that is there and empty. The first folder in it, which has the name
/// of the version, is left out.
///
/// # Errors
/// It is broken, has something in it that is no plain file, or a name that leads elsewhere.
pub fn unpack(form: Form, package: &Path, into: &Path) -> Result<(), Refusal> {
    let file = BufReader::new(File::open(package)?);
    let mut writer = Writer { into, files: 0, bytes: 0 };
    match form {
        Form::Tar => untar(file, &mut writer),
        Form::Zip => unzip(file, &mut writer),
        Form::Deb => Err(Refusal::Unsafe("a package of the system is not unpacked here".into())),
    }
}

fn untar(file: impl Read, writer: &mut Writer<'_>) -> Result<(), Refusal> {
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(broken)?;
        match entry.header().entry_type() {
            tar::EntryType::Directory => {}
            tar::EntryType::Regular => {
                let program = entry.header().mode().map_err(broken)? & 0o100 != 0;
                writer.write(&name, program, &mut entry)?;
            }
            other => return Err(Refusal::Unsafe(format!("{name:?} is a {other:?}"))),
        }
    }
    Ok(())
}

fn unzip(file: impl Read + io::Seek, writer: &mut Writer<'_>) -> Result<(), Refusal> {
    let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(broken)?;
        let name = String::from_utf8(entry.name_raw().to_vec()).map_err(broken)?;
        if entry.is_dir() {
            continue;
        }
        let mode = entry.unix_mode().unwrap_or(0o644);
        // The kind of a file stands above its rights; 0 is from systems that know no kinds.
        if !matches!(mode & 0o170_000, 0 | 0o100_000) {
            return Err(Refusal::Unsafe(format!("{name:?} is no plain file")));
        }
        writer.write(&name, mode & 0o100 != 0, &mut entry)?;
    }
    Ok(())
}

struct Writer<'a> {
    into: &'a Path,
    files: usize,
    bytes: u64,
}

impl Writer<'_> {
    fn write(&mut self, name: &str, program: bool, from: &mut dyn Read) -> Result<(), Refusal> {
        let Some(path) = inside(name) else {
            return Err(Refusal::Unsafe(format!("the name {name:?}")));
        };
        self.files += 1;
        let room = BYTES_MAX - self.bytes;
        if FILES_MAX < self.files {
            return Err(Refusal::Unsafe("there are too many files".into()));
        }
        let path = self.into.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        // Never through something that is there already.
        let mut file = File::create_new(&path)?;
        let written = io::copy(&mut from.take(room + 1), &mut file)?;
        if room < written {
            return Err(Refusal::Unsafe("it is too large".into()));
        }
        self.bytes += written;
        set_rights(&file, program)?;
        file.sync_all()?;
        Ok(())
    }
}

/// The path without its first folder, if it leads down and nowhere else on every system.
fn inside(name: &str) -> Option<PathBuf> {
    let harmless = |part: &&str| {
        !matches!(*part, "" | "." | "..")
            && !part.contains(['\\', ':', '\0'])
            && !part.ends_with(['.', ' '])
    };
    let mut parts = name.split('/');
    parts.next().filter(harmless)?;
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() || !parts.iter().all(harmless) {
        return None;
    }
    let path: PathBuf = parts.iter().collect();
    path.components().all(|it| matches!(it, Component::Normal(_))).then_some(path)
}

#[cfg(unix)]
fn set_rights(file: &File, program: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(if program { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn set_rights(_file: &File, _program: bool) -> io::Result<()> {
    Ok(())
}

fn broken(error: impl std::fmt::Display) -> Refusal {
    Refusal::Unsafe(error.to_string())
}

const FILES_MAX: usize = 10_000;
const BYTES_MAX: u64 = 1_024 * 1_024 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A package with these names, each a small file.
    fn tar_of(names: &[&str]) -> Vec<u8> {
        let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(packed);
        for name in names {
            let mut header = tar::Header::new_gnu();
            // Past the builder, which would not write such names.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(2);
            header.set_mode(0o755);
            header.set_cksum();
            builder.append(&header, &b"hi"[..]).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn zip_of(names: &[&str]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(b"hi").unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// Unpacks, and gives what lies in the folder and beside it.
    fn unpacked(form: Form, bytes: &[u8]) -> (Result<(), Refusal>, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let (package, into) = (dir.path().join("package"), dir.path().join("a/b/into"));
        fs::write(&package, bytes).unwrap();
        fs::create_dir_all(&into).unwrap();
        let result = unpack(form, &package, &into);
        let mut found = Vec::new();
        let mut folders = vec![dir.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(dir.path()).unwrap().display().to_string());
                }
            }
        }
        found.sort();
        (result, found)
    }

    #[test]
    fn the_first_folder_is_left_out_and_the_rest_is_written() {
        let names = ["thrive-1.0.0/thrive", "thrive-1.0.0/sounds/default/login.wav"];
        for (form, bytes) in [(Form::Tar, tar_of(&names)), (Form::Zip, zip_of(&names))] {
            let (result, found) = unpacked(form, &bytes);
            result.unwrap();
            let wanted = ["a/b/into/sounds/default/login.wav", "a/b/into/thrive", "package"];
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn names_that_lead_elsewhere_write_nothing() {
        for name in [
            "thrive/../../evil",
            "../evil",
            "/etc/evil",
            "thrive//evil",
            "thrive/./evil",
            "thrive/..\\..\\evil",
            "thrive/C:evil",
            "C:\\evil",
            "thrive/evil.",
            "evil",
        ] {
            for (form, bytes) in [(Form::Tar, tar_of(&[name])), (Form::Zip, zip_of(&[name]))] {
                let (result, found) = unpacked(form, &bytes);
                assert!(result.is_err(), "{form:?} {name}");
                assert_eq!(found, ["package"], "{form:?} {name}");
            }
        }
    }

    #[test]
    fn a_link_is_no_file_and_a_file_comes_once() {
        let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(packed);
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "thrive/sounds", "/etc").unwrap();
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        assert!(matches!(unpacked(Form::Tar, &bytes).0, Err(Refusal::Unsafe(_))));
        let twice = tar_of(&["thrive/a", "thrive/a"]);
        assert!(unpacked(Form::Tar, &twice).0.is_err());
    }

    #[test]
    fn half_a_package_is_refused() {
        let whole = tar_of(&["thrive/a", "thrive/b"]);
        assert!(unpacked(Form::Tar, &whole[..whole.len() / 2]).0.is_err());
        let whole = zip_of(&["thrive/a", "thrive/b"]);
        assert!(unpacked(Form::Zip, &whole[..whole.len() - 30]).0.is_err());
    }
}
