//! Keys, and the page about the newest version that installed clients read. The key that signs never
//! lies in the repository.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};
use sha2::{Digest, Sha256};

use super::{folder, stock, version};
use crate::{demo, root};

#[derive(Args)]
pub(crate) struct Options {
    /// The secret key, from `cargo xtask package key` or from minisign.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file whose first line is the password of the key, if it has one.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Where the packages will lie, if not beside the page.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

#[derive(Args)]
pub(crate) struct KeyOptions {
    /// A folder outside of the repository.
    folder: PathBuf,
    /// Protect the key with the first line of this file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

const NOT_HERE: &str =
    "a key in the repository would be published with it; name a folder elsewhere";

/// The page, as installed clients know it.
const PAGE: &str = "latest.toml";

/// A package that is there.
pub(crate) struct Package {
    holds: &'static str,
    name: String,
    form: &'static str,
    system: String,
    size: u64,
    sha256: String,
}

pub(super) fn release(options: &Options) -> Result<()> {
    let secret = secret(options)?;
    let public = PublicKey::from_secret_key(&secret)?;
    let folder = folder()?;
    let packages = sign(&folder, version(), &secret, options.url.as_deref())?;
    let page = folder.join(PAGE);
    for package in &packages {
        println!("  {} ({} bytes)", package.name, package.size);
    }
    println!(
        "Signed {} with the key {}.\nPut latest.toml, latest.toml.minisig and the packages to the address that the \
         packages were made with.",
        page.display(),
        public.to_base64()
    );
    Ok(())
}

/// Writes the page about the packages of a version that lie in a folder, and its signature beside it.
pub(crate) fn sign(
    folder: &Path,
    version: &str,
    secret: &SecretKey,
    url: Option<&str>,
) -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    for file in stock::entries(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some((holds, form, system)) = kind(&name, version) {
            let bytes = stock::read(&file)?;
            let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            let size = u64::try_from(bytes.len())?;
            packages.push(Package { holds, name, form, system, size, sha256 });
        }
    }
    if packages.is_empty() {
        bail!("no package of {version} is in {}; make some first", folder.display());
    }
    let text = page(version, &packages, url);
    let public = PublicKey::from_secret_key(secret)?;
    let comment = format!("thrive-messenger {version}");
    let signature =
        minisign::sign(Some(&public), secret, Cursor::new(&text), Some(&comment), Some(&comment))?;
    let page = folder.join(PAGE);
    fs::write(&page, &text).with_context(|| format!("cannot write {}", page.display()))?;
    fs::write(folder.join(format!("{PAGE}.minisig")), signature.into_string())?;
    Ok(packages)
}

/// What a file is by its name: what it holds, its form, the system; nothing when it is of another version.
fn kind(name: &str, version: &str) -> Option<(&'static str, &'static str, String)> {
    for holds in ["thrive-messenger", "thrive-node"] {
        let Some(rest) = name.strip_prefix(holds) else { continue };
        if let Some(rest) = rest.strip_prefix(&format!("-{version}-")) {
            for (ending, form) in [(".tar.gz", "tar"), (".zip", "zip")] {
                if let Some(system) = rest.strip_suffix(ending) {
                    return Some((holds, form, system.to_owned()));
                }
            }
        }
        for (ending, system) in [("amd64", "linux-x86_64"), ("arm64", "linux-aarch64")] {
            if rest == format!("_{version}_{ending}.deb") {
                return Some((holds, "deb", system.to_owned()));
            }
        }
    }
    None
}

/// The page. The client reads it, so a test there reads the same example as the one here.
fn page(version: &str, packages: &[Package], url: Option<&str>) -> String {
    let mut text = format!("program = \"thrive-messenger\"\nversion = \"{version}\"\n");
    for Package { holds, name, form, system, size, sha256 } in packages {
        let url =
            url.map_or_else(|| name.clone(), |url| format!("{}/{name}", url.trim_end_matches('/')));
        text.push_str(&format!(
            "\n[[package]]\nholds = \"{holds}\"\nname = \"{name}\"\nform = \"{form}\"\nsystem = \"{system}\"\n\
             size = {size}\nsha256 = \"{sha256}\"\nurl = \"{url}\"\n"
        ));
    }
    text
}

pub(super) fn make_key(options: &KeyOptions) -> Result<()> {
    let wanted = std::path::absolute(&options.folder).context("the folder has a name")?;
    // Before the folder is made, and again when links in its name are followed.
    if wanted.starts_with(root()) {
        bail!(NOT_HERE);
    }
    fs::create_dir_all(&wanted).with_context(|| format!("cannot make {}", wanted.display()))?;
    let folder = wanted.canonicalize()?;
    if folder.starts_with(root().canonicalize()?) {
        bail!(NOT_HERE);
    }
    let (secret, public) = (folder.join("thrive-release.key"), folder.join("thrive-release.pub"));
    if secret.exists() {
        bail!("{} is there already, and installed clients trust it", secret.display());
    }
    let keys = match &options.password_file {
        None => KeyPair::generate_unencrypted_keypair()?,
        Some(file) => KeyPair::generate_encrypted_keypair(Some(first_line(file)?))?,
    };
    demo::write_private(&secret, &keys.sk.to_box(Some("thrive release key"))?.into_string())?;
    told(&secret, &public, &keys.pk)
}

fn told(secret: &Path, public: &Path, key: &PublicKey) -> Result<()> {
    fs::write(public, key.to_box()?.into_string())?;
    println!(
        "The secret key is {}. Whoever has it can make installed clients run what they like: keep it \
         off this machine.\nThe public key, for --updates-key, is {} and in {}.",
        secret.display(),
        key.to_base64(),
        public.display()
    );
    Ok(())
}

fn secret(options: &Options) -> Result<SecretKey> {
    let text = fs::read_to_string(&options.key)
        .with_context(|| format!("cannot read {}", options.key.display()))?;
    let written = SecretKeyBox::from_string(&text).context("the file with the key is no key")?;
    match &options.password_file {
        None => {
            written.into_unencrypted_secret_key().context("the key has a password: --password-file")
        }
        Some(file) => written
            .into_secret_key(Some(first_line(file)?))
            .context("the password is not that of the key"),
    }
}

fn first_line(file: &Path) -> Result<String> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_example_that_the_client_reads() {
        let package = |name: &str, form, system: &str| Package {
            holds: "thrive-messenger",
            name: name.into(),
            form,
            system: system.into(),
            size: 1_000,
            sha256: "00112233445566778899aabbccddeeff".repeat(2),
        };
        let packages = [
            package("thrive-messenger-0.2.0-linux-x86_64.tar.gz", "tar", "linux-x86_64"),
            package("thrive-messenger-0.2.0-windows-x86_64.zip", "zip", "windows-x86_64"),
            package("thrive-messenger_0.2.0_amd64.deb", "deb", "linux-x86_64"),
        ];
        let example = root().join("packaging/latest.example.toml");
        let text = page("0.2.0", &packages, None);
        assert_eq!(text, fs::read_to_string(example).expect("the example is there"));
        let elsewhere = page("0.2.0", &packages, Some("https://a.example/files/"));
        assert!(
            elsewhere
                .contains("url = \"https://a.example/files/thrive-messenger_0.2.0_amd64.deb\"")
        );
    }

    #[test]
    fn packages_are_known_by_their_names() {
        let version = version();
        let linux = format!("thrive-messenger-{version}-linux-x86_64.tar.gz");
        assert_eq!(kind(&linux, version), Some(("thrive-messenger", "tar", "linux-x86_64".into())));
        let deb = format!("thrive-node_{version}_arm64.deb");
        assert_eq!(kind(&deb, version), Some(("thrive-node", "deb", "linux-aarch64".into())));
        for other in ["latest.toml", "thrive-messenger-9.9.9-linux-x86_64.tar.gz", "thrive-node"] {
            assert_eq!(kind(other, version), None, "{other}");
        }
    }
}
