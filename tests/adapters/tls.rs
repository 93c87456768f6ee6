//! The TLS of these tests: an authority made when they run, and a relay behind which a peer speaks in the clear.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use sockeye::{Identity, Role, Roots};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, copy, duplex, split};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::ends::{on_tokio, runtime};
use crate::peer::{Blocking, Peer};

/// An authority, and a server on this machine that it certifies.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) root: rcgen::Certificate,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::new([]).unwrap();
        // Of two authorities with one name, the key of the wrong one would be tried.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("authority {}", COUNT.fetch_add(1, Ordering::Relaxed));
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = parameters.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(parameters, key), root }
    }

    pub(crate) fn roots(&self) -> Roots {
        Roots::pem(self.root.pem().as_bytes()).unwrap()
    }

    /// A certificate that says this, and its key, both in PEM.
    pub(crate) fn certify(&self, parameters: CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (parameters.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// What a certificate for servers on this machine says.
pub(crate) fn here() -> CertificateParams {
    CertificateParams::new(["localhost".into(), "127.0.0.1".into()]).unwrap()
}

/// The authority of all tests that need no other.
pub(crate) fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(Authority::new)
}

/// Who the servers of these tests are.
pub(crate) fn identity() -> &'static Identity {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| {
        let (chain, key) = authority().certify(here());
        Identity::pem(chain.as_bytes(), key.as_bytes()).unwrap()
    })
}

/// The same for rustls itself.
pub(crate) fn configuration() -> ServerConfig {
    server_of(here())
}

/// A server whose certificate says this.
pub(crate) fn server_of(parameters: CertificateParams) -> ServerConfig {
    configuration_in(rustls::ALL_VERSIONS, parameters)
}

/// One that speaks these versions alone.
pub(crate) fn configuration_in(
    versions: &[&'static SupportedProtocolVersion],
    parameters: CertificateParams,
) -> ServerConfig {
    let (chain, key) = authority().certify(parameters);
    configuration_with(versions, &chain, &key)
}

/// One that shows this certificate, which goes with this key, both in PEM.
pub(crate) fn configuration_with(
    versions: &[&'static SupportedProtocolVersion],
    chain: &str,
    key: &str,
) -> ServerConfig {
    let chain = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
    let key = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut configuration = builder.with_no_client_auth().with_single_cert(vec![chain], key.into()).unwrap();
    configuration.ticketer = rustls::crypto::ring::Ticketer::new().unwrap();
    configuration
}

/// The configuration of all servers that need no other.
pub(crate) fn shared() -> Arc<ServerConfig> {
    static SHARED: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    Arc::clone(SHARED.get_or_init(|| Arc::new(configuration())))
}

fn connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(authority().root.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth()).into()
}

/// A peer that connects over this socket, to an adapter that serves.
pub(crate) fn client(socket: TcpStream) -> Peer {
    let (near, far) = duplex(ROOM);
    runtime().spawn(async move {
        let name = ServerName::try_from("localhost").unwrap();
        relay(connector().connect(name, on_tokio(socket)).await.unwrap(), near).await;
    });
    peer(Role::Server, far)
}

/// A URL, and the peer that serves there once.
pub(crate) fn server() -> (String, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://localhost:{}/here?x=1", listener.local_addr().unwrap().port());
    let (near, far) = duplex(ROOM);
    std::thread::spawn(move || {
        let socket = listener.accept().unwrap().0;
        socket.set_nodelay(true).unwrap();
        runtime().spawn(async move {
            if let Ok(stream) = TlsAcceptor::from(shared()).accept(on_tokio(socket)).await {
                relay(stream, near).await;
            }
        })
    });
    (url, peer(Role::Client, far))
}

/// Carries both ways what comes until its end, each by itself.
async fn relay(stream: impl AsyncRead + AsyncWrite + Send + 'static, near: DuplexStream) {
    let (mut from_stream, mut to_stream) = split(stream);
    let (mut from_peer, mut to_peer) = split(near);
    tokio::spawn(async move {
        let _ = copy(&mut from_stream, &mut to_peer).await;
        let _ = to_peer.shutdown().await;
    });
    let _ = copy(&mut from_peer, &mut to_stream).await;
    let _ = to_stream.shutdown().await;
}

fn peer(of: Role, far: DuplexStream) -> Peer {
    let (read, write) = split(far);
    Peer::new(of, Blocking(read), Blocking(write))
}

/// Bytes under way between a peer and TLS.
const ROOM: usize = 64 << 10;
