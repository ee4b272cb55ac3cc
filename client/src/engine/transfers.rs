//! Which files go to and fro now. What is to be done stands on the disk; what runs is a few jobs, each on a
//! stream of the connection in use, which begin again where they were when that goes.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use thrive_protocol::ids::{FileId, UserId};
use thrive_protocol::request::Request;
use tokio::task::AbortHandle;
use tracing::{debug, warn};

use super::asking::{Ask, Effect};
use super::hub::Hub;
use super::life::Life;
use super::sending::now_ms;
use super::{Answer, Job, Offering, tell};
use crate::cache::files::{self, Task, Work};
use crate::session::LinkId;
use crate::transfer::download::Wanted;
use crate::transfer::{Outcome, Teller, download, partial, upload};
use crate::types::{Change, Failure, File, FileState, Message, MessageKey};

/// Files each way at once: as many as the server lets through.
const AT_ONCE: usize = 2;
/// After something went wrong, before trying again; twice as long each time in a row, and never longer than
/// `LONGEST`.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);
/// Until the log has told what came of it.
const SETTLE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Transfers {
    /// When to look what is to be done.
    due: Option<Instant>,
    looking: bool,
    running: BTreeMap<MessageKey, Running>,
    /// Not before that moment.
    resting: BTreeMap<MessageKey, Instant>,
    /// How often each was put off in a row.
    put_off: BTreeMap<MessageKey, u32>,
}

struct Running {
    /// Tells it from others that ended before.
    number: u64,
    id: FileId,
    is_upload: bool,
    job: AbortHandle,
}

impl Transfers {
    /// Something may have become possible.
    pub(super) fn look(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.looking)
    }

    fn rest(&mut self, message: MessageKey, until: Instant) {
        self.resting.insert(message, until);
        self.look(until);
    }

    /// Puts one off that could not go on, the longer the oftener.
    fn put_off(&mut self, message: MessageKey, wanted: Option<Duration>, now: Instant) {
        let times = self.put_off.entry(message).or_default();
        let pause = LONGEST.min(PAUSE * 2_u32.pow((*times).min(5)));
        *times += 1;
        self.rest(message, now + pause.max(wanted.unwrap_or_default()));
    }

    /// Ends everything that runs: nobody is logged in any more.
    pub(super) fn end(&mut self) {
        self.running.values().for_each(|running| running.job.abort());
        self.running.clear();
    }

    fn rests_until(&self, message: MessageKey, now: Instant) -> Option<Instant> {
        self.resting.get(&message).copied().filter(|until| now < *until)
    }

    fn has_room(&self, is_upload: bool) -> bool {
        self.running.values().filter(|it| it.is_upload == is_upload).count() < AT_ONCE
    }
}

impl Life {
    /// Takes an offer from a person, as a message that waits.
    pub(super) async fn offer(
        &mut self,
        hub: &Hub,
        peer: UserId,
        offering: Offering,
        answer: Answer<MessageKey>,
        end: Option<Answer<Message>>,
        now: Instant,
    ) {
        let name = offering.offer.name.clone();
        self.put_waiting(hub, peer, &name, Some(offering), answer, end, now).await;
    }

    pub(super) fn tend_transfers(&mut self, hub: &mut Hub, now: Instant) {
        let live = self.link.is_live() && self.link.session.is_some();
        if !live || self.transfers.looking || self.transfers.due.is_none_or(|due| now < due) {
            return;
        }
        (self.transfers.due, self.transfers.looking) = (None, true);
        let cache = self.cache.clone();
        hub.jobs.spawn(async move {
            Job::Work { outcome: cache.run(|db| files::work(db, now_ms())).await }
        });
    }

    /// What is to be done, as the disk says.
    pub(super) fn work(
        &mut self,
        hub: &mut Hub,
        outcome: Result<Vec<Work>, Failure>,
        now: Instant,
    ) {
        self.transfers.looking = false;
        let work = match outcome {
            Ok(work) => work,
            Err(failure) => {
                warn!(error = %failure, "What files are to be sent cannot be read");
                return self.transfers.look(now + PAUSE);
            }
        };
        self.transfers.resting.retain(|_, until| now < *until);
        let Some(session) = &self.link.session else { return };
        let (link, connection) = (session.link(), session.connection());
        for Work { id, file, sha256, task } in work {
            let message = file.message;
            let busy = self.transfers.running.contains_key(&message);
            if busy {
                continue;
            }
            if let Some(until) = self.transfers.rests_until(message, now) {
                // Or nobody would look again.
                self.transfers.look(until);
                continue;
            }
            let is_upload = matches!(task, Task::Upload { .. });
            if task == Task::Tell {
                // The log says it, or it is told again. It tells the sender that I am here, too.
                if !hub.shared.state.lock().model.is_invisible() {
                    self.tell_about(Request::FileReceived { file: id }, now);
                }
                self.transfers.rest(message, now + SETTLE);
                continue;
            }
            if !self.transfers.has_room(is_upload) {
                continue;
            }
            let (connection, size, name) = (connection.clone(), file.size, file.name.clone());
            let teller = Teller::new(std::sync::Arc::clone(&hub.shared), file);
            let number = hub.number();
            let ended = move |outcome| Job::Transferred { link, message, number, outcome };
            let job = match task {
                Task::Upload { source } => hub.jobs.spawn(async move {
                    ended(upload::run(connection, id, source, size, teller).await)
                }),
                Task::Download { folder } => hub.jobs.spawn(async move {
                    let wanted = Wanted { id, name, size, sha256, folder };
                    ended(download::run(connection, wanted, teller).await)
                }),
                Task::Tell => continue,
            };
            self.transfers.running.insert(message, Running { number, id, is_upload, job });
        }
    }

    fn tell_about(&mut self, request: Request, now: Instant) {
        let (answer, _) = tokio::sync::oneshot::channel();
        // Nobody waits for the answer: the log says what came of it.
        self.ask(Ask::new(request, Effect::None, answer, now), now);
    }

    pub(super) async fn transferred(
        &mut self,
        hub: &Hub,
        link: LinkId,
        message: MessageKey,
        number: u64,
        outcome: Outcome,
        now: Instant,
    ) {
        // One that was stopped may have ended before it knew, and another one may run by now.
        if self.transfers.running.get(&message).is_none_or(|running| running.number != number) {
            return;
        }
        let Some(running) = self.transfers.running.remove(&message) else { return };
        debug!(?message, "A transfer has ended");
        if !matches!(outcome, Outcome::Later(_)) {
            self.transfers.put_off.remove(&message);
        }
        match outcome {
            Outcome::Sent => self.transfers.rest(message, now + SETTLE),
            Outcome::Saved(path) => {
                let path = path.to_string_lossy().into_owned();
                let saved = self.cache.run(move |db| files::saved(db, message, &path)).await;
                note(saved);
            }
            Outcome::Later(pause) => {
                // Another connection may be there already.
                if pause.is_none() && !self.link.is_current(link) {
                    self.transfers.rest(message, now);
                } else {
                    self.transfers.put_off(message, pause, now);
                }
            }
            Outcome::Failed(why) => {
                note(self.cache.run(move |db| files::failed(db, message, &why)).await);
                if running.is_upload {
                    // Whoever waits for it learns that it does not come. It may have ended already.
                    self.tell_about(Request::CancelFile { file: running.id }, now);
                }
            }
        }
        hub.shared.progress.forget(message);
        self.tell_file(hub, message).await;
        self.transfers.look(now);
    }

    /// Ends what runs for a file here.
    pub(super) fn stop_transfer(&mut self, hub: &Hub, message: MessageKey, answer: Answer<()>) {
        if let Some(running) = self.transfers.running.remove(&message) {
            running.job.abort();
        }
        hub.shared.progress.forget(message);
        tell(answer, Ok(()));
    }

    /// A job of this kind ended without a result. It is not known which: all are looked at again.
    pub(super) fn transfer_failed(&mut self, job: tokio::task::Id, now: Instant) {
        self.transfers.running.retain(|_, running| running.job.id() != job);
        self.transfers.looking = false;
        self.transfers.look(now + PAUSE);
    }

    /// Something became of these files, by the log.
    pub(super) async fn files_changed(&mut self, hub: &Hub, ids: Vec<FileId>, now: Instant) {
        if ids.is_empty() {
            return;
        }
        match self.cache.run(move |db| files::by_ids(db, &ids, now_ms())).await {
            Ok(files) => {
                for mut file in files {
                    // What another device has fetched, this one may still fetch.
                    let over = file.state.is_over();
                    if over && !(file.wanted && file.state == FileState::Received) {
                        self.forget_transfer(hub, &mut file).await;
                    }
                    hub.shared.progress.show(&mut file);
                    hub.emit(Change::File(file));
                }
            }
            Err(error) => warn!(%error, "What became of a file cannot be read"),
        }
        self.transfers.look(now);
    }

    /// Nothing more becomes of a file here: what runs ends, and no half of it is left.
    async fn forget_transfer(&mut self, hub: &Hub, file: &mut File) {
        let message = file.message;
        if let Some(running) = self.transfers.running.remove(&message) {
            running.job.abort();
            hub.shared.progress.forget(message);
        }
        if !file.wanted {
            return;
        }
        file.wanted = false;
        match self.cache.run(move |db| files::unwant(db, message)).await {
            Ok(folder) => {
                if let (Some(folder), Some(id)) = (folder, file.id) {
                    // There may be none.
                    drop(std::fs::remove_file(partial(&folder, id)));
                }
            }
            Err(error) => warn!(%error, "That a file is not wanted cannot be written down"),
        }
    }

    async fn tell_file(&self, hub: &Hub, message: MessageKey) {
        let read = self.cache.run(move |db| files::of_message(db, message, now_ms())).await;
        if let Ok(Some(mut file)) = read {
            hub.shared.progress.show(&mut file);
            hub.emit(Change::File(file));
        }
    }
}

fn note(written: Result<(), Failure>) {
    if let Err(error) = written {
        warn!(%error, "What became of a transfer cannot be written down");
    }
}

#[cfg(test)]
mod tests;
