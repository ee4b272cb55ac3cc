//! The smallest parts of a sound: a sine, a noise, and the file that holds the samples.

/// Samples in a second.
pub(crate) const RATE: u32 = 44_100;

/// The sine of a number of full turns, by its series. The one of the system differs between systems.
pub(crate) fn sine(turns: f64) -> f64 {
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

/// A noise that is the same every time.
pub(crate) struct Noise(u32);

impl Noise {
    pub(crate) fn new() -> Self {
        Self(0x2005_0001)
    }

    /// Between −1 and 1.
    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        f64::from(self.0) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

/// A WAV file: one channel, 16 bits.
pub(crate) fn file(samples: &[i16]) -> Vec<u8> {
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
    fn the_sine_is_one() {
        for step in -40..=40 {
            let turns = f64::from(step) / 16.0;
            let expected = (turns * std::f64::consts::TAU).sin();
            assert!((sine(turns) - expected).abs() < 1e-6, "{turns}");
        }
    }

    #[test]
    fn the_noise_stays_within_its_bounds_and_leans_to_no_side() {
        let mut noise = Noise::new();
        let samples: Vec<_> = (0..10_000).map(|_| noise.next()).collect();
        assert!(samples.iter().all(|sample| sample.abs() <= 1.0));
        assert!(samples.iter().sum::<f64>().abs() < 200.0);
    }
}
