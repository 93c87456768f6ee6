//! The stream that a client connects over: TCP, with or without TLS.

use core::pin::Pin;
use core::task::{Context, Poll};
#[cfg(feature = "futures-rustls")]
use std::boxed::Box;
use std::io::{self, IoSlice};

use async_net::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
#[cfg(feature = "futures-rustls")]
use futures_rustls::{TlsConnector, client::TlsStream};

#[cfg(feature = "futures-rustls")]
use crate::TlsError;
#[cfg(feature = "futures-rustls")]
use crate::adapter::tls::server_name;
use crate::handshake::Url;
use crate::{Client, IoError};

/// A TCP connection, with TLS for `wss://` or without: what [`connect`](super::connect) connects over. The socket is one of
/// async-net, which are smol's.
///
/// With TLS, the end of the transport without that of TLS (`close_notify`) is an error and not the end: `TlsError::Cut`.
#[derive(Debug)]
pub struct Stream(Kind);

#[derive(Debug)]
enum Kind {
    Plain(TcpStream),
    #[cfg(feature = "futures-rustls")]
    Secure(Box<TlsStream<TcpStream>>),
}

/// Does the same with the stream of either kind.
macro_rules! either {
    ($stream:expr, $pinned:ident => $call:expr) => {
        match &mut $stream.get_mut().0 {
            Kind::Plain(stream) => {
                let $pinned = Pin::new(stream);
                $call
            }
            #[cfg(feature = "futures-rustls")]
            Kind::Secure(stream) => {
                let $pinned = Pin::new(stream);
                $call.map_err(TlsError::in_stream)
            }
        }
    };
}

impl Stream {
    /// Connects to the host of a URL, with TLS where the URL [is secure](Url::is_secure): without the opening handshake, for who
    /// has an HTTP library carry that; see [`Client::begin`]. Whoever waits for this keeps the handshake's deadline.
    ///
    /// Cancel-safe: dropping the future drops the connection.
    ///
    /// # Errors
    /// [`IoError`]: the transport, or TLS.
    pub async fn connect(client: &Client, url: &Url) -> Result<Self, IoError> {
        if url.is_secure() {
            Self::connect_secure(client, url).await
        } else {
            Ok(Self(Kind::Plain(connect(url).await?)))
        }
    }

    #[cfg(feature = "futures-rustls")]
    async fn connect_secure(client: &Client, url: &Url) -> Result<Self, IoError> {
        let name = server_name(url.host())?;
        let trust = client.trust.clone();
        let configuration = if trust.reads() {
            ::blocking::unblock(move || trust.configuration()).await?
        } else {
            trust.configuration()?
        };
        let socket = connect(url).await?;
        let shaken = TlsConnector::from(configuration).connect(name, socket).await;
        Ok(Self(Kind::Secure(Box::new(shaken.map_err(TlsError::in_handshake)?))))
    }

    #[cfg(not(feature = "futures-rustls"))]
    async fn connect_secure(_: &Client, _: &Url) -> Result<Self, IoError> {
        Err(IoError::NoTls)
    }

    /// The TCP connection, below TLS where there is any.
    pub fn tcp(&self) -> &TcpStream {
        match &self.0 {
            Kind::Plain(socket) => socket,
            #[cfg(feature = "futures-rustls")]
            Kind::Secure(stream) => stream.get_ref().0,
        }
    }
}

/// Plain TCP that was connected elsewhere, for [`connect_over`](super::connect_over).
impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Self(Kind::Plain(socket))
    }
}

async fn connect(url: &Url) -> io::Result<TcpStream> {
    let socket = TcpStream::connect((url.host(), url.port())).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut [u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_read(context, space))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(context, slices))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(context))
    }

    /// Ends the writing half, that of TLS before that of TCP. Reading goes on.
    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_close(context))
    }
}
