//! A notice in the form in which Windows takes it.

use crate::announce::Notice;

/// Without a sound: that is ours, by the settings.
pub(super) fn toast(notice: &Notice) -> String {
    format!(
        "<toast><visual><binding template=\"ToastGeneric\"><text>{}</text><text>{}</text></binding></visual>\
         <audio silent=\"true\"/></toast>",
        plain(&notice.title),
        plain(&notice.body)
    )
}

/// A text of somebody else is shown as it is, and never as markup. What XML cannot say is left out, and so
/// is what nobody could see: Windows shows four lines and refuses what is too large.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars().take(LETTERS_MAX) {
        match letter {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '\n' | '\r' | '\t' => plain.push(' '),
            '\u{FFFE}' | '\u{FFFF}' => {}
            letter if letter.is_control() => {}
            letter => plain.push(letter),
        }
    }
    plain
}

/// Title and body together have to stay below the 5 KB that Windows takes, if every letter is an `&amp;`.
const LETTERS_MAX: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(title: &str, body: &str) -> Notice {
        Notice { title: title.into(), body: body.into() }
    }

    #[test]
    fn nothing_in_a_notice_is_markup_and_nothing_spoils_it() {
        let toast = toast(&notice("Ann & Bob", "<b>a\u{1}b</b>\u{FFFF} \u{1F600}"));
        assert!(toast.contains("<text>Ann &amp; Bob</text>"), "{toast}");
        assert!(toast.contains("<text>&lt;b&gt;ab&lt;/b&gt; \u{1F600}</text>"), "{toast}");
        assert!(toast.contains("<audio silent=\"true\"/>"), "{toast}");
    }

    #[test]
    fn the_largest_notice_is_still_taken() {
        let long = "&".repeat(4_000);
        assert!(toast(&notice(&long, &long)).len() < 5_000);
    }
}
