//! An echo server on `std` alone, a thread for each connection: `cargo run --release --example sans_io`.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use sockeye::bytes::Buf;
use sockeye::deflate::Options;
use sockeye::handshake::{Acceptance, HandshakeError, OriginPolicy, RequestReader, Response};
use sockeye::{Config, Connection, Duty, Event, Inbox, Outbox};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9001")?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                thread::spawn(|| serve(stream).unwrap_or_else(|error| eprintln!("{error}")));
            }
            Err(error) => {
                eprintln!("cannot accept a connection: {error}");
                thread::sleep(Duration::from_millis(100)); // until one of the open ones has ended
            }
        }
    }
}

pub(crate) fn serve(mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.set_write_timeout(Some(Duration::from_secs(60)))?;
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());

    // The opening handshake: read until the request is whole, answer it.
    let mut reader = RequestReader::default();
    let (response, mut connection) = loop {
        if read(&mut stream, &mut inbox)? == 0 {
            return Ok(());
        }
        match answer(&mut reader, &mut inbox) {
            Ok(None) => {}
            Ok(Some(accepted)) => break accepted,
            Err(error) => return Ok(stream.write_all(&error.response().write())?),
        }
    };
    stream.write_all(&response.write())?;

    // The connection: events in, bytes out, until both ends are done with it.
    loop {
        let echoed = echo(&mut connection, &mut inbox, &mut outbox);
        while outbox.has_remaining() {
            let written = stream.write(outbox.chunk())?;
            outbox.advance(written);
        }
        match connection.duty() {
            Duty::Carry => {
                if read(&mut stream, &mut inbox)? == 0 {
                    connection.receive_eof();
                }
            }
            Duty::ShutDown => {
                let _ = linger(&mut stream); // however the peer takes it: this end is done
                connection.receive_eof();
            }
            Duty::Drop => return Ok(echoed?),
        }
    }
}

fn read(stream: &mut TcpStream, inbox: &mut Inbox) -> io::Result<usize> {
    let count = stream.read(inbox.space(4096))?;
    inbox.filled(count);
    Ok(count)
}

/// Reads what is still under way, or TCP would reset the connection before the peer has seen the close frame.
fn linger(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let start = Instant::now();
    while stream.read(&mut [0; 4096])? > 0 && start.elapsed() < Duration::from_secs(5) {}
    Ok(())
}

fn answer(reader: &mut RequestReader, inbox: &mut Inbox) -> Result<Option<(Response, Connection)>, HandshakeError> {
    let Some((request, length)) = reader.read(inbox.unread())? else {
        return Ok(None);
    };
    inbox.consume(length);
    OriginPolicy::SameOrigin.check(&request)?;
    let (mut acceptance, mut connection) = (Acceptance::new(), Connection::server(&Config::default()));
    let compression = Options::new();
    if let Some((extension, parameters)) = compression.answer(&request.extensions()?) {
        acceptance = acceptance.with_extension(extension)?;
        connection = connection.with_deflate(parameters, &compression);
    }
    let (response, _agreement) = request.accept(&acceptance)?;
    Ok(Some((response, connection)))
}

fn echo(connection: &mut Connection, inbox: &mut Inbox, outbox: &mut Outbox) -> Result<(), sockeye::Error> {
    while let Some(event) = connection.receive(inbox, outbox)? {
        match event {
            Event::Text(text) => connection.send_text(&text, outbox)?,
            Event::Binary(data) => connection.send_binary(&data, outbox)?,
            Event::Ping(_) | Event::Pong(_) => {} // the pong is in the outbox already
            Event::Close(_) => {}                 // and so is the answer to the close
        }
    }
    Ok(())
}
