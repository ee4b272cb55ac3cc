//! Random numbers from the operating system.

/// # Panics
/// When the operating system has no randomness to give: nothing that needs it is safe then.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// For jitter.
#[must_use]
pub fn byte() -> u8 {
    bytes::<1>()[0]
}
