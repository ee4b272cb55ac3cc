//! The logic of each view without a window: what was typed goes in, wishes and words come out.

pub mod add_contact;
pub mod chat;
pub mod connection;
pub mod contacts;
pub mod create_account;
pub mod login;
pub mod settings;
pub mod status;
pub mod updates;
