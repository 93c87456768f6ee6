//! The adapters: one contract that all of them keep, and what each of them promises beyond it.

#[macro_use]
mod ends;
#[macro_use]
mod scripted;
mod cancel;
mod closing;
mod contract;
mod drip;
mod farewells;
mod faults;
mod halves;
mod handshake;
mod idle;
mod peer;
mod pipe;
mod ported;
mod tasks;
mod time;
mod tls;
mod traffic;
mod upgrade;
mod waits;
mod wakers;
mod wss;
