//! Where values come from: a file, the environment, flags. Decides nothing about keys.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use crate::config::problem::Problem;

/// All that a configuration is read from. Tests fill in their own.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file that must be there.
    pub file: Option<PathBuf>,
    /// The variables of the environment.
    pub variables: Vec<(String, String)>,
    pub flags: Vec<Flag>,
}

/// One value from the command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flag {
    /// As it was written, such as `--listen`.
    pub flag: String,
    pub key: String,
    pub value: String,
}

/// A value as it was given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: String,
    /// The file it stands in, if it does.
    pub(super) file: Option<PathBuf>,
}

impl Sources {
    /// The environment of this process; file and flags as given.
    #[must_use]
    pub fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        let text = |it: OsString| it.to_string_lossy().into_owned();
        let variables = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        Self { file, variables: variables.collect(), flags }
    }

    /// The strongest value of each key, and what could not be read.
    pub(super) fn values(&self) -> (BTreeMap<String, Given>, Vec<Problem>) {
        let (mut values, problems) = self.file.as_deref().map(file).unwrap_or_default();
        let mut set = |key: String, origin: String, text: &str| {
            values.insert(key, Given { value: Value::from(text), origin, file: None });
        };
        // Weaker than our own variable for the same key, since other programs read it too.
        for (name, value) in &self.variables {
            if name == FILTER && !value.is_empty() {
                set("log".into(), format!("variable {name}"), value);
            }
        }
        for (name, value) in &self.variables {
            if let Some(key) = key_of(name) {
                set(key, format!("variable {name}"), value);
            }
        }
        for Flag { flag, key, value } in &self.flags {
            set(key.clone(), format!("flag {flag}"), value);
        }
        (values, problems)
    }
}

/// The variable that Rust programs share for their log filter.
const FILTER: &str = "RUST_LOG";
const PREFIX: &str = "THRIVE_ROUTER_";
/// Kubernetes makes variables like `THRIVE_ROUTER_SERVICE_HOST` and `THRIVE_ROUTER_PORT_2005_UDP` for a
/// service that is called `thrive-router`. They are no mistake of anybody's.
const OF_KUBERNETES: [&str; 2] = ["SERVICE_", "PORT"];

fn key_of(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(PREFIX)?;
    let ours = !OF_KUBERNETES.iter().any(|it| name.starts_with(it));
    ours.then(|| name.to_ascii_lowercase().replace("__", "."))
}

fn file(path: &Path) -> (BTreeMap<String, Given>, Vec<Problem>) {
    let problem = |wrong: String, origin: String| Problem {
        about: path.display().to_string(),
        wrong,
        allowed: "a readable file in TOML".into(),
        origin,
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            return (BTreeMap::new(), vec![problem(error.to_string(), "flag --config".into())]);
        }
    };
    let line = |offset: usize| 1 + text.bytes().take(offset).filter(|&it| it == b'\n').count();
    let (table, errors) = DeTable::parse_recoverable(&text);
    let problems = errors.iter().map(|error| {
        let at = error.span().map_or(1, |span| line(span.start));
        problem(error.message().to_owned(), format!("line {at}"))
    });
    let problems = problems.collect();
    let mut values = BTreeMap::new();
    flatten(table.get_ref(), "", &mut |key, offset, value| {
        let origin = format!("{}, line {}", path.display(), line(offset));
        values.insert(key, Given { value, origin, file: Some(path.to_owned()) });
    });
    (values, problems)
}

/// All values below `table`, with their full keys and places. Lists stay whole.
fn flatten(table: &DeTable<'_>, prefix: &str, into: &mut impl FnMut(String, usize, Value)) {
    for (name, value) in table {
        let key = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(inner) => flatten(inner, &format!("{key}."), into),
            leaf => into(key, value.span().start, plain(leaf)),
        }
    }
}

fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(truth) => Value::from(*truth),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::from(number.as_str()), Value::from),
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok().and_then(Number::from_f64);
            number.map_or(Value::Null, Value::from)
        }
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(list) => list.iter().map(|it| plain(it.get_ref())).collect(),
        DeValue::Table(inner) => {
            let leaf = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                (name.clone().into_owned(), plain(value.get_ref()))
            };
            inner.iter().map(leaf).collect::<Map<_, _>>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_other_programs_and_of_kubernetes_are_not_ours() {
        assert_eq!(key_of("THRIVE_ROUTER_LISTEN").as_deref(), Some("listen"));
        assert_eq!(key_of("THRIVE_ROUTER_REDIS__URL").as_deref(), Some("redis.url"));
        assert_eq!(key_of("THRIVE_NODE_LISTEN"), None);
        assert_eq!(key_of("THRIVE_ROUTER_SERVICE_HOST"), None);
        assert_eq!(key_of("THRIVE_ROUTER_PORT_2005_UDP_ADDR"), None);
    }
}
