//! My own status.

use thrive_client::{Availability, Presence};

use crate::words;

/// What can be chosen, in the order in which it is offered.
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
    CHOICES
        .iter()
        .map(|choice| {
            let word = words::availability(*choice);
            match choice {
                Availability::Busy | Availability::DoNotDisturb => {
                    format!("{word}, and quiet here")
                }
                Availability::Invisible => format!("{word}, others see you offline"),
                Availability::Online | Availability::Away | Availability::Offline => word.into(),
            }
        })
        .collect()
}

/// Which of them is the present one.
#[must_use]
pub fn chosen(own: &Presence) -> usize {
    CHOICES.iter().position(|choice| *choice == own.availability).unwrap_or(0)
}

/// What was chosen.
#[must_use]
pub fn submit(choice: usize, text: &str) -> Presence {
    let availability = CHOICES.get(choice).copied().unwrap_or(Availability::Online);
    Presence::new(availability, words::one_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_comes_back_as_it_was_made() {
        for (index, _) in CHOICES.iter().enumerate() {
            assert_eq!(chosen(&submit(index, "lunch")), index);
        }
        assert_eq!(submit(1, "  out \n for lunch ").text, "out for lunch");
    }
}
