//! An echo server on `std` alone, a thread for each connection: `cargo run --release --example sans_io`.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use sockeye::bytes::Buf;
use sockeye::handshake::{Acceptance, HandshakeError, OriginPolicy, RequestReader, Response};
use sockeye::{Config, Connection, Duty, Event, Inbox, Outbox};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9001")?;
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || serve(stream).unwrap_or_else(|error| eprintln!("{error}")));
    }
    Ok(())
}

pub(crate) fn serve(mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let (mut inbox, mut outbox) = (Inbox::new(), Outbox::new());

    // The opening handshake: read until the request is whole, answer it.
    let mut reader = RequestReader::default();
    let response = loop {
        if read(&mut stream, &mut inbox)? == 0 {
            return Ok(());
        }
        match answer(&mut reader, &mut inbox) {
            Ok(None) => {}
            Ok(Some(response)) => break response,
            Err(error) => return Ok(stream.write_all(&error.response().write())?),
        }
    };
    stream.write_all(&response.write())?;

    // The connection: events in, bytes out, until both ends are done with it.
    let mut connection = Connection::server(&Config::default());
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
                stream.shutdown(Shutdown::Write)?;
                io::copy(&mut stream, &mut io::sink())?;
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

fn answer(reader: &mut RequestReader, inbox: &mut Inbox) -> Result<Option<Response>, HandshakeError> {
    let Some((request, length)) = reader.read(inbox.unread())? else {
        return Ok(None);
    };
    inbox.consume(length);
    OriginPolicy::SameOrigin.check(&request)?;
    let (response, _agreement) = request.accept(&Acceptance::new())?;
    Ok(Some(response))
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
