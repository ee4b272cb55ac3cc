//! The pack `galaxia`: strings and slides in a large empty room. Nothing in it begins suddenly.

use crate::voice::scale::*;
use crate::voice::{Recipe, Tone, Voice, echoing};

fn pad(start_ms: u32, length_ms: u32, hertz: f64) -> Voice {
    Voice::new(Tone::Pad, start_ms, length_ms, hertz)
}

fn sweep(start_ms: u32, length_ms: u32, hertz: f64, to_hertz: f64) -> Voice {
    Voice::new(Tone::Sweep, start_ms, length_ms, hertz).to(to_hertz)
}

pub(crate) fn pack() -> Vec<Recipe> {
    vec![
        (
            "login.wav",
            vec![
                pad(0, 395, C4),
                pad(50, 345, G4).strength(0.8),
                pad(110, 285, E5).strength(0.7),
                sweep(0, 360, 240.0, 1_050.0).strength(0.5),
            ],
        ),
        (
            "logout.wav",
            vec![
                pad(0, 240, E5).strength(0.7),
                pad(50, 280, G4).strength(0.8),
                pad(110, 285, C4),
                sweep(0, 390, 1_050.0, 240.0).strength(0.5),
            ],
        ),
        ("contact_online.wav", vec![sweep(0, 220, 420.0, 960.0), pad(120, 270, A5).strength(0.6)]),
        ("contact_offline.wav", vec![sweep(0, 300, 960.0, 330.0), pad(80, 310, D4).strength(0.6)]),
        ("receive.wav", echoing(&[pad(0, 180, E5), pad(40, 180, B5).strength(0.8)], 80)),
        ("receive_elsewhere.wav", echoing(&[pad(0, 180, A4), pad(40, 180, E5).strength(0.8)], 80)),
        ("send.wav", echoing(&[sweep(0, 130, 520.0, 1_560.0)], 60)),
        ("send_failed.wav", vec![sweep(0, 170, 420.0, 230.0), sweep(180, 210, 330.0, 150.0)]),
        (
            "file_offer.wav",
            vec![
                pad(0, 200, G4),
                pad(70, 220, D5),
                pad(140, 255, G5),
                sweep(0, 380, 390.0, 790.0).strength(0.3),
            ],
        ),
        (
            "file_receive.wav",
            vec![sweep(0, 190, 1_200.0, 300.0), pad(150, 245, C5), pad(150, 245, G5).strength(0.7)],
        ),
        (
            "file_send.wav",
            vec![
                pad(0, 240, C5).strength(0.6),
                sweep(100, 290, 300.0, 1_700.0),
                sweep(130, 260, 450.0, 2_550.0).strength(0.3),
            ],
        ),
        (
            "file_error.wav",
            vec![sweep(0, 180, 600.0, 250.0), pad(140, 255, C4), pad(140, 255, 277.18)],
        ),
        (
            "request.wav",
            echoing(&[pad(0, 160, D5), pad(0, 160, A5).strength(0.6), pad(110, 100, D6)], 85),
        ),
        ("typing.wav", vec![sweep(0, 70, 1_150.0, 1_450.0)]),
        ("connection_lost.wav", vec![sweep(0, 395, 620.0, 95.0), pad(60, 335, C3).strength(0.6)]),
        ("reconnected.wav", vec![sweep(0, 330, 110.0, 660.0), pad(150, 245, E4).strength(0.6)]),
        (
            "alert.wav",
            vec![
                sweep(0, 130, 640.0, 1_080.0),
                sweep(130, 130, 1_080.0, 640.0),
                sweep(260, 135, 640.0, 1_080.0),
            ],
        ),
        ("error.wav", vec![pad(0, 260, G3), pad(0, 260, 207.65), pad(30, 230, 138.59)]),
        ("list_edge.wav", vec![sweep(0, 78, 420.0, 300.0)]),
    ]
}
