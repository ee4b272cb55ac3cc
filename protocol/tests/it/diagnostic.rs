//! A reader of CBOR that shares nothing with the code under test: prints bytes in diagnostic notation.

use std::fmt::Write;

/// The `.txt` beside a vector: what the bytes say, and the bytes.
pub(crate) fn page(frame: &[u8]) -> String {
    let body = &frame[4..];
    let (value, left) = read(body);
    assert!(left.is_empty(), "bytes after the value");
    let mut page = format!("length {} (4 bytes), then:\n\n", body.len());
    print(&value, 0, &mut page);
    page.push_str("\n\n");
    for line in frame.chunks(24) {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        page.push_str(&hex.join(" "));
        page.push('\n');
    }
    page
}

/// Levels of nesting, counted as a decoder with a limit counts them.
pub(crate) fn depth(body: &[u8]) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Flat(_) => 0,
            Value::List(items) => 1 + items.iter().map(of).max().unwrap_or(0),
            Value::Map(pairs) => 1 + pairs.iter().map(|(_, value)| of(value)).max().unwrap_or(0),
        }
    }
    of(&read(body).0)
}

enum Value {
    Flat(String),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

fn read(bytes: &[u8]) -> (Value, &[u8]) {
    let (&first, rest) = bytes.split_first().expect("a value");
    let (argument, rest) = match first & 0x1f {
        small @ 0..=23 => (u64::from(small), rest),
        wide @ 24..=27 => {
            let (digits, rest) = rest.split_at(1 << (wide - 24));
            (digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)), rest)
        }
        other => panic!("a length of kind {other}, which we never write"),
    };
    let len = argument as usize;
    match first >> 5 {
        0 => (Value::Flat(argument.to_string()), rest),
        1 => (Value::Flat((-1 - i128::from(argument)).to_string()), rest),
        2 => {
            let hex = rest[..len].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            (Value::Flat(format!("h'{hex}'")), &rest[len..])
        }
        3 => {
            let text = std::str::from_utf8(&rest[..len]).expect("text is UTF-8");
            (Value::Flat(format!("{text:?}")), &rest[len..])
        }
        4 => {
            let (mut items, mut rest) = (Vec::new(), rest);
            for _ in 0..len {
                let item;
                (item, rest) = read(rest);
                items.push(item);
            }
            (Value::List(items), rest)
        }
        5 => {
            let (mut pairs, mut rest) = (Vec::new(), rest);
            for _ in 0..len {
                let (key, value);
                (key, rest) = read(rest);
                (value, rest) = read(rest);
                pairs.push((key, value));
            }
            (Value::Map(pairs), rest)
        }
        7 if first == 0xf4 => (Value::Flat("false".into()), rest),
        7 if first == 0xf5 => (Value::Flat("true".into()), rest),
        _ => panic!("a value that starts with {first:#x}, which we never write"),
    }
}

fn print(value: &Value, indent: usize, page: &mut String) {
    let line = one_line(value);
    if line.chars().count() + indent <= 90 {
        page.push_str(&line);
        return;
    }
    let margin = " ".repeat(indent + 2);
    match value {
        Value::Flat(flat) => page.push_str(flat),
        Value::List(items) => {
            page.push_str("[\n");
            for (at, item) in items.iter().enumerate() {
                page.push_str(&margin);
                print(item, indent + 2, page);
                page.push_str(if at + 1 < items.len() { ",\n" } else { "\n" });
            }
            let _written = write!(page, "{}]", " ".repeat(indent));
        }
        Value::Map(pairs) => {
            page.push_str("{\n");
            for (at, (key, value)) in pairs.iter().enumerate() {
                let _written = write!(page, "{margin}{}: ", one_line(key));
                print(value, indent + 2, page);
                page.push_str(if at + 1 < pairs.len() { ",\n" } else { "\n" });
            }
            let _written = write!(page, "{}}}", " ".repeat(indent));
        }
    }
}

fn one_line(value: &Value) -> String {
    match value {
        Value::Flat(flat) => flat.clone(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", "))
        }
        Value::Map(pairs) => {
            let pair =
                |(key, value): &(Value, Value)| format!("{}: {}", one_line(key), one_line(value));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
    }
}
