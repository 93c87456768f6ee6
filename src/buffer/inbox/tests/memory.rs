//! Where the memory of a message goes that is taken for keeps, and how it comes back.

use super::*;

/// A message of this many bytes in memory of 4 KiB, with as many bytes behind it, taken for keeps.
fn taken(inbox: &mut Inbox, message: usize, behind: usize) -> Bytes {
    arrive(inbox, message + behind);
    inbox.lend(message);
    inbox.detach()
}

fn arrive(inbox: &mut Inbox, count: usize) {
    inbox.consume(usize::MAX);
    inbox.space(4096)[..count].fill(7);
    inbox.filled(count);
}

#[test]
fn a_large_message_is_taken_with_the_memory_and_a_small_one_is_copied() {
    for (message, behind, leaves) in
        [(4000, 96, true), (1024, 1024, true), (1024, 1025, false), (1023, 0, false), (513, 0, false), (0, 0, false)]
    {
        for gathered in [false, true] {
            let mut inbox = Inbox::new();
            inbox.exchange(BytesMut::zeroed(4096));
            let place = inbox.memory.as_ptr();
            arrive(&mut inbox, message + behind);
            if gathered {
                inbox.hold(message);
                inbox.lend_held(0);
            } else {
                inbox.lend(message);
            }
            let taken = inbox.detach();
            assert_eq!(taken.as_ptr() == place, leaves, "{message} bytes with {behind} behind them");
            assert_eq!(inbox.memory.as_ptr() != place, leaves, "{message} bytes with {behind} behind them");
            assert_eq!((&taken[..], inbox.unread()), (&vec![7; message][..], &vec![7; behind][..]));
        }
    }
}

#[test]
fn what_is_unread_goes_to_memory_of_at_most_64_kib() {
    for (size, anew) in [(4096, 4096), (256 << 10, 64 << 10)] {
        let mut inbox = Inbox::new();
        inbox.exchange(BytesMut::zeroed(size));
        inbox.extend(&vec![7; size]);
        inbox.lend(size - 10);
        let _kept = inbox.detach();
        assert_eq!((inbox.unread(), inbox.capacity()), (&[7; 10][..], anew));
    }
}

/// An inbox whose memory of `away` bytes left with a message that is dropped by now, and that has since gathered `held` bytes
/// and 100 unread ones. The place of the memory that left.
fn gathered_anew(away: usize, held: usize) -> (Inbox, *const u8) {
    let mut inbox = Inbox::new();
    inbox.extend(&vec![7; away]);
    inbox.lend(away);
    let message = inbox.detach();
    inbox.extend(&vec![8; held + 100]);
    inbox.hold(held);
    assert_eq!(inbox.capacity(), held + 100, "as much memory as there are bytes");
    (inbox, message.as_ptr())
}

#[test]
fn a_message_of_2_mib_goes_on_in_the_memory_that_left_before_it() {
    const LARGE: usize = 2 << 20;
    const AWAY: usize = 3 << 20;
    // A smaller one grows by itself, and one that is too large for that memory does not keep it beside its own.
    for (held, more, comes_back, is_kept) in [
        (LARGE - 101, AWAY - LARGE, false, true),
        (LARGE - 100, AWAY - LARGE, true, true),
        (LARGE - 100, AWAY - LARGE + 1, false, false),
        (LARGE, 1, true, true),
    ] {
        let (mut inbox, place) = gathered_anew(AWAY, held);
        inbox.extend(&vec![9; more]);
        assert_eq!(inbox.memory.as_ptr() == place, comes_back, "{held} bytes, and {more} more");
        assert_eq!(inbox.away.is_some(), is_kept, "{held} bytes, and {more} more");
        assert_eq!(&inbox.memory[inbox.held.clone()], vec![8; held]);
        assert_eq!(inbox.unread(), [&[8; 100][..], &vec![9; more]].concat());
    }
}

#[test]
fn memory_that_left_with_a_message_comes_back_when_the_message_is_dropped() {
    let mut inbox = Inbox::new();
    inbox.exchange(BytesMut::zeroed(4096));
    let first = taken(&mut inbox, 4000, 10);
    let place = first.as_ptr();
    drop(first);
    let second = taken(&mut inbox, 4000, 10);
    assert_eq!((inbox.memory.as_ptr(), inbox.memory.len()), (place, 4096), "with all that is initialised");
    let _third = taken(&mut inbox, 4000, 10);
    assert_ne!(inbox.memory.as_ptr(), second.as_ptr(), "the second message is there still");
    assert_eq!(second, vec![7; 4000]);
    inbox.consume(usize::MAX);
    inbox.release();
    assert!(second.is_unique(), "nothing is kept by an inbox that was released");
}

#[test]
fn memory_that_left_with_a_message_is_exchanged_when_the_message_is_dropped() {
    for is_kept in [false, true] {
        let mut inbox = Inbox::new();
        inbox.exchange(BytesMut::zeroed(4096));
        let message = taken(&mut inbox, 4000, 0);
        let place = message.as_ptr();
        let kept = is_kept.then_some(message);
        let memory = inbox.exchange(BytesMut::new());
        assert_eq!(memory.as_ptr() == place && memory.len() == 4096, !is_kept);
        assert!(kept.is_none_or(|message| message.is_unique()), "an inbox that was exchanged keeps nothing");
    }
}

#[test]
fn memory_that_came_in_the_place_of_what_left_is_exchanged() {
    let mut inbox = Inbox::new();
    inbox.exchange(BytesMut::zeroed(4096));
    let message = taken(&mut inbox, 4000, 0);
    inbox.extend(b"next");
    let place = inbox.memory.as_ptr();
    drop(message);
    assert_eq!(inbox.exchange(BytesMut::new()).as_ptr(), place);
    assert_eq!(inbox.unread(), b"next");
}
