//! Being shown as away while nobody is at the computer, and as before when somebody is back. Pure: the
//! program asks the system for how long nothing was touched, and sends what is decided here.

use std::time::Duration;

use crate::types::{Availability, Presence};

/// The decision, and what it has replaced.
#[derive(Clone, Debug)]
pub struct AutoAway {
    after: Duration,
    /// What the person had chosen, while they are shown as away instead.
    chosen: Option<Presence>,
}

impl AutoAway {
    /// Away after so long without a touch.
    #[must_use]
    pub fn after(after: Duration) -> Self {
        Self { after, chosen: None }
    }

    /// Nothing was touched for `idle`; `own` is the status as the server has it. Returns the status to set.
    /// Only somebody who is online becomes away: busy, invisible and the rest are what they chose to be,
    /// there or not. Ask every few seconds; a status that could not be set is given again.
    pub fn observe(&mut self, idle: Duration, own: &Presence) -> Option<Presence> {
        let is_idle = self.after <= idle;
        match self.chosen.take() {
            None if is_idle && own.availability == Availability::Online => {
                let shown = away(own);
                self.chosen = Some(own.clone());
                Some(shown)
            }
            None => None,
            Some(chosen) => {
                let shown = away(&chosen);
                if *own != shown && *own != chosen {
                    // Another status was chosen meanwhile, here or on another device: that one stays.
                    return None;
                }
                if !is_idle {
                    return Some(chosen);
                }
                let again = (*own == chosen).then_some(shown);
                self.chosen = Some(chosen);
                again
            }
        }
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

    #[test]
    fn idle_for_long_enough_is_away_and_back_is_what_was_chosen() {
        let (online, away) = (presence(Availability::Online), presence(Availability::Away));
        let mut auto = AutoAway::after(LIMIT);
        assert_eq!(auto.observe(SHORT, &online), None);
        assert_eq!(auto.observe(LIMIT, &online), Some(away.clone()));
        assert_eq!(auto.observe(LIMIT * 2, &away), None);
        assert_eq!(auto.observe(BACK, &away), Some(online.clone()));
        assert_eq!(auto.observe(BACK, &online), None);
    }

    #[test]
    fn whoever_chose_something_else_than_online_stays_what_they_are() {
        use Availability::{Away, Busy, DoNotDisturb, Invisible};
        for availability in [Away, Busy, DoNotDisturb, Invisible] {
            let own = presence(availability);
            let mut auto = AutoAway::after(LIMIT);
            assert_eq!(auto.observe(LIMIT, &own), None, "{availability:?}");
            assert_eq!(auto.observe(BACK, &own), None, "{availability:?}");
        }
    }

    #[test]
    fn a_status_that_is_chosen_while_away_is_not_overwritten_by_coming_back() {
        let (online, busy) = (presence(Availability::Online), presence(Availability::Busy));
        let mut auto = AutoAway::after(LIMIT);
        auto.observe(LIMIT, &online);
        assert_eq!(auto.observe(LIMIT, &busy), None);
        assert_eq!(auto.observe(BACK, &busy), None);
    }

    #[test]
    fn what_could_not_be_set_is_given_again_until_it_is() {
        let (online, away) = (presence(Availability::Online), presence(Availability::Away));
        let mut auto = AutoAway::after(LIMIT);
        assert_eq!(auto.observe(LIMIT, &online), Some(away.clone()));
        assert_eq!(auto.observe(LIMIT, &online), Some(away), "the server did not answer");
        assert_eq!(auto.observe(BACK, &online), Some(online.clone()), "it may be on its way");
    }
}
