use super::*;
use std::io::IoSlice;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use crate::frame::{Encoded, Header};
use crate::opcode::Opcode;

#[derive(Clone, Debug)]
enum Step {
    Gather(usize, Option<[u8; 4]>),
    /// Shares a payload as an owned one, with or without a mask.
    Share(usize, Option<[u8; 4]>),
    /// Shares a frame of many.
    Broadcast(usize),
    Extend(usize),
    Pong(usize),
    Advance(usize),
    /// Takes bytes for keeps, at most the first piece where the flag is set.
    Take(usize, bool),
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = || prop_oneof![20 => 0..130usize, 20 => 0..6000usize, 1 => 0..200_000usize];
    let step = prop_oneof![
        3 => (size(), any::<Option<[u8; 4]>>()).prop_map(|(size, mask)| Step::Gather(size, mask)),
        3 => (size(), any::<Option<[u8; 4]>>()).prop_map(|(size, mask)| Step::Share(size, mask)),
        1 => size().prop_map(Step::Broadcast),
        1 => size().prop_map(Step::Extend),
        2 => (0..126usize).prop_map(Step::Pong),
        4 => size().prop_map(Step::Advance),
        3 => (size(), any::<bool>()).prop_map(|(size, piece)| Step::Take(size, piece)),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 0..60)
}

fn header(opcode: Opcode, mask: Option<[u8; 4]>, length: usize) -> (Packed, Encoded) {
    let header = Header { fin: true, reserved: 0, opcode, mask, length: length as u64 };
    (Packed::new(true, 0, opcode, mask.is_some(), header.length), header.encode())
}

/// Holds what leaves next against what is expected to. Where nothing waits to be masked, the slices are all of it.
fn check(outbox: &Outbox, expected: &[u8], masks: bool) -> Result<(), TestCaseError> {
    prop_assert_eq!(outbox.len(), expected.len());
    prop_assert_eq!(outbox.chunk().is_empty(), outbox.is_empty());
    let mut slices = vec![IoSlice::new(&[]); 200];
    let count = outbox.chunks_vectored(&mut slices);
    let mut offered = 0;
    for slice in &slices[..count] {
        prop_assert!(!slice.is_empty() && expected[offered..].starts_with(slice));
        offered += slice.len();
    }
    prop_assert!(offered == outbox.len() || masks && count > 0);
    if count > 0 {
        prop_assert_eq!(outbox.chunk(), &*slices[0]);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// Against one plain vector, in which a pong that waits is the end that may still be replaced.
    #[test]
    fn any_steps_keep_the_bytes_and_the_invariant(steps in steps()) {
        let mut outbox = Outbox::new();
        let (mut expected, mut taken) = (Vec::<u8>::new(), Vec::<u8>::new());
        let (mut replaceable, mut kept) = (0, Vec::new());
        let masks = steps.iter().any(|step| matches!(step, Step::Share(_, Some(_))));
        for (i, step) in steps.into_iter().enumerate() {
            let payload = |size| vec![i as u8; size];
            match step {
                Step::Gather(size, mask) | Step::Share(size, mask) => {
                    let (header, encoded) = header(Opcode::Binary, mask, size);
                    let key = mask.unwrap_or_default();
                    match step {
                        Step::Gather(..) => outbox.gather(header, &payload(size), mask),
                        _ => outbox.gather_owned(header, &payload(size).into(), mask),
                    }
                    expected.extend(encoded.as_slice());
                    expected.extend(payload(size).iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
                    replaceable = 0;
                }
                Step::Broadcast(size) => {
                    outbox.share(&payload(size).into());
                    expected.extend(payload(size));
                    replaceable = 0;
                }
                Step::Extend(size) => {
                    outbox.extend(&payload(size));
                    expected.extend(payload(size));
                    replaceable = 0;
                }
                Step::Pong(size) => {
                    let waiting = outbox.len();
                    let (header, encoded) = header(Opcode::Pong, None, size);
                    outbox.pong(header, &payload(size), None);
                    if waiting >= Outbox::CONTROL_ROOM {
                        expected.truncate(expected.len() - replaceable);
                        replaceable = header.size + size;
                    } else {
                        replaceable = 0;
                    }
                    expected.extend(encoded.as_slice());
                    expected.extend(payload(size));
                }
                Step::Advance(count) => {
                    let mut left = count.min(outbox.len());
                    while left > 0 {
                        let part = left.min(outbox.chunk().len());
                        taken.extend(&outbox.chunk()[..part]);
                        outbox.advance(part);
                        left -= part;
                    }
                    if outbox.len() <= replaceable {
                        replaceable = 0;
                    }
                }
                Step::Take(count, piece) => {
                    let first = outbox.chunk();
                    let count = count.min(if piece { first.len() } else { outbox.len() });
                    let place = first.as_ptr();
                    let bytes = outbox.copy_to_bytes(count);
                    prop_assert_eq!(bytes.len(), count);
                    prop_assert!(!piece || count == 0 || bytes.as_ptr() == place, "a piece is copied");
                    kept.push((taken.len(), bytes.clone()));
                    taken.extend(bytes);
                    if outbox.len() <= replaceable {
                        replaceable = 0;
                    }
                }
                Step::Release => outbox.release(),
            }
            check(&outbox, &expected[taken.len()..], masks)?;
        }
        while outbox.has_remaining() {
            taken.extend(outbox.chunk());
            outbox.advance(outbox.chunk().len());
        }
        prop_assert_eq!(&taken, &expected);
        for (start, bytes) in kept {
            prop_assert_eq!(&bytes[..], &expected[start..start + bytes.len()]);
        }
    }
}

#[test]
#[should_panic(expected = "expected to advance by at most 2, got 3")]
fn more_than_waits_cannot_be_taken() {
    let mut outbox = Outbox::new();
    outbox.gather(header(Opcode::Ping, None, 0).0, &[], None);
    outbox.advance(3);
}

#[test]
fn fewer_slices_than_chunks_take_the_first() {
    let mut outbox = Outbox::new();
    for byte in 0..4 {
        outbox.share(&vec![byte; SHARED].into());
        outbox.gather(header(Opcode::Ping, None, 0).0, &[], None);
    }
    let mut slices = [IoSlice::new(&[]); 3];
    assert_eq!(outbox.chunks_vectored(&mut slices), 3);
    assert_eq!(slices.map(|slice| slice.len()), [SHARED, 2, SHARED]);
    assert_eq!(outbox.chunks_vectored(&mut []), 0);
}

#[test]
fn what_waits_is_moved_no_more_often_than_as_much_has_left() {
    const STEP: usize = 100;
    let mut outbox = Outbox::new();
    outbox.extend(&[0; 64 << 10]);
    outbox.advance(10 * STEP);
    let (mut moved, mut place) = (0, outbox.chunk().as_ptr());
    for _ in 0..10_000 {
        outbox.advance(STEP);
        place = place.wrapping_add(STEP);
        outbox.gather(header(Opcode::Binary, None, STEP - 2).0, &[7; STEP - 2], None);
        if outbox.chunk().as_ptr() != place {
            moved += outbox.len();
            place = outbox.chunk().as_ptr();
        }
    }
    assert!(moved <= 3 * STEP * 10_000, "{moved} bytes");
}

#[test]
fn what_fits_into_the_window_is_masked_as_soon_as_nothing_waits_before_it() {
    const WINDOW: usize = 32 << 10;
    let key = Some([1, 2, 3, 4]);
    let push = |outbox: &mut Outbox, size: usize| {
        let header = header(Opcode::Binary, key, size).0;
        outbox.gather_owned(header, &vec![7; size].into(), key);
        header.size
    };
    for (second, masked) in [(20_000, 20_000), (30_000, WINDOW - 8000)] {
        let mut outbox = Outbox::new();
        let header = push(&mut outbox, WINDOW + 8000);
        outbox.advance(header + WINDOW);
        let header = push(&mut outbox, second);
        let mut slices = [IoSlice::new(&[]); 8];
        let count = outbox.chunks_vectored(&mut slices);
        let offered: usize = slices[..count].iter().map(|slice| slice.len()).sum();
        assert_eq!(offered, 8000 + header + masked);
    }
}

#[test]
fn payloads_are_shared_from_their_size_on() {
    let chunks = |outbox: &Outbox| outbox.chunks_vectored(&mut [IoSlice::new(&[]); 4]);
    for (key, least) in [(None, SHARED), (Some([1, 2, 3, 4]), SHARED_MASKED)] {
        for (size, expected) in [(least - 1, 1), (least, 2)] {
            let mut outbox = Outbox::new();
            outbox.gather_owned(header(Opcode::Binary, key, size).0, &vec![7; size].into(), key);
            assert_eq!(chunks(&outbox), expected, "{size} bytes, masked: {}", key.is_some());
        }
    }
    for (size, expected) in [(SHARED - 1, 1), (SHARED, 2)] {
        let mut outbox = Outbox::new();
        outbox.gather(header(Opcode::Ping, None, 0).0, &[], None);
        outbox.share(&vec![7; size].into());
        assert_eq!(chunks(&outbox), expected, "a frame of {size} bytes");
    }
}

#[test]
fn from_the_room_for_control_frames_on_one_pong_waits_the_latest() {
    for (waiting, pongs) in [(Outbox::CONTROL_ROOM - 1, 2), (Outbox::CONTROL_ROOM, 1)] {
        let mut outbox = Outbox::new();
        outbox.extend(&vec![0; waiting]);
        for _ in 0..3 {
            outbox.pong(header(Opcode::Pong, None, 0).0, &[], None);
        }
        assert_eq!(outbox.len(), waiting + 2 * pongs);
    }
}
