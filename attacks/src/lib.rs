//! Attacks on a connection, and what each may cost: the [`table`] is stated once, a test holds the engine to it, and the
//! program prints it with what was measured.
//!
//! An attack is a [`Deed`] that one end of a connection, the [`Victim`], suffers. Counted are
//!
//! * **memory**: the most that was allocated at once, and all that was allocated, by an allocator that counts;
//! * **work**: the machine's instructions, by callgrind, for a sample of the attack and for four times as much. The count is
//!   of the program as it is, the C library's `memmove` included, so it finds every kind of work that grows faster than the
//!   attack does, wherever it is done.

mod instructions;
mod measure;
mod table;
mod victim;
mod wire;

pub use instructions::{REHEARSAL, count, has_valgrind, rehearse};
pub use measure::{Measured, Work, measure};
pub use table::{Attack, table};
pub use victim::{Deed, Door, End, Manner, Reads, Victim};
