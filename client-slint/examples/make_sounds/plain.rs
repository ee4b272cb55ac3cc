//! The pack `default`: soft bars. Up means somebody comes, down means somebody goes; one's own log-in
//! has three notes, a contact has two; a message that comes is a double tap, one that goes a slide.

use crate::voice::scale::*;
use crate::voice::{Recipe, Tone, Voice};

fn bar(start_ms: u32, length_ms: u32, hertz: f64) -> Voice {
    Voice::new(Tone::Bar, start_ms, length_ms, hertz)
}

pub(crate) fn pack() -> Vec<Recipe> {
    vec![
        ("login.wav", vec![bar(0, 140, C5), bar(90, 160, E5), bar(180, 215, G5)]),
        ("logout.wav", vec![bar(0, 140, G5), bar(90, 160, E5), bar(180, 215, C5)]),
        ("contact_online.wav", vec![bar(0, 90, A5), bar(80, 200, D6)]),
        ("contact_offline.wav", vec![bar(0, 90, A5), bar(80, 200, D5)]),
        (
            "receive.wav",
            vec![bar(0, 70, E6), bar(95, 70, E6).strength(0.8), bar(95, 190, B5).strength(0.6)],
        ),
        (
            "receive_elsewhere.wav",
            vec![bar(0, 70, A5), bar(95, 70, A5).strength(0.8), bar(95, 190, E5).strength(0.6)],
        ),
        ("send.wav", vec![bar(0, 95, 700.0).to(1_300.0)]),
        ("send_failed.wav", vec![bar(0, 110, 700.0).to(420.0), bar(130, 150, 420.0).to(300.0)]),
        ("file_offer.wav", vec![bar(0, 110, D5), bar(90, 110, G5), bar(180, 180, D5)]),
        (
            "file_receive.wav",
            vec![bar(0, 80, E5), bar(70, 80, G5), bar(140, 220, C6), bar(140, 220, E5)],
        ),
        ("file_send.wav", vec![bar(0, 80, C5), bar(70, 80, E5), bar(140, 160, 700.0).to(1_300.0)]),
        (
            "file_error.wav",
            vec![bar(0, 90, E5), bar(80, 90, C5), bar(170, 220, G3), bar(170, 220, 208.0)],
        ),
        ("request.wav", vec![bar(0, 130, G5), bar(120, 130, G5), bar(240, 155, D6)]),
        ("typing.wav", vec![bar(0, 50, G5).strength(0.6)]),
        ("connection_lost.wav", vec![bar(0, 200, A4), bar(190, 205, D4)]),
        ("reconnected.wav", vec![bar(0, 160, D4), bar(150, 220, A4)]),
        (
            "alert.wav",
            vec![bar(0, 110, B5), bar(100, 110, E5), bar(200, 110, B5), bar(290, 110, E5)],
        ),
        ("error.wav", vec![bar(0, 180, C4), bar(0, 180, 277.18).strength(0.7)]),
        ("list_edge.wav", vec![bar(0, 70, C4)]),
    ]
}
