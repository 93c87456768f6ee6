//! An HTTP/1.1 server on hyper whose connections may be upgraded, and its end: the loop around the programs for hyper and axum.

use std::error::Error;
use std::io;
use std::iter::successors;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use sockeye::Timeouts;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// An error of whatever kind.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Serves until it is `interrupted`. Then `stop` changes, and whatever has subscribed to it is
/// given 6 seconds to drop its receiver: the connections of HTTP do, and each WebSocket is to hold one.
///
/// A request has the peer's [`SocketAddr`] among its extensions. A connection that fails ends alone, with one line on stderr.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    stop: watch::Sender<()>,
    interrupted: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut interrupted = pin!(interrupted);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (service, stopped) = (service.clone(), stop.subscribe());
                    tokio::spawn(async move {
                        if let Err(error) = connection(stream, peer, service, stopped).await {
                            eprintln!("connection from {peer}: {}", chain(&*error));
                        }
                    });
                }
                Err(error) => {
                    eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            () = &mut interrupted => break,
        }
    }
    drop((listener, service));
    stop.send_replace(());
    if tokio::time::timeout(Duration::from_secs(6), stop.closed()).await.is_err() {
        eprintln!("some peers did not answer the close frame in time; their connections were dropped");
    }
}

async fn connection<S, B>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    mut stopped: watch::Receiver<()>,
) -> Result<(), BoxError>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    stream.set_nodelay(true)?;
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Who connects and says nothing does not hold a place; nor does who keeps a connection between two pages.
        .header_read_timeout(Timeouts::default().handshake)
        // Who has ended its half after the request is answered nonetheless.
        .half_close(true)
        .max_headers(64)
        .max_buf_size(8 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        served = connection.as_mut() => return Ok(served?),
        _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}

/// An error and what is behind it, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    successors(Some(error), |&error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Ctrl-C or, on Unix, the signal that asks to terminate: caught from here on.
#[cfg(unix)]
pub fn interruption() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C: caught from here on.
#[cfg(windows)]
pub fn interruption() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}
