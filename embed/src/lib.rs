//! What several of the programs in `src/bin` share. Everything in here is written against sockeye's public interface, to be
//! copied, but for `process`, which looks at the programs from outside.

pub mod alarms;
pub mod axum_upgrade;
pub mod http1;
pub mod process;
pub mod session;
