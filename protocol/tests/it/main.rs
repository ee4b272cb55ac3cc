//! What the wire promises: bytes that never change, and no bytes that can hurt a reader.

mod admin;
mod diagnostic;
mod document;
mod full;
mod hostile;
mod inputs;
mod round_trip;
mod samples;
mod session;
mod strategies;
mod vectors;
