//! Plays the sounds of the events. A computer without a sound device is silent, nothing more.

pub mod packs;

use std::borrow::Cow;
use std::io::Cursor;
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use rodio::{Decoder, DeviceSinkBuilder, MixerDeviceSink, Player};

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
    fn asking_for_sounds_never_waits() {
        let speaker = Speaker::start();
        for _ in 0..100 {
            speaker.play(Cow::Borrowed(b"no wave file"), 80);
        }
    }
}
