//! What can be broken, by name.

use anyhow::Result;

use super::{
    Plan, Report, clients, clocks, duplicates, embedded, network, nodes, postgres, redis, rights,
    routers,
};

macro_rules! scenarios {
    ($($(#[doc = $about:literal])+ $variant:ident = $name:literal => $run:path,)*) => {
        /// One fault, with everything around it.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Scenario { $($(#[doc = $about])+ $variant,)* }

        impl Scenario {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As the command line and the thresholds call it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, in one line.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($about,)+),)* }
            }

            /// # Errors
            /// It could not be carried out, or not be checked. What was broken is in the report.
            pub async fn run(self, plan: &Plan) -> Result<Report> {
                match self { $(Self::$variant => Box::pin($run(plan)).await,)* }
            }
        }
    };
}

scenarios! {
    /// kill -9 of one node of three
    T1 = "t1" => nodes::one_killed,
    /// kill -9 of all nodes at once
    T2 = "t2" => nodes::all_killed,
    /// death of a node at each of eight points of a send
    T3 = "t3" => nodes::killed_at_points,
    /// Redis held still
    T4 = "t4" => redis::stopped,
    /// Redis killed, and started again empty
    T5 = "t5" => redis::emptied,
    /// Redis cuts off whoever listens, every two seconds
    T6 = "t6" => redis::cut_off,
    /// nothing is published to other nodes
    T7 = "t7" => redis::mute,
    /// Postgres restarted in order, and as after a crash
    T8 = "t8" => postgres::restarted,
    /// Postgres held still
    T9 = "t9" => postgres::stopped,
    /// a node cut off from Redis, Postgres, and the routers
    T10 = "t10" => network::partitions,
    /// kill -9 of the only router, and of one of two
    T11 = "t11" => routers::router_killed,
    /// clients whose network is gone without a word
    T13 = "t13" => network::half_open,
    /// clients whose addresses change every five seconds
    T14 = "t14" => network::rebinding,
    /// lossy, narrow, long and disorderly links
    T15 = "t15" => network::bad_links,
    /// clients that hardly read
    T16 = "t16" => clients::slow_readers,
    /// thousands of clients at once
    T17 = "t17" => clients::storm,
    /// each message sent up to five times, over two nodes
    T18 = "t18" => duplicates::sent_again_and_again,
    /// the clock of a node jumps
    T19 = "t19" => clocks::jumps,
    /// no room on the disk of Postgres
    T20 = "t20" => postgres::no_room,
    /// each node stopped and started again while people write
    T22 = "t22" => nodes::rolling_restart,
    /// a node stops while clients neither read nor leave
    T24 = "t24" => nodes::stuck_client,
    /// random datagrams and broken frames
    T26 = "t26" => routers::garbage,
    /// wrong passwords, two hundred a second
    T27 = "t27" => clients::guesses,
    /// kill -9 of the embedded server, a hundred times
    T30 = "t30" => embedded::killed_again_and_again,
    /// blocks and ended sessions, over two nodes
    Rights = "rights" => rights::hold_everywhere,
}

impl Scenario {
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name() == name.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_found_by_its_name() {
        for scenario in Scenario::ALL {
            assert_eq!(Scenario::named(scenario.name()), Some(*scenario));
            assert!(!scenario.about().trim().is_empty());
        }
        assert_eq!(Scenario::named("t0"), None);
    }
}
