//! Chance, for spreading what many clients would otherwise do together.

/// A number from 0 to 1 that differs between clients.
pub(crate) fn chance() -> f64 {
    // Without a source of chance the middle will do; it only spreads load.
    getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX))
}
