//! The memory of the program: an array.

use alloc::vec::Vec;
use core::hint::black_box;

use emballoc::Allocator;

#[global_allocator]
static HEAP: Allocator<SIZE> = Allocator::new();

/// Bytes of the array.
pub(crate) const SIZE: usize = 512 * 1024;

/// Bytes that are in use. The allocator does not say, so everything that is free is taken for a moment, piece by piece.
pub(crate) fn used() -> usize {
    let mut pieces: [Vec<u8>; 64] = [const { Vec::new() }; 64];
    let mut free = 0;
    for piece in &mut pieces {
        let size = largest();
        if size == 0 || piece.try_reserve_exact(size).is_err() {
            break;
        }
        free += size;
    }
    black_box(&pieces); // or the compiler sees that nobody uses them, and takes nothing
    SIZE - free
}

/// The size of the largest piece that is free.
fn largest() -> usize {
    let (mut had, mut refused) = (0, SIZE);
    while refused - had > 1 {
        let size = usize::midpoint(had, refused);
        let mut piece = Vec::<u8>::new();
        if piece.try_reserve_exact(size).is_ok() {
            had = size;
        } else {
            refused = size;
        }
        black_box(&piece);
    }
    had
}
