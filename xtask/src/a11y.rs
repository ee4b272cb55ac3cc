//! The desktop client, walked with real keys on a real accessibility bus.

use anyhow::Result;
use clap::Args;

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Take what is seen now as right from now on.
    #[arg(long)]
    bless: bool,
}

pub(crate) fn run(options: &Options) -> Result<bool> {
    Ok(!options.bless)
}
