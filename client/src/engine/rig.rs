//! For tests: a login over a real connection to a node that says only what a test tells it to.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use bytes::BytesMut;
use parking_lot::Mutex;
use quinn::Endpoint;
use quinn::crypto::rustls::QuicServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;
use thrive_protocol::bounded::List;
use thrive_protocol::code::{Code, Refusal};
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Event;
use thrive_protocol::frame;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch, Seq, SessionId, Time, UserId};
use thrive_protocol::limits::{FRAME, Limits};
use thrive_protocol::message::NodeFrame;
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;
use thrive_protocol::reply::{LoggedIn, Reply, SignUp, SyncPage, Welcome};
use thrive_protocol::secret::Secret;
use thrive_protocol::text::MessageText;
use thrive_protocol::version::{ALPN, VERSION};
use tokio::sync::{broadcast, mpsc};

use super::hub::{Hub, Shared, State};
use super::inbound::Open;
use super::life::{Life, Over, Step};
use crate::handle::Options;
use crate::pin::Pins;
use crate::session::{End, Inbound, LinkId, News, greet};
use crate::transfer::Progress;
use crate::types::{Change, Message, MessageKey, ServerAddress};

pub(super) const ME: UserId = UserId(1);
pub(super) const BOB: UserId = UserId(2);
pub(super) const CHAT: ConversationId = ConversationId(7);

pub(super) struct Rig {
    pub(super) hub: Hub,
    pub(super) life: Life,
    pub(super) changes: broadcast::Receiver<Change>,
    node: Endpoint,
    _inbound: mpsc::Receiver<Inbound>,
    _dir: TempDir,
}

impl Rig {
    /// Ann is logged in, and so far nobody is connected.
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let node = node();
        let port = node.local_addr().unwrap().port();
        let options = Options {
            dir: dir.path().to_owned(),
            server: ServerAddress { host: "127.0.0.1".to_owned(), port },
            program: "test".to_owned(),
            device: "test".to_owned(),
        };
        let (sender, changes) = broadcast::channel(1_024);
        let state = Mutex::new(State::default());
        let attended = AtomicBool::new(false);
        let (changes_out, progress) = (Mutex::new(Some(sender)), Progress::default());
        let shared = Arc::new(Shared { changes: changes_out, state, attended, progress });
        let (arrivals, inbound) = mpsc::channel(256);
        let hub = Hub::new(Arc::new(options), Pins::open(dir.path()), shared, arrivals);
        let token = Secret::new("token".to_owned());
        let life = Life::open(&hub, name("ann"), token, Some(ME)).await.unwrap();
        Self { hub, life, changes, node, _inbound: inbound, _dir: dir }
    }

    /// Ann is connected, and has caught up: one conversation with Bob, that has so many entries.
    pub(super) async fn online(entries: u64) -> (Self, LinkId) {
        let mut rig = Self::new().await;
        let link = rig.connect().await;
        rig.life.pull.roster = Step::Done;
        let entries = (1..=entries).map(|seq| entry(CHAT, seq)).collect();
        rig.page(page(vec![conversation(CHAT, BOB)], entries)).await;
        (rig, link)
    }

    /// Uses a new connection from now on.
    pub(super) async fn connect(&mut self) -> LinkId {
        let greeting = greet(&self.hub.options.server, &self.hub.pins, "test");
        let (greeted, ()) = tokio::join!(greeting, welcome(&self.node));
        let logged_in = LoggedIn {
            user: ME,
            username: name("ann"),
            session: SessionId(1),
            token: None,
            epoch: Epoch(1),
            text: <_>::default(),
        };
        let entered = Box::new((greeted.unwrap(), logged_in));
        self.life.adopt(&mut self.hub, entered, Instant::now()).await;
        self.life.link.current().unwrap()
    }

    /// The answer to a pull.
    pub(super) async fn page(&mut self, page: SyncPage) {
        self.life.pull.entries = Step::Open;
        let link = self.life.link.current().unwrap();
        self.life.sync.ask(usize::MAX);
        self.life.pulled(&self.hub, link, Ok(Reply::SyncPage(page)), Instant::now()).await;
    }

    pub(super) async fn event(&mut self, link: LinkId, event: Event) -> Option<Over> {
        let news = News::Frame(NodeFrame::Event(event));
        self.life.news(&self.hub, vec![Inbound { link, news }]).await
    }

    /// The answer to the first open request of which `which` is true.
    pub(super) async fn answer(
        &mut self,
        which: impl Fn(&Open) -> bool,
        result: Result<Reply, Refusal>,
    ) {
        let session = self.life.link.session.as_ref().unwrap();
        let (link, re) = (session.link(), session.opened().find(|(_, open)| which(open)));
        let re = re.expect("such a request is open").0;
        let news = News::Frame(NodeFrame::Reply { re, result });
        assert!(self.life.news(&self.hub, vec![Inbound { link, news }]).await.is_none());
    }

    pub(super) async fn ended(&mut self, link: LinkId, end: End) {
        let news = News::Ended(end);
        assert!(self.life.news(&self.hub, vec![Inbound { link, news }]).await.is_none());
    }

    /// How many open requests there are of which `which` is true.
    pub(super) fn count(&self, which: impl Fn(&Open) -> bool) -> usize {
        let session = self.life.link.session.as_ref().unwrap();
        session.opened().filter(|(_, open)| which(open)).count()
    }

    /// Ann writes to Bob.
    pub(super) async fn send(&mut self, text: &str) -> MessageKey {
        let (answer, result) = tokio::sync::oneshot::channel();
        self.life.send(&self.hub, BOB, text, answer, None, Instant::now()).await;
        result.await.unwrap().unwrap()
    }

    pub(super) async fn messages(&self) -> Vec<Message> {
        let me = name("ann");
        let cache = &self.life.cache;
        cache.run(move |db| crate::cache::messages::newest(db, &me, BOB, 1_000)).await.unwrap()
    }

    pub(super) async fn sql(&self, sql: &'static str) {
        self.life.cache.run(move |db| db.execute_batch(sql)).await.unwrap();
    }
}

pub(super) fn name(name: &str) -> Username {
    Username::parse(name).unwrap()
}

pub(super) fn conversation(conversation: ConversationId, peer: UserId) -> Conversation {
    Conversation {
        conversation,
        peer,
        peer_name: name(&format!("user{peer}")),
        head: Seq::START,
        read: Seq::START,
        peer_read: Seq::START,
        peer_delivered: Seq::START,
    }
}

/// An entry of Bob's.
pub(super) fn entry(conversation: ConversationId, seq: u64) -> Entry {
    let id = ClientMsgId(u128::from(seq).to_be_bytes());
    let text = MessageText::parse(&format!("entry {seq}")).unwrap();
    let body = Body::Message { id, text };
    Entry { conversation, seq: Seq(seq), sender: BOB, time: Time(0), body }
}

/// All there is.
pub(super) fn page(conversations: Vec<Conversation>, entries: Vec<Entry>) -> SyncPage {
    SyncPage {
        epoch: Epoch(1),
        reset: false,
        conversations: List::cut(conversations),
        entries: List::cut(entries),
        more: false,
    }
}

pub(super) fn refused<T>(code: Code) -> Result<T, Refusal> {
    Err(code.into())
}

pub(crate) fn node() -> Endpoint {
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let quic = QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(quic));
    Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into()).unwrap()
}

/// Answers the hello of one connection, and says nothing any more.
async fn welcome(node: &Endpoint) {
    let connection = node.accept().await.unwrap().await.unwrap();
    let (mut writer, mut reader) = connection.accept_bi().await.unwrap();
    let mut buffer = BytesMut::new();
    while frame::take(&mut buffer, FRAME).unwrap().is_none() {
        let chunk = reader.read_chunk(1_024, true).await.unwrap().unwrap();
        buffer.extend_from_slice(&chunk.bytes);
    }
    let welcome = Welcome {
        version: VERSION,
        server: "test".to_owned(),
        software: "test".to_owned(),
        limits: Limits::default(),
        features: List::default(),
        sign_up: SignUp::Closed,
        time: Time(0),
        email_required: false,
        text: <_>::default(),
    };
    let frame = NodeFrame::Reply { re: 1, result: Ok(Reply::Welcome(welcome)) };
    writer.write_all(&frame.encode()).await.unwrap();
    tokio::spawn(async move {
        let _open = (writer, reader);
        connection.closed().await;
    });
}
