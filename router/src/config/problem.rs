//! What is wrong with a configuration, in words for the operator.

use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The key, or the file as a whole.
    pub about: String,
    /// What is wrong with it, the offending value included unless it may be a secret.
    pub wrong: String,
    /// What would be right.
    pub allowed: String,
    /// A line of a file, a variable, a flag.
    pub origin: String,
}

/// Everything that is wrong. Never empty.
#[derive(Debug, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { about, wrong, allowed, origin } = self;
        write!(formatter, "{about}: {wrong}; allowed: {allowed} (from {origin})")
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(formatter, "The configuration has 1 problem:")?,
            many => write!(formatter, "The configuration has {many} problems:")?,
        }
        for problem in &self.0 {
            write!(formatter, "\n  {problem}")?;
        }
        Ok(())
    }
}
