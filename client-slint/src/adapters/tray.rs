//! The icon in the tray of Windows. On Linux nobody shows it; there the desktop is told over D-Bus.

use std::rc::Rc;

use slint::{ModelRc, PlatformError, VecModel};

use super::mark;
use crate::bridge::TrayChoice;
use crate::ui::TrayIcon;

/// It is in the tray until it is dropped. If there is no tray, it is nowhere, and nobody is told.
pub struct TrayView {
    pub icon: TrayIcon,
}

impl TrayView {
    /// # Errors
    /// The toolkit does not make it.
    pub fn open(name: &str, chosen: impl Fn(TrayChoice) + 'static) -> Result<Self, PlatformError> {
        let icon = TrayIcon::new()?;
        icon.set_mark(mark::picture());
        icon.set_name(name.into());
        let words = TrayChoice::ALL.map(|choice| choice.words().into());
        icon.set_choices(ModelRc::new(VecModel::from(words.to_vec())));
        let chosen = Rc::new(chosen);
        let used = chosen.clone();
        icon.on_used(move || used(TrayChoice::Show));
        icon.on_chosen(move |index| {
            let choice = usize::try_from(index).ok().and_then(|index| TrayChoice::ALL.get(index));
            choice.iter().for_each(|choice| chosen(**choice));
        });
        Ok(Self { icon })
    }

    pub fn rename(&self, name: &str) {
        self.icon.set_name(name.into());
    }
}
