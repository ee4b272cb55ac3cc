//! What is spoken, sounded and shown, as a function of what happened, where the person is, and what
//! they chose. It knows no window, no sound device and no clock.

pub mod queue;
mod sound;

use thrive_client::{Arrival, Availability};

use crate::settings::{Detail, Settings};
use crate::words;

pub use self::sound::Sound;

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
    /// What is offered, in words: `photo.jpg, 2 MB`.
    FileOffered {
        from: String,
        files: String,
    },
    FileReceived {
        from: String,
        file: String,
    },
    FileSent {
        to: String,
        file: String,
    },
    /// Why, as a sentence.
    FileFailed {
        file: String,
        why: String,
    },
    /// The host says something to everybody.
    Alert(String),
    /// A newer version of this program was found, in words. Nobody asked for it.
    NewVersion(String),
    /// There is nothing before the first message.
    ListEdge,
    /// There has been no connection for two seconds.
    ConnectionLost {
        why: String,
    },
    ConnectionBack,
    LoggedIn {
        unread: u32,
    },
    /// What came from whom while one was away, as a sentence.
    Missed(String),
    LoggedOut {
        why: Option<String>,
    },
    /// What the operator says to whoever has logged in.
    Welcome(String),
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
    /// For the desktop, while another program is in front.
    pub notice: Option<Notice>,
}

/// What the desktop shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    pub title: String,
    pub body: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Speech {
    pub text: String,
    /// Interrupts: failures, a lost connection, an alert; messages only if the person wants that.
    pub assertive: bool,
    /// Who is talking; several of these become "5 new messages from Ann".
    pub from: Option<String>,
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
            let (wanted, sound) = match chat {
                Chat::InFront => (settings.speak_messages, Sound::Receive),
                Chat::Other => (settings.speak_other_chats, Sound::ReceiveElsewhere),
            };
            let speech = Speech {
                text: format!("{from}: {}", words::one_line(text)),
                assertive: settings.interrupt_speech,
                from: Some(from.clone()),
            };
            let shown = (*chat == Chat::Other).then(|| format!("{from} wrote to you."));
            let notice = on_desktop(settings.notices, from, "New message", text);
            Decision { speech: wanted.then_some(speech), sound: Some(sound), shown, notice }
        }
        // Never spoken back: one knows what one wrote.
        Event::OwnMessageSent => Decision { sound: Some(Sound::Send), ..Decision::default() },
        Event::SendFailed { to, why } => {
            let text = format!("The message to {to} was not sent. {why}");
            Decision { shown: Some(text.clone()), ..assertive(text) }.with(Sound::SendFailed)
        }
        Event::CameOnline { who } => {
            notice(format!("{who} is online."), settings.speak_status).with(Sound::ContactOnline)
        }
        Event::WentOffline { who } => {
            notice(format!("{who} is offline."), settings.speak_status).with(Sound::ContactOffline)
        }
        Event::Typing { chat: Chat::Other, .. } => Decision::default(),
        Event::Typing { who, active, chat: Chat::InFront } => {
            let text = match active {
                true => format!("{who} is typing."),
                false => format!("{who} has stopped typing."),
            };
            let speech = if settings.speak_typing { polite(text) } else { Decision::default() };
            if *active { speech.with(Sound::Typing) } else { speech }
        }
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
                decision.sound = Some(Sound::Request);
                decision.notice = on_desktop(settings.notices, who, "New contact request", words);
            }
            decision
        }
        Event::FileOffered { from, files } => {
            let decision = notice(format!("{from} offers you {files}."), settings.speak_files);
            if !live || undisturbed {
                Decision { speech: None, ..decision }
            } else {
                let notice = on_desktop(settings.notices, from, "New file", files);
                Decision { notice, ..decision.with(Sound::FileOffer) }
            }
        }
        Event::FileReceived { from, file } => {
            notice(format!("{file} has come from {from}."), settings.speak_files)
                .with(Sound::FileReceive)
        }
        Event::FileSent { to, file } => {
            notice(format!("{file} was sent to {to}."), settings.speak_files).with(Sound::FileSend)
        }
        Event::FileFailed { file, why } => {
            let text = format!("{file} was not transferred. {why}");
            Decision { shown: Some(text.clone()), ..assertive(text) }.with(Sound::FileError)
        }
        Event::Alert(text) => {
            let notice = on_desktop(settings.notices, "The host", "Message to everybody", text);
            let text = format!("Message from the host: {}", words::one_line(text));
            Decision { shown: Some(text.clone()), notice, ..assertive(text) }.with(Sound::Alert)
        }
        Event::NewVersion(text) => {
            let decision = notice(text.clone(), !undisturbed);
            if live { decision } else { Decision { speech: None, ..decision } }
        }
        Event::ListEdge => Decision::default().with(Sound::ListEdge),
        Event::ConnectionLost { why } => {
            let text = format!("The connection is lost. I go on trying. {why}");
            assertive(text.trim_end().to_owned()).with(Sound::ConnectionLost)
        }
        Event::ConnectionBack => polite("The connection is back.".into()).with(Sound::Reconnected),
        Event::LoggedIn { unread } => {
            let text = match unread {
                0 => "Logged in.".to_owned(),
                1 => "Logged in. 1 unread message.".to_owned(),
                many => format!("Logged in. {many} unread messages."),
            };
            polite(text).with(Sound::Login)
        }
        Event::Missed(text) => Decision { shown: Some(text.clone()), ..polite(text.clone()) },
        Event::Welcome(text) => notice(words::one_line(text), true),
        Event::LoggedOut { why: None } => polite("Logged out.".into()).with(Sound::Logout),
        Event::LoggedOut { why: Some(why) } => assertive(why.clone()).with(Sound::Logout),
        Event::Answer(text) => polite(text.clone()),
        Event::Problem(text) => assertive(text.clone()).with(Sound::Error),
    };
    if !context.in_front && decision.speech.as_ref().is_some_and(|speech| !speech.is_urgent()) {
        decision.speech = None;
    }
    decision.notice = decision.notice.filter(|_| !context.in_front);
    decision.sound = decision.sound.filter(|sound| settings.sounds && settings.hears(*sound));
    decision
}

impl Decision {
    fn with(self, sound: Sound) -> Self {
        Self { sound: Some(sound), ..self }
    }
}

impl Speech {
    /// Said even behind another program. A message that interrupts is still only a message.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.assertive && self.from.is_none()
    }
}

/// Who has sent what, as far as others who look at the screen may read it.
fn on_desktop(detail: Detail, who: &str, what: &str, text: &str) -> Option<Notice> {
    let text = words::one_line(text);
    let (title, body) = match detail {
        Detail::Everything if text.is_empty() => (who, what),
        Detail::Everything => (who, text.as_str()),
        Detail::Who => (who, what),
        Detail::Something => ("Thrive Messenger", what),
        Detail::Nothing => return None,
    };
    Some(Notice { title: title.to_owned(), body: body.to_owned() })
}

/// Shown in any case, spoken if the person wants that.
fn notice(text: String, spoken: bool) -> Decision {
    let shown = Some(text.clone());
    Decision { shown, ..if spoken { polite(text) } else { Decision::default() } }
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
        let offer = Event::FileOffered { from: "Ann".into(), files: "a.txt, 2 KB".into() };
        let came = Event::FileReceived { from: "Ann".into(), file: "a.txt".into() };
        let sent = Event::FileSent { to: "Ann".into(), file: "a.txt".into() };
        let broken = Event::FileFailed { file: "a.txt".into(), why: "No.".into() };
        let alert = Event::Alert("The server\nstops.".into());
        let missed = Event::Missed("You have 2 messages from Ann.".into());
        let settings = Settings::default();
        let table: &[(&Event, [&str; 4])] = &[
            // in front, behind another program, busy, caught up
            (&message(Chat::InFront), ["Ann: hi there|Receive", "|Receive", "|", "|"]),
            (
                &message(Chat::Other),
                ["Ann: hi there|ReceiveElsewhere", "|ReceiveElsewhere", "|", "|"],
            ),
            (
                &Event::NewVersion("Thrive 2 is there.".into()),
                ["Thrive 2 is there.|", "|", "|", "|"],
            ),
            (&Event::OwnMessageSent, ["|Send"; 4]),
            (&online, ["|ContactOnline", "|ContactOnline", "|", "|"]),
            (&typing, ["|"; 4]),
            (&failed, ["!The message to Ann was not sent. No.|SendFailed"; 4]),
            (&lost, ["!The connection is lost. I go on trying.|ConnectionLost"; 4]),
            (
                &Event::ConnectionBack,
                [
                    "The connection is back.|Reconnected",
                    "|Reconnected",
                    "The connection is back.|Reconnected",
                    "The connection is back.|Reconnected",
                ],
            ),
            (&request, ["Bob asks to be your contact: hi|Request", "|Request", "|", "|"]),
            (&offer, ["Ann offers you a.txt, 2 KB.|FileOffer", "|FileOffer", "|", "|"]),
            (
                &came,
                [
                    "a.txt has come from Ann.|FileReceive",
                    "|FileReceive",
                    "a.txt has come from Ann.|FileReceive",
                    "a.txt has come from Ann.|FileReceive",
                ],
            ),
            (
                &sent,
                [
                    "a.txt was sent to Ann.|FileSend",
                    "|FileSend",
                    "a.txt was sent to Ann.|FileSend",
                    "a.txt was sent to Ann.|FileSend",
                ],
            ),
            (&broken, ["!a.txt was not transferred. No.|FileError"; 4]),
            (&alert, ["!Message from the host: The server stops.|Alert"; 4]),
            (
                &missed,
                [
                    "You have 2 messages from Ann.|",
                    "|",
                    "You have 2 messages from Ann.|",
                    "You have 2 messages from Ann.|",
                ],
            ),
            (&Event::Welcome("Hi\nall.".into()), ["Hi all.|", "|", "Hi all.|", "Hi all.|"]),
            (&Event::ListEdge, ["|ListEdge"; 4]),
            (&Event::Problem("No.".into()), ["!No.|Error"; 4]),
            (&Event::Answer("Copied.".into()), ["Copied.|", "|", "Copied.|", "Copied.|"]),
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
        let came = Event::FileReceived { from: "Ann".into(), file: "a.txt".into() };
        let silent = Settings {
            sounds: false,
            speak_messages: false,
            speak_other_chats: false,
            speak_files: false,
            ..Settings::default()
        };
        for event in [&message(Chat::InFront), &message(Chat::Other), &online, &typing, &came] {
            assert_eq!(outcome(event, HERE, &silent), "|", "{event:?}");
        }
        let loud = Settings {
            speak_status: true,
            speak_typing: true,
            silent: Default::default(),
            ..Settings::default()
        };
        assert_eq!(outcome(&online, HERE, &loud), "Ann is online.|ContactOnline");
        assert_eq!(outcome(&typing, HERE, &loud), "Ann is typing.|Typing");
    }

    #[test]
    fn every_sound_can_be_switched_off_alone() {
        let one = Settings { silent: ["receive".to_owned()].into(), ..Settings::default() };
        assert_eq!(outcome(&message(Chat::InFront), HERE, &one), "Ann: hi there|");
        assert_eq!(outcome(&message(Chat::Other), BEHIND, &one), "|ReceiveElsewhere");
        for sound in Sound::ALL {
            assert_eq!(Sound::parse(sound.word()), Some(*sound));
        }
    }

    #[test]
    fn messages_interrupt_only_if_that_is_wanted_and_never_from_behind() {
        let wanted = Settings { interrupt_speech: true, ..Settings::default() };
        assert_eq!(outcome(&message(Chat::InFront), HERE, &wanted), "!Ann: hi there|Receive");
        assert_eq!(outcome(&message(Chat::InFront), BEHIND, &wanted), "|Receive");
    }

    #[test]
    fn the_desktop_shows_as_much_as_is_wanted_and_only_from_behind() {
        let request = Event::Request { who: "Bob".into(), words: String::new() };
        let shown = |event: &Event, context, notices| {
            let settings = Settings { notices, ..Settings::default() };
            decide(event, context, &settings)
                .notice
                .map_or(String::new(), |it| format!("{}|{}", it.title, it.body))
        };
        let message = message(Chat::Other);
        let table = [
            (Detail::Everything, "Ann|hi there", "Bob|New contact request"),
            (Detail::Who, "Ann|New message", "Bob|New contact request"),
            (
                Detail::Something,
                "Thrive Messenger|New message",
                "Thrive Messenger|New contact request",
            ),
            (Detail::Nothing, "", ""),
        ];
        for (detail, of_message, of_request) in table {
            assert_eq!(shown(&message, BEHIND, detail), of_message, "{detail:?}");
            assert_eq!(shown(&request, BEHIND, detail), of_request, "{detail:?}");
            let busy = Context { own: Availability::Busy, ..BEHIND };
            let late = Context { arrival: Arrival::CatchUp, ..BEHIND };
            for context in [HERE, busy, late] {
                assert_eq!(shown(&message, context, detail), "", "{detail:?} {context:?}");
            }
        }
        assert_eq!(shown(&Event::OwnMessageSent, BEHIND, Detail::Everything), "");
    }

    #[test]
    fn one_sentence_at_login_stands_for_everything_that_was_missed() {
        let settings = Settings::default();
        let event = Event::LoggedIn { unread: 3 };
        assert_eq!(outcome(&event, HERE, &settings), "Logged in. 3 unread messages.|Login");
    }
}
