//! What several of the programs in `src/bin` share. Everything in here is written against sockeye's public interface, to be
//! copied.

pub mod axum_upgrade;
pub mod http1;
