//! Getting a connection, losing it, doubting it, leaving it: as the engine of the client does.

use std::collections::BTreeMap;
use std::time::Instant;

use thrive_client::decide::Loss;

use super::{Attempt, BEAT, LEAVING, Pull, Session};
use crate::simulation::Event;
use crate::simulation::world::World;

impl World {
    pub(super) fn tend_links(&mut self, device: usize, now: Instant) {
        let doubts = self.rules.doubt;
        let Some(program) = &mut self.devices[device].program else { return };
        let done = program.caught_up;
        let over =
            |(old, until): &mut (Session, Instant)| *until <= now || done && old.open.is_empty();
        let left = program.leaving.take_if(over).map(|(old, _)| old.connection);
        let is_doubted = program.doubt_at().is_some_and(|at| at <= now) && doubts;
        let mut dials = None;
        if is_doubted && program.attempt.is_none() {
            dials = Some(true);
        }
        let wanted = program.session.is_none() || program.sent_away;
        if wanted && program.attempt.is_none() && program.retry_at.is_none() {
            program.retry_at = Some(now);
        }
        if program.retry_at.is_some_and(|at| at <= now) {
            program.retry_at = None;
            if program.attempt.is_none() {
                dials = dials.or(Some(false));
            }
        }
        if let Some(doubt) = dials {
            let it = &mut self.devices[device];
            it.attempts += 1;
            let id = it.attempts;
            if let Some(program) = &mut it.program {
                program.attempt = Some(Attempt { id, doubt });
            }
            self.dial(device, id);
        }
        if let Some(connection) = left {
            self.leave(connection);
        }
    }

    pub(in crate::simulation) fn no_entry(&mut self, device: usize, attempt: u64) {
        if !self.devices[device].dials(attempt) {
            return;
        }
        // The dial itself comes back soon; see there.
        let wait = self.ms(50, 500);
        self.flights += 1;
        self.agenda.after(wait, Event::Knock { device, attempt, flight: self.flights });
    }

    pub(in crate::simulation) fn attempt_failed(&mut self, device: usize, attempt: u64) {
        let (now, chance) = (self.moment(), self.dice.fraction());
        let Some(program) = &mut self.devices[device].program else { return };
        let Some(failed) = program.attempt.take_if(|it| it.id == attempt) else { return };
        let is_silent = program.doubt_at().is_some_and(|at| at <= now);
        if failed.doubt
            && is_silent
            && let Some(session) = &program.session
        {
            let connection = session.connection;
            self.lost(connection, Loss::Fault);
        }
        let Some(program) = &mut self.devices[device].program else { return };
        let wait = program.backoff.failed(chance);
        if program.session.is_none() || program.sent_away {
            program.retry_at = Some(now + wait);
        }
        self.tend(device);
    }

    /// The device reads that it is logged in: it uses the new connection from now on.
    pub(in crate::simulation) fn entered(
        &mut self,
        device: usize,
        attempt: u64,
        connection: usize,
    ) {
        let now = self.moment();
        if !self.devices[device].dials(attempt) {
            // The node will hear that nobody wants it.
            return self.leave(connection);
        }
        let share = self.dice.fraction();
        let node = self.connections[connection].node;
        self.note(|| format!("device {device} is on connection {connection} to node {node}"));
        let Some(program) = &mut self.devices[device].program else { return };
        program.attempt = None;
        let (open, next) = (BTreeMap::new(), 0);
        let is_doubted = program.session.is_some() && !program.sent_away;
        let doubted = is_doubted.then_some(now);
        let session = Session { connection, open, next, doubted, heard: now, stirred: now };
        let mut left = None;
        if let Some(old) = program.session.replace(session) {
            self.figures.moves += 1;
            let older = program.leaving.replace((old, now + LEAVING));
            left = older.map(|(older, _)| older.connection);
        } else {
            self.figures.reconnects += 1;
        }
        (program.retry_at, program.sent_away) = (None, false);
        program.backoff.connected(now);
        program.next_beat = now + BEAT.mul_f64(share);
        if self.rules.repeat {
            program.outbox.interrupted();
        }
        (program.pull, program.caught_up) = (Pull::Due(now), false);
        program.contacts = Pull::Due(now);
        if let Some(older) = left {
            self.leave(older);
        }
        self.tend(device);
    }

    /// A connection has ended without the device.
    pub(in crate::simulation) fn lost(&mut self, connection: usize, loss: Loss) {
        let device = self.connections[connection].device;
        let (now, chance) = (self.moment(), self.dice.fraction());
        let repeat = self.rules.repeat;
        self.note(|| format!("device {device} loses connection {connection}: {loss:?}"));
        let Some(program) = &mut self.devices[device].program else { return };
        program.leaving.take_if(|(session, _)| session.connection == connection);
        if program.is_current(connection) {
            program.session = None;
            program.sent_away = false;
            if repeat {
                program.outbox.interrupted();
            }
            (program.pull, program.caught_up) = (Pull::Done, false);
            let wait = program.backoff.lost(now, loss, chance);
            if program.attempt.is_none() {
                program.retry_at = Some(now + wait);
            }
        }
        self.tend(device);
    }

    pub(in crate::simulation) fn stirred(&mut self, connection: usize) {
        let now = self.moment();
        let device = self.connections[connection].device;
        let program = self.devices[device].program.as_mut();
        if let Some(session) = program.and_then(|it| it.session_mut(connection)) {
            session.stirred = now;
        }
    }
}
