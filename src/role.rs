//! Which end of the connection this is.

/// The end of the connection that an endpoint plays.
///
/// A client masks every frame that it sends and a server none
/// ([RFC 6455 section 5.1](https://www.rfc-editor.org/rfc/rfc6455#section-5.1));
/// the server closes the transport first
/// ([section 7.1.1](https://www.rfc-editor.org/rfc/rfc6455#section-7.1.1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that sent the opening handshake's request.
    Client,
    /// The end that answered it.
    Server,
}

impl Role {
    /// The role of the peer.
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// Whether frames that this end sends are masked (RFC 6455 section 5.1).
    pub const fn masks(self) -> bool {
        matches!(self, Self::Client)
    }
}
