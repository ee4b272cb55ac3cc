//! A real node, and clients that are exact, hostile, or our own: what the contract promises, end to end.

mod admins;
mod away_and_back;
mod chat;
mod client;
mod client_admin;
mod client_cluster;
mod cluster;
mod command;
mod crash;
mod directory;
mod documents;
mod doors;
mod faults;
mod files;
mod flood;
mod host;
mod hostile;
mod invisible;
mod login;
mod mail;
mod misconfigured;
mod people;
mod process;
mod slow_files;
mod weaknesses;
