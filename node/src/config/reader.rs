//! Takes one key after the other out of the layers, and remembers what was wrong and where each value
//! came from. Knows no key by name but `data`, which says where another file may lie.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::value::Value;
use figment::{Figment, Metadata, Provider as _};
use thrive_protocol::url::Url;

use crate::config::problem::{Problem, Problems};
use crate::config::source::{self, Sources};

/// One key as it is in effect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    pub key: &'static str,
    /// As it is written in TOML; `None` where nothing is set and nothing is the default.
    pub value: Option<String>,
    pub origin: String,
}

pub(super) struct Reader {
    layers: Figment,
    platform_data: Option<PathBuf>,
    /// The file that was found in the data folder. It cannot say where the data folder is.
    found: Option<PathBuf>,
    settings: Vec<Setting>,
    problems: Vec<Problem>,
}

/// A value as it was given.
struct Given {
    value: Value,
    origin: String,
    /// The file it stands in, if it does.
    file: Option<PathBuf>,
}

/// How a value is shown when nobody gave one.
const DEFAULT: &str = "default";
/// The file that is read from the data folder when none is named.
const FILE: &str = "thrive-node.toml";

impl Reader {
    pub(super) fn new(sources: &Sources) -> Self {
        let above = sources.environment_and_flags();
        let mut reader = Self {
            layers: above.clone(),
            platform_data: sources.platform_data.clone(),
            found: None,
            settings: Vec::new(),
            problems: Vec::new(),
        };
        let path = match &sources.file {
            Some(path) => Some(path.clone()),
            None => {
                let given = reader.given("data").and_then(|it| it.value.into_string());
                let folder = given.map(PathBuf::from).or_else(|| sources.platform_data.clone());
                reader.found = folder.map(|it| it.join(FILE));
                reader.found.clone()
            }
        };
        if let Some(path) = path {
            let (file, problems) = source::file(&path, sources.file.is_some());
            reader.layers = file.merge(above);
            reader.problems = problems;
        }
        reader
    }

    /// The key `data`.
    pub(super) fn data_folder(&mut self) -> PathBuf {
        let in_itself = self.given("data").filter(|it| it.file.is_some() && it.file == self.found);
        if let Some(Given { origin, .. }) = in_itself {
            self.problem(
                "data",
                "a file in the data folder cannot move the data folder".into(),
                "the flag --data, the variable THRIVE_NODE_DATA, or a file named by --config",
                origin,
            );
        }
        if let Some(data) = self.path("data") {
            return data;
        }
        let fallback = self.platform_data.clone();
        let shown = fallback.as_deref().map(|it| toml_text(&it.display().to_string()));
        if let Some(setting) = self.settings.last_mut() {
            setting.value = shown;
        }
        fallback.unwrap_or_else(|| {
            let wrong = "this account has no folder for data".into();
            self.problem("data", wrong, "the flag --data with a folder", DEFAULT.into());
            PathBuf::new()
        })
    }

    /// A path without a default. One in a file is taken from the folder of that file.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let given = self.given(key);
        let beside = given.as_ref().and_then(|it| it.file.as_deref()).and_then(Path::parent);
        let beside = beside.map(Path::to_owned);
        let Some(Given { value, origin, .. }) = given else {
            self.settings.push(Setting { key, value: None, origin: DEFAULT.into() });
            return None;
        };
        let Some(path) = value.as_str().filter(|it| !it.is_empty()).map(PathBuf::from) else {
            self.refuse(key, &value, "the path of a file or folder", origin);
            return None;
        };
        let path = beside.map_or_else(|| path.clone(), |it| it.join(&path));
        self.shown(key, toml_text(&path.display().to_string()), origin);
        Some(path)
    }

    /// A text that `parse` understands. `or` is the default, and is understood.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        or: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let given = self.given(key);
        if let Some(Given { value, origin, .. }) = given {
            if let Some((text, parsed)) = value.as_str().and_then(|it| Some((it, parse(it)?))) {
                self.shown(key, toml_text(text), origin);
                return parsed;
            }
            self.refuse(key, &value, allowed, origin);
        } else {
            self.shown(key, toml_text(or), DEFAULT.into());
        }
        parse(or).expect("each default is allowed, and a test reads them all")
    }

    /// A text without a default.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(Given { value, origin, .. }) = self.given(key) else {
            self.settings.push(Setting { key, value: None, origin: DEFAULT.into() });
            return None;
        };
        let text = value.as_str().map_or_else(|| in_words(&value), str::to_owned);
        let Some(parsed) = parse(&text) else {
            self.refuse(key, &value, allowed, origin);
            return None;
        };
        // As it was meant: a number stays a number.
        let shown = if value.as_str().is_some() { toml_text(&text) } else { text };
        self.shown(key, shown, origin);
        Some(parsed)
    }

    /// A URL, which is never shown with its password.
    pub(super) fn url(&mut self, key: &'static str, schemes: &[&str]) -> Option<Url> {
        let Some(Given { value, origin, .. }) = self.given(key) else {
            self.settings.push(Setting { key, value: None, origin: DEFAULT.into() });
            return None;
        };
        let Some(url) = value.as_str().and_then(|it| Url::parse(it, schemes)) else {
            let allowed = format!("a URL that begins with {}://", schemes.join(":// or "));
            self.settings.push(Setting { key, value: None, origin: origin.clone() });
            // Not shown: there may be a password in it.
            self.problem(key, "this is no such URL".into(), &allowed, origin);
            return None;
        };
        self.shown(key, toml_text(&url.to_string()), origin);
        Some(url)
    }

    /// A whole number.
    pub(super) fn count(
        &mut self,
        key: &'static str,
        or: usize,
        range: RangeInclusive<usize>,
    ) -> usize {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.number(key, or, &allowed, |it| {
            let number = whole(it).and_then(|it| usize::try_from(it).ok());
            number.filter(|it| range.contains(it))
        })
    }

    /// Yes or no.
    pub(super) fn truth(&mut self, key: &'static str, or: bool) -> bool {
        self.number(key, or, "true or false", |it| match it.as_str() {
            Some(text) => text.trim().parse().ok(),
            None => it.to_bool(),
        })
    }

    /// A time in whole seconds.
    pub(super) fn seconds(
        &mut self,
        key: &'static str,
        or: Duration,
        range: RangeInclusive<u64>,
    ) -> Duration {
        let allowed = format!("whole seconds from {} to {}", range.start(), range.end());
        let seconds = self
            .number(key, or.as_secs(), &allowed, |it| whole(it).filter(|it| range.contains(it)));
        Duration::from_secs(seconds)
    }

    /// How often something may happen at once.
    pub(super) fn burst(&mut self, key: &'static str, or: u32) -> u32 {
        let allowed = format!("a whole number from 1 to {MOST}");
        self.number(key, or, &allowed, |it| {
            let number = whole(it).and_then(|it| u32::try_from(it).ok());
            number.filter(|it| (1..=MOST).contains(it))
        })
    }

    /// How often something may happen in the time of the key's name, which `unit` converts: it is the
    /// rate for each second that the number 1 stands for.
    pub(super) fn rate(&mut self, key: &'static str, or: f64, unit: f64) -> f64 {
        let allowed = format!("a number above 0, up to {MOST}");
        // Rounded, so that 2 a minute is shown as 2 although 1/60 is no exact fraction.
        let shown = (or / unit * 1e6).round() / 1e6;
        let times = self.number(key, shown, &allowed, |it| {
            fraction(it).filter(|it| 0.0 < *it && *it <= f64::from(MOST))
        });
        times * unit
    }

    /// `key` is needed since `because` is set.
    pub(super) fn missing(&mut self, key: &str, allowed: &str, because: &str) {
        // A value that is there but wrong has been told already.
        if !self.problems.iter().any(|it| it.about == key) {
            let origin = self.given(because).map_or_else(|| DEFAULT.into(), |it| it.origin);
            self.problem(key, format!("missing, since {because} is set"), allowed, origin);
        }
    }

    /// `key` is allowed by itself, and not together with another one.
    pub(super) fn contradiction(&mut self, key: &str, wrong: &str, allowed: &str) {
        let origin = self.given(key).map_or_else(|| DEFAULT.into(), |it| it.origin);
        self.problem(key, wrong.to_owned(), allowed, origin);
    }

    /// Tells what is left over, and everything that was wrong.
    pub(super) fn finish(mut self) -> Result<Vec<Setting>, Problems> {
        let known: BTreeSet<&str> = self.settings.iter().map(|it| it.key).collect();
        let mut leaves = Vec::new();
        // Not through `extract`, which forgets where each value came from.
        for (name, value) in self.layers.data().into_iter().flatten().flat_map(|(_, all)| all) {
            flatten(name, value, &mut leaves);
        }
        for (key, value) in leaves {
            if !known.contains(key.as_str()) {
                let origin = self.origin(self.layers.get_metadata(value.tag()));
                // Not shown with its value: nobody knows what it was meant to be.
                let allowed = "the keys that `thrive-node check-config` lists";
                self.problem(&key, "there is no such key".into(), allowed, origin);
            }
        }
        if self.problems.is_empty() { Ok(self.settings) } else { Err(Problems(self.problems)) }
    }

    fn number<T: Copy + Display>(
        &mut self,
        key: &'static str,
        or: T,
        allowed: &str,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let Some(Given { value, origin, file }) = self.given(key) else {
            self.shown(key, or.to_string(), DEFAULT.into());
            return or;
        };
        // Variables and flags are always text; a file can say what it means.
        let quoted_in_file = file.is_some() && value.as_str().is_some();
        match parse(&value).filter(|_| !quoted_in_file) {
            Some(number) => {
                self.shown(key, number.to_string(), origin);
                number
            }
            None => {
                self.refuse(key, &value, allowed, origin);
                or
            }
        }
    }

    fn given(&self, key: &str) -> Option<Given> {
        let value = self.layers.find_value(key).ok()?;
        let metadata = self.layers.get_metadata(value.tag());
        let file = metadata.and_then(|it| it.source.as_ref()?.file_path()).map(Path::to_owned);
        Some(Given { origin: self.origin(metadata), file, value })
    }

    fn origin(&self, metadata: Option<&Metadata>) -> String {
        metadata.map_or_else(|| "several places".into(), |it| it.name.to_string())
    }

    fn shown(&mut self, key: &'static str, value: String, origin: String) {
        self.settings.push(Setting { key, value: Some(value), origin });
    }

    fn refuse(&mut self, key: &'static str, value: &Value, allowed: &str, origin: String) {
        self.settings.push(Setting { key, value: None, origin: origin.clone() });
        self.problem(key, format!("{} is not allowed", in_words(value)), allowed, origin);
    }

    fn problem(&mut self, about: &str, wrong: String, allowed: &str, origin: String) {
        let problem = Problem { about: about.into(), wrong, allowed: allowed.into(), origin };
        self.problems.push(problem);
    }
}

/// The most of anything that may happen at once or in a unit of time: enough for every load test.
const MOST: u32 = 10_000_000;

fn whole(value: &Value) -> Option<u64> {
    match value.as_str() {
        Some(text) => text.trim().replace('_', "").parse().ok(),
        None => value.to_num().and_then(|it| u64::try_from(it.to_u128_lossy()?).ok()),
    }
}

fn fraction(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => value.to_f64().or_else(|| value.to_i128().map(|it| it as f64)),
    }
}

fn flatten(key: String, value: Value, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Dict(_, inner) => {
            for (name, value) in inner {
                flatten(format!("{key}.{name}"), value, into);
            }
        }
        value => into.push((key, value)),
    }
}

fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(_, text) => toml_text(text),
        Value::Char(_, letter) => toml_text(&letter.to_string()),
        Value::Bool(_, truth) => truth.to_string(),
        Value::Num(..) => match (value.to_i128(), value.to_f64()) {
            (Some(number), _) => number.to_string(),
            (None, Some(number)) => number.to_string(),
            (None, None) => "this number".into(),
        },
        Value::Empty(..) => "nothing".into(),
        Value::Dict(..) => "a table".into(),
        Value::Array(..) => "a list".into(),
    }
}
