//! What may be done with a file that was offered, by whom, and what it is afterwards.

use thrive_protocol::file::FileState;

/// How it stands with a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    pub accepted: bool,
    /// All of it is stored, and is what was offered.
    pub ready: bool,
    pub received: bool,
    pub ended: Option<Ended>,
    /// Its time is over.
    pub expired: bool,
}

/// Why nothing of it is kept any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    Declined,
    Cancelled,
    Refused,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
    Sender,
    Recipient,
}

/// What somebody wants to do. The last two are deeds of the node, by the doing of the sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deed {
    Accept,
    Decline,
    Cancel,
    Receive,
    Finish,
    Refuse,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OfferRefusal {
    #[error("there is no such file for the caller")]
    NoSuchFile,
    #[error("nothing of the file is kept any more")]
    Gone,
    #[error("the recipient has not accepted the file")]
    NotAccepted,
    #[error("not all of the file is stored")]
    NotReady,
}

/// What is to be written down; `None` when it is so already.
///
/// # Errors
/// It may not be done.
pub fn decide(
    deed: Deed,
    side: Side,
    standing: Standing,
) -> Result<Option<FileState>, OfferRefusal> {
    use OfferRefusal as No;
    let Standing { accepted, ready, received, ended, expired } = standing;
    let whose = match deed {
        Deed::Accept | Deed::Decline | Deed::Receive => Side::Recipient,
        Deed::Cancel | Deed::Finish | Deed::Refuse => Side::Sender,
    };
    if whose != side {
        return Err(No::NoSuchFile);
    }
    let (already, state) = match deed {
        Deed::Accept => (accepted && ended.is_none(), FileState::Accepted),
        Deed::Decline => (ended == Some(Ended::Declined), FileState::Declined),
        Deed::Cancel => (ended == Some(Ended::Cancelled), FileState::Cancelled),
        Deed::Receive => (received, FileState::Received),
        Deed::Finish => (ready && ended.is_none(), FileState::Ready),
        Deed::Refuse => (ended == Some(Ended::Refused), FileState::Refused),
    };
    if already {
        return Ok(None);
    }
    if ended.is_some() || expired {
        return Err(No::Gone);
    }
    match deed {
        Deed::Receive if !accepted => Err(No::NotAccepted),
        Deed::Receive if !ready => Err(No::NotReady),
        // Whoever has it cannot say that they never wanted it.
        Deed::Decline if received => Err(No::Gone),
        // What was checked is what was offered, whatever is sent after it.
        Deed::Refuse if ready => Ok(None),
        Deed::Accept
        | Deed::Decline
        | Deed::Cancel
        | Deed::Receive
        | Deed::Finish
        | Deed::Refuse => Ok(Some(state)),
    }
}

/// Whether its content may be given out.
///
/// # Errors
/// Not to this side, or not now.
pub fn may_download(side: Side, standing: Standing) -> Result<(), OfferRefusal> {
    if standing.ended.is_some() || standing.expired {
        return Err(OfferRefusal::Gone);
    }
    if side == Side::Recipient && !standing.accepted {
        return Err(OfferRefusal::NotAccepted);
    }
    if standing.ready { Ok(()) } else { Err(OfferRefusal::NotReady) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Standing =
        Standing { accepted: false, ready: false, received: false, ended: None, expired: false };

    #[test]
    fn each_deed_is_of_one_side_and_is_written_down_once() {
        let cases = [
            (
                Deed::Accept,
                Side::Recipient,
                FileState::Accepted,
                Standing { accepted: true, ..OPEN },
            ),
            (
                Deed::Decline,
                Side::Recipient,
                FileState::Declined,
                Standing { ended: Some(Ended::Declined), ..OPEN },
            ),
            (
                Deed::Cancel,
                Side::Sender,
                FileState::Cancelled,
                Standing { ended: Some(Ended::Cancelled), ..OPEN },
            ),
            (Deed::Finish, Side::Sender, FileState::Ready, Standing { ready: true, ..OPEN }),
            (
                Deed::Refuse,
                Side::Sender,
                FileState::Refused,
                Standing { ended: Some(Ended::Refused), ..OPEN },
            ),
        ];
        for (deed, side, state, after) in cases {
            let other = if side == Side::Sender { Side::Recipient } else { Side::Sender };
            assert_eq!(decide(deed, side, OPEN), Ok(Some(state)), "{deed:?}");
            assert_eq!(decide(deed, side, after), Ok(None), "{deed:?}");
            assert_eq!(decide(deed, other, OPEN), Err(OfferRefusal::NoSuchFile), "{deed:?}");
        }
    }

    #[test]
    fn what_has_ended_or_expired_takes_no_other_turn() {
        let ends = [Ended::Declined, Ended::Cancelled, Ended::Refused].map(Some);
        for ended in ends {
            let over = Standing { ended, accepted: true, ready: true, ..OPEN };
            assert_eq!(decide(Deed::Accept, Side::Recipient, over), Err(OfferRefusal::Gone));
            assert_eq!(may_download(Side::Recipient, over), Err(OfferRefusal::Gone));
        }
        let old = Standing { expired: true, ready: true, accepted: true, ..OPEN };
        assert_eq!(decide(Deed::Receive, Side::Recipient, old), Err(OfferRefusal::Gone));
        assert_eq!(decide(Deed::Cancel, Side::Sender, old), Err(OfferRefusal::Gone));
        assert_eq!(may_download(Side::Sender, old), Err(OfferRefusal::Gone));
    }

    #[test]
    fn only_what_was_accepted_and_is_whole_is_given_out_and_received() {
        let check = |accepted, ready, expected| {
            let standing = Standing { accepted, ready, ..OPEN };
            assert_eq!(may_download(Side::Recipient, standing), expected);
            let received = decide(Deed::Receive, Side::Recipient, standing);
            assert_eq!(received.map(drop), expected);
        };
        check(false, false, Err(OfferRefusal::NotAccepted));
        check(false, true, Err(OfferRefusal::NotAccepted));
        check(true, false, Err(OfferRefusal::NotReady));
        check(true, true, Ok(()));
    }
}
