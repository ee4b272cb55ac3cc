//! Every limit of the node that an operator may change, each default with its reason. What both sides
//! must agree on is in `thrive_protocol::limits` instead, and no operator may change that.

use std::time::Duration;

use crate::config::reader::Reader;
use crate::rate::Rate;
use crate::throttle::ThrottleRules;

/// What the node allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Connections at once. Each costs about 40 kB, so the default fits into half a gigabyte.
    pub connections: usize,
    /// Connections of one address: a school or a company behind one router, but not a flood.
    pub connections_per_address: usize,
    /// From the handshake to the first request. It costs a client one round trip.
    pub hello_deadline: Duration,
    /// From the handshake to the login: the client knows the password before it connects.
    pub login_deadline: Duration,
    /// A client to which nothing could be written for so long is gone.
    pub write_stall: Duration,
    /// Bytes that wait to be written to one connection; more events are dropped, and found again by
    /// their sequence numbers.
    pub outbox_bytes: usize,
    /// Large requests (history, search) that one connection may have under way. A client shows one
    /// conversation at a time.
    pub bulk_streams: usize,
    /// Messages of one account, all devices together: far beyond typing, below a flood.
    pub messages: Rate,
    /// Other requests of one connection: a client that starts asks for a lot at once.
    pub requests: Rate,
    /// The same of one account, all devices together, or whoever opens many connections has as many times as
    /// much: what four of them may ask for.
    pub account_requests: Rate,
    /// Files under way at once, in and out: with a part of 1 MiB each, what they may hold together.
    pub files_at_once: usize,
    /// For one of them to have its turn, then it is refused for now: less than clients wait for an answer.
    pub file_turn: Duration,
    /// For each mebibyte of one: whoever is slower (3.5 KB a second) gives up the turn.
    pub file_pace: Duration,
    /// Log-in attempts with a password.
    pub logins: ThrottleRules,
    /// New accounts of one address: a family signs up at once, a robot is slowed down.
    pub sign_ups: Rate,
    /// Mails that one address of a caller asks for: somebody who looks for the right mailbox.
    pub mails: Rate,
    /// Codes that one address of a caller tries: somebody who mistypes, for a whole family.
    pub codes: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 256,
            hello_deadline: Duration::from_secs(10),
            login_deadline: Duration::from_secs(30),
            write_stall: Duration::from_secs(15),
            outbox_bytes: 1024 * 1024,
            bulk_streams: 4,
            messages: Rate::new(60, 20.0),
            requests: Rate::new(60, 10.0),
            account_requests: Rate::new(240, 40.0),
            files_at_once: 64,
            file_turn: Duration::from_secs(30),
            file_pace: Duration::from_secs(300),
            logins: ThrottleRules {
                free_failures: 5,
                longest_wait: Duration::from_secs(900),
                per_address: Rate::new(30, per_ten_minutes(30)),
            },
            sign_ups: Rate::new(6, per_minute(2)),
            mails: Rate::new(10, per_ten_minutes(5)),
            codes: Rate::new(20, per_ten_minutes(20)),
        }
    }
}

impl Limits {
    pub(super) fn read(reader: &mut Reader, or: &Self) -> Self {
        // A frame of the largest event must fit, or nothing could ever be sent.
        let outbox = 128 * 1024..=64 * 1024 * 1024;
        // Above 16, quinn itself would hold streams back, and a stream table would cost memory.
        let bulk = 1..=15;
        Self {
            connections: reader.count("limits.connections", or.connections, 1..=MANY),
            connections_per_address: reader.count(
                "limits.connections_per_address",
                or.connections_per_address,
                1..=MANY,
            ),
            hello_deadline: reader.seconds("limits.hello_seconds", or.hello_deadline, 1..=120),
            login_deadline: reader.seconds("limits.login_seconds", or.login_deadline, 1..=600),
            write_stall: reader.seconds("limits.write_stall_seconds", or.write_stall, 1..=120),
            outbox_bytes: reader.count("limits.outbox_bytes", or.outbox_bytes, outbox),
            bulk_streams: reader.count("limits.bulk_streams", or.bulk_streams, bulk),
            messages: Rate {
                burst: reader.burst("limits.message_burst", or.messages.burst),
                per_second: reader.rate("limits.messages_per_second", or.messages.per_second, 1.0),
            },
            requests: Rate {
                burst: reader.burst("limits.request_burst", or.requests.burst),
                per_second: reader.rate("limits.requests_per_second", or.requests.per_second, 1.0),
            },
            account_requests: Rate {
                burst: reader.burst("limits.account_request_burst", or.account_requests.burst),
                per_second: reader.rate(
                    "limits.account_requests_per_second",
                    or.account_requests.per_second,
                    1.0,
                ),
            },
            files_at_once: reader.count("limits.files_at_once", or.files_at_once, 1..=4_096),
            file_turn: reader.seconds("limits.file_turn_seconds", or.file_turn, 1..=60),
            file_pace: reader.seconds("limits.file_pace_seconds", or.file_pace, 1..=3_600),
            logins: ThrottleRules {
                free_failures: reader.burst("limits.login_failures", or.logins.free_failures),
                longest_wait: reader.seconds(
                    "limits.login_wait_seconds",
                    or.logins.longest_wait,
                    1..=3_600,
                ),
                per_address: Rate {
                    burst: reader.burst("limits.login_address_burst", or.logins.per_address.burst),
                    per_second: reader.rate(
                        "limits.login_address_per_ten_minutes",
                        or.logins.per_address.per_second,
                        per_ten_minutes(1),
                    ),
                },
            },
            sign_ups: Rate {
                burst: reader.burst("limits.sign_up_burst", or.sign_ups.burst),
                per_second: reader.rate(
                    "limits.sign_ups_per_minute",
                    or.sign_ups.per_second,
                    per_minute(1),
                ),
            },
            mails: Rate {
                burst: reader.burst("limits.mail_burst", or.mails.burst),
                per_second: reader.rate(
                    "limits.mails_per_ten_minutes",
                    or.mails.per_second,
                    per_ten_minutes(1),
                ),
            },
            codes: Rate {
                burst: reader.burst("limits.code_burst", or.codes.burst),
                per_second: reader.rate(
                    "limits.codes_per_ten_minutes",
                    or.codes.per_second,
                    per_ten_minutes(1),
                ),
            },
        }
    }
}

/// More than one machine can carry; below it the operator decides.
const MANY: usize = 1_000_000;

const fn per_minute(times: u32) -> f64 {
    times as f64 / 60.0
}

const fn per_ten_minutes(times: u32) -> f64 {
    times as f64 / 600.0
}
