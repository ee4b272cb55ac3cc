//! The bus between nodes, which may do anything to what it carries; and what finds again what it lost.

use std::time::Duration;

use thrive_node::hub::{Delivery, Gap};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ConversationId, Seq};

use super::event::Event;
use super::network::Down;
use super::world::{NODES, World};

/// How bad things are, and until when.
#[derive(Debug, Default)]
pub(super) struct Weather {
    /// Nothing is carried.
    pub(super) bus_down_until: Duration,
    /// Much is lost, doubled, and late.
    pub(super) bus_bad_until: Duration,
    pub(super) links_slow_until: Duration,
    pub(super) store_slow_until: Duration,
    /// The connection to the store breaks around a commit now and then.
    pub(super) outcomes_lost_until: Duration,
}

/// How long a gap waits: what is missing is mostly on its way.
const GAP: Duration = Duration::from_millis(10);
/// Entries that are read for one gap at once.
const SHARE: u64 = 16;
/// Between two comparisons with the store, and while the bus is known to be down.
const COMPARE: Duration = Duration::from_secs(3);
const COMPARE_DEGRADED: Duration = Duration::from_secs(1);
/// A subscription that hears nothing for so long is known to be down.
const SILENCE: Duration = Duration::from_secs(4);

impl Weather {
    pub(super) fn slow_link(&self, now: Duration) -> bool {
        now < self.links_slow_until
    }

    pub(super) fn slow_store(&self, now: Duration) -> bool {
        now < self.store_slow_until
    }

    pub(super) fn loses_outcome(&self, now: Duration) -> bool {
        now < self.outcomes_lost_until
    }
}

impl World {
    /// To everybody on this node at once, and to the other nodes by the bus.
    pub(super) fn publish(&mut self, node: usize, life: u64, deliveries: &[Delivery]) {
        if !self.nodes[node].lives(life) {
            return;
        }
        let gaps = self.nodes[node].hub.deliver(deliveries);
        self.want(node, &gaps);
        self.write_out(node);
        for delivery in deliveries {
            for other in (0..NODES).filter(|other| *other != node) {
                let Delivery { conversation, seq, frame, .. } = delivery.clone();
                self.carry(other, Delivery { conversation, seq, frame, origin: None });
            }
        }
    }

    fn carry(&mut self, node: usize, delivery: Delivery) {
        let life = self.nodes[node].life;
        for wait in self.carried() {
            let delivery = delivery.clone();
            self.agenda.after(wait, Event::FromBus { node, life, delivery });
        }
    }

    /// What becomes of one message: when each copy of it arrives.
    pub(super) fn carried(&mut self) -> Vec<Duration> {
        let now = self.agenda.now();
        let bad = now < self.weather.bus_bad_until;
        if now < self.weather.bus_down_until || bad && self.chance(250) {
            self.figures.bus_lost += 1;
            return Vec::new();
        }
        let copies = if bad && self.chance(200) { 2 } else { 1 };
        let mut arrive = |_| match bad && self.chance(200) {
            true => self.ms(0, 2_000),
            false => self.ms(1, 4),
        };
        (0..copies).map(&mut arrive).collect()
    }

    pub(super) fn comes_by_bus(&mut self, node: usize, life: u64, delivery: Delivery) {
        if !self.nodes[node].lives(life) {
            return;
        }
        let gaps = self.nodes[node].hub.deliver(&[delivery]);
        self.want(node, &gaps);
        self.write_out(node);
    }

    // Finding what was lost.

    /// Sees to it that these gaps close.
    pub(super) fn want(&mut self, node: usize, gaps: &[Gap]) {
        if gaps.is_empty() || !self.rules.reconcile {
            return;
        }
        let it = &mut self.nodes[node];
        for gap in gaps {
            let to = it.wanted.entry(gap.conversation).or_insert(gap.to);
            *to = gap.to.max(*to);
        }
        if !std::mem::replace(&mut it.is_filling, true) {
            let life = it.life;
            self.agenda.after(GAP, Event::Fill { node, life });
        }
    }

    pub(super) fn fill(&mut self, node: usize, life: u64) {
        if !self.nodes[node].lives(life) {
            return;
        }
        let it = &mut self.nodes[node];
        let wanted: Vec<_> = std::mem::take(&mut it.wanted).into_iter().collect();
        let missing = it.hub.missing(&gaps_of(&wanted));
        if missing.is_empty() || !self.store.is_up(self.agenda.now()) {
            // What cannot be read, the next comparison finds again.
            it.is_filling = false;
            return;
        }
        let mut deliveries = Vec::new();
        for Gap { conversation, after, to } in missing {
            for entry in self.store.range(conversation, after, to.min(Seq(after.0 + SHARE))) {
                let thrive_protocol::entry::Body::Message { id, .. } = entry.body else { continue };
                let frame = self.frame(Down::Entry { conversation, seq: entry.seq, id });
                deliveries.push(Delivery { conversation, seq: entry.seq, frame, origin: None });
            }
        }
        let wait = self.ms(1, 10);
        self.agenda.after(wait, Event::Filled { node, life, deliveries, wanted });
    }

    pub(super) fn filled(
        &mut self,
        node: usize,
        life: u64,
        deliveries: &[Delivery],
        wanted: &[(ConversationId, Seq)],
    ) {
        if !self.nodes[node].lives(life) {
            return;
        }
        let it = &mut self.nodes[node];
        it.is_filling = false;
        it.hub.deliver(deliveries);
        let left = it.hub.missing(&gaps_of(wanted));
        // Where nothing came, asking again helps nobody.
        let came = |gap: &Gap| deliveries.iter().any(|it| it.conversation == gap.conversation);
        let left: Vec<_> = left.into_iter().filter(came).collect();
        let more = std::mem::take(&mut it.wanted);
        self.want(node, &left);
        self.want(node, &gaps_of(&more.into_iter().collect::<Vec<_>>()));
        self.write_out(node);
    }

    pub(super) fn start_comparing(&mut self, node: usize) {
        self.nodes[node].new_life();
        self.join(node);
        let life = self.nodes[node].life;
        self.agenda.after(Duration::from_millis(20), Event::Compare { node, life, again: true });
    }

    pub(super) fn compare(&mut self, node: usize, life: u64, again: bool) {
        if !self.nodes[node].lives(life) {
            return;
        }
        let now = self.agenda.now();
        let it = &mut self.nodes[node];
        it.is_degraded = now < self.weather.bus_down_until;
        let every = if it.is_degraded { COMPARE_DEGRADED } else { COMPARE };
        // The hub has no order, and a run must repeat itself.
        let mut followed = it.hub.followed();
        followed.sort_unstable();
        if self.store.is_up(now) && self.rules.reconcile {
            let heads = self.store.heads(&followed);
            let wait = self.ms(1, 10);
            self.agenda.after(wait, Event::Compared { node, life, heads });
        }
        if again {
            let wait = every + self.ms(0, 255);
            self.agenda.after(wait, Event::Compare { node, life, again });
        }
    }

    pub(super) fn compared(&mut self, node: usize, life: u64, heads: Vec<Head>) {
        if !self.nodes[node].lives(life) {
            return;
        }
        let gaps = self.nodes[node].hub.raise(heads);
        self.want(node, &gaps);
    }

    /// The bus is there again: everything is compared at once, as after any new subscription.
    pub(super) fn bus_is_back(&mut self) {
        for node in 0..NODES {
            let it = &self.nodes[node];
            if it.is_alive {
                let life = it.life;
                let wait = self.ms(1, SILENCE.as_millis() as u64);
                self.agenda.after(wait, Event::Compare { node, life, again: false });
            }
        }
    }
}

fn gaps_of(wanted: &[(ConversationId, Seq)]) -> Vec<Gap> {
    let gap =
        |&(conversation, to): &(ConversationId, Seq)| Gap { conversation, after: Seq::START, to };
    wanted.iter().map(gap).collect()
}
