//! Tries the tray of the program for Windows with Wine: into it, back by a click, out by its menu. Wine has a
//! window of its own for the icons, and no notices.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use super::super::scratch::START;
use super::{DRAWN, NAME, Wine};
use crate::children::Child;
use crate::person::Person;
use crate::{deadline, shell};

/// Where Wine shows the icons when nobody else does.
const TRAY: &str = "Wine System Tray";
/// The icon in it; there is only ours.
const ICON: [&str; 2] = ["9", "10"];
/// From the place of the click to the last entry of the menu, whose lower left corner is there.
const LAST_ENTRY: [&str; 2] = ["30", "-10"];

impl Wine {
    /// `main` is what the main window is called.
    pub(super) fn tray(
        &self,
        client: &mut Child,
        bob: &Person,
        main: &str,
        logs: &Path,
    ) -> Result<()> {
        self.desk.press(&["alt+F4"])?;
        self.goes(client, main)?;
        let icons = self.opens(client, TRAY)?;
        println!("  Alt+F4 leads into the tray.");

        bob.does(&["send", NAME, "into the tray"])?;
        let log = logs.join("client.log");
        deadline::wait("what Wine says of a notice", START, || {
            client.still_there()?;
            let text = fs::read_to_string(&log).unwrap_or_default();
            Ok(text.contains("Windows shows no notice").then_some(()))
        })?;
        let key = r"HKCU\Software\Classes\AppUserModelId\org.thrive.Messenger";
        let known = shell::output(self.command("wine").args(["reg", "query", key]))?;
        ensure!(known.contains("Thrive Messenger"), "Windows is told nothing of us: {known}");
        println!("  A message comes; Wine shows no notices, and nothing breaks.");

        // Room for the menu, which opens above the mouse.
        shell::output(self.desk.command("xdotool").args(["windowmove", &icons, "600", "500"]))?;
        std::thread::sleep(DRAWN);
        // The first touch is seen as the mouse's arrival, which Wine answers with the name of the icon.
        self.point(&icons)?;
        std::thread::sleep(DRAWN);
        self.desk.photograph(&logs.join("tray.png"));
        self.click("1")?;
        self.opens(client, main)?;
        std::thread::sleep(DRAWN);
        client.still_there()?;
        self.desk.photograph(&logs.join("back.png"));
        println!("  A click on the icon brings the window back.");

        self.desk.press(&["alt+F4"])?;
        self.goes(client, main)?;
        self.point(&icons)?;
        self.click("3")?;
        std::thread::sleep(DRAWN);
        self.desk.photograph(&logs.join("menu.png"));
        let mut over = self.desk.command("xdotool");
        shell::output(over.args(["mousemove_relative", "--"]).args(LAST_ENTRY))?;
        self.click("1")?;
        deadline::wait("the end of the program", START, || Ok(client.ended()))?;
        println!("  The menu of the icon ends it.");
        Ok(())
    }

    fn goes(&self, client: &mut Child, title: &str) -> Result<()> {
        deadline::wait(&format!("{title:?} to go"), START, || {
            client.still_there()?;
            Ok(self.shown(title).is_none().then_some(()))
        })
    }

    fn point(&self, window: &str) -> Result<()> {
        let mut xdotool = self.desk.command("xdotool");
        xdotool.args(["mousemove", "--window", window]).args(ICON);
        shell::output(&mut xdotool).map(drop)
    }

    fn click(&self, button: &str) -> Result<()> {
        shell::output(self.desk.command("xdotool").args(["click", button])).map(drop)
    }
}
