//! Which parts of the code may know of what.

use super::{Complaint, Source, code, rust, shipped};

/// Where SQL is spoken.
const DATABASE: &[&str] = &["node/src/store", "client/src/cache"];

/// Where QUIC is spoken.
const QUIC: &[&str] = &[
    "node/src/transport",
    "node/src/tls",
    "node/src/session",
    "client/src/dial",
    "client/src/wire",
    "client/src/pin",
    "client/src/session",
    "client/src/transfer",
    "router/src/",
    // A node of the engine's tests, which says only what a test tells it to.
    "client/src/engine/rig",
];

/// Files that decide and do nothing else: time is an argument, and nothing waits.
const PURE: &[&str] = &[
    "protocol/src/",
    "node/src/domain",
    "node/src/hub/topic",
    "node/src/presence",
    "node/src/rate",
    "node/src/session/order",
    "node/src/throttle",
    "client/src/away",
    "client/src/backoff",
    "client/src/missed",
    "client/src/model",
    "client/src/outbox",
    "client/src/signs",
    "client/src/sync",
    "client-slint/src/announce",
    "client-slint/src/rows",
    "client-slint/src/words",
    "router/src/batch",
    "router/src/classify",
    "router/src/flights",
    "router/src/rendezvous",
    "router/src/table",
    "router/src/verdict",
];

/// What a decision must not do.
const IMPURE: &[&str] =
    &["async ", ".await", "tokio", "quinn", "Instant::now", "SystemTime::now", "std::fs"];

/// Ways to read the environment. Compile-time `env!` is something else.
const READS: &[&str] = &[
    concat!("env::", "var("),
    concat!("env::", "var_os("),
    concat!("env::", "vars("),
    concat!("env::", "vars_os("),
];

pub(super) fn database(sources: &[Source]) -> Vec<Complaint> {
    confined(sources, &["rusqlite"], DATABASE, "only a store speaks to the database")
}

pub(super) fn quic(sources: &[Source]) -> Vec<Complaint> {
    confined(sources, &["quinn"], QUIC, "only a transport speaks QUIC")
}

pub(super) fn slint(sources: &[Source]) -> Vec<Complaint> {
    let home = &["client-slint/"];
    let mut found = confined(sources, &["slint::"], home, "only the desktop client knows Slint");
    // The controllers hold the logic of the screens and are tested without one.
    let controllers: Vec<_> = sources
        .iter()
        .filter(|source| within(&source.path, &["client-slint/src/controllers"]))
        .collect();
    for source in controllers {
        for (number, line) in code(&source.text) {
            if line.contains("slint::") {
                let what = "a controller knows no Slint: that is what adapters are for";
                found.push(Complaint::new(source, number, what));
            }
        }
    }
    found
}

pub(super) fn purity(sources: &[Source]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for source in sources {
        if !shipped(&source.path) || !within(&source.path, PURE) {
            continue;
        }
        for (number, line) in code(&source.text) {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                let what = format!("a decision says {}: hand the outcome in instead", word.trim());
                found.push(Complaint::new(source, number, what));
            }
        }
    }
    found
}

pub(super) fn environment(sources: &[Source]) -> Vec<Complaint> {
    let config = |path: &str| {
        let ours = path.ends_with("/config.rs") || path.contains("/config/");
        // Cargo speaks to a build script in no other way.
        ours || path.ends_with("/build.rs")
    };
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| rust(&source.path) && !config(&source.path)) {
        for (number, line) in code(&source.text) {
            if READS.iter().any(|read| line.contains(read)) {
                let what = "only config reads the environment, once and whole";
                found.push(Complaint::new(source, number, what));
            }
        }
    }
    found
}

/// `words` may stand only in shipped files below `homes`.
fn confined(sources: &[Source], words: &[&str], homes: &[&str], why: &str) -> Vec<Complaint> {
    let mut found = Vec::new();
    for source in sources {
        if !shipped(&source.path) || within(&source.path, homes) {
            continue;
        }
        for (number, line) in code(&source.text) {
            if words.iter().any(|word| line.contains(word)) {
                found.push(Complaint::new(source, number, why));
            }
        }
    }
    found
}

/// `node/src/store` is the file `node/src/store.rs` and everything in its folder; what ends with
/// `/` is a folder only.
fn within(path: &str, homes: &[&str]) -> bool {
    homes.iter().any(|home| match path.strip_prefix(home) {
        Some(rest) => home.ends_with('/') || rest == ".rs" || rest.starts_with('/'),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::complaints;
    use super::*;

    #[test]
    fn a_service_that_speaks_sql_is_named() {
        let text = "//! A.\nuse rusqlite::Connection;\n";
        assert_eq!(complaints(database, "node/src/service/contacts.rs", text), 1);
        assert_eq!(complaints(database, "node/src/store/contacts.rs", text), 0);
        assert_eq!(complaints(database, "node/src/store.rs", text), 0);
        assert_eq!(complaints(database, "node/src/storekeeper.rs", text), 1);
        assert_eq!(complaints(database, "testkit/src/lib.rs", text), 0);
    }

    #[test]
    fn a_comment_may_name_what_the_code_may_not() {
        let text = "//! Knows nothing of quinn.\n";
        assert_eq!(complaints(quic, "node/src/service/contacts.rs", text), 0);
    }

    #[test]
    fn a_service_of_the_node_knows_no_quic() {
        let text = "//! A.\nuse quinn::SendStream;\n";
        assert_eq!(complaints(quic, "node/src/service/contacts.rs", text), 1);
        assert_eq!(complaints(quic, "node/src/transport/endpoint.rs", text), 0);
    }

    #[test]
    fn a_decision_takes_the_time_as_an_argument() {
        let text = "//! A.\nlet now = Instant::now();\n";
        assert_eq!(complaints(purity, "client/src/backoff.rs", text), 1);
        assert_eq!(complaints(purity, "client/src/sync/gaps.rs", text), 1);
        assert_eq!(complaints(purity, "client/src/engine.rs", text), 0);
    }

    #[test]
    fn the_tests_of_a_decision_may_do_as_they_like() {
        let text = "//! A.\n#[cfg(test)]\nmod tests { fn a() { Instant::now(); } }\n";
        assert_eq!(complaints(purity, "client/src/backoff.rs", text), 0);
    }

    #[test]
    fn only_config_reads_the_environment() {
        let text = concat!("//! A.\nlet home = std::env::", "var(\"HOME\");\n");
        assert_eq!(complaints(environment, "node/src/main.rs", text), 1);
        assert_eq!(complaints(environment, "node/src/config.rs", text), 0);
        assert_eq!(complaints(environment, "client/src/cli/config.rs", text), 0);
        assert_eq!(complaints(environment, "client-slint/build.rs", text), 0);
    }

    #[test]
    fn a_controller_knows_no_slint() {
        let text = "//! A.\nuse slint::Model;\n";
        assert_eq!(complaints(slint, "client-slint/src/controllers/chat.rs", text), 1);
        assert_eq!(complaints(slint, "client-slint/src/adapters/chat.rs", text), 0);
        assert_eq!(complaints(slint, "client/src/model.rs", text), 1);
    }
}
