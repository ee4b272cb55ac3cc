//! The Thrive server: stateless sessions over a store and a bus.
//!
//! ```text
//! transport ─► session ─► dispatch ─► service ─► store          a request, going down
//!                 │
//!                 └ messages ─► appender ─► store ─► bus
//! transport ◄─ writer ◄─ outbox ◄─ hub ◄─ bus                   news, coming up
//! ```
//!
//! A request that changes something does three things in this order: store, reply, publish. Nothing
//! that a restart may not lose is held here.

pub mod announcer;
pub mod appender;
pub mod bus;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod cluster_secret;
pub mod config;
pub mod console;
pub mod data_dir;
pub mod dispatch;
pub mod domain;
pub mod drain;
pub mod faults;
pub mod files;
pub mod hub;
pub mod import;
pub mod last_seen;
pub mod log;
pub mod mail;
pub mod news;
pub mod node;
pub mod orders;
pub mod outage;
pub mod password;
pub mod presence;
pub mod random;
pub mod rate;
pub mod redis;
pub mod service;
pub mod session;
pub mod signals;
pub mod srv_conf;
pub mod store;
pub mod throttle;
pub mod tls;
pub mod transport;
