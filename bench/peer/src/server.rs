//! The accepting loop of peers on tokio.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

/// Serves each connection by a task, on one thread.
pub fn serve(address: &str, handle: impl AsyncFn(TcpStream) + Clone + 'static) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind(address).await.ok()?;
        println!("listening on ws://{}", listener.local_addr().ok()?);
        loop {
            let (stream, _) = listener.accept().await.ok()?;
            let _ = stream.set_nodelay(true);
            let handle = handle.clone();
            spawn_local(async move { handle(stream).await });
        }
    })
}

/// Answers the request of the load, for peers that leave the opening handshake to others. The load sends the key of RFC 6455
/// section 1.3, and nothing behind the request before it is answered.
///
/// # Errors
/// Those of the stream, and a request that is not like that.
pub async fn shake_hands(stream: &mut TcpStream) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 || request.len() > MOST {
            return Err(ErrorKind::InvalidData.into());
        }
    }
    stream.write_all(ANSWER).await
}

const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// The most that a request may have.
const MOST: usize = 8 << 10;
