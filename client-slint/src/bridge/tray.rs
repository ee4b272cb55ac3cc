//! The place of the program in the tray of a Linux desktop, while its windows are hidden: a status notifier
//! item with a menu, for whatever host the desktop has. Made when it is first needed, and then it stays.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedValue, StructureBuilder, Value};

use super::words::{News, TrayChoice};
use crate::words;

/// Where the tray is asked for. Never waits.
#[derive(Debug)]
pub(super) struct Tray {
    asked: Sender<()>,
    name: watch::Sender<String>,
}

impl Tray {
    pub(super) fn start(news: Sender<News>) -> Self {
        // Asked for by a person who closes a window; more at a time means nothing more.
        let (asked, orders) = mpsc::channel(1);
        let (name, named) = watch::channel(words::PROGRAM.to_owned());
        tokio::spawn(serve(zbus::Connection::session, orders, named, news));
        Self { asked, name }
    }

    /// Whether the windows may be hidden comes as news.
    pub(super) fn ask(&self) {
        if self.asked.try_send(()).is_err() {
            tracing::debug!("The tray is being asked already");
        }
    }

    pub(super) fn name(&self, name: String) {
        self.name.send_replace(name);
    }
}

#[zbus::proxy(
    interface = "org.kde.StatusNotifierWatcher",
    default_service = "org.kde.StatusNotifierWatcher",
    default_path = "/StatusNotifierWatcher",
    gen_blocking = false
)]
trait Watcher {
    fn register_status_notifier_item(&self, item: &str) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "false"))]
    fn is_status_notifier_host_registered(&self) -> zbus::Result<bool>;
}

async fn serve<F>(
    bus: impl Fn() -> F,
    mut asked: Receiver<()>,
    mut named: watch::Receiver<String>,
    news: Sender<News>,
) where
    F: Future<Output = zbus::Result<zbus::Connection>>,
{
    let mut item = None;
    loop {
        tokio::select! {
            biased;
            order = asked.recv() => match order {
                Some(()) => {}
                None => return,
            },
            Ok(()) = named.changed() => {
                let name = named.borrow_and_update().clone();
                let done = tokio::time::timeout(PATIENCE, rename(item.as_ref(), name)).await;
                if !matches!(done, Ok(Ok(()))) {
                    tracing::debug!("The tray does not hear what the program is called");
                }
                continue;
            }
        }
        let name = named.borrow().clone();
        let there = tokio::time::timeout(PATIENCE, settle(&bus, &mut item, name, &news)).await;
        let there = match there {
            Ok(Ok(there)) => there,
            Ok(Err(error)) => {
                tracing::debug!(%error, "There is no tray");
                false
            }
            Err(_) => false,
        };
        if news.send(News::Tray(there)).await.is_err() {
            return;
        }
    }
}

/// Takes a place in the tray. False when nobody would show it.
async fn settle<F>(
    bus: &impl Fn() -> F,
    item: &mut Option<zbus::Connection>,
    name: String,
    news: &Sender<News>,
) -> zbus::Result<bool>
where
    F: Future<Output = zbus::Result<zbus::Connection>>,
{
    let connection = match item {
        Some(connection) => connection,
        None => {
            let connection = bus().await?;
            let server = connection.object_server();
            server.at(ITEM, Item { name, news: news.clone() }).await?;
            server.at(MENU, Menu { news: news.clone() }).await?;
            connection.request_name(bus_name().as_str()).await?;
            item.insert(connection)
        }
    };
    let watcher = WatcherProxy::new(connection).await?;
    if !watcher.is_status_notifier_host_registered().await? {
        return Ok(false);
    }
    // Again each time: the desktop may have been started anew.
    watcher.register_status_notifier_item(&bus_name()).await?;
    Ok(true)
}

/// Tells those who show the icon, if it was made.
async fn rename(item: Option<&zbus::Connection>, name: String) -> zbus::Result<()> {
    let Some(connection) = item else { return Ok(()) };
    let place = connection.object_server().interface::<_, Item>(ITEM).await?;
    place.get_mut().await.name = name;
    let emitter = place.signal_emitter();
    Item::new_title(emitter).await?;
    Item::new_tool_tip(emitter).await
}

fn bus_name() -> String {
    format!("org.kde.StatusNotifierItem-{}-1", std::process::id())
}

async fn choose(news: &Sender<News>, choice: TrayChoice) {
    if news.send(News::TrayChosen(choice)).await.is_err() {
        tracing::debug!("The tray was used after the last window was closed");
    }
}

struct Item {
    name: String,
    news: Sender<News>,
}

/// Width, height, and four bytes for each pixel.
type Picture = (i32, i32, Vec<u8>);

#[zbus::interface(name = "org.kde.StatusNotifierItem")]
impl Item {
    async fn activate(&self, _x: i32, _y: i32) {
        choose(&self.news, TrayChoice::Show).await;
    }

    async fn secondary_activate(&self, _x: i32, _y: i32) {
        choose(&self.news, TrayChoice::Show).await;
    }

    fn context_menu(&self, _x: i32, _y: i32) {}

    fn scroll(&self, _delta: i32, _orientation: &str) {}

    #[zbus(property)]
    fn category(&self) -> &str {
        "Communications"
    }

    #[zbus(property)]
    fn id(&self) -> &str {
        "thrive-messenger"
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn title(&self) -> &str {
        &self.name
    }

    #[zbus(signal)]
    async fn new_title(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(property)]
    fn status(&self) -> &str {
        "Active"
    }

    #[zbus(property)]
    fn window_id(&self) -> i32 {
        0
    }

    #[zbus(property)]
    fn icon_name(&self) -> &str {
        ""
    }

    #[zbus(property)]
    fn icon_pixmap(&self) -> Vec<Picture> {
        vec![picture(22), picture(44)]
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn tool_tip(&self) -> (String, Vec<Picture>, String, String) {
        (String::new(), Vec::new(), self.name.clone(), String::new())
    }

    #[zbus(signal)]
    async fn new_tool_tip(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(property)]
    fn item_is_menu(&self) -> bool {
        false
    }

    #[zbus(property)]
    fn menu(&self) -> ObjectPath<'_> {
        ObjectPath::from_static_str_unchecked(MENU)
    }
}

struct Menu {
    news: Sender<News>,
}

/// One entry and what is below it.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// The entries, by their numbers.
fn entries() -> impl Iterator<Item = (i32, TrayChoice)> {
    (1..).zip(TrayChoice::ALL)
}

fn properties(label: &str) -> HashMap<String, OwnedValue> {
    let owned = |value: Value<'_>| OwnedValue::try_from(value).ok();
    let pairs = [
        ("label", owned(Value::from(label))),
        ("enabled", owned(Value::from(true))),
        ("visible", owned(Value::from(true))),
    ];
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[zbus::interface(name = "com.canonical.dbusmenu")]
impl Menu {
    fn get_layout(&self, parent: i32, _depth: i32, _names: Vec<String>) -> (u32, Layout) {
        let entry = |(id, choice): (i32, TrayChoice)| {
            let entry = StructureBuilder::new()
                .add_field(id)
                .add_field(properties(choice.words()))
                .add_field(Vec::<OwnedValue>::new())
                .build()
                .ok()?;
            OwnedValue::try_from(Value::from(entry)).ok()
        };
        if parent != 0 {
            return (1, (parent, HashMap::new(), Vec::new()));
        }
        let mut below = HashMap::new();
        if let Ok(value) = OwnedValue::try_from(Value::from("submenu")) {
            below.insert("children-display".to_owned(), value);
        }
        (1, (0, below, entries().filter_map(entry).collect()))
    }

    fn get_group_properties(
        &self,
        ids: Vec<i32>,
        _names: Vec<String>,
    ) -> Vec<(i32, HashMap<String, OwnedValue>)> {
        let wanted = entries().filter(|(id, _)| ids.is_empty() || ids.contains(id));
        wanted.map(|(id, choice)| (id, properties(choice.words()))).collect()
    }

    async fn event(&self, id: i32, kind: &str, _data: Value<'_>, _time: u32) {
        let chosen = entries().find(|(entry, _)| *entry == id && kind == "clicked");
        if let Some((_, choice)) = chosen {
            choose(&self.news, choice).await;
        }
    }

    fn about_to_show(&self, _id: i32) -> bool {
        false
    }

    #[zbus(property)]
    fn version(&self) -> u32 {
        3
    }

    #[zbus(property)]
    fn status(&self) -> &str {
        "normal"
    }

    #[zbus(property)]
    fn text_direction(&self) -> &str {
        "ltr"
    }
}

/// A speech bubble: a disc with a tail at its lower left.
fn picture(size: i32) -> Picture {
    let (middle, radius) = (size * 9 / 20, size * 2 / 5);
    let (left, bottom) = (size / 8, size * 9 / 10);
    let mut bytes = Vec::new();
    for y in 0..size {
        for x in 0..size {
            let (across, down) = (x - size / 2, y - middle);
            let disc = across * across + down * down <= radius * radius;
            let tail = (middle..=bottom).contains(&y)
                && left <= x
                && (x - left) * 2 <= bottom - y + size / 6;
            let blue = [0xFF, 0x1A, 0x56, 0xB8];
            bytes.extend(if disc || tail { blue } else { [0; 4] });
        }
    }
    (size, size, bytes)
}

const ITEM: &str = "/StatusNotifierItem";
const MENU: &str = "/MenuBar";
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::super::desktop_bus::Bus;
    use super::*;

    /// A desktop with a tray, or one that only could have one.
    struct Host {
        shows: bool,
        registered: Sender<String>,
    }

    #[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
    impl Host {
        async fn register_status_notifier_item(&self, item: &str) {
            self.registered.send(item.to_owned()).await.unwrap();
        }

        #[zbus(property)]
        fn is_status_notifier_host_registered(&self) -> bool {
            self.shows
        }
    }

    async fn host(bus: &Bus, shows: bool) -> (zbus::Connection, Receiver<String>) {
        let (registered, items) = mpsc::channel(4);
        let connection = zbus::connection::Builder::address(bus.address.as_str())
            .unwrap()
            .name("org.kde.StatusNotifierWatcher")
            .unwrap()
            .serve_at("/StatusNotifierWatcher", Host { shows, registered })
            .unwrap()
            .build()
            .await
            .unwrap();
        (connection, items)
    }

    fn tray(bus: &Bus) -> (Tray, Receiver<News>) {
        let (asked, orders) = mpsc::channel(1);
        let (name, named) = watch::channel("Thrive".to_owned());
        let (news, heard) = mpsc::channel(4);
        let address = bus.address.clone();
        tokio::spawn(serve(move || Bus::connect(address.clone()), orders, named, news));
        (Tray { asked, name }, heard)
    }

    #[tokio::test]
    async fn without_a_tray_the_windows_are_not_hidden() {
        let bus = Bus::start();
        let (tray, mut heard) = tray(&bus);
        tray.ask();
        assert!(matches!(heard.recv().await, Some(News::Tray(false))));
        let (_host, mut items) = host(&bus, false).await;
        tray.ask();
        assert!(matches!(heard.recv().await, Some(News::Tray(false))));
        assert!(items.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_click_brings_the_windows_back_and_the_menu_has_words_for_it() {
        let bus = Bus::start();
        let (host, mut items) = host(&bus, true).await;
        let (tray, mut heard) = tray(&bus);
        tray.ask();
        let item = items.recv().await.unwrap();
        assert!(matches!(heard.recv().await, Some(News::Tray(true))));

        let at = "org.kde.StatusNotifierItem";
        let click = zbus::Proxy::new(&host, item.as_str(), ITEM, at).await.unwrap();
        click.call_method("Activate", &(0_i32, 0_i32)).await.unwrap();
        assert!(matches!(heard.recv().await, Some(News::TrayChosen(TrayChoice::Show))));
        let title: String = click.get_property("Title").await.unwrap();
        let pictures: Vec<Picture> = click.get_property("IconPixmap").await.unwrap();
        assert_eq!((title.as_str(), pictures[0].2.len()), ("Thrive", 22 * 22 * 4));

        let menu =
            zbus::Proxy::new(&host, item.as_str(), MENU, "com.canonical.dbusmenu").await.unwrap();
        let none: Vec<String> = Vec::new();
        let layout = menu.call_method("GetLayout", &(0_i32, -1_i32, none)).await.unwrap();
        let (_, (_, _, entries)): (u32, Layout) = layout.body().deserialize().unwrap();
        let words = format!("{entries:?}");
        assert!(words.contains("Show Thrive") && words.contains("Exit"), "{words}");
        menu.call_method("Event", &(2_i32, "clicked", Value::from(0_i32), 0_u32)).await.unwrap();
        assert!(matches!(heard.recv().await, Some(News::TrayChosen(TrayChoice::Exit))));
    }
    #[tokio::test]
    async fn a_new_name_is_told_and_read() {
        let bus = Bus::start();
        let (host, mut items) = host(&bus, true).await;
        let (tray, mut heard) = tray(&bus);
        // Before there is an icon it is kept for it.
        tray.name("Thrive, online".into());
        tray.ask();
        let item = items.recv().await.unwrap();
        assert!(matches!(heard.recv().await, Some(News::Tray(true))));
        let at = "org.kde.StatusNotifierItem";
        let builder: zbus::proxy::Builder<'_, zbus::Proxy<'_>> = zbus::proxy::Builder::new(&host);
        let builder = builder.destination(item.as_str()).unwrap().path(ITEM).unwrap();
        let builder = builder.interface(at).unwrap();
        // What was read before would be read again.
        let item =
            builder.cache_properties(zbus::proxy::CacheProperties::No).build().await.unwrap();
        let tip = async || {
            let tip: (String, Vec<Picture>, String, String) =
                item.get_property("ToolTip").await.unwrap();
            tip.2
        };
        assert_eq!(tip().await, "Thrive, online");
        let mut told = item.receive_signal("NewToolTip").await.unwrap();
        tray.name("Thrive, 1 unread, online".into());
        told.next().await.unwrap();
        assert_eq!(tip().await, "Thrive, 1 unread, online");
        let title: String = item.get_property("Title").await.unwrap();
        assert_eq!(title, "Thrive, 1 unread, online");
    }
}
