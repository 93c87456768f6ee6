//! TLS below a connection: what a client trusts, how TLS begins and ends, and what is said of it where it fails.

mod deadlines;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};
use sockeye::handshake::Url;
use sockeye::{Client, Due, Identity, IoError, Roots, Side, Timeouts, TlsError, blocking};

use crate::ends::{Adapter, End, Link, Place, run};
use crate::peer::{BINARY, CLOSE, Ear, FIN, TEXT, frame, response};
use crate::tls::{Authority, authority, configuration, here, server_of};

type Served = StreamOwned<ServerConnection, TcpStream>;

const ADAPTERS: [Adapter; 3] = [Adapter::Tokio, Adapter::Futures, Adapter::Blocking];

/// A client that trusts the authority of these tests.
fn trusting() -> Client {
    Client::new().roots(authority().roots())
}

fn connect(adapter: Adapter, client: &Client, url: &str) -> Result<Box<dyn End>, IoError> {
    Place { adapter, role: sockeye::Role::Client, link: Link::Tls }.connect_with(client, url)
}

/// A port that is served like this, once.
fn port<T: Send + 'static>(serve: impl FnOnce(TcpStream) -> T + Send + 'static) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// The same by TLS. A handshake that fails does so with the first read or write.
fn secure_port<T: Send + 'static>(
    configuration: ServerConfig,
    serve: impl FnOnce(&mut Served) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let session = ServerConnection::new(Arc::new(configuration)).unwrap();
    port(move |socket| serve(&mut StreamOwned::new(session, socket)))
}

/// Accepts a WebSocket connection, and says this behind the head of the response.
fn accept(stream: &mut Served, told: &[u8]) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    stream.write_all(&[response(&head, "").as_bytes(), told].concat()).unwrap();
    stream.flush().unwrap();
    head
}

/// How all adapters fail to connect to a port by TLS.
#[track_caller]
fn fails(client: &Client, serve: fn(TcpStream), is_right: fn(&TlsError) -> bool, words: &[&str]) {
    for adapter in ADAPTERS {
        let (port, serving) = port(serve);
        let error = connect(adapter, client, &format!("wss://localhost:{port}/")).map(drop).unwrap_err();
        serving.join().unwrap();
        let text = error.to_string();
        assert!(matches!(&error, IoError::Tls(error) if is_right(error)), "{adapter:?}: {error:?}");
        assert!(words.iter().all(|word| text.contains(word)), "{adapter:?}: {text}");
    }
}

/// The same where a server has a certificate that is wrong.
#[track_caller]
fn is_not_accepted(client: &Client, configuration: &ServerConfig, is_right: fn(&TlsError) -> bool, words: &[&str]) {
    for adapter in ADAPTERS {
        let (port, serving) =
            secure_port(configuration.clone(), |stream| stream.read(&mut [0]).expect_err("a client that goes on"));
        let error = connect(adapter, client, &format!("wss://localhost:{port}/")).map(drop).unwrap_err();
        let heard = serving.join().unwrap();
        let text = error.to_string();
        assert!(matches!(&error, IoError::Tls(error) if is_right(error)), "{adapter:?}: {error:?}");
        assert!(words.iter().all(|word| text.contains(word)), "{adapter:?}: {text}");
        assert!(heard.to_string().contains("received fatal alert"), "{adapter:?}: the server hears of it: {heard}");
    }
}

#[test]
fn an_issuer_that_is_not_trusted() {
    run(|| {
        let stranger = Client::new().roots(Authority::new().roots());
        let words = ["trusts", "Client::roots"];
        is_not_accepted(&stranger, &configuration(), |error| matches!(error, TlsError::UnknownIssuer), &words);
    });
}

#[test]
fn a_certificate_for_another_name() {
    run(|| {
        let elsewhere = CertificateParams::new(["elsewhere.example".into(), "www.elsewhere.example".into()]).unwrap();
        let is_right = |error: &TlsError| match error {
            TlsError::WrongName(names) => {
                names.expected == "localhost" && names.presented == ["elsewhere.example", "www.elsewhere.example"]
            }
            _ => false,
        };
        let words = ["\"localhost\"", "\"elsewhere.example\", \"www.elsewhere.example\""];
        is_not_accepted(&trusting(), &server_of(elsewhere), is_right, &words);
    });
}

/// `openssl req -x509` makes one unless it is told otherwise. It is refused though it is its own root.
#[test]
fn a_certificate_of_an_authority() {
    run(|| {
        let mut parameters = here();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = parameters.self_signed(&key).unwrap().pem();
        let server = crate::tls::configuration_with(rustls::ALL_VERSIONS, &root, &key.serialize_pem());
        let client = Client::new().roots(Roots::pem(root.as_bytes()).unwrap());
        let words = ["an authority's own certificate", "issue one for the host", "without CA:TRUE"];
        is_not_accepted(&client, &server, |error| matches!(error, TlsError::Certificate(_)), &words);
    });
}

#[test]
fn a_certificate_out_of_its_time() {
    run(|| {
        let mut expired = here();
        (expired.not_before, expired.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        let is_right = |error: &TlsError| matches!(error, TlsError::Expired(ago) if ago.as_secs() > 20 * 365 * 86_400);
        is_not_accepted(&trusting(), &server_of(expired), is_right, &["expired", "days ago", "clock"]);
        let mut early = here();
        (early.not_before, early.not_after) = (date_time_ymd(3000, 1, 1), date_time_ymd(3001, 1, 1));
        let is_right = |error: &TlsError| matches!(error, TlsError::NotYetValid(_));
        is_not_accepted(&trusting(), &server_of(early), is_right, &["will be valid in", "days", "clock"]);
    });
}

#[test]
fn a_port_without_tls() {
    run(|| {
        let serve = |mut socket: TcpStream| {
            socket.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").unwrap();
            let _ = socket.read_to_end(&mut Vec::new());
        };
        fails(&trusting(), serve, |error| matches!(error, TlsError::NotTls), &["expected TLS", "ws://"]);
        let hang_up = |mut socket: TcpStream| {
            socket.read_exact(&mut [0; 5]).unwrap();
            socket.shutdown(std::net::Shutdown::Write).unwrap();
            let _ = socket.read_to_end(&mut Vec::new());
        };
        fails(&trusting(), hang_up, |error| matches!(error, TlsError::HandshakeCut), &["TLS handshake"]);
    });
}

/// A server that says so in an alert (RFC 8446 section 6.2): protocol_version is 70, handshake_failure 40.
#[test]
fn a_server_with_nothing_in_common() {
    fn alert(mut socket: TcpStream, description: u8) {
        socket.write_all(&[21, 3, 3, 0, 2, 2, description]).unwrap();
        let _ = socket.read_to_end(&mut Vec::new());
    }
    run(|| {
        fails(&trusting(), |socket| alert(socket, 70), |error| matches!(error, TlsError::Version), &["TLS 1.2 or 1.3"]);
        let is_right = |error: &TlsError| matches!(error, TlsError::Refused(_));
        fails(&trusting(), |socket| alert(socket, 40), is_right, &["refused", "HandshakeFailure"]);
    });
}

#[test]
fn a_host_that_no_certificate_can_be_for() {
    for adapter in ADAPTERS {
        let error = connect(adapter, &trusting(), "wss://a!b/").map(drop).unwrap_err();
        assert!(matches!(error, IoError::Tls(TlsError::Name(_))), "{error:?}");
        assert!(error.to_string().contains("a!b"), "{error}");
    }
}

/// With an address for a name, in each version, and within it what RFC 7301 calls http/1.1.
#[test]
fn a_client_connects_in_each_version() {
    run(|| {
        for adapter in ADAPTERS {
            for version in rustls::ALL_VERSIONS {
                let mut configuration = crate::tls::configuration_in(&[version], here());
                configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
                let (port, serving) = secure_port(configuration, move |stream| {
                    let head = accept(stream, &frame(FIN | TEXT, b"hello", false));
                    (head, stream.conn.alpn_protocol().map(Vec::from), stream.conn.protocol_version())
                });
                let mut end = connect(adapter, &trusting(), &format!("wss://127.0.0.1:{port}/chat")).unwrap();
                assert_eq!(end.receive().unwrap(), Some("hello".into()));
                let (head, protocol, spoken) = serving.join().unwrap();
                assert!(head.starts_with(&format!("GET /chat HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n")), "{head}");
                assert_eq!(protocol.as_deref(), Some(&b"http/1.1"[..]));
                assert_eq!(spoken, Some(version.version));
            }
        }
    });
}

/// Clones of a client resume what one of them has begun.
#[test]
fn a_session_is_resumed() {
    run(|| {
        for adapter in ADAPTERS {
            let shared = configuration();
            let kind = |client: &Client| {
                let (port, serving) = secure_port(shared.clone(), |stream| {
                    accept(stream, &frame(FIN | TEXT, b"hello", false));
                    stream.conn.handshake_kind()
                });
                let mut end = connect(adapter, client, &format!("wss://localhost:{port}/")).unwrap();
                assert_eq!(end.receive().unwrap(), Some("hello".into()));
                serving.join().unwrap()
            };
            let client = trusting();
            assert_eq!(kind(&client), Some(HandshakeKind::Full), "{adapter:?}");
            assert_eq!(kind(&client.clone()), Some(HandshakeKind::Resumed), "{adapter:?}");
            assert_eq!(kind(&trusting()), Some(HandshakeKind::Full), "{adapter:?}");
        }
    });
}

/// What came before counts, but an end that TLS has not announced may be a cut.
#[test]
fn an_end_without_close_notify_is_abnormal() {
    run(|| {
        for adapter in ADAPTERS {
            let (port, serving) = secure_port(configuration(), |stream| {
                accept(stream, &frame(FIN | TEXT, b"hello", false));
                stream.sock.shutdown(std::net::Shutdown::Write).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            });
            let mut end = connect(adapter, &trusting(), &format!("wss://localhost:{port}/")).unwrap();
            assert_eq!(end.receive().unwrap(), Some("hello".into()));
            let error = end.receive().unwrap_err();
            assert!(matches!(error, IoError::Tls(TlsError::Cut)), "{adapter:?}: {error:?}");
            assert!(error.to_string().contains("close_notify"), "{error}");
            assert_eq!(end.receive().unwrap(), None);
            let ending = end.ending().unwrap();
            assert!(!ending.clean && ending.by == Side::Transport, "{ending:?}");
            drop(end);
            serving.join().unwrap();
        }
    });
}

/// Once the closing handshake is done, how the transport ends changes nothing.
#[test]
fn a_clean_close_without_close_notify_is_clean() {
    run(|| {
        for adapter in ADAPTERS {
            let (port, serving) = secure_port(configuration(), |stream| {
                let last = [frame(FIN | TEXT, b"hello", false), frame(FIN | CLOSE, &[3, 232], false)];
                accept(stream, &last.concat());
                stream.sock.shutdown(std::net::Shutdown::Write).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            });
            let mut end = connect(adapter, &trusting(), &format!("wss://localhost:{port}/")).unwrap();
            assert_eq!(end.receive().unwrap(), Some("hello".into()));
            while end.receive().unwrap().is_some() {}
            assert!(end.ending().unwrap().clean, "{adapter:?}");
            drop(end);
            serving.join().unwrap();
        }
    });
}

/// Each side ends TLS in order (RFC 8446 section 6.1), whoever begins.
#[test]
fn the_end_is_announced_by_close_notify() {
    run(|| {
        for adapter in ADAPTERS {
            for server_begins in [false, true] {
                let (port, serving) = secure_port(configuration(), move |stream| {
                    let close = frame(FIN | CLOSE, &[3, 232], false);
                    accept(stream, if server_begins { &close } else { b"" });
                    assert_eq!(Ear::of(stream).unwrap().first, FIN | CLOSE);
                    if !server_begins {
                        stream.write_all(&close).unwrap();
                    }
                    stream.conn.send_close_notify();
                    stream.flush().unwrap();
                    // An end without `close_notify` would be an error.
                    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
                });
                let mut end = connect(adapter, &trusting(), &format!("wss://localhost:{port}/")).unwrap();
                if server_begins {
                    while end.receive().unwrap().is_some() {}
                } else {
                    assert!(end.close(None).unwrap().clean);
                }
                assert!(end.ending().unwrap().clean, "{adapter:?}");
                serving.join().unwrap();
            }
        }
    });
}

/// Closing a stream ends its half of TLS and then that of TCP, and what the peer still says is read.
#[test]
fn a_stream_is_read_after_its_half_is_closed() {
    async fn on_tokio(client: Client, url: Url) -> Vec<u8> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = sockeye::tokio::Stream::connect(&client, &url).await.unwrap();
        stream.write_all(b"question").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    }
    async fn on_smol(client: Client, url: Url) -> Vec<u8> {
        use smol::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = sockeye::futures::Stream::connect(&client, &url).await.unwrap();
        stream.write_all(b"question").await.unwrap();
        stream.close().await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    }
    run(|| {
        for adapter in [Adapter::Tokio, Adapter::Futures] {
            let (port, serving) = secure_port(configuration(), |stream| {
                let mut question = Vec::new();
                stream.read_to_end(&mut question).unwrap();
                assert_eq!(question, b"question");
                assert_eq!(stream.sock.read(&mut [0]).unwrap(), 0, "the end of TCP");
                stream.write_all(&[7; 100_000]).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            });
            let url = Url::parse(&format!("wss://localhost:{port}/")).unwrap();
            let answer = match adapter {
                Adapter::Tokio => crate::ends::runtime().block_on(on_tokio(trusting(), url)),
                _ => smol::block_on(on_smol(trusting(), url)),
            };
            assert_eq!(answer, [7; 100_000], "{adapter:?}");
            serving.join().unwrap();
        }
    });
}

/// A record that is not what was sent fails the connection, and the peer is told.
#[test]
fn a_record_that_was_changed() {
    run(|| {
        for adapter in ADAPTERS {
            for splits in [false, true] {
                let (port, serving) = secure_port(configuration(), |stream| {
                    accept(stream, b"");
                    assert_eq!(Ear::of(stream).unwrap().payload, b"go on");
                    stream.sock.write_all(&changed_record()).unwrap();
                    stream.read(&mut [0]).unwrap_err().to_string()
                });
                let mut end = connect(adapter, &trusting(), &format!("wss://localhost:{port}/")).unwrap();
                end.send("go on".into()).unwrap();
                let (first, second) = if splits {
                    let (_sender, mut receiver) = end.split();
                    (receiver.receive(), receiver.receive())
                } else {
                    (end.receive(), end.receive())
                };
                assert!(matches!(first, Err(IoError::Tls(TlsError::Other(_)))), "{adapter:?}: {first:?}");
                assert_eq!(second.unwrap(), None);
                let heard = serving.join().unwrap();
                assert!(heard.contains("BadRecordMac"), "{adapter:?}: {heard}");
            }
        }
    });
}

/// What was good before a changed record counts, also where it came in the same read.
#[test]
fn what_came_before_a_changed_record_counts() {
    run(|| {
        let (port, serving) = secure_port(configuration(), |stream| {
            accept(stream, b"");
            stream.conn.writer().write_all(&frame(FIN | TEXT, b"good", false)).unwrap();
            let mut records = Vec::new();
            while stream.conn.wants_write() {
                stream.conn.write_tls(&mut records).unwrap();
            }
            records.extend(changed_record());
            stream.sock.write_all(&records).unwrap();
            let _ = stream.read(&mut [0]);
        });
        let mut end = connect(Adapter::Blocking, &trusting(), &format!("wss://localhost:{port}/")).unwrap();
        assert_eq!(end.receive().unwrap(), Some("good".into()));
        assert!(end.receive().is_err());
        serving.join().unwrap();
    });
}

/// Application data that no key has made.
fn changed_record() -> Vec<u8> {
    [&[23, 3, 3, 0, 20][..], &[7; 20]].concat()
}

#[test]
fn what_is_no_certificate_is_refused() {
    let said = |result: Result<Roots, TlsError>| match result.unwrap_err() {
        error @ TlsError::Certificates(_) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(said(Roots::pem(b"nothing")).contains("there is none"));
    assert!(
        said(Roots::pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).contains("certificates")
    );
    assert!(said(Roots::der(b"nothing")).contains("certificates"));
    Roots::der(authority().root.der()).unwrap();
    let both = [authority().root.pem(), Authority::new().root.pem()].concat();
    Roots::pem(both.as_bytes()).unwrap();

    let (chain, key) = authority().certify(here());
    Identity::pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let wrong = |chain: &str, key: &str| Identity::pem(chain.as_bytes(), key.as_bytes()).map(drop).unwrap_err();
    assert!(matches!(wrong("", &key), TlsError::Certificates(_)));
    let torn = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(wrong(torn, &key), TlsError::Certificates(_)));
    assert!(matches!(wrong(&chain, &chain), TlsError::Key(_)));
    let other = KeyPair::generate().unwrap().serialize_pem();
    assert!(matches!(wrong(&chain, &other), TlsError::Key(_)));
}

/// Roots that are joined are all trusted.
#[test]
fn roots_are_joined() {
    run(|| {
        let client = Client::new().roots(Authority::new().roots().and(authority().roots()));
        for adapter in ADAPTERS {
            let (port, serving) =
                secure_port(configuration(), |stream| drop(accept(stream, &frame(FIN | BINARY, b"", false))));
            let mut end = connect(adapter, &client, &format!("wss://localhost:{port}/")).unwrap();
            assert!(end.receive().unwrap().is_some());
            serving.join().unwrap();
        }
    });
}
