//! RFC 6455 rule by rule: a test for each, named after its number in the project's list of what a conforming
//! endpoint must do, with the nearest neighbour that is not an error. Both roles, both doors, whole and byte by byte.

#[path = "../common/mod.rs"]
mod common;

mod closing;
mod codes;
mod control;
mod fragmentation;
mod framing;
mod lending;
mod limits;
mod masking;
mod misuse;
mod printed;
mod states;
mod text;
mod words;
