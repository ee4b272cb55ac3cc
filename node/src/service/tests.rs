//! Services over a real store, without a socket.

mod accounts;
mod admins;
mod contacts;
mod conversations;
mod emails;
mod files;
mod people;
mod sync;

use std::net::{IpAddr, Ipv4Addr};

use tempfile::TempDir;
use thrive_protocol::ids::{ClientMsgId, ConversationId, UserId};
use thrive_protocol::people::{Availability, Presence};
use thrive_protocol::reply::{LoggedIn, SignUp};
use thrive_protocol::request::{CreateAccount, LogIn, RequestContact, SetPresence};
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{MessageText, StatusText};
use thrive_protocol::{Code, Event};

use super::*;
use crate::clock;
use crate::config::Limits;
use crate::news::{Answer, Audience, Done, News};
use crate::password::Params;
use crate::store::Append;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PASSWORD: &str = "a cat on the roof";

struct World {
    services: Services,
    database: Database,
    online: Online,
    orders: Orders,
    depot: Depot,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(SignUp::Open).await
    }

    async fn with(sign_up: SignUp) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("thrive.db")).unwrap();
        let online = Online::default();
        let cost = Params::new(64, 1, 1, None).unwrap();
        let orders = Orders::default();
        let config = config::Config::defaults(folder.path());
        let depot = Depot::open(&config.files.place).unwrap().unwrap();
        let services = services(&database, &online, &orders, sign_up, cost, &depot).await;
        Self { services, database, online, orders, depot, folder }
    }

    /// The same accounts, after a restart with another cost of password hashes.
    async fn with_cost(self, cost: Params) -> Self {
        let (database, online) = (&self.database, &self.online);
        let services =
            services(database, online, &self.orders, SignUp::Open, cost, &self.depot).await;
        Self { services, ..self }
    }

    /// A new account that is logged in.
    async fn person(&self, name: &str) -> Caller {
        self.create(name, PASSWORD).await.unwrap();
        self.log_in(name).await.0
    }

    async fn create(&self, name: &str, password: &str) -> Result<(), Code> {
        let request = CreateAccount {
            username: name.into(),
            password: Secret::new(password.into()),
            email: None,
            invite: None,
        };
        code(self.services.accounts.create(HOME, request).await)
    }

    async fn log_in(&self, name: &str) -> (Caller, LoggedIn) {
        self.try_log_in(name, PASSWORD).await.unwrap().reply
    }

    async fn try_log_in(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Done<(Caller, LoggedIn)>, Code> {
        let request = LogIn {
            username: name.into(),
            password: Secret::new(password.into()),
            device: "a test".into(),
            presence: None,
        };
        code(self.services.accounts.log_in(HOME, request).await)
    }

    /// Connects somebody with this status.
    async fn shows(&self, caller: &Caller, availability: Availability) -> Presence {
        let request = SetPresence { availability, preset: None, text: "at home".into() };
        let status = self.services.presence.set(caller, request).await.unwrap();
        self.online.arrived(caller.user);
        self.online.learn(caller.user, status.clone());
        status.presence
    }

    async fn become_contacts(&self, one: &Caller, other: &Caller) {
        let contacts = &self.services.contacts;
        contacts.request(one, ask(other.username.as_str())).await.unwrap();
        contacts.accept(other, one.user).await.unwrap();
    }

    async fn talk(&self, one: &Caller, other: &Caller) -> ConversationId {
        let opened = self.services.conversations.open(one, other.username.as_str()).await;
        opened.unwrap().reply.conversation
    }

    /// Stores messages numbered so.
    async fn say(
        &self,
        conversation: ConversationId,
        sender: UserId,
        numbers: impl IntoIterator<Item = u128>,
    ) {
        let append = |number: u128| Append {
            conversation,
            sender,
            id: ClientMsgId(number.to_be_bytes()),
            text: MessageText::parse(&format!("message {number}")).unwrap(),
            time: clock::now(),
        };
        let batch = numbers.into_iter().map(append).collect();
        for answer in self.database.append(batch).await.unwrap() {
            answer.unwrap();
        }
    }
}

async fn services(
    database: &Database,
    online: &Online,
    orders: &Orders,
    sign_up: SignUp,
    cost: Params,
    depot: &Depot,
) -> Services {
    let hasher = Hasher::with(cost).unwrap();
    let settings = Settings { sign_up, ..settings() };
    let room = room(depot);
    let around = Around { orders: orders.clone(), ..Around::default() };
    Services::new(database.clone(), hasher, online.clone(), settings, room, around).await.unwrap()
}

fn room(depot: &Depot) -> FileRoom {
    let settings = config::Config::defaults(std::path::Path::new("")).files;
    FileRoom { depot: Some(depot.clone()), settings, nudge: Nudge::default() }
}

/// With limits under which a test does not have to wait, and without mail.
fn settings() -> Settings {
    let plenty = Rate::new(1_000, 1_000.0);
    Settings {
        sign_up: SignUp::Open,
        welcome: WelcomeText::default(),
        logins: Limits::default().logins,
        sign_ups: plenty,
        mails: plenty,
        codes: plenty,
        mailer: None,
        first_is_admin: false,
    }
}

fn ask(username: &str) -> RequestContact {
    RequestContact { username: username.into(), text: "Do you remember me?".into() }
}

/// What the peer would hear.
fn code<T, E: Answer>(result: Result<T, E>) -> Result<T, Code> {
    result.map_err(|error| error.refusal().code)
}

/// What `user` hears, on sessions other than the origin.
fn heard(news: &[News], user: UserId) -> Vec<Event> {
    let to_user = news.iter().filter(|it| it.to == Audience::User(user));
    to_user.map(|it| it.event.clone()).collect()
}

fn at_home(availability: Availability) -> Presence {
    Presence::new(availability, StatusText::cut("at home"))
}
