//! The screens, driven like a person drives them: by keys, and by what a screen reader says of a
//! control. No display, no network; wishes are read where the network thread would read them.

mod entrance;
mod hearing;
mod people;
mod reading;
mod stage;
mod talk;
