//! Why TLS failed.

use core::fmt;
use core::time::Duration;
use std::boxed::Box;
use std::format;
use std::io;
use std::string::String;
use std::vec::Vec;

use rustls::{AlertDescription, CertificateError, InvalidMessage, PeerIncompatible};

use crate::adapter::IoError;

/// Why a connection by TLS failed, or cannot be tried.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// The system has no certificates of authorities, and none were given. Where some could not be read, why the first could
    /// not.
    NoRoots(Option<Box<str>>),
    /// What was given as certificates cannot be read as such, and why.
    Certificates(Box<str>),
    /// What was given as a private key cannot be read as such or is not the certificate's, and why.
    Key(Box<str>),
    /// The host of the URL can be no name in a certificate.
    Name(Box<str>),
    /// The server's certificate comes from nobody whom the client trusts.
    UnknownIssuer,
    /// The server's certificate is for others.
    WrongName(Box<WrongName>),
    /// The server's certificate has expired, so long ago.
    Expired(Duration),
    /// The server's certificate is not valid yet, and will be so much later.
    NotYetValid(Duration),
    /// The server's certificate is wrong in another way.
    Certificate(Box<str>),
    /// The peer does not speak TLS.
    NotTls,
    /// The peer speaks neither TLS 1.2 nor 1.3.
    Version,
    /// Both speak TLS, and have something else not in common.
    Incompatible(Box<str>),
    /// The peer refused the connection with this alert (RFC 8446 section 6.2).
    Refused(Box<str>),
    /// The transport ended inside of the TLS handshake.
    HandshakeCut,
    /// The transport ended without the end of TLS (`close_notify`, RFC 8446 section 6.1): it may have been cut.
    Cut,
    /// Something else, such as a record that was changed on its way.
    Other(Box<str>),
}

/// A name that was expected, and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongName {
    /// The host of the URL.
    pub expected: String,
    /// The names that the certificate is for, in the order in which they stand in it.
    pub presented: Vec<String>,
}

impl TlsError {
    /// What an error of a stream is that came while rustls shook hands over it.
    pub(crate) fn in_handshake(error: io::Error) -> IoError {
        match error.downcast::<rustls::Error>() {
            Ok(error) => IoError::Tls(Self::of(error)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => IoError::Tls(Self::HandshakeCut),
            Err(error) => error.into(),
        }
    }

    /// What becomes of an error of a stream that is rustls's, or the lack of an end.
    #[cfg(any(feature = "tokio-rustls", feature = "futures-rustls"))]
    pub(crate) fn in_stream(error: io::Error) -> io::Error {
        match error.downcast::<rustls::Error>() {
            Ok(error) => Self::of(error).into(),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Self::Cut.into(),
            Err(error) => error,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoots(why) => {
                f.write_str("found no certificates of authorities on this system")?;
                if let Some(why) = why {
                    write!(f, " ({why})")?;
                }
                f.write_str(
                    ": install them (a package is often called ca-certificates), name their file in SSL_CERT_FILE, or \
                     give some with `Client::roots`",
                )
            }
            Self::Certificates(why) => write!(f, "expected certificates that can be read: {why}"),
            Self::Key(why) => write!(f, "expected a private key in PEM that belongs to the certificate: {why}"),
            Self::Name(host) => write!(f, "expected a host that a certificate can be for, got \"{host}\""),
            Self::UnknownIssuer => f.write_str(
                "the server's certificate was issued by nobody whom this client trusts: where it is the right one, as a \
                 self-signed one may be, add the issuer's certificate with `Client::roots`",
            ),
            Self::WrongName(names) => names.fmt(f),
            Self::Expired(ago) => write!(
                f,
                "the server's certificate expired {} ago by this machine's clock: the server has to renew it, or the \
                 clock is wrong",
                Rough(*ago)
            ),
            Self::NotYetValid(until) => write!(
                f,
                "the server's certificate will be valid in {} by this machine's clock: see whether the clock is right",
                Rough(*until)
            ),
            Self::Certificate(why) => write!(f, "the server's certificate cannot be accepted: {why}"),
            Self::NotTls => f.write_str(
                "expected TLS, but the peer speaks something else on this port: see whether ws:// is meant, or another port",
            ),
            Self::Version => f.write_str("expected TLS 1.2 or 1.3, but the peer speaks neither: it has to be updated"),
            Self::Incompatible(why) => write!(f, "the peer and this end cannot agree on how to speak TLS: {why}"),
            Self::Refused(alert) => write!(f, "the peer refused the TLS connection with the alert {alert}"),
            Self::HandshakeCut => f.write_str(
                "expected the rest of the TLS handshake, but the peer ended the transport: see whether it speaks TLS on \
                 this port",
            ),
            Self::Cut => f.write_str(
                "expected the end of TLS (close_notify) before that of the transport, but the peer ended it without: it \
                 has failed, or was cut off",
            ),
            Self::Other(why) => write!(f, "TLS failed: {why}"),
        }
    }
}

impl std::error::Error for TlsError {}

impl fmt::Display for WrongName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected a certificate for \"{}\", but the server's is for ", self.expected)?;
        match self.presented.split_first() {
            None => f.write_str("no name")?,
            Some((first, others)) => {
                // A name is what the peer says it is: nothing of it may look like a line of a log.
                write!(f, "{first:?}")?;
                others.iter().take(SHOWN - 1).try_for_each(|name| write!(f, ", {name:?}"))?;
                if self.presented.len() > SHOWN {
                    write!(f, " and {} more", self.presented.len() - SHOWN)?;
                }
            }
        }
        f.write_str(": connect by a name of its own")
    }
}

/// A duration in its largest unit.
struct Rough(Duration);

impl fmt::Display for Rough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (count, unit) = match seconds {
            0..120 => (seconds, "seconds"),
            120..7_200 => (seconds / 60, "minutes"),
            7_200..172_800 => (seconds / 3_600, "hours"),
            _ => (seconds / 86_400, "days"),
        };
        write!(f, "{count} {unit}")
    }
}

/// From rustls's errors: no `From`, as these types are no part of the interface.
impl TlsError {
    pub(crate) fn of(error: rustls::Error) -> Self {
        use rustls::Error;
        match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            Error::AlertReceived(AlertDescription::ProtocolVersion)
            | Error::InvalidMessage(InvalidMessage::UnknownProtocolVersion)
            | Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::SupportedVersionsExtensionRequired,
            ) => Self::Version,
            Error::PeerIncompatible(why) => Self::Incompatible(format!("{why:?}").into()),
            Error::NoApplicationProtocol => Self::Incompatible("expected http/1.1 within (RFC 7301)".into()),
            Error::AlertReceived(alert) => Self::Refused(format!("{alert:?}").into()),
            other => Self::Other(format!("{other}").into()),
        }
    }

    fn of_certificate(error: CertificateError) -> Self {
        let between = |one: u64, other: u64| Duration::from_secs(one.saturating_sub(other));
        match error {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::ExpiredContext { time, not_after } => {
                Self::Expired(between(time.as_secs(), not_after.as_secs()))
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                Self::NotYetValid(between(not_before.as_secs(), time.as_secs()))
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                let presented = presented.iter().map(|name| bare(name)).collect();
                Self::WrongName(Box::new(WrongName { expected: expected.to_str().into_owned(), presented }))
            }
            CertificateError::BadSignature => Self::Certificate(
                "its signature is not that of the issuer whom this client trusts under the same name: where the issuer \
                 has a new certificate, give that one with `Client::roots`"
                    .into(),
            ),
            // Rustls has no name for it, and hands over what the library below says.
            CertificateError::Other(why) if format!("{why}") == "CaUsedAsEndEntity" => Self::Certificate(
                "it is an authority's own certificate: issue one for the host from it, or make it without CA:TRUE".into(),
            ),
            other => Self::Certificate(format!("{other}").into()),
        }
    }
}

/// A name that rustls presents by its kind, such as `DnsName("localhost")`.
fn bare(name: &str) -> String {
    let inner = name.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')'));
    String::from(inner.unwrap_or(name).trim_matches('"'))
}

/// What a stream makes of it.
impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        let kind = match error {
            TlsError::HandshakeCut | TlsError::Cut => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// Names of a certificate that are shown.
const SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_small() {
        assert!(size_of::<TlsError>() <= 32, "{}", size_of::<TlsError>());
    }
}
