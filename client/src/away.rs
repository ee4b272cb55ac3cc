//! Being shown as away while nobody is at the computer, and as before when somebody is back. Pure: the
//! program asks the system for how long nothing was touched, and sends what is decided here.

use std::time::Duration;

use crate::types::{Availability, Presence};

/// The decision, and what it stands on. One status holds for all devices of a person, so each of them takes care
/// of what the others do: somebody is away when nobody touches any of them, and here when one is touched.
#[derive(Clone, Debug)]
pub struct AutoAway {
    after: Duration,
    /// The last status with which the person was online: what they come back to.
    online: Option<Presence>,
    /// Since when the person is seen as away in its place, whichever device did that.
    away_since: Option<Duration>,
    /// When this device last took that back.
    came_back: Option<Duration>,
    given: Given,
    /// Somebody was here since another device was in use while this one was not.
    armed: bool,
}

/// What this device has given in the place of what was chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Given {
    Nothing,
    /// Away, and the server has not said yet that it is so.
    Away,
    /// Away, and that was so.
    Set,
}

impl AutoAway {
    /// Away after so long without a touch.
    #[must_use]
    pub fn after(after: Duration) -> Self {
        let (online, away_since, came_back) = (None, None, None);
        Self { after, online, away_since, came_back, given: Given::Nothing, armed: true }
    }

    /// Nothing was touched for `idle`; `own` is the status as the server has it; `now` is the time since some
    /// beginning. Returns the status to set. Only somebody who is online becomes away: busy, invisible and the
    /// rest are what they chose to be, there or not. Ask every few seconds; a status that could not be set is
    /// given again. A status that is chosen on this device needs a new one of these.
    pub fn observe(&mut self, now: Duration, idle: Duration, own: &Presence) -> Option<Presence> {
        let is_idle = self.after <= idle;
        self.armed |= !is_idle;
        match own.availability {
            // The server has not said it yet.
            Availability::Offline => return None,
            Availability::Online => return self.seen_online(is_idle, own),
            Availability::Away
            | Availability::Busy
            | Availability::DoNotDisturb
            | Availability::Invisible => {}
        }
        match self.online.clone().filter(|online| away(online) == *own) {
            Some(online) => self.seen_away(now, idle, online),
            // Chosen, here or on another device: that one stays.
            None => {
                (self.online, self.away_since, self.given) = (None, None, Given::Nothing);
                self.armed = !is_idle;
                None
            }
        }
    }

    /// What was returned is set.
    pub fn set(&mut self, presence: &Presence) {
        let away = presence.availability == Availability::Away;
        self.given = if away { Given::Set } else { Given::Nothing };
    }

    /// Whether the person is shown as away because this device said so.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.given != Given::Nothing
    }

    /// Whether a touch of this device would be the end of being away.
    #[must_use]
    pub fn awaits_touch(&self) -> bool {
        self.away_since.is_some()
    }

    fn seen_online(&mut self, is_idle: bool, own: &Presence) -> Option<Presence> {
        let was_away = self.away_since.take().is_some() || self.given == Given::Set;
        if was_away && is_idle {
            // Another device is in use. Being away again at once would never end.
            self.armed = false;
        }
        let on_its_way = std::mem::replace(&mut self.given, Given::Nothing) == Given::Away;
        self.online = Some(own.clone());
        if is_idle && self.armed {
            self.given = Given::Away;
            return Some(away(own));
        }
        (on_its_way && !is_idle).then(|| own.clone())
    }

    fn seen_away(&mut self, now: Duration, idle: Duration, online: Presence) -> Option<Presence> {
        if self.given == Given::Away {
            self.given = Given::Set;
        }
        let again = |at: Duration| now.saturating_sub(at) < self.after;
        if self.away_since.is_none()
            && self.given == Given::Nothing
            && self.came_back.is_some_and(again)
        {
            // No computer is left alone for that long since: this one was chosen.
            self.online = None;
            return None;
        }
        let since = *self.away_since.get_or_insert(now);
        let touched = self.given == Given::Set && idle < self.after;
        if !touched && now.saturating_sub(since) <= idle {
            return None;
        }
        self.came_back = Some(now);
        Some(online)
    }
}

fn away(chosen: &Presence) -> Presence {
    Presence { availability: Availability::Away, ..chosen.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Preset;

    const LIMIT: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_secs(599);
    const BACK: Duration = Duration::ZERO;

    fn presence(availability: Availability) -> Presence {
        Presence {
            preset: Some(Preset::BatteryAboutToDie),
            ..Presence::new(availability, "at my desk".to_owned())
        }
    }

    /// A device of the person, and the time on its clock.
    struct Device(AutoAway, Duration);

    impl Device {
        fn new() -> Self {
            Self(AutoAway::after(LIMIT), Duration::ZERO)
        }

        /// Three seconds later, untouched for `idle`.
        fn look(&mut self, idle: Duration, own: &Presence) -> Option<Presence> {
            self.1 += Duration::from_secs(3);
            self.0.observe(self.1, idle, own)
        }
    }

    #[test]
    fn idle_for_long_enough_is_away_and_back_is_what_was_chosen() {
        let (online, away) = (presence(Availability::Online), presence(Availability::Away));
        let mut device = Device::new();
        assert_eq!(device.look(SHORT, &online), None);
        assert_eq!(device.look(LIMIT, &online), Some(away.clone()));
        device.0.set(&away);
        assert_eq!(device.look(LIMIT * 2, &away), None);
        assert_eq!(device.look(BACK, &away), Some(online.clone()));
        assert_eq!(device.look(BACK, &away), Some(online.clone()), "it could not be set");
        assert_eq!(device.look(BACK, &online), None);
        assert!(!device.0.is_away());
        assert_eq!(device.look(LIMIT, &online), Some(away), "and the next time");
    }

    #[test]
    fn whoever_chose_something_else_than_online_stays_what_they_are() {
        use Availability::{Away, Busy, DoNotDisturb, Invisible};
        for availability in [Away, Busy, DoNotDisturb, Invisible] {
            let own = presence(availability);
            let mut device = Device::new();
            assert_eq!(device.look(LIMIT, &own), None, "{availability:?}");
            assert_eq!(device.look(BACK, &own), None, "{availability:?}");
        }
    }

    #[test]
    fn a_status_that_is_chosen_while_away_is_not_overwritten_by_coming_back() {
        let (online, busy) = (presence(Availability::Online), presence(Availability::Busy));
        let mut device = Device::new();
        device.look(LIMIT, &online);
        assert_eq!(device.look(LIMIT, &busy), None);
        assert!(!device.0.is_away());
        assert_eq!(device.look(BACK, &busy), None);
    }

    #[test]
    fn what_could_not_be_set_is_given_again_until_it_is() {
        let (online, away) = (presence(Availability::Online), presence(Availability::Away));
        let mut device = Device::new();
        assert_eq!(device.look(LIMIT, &online), Some(away.clone()));
        assert_eq!(device.look(LIMIT, &online), Some(away), "the server did not answer");
        assert_eq!(device.look(BACK, &online), Some(online.clone()), "it may be on its way");
        assert_eq!(device.look(BACK, &online), None);
    }

    #[test]
    fn a_device_that_nobody_touches_never_contradicts_another_one() {
        let (online, away) = (presence(Availability::Online), presence(Availability::Away));
        let other_words =
            Presence { text: "elsewhere".to_owned(), ..presence(Availability::Online) };
        for chosen in [&online, &other_words] {
            let mut device = Device::new();
            assert_eq!(device.look(LIMIT, &online), Some(away.clone()));
            device.0.set(&away);
            // Before this device has looked again.
            assert_eq!(device.look(LIMIT, chosen), None);
            assert_eq!(device.look(LIMIT * 9, chosen), None);
            assert!(!device.0.is_away());
            assert_eq!(device.look(LIMIT, &presence(Availability::Busy)), None);
            assert_eq!(device.look(LIMIT, chosen), None);
            assert_eq!(device.look(BACK, chosen), None);
            let again = Presence { availability: Availability::Away, ..chosen.clone() };
            assert_eq!(device.look(LIMIT, chosen), Some(again), "it was touched since");
        }
    }

    #[test]
    fn a_touch_of_one_device_ends_what_another_one_began() {
        let (online, away) = (presence(Availability::Online), presence(Availability::Away));
        let mut device = Device::new();
        assert_eq!(device.look(BACK, &online), None);
        assert_eq!(device.look(BACK, &away), None, "touched before, and perhaps not since");
        assert_eq!(device.look(Duration::from_secs(6), &away), None);
        assert!(device.0.awaits_touch() && !device.0.is_away());
        assert_eq!(device.look(BACK, &away), Some(online.clone()));
        assert_eq!(device.look(BACK, &online), None);
        // So soon again it is no computer that was left alone.
        assert_eq!(device.look(BACK, &away), None);
        assert_eq!(device.look(BACK, &away), None);
        assert_eq!(device.look(BACK, &online), None);
        device.1 += LIMIT;
        assert_eq!(device.look(BACK, &away), None);
        assert_eq!(device.look(BACK, &away), Some(online));
    }

    #[test]
    fn of_two_computers_the_one_that_is_used_decides_and_the_other_one_is_silent() {
        let (mut home, mut laptop) = (Device::new(), Device::new());
        let mut own = presence(Availability::Online);
        let mut set = Vec::new();
        // Two hours in which nobody is at home, and the laptop is touched once a minute for one of them.
        for second in (0..7_200_u64).step_by(3) {
            let used = if second < 3_600 { second % 60 } else { second - 3_600 };
            for (device, idle) in [(&mut home, second), (&mut laptop, used)] {
                if let Some(presence) = device.look(Duration::from_secs(idle), &own) {
                    device.0.set(&presence);
                    set.push((second, presence.availability));
                    own = presence;
                }
            }
        }
        let expected = [
            // The computer at home after ten minutes, and the laptop at its next touch.
            (600, Availability::Away),
            (660, Availability::Online),
            // Nobody is at the laptop for ten minutes either.
            (4_200, Availability::Away),
        ];
        assert_eq!(set, expected);
    }

    #[test]
    fn away_that_was_there_from_the_start_or_has_other_words_was_chosen() {
        let (online, away) = (presence(Availability::Online), presence(Availability::Away));
        let other = Presence { text: "out for lunch".to_owned(), ..presence(Availability::Away) };
        let mut device = Device::new();
        for own in [&away, &away, &online, &other, &other] {
            assert_eq!(device.look(BACK, own), None);
        }
    }
}
