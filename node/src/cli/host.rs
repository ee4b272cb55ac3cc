//! The commands by which somebody at the machine of the server manages people: `thrive-node user`, `admin`,
//! `ban` and `invite`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Clone, Debug, Eq, PartialEq, Subcommand)]
pub enum UserCommand {
    /// Everybody who has an account
    List,
    /// Make an account (asks for its password)
    Create {
        name: String,
        /// A file whose first line is the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Delete an account and end its sessions; its name rests for 90 days
    Delete { name: String },
    /// Give somebody another password, end their sessions, and tell them by mail if there is any
    Password {
        name: String,
        /// A file whose first line is the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

#[derive(Clone, Debug, Eq, PartialEq, Subcommand)]
pub enum AdminsCommand {
    /// Make somebody an admin; the account is made, too, if there is none of that name
    Create {
        name: String,
        /// A file whose first line is the password of a new account
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Who is an admin
    List,
    /// Take that right away
    Remove { name: String },
    /// What admins did, the newest first
    Audit {
        /// How many lines
        #[arg(long, short = 'n', default_value_t = 20)]
        lines: u32,
    },
}

#[derive(Clone, Debug, Eq, PartialEq, Subcommand)]
pub enum BanCommand {
    /// Keep somebody out
    Add {
        name: String,
        /// 12/24/2026 or 2026-12-24 (to the end of that day, UTC), 3d, 12h, or forever
        until: String,
        /// What they are told
        reason: Vec<String>,
    },
    /// The bans that are in force, of files as well
    List,
    /// Let somebody in again
    Remove { name: String },
}

#[derive(Clone, Debug, Eq, PartialEq, Subcommand)]
pub enum InviteCommand {
    /// Make a code by which somebody can make an account where sign_up is invite
    Create {
        /// Accounts that can be made by it
        #[arg(long, default_value_t = 1)]
        uses: u32,
        /// Until when: a date, or how long: 12h, 7d, 2w
        #[arg(long, default_value = "7d")]
        until: String,
    },
    /// Those that can still be used; their codes are not kept
    List,
    /// Make one void
    Revoke {
        /// Its number from the list
        id: i64,
    },
}
