//! Rules 59 to 66 end to end: through the opening handshake and the adapters, to what each side then sends.

use std::time::Duration;

use sockeye::deflate::{Direction, NegotiationError, Options, ParameterName, Parameters};
use sockeye::handshake::{Acceptance, Extension, HandshakeError, Offer, OriginPolicy, RequestReader};
use sockeye::tokio::{WebSocket, accept_with, connect_over};
use sockeye::{Broadcast, Client, Config, Connection, IoError, Message, Server, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::wire::{Door, End, RSV1, Seen, eager, frames, plain, prose, symmetric};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

/// A client and a server that have connected.
async fn connected(client: &Client, server: &Server) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(1 << 18);
    let (client, server) = tokio::join!(connect_over(client, "ws://localhost/", near), accept_with(server, far));
    (client.expect("a connection"), server.expect("a connection"))
}

fn server(options: &Options) -> Server {
    Server::new(OriginPolicy::Any).deflate(options.clone()).timeouts(Timeouts::NEVER)
}

fn client(options: &Options) -> Client {
    Client::new().deflate(options.clone()).timeouts(Timeouts::NEVER)
}

/// The answer of a server with these options to a request whose extensions are offered like this.
fn answer(server: Server, offers: &str) -> (u16, Vec<String>, Option<Parameters>) {
    run(async {
        let (mut near, far) = duplex(1 << 16);
        let request = format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
             {offers}\r\n"
        );
        near.write_all(request.as_bytes()).await.unwrap();
        near.shutdown().await.unwrap();
        let parameters = accept_with(&server, far).await.ok().and_then(|accepted| accepted.connection().deflate());
        let mut response = String::new();
        near.read_to_string(&mut response).await.unwrap();
        let extensions = response
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"))
            .map(|(_, value)| value.replace(' ', ""))
            .collect();
        (response[9..12].parse().unwrap(), extensions, parameters)
    })
}

fn offered(offers: &str) -> String {
    format!("Sec-WebSocket-Extensions: {offers}\r\n")
}

/// An offer and a server's options: what the server answers, and what it then keeps to and expects.
#[test]
fn rules_59_61_62_64_65_and_66_what_a_server_answers() {
    let all = Options::new().local_window_bits(15);
    let small = Options::new().local_window_bits(10).remote_window_bits(9);
    let forgetful = all.clone().local_context_takeover(false).remote_context_takeover(false);
    let both = |local, remote| Some((Direction::new(local, true), Direction::new(remote, true)));
    type Row<'a> = (&'a Options, &'a str, &'a str, Option<(Direction, Direction)>);
    let table: &[Row<'_>] = &[
        (&all, "permessage-deflate", "permessage-deflate", both(15, 15)),
        // Rule 62: what the client asks of the server is echoed.
        (
            &all,
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate;server_no_context_takeover",
            Some((Direction::new(15, false), Direction::new(15, true))),
        ),
        // ... and a server may add it, and the client's, unasked (rules 62 and 63).
        (
            &forgetful,
            "permessage-deflate",
            "permessage-deflate;server_no_context_takeover;client_no_context_takeover",
            Some((Direction::new(15, false), Direction::new(15, false))),
        ),
        // Rule 65.
        (
            &all,
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate;server_max_window_bits=10",
            both(10, 15),
        ),
        (
            &all,
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate;server_max_window_bits=15",
            both(15, 15),
        ),
        (
            &all,
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate;server_max_window_bits=8",
            both(8, 15),
        ),
        // Rule 66: the client's window is limited only where it offered to.
        (&small, "permessage-deflate", "", None),
        (
            &small,
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate;server_max_window_bits=10;client_max_window_bits=9",
            both(10, 9),
        ),
        (
            &small,
            "permessage-deflate; client_max_window_bits=8; server_max_window_bits=12",
            "permessage-deflate;server_max_window_bits=10;client_max_window_bits=8",
            both(10, 8),
        ),
        (
            &all,
            "permessage-deflate; client_max_window_bits=11",
            "permessage-deflate;client_max_window_bits=11",
            both(15, 11),
        ),
        // Rules 59, 61 and 64: declined, and the next offer is looked at.
        (&all, "permessage-deflate; unknown", "", None),
        (&all, "permessage-deflate; server_no_context_takeover=1", "", None),
        (&all, "permessage-deflate; client_no_context_takeover; client_no_context_takeover", "", None),
        (&all, "permessage-deflate; server_max_window_bits", "", None),
        (&all, "permessage-deflate; server_max_window_bits=7", "", None),
        (&all, "permessage-deflate; server_max_window_bits=16", "", None),
        (&all, "permessage-deflate; server_max_window_bits=08", "", None),
        (&all, "permessage-deflate; client_max_window_bits=010", "", None),
        (
            &all,
            "permessage-deflate; server_max_window_bits=\"\u{31}0\"",
            "permessage-deflate;server_max_window_bits=10",
            both(10, 15),
        ),
        (
            &all,
            "x-other, permessage-deflate; server_max_window_bits=99, permessage-deflate",
            "permessage-deflate",
            both(15, 15),
        ),
        (&all, "x-other", "", None),
    ];
    for (options, offers, expected, parameters) in table {
        let (status, extensions, agreed) = answer(server(options), &offered(offers));
        assert_eq!(status, 101, "{offers}");
        assert_eq!(extensions.join(","), *expected, "{offers}");
        assert_eq!(agreed.map(|agreed| (agreed.local, agreed.remote)), *parameters, "{offers}");
    }
    // Nothing was offered; nothing is supported.
    assert_eq!(answer(server(&all), ""), (101, vec![], None));
    let none = Server::new(OriginPolicy::Any).timeouts(Timeouts::NEVER);
    assert_eq!(answer(none, &offered("permessage-deflate")), (101, vec![], None));
    // Offers over several lines, and a header that is malformed.
    let lines = offered("permessage-deflate; unknown") + &offered("permessage-deflate; client_max_window_bits");
    assert_eq!(answer(server(&all), &lines).1, ["permessage-deflate"]);
    assert_eq!(answer(server(&all), &offered("permessage-deflate;;")).0, 400);
}

/// What a client makes of a response with these elements.
fn verdict(client: &Client, elements: &[Extension]) -> Result<Option<Parameters>, IoError> {
    run(async {
        let (near, mut far) = duplex(1 << 16);
        let respond = async {
            let mut reader = RequestReader::new(sockeye::handshake::Limits::default());
            let mut received = Vec::new();
            let request = loop {
                received.push(far.read_u8().await.unwrap());
                if let Some((request, _)) = reader.read(&received).unwrap() {
                    break request;
                }
            };
            let (response, _) = request.accept(&Acceptance::new()).unwrap();
            let mut response = String::from_utf8(response.write()).unwrap();
            let extra: String = elements.iter().map(|element| offered(&element.to_string())).collect();
            response.insert_str(response.len() - 2, &extra);
            far.write_all(response.as_bytes()).await.unwrap();
            far
        };
        let (connection, _far) = tokio::join!(connect_over(client, "ws://localhost/", near), respond);
        connection.map(|connection| connection.connection().deflate())
    })
}

fn element() -> Extension {
    Extension::new("permessage-deflate")
}

#[test]
fn rules_60_to_66_a_client_fails_the_connection_on_a_bad_response() {
    use ParameterName::{ClientMaxWindowBits, ServerMaxWindowBits, ServerNoContextTakeover};
    let value = |parameter, value: Option<&str>| NegotiationError::Value { parameter, value: value.map(Into::into) };
    let wide = Options::new();
    let narrow = Options::new().remote_window_bits(10);
    let forgetful = Options::new().remote_context_takeover(false);
    let table: &[(&Options, Vec<Extension>, NegotiationError)] = &[
        (&wide, vec![element(), element()], NegotiationError::Repeated),
        (&wide, vec![element().with("unknown", None)], NegotiationError::Unknown { parameter: "unknown".into() }),
        (
            &wide,
            vec![element().with("server_no_context_takeover", None).with("server_no_context_takeover", None)],
            NegotiationError::Duplicate { parameter: ServerNoContextTakeover },
        ),
        (
            &wide,
            vec![element().with("server_no_context_takeover", Some("true"))],
            value(ServerNoContextTakeover, Some("true")),
        ),
        (&wide, vec![element().with("client_max_window_bits", None)], value(ClientMaxWindowBits, None)),
        (&wide, vec![element().with("server_max_window_bits", None)], value(ServerMaxWindowBits, None)),
        (&wide, vec![element().with("server_max_window_bits", Some("16"))], value(ServerMaxWindowBits, Some("16"))),
        (&wide, vec![element().with("client_max_window_bits", Some("09"))], value(ClientMaxWindowBits, Some("09"))),
        (&narrow, vec![element()], NegotiationError::Missing { parameter: ServerMaxWindowBits }),
        (
            &narrow,
            vec![element().with("server_max_window_bits", Some("11"))],
            NegotiationError::Window { offered: 10, came: 11 },
        ),
        (&forgetful, vec![element()], NegotiationError::Missing { parameter: ServerNoContextTakeover }),
    ];
    for (options, response, expected) in table {
        match verdict(&client(options), response) {
            Err(IoError::Deflate(error)) => assert_eq!(error, *expected),
            other => panic!("expected {expected:?}, got {other:?}"),
        }
    }
    // An extension that was not offered is no one's business but the handshake's.
    for client in [Client::new(), Client::new().offer(Offer::new().with_extension(Extension::new("x-other")).unwrap())]
    {
        let refused = verdict(&client, &[element()]);
        assert!(matches!(refused, Err(IoError::Handshake(HandshakeError::UnofferedExtension))), "{refused:?}");
    }
    assert!(matches!(verdict(&Client::new(), &[]), Ok(None)));
    assert!(matches!(verdict(&client(&wide), &[]), Ok(None)), "a server may decline");
}

#[test]
fn rules_63_65_and_66_what_a_client_keeps_to() {
    let parameters = |local: Direction, remote: Direction| Some(Parameters { local, remote });
    let options = Options::new().local_window_bits(13);
    let table = [
        (element(), parameters(Direction::new(13, true), Direction::new(15, true))),
        (
            element().with("client_no_context_takeover", None),
            parameters(Direction::new(13, false), Direction::new(15, true)),
        ),
        (
            element().with("client_max_window_bits", Some("9")).with("server_max_window_bits", Some("11")),
            parameters(Direction::new(9, true), Direction::new(11, true)),
        ),
        (
            element().with("client_max_window_bits", Some("15")).with("server_no_context_takeover", None),
            parameters(Direction::new(13, true), Direction::new(15, false)),
        ),
    ];
    for (response, expected) in table {
        assert_eq!(verdict(&client(&options), &[response]).expect("a good response"), expected);
    }
}

#[test]
fn both_ends_agree_and_speak_whatever_their_options() {
    let mut options = Vec::new();
    for (local, remote) in [(15, 15), (8, 15), (15, 8), (10, 12), (12, 9)] {
        for takeover in 0..4 {
            for fallback in [false, true] {
                options.push(
                    Options::new()
                        .threshold(0)
                        .local_window_bits(local)
                        .remote_window_bits(remote)
                        .local_context_takeover(takeover & 1 == 0)
                        .remote_context_takeover(takeover & 2 == 0)
                        .fallback(fallback),
                );
            }
        }
    }
    let text = format!("연어 𝄞 {}", prose(3000));
    let pairs = options.iter().enumerate().flat_map(|(index, one)| {
        options
            .iter()
            .enumerate()
            .filter(move |(other, _)| (index + other) % 3 == 0)
            .map(move |(_, other)| (one, other))
    });
    for (ours, theirs) in pairs {
        run(async {
            let (mut client, mut server) = connected(&client(ours), &server(theirs)).await;
            let (near, far) = (client.connection().deflate().unwrap(), server.connection().deflate().unwrap());
            assert_eq!((near.local, near.remote), (far.remote, far.local), "the mirror image");
            assert!(near.local.window_bits() <= ours.local().window_bits());
            assert!(far.local.window_bits() <= theirs.local().window_bits());
            assert!(!near.local.context_takeover() || ours.local().context_takeover());
            assert!(!far.local.context_takeover() || theirs.local().context_takeover());
            for _ in 0..2 {
                client.send(text.as_str()).await.unwrap();
                assert!(server.receive().await.unwrap() == Some(text.as_str().into()));
                server.send(text.as_str()).await.unwrap();
                assert!(client.receive().await.unwrap() == Some(text.as_str().into()));
            }
            let (left, right) =
                tokio::join!(client.close(None), async { while server.receive().await.unwrap().is_some() {} });
            assert!(left.unwrap().clean);
            let () = right;
        });
    }
}

#[test]
fn without_an_offer_there_is_no_compression() {
    run(async {
        let (mut client, mut server) = connected(&Client::new().timeouts(Timeouts::NEVER), &server(&eager())).await;
        assert!(!client.connection().is_compressed() && !server.connection().is_compressed());
        client.send(prose(900).as_str()).await.unwrap();
        assert!(server.receive().await.unwrap() == Some(prose(900).as_str().into()));
    });
}

/// One message for connections with and without compression, takeover and smaller windows: the compressed frame goes to
/// those whose window it fits and whose messages stand alone, and everyone understands what comes.
#[test]
fn a_broadcast_reaches_everyone() {
    let text = format!("{} 연어 𝄞", prose(2000)).repeat(2);
    for bits in 8..=15 {
        let options = eager().local_window_bits(bits).local_context_takeover(false);
        let news = [Broadcast::text(&text).deflated(&options), Broadcast::binary(text.as_bytes()).deflated(&options)];
        let quiet = Broadcast::text("연어").deflated(&options.clone().threshold(256));
        for agreed in 7..=15 {
            for takeover in [false, true] {
                let negotiate = |connection: Connection| match agreed {
                    7 => connection,
                    bits => connection.with_deflate(symmetric(bits, takeover), &eager()),
                };
                let config = Config::default();
                let mut server = End::new(negotiate(plain(sockeye::Role::Server, &config)));
                let mut client = End::new(negotiate(plain(sockeye::Role::Client, &config)));
                let End { connection, outbox, .. } = &mut server;
                // Between messages of its own, which must not refer to what the connection did not compress itself.
                for _ in 0..2 {
                    connection.send_text(&text, outbox).unwrap();
                    news.iter().for_each(|news| connection.broadcast(news, outbox).unwrap());
                    connection.broadcast(&quiet, outbox).unwrap();
                }
                let wire = server.drain();
                let reserved: Vec<_> = frames(&wire).iter().map(|(header, _)| header.reserved).collect();
                let own = if agreed == 7 { 0 } else { RSV1 };
                let shared = if agreed >= bits.max(8) && !takeover { RSV1 } else { 0 };
                assert_eq!(reserved, [own, shared, shared, 0].repeat(2), "{bits} bits for {agreed}, {takeover}");
                client.inbox.extend(&wire);
                let mut seen = Vec::new();
                client.take(Door::Whole, &mut seen).expect("good messages");
                let expected = [
                    Seen::Text(text.clone()),
                    Seen::Text(text.clone()),
                    Seen::Binary(text.clone().into_bytes()),
                    Seen::Text("연어".into()),
                ];
                assert!(seen == [&expected[..], &expected[..]].concat());
            }
        }
    }
}

/// The same over blocking sockets.
#[test]
fn the_blocking_adapter_negotiates_too() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let options = eager().local_context_takeover(false).remote_window_bits(9);
    let accepting = server(&options);
    let thread = std::thread::spawn(move || {
        let mut server = sockeye::blocking::accept_with(&accepting, listener.accept().unwrap().0).unwrap();
        let agreed = server.connection().deflate().unwrap();
        while let Some(message) = server.receive().unwrap() {
            if message.is_data() {
                server.send(message).unwrap();
            }
        }
        agreed
    });
    let connecting = client(&options).timeouts(Timeouts { idle: Some(Duration::from_millis(1)), ..Timeouts::NEVER });
    let mut client = sockeye::blocking::connect_with(&connecting, &url).unwrap();
    let agreed = client.connection().deflate().unwrap();
    assert_eq!((agreed.local, agreed.remote), (Direction::new(9, false), Direction::new(9, false)));
    for length in [0, 5, 3000, 100_000] {
        client.send(prose(length).as_str()).unwrap();
        assert!(client.receive().unwrap() == Some(Message::text(prose(length))));
    }
    assert!(client.close(None).unwrap().clean);
    let far = thread.join().unwrap();
    assert_eq!((far.remote, far.local), (agreed.local, agreed.remote));
}
