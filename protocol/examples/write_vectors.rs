//! Writes the vectors of messages that have none yet: `cargo run -p thrive-protocol --example write_vectors`.
//!
//! It never changes a vector that exists: those bytes are a promise to every program that is out there.

#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

#[path = "../tests/it/admin.rs"]
mod admin;
#[path = "../tests/it/diagnostic.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod diagnostic;
#[path = "../tests/it/samples.rs"]
mod samples;
#[path = "../tests/it/session.rs"]
mod session;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    for (name, frame) in samples::all() {
        let bytes = frame.encode();
        write_new(&folder.join(format!("{name}.cbor")), &bytes)?;
        write_new(&folder.join(format!("{name}.txt")), diagnostic::page(&bytes).as_bytes())?;
    }
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(bytes)?;
            println!("new: {}", path.display());
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if std::fs::read(path)? != bytes {
                return Err(format!("{} would change, and it must not", path.display()).into());
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
