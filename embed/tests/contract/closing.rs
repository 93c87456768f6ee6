//! The end of a connection, from either side and by the transport (RFC 6455 section 7).

use crate::program::{Program, Role};
use crate::stage::Stage;
use crate::wire::{CLOSE, TEXT, close_body};

/// "When sending a Close frame in response, the endpoint typically echos the status code it received" (section 5.5.1).
pub(crate) fn answers_a_close_with_its_code(program: Program) {
    for code in [1000, 1001, 3000, 4999] {
        let mut stage = Stage::new(program);
        let mut guest = stage.open();
        guest.mouth.tell(CLOSE, &close_body(code, "안녕"));
        guest.bows(code);
        closed_with(stage, code);
    }
}

pub(crate) fn answers_a_close_without_a_code(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    guest.mouth.tell(CLOSE, b"");
    guest.ear.hears(CLOSE, b"");
    guest.ends();
    closed_with(stage, 1005);
}

/// The peer has closed so: a client says it, and a server serves the next.
#[track_caller]
fn closed_with(mut stage: Stage, code: u16) {
    stage.serves_another();
    let (outcome, role) = stage.stopped();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    if role == Role::Client {
        assert_eq!(outcome.stdout, format!("closed: {code} by the peer\n"));
    }
}

/// "1001 indicates that an endpoint is "going away", such as a server going down" (section 7.4.1). Every connection that is
/// open hears it.
pub(crate) fn closes_with_1001_when_stopped(program: Program) {
    let mut stage = Stage::new(program);
    let count = if program.role == Role::Server { 3 } else { 1 };
    let guests: Vec<_> = (0..count)
        .map(|_| {
            let mut guest = stage.open();
            guest.echoes(TEXT, b"open");
            guest
        })
        .collect();
    stage.running.interrupt();
    for mut guest in guests {
        guest.hears_close(1001);
        guest.mouth.tell(CLOSE, &close_body(1001, ""));
        guest.ends();
    }
    let outcome = stage.stops_well();
    if program.role == Role::Client {
        assert_eq!(outcome.stdout, "closed: 1001 by this end\n");
    }
}

pub(crate) fn ends_when_the_peer_ends_without_a_close(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    guest.echoes(TEXT, b"open");
    guest.ends();
    lost(stage);
}

pub(crate) fn ends_when_the_peer_ends_inside_a_frame(program: Program) {
    for kept in [1, 5, 20] {
        let mut stage = Stage::new(program);
        let mut guest = stage.open();
        let frame = guest.frame(0x81, b"the end of this is never said");
        guest.mouth.say(&frame[..kept]);
        guest.ends();
        lost(stage);
    }
}

/// The transport ended: a client says so, and a server serves the next.
#[track_caller]
fn lost(mut stage: Stage) {
    stage.serves_another();
    let (outcome, role) = stage.stopped();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    if role == Role::Client {
        assert_eq!(outcome.stdout, "closed: 1006 by the transport, without a closing handshake\n");
    }
}

pub(crate) fn survives_a_reset_inside_a_frame(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    guest.echoes(TEXT, b"open");
    let frame = guest.frame(0x82, &[0; 1000]);
    guest.resets(&frame[..600]);
    stage.complains();
}
