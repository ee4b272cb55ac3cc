//! My own status.

use thrive_client::{Availability, Presence, Preset};

use crate::words;

/// What can be chosen, in the order in which it is offered; after them the presets.
pub const CHOICES: [Availability; 5] = [
    Availability::Online,
    Availability::Away,
    Availability::Busy,
    Availability::DoNotDisturb,
    Availability::Invisible,
];

/// The choices with what they mean.
#[must_use]
pub fn options() -> Vec<String> {
    let plain = CHOICES.iter().map(|choice| {
        let word = words::availability(*choice);
        match choice {
            Availability::Busy | Availability::DoNotDisturb => {
                format!("{word}, and quiet here")
            }
            Availability::Invisible => format!("{word}, others see you offline"),
            Availability::Online | Availability::Away | Availability::Offline => word.into(),
        }
    });
    plain.chain(Preset::ALL.iter().map(|preset| words::preset(*preset).to_owned())).collect()
}

/// Which of them is the present one.
#[must_use]
pub fn chosen(own: &Presence) -> usize {
    let preset = own.preset.and_then(|own| Preset::ALL.iter().position(|it| *it == own));
    let plain = || CHOICES.iter().position(|choice| *choice == own.availability);
    preset.map(|at| CHOICES.len() + at).or_else(plain).unwrap_or(0)
}

/// What was chosen.
#[must_use]
pub fn submit(choice: usize, text: &str) -> Presence {
    let text = words::one_line(text);
    match Preset::ALL.get(choice.wrapping_sub(CHOICES.len())) {
        Some(preset) => {
            let availability = preset.usual_availability();
            Presence { preset: Some(*preset), ..Presence::new(availability, text) }
        }
        None => {
            let availability = CHOICES.get(choice).copied().unwrap_or(Availability::Online);
            Presence::new(availability, text)
        }
    }
}

/// The choices at the log-in: the first one leaves the status as the server has it, whichever device
/// chose it, so that somebody who is invisible stays so.
#[must_use]
pub fn at_login() -> Vec<String> {
    let mut options = options();
    options.insert(0, "as I left it".into());
    options
}

/// The status to log in with; `None`: as it was left.
#[must_use]
pub fn of_login(choice: usize) -> Option<Presence> {
    choice.checked_sub(1).map(|choice| submit(choice, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_comes_back_as_it_was_made() {
        for (index, _) in options().iter().enumerate() {
            assert_eq!(chosen(&submit(index, "lunch")), index);
        }
        assert_eq!(submit(1, "  out \n for lunch ").text, "out for lunch");
    }
    #[test]
    fn at_the_log_in_nothing_is_said_unless_something_was_chosen() {
        assert_eq!(at_login().len(), options().len() + 1);
        assert_eq!(of_login(0), None);
        let invisible = at_login().iter().position(|it| it.starts_with("invisible")).unwrap();
        let chosen = of_login(invisible).unwrap();
        assert_eq!(chosen.availability, Availability::Invisible);
    }
}
