//! Sets up the log: lines on standard error, so that standard output stays for what programs read.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::util::TryInitError;

use crate::config::{Config, LogFormat};

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("read the log filter")]
    Filter(#[from] ParseError),
    #[error("there is a log already")]
    Already(#[from] TryInitError),
}

/// Starts the log of this process.
///
/// # Errors
/// The filter is wrong, or it was started before.
pub fn start(config: &Config) -> Result<(), LogError> {
    let filter = EnvFilter::builder().parse(&config.log)?;
    let terminal = io::stderr().is_terminal();
    let log = fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(terminal);
    if in_json(config.log_format, terminal) {
        log.json().flatten_event(true).finish().try_init()?;
    } else {
        log.finish().try_init()?;
    }
    Ok(())
}

fn in_json(format: LogFormat, terminal: bool) -> bool {
    match format {
        LogFormat::Auto => !terminal,
        LogFormat::Json => true,
        LogFormat::Text => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_at_a_terminal_get_text_and_programs_get_json() {
        assert!(!in_json(LogFormat::Auto, true));
        assert!(in_json(LogFormat::Auto, false));
        assert!(in_json(LogFormat::Json, true));
        assert!(!in_json(LogFormat::Text, false));
    }
}
