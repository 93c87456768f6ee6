use super::*;
use std::vec;
use std::vec::Vec;

use bytes::Buf;
use proptest::prelude::*;

use crate::buffer::{Inbox, Outbox};
use crate::error::Error;
use crate::message::Message;

#[test]
fn a_connection_is_small() {
    assert!(size_of::<Connection>() <= 96, "{}", size_of::<Connection>());
}

/// A part of a message or of a control frame is under way from the end of its header until it was handed out.
#[test]
fn a_connection_is_receiving_inside_messages_and_frames() {
    let mut client = Connection::client(&Config::default());
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());
    let mut takes = |bytes: &[u8], pieces: bool| {
        inbox.extend(bytes);
        let more = if pieces {
            client.receive_piece(&mut inbox, &mut outbox).unwrap().is_some()
        } else {
            client.receive(&mut inbox, &mut outbox).unwrap().is_some()
        };
        (more, client.is_receiving())
    };
    assert_eq!(takes(b"\x82", false), (false, false), "half a header");
    assert_eq!(takes(b"\x03", false), (false, true));
    assert_eq!(takes(b"one", false), (true, false));
    assert_eq!(takes(b"\x02\x01a", false), (false, true), "a fragment");
    assert_eq!(takes(b"\x89\x01!", false), (true, true), "a ping in the middle of a message");
    assert_eq!(takes(b"\x80\x00", false), (true, false));
    assert_eq!(takes(b"\x89\x02", false), (false, true), "half a ping");
    assert_eq!(takes(b"!!", false), (true, false));
    assert_eq!(takes(b"\x82\x02a", true), (true, true), "a piece");
    assert_eq!(takes(b"b", true), (true, false));
    assert_eq!(takes(b"\x82\x02ab\x82", false), (true, false), "what waits in the inbox");
}

/// One frame, as a client or a server sends it.
#[derive(Clone, Debug)]
struct Sent {
    first: u8,
    key: Option<[u8; 4]>,
    payload: Vec<u8>,
}

impl Sent {
    /// The frame and half of a ping behind it, so that no frame is too short for one look.
    fn bytes(&self) -> Vec<u8> {
        let masked = if self.key.is_some() { 0x80 } else { 0 };
        let mut bytes = vec![self.first];
        match self.payload.len() {
            length @ 0..=125 => bytes.push(masked | length as u8),
            length => {
                bytes.push(masked | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
        }
        bytes.extend(self.key.iter().flatten());
        let key = self.key.unwrap_or_default();
        bytes.extend(self.payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        bytes.extend([0x89, masked | 8, 1, 2, 3, 4, 5, 6]);
        bytes
    }

    fn receiver(&self, config: &Config) -> Connection {
        if self.key.is_some() { Connection::server(config) } else { Connection::client(config) }
    }

    /// What comes of it in reads of this size, and what a server answers.
    fn outcome(&self, config: &Config, size: usize) -> (Vec<Result<Message, Error>>, Vec<u8>) {
        let mut connection = self.receiver(config);
        let (mut inbox, mut outbox, mut seen) = (Inbox::new(), Outbox::new(), Vec::new());
        for read in self.bytes().chunks(size) {
            inbox.extend(read);
            while seen.last().is_none_or(Result::is_ok) {
                match connection.receive(&mut inbox, &mut outbox) {
                    Ok(Some(event)) => seen.push(Ok(event.into_message())),
                    Ok(None) => break,
                    Err(error) => seen.push(Err(error)),
                }
            }
        }
        let answer = if self.key.is_some() { outbox.copy_to_bytes(outbox.remaining()).to_vec() } else { Vec::new() };
        (seen, answer)
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let length = || prop_oneof![0..20usize, 120..132usize, 0..3000usize];
    let payload = prop_oneof![
        length().prop_flat_map(|length| prop::collection::vec(any::<u8>(), length)),
        length().prop_flat_map(|length| prop::collection::vec(0..0x80u8, length)),
        length().prop_map(|length| "연어 🐟 ".repeat(length / 13).into_bytes()),
    ];
    let damaged = (payload, prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<u8>())));
    let payload = damaged.prop_map(|(mut payload, damage)| {
        if let Some((place, byte)) = damage.filter(|_| !payload.is_empty()) {
            let place = place.index(payload.len());
            payload[place] = byte;
        }
        payload
    });
    let first = prop_oneof![4 => Just(0x81u8), 3 => Just(0x82), 1 => any::<u8>()];
    let key = prop_oneof![Just(None), Just(Some([0; 4])), any::<[u8; 4]>().prop_map(Some)];
    (first, key, payload).prop_map(|(first, key, payload)| Sent { first, key, payload })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    /// A frame that is there as a whole is taken in one stride where it can be; one that comes byte by byte never is.
    #[test]
    fn a_stride_leads_where_care_leads(sent in sent(), limit in prop_oneof![Just(16 << 20), 0..3000u64]) {
        let config = Config { message_limit: limit, ..Config::default() };
        prop_assert_eq!(sent.outcome(&config, usize::MAX), sent.outcome(&config, 1));

        let mut inbox = Inbox::new();
        inbox.extend(&sent.bytes());
        let stride = sent.receiver(&config).stride(&mut inbox);
        let length = sent.payload.len();
        let plain = match sent.first {
            0x81 => length as u64 <= limit && str::from_utf8(&sent.payload).is_ok(),
            0x82 => length as u64 <= limit,
            _ => false,
        };
        prop_assert_eq!(stride.is_some(), plain, "what a stride takes, and what it declines");
        if plain {
            prop_assert_eq!(inbox.lent(), sent.payload);
        } else {
            prop_assert_eq!(inbox.unread(), sent.bytes(), "what it declines is left as it was");
        }
    }
}
