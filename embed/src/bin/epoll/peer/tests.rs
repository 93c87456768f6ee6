use super::*;

#[test]
fn a_connection_is_small() {
    // Without optimisation, mio's sockets know their poll.
    let most = if cfg!(debug_assertions) { 168 } else { 152 };
    assert!(size_of::<Peer>() <= most, "{}", size_of::<Peer>());
}

#[test]
fn addresses_are_shown_as_they_came() {
    for shown in ["127.0.0.1:9001", "[::1]:80", "[2001:db8::1]:65535"] {
        assert_eq!(Address::new(shown.parse().unwrap()).to_string(), shown);
    }
}

/// However much a peer sends, the others have their turns in between.
#[test]
fn a_turn_ends_though_there_is_more() {
    let poll = mio::Poll::new().unwrap();
    let mut common = Common {
        registry: poll.registry().try_clone().unwrap(),
        pool: Pool::default(),
        config: Config::default(),
        options: Options::new(),
        timeouts: Timeouts::default(),
        now: Duration::ZERO,
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, address) = listener.accept().unwrap();
    stream.set_nonblocking(true).unwrap();
    let mut peer = Peer::new(TcpStream::from_std(stream), address, Duration::ZERO);
    peer.stage = Stage::Open(Connection::server(&common.config));

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
