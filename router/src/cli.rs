//! The command line of `thrive-router`: what can be asked for, and the words that explain it. Flags stay
//! text here; the configuration parses them, so that all problems are reported together.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Flag, Setting, Sources};

/// The load balancer of a Thrive cluster. Without a command it serves until it is asked to stop.
#[derive(Debug, Parser)]
#[command(name = "thrive-router", version, after_long_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub flags: Flags,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, Subcommand)]
pub enum Command {
    /// Show the configuration that is in effect and where each value comes from, or all its problems
    CheckConfig,
}

#[derive(Args, Debug, Default)]
pub struct Flags {
    /// Configuration file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and UDP port that clients dial; the default is 127.0.0.1:2005, this machine only
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Address and UDP port where nodes see the first worker; the default is 127.0.0.1:2100
    #[arg(long, global = true, value_name = "ADDRESS")]
    backend: Option<String>,
    /// File with the secret that all nodes and routers share
    #[arg(long, global = true, value_name = "FILE")]
    secret: Option<String>,
    /// The nodes, where no Redis tells them: "1=10.0.0.7:2011,10.0.0.7:2012 2=10.0.0.8:2011"
    #[arg(long, global = true, value_name = "LIST")]
    nodes: Option<String>,
    /// Log lines to write: a level, or a list such as info,thrive_router=debug
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// Any other key of the configuration; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

impl Flags {
    /// What the configuration is read from: these flags, and this process.
    #[must_use]
    pub fn sources(self) -> Sources {
        let named = [
            ("--listen", "listen", self.listen),
            ("--backend", "backend", self.backend),
            ("--secret", "secret", self.secret),
            ("--nodes", "nodes", self.nodes),
            ("--log", "log", self.log),
        ];
        let flag = |flag: String, key: &str, value| Flag { flag, key: key.to_owned(), value };
        let set =
            self.set.into_iter().map(|(key, value)| flag(format!("--set {key}"), &key, value));
        let named = named.into_iter();
        let named = named.filter_map(|(name, key, value)| Some(flag(name.into(), key, value?)));
        Sources::of_process(self.config, set.chain(named).collect())
    }
}

fn key_and_value(raw: &str) -> Result<(String, String), &'static str> {
    let (key, value) = raw.split_once('=').ok_or("write KEY=VALUE, without spaces around the =")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// What `check-config` writes: each value with its origin. What is no secret can be read again.
#[must_use]
pub fn effective(settings: &[Setting]) -> String {
    let line = |Setting { key, value, origin }: &Setting| match value {
        Some(value) => format!("{key} = {value}  # {origin}\n"),
        None => format!("# {key} is not set\n"),
    };
    settings.iter().map(line).collect()
}

const EXAMPLES: &str = "\
Examples:
  thrive-router --secret cluster.secret --set redis.url=redis://cache:6379
  thrive-router --secret cluster.secret --nodes '1=127.0.0.1:2011 2=127.0.0.1:2021'
  thrive-router --config router.toml --listen '[::]:2005'    for everybody who can reach this machine
  thrive-router check-config --config router.toml            what would be in effect, and what is wrong

Every key is also a variable: THRIVE_ROUTER_LISTEN, THRIVE_ROUTER_REDIS__URL.
SIGUSR1 prints what was counted, as one line of JSON; so does the end.

Exit codes: 0 stopped as asked, 1 could not run, 64 wrong command line or configuration.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::config::Config;

    #[test]
    fn the_command_line_is_consistent_and_helps() {
        Cli::command().debug_assert();
        let help = Cli::command().render_long_help().to_string();
        for word in ["check-config", "--listen", "Examples:", "SIGUSR1", "Exit codes:"] {
            assert!(help.contains(word), "{word}");
        }
    }

    #[test]
    fn what_check_config_writes_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let read = |arguments: &[&str]| {
            let cli = Cli::try_parse_from([&["thrive-router"], arguments].concat()).unwrap();
            Config::read(&Sources { variables: Vec::new(), ..cli.flags.sources() }).unwrap()
        };
        let nodes = "1=10.0.0.7:2011,[::1]:2012 2=10.0.0.8:2011";
        let set = ["--set", "workers=3", "--set", "id=7", "--set", "dual_stack=false"];
        let (config, settings) =
            read(&[&["--secret", "/etc/secret", "--nodes", nodes], &set[..]].concat());
        let path = folder.path().join("again.toml");
        std::fs::write(&path, effective(&settings)).unwrap();
        assert_eq!(read(&["--config", &path.display().to_string()]).0, config);
    }
}
