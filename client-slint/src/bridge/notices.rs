//! Notices on the desktop, by the service that every Linux desktop has for them. Without such a service
//! nothing is shown, and that is no failure. A task of its own: a desktop that hangs holds nobody up.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use thrive_client::UserId;
use tokio::sync::mpsc::{self, Receiver, Sender};
use zbus::zvariant::Value;

use super::words::News;
use crate::announce::Notice;

/// What to do on the desktop.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Order {
    Show {
        peer: Option<UserId>,
        notice: Notice,
    },
    /// The chat was read.
    Close(UserId),
}

/// Where notices are asked for. Never waits.
#[derive(Debug)]
pub(super) struct Notices {
    orders: Sender<Order>,
}

impl Notices {
    pub(super) fn start(_: &Path, news: Sender<News>) -> Self {
        let (orders, asked) = mpsc::channel(ORDERS_MAX);
        tokio::spawn(serve(zbus::Connection::session, asked, news));
        Self { orders }
    }

    pub(super) fn show(&self, peer: Option<UserId>, notice: Notice) {
        self.order(Order::Show { peer, notice });
    }

    pub(super) fn close(&self, peer: UserId) {
        self.order(Order::Close(peer));
    }

    /// When so many wait, the desktop does not answer, and one more is worth nothing.
    fn order(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            tracing::debug!("A notice was dropped");
        }
    }
}

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Desktop {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;

    #[expect(clippy::too_many_arguments, reason = "the service is like that")]
    fn notify(
        &self,
        program: &str,
        replaces: u32,
        icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, Value<'_>>,
        expire_ms: i32,
    ) -> zbus::Result<u32>;

    fn close_notification(&self, id: u32) -> zbus::Result<()>;

    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action: String) -> zbus::Result<()>;
}

async fn serve<F>(bus: impl Fn() -> F, mut asked: Receiver<Order>, news: Sender<News>)
where
    F: Future<Output = zbus::Result<zbus::Connection>>,
{
    // Nothing is asked of the desktop before there is something to show.
    let Some(mut order) = asked.recv().await else { return };
    let mut there = None;
    loop {
        let done = tokio::time::timeout(PATIENCE, carry_out(&bus, &mut there, &order));
        let error = match done.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("it does not answer".to_owned()),
        };
        if let Some(error) = error {
            tracing::debug!(%error, "The desktop shows no notice");
            // It may not have been started yet, or anew; the next order looks for it again.
            there = None;
        }
        order = loop {
            tokio::select! {
                next = asked.recv() => match next {
                    Some(next) => break next,
                    None => return,
                },
                Some(peer) = chosen(&mut there) => {
                    if let Some(peer) = peer
                        && news.send(News::Wanted(peer)).await.is_err()
                    {
                        return;
                    }
                }
            }
        };
    }
}

/// A desktop that was found, and what it shows of ours.
struct There {
    desktop: DesktopProxy<'static>,
    invoked: ActionInvokedStream,
    marked_up: bool,
    shown: HashMap<UserId, u32>,
}

impl There {
    async fn find(connection: zbus::Connection) -> zbus::Result<Self> {
        let desktop = DesktopProxy::new(&connection).await?;
        let able = desktop.get_capabilities().await?;
        let marked_up = able.iter().any(|able| able == "body-markup");
        let invoked = desktop.receive_action_invoked().await?;
        Ok(Self { desktop, invoked, marked_up, shown: HashMap::new() })
    }
}

async fn carry_out<F>(
    bus: &impl Fn() -> F,
    there: &mut Option<There>,
    order: &Order,
) -> zbus::Result<()>
where
    F: Future<Output = zbus::Result<zbus::Connection>>,
{
    let there = match there {
        Some(there) => there,
        None if matches!(order, Order::Close(_)) => return Ok(()),
        None => there.insert(There::find(bus().await?).await?),
    };
    perform(&there.desktop, order, there.marked_up, &mut there.shown).await
}

/// Whose notice was chosen. Nothing at all where nothing can be chosen any more.
async fn chosen(there: &mut Option<There>) -> Option<Option<UserId>> {
    let there = there.as_mut()?;
    let signal = there.invoked.next().await?;
    let args = signal.args().ok();
    let of = |id| there.shown.iter().find(|(_, shown)| **shown == id).map(|(peer, _)| *peer);
    Some(args.and_then(|args| of(args.id)))
}

async fn perform(
    desktop: &DesktopProxy<'_>,
    order: &Order,
    marked_up: bool,
    shown: &mut HashMap<UserId, u32>,
) -> zbus::Result<()> {
    match order {
        Order::Close(peer) => match shown.remove(peer) {
            Some(id) => desktop.close_notification(id).await,
            None => Ok(()),
        },
        Order::Show { peer, notice } => {
            // One for each person: what comes next stands in the place of what came before.
            let before = peer.and_then(|peer| shown.get(&peer).copied()).unwrap_or(0);
            let body = if marked_up { unmarked(&notice.body) } else { notice.body.clone() };
            let actions: &[&str] = if peer.is_some() { &["default", "Open"] } else { &[] };
            let mut hints = HashMap::new();
            // The sound is ours, by the settings.
            hints.insert("suppress-sound", Value::from(true));
            hints.insert("category", Value::from("im.received"));
            let id = desktop
                .notify("Thrive Messenger", before, "", &notice.title, &body, actions, hints, -1)
                .await?;
            if let Some(peer) = peer {
                shown.insert(*peer, id);
            }
            Ok(())
        }
    }
}

/// A text of somebody else is shown as it is, and never as markup.
fn unmarked(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// More than a desktop shows at a time.
const ORDERS_MAX: usize = 16;
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use zbus::object_server::SignalEmitter;

    use super::super::desktop_bus::Bus;
    use super::*;

    /// What a desktop does: it keeps what it is told, and gives numbers.
    struct Desk {
        seen: Sender<(u32, String, String)>,
        closed: Sender<u32>,
        last: u32,
    }

    #[zbus::interface(name = "org.freedesktop.Notifications")]
    impl Desk {
        fn get_capabilities(&self) -> Vec<String> {
            vec!["body".into(), "body-markup".into(), "actions".into()]
        }

        #[expect(clippy::too_many_arguments, reason = "the service is like that")]
        async fn notify(
            &mut self,
            _program: &str,
            replaces: u32,
            _icon: &str,
            summary: &str,
            body: &str,
            _actions: Vec<String>,
            _hints: HashMap<String, Value<'_>>,
            _expire_ms: i32,
        ) -> u32 {
            self.seen.send((replaces, summary.to_owned(), body.to_owned())).await.unwrap();
            if replaces == 0 {
                self.last += 1;
                return self.last;
            }
            replaces
        }

        async fn close_notification(&self, id: u32) {
            self.closed.send(id).await.unwrap();
        }

        #[zbus(signal)]
        async fn action_invoked(
            emitter: &SignalEmitter<'_>,
            id: u32,
            action: &str,
        ) -> zbus::Result<()>;
    }

    const PATH: &str = "/org/freedesktop/Notifications";

    async fn desk(bus: &Bus, desk: Desk) -> zbus::Connection {
        zbus::connection::Builder::address(bus.address.as_str())
            .unwrap()
            .name("org.freedesktop.Notifications")
            .unwrap()
            .serve_at(PATH, desk)
            .unwrap()
            .build()
            .await
            .unwrap()
    }

    fn notice(title: &str, body: &str) -> Notice {
        Notice { title: title.into(), body: body.into() }
    }

    #[tokio::test]
    async fn each_person_has_one_notice_and_choosing_it_leads_to_them() {
        let bus = Bus::start();
        let (seen, mut sees) = mpsc::channel(8);
        let (closed, mut closes) = mpsc::channel(8);
        let desk = desk(&bus, Desk { seen, closed, last: 0 }).await;
        let (orders, asked) = mpsc::channel(ORDERS_MAX);
        let (news, mut heard) = mpsc::channel(8);
        let notices = Notices { orders };
        let address = bus.address.clone();
        let task = tokio::spawn(serve(move || Bus::connect(address.clone()), asked, news));

        notices.show(Some(UserId(2)), notice("Ann", "<b>hi</b>"));
        let escaped = (0, "Ann".to_owned(), "&lt;b&gt;hi&lt;/b&gt;".to_owned());
        assert_eq!(sees.recv().await, Some(escaped));
        notices.show(Some(UserId(3)), notice("Bob", "hi"));
        assert_eq!(sees.recv().await.unwrap().0, 0);
        notices.show(Some(UserId(2)), notice("Ann", "again"));
        assert_eq!(sees.recv().await, Some((1, "Ann".into(), "again".into())));

        let emitter = SignalEmitter::new(&desk, PATH).unwrap();
        Desk::action_invoked(&emitter, 2, "default").await.unwrap();
        assert!(matches!(heard.recv().await, Some(News::Wanted(UserId(3)))));
        notices.close(UserId(2));
        assert_eq!(closes.recv().await, Some(1));
        drop(notices);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_desktop_that_starts_later_than_the_program_shows_the_next_notice() {
        let bus = Bus::start();
        let (orders, asked) = mpsc::channel(ORDERS_MAX);
        let (news, _heard) = mpsc::channel(8);
        let (tried, mut tries) = mpsc::channel(8);
        let notices = Notices { orders };
        let address = bus.address.clone();
        let connect = move || {
            tried.try_send(()).unwrap();
            Bus::connect(address.clone())
        };
        let task = tokio::spawn(serve(connect, asked, news));
        notices.show(Some(UserId(2)), notice("Ann", "too early"));
        tries.recv().await.unwrap();

        let (seen, mut sees) = mpsc::channel(8);
        let (closed, _closes) = mpsc::channel(8);
        let _desk = desk(&bus, Desk { seen, closed, last: 0 }).await;
        // The first one may have found it still.
        notices.show(Some(UserId(2)), notice("Ann", "hi"));
        while sees.recv().await.unwrap().2 != "hi" {}
        drop(notices);
        task.await.unwrap();
    }

    #[test]
    fn nothing_in_a_message_is_markup() {
        assert_eq!(unmarked("<b>a & b</b>"), "&lt;b&gt;a &amp; b&lt;/b&gt;");
    }
}
