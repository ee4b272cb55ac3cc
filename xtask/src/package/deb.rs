//! Debian packages: the tree as the system wants it, and what the package says of itself.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::stock::{Item, template};
use super::{archive, version};
use crate::{shell, system};

/// A package before it is packed.
pub(super) struct Deb {
    pub(super) name: &'static str,
    pub(super) section: &'static str,
    /// The first line, and the paragraph below it.
    pub(super) says: (&'static str, &'static str),
    /// Programs whose libraries the package needs, by their path in the package.
    pub(super) programs: &'static [&'static str],
    /// Packages that no library says.
    pub(super) depends: Vec<String>,
    pub(super) recommends: &'static str,
    /// Files below `/etc`, which belong to whoever runs the machine.
    pub(super) conffiles: &'static [&'static str],
    /// `postinst` and the like, by name.
    pub(super) scripts: Vec<(&'static str, String)>,
    pub(super) items: Vec<Item>,
}

/// As in the licence.
const AUTHORS: &str = "The Thrive Messenger authors";

/// What dpkg calls this kind of computer.
const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

impl Deb {
    /// Packs it into `folder` and gives the file.
    pub(super) fn pack(mut self, folder: &Path, maintainer: &str) -> Result<PathBuf> {
        system::ensure(&[system::DEB])?;
        self.items.push(copyright(self.name)?);
        let scratch = tempfile::Builder::new().prefix("thrive-deb-").tempdir()?;
        let tree = scratch.path().join("tree");
        for item in &self.items {
            write(&tree.join(&item.path), &item.bytes, item.program)?;
        }
        let control = self.control(maintainer, &self.libraries(scratch.path(), &tree)?);
        write(&tree.join("DEBIAN/control"), control.as_bytes(), false)?;
        write(&tree.join("DEBIAN/md5sums"), sums(&tree)?.as_bytes(), false)?;
        if !self.conffiles.is_empty() {
            let text: String = self.conffiles.iter().map(|it| format!("/{it}\n")).collect();
            write(&tree.join("DEBIAN/conffiles"), text.as_bytes(), false)?;
        }
        for (name, text) in &self.scripts {
            write(&tree.join("DEBIAN").join(name), text.as_bytes(), true)?;
        }
        folders(&tree)?;
        let file = folder.join(format!("{}_{}_{ARCHITECTURE}.deb", self.name, version()));
        let mut build = shell::command("dpkg-deb");
        build.args(["--root-owner-group", "-Zxz", "--build"]).arg(&tree).arg(&file);
        build.env("SOURCE_DATE_EPOCH", archive::commit_time()?.to_string());
        shell::output(&mut build)?;
        Ok(file)
    }

    /// The packages with the libraries that the programs are linked against.
    fn libraries(&self, scratch: &Path, tree: &Path) -> Result<Vec<String>> {
        let control = format!("Source: {0}\n\nPackage: {0}\nArchitecture: any\n", self.name);
        write(&scratch.join("debian/control"), control.as_bytes(), false)?;
        let mut question = shell::command("dpkg-shlibdeps");
        question.arg("-O").current_dir(scratch);
        for program in self.programs {
            question.arg(format!("-e{}", tree.join(program).display()));
        }
        Ok(depends(&shell::output(&mut question)?))
    }

    fn control(&self, maintainer: &str, libraries: &[String]) -> String {
        let depends: Vec<_> = libraries.iter().chain(&self.depends).map(String::as_str).collect();
        let kilobytes = self.items.iter().map(|it| it.bytes.len()).sum::<usize>().div_ceil(1_024);
        let (line, paragraph) = self.says;
        let recommends = match self.recommends {
            "" => String::new(),
            packages => format!("Recommends: {packages}\n"),
        };
        format!(
            "Package: {}\nVersion: {}\nArchitecture: {ARCHITECTURE}\nMaintainer: {maintainer}\n\
             Installed-Size: {kilobytes}\nDepends: {}\n{recommends}Section: {}\nPriority: optional\n\
             Description: {line}\n {paragraph}\n",
            self.name,
            version(),
            depends.join(", "),
            self.section,
        )
    }
}

/// Who answers for a package: whom its maker names, or else the authors, who have no address for it.
pub(super) fn maintainer(named: Option<&str>) -> Result<String> {
    let Some(named) = named else {
        println!("No --maintainer: the Debian packages name \"{AUTHORS}\", without an address.");
        return Ok(AUTHORS.to_owned());
    };
    let parts = named.strip_suffix('>').and_then(|it| it.split_once(" <"));
    let whole = |(name, address): &(&str, &str)| {
        let (before, after) = address.split_once('@').unwrap_or_default();
        !name.trim().is_empty()
            && ![before, after].contains(&"")
            && !named.chars().any(char::is_control)
            && !address.contains([' ', '<', '>'])
    };
    ensure!(
        parts.as_ref().is_some_and(whole),
        "--maintainer is not like: Ann Example <ann@example.org>"
    );
    Ok(named.to_owned())
}

/// Reads `shlibs:Depends=libc6 (>= 2.34), libgcc-s1 (>= 4.2)`.
fn depends(said: &str) -> Vec<String> {
    let line = said.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    line.into_iter().flat_map(|line| line.split(',')).map(|it| it.trim().to_owned()).collect()
}

fn copyright(package: &str) -> Result<Item> {
    let text = template("linux/copyright")?;
    Ok(Item::new(format!("usr/share/doc/{package}/copyright"), text))
}

fn sums(tree: &Path) -> Result<String> {
    let mut find = shell::command("find");
    find.args(["usr", "-type", "f"]).current_dir(tree);
    let listing = shell::output(&mut find)?;
    let mut files: Vec<_> = listing.lines().collect();
    files.sort_unstable();
    shell::output(shell::command("md5sum").args(files).current_dir(tree))
}

fn write(file: &Path, bytes: &[u8], program: bool) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    set_rights(file, program).context("its rights")
}

#[cfg(unix)]
fn set_rights(file: &Path, program: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(if program { 0o755 } else { 0o644 }))
}

#[cfg(not(unix))]
fn set_rights(_file: &Path, _program: bool) -> std::io::Result<()> {
    Ok(())
}

/// Whatever the person's own mask is, folders of the system are open to all.
fn folders(tree: &Path) -> Result<()> {
    shell::output(
        shell::command("find").arg(tree).args(["-type", "d", "-exec", "chmod", "755", "{}", "+"]),
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maintainer_has_a_name_and_an_address() {
        assert_eq!(maintainer(None).expect("it is optional"), AUTHORS);
        let named = maintainer(Some("Ann Example <ann@example.org>")).expect("it is whole");
        assert_eq!(named, "Ann Example <ann@example.org>");
        for wrong in ["Ann", "ann@example.org", "<ann@example.org>", "Ann <ann>", "Ann\nB <a@b.c>"]
        {
            assert!(maintainer(Some(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_the_libraries_need_is_read() {
        let said = "shlibs:Depends=libasound2 (>= 1.0.16), libc6 (>= 2.34)\n";
        assert_eq!(depends(said), ["libasound2 (>= 1.0.16)", "libc6 (>= 2.34)"]);
        assert_eq!(depends(""), Vec::<String>::new());
    }
}
