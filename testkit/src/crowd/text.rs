//! What the crowd writes: texts of a given size that begin with the tag of the message, so that whoever
//! shows one knows which it is.

use crate::ledger::journal::Tag;

/// A text of about `bytes`, and never less than its tag.
#[must_use]
pub fn write(tag: Tag, bytes: usize) -> String {
    let mut text = format!("{:x}.{:x}", tag.device, tag.count);
    while text.len() < bytes {
        text.push_str(FILLER[text.len() % FILLER.len()]);
    }
    text
}

/// Which message it is; `None` for one that nobody of the crowd wrote.
#[must_use]
pub fn read(text: &str) -> Option<Tag> {
    let (device, rest) = text.split(' ').next()?.split_once('.')?;
    let number = |digits| u32::from_str_radix(digits, 16).ok();
    Some(Tag { device: number(device)?, count: number(rest)? })
}

const FILLER: [&str; 4] = [" see you at the lake", " yes", " ünï😀", " and then?"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_known_again_whatever_its_size() {
        for bytes in [0, 1, 16, 100, 512] {
            for tag in [Tag { device: 0, count: 1 }, Tag { device: 299, count: u32::MAX }] {
                let text = write(tag, bytes);
                assert_eq!(read(&text), Some(tag), "{text}");
                assert!(bytes <= text.len() && text.len() < bytes.max(16) + 32, "{text}");
            }
        }
    }

    #[test]
    fn what_nobody_wrote_has_no_tag() {
        for text in ["", "hello", "a.b.c d", "1.x", "zz.1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
