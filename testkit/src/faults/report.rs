//! What a run found: figures, broken promises, and the comparison with what was promised.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::ledger::delay::Spread;
use crate::ledger::{Broken, Invariant};

/// One run of one scenario.
#[derive(Clone, Debug)]
pub struct Report {
    pub name: &'static str,
    pub seed: u64,
    pub short: bool,
    figures: BTreeMap<String, f64>,
    broken: Vec<Broken>,
    notes: Vec<String>,
}

/// Limits of figures, from `testkit/thresholds.toml`.
#[derive(Clone, Debug)]
pub struct Thresholds(toml::Table);

/// Figures of two runs that add up.
const SUMS: [&str; 8] = [
    "attempted",
    "acknowledged",
    "stored",
    "acked_lost",
    "not_shown",
    "shown_twice",
    "out_of_order",
    "failed_sends",
];
/// Broken promises that are told in full; the others are counted.
const TOLD: usize = 5;

impl Report {
    #[must_use]
    pub fn new(name: &'static str, seed: u64, short: bool) -> Self {
        let (figures, broken, notes) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { name, seed, short, figures, broken, notes }
    }

    pub fn figure(&mut self, name: impl Into<String>, value: f64) {
        self.figures.insert(name.into(), value);
    }

    pub fn count(&mut self, name: impl Into<String>, value: usize) {
        self.figure(name, value as f64);
    }

    /// In milliseconds; the name should end with `_ms`.
    pub fn time(&mut self, name: impl Into<String>, value: Duration) {
        self.figure(name, (value.as_secs_f64() * 10_000.0).round() / 10.0);
    }

    /// `NAME_p50_ms`, `NAME_p99_ms`, `NAME_max_ms` and `NAME_count`.
    pub fn spread(&mut self, name: &str, spread: Spread) {
        self.count(format!("{name}_count"), spread.count);
        if 0 < spread.count {
            self.time(format!("{name}_p50_ms"), spread.p50);
            self.time(format!("{name}_p99_ms"), spread.p99);
            self.time(format!("{name}_max_ms"), spread.max);
        }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }

    pub fn broke(&mut self, broken: impl IntoIterator<Item = Broken>) {
        self.broken.extend(broken);
    }

    /// A promise was broken that the ledger does not know of.
    pub fn missed(&mut self, invariant: Invariant, what: impl Into<String>) {
        self.broken.push(Broken::Missed { invariant, what: what.into() });
    }

    /// Something that whoever reads the line should know.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Together with what another run of the same scenario found. What is counted of messages adds up;
    /// of other figures that both have, those of the other run count.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (name, value) in other.figures {
            let before = if SUMS.contains(&name.as_str()) { self.get(&name) } else { None };
            self.figure(name, before.unwrap_or_default() + value);
        }
        self.broken.extend(other.broken);
        self.notes.extend(other.notes);
        self
    }

    /// Holds every figure against its limit. What is beyond it counts as broken.
    pub fn judge(&mut self, thresholds: &Thresholds) -> Result<()> {
        for (figure, limit) in thresholds.of(self.name, self.short)? {
            let Some(value) = self.figures.get(&figure).copied() else {
                if limit.for_all {
                    continue;
                }
                let what = format!("{figure} was not measured");
                self.missed(Invariant::I16, what);
                continue;
            };
            if !limit.allows(value) {
                let what = format!("{figure} is {value}, and {limit} was promised");
                self.missed(limit.invariant, what);
            }
        }
        Ok(())
    }

    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.broken.is_empty()
    }

    /// How often each promise was broken.
    #[must_use]
    pub fn verdicts(&self) -> BTreeMap<Invariant, usize> {
        let mut verdicts = BTreeMap::new();
        for broken in &self.broken {
            *verdicts.entry(broken.invariant()).or_default() += 1;
        }
        verdicts
    }

    /// The run as one line of JSON.
    #[must_use]
    pub fn line(&self) -> String {
        let broken: BTreeMap<_, _> =
            self.verdicts().into_iter().map(|(it, count)| (it.to_string(), count)).collect();
        serde_json::json!({
            "scenario": self.name,
            "seed": self.seed,
            "form": if self.short { "short" } else { "full" },
            "verdict": if self.is_kept() { "kept" } else { "BROKEN" },
            "figures": self.figures,
            "broken": broken,
            "notes": self.notes,
        })
        .to_string()
    }

    /// The first broken promises, one in a line; empty when all were kept.
    #[must_use]
    pub fn complaints(&self) -> String {
        let mut lines = Vec::new();
        let mut told: BTreeMap<Invariant, usize> = BTreeMap::new();
        for broken in &self.broken {
            let count = told.entry(broken.invariant()).or_default();
            *count += 1;
            if *count <= TOLD {
                lines.push(format!("    {broken}"));
            }
        }
        for (invariant, count) in told.into_iter().filter(|(_, count)| TOLD < *count) {
            lines.push(format!("    {invariant}: {} more", count - TOLD));
        }
        lines.join("\n")
    }
}

/// What a figure may be.
#[derive(Clone, Copy, Debug)]
struct Limit {
    min: Option<f64>,
    max: Option<f64>,
    invariant: Invariant,
    /// It is in the table for all scenarios, and some do not measure it.
    for_all: bool,
}

impl Limit {
    fn allows(self, value: f64) -> bool {
        self.min.is_none_or(|min| min <= value) && self.max.is_none_or(|max| value <= max)
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(formatter, "{min} to {max}"),
            (Some(min), None) => write!(formatter, "at least {min}"),
            (None, Some(max)) => write!(formatter, "at most {max}"),
            (None, None) => formatter.write_str("anything"),
        }
    }
}

impl Thresholds {
    /// # Errors
    /// It is no TOML.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self(text.parse().context("the thresholds are TOML")?))
    }

    /// Those of the repository.
    ///
    /// # Errors
    /// They are no TOML.
    pub fn ours() -> Result<Self> {
        Self::parse(include_str!("../../thresholds.toml"))
    }

    /// The limits of one scenario: those of its table, then those of its table below `short`.
    fn of(&self, name: &str, short: bool) -> Result<Vec<(String, Limit)>> {
        let table = |path: &[&str]| {
            let mut at = Some(&self.0);
            for key in path {
                at = at.and_then(|it| it.get(*key)).and_then(toml::Value::as_table);
            }
            at.cloned().unwrap_or_default()
        };
        let general = table(&["all"]);
        let mut own = table(&[name]);
        if short {
            own.extend(table(&["short", name]));
        }
        let mut all = general;
        all.extend(own.clone());
        all.into_iter()
            .map(|(figure, value)| {
                let limit = value.as_table().with_context(|| format!("{name}.{figure}"))?;
                let number = |key: &str| {
                    limit.get(key).and_then(|it| {
                        it.as_float().or_else(|| it.as_integer().map(|it| it as f64))
                    })
                };
                let invariant = match limit.get("invariant").and_then(toml::Value::as_str) {
                    Some("I9") => Invariant::I9,
                    Some("I14") => Invariant::I14,
                    Some("I15") => Invariant::I15,
                    _ => Invariant::I16,
                };
                let for_all = !own.contains_key(&figure);
                let limit = Limit { min: number("min"), max: number("max"), invariant, for_all };
                Ok((figure, limit))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[all]\nunknown = { max = 0 }\n\
        [t1]\nback_p99_ms = { max = 4000 }\n\
        [short.t1]\nback_p99_ms = { max = 9000, invariant = \"I9\" }\n";

    fn judged(short: bool, back: Option<f64>) -> Report {
        let mut report = Report::new("t1", 7, short);
        report.figure("unknown", 0.0);
        if let Some(back) = back {
            report.figure("back_p99_ms", back);
        }
        report.judge(&Thresholds::parse(TEXT).unwrap()).unwrap();
        report
    }

    #[test]
    fn a_figure_beyond_its_limit_breaks_the_run() {
        assert!(judged(false, Some(4_000.0)).is_kept());
        let late = judged(false, Some(4_001.0));
        assert_eq!(late.verdicts(), BTreeMap::from([(Invariant::I16, 1)]));
        assert!(late.complaints().contains("back_p99_ms is 4001"), "{}", late.complaints());
    }

    #[test]
    fn a_short_run_may_have_limits_of_its_own() {
        assert!(judged(true, Some(9_000.0)).is_kept());
        assert_eq!(judged(true, Some(9_001.0)).verdicts(), BTreeMap::from([(Invariant::I9, 1)]));
    }

    #[test]
    fn a_figure_that_was_promised_and_not_measured_breaks_the_run() {
        assert!(!judged(false, None).is_kept());
    }

    #[test]
    fn the_thresholds_of_the_repository_can_be_read() {
        let thresholds = Thresholds::ours().unwrap();
        for name in thresholds.0.keys().filter(|name| *name != "short") {
            thresholds.of(name, true).unwrap();
        }
    }

    #[test]
    fn the_line_is_json_with_the_seed_and_the_verdict() {
        let line: serde_json::Value = serde_json::from_str(&judged(false, None).line()).unwrap();
        assert_eq!((line["seed"].as_u64(), line["verdict"].as_str()), (Some(7), Some("BROKEN")));
        assert_eq!(line["broken"]["I16"], 1);
    }
}
