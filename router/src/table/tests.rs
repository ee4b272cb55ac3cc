//! How nodes look after what was listed and what they answered, at moments that the tests choose.

use super::*;

const MS: Duration = Duration::from_millis(1);

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

fn server(lease: u32) -> ServerId {
    ServerId::new(lease, 1).unwrap()
}

/// Node n is at port n.
fn member(lease: u32) -> Member {
    Member { lease, epoch: 1, workers: vec![address(lease as u16)], draining: false }
}

fn leased(leases: &[u32]) -> Listing {
    Listing { members: leases.iter().map(|it| member(*it)).collect(), leased: true }
}

/// A table with a clock.
struct Scene {
    table: Table,
    now: Instant,
    counter: u64,
}

impl Scene {
    fn new(listing: &Listing) -> Self {
        let mut table = Table::default();
        let now = Instant::now();
        table.apply(listing, now);
        Self { table, now, counter: 0 }
    }

    /// `leases` answer to a ping every 200 ms, for as long as `passes`.
    fn pass(&mut self, passes: Duration, leases: &[u32]) {
        let end = self.now + passes;
        while self.now < end {
            self.now += PING.min(end - self.now);
            self.counter += 1;
            self.table.watch(self.now);
            assert!(self.table.ask(self.counter).count() <= self.table.entries().len());
            for lease in leases {
                self.hear(*lease, State::Ready, 0);
            }
        }
    }

    fn hear(&mut self, lease: u32, state: State, load: u8) -> Heard {
        self.table.hear(address(lease as u16), self.counter, state, load, self.now)
    }

    fn condition(&self, lease: u32) -> Option<Condition> {
        self.table.entry(server(lease)).map(|it| it.condition(self.now))
    }

    fn weight(&self, lease: u32) -> u8 {
        self.table.entry(server(lease)).unwrap().weight(self.now)
    }
}

#[test]
fn a_node_is_up_after_two_answers_suspect_after_700_ms_and_dead_after_3_s() {
    let mut scene = Scene::new(&leased(&[1]));
    assert_eq!(scene.condition(1), Some(Condition::Unknown));
    assert_eq!(scene.hear(1, State::Ready, 0), Heard::Nearly);
    assert_eq!(scene.condition(1), Some(Condition::Unknown));
    assert_eq!(scene.hear(1, State::Ready, 0), Heard::Noted);
    for (silence, expected) in [
        (699, Condition::Up),
        (700, Condition::Suspect),
        (2_999, Condition::Suspect),
        (3_000, Condition::Dead),
    ] {
        let at = scene.now + silence * MS;
        assert_eq!(scene.table.entry(server(1)).unwrap().condition(at), expected, "{silence} ms");
    }
}

#[test]
fn one_answer_after_a_silence_is_not_enough() {
    let mut scene = Scene::new(&leased(&[1]));
    scene.pass(PING * 5, &[1]);
    scene.pass(DEAD, &[]);
    assert_eq!(scene.condition(1), Some(Condition::Dead));
    assert_eq!(scene.hear(1, State::Ready, 0), Heard::Nearly);
    assert_eq!(scene.condition(1), Some(Condition::Suspect));
    assert_eq!(scene.weight(1), 0);
    assert_eq!(scene.hear(1, State::Ready, 0), Heard::Noted);
    assert_eq!(scene.condition(1), Some(Condition::Up));
}

#[test]
fn a_node_that_never_answers_is_dead_after_3_s() {
    let mut scene = Scene::new(&leased(&[1]));
    scene.pass(DEAD - MS, &[]);
    assert_eq!(scene.condition(1), Some(Condition::Unknown));
    scene.pass(MS, &[]);
    assert_eq!(scene.condition(1), Some(Condition::Dead));
}

#[test]
fn a_node_that_just_started_may_be_chosen_if_need_be_unless_it_says_no() {
    let mut scene = Scene::new(&leased(&[1]));
    assert_eq!(scene.weight(1), 16);
    scene.hear(1, State::Starting, 0);
    assert_eq!((scene.condition(1), scene.weight(1)), (Some(Condition::Unknown), 0));
    scene.hear(1, State::Ready, 4);
    assert_eq!((scene.condition(1), scene.weight(1)), (Some(Condition::Up), 12));
}

#[test]
fn answers_to_what_was_not_asked_lately_or_from_strangers_change_nothing() {
    let mut scene = Scene::new(&leased(&[1]));
    scene.counter = 1_000;
    let _asked = scene.table.ask(1_000).count();
    for counter in [1_001, 1_000 - PINGS, 0, u64::MAX] {
        let heard = scene.table.hear(address(1), counter, State::Ready, 0, scene.now);
        assert_eq!(heard, Heard::Nothing, "{counter}");
    }
    assert_eq!(scene.table.hear(address(9), 1_000, State::Ready, 0, scene.now), Heard::Nothing);
    assert_eq!(scene.condition(1), Some(Condition::Unknown));
    let late = scene.table.hear(address(1), 1_001 - PINGS, State::Ready, 0, scene.now);
    assert_eq!(late, Heard::Nearly);
}

#[test]
fn the_load_is_the_weight_upside_down_and_draining_takes_nothing() {
    let mut scene = Scene::new(&leased(&[1]));
    scene.pass(PING * 3, &[1]);
    for (load, weight) in [(0, 16), (1, 15), (15, 1), (16, 1), (200, 1)] {
        scene.hear(1, State::Ready, load);
        assert_eq!(scene.weight(1), weight, "load {load}");
    }
    for state in [State::Starting, State::Draining] {
        scene.hear(1, state, 0);
        assert_eq!((scene.weight(1), scene.condition(1)), (0, Some(Condition::Up)));
    }
    scene.hear(1, State::Ready, 0);
    let draining = Member { draining: true, ..member(1) };
    scene.table.apply(&Listing { members: vec![draining], leased: true }, scene.now);
    assert_eq!((scene.weight(1), scene.condition(1)), (0, Some(Condition::Up)));
    scene.table.apply(&leased(&[1]), scene.now);
    assert_eq!(scene.weight(1), 16);
}

#[test]
fn a_list_that_lost_a_node_takes_it_away_only_when_it_is_silent_too() {
    let mut scene = Scene::new(&leased(&[1, 2]));
    scene.pass(PING * 3, &[1, 2]);
    // Redis was emptied.
    scene.table.apply(&leased(&[]), scene.now);
    scene.pass(DEAD * 3, &[1, 2]);
    assert_eq!((scene.condition(1), scene.weight(1)), (Some(Condition::Up), 16));
    // It may live without a lease, so a moment of silence is no more than that.
    scene.pass(DEAD - MS, &[1]);
    let both = |scene: &Scene| (scene.condition(1), scene.condition(2));
    assert_eq!(both(&scene), (Some(Condition::Up), Some(Condition::Suspect)));
    scene.pass(MS, &[1]);
    assert_eq!(both(&scene), (Some(Condition::Up), Some(Condition::Dead)));
    // And back, as if nothing had been.
    scene.table.apply(&leased(&[1, 2]), scene.now);
    scene.pass(PING * 2, &[1, 2]);
    assert_eq!(scene.condition(2), Some(Condition::Up));
}

#[test]
fn a_node_that_is_gone_is_remembered_for_a_while_and_then_forgotten() {
    let mut scene = Scene::new(&leased(&[1, 2]));
    scene.table.apply(&leased(&[2]), scene.now);
    scene.now += REMEMBERED - MS;
    scene.table.apply(&leased(&[2]), scene.now);
    assert_eq!(scene.condition(1), Some(Condition::Dead));
    assert!(scene.table.knows(address(1)));
    scene.now += MS;
    scene.table.apply(&leased(&[2]), scene.now);
    assert_eq!(scene.condition(1), None);
    assert!(!scene.table.knows(address(1)));
    assert!(scene.table.knows(address(2)));
}

#[test]
fn a_new_server_at_an_old_address_makes_the_old_one_dead_at_once() {
    let mut scene = Scene::new(&leased(&[1]));
    scene.pass(PING * 3, &[1]);
    let heir = |epoch| Member { lease: 2, epoch, ..member(1) };
    // While the old lease is not over yet, both are listed, in any order.
    for members in [vec![member(1), heir(2)], vec![heir(2), member(1)], vec![heir(2)]] {
        scene.table.apply(&Listing { members, leased: true }, scene.now);
        assert_eq!(scene.condition(1), Some(Condition::Dead));
        assert_eq!(scene.condition(2), Some(Condition::Unknown));
    }
    let address_1 = address(1);
    let _asked = scene.table.ask(7).count();
    scene.table.hear(address_1, 7, State::Ready, 0, scene.now);
    scene.table.hear(address_1, 7, State::Ready, 0, scene.now);
    assert_eq!(scene.condition(2), Some(Condition::Up));
    assert_eq!(scene.condition(1), Some(Condition::Dead));
    assert_eq!(scene.table.ask(8).count(), 1);
}

#[test]
fn a_server_that_moved_has_to_answer_from_its_new_address() {
    let mut scene = Scene::new(&leased(&[1]));
    scene.pass(PING * 3, &[1]);
    let moved = Member { workers: vec![address(77)], ..member(1) };
    scene.table.apply(&Listing { members: vec![moved], leased: true }, scene.now);
    assert_eq!(scene.condition(1), Some(Condition::Unknown));
    assert_eq!(scene.table.entry(server(1)).unwrap().address(), address(77));
    assert!(scene.table.knows(address(77)) && !scene.table.knows(address(1)));
}

#[test]
fn each_worker_of_a_node_is_a_server_and_mapped_addresses_are_known() {
    let mapped = "[::ffff:10.0.0.1]:8".parse().unwrap();
    let listing = Listing {
        members: vec![Member { workers: vec![address(7), mapped], ..member(3) }],
        leased: false,
    };
    let scene = Scene::new(&listing);
    let worker = |it| scene.table.entry(ServerId::new(3, it).unwrap()).map(Entry::address);
    assert_eq!([worker(0), worker(1), worker(2)], [None, Some(address(7)), Some(address(8))]);
    assert!(scene.table.knows(address(8)));
}

#[test]
fn nodes_are_mostly_silent_when_more_than_half_are() {
    let check = |all: &[u32], answer: &[u32], expected: bool| {
        let mut scene = Scene::new(&leased(all));
        scene.pass(PING * 3, all);
        scene.pass(SUSPECT, answer);
        assert_eq!(scene.table.mostly_silent(scene.now), expected, "{answer:?} of {all:?}");
        scene.pass(Duration::from_secs(120), answer);
        assert_eq!(scene.table.mostly_silent(scene.now), expected, "{answer:?} of {all:?}, later");
    };
    check(&[1, 2], &[1, 2], false);
    check(&[1, 2], &[1], false);
    check(&[1, 2], &[], true);
    check(&[1, 2, 3], &[1, 2], false);
    check(&[1, 2, 3], &[1], true);
    check(&[1, 2, 3, 4], &[1, 2], false);
    check(&[1], &[], true);
}

#[test]
fn when_all_were_silent_each_has_time_to_answer_before_it_is_given_up() {
    let mut scene = Scene::new(&leased(&[1, 2, 3]));
    scene.pass(PING * 3, &[1, 2, 3]);
    scene.pass(DEAD, &[]);
    // Our network is back, and the first two are heard first.
    scene.pass(DEAD, &[1, 2]);
    assert_eq!(
        (scene.condition(3), scene.table.in_doubt(scene.now)),
        (Some(Condition::Dead), true)
    );
    scene.pass(PING, &[1, 2]);
    assert!(!scene.table.in_doubt(scene.now));
}

#[test]
fn who_stood_still_has_no_answers_to_miss() {
    let mut scene = Scene::new(&leased(&[1, 2]));
    scene.pass(PING * 3, &[1, 2]);
    assert!(!scene.table.in_doubt(scene.now));
    // The machine was suspended: nothing was asked.
    scene.now += DEAD * 10;
    for _ in 0..2 {
        scene.hear(1, State::Ready, 0);
        assert_eq!(scene.condition(2), Some(Condition::Dead));
        assert!(!scene.table.mostly_silent(scene.now) && scene.table.in_doubt(scene.now));
        scene.table.watch(scene.now);
    }
    scene.pass(DEAD, &[1]);
    assert!(!scene.table.in_doubt(scene.now));
}

#[test]
fn nodes_whose_leases_are_over_do_not_count_as_silent_with_others() {
    let mut scene = Scene::new(&leased(&[1, 2, 3]));
    scene.pass(PING * 3, &[1, 2, 3]);
    scene.pass(DEAD, &[1]);
    assert!(scene.table.mostly_silent(scene.now));
    scene.table.apply(&leased(&[1]), scene.now);
    assert!(!scene.table.mostly_silent(scene.now));
}

#[test]
fn listed_nodes_that_have_long_been_silent_do_not_count_either() {
    let listing = Listing { leased: false, ..leased(&[1, 2, 3]) };
    let mut scene = Scene::new(&listing);
    scene.pass(PING * 3, &[1, 2, 3]);
    scene.pass(TOGETHER - MS, &[1]);
    assert!(scene.table.mostly_silent(scene.now));
    scene.pass(MS, &[1]);
    assert!(!scene.table.mostly_silent(scene.now));
}

#[test]
fn the_workers_of_one_node_count_once() {
    let many = Member { workers: (1..=9).map(|it| address(100 + it)).collect(), ..member(1) };
    let listing = Listing { members: vec![many, member(2), member(3)], leased: true };
    let mut scene = Scene::new(&listing);
    scene.pass(PING * 3, &[101, 2, 3]);
    scene.pass(SUSPECT, &[2, 3]);
    assert!(!scene.table.mostly_silent(scene.now));
}

#[test]
fn a_source_gone_mad_fills_no_memory() {
    let workers = |lease| (0..255).map(|it| SocketAddr::from(([10, 0, lease, it], 1))).collect();
    let member = |lease: u8| Member { workers: workers(lease), ..member(u32::from(lease) + 1) };
    let scene = Scene::new(&Listing { members: (0..200).map(member).collect(), leased: true });
    assert_eq!(scene.table.entries().len(), MOST);
}
