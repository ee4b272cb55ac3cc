//! The screens, driven like a person drives them: by keys, and by what a screen reader says of a
//! control. No display, no network; wishes are read where the network thread would read them.

#![expect(clippy::unwrap_used, reason = "clippy takes the words that tests share for shipped code")]

mod choices;
mod entrance;
mod hearing;
mod keys;
mod people;
mod reading;
mod stage;
mod talk;
mod updates;
