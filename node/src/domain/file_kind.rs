//! Which files are taken: by their name, by what the sender says they are, and by what is in them. Whatever a
//! file is called, a program is known by its first bytes.

use std::collections::BTreeSet;

use thrive_protocol::file::{ContentType, FileName};

/// What the operator does not take.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    /// Extensions in lower case, without the dot.
    refused: BTreeSet<String>,
}

/// Something that a computer can be told to run.
struct Program {
    is: fn(&[u8]) -> bool,
    extensions: &'static [&'static str],
    content_types: &'static [&'static str],
}

impl Rules {
    #[must_use]
    pub fn refusing(extensions: impl IntoIterator<Item = String>) -> Self {
        let refused = extensions.into_iter();
        Self { refused: refused.map(|it| it.trim_start_matches('.').to_lowercase()).collect() }
    }

    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.refused.iter().cloned().collect()
    }

    /// Whether a file with this name may be offered, which is said to be of this kind.
    #[must_use]
    pub fn take_name(&self, name: &FileName, content_type: &ContentType) -> bool {
        let said_to_be = |it: &Program| it.content_types.contains(&content_type.as_str());
        !self.refused.contains(&name.extension())
            && !PROGRAMS.iter().any(|it| said_to_be(it) && self.refuse(it))
    }

    /// Whether a file that begins like this may be stored under this name: a program only where programs of
    /// its kind are taken, and only under a name that says so.
    #[must_use]
    pub fn take_content(&self, name: &FileName, head: &[u8]) -> bool {
        let extension = name.extension();
        PROGRAMS.iter().filter(|it| (it.is)(head)).all(|it| {
            let says_so = it.extensions.contains(&extension.as_str())
                // Programs of Unix often have no extension at all.
                || (extension.is_empty() && it.extensions.contains(&""));
            says_so && !self.refuse(it)
        })
    }

    fn refuse(&self, program: &Program) -> bool {
        program.extensions.iter().any(|it| self.refused.contains(*it))
    }
}

/// Extensions that are refused unless the operator says something else: what Windows runs on a double
/// click, and what is a program on other systems.
pub const REFUSED: &[&str] = &[
    "app", "appx", "bat", "chm", "cmd", "com", "cpl", "dll", "elf", "exe", "gadget", "hta", "inf",
    "ins", "jar", "js", "jse", "lnk", "msc", "msi", "msix", "msp", "mst", "ocx", "pif", "ps1",
    "ps1xml", "psc1", "reg", "scf", "scr", "sct", "sys", "url", "vb", "vbe", "vbs", "ws", "wsc",
    "wsf", "wsh", "xll",
];

const PROGRAMS: &[Program] = &[
    Program {
        is: is_of_dos_or_windows,
        extensions: &["exe", "dll", "scr", "com", "sys", "cpl", "ocx", "pif", "drv", "efi", "xll"],
        content_types: &[
            "application/x-msdownload",
            "application/x-dosexec",
            "application/x-msdos-program",
            "application/vnd.microsoft.portable-executable",
        ],
    },
    Program {
        is: |head| head.starts_with(b"\x7fELF"),
        extensions: &["elf", "so", "o", "bin", "run", "appimage", ""],
        content_types: &[
            "application/x-executable",
            "application/x-elf",
            "application/x-sharedlib",
        ],
    },
    Program {
        is: is_of_mac,
        extensions: &["app", "dylib", "macho", "class", "o", "bin", ""],
        content_types: &["application/x-mach-binary"],
    },
    Program {
        // A shortcut of Windows, which may run anything.
        is: |head| head.starts_with(b"\x4c\0\0\0\x01\x14\x02\0"),
        extensions: &["lnk"],
        content_types: &["application/x-ms-shortcut"],
    },
    Program {
        is: is_installer,
        extensions: &["msi", "msp", "mst"],
        content_types: &["application/x-msi", "application/x-ms-installer"],
    },
    Program { is: |head| head.starts_with(b"dex\n"), extensions: &["dex"], content_types: &[] },
];

fn is_of_dos_or_windows(head: &[u8]) -> bool {
    // Both letters are also how a text may begin; a program is no text.
    (head.starts_with(b"MZ") || head.starts_with(b"ZM")) && head.iter().take(64).any(|it| *it == 0)
}

fn is_of_mac(head: &[u8]) -> bool {
    let magic = head.first_chunk::<4>().map(|it| u32::from_be_bytes(*it));
    matches!(magic, Some(0xfeed_face | 0xfeed_facf | 0xcefa_edfe | 0xcffa_edfe | 0xcafe_babe))
}

/// A container that old documents share with installers: the class of its root says which it is. Where the
/// root lies beyond what is given, it cannot be told.
fn is_installer(head: &[u8]) -> bool {
    let root = || {
        let number = |at: usize, len: usize| {
            let bytes = head.get(at..at + len)?;
            Some(bytes.iter().rev().fold(0_usize, |sum, it| sum << 8 | usize::from(*it)))
        };
        let sector = 1_usize.checked_shl(u32::try_from(number(30, 2)?).ok()?)?;
        let root = number(48, 4)?.checked_add(1)?.checked_mul(sector)?;
        head.get(root.checked_add(80)?..)
    };
    head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
        && root().is_some_and(|class| class.starts_with(INSTALLER))
}

/// {000C1084-0000-0000-C000-000000000046} as it lies in a file.
const INSTALLER: &[u8] = b"\x84\x10\x0c\0\0\0\0\0\xc0\0\0\0\0\0\0\x46";

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: &[u8] = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";

    fn name(raw: &str) -> FileName {
        FileName::parse(raw).unwrap()
    }

    fn usual() -> Rules {
        Rules::refusing(REFUSED.iter().map(|it| (*it).to_owned()))
    }

    #[test]
    fn a_name_is_judged_by_its_last_extension_in_any_case() {
        let plain = ContentType::parse("text/plain");
        for no in ["a.exe", "A.EXE", "photo.jpg.scr", "x.lnk"] {
            assert!(!usual().take_name(&name(no), &plain), "{no}");
        }
        for yes in ["a.txt", "exe", "a.exe.txt", "report.pdf", "a"] {
            assert!(usual().take_name(&name(yes), &plain), "{yes}");
        }
        let program = ContentType::parse("application/x-msdownload");
        assert!(!usual().take_name(&name("a.txt"), &program));
    }

    #[test]
    fn a_program_is_known_by_its_content_whatever_it_is_called() {
        let programs: [&[u8]; 5] = [
            WINDOWS,
            b"\x7fELF\x02\x01\x01\0",
            b"\xcf\xfa\xed\xfe\x07\0\0\x01",
            b"\x4c\0\0\0\x01\x14\x02\0",
            b"dex\n035\0",
        ];
        for head in programs {
            for renamed in ["a.txt", "photo.png", "a.pdf"] {
                assert!(!usual().take_content(&name(renamed), head), "{renamed} {head:?}");
                assert!(!Rules::default().take_content(&name(renamed), head), "{renamed} {head:?}");
            }
        }
    }

    #[test]
    fn an_installer_is_told_from_a_document_in_the_same_container() {
        let mut file = vec![0; 2_048];
        file[..8].copy_from_slice(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");
        (file[30], file[48]) = (9, 1);
        assert!(usual().take_content(&name("old.doc"), &file));
        file[1_024 + 80..][..INSTALLER.len()].copy_from_slice(INSTALLER);
        assert!(!usual().take_content(&name("old.doc"), &file));
        for cut in [8, 40, 1_100] {
            assert!(usual().take_content(&name("old.doc"), &file[..cut]));
        }
        file[48..52].fill(0xff);
        (file[30], file[31]) = (0xff, 0xff);
        assert!(usual().take_content(&name("old.doc"), &file));
    }

    #[test]
    fn where_programs_are_taken_they_must_say_that_they_are() {
        let open = Rules::default();
        assert!(open.take_content(&name("setup.exe"), WINDOWS));
        assert!(open.take_content(&name("tool"), b"\x7fELF\x02\x01\x01\0"));
        assert!(!open.take_content(&name("tool"), WINDOWS));
    }

    #[test]
    fn what_is_no_program_is_taken_under_any_name_that_is_allowed() {
        let contents: [&[u8]; 5] = [
            b"",
            b"MZ is how this text begins",
            b"\x89PNG\r\n\x1a\n\0",
            b"PK\x03\x04\0\0",
            b"%PDF-1.7",
        ];
        for head in contents {
            assert!(usual().take_content(&name("a.txt"), head), "{head:?}");
        }
    }
}
