//! Messages, fragments and pings (RFC 6455 section 5).

use std::thread;

use crate::program::Program;
use crate::stage::{Guest, Stage, message_of};
use crate::wire::{BINARY, FIN, PING, PONG, TEXT};

/// Around the lengths where a header changes its form (section 5.2).
pub(crate) fn echoes_every_length(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    for length in [0, 1, 2, 124, 125, 126, 127, 1000, 65534, 65535, 65536, 65537, 300_000] {
        guest.echoes(BINARY, &bytes(length));
        let text = "연".repeat(length / 3) + &"x".repeat(length % 3);
        guest.echoes(TEXT, text.as_bytes());
    }
    stage.finish(guest);
}

/// "Control frames [...] MAY be injected in the middle of a fragmented message" (section 5.4). A fragment may end inside
/// a character.
pub(crate) fn joins_fragments_and_answers_pings_between(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    let text = "연어가 강을 거슬러 오른다".as_bytes();
    guest.mouth.frame(TEXT, &text[..4]);
    guest.mouth.frame(FIN | PING, b"first");
    guest.mouth.frame(0, b"");
    guest.mouth.frame(0, &text[4..5]);
    guest.mouth.frame(FIN | PING, b"");
    guest.mouth.frame(FIN, &text[5..]);
    // A program may echo as the fragments come: pongs are among what it says, in order.
    let (mut pongs, mut echo) = (Vec::new(), Vec::new());
    loop {
        let frame = guest.ear.frame();
        if frame.first == FIN | PONG {
            pongs.push(frame.payload);
            continue;
        }
        let opcode = if echo.is_empty() { TEXT } else { 0 };
        assert_eq!(frame.first & 0x7f, opcode, "the opcode of the echo");
        echo.extend(frame.payload);
        if frame.first & FIN != 0 {
            break;
        }
    }
    assert_eq!(pongs, [&b"first"[..], b""]);
    assert!(echo == text, "got {:?}", String::from_utf8_lossy(&echo));
    stage.finish(guest);
}

/// "A Pong frame sent in response to a Ping frame must have identical "Application data" as found in the message body of
/// the Ping frame being replied to" (section 5.5.3).
pub(crate) fn answers_pings(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    for length in [0, 1, 125] {
        guest.pings(&bytes(length));
    }
    // Each byte of a ping alone.
    for byte in guest.frame(FIN | PING, b"in small steps") {
        guest.mouth.say(&[byte]);
    }
    guest.ear.hears(PONG, b"in small steps");
    stage.finish(guest);
}

/// "A response to an unsolicited Pong frame is not expected" (section 5.5.3).
pub(crate) fn ignores_pongs_that_nobody_asked_for(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    guest.mouth.tell(PONG, b"unasked");
    guest.echoes(TEXT, b"and nothing before this");
    stage.finish(guest);
}

/// As large as a message may be without further arguments.
pub(crate) fn echoes_a_large_message(program: Program) {
    let mut stage = Stage::new(program);
    let guest = stage.open();
    let message = bytes(16 << 20);
    let frame = guest.frame(FIN | BINARY, &message);
    // The program may echo before it has heard all of it.
    let Guest { mut ear, mut mouth, socket } = guest;
    let saying = thread::spawn(move || {
        mouth.say(&frame);
        mouth
    });
    let (opcode, echo) = message_of(&mut ear);
    assert_eq!(opcode, BINARY);
    assert!(echo == message, "expected the message of {} bytes, got {} others", message.len(), echo.len());
    let guest = Guest { ear, mouth: saying.join().expect("the message was said"), socket };
    stage.finish(guest);
}

/// Bytes that do not repeat soon.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}
