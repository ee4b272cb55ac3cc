//! The screens, driven like a person drives them: by keys, and by what a screen reader says of a
//! control. No display, no network; wishes are read where the network thread would read them.

#![expect(clippy::unwrap_used, reason = "clippy takes the words that tests share for shipped code")]

mod choices;
mod doors;
mod entrance;
mod files;
mod groups;
mod hearing;
mod host;
mod keys;
mod people;
mod questions;
mod reading;
mod social;
mod stage;
mod talk;
mod updates;
