//! Names for files that others have sent: whatever they are called, they end up in the folder they are meant
//! for, on every system. Pure.

/// Bytes of a name, so that a number still fits on every file system.
const LONGEST: usize = 200;

/// A name that any system takes, and that is no device, no hidden file, and in no other folder.
pub(crate) fn safe(raw: &str) -> String {
    let fine = |letter: char| {
        let strange = letter.is_control()
            || "<>:\"/\\|?*".contains(letter)
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if strange { '_' } else { letter }
    };
    let mut name: String = raw.chars().map(fine).collect();
    name.truncate(name.trim_end_matches([' ', '.']).len());
    let mut name = name.trim_start().to_owned();
    if name.is_empty() || name.starts_with('.') || is_device(&name) {
        name.insert(0, '_');
    }
    if LONGEST < name.len() {
        let (stem, extension) = split(&name);
        let room = LONGEST.saturating_sub(extension.len());
        let stem = &stem[..floor(stem, room)];
        name = format!("{stem}{}", &extension[..floor(extension, LONGEST)]);
    }
    name
}

/// The same name with a number, for a folder that has it already: `name (1).txt`.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    if number == 0 {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    format!("{stem} ({number}){extension}")
}

/// The extension with its dot; empty when there is none.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if 0 < at => name.split_at(at),
        Some(_) | None => (name, ""),
    }
}

fn floor(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What Windows takes for a device, with any extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_lowercase();
    let numbered = |start: &str| {
        stem.strip_prefix(start).is_some_and(|rest| {
            let mut rest = rest.chars();
            let digit = rest.next().is_some_and(|c| c.is_ascii_digit() || "¹²³".contains(c));
            digit && rest.next().is_none()
        })
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$")
        || numbered("com")
        || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_somebody_else_leads_nowhere_else() {
        let check = |raw: &str, name: &str| assert_eq!(safe(raw), name, "{raw:?}");
        check("report.pdf", "report.pdf");
        check("Ünïcode ☕.txt", "Ünïcode ☕.txt");
        check("../../../../tmp/x", "_.._.._.._.._tmp_x");
        check("C:\\Windows\\x", "C__Windows_x");
        check("a\nb\0c", "a_b_c");
        check("what? <now>|*.txt", "what_ _now___.txt");
        check(".bashrc", "_.bashrc");
        check("..", "_");
        check("", "_");
        check("a.exe. . ", "a.exe");
        check("annexe\u{202e}txt.exe", "annexe_txt.exe");
    }

    #[test]
    fn no_name_is_a_device_of_windows() {
        for device in ["con", "NUL.txt", "aux", "Com1.log", "lpt9", "com¹", "prn .txt"] {
            assert!(safe(device).starts_with('_'), "{device}");
        }
        for name in ["console", "com10", "lpt", "nully.txt", "auxiliary"] {
            assert_eq!(safe(name), name);
        }
    }

    #[test]
    fn a_number_stands_before_the_extension_and_a_long_name_keeps_it() {
        assert_eq!(numbered("a.txt", 0), "a.txt");
        assert_eq!(numbered("a.tar.gz", 1), "a.tar (1).gz");
        assert_eq!(numbered("README", 12), "README (12)");
        let long = safe(&format!("{}.pdf", "\u{1f600}".repeat(80)));
        assert!(long.len() <= LONGEST && long.ends_with(".pdf"));
        assert!(safe(&"x".repeat(500)).len() <= LONGEST);
        assert!(safe(&format!("a.{}", "x".repeat(500))).len() <= LONGEST);
    }
}
