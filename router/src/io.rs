//! The sockets of a worker: many datagrams in and out with one call to the system.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::batch::{self, Call, Control, MESSAGES, Parcel, Run, SEGMENTS};
use crate::counters::{Counters, Fact};

/// How a socket is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    pub address: SocketAddr,
    /// Several workers share the address, and the system spreads clients over them.
    pub shared: bool,
    /// An IPv6 socket takes IPv4 too.
    pub dual_stack: bool,
}

/// Octets that may wait in each direction of each socket. The system may allow less.
const BUFFER: usize = 4 * 1024 * 1024;

/// # Errors
/// The address is taken, or not one of this machine.
pub fn open(opening: Opening) -> io::Result<std::net::UdpSocket> {
    let socket =
        Socket::new(Domain::for_address(opening.address), Type::DGRAM, Some(Protocol::UDP))?;
    if opening.address.is_ipv6() {
        socket.set_only_v6(!opening.dual_stack)?;
    }
    if opening.shared {
        socket.set_reuse_port(true)?;
    }
    // Less than asked for is no reason not to serve; the log says what there is.
    drop(socket.set_recv_buffer_size(BUFFER));
    drop(socket.set_send_buffer_size(BUFFER));
    socket.set_nonblocking(true)?;
    socket.bind(&opening.address.into())?;
    Ok(socket.into())
}

/// A socket of a worker.
pub struct Port {
    socket: UdpSocket,
    state: UdpSocketState,
    /// Whether it takes addresses of IPv6 only, so that those of IPv4 are written as such.
    v6: bool,
    buffer: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
}

/// Room for what the system puts together of one peer's datagrams.
const SLOT: usize = 65_536;

impl Port {
    /// # Errors
    /// The system refuses what QUIC needs of a socket.
    pub fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let v6 = socket.local_addr()?.is_ipv6();
        let state = UdpSocketState::new((&socket).into())?;
        let socket = UdpSocket::from_std(socket)?;
        let (received, sent) =
            (state.recv_buffer_size((&socket).into())?, state.send_buffer_size((&socket).into())?);
        tracing::debug!(received, sent, "Socket buffers");
        let buffer = vec![0; SLOT * BATCH_SIZE];
        Ok(Self { socket, state, v6, buffer, metas: [RecvMeta::default(); BATCH_SIZE] })
    }

    /// # Errors
    /// The socket is of no more use.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    /// What came in, without waiting: 0 when nothing did. An error of the network (a node that refuses)
    /// is as good as nothing.
    pub fn receive(&mut self, counters: &Counters) -> usize {
        let Self { socket, state, buffer, metas, .. } = self;
        let mut slots = buffer.chunks_exact_mut(SLOT);
        let mut slots: [_; BATCH_SIZE] =
            std::array::from_fn(|_| IoSliceMut::new(slots.next().unwrap_or_default()));
        let received = socket.try_io(Interest::READABLE, || {
            counters.count(Fact::ReceiveCalls);
            state.recv((&*socket).into(), &mut slots, metas)
        });
        received.unwrap_or(0)
    }

    /// The datagrams of the last [`Self::receive`], with what is known of each.
    pub fn datagrams(&self, batches: usize) -> impl Iterator<Item = (&RecvMeta, &[u8])> {
        let slots = self.metas.iter().zip(self.buffer.chunks_exact(SLOT)).take(batches);
        slots.flat_map(|(meta, slot)| {
            let filled = &slot[..meta.len.min(SLOT)];
            // A datagram without octets is one too, and is dropped like any that is cut.
            let empty = filled.is_empty().then_some(filled);
            let stride = meta.stride.clamp(1, SLOT);
            empty.into_iter().chain(filled.chunks(stride)).map(move |datagram| (meta, datagram))
        })
    }

    /// The address in the form that this socket takes.
    fn form(&self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) if self.v6 => {
                SocketAddr::new(IpAddr::V6(ip.to_ipv6_mapped()), address.port())
            }
            IpAddr::V4(_) | IpAddr::V6(_) => address,
        }
    }
}

/// Sends with few calls. Holds memory that the calls write into, so each worker has its own.
pub struct Sender {
    /// By how many control messages each call has.
    headers: [MultiHeaders<SockaddrStorage>; 3],
    segments: usize,
}

/// How long a worker waits for room to send. Longer would hold up everything else.
const ROOM: Duration = Duration::from_millis(5);

/// How often it waits within one [`Sender::send`].
const WAITS: usize = 4;

/// How a call ended.
enum Sent {
    /// So many messages of it.
    Some(usize),
    /// Nothing for now.
    Full,
    /// The first message cannot be sent.
    Failed(Errno),
}

impl Default for Sender {
    fn default() -> Self {
        let space = |octets: Option<Vec<u8>>| MultiHeaders::preallocate(MESSAGES, octets);
        let one = nix::cmsg_space!(i32);
        let two = nix::cmsg_space!(i32, u16);
        Self { headers: [space(None), space(Some(one)), space(Some(two))], segments: SEGMENTS }
    }
}

impl Sender {
    /// Sends all of them, or drops and counts what cannot be sent. `fact` counts those that went out.
    /// Once no room has come in time, the rest is dropped without waiting for each part of it again.
    pub async fn send(
        &mut self,
        port: &Port,
        mut parcels: Vec<Parcel<'_>>,
        fact: Fact,
        counters: &Counters,
    ) {
        for parcel in &mut parcels {
            parcel.to = port.form(parcel.to);
        }
        batch::sort(&mut parcels);
        let runs = batch::runs(&parcels, self.segments);
        self.send_runs(port, &parcels, &runs, fact, counters).await;
    }

    async fn send_runs(
        &mut self,
        port: &Port,
        parcels: &[Parcel<'_>],
        runs: &[Run],
        fact: Fact,
        counters: &Counters,
    ) {
        let mut waits = 0;
        for Call { runs: range, control } in batch::calls(parcels, runs) {
            let mut left = &runs[range];
            while let Some((first, rest)) = left.split_first() {
                match self.call(port, parcels, left, control, counters) {
                    Sent::Some(0) | Sent::Full if WAITS <= waits => {
                        counters.add(Fact::SendFull, datagrams(left));
                        break;
                    }
                    Sent::Some(0) | Sent::Full => {
                        let room = timeout(ROOM, port.socket.writable()).await;
                        waits = if matches!(room, Ok(Ok(()))) { waits + 1 } else { WAITS };
                    }
                    Sent::Some(messages) => {
                        let (sent, unsent) = left.split_at(messages.min(left.len()));
                        counters.add(fact, datagrams(sent));
                        left = unsent;
                    }
                    Sent::Failed(error) => {
                        if 1 < first.parcels.len() {
                            // One of them may be too long, or this network cannot cut messages up.
                            if error == Errno::EIO {
                                tracing::info!(
                                    "The network does not cut up messages; sending each"
                                );
                                self.segments = 1;
                            }
                            self.send_singly(port, parcels, first, fact, counters);
                        } else {
                            counters.count(Fact::SendFailed);
                        }
                        left = rest;
                    }
                }
            }
        }
    }

    fn send_singly(
        &mut self,
        port: &Port,
        parcels: &[Parcel<'_>],
        run: &Run,
        fact: Fact,
        counters: &Counters,
    ) {
        for at in run.parcels.clone() {
            let single = [Run { parcels: at..at + 1, size: parcels[at].len() }];
            let (ecn, v6) = (parcels[at].ecn, batch::is_v6(parcels[at].to));
            let control = Control { ecn, v6, segment: None };
            match self.call(port, parcels, &single, control, counters) {
                Sent::Some(1..) => counters.count(fact),
                Sent::Some(0) | Sent::Full => counters.count(Fact::SendFull),
                Sent::Failed(_) => counters.count(Fact::SendFailed),
            }
        }
    }

    /// One call to the system.
    fn call(
        &mut self,
        port: &Port,
        parcels: &[Parcel<'_>],
        runs: &[Run],
        control: Control,
        counters: &Counters,
    ) -> Sent {
        let runs = &runs[..runs.len().min(MESSAGES)];
        let mut slices = Vec::with_capacity(2 * datagrams(runs));
        let mut bounds = Vec::with_capacity(runs.len());
        for run in runs {
            let start = slices.len();
            for parcel in &parcels[run.parcels.clone()] {
                slices.extend(parcel.header.as_ref().map(|it| IoSlice::new(it)));
                slices.push(IoSlice::new(parcel.payload));
            }
            bounds.push(start..slices.len());
        }
        let messages: Vec<&[IoSlice<'_>]> = bounds.into_iter().map(|it| &slices[it]).collect();
        let address = |run: &Run| Some(SockaddrStorage::from(parcels[run.parcels.start].to));
        let addresses: Vec<_> = runs.iter().map(address).collect();

        let class = i32::from(control.ecn);
        let mut controls = Vec::with_capacity(2);
        if control.ecn != 0 {
            controls.push(if control.v6 {
                ControlMessage::Ipv6TClass(&class)
            } else {
                ControlMessage::Ipv4Tos(&control.ecn)
            });
        }
        if let Some(segment) = &control.segment {
            controls.push(ControlMessage::UdpGsoSegments(segment));
        }
        let headers = &mut self.headers[controls.len()];
        let fd = port.socket.as_raw_fd();
        let sent = port.socket.try_io(Interest::WRITABLE, || {
            counters.count(Fact::SendCalls);
            let sent = sendmmsg(fd, headers, &messages, &addresses, &controls, MsgFlags::empty());
            sent.map(Iterator::count).map_err(io::Error::from)
        });
        match sent {
            Ok(messages) => Sent::Some(messages),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::Full,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Sent::Some(0),
            Err(error) => {
                Sent::Failed(error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))
            }
        }
    }
}

fn datagrams(runs: &[Run]) -> usize {
    runs.iter().map(|run| run.parcels.len()).sum()
}
