//! Proof that the checks can fail: nodes that break the contract in a known way, and the scenario that
//! must find each of them.

use anyhow::Result;
use thrive_node::faults::Bug;

use super::{Plan, Report, Scenario};
use crate::ledger::Invariant;

/// Who must find a bug, and what it must say.
#[derive(Clone, Copy, Debug)]
pub struct Proof {
    pub bug: Bug,
    pub scenario: Scenario,
    /// At least one of these must be named.
    pub names: &'static [Invariant],
}

/// What became of one proof.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub proof: Proof,
    /// With the bug: the promise that was named, of those that had to be.
    pub found: Option<Invariant>,
    pub report: Report,
}

impl Proof {
    /// For each bug, the scenario that is made for it.
    pub fn all() -> impl Iterator<Item = Self> {
        Bug::ALL.iter().map(|bug| Self::of(*bug))
    }

    #[must_use]
    pub fn of(bug: Bug) -> Self {
        let (scenario, names): (_, &'static [Invariant]) = match bug {
            // The sender hears "stored" while the database is away, and it never is.
            Bug::AckBeforeCommit => (Scenario::T8, &[Invariant::I1]),
            // Others are shown what is then stored in another place, or never.
            Bug::PublishBeforeCommit => (Scenario::T8, &[Invariant::I4, Invariant::I7]),
            Bug::NoDuplicateCheck => (Scenario::T18, &[Invariant::I3, Invariant::I6]),
            Bug::SequenceWithoutLock => {
                (Scenario::T18, &[Invariant::I3, Invariant::I4, Invariant::I5, Invariant::I16])
            }
            Bug::NoReconcile => (Scenario::T7, &[Invariant::I2, Invariant::I9]),
            Bug::PresenceWithoutEpoch => (Scenario::T1, &[Invariant::I10]),
            // Clients of a dead node wait for silence instead of being told.
            Bug::ResetKeyNotShared => (Scenario::T2, &[Invariant::I16]),
            Bug::OutboxUnbounded => (Scenario::T16, &[Invariant::I15]),
        };
        Self { bug, scenario, names }
    }

    /// Runs the scenario with the bug.
    ///
    /// # Errors
    /// It could not be carried out.
    pub async fn run(self, plan: &Plan) -> Result<Outcome> {
        let plan = Plan { bug: Some(self.bug), ..plan.clone() };
        let report = self.scenario.run(&plan).await?;
        let found = report.verdicts().into_keys().find(|it| self.names.contains(it));
        Ok(Outcome { proof: self, found, report })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_has_a_scenario_that_must_find_it() {
        assert_eq!(Proof::all().count(), 8);
        for proof in Proof::all() {
            assert!(!proof.names.is_empty(), "{:?}", proof.bug);
        }
    }
}
