//! `cargo xtask test`: every check and every test, with all that they need.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};

use crate::services::Services;
use crate::{a11y, package, shell, system, tidy, tools, windows};

mod counts;
mod deny;

use self::counts::Counts;

#[derive(Args)]
pub(crate) struct Options {
    /// Do only these steps.
    #[arg(long, value_enum, value_name = "STEP")]
    only: Vec<Step>,
    /// Leave these steps out.
    #[arg(long, value_enum, value_name = "STEP")]
    skip: Vec<Step>,
}

/// The steps in their order: quick ones first, and those that share what they compile together.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Step {
    /// Every file is formatted.
    Fmt,
    /// The repository's own rules hold.
    Tidy,
    /// Clippy has nothing to say.
    Clippy,
    /// The documentation of the code builds without a warning.
    Doc,
    /// Everything compiles, programs that the tests start included.
    Build,
    /// Every test.
    Nextest,
    /// Every example in the documentation.
    Doctest,
    /// The desktop client, walked with real keys on a real accessibility bus.
    A11y,
    /// The clients compile for Windows.
    Windows,
    /// What goes into the packages and is not compiled is in order.
    Packages,
    /// Licences, sources and known weaknesses of what we depend on.
    Deny,
}

/// What became of a step.
enum Outcome {
    Fine(Counts),
    Broken(Counts, String),
}

struct Line {
    step: Step,
    outcome: Outcome,
    took: Duration,
}

/// Does the steps and prints the closing table. True when everything passed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let chosen = chosen(options);
    let wants = |step| chosen.contains(&step);
    system::ensure(&[system::BUILD, system::SHOW, system::TEST, system::SERVICES, system::MAIL])?;
    tools::components()?;
    // They take minutes on a fresh machine, so they are fetched while other steps work.
    let deny = wants(Step::Deny).then(|| tools::DENY.ready_later());
    let nextest = wants(Step::Nextest).then(|| tools::NEXTEST.ready_later());
    let mut runner = None;

    let mut lines = Vec::new();
    let mut deny = deny;
    let mut nextest = nextest;
    for step in chosen {
        println!("\n=== {}: {}", name(step), purpose(step));
        let begin = Instant::now();
        let outcome = match step {
            Step::Fmt => plain(shell::run(&mut shell::cargo(&["fmt", "--all", "--check"])))
                .hint("format it: cargo fmt --all"),
            Step::Tidy => judged(tidy::run()).hint("mend what is listed above"),
            Step::Clippy => plain(shell::run(&mut clippy())).hint("mend what clippy says above"),
            Step::Doc => plain(shell::run(&mut doc())).hint("mend the documentation named above"),
            Step::Build => plain(shell::run(&mut build())).hint("mend what does not compile"),
            Step::Nextest => tests(nextest.take().map(joined), &mut runner)
                .hint("run one again: cargo nextest run -p PACKAGE NAME"),
            Step::Doctest => doctests().hint("run them again: cargo test --doc --workspace"),
            Step::A11y => judged(a11y::run(&a11y::Options::default())).hint(
                "walk again: cargo xtask a11y; after a wanted change: cargo xtask a11y --bless",
            ),
            Step::Windows => plain(windows::check()).hint("look for code that only Unix has"),
            Step::Packages => plain(package::check::check()).hint("mend it in packaging/"),
            Step::Deny => plain(deny::check(deny.take().map(joined)))
                .hint("each rule and its reason stands in deny.toml"),
        };
        let took = begin.elapsed();
        let word = if matches!(outcome, Outcome::Fine(_)) { "passed" } else { "FAILED" };
        println!("=== {} {word} in {}", name(step), clock(took));
        if let Outcome::Broken(_, why) = &outcome {
            println!("    {why}");
        }
        lines.push(Line { step, outcome, took });
    }
    close(&lines, runner.as_deref());
    Ok(lines.iter().all(|line| matches!(line.outcome, Outcome::Fine(_))))
}

fn chosen(options: &Options) -> Vec<Step> {
    let wanted = |step: &Step| options.only.is_empty() || options.only.contains(step);
    let steps = Step::value_variants().iter().copied();
    steps.filter(wanted).filter(|step| !options.skip.contains(step)).collect()
}

fn clippy() -> Command {
    let mut cargo = shell::cargo(&["clippy", "--workspace", "--all-targets", "--locked"]);
    cargo.args(["--", "--deny", "warnings"]);
    cargo
}

fn doc() -> Command {
    let mut cargo = shell::cargo(&["doc", "--workspace", "--no-deps", "--locked"]);
    cargo.arg("--document-private-items").env("RUSTDOCFLAGS", "-Dwarnings");
    cargo
}

/// With all targets at once, so that programs and tests share what they compile.
fn build() -> Command {
    shell::cargo(&["build", "--workspace", "--all-targets", "--locked"])
}

/// Runs every test with nextest and keeps its closing line for the end.
fn tests(program: Option<Result<std::path::PathBuf>>, summary: &mut Option<String>) -> Outcome {
    let program = match program {
        Some(Ok(program)) => program,
        Some(Err(error)) => return Outcome::Broken(Counts::default(), format!("{error:#}")),
        None => return Outcome::Broken(Counts::default(), "nextest was not asked for".to_owned()),
    };
    let mut nextest = shell::command(program);
    nextest.args(["nextest", "run", "--workspace", "--locked", "--profile", "ci"]);
    // Each test is a process, and would otherwise start servers of its own. They end with this.
    let services = match Services::start() {
        Ok(services) => services,
        Err(error) => return Outcome::Broken(Counts::default(), format!("{error:#}")),
    };
    nextest.envs(services.environment());
    let (well, lines) = match shell::watch(&mut nextest) {
        Ok(seen) => seen,
        Err(error) => return Outcome::Broken(Counts::default(), format!("{error:#}")),
    };
    let closing = counts::nextest_summary(&lines);
    *summary = closing.map(|(line, _)| line.to_owned());
    let counts = closing.map(|(_, counts)| counts).unwrap_or_default();
    if well {
        Outcome::Fine(counts)
    } else {
        Outcome::Broken(counts, "a test failed, or nothing could be tested".to_owned())
    }
}

fn doctests() -> Outcome {
    let mut cargo = shell::cargo(&["test", "--doc", "--workspace", "--locked"]);
    match shell::watch(&mut cargo) {
        Ok((true, lines)) => Outcome::Fine(counts::doctests(&lines)),
        Ok((false, lines)) => {
            Outcome::Broken(counts::doctests(&lines), "an example failed".to_owned())
        }
        Err(error) => Outcome::Broken(Counts::default(), format!("{error:#}")),
    }
}

/// A step that counts as one check.
fn plain(result: Result<()>) -> Outcome {
    match result {
        Ok(()) => Outcome::Fine(Counts { passed: 1, failed: 0 }),
        Err(error) => Outcome::Broken(Counts { passed: 0, failed: 1 }, format!("{error:#}")),
    }
}

/// A step that has printed its own complaints.
fn judged(result: Result<bool>) -> Outcome {
    match result {
        Ok(true) => plain(Ok(())),
        Ok(false) => plain(Err(anyhow!("see the complaints above"))),
        Err(error) => plain(Err(error)),
    }
}

fn joined<T>(work: std::thread::JoinHandle<Result<T>>) -> Result<T> {
    work.join().map_err(|_| anyhow!("the installation broke off")).context("a tool is missing")?
}

impl Outcome {
    /// Says what to do about it, if it is broken.
    fn hint(self, hint: &str) -> Self {
        match self {
            Self::Fine(counts) => Self::Fine(counts),
            // Something that is red counts at least once.
            Self::Broken(counts, why) => Self::Broken(
                Counts { failed: counts.failed.max(1), ..counts },
                format!("{why}. What to do: {hint}"),
            ),
        }
    }
}

/// The closing table, the runner's own summary, and the line that machines read.
fn close(lines: &[Line], runner: Option<&str>) {
    println!("\n=== Summary");
    let mut total = Counts::default();
    for Line { step, outcome, took } in lines {
        let (word, counts) = match outcome {
            Outcome::Fine(counts) => ("passed", counts),
            Outcome::Broken(counts, _) => ("FAILED", counts),
        };
        total = total.and(*counts);
        println!("{:<8} {word:<6} {:>8}  {}", name(*step), clock(*took), purpose(*step));
    }
    let whole: Duration = lines.iter().map(|line| line.took).sum();
    println!("{:<8} {:<6} {:>8}", "all", "", clock(whole));
    if let Some(runner) = runner {
        println!("{}", runner.trim());
    }
    println!("{} passed, {} failed", total.passed, total.failed);
}

fn name(step: Step) -> String {
    step.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn purpose(step: Step) -> String {
    let help = step.to_possible_value().and_then(|value| value.get_help().cloned());
    help.map(|help| help.to_string()).unwrap_or_default()
}

fn clock(took: Duration) -> String {
    format!("{} m {:02} s", took.as_secs() / 60, took.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_choice_every_step_is_done() {
        let all = chosen(&Options { only: vec![], skip: vec![] });
        assert_eq!(all, Step::value_variants());
    }

    #[test]
    fn what_is_skipped_is_skipped_even_if_it_was_chosen() {
        let options = Options { only: vec![Step::Fmt, Step::Tidy], skip: vec![Step::Fmt] };
        assert_eq!(chosen(&options), [Step::Tidy]);
    }

    #[test]
    fn a_red_step_counts_as_a_failure_even_when_it_counted_nothing() {
        let outcome = Outcome::Broken(Counts::default(), "why".to_owned()).hint("do this");
        let Outcome::Broken(counts, why) = outcome else { panic!("it stays broken") };
        assert_eq!(counts, Counts { passed: 0, failed: 1 });
        assert_eq!(why, "why. What to do: do this");
    }

    #[test]
    fn every_step_says_what_it_is_for() {
        for step in Step::value_variants() {
            assert!(!purpose(*step).is_empty(), "{}", name(*step));
        }
    }
}
