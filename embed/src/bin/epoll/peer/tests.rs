use super::*;

#[test]
fn a_connection_is_small() {
    // Without optimisation, mio's sockets know their poll.
    let most = if cfg!(debug_assertions) { 168 } else { 152 };
    assert!(size_of::<Peer>() <= most, "{}", size_of::<Peer>());
}

/// However much a peer sends, the others have their turns in between.
#[test]
fn a_turn_ends_though_there_is_more() {
    let poll = mio::Poll::new().unwrap();
    let mut common = Common {
        registry: poll.registry().try_clone().unwrap(),
        pool: Pool::default(),
        terms: Terms::new(1 << 20),
        now: Duration::ZERO,
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, address) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut peer = Peer::new(TcpStream::from_std(stream), address, Duration::ZERO);
    client.write_all(REQUEST).unwrap();
    peer.readable = true;
    assert_eq!(peer.turn(0, &mut common), Next::Wait);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }

    // Empty messages, each of which is answered with two bytes. They fit into the sockets.
    let sent = 30_000;
    client.write_all(&[0x82, 0x80, 0, 0, 0, 0].repeat(sent)).unwrap();
    client.set_nonblocking(true).unwrap();
    let (mut echo, mut echoed, mut ended_early) = (vec![0; 2 * sent], 0, false);
    while echoed < echo.len() {
        peer.readable = true;
        ended_early |= peer.turn(0, &mut common) == Next::Again;
        echoed += client.read(&mut echo[echoed..]).unwrap_or(0);
    }
    assert!(ended_early, "each turn lasted as long as there was something to read");
    assert_eq!(echo, [0x82, 0].repeat(sent));
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
