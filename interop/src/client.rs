//! Our client against a peer's server.

use std::iter;

use sockeye::blocking::{Stream, WebSocket, connect_with};
use sockeye::bytes::Bytes;
use sockeye::deflate::Options;
use sockeye::handshake::Offer;
use sockeye::{Client, CloseCode, CloseFrame, Message, Side};

type Checked = Result<(), Box<dyn std::error::Error>>;

/// Gets the URL of a server, and the variant of compression that the server was told.
type Check = fn(&str, &str) -> Checked;

/// What is checked.
pub(crate) const CHECKS: [(&str, Check); 8] = [
    ("negotiation", negotiation),
    ("subprotocol", subprotocol),
    ("echo", echo),
    ("fragments", fragments),
    ("burst", burst),
    ("ping", ping),
    ("our close", our_close),
    ("the server's close", servers_close),
];

fn negotiation(url: &str, variant: &str) -> Checked {
    let mut connection = connect(url, "extensions")?;
    let agreed = connection.receive()?;
    let wanted = if variant == "none" { "" } else { "permessage-deflate" };
    expect(agreed, Some(wanted.into()))?;
    expect(connection.connection().deflate().is_some(), variant != "none")?;
    close(connection)
}

fn subprotocol(url: &str, _: &str) -> Checked {
    let offer = Offer::new().with_subprotocol("chat.v2")?.with_subprotocol("chat.v1")?;
    let connection = connect_with(&client().offer(offer), url)?;
    expect(connection.subprotocol(), Some("chat.v1"))?;
    close(connection)
}

fn echo(url: &str, _: &str) -> Checked {
    let mut connection = connect(url, "")?;
    for message in messages() {
        connection.send(message.clone())?;
        if connection.receive()? != Some(message) {
            return Err("a message came back changed".into());
        }
    }
    close(connection)
}

fn fragments(url: &str, _: &str) -> Checked {
    let mut connection = connect(url, "fragments")?;
    let whole = ["조각", &"x".repeat(70_000), "끝"].concat();
    expect(connection.receive()?, Some(Message::text(whole)))?;
    close(connection)
}

fn burst(url: &str, _: &str) -> Checked {
    let connection = connect(url, "")?;
    let (sender, mut receiver) = connection.split()?;
    let sent: Vec<Message> =
        (0..2000).map(|number| Message::text(format!("{number}번째 {}", "연어".repeat(number % 150)))).collect();
    let to_send = sent.clone();
    let sending = std::thread::spawn(move || {
        to_send.into_iter().try_for_each(|message| sender.feed(message))?;
        sender.flush()?;
        Ok::<_, sockeye::IoError>(sender)
    });
    for message in sent {
        expect(receiver.receive()?, Some(message))?;
    }
    sending.join().map_err(|_| "the sending thread panicked")??.close(None)?;
    while receiver.receive()?.is_some() {}
    expect(receiver.ending().map(|ending| ending.clean), Some(true))
}

fn ping(url: &str, _: &str) -> Checked {
    let mut connection = connect(url, "")?;
    let payload = Bytes::from("안부");
    connection.send(Message::Ping(payload.clone()))?;
    expect(connection.receive()?, Some(Message::Pong(payload)))?;
    close(connection)
}

fn our_close(url: &str, _: &str) -> Checked {
    let reasons = [
        (CloseCode::NORMAL, ""),
        (CloseCode::NORMAL, "안녕히"),
        (CloseCode::GOING_AWAY, "leaving"),
        (CloseCode::new(3000), "a library's"),
        (CloseCode::new(4999), &"가".repeat(41)),
    ];
    for (code, reason) in reasons {
        let mut connection = connect(url, "report")?;
        let ending = connection.close(Some(CloseFrame::new(code, reason)))?;
        expect((ending.by, ending.clean, ending.code()), (Side::Local, true, code))?;
        reported(url, &format!("{} {reason}", code.number()))?;
    }
    let ending = connect(url, "report")?.close(None)?;
    expect((ending.by, ending.clean), (Side::Local, true))?;
    reported(url, "1005 ")
}

/// What the server says of the connection that was closed last.
fn reported(url: &str, wanted: &str) -> Checked {
    let mut connection = connect(url, "reported")?;
    expect(connection.receive()?, Some(wanted.into()))?;
    close(connection)
}

fn servers_close(url: &str, _: &str) -> Checked {
    for (code, query, reason) in [(1000, "", ""), (1011, "oops", "oops"), (4000, "%EC%95%88%EB%85%95", "안녕")] {
        let mut connection = connect(url, &format!("close?code={code}&reason={query}"))?;
        let frame = CloseFrame::new(CloseCode::new(code), reason);
        expect(connection.receive()?, Some(Message::Close(Some(frame))))?;
        expect(connection.receive()?, None)?;
        let ending = connection.ending().ok_or("the connection has no ending")?;
        expect((ending.by, ending.clean, ending.code()), (Side::Peer, true, CloseCode::new(code)))?;
    }
    Ok(())
}

fn connect(url: &str, path: &str) -> Result<WebSocket<Stream>, sockeye::IoError> {
    connect_with(&client(), &format!("{url}{path}"))
}

/// A client that compresses everything where the server agrees.
fn client() -> Client {
    Client::new().deflate(Options::new().threshold(0))
}

fn close(mut connection: WebSocket<Stream>) -> Checked {
    let ending = connection.close(Some(CloseFrame::new(CloseCode::NORMAL, "")))?;
    expect((ending.clean, ending.code()), (true, CloseCode::NORMAL))
}

/// Text and binary messages of 0 bytes to 1 MiB, at the borders of the forms of a frame's length.
fn messages() -> impl Iterator<Item = Message> {
    let sizes = [0, 1, 125, 126, 127, 4096, 65_535, 65_536, 1 << 20];
    sizes.into_iter().flat_map(|size| {
        let ascii: String = "sockeye ".chars().cycle().take(size).collect();
        let korean: String = "연어가 돌아왔다 🐟 ".chars().cycle().take(size / 3).collect();
        [Message::text(ascii), Message::text(korean), Message::binary(noise(size))]
    })
}

/// Bytes that do not compress.
fn noise(size: usize) -> Vec<u8> {
    let next = |state: &u64| Some((state ^ (state >> 12)).wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1));
    iter::successors(Some(1_u64), next).map(|state| (state >> 40) as u8).take(size).collect()
}

fn expect<T: PartialEq + std::fmt::Debug>(came: T, wanted: T) -> Checked {
    if came == wanted {
        return Ok(());
    }
    let mut wrong = format!("expected {wanted:?}, got {came:?}").chars().take(300).collect::<String>();
    wrong.retain(|character| character != '\n');
    Err(wrong.into())
}
