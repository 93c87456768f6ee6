//! What a connection holds while it waits.

use std::pin::pin;

use sockeye::Role;
use sockeye::polled::WebSocket;

use crate::peer::{BINARY, FIN, TEXT, frame};
use crate::scripted::{Script, open_now, poll_once};

/// Bytes that are allocated in all by what this does.
pub(crate) fn allocated_by(work: impl FnOnce()) -> usize {
    allocation_counter::measure(work).bytes_total as usize
}

polled! {
    /// Heap of a connection that waits for bytes, before and after it has served some; the script's own memory aside.
    fn an_idle_connection_holds_no_buffer<A>() {
        for (role, most) in [(Role::Server, 96), (Role::Client, 544)] {
            let masks = role == Role::Server;
            let told = [frame(FIN | TEXT, "연어".as_bytes(), masks), frame(FIN | BINARY, &[1; 50_000], masks)].concat();
            let script = Script::new();
            let mut warm = open_now::<A>(role, &script);
            let serve = |socket: &mut WebSocket<Script, A>| {
                script.tell(&told);
                for _ in 0..2 {
                    let std::task::Poll::Ready(Ok(Some(message))) = poll_once(&mut pin!(socket.receive())) else {
                        panic!("expected a message")
                    };
                    assert!(poll_once(&mut pin!(socket.send(message))).is_ready());
                }
                assert!(poll_once(&mut pin!(socket.receive())).is_pending());
                let mut state = script.state();
                (state.incoming, state.written) = (Vec::new(), Vec::new());
            };
            // The memory that a thread's connections share is there already.
            serve(&mut warm);
            for serves in [false, true] {
                let mut sockets = Vec::with_capacity(COUNT);
                let held = allocation_counter::measure(|| {
                    for _ in 0..COUNT {
                        let mut socket = open_now::<A>(role, &script);
                        assert!(poll_once(&mut pin!(socket.receive())).is_pending());
                        if serves {
                            serve(&mut socket);
                        }
                        sockets.push(socket);
                    }
                    let mut state = script.state();
                    (state.incoming, state.written) = (Vec::new(), Vec::new());
                });
                let each = held.bytes_current / COUNT as i64;
                assert!(each <= most, "{role:?}: {each} bytes of heap each, {serves}");
            }
        }
    }
}

const COUNT: usize = 50;

polled! {
    /// A handshake that waits for its peer holds no more than has come of it.
    fn a_handshake_that_waits_holds_no_buffer<A>() {
        let script = Script::new();
        drop(open_now::<A>(Role::Server, &script));
        let server = crate::scripted::patient();
        let hold = |told: &[u8]| {
            let mut waiting = Vec::with_capacity(COUNT);
            let held = allocation_counter::measure(|| {
                for _ in 0..COUNT {
                    script.tell(told);
                    let mut accepting = Box::pin(A::accept_with(&server, script.clone()));
                    assert!(poll_once(&mut accepting.as_mut()).is_pending());
                    waiting.push(accepting);
                }
                script.state().incoming = Vec::new();
            });
            held.bytes_current / COUNT as i64
        };
        let nothing = hold(b"");
        assert!(nothing <= 3500, "{nothing} bytes each, its future in them");
        let something = hold(b"GET / HTTP/1.1\r\n") - nothing;
        assert!(something <= 256, "{something} bytes each for what has come");
    }

    /// Frames that come in parts are read through the memory that is shared: no part costs a buffer.
    fn a_frame_in_parts_costs_no_buffer<A>() {
        let script = Script::new();
        let mut socket = open_now::<A>(Role::Server, &script);
        let frame = frame(FIN | BINARY, &[1; 40], true);
        let mut serve = || {
            for byte in &frame {
                assert!(poll_once(&mut pin!(socket.receive())).is_pending());
                script.tell(&[*byte]);
            }
            assert!(poll_once(&mut pin!(socket.receive())).is_ready());
        };
        serve();
        let allocated = allocated_by(|| (0..10).for_each(|_| serve()));
        let each = allocated / (10 * frame.len());
        assert!(each <= 256, "{each} bytes allocated for each part");
    }
}

/// What its documentation says of the size of a connection.
#[test]
fn a_connection_is_small() {
    let size = size_of::<sockeye::tokio::WebSocket<tokio::net::TcpStream>>();
    assert!(size <= 448, "{size}");
    // What a client has, which may speak TLS: that is elsewhere.
    let size = size_of::<sockeye::tokio::WebSocket<sockeye::tokio::Stream>>();
    assert!(size <= 448, "{size}");
    let size = size_of::<sockeye::futures::WebSocket<smol::net::TcpStream>>();
    assert!(size <= 528, "{size}");
    let size = size_of::<sockeye::futures::WebSocket<sockeye::futures::Stream>>();
    assert!(size <= 528, "{size}");
}

/// What a handshake needs stays out of the task that waits for it, which goes on with the connection.
#[test]
fn a_handshake_takes_little_of_its_task() {
    use sockeye::handshake::{Acceptance, Response};
    use sockeye::tokio::{accept_with, incoming};

    let server = crate::scripted::patient();
    let asked = || {
        let script = Script::new();
        script.tell(crate::peer::request("").as_bytes());
        crate::ends::runtime().block_on(incoming(&server, script)).unwrap()
    };
    let (acceptance, response) = (Acceptance::new(), Response::new(404).unwrap());
    for (what, size) in [
        ("accept_with", size_of_val(&accept_with(&server, Script::new()))),
        ("incoming", size_of_val(&incoming(&server, Script::new()))),
        ("accept", size_of_val(&asked().accept())),
        ("accept_as", size_of_val(&asked().accept_as(&acceptance))),
        ("respond", size_of_val(&asked().respond(&response))),
    ] {
        assert!(size <= 512, "{what}: {size}");
    }
}
