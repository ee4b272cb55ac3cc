//! Voices, and how several of them become one sound.

use crate::wave::{Noise, RATE, sine};

/// What a voice sounds like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tone {
    /// Round, like a small metal bar that is struck softly.
    Bar,
    /// Hard and bright, like a bell on a counter: its parts are no multiples of each other.
    Chime,
    /// Knuckles on wood.
    Knock,
    /// Many strings far away, a little out of tune with each other.
    Pad,
    /// A tone that slides and shimmers.
    Sweep,
}

/// One voice: `hertz` glides to `to_hertz` while it fades.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Voice {
    pub(crate) tone: Tone,
    pub(crate) start_ms: u32,
    pub(crate) length_ms: u32,
    pub(crate) hertz: f64,
    pub(crate) to_hertz: f64,
    pub(crate) strength: f64,
}

impl Voice {
    pub(crate) fn new(tone: Tone, start_ms: u32, length_ms: u32, hertz: f64) -> Self {
        Self { tone, start_ms, length_ms, hertz, to_hertz: hertz, strength: 1.0 }
    }

    pub(crate) fn to(self, to_hertz: f64) -> Self {
        Self { to_hertz, ..self }
    }

    pub(crate) fn strength(self, strength: f64) -> Self {
        Self { strength, ..self }
    }
}

/// One event of a pack: the name of its file and its voices.
pub(crate) type Recipe = (&'static str, Vec<Voice>);

/// −6 dB of full scale.
const PEAK: f64 = 0.501;

fn at(ms: u32) -> usize {
    (ms * RATE / 1_000) as usize
}

/// All voices together, as loud as every other sound.
pub(crate) fn samples(voices: &[Voice]) -> Vec<i16> {
    let length = voices.iter().map(|it| at(it.start_ms + it.length_ms)).max().unwrap_or(0);
    let mut mix = vec![0.0_f64; length];
    for voice in voices {
        sing(voice, &mut mix[at(voice.start_ms)..][..at(voice.length_ms)]);
    }
    let peak = mix.iter().fold(f64::MIN_POSITIVE, |peak, sample| peak.max(sample.abs()));
    mix.iter().map(|sample| (sample / peak * PEAK * f64::from(i16::MAX)).round() as i16).collect()
}

fn sing(voice: &Voice, mix: &mut [f64]) {
    let count = mix.len() as f64;
    let mut noise = Noise::new();
    let (mut turns, mut dull) = (0.0_f64, 0.0_f64);
    for (index, sample) in mix.iter_mut().enumerate() {
        let along = index as f64 / count;
        let left = 1.0 - along;
        let rise = |ms: u32| (index as f64 / at(ms) as f64).min(1.0);
        let seconds = index as f64 / f64::from(RATE);
        turns += (voice.hertz + (voice.to_hertz - voice.hertz) * along) / f64::from(RATE);
        let (loudness, tone) = match voice.tone {
            Tone::Bar => {
                let over = 0.25 * left * sine(2.0 * turns) + 0.1 * left * sine(3.0 * turns);
                (rise(4) * left * left, sine(turns) + over)
            }
            Tone::Chime => {
                let (two, four) = (left * left, left * left * left * left);
                let over =
                    0.55 * four * sine(2.756 * turns) + 0.35 * four * two * sine(5.404 * turns);
                (rise(1) * two * left, sine(turns) + over)
            }
            Tone::Knock => {
                dull += 0.16 * (noise.next() - dull);
                let four = left * left * left * left;
                (rise(1) * four * four, 0.8 * sine(turns) + 1.6 * four * dull)
            }
            Tone::Pad => {
                let strings = |of: f64| sine(of) + 0.4 * sine(2.0 * of) + 0.2 * sine(3.0 * of);
                let together = strings(turns) + strings(1.006 * turns) + strings(0.995 * turns);
                (rise(70) * left, together / 3.0)
            }
            Tone::Sweep => {
                let shimmer = 0.75 + 0.25 * sine(19.0 * seconds);
                (rise(35) * left * shimmer, sine(turns) + 0.35 * sine(1.5 * turns))
            }
        };
        *sample += voice.strength * loudness * tone;
    }
}

/// Every voice again, twice, later and weaker, as in a large room.
pub(crate) fn echoing(voices: &[Voice], after_ms: u32) -> Vec<Voice> {
    let again = |times: u32, strength: f64| {
        voices.iter().map(move |it| Voice {
            start_ms: it.start_ms + times * after_ms,
            strength: it.strength * strength,
            ..*it
        })
    };
    again(0, 1.0).chain(again(1, 0.45)).chain(again(2, 0.2)).collect()
}

/// Tones of the scale, in hertz.
pub(crate) mod scale {
    pub(crate) const C3: f64 = 130.81;
    pub(crate) const G3: f64 = 196.0;
    pub(crate) const C4: f64 = 261.63;
    pub(crate) const D4: f64 = 293.66;
    pub(crate) const E4: f64 = 329.63;
    pub(crate) const G4: f64 = 392.0;
    pub(crate) const A4: f64 = 440.0;
    pub(crate) const C5: f64 = 523.25;
    pub(crate) const D5: f64 = 587.33;
    pub(crate) const E5: f64 = 659.26;
    pub(crate) const G5: f64 = 783.99;
    pub(crate) const A5: f64 = 880.0;
    pub(crate) const B5: f64 = 987.77;
    pub(crate) const C6: f64 = 1_046.5;
    pub(crate) const D6: f64 = 1_174.66;
    pub(crate) const E6: f64 = 1_318.51;
    pub(crate) const G6: f64 = 1_567.98;
}
