mod memory;

use super::*;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Extend(usize),
    Read {
        space: usize,
        filled: usize,
    },
    /// Takes a space of at least so many bytes; one that was taken before and is still out is dropped.
    TakeSpace(usize),
    /// Brings the space back, filled with so many bytes.
    PutSpace(usize),
    Consume(usize),
    Hold(usize),
    /// Takes a payload, for keeps or to look at.
    Take(usize, Then),
    /// Lends what is held but for the last few bytes.
    Lend(usize, Then),
    /// Turns unread bytes into so many inflated ones.
    Inflate(usize, usize),
    /// Lends what is inflated but for the last few bytes.
    LendInflated(usize, Then),
    Release,
    Exchange(usize),
}

/// What is done with bytes that are lent.
#[derive(Clone, Copy, Debug)]
enum Then {
    Look,
    Drop,
    Keep,
}

fn then() -> impl Strategy<Value = Then> {
    prop_oneof![Just(Then::Look), Just(Then::Drop), Just(Then::Keep)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = || prop_oneof![2 => 0..10usize, 2 => 0..300usize, 1 => 0..3000usize];
    let step = prop_oneof![
        3 => size().prop_map(Step::Extend),
        3 => (size(), size()).prop_map(|(space, filled)| Step::Read { space, filled }),
        3 => size().prop_map(Step::TakeSpace),
        3 => size().prop_map(Step::PutSpace),
        1 => (0..15usize).prop_map(Step::Consume),
        3 => size().prop_map(Step::Hold),
        3 => (size(), then()).prop_map(|(count, then)| Step::Take(count, then)),
        2 => (0..4usize, then()).prop_map(|(kept, then)| Step::Lend(kept, then)),
        2 => (size(), size()).prop_map(|(count, size)| Step::Inflate(count, size)),
        2 => (0..4usize, then()).prop_map(|(kept, then)| Step::LendInflated(kept, then)),
        1 => Just(Step::Release),
        1 => size().prop_map(Step::Exchange),
    ];
    prop::collection::vec(step, 0..60)
}

fn check(inbox: &Inbox, held: &[u8], unread: &[u8], inflated: &[u8]) -> Result<(), TestCaseError> {
    let Inbox { memory, held: range, next, filled, .. } = inbox;
    prop_assert!(range.start <= range.end && range.end <= *next && next <= filled && *filled <= memory.len());
    prop_assert_eq!(&memory[range.clone()], held);
    prop_assert_eq!(inbox.unread(), unread);
    let came = inbox.inflated.as_ref().map_or(&[][..], |inflated| &inflated.written[inflated.lent..]);
    prop_assert_eq!(came, inflated);
    prop_assert_eq!(inbox.held(), held.len() + inflated.len());
    prop_assert_eq!(inbox.len(), inbox.held() + unread.len());
    Ok(())
}

/// What a kernel does with a space: it writes from the start, over what is initialised and behind it.
fn write(space: &mut BytesMut, bytes: &[u8]) {
    let (over, behind) = bytes.split_at(bytes.len().min(space.len()));
    space[..over.len()].copy_from_slice(over);
    space.extend_from_slice(behind);
}

/// The bytes that were lent. What is kept stays in `kept`, with what it has to be.
fn lent(inbox: &mut Inbox, then: Then, kept: &mut Vec<(Bytes, Vec<u8>)>) -> Vec<u8> {
    match then {
        Then::Look => inbox.lent().to_vec(),
        Then::Drop => inbox.detach().to_vec(),
        Then::Keep => {
            let bytes = inbox.detach();
            kept.push((bytes.clone(), bytes.to_vec()));
            bytes.to_vec()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Against three plain vectors.
    #[test]
    fn any_steps_keep_the_bytes_and_the_invariant(steps in steps()) {
        let mut inbox = Inbox::new();
        let (mut held, mut unread, mut inflated) = (Vec::new(), Vec::new(), Vec::new());
        let mut arriving = (0..=u8::MAX).cycle();
        let (mut taken, mut kept_bytes) = (None, Vec::new());
        for step in steps {
            match step {
                Step::Extend(count) => {
                    let bytes: Vec<u8> = arriving.by_ref().take(count).collect();
                    inbox.extend(&bytes);
                    unread.extend(bytes);
                }
                Step::Read { space, filled } => {
                    let bytes: Vec<u8> = arriving.by_ref().take(filled.min(space)).collect();
                    let room = inbox.space(space);
                    prop_assert!(room.len() >= space);
                    room[..bytes.len()].copy_from_slice(&bytes);
                    inbox.filled(bytes.len());
                    unread.extend(bytes);
                }
                Step::TakeSpace(least) => {
                    let space = inbox.take_space(least);
                    prop_assert!(space.capacity() >= least);
                    taken = Some(space);
                }
                Step::PutSpace(count) => {
                    let Some(mut space) = taken.take() else { continue };
                    let bytes: Vec<u8> = arriving.by_ref().take(count.min(space.capacity())).collect();
                    write(&mut space, &bytes);
                    inbox.put_space(space, bytes.len());
                    unread.extend(bytes);
                }
                Step::Consume(count) => {
                    inbox.consume(count);
                    unread.drain(..count.min(unread.len()));
                }
                Step::Hold(count) => {
                    let count = count.min(unread.len());
                    inbox.hold(count);
                    held.extend(unread.drain(..count));
                }
                Step::Take(count, then) => {
                    let count = count.min(unread.len());
                    prop_assert_eq!(inbox.unread_mut(count), &unread[..count]);
                    inbox.lend(count);
                    let expected: Vec<u8> = unread.drain(..count).collect();
                    prop_assert_eq!(lent(&mut inbox, then, &mut kept_bytes), expected);
                }
                Step::Lend(kept, then) => {
                    inbox.lend_held(kept);
                    let expected: Vec<u8> = held.drain(..held.len().saturating_sub(kept)).collect();
                    prop_assert_eq!(lent(&mut inbox, then, &mut kept_bytes), expected);
                }
                Step::Inflate(count, size) => {
                    let count = count.min(unread.len());
                    let bytes: Vec<u8> = arriving.by_ref().take(size).collect();
                    let input: Vec<u8> = unread.drain(..count).collect();
                    let (consumed, output) = inbox
                        .inflate(count, |there, output| {
                            assert_eq!(there, input);
                            output.space(size, size).copy_from_slice(&bytes);
                            output.add(size);
                            Ok::<_, ()>(count)
                        });
                    prop_assert_eq!((consumed, output), (Ok(count), &bytes[..]));
                    inflated.extend(bytes);
                }
                Step::LendInflated(kept, then) => {
                    inbox.lend_inflated(kept);
                    let expected: Vec<u8> = inflated.drain(..inflated.len().saturating_sub(kept)).collect();
                    prop_assert_eq!(lent(&mut inbox, then, &mut kept_bytes), expected);
                }
                Step::Release => {
                    inbox.release();
                    let most = 2 * (held.len() + unread.len());
                    prop_assert!(inbox.memory.capacity() <= most.max(16), "{inbox:?}");
                    prop_assert!(!inflated.is_empty() || inbox.inflated.is_none());
                }
                Step::Exchange(count) => drop(inbox.exchange(BytesMut::zeroed(count))),
            }
            check(&inbox, &held, &unread, &inflated)?;
        }
        for (bytes, expected) in kept_bytes {
            prop_assert_eq!(bytes, expected, "what was taken has changed");
        }
    }
}

#[test]
fn work_is_linear_however_small_the_reads_are() {
    // The capacity doubles: 16 MiB that arrive byte by byte move a few dozen times.
    let (mut inbox, mut places) = (Inbox::new(), 0);
    let mut place = core::ptr::null();
    for _ in 0..1 << 20 {
        inbox.space(1)[0] = 7;
        inbox.filled(1);
        inbox.hold(1);
        places += usize::from(place != inbox.memory.as_ptr());
        place = inbox.memory.as_ptr();
    }
    assert_eq!(inbox.held(), 1 << 20);
    assert!(places <= 40, "{places}");
}

#[test]
fn what_follows_a_fragment_is_read_behind_the_message() {
    let mut inbox = Inbox::new();
    inbox.extend(b"hhfirsthhsecond");
    inbox.consume(2);
    inbox.hold(5);
    inbox.consume(2);
    inbox.hold(6);
    assert_eq!((inbox.held.clone(), inbox.next, inbox.filled), (2..13, 13, 13));
    inbox.space(1)[0] = b'!';
    inbox.filled(1);
    inbox.hold(1);
    inbox.lend_held(0);
    assert_eq!(inbox.lent(), b"firstsecond!");
}

#[test]
fn a_frame_is_lent_where_all_of_it_is_there() {
    let mut inbox = Inbox::new();
    inbox.space(64)[..15].copy_from_slice(b"hhfirsthhsecond");
    inbox.filled(15);
    assert_eq!(inbox.lend_frame(2, 5), Some(&mut { *b"first" }[..]));
    assert_eq!(inbox.lent(), b"first");
    assert_eq!(inbox.lend_frame(2, 7), None, "its last byte has not come");
    assert_eq!(inbox.unread(), b"hhsecond");
    assert_eq!(inbox.lend_frame(2, 6), Some(&mut { *b"second" }[..]));
    assert_eq!((inbox.lent(), inbox.unread()), (&b"second"[..], &b""[..]));
}

#[test]
fn a_large_message_is_read_into_its_place() {
    let mut inbox = Inbox::new();
    inbox.extend(&[7; 1000]);
    inbox.hold(1000);
    let (mut moves, mut place) = (0, inbox.memory.as_ptr());
    while inbox.held() < 1 << 20 {
        let mut space = inbox.take_space(1000);
        let start = space.as_ptr();
        write(&mut space, &[8; 1000]);
        inbox.put_space(space, 1000);
        assert_eq!(inbox.unread().as_ptr(), start, "the bytes that arrived were moved");
        inbox.hold(1000);
        moves += usize::from(place != inbox.memory.as_ptr());
        place = inbox.memory.as_ptr();
    }
    assert!(moves <= 12, "{moves}");
}

#[test]
fn few_bytes_move_to_the_front_though_there_is_room_behind_them() {
    for (free, moves) in [(799, false), (800, false), (801, true)] {
        let mut inbox = Inbox::new();
        inbox.exchange(BytesMut::zeroed(4096));
        inbox.extend(&[&vec![7; free][..], &[b'.'; 50], &[b'!'; 50]].concat());
        inbox.consume(free);
        inbox.hold(50);
        inbox.space(1000);
        assert_eq!(
            (inbox.held.start, inbox.next, inbox.filled),
            if moves { (0, 50, 100) } else { (free, free + 50, free + 100) }
        );
        assert_eq!((&inbox.memory[inbox.held.clone()], inbox.unread()), (&[b'.'; 50][..], &[b'!'; 50][..]));
    }
}

#[test]
fn the_space_joins_again_after_the_events_in_between() {
    let mut inbox = Inbox::new();
    inbox.space(4096);
    inbox.extend(b"first");
    let place = inbox.memory.as_ptr();
    let mut space = inbox.take_space(4000);
    inbox.lend(5);
    assert_eq!(inbox.lent(), b"first");
    write(&mut space, b"second");
    inbox.put_space(space, 6);
    assert_eq!((inbox.unread(), inbox.memory.as_ptr()), (&b"second"[..], place));
    assert!(inbox.memory.len() >= 4096, "what is initialised is known to be");
    inbox.consume(6);
    assert!(inbox.take_space(4096).as_ptr() == place, "all of the memory is there again");
}

#[test]
fn the_space_of_an_empty_inbox_is_its_memory() {
    let mut inbox = Inbox::new();
    let mut space = inbox.take_space(4096);
    assert_eq!(inbox.capacity(), 0);
    let place = space.as_ptr();
    write(&mut space, b"arrived");
    inbox.put_space(space, 7);
    assert_eq!((inbox.unread(), inbox.memory.as_ptr()), (&b"arrived"[..], place));
}

#[test]
fn a_space_that_is_dropped_takes_nothing_along() {
    let mut inbox = Inbox::new();
    inbox.extend(b"there");
    drop(inbox.take_space(4096));
    assert_eq!(inbox.unread(), b"there");
    inbox.extend(b" still");
    assert_eq!(inbox.unread(), b"there still");
}

#[test]
#[should_panic(expected = "expected at most the 4 bytes of the space to be filled, got 5")]
fn more_than_is_initialised_cannot_be_put() {
    let mut inbox = Inbox::new();
    inbox.put_space(BytesMut::zeroed(4), 5);
}

#[test]
#[should_panic(expected = "expected at most the 4 bytes")]
fn more_than_the_space_cannot_be_filled() {
    let mut inbox = Inbox::new();
    inbox.extend(b"there");
    inbox.space(4);
    inbox.filled(5);
}

#[test]
fn what_is_read_while_a_space_is_out_stands_in_front_of_it() {
    let mut inbox = Inbox::new();
    inbox.extend(b"the first bytes");
    let mut space = inbox.take_space(4);
    inbox.consume(15);
    inbox.space(4)[..4].copy_from_slice(b"1234");
    inbox.filled(4);
    write(&mut space, b"5678");
    inbox.put_space(space, 4);
    assert_eq!(inbox.unread(), b"12345678");
}

#[test]
fn memory_of_up_to_twice_the_bytes_is_kept() {
    for (bytes, capacity) in [(32, 64), (31, 31), (0, 0)] {
        let mut inbox = Inbox::new();
        inbox.exchange(BytesMut::with_capacity(64));
        assert_eq!(inbox.capacity(), 64);
        inbox.extend(&[b'a'; 32][..bytes]);
        inbox.release();
        assert_eq!((inbox.unread(), inbox.capacity()), (&[b'a'; 32][..bytes], capacity));
    }
}

#[test]
fn what_is_unread_is_moved_no_more_often_than_as_much_was_taken() {
    const STEP: usize = 100;
    let mut inbox = Inbox::new();
    inbox.extend(&[0; 64 << 10]);
    let (mut moved, mut place) = (0, inbox.unread().as_ptr());
    for _ in 0..10_000 {
        inbox.consume(STEP);
        place = place.wrapping_add(STEP);
        inbox.extend(&[7; STEP]);
        if inbox.unread().as_ptr() != place {
            moved += inbox.len();
            place = inbox.unread().as_ptr();
        }
    }
    assert!(moved <= 3 * STEP * 10_000, "{moved} bytes");
}

#[test]
fn a_stream_that_never_drains_takes_bounded_memory() {
    let mut inbox = Inbox::new();
    for _ in 0..10_000 {
        inbox.extend(&[b'a'; 100]);
        inbox.hold(30);
        inbox.lend_held(40);
        inbox.consume(inbox.unread().len() - 40);
    }
    assert_eq!((inbox.held(), inbox.unread().len()), (40, 40));
    assert!(inbox.capacity() <= 1024, "{}", inbox.capacity());
}
