//! Breaks things on purpose and checks that nobody notices: `thrive-faults run all`. The programs that it
//! breaks must lie beside it, built with the feature `faults`; `cargo xtask faults` sees to that.
#![expect(clippy::print_stdout, reason = "a command line talks to its terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use thrive_node::faults::Bug;
use thrive_testkit::bin;
use thrive_testkit::faults::planted::Proof;
use thrive_testkit::faults::{Plan, Scenario};

#[derive(Parser)]
#[command(about = "Breaks things on purpose and checks that nobody notices")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Run scenarios, each on a site of its own
    Run {
        /// Names such as t1, or all
        #[arg(default_value = "all")]
        names: Vec<String>,
        #[command(flatten)]
        options: Options,
    },
    /// Plant each bug that is known, and see whether the scenario for it finds it
    Planted {
        #[command(flatten)]
        options: Options,
    },
    /// List the scenarios
    List,
}

#[derive(Args)]
struct Options {
    /// Repeats the load and the faults of an earlier run
    #[arg(long)]
    seed: Option<u64>,
    /// Few people and few seconds
    #[arg(long)]
    short: bool,
    /// People in the crowd, where a scenario does not need a number of its own
    #[arg(long)]
    people: Option<usize>,
    /// Messages a second
    #[arg(long)]
    rate: Option<f64>,
    /// Where to write down everything that every client saw
    #[arg(long)]
    journal: Option<PathBuf>,
    /// Break the contract in this way
    #[arg(long, value_parser = |word: &str| Bug::parse(word).ok_or("no such bug"))]
    bug: Option<Bug>,
}

fn main() -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    match Cli::parse().what {
        What::Run { names, options } => runtime.block_on(run(&names, &options)),
        What::Planted { options } => runtime.block_on(planted(&options)),
        What::List => {
            for scenario in Scenario::ALL {
                println!("{:<5}{}", scenario.name(), scenario.about());
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn run(names: &[String], options: &Options) -> Result<ExitCode> {
    let plan = plan(options)?;
    let mut chosen = Vec::new();
    for name in names {
        match name.as_str() {
            "all" => chosen.extend_from_slice(Scenario::ALL),
            name => chosen.push(Scenario::named(name).with_context(|| format!("no {name}"))?),
        }
    }
    let mut broken = Vec::new();
    for scenario in chosen {
        println!("{}: {}, seed {}", scenario.name(), scenario.about().trim(), plan.seed);
        match scenario.run(&plan).await {
            Ok(report) => {
                println!("{}", report.line());
                if !report.is_kept() {
                    println!("{}", report.complaints());
                    broken.push(scenario.name());
                }
            }
            Err(error) => {
                println!("    could not be carried out: {error:#}");
                broken.push(scenario.name());
            }
        }
    }
    match broken.as_slice() {
        [] => println!("Every promise was kept."),
        broken => println!("Broken, with seed {}: {}", plan.seed, broken.join(", ")),
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The scenarios without a bug must be green, and with it name the promise that it breaks.
async fn planted(options: &Options) -> Result<ExitCode> {
    let plan = Plan { short: true, ..plan(options)? };
    let mut green: Vec<(Scenario, bool)> = Vec::new();
    let (mut planted, mut found) = (0, 0);
    for proof in Proof::all().filter(|it| options.bug.is_none_or(|bug| bug == it.bug)) {
        let scenario = proof.scenario;
        if !green.iter().any(|(it, _)| *it == scenario) {
            println!("{} without a bug, seed {}", scenario.name(), plan.seed);
            let report = scenario.run(&Plan { bug: None, ..plan.clone() }).await?;
            println!("{}\n{}", report.line(), report.complaints());
            green.push((scenario, report.is_kept()));
        }
        println!("{} with the bug {}, seed {}", scenario.name(), proof.bug.word(), plan.seed);
        planted += 1;
        let outcome = proof.run(&plan).await?;
        println!("{}\n{}", outcome.report.line(), outcome.report.complaints());
        match outcome.found {
            Some(invariant) => {
                found += 1;
                println!("{} was found: {invariant}", proof.bug.word());
            }
            None => println!("{} was NOT found, or under another name", proof.bug.word()),
        }
    }
    let red: Vec<_> = green.iter().filter(|(_, kept)| !kept).map(|(it, _)| it.name()).collect();
    if !red.is_empty() {
        println!("Broken without any bug: {}", red.join(", "));
    }
    println!("bugs planted / found: {planted} / {found}");
    let well = red.is_empty() && found == planted;
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plan(options: &Options) -> Result<Plan> {
    Ok(Plan {
        seed: options.seed.unwrap_or_else(Plan::any_seed),
        short: options.short,
        bug: options.bug,
        node: bin("thrive-node")?,
        // Only some scenarios need it, and they say so.
        router: bin("thrive-router").unwrap_or_default(),
        journal: options.journal.clone(),
        people: options.people,
        rate: options.rate,
    })
}
