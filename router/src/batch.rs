//! Puts datagrams together so that few calls to the system send many of them. Pure.
//!
//! Datagrams of one size to one address go out as one message that the system cuts up again (UDP_SEGMENT),
//! whichever clients they come from. Several messages go out in one call where they need the same control
//! data, since the call takes it once for all of them.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use thrive_protocol::encapsulation::HEADER;

/// One datagram on its way out.
#[derive(Clone, Debug)]
pub struct Parcel<'a> {
    pub to: SocketAddr,
    /// The two bits of congestion marks; 0 for none.
    pub ecn: u8,
    /// What is sent before the payload, to a node.
    pub header: Option<[u8; HEADER]>,
    pub payload: &'a [u8],
}

/// Neighbors that go out as one message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Run {
    pub parcels: Range<usize>,
    /// Octets of each datagram; the last one may have fewer.
    pub size: usize,
}

/// Neighbors that go out in one call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    pub runs: Range<usize>,
    pub control: Control,
}

/// What the messages of one call have in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Control {
    pub ecn: u8,
    /// Whether the marks are those of IPv6. Of an IPv4 address in its clothes they are not.
    pub v6: bool,
    /// The size at which messages are cut up. One that is not longer stays whole.
    pub segment: Option<u16>,
}

/// Datagrams in one message: what every kernel since 4.18 takes.
pub const SEGMENTS: usize = 64;
/// Octets in one message, with room for the headers of IP and UDP.
const LONGEST: usize = 65_000;
/// Messages in one call.
pub const MESSAGES: usize = 64;

impl Parcel<'_> {
    #[must_use]
    pub fn len(&self) -> usize {
        self.payload.len() + if self.header.is_some() { HEADER } else { 0 }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Brings datagrams to the same address together. Those from one client stay in their order.
pub fn sort(parcels: &mut [Parcel<'_>]) {
    parcels.sort_by_key(|parcel| (parcel.to, parcel.ecn));
}

/// Splits sorted datagrams into messages of at most `segments` datagrams.
#[must_use]
pub fn runs(parcels: &[Parcel<'_>], segments: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut total = 0;
    for (at, parcel) in parcels.iter().enumerate() {
        let size = parcel.len();
        if let Some(run) = runs.last_mut() {
            let first = &parcels[run.parcels.start];
            // A shorter datagram ends a run, since only the last may be shorter.
            let open = parcels[run.parcels.end - 1].len() == run.size;
            let same = first.to == parcel.to && first.ecn == parcel.ecn && size <= run.size;
            if open && same && 0 < size && run.parcels.len() < segments && total + size <= LONGEST {
                run.parcels.end = at + 1;
                total += size;
                continue;
            }
        }
        runs.push(Run { parcels: at..at + 1, size });
        total = size;
    }
    runs
}

/// Splits messages into calls.
#[must_use]
pub fn calls(parcels: &[Parcel<'_>], runs: &[Run]) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    // The longest message of the call that is not cut up.
    let mut longest = 0;
    for (at, run) in runs.iter().enumerate() {
        let parcel = &parcels[run.parcels.start];
        let (ecn, v6) = (parcel.ecn, is_v6(parcel.to));
        let single = run.parcels.len() == 1;
        if let Some(call) = calls.last_mut() {
            let control = &mut call.control;
            let fits = match control.segment {
                Some(segment) if single => run.size <= usize::from(segment),
                Some(segment) => run.size == usize::from(segment),
                None => single || longest <= run.size,
            };
            if fits && (control.ecn, control.v6) == (ecn, v6) && call.runs.len() < MESSAGES {
                if !single {
                    control.segment = u16::try_from(run.size).ok();
                }
                longest = longest.max(run.size);
                call.runs.end = at + 1;
                continue;
            }
        }
        let segment = if single { None } else { u16::try_from(run.size).ok() };
        calls.push(Call { runs: at..at + 1, control: Control { ecn, v6, segment } });
        longest = run.size;
    }
    calls
}

#[must_use]
pub fn is_v6(address: SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V6(ip) if ip.to_ipv4_mapped().is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static OCTETS: [u8; 2_000] = [0; 2_000];

    fn parcel(to: u16, size: usize) -> Parcel<'static> {
        let to = SocketAddr::from(([127, 0, 0, 1], to));
        Parcel { to, ecn: 0, header: None, payload: &OCTETS[..size] }
    }

    fn parcels(all: &[(u16, usize)]) -> Vec<Parcel<'static>> {
        all.iter().map(|&(to, size)| parcel(to, size)).collect()
    }

    /// How many datagrams each message has.
    fn lengths(all: &[(u16, usize)]) -> Vec<usize> {
        runs(&parcels(all), SEGMENTS).into_iter().map(|run| run.parcels.len()).collect()
    }

    #[test]
    fn datagrams_of_one_size_to_one_address_are_one_message_and_the_last_may_be_shorter() {
        assert_eq!(lengths(&[(1, 100), (1, 100), (1, 60)]), [3]);
        assert_eq!(lengths(&[(1, 100), (1, 60), (1, 60)]), [2, 1]);
        assert_eq!(lengths(&[(1, 60), (1, 100)]), [1, 1]);
        assert_eq!(lengths(&[(1, 100), (2, 100)]), [1, 1]);
        assert_eq!(lengths(&[(1, 100), (1, 0), (1, 0)]), [1, 1, 1]);
    }

    #[test]
    fn a_message_has_no_more_datagrams_and_octets_than_the_system_takes() {
        assert_eq!(lengths(&[(1, 10); 130]), [64, 64, 2]);
        assert_eq!(lengths(&[(1, 1_400); 60]), [46, 14]);
    }

    #[test]
    fn congestion_marks_are_not_mixed() {
        let mut all = parcels(&[(1, 50), (1, 50), (1, 50)]);
        all[1].ecn = 2;
        sort(&mut all);
        let runs = runs(&all, SEGMENTS);
        assert_eq!(runs.len(), 2);
        assert_eq!(calls(&all, &runs).len(), 2);
    }

    #[test]
    fn whole_messages_go_out_with_those_that_are_cut_up_if_they_are_not_longer() {
        let segments = |all: &[(u16, usize)]| {
            let all = parcels(all);
            let calls = calls(&all, &runs(&all, SEGMENTS)).into_iter();
            calls.map(|call| (call.runs.len(), call.control.segment)).collect::<Vec<_>>()
        };
        assert_eq!(segments(&[(1, 90), (2, 100), (2, 100), (3, 40)]), [(3, Some(100))]);
        assert_eq!(segments(&[(1, 110), (2, 100), (2, 100)]), [(1, None), (1, Some(100))]);
        assert_eq!(segments(&[(1, 10), (2, 20), (3, 30)]), [(3, None)]);
        assert_eq!(segments(&[(1, 9), (1, 9), (2, 8), (2, 8)]), [(1, Some(9)), (1, Some(8))]);
    }

    proptest! {
        #[test]
        fn every_datagram_goes_out_once_and_as_it_is(
            sizes in prop::collection::vec((0..4_u16, 0..1_500_usize, any::<bool>()), 0..300),
            segments in 1..=SEGMENTS,
        ) {
            let mut all: Vec<_> = sizes.iter().map(|&(to, size, marked)| Parcel {
                ecn: 2 * u8::from(marked), ..parcel(to, size)
            }).collect();
            sort(&mut all);
            let runs = runs(&all, segments);
            let mut next = 0;
            for run in &runs {
                prop_assert_eq!(run.parcels.start, next);
                next = run.parcels.end;
                let (last, rest) = all[run.parcels.clone()].split_last().unwrap();
                prop_assert!(rest.iter().all(|it| it.len() == run.size) && last.len() <= run.size);
                prop_assert!(rest.iter().all(|it| it.to == last.to && it.ecn == last.ecn));
                prop_assert!(run.parcels.len() <= segments);
            }
            prop_assert_eq!(next, all.len());
            let mut next = 0;
            for call in calls(&all, &runs) {
                prop_assert_eq!(call.runs.start, next);
                next = call.runs.end;
                for run in &runs[call.runs.clone()] {
                    let segment = call.control.segment.map(usize::from);
                    // What the system would cut is cut between two datagrams.
                    let whole = run.parcels.len() == 1;
                    prop_assert!(whole && segment.is_none_or(|it| run.size <= it)
                        || segment == Some(run.size));
                    prop_assert_eq!(all[run.parcels.start].ecn, call.control.ecn);
                }
            }
            prop_assert_eq!(next, runs.len());
        }
    }
}
