//! The people at the devices: they write, come and go, and are seen or not.

use thrive_client::MessageKey;
use thrive_protocol::ids::ClientMsgId;

use super::{Program, number, row};
use crate::simulation::network::Up;
use crate::simulation::world::World;
use crate::simulation::{Event, HEALED, SILENT};

impl World {
    pub(in crate::simulation) fn write(&mut self, device: usize) {
        let now = self.agenda.now();
        if SILENT <= now {
            return;
        }
        let wait = self.ms(100, 2_400);
        self.agenda.after(wait, Event::Write(device));
        let chosen = self.below(self.devices[device].chats.len());
        let it = &mut self.devices[device];
        let Some(program) = &mut it.program else { return };
        let conversation = it.chats[chosen];
        it.count += 1;
        let mut id = [0; 16];
        id[0] = u8::try_from(device).unwrap_or(u8::MAX);
        id[12..].copy_from_slice(&it.count.to_be_bytes());
        let (id, key) = (ClientMsgId(id), MessageKey(i64::from(it.count)));
        let after = it.disk.last.insert(conversation, vec![id]).unwrap_or_default();
        it.disk.waiting.insert(key, (conversation, id));
        program.outbox.add(row(key, conversation, id));
        self.ledger.attempt_after(conversation, id, after);
        self.written.insert(id, now);
        self.figures.messages += 1;
        self.note(|| format!("device {device} writes {} in {conversation}", number(id)));
        self.tend(device);
    }

    /// A person chooses to be seen, or not to be.
    pub(in crate::simulation) fn chooses(&mut self, device: usize) {
        if HEALED <= self.agenda.now() {
            return;
        }
        let wait = self.ms(500, 9_000);
        let other = self.below(self.devices.len() - 1);
        self.agenda.after(wait, Event::Choose(other));
        if let Some(connection) = self.devices[device].connection() {
            self.say_up(connection, Up::Choose);
        }
    }

    /// A program is closed in good order, for a while.
    pub(in crate::simulation) fn logs_off(&mut self, device: usize) {
        let Some(program) = self.devices[device].program.take() else { return };
        let leaving = program.leaving.map(|(session, _)| session);
        for session in program.session.into_iter().chain(leaving) {
            self.leave(session.connection);
        }
        let wait = self.ms(1_000, 9_000);
        self.agenda.after(wait, Event::DeviceLives(device));
    }

    /// The only device of somebody ends for good, and its node with it, which can tell nobody.
    pub(in crate::simulation) fn leaves_for_good(&mut self, device: usize) {
        self.note(|| format!("device {device} leaves for good"));
        let it = &mut self.devices[device];
        it.is_gone = true;
        self.gave_up.extend(it.disk.waiting.values().map(|(_, id)| *id));
        let session = it.program.take().and_then(|it| it.session);
        let node = session.map(|it| self.connections[it.connection].node);
        for connection in 0..self.connections.len() {
            let it = &self.connections[connection];
            if it.device == device && Some(it.node) != node {
                self.leave(connection);
            }
        }
        if let Some(node) = node {
            self.crash(node);
        }
    }

    pub(in crate::simulation) fn device_dies(&mut self, device: usize) {
        self.devices[device].program = None;
    }

    pub(in crate::simulation) fn device_lives(&mut self, device: usize) {
        let now = self.moment();
        let it = &mut self.devices[device];
        if it.is_gone {
            return;
        }
        it.program.get_or_insert_with(|| Program::start(&it.disk, now));
        self.tend(device);
    }
}
