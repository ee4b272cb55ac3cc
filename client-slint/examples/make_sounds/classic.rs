//! The pack `classic`: a bell on a counter, knuckles on a door, a chime, as messengers had them around
//! the year 2000. Short and sudden.

use crate::voice::scale::*;
use crate::voice::{Recipe, Tone, Voice};

fn chime(start_ms: u32, length_ms: u32, hertz: f64) -> Voice {
    Voice::new(Tone::Chime, start_ms, length_ms, hertz)
}

/// The lower, the heavier the door.
fn knock(start_ms: u32, hertz: f64) -> Voice {
    Voice::new(Tone::Knock, start_ms, 110, hertz).to(hertz * 0.8)
}

pub(crate) fn pack() -> Vec<Recipe> {
    vec![
        (
            "login.wav",
            vec![chime(0, 120, C5), chime(60, 120, E5), chime(120, 120, G5), chime(180, 210, C6)],
        ),
        ("logout.wav", vec![chime(0, 130, C6), chime(75, 130, G5), chime(150, 210, C5)]),
        ("contact_online.wav", vec![knock(0, 240.0), knock(95, 260.0), chime(190, 200, G6)]),
        (
            "contact_offline.wav",
            vec![chime(0, 150, G5), knock(120, 150.0), knock(165, 95.0).strength(1.3)],
        ),
        ("receive.wav", vec![chime(0, 130, E6), chime(85, 220, C6)]),
        ("receive_elsewhere.wav", vec![chime(0, 130, A5), chime(85, 220, E5)]),
        ("send.wav", vec![knock(0, 520.0), chime(25, 80, D6).strength(0.35)]),
        ("send_failed.wav", vec![knock(0, 170.0), knock(90, 150.0), chime(180, 170, E4)]),
        ("file_offer.wav", vec![knock(0, 300.0), knock(80, 300.0), chime(160, 210, D6)]),
        ("file_receive.wav", vec![chime(0, 110, G5), knock(90, 200.0), chime(150, 220, G6)]),
        ("file_send.wav", vec![chime(0, 110, G6), knock(90, 200.0), chime(150, 190, G5)]),
        (
            "file_error.wav",
            vec![knock(0, 120.0), chime(60, 160, D4), chime(170, 190, 277.18), knock(170, 110.0)],
        ),
        (
            "request.wav",
            vec![knock(0, 330.0), knock(85, 330.0), knock(170, 330.0), chime(260, 135, A5)],
        ),
        ("typing.wav", vec![Voice { length_ms: 40, ..knock(0, 900.0) }]),
        ("connection_lost.wav", vec![chime(0, 170, E5), chime(110, 180, C5), chime(220, 178, A4)]),
        ("reconnected.wav", vec![chime(0, 130, A4), chime(80, 130, C5), chime(160, 200, E5)]),
        (
            "alert.wav",
            vec![
                chime(0, 80, B5),
                chime(65, 80, B5),
                chime(130, 80, B5),
                chime(195, 80, B5),
                chime(260, 135, B5),
            ],
        ),
        ("error.wav", vec![knock(0, 90.0).strength(1.4), chime(20, 190, G3)]),
        ("list_edge.wav", vec![Voice { length_ms: 60, ..knock(0, 210.0) }]),
    ]
}
