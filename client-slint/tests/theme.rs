//! The colors of all schemes, measured: text at least 4.5:1, parts and the focus ring at least 3:1,
//! high contrast at least 7:1.

use slint::{Color, ComponentHandle};
use thrive_slint::ui::{AboutWindow, Scheme, Theme};

/// The contrast of WCAG 2.2.
fn contrast(one: Color, other: Color) -> f64 {
    let luminance = |color: Color| {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(color.red()) + 0.7152 * part(color.green()) + 0.0722 * part(color.blue())
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_pair_of_colors_can_be_told_apart() {
    i_slint_backend_testing::init_no_event_loop();
    let window = AboutWindow::new().unwrap();
    let schemes = [
        (Scheme::Light, 4.5, 3.0),
        (Scheme::Dark, 4.5, 3.0),
        (Scheme::ContrastLight, 7.0, 7.0),
        (Scheme::ContrastDark, 7.0, 7.0),
    ];
    for (scheme, text_least, part_least) in schemes {
        let theme = window.global::<Theme<'_>>();
        theme.set_scheme(scheme);
        let (page, card, mine) = (theme.get_page(), theme.get_card(), theme.get_mine());
        let (text, quiet, danger) = (theme.get_text(), theme.get_quiet(), theme.get_danger());
        let texts = [
            ("text on page", text, page),
            ("text on card", text, card),
            ("text on a message of mine", text, mine),
            ("quiet text on page", quiet, page),
            ("quiet text on card", quiet, card),
            ("quiet text on a message of mine", quiet, mine),
            ("a failure on page", danger, page),
            ("a failure on a message of mine", danger, mine),
            ("text on accent", theme.get_on_accent(), theme.get_accent()),
            ("text on a button", theme.get_on_button(), theme.get_button()),
            ("text on the chosen row", theme.get_on_selected(), theme.get_selected()),
        ];
        for (name, one, other) in texts {
            let found = contrast(one, other);
            assert!(text_least <= found, "{scheme:?}: {name} has {found:.2}");
        }
        let (line, ring) = (theme.get_line(), theme.get_ring());
        let parts = [
            ("edge on page", line, page),
            ("edge on card", line, card),
            ("focus ring on page", ring, page),
            ("focus ring on card", ring, card),
            ("primary button on page", theme.get_accent(), page),
            ("online on card", theme.get_online(), card),
            ("away on card", theme.get_away(), card),
        ];
        for (name, one, other) in parts {
            let found = contrast(one, other);
            assert!(part_least <= found, "{scheme:?}: {name} has {found:.2}");
        }
    }
}
