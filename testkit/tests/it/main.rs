//! A real node, and clients that are exact, hostile, or our own: what the contract promises, end to end.

mod chat;
mod client;
mod cluster;
mod crash;
mod flood;
mod hostile;
mod login;
mod people;
mod process;
