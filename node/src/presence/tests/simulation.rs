//! Nodes that come, go and die over a bus that loses, doubles and reorders. After a repair, every node
//! sees the truth; and at no time does a node show a status that it knows to be old.

use std::collections::{BTreeMap, HashMap};

use crate::presence::*;

const PEOPLE: i64 = 6;
const NODES: u32 = 3;

struct World {
    seed: u64,
    now: Instant,
    nodes: BTreeMap<u32, Live>,
    epoch: u64,
    /// What the store holds.
    stored: HashMap<UserId, Status>,
    chosen: u64,
    /// What was written to where all can read it. Nothing of it is lost.
    written: HashMap<Process, Snapshot>,
    leases: BTreeMap<u32, (Process, Digest)>,
    on_the_way: Vec<(u32, Gossip)>,
}

struct Live {
    process: Process,
    online: Online,
    connections: HashMap<UserId, u32>,
}

impl World {
    fn new(seed: u64, now: Instant) -> Self {
        let mut world = Self {
            seed,
            now,
            nodes: BTreeMap::new(),
            epoch: 0,
            stored: HashMap::new(),
            chosen: 0,
            written: HashMap::new(),
            leases: BTreeMap::new(),
            on_the_way: Vec::new(),
        };
        for user in (0..PEOPLE).map(UserId) {
            world.stored.insert(user, Status::default());
        }
        for node in 1..=NODES {
            world.start(node);
        }
        world
    }

    fn below(&mut self, end: u64) -> u64 {
        // SplitMix64: small, and good enough to take turns.
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut it = self.seed;
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (it ^ (it >> 31)) % end
    }

    fn start(&mut self, node: u32) {
        self.epoch += 1;
        let process = Process { node, epoch: self.epoch };
        let online = Online::default();
        online.join(process);
        self.leases.insert(node, (process, online.digest()));
        self.written.insert(process, Snapshot::default());
        self.nodes.insert(node, Live { process, online, connections: HashMap::new() });
    }

    fn step(&mut self) {
        let node = u32::try_from(self.below(u64::from(NODES))).unwrap() + 1;
        let user = UserId(i64::try_from(self.below(PEOPLE.unsigned_abs())).unwrap());
        match self.below(40) {
            0..8 => self.connect(node, user),
            8..14 => self.disconnect(node, user),
            14..18 => self.choose(node, user),
            18..24 => self.say(node),
            24..31 => self.deliver(),
            31 => {
                // Dead without a word: its lease lives on for a while.
                self.nodes.remove(&node);
            }
            32 => {
                if !self.nodes.contains_key(&node) {
                    self.leases.remove(&node);
                }
            }
            33..35 => {
                if !self.nodes.contains_key(&node) {
                    self.start(node);
                }
            }
            35 => self.renew(node),
            36 => self.poll(node),
            37 => self.read_doubtful(node),
            _ => {
                self.now += Duration::from_millis(700);
                let now = self.now;
                self.nodes.values().for_each(|live| live.online.expire(now));
            }
        }
    }

    fn connect(&mut self, node: u32, user: UserId) {
        let status = self.stored[&user].clone();
        if let Some(live) = self.nodes.get_mut(&node) {
            *live.connections.entry(user).or_default() += 1;
            live.online.arrived(user);
            live.online.learn(user, status);
        }
    }

    fn disconnect(&mut self, node: u32, user: UserId) {
        if let Some(live) = self.nodes.get_mut(&node)
            && let Some(count) = live.connections.get_mut(&user).filter(|count| 0 < **count)
        {
            *count -= 1;
            live.online.left(user, self.now);
        }
    }

    fn choose(&mut self, node: u32, user: UserId) {
        let all = [Availability::Online, Availability::Invisible, Availability::Busy];
        let availability = all[usize::try_from(self.below(3)).unwrap()];
        if !self.nodes.contains_key(&node) {
            return;
        }
        self.chosen += 1;
        let presence = Presence { availability, ..Presence::default() };
        let status = Status { changed: self.chosen, presence };
        self.stored.insert(user, status.clone());
        let live = &self.nodes[&node];
        live.online.chose(user, status.clone());
        if live.connections.get(&user).is_some_and(|count| 0 < *count) {
            assert_eq!(live.online.of(user), status.seen(), "a node showed an old status");
        }
    }

    /// Written first, said then; and what is said may get lost or come twice.
    fn say(&mut self, node: u32) {
        let Some(live) = self.nodes.get(&node) else { return };
        let (process, gossip) = (live.process, live.online.changes(2));
        self.written.insert(process, live.online.snapshot().unwrap());
        let Some(gossip) = gossip.or_else(|| self.nodes[&node].online.beat()) else { return };
        for to in 1..=NODES {
            for _ in 0..[0, 1, 1, 1, 2][usize::try_from(self.below(5)).unwrap()] {
                self.on_the_way.push((to, gossip.clone()));
            }
        }
    }

    fn deliver(&mut self) {
        if self.on_the_way.is_empty() {
            return;
        }
        let at = self.below(self.on_the_way.len() as u64);
        let (to, gossip) = self.on_the_way.swap_remove(usize::try_from(at).unwrap());
        if let Some(live) = self.nodes.get(&to) {
            live.online.hear(gossip, self.now);
        }
    }

    fn renew(&mut self, node: u32) {
        if let Some(live) = self.nodes.get(&node) {
            self.leases.insert(node, (live.process, live.online.digest()));
        }
    }

    fn poll(&self, node: u32) {
        if let Some(live) = self.nodes.get(&node) {
            let members: Vec<_> = self.leases.values().copied().collect();
            live.online.members(&members, true, self.now);
        }
    }

    fn read_doubtful(&self, node: u32) {
        let Some(live) = self.nodes.get(&node) else { return };
        for process in live.online.doubtful() {
            if let Some(snapshot) = self.written.get(&process) {
                live.online.correct(process, snapshot.clone(), self.now);
            }
        }
    }

    /// What a healthy cluster does by itself within seconds.
    fn repair(&mut self) {
        while !self.on_the_way.is_empty() {
            self.deliver();
        }
        let living = |node: &u32| self.nodes.contains_key(node);
        self.leases = self.leases.clone().into_iter().filter(|(node, _)| living(node)).collect();
        let nodes: Vec<_> = self.nodes.keys().copied().collect();
        for _ in 0..3 {
            for live in self.nodes.values() {
                for user in live.online.here() {
                    live.online.learn(user, self.stored[&user].clone());
                }
                while live.online.changes(100).is_some() {}
                self.written.insert(live.process, live.online.snapshot().unwrap());
            }
            for node in &nodes {
                self.renew(*node);
            }
            for node in &nodes {
                for other in self.nodes.values() {
                    self.nodes[node].online.hear(other.online.beat().unwrap(), self.now);
                }
                self.poll(*node);
                self.read_doubtful(*node);
            }
        }
        self.now += DEBOUNCE;
        self.nodes.values().for_each(|live| live.online.expire(self.now));
    }

    fn truth(&self, user: UserId) -> Presence {
        let here = |live: &Live| live.connections.get(&user).is_some_and(|count| 0 < *count);
        if self.nodes.values().any(here) { self.stored[&user].seen() } else { Presence::default() }
    }
}

pub(super) fn run(start: Instant) {
    let mut seen = 0;
    for seed in 0..2_000 {
        let mut world = World::new(seed, start);
        for _ in 0..world.below(200) {
            world.step();
        }
        world.repair();
        for user in (0..PEOPLE).map(UserId) {
            let truth = world.truth(user);
            seen += u64::from(truth != Presence::default());
            for (node, live) in &world.nodes {
                assert_eq!(live.online.of(user), truth, "seed {seed}, node {node}, user {user}");
            }
        }
        let all = (0..PEOPLE).filter(|it| world.truth(UserId(*it)) != Presence::default()).count();
        for live in world.nodes.values() {
            assert_eq!(live.online.count(), all as u64, "seed {seed}");
        }
    }
    assert!(1_000 < seen, "only {seen} people were ever online");
}
