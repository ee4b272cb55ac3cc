//! The file chooser where there is no portal: that of Windows. On other systems paths are typed and pasted.

use std::path::PathBuf;

/// Lets somebody choose files, for as long as they like. Nothing, when they choose none.
///
/// # Errors
/// A sentence where there is no such chooser.
#[cfg(windows)]
pub(super) async fn choose(title: &str) -> Result<Vec<PathBuf>, String> {
    let title = title.to_owned();
    let choose = move || rfd::FileDialog::new().set_title(title).pick_files().unwrap_or_default();
    let chosen = tokio::task::spawn_blocking(choose).await;
    chosen.map_err(|_| "The file chooser of the system ended badly.".to_owned())
}

#[cfg(not(windows))]
pub(super) async fn choose(_: &str) -> Result<Vec<PathBuf>, String> {
    std::future::ready(()).await;
    Err("Choosing files with the desktop is not possible here. Type or paste their paths.".into())
}
