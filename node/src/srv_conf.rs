//! The configuration file of a former Thrive host, as keys of ours. Nothing secret of it is shown.

use std::collections::BTreeMap;

/// Lines for `thrive-node.toml`, and what has no counterpart, as comments.
#[must_use]
pub fn translated(text: &str) -> String {
    let keys = keys(text);
    let value = |section: &str, key: &str| {
        let found = keys.get(&(section.to_owned(), key.to_owned()));
        found.map(String::as_str).filter(|it| !it.is_empty())
    };
    let quoted = |raw: &str| toml::Value::from(raw.replace("\\n", "\n")).to_string();
    let mut lines = Vec::new();
    let port = value("server", "port").filter(|it| it.parse::<u16>().is_ok_and(|it| 0 < it));
    if let Some(name) = value("server", "name") {
        lines.push(format!("name = {}", quoted(name)));
    }
    if let Some(port) = port {
        lines.push(format!("listen = \"0.0.0.0:{port}\""));
    }
    if let Some(host) = value("server", "host") {
        lines.push(format!("address = {}", quoted(&format!("{host}:{}", port.unwrap_or("2005")))));
    }
    let texts = [("pre_login", "before_login"), ("post_login", "after_login")];
    let is_on = value("welcome", "enabled")
        .is_some_and(|it| ["1", "yes", "true", "on"].contains(&it.to_lowercase().as_str()));
    let texts = texts.map(|(former, ours)| Some((ours, value("welcome", former)?)));
    let texts: Vec<_> = texts.into_iter().flatten().filter(|_| is_on).collect();
    let mut left: Vec<_> = keys
        .keys()
        .filter(|(section, key)| !TRANSLATED.contains(&(section.as_str(), key.as_str())))
        .map(|(section, key)| format!("# [{section}] {key} is not taken over"))
        .collect();
    lines.append(&mut left);
    if !texts.is_empty() {
        lines.push("[welcome]".to_owned());
        lines.extend(texts.iter().map(|(key, text)| format!("{key} = {}", quoted(text))));
    }
    lines.join("\n")
}

const TRANSLATED: [(&str, &str); 6] = [
    ("server", "name"),
    ("server", "port"),
    ("server", "host"),
    ("welcome", "enabled"),
    ("welcome", "pre_login"),
    ("welcome", "post_login"),
];

fn keys(text: &str) -> BTreeMap<(String, String), String> {
    let (mut section, mut keys) = (String::new(), BTreeMap::new());
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            section = name.trim().to_lowercase();
        } else if let Some((key, value)) = line.split_once(['=', ':']) {
            let key = (section.clone(), key.trim().to_lowercase());
            keys.insert(key, value.trim().to_owned());
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};

    #[test]
    fn what_has_a_counterpart_is_translated_and_no_secret_is_shown() {
        let former = "
            [server]
            port = 2006
            name: The \"old\" host
            host = chat.example.org
            size_limit = 0
            [smtp]
            ; a secret
            password = open sesame
            [welcome]
            enabled = true
            pre_login = Hello!\\nCome in.
            post_login =
        ";
        let toml = translated(former);
        assert!(!toml.contains("sesame") && toml.contains("# [smtp] password is not taken over"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        std::fs::write(&path, &toml).unwrap();
        let sources = Sources::of_process(Some(path), Vec::new());
        let read = Config::read(&Sources { variables: Vec::new(), ..sources });
        let config = read.unwrap_or_else(|problems| panic!("{problems}\n{toml}")).0;
        assert_eq!((config.name.as_str(), config.listen.port()), ("The \"old\" host", 2006));
        assert_eq!(config.address, Some(("chat.example.org".into(), 2006)));
        assert_eq!(config.welcome.before_login.as_str(), "Hello!\nCome in.");
        assert_eq!(translated(""), "");
    }
}
