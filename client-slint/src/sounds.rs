//! Plays the six events of a sound pack. A computer without a sound device is silent, nothing more.

use std::borrow::Cow;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use rodio::{Decoder, DeviceSinkBuilder, MixerDeviceSink, Player};

use crate::announce::Sound;
use crate::settings::DEFAULT_PACK;

impl Sound {
    pub const ALL: [Self; 6] = [
        Self::ContactOnline,
        Self::ContactOffline,
        Self::Login,
        Self::Logout,
        Self::Receive,
        Self::Send,
    ];

    /// The file of this event in every pack.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::ContactOnline => "contact_online.wav",
            Self::ContactOffline => "contact_offline.wav",
            Self::Login => "login.wav",
            Self::Logout => "logout.wav",
            Self::Receive => "receive.wav",
            Self::Send => "send.wav",
        }
    }

    /// The sound of the default pack, which is part of the program.
    fn built_in(self) -> &'static [u8] {
        match self {
            Self::ContactOnline => include_bytes!("../../sounds/default/contact_online.wav"),
            Self::ContactOffline => include_bytes!("../../sounds/default/contact_offline.wav"),
            Self::Login => include_bytes!("../../sounds/default/login.wav"),
            Self::Logout => include_bytes!("../../sounds/default/logout.wav"),
            Self::Receive => include_bytes!("../../sounds/default/receive.wav"),
            Self::Send => include_bytes!("../../sounds/default/send.wav"),
        }
    }
}

/// The packs of this computer: `default` first, then every folder that holds at least one event.
#[must_use]
pub fn packs(folders: &[PathBuf]) -> Vec<String> {
    let mut found = Vec::new();
    for folder in folders {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let any = Sound::ALL.iter().any(|sound| entry.path().join(sound.file()).is_file());
            if any && name != DEFAULT_PACK && !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found.sort();
    found.insert(0, DEFAULT_PACK.to_owned());
    found
}

/// The bytes of a sound: of the pack, else of the default pack on disk, else the one built in.
#[must_use]
pub fn bytes(folders: &[PathBuf], pack: &str, sound: Sound) -> Cow<'static, [u8]> {
    // A pack is one folder and never a path that leads elsewhere.
    let plain = Path::new(pack).components().count() == 1 && !pack.starts_with('.');
    for name in [pack, DEFAULT_PACK] {
        for folder in folders.iter().filter(|_| plain) {
            if let Ok(bytes) = fs::read(folder.join(name).join(sound.file())) {
                return bytes.into();
            }
        }
    }
    sound.built_in().into()
}

/// The handle of the thread that owns the sound device.
#[derive(Clone, Debug)]
pub struct Speaker {
    wishes: SyncSender<(Cow<'static, [u8]>, u8)>,
}

impl Speaker {
    /// Starts the thread. The device is opened at the first sound, and again after it failed.
    #[must_use]
    pub fn start() -> Self {
        let (wishes, asked) = mpsc::sync_channel::<(Cow<'static, [u8]>, u8)>(WAITING_MAX);
        let thread = std::thread::Builder::new().name("sounds".into());
        let started = thread.spawn(move || {
            let mut device = Device::default();
            while let Ok((bytes, volume)) = asked.recv() {
                device.play(bytes, volume);
            }
        });
        if let Err(error) = started {
            tracing::warn!(%error, "There will be no sounds");
        }
        Self { wishes }
    }

    /// Asks for a sound. When several wait already it is dropped: late sounds mislead.
    pub fn play(&self, bytes: Cow<'static, [u8]>, volume: u8) {
        if self.wishes.try_send((bytes, volume)).is_err() {
            tracing::debug!("A sound was dropped");
        }
    }
}

#[derive(Default)]
struct Device {
    sink: Option<MixerDeviceSink>,
    failed: Option<Instant>,
}

impl Device {
    fn play(&mut self, bytes: Cow<'static, [u8]>, volume: u8) {
        if self.sink.is_none() && self.failed.is_none_or(|at| REOPENED_AFTER < at.elapsed()) {
            match DeviceSinkBuilder::open_default_sink() {
                Ok(mut sink) => {
                    sink.log_on_drop(false);
                    self.sink = Some(sink);
                }
                Err(error) => {
                    tracing::debug!(%error, "There is no sound device");
                    self.failed = Some(Instant::now());
                }
            }
        }
        let Some(sink) = &self.sink else { return };
        match Decoder::new_wav(Cursor::new(bytes)) {
            Ok(decoded) => {
                let player = Player::connect_new(sink.mixer());
                player.set_volume(f32::from(volume.min(100)) / 100.0);
                player.append(decoded);
                player.detach();
            }
            Err(error) => tracing::debug!(%error, "A sound file cannot be read"),
        }
    }
}

/// A burst of more is noise.
const WAITING_MAX: usize = 4;
const REOPENED_AFTER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_that_lacks_a_sound_borrows_it_from_the_default_pack() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [dir.path().to_owned()];
        fs::create_dir(dir.path().join("bells")).unwrap();
        fs::write(dir.path().join("bells/send.wav"), b"ding").unwrap();
        assert_eq!(packs(&folders), ["default", "bells"]);
        assert_eq!(bytes(&folders, "bells", Sound::Send).as_ref(), b"ding");
        let borrowed = bytes(&folders, "bells", Sound::Login);
        assert_eq!(borrowed.as_ref(), Sound::Login.built_in());
    }

    #[test]
    fn a_pack_is_never_a_path_to_elsewhere() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("packs")).unwrap();
        fs::write(dir.path().join("send.wav"), b"stolen").unwrap();
        let folders = [dir.path().join("packs")];
        assert_eq!(bytes(&folders, "..", Sound::Send).as_ref(), Sound::Send.built_in());
        assert_eq!(bytes(&folders, "packs/..", Sound::Send).as_ref(), Sound::Send.built_in());
    }

    #[test]
    fn all_sounds_of_the_program_can_be_decoded() {
        for sound in Sound::ALL {
            let decoded = Decoder::new_wav(Cursor::new(sound.built_in())).unwrap();
            let samples = decoded.count();
            assert!((2_000..=17_640).contains(&samples), "{sound:?} has {samples} samples");
        }
    }

    #[test]
    fn asking_for_sounds_never_waits() {
        let speaker = Speaker::start();
        for _ in 0..100 {
            speaker.play(Cow::Borrowed(b"no wave file"), 80);
        }
    }
}
