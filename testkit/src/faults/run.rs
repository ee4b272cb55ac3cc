//! One run: a site, a crowd that talks, a timeline of faults, and the check of everything at the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::site::Site;
use super::{Plan, Report, Thresholds};
use crate::crowd::load::Talk;
use crate::crowd::{Crowd, Load, Shape};
use crate::ledger::delay::{self, Window};
use crate::ledger::journal::{Record, What};
use crate::ledger::{Broken, Invariant, presence};
use crate::usage;

/// How long everything may take to come to rest after the last fault.
const REST: Duration = Duration::from_secs(30);

/// A message that was on its way when something broke.
const AROUND: Duration = Duration::from_millis(500);
/// A wait for "sent" that somebody notices.
const FELT: Duration = Duration::from_millis(400);

/// A site, a crowd and what was found so far.
pub struct Run {
    pub site: Site,
    pub crowd: Arc<Crowd>,
    pub report: Report,
    pub presence: presence::Rules,
    plan: Plan,
    load: Load,
    talk: Option<Talk>,
    memory: Vec<(u32, u64)>,
}

/// Who takes part.
#[derive(Clone, Copy, Debug)]
pub struct Cast {
    pub shape: Shape,
    /// Messages a second, of all together.
    pub rate: f64,
}

impl Cast {
    /// The usual load: groups of three, a few people with two devices.
    #[must_use]
    pub fn usual(plan: &Plan) -> Self {
        let (people, rate) = if plan.short { (24, 60.0) } else { (300, 500.0) };
        let people = plan.people.unwrap_or(people) / 3 * 3;
        let rate = plan.rate.unwrap_or(rate);
        Self { shape: Shape { people, group: 3, two_devices: 10 }, rate }
    }
}

impl Run {
    /// Gathers the crowd and lets it talk.
    ///
    /// # Errors
    /// It does not come together.
    pub async fn begin(
        name: &'static str,
        plan: &Plan,
        mut site: Site,
        cast: Cast,
    ) -> Result<Self> {
        let mut report = Report::new(name, plan.seed, plan.short);
        let begun = Instant::now();
        let people = site.seed(cast.shape.people).await?;
        report.time("seeded_ms", begun.elapsed());
        let begun = Instant::now();
        let crowd = Arc::new(Crowd::gather(people, cast.shape, site.fronts()).await?);
        report.time("gathered_ms", begun.elapsed());
        let load = Load::new(cast.rate, plan.seed);
        report.count("people", cast.shape.people);
        report.count("devices", crowd.devices.len());
        let memory = site.memory();
        let presence = presence::Rules::default();
        let mut run =
            Self { site, crowd, report, presence, plan: plan.clone(), load, talk: None, memory };
        run.talk();
        // What is new is slow: connections to the database, plans of statements, files that grow.
        run.pass(5.0, 2.0).await;
        run.memory_from_here();
        Ok(run)
    }

    /// Now, by the clock of the journal.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.crowd.journal.now()
    }

    /// From a moment until now.
    #[must_use]
    pub fn since(&self, from: Duration) -> Window {
        Window { from, until: self.now() }
    }

    /// Whether it is done beside other work, with programs that are not optimised.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.plan.short
    }

    /// Lets time pass: this long in a full run, that long in a short one. The part that passed.
    pub async fn pass(&self, full: f64, short: f64) -> Window {
        let from = self.now();
        let time = if self.plan.short { short } else { full };
        tokio::time::sleep(Duration::from_secs_f64(time)).await;
        self.since(from)
    }

    pub fn talk(&mut self) {
        self.talk.get_or_insert_with(|| Talk::start(&self.crowd, self.load.clone()));
    }

    /// Nobody writes any more.
    pub fn hush(&mut self) {
        if let Some(talk) = self.talk.take() {
            let (written, skipped) = talk.stop();
            let before = |name| self.report.get(name).unwrap_or_default();
            let (all, left_out) = (before("written"), before("skipped"));
            self.report.figure("written", all + written as f64);
            self.report.figure("skipped", left_out + skipped as f64);
        }
    }

    /// Waits, while people go on talking, until everybody who is there is connected; from `since`.
    ///
    /// # Errors
    /// It never happens.
    pub async fn all_back(&self, since: Duration) -> Result<Duration> {
        self.all_back_within(REST, since).await
    }

    /// The same for those who have reason to wait for long.
    ///
    /// # Errors
    /// It does not happen in this time from now.
    pub async fn all_back_within(&self, time: Duration, since: Duration) -> Result<Duration> {
        let deadline = self.now() + time;
        while 0 < self.crowd.journal.away() {
            anyhow::ensure!(self.now() < deadline, "everybody is back within {time:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(self.now() - since)
    }

    /// The delays of sending and delivering in a part of the run.
    pub fn delays(&mut self, name: &str, window: Window) {
        let records = self.crowd.journal.records();
        self.report.spread(&format!("send_{name}"), delay::sends(&records, window));
        self.report.spread(&format!("delivery_{name}"), delay::deliveries(&records, window));
    }

    /// How devices that lost their connection in a part of the run came back.
    pub fn comebacks(&mut self, fault: Duration, window: Window) {
        let records = self.crowd.journal.records();
        self.report.count("connections_lost", delay::losses(&records, window));
        self.report.spread("back", delay::returns(&records, fault, window));
        self.report.spread("gap", delay::gaps(&records, window));
        self.report.spread("first_answer", delay::first_answers(&records, fault, window));
    }

    /// How long those who felt a fault waited for an answer: whoever wrote from just before it until
    /// everything should be as before.
    pub fn stalls(&mut self, fault: Duration) {
        let window =
            Window { from: fault.saturating_sub(AROUND), until: fault.saturating_add(AROUND * 10) };
        let records = self.crowd.journal.records();
        self.report.spread("stall", delay::stalls(&records, window, FELT));
    }

    /// Ends the talk, waits until all is at rest, checks everything, and holds the figures against their
    /// limits.
    ///
    /// # Errors
    /// The check itself is not possible.
    pub async fn check(self) -> Result<Report> {
        let planted = self.plan.bug.is_some();
        let mut report = self.examine().await?;
        // A bug is to be found by a check, not by a figure that a busy machine may spoil as well.
        if !planted {
            report.judge(&Thresholds::ours()?)?;
        }
        Ok(report)
    }

    /// The same without the limits, for a run that is a part of a scenario.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub async fn examine(mut self) -> Result<Report> {
        self.hush();
        match self.crowd.rest(REST).await {
            Ok(took) => self.report.time("rest_ms", took),
            Err(error) => self.report.missed(Invariant::I16, format!("{error:#}")),
        }
        let limit = self.presence.ghost.max(REST);
        match self.crowd.presences(limit).await {
            Ok(took) => self.report.time("presence_right_ms", took),
            Err(error) => self.report.missed(Invariant::I10, format!("{error:#}")),
        }
        let end = self.now();
        self.remember_memory();
        self.site.check(&mut self.report);

        let records = self.crowd.journal.records();
        self.tell_reasons(&records);
        let seen = presence::check(&records, self.crowd.followers(), end, self.presence);
        self.report.time("false_absent_max_ms", seen.longest_absent);
        self.report.time("ghost_max_ms", seen.longest_ghost);
        self.report.broke(seen.broken);

        let door = self.site.door().context("a way to the store")?;
        let ledger = self.crowd.ledger(&door).await?;
        let found = ledger.findings();
        let broken = |invariants: &[Invariant]| {
            found.iter().filter(|it| invariants.contains(&it.invariant())).count()
        };
        self.report.count("attempted", ledger.tried());
        self.report.count("acknowledged", ledger.acknowledged());
        self.report.count("stored", ledger.in_store());
        self.report.count("acked_lost", broken(&[Invariant::I1]));
        self.report.count("not_shown", broken(&[Invariant::I2]));
        self.report.count("shown_twice", broken(&[Invariant::I3, Invariant::I6]));
        self.report.count("out_of_order", broken(&[Invariant::I4, Invariant::I8]));
        self.report.count("failed_sends", ledger.refusals() + self.crowd.journal.unknown());
        self.report.broke(found);
        if let Some(path) = &self.plan.journal {
            self.crowd.journal.save(&mut std::io::BufWriter::new(File::create(path)?))?;
        }
        self.crowd.close().await;
        Ok(self.report)
    }

    /// Why connections were lost and messages refused, and how often.
    fn tell_reasons(&mut self, records: &[Record]) {
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for record in records {
            let reason = match &record.what {
                What::Down { why } => format!("lost: {why}"),
                What::Refused { code, .. } => format!("refused: {code}"),
                _ => continue,
            };
            *reasons.entry(reason).or_default() += 1;
        }
        for (reason, count) in reasons {
            self.report.note(format!("{count} {reason}"));
        }
    }

    /// I15: how the memory of the nodes has grown since the crowd came together.
    fn remember_memory(&mut self) {
        let now = self.site.memory();
        let grown = now.iter().filter_map(|(node, bytes)| {
            let (_, before) = self.memory.iter().find(|(it, _)| it == node)?;
            Some(bytes.saturating_sub(*before))
        });
        if let Some(most) = grown.max() {
            let before = self.report.get("node_rss_growth_mb").unwrap_or_default();
            let now = (most as f64 / 1e5).round() / 10.0;
            self.report.figure("node_rss_growth_mb", now.max(before));
        }
        if let Some(most) = now.iter().map(|(_, bytes)| *bytes).max() {
            self.report.figure("node_rss_mb", (most as f64 / 1e5).round() / 10.0);
        }
        if let Ok(bytes) = usage::resident(std::process::id()) {
            self.report.figure("crowd_rss_mb", (bytes as f64 / 1e5).round() / 10.0);
        }
    }

    /// From here on the growth of memory is measured.
    pub fn memory_from_here(&mut self) {
        self.memory = self.site.memory();
        self.report.figure("node_rss_growth_mb", 0.0);
    }

    /// I15: no node has grown by more than so many megabytes since the beginning.
    pub fn check_memory(&mut self, most: f64) {
        self.remember_memory();
        let grown = self.report.get("node_rss_growth_mb").unwrap_or_default();
        if most < grown {
            let what = format!("a node has grown by {grown} MB, and {most} MB were promised");
            self.report.missed(Invariant::I15, what);
        }
    }

    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// I9: what is confirmed in a part of the run is shown within a time.
    pub fn shown_within(&mut self, window: Window, limit: Duration) {
        let limit = if self.is_short() { limit * 2 } else { limit };
        let records = self.crowd.journal.records();
        let late = delay::staleness(&records, window);
        self.report.spread("stale", late);
        if limit < late.p99 {
            let what = format!("p99 from \"sent\" to shown is {:?}, not {limit:?}", late.p99);
            self.report.broke([Broken::Missed { invariant: Invariant::I9, what }]);
        }
    }
}
