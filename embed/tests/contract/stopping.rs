//! Ctrl-C at awkward moments: the program ends, with 0, and needs no help of a peer.

use crate::pressure::{News, talk};
use crate::program::{Program, Role};
use crate::stage::{Guest, Stage, good_request};
use crate::traffic::bytes;
use crate::wire::{CLOSE, close_body};

/// The rest of the message comes after the close frame, and then the answer to that.
pub(crate) fn stops_inside_a_message(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    let frame = guest.frame(0x82, &bytes(100_000));
    guest.pings(b"here");
    guest.mouth.say(&frame[..50_000]);
    stage.running.interrupt();
    guest.hears_close(1001);
    guest.mouth.say(&frame[50_000..]);
    guest.mouth.tell(CLOSE, &close_body(1001, ""));
    guest.ends();
    stage.stops_well();
}

/// The peer reads nothing, and never will.
pub(crate) fn stops_while_a_write_is_stuck(program: Program) {
    let mut stage = Stage::new(program);
    let guest: Guest = stage.open();
    let (talker, socket, ear) = talk(guest, bytes(64 << 10));
    assert_eq!(talker.news.recv(), Ok(News::Stuck));
    stage.running.interrupt();
    let outcome = stage.running.outcome();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    drop((socket, ear));
    talker.thread.join().expect("the program is gone");
}

pub(crate) fn stops_inside_a_handshake(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = match program.role {
        Role::Server => {
            stage.serves_another();
            let mut guest = stage.meet();
            guest.mouth.say(&good_request("").as_bytes()[..60]);
            // The program has met this one before the next.
            stage.serves_another();
            guest
        }
        Role::Client => {
            let mut guest = stage.meet();
            guest.ear.head();
            guest.mouth.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgr");
            guest
        }
    };
    stage.running.interrupt();
    let outcome = stage.running.outcome();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    guest.ear.rest();
}
