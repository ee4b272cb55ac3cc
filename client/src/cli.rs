//! From arguments to one command, and from its end to an exit code.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod args;
pub(crate) mod chat;
pub(crate) mod config;
pub(crate) mod contacts;
pub(crate) mod context;
pub(crate) mod email;
pub(crate) mod files;
pub(crate) mod output;
pub(crate) mod password;
pub(crate) mod people;
pub(crate) mod records;
pub(crate) mod server;
pub(crate) mod status;
pub(crate) mod tail;
pub(crate) mod words;

use std::process::ExitCode;

use clap::CommandFactory as _;
use thrive_client::{Code, Failure};
use tracing_subscriber::EnvFilter;

use self::args::{Arguments, Command};
use self::config::Environment;
use self::context::Context;
use self::output::Output;

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) enum Trouble {
    Failure(Failure),
    /// It was called in a way that makes no sense.
    Usage(String),
    Local(String),
    /// Whoever read our output has gone; there is nobody to tell anything.
    Closed,
    /// It was told already; what is left is the exit code.
    Said(u8),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Trouble {
    /// The exit code. They are listed in `--help` and never change their meaning.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Failure(failure) => match failure {
                Failure::Refused { code: Code::SessionEnded | Code::LoginRequired, .. }
                | Failure::NotLoggedIn => 4,
                Failure::Refused { .. } | Failure::Banned { .. } | Failure::OverQuota { .. } => 1,
                Failure::Unreachable(_) | Failure::NotThrive(_) => 3,
                Failure::ServerChanged { .. } => 5,
                Failure::Invalid(_) => 2,
                Failure::Local(_) => 6,
            },
            Self::Usage(_) => 2,
            Self::Local(_) => 6,
            Self::Closed => 0,
            Self::Said(code) => *code,
        }
    }
}

/// The arguments make no sense, or ask for help.
pub(crate) fn not_understood(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wants_json {
        let words = error.to_string();
        let first = words.lines().next().unwrap_or_default();
        let why = first.strip_prefix("error: ").unwrap_or(first).to_owned();
        return Output::new(true).trouble(&Trouble::Usage(why));
    }
    // If even that cannot be printed, the exit code says it.
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Logs go to standard error, and only when they are asked for: output is for people and programs.
pub(crate) fn log(environment: &Environment) {
    let Some(filter) = &environment.log else { return };
    let filter = EnvFilter::builder().parse_lossy(filter);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

pub(crate) async fn run(
    arguments: Arguments,
    environment: Environment,
    output: Output,
) -> Result<(), Trouble> {
    if let Command::Completions { shell } = arguments.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Arguments::command(), "thrive", &mut script);
        return output.raw(&script);
    }
    let context = Context::new(arguments.global, environment, output)?;
    match arguments.command {
        Command::Account(command) => account::account(&context, command).await,
        Command::Login { username, password } => {
            account::log_in(&context, &username, &password).await
        }
        Command::Logout => account::log_out(&context).await,
        Command::Whoami => account::who_am_i(&context).await,
        Command::Contacts { command } => {
            contacts::contacts(&context, command.unwrap_or_default()).await
        }
        Command::Send { user, text } => chat::send(&context, &user, text).await,
        Command::SendFile { user, files } => files::send(&context, &user, &files).await,
        Command::Files { command } => files::files(&context, command.unwrap_or_default()).await,
        Command::History { user, limit, read } => chat::history(&context, &user, limit, read).await,
        Command::Tail(options) => tail::tail(&context, options).await,
        Command::Status { availability, text } => {
            status::status(&context, availability, text).await
        }
        Command::Directory(options) => people::directory(&context, options).await,
        Command::Privacy(options) => people::privacy(&context, options).await,
        Command::Conversations { all } => people::conversations(&context, all).await,
        Command::Sessions { command } => {
            account::sessions(&context, command.unwrap_or_default()).await
        }
        Command::Admin { words, password } => admin::admin(&context, &words, &password).await,
        Command::Server(command) => server::server(&context, command).await,
        Command::Password(command) => account::password(&context, command).await,
        Command::Completions { .. } => Ok(()),
    }
}
