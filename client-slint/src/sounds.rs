//! Plays the sounds of the events. A computer without a sound device is silent, nothing more.

pub mod packs;

use std::borrow::Cow;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::time::{Duration, Instant};

use rodio::cpal::{self, ErrorKind};
use rodio::{Decoder, DeviceSinkBuilder, DeviceSinkError, MixerDeviceSink, Player};

use crate::announce::Sound;

/// The handle of the thread that owns the sound device, and that reads the packs.
#[derive(Clone, Debug)]
pub struct Speaker {
    wishes: SyncSender<Wanted>,
}

#[derive(Debug)]
struct Wanted {
    pack: String,
    volume: u8,
    sound: Sound,
}

impl Speaker {
    /// Starts the thread, with the folders of the packs. The device is opened at the first sound, and again
    /// after it failed.
    #[must_use]
    pub fn start(folders: Vec<PathBuf>) -> Self {
        let (wishes, asked) = mpsc::sync_channel::<Wanted>(WAITING_MAX);
        let thread = std::thread::Builder::new().name("sounds".into());
        let started = thread.spawn(move || {
            let mut device = Device::new(open);
            while let Ok(Wanted { pack, volume, sound }) = asked.recv() {
                let Some(bytes) = packs::bytes(&folders, &pack, sound) else { continue };
                if let Some(sink) = device.opened() {
                    play(sink, bytes, volume);
                }
            }
        });
        if let Err(error) = started {
            tracing::warn!(%error, "There will be no sounds");
        }
        Self { wishes }
    }

    /// Asks for a sound. When several wait already it is dropped: late sounds mislead.
    pub fn play(&self, pack: &str, volume: u8, sound: Sound) {
        if self.wishes.try_send(Wanted { pack: pack.to_owned(), volume, sound }).is_err() {
            tracing::debug!("A sound was dropped");
        }
    }
}

/// The device, by whatever opens it.
struct Device<S, O> {
    open: O,
    sink: Option<S>,
    failed: Option<Instant>,
    /// The open one has gone, says the thread that feeds it.
    gone: Arc<AtomicBool>,
}

impl<S, O: Fn(Arc<AtomicBool>) -> Result<S, DeviceSinkError>> Device<S, O> {
    fn new(open: O) -> Self {
        Self { open, sink: None, failed: None, gone: Arc::default() }
    }

    /// The device that is open, or was opened just now.
    fn opened(&mut self) -> Option<&S> {
        if self.gone.load(Ordering::Relaxed) {
            self.sink = None;
        }
        if self.sink.is_none() && self.failed.is_none_or(|at| REOPENED_AFTER < at.elapsed()) {
            // A flag of its own for each, so that an old one says nothing about a new one.
            self.gone = Arc::default();
            match (self.open)(self.gone.clone()) {
                Ok(sink) => {
                    self.sink = Some(sink);
                    self.failed = None;
                }
                Err(error) => {
                    tracing::debug!(%error, "There is no sound device");
                    self.failed = Some(Instant::now());
                }
            }
        }
        self.sink.as_ref()
    }
}

fn open(gone: Arc<AtomicBool>) -> Result<MixerDeviceSink, DeviceSinkError> {
    let failed = move |error: cpal::Error| {
        tracing::debug!(%error, "The sound device has a problem");
        // After these it goes on, and to open it again would cut off what is heard.
        let lives = matches!(
            error.kind(),
            ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied | ErrorKind::Xrun
        );
        if !lives {
            gone.store(true, Ordering::Relaxed);
        }
    };
    let mut sink = DeviceSinkBuilder::from_default_device()
        .and_then(|builder| builder.with_error_callback(failed).open_sink_or_fallback())
        .or_else(|_| DeviceSinkBuilder::open_default_sink())?;
    sink.log_on_drop(false);
    Ok(sink)
}

fn play(sink: &MixerDeviceSink, bytes: Cow<'static, [u8]>, volume: u8) {
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

/// A burst of more is noise.
const WAITING_MAX: usize = 4;
const REOPENED_AFTER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    #[test]
    fn asking_for_sounds_never_waits() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bad")).unwrap();
        std::fs::write(dir.path().join("bad/send.wav"), "no wave file").unwrap();
        let speaker = Speaker::start(vec![dir.path().to_owned()]);
        for _ in 0..100 {
            speaker.play("bad", 80, Sound::Send);
        }
    }

    #[test]
    fn a_device_that_has_gone_is_opened_again_for_the_next_sound() {
        let (opened, gone) = (Cell::new(0), RefCell::new(Vec::new()));
        let mut device = Device::new(|flag| {
            opened.set(opened.get() + 1);
            gone.borrow_mut().push(flag);
            Ok(opened.get())
        });
        assert_eq!((device.opened().copied(), device.opened().copied()), (Some(1), Some(1)));
        gone.borrow()[0].store(true, Ordering::Relaxed);
        assert_eq!((device.opened().copied(), device.opened().copied()), (Some(2), Some(2)));
    }

    #[test]
    fn a_computer_without_a_device_is_not_asked_for_each_sound() {
        let tried = Cell::new(0);
        let mut device = Device::<(), _>::new(|_| {
            tried.set(tried.get() + 1);
            Err(DeviceSinkError::NoDevice)
        });
        assert!(device.opened().is_none() && device.opened().is_none());
        assert_eq!(tried.get(), 1);
    }
}
