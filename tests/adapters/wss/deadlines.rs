//! How long a peer is waited for below a connection.

use super::*;

/// Sends a record of this type that is long in coming, until the peer has gone.
fn drip(mut socket: &TcpStream, kind: u8) {
    socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut next: &[u8] = &[kind, 3, 3, 0x40, 0];
    while socket.write_all(next).is_ok() && !matches!(socket.read(&mut [0; 1000]), Ok(0)) {
        next = &[0];
    }
}

/// One deadline bounds TCP, TLS and HTTP together, for a server that is silent in any of them, or slow.
#[test]
fn a_server_that_does_not_shake_hands_in_time() {
    fn drip_handshake(socket: TcpStream) {
        drip(&socket, 22);
    }
    fn listen(mut socket: TcpStream) {
        let _ = socket.read_to_end(&mut Vec::new());
    }
    run(|| {
        let timeouts = Timeouts { handshake: Some(Duration::from_millis(200)), ..Timeouts::default() };
        let client = trusting().timeouts(timeouts);
        let in_time = |adapter, port| {
            let error = connect(adapter, &client, &format!("wss://localhost:{port}/")).map(drop).unwrap_err();
            assert!(matches!(error, IoError::TimedOut(Due::Handshake)), "{adapter:?}: {error:?}");
        };
        for adapter in ADAPTERS {
            for serve in [listen, drip_handshake] {
                let (port, serving) = port(serve);
                in_time(adapter, port);
                serving.join().unwrap();
            }
            // TLS is there, and no answer to the request.
            let (port, serving) = secure_port(configuration(), |stream| stream.read_to_end(&mut Vec::new()).is_ok());
            in_time(adapter, port);
            serving.join().unwrap();
        }
    });
}

/// A client that does not shake hands with a server either.
#[test]
fn a_client_that_does_not_shake_hands_in_time() {
    run(|| {
        let timeouts = Timeouts { handshake: Some(Duration::from_millis(100)), ..Timeouts::default() };
        let server = crate::ends::server().timeouts(timeouts);
        let (one, _other) = crate::ends::tcp();
        let error = blocking::secure(&server, crate::tls::identity(), one).map(drop).unwrap_err();
        assert!(matches!(error, IoError::TimedOut(Due::Handshake)), "{error:?}");
        let (one, mut other) = crate::ends::tcp();
        other.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let error = blocking::secure(&server, crate::tls::identity(), one).map(drop).unwrap_err();
        assert!(matches!(error, IoError::Tls(TlsError::NotTls)), "{error:?}");
    });
}

/// A peer that sends a record byte by byte does not put off the end.
#[test]
fn a_record_that_never_ends_does_not_put_off_the_end() {
    run(|| {
        for adapter in ADAPTERS {
            let (port, serving) = secure_port(configuration(), |stream| {
                accept(stream, b"");
                drip(&stream.sock, 23);
            });
            let timeouts = Timeouts { close_wait: Some(Duration::from_millis(300)), ..Timeouts::default() };
            let client = trusting().timeouts(timeouts);
            let mut end = connect(adapter, &client, &format!("wss://localhost:{port}/")).unwrap();
            let error = end.close(None).unwrap_err();
            assert!(matches!(error, IoError::TimedOut(Due::Close)), "{adapter:?}: {error:?}");
            drop(end);
            serving.join().unwrap();
        }
    });
}

/// A write waits no longer for a peer that does not read than it may, though TLS holds what is written.
#[test]
fn a_write_has_a_deadline() {
    run(|| {
        for adapter in ADAPTERS {
            for splits in [false, true] {
                let (port, serving) = secure_port(configuration(), |stream| {
                    accept(stream, b"");
                    stream.sock.try_clone().unwrap()
                });
                let timeouts = Timeouts {
                    ping_interval: Some(Duration::from_millis(200)),
                    pong_wait: Some(Duration::from_millis(200)),
                    ..Timeouts::default()
                };
                let client = trusting().timeouts(timeouts);
                let mut end = connect(adapter, &client, &format!("wss://localhost:{port}/")).unwrap();
                let large = sockeye::Message::binary(vec![0; 16 << 20]);
                let error = if splits {
                    let (sender, mut receiver) = end.split();
                    let receiving = thread::spawn(move || receiver.receive());
                    let error = sender.send(large);
                    assert!(receiving.join().unwrap().is_err());
                    error.unwrap_err()
                } else {
                    end.send(large).unwrap_err()
                };
                assert!(matches!(error, IoError::TimedOut(Due::Pong)), "{adapter:?}: {error:?}");
                drop(serving.join().unwrap());
            }
        }
    });
}
