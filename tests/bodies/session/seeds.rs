//! Programs to start from.

use crate::bodies::{Seed, seed};

/// Programs of all kinds, by the letter.
pub fn seeds() -> Vec<Seed> {
    const CLIENT: u8 = 0;
    const SERVER: u8 = 0x80;
    let plain = [0, 0, 0, 0, 0, 0];
    let timed = [0, 0, 64, 0, 0, 0];
    let takeover = [0x0F, 0x0F, 0x11, 0, 0, 0];
    let small_windows = [1, 0, 0x01, 0, 0, 0];
    let text = |side: u8, length: u8| [side, length, 1];
    let binary = |side: u8, length: u8| [side | 1, length, 2];
    let all = [31u8];
    let ping = |side: u8| [side | 4, 3, b'a', b'b', b'c'];
    let fragment = |side: u8, length: u8, last: u8| [side | 6, length, 0, last];
    let close = |side: u8, code: u8| [side | 9, code, 4, 0];
    let wait = |high: u8| [24, high, 0];
    let (c, s) = (CLIENT, SERVER);
    let half = [binary(c, 60).as_slice(), &[c | 10, 99, c | 15, 30, s | 22]].concat();
    vec![
        seed("late-pong", &[&plain, &wait(120), &wait(40), &all, &wait(50), &all]),
        seed("write-all-but-one", &[&plain, &[s | 3, 250, 0, s | 14, 11, 3], &all, &text(s, 9), &all]),
        seed(
            "pong-that-waits",
            &[
                &plain,
                &binary(s, 254),
                &binary(s, 254),
                &ping(c),
                &[c | 14, 1, 0, c | 18, 1, 0, s | 22],
                &text(s, 9),
                &all,
            ],
        ),
        seed("text", &[&plain, &text(c, 20), &text(s, 30), &all]),
        seed("binary", &[&plain, &binary(c, 20), &binary(s, 250), &all]),
        seed("shared", &[&plain, &[s | 3, 241, 0], &[s | 2, 242, 1], &all, &text(s, 3), &all]),
        seed("pings", &[&plain, &ping(c), &ping(s), &all, &ping(c), &[c | 5, 2, b'x', b'y'], &all, &all]),
        seed("many-pings", &[&plain, &ping(c).repeat(60), &all, &all]),
        seed("fragments", &[&plain, &fragment(c, 9, 0), &ping(c), &fragment(c, 5, 0), &fragment(c, 1, 1), &all]),
        seed("fragments-left-open", &[&plain, &fragment(s, 9, 0), &all, &text(s, 3), &close(c, 1), &all]),
        seed("fragments-of-other-kind", &[&plain, &fragment(s, 9, 0), &[s | 7, 3, 0, 1], &fragment(s, 2, 1), &all]),
        seed("by-byte", &[&plain, &text(c, 5), &[c | 10, 0, c | 15, 0, s | 21].repeat(12), &all]),
        seed(
            "in-halves",
            &[&plain, &binary(c, 245), &[c | 14, 20, 0, c | 18, 10, 0, s | 22, c | 18, 9, 0, s | 23], &all],
        ),
        seed("whole-then-pieces", &[&plain, &binary(c, 60), &[c | 10, 30, c | 15, 30, s | 20, s | 21, s | 20], &all]),
        seed("close", &[&plain, &close(c, 1), &all, &all]),
        seed("close-both", &[&plain, &close(c, 1), &close(s, 2), &all, &all]),
        seed("close-illegal", &[&plain, &close(c, 7), &close(c, 8), &close(c, 10), &close(s, 6), &all]),
        seed("close-after-text", &[&plain, &text(s, 50), &close(s, 0), &text(s, 3), &text(c, 3), &ping(s), &all]),
        seed("cut", &[&plain, &text(c, 50), &[c | 10, 9, 29, 255], &text(c, 3), &text(s, 3)]),
        seed("cut-closing", &[&plain, &close(c, 1), &[c | 10, 200, 29, 255], &all]),
        seed(
            "outbox-full",
            &[&[0, 0, 0, 2, 0, 0], &binary(c, 150), &binary(c, 150), &ping(c), &all, &binary(c, 150), &all],
        ),
        seed("outbox-none", &[&[0, 0, 0, 3, 0, 0], &text(c, 1), &ping(s), &close(s, 1), &all]),
        seed("message-limit", &[&[0, 0, 0, 0, 3, 0], &text(c, 8), &text(c, 60), &text(c, 3), &text(s, 3), &all, &all]),
        seed("fragment-limit", &[&[0, 0, 0, 0, 0, 2], &fragment(s, 1, 0).repeat(4), &all, &all]),
        seed("silence", &[&plain, &wait(120), &all, &wait(120), &wait(80)]),
        seed("no-pong", &[&plain, &wait(120), &wait(80)]),
        seed("slow-close", &[&plain, &close(c, 1), &wait(10), &wait(20)]),
        seed("drip", &[&timed, &half, &wait(80), &[c | 15, 9, s | 22], &wait(80)]),
        seed("drip-in-time", &[&timed, &half, &wait(80), &[c | 15, 99, s | 22], &wait(80), &all]),
        seed("broadcast", &[&takeover, &[s | 8, 200, 0, c | 8, 200, 0], &all]),
        seed("broadcast-stateless", &[&[7, 7, 1, 0, 0, 0], &[s | 8, 200, 0, s | 8, 100, 0], &all, &text(s, 90), &all]),
        seed("compressed", &[&takeover, &text(c, 200), &text(c, 200), &all, &text(s, 250), &text(s, 250), &all]),
        seed("compressed-small-windows", &[&small_windows, &binary(c, 250), &text(c, 250), &binary(s, 250), &all]),
        seed(
            "compressed-fragments",
            &[&takeover, &fragment(c, 100, 0), &fragment(c, 0, 0), &ping(c), &fragment(c, 90, 1), &all],
        ),
        seed("compressed-by-byte", &[&takeover, &text(c, 60), &[c | 10, 0, c | 15, 0, s | 20].repeat(40), &all]),
        seed(
            "compressed-idle",
            &[&takeover, &text(c, 200), &all, &wait(50), &[27, s | 27], &text(c, 200), &text(s, 200), &all],
        ),
        seed("compressed-limit", &[&[0x0F, 0x0F, 1, 0, 2, 0], &text(c, 200), &text(c, 245), &all, &all]),
        seed("compressed-threshold", &[&[0x0F, 0x0F, 3, 0, 0, 0], &text(c, 20), &text(c, 250), &text(c, 30), &all]),
        seed(
            "memory",
            &[&plain, &binary(c, 242), &[c | 10, 99, c | 15, 50, s | 22, s | 25, s | 26, 80, s | 28, c | 28], &all],
        ),
    ]
}
