//! The sound packs of the program, measured: their files as they lie in the repository.

#![expect(clippy::unwrap_used, reason = "clippy takes the words that tests share for shipped code")]

use std::path::PathBuf;

use rodio::{Decoder, Source};
use thrive_slint::announce::Sound;
use thrive_slint::sounds::packs;

const PACKS: [&str; 3] = ["default", "galaxia", "classic"];
const RATE: usize = 44_100;
/// Samples below this are not heard.
const SILENCE: f32 = 0.005;

fn samples(pack: &str, sound: Sound) -> Vec<f32> {
    let sounds = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sounds");
    let file = std::fs::File::open(sounds.join(pack).join(sound.file())).unwrap();
    let wave = Decoder::new_wav(std::io::BufReader::new(file)).unwrap();
    assert_eq!((wave.channels().get(), wave.sample_rate().get()), (1, 44_100));
    wave.collect()
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, sample| sample.abs().max(peak))
}

/// The samples of the longest time in which nothing is heard.
fn silence(samples: &[f32]) -> usize {
    let quiet = |sample: &f32| sample.abs() < SILENCE;
    samples
        .chunk_by(|one, next| quiet(one) == quiet(next))
        .filter(|run| quiet(&run[0]))
        .map(<[f32]>::len)
        .max()
        .unwrap_or(0)
}

/// The milliseconds until a sound is half as loud as it gets.
fn attack(samples: &[f32]) -> f64 {
    let half = peak(samples) / 2.0;
    let at = samples.iter().position(|sample| half < sample.abs()).unwrap();
    at as f64 * 1_000.0 / RATE as f64
}

#[test]
fn every_sound_is_short_has_the_same_peak_and_no_silence_before_or_click_after() {
    for pack in PACKS {
        for &sound in Sound::ALL {
            let samples = samples(pack, sound);
            let most = match sound {
                // They may come often, and another sound must not be masked by them.
                Sound::Typing | Sound::ListEdge => 80,
                _ => 400,
            };
            let ms = samples.len() * 1_000 / RATE;
            assert!((20..=most).contains(&ms), "{pack}/{sound:?} takes {ms} ms");
            let peak = peak(&samples);
            assert!((0.495..0.505).contains(&peak), "{pack}/{sound:?} peaks at {peak}");
            let begins = samples.iter().position(|sample| SILENCE < sample.abs()).unwrap();
            assert!(begins * 1_000 / RATE < 10, "{pack}/{sound:?} begins late");
            let last = samples[samples.len() - 20..].iter().fold(0.0_f32, |a, b| b.abs().max(a));
            assert!(last < SILENCE, "{pack}/{sound:?} ends with {last}");
            let gap = silence(&samples) * 1_000 / RATE;
            assert!(gap < 100, "{pack}/{sound:?} is silent for {gap} ms");
        }
    }
}

#[test]
fn no_two_events_of_a_pack_sound_alike() {
    for pack in PACKS {
        let all: Vec<_> = Sound::ALL.iter().map(|sound| samples(pack, *sound)).collect();
        for (index, one) in all.iter().enumerate() {
            for (other, two) in all.iter().enumerate().skip(index + 1) {
                assert!(likeness(one, two) < 0.9, "{pack}: {index} and {other}");
            }
        }
    }
}

/// How much of one sound is the other, from 0 to 1.
fn likeness(one: &[f32], two: &[f32]) -> f32 {
    let product = |one: &[f32], two: &[f32]| one.iter().zip(two).map(|(a, b)| a * b).sum::<f32>();
    product(one, two).abs() / (product(one, one) * product(two, two)).sqrt()
}

#[test]
fn the_packs_differ_in_character() {
    let middle = |pack: &str| {
        let mut all: Vec<_> = Sound::ALL.iter().map(|it| attack(&samples(pack, *it))).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let [plain, galaxia, classic] = PACKS.map(middle);
    assert!(classic < 1.5, "the classic pack is sudden: {classic} ms");
    assert!(classic < plain && plain < 5.0, "the default pack is soft: {plain} ms");
    assert!(10.0 < galaxia, "nothing in galaxia begins suddenly: {galaxia} ms");
}

#[test]
fn what_is_built_in_is_what_lies_in_the_repository() {
    let sounds = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sounds");
    for pack in PACKS {
        for &sound in Sound::ALL {
            let kept = std::fs::read(sounds.join(pack).join(sound.file())).unwrap();
            let heard = packs::bytes(&[], pack, sound).unwrap();
            assert!(heard == kept, "{pack}/{sound:?}");
        }
    }
}
