//! Whether the system asks every program for high contrast. Slint knows light and dark only, and while it is
//! asked for, Windows calls itself light whatever its colors are.

/// What the colors of the system are like then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Contrast {
    Light,
    Dark,
}

/// Asked anew each time, because it may be switched while the program runs.
#[cfg(windows)]
#[must_use]
pub fn asked_for() -> Option<Contrast> {
    use windows_registry::CURRENT_USER;

    let read = |key, name| CURRENT_USER.open(key).and_then(|key| key.get_string(name)).ok();
    let flags = read(r"Control Panel\Accessibility\HighContrast", "Flags")?;
    let ground = read(r"Control Panel\Colors", "Window").unwrap_or_default();
    understood(&flags, &ground)
}

/// Elsewhere it is chosen in the settings.
#[cfg(not(windows))]
#[must_use]
pub fn asked_for() -> Option<Contrast> {
    None
}

/// From the flags of the theme, and from the color behind text: "red green blue".
#[cfg(any(windows, test))]
fn understood(flags: &str, ground: &str) -> Option<Contrast> {
    const ON: u32 = 1;
    let flags: u32 = flags.trim().parse().ok()?;
    if flags & ON == 0 {
        return None;
    }
    let parts: Vec<u32> = ground.split_whitespace().filter_map(|part| part.parse().ok()).collect();
    Some(match parts[..] {
        [red, green, blue] if red * 299 + green * 587 + blue * 114 < 128_000 => Contrast::Dark,
        _ => Contrast::Light,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_contrast_is_as_light_or_dark_as_what_is_behind_the_text() {
        for (flags, ground, expected) in [
            ("126", "0 0 0", None),
            ("127", "0 0 0", Some(Contrast::Dark)),
            ("127", "45 50 54", Some(Contrast::Dark)),
            ("127", "255 250 239", Some(Contrast::Light)),
            ("127", "", Some(Contrast::Light)),
            ("", "0 0 0", None),
        ] {
            assert_eq!(understood(flags, ground), expected, "{flags}, {ground}");
        }
    }
}
