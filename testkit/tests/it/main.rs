//! A real node, and clients that are exact, hostile, or our own: what the contract promises, end to end.

mod admins;
mod chat;
mod client;
mod client_admin;
mod client_cluster;
mod cluster;
mod crash;
mod faults;
mod flood;
mod host;
mod hostile;
mod login;
mod misconfigured;
mod people;
mod process;
