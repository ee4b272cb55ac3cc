//! What can be typed after `thrive`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const AFTER: &str = "\
Examples:
  thrive account create ann            make an account (asks for a password)
  thrive account forgot ann            have a code sent for another password
  thrive login ann                     log in on this computer
  thrive contacts add bob \"It is Ann\"  ask Bob to be a contact
  thrive send bob \"Hello\"              send a message and wait until it is stored
  echo \"Hello\" | thrive send bob -     the same, from a pipe
  thrive send-file bob report.pdf      offer a file
  thrive tail --json                   follow everything that arrives, one JSON object a line

Passwords are never arguments: they are asked for, or read from --password-file, or from the
environment variable THRIVE_PASSWORD.

The server: --server, else THRIVE_SERVER, else client.conf in the configuration folder or beside
this program ([server] host = \"...\", port = 2005), else 127.0.0.1:2005.

Exit codes:
  0 done   1 refused by the server   2 wrong usage   3 server not reachable   4 not logged in
  5 the server's certificate has changed   6 a problem on this computer";

/// Thrive Messenger for terminals, scripts and bots.
#[derive(Debug, Parser)]
#[command(name = "thrive", version, after_help = AFTER, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Print one JSON object a line, errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug)]
pub(crate) struct Global {
    /// The server: HOST or HOST:PORT
    #[arg(long, global = true, value_name = "HOST[:PORT]")]
    pub(crate) server: Option<String>,
    /// Where logins, messages and known servers are kept
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// Which account to use, when several are logged in on this computer
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account, verify it, replace a forgotten password, change the e-mail address
    #[command(subcommand)]
    Account(AccountCommand),
    /// Log in on this computer
    #[command(after_help = "Example: thrive login ann --password-file ~/.thrive-password")]
    Login {
        username: String,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Log out on this computer; the login is void afterwards
    Logout,
    /// Who is logged in here
    Whoami,
    /// The contact list
    #[command(visible_alias = "contact")]
    Contacts {
        #[command(subcommand)]
        command: Option<ContactsCommand>,
    },
    /// Send a message, and wait until the server has stored it
    #[command(after_help = "Example: uptime | thrive send bob")]
    Send {
        /// Who gets it
        user: String,
        /// The text; `-` or nothing: read it from standard input
        text: Option<String>,
    },
    /// Offer files to somebody, and wait until the server has all of them
    #[command(
        after_help = "Each file is accepted or declined on its own. What was interrupted goes \
        on with `thrive tail`, or with the next program that stays.\n\n\
        Example: thrive send-file bob report.pdf photo.jpg"
    )]
    SendFile {
        /// Who gets them
        user: String,
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Files that were offered, by you and to you
    #[command(visible_alias = "file")]
    Files {
        #[command(subcommand)]
        command: Option<FilesCommand>,
    },
    /// Messages with somebody, the newest last
    History {
        user: String,
        /// How many
        #[arg(long, short = 'n', default_value_t = 20)]
        limit: usize,
        /// Mark them as read
        #[arg(long)]
        read: bool,
    },
    /// Follow messages for ever; Ctrl+C ends it
    #[command(after_help = "It goes on where it ended last time. It survives restarts of the \
        server, and prints every message once.\n\nExample: thrive tail --json bob")]
    Tail(TailOptions),
    /// Show or set your own status
    #[command(
        after_help = "Examples:\n  thrive status\n  thrive status away \"out for lunch\"\n  \
        thrive status on-the-phone"
    )]
    Status {
        availability: Option<StatusWord>,
        /// Your own words beside it; without them, none
        text: Option<String>,
    },
    /// People of this server who let themselves be found
    #[command(after_help = "Examples:\n  thrive directory ann\n  thrive directory --online")]
    Directory(DirectoryOptions),
    /// Show or change what others may see of you
    #[command(after_help = "Example: thrive privacy --listed no --last-seen yes")]
    Privacy(PrivacyOptions),
    /// People who wrote to you and are not your contacts
    Conversations {
        /// Also those with contacts and blocked people
        #[arg(long)]
        all: bool,
    },
    /// Where you are logged in
    Sessions {
        #[command(subcommand)]
        command: Option<SessionsCommand>,
    },
    /// About the server
    #[command(subcommand)]
    Server(ServerCommand),
    /// Give an order as an admin; without words, one a line from standard input
    #[command(after_help = "The words are those of the window for commands, with or without the \
        slash; thrive admin help lists them.\n\nExamples:\n  thrive admin ban bob 3d no spam\n  \
        thrive admin alert \"The server moves at eight.\"\n  \
        thrive admin create eve        asks for the password of the new account\n  \
        thrive admin audit 50")]
    Admin {
        /// The order: ban bob 12/24/2026 spam; what begins with a dash goes behind --
        #[arg(allow_negative_numbers = true)]
        words: Vec<String>,
        /// Of the account that create makes
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Change your password
    #[command(subcommand)]
    Password(PasswordCommand),
    /// Print completions for a shell
    #[command(after_help = "Example: thrive completions bash > \
        ~/.local/share/bash-completion/completions/thrive")]
    Completions { shell: Shell },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account on the server
    #[command(after_help = "Where the server wants an e-mail address, it sends a code there.\n\n\
        Example: thrive account create ann --email ann@example.org")]
    Create {
        username: String,
        /// Where the server sends a code, and others when you forget your password
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        #[command(flatten)]
        password: PasswordFrom,
        /// Log in with it right away
        #[arg(long)]
        login: bool,
        /// The code of an invitation, where the server asks for one
        #[arg(long, value_name = "CODE")]
        invite: Option<String>,
    },
    /// Enter the code that was sent for a new account
    #[command(after_help = "Examples:\n  thrive account verify ann K7QM-R2XP\n  \
        thrive account verify ann --resend")]
    Verify {
        username: String,
        #[arg(required_unless_present = "resend")]
        code: Option<String>,
        /// Have another code sent
        #[arg(long, conflicts_with = "code")]
        resend: bool,
    },
    /// Have a code sent for another password
    Forgot {
        /// The user name, or the e-mail address
        #[arg(value_name = "NAME_OR_ADDRESS")]
        who: String,
    },
    /// Choose another password with the code that was sent; it ends all logins
    #[command(after_help = "Example: thrive account reset ann K7QM-R2XP")]
    Reset {
        username: String,
        code: String,
        /// The new one
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// The e-mail address of the account that is logged in
    Email {
        #[command(subcommand)]
        command: Option<EmailCommand>,
    },
}

#[derive(Debug, Default, Subcommand)]
pub(crate) enum EmailCommand {
    /// Show it, with most of it hidden (the default)
    #[default]
    Show,
    /// Have a code sent to another address; asks for the password
    Change {
        address: String,
        #[command(flatten)]
        password: PasswordFrom,
    },
    /// Enter that code
    Confirm { code: String },
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PasswordFrom {
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

#[derive(Debug, Default, Subcommand)]
pub(crate) enum ContactsCommand {
    /// Everybody in the list (the default)
    #[default]
    List,
    /// Ask somebody to be your contact
    Add {
        user: String,
        /// Shown to them with the request
        #[arg(default_value = "")]
        text: String,
    },
    /// Say yes to somebody who asked
    Accept { user: String },
    /// Say no; they are not told
    Decline { user: String },
    /// Take somebody off the list, or your request back
    Remove { user: String },
    /// Let nothing of theirs reach you
    Block { user: String },
    /// Take a block back
    Unblock { user: String },
    /// Give somebody a name of your own; without one, take it away
    Name {
        user: String,
        #[arg(default_value = "")]
        name: String,
    },
    /// Put a contact into a group of yours; without one, take them out
    Group {
        user: String,
        #[arg(default_value = "")]
        group: String,
    },
    /// Put everybody in a group of yours into another one; without one, take them out
    #[command(after_help = "A group of the new name that is there already is joined.\n\n\
        Example: thrive contacts rename-group Choir Singers")]
    RenameGroup {
        /// The group, as it is called now
        old: String,
        #[arg(default_value = "")]
        new: String,
    },
}

#[derive(Debug, Default, Subcommand)]
pub(crate) enum FilesCommand {
    /// All that this computer knows of, the newest first (the default)
    #[default]
    List,
    /// Say yes, and fetch them
    #[command(after_help = "Example: thrive files accept 57221004318901 --to ~/Downloads")]
    Accept {
        #[command(flatten)]
        which: FileNumbers,
        #[command(flatten)]
        to: Folder,
        /// Say yes only; another device fetches them, or `thrive files get`
        #[arg(long)]
        only: bool,
    },
    /// Say no
    Decline {
        #[command(flatten)]
        which: FileNumbers,
    },
    /// Fetch what was accepted; again, if it was fetched before
    Get {
        #[command(flatten)]
        which: FileNumbers,
        #[command(flatten)]
        to: Folder,
    },
    /// Take an offer of yours back, or stop fetching one of theirs
    Cancel {
        #[command(flatten)]
        which: FileNumbers,
    },
}

#[derive(Args, Debug)]
pub(crate) struct FileNumbers {
    /// Numbers of files, from the list
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<i64>,
}

#[derive(Args, Debug)]
pub(crate) struct Folder {
    /// Where they are put; without it, ThriveMessenger/files in your documents
    #[arg(long, value_name = "FOLDER")]
    pub(crate) to: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct TailOptions {
    /// Only messages with this person
    pub(crate) user: Option<String>,
    /// Nothing that was there before the start
    #[arg(long)]
    pub(crate) since_start: bool,
    /// Also contacts, presence, the connection, and what becomes of files
    #[arg(long)]
    pub(crate) events: bool,
    /// Mark messages as read once they are printed
    #[arg(long)]
    pub(crate) read: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StatusWord {
    Online,
    Away,
    Busy,
    /// Do not disturb
    Dnd,
    Invisible,
    OnThePhone,
    DoingHomework,
    InTheShower,
    WatchingTv,
    HidingFromTheParents,
    FixingMyPc,
    BatteryAboutToDie,
}

#[derive(Args, Debug)]
pub(crate) struct DirectoryOptions {
    /// A part of the name
    pub(crate) search: Option<String>,
    /// Only people whom you see as online
    #[arg(long, conflicts_with_all = ["offline", "admins"])]
    pub(crate) online: bool,
    /// Only people whom you do not see as online
    #[arg(long, conflicts_with = "admins")]
    pub(crate) offline: bool,
    /// Only admins of the server
    #[arg(long)]
    pub(crate) admins: bool,
    /// At most so many
    #[arg(long, short = 'n', default_value_t = 1_000)]
    pub(crate) limit: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum YesNo {
    Yes,
    No,
}

#[derive(Args, Debug)]
pub(crate) struct PrivacyOptions {
    /// You are in the directory
    #[arg(long)]
    pub(crate) listed: Option<YesNo>,
    /// People in the directory who are not your contacts see your status there
    #[arg(long)]
    pub(crate) presence_to_strangers: Option<YesNo>,
    /// Your contacts see when you were last there
    #[arg(long)]
    pub(crate) last_seen: Option<YesNo>,
}

#[derive(Debug, Default, Subcommand)]
pub(crate) enum SessionsCommand {
    /// All of them (the default)
    #[default]
    List,
    /// End one of them
    Revoke {
        /// Its number from the list
        id: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// What it says about itself
    Info,
    /// Trust its new certificate
    Accept {
        /// As the server prints it: sha256:...
        fingerprint: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PasswordCommand {
    /// Change it; asks for the old and the new one
    Change {
        /// The old one
        #[command(flatten)]
        password: PasswordFrom,
        /// A file whose first line is the new password (or THRIVE_NEW_PASSWORD)
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
        /// End all other logins
        #[arg(long)]
        end_other_sessions: bool,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_of_an_order_stand_before_between_and_behind_its_words() {
        let read = |typed: &[&str]| {
            let typed = [&["thrive"], typed].concat();
            let arguments = Arguments::try_parse_from(typed).map_err(|it| it.to_string())?;
            let Command::Admin { words, password } = arguments.command else {
                return Err("no order".to_owned());
            };
            Ok((words.join(" "), password.password_file, arguments.json, arguments.global.server))
        };
        let expected = || {
            let file = Some(PathBuf::from("f"));
            Ok(("create eve eve@example.org".to_owned(), file, true, Some("a:1".to_owned())))
        };
        let words = ["create", "eve", "eve@example.org"];
        let options = ["--password-file", "f", "--json", "--server", "a:1"];
        for at in 0..=words.len() {
            let (before, behind) = words.split_at(at);
            assert_eq!(read(&[&["admin"], before, &options, behind].concat()), expected());
        }
        let order = |typed: &[&str]| read(typed).unwrap().0;
        assert_eq!(order(&["admin", "alert", "--", "--json"]), "alert --json");
        assert_eq!(order(&["admin", "ban", "bob", "3d", "-5", "-"]), "ban bob 3d -5 -");
        assert!(read(&["admin", "alert", "--loud"]).unwrap_err().contains("--"));
    }

    #[test]
    fn no_argument_is_taken_for_one_of_all_commands() {
        fn check(command: &clap::Command, taken: &[&str]) {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                assert!(!taken.contains(&id), "{id} of {}", command.get_name());
            }
            command.get_subcommands().for_each(|it| check(it, taken));
        }
        let whole = Arguments::command();
        let taken: Vec<_> = whole.get_arguments().map(|it| it.get_id().as_str()).collect();
        assert!(taken.contains(&"account"));
        whole.get_subcommands().for_each(|it| check(it, &taken));
    }

    #[test]
    fn no_argument_takes_a_password() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                assert!(!id.contains("password") || id.ends_with("file"), "{id}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }
}
