//! My own status.

use thrive_client::{Availability, Presence, Preset};

use crate::words;

/// The plain ones, in the order in which they are offered; the presets stand behind them.
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
    let presets = Preset::ALL.iter().map(|preset| {
        let shown = words::availability(preset.usual_availability());
        format!("{}, shown as {shown}", words::preset(*preset))
    });
    plain.chain(presets).collect()
}

/// Which of them is the present one.
#[must_use]
pub fn chosen(own: &Presence) -> usize {
    let preset = own.preset.and_then(|own| Preset::ALL.iter().position(|preset| *preset == own));
    match preset {
        Some(at) => CHOICES.len() + at,
        None => CHOICES.iter().position(|choice| *choice == own.availability).unwrap_or(0),
    }
}

/// What was chosen. `limit` is the longest text that the server takes, as far as it has said so.
///
/// # Errors
/// A sentence: the text is too long.
pub fn submit(choice: usize, text: &str, limit: Option<u32>) -> Result<Presence, String> {
    let text = words::one_line(text);
    let letters = text.chars().count();
    if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok())
        && limit < letters
    {
        return Err(format!(
            "Your words have {letters} letters. The server takes {limit} at most."
        ));
    }
    Ok(presence(choice, text))
}

fn presence(choice: usize, text: String) -> Presence {
    let preset = choice.checked_sub(CHOICES.len()).and_then(|at| Preset::ALL.get(at)).copied();
    let availability = match preset {
        Some(preset) => preset.usual_availability(),
        None => CHOICES.get(choice).copied().unwrap_or(Availability::Online),
    };
    Presence { preset, ..Presence::new(availability, text) }
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
    choice.checked_sub(1).map(|choice| presence(choice, String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_comes_back_as_it_was_made() {
        for (index, _) in options().iter().enumerate() {
            assert_eq!(chosen(&submit(index, "lunch", None).unwrap()), index);
        }
        assert_eq!(submit(1, "  out \n for lunch ", None).unwrap().text, "out for lunch");
    }

    #[test]
    fn a_preset_brings_its_availability_and_says_so() {
        assert_eq!(options()[5], "on the phone, shown as busy");
        let phone = submit(5, "", None).unwrap();
        let kept = (phone.availability, phone.preset);
        assert_eq!(kept, (Availability::Busy, Some(Preset::OnThePhone)));
        assert_eq!(words::presence(&phone), "busy, on the phone");
    }

    #[test]
    fn what_is_too_long_is_counted_in_a_sentence() {
        assert!(submit(0, "äöü", Some(3)).is_ok());
        let said = "Your words have 4 letters. The server takes 3 at most.";
        assert_eq!(submit(0, "äöüß", Some(3)).unwrap_err(), said);
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
