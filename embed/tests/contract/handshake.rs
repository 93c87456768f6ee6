//! The opening handshake (RFC 6455 section 4).

use crate::program::{Program, Role};
use crate::stage::{Guest, Stage, accepts, good_request};
use crate::wire::{TEXT, response};

pub(crate) fn shakes_hands_byte_by_byte(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.meet();
    let request = match program.role {
        Role::Server => good_request(""),
        Role::Client => guest.ear.head(),
    };
    let said = match program.role {
        Role::Server => request.clone(),
        Role::Client => response(&request, ""),
    };
    for byte in said.bytes() {
        guest.mouth.say(&[byte]);
    }
    match program.role {
        Role::Server => accepts(&guest.ear.head(), &request),
        Role::Client => {
            asks_for_a_websocket(&request);
            stage.connected();
        }
    }
    guest.echoes(TEXT, b"shaken");
    stage.finish(guest);
}

/// What came behind the head in the same breath is not lost.
pub(crate) fn hears_frames_behind_the_head(program: Program) {
    let mut stage = Stage::new(program);
    let mut guest = stage.meet();
    let frames = [guest.frame(0x81, b"one"), guest.frame(0x81, b"two"), guest.frame(0x01, b"thr")].concat();
    stage.shake(&mut guest, "", &frames);
    guest.hears_message(TEXT, b"one");
    guest.hears_message(TEXT, b"two");
    guest.mouth.frame(0x80, b"ee");
    guest.hears_message(TEXT, b"three");
    stage.finish(guest);
}

/// "If this version does not match a version understood by the server, the server MUST abort the WebSocket handshake
/// described in this section and instead send an appropriate HTTP error code (such as 426 Upgrade Required) and a
/// |Sec-WebSocket-Version| header field" (section 4.2.2).
pub(crate) fn answers_a_foreign_version_with_426(program: Program) {
    let head = refusal(program, &good_request("").replace("Version: 13", "Version: 12"));
    assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
    assert!(head.to_lowercase().contains("\r\nsec-websocket-version: 13\r\n"), "{head}");
}

/// "the server MUST stop processing the client's handshake and return an HTTP response with an appropriate error code
/// (such as 400 Bad Request)" (section 4.2.1). Also a client that has nothing more to say, and has ended its half, hears it.
pub(crate) fn refuses_a_bad_key(program: Program) {
    for key in ["short", "dGhlIHNhbXBsZSBub25jZQ", "not base64 at all !!!!!="] {
        let stage = Stage::new(program);
        let mut guest = stage.meet();
        guest.mouth.say(good_request("").replace("dGhlIHNhbXBsZSBub25jZQ==", key).as_bytes());
        guest.mouth.end();
        let head = guest.ear.head();
        assert!(head.starts_with("HTTP/1.1 400 "), "key {key}: {head}");
        guest.ear.rest();
        let complaint = stage.complains();
        assert!(complaint.contains("Sec-WebSocket-Key"), "{complaint}");
    }
}

/// A server that has pages may take one without `Upgrade` for one of their visitors.
pub(crate) fn refuses_a_request_that_lacks_a_header(program: Program) {
    let good = good_request("");
    for header in ["Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
        let lines = good.split_inclusive("\r\n").filter(|line| !line.starts_with(&format!("{header}:")));
        let head = refusal(program, &lines.collect::<String>());
        assert!(!head.starts_with("HTTP/1.1 101"), "without {header}: {head}");
        if header.starts_with("Sec-") {
            assert!(head.starts_with("HTTP/1.1 4"), "without {header}: {head}");
        }
    }
}

/// What the server answers to a request, after which it serves others.
fn refusal(program: Program, request: &str) -> String {
    let mut stage = Stage::new(program);
    let mut guest = stage.meet();
    guest.mouth.say(request.as_bytes());
    let head = guest.ear.head();
    drop(guest);
    let guest = stage.open();
    stage.finish(guest);
    head
}

/// RFC 6455 section 4.1, of the server's response.
pub(crate) fn refuses_a_response_that_is_not_an_acceptance(program: Program) {
    let changes: [fn(&str) -> String; 6] = [
        |good| good.replace("Accept: ", "Accept: x"),
        |good| good.replace("Upgrade: websocket\r\n", ""),
        |good| good.replace("Connection: Upgrade\r\n", ""),
        |good| good.replace("\r\n\r\n", "\r\nSec-WebSocket-Protocol: nobody-asked\r\n\r\n"),
        |good| good.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x-nobody-asked\r\n\r\n"),
        |_| "SSH-2.0-OpenSSH_9.2p1\r\n\r\n".into(),
    ];
    for change in changes {
        refused(program, change);
    }
}

pub(crate) fn says_which_status_it_got(program: Program) {
    let complaint = refused(program, |_| "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".into());
    assert!(complaint.contains("403"), "{complaint}");
}

/// What a client says of such an answer.
fn refused(program: Program, answer: impl FnOnce(&str) -> String) -> String {
    let stage = Stage::new(program);
    let mut guest = stage.meet();
    let request = guest.ear.head();
    guest.mouth.say(answer(&response(&request, "")).as_bytes());
    guest.ear.rest();
    stage.complains()
}

/// Someone who connects and says nothing, or not enough, does not hold a place for ever.
pub(crate) fn drops_who_does_not_shake_hands(program: Program) {
    let mut stage = Stage::new(program);
    match program.role {
        Role::Server => {
            let mut silent = stage.meet();
            let mut slow = stage.meet();
            slow.mouth.say(good_request("").trim_end().as_bytes());
            stage.serves_another();
            silent.ear.rest();
            slow.ear.rest();
            let guest: Guest = stage.open();
            stage.finish(guest);
        }
        Role::Client => {
            let mut silent = stage.meet();
            asks_for_a_websocket(&silent.ear.head());
            silent.ear.rest();
            stage.complains();
        }
    }
}

/// RFC 6455 section 4.1, of the client's request.
fn asks_for_a_websocket(request: &str) {
    assert!(request.starts_with("GET / HTTP/1.1\r\n"), "{request}");
    let lower = request.to_lowercase();
    for header in
        ["host: 127.0.0.1:", "upgrade: websocket\r\n", "connection: upgrade\r\n", "sec-websocket-version: 13\r\n"]
    {
        assert!(lower.contains(&format!("\r\n{header}")), "{request}");
    }
}
