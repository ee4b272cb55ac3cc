//! What two Thrive programs must agree on.
//!
//! No IO, no tokio, no quinn, no clock: values in, bytes out, and back. The map of the wire:
//!
//! ```text
//! stream of bytes ─ frame ─► one CBOR value ─ codec ─► ClientFrame { id, rq: Request }        client → node
//!                                                   └► NodeFrame::{Reply, Event}             node → client
//! ```
//!
//! - [`frame`]: a `u32` length and that many bytes; nothing else.
//! - [`codec`]: one typed CBOR value in those bytes, all of them.
//! - [`request`], [`reply`], [`event`], [`code`]: what may be said; [`admin`]: what admins may.
//! - [`people`], [`preset`], [`directory`]: what one account may know of another.
//! - [`mod@file`]: what is said about files that people offer each other.
//! - [`ids`], [`name`], [`text`], [`mail`], [`secret`], [`bounded`]: the values in it; parsed, so already valid.
//! - [`cid`], [`encapsulation`], [`cluster`], [`lease`], [`url`]: what nodes and routers agree on among
//!   themselves; a client needs none of it.
//! - [`limits`]: every number that both sides keep to, in one table.
//!
//! **Version rule.** Within `thrive/1` fields and variants are only added. Unknown fields are
//! skipped, an unknown request is answered with [`code::Code::UnknownRequest`], an unknown event is
//! ignored, and an unknown kind of log entry keeps its place in the log ([`entry::Body::Unknown`]).

pub mod admin;
pub mod bounded;
pub mod cid;
pub mod cluster;
pub mod code;
pub mod codec;
pub mod directory;
pub mod encapsulation;
pub mod entry;
pub mod event;
pub mod file;
pub mod frame;
pub mod ids;
pub mod lease;
pub mod limits;
pub mod mail;
pub mod message;
pub mod name;
pub mod people;
pub mod preset;
pub mod reply;
pub mod request;
pub mod secret;
pub mod text;
pub mod url;
pub mod version;

pub use crate::code::{Code, Refusal};
pub use crate::event::Event;
pub use crate::message::{ClientFrame, NodeFrame};
pub use crate::reply::Reply;
pub use crate::request::Request;
