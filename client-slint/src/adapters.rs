//! Joins windows to the desk. Only these modules know both a window and what is behind it.

pub mod chat;
pub mod contacts;
pub mod dialogs;
pub mod entrance;
mod mark;
pub mod settings;
pub mod shell;
