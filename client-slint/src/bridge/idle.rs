//! For how long nothing was touched, as this desktop says it: GNOME over the bus, X11 by a counter of
//! the server, others over the bus of the screen saver. Some say nothing.

use std::time::Duration;

use x11rb::connection::RequestConnection as _;
use x11rb::protocol::sync::{self, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;
use zbus::Connection;

#[zbus::proxy(
    interface = "org.gnome.Mutter.IdleMonitor",
    default_service = "org.gnome.Mutter.IdleMonitor",
    default_path = "/org/gnome/Mutter/IdleMonitor/Core",
    gen_blocking = false
)]
pub(super) trait Mutter {
    /// Milliseconds.
    fn get_idletime(&self) -> zbus::Result<u64>;
}

#[zbus::proxy(
    interface = "org.freedesktop.ScreenSaver",
    default_service = "org.freedesktop.ScreenSaver",
    default_path = "/org/freedesktop/ScreenSaver",
    gen_blocking = false
)]
pub(super) trait ScreenSaver {
    /// Milliseconds. A desktop that means seconds makes nobody away too early.
    fn get_session_idle_time(&self) -> zbus::Result<u32>;
}

/// Where it is asked for.
#[derive(Debug)]
pub(super) enum Idle {
    Mutter(MutterProxy<'static>),
    X11(Box<RustConnection>, sync::Counter),
    ScreenSaver(ScreenSaverProxy<'static>),
    Unknown,
}

impl Idle {
    /// Finds who says it. With Wayland an X server only hears of its own windows, so it is not asked.
    pub(super) async fn find(wayland: bool) -> Self {
        let bus = match Connection::session().await {
            Ok(bus) => Some(bus),
            Err(error) => {
                tracing::info!(%error, "There is no bus of the desktop");
                None
            }
        };
        if let Some(bus) = &bus
            && let Ok(mutter) = MutterProxy::new(bus).await
            && mutter.get_idletime().await.is_ok()
        {
            return Self::Mutter(mutter);
        }
        if !wayland && let Ok(Some((connection, counter))) = tokio::task::spawn_blocking(x11).await
        {
            return Self::X11(Box::new(connection), counter);
        }
        if let Some(bus) = &bus
            && let Ok(saver) = ScreenSaverProxy::new(bus).await
            && saver.get_session_idle_time().await.is_ok()
        {
            return Self::ScreenSaver(saver);
        }
        Self::Unknown
    }

    pub(super) fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// Nothing when it does not answer any more.
    pub(super) async fn read(&mut self) -> Option<Duration> {
        let milliseconds = match self {
            Self::Mutter(mutter) => mutter.get_idletime().await.ok()?,
            // One round trip to a server on this computer.
            Self::X11(connection, counter) => {
                let value = connection.sync_query_counter(*counter).ok()?.reply().ok()?;
                let value = value.counter_value;
                (u64::from(value.hi.unsigned_abs()) << 32) | u64::from(value.lo)
            }
            Self::ScreenSaver(saver) => saver.get_session_idle_time().await.ok()?.into(),
            Self::Unknown => return None,
        };
        Some(Duration::from_millis(milliseconds))
    }
}

/// The counter of the X server that runs while nothing is touched.
fn x11() -> Option<(RustConnection, sync::Counter)> {
    let (connection, _) = x11rb::connect(None).ok()?;
    connection.extension_information(sync::X11_EXTENSION_NAME).ok()??;
    connection.sync_initialize(3, 1).ok()?.reply().ok()?;
    let counters = connection.sync_list_system_counters().ok()?.reply().ok()?;
    let idle = counters.counters.into_iter().find(|counter| counter.name == b"IDLETIME")?;
    Some((connection, idle.counter))
}
