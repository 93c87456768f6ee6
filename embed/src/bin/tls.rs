//! An echo server on tokio with TLS: `cargo run --release -p embed --bin tls -- [ADDR] [--max-message BYTES] [--certificate FILE]`.

#[path = "../shared/certificate.rs"]
mod certificate;

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use certificate::Arguments;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sockeye::deflate::Options;
use sockeye::handshake::OriginPolicy;
use sockeye::{CloseCode, CloseFrame, Config, Server, Timeouts};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

#[tokio::main]
async fn main() -> ExitCode {
    match run(&certificate::parse("tls")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let acceptor = acceptor(arguments)?;
    let listener = TcpListener::bind(&arguments.address).await.map_err(|error| {
        format!("cannot listen on {}: {error}; choose another address, or port 0", arguments.address)
    })?;
    let mut interrupted = std::pin::pin!(interruption()?);
    println!("listening on wss://{}", listener.local_addr()?);
    eprintln!("{}", certificate::next_step(listener.local_addr()?, arguments));

    // An echo serves every page: it has nothing that a page of another site could steal.
    let config = Config::default().message_limit(arguments.max_message).frame_limit(arguments.max_message);
    let server = Arc::new(Server::new(OriginPolicy::Any).config(config).deflate(Options::new()));
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (acceptor, server, stopped) = (acceptor.clone(), Arc::clone(&server), stopped.clone());
                    connections.spawn(async move {
                        if let Err(error) = serve(&acceptor, &server, stream, stopped).await {
                            eprintln!("connection from {peer}: {error}");
                        }
                    });
                }
                Err(error) => {
                    eprintln!("cannot accept a connection: {error}; raise the limit of open files if it is reached");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
            () = &mut interrupted => break,
        }
    }
    stop.send_replace(());
    let farewell = async { while connections.join_next().await.is_some() {} };
    if timeout(Duration::from_secs(6), farewell).await.is_err() {
        eprintln!("some peers did not answer the close frame in time; their connections were dropped");
    }
    Ok(())
}

/// What rustls has to know of the server.
fn acceptor(arguments: &Arguments) -> Result<TlsAcceptor, Box<dyn Error>> {
    let (chain, key) = certificate::certify(arguments)?;
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // A client that also speaks HTTP/2 is told that a WebSocket begins with HTTP/1.1 here.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config).into())
}

async fn serve(
    acceptor: &TlsAcceptor,
    server: &Server,
    stream: TcpStream,
    mut stopped: watch::Receiver<()>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let accepting = async {
        let patience = Timeouts::default().handshake.unwrap_or(Duration::MAX);
        let stream = timeout(patience, acceptor.accept(stream)).await.map_err(|_| "no TLS handshake in time")?;
        let stream = stream.map_err(|error| format!("no TLS: {error}"))?;
        Ok::<_, Box<dyn Error + Send + Sync>>(sockeye::tokio::accept_with(server, stream).await?)
    };
    let mut connection = tokio::select! {
        accepted = accepting => accepted?,
        _ = stopped.changed() => return Ok(()),
    };
    loop {
        tokio::select! {
            received = connection.receive() => match received? {
                Some(message) if message.is_data() => connection.feed(message).await?,
                Some(_) => {}
                None => return Ok(()),
            },
            _ = stopped.changed() => {
                connection.close(Some(CloseFrame::new(CloseCode::GOING_AWAY, "the server stops"))).await?;
                return Ok(());
            }
        }
    }
}

/// Ctrl-C or, on Unix, the signal that asks to terminate: caught from here on.
#[cfg(unix)]
fn interruption() -> io::Result<impl Future<Output = ()>> {
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
fn interruption() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}
