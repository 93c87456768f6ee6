use super::*;
use std::vec;

use proptest::prelude::*;

/// The lengths at the edges of the three forms.
const LENGTHS: [u64; 10] = [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, 0x1_0001, u32::MAX as u64 + 1, (1 << 63) - 1];

fn header(fin: bool, reserved: u8, opcode: Opcode, mask: Option<[u8; 4]>, length: u64) -> Header {
    Header { fin, reserved, opcode, mask, length }
}

/// Reads `bytes` whole, byte by byte and with trailing bytes, and expects the same of all three.
fn decode(bytes: &[u8]) -> Result<Option<(Header, usize)>, HeaderError> {
    let whole = Header::decode(bytes);
    let first = (0..=bytes.len()).map(|end| Header::decode(&bytes[..end])).find(|read| *read != Ok(None));
    assert_eq!(first.unwrap_or(Ok(None)), whole, "byte by byte: {bytes:x?}");
    if whole != Ok(None) {
        assert_eq!(Header::decode(&[bytes, &[0xFF; 20]].concat()), whole, "with trailing bytes: {bytes:x?}");
    }
    whole
}

#[test]
fn rule_25_and_26_every_length_in_its_shortest_form_and_big_endian() {
    for length in LENGTHS {
        for mask in [None, Some([1, 2, 3, 4])] {
            let header = header(true, 0, Opcode::Binary, mask, length);
            let encoded = header.encode();
            assert_eq!(decode(encoded.as_slice()), Ok(Some((header, encoded.as_slice().len()))));
            if let Ok(payload) = usize::try_from(length) {
                assert_eq!(size(payload, mask.is_some()), encoded.as_slice().len(), "room for the header of {length}");
            }
        }
    }
    assert_eq!(header(true, 0, Opcode::Text, None, 258).encode().as_slice(), [0x81, 126, 1, 2]);
    assert_eq!(header(true, 0, Opcode::Text, None, 65536).encode().as_slice(), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
}

#[test]
fn rule_26_a_longer_form_than_needed_fails() {
    assert_eq!(decode(&[0x82, 126, 0, 125]), Err(HeaderError::LengthNotMinimal(125)));
    assert_eq!(decode(&[0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]), Err(HeaderError::LengthNotMinimal(0xFFFF)));
    assert!(decode(&[0x82, 126, 0, 126]).is_ok());
    assert!(decode(&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]).is_ok());
}

#[test]
fn rule_25_the_top_bit_of_a_length_is_zero() {
    let length = 1 << 63;
    assert_eq!(decode(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), Err(HeaderError::LengthTopBit(length)));
    assert!(decode(&[0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]).is_ok());
}

#[test]
fn rules_24_and_39_all_first_two_bytes() {
    for first in 0..=255u8 {
        for second in 0..=255u8 {
            let opcode = first & 0x0F;
            let expected = match (opcode, first & 0x80 != 0, second & 0x7F) {
                (3..=7 | 0xB.., _, _) => Err(HeaderError::ReservedOpcode(opcode)),
                (8..=0xA, false, _) => Err(HeaderError::FragmentedControl(Opcode::from_bits(opcode).unwrap())),
                (8..=0xA, true, 126..) => Err(HeaderError::LongControl(Opcode::from_bits(opcode).unwrap())),
                _ => Ok(()),
            };
            assert_eq!(decode(&[first, second]).map(|_| ()), expected, "{first:x} {second:x}");
        }
    }
}

#[test]
fn the_examples_of_section_5_7() {
    let table: [(&[u8], Header); 7] = [
        (&[0x81, 0x05], header(true, 0, Opcode::Text, None, 5)),
        (&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d], header(true, 0, Opcode::Text, Some([0x37, 0xfa, 0x21, 0x3d]), 5)),
        (&[0x01, 0x03], header(false, 0, Opcode::Text, None, 3)),
        (&[0x80, 0x02], header(true, 0, Opcode::Continuation, None, 2)),
        (&[0x89, 0x05], header(true, 0, Opcode::Ping, None, 5)),
        (&[0x82, 0x7E, 0x01, 0x00], header(true, 0, Opcode::Binary, None, 256)),
        (&[0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0], header(true, 0, Opcode::Binary, None, 65536)),
    ];
    for (bytes, header) in table {
        assert_eq!(decode(bytes), Ok(Some((header, bytes.len()))));
        assert_eq!(header.encode().as_slice(), bytes);
    }
}

/// What is found of a frame at one look is what its header says, and it is found where it is a message of its own.
#[cfg(feature = "alloc")]
#[test]
fn a_whole_message_is_found_at_one_look_as_its_header_says() {
    let lengths = [&[][..], &[0, 125], &[0, 126], &[0, 127], &[0x12, 0x34], &[0xFF, 0xFF], &[0, 0, 0, 0, 0, 1, 0, 0]];
    for first in 0..=255u8 {
        for second in 0..=255u8 {
            for length in lengths {
                for masked in [false, true] {
                    let bytes = [&[first, second], length, &[0x37, 0xFA, 0x21, 0x3D, 1, 2, 3, 4]].concat();
                    let found = Whole::find(&bytes, masked)
                        .map(|Whole { opcode, key, header, length }| (opcode, key, header, length as u64));
                    let expected = match Header::decode(&bytes) {
                        Ok(Some((
                            Header { fin: true, reserved: 0, opcode, mask, length: length @ ..=0xFFFF },
                            header,
                        ))) if matches!(opcode, Opcode::Text | Opcode::Binary) && mask.is_some() == masked => {
                            Some((opcode, mask.unwrap_or_default(), header, length))
                        }
                        _ => None,
                    };
                    assert_eq!(found, expected, "{bytes:x?}, {masked}");
                }
            }
        }
    }
    assert!(Whole::find(&[0x81, 0, 0, 0, 0, 0, 0], false).is_none(), "too short to tell");
}

fn any_header() -> impl Strategy<Value = Header> {
    let opcode = prop::sample::select(vec![
        Opcode::Continuation,
        Opcode::Text,
        Opcode::Binary,
        Opcode::Close,
        Opcode::Ping,
        Opcode::Pong,
    ]);
    let length = prop_oneof![prop::sample::select(LENGTHS.to_vec()), 0..1u64 << 63];
    (any::<bool>(), 0..8u8, opcode, any::<Option<[u8; 4]>>(), length).prop_map(
        |(fin, reserved, opcode, mask, length)| {
            let control = opcode.is_control();
            header(fin || control, reserved, opcode, mask, if control { length % 126 } else { length })
        },
    )
}

proptest! {
    #[test]
    fn encode_and_decode_are_inverse(header in any_header()) {
        let encoded = header.encode();
        prop_assert_eq!(decode(encoded.as_slice()), Ok(Some((header, encoded.as_slice().len()))));
    }

    #[test]
    fn what_is_decoded_encodes_to_the_same_bytes(bytes: [u8; MAX_SIZE]) {
        if let Ok(Some((header, size))) = decode(&bytes) {
            let encoded = header.encode();
            prop_assert_eq!(encoded.as_slice(), &bytes[..size]);
        }
    }
}
