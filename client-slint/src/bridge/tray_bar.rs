//! Whether the bar that shows the icons of the tray is still the one of before. Windows tells it to windows
//! of another kind than that of our icon, so it is looked at now and then.

/// What was seen of the bar until now.
#[derive(Debug, Default)]
pub(super) struct Bar {
    shown_in: Option<usize>,
    /// It is there before it takes icons, so the icon is made again once more.
    again: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Seen {
    Nothing,
    Same,
    /// The icon is to be made, or made again.
    Other,
}

impl Bar {
    /// `found` names the bar that is there now.
    pub(super) fn look(&mut self, found: Option<usize>) -> Seen {
        let Some(bar) = found else { return Seen::Nothing };
        if self.shown_in != Some(bar) {
            self.again = self.shown_in.replace(bar).is_some();
            return Seen::Other;
        }
        if std::mem::take(&mut self.again) { Seen::Other } else { Seen::Same }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_that_was_started_anew_gets_the_icon_twice_and_then_is_left_alone() {
        let mut bar = Bar::default();
        assert_eq!(bar.look(None), Seen::Nothing);
        assert_eq!(bar.look(Some(1)), Seen::Other);
        assert_eq!(bar.look(Some(1)), Seen::Same);
        assert_eq!(bar.look(None), Seen::Nothing);
        assert_eq!(bar.look(Some(2)), Seen::Other);
        assert_eq!(bar.look(Some(2)), Seen::Other);
        assert_eq!(bar.look(Some(2)), Seen::Same);
    }
}
