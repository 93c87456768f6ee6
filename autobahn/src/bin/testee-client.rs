//! A client that echoes every message, for the suite's server:
//! `testee-client [--adapter tokio|futures|blocking] URL AGENT`.

use std::env;
use std::error::Error;

use sockeye::deflate::Options;
use sockeye::polled::{Runtime, WebSocket};
use sockeye::{Client, IoError, Message};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let (mut adapter, mut rest) = (String::from("tokio"), Vec::new());
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--adapter" => adapter = arguments.next().unwrap_or_default(),
            _ => rest.push(argument),
        }
    }
    let [url, agent] = rest.as_slice() else {
        return Err("usage: testee-client [--adapter tokio|futures|blocking] URL AGENT".into());
    };
    match adapter.as_str() {
        "tokio" => {
            let connect = async |url: &str| sockeye::tokio::connect_with(&client(), url).await;
            tokio::runtime::Runtime::new()?.block_on(polled(url, agent, connect))
        }
        "futures" => {
            let connect = async |url: &str| sockeye::futures::connect_with(&client(), url).await;
            smol::block_on(polled(url, agent, connect))
        }
        "blocking" => blocking(url, agent),
        other => Err(format!("no adapter `{other}`: choose tokio, futures or blocking").into()),
    }
}

/// The same in each of the asynchronous adapters.
async fn polled<S, R: Runtime<S>>(
    url: &str,
    agent: &str,
    connect: impl AsyncFn(&str) -> Result<WebSocket<S, R>, IoError>,
) -> Outcome<()> {
    let mut peer = connect(&count(url)).await?;
    let cases = read(peer.receive().await?)?;
    while peer.receive().await?.is_some() {}
    for case in 1..=cases {
        let echo = async {
            let mut peer = connect(&run(url, agent, case)).await?;
            while let Some(message) = peer.receive().await? {
                if message.is_data() {
                    peer.send(message).await?;
                }
            }
            Ok::<_, IoError>(())
        };
        // An error is what the suite provokes, and its server judges what came of it.
        let _ = echo.await;
    }
    let mut peer = connect(&report(url, agent)).await?;
    while peer.receive().await?.is_some() {}
    Ok(())
}

fn blocking(url: &str, agent: &str) -> Outcome<()> {
    use sockeye::blocking::connect_with;

    let mut peer = connect_with(&client(), &count(url))?;
    let cases = read(peer.receive()?)?;
    while peer.receive()?.is_some() {}
    for case in 1..=cases {
        let echo = || {
            let mut peer = connect_with(&client(), &run(url, agent, case))?;
            while let Some(message) = peer.receive()? {
                if message.is_data() {
                    peer.send(message)?;
                }
            }
            Ok::<_, IoError>(())
        };
        // An error is what the suite provokes, and its server judges what came of it.
        let _ = echo();
    }
    let mut peer = connect_with(&client(), &report(url, agent))?;
    while peer.receive()?.is_some() {}
    Ok(())
}

fn client() -> Client {
    Client::new().deflate(Options::new())
}

fn count(url: &str) -> String {
    format!("{url}/getCaseCount")
}

fn run(url: &str, agent: &str, case: u32) -> String {
    format!("{url}/runCase?case={case}&agent={agent}")
}

fn report(url: &str, agent: &str) -> String {
    format!("{url}/updateReports?agent={agent}")
}

fn read(count: Option<Message>) -> Outcome<u32> {
    match count {
        Some(Message::Text(text)) => Ok(text.trim().parse()?),
        other => Err(format!("expected the number of cases, got {other:?}").into()),
    }
}
