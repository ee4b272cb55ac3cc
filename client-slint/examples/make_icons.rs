//! Draws the icons of the program from `packaging/icons/thrive-messenger.svg`: one picture for each size
//! that desktops look for, and all of them in one file for Windows.
//!
//! `cargo run -p thrive-slint --example make_icons` writes them. A test says that the files in the
//! repository are what it makes.

use std::fs;
use std::path::{Path, PathBuf};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// The sizes of the theme `hicolor`, in pixels.
const SIZES: &[u32] = &[16, 22, 24, 32, 48, 64, 128, 256, 512];
/// What Windows picks from.
const WINDOWS: &[u32] = &[16, 24, 32, 48, 64, 256];

fn main() -> std::io::Result<()> {
    for (file, bytes) in icons() {
        fs::write(folder().join(file), bytes)?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/icons")
}

/// Every file with what is to be in it.
fn icons() -> Vec<(String, Vec<u8>)> {
    let drawing = fs::read(folder().join("thrive-messenger.svg")).expect("the drawing is there");
    let tree = Tree::from_data(&drawing, &Options::default()).expect("the drawing is SVG");
    let mut files: Vec<_> = SIZES
        .iter()
        .map(|size| (format!("thrive-messenger-{size}.png"), picture(&tree, *size)))
        .collect();
    // For the windows themselves, which take pixels and no files.
    files.push(("thrive-messenger-48.rgba".to_owned(), pixels(&tree, 48)));
    files.push(("thrive-messenger.ico".to_owned(), for_windows(&tree)));
    files
}

fn picture(tree: &Tree, size: u32) -> Vec<u8> {
    drawn(tree, size).encode_png().expect("pixels are a picture")
}

fn pixels(tree: &Tree, size: u32) -> Vec<u8> {
    let drawn = drawn(tree, size);
    let plain = drawn.pixels().iter().map(|pixel| pixel.demultiply());
    plain.flat_map(|it| [it.red(), it.green(), it.blue(), it.alpha()]).collect()
}

fn drawn(tree: &Tree, size: u32) -> Pixmap {
    let mut pixels = Pixmap::new(size, size).expect("the size is no zero");
    #[expect(clippy::cast_precision_loss, reason = "no icon has millions of pixels")]
    let scale = size as f32 / tree.size().width();
    resvg::render(tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels
}

/// A table of pictures, then the pictures.
fn for_windows(tree: &Tree) -> Vec<u8> {
    let pictures: Vec<_> = WINDOWS.iter().map(|size| (*size, picture(tree, *size))).collect();
    let count = u16::try_from(pictures.len()).expect("they are few");
    let mut file = Vec::new();
    for word in [0, 1, count] {
        file.extend(word.to_le_bytes());
    }
    let mut at = 6 + 16 * u32::from(count);
    for (size, bytes) in &pictures {
        // 256 is written as 0.
        let side = u8::try_from(*size).unwrap_or(0);
        file.extend([side, side, 0, 0, 1, 0, 32, 0]);
        let length = u32::try_from(bytes.len()).expect("it is small");
        file.extend(length.to_le_bytes());
        file.extend(at.to_le_bytes());
        at += length;
    }
    pictures.iter().for_each(|(_, bytes)| file.extend(bytes));
    file
}

#[test]
fn the_icons_in_the_repository_are_drawn_from_the_drawing() {
    for (file, bytes) in icons() {
        let there = fs::read(folder().join(&file)).unwrap_or_default();
        assert!(there == bytes, "{file}: run the example again");
    }
}
