//! Makes the sound packs of the program: `cargo run -p thrive-slint --example make_sounds`.
//! Only additions, multiplications and divisions are used, so every computer makes the same bytes.

mod classic;
mod galaxia;
mod plain;
mod voice;
mod wave;

use std::path::{Path, PathBuf};
use std::{fs, io};

use voice::{Recipe, samples};

fn main() -> io::Result<()> {
    for (pack, recipes) in packs() {
        let folder = folder(pack);
        fs::create_dir_all(&folder)?;
        for (name, voices) in recipes {
            fs::write(folder.join(name), wave::file(&samples(&voices)))?;
        }
    }
    Ok(())
}

fn packs() -> [(&'static str, Vec<Recipe>); 3] {
    [("default", plain::pack()), ("galaxia", galaxia::pack()), ("classic", classic::pack())]
}

fn folder(pack: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sounds").join(pack)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sounds_in_the_repository_are_what_this_makes() {
        for (pack, recipes) in packs() {
            for (name, voices) in recipes {
                let kept = fs::read(folder(pack).join(name)).unwrap();
                let same = kept == wave::file(&samples(&voices));
                assert!(same, "{pack}/{name} differs: run this example");
            }
        }
    }

    #[test]
    fn every_pack_has_the_same_events() {
        let names = |recipes: &[Recipe]| recipes.iter().map(|it| it.0).collect::<Vec<_>>();
        let [(_, first), (_, second), (_, third)] = packs();
        assert_eq!(names(&first), names(&second));
        assert_eq!(names(&first), names(&third));
    }
}
