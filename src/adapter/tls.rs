//! TLS for `wss://`, by rustls with ring: whom a client trusts, and who a server is.

mod error;

use core::fmt;
use std::string::String;
use std::sync::{Arc, OnceLock};
use std::vec::Vec;
use std::{format, vec};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

pub use error::{TlsError, WrongName};

/// The certificates of the authorities that a client trusts to say who a server is.
///
/// ```
/// use sockeye::{Client, Roots};
///
/// # let certificate = rcgen::generate_simple_self_signed(["localhost".into()])?.cert.pem();
/// # let pem = certificate.as_bytes();
/// // A server of one's own with a self-signed certificate, and the servers of the world.
/// let client = Client::new().roots(Roots::pem(pem)?.and(Roots::system()));
/// # let _ = client;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Roots {
    system: bool,
    given: RootCertStore,
}

impl Roots {
    /// Those that the operating system trusts. They are read when a client first connects by `wss://`, on Unix from the file
    /// that the environment variable `SSL_CERT_FILE` names or the folders of `SSL_CERT_DIR`, where these are set.
    pub fn system() -> Self {
        Self { system: true, given: RootCertStore::empty() }
    }

    /// Those of a text in PEM: one certificate or many. What else is in it is passed over.
    ///
    /// # Errors
    /// [`TlsError::Certificates`] where there is none, or one cannot be read.
    pub fn pem(text: &[u8]) -> Result<Self, TlsError> {
        let mut roots = Self { system: false, given: RootCertStore::empty() };
        for certificate in certificates(text)? {
            roots.add(certificate)?;
        }
        Ok(roots)
    }

    /// A single certificate in DER.
    ///
    /// # Errors
    /// [`TlsError::Certificates`] where it cannot be read.
    pub fn der(certificate: &[u8]) -> Result<Self, TlsError> {
        let mut roots = Self { system: false, given: RootCertStore::empty() };
        roots.add(CertificateDer::from(certificate))?;
        Ok(roots)
    }

    /// These and the others.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.system |= other.system;
        self.given.extend(other.given.roots);
        self
    }

    fn add(&mut self, certificate: CertificateDer<'_>) -> Result<(), TlsError> {
        self.given.add(certificate).map_err(|error| TlsError::Certificates(format!("{error}").into()))
    }

    /// All of them, with what has to be read.
    fn store(&self) -> Result<RootCertStore, TlsError> {
        let mut store = self.given.clone();
        let mut why = None;
        if self.system {
            // What cannot be read, or rustls cannot use, is of no interest where others are there.
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
            why = found.errors.first().map(|error| format!("{error}").into());
        }
        if store.is_empty() { Err(TlsError::NoRoots(why)) } else { Ok(store) }
    }
}

/// Whom a client trusts, and what comes of it: shared by its clones, so that their sessions are resumed too.
#[derive(Clone)]
pub(crate) struct Trust(Arc<(Roots, OnceLock<Arc<ClientConfig>>)>);

impl Trust {
    pub(crate) fn new(roots: Roots) -> Self {
        Self(Arc::new((roots, OnceLock::new())))
    }

    /// Whether [`configuration`](Self::configuration) has to read files.
    #[cfg(any(feature = "tokio-rustls", feature = "futures-rustls"))]
    pub(crate) fn reads(&self) -> bool {
        self.0.0.system && self.0.1.get().is_none()
    }

    /// Made when it is first needed. A failure is not kept.
    pub(crate) fn configuration(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let (roots, made) = &*self.0;
        if let Some(configuration) = made.get() {
            return Ok(Arc::clone(configuration));
        }
        // The process may have no default provider, or one of somebody else's choice.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut configuration = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::of)?
            .with_root_certificates(roots.store()?)
            .with_no_client_auth();
        configuration.alpn_protocols = protocols();
        Ok(Arc::clone(made.get_or_init(|| Arc::new(configuration))))
    }

    /// A session with a server of this name.
    pub(crate) fn session(&self, host: &str) -> Result<ClientConnection, TlsError> {
        ClientConnection::new(self.configuration()?, server_name(host)?).map_err(TlsError::of)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.fmt(f)
    }
}

impl Default for Trust {
    fn default() -> Self {
        Self::new(Roots::system())
    }
}

/// The name that a server's certificate has to be for.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(String::from(host)).map_err(|_| TlsError::Name(host.into()))
}

/// Who a server is: its certificate and the key to it.
///
/// It serves with TLS 1.2 and 1.3 and asks clients for no certificate. Clones share it, and the tickets by which clients
/// resume their sessions. A server that wants more makes its streams with a TLS library, and accepts over these.
#[derive(Clone)]
pub struct Identity(Arc<ServerConfig>);

impl Identity {
    /// Of texts in PEM: the server's certificate followed by those between it and a root, and its private key in PKCS #8,
    /// PKCS #1 or SEC1. Both may stand in one text.
    ///
    /// # Errors
    /// [`TlsError::Certificates`] or [`TlsError::Key`] where one of them is missing or cannot be read, or does not belong to
    /// the other.
    pub fn pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let wrong = |error: &dyn fmt::Display| TlsError::Key(format!("{error}").into());
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| wrong(&error))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut configuration = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::of)?
            .with_no_client_auth()
            .with_single_cert(certificates(chain)?, key)
            .map_err(|error| match error {
                rustls::Error::InvalidCertificate(why) => TlsError::Certificates(format!("{why}").into()),
                error => wrong(&error),
            })?;
        configuration.alpn_protocols = protocols();
        Ok(Self(Arc::new(configuration)))
    }

    /// A session with a client.
    pub(crate) fn session(&self) -> Result<ServerConnection, TlsError> {
        ServerConnection::new(Arc::clone(&self.0)).map_err(TlsError::of)
    }
}

/// Without the key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// The certificates of a text in PEM, of which there has to be one.
fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if found.is_empty() => Err(TlsError::Certificates("there is none in it".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(TlsError::Certificates(format!("{error}").into())),
    }
}

/// What is spoken within (RFC 7301): the opening handshake is HTTP/1.1.
fn protocols() -> Vec<Vec<u8>> {
    vec![b"http/1.1".to_vec()]
}
