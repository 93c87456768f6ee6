//! A connection in each state that it can be in.

use sockeye::{Config, Role};

use crate::common::*;

/// Every state, with its name; what brought the connection there has left its outbox.
pub(crate) fn states(role: Role) -> Vec<(&'static str, End)> {
    let peer = role.peer();
    let names = [
        "open",
        "fragment sent",
        "fragment received",
        "close sent",
        "close received",
        "closed by this end",
        "closed by the peer",
        "failed",
        "lost",
        "lost after the close was sent",
        "lost after the close was received",
        "closed and ended",
    ];
    let bring = |name: &'static str| {
        let mut end = End::with(role, &Config::default().auto_close(!name.ends_with("received")));
        let close_frame = close(peer, 1000, "");
        match name {
            "open" => {}
            "fragment sent" => end.connection.send_text_fragment("a", false, &mut end.outbox).unwrap(),
            "fragment received" => end.read(Door::Whole, &part(peer, TEXT, "a")),
            "close sent" => end.connection.close(None, &mut end.outbox).unwrap(),
            "close received" | "closed by the peer" => end.read(Door::Whole, &close_frame),
            "closed by this end" => {
                end.connection.close(None, &mut end.outbox).unwrap();
                end.read(Door::Whole, &close_frame);
            }
            "failed" => end.read(Door::Whole, &[0xFF, mask_bit(peer)]),
            "lost" => end.connection.receive_eof(),
            "lost after the close was sent" => {
                end.connection.close(None, &mut end.outbox).unwrap();
                end.connection.receive_eof();
            }
            "lost after the close was received" => {
                end.read(Door::Whole, &close_frame);
                end.connection.receive_eof();
            }
            "closed and ended" => {
                end.read(Door::Whole, &close_frame);
                end.connection.receive_eof();
            }
            other => panic!("{other}"),
        }
        drain(&mut end.outbox);
        (name, end)
    };
    names.map(bring).into()
}
