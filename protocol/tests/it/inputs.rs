//! Bodies that somebody might send to hurt a reader: each at most one frame long.

use thrive_protocol::limits;

/// What a hostile peer puts where another value belongs: array, map, text and bytes headers that
/// announce 2^32 or 2^63 items, and endless ones.
pub(crate) const HUGE: [&[u8]; 12] = [
    &[0x9b, 0, 0, 0, 1, 0, 0, 0, 0],
    &[0xbb, 0, 0, 0, 1, 0, 0, 0, 0],
    &[0x7b, 0, 0, 0, 1, 0, 0, 0, 0],
    &[0x5b, 0, 0, 0, 1, 0, 0, 0, 0],
    &[0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0],
    &[0xbb, 0x80, 0, 0, 0, 0, 0, 0, 0],
    &[0x7b, 0x80, 0, 0, 0, 0, 0, 0, 0],
    &[0x5b, 0x80, 0, 0, 0, 0, 0, 0, 0],
    &[0x9f],
    &[0xbf],
    &[0x7f],
    &[0x5f],
];

/// Values that fill a frame: deep, wide, long, tagged.
pub(crate) fn fillers() -> Vec<(&'static str, Vec<u8>)> {
    // Room for what is written around it.
    let room = limits::FRAME - 256;
    let counted = |major: u8, items: usize| {
        let mut header = vec![major << 5 | 26];
        header.extend((items as u32).to_be_bytes());
        header
    };
    let then = |mut header: Vec<u8>, item: &[u8], times: usize| {
        header.extend(item.repeat(times));
        header
    };
    let half = room / 2;
    vec![
        ("arrays in arrays", then(vec![], &[0x81], room)),
        ("endless arrays in arrays", then(vec![], &[0x9f], room)),
        ("maps in maps", then(vec![], &[0xa1, 0x00], half)),
        ("maps as keys", then(vec![], &[0xa1], room)),
        ("tags on tags", then(vec![], &[0xc1], room)),
        ("tags on a number", [then(vec![], &[0xc1], room), vec![0x01]].concat()),
        ("one-byte numbers", then(counted(4, room), &[0x00], room)),
        ("empty arrays", then(counted(4, room), &[0x80], room)),
        ("empty texts", then(counted(4, room), &[0x60], room)),
        ("empty maps", then(counted(4, room), &[0xa0], room)),
        ("one-byte texts", then(counted(4, half), &[0x61, 0x61], half)),
        ("one-byte keys", then(counted(5, half), &[0x00, 0x00], half)),
        ("one key again and again", then(counted(5, room / 3), &[0x61, 0x61, 0x00], room / 3)),
        ("a long text", then(counted(3, room), b"a", room)),
        ("a text that is not UTF-8", then(counted(3, room), &[0xff], room)),
        ("long bytes", then(counted(2, room), b"a", room)),
        ("a text in pieces", [then(vec![0x7f], &[0x61, 0x61], half), vec![0xff]].concat()),
        ("breaks", then(vec![], &[0xff], room)),
        ("a short text that is not UTF-8", vec![0x62, 0xc3, 0x28]),
        ("nothing", vec![]),
    ]
}

/// Puts a value in every place of a frame where a reader expects one or skips one.
pub(crate) fn everywhere(value: &[u8]) -> Vec<Vec<u8>> {
    let places = [
        ("rq", "hello", "version"),
        ("rq", "hello", "features"),
        ("rq", "log_in", "password"),
        ("rq", "sync", "positions"),
        ("rq", "sync", "epoch"),
        ("rq", "send_message", "id"),
        ("rq", "send_message", "text"),
        ("rq", "heartbeat", "x"),
        ("rq", "nothing", "x"),
        ("ok", "sync_page", "entries"),
        ("ok", "roster", "contacts"),
        ("ok", "welcome", "limits"),
        ("no", "code", "x"),
        ("ev", "entry", "body"),
        ("ev", "heads", "heads"),
        ("ev", "nothing", "x"),
    ];
    let mut bodies = vec![value.to_vec()];
    let mut put = |before: &[u8]| bodies.push([before, value].concat());
    put(b"\xa1\x62id");
    put(b"\xa3\x61x");
    put(b"\xa2\x62id\x07\x62rq");
    put(b"\xa2\x62id\x07\x62rq\xa1\x65hello");
    put(b"\xa2\x62re\x07\x62no\xa1\x64code");
    put(b"\xa1\x62ev\xa1\x65entry");
    for (place, kind, field) in places {
        let start: &[u8] = match place {
            "rq" => b"\xa2\x62id\x07",
            "ev" => b"\xa1",
            _ => b"\xa2\x62re\x07",
        };
        put(&[start, &text(place), b"\xa1", &text(kind), b"\xa1", &text(field)].concat());
    }
    bodies
}

/// A text of up to 23 bytes as it stands on the wire.
fn text(words: &str) -> Vec<u8> {
    assert!(words.len() < 24);
    [&[0x60 | words.len() as u8], words.as_bytes()].concat()
}
