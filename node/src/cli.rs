//! The command line of `thrive-node`: what can be asked for, and the words that explain it. Flags stay
//! text here; the configuration parses them, so that all problems are reported together.

pub mod host;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use self::host::{AdminsCommand, BanCommand, InviteCommand, UserCommand};
use crate::config::{Flag, Setting, Sources};

/// The Thrive server. Without a command it serves until it is asked to stop.
#[derive(Debug, Parser)]
#[command(name = "thrive-node", version, after_long_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub flags: Flags,
}

#[derive(Clone, Debug, Eq, PartialEq, Subcommand)]
pub enum Command {
    /// Show the configuration that is in effect and where each value comes from, or all its problems
    CheckConfig,
    /// Say that the data folder was restored from a copy, so that clients read everything again
    Restored,
    /// Bring the database up to date, or only say what it needs
    Migrate {
        /// Change nothing; the exit code is 2 when a step is missing
        #[arg(long)]
        check: bool,
    },
    /// Ask the node on this data folder to hand its people over and to end, and wait until it has
    Drain,
    /// Take over the people of a former Thrive host: accounts, contacts, blocks, bans, waiting messages
    ImportThrive {
        /// Its database, thrive.db; it is only read
        database: PathBuf,
        /// Its configuration, srv.conf: what of it has a counterpart is printed for thrive-node.toml
        #[arg(long, value_name = "FILE")]
        srv_conf: Option<PathBuf>,
        /// Its list of admins, admins.txt
        #[arg(long, value_name = "FILE")]
        admins: Option<PathBuf>,
        /// Say what would be done with every row, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show the fingerprint of the certificate, which people compare when a client asks them
    Fingerprint,
    /// Accounts, while the node runs or not
    #[command(subcommand)]
    User(UserCommand),
    /// Admins, and what they did
    #[command(subcommand)]
    Admin(AdminsCommand),
    /// Who is kept out
    #[command(subcommand)]
    Ban(BanCommand),
    /// Codes for new accounts where sign_up is invite
    #[command(subcommand)]
    Invite(InviteCommand),
}

#[derive(Args, Debug, Default)]
pub struct Flags {
    /// Folder for all that must survive: database, certificate, keys
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<String>,
    /// Configuration file; the default is thrive-node.toml in the data folder, if that is there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and UDP port to listen on; the default is 127.0.0.1:2005, this machine only
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<String>,
    /// What people see as the name of this server
    #[arg(long, global = true, value_name = "TEXT")]
    name: Option<String>,
    /// Who may make an account: open, invite or closed
    #[arg(long, global = true, value_name = "WHO")]
    sign_up: Option<String>,
    /// Log lines to write: a level, or a list such as info,thrive_node=debug
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// How to write them: auto, json or text
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Any other key of the configuration; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

impl Flags {
    /// What the configuration is read from: these flags, and this process.
    #[must_use]
    pub fn sources(self) -> Sources {
        let named = [
            ("--data", "data", self.data),
            ("--listen", "listen", self.listen),
            ("--name", "name", self.name),
            ("--sign-up", "sign_up", self.sign_up),
            ("--log", "log", self.log),
            ("--log-format", "log_format", self.log_format),
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

/// What `check-config` writes: a file that gives the same configuration, with the origin of each value.
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
  thrive-node                                    for this machine only, nothing to configure
  thrive-node --listen 0.0.0.0:2005              for everybody who can reach this machine
  thrive-node --data /srv/thrive --name 'Our club' --sign-up closed
  thrive-node --set limits.connections=500       any key of the configuration
  thrive-node check-config --config node.toml    what would be in effect, and what is wrong
  thrive-node restored                           once, after a copy of the folder was put back
  thrive-node migrate --check                    what a shared database needs before an update
  thrive-node drain --data /srv/thrive           before this node is taken away
  thrive-node import-thrive thrive.db --dry-run  what a former host would bring along
  thrive-node fingerprint                        to compare with what a client shows
  thrive-node admin create ann                   the first admin, or one more
  thrive-node user list --data /srv/thrive       everybody who has an account
  thrive-node ban add bob 3d 'no spam, please'   keep somebody out for three days
  thrive-node invite create --uses 5             a code for five new accounts

Every key is also a variable: THRIVE_NODE_LISTEN, THRIVE_NODE_LIMITS__CONNECTIONS.

Exit codes: 0 stopped as asked, 1 could not run, 2 a migration is missing, 64 wrong command line or configuration.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::config::Config;

    fn flags(arguments: &[&str]) -> Vec<(String, String, String)> {
        let cli = Cli::try_parse_from([&["thrive-node"], arguments].concat()).unwrap();
        let flags = cli.flags.sources().flags;
        flags.into_iter().map(|it| (it.flag, it.key, it.value)).collect()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_are_taken_before_and_after_a_command() {
        let listen = ["--listen", "[::]:1"];
        let check = ["check-config"];
        let expected = ("--listen".to_owned(), "listen".to_owned(), "[::]:1".to_owned());
        for arguments in
            [listen.to_vec(), [&listen, &check[..]].concat(), [&check[..], &listen].concat()]
        {
            assert_eq!(flags(&arguments), std::slice::from_ref(&expected));
        }
    }

    #[test]
    fn any_key_can_be_set_and_a_flag_of_its_own_is_stronger() {
        let all = flags(&["--set", "limits.connections=5", "--name", "a", "--set", "name=b=c"]);
        let keys: Vec<_> =
            all.iter().map(|(_, key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(keys, [("limits.connections", "5"), ("name", "b=c"), ("name", "a")]);
        assert!(Cli::try_parse_from(["thrive-node", "--set", "name"]).is_err());
    }

    #[test]
    fn what_check_config_writes_can_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().display().to_string();
        let arguments = ["thrive-node", "--data", &data, "--name", "A \"quoted\" name"];
        let read = |arguments: &[&str]| {
            let sources = Cli::try_parse_from(arguments).unwrap().flags.sources();
            Config::read(&Sources { variables: Vec::new(), ..sources }).unwrap()
        };
        let (config, settings) = read(&arguments);
        let path = folder.path().join("again.toml");
        std::fs::write(&path, effective(&settings)).unwrap();
        let path = path.display().to_string();
        assert_eq!(read(&["thrive-node", "--config", &path]).0, config);
    }

    #[test]
    fn the_help_has_examples_and_exit_codes() {
        let help = Cli::command().render_long_help().to_string();
        for word in ["check-config", "fingerprint", "--listen", "Examples:", "Exit codes:"] {
            assert!(help.contains(word), "{word}");
        }
    }
}
