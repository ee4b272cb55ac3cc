//! What is said is heard as it was said, and what is not whole harms nobody.

use proptest::prelude::*;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ClientMsgId, Time};
use thrive_protocol::text::MessageText;

use super::*;

const SPEAKER: Speaker = Speaker { node: 7, epoch: 12 };

fn delivery(seq: u64, text: &str) -> Delivery {
    let body = Body::Message { id: ClientMsgId([7; 16]), text: MessageText::parse(text).unwrap() };
    let (conversation, sender) = (ConversationId(-5), UserId(3));
    Delivery::of(Entry { conversation, seq: Seq(seq), sender, time: Time(9), body }, None)
}

fn all_news() -> Vec<News> {
    let event = Event::Read { conversation: ConversationId(4), user: UserId(5), seq: Seq(6) };
    let [user, conversation, session, follower] = [
        Audience::User(UserId(1)),
        Audience::Conversation(ConversationId(2)),
        Audience::EndSession(UserId(1), SessionId(i64::MAX)),
        Audience::Follower(UserId(1)),
    ];
    vec![
        News { to: follower, event: event.clone(), origin: None },
        News { to: user, event: event.clone(), origin: Some(SessionId(8)) },
        News { to: conversation, event, origin: None },
        News { to: session, event: Event::SessionEnded {}, origin: None },
    ]
}

fn everything() -> Vec<u8> {
    let mut message = header(SPEAKER);
    put_entry(&mut message, &delivery(1, "hi"));
    all_news().iter().for_each(|news| put_news(&mut message, &encode_news(news)));
    put_canary(&mut message);
    put_entry(&mut message, &delivery(u64::MAX, "ho"));
    message
}

/// Each item in words that can be compared.
fn heard(message: &[u8]) -> Vec<String> {
    let Ok(Some((speaker, items))) = open(message) else { return Vec::new() };
    assert_eq!(speaker, SPEAKER);
    let word = |item| match item {
        Ok(Item::Entry(it)) => format!("{} {} {:?}", it.conversation, it.seq, it.frame),
        Ok(Item::News(it)) => format!("{it:?}"),
        Ok(Item::Canary) => "canary".to_owned(),
        Ok(Item::Unknown) => "unknown".to_owned(),
        Err(Broken) => "broken".to_owned(),
    };
    items.map(word).collect()
}

#[test]
fn everything_comes_out_as_it_went_in_and_in_that_order() {
    let entry = |it: Delivery| format!("{} {} {:?}", it.conversation, it.seq, it.frame);
    let mut expected = vec![entry(delivery(1, "hi"))];
    expected.extend(all_news().iter().map(|it| format!("{it:?}")));
    expected.extend(["canary".to_owned(), entry(delivery(u64::MAX, "ho"))]);
    assert_eq!(heard(&everything()), expected);
}

#[test]
fn what_only_a_newer_node_knows_is_skipped() {
    let mut message = header(SPEAKER);
    put(&mut message, 200, 3);
    message.extend([1, 2, 3]);
    put_news(&mut message, b"no CBOR that is known");
    put_canary(&mut message);
    assert_eq!(heard(&message), ["unknown", "unknown", "canary"]);
    message[0] = VERSION + 1;
    assert!(matches!(open(&message), Ok(None)));
}

#[test]
fn a_message_that_is_cut_off_anywhere_gives_what_is_whole_and_no_more() {
    let (message, all) = (everything(), heard(&everything()));
    for cut in 0..message.len() {
        let mut heard = heard(&message[..cut]);
        if heard.last().is_some_and(|it| it == "broken") {
            heard.pop();
        }
        assert!(heard.len() < all.len() && all.starts_with(&heard), "cut at {cut}: {heard:?}");
    }
}

#[test]
fn a_frame_whose_length_is_wrong_reaches_no_client() {
    for wrong in [0_u32, 1, 1_000_000] {
        let mut bad = delivery(1, "hi");
        let mut frame = bad.frame.to_vec();
        frame[..4].copy_from_slice(&wrong.to_be_bytes());
        bad.frame = frame.into();
        let mut message = header(SPEAKER);
        put_entry(&mut message, &bad);
        put_canary(&mut message);
        assert_eq!(heard(&message), ["broken"]);
    }
}

#[test]
fn conversations_are_spread_over_all_partitions() {
    let mut counts = [0; PARTITIONS];
    let id = |number: i64| crate::store::ids::first_id(Time(1_800_000_000_000 + number * 977));
    (0..8_000).for_each(|number| counts[partition(id(number))] += 1);
    assert!(counts.iter().all(|count| (700..1_300).contains(count)), "{counts:?}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(Some((_, items))) = open(&bytes) {
            prop_assert!(items.count() <= bytes.len());
        }
    }

    #[test]
    fn no_change_of_a_real_message_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)
    ) {
        let mut message = everything();
        for (index, byte) in changes {
            let at = index.index(message.len());
            message[at] = byte;
        }
        if let Ok(Some((_, items))) = open(&message) {
            prop_assert!(items.count() <= message.len());
        }
    }
}
