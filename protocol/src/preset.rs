//! The classic ways of being away or busy. On the wire each is a word beside the availability, so that
//! clients have the sentences, in any language, and whoever does not know the word shows the rest.

use serde::{Deserialize, Deserializer, Serialize};

use crate::people::Availability;

/// What somebody does just now.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    OnThePhone,
    DoingHomework,
    InTheShower,
    WatchingTv,
    HidingFromTheParents,
    FixingMyPc,
    BatteryAboutToDie,
}

impl Preset {
    /// Every preset, in the order in which it is offered.
    pub const ALL: &[Self] = &[
        Self::OnThePhone,
        Self::DoingHomework,
        Self::InTheShower,
        Self::WatchingTv,
        Self::HidingFromTheParents,
        Self::FixingMyPc,
        Self::BatteryAboutToDie,
    ];

    /// Its word on the wire and in the store.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::OnThePhone => "on_the_phone",
            Self::DoingHomework => "doing_homework",
            Self::InTheShower => "in_the_shower",
            Self::WatchingTv => "watching_tv",
            Self::HidingFromTheParents => "hiding_from_the_parents",
            Self::FixingMyPc => "fixing_my_pc",
            Self::BatteryAboutToDie => "battery_about_to_die",
        }
    }

    /// The preset of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|preset| preset.word() == word)
    }

    /// How available somebody is who does this, unless they say otherwise.
    #[must_use]
    pub fn usual_availability(self) -> Availability {
        match self {
            Self::OnThePhone | Self::DoingHomework | Self::FixingMyPc => Availability::Busy,
            Self::InTheShower | Self::WatchingTv => Availability::Away,
            Self::HidingFromTheParents => Availability::DoNotDisturb,
            Self::BatteryAboutToDie => Availability::Online,
        }
    }
}

/// Reads the word of a preset; one that only a newer peer knows is none.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Preset>, D::Error> {
    Ok(Preset::named(&String::deserialize(deserializer)?))
}

#[cfg(test)]
mod tests {
    use ciborium::cbor;

    use super::*;
    use crate::codec;
    use crate::people::Presence;

    #[test]
    fn the_word_in_the_store_is_the_word_on_the_wire() {
        for preset in Preset::ALL {
            assert_eq!(codec::encode(preset), codec::encode(&preset.word()));
            assert_eq!(Preset::named(preset.word()), Some(*preset));
        }
    }

    #[test]
    fn whoever_does_not_know_a_preset_sees_the_availability_and_the_text() {
        let words = cbor!({
            "availability" => "busy", "preset" => "juggling", "text" => "with knives"
        });
        let presence: Presence = codec::decode(&codec::encode(&words.unwrap())).unwrap();
        assert_eq!((presence.availability, presence.preset), (Availability::Busy, None));
        assert_eq!(presence.text.as_str(), "with knives");
    }
}
