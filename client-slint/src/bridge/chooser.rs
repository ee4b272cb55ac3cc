//! The file chooser of the desktop, by the portal that Linux desktops have for it.

use std::collections::HashMap;
use std::path::PathBuf;

use futures_util::StreamExt;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

use crate::controllers::send_files;

#[zbus::proxy(
    interface = "org.freedesktop.portal.FileChooser",
    default_service = "org.freedesktop.portal.Desktop",
    default_path = "/org/freedesktop/portal/desktop",
    gen_blocking = false
)]
trait Chooser {
    fn open_file(
        &self,
        parent: &str,
        title: &str,
        options: HashMap<&str, Value<'_>>,
    ) -> zbus::Result<OwnedObjectPath>;
}

#[zbus::proxy(
    interface = "org.freedesktop.portal.Request",
    default_service = "org.freedesktop.portal.Desktop",
    gen_blocking = false
)]
trait Request {
    #[zbus(signal)]
    fn response(&self, response: u32, results: HashMap<String, OwnedValue>) -> zbus::Result<()>;
}

/// Lets somebody choose files, for as long as they like. Nothing, when they choose none.
///
/// # Errors
/// A sentence where there is no such chooser.
pub(super) async fn choose(title: &str) -> Result<Vec<PathBuf>, String> {
    let asked = async { ask(&zbus::Connection::session().await?, title).await };
    asked.await.map_err(|error| {
        tracing::info!(%error, "This desktop has no file chooser");
        "This desktop has no file chooser for programs. Type or paste the paths of the files."
            .into()
    })
}

async fn ask(bus: &zbus::Connection, title: &str) -> zbus::Result<Vec<PathBuf>> {
    // The answer may come before the call returns, so it is listened for where it will be.
    let token = format!("thrive{}", std::process::id());
    let unique = bus.unique_name().map(|name| name.as_str().to_owned()).unwrap_or_default();
    let sender = unique.trim_start_matches(':').replace('.', "_");
    let path = format!("/org/freedesktop/portal/desktop/request/{sender}/{token}");
    let request = RequestProxy::builder(bus).path(ObjectPath::try_from(path)?)?.build().await?;
    let mut responses = request.receive_response().await?;
    let chooser = ChooserProxy::new(bus).await?;
    let options = HashMap::from([
        ("handle_token", Value::from(token.as_str())),
        ("multiple", Value::from(true)),
        ("accept_label", Value::from("Choose")),
    ]);
    chooser.open_file("", title, options).await?;
    let Some(response) = responses.next().await else { return Ok(Vec::new()) };
    let answer = response.args()?;
    if answer.response != 0 {
        return Ok(Vec::new());
    }
    let uris = answer.results.get("uris").map(|uris| uris.try_clone()).transpose()?;
    let uris: Vec<String> = uris.map(Vec::try_from).transpose()?.unwrap_or_default();
    Ok(uris.iter().filter_map(|uri| send_files::paths(uri).ok()).flatten().collect())
}

#[cfg(test)]
mod tests {
    use zbus::object_server::SignalEmitter;

    use super::super::desktop_bus::Bus;
    use super::*;

    /// A portal in which two files are chosen at once.
    struct Portal;

    #[zbus::interface(name = "org.freedesktop.portal.FileChooser")]
    impl Portal {
        async fn open_file(
            &self,
            #[zbus(connection)] bus: &zbus::Connection,
            #[zbus(header)] header: zbus::message::Header<'_>,
            _parent: &str,
            _title: &str,
            options: HashMap<String, OwnedValue>,
        ) -> OwnedObjectPath {
            let token: String = options["handle_token"].try_clone().unwrap().try_into().unwrap();
            let sender = header.sender().unwrap().trim_start_matches(':').replace('.', "_");
            let path = format!("/org/freedesktop/portal/desktop/request/{sender}/{token}");
            let path = ObjectPath::try_from(path).unwrap();
            let uris = Value::from(vec!["file:///tmp/a%20b.txt", "file:///tmp/c.txt"]);
            let results = HashMap::from([("uris", uris)]);
            let emitter = SignalEmitter::new(bus, &path).unwrap();
            emitter
                .connection()
                .emit_signal(
                    None::<&str>,
                    &path,
                    "org.freedesktop.portal.Request",
                    "Response",
                    &(0_u32, results),
                )
                .await
                .unwrap();
            path.into()
        }
    }

    #[tokio::test]
    async fn what_is_chosen_comes_back_as_paths_even_at_once() {
        let desktop = Bus::start();
        let bus = Bus::connect(desktop.address.clone()).await.unwrap();
        assert!(ask(&bus, "Send files").await.is_err(), "nobody chooses yet");
        let portal = Bus::connect(desktop.address.clone()).await.unwrap();
        portal.object_server().at("/org/freedesktop/portal/desktop", Portal).await.unwrap();
        portal.request_name("org.freedesktop.portal.Desktop").await.unwrap();
        let chosen = ask(&bus, "Send files").await.unwrap();
        assert_eq!(chosen, ["/tmp/a b.txt", "/tmp/c.txt"].map(PathBuf::from));
    }
}
