//! The network thread: turns wishes into calls of the library, and passes on its changes.

mod doors;
mod files;
mod host;
mod social;
mod updates;

use thrive_client::{
    Change, Client, Failure, MessageKey, Options, Presence, Secret, ServerAddress, SignedUp,
    UserId, Username, Vault,
};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::task::{JoinHandle, JoinSet};

use super::Place;
use super::keeper::Keeper;
use super::logs::{BOOKMARK, Logs};
use super::notices::Notices;
use super::tray::Tray;
use super::words::{Deed, DoorNews, News, OpenedChat, Wish};
use crate::links;

/// Runs until the wishes end or `Exit` comes.
pub(super) async fn run(place: Place, mut asked: Receiver<Wish>, news: Sender<News>) {
    let mut bridge = Bridge {
        vault: Vault::open(&place.dir),
        keeper: Keeper::start(place.dir.clone(), place.autostart.clone(), news.clone()),
        notices: Notices::start(&place.dir, news.clone()),
        place,
        tray: Tray::start(news.clone()),
        news: news.clone(),
        line: None,
        calls: JoinSet::new(),
        away: JoinSet::new(),
        attended: false,
    };
    while let Some(wish) = asked.recv().await {
        if wish == Wish::Exit {
            break;
        }
        bridge.perform(wish).await;
    }
    bridge.leave().await;
    // What is left of the program on the desktop goes while there still are windows.
    let Bridge { keeper, notices, tray, .. } = bridge;
    drop((notices, tray));
    keeper.finish().await;
    tell(&news, News::Ended).await;
}

struct Bridge {
    place: Place,
    vault: Vault,
    keeper: Keeper,
    notices: Notices,
    tray: Tray,
    news: Sender<News>,
    line: Option<Connected>,
    /// Calls that wait for the server; they end with the bridge.
    calls: JoinSet<()>,
    /// Watches for how long nothing was touched.
    away: JoinSet<()>,
    /// Somebody has the program before them.
    attended: bool,
}

/// The client of one server, and the task that passes on its changes.
struct Connected {
    client: Client,
    server: ServerAddress,
    listener: JoinHandle<()>,
    logs: Logs,
}

impl Bridge {
    async fn perform(&mut self, wish: Wish) {
        // Calls that are done make room; a person has never this many under way.
        while self.calls.try_join_next().is_some() {}
        if CALLS_MAX <= self.calls.len() {
            self.calls.join_next().await;
        }
        match wish {
            Wish::LogIn { server, username, password, remember, presence } => {
                self.log_in(server, username, password, remember, presence).await;
            }
            Wish::Resume { server, username } => self.resume(server, username).await,
            Wish::CreateAccount { server, username, password, email, invite } => {
                let failed = |it: Result<(), Failure>| {
                    News::Door(DoorNews::Created(it.map(|()| SignedUp::Ready)))
                };
                let Some(client) = self.client_for(&server, failed).await else { return };
                self.call(async move |news| {
                    let result = client.sign_up(&username, password, email.as_deref(), invite);
                    tell(&news, News::Door(DoorNews::Created(result.await))).await;
                });
            }
            Wish::AcceptServer { server, fingerprint } => {
                let Some(client) = self.client_for(&server, News::ServerAccepted).await else {
                    return;
                };
                let result = client.accept_server(&server, &fingerprint).await;
                tell(&self.news, News::ServerAccepted(result)).await;
            }
            Wish::LogOut => self.log_out().await,
            Wish::KeepLogs(chats) => {
                self.line.iter().for_each(|it| it.logs.keep(chats.clone()));
            }
            Wish::OpenLink(link) => self.open_link(link),
            Wish::Keep(settings) => self.keeper.keep(settings).await,
            Wish::StartAtLogin(to) => self.keeper.start_at_login(to).await,
            Wish::Hide => self.tray.ask(),
            Wish::NameTray(name) => self.tray.name(name),
            Wish::Notify { peer, notice } => self.notices.show(peer, notice),
            Wish::Attend(attended) => {
                self.attended = attended;
                self.line.iter().for_each(|it| it.client.attend(attended));
            }
            Wish::Exit => {}
            Wish::ServerInfo
            | Wish::AddContact { .. }
            | Wish::Accept(_)
            | Wish::Decline(_)
            | Wish::Remove(_)
            | Wish::Block(_)
            | Wish::Unblock(_)
            | Wish::SetPresence(_)
            | Wish::OpenChat(_)
            | Wish::Earlier { .. }
            | Wish::Send { .. }
            | Wish::Retry { .. }
            | Wish::Discard { .. }
            | Wish::MarkRead(_)
            | Wish::Typing { .. }
            | Wish::Draft { .. }
            | Wish::LogFrom { .. }
            | Wish::Roster => self.with_client(wish).await,
            Wish::Door(wish) => self.doors(wish),
            Wish::Social(wish) => self.social(wish).await,
            Wish::File(wish) => self.files(wish),
            Wish::Host(wish) => self.host(wish).await,
            Wish::Update(wish) => self.updates(wish),
        }
    }

    /// What needs somebody who is logged in.
    async fn with_client(&mut self, wish: Wish) {
        let Some(connected) = &self.line else { return };
        let client = connected.client.clone();
        match wish {
            // In order and quick: the library only writes them to its own disk.
            Wish::Send { peer, text } => {
                if let Err(failure) = client.send(peer, &text).await {
                    tell(&self.news, News::NotSent { peer, text, failure }).await;
                }
            }
            Wish::Draft { peer, text } => {
                if let Err(error) = client.set_draft(peer, &text).await {
                    tracing::warn!(%error, "A draft is not kept");
                }
            }
            // Before `KeepLogs`, which would write what is older.
            Wish::LogFrom { peer, seq } => {
                if let Err(failure) = client.set_bookmark(BOOKMARK, peer, seq).await {
                    let result = Err(failure);
                    tell(&self.news, News::Done { deed: Deed::Log, result }).await;
                }
            }
            Wish::Roster => self.roster(&client).await,
            Wish::Typing { peer, active } => {
                self.call(async move |_| client.typing(peer, active).await);
            }
            Wish::MarkRead(peer) => {
                self.notices.close(peer);
                self.call(async move |_| {
                    if let Err(error) = client.mark_read(peer).await {
                        tracing::debug!(%error, "A read mark is not set");
                    }
                });
            }
            Wish::ServerInfo => self.call(async move |news| {
                tell(&news, News::Server(client.server_info().await)).await;
            }),
            Wish::AddContact { username, text } => self.call(async move |news| {
                let result = client.add_contact(&username, &text).await;
                tell(&news, News::ContactAdded(result)).await;
            }),
            Wish::OpenChat(username) => self.call(async move |news| {
                let result = open_chat(&client, &username).await;
                tell(&news, News::ChatOpened { username, result }).await;
            }),
            Wish::Earlier { peer, before } => self.call(async move |news| {
                let result = client.earlier(peer, before, PAGE).await;
                tell(&news, News::Earlier { peer, result }).await;
            }),
            Wish::Accept(user) => {
                self.deed(Deed::Accept, async move || client.accept_contact(user).await.map(|_| ()))
            }
            Wish::Decline(user) => {
                self.deed(Deed::Decline, async move || {
                    client.decline_contact(user).await.map(|_| ())
                });
            }
            Wish::Remove(user) => {
                self.deed(Deed::Remove, async move || {
                    client.remove_contact(user).await.map(|_| ())
                });
            }
            Wish::Block(username) => self
                .deed(Deed::Block, async move || client.block(username.as_str()).await.map(|_| ())),
            Wish::Unblock(user) => {
                self.deed(Deed::Unblock, async move || client.unblock(user).await.map(|_| ()));
            }
            Wish::SetPresence(presence) => self.deed(Deed::SetPresence, async move || {
                client.set_presence(presence).await.map(|_| ())
            }),
            Wish::Retry { message, .. } => self.retry(client, message),
            Wish::Discard { message, .. } => {
                self.deed(Deed::Discard, async move || client.discard(message).await.map(|_| ()));
            }
            Wish::LogIn { .. }
            | Wish::Resume { .. }
            | Wish::CreateAccount { .. }
            | Wish::AcceptServer { .. }
            | Wish::LogOut
            | Wish::Exit
            | Wish::Attend(_)
            | Wish::KeepLogs(_)
            | Wish::OpenLink(_)
            | Wish::Keep(_)
            | Wish::StartAtLogin(_)
            | Wish::Hide
            | Wish::NameTray(_)
            | Wish::Door(_)
            | Wish::Social(_)
            | Wish::File(_)
            | Wish::Host(_)
            | Wish::Update(_)
            | Wish::Notify { .. } => {}
        }
    }

    /// On a thread of its own: the program that opens it may stay as long as what it opens, and this
    /// one must be able to end.
    fn open_link(&self, link: String) {
        let news = self.news.clone();
        let started = std::thread::Builder::new().name("link".into()).spawn(move || {
            if let Err(error) = links::open(&link) {
                let result = Err(Failure::Local(error.to_string()));
                // Fails only when the windows are gone.
                drop(news.blocking_send(News::Done { deed: Deed::OpenLink, result }));
            }
        });
        if let Err(error) = started {
            tracing::warn!(%error, "There is no thread for a link");
        }
    }

    fn retry(&mut self, client: Client, message: MessageKey) {
        self.deed(Deed::Retry, async move || client.retry(message).await.map(|_| ()));
    }

    async fn log_in(
        &mut self,
        server: ServerAddress,
        username: String,
        password: Secret,
        remember: bool,
        presence: Option<Presence>,
    ) {
        let failed = |failure| News::NotEntered { server: server.clone(), failure };
        let client = match self.connect(&server).await {
            Ok(client) => client,
            Err(failure) => return tell(&self.news, failed(failure)).await,
        };
        let vault = self.vault.clone();
        let server = server.clone();
        self.call(async move |news| {
            match client.log_in_showing(&username, password, presence).await {
                Ok(account) => {
                    let kept = if remember {
                        vault.save(&server, &account.username, &account.token).await
                    } else {
                        vault.remove(&server, &account.username).await
                    };
                    if let Err(error) = kept {
                        let result = Err(error);
                        tell(&news, News::Done { deed: Deed::KeepToken, result }).await;
                    }
                    entered(&client, &news, account.username, server).await;
                }
                Err(failure) => tell(&news, News::NotEntered { server, failure }).await,
            }
        });
    }

    async fn resume(&mut self, server: ServerAddress, username: Username) {
        let Some(token) = self.vault.load(&server, &username).await else {
            return tell(&self.news, News::NoToken).await;
        };
        let client = match self.connect(&server).await {
            Ok(client) => client,
            Err(failure) => return tell(&self.news, News::NotEntered { server, failure }).await,
        };
        self.call(async move |news| match client.resume(username.as_str(), token).await {
            Ok(()) => entered(&client, &news, username, server).await,
            Err(failure) => tell(&news, News::NotEntered { server, failure }).await,
        });
    }

    async fn log_out(&self) {
        let Some(connected) = &self.line else { return };
        let (client, server) = (connected.client.clone(), connected.server.clone());
        let account = client.account();
        if let Err(error) = client.log_out().await {
            // The server forgets the token when it is next heard of; here it ends now.
            tracing::info!(%error, "The server was not told of the log-out");
        }
        if let Some(account) = account
            && let Err(error) = self.vault.remove(&server, &account.username).await
        {
            tracing::warn!(%error, "The token is not removed");
        }
        tell(&self.news, News::LoggedOut).await;
    }

    /// The client of a server; the one of another server is closed first.
    async fn connect(&mut self, server: &ServerAddress) -> Result<Client, Failure> {
        if let Some(connected) = &self.line
            && connected.server == *server
        {
            return Ok(connected.client.clone());
        }
        self.leave().await;
        let client = Client::open(Options {
            dir: self.place.dir.clone(),
            server: server.clone(),
            program: concat!("thrive-messenger ", env!("CARGO_PKG_VERSION")).into(),
            device: self.place.device.clone(),
        })
        .await?;
        client.attend(self.attended);
        let mut changes = client.changes();
        let (news, listening) = (self.news.clone(), client.clone());
        let (documents, zone) = (self.place.documents.clone(), self.place.zone.clone());
        let logs = Logs::start(client.clone(), documents, zone, news.clone());
        let ear = logs.ear();
        let listener = tokio::spawn(async move {
            while let Some(change) = changes.next().await {
                ear(&change);
                social::missed_before(&change, &listening, &news).await;
                tell(&news, News::Change(change)).await;
            }
        });
        let server = server.clone();
        self.line = Some(Connected { client: client.clone(), server, listener, logs });
        Ok(client)
    }

    /// Like `connect`, and says why not.
    async fn client_for(
        &mut self,
        server: &ServerAddress,
        failed: impl Fn(Result<(), Failure>) -> News,
    ) -> Option<Client> {
        match self.connect(server).await {
            Ok(client) => Some(client),
            Err(failure) => {
                tell(&self.news, failed(Err(failure))).await;
                None
            }
        }
    }

    async fn leave(&mut self) {
        self.away.abort_all();
        if let Some(connected) = self.line.take() {
            // The listener may wait for a full queue of news that nobody takes any more.
            connected.listener.abort();
            drop(connected.logs);
            connected.client.close().await;
        }
    }

    async fn roster(&self, client: &Client) {
        social::tell_missed(client, &self.news).await;
        tell(&self.news, roster(client)).await;
    }

    fn call<F>(&mut self, call: impl FnOnce(Sender<News>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.calls.spawn(call(self.news.clone()));
    }

    fn deed<F>(&mut self, deed: Deed, call: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let news = self.news.clone();
        let call = call();
        self.calls.spawn(async move {
            let result = call.await;
            tell(&news, News::Done { deed, result }).await;
        });
    }
}

async fn entered(client: &Client, news: &Sender<News>, username: Username, server: ServerAddress) {
    tell(news, News::Entered { username, server }).await;
    social::tell_missed(client, news).await;
    tell(news, roster(client)).await;
}

fn roster(client: &Client) -> News {
    News::Roster {
        contacts: client.contacts(),
        own: client.own_presence(),
        connection: client.connection(),
    }
}

async fn open_chat(client: &Client, username: &Username) -> Result<OpenedChat, Failure> {
    let peer: UserId = client.open_chat(username.as_str()).await?;
    let messages = client.messages(peer, PAGE).await?;
    let draft = client.draft(peer).await;
    Ok(OpenedChat { peer, messages, draft })
}

async fn tell(news: &Sender<News>, item: News) {
    if let News::Change(Change::LoggedIn(_)) = &item {
        // `Entered` says the same, with what the screens need.
        return;
    }
    // Fails only when the windows are gone, and then nobody wants to know.
    if news.send(item).await.is_err() {
        tracing::debug!("News came after the last window was closed");
    }
}

/// Messages that are read at once. All of them are rows in the tree of the screen reader.
const PAGE: usize = 50;
/// Calls under way at the same time; the next wish waits for one of them.
const CALLS_MAX: usize = 32;
