//! What is against the rules ends the connection, with the code that says why (RFC 6455 section 7.4.1).

use crate::program::{Program, Role};
use crate::stage::{Guest, Stage};
use crate::wire::{BINARY, CLOSE, FIN, TEXT, close_body, frame};

pub(crate) fn fails_frames_against_the_rules_with_1002(program: Program) {
    let masks = program.role == Role::Server;
    let of = |first: u8, payload: &[u8]| frame(first, payload, masks);
    for (rule, wrong) in [
        ("a reserved opcode", of(0x83, b"")),
        ("a reserved control opcode", of(0x8b, b"")),
        ("a reserved bit", of(0xa1, b"")),
        ("the bit of an extension that was not agreed on", of(0xc1, b"x")),
        ("masked by a server, or not by a client", frame(0x81, b"x", !masks)),
        ("a continuation of nothing", of(0x80, b"")),
        ("a message inside another", [of(0x01, b"x"), of(0x81, b"y")].concat()),
        ("a ping in fragments", of(0x09, b"")),
        ("a ping of 126 bytes", of(0x89, &[0; 126])),
        ("a close frame of one byte", of(0x88, b"x")),
        ("a close code that is never sent", of(0x88, &close_body(1006, ""))),
    ] {
        fails(program, &[], rule, &wrong, 1002);
    }
}

pub(crate) fn fails_text_that_is_no_utf8_with_1007(program: Program) {
    let masks = program.role == Role::Server;
    for (rule, wrong) in [
        ("a lone continuation byte", frame(0x81, b"\x80", masks)),
        ("a surrogate", frame(0x81, b"\xed\xa0\x80", masks)),
        ("cut off at the end", frame(0x81, b"\xec\x97", masks)),
        ("across fragments", [frame(0x01, b"\xec\x97", masks), frame(0x80, b"x", masks)].concat()),
        ("in a close frame's reason", frame(0x88, b"\x03\xe8\xff", masks)),
    ] {
        fails(program, &[], rule, &wrong, 1007);
    }
}

/// The limit is inclusive, and a message over it is refused when its header comes.
pub(crate) fn fails_messages_over_the_limit_with_1009(program: Program) {
    let masks = program.role == Role::Server;
    let limit: &[&str] = &["--max-message", "1000"];
    let mut stage = Stage::with(program, limit);
    let mut guest = stage.open();
    guest.echoes(BINARY, &[7; 1000]);
    guest.mouth.frame(TEXT, &[b'x'; 999]);
    guest.mouth.frame(FIN, b"x");
    guest.hears_message(TEXT, &[b'x'; 1000]);
    stage.finish(guest);

    let header = |bytes: usize| frame(FIN | BINARY, &vec![0; bytes], masks)[..8].to_vec();
    for (rule, wrong) in [
        ("one byte more", header(1001)),
        ("much more", header(60_000)),
        ("in fragments", [frame(BINARY, &[0; 600], masks), frame(FIN, &[0; 401], masks)].concat()),
    ] {
        fails(program, limit, rule, &wrong, 1009);
    }
}

/// The program fails the connection for what was said, with this code.
#[track_caller]
fn fails(program: Program, arguments: &[&str], rule: &str, wrong: &[u8], code: u16) {
    let mut stage = Stage::with(program, arguments);
    let mut guest = stage.open();
    guest.mouth.say(wrong);
    let heard = guest.ear.frame();
    assert_eq!(heard.first, FIN | CLOSE, "{rule}: expected a close frame");
    assert_eq!(heard.payload.get(..2), Some(&code.to_be_bytes()[..]), "{rule}: the code of the close frame");
    guest.ends();
    stage.complains();
}

pub(crate) fn answers_what_was_good_before_it_fails(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.open();
    let said = [guest.frame(0x81, b"good"), guest.frame(0x89, b"too"), guest.frame(0x83, b"bad")].concat();
    guest.mouth.say(&said);
    guest.hears_message(TEXT, b"good");
    guest.ear.hears(crate::wire::PONG, b"too");
    guest.bows(1002);
    stage.complains();
}

/// Bad input is the matter of one connection: one beside it goes on, and each is one line of the log.
pub(crate) fn serves_on_beside_failing_connections(program: Program) {
    let mut stage = Stage::new(program);
    let mut steady = stage.open();
    let failures: [fn(&mut Stage); 3] = [
        |stage| {
            let mut guest = stage.open();
            guest.mouth.frame(0x83, b"");
            guest.bows(1002);
        },
        |stage| {
            let guest = stage.open();
            let frame = guest.frame(0x82, &[0; 1000]);
            guest.resets(&frame[..600]);
        },
        |stage| {
            let mut guest: Guest = stage.meet();
            guest.mouth.say(b"GARBAGE\r\n\r\n");
            guest.mouth.end();
            guest.ear.rest();
        },
    ];
    for fail in failures {
        fail(&mut stage);
        steady.echoes(TEXT, b"steady");
    }
    steady.mouth.tell(CLOSE, &close_body(1000, ""));
    steady.bows(1000);
    let (outcome, _) = stage.stopped();
    let complaints = outcome.stderr.lines().filter(|line| line.starts_with("connection ")).count();
    assert_eq!((outcome.code, complaints), (Some(0), 3), "{}", outcome.stderr);
}
