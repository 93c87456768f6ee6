//! The accepting loop of peers on tokio.

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
