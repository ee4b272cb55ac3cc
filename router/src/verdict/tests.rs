//! Tables of datagrams and where they go, and simulations with any of both.

use std::time::Duration;

use proptest::prelude::*;
use thrive_protocol::encapsulation::State;

use super::*;
use crate::table::{DEAD, Listing, Member, SUSPECT};

const KEY: [u8; 16] = [7; 16];

fn server(lease: u32) -> ServerId {
    ServerId::new(lease, 1).unwrap()
}

/// Node n is at 10.0.0.n.
fn address(lease: u32) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, lease as u8], 2011))
}

fn client() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 1234))
}

fn codec() -> Codec {
    Codec::new(DEFAULT, &KEY)
}

const DEFAULT: u8 = 1;

fn id(lease: u32) -> [u8; 17] {
    codec().encode(server(lease), [lease as u8; 12])
}

fn short(id: [u8; 17]) -> Vec<u8> {
    [&[0x40][..], &id, &[9; 30]].concat()
}

fn long(first: u8, destination: &[u8], source: &[u8], length: usize) -> Vec<u8> {
    let mut octets = vec![first, 0, 0, 0, 1, destination.len() as u8];
    octets.extend(destination);
    octets.push(source.len() as u8);
    octets.extend(source);
    octets.resize(length.max(octets.len()), 0);
    octets
}

fn initial(source: u8) -> Vec<u8> {
    long(0xC0, &[5; 20], &[source; 8], SHORTEST_INITIAL)
}

/// Three nodes, a judge and a clock.
struct Scene {
    judge: Judge,
    table: Table,
    now: Instant,
    counter: u64,
}

impl Scene {
    fn new() -> Self {
        let member =
            |lease| Member { lease, epoch: 1, workers: vec![address(lease)], draining: false };
        let mut table = Table::default();
        let now = Instant::now();
        table.apply(&Listing { members: (1..=3).map(member).collect(), leased: true }, now);
        let judge = Judge::new(codec(), Rendezvous::new(&KEY));
        let mut scene = Self { judge, table, now, counter: 0 };
        scene.answer(&[1, 2, 3], State::Ready);
        scene
    }

    fn answer(&mut self, leases: &[u32], state: State) {
        self.counter += 1;
        self.table.watch(self.now);
        let _asked = self.table.ask(self.counter).count();
        for lease in leases.iter().chain(leases) {
            self.table.hear(address(*lease), self.counter, state, 0, self.now);
        }
    }

    /// Time goes by, and only these answer.
    fn pass(&mut self, time: Duration, leases: &[u32]) {
        for _ in 0..20 {
            self.now += time / 20;
            self.answer(leases, State::Ready);
        }
    }

    fn decide(&mut self, datagram: &[u8]) -> Verdict {
        self.judge.decide(datagram, client(), &self.table, self.now)
    }

    fn to(&mut self, datagram: &[u8]) -> (u32, Way) {
        match self.decide(datagram) {
            Verdict::To { server, address: to, way } => {
                assert_eq!(to, address(server.lease()));
                (server.lease(), way)
            }
            Verdict::Drop(reason) => panic!("dropped: {reason:?}"),
        }
    }

    fn dropped(&mut self, datagram: &[u8], reason: Reason) {
        assert_eq!(self.decide(datagram), Verdict::Drop(reason));
    }
}

#[test]
fn a_connection_id_leads_to_the_server_that_made_it() {
    let mut scene = Scene::new();
    for lease in 1..=3 {
        assert_eq!(scene.to(&short(id(lease))), (lease, Way::ConnectionId));
        // A later packet of the handshake, and one of a later version.
        assert_eq!(scene.to(&long(0xE0, &id(lease), &[1; 8], 60)), (lease, Way::ConnectionId));
        assert_eq!(scene.to(&long(0x80, &id(lease), &[1; 8], 60)), (lease, Way::ConnectionId));
    }
}

#[test]
fn a_draining_or_starting_or_silent_server_keeps_what_it_has_and_gets_nothing_new() {
    for state in [State::Draining, State::Starting] {
        let mut scene = Scene::new();
        scene.answer(&[2], state);
        assert_eq!(scene.to(&short(id(2))), (2, Way::ConnectionId));
        assert!((0..100).all(|source| scene.to(&initial(source)).0 != 2));
    }
    let mut scene = Scene::new();
    scene.pass(SUSPECT, &[1, 3]);
    assert_eq!(scene.to(&short(id(2))), (2, Way::ConnectionId));
    assert!((0..100).all(|source| scene.to(&initial(source)).0 != 2));
}

#[test]
fn a_dead_server_is_answered_for_after_3_s_and_not_before() {
    let mut scene = Scene::new();
    scene.pass(DEAD - Duration::from_millis(1), &[1, 3]);
    assert_eq!(scene.to(&short(id(2))), (2, Way::ConnectionId));
    scene.now += Duration::from_millis(1);
    scene.answer(&[1, 3], State::Ready);
    let (other, way) = scene.to(&short(id(2)));
    assert!(other != 2 && way == Way::Reset);
    // A handshake that was cut gets no reset from anybody.
    scene.dropped(&long(0xE0, &id(2), &[1; 8], 60), Reason::DeadServer);
    // Once it is back, it answers for itself.
    scene.answer(&[2], State::Ready);
    assert_eq!(scene.to(&short(id(2))), (2, Way::ConnectionId));
}

#[test]
fn a_draining_node_may_answer_for_a_dead_one() {
    let mut scene = Scene::new();
    scene.pass(DEAD, &[1, 3]);
    scene.answer(&[1, 3], State::Draining);
    assert_eq!(scene.to(&short(id(2))).1, Way::Reset);
    scene.dropped(&initial(1), Reason::NoNode);
}

#[test]
fn nobody_is_answered_for_when_most_nodes_fell_silent_together() {
    let mut scene = Scene::new();
    scene.pass(DEAD, &[1]);
    scene.dropped(&short(id(2)), Reason::DeadServer);
    assert_eq!(scene.to(&short(id(1))), (1, Way::ConnectionId));
    scene.pass(DEAD, &[]);
    scene.dropped(&short(id(1)), Reason::DeadServer);
    scene.dropped(&initial(1), Reason::NoNode);
}

#[test]
fn the_packets_of_one_handshake_stay_together_while_everything_else_changes() {
    let mut scene = Scene::new();
    let (first, way) = scene.to(&initial(1));
    assert_eq!(way, Way::Chosen);
    let others: Vec<u32> = (1..=3).filter(|it| *it != first).collect();
    scene.answer(&[first], State::Draining);
    assert_eq!(scene.to(&initial(1)), (first, Way::Flight));
    // Another destination, as after a Retry of nobody; the same client and source.
    assert_eq!(scene.to(&long(0xC0, &[6; 8], &[1; 8], 1_200)), (first, Way::Flight));
    // Until the server is dead.
    scene.pass(DEAD, &others);
    let (second, way) = scene.to(&initial(1));
    assert!(second != first && way == Way::Chosen);
    assert_eq!(scene.to(&initial(1)), (second, Way::Flight));
    assert_eq!(scene.judge.flights(), 1);
}

#[test]
fn two_routers_choose_the_same_node() {
    let (mut one, mut two) = (Scene::new(), Scene::new());
    for source in 0..=255 {
        assert_eq!(one.to(&initial(source)), two.to(&initial(source)));
    }
    let met: std::collections::BTreeSet<_> = (0..=255).map(|it| one.to(&initial(it)).0).collect();
    assert_eq!(met.len(), 3);
}

#[test]
fn a_router_that_just_started_serves_before_anybody_answered() {
    let mut scene = Scene::new();
    let members = vec![Member { lease: 9, epoch: 1, workers: vec![address(9)], draining: false }];
    scene.table = Table::default();
    scene.table.apply(&Listing { members, leased: true }, scene.now);
    assert_eq!(scene.to(&short(id(9))), (9, Way::ConnectionId));
    assert_eq!(scene.to(&initial(1)), (9, Way::Chosen));
    scene.table = Table::default();
    scene.dropped(&short(id(9)), Reason::UnknownServer);
    scene.dropped(&initial(1), Reason::NoNode);
}

#[test]
fn what_nobody_can_use_is_dropped_with_its_reason() {
    let mut scene = Scene::new();
    let other_config = Codec::new(2, &KEY).encode(server(1), [1; 12]);
    let other_key = Codec::new(1, &[8; 16]).encode(server(1), [1; 12]);
    scene.dropped(&[], Reason::Truncated);
    scene.dropped(&short(id(1))[..17], Reason::Truncated);
    scene.dropped(&[0xC0, 0, 0, 0, 1, 20], Reason::Truncated);
    scene.dropped(&short(other_config), Reason::ForeignId);
    scene.dropped(&short(other_key), Reason::UnknownServer);
    scene.dropped(&short(id(200)), Reason::UnknownServer);
    scene.dropped(&initial(1)[..SHORTEST_INITIAL - 1], Reason::SmallInitial);
    // Whatever kind it says it is: an Initial, a later one of nobody's handshake, one of another version.
    for first in [0x80, 0x90, 0xE0] {
        scene.dropped(&long(first, &[5; 8], &[1; 8], 60), Reason::SmallInitial);
    }
    let mut unknown_version = long(0xC0, &[5; 20], &[1; 8], SHORTEST_INITIAL);
    unknown_version[1] = 0xFA;
    assert_eq!(scene.to(&unknown_version).1, Way::Chosen);
    unknown_version.pop();
    scene = Scene::new();
    scene.dropped(&unknown_version, Reason::SmallInitial);
    assert_eq!(scene.judge.flights(), 0);
}

#[test]
fn an_id_in_our_form_that_a_client_made_up_is_a_new_connection() {
    let mut scene = Scene::new();
    let mut made_up = [0x33; 17];
    made_up[0] = id(1)[0];
    assert_eq!(scene.to(&long(0xC0, &made_up, &[1; 8], 1_200)).1, Way::Chosen);
}

proptest! {
    /// Whatever comes, and however the nodes are: no panic, and nothing goes where no node is.
    #[test]
    fn nothing_goes_to_who_is_not_in_the_table(
        steps in prop::collection::vec((
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                (any::<u8>(), 0..6_u32).prop_map(|(first, lease)| {
                    [&[first & 0x7F][..], &id(lease.max(1)), &[0; 20]].concat()
                }),
                (any::<u8>(), 1..6_u32, 0..1_300_usize).prop_map(|(first, lease, length)| {
                    long(first | 0x80, &id(lease), &[first; 8], length)
                }),
                any::<u8>().prop_map(initial),
            ],
            prop::collection::btree_set(1..6_u32, 0..5), 0..4_000_u64, any::<bool>(), 0..3_usize,
        ), 1..40),
    ) {
        let mut scene = Scene::new();
        for (datagram, leases, passes, listed, state) in steps {
            scene.now += Duration::from_millis(passes);
            if listed {
                let members = leases.iter().map(|lease| Member {
                    lease: *lease, epoch: 1, workers: vec![address(*lease)], draining: passes % 2 == 0,
                });
                let listing = Listing { members: members.collect(), leased: passes % 3 == 0 };
                scene.table.apply(&listing, scene.now);
            }
            let state = [State::Starting, State::Ready, State::Draining][state];
            scene.answer(&leases.into_iter().collect::<Vec<_>>(), state);
            if let Verdict::To { server, address, way } = scene.decide(&datagram) {
                let entry = scene.table.entry(server);
                prop_assert_eq!(entry.map(Entry::address), Some(address));
                let condition = entry.map(|it| it.condition(scene.now));
                prop_assert!(condition != Some(Condition::Dead));
                prop_assert!(way != Way::Chosen || entry.is_some_and(|it| 0 < it.weight(scene.now)));
                prop_assert!(way != Way::Reset || !scene.table.in_doubt(scene.now));
            }
        }
    }
}
