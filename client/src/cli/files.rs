//! `thrive send-file` and `thrive files`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use thrive_client::{Change, Changes, Client, Failure, File, FileState, MessageKey};
use tokio::time::timeout;

use super::Trouble;
use super::args::{FilesCommand, Folder};
use super::context::{Context, name_of};
use super::records;

const DECLINED: &str = "declined";
/// For the server to answer an offer; longer than any restart of it should take.
const OFFERED: Duration = Duration::from_secs(60);
/// For the last word about a file that is here already.
const TOLD: Duration = Duration::from_secs(5);

pub(crate) async fn send(context: &Context, user: &str, files: &[PathBuf]) -> Result<(), Trouble> {
    let client = context.online().await?;
    let mut changes = client.changes();
    let peer = client.open_chat(user).await?;
    let (mut sent, mut trouble) = (BTreeSet::new(), None);
    for path in files {
        let offered = timeout(OFFERED, client.offer_file_and_wait(peer, path)).await;
        match offered {
            Ok(Ok(message)) => {
                sent.insert(message.key);
            }
            Ok(Err(failure)) => {
                let refused = context.output.complain_of(&path.display(), &failure.into());
                trouble.get_or_insert(refused);
            }
            Err(_) => {
                let why =
                    "no answer yet; the offer is in the outbox and goes out with the next command";
                trouble.get_or_insert_with(|| Failure::Unreachable(why.to_owned()).into());
            }
        }
    }
    let there = |file: &File| {
        file.failed.is_some()
            || match file.state {
                FileState::Waiting | FileState::Offered | FileState::Accepted => false,
                FileState::OfferRefused(_)
                | FileState::Ready
                | FileState::Available
                | FileState::Received
                | FileState::Declined
                | FileState::Cancelled
                | FileState::NotAsOffered
                | FileState::Expired => true,
            }
    };
    let files = until(context, &client, &mut changes, sent, there).await?;
    client.close().await;
    let complaint = complain(context, &files);
    trouble.or(complaint).map_or(Ok(()), Err)
}

/// Why a file that was waited for does not get there, if it does not.
fn went_wrong(file: &File) -> Option<String> {
    let bad = if file.mine {
        matches!(file.state, FileState::NotAsOffered | FileState::Expired)
    } else {
        file.saved.is_none()
    };
    let ended = bad.then(|| super::words::file_state(file));
    file.failed.as_deref().map(super::words::given_up).or(ended)
}

/// Says which of them went wrong. What is left is the exit code.
fn complain(context: &Context, files: &[File]) -> Option<Trouble> {
    let mut trouble = None;
    for file in files {
        if let Some(why) = went_wrong(file) {
            let said = context.output.complain_of(&file.name, &Trouble::Local(why));
            trouble.get_or_insert(said);
        }
    }
    trouble
}

pub(crate) async fn files(context: &Context, command: FilesCommand) -> Result<(), Trouble> {
    let client = context.online().await?;
    let mut changes = client.changes();
    let result = match command {
        FilesCommand::List => list(context, &client).await,
        FilesCommand::Accept { which, to, only } => {
            let folder = if only { None } else { Some(folder(to)?) };
            let found = find(&client, &which.ids).await?;
            let mut wanted = BTreeSet::new();
            for file in found {
                client.accept_file(file.message, folder.as_deref()).await?;
                wanted.insert(file.message);
            }
            match folder {
                Some(_) => fetched(context, &client, &mut changes, wanted).await,
                None => Ok(()),
            }
        }
        FilesCommand::Get { which, to } => {
            let folder = folder(to)?;
            let mut wanted = BTreeSet::new();
            for file in find(&client, &which.ids).await? {
                may_be_fetched(&file)?;
                client.fetch_file(file.message, &folder).await?;
                wanted.insert(file.message);
            }
            fetched(context, &client, &mut changes, wanted).await
        }
        FilesCommand::Decline { which } => {
            for file in find(&client, &which.ids).await? {
                client.decline_file(file.message).await?;
                ended(context, &client, &file, DECLINED)?;
            }
            Ok(())
        }
        FilesCommand::Cancel { which } => {
            for file in find(&client, &which.ids).await? {
                client.cancel_file(file.message).await?;
                let what = if file.mine { "taken back" } else { "not fetched any more" };
                ended(context, &client, &file, what)?;
            }
            Ok(())
        }
    };
    client.close().await;
    result
}

async fn list(context: &Context, client: &Client) -> Result<(), Trouble> {
    for file in client.files().await? {
        say(context, client, &file)?;
    }
    Ok(())
}

fn say(context: &Context, client: &Client, file: &File) -> Result<(), Trouble> {
    let (line, record) = records::file(file, &name_of(client, file.peer));
    context.output.say(&line, &record)
}

/// What this command did to a file, whose state is told by the log a moment later.
fn ended(context: &Context, client: &Client, file: &File, what: &str) -> Result<(), Trouble> {
    let with = name_of(client, file.peer);
    let kind = if what == DECLINED { "file_declined" } else { "file_cancelled" };
    let id = file.id.map(|id| id.0);
    let record = json!({
        "type": kind,
        "id": id,
        "message": file.message.0,
        "with": with,
        "mine": file.mine,
        "name": file.name,
    });
    context.output.say(&format!("{}: {what}", file.name), &record)
}

fn folder(to: Folder) -> Result<PathBuf, Trouble> {
    let folder = to.to.or_else(thrive_client::default_files_folder);
    folder.ok_or_else(|| Trouble::Usage("no home folder is known; say --to FOLDER".to_owned()))
}

async fn find(client: &Client, ids: &[i64]) -> Result<Vec<File>, Trouble> {
    let known = client.files().await?;
    let find = |id: &i64| {
        let found = known.iter().find(|file| file.id.is_some_and(|it| it.0 == *id));
        found.cloned().ok_or_else(|| Trouble::Usage(format!("there is no file {id}")))
    };
    ids.iter().map(find).collect()
}

/// Waiting for what will not come by itself would be waiting for ever.
fn may_be_fetched(file: &File) -> Result<(), Trouble> {
    let why = match file.state {
        FileState::Accepted | FileState::Available | FileState::Received => return Ok(()),
        FileState::Offered | FileState::Ready => "accept it first",
        FileState::Waiting
        | FileState::OfferRefused(_)
        | FileState::Declined
        | FileState::Cancelled
        | FileState::NotAsOffered
        | FileState::Expired => "the server does not have it",
    };
    Err(Trouble::Usage(format!("{}: {why}", file.name)))
}

/// Waits until these are on this disk, and the server knows.
async fn fetched(
    context: &Context,
    client: &Client,
    changes: &mut Changes,
    wanted: BTreeSet<MessageKey>,
) -> Result<(), Trouble> {
    let done = |file: &File| {
        file.saved.is_some() || file.failed.is_some() || file.state.is_over() && !file.wanted
    };
    let files = until(context, client, changes, wanted, done).await?;
    let told = async {
        for file in &files {
            while client.file(file.message).await?.state == FileState::Available {
                if changes.next().await.is_none() {
                    return Ok(());
                }
            }
        }
        Ok::<_, Failure>(())
    };
    // What is not told now is told the next time.
    if let Ok(told) = timeout(TOLD, told).await {
        told?;
    }
    complain(context, &files).map_or(Ok(()), Err)
}

/// Waits until all of them are there, and prints each as soon as it is. How far they are goes to standard
/// error.
async fn until(
    context: &Context,
    client: &Client,
    changes: &mut Changes,
    mut open: BTreeSet<MessageKey>,
    there: impl Fn(&File) -> bool,
) -> Result<Vec<File>, Trouble> {
    let mut done = Vec::new();
    let mut shown = None;
    loop {
        for message in open.clone() {
            let file = client.file(message).await?;
            if there(&file) {
                open.remove(&message);
                // What went wrong is said once, at the end; programs get the record as well.
                if context.output.is_json() || went_wrong(&file).is_none() {
                    say(context, client, &file)?;
                }
                done.push(file);
            }
        }
        if open.is_empty() {
            return Ok(done);
        }
        match changes.next().await {
            Some(Change::File(file)) if open.contains(&file.message) => {
                let tenth = file.done.saturating_mul(10).checked_div(file.size).unwrap_or(0);
                if shown.replace((file.message, tenth)) != Some((file.message, tenth)) && 0 < tenth
                {
                    context.output.note(&format!("{}: {} %", file.name, tenth * 10));
                }
            }
            Some(_) => {}
            None => return Err(Failure::NotLoggedIn.into()),
        }
    }
}
