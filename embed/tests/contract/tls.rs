//! The peer's stream in TLS, so that one thread can read while another writes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection};

use crate::wire::Speak;

/// The reading half.
pub(crate) struct Reading {
    line: Arc<Line>,
    /// What the socket has given and the connection has not taken yet: it takes no more while its plaintext is unread.
    pending: Vec<u8>,
}

/// The writing half.
pub(crate) struct Writing {
    line: Arc<Line>,
    /// What the socket has not taken yet.
    pending: Vec<u8>,
}

struct Line {
    connection: Mutex<Connection>,
    socket: TcpStream,
}

/// The peer of a server, which has to show this certificate in PEM.
pub(crate) fn connect(socket: TcpStream, certificate: &[u8]) -> (Reading, Writing) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate).expect("a certificate in PEM")).expect("a root");
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    shake(socket, ClientConnection::new(Arc::new(config), name).expect("a client of TLS").into())
}

/// The peer of a client, with the certificate of [`certificate`].
pub(crate) fn accept(socket: TcpStream) -> (Reading, Writing) {
    shake(socket, ServerConnection::new(Arc::clone(&IDENTITY.config)).expect("a server of TLS").into())
}

/// The file with the certificate that clients have to trust.
pub(crate) fn certificate() -> &'static str {
    &IDENTITY.file
}

fn shake(mut socket: TcpStream, mut connection: Connection) -> (Reading, Writing) {
    while connection.is_handshaking() {
        connection.complete_io(&mut socket).expect("the handshake of TLS");
    }
    let line = Arc::new(Line { connection: Mutex::new(connection), socket });
    let mut writing = Writing { line: Arc::clone(&line), pending: Vec::new() };
    writing.encrypt().and_then(|()| writing.flush()).expect("the end of the handshake of TLS");
    (Reading { line, pending: Vec::new() }, writing)
}

impl Line {
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Reading {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let Self { line, pending } = self;
        loop {
            match line.connection().reader().read(space) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            if pending.is_empty() {
                pending.resize(8 << 10, 0);
                let read = { &line.socket }.read(pending);
                pending.truncate(*read.as_ref().unwrap_or(&0));
                read?;
            }
            let mut connection = line.connection();
            // At the end of the stream there is nothing to take, and that is what tells it.
            let taken = connection.read_tls(&mut &pending[..])?;
            pending.drain(..taken);
            connection.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

impl Writing {
    /// Takes what the connection has to say.
    fn encrypt(&mut self) -> io::Result<()> {
        let mut connection = self.line.connection();
        while connection.wants_write() {
            connection.write_tls(&mut self.pending)?;
        }
        Ok(())
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let count = self.line.connection().writer().write(bytes)?;
        self.encrypt()?;
        match self.flush() {
            // It leaves with the next call.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(count),
            flushed => flushed.map(|()| count),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.pending.is_empty() {
            let count = { &self.line.socket }.write(&self.pending)?;
            self.pending.drain(..count);
        }
        Ok(())
    }
}

impl Speak for Writing {
    fn end(&mut self) {
        self.line.connection().send_close_notify();
        let _ = self.encrypt().and_then(|()| self.flush());
        let _ = self.line.socket.shutdown(Shutdown::Write);
    }
}

/// Who the peers of clients are.
struct Identity {
    config: Arc<ServerConfig>,
    file: String,
}

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let made = rcgen::generate_simple_self_signed([String::from("127.0.0.1")]).expect("a certificate");
    let file = format!("{}/contract-{}.pem", env!("CARGO_TARGET_TMPDIR"), std::process::id());
    std::fs::write(&file, made.cert.pem()).expect("a file for the certificate");
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).expect("a key in PEM");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key);
    Identity { config: Arc::new(config.expect("an identity")), file }
});
