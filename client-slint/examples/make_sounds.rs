//! Makes the sound pack `sounds/default`: `cargo run -p thrive-slint --example make_sounds`.
//! Only additions and multiplications are used, so every computer makes the same bytes.

use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    let folder = folder();
    fs::create_dir_all(&folder)?;
    for (name, notes) in pack() {
        fs::write(folder.join(name), wave(&samples(&notes)))?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sounds/default")
}

/// A bell-like tone: `hertz` glides to `to_hertz` while it fades.
struct Note {
    start_ms: u32,
    length_ms: u32,
    hertz: f64,
    to_hertz: f64,
    strength: f64,
}

fn note(start_ms: u32, length_ms: u32, hertz: f64) -> Note {
    Note { start_ms, length_ms, hertz, to_hertz: hertz, strength: 1.0 }
}

/// Up means somebody comes, down means somebody goes; one's own log-in has three notes, a contact
/// has two; a message that comes is a double tap, one that goes a single slide.
fn pack() -> [(&'static str, Vec<Note>); 6] {
    const C5: f64 = 523.25;
    const D5: f64 = 587.33;
    const E5: f64 = 659.26;
    const G5: f64 = 783.99;
    const A5: f64 = 880.0;
    const B5: f64 = 987.77;
    const D6: f64 = 1_174.66;
    const E6: f64 = 1_318.51;
    [
        ("login.wav", vec![note(0, 140, C5), note(90, 160, E5), note(180, 215, G5)]),
        ("logout.wav", vec![note(0, 140, G5), note(90, 160, E5), note(180, 215, C5)]),
        ("contact_online.wav", vec![note(0, 90, A5), note(80, 200, D6)]),
        ("contact_offline.wav", vec![note(0, 90, A5), note(80, 200, D5)]),
        (
            "receive.wav",
            vec![
                note(0, 70, E6),
                Note { strength: 0.8, ..note(95, 70, E6) },
                Note { strength: 0.6, ..note(95, 190, B5) },
            ],
        ),
        ("send.wav", vec![Note { to_hertz: 1_300.0, ..note(0, 95, 700.0) }]),
    ]
}

const RATE: u32 = 44_100;
/// −6 dB of full scale.
const PEAK: f64 = 0.501;

fn samples(notes: &[Note]) -> Vec<i16> {
    let at = |ms: u32| (ms * RATE / 1_000) as usize;
    let length = notes.iter().map(|it| at(it.start_ms + it.length_ms)).max().unwrap_or(0);
    let mut mix = vec![0.0_f64; length];
    for it in notes {
        let count = at(it.length_ms);
        let mut turns = 0.0_f64;
        for (index, sample) in mix[at(it.start_ms)..][..count].iter_mut().enumerate() {
            let along = index as f64 / count as f64;
            let left = 1.0 - along;
            // 4 ms to come up without a click, then a fade that is fast at first.
            let rise = (index as f64 / at(4) as f64).min(1.0);
            let loudness = it.strength * rise * left * left;
            turns += (it.hertz + (it.to_hertz - it.hertz) * along) / f64::from(RATE);
            let tone =
                sine(turns) + 0.25 * left * sine(2.0 * turns) + 0.1 * left * sine(3.0 * turns);
            *sample += loudness * tone;
        }
    }
    let peak = mix.iter().fold(f64::MIN_POSITIVE, |peak, sample| peak.max(sample.abs()));
    mix.iter().map(|sample| (sample / peak * PEAK * f64::from(i16::MAX)).round() as i16).collect()
}

/// The sine of a number of full turns, by its series. The one of the system differs between systems.
fn sine(turns: f64) -> f64 {
    let mut part = turns - turns.floor();
    // Folded to a quarter turn on either side of zero, where the series is good.
    if 0.75 < part {
        part -= 1.0;
    } else if 0.25 < part {
        part = 0.5 - part;
    }
    let x = part * std::f64::consts::TAU;
    let square = x * x;
    let mut term = x;
    let mut sum = x;
    for n in 1..8 {
        let n = f64::from(n);
        term *= -square / ((2.0 * n) * (2.0 * n + 1.0));
        sum += term;
    }
    sum
}

/// A WAV file: one channel, 16 bits.
fn wave(samples: &[i16]) -> Vec<u8> {
    let bytes = samples.len() as u32 * 2;
    let mut file = Vec::with_capacity(44 + bytes as usize);
    file.extend(b"RIFF");
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend(2_u16.to_le_bytes());
    file.extend(16_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    for sample in samples {
        file.extend(sample.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sounds_in_the_repository_are_what_this_makes() {
        for (name, notes) in pack() {
            let kept = fs::read(folder().join(name)).unwrap();
            assert!(kept == wave(&samples(&notes)), "{name} differs: run this example");
        }
    }

    #[test]
    fn every_sound_is_short_and_has_the_same_peak() {
        for (name, notes) in pack() {
            let samples = samples(&notes);
            assert!(samples.len() <= 17_640, "{name} is longer than 400 ms");
            let peak = samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((16_300..=16_500).contains(&peak), "{name} peaks at {peak}");
        }
    }

    #[test]
    fn the_sine_is_one() {
        for step in -40..=40 {
            let turns = f64::from(step) / 16.0;
            let expected = (turns * std::f64::consts::TAU).sin();
            assert!((sine(turns) - expected).abs() < 1e-6, "{turns}");
        }
    }
}
