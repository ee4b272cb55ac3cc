//! The sound packs: three that are part of the program, and every folder that a person adds.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use crate::announce::Sound;
use crate::settings::{DEFAULT_PACK, NO_PACK};

macro_rules! built_in {
    ($sound:expr, $pack:literal, $($name:ident = $word:literal,)*) => {
        match $sound {
            $(Sound::$name => {
                include_bytes!(concat!("../../../sounds/", $pack, "/", $word, ".wav"))
            })*
        }
    };
}

macro_rules! pack {
    ($function:ident, $pack:literal) => {
        fn $function(sound: Sound) -> &'static [u8] {
            built_in!(
                sound,
                $pack,
                Login = "login",
                Logout = "logout",
                ContactOnline = "contact_online",
                ContactOffline = "contact_offline",
                Receive = "receive",
                ReceiveElsewhere = "receive_elsewhere",
                Send = "send",
                SendFailed = "send_failed",
                FileOffer = "file_offer",
                FileReceive = "file_receive",
                FileSend = "file_send",
                FileError = "file_error",
                Request = "request",
                Typing = "typing",
                ConnectionLost = "connection_lost",
                Reconnected = "reconnected",
                Alert = "alert",
                Error = "error",
                ListEdge = "list_edge",
            )
        }
    };
}

pack!(plain, "default");
pack!(galaxia, "galaxia");
pack!(classic, "classic");

type BuiltIn = fn(Sound) -> &'static [u8];

/// The packs that are part of the program, in the order in which they are offered.
const BUILT_IN: [(&str, BuiltIn); 3] =
    [(DEFAULT_PACK, plain), ("galaxia", galaxia), ("classic", classic)];

/// The packs of this computer: those of the program, every folder that holds at least one event, and
/// at the end the one that is silent.
#[must_use]
pub fn packs(folders: &[PathBuf]) -> Vec<String> {
    let own = |name: &str| name == NO_PACK || BUILT_IN.iter().any(|(pack, _)| *pack == name);
    let mut found = Vec::new();
    for folder in folders {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let any = Sound::ALL.iter().any(|sound| entry.path().join(sound.file()).is_file());
            if any && is_plain(&name) && !own(&name) && !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found.sort();
    let built_in = BUILT_IN.iter().map(|(pack, _)| (*pack).to_owned());
    built_in.chain(found).chain([NO_PACK.to_owned()]).collect()
}

/// The bytes of a sound: of the pack, else of the default pack; a folder on disk comes before what is
/// built in. Nothing for the pack that is silent.
#[must_use]
pub fn bytes(folders: &[PathBuf], pack: &str, sound: Sound) -> Option<Cow<'static, [u8]>> {
    if pack == NO_PACK {
        return None;
    }
    for name in [pack, DEFAULT_PACK] {
        for folder in folders.iter().filter(|_| is_plain(name)) {
            if let Ok(bytes) = fs::read(folder.join(name).join(sound.file())) {
                return Some(bytes.into());
            }
        }
        if let Some((_, built_in)) = BUILT_IN.iter().find(|(pack, _)| *pack == name) {
            return Some(built_in(sound).into());
        }
    }
    None
}

/// A pack is one folder and never a path that leads elsewhere.
fn is_plain(pack: &str) -> bool {
    Path::new(pack).components().count() == 1
        && !pack.starts_with('.')
        && !pack.contains(['/', '\\', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(folders: &[PathBuf], pack: &str, sound: Sound) -> Vec<u8> {
        bytes(folders, pack, sound).unwrap().into_owned()
    }

    #[test]
    fn a_pack_that_lacks_a_sound_borrows_it_from_the_default_pack() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path().to_owned()];
        fs::create_dir(dir.path().join("bells")).unwrap();
        fs::write(dir.path().join("bells/send.wav"), b"ding").unwrap();
        assert_eq!(packs(&folders), ["default", "galaxia", "classic", "bells", "none"]);
        assert_eq!(heard(&folders, "bells", Sound::Send), b"ding");
        assert_eq!(heard(&folders, "bells", Sound::Login), plain(Sound::Login));
    }

    #[test]
    fn a_folder_with_the_name_of_a_pack_of_the_program_replaces_its_sounds() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path().to_owned()];
        fs::create_dir(dir.path().join("galaxia")).unwrap();
        fs::write(dir.path().join("galaxia/send.wav"), b"whoosh").unwrap();
        assert_eq!(heard(&folders, "galaxia", Sound::Send), b"whoosh");
        assert_eq!(heard(&folders, "galaxia", Sound::Login), galaxia(Sound::Login));
    }

    #[test]
    fn the_pack_none_is_silent_and_no_folder_can_be_it() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path().to_owned()];
        fs::create_dir(dir.path().join("none")).unwrap();
        fs::write(dir.path().join("none/send.wav"), b"ding").unwrap();
        assert_eq!(bytes(&folders, "none", Sound::Send), None);
        assert_eq!(packs(&folders).iter().filter(|pack| *pack == "none").count(), 1);
    }

    #[test]
    fn a_pack_is_never_a_path_to_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("packs")).unwrap();
        fs::write(dir.path().join("send.wav"), b"stolen").unwrap();
        let folders = [dir.path().join("packs")];
        for pack in ["..", "packs/..", "../packs/..", "/", ""] {
            assert_eq!(heard(&folders, pack, Sound::Send), plain(Sound::Send), "{pack:?}");
        }
    }
}
