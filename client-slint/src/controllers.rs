//! The logic of each view without a window: what was typed goes in, wishes and words come out.

pub mod actions;
pub mod add_contact;
pub mod chat;
pub mod codes;
pub mod company;
pub mod connection;
pub mod contacts;
pub mod create_account;
pub mod devices;
pub mod directory;
pub mod files;
pub mod groups;
pub mod login;
pub mod orders;
pub mod send_files;
pub mod servers;
pub mod settings;
pub mod status;
pub mod updates;
