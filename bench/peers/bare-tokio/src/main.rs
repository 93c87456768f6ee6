//! An echo of bytes on tokio, without any protocol: what its runtime and the system's sockets cost.

use peer::{Peer, server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct BareTokio;

fn main() {
    peer::run(&BareTokio);
}

impl Peer for BareTokio {
    const SETTINGS: &'static str = "bytes echoed by tokio on one thread, in reads of 64 KiB, each a task; no protocol";

    fn serve(&self, address: &str) -> Option<()> {
        server::serve(address, async |mut stream| {
            let mut space = vec![0; READ];
            loop {
                match stream.read(&mut space).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => {
                        if stream.write_all(&space[..count]).await.is_err() {
                            return;
                        }
                    }
                }
            }
        })
    }
}

const READ: usize = 64 << 10;
