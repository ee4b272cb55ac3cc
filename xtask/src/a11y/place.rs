//! A place with a newer version of the desktop client, signed, and a program that looks there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use minisign::KeyPair;

use super::desk::Desk;
use crate::children::Child;
use crate::package::release;
use crate::{config, root, shell};

/// What the place may take to be there on a busy machine.
const START: Duration = Duration::from_secs(30);

/// A version that no build of ours has.
const VERSION: &str = "99.0.0";

/// What the package has in place of the program.
pub(super) const NEW_PROGRAM: &str = "the new program";

/// Gives the newer version out until this is dropped.
pub(super) struct Place {
    _server: Child,
    /// The program, in a folder of its own: what an update replaces must not be the build.
    pub(super) program: PathBuf,
    /// The certificate of the place, for who is to trust it.
    pub(super) certificate: PathBuf,
}

impl Place {
    /// Everything lies below `folder`, except for the program, which is large.
    pub(super) fn open(desk: &Desk, folder: &Path) -> Result<Self> {
        let files = folder.join("files");
        fs::create_dir_all(&files)?;
        let keys = KeyPair::generate_unencrypted_keypair()?;
        publish(&files, &keys)?;
        let certificate = folder.join("place.pem");
        certify(desk, &certificate)?;
        let mut serve = desk.script("place.py");
        serve.arg(&files).arg(&certificate).stdout(Stdio::piped());
        serve.stderr(fs::File::create(desk.logs.join("place.log"))?);
        let mut server = Child::start("The place with newer versions", &mut serve)?;
        let lines = server.lines()?;
        let port = lines.find("the port of the place", START, |line| {
            line.strip_prefix("ready ")?.parse::<u16>().ok()
        })?;
        lines.pass_over_rest();
        let program = install(&desk.logs.join("installed"))?;
        let feed = format!(
            "url = \"https://localhost:{port}/latest.toml\"\nkey = \"{}\"\nform = \"tar\"\n",
            keys.pk.to_base64()
        );
        fs::write(program.with_file_name("updates.toml"), feed)?;
        Ok(Self { _server: server, program, certificate })
    }
}

/// A package of ours lies in the folder, with the page that offers it.
fn publish(files: &Path, keys: &KeyPair) -> Result<()> {
    let name = format!("thrive-messenger-{VERSION}-linux-x86_64.tar.gz");
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(packed);
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(NEW_PROGRAM.len())?);
    header.set_mode(0o755);
    let inside = format!("thrive-messenger-{VERSION}/thrive-messenger");
    archive.append_data(&mut header, inside, NEW_PROGRAM.as_bytes())?;
    fs::write(files.join(name), archive.into_inner()?.finish()?)?;
    release::sign(files, VERSION, &keys.sk, None).map(drop)
}

/// A certificate for this computer that vouches for itself, and its key, in one file.
fn certify(desk: &Desk, file: &Path) -> Result<()> {
    let mut openssl = desk.command("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    openssl.args(["-nodes", "-days", "2", "-subj", "/CN=localhost"]);
    openssl.args(["-addext", "subjectAltName=DNS:localhost"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-keyout").arg(file).arg("-out").arg(file.with_extension("crt"));
    shell::output(&mut openssl).context("a certificate for the place")?;
    let mut both = fs::read_to_string(file)?;
    both.push_str(&fs::read_to_string(file.with_extension("crt"))?);
    fs::write(file, both).context("the certificate with its key")
}

/// The program of the build, also by another name: it is found beside its `updates.toml`.
fn install(folder: &Path) -> Result<PathBuf> {
    const NAME: &str = "thrive-messenger";
    fs::create_dir_all(folder)?;
    let program = folder.join(NAME);
    fs::hard_link(config::target(&root()).join("debug").join(NAME), &program)
        .with_context(|| format!("cannot make {}", program.display()))?;
    Ok(program)
}
