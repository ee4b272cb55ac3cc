//! Takes one key after the other out of the values, and remembers what was wrong and where each came
//! from. Knows no key by name.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thrive_protocol::url::Url;

use crate::config::problem::{Problem, Problems};
use crate::config::source::{Given, Sources};

/// One key as it is in effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    pub key: &'static str,
    /// As it is written in TOML; `None` where nothing is set and nothing is the default.
    pub value: Option<String>,
    pub origin: String,
}

pub(super) struct Reader {
    values: BTreeMap<String, Given>,
    settings: Vec<Setting>,
    problems: Vec<Problem>,
}

/// How a value is shown when nobody gave one.
const DEFAULT: &str = "default";

impl Reader {
    pub(super) fn new(sources: &Sources) -> Self {
        let (values, problems) = sources.values();
        Self { values, settings: Vec::new(), problems }
    }

    /// A value that `parse` understands, with how it is shown.
    pub(super) fn value<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl FnOnce(&Value) -> Option<(String, T)>,
    ) -> Option<T> {
        let Some(given) = self.values.remove(key) else {
            self.settings.push(Setting { key, value: None, origin: DEFAULT.into() });
            return None;
        };
        let (shown, parsed) = parse(&given.value).unzip();
        if parsed.is_none() {
            let wrong = format!("{} is not allowed", in_words(&given.value));
            self.problem(key, wrong, allowed, given.origin.clone());
        }
        self.settings.push(Setting { key, value: shown, origin: given.origin });
        parsed
    }

    /// A text that `parse` understands. `or` is the default, and is understood.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        or: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let set = self.values.contains_key(key);
        let text = |it: &Value| Some((toml_text(it.as_str()?), parse(it.as_str()?)?));
        let found = self.value(key, allowed, text);
        self.show_default(set, toml_text(or));
        found.or_else(|| parse(or)).expect("each default is allowed, and a test reads them all")
    }

    /// Yes or no.
    pub(super) fn truth(&mut self, key: &'static str, or: bool) -> bool {
        let set = self.values.contains_key(key);
        let truth = |it: &Value| {
            let truth = it.as_bool().or_else(|| it.as_str()?.parse().ok())?;
            Some((truth.to_string(), truth))
        };
        let found = self.value(key, "true or false", truth);
        self.show_default(set, or.to_string());
        found.unwrap_or(or)
    }

    /// A whole number without a default here.
    pub(super) fn whole(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let in_file = self.values.get(key).is_some_and(|it| it.file.is_some());
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.value(key, &allowed, |it| {
            // Variables and flags are always text; a file can say what it means.
            let number = match it.as_str() {
                Some(text) if !in_file => text.trim().parse().ok(),
                Some(_) | None => it.as_u64(),
            };
            let number = number.filter(|it| range.contains(it))?;
            Some((number.to_string(), number))
        })
    }

    /// A path. One in a file is taken from the folder of that file.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let file = self.values.get(key).and_then(|it| it.file.clone());
        let folder = file.as_deref().and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        self.value(key, "the path of a file", |it| {
            let path = folder.join(it.as_str().filter(|it| !it.is_empty())?);
            Some((toml_text(&path.display().to_string()), path))
        })
    }

    /// A URL, which is never shown with its password.
    pub(super) fn url(&mut self, key: &'static str, schemes: &[&str]) -> Option<Url> {
        let given = self.values.get(key);
        let url = given.and_then(|it| it.value.as_str()).and_then(|it| Url::parse(it, schemes));
        if let (None, Some(given)) = (&url, given.cloned()) {
            self.values.remove(key);
            let allowed = format!("a URL that begins with {}://", schemes.join(":// or "));
            // Not shown: there may be a password in it.
            self.problem(key, "this is no such URL".into(), &allowed, given.origin.clone());
            self.settings.push(Setting { key, value: None, origin: given.origin });
            return None;
        }
        self.value(key, "", |_| url.map(|it| (toml_text(&it.to_string()), it)))
    }

    /// `key` is needed.
    pub(super) fn missing(&mut self, key: &str, allowed: &str, why: &str) {
        // A value that is there but wrong has been told already.
        if !self.refused(key) {
            self.problem(key, format!("missing: {why}"), allowed, DEFAULT.into());
        }
    }

    /// Whether what was given for `key` was wrong.
    pub(super) fn refused(&self, key: &str) -> bool {
        self.problems.iter().any(|it| it.about == key)
    }

    /// What was read of `key` does not go with the rest.
    pub(super) fn wrong(&mut self, key: &str, wrong: &str) {
        let origin = self.settings.iter().find(|it| it.key == key).map(|it| it.origin.clone());
        self.problem(key, wrong.into(), "another value", origin.unwrap_or_default());
    }

    /// Tells what is left over, and everything that was wrong.
    pub(super) fn finish(mut self) -> Result<Vec<Setting>, Problems> {
        for (key, given) in std::mem::take(&mut self.values) {
            // Not shown with its value: nobody knows what it was meant to be.
            let allowed = "the keys that `thrive-router check-config` lists";
            self.problem(&key, "there is no such key".into(), allowed, given.origin);
        }
        if self.problems.is_empty() { Ok(self.settings) } else { Err(Problems(self.problems)) }
    }

    /// What was given for a key, as it is written.
    #[cfg(test)]
    pub(super) fn shown(&self, key: &str) -> Option<String> {
        self.values.get(key).map(|it| in_words(&it.value))
    }

    /// The setting that was read last has a default.
    fn show_default(&mut self, set: bool, shown: String) {
        if let Some(setting) = self.settings.last_mut().filter(|_| !set) {
            setting.value = Some(shown);
        }
    }

    fn problem(&mut self, about: &str, wrong: String, allowed: &str, origin: String) {
        let problem = Problem { about: about.into(), wrong, allowed: allowed.into(), origin };
        self.problems.push(problem);
    }
}

fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => toml_text(text),
        Value::Array(_) => "this list".into(),
        Value::Object(_) => "a table".into(),
        Value::Null => "this number".into(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
