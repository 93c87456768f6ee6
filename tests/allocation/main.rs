//! What the engine allocates: nothing at steady state, nothing while idle, nothing for what a header declares, and a
//! bounded amount for a large message. Counted by an allocator of the test's own, thread by thread.
#![allow(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;
mod outbox;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;
use sockeye::bytes::{Buf, BytesMut};
use sockeye::{Config, Connection, Event, Inbox, Outbox, Piece, Role};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Heap {
    /// Calls of the allocator, for more memory or for less.
    calls: usize,
    /// Bytes that are allocated.
    live: usize,
    /// The most bytes that were live at once; while memory moves to a larger place, both count.
    peak: usize,
    /// Bytes of all allocations: an upper bound of what growing has copied.
    total: usize,
}

thread_local! {
    static HEAP: Cell<Heap> = const { Cell::new(Heap { calls: 0, live: 0, peak: 0, total: 0 }) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn note(taken: usize, given: usize) {
    let mut heap = HEAP.get();
    heap.calls += 1;
    heap.total += taken;
    heap.peak = heap.peak.max(heap.live + taken);
    // Memory may be given back by another thread than the one that took it.
    heap.live = (heap.live + taken).saturating_sub(given);
    HEAP.set(heap);
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size, layout.size());
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(memory, layout, size) }
    }
}

/// What `work` has allocated: `live` is what it has left behind.
fn heap_of<T>(work: impl FnOnce() -> T) -> (Heap, T) {
    let before = HEAP.get();
    HEAP.set(Heap { peak: before.live, ..before });
    let result = work();
    let after = HEAP.get();
    let heap = Heap {
        calls: after.calls - before.calls,
        live: after.live.saturating_sub(before.live),
        peak: after.peak - before.live,
        total: after.total - before.total,
    };
    (heap, result)
}

/// Writes the outbox away.
fn write(outbox: &mut Outbox) {
    while outbox.has_remaining() {
        outbox.advance(outbox.chunk().len());
    }
}

/// Reads as a socket does, in reads of at most `size` bytes.
fn read<'a>(bytes: &'a [u8], size: usize, inbox: &mut Inbox) -> &'a [u8] {
    let space = inbox.space(size);
    let count = bytes.len().min(size).min(space.len());
    space[..count].copy_from_slice(&bytes[..count]);
    inbox.filled(count);
    &bytes[count..]
}

#[test]
fn an_echo_of_small_messages_allocates_nothing_at_steady_state() {
    for role in ROLES {
        let peer = role.peer();
        let bytes = [
            whole(peer, TEXT, "물고기"),
            part(peer, BINARY, [1; 200]),
            whole(peer, PING, "ping"),
            whole(peer, CONTINUATION, [2; 700]),
            whole(peer, TEXT, ""),
        ]
        .concat();
        let mut connection = connection(role, &Config::default());
        let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
        let mut echo = |pieces: bool, size: usize| {
            let (mut rest, mut events) = (&bytes[..], 0);
            while !rest.is_empty() {
                rest = read(rest, size, &mut inbox);
                if pieces {
                    while let Some(piece) = connection.receive_piece(&mut inbox, &mut outbox).unwrap() {
                        match piece {
                            Piece::Text { text, last } => {
                                connection.send_text_fragment(&text, last, &mut outbox).unwrap();
                            }
                            Piece::Binary { data, last } => {
                                connection.send_binary_fragment(&data, last, &mut outbox).unwrap();
                            }
                            _ => {}
                        }
                        events += 1;
                    }
                } else {
                    while let Some(event) = connection.receive(&mut inbox, &mut outbox).unwrap() {
                        match event {
                            Event::Text(text) => connection.send_text(&text, &mut outbox).unwrap(),
                            Event::Binary(data) => connection.send_binary(&data, &mut outbox).unwrap(),
                            _ => {}
                        }
                        events += 1;
                    }
                }
                write(&mut outbox);
            }
            events
        };
        for pieces in [false, true] {
            for size in [4096, 100, 1] {
                (0..20).for_each(|_| assert!(echo(pieces, size) >= 4));
                let (heap, _) = heap_of(|| (0..1000).map(|_| echo(pieces, size)).sum::<usize>());
                assert_eq!(heap, Heap::default(), "{role:?}, pieces: {pieces}, reads of {size}");
            }
        }
    }
}

#[test]
fn an_echo_through_buffers_that_a_kernel_owns_allocates_nothing_at_steady_state() {
    let small =
        [whole(Role::Client, TEXT, "물고기"), whole(Role::Client, PING, "ping"), whole(Role::Client, BINARY, [1; 500])];
    let mut connection = Connection::server(&Config::default());
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
    let mut echo = |bytes: &[u8], size: usize| {
        let mut rest = bytes;
        while !rest.is_empty() || outbox.has_remaining() {
            let mut space = inbox.take_space(4096);
            // What is written is under way while the next bytes arrive.
            let writing = outbox.copy_to_bytes(outbox.chunk().len());
            let (now, later) = rest.split_at(rest.len().min(size));
            space.clear();
            space.extend_from_slice(now);
            inbox.put_space(space, now.len());
            rest = later;
            drop(writing);
            while let Some(event) = connection.receive(&mut inbox, &mut outbox).unwrap() {
                match event {
                    Event::Text(text) => connection.send_text(&text, &mut outbox).unwrap(),
                    Event::Binary(data) => connection.send_binary(&data, &mut outbox).unwrap(),
                    _ => {}
                }
            }
        }
    };
    let bytes = small.concat();
    for size in [4096, 100, 7] {
        (0..20).for_each(|_| echo(&bytes, size));
        let (heap, ()) = heap_of(|| (0..1000).for_each(|_| echo(&bytes, size)));
        assert_eq!(heap, Heap::default(), "reads of {size}");
    }
}

#[test]
fn a_large_message_is_read_in_its_place_by_a_kernel() {
    let bytes = whole(Role::Client, BINARY, vec![7; 4 << 20]);
    let mut connection = Connection::server(&Config::default());
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
    let (heap, seen) = heap_of(|| {
        let (mut rest, mut seen) = (&bytes[..], false);
        while !rest.is_empty() {
            let mut space = inbox.take_space(inbox.len().clamp(4096, 64 << 10));
            let (now, later) = rest.split_at(rest.len().min(space.capacity()).min(64 << 10));
            space.clear();
            space.extend_from_slice(now);
            inbox.put_space(space, now.len());
            rest = later;
            seen = connection.receive(&mut inbox, &mut outbox).unwrap().is_some();
        }
        seen
    });
    assert!(seen);
    assert!(heap.peak <= 3 * bytes.len() + (64 << 10), "{heap:?}");
    assert!(heap.total <= 4 * bytes.len() + (64 << 10), "{heap:?}");
    assert!(heap.calls <= 60, "{heap:?}");
}

#[test]
fn an_idle_connection_holds_no_heap() {
    for role in ROLES {
        // A client's source of keys is its own affair.
        let mut connection = connection(role, &Config::default());
        let (heap, (inbox, outbox)) = heap_of(|| {
            let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
            assert_eq!(HEAP.get().peak, HEAP.get().live, "new ones hold none");
            for bytes in [whole(role.peer(), TEXT, "small"), whole(role.peer(), BINARY, [7; 100_000])] {
                let mut rest = &bytes[..];
                while !rest.is_empty() {
                    rest = read(rest, 16 << 10, &mut inbox);
                    while let Some(event) = connection.receive(&mut inbox, &mut outbox).unwrap() {
                        connection.send(&event.into_message(), &mut outbox).unwrap();
                    }
                }
            }
            write(&mut outbox);
            inbox.release();
            outbox.release();
            (inbox, outbox)
        });
        assert_eq!(heap.live, 0, "{role:?}");
        assert!(inbox.is_empty() && outbox.is_empty());
    }
    let (heap, _) = heap_of(|| Connection::server(&Config::default()));
    assert_eq!(heap, Heap::default(), "a server's connection has no heap of its own");
}

#[test]
fn many_connections_share_one_memory_to_read_into() {
    let mut scratch = BytesMut::zeroed(64 << 10);
    let bytes = whole(Role::Client, TEXT, "small");
    let mut ends: Vec<_> = (0..100).map(|_| (Connection::server(&Config::default()), Inbox::new())).collect();
    let mut outbox = Outbox::new();
    let mut round = |bytes: &[u8]| {
        let mut seen = 0;
        for (connection, inbox) in &mut ends {
            let own = inbox.exchange(std::mem::take(&mut scratch));
            read(bytes, 4096, inbox);
            while connection.receive(inbox, &mut outbox).unwrap().is_some() {
                seen += 1;
            }
            drop(own);
            scratch = inbox.exchange(BytesMut::new());
        }
        seen
    };
    let (heap, seen) = heap_of(|| round(&bytes));
    assert_eq!((heap, seen), (Heap::default(), 100));
    // Only an incomplete tail is kept, in memory of its own size.
    let (heap, seen) = heap_of(|| round(&bytes[..9]));
    assert_eq!(seen, 0);
    assert!(heap.live <= 100 * 16, "{heap:?}");
    let (heap, seen) = heap_of(|| round(&bytes[9..]));
    assert_eq!((heap.live, seen), (0, 100));
}

#[test]
fn nothing_is_allocated_for_what_a_header_declares() {
    for role in ROLES {
        let key = (role == Role::Server).then_some(KEY);
        for length in [1 << 20, 16 << 20, 1 << 32, 1 << 62] {
            for opcode in [TEXT, BINARY] {
                let bytes = [header(true, 0, opcode, key, length), vec![KEY[0]; 1]].concat();
                for pieces in [false, true] {
                    let config = Config::default().frame_limit(u64::MAX).message_limit(u64::MAX);
                    let mut connection = connection(role, &config);
                    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
                    let (heap, _) = heap_of(|| {
                        read(&bytes, 1024, &mut inbox);
                        if pieces {
                            assert!(connection.receive_piece(&mut inbox, &mut outbox).unwrap().is_some());
                        } else {
                            assert!(connection.receive(&mut inbox, &mut outbox).unwrap().is_none());
                        }
                        read(&[], 1024, &mut inbox);
                    });
                    assert!(heap.total <= 4096, "{role:?}, {length}, pieces: {pieces}: {heap:?}");
                }
            }
        }
    }
}

/// Receives one message of `length` bytes in reads of 16 KiB, and what it took.
fn receive_large(role: Role, bytes: &[u8], length: usize, pieces: bool) -> Heap {
    let mut connection = connection(role, &Config::default());
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
    let (heap, received) = heap_of(|| {
        let (mut rest, mut received) = (bytes, 0);
        while !rest.is_empty() {
            rest = read(rest, READ, &mut inbox);
            if pieces {
                while let Some(piece) = connection.receive_piece(&mut inbox, &mut outbox).unwrap() {
                    if let Piece::Binary { data, .. } = piece {
                        received += data.len();
                    }
                }
            } else {
                while let Some(event) = connection.receive(&mut inbox, &mut outbox).unwrap() {
                    if let Event::Binary(data) = event {
                        received += data.len();
                    }
                }
            }
            write(&mut outbox);
        }
        received
    });
    assert_eq!(received, length);
    heap
}

const READ: usize = 16 << 10;

#[test]
fn a_large_message_takes_bounded_memory_and_linear_work() {
    for role in ROLES {
        let mut totals = Vec::new();
        for length in [1 << 20, 4 << 20, 16 << 20] {
            let bytes = whole(role.peer(), BINARY, vec![7; length]);
            let heap = receive_large(role, &bytes, length, false);
            // Doubling: at most twice the message, and half of that besides while it moves to a larger place.
            assert!(heap.live == 0 || heap.live <= 2 * (length + READ), "{role:?}, {length}: {heap:?}");
            assert!(heap.peak <= 3 * (length + READ), "{role:?}, {length}: {heap:?}");
            assert!(heap.total <= 4 * (length + READ), "{role:?}, {length}: {heap:?}");
            totals.push(heap.total);
        }
        assert!(totals[2] <= 17 * totals[0], "16 times as much for 16 times the length: {totals:?}");
    }
}

#[test]
fn a_large_message_in_pieces_takes_the_memory_of_a_read() {
    for role in ROLES {
        let length = 16 << 20;
        let bytes = whole(role.peer(), BINARY, vec![7; length]);
        let heap = receive_large(role, &bytes, length, true);
        assert!(heap.total <= 4 * READ, "{role:?}: {heap:?}");
    }
}

#[test]
fn a_large_message_in_small_fragments_with_pings_between_takes_bounded_memory() {
    for role in ROLES {
        let peer = role.peer();
        let fragment = [part(peer, CONTINUATION, [7; 1000]), whole(peer, PING, [0; 100])].concat();
        let count = 8000;
        let mut bytes = part(peer, BINARY, "");
        (0..count).for_each(|_| bytes.extend(&fragment));
        bytes.extend(whole(peer, CONTINUATION, ""));
        let length = 1000 * count;
        let heap = receive_large(role, &bytes, length, false);
        assert!(heap.peak <= 3 * (length + READ), "{role:?}: {heap:?}");
        assert!(heap.total <= 4 * (length + READ), "{role:?}: {heap:?}");
    }
}

#[test]
fn pings_inside_a_large_message_do_not_grow_its_memory() {
    for role in ROLES {
        let peer = role.peer();
        let length = 1 << 20;
        let ping = whole(peer, PING, [0; 100]);
        let mut bytes = part(peer, BINARY, vec![7; length]);
        (0..8 * length / ping.len()).for_each(|_| bytes.extend(&ping));
        bytes.extend(whole(peer, CONTINUATION, ""));
        let heap = receive_large(role, &bytes, length, false);
        assert!(heap.peak <= 3 * (length + READ), "{role:?}: {heap:?}");
    }
}

#[test]
fn what_is_kept_is_not_copied() {
    for role in ROLES {
        let bytes = whole(role.peer(), BINARY, vec![7; 100_000]);
        let mut connection = connection(role, &Config::default());
        let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
        inbox.extend(&bytes);
        let Some(Event::Binary(data)) = connection.receive(&mut inbox, &mut outbox).unwrap() else { panic!() };
        let lent = data.as_ptr();
        let (heap, kept) = heap_of(|| data.into_bytes());
        assert_eq!((kept.as_ptr(), kept.len()), (lent, 100_000));
        assert!(heap.total <= 100, "{heap:?}");
    }
}
