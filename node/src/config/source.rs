//! Where values come from: a file, the environment, flags. Turns each into layers of figment in which
//! every single value knows its origin; decides nothing about keys.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use figment::error::Error;
use figment::util::nest;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::problem::Problem;

/// All that a configuration is read from. Tests fill in their own.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file that must be there. Without it, `thrive-node.toml` in the data folder, if that is there.
    pub file: Option<PathBuf>,
    /// The variables of the environment.
    pub variables: Vec<(String, String)>,
    pub flags: Vec<Flag>,
    /// The folder for data where nothing else is asked for; `None` when the system knows none.
    pub platform_data: Option<PathBuf>,
}

/// One value from the command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flag {
    /// As it was written, such as `--listen`.
    pub flag: String,
    pub key: String,
    pub value: String,
}

impl Sources {
    /// The environment and the platform of this process; file and flags as given.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        let text = |it: std::ffi::OsString| it.to_string_lossy().into_owned();
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        let platform = directories::ProjectDirs::from("", "", "thrive-node");
        Self {
            file,
            variables: variables.collect(),
            flags,
            platform_data: platform.map(|it| it.data_local_dir().to_owned()),
        }
    }

    /// The layers above the file.
    pub(super) fn environment_and_flags(&self) -> Figment {
        let mut figment = Figment::new();
        // Weaker than our own variable for the same key, since other programs read it too.
        let filter =
            self.variables.iter().find(|(name, value)| name == FILTER && !value.is_empty());
        if let Some((name, value)) = filter {
            figment = figment.merge(Given::text("log", format!("variable {name}"), value));
        }
        for (name, value) in &self.variables {
            if let Some(key) = key_of(name) {
                figment = figment.merge(Given::text(&key, format!("variable {name}"), value));
            }
        }
        for Flag { flag, key, value } in &self.flags {
            figment = figment.merge(Given::text(key, format!("flag {flag}"), value));
        }
        figment
    }
}

/// The variable that Rust programs share for their log filter.
const FILTER: &str = "RUST_LOG";
const PREFIX: &str = "THRIVE_NODE_";
/// Kubernetes makes variables like `THRIVE_NODE_SERVICE_HOST` and `THRIVE_NODE_PORT_2005_UDP` for a
/// service that is called `thrive-node`. They are no mistake of anybody's.
const OF_KUBERNETES: [&str; 2] = ["SERVICE_", "PORT"];

fn key_of(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(PREFIX)?;
    let ours = !OF_KUBERNETES.iter().any(|it| name.starts_with(it));
    ours.then(|| name.to_ascii_lowercase().replace("__", "."))
}

/// The layers of one file. What could not be read is told as problems; the rest is still there.
pub(super) fn file(path: &Path, must_exist: bool) -> (Figment, Vec<Problem>) {
    let about = path.display().to_string();
    let problem = |wrong: String, origin: String| Problem {
        about: about.clone(),
        wrong,
        allowed: "a readable file in TOML".into(),
        origin,
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {
            return (Figment::new(), Vec::new());
        }
        Err(error) => {
            let origin = if must_exist { "flag --config" } else { "the data folder" };
            return (Figment::new(), vec![problem(error.to_string(), origin.into())]);
        }
    };
    let (table, errors) = DeTable::parse_recoverable(&text);
    let problems = errors.iter().map(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        problem(error.message().to_owned(), format!("line {line}"))
    });
    let problems = problems.collect();
    let mut leaves = Vec::new();
    collect(table.get_ref(), "", &mut leaves);
    let mut figment = Figment::new();
    for (key, offset, value) in leaves {
        let origin = format!("{}, line {}", path.display(), line_of(&text, offset));
        figment = figment.merge(Given { key, origin, file: Some(path.to_owned()), value });
    }
    (figment, problems)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

/// All values below `table`, with their full keys and places.
fn collect(table: &DeTable<'_>, prefix: &str, into: &mut Vec<(String, usize, Value)>) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => collect(inner, &format!("{key}."), into),
            _ => into.push((key, value.span().start, leaf(value))),
        }
    }
}

fn leaf(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(truth) => Value::from(*truth),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::from(number.as_str()), Value::from),
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .map_or_else(|_| Value::from(number.as_str()), Value::from),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        // No key is a list; the reader only has to see that it is one.
        DeValue::Array(_) => Value::from(Vec::<Value>::new()),
        DeValue::Table(_) => Value::from(Dict::new()),
    }
}

/// One value and where it came from: a layer of its own, since figment keeps one origin for each.
struct Given {
    key: String,
    origin: String,
    /// Relative paths in a file are meant from the folder of that file.
    file: Option<PathBuf>,
    value: Value,
}

impl Given {
    fn text(key: &str, origin: String, value: &str) -> Self {
        Self { key: key.to_owned(), origin, file: None, value: Value::from(value) }
    }
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        let metadata = Metadata::named(self.origin.clone());
        match &self.file {
            Some(file) => metadata.source(file.as_path()),
            None => metadata,
        }
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        match nest(&self.key, self.value.clone()) {
            Value::Dict(_, values) => Ok(Profile::Default.collect(values)),
            // A key that begins with a dot makes no table; kept as it is, it is told as unknown.
            value => Ok(Profile::Default.collect(Dict::from([(self.key.clone(), value)]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_other_programs_and_of_kubernetes_are_not_ours() {
        assert_eq!(key_of("THRIVE_NODE_LISTEN").as_deref(), Some("listen"));
        assert_eq!(
            key_of("THRIVE_NODE_LIMITS__OUTBOX_BYTES").as_deref(),
            Some("limits.outbox_bytes")
        );
        assert_eq!(key_of("THRIVE_PASSWORD"), None);
        assert_eq!(key_of("THRIVE_NODE_SERVICE_HOST"), None);
        assert_eq!(key_of("THRIVE_NODE_PORT_2005_UDP_ADDR"), None);
    }
}
