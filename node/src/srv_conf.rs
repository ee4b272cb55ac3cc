//! The configuration file of a former Thrive host, as keys of ours. Nothing secret of it is shown.

use std::collections::BTreeMap;

use thrive_protocol::limits::{EXTENSION_CHARS, REFUSED_EXTENSIONS};

use crate::domain::file_kind::REFUSED;

/// Lines for `thrive-node.toml`, and what has no counterpart, as comments with the reason.
#[must_use]
pub fn translated(text: &str) -> String {
    let former = Former { keys: keys(text) };
    let mut lines = former.names();
    lines.extend(former.left_out());
    for section in [former.files(), former.tls(), former.mail(), former.welcome()] {
        lines.extend(section);
    }
    lines.join("\n")
}

struct Former {
    keys: BTreeMap<(String, String), String>,
}

impl Former {
    fn value(&self, section: &str, key: &str) -> Option<&str> {
        let found = self.keys.get(&(section.to_owned(), key.to_owned()));
        found.map(String::as_str).filter(|it| !it.is_empty())
    }

    fn is_on(&self, section: &str, key: &str) -> bool {
        let on = ["1", "yes", "true", "on"];
        self.value(section, key).is_some_and(|it| on.contains(&it.to_lowercase().as_str()))
    }

    fn names(&self) -> Vec<String> {
        let port = self.value("server", "port");
        let port = port.filter(|it| it.parse::<u16>().is_ok_and(|it| 0 < it));
        let mut lines = Vec::new();
        if let Some(name) = self.value("server", "name") {
            lines.push(format!("name = {}", quoted(name)));
        }
        if let Some(port) = port {
            lines.push(format!("listen = \"0.0.0.0:{port}\""));
        }
        if let Some(host) = self.value("server", "host") {
            let address = format!("{host}:{}", port.unwrap_or("2005"));
            lines.push(format!("address = {}", quoted(&address)));
        }
        lines
    }

    fn left_out(&self) -> Vec<String> {
        let taken = |section: &str, key: &str| {
            TRANSLATED.iter().any(|(its, keys)| *its == section && keys.contains(&key))
        };
        let left = self.keys.keys().filter(|(section, key)| !taken(section, key));
        let line = |(section, key): &(String, String)| {
            let why = why_not(section, key);
            format!("# [{section}] {key} is not taken over{why}")
        };
        left.map(line).collect()
    }

    /// How large files may be, and which are refused by their names.
    fn files(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.value("server", "size_limit").map(|it| (it, it.parse::<u64>())) {
            None => {}
            Some((_, Ok(0))) => lines.push(
                "# [server] size_limit = 0 was no limit; here there is always one: max_bytes and quota_bytes, \
                 by default 100 MiB for a file and 1 GiB for all files of an account"
                    .to_owned(),
            ),
            Some((_, Ok(most))) if most <= MOST_BYTES => {
                lines.push(format!("max_bytes = {most}"));
                if QUOTA < most {
                    lines.push(format!(
                        "# All files of an account together, which the former host did not count:\n\
                         quota_bytes = {most}"
                    ));
                }
            }
            Some((raw, Ok(_) | Err(_))) => lines.push(format!(
                "# [server] size_limit is not taken over: {} is no number of bytes up to {MOST_BYTES}",
                quoted(raw)
            )),
        }
        lines.extend(self.refused_extensions());
        let has_keys = lines.iter().any(|it| !it.starts_with('#') || it.contains('\n'));
        if has_keys {
            lines.insert(0, "[files]".to_owned());
        }
        lines
    }

    fn refused_extensions(&self) -> Vec<String> {
        let Some(raw) = self.value("server", "blackfiles") else { return Vec::new() };
        if !self.is_on("server", "enforce_blackfile_list") {
            let why = "# [server] blackfiles is not taken over: enforce_blackfile_list was off, so that it \
                       refused nothing; here the kinds of refused_extensions are refused";
            return vec![why.to_owned()];
        }
        let word =
            |it: &str| it.trim().trim_start_matches("*.").trim_start_matches('.').to_lowercase();
        let named: Vec<_> = raw.split(',').map(word).filter(|it| !it.is_empty()).collect();
        let fits = |it: &&String| {
            it.len() <= EXTENSION_CHARS && !it.contains(|c: char| c.is_whitespace() || c == '.')
        };
        let (fine, not): (Vec<_>, Vec<_>) = named.iter().partition(fits);
        let own = REFUSED.iter().filter(|own| !fine.iter().any(|it| it == *own));
        let own: Vec<_> = own.copied().collect();
        let mut all: Vec<_> = fine.iter().map(|it| it.as_str()).collect();
        all.extend(&own);
        all.dedup();
        let mut lines = Vec::new();
        if !not.is_empty() {
            let not: Vec<_> = not.iter().map(|it| quoted(it)).collect();
            lines.push(format!(
                "# [server] blackfiles: {} is not taken over, since it is no single extension",
                not.join(", ")
            ));
        }
        if REFUSED_EXTENSIONS < all.len() {
            lines.push(format!(
                "# [server] blackfiles: only the first {REFUSED_EXTENSIONS} are taken over"
            ));
            all.truncate(REFUSED_EXTENSIONS);
        }
        if !own.is_empty() {
            lines.push(format!(
                "# Refused here by default, and not by the former host; leave them out if you want them: {}",
                own.join(", ")
            ));
        }
        lines.push(format!("refused_extensions = {}", quoted(&all.join(", "))));
        lines
    }

    fn tls(&self) -> Vec<String> {
        let pair = self.value("server", "certfile").zip(self.value("server", "keyfile"));
        let Some((certificate, key)) = pair else {
            let one = ["certfile", "keyfile"].iter().any(|key| self.value("server", key).is_some());
            let why =
                "# [server] certfile and keyfile are not taken over: there has to be both of them";
            return one.then(|| why.to_owned()).into_iter().collect();
        };
        vec![
            "[tls]".to_owned(),
            format!("certificate = {}", quoted(certificate)),
            format!("key = {}", quoted(key)),
        ]
    }

    fn mail(&self) -> Vec<String> {
        let (server, email) = (self.value("smtp", "server"), self.value("smtp", "email"));
        let (Some(server), Some(email), true) = (server, email, self.is_on("smtp", "enabled"))
        else {
            let any = self.keys.keys().any(|(section, _)| section == "smtp");
            let why = "# [smtp] is not taken over: it was off, or without server or email";
            return any.then(|| why.to_owned()).into_iter().collect();
        };
        let mut lines = vec!["[smtp]".to_owned(), "enabled = true".to_owned()];
        lines.push(format!("server = {}", quoted(server)));
        let port = self.value("smtp", "port").and_then(|it| it.parse::<u16>().ok());
        if let Some(port) = port.filter(|it| 0 < *it) {
            lines.push(format!("port = {port}"));
            lines.push(format!("security = \"{}\"", if port == 465 { "tls" } else { "starttls" }));
        }
        lines.push(format!("from = {}", quoted(email)));
        if self.value("smtp", "password").is_some() {
            lines.push(format!("user = {}", quoted(email)));
            lines.push(
                "# Write the former password into a file of this name beside thrive-node.toml, which only the \
                 node can read:"
                    .to_owned(),
            );
            lines.push("password_file = \"smtp-password\"".to_owned());
        }
        lines
    }

    fn welcome(&self) -> Vec<String> {
        let texts = [("pre_login", "before_login"), ("post_login", "after_login")];
        let texts = texts.map(|(former, ours)| Some((ours, self.value("welcome", former)?)));
        let is_on = self.is_on("welcome", "enabled");
        let texts: Vec<_> = texts.into_iter().flatten().filter(|_| is_on).collect();
        if texts.is_empty() {
            return Vec::new();
        }
        // Only here the former host made line ends of them: elsewhere they belong to paths of Windows.
        let lines = |text: &str| quoted(&text.replace("\\n", "\n"));
        let texts = texts.iter().map(|(key, text)| format!("{key} = {}", lines(text)));
        std::iter::once("[welcome]".to_owned()).chain(texts).collect()
    }
}

fn quoted(raw: &str) -> String {
    toml::Value::from(raw).to_string()
}

/// Why a key has no counterpart, where there is more to say than that.
fn why_not(section: &str, key: &str) -> &'static str {
    match (section, key) {
        ("server", "max_status_length") => ": a status has up to 120 characters here",
        ("server", "shutdown_timeout") => ": whoever is connected is handed over or told at once",
        ("smtp", "code_expires") => ": a code is good for 10 minutes",
        ("flexpbx", _) => ": no text messages are sent to telephones",
        ("bots", _) => ": a bot is an account here, and logs in like a person",
        _ => "",
    }
}

const TRANSLATED: [(&str, &[&str]); 3] = [
    (
        "server",
        &[
            "name",
            "port",
            "host",
            "size_limit",
            "blackfiles",
            "enforce_blackfile_list",
            "certfile",
            "keyfile",
        ],
    ),
    ("smtp", &["enabled", "server", "port", "email", "password"]),
    ("welcome", &["enabled", "pre_login", "post_login"]),
];

/// As `max_bytes` takes it.
const MOST_BYTES: u64 = 1 << 50;
/// What `quota_bytes` is when it is not set.
const QUOTA: u64 = 1 << 30;

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

    fn read(toml: &str) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        std::fs::write(&path, toml).unwrap();
        let sources = Sources::of_process(Some(path), Vec::new());
        let read = Config::read(&Sources { variables: Vec::new(), ..sources });
        read.unwrap_or_else(|problems| panic!("{problems}\n{toml}")).0
    }

    #[test]
    fn what_has_a_counterpart_is_translated_and_no_secret_is_shown() {
        let former = "
            [server]
            port = 2006
            name: The \"old\" host
            host = chat.example.org
            max_status_length = 50
            [smtp]
            enabled = true
            server = mail.example.org
            port = 587
            email = noreply@example.org
            ; a secret
            password = open sesame
            code_expires = 5m
            [welcome]
            enabled = true
            pre_login = Hello!\\nCome in.
            post_login =
        ";
        let toml = translated(former);
        assert!(!toml.contains("sesame"), "{toml}");
        let left = "# [server] max_status_length is not taken over: a status has up to 120 characters here";
        assert!(toml.contains(left), "{toml}");
        assert!(toml.contains("# [smtp] code_expires is not taken over"), "{toml}");
        let config = read(&toml);
        assert_eq!((config.name.as_str(), config.listen.port()), ("The \"old\" host", 2006));
        assert_eq!(config.address, Some(("chat.example.org".into(), 2006)));
        assert_eq!(config.welcome.before_login.as_str(), "Hello!\nCome in.");
        let smtp = config.smtp.expect("mail is sent");
        assert_eq!((smtp.server.as_str(), smtp.port), ("mail.example.org", 587));
        assert_eq!(smtp.login.expect("with a login").user, "noreply@example.org");
        assert_eq!(translated(""), "");
    }

    #[test]
    fn half_of_a_pair_and_mail_that_was_off_are_told() {
        let text =
            "[server]\ncertfile = a.pem\n[smtp]\nenabled = false\nserver = mail.example.org\n";
        let toml = translated(text);
        assert!(toml.contains("# [server] certfile and keyfile are not taken over"), "{toml}");
        assert!(toml.contains("# [smtp] is not taken over"), "{toml}");
    }

    #[test]
    fn a_backslash_is_a_line_end_in_a_welcome_and_itself_in_a_path() {
        let former = "[server]\ncertfile = C:\\new\\cert.pem\nkeyfile = C:\\new\\key.pem\nname = A \\n B\n\
                      [welcome]\nenabled = true\npre_login = Hello!\\nCome in.\n";
        let toml: toml::Table = translated(former).parse().unwrap();
        let said = |section: &str, key: &str| toml[section][key].as_str().map(str::to_owned);
        assert_eq!(toml["name"].as_str(), Some(r"A \n B"));
        assert_eq!(said("tls", "certificate").as_deref(), Some(r"C:\new\cert.pem"));
        assert_eq!(said("tls", "key").as_deref(), Some(r"C:\new\key.pem"));
        assert_eq!(said("welcome", "before_login").as_deref(), Some("Hello!\nCome in."));
    }

    #[test]
    fn limits_of_files_are_taken_over_or_it_is_said_why_not() {
        let large = "[server]\nsize_limit = 5000000000\nenforce_blackfile_list = true\n\
                     blackfiles = .EXE, *.flac, tar.gz";
        let toml = translated(large);
        assert!(!toml.contains("size_limit is not"), "{toml}");
        let named = "blackfiles: \"tar.gz\" is not taken over, since it is no single extension";
        assert!(toml.contains(named), "{toml}");
        let files = read(&toml).files;
        assert_eq!((files.most, files.quota), (5_000_000_000, 5_000_000_000));
        let refused = files.rules.refused();
        // With what is refused here anyway.
        assert!(["exe", "flac", "scr"].iter().all(|it| refused.contains(&(*it).to_owned())));
        let small = read(&translated("[server]\nsize_limit = 10485760\n"));
        assert_eq!((small.files.most, small.files.quota), (10_485_760, 1 << 30));
        let none = translated("[server]\nsize_limit = 0\nblackfiles = exe");
        assert!(
            none.contains("size_limit = 0 was no limit") && !none.contains("[files]"),
            "{none}"
        );
        assert!(none.contains("enforce_blackfile_list was off"), "{none}");
        assert!(translated("[server]\nsize_limit = 10 MB").contains("is no number of bytes"));
    }
}
