//! Archives that are the same, byte for byte, whenever they are made of the same things: sorted, and with
//! the time of the last commit.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;

use super::stock::Item;
use crate::shell;

/// Everything below one folder with the name `top`.
pub(super) fn zip(items: Vec<Item>, top: &str, to: &Path) -> Result<()> {
    let [year, month, day, hour, minute, second] = calendar()?;
    let small = |number: u16| u8::try_from(number).unwrap_or_default();
    let time = zip::DateTime::from_date_and_time(
        year,
        small(month),
        small(day),
        small(hour),
        small(minute),
        small(second),
    )
    .context("a time that zip files know")?;
    let mut archive = zip::ZipWriter::new(create(to)?);
    for item in sorted(items) {
        let mode = if item.program { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .compression_level(Some(6))
            .last_modified_time(time)
            .unix_permissions(mode);
        archive.start_file(format!("{top}/{}", item.path), options)?;
        archive.write_all(&item.bytes)?;
    }
    archive.finish()?.flush().context("the disk is full")
}

/// Everything below one folder with the name `top`.
pub(super) fn tar_gz(items: Vec<Item>, top: &str, to: &Path) -> Result<()> {
    let time = commit_time()?;
    // Without a time and a name of its own.
    let packed = GzBuilder::new().mtime(0).write(create(to)?, Compression::default());
    let mut archive = tar::Builder::new(packed);
    for item in sorted(items) {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(item.bytes.len())?);
        header.set_mode(if item.program { 0o755 } else { 0o644 });
        header.set_mtime(time);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, format!("{top}/{}", item.path), item.bytes.as_slice())?;
    }
    archive.into_inner()?.finish()?.flush().context("the disk is full")
}

fn create(file: &Path) -> Result<BufWriter<File>> {
    let made = File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(BufWriter::new(made))
}

fn sorted(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by(|one, other| one.path.cmp(&other.path));
    items
}

/// Of the last commit, in seconds since 1970.
pub(super) fn commit_time() -> Result<u64> {
    Ok(shell::output(shell::command("git").args(["log", "-1", "--format=%ct"]))?.trim().parse()?)
}

/// Of the last commit: `2026-11-29`.
pub(super) fn commit_day() -> Result<String> {
    let [year, month, day, ..] = calendar()?;
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}

/// Year, month, day, hour, minute and second of the last commit.
fn calendar() -> Result<[u16; 6]> {
    let mut git = shell::command("git");
    git.args(["log", "-1", "--format=%cd", "--date=format-local:%Y %m %d %H %M %S"]);
    let text = shell::output(git.env("TZ", "UTC"))?;
    let mut numbers = [0; 6];
    for (number, word) in numbers.iter_mut().zip(text.split_whitespace()) {
        *number = word.parse().with_context(|| format!("a time is not {text:?}"))?;
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_things_make_the_same_archive_in_whatever_order_they_come() {
        let folder = tempfile::tempdir().expect("a folder");
        let items = || vec![Item::new("b", "2"), Item::new("a/c", "1")];
        let turned = || items().into_iter().rev().collect::<Vec<_>>();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        for make in [zip, tar_gz] {
            make(items(), "top", &one).expect("it is made");
            make(turned(), "top", &other).expect("it is made");
            let bytes = |file| std::fs::read(file).expect("it is there");
            assert!(bytes(&one) == bytes(&other));
        }
    }
}
