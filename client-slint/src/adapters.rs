//! Joins windows to the desk. Only these modules know both a window and what is behind it.

pub mod chat;
pub mod contacts;
pub mod dialogs;
pub mod doors;
pub mod entrance;
pub mod files;
pub mod lines;
pub mod listing;
mod mark;
pub mod orders;
pub mod people;
pub mod settings;
pub mod shell;
pub mod tray;
