//! What is spoken, sounded and shown, as a function of what happened, where the person is, and what
//! they chose. It knows no window, no sound device and no clock.

pub mod queue;

use thrive_client::{Arrival, Availability};

use crate::settings::Settings;
use crate::words;

/// Something that happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    Message {
        from: String,
        text: String,
        chat: Chat,
    },
    OwnMessageSent,
    /// Why, as a sentence.
    SendFailed {
        to: String,
        why: String,
    },
    CameOnline {
        who: String,
    },
    WentOffline {
        who: String,
    },
    Typing {
        who: String,
        active: bool,
        chat: Chat,
    },
    Request {
        who: String,
        words: String,
    },
    /// There has been no connection for two seconds.
    ConnectionLost {
        why: String,
    },
    ConnectionBack,
    LoggedIn {
        unread: u32,
    },
    LoggedOut {
        why: Option<String>,
    },
    /// An answer to what the person just did.
    Answer(String),
    /// Something that the person tried did not work.
    Problem(String),
}

/// Which chat something belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chat {
    /// The one in the window that has the keyboard.
    InFront,
    Other,
}

/// Where the person is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Context {
    /// One of our windows has the keyboard. Otherwise a screen reader may drop what we say.
    pub in_front: bool,
    pub arrival: Arrival,
    pub own: Availability,
}

/// What to do about it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Decision {
    pub speech: Option<Speech>,
    pub sound: Option<Sound>,
    /// For the line at the foot of the main window.
    pub shown: Option<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Speech {
    pub text: String,
    /// Interrupts: failures and a lost connection, nothing else.
    pub assertive: bool,
    /// Who is talking; several of these become "5 new messages from Ann".
    pub from: Option<String>,
}

/// The six events of a sound pack.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sound {
    ContactOnline,
    ContactOffline,
    Login,
    Logout,
    Receive,
    Send,
}

/// The policy.
#[must_use]
pub fn decide(event: &Event, context: Context, settings: &Settings) -> Decision {
    let live = context.arrival == Arrival::Live;
    let undisturbed = matches!(context.own, Availability::DoNotDisturb | Availability::Busy);
    let mut decision = match event {
        // What was missed while one was away is in the unread counts.
        Event::Message { .. }
        | Event::CameOnline { .. }
        | Event::WentOffline { .. }
        | Event::Typing { .. }
            if !live =>
        {
            Decision::default()
        }
        Event::Message { .. }
        | Event::CameOnline { .. }
        | Event::WentOffline { .. }
        | Event::Typing { .. }
            if undisturbed =>
        {
            Decision::default()
        }
        Event::Message { from, text, chat } => {
            let wanted = match chat {
                Chat::InFront => settings.speak_messages,
                Chat::Other => settings.speak_other_chats,
            };
            let speech = Speech {
                text: format!("{from}: {}", words::one_line(text)),
                assertive: false,
                from: Some(from.clone()),
            };
            let shown = (*chat == Chat::Other).then(|| format!("{from} wrote to you."));
            Decision { speech: wanted.then_some(speech), sound: Some(Sound::Receive), shown }
        }
        // Never spoken back: one knows what one wrote.
        Event::OwnMessageSent => Decision { sound: Some(Sound::Send), ..Decision::default() },
        Event::SendFailed { to, why } => {
            let text = format!("The message to {to} was not sent. {why}");
            Decision { shown: Some(text.clone()), ..assertive(text) }
        }
        Event::CameOnline { who } => {
            let text = format!("{who} is online.");
            Decision {
                sound: Some(Sound::ContactOnline),
                shown: Some(text.clone()),
                ..if settings.speak_status { polite(text) } else { Decision::default() }
            }
        }
        Event::WentOffline { who } => {
            let text = format!("{who} is offline.");
            Decision {
                sound: Some(Sound::ContactOffline),
                shown: Some(text.clone()),
                ..if settings.speak_status { polite(text) } else { Decision::default() }
            }
        }
        Event::Typing { who, active, chat } => match (settings.speak_typing, active, chat) {
            (true, true, Chat::InFront) => polite(format!("{who} is typing.")),
            (true, false, Chat::InFront) => polite(format!("{who} has stopped typing.")),
            (true, _, Chat::Other) | (false, _, _) => Decision::default(),
        },
        Event::Request { who, words } => {
            let text = if words.is_empty() {
                format!("{who} asks to be your contact.")
            } else {
                format!("{who} asks to be your contact: {}", words::one_line(words))
            };
            let mut decision = polite(text.clone());
            decision.shown = Some(text);
            if !live || undisturbed {
                decision.speech = None;
            } else {
                decision.sound = Some(Sound::Receive);
            }
            decision
        }
        Event::ConnectionLost { why } => {
            let text = format!("The connection is lost. I go on trying. {why}");
            assertive(text.trim_end().to_owned())
        }
        Event::ConnectionBack => polite("The connection is back.".into()),
        Event::LoggedIn { unread } => {
            let text = match unread {
                0 => "Logged in.".to_owned(),
                1 => "Logged in. 1 unread message.".to_owned(),
                many => format!("Logged in. {many} unread messages."),
            };
            Decision { sound: Some(Sound::Login), ..polite(text) }
        }
        Event::LoggedOut { why: None } => {
            Decision { sound: Some(Sound::Logout), ..polite("Logged out.".into()) }
        }
        Event::LoggedOut { why: Some(why) } => {
            Decision { sound: Some(Sound::Logout), ..assertive(why.clone()) }
        }
        Event::Answer(text) => polite(text.clone()),
        Event::Problem(text) => assertive(text.clone()),
    };
    if !context.in_front && decision.speech.as_ref().is_some_and(|speech| !speech.assertive) {
        decision.speech = None;
    }
    if !settings.sounds {
        decision.sound = None;
    }
    decision
}

fn polite(text: String) -> Decision {
    let speech = Speech { text, assertive: false, from: None };
    Decision { speech: Some(speech), ..Decision::default() }
}

fn assertive(text: String) -> Decision {
    let speech = Speech { text, assertive: true, from: None };
    Decision { speech: Some(speech), ..Decision::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Context =
        Context { in_front: true, arrival: Arrival::Live, own: Availability::Online };
    const BEHIND: Context = Context { in_front: false, ..HERE };
    const BUSY: Context = Context { own: Availability::Busy, ..HERE };
    const CAUGHT_UP: Context = Context { arrival: Arrival::CatchUp, ..HERE };

    /// `spoken|sound`, with `!` before what interrupts.
    fn outcome(event: &Event, context: Context, settings: &Settings) -> String {
        let decision = decide(event, context, settings);
        let spoken = decision.speech.map_or(String::new(), |speech| {
            format!("{}{}", if speech.assertive { "!" } else { "" }, speech.text)
        });
        let sound = decision.sound.map_or(String::new(), |sound| format!("{sound:?}"));
        format!("{spoken}|{sound}")
    }

    fn message(chat: Chat) -> Event {
        Event::Message { from: "Ann".into(), text: "hi\nthere".into(), chat }
    }

    #[test]
    fn the_matrix_of_events_and_places_holds() {
        let online = Event::CameOnline { who: "Ann".into() };
        let typing = Event::Typing { who: "Ann".into(), active: true, chat: Chat::InFront };
        let failed = Event::SendFailed { to: "Ann".into(), why: "No.".into() };
        let lost = Event::ConnectionLost { why: String::new() };
        let request = Event::Request { who: "Bob".into(), words: "hi".into() };
        let settings = Settings::default();
        let table: &[(&Event, [&str; 4])] = &[
            // in front, behind another program, busy, caught up
            (&message(Chat::InFront), ["Ann: hi there|Receive", "|Receive", "|", "|"]),
            (&message(Chat::Other), ["Ann: hi there|Receive", "|Receive", "|", "|"]),
            (&Event::OwnMessageSent, ["|Send", "|Send", "|Send", "|Send"]),
            (&online, ["|ContactOnline", "|ContactOnline", "|", "|"]),
            (&typing, ["|", "|", "|", "|"]),
            (&failed, ["!The message to Ann was not sent. No.|"; 4]),
            (&lost, ["!The connection is lost. I go on trying.|"; 4]),
            (
                &Event::ConnectionBack,
                [
                    "The connection is back.|",
                    "|",
                    "The connection is back.|",
                    "The connection is back.|",
                ],
            ),
            (&request, ["Bob asks to be your contact: hi|Receive", "|Receive", "|", "|"]),
        ];
        for (event, outcomes) in table {
            for (context, expected) in [HERE, BEHIND, BUSY, CAUGHT_UP].into_iter().zip(outcomes) {
                assert_eq!(outcome(event, context, &settings), *expected, "{event:?} {context:?}");
            }
        }
    }

    #[test]
    fn every_kind_of_speech_and_all_sounds_can_be_switched() {
        let online = Event::CameOnline { who: "Ann".into() };
        let typing = Event::Typing { who: "Ann".into(), active: true, chat: Chat::InFront };
        let silent = Settings {
            sounds: false,
            speak_messages: false,
            speak_other_chats: false,
            ..Settings::default()
        };
        for event in [&message(Chat::InFront), &message(Chat::Other), &online, &typing] {
            assert_eq!(outcome(event, HERE, &silent), "|", "{event:?}");
        }
        let loud = Settings { speak_status: true, speak_typing: true, ..Settings::default() };
        assert_eq!(outcome(&online, HERE, &loud), "Ann is online.|ContactOnline");
        assert_eq!(outcome(&typing, HERE, &loud), "Ann is typing.|");
    }

    #[test]
    fn one_sentence_at_login_stands_for_everything_that_was_missed() {
        let settings = Settings::default();
        let event = Event::LoggedIn { unread: 3 };
        assert_eq!(outcome(&event, HERE, &settings), "Logged in. 3 unread messages.|Login");
    }
}
