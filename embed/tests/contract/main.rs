//! One contract, stated once and held against every program: as a server, and mirrored as a client.
//!
//! The programs run as their users start them, and the peer is made of bytes alone. A test has the name of the program and
//! of the rule: `servers::epoll::answers_pings`.

#![cfg(unix)]

mod closing;
mod compression;
mod errors;
mod handshake;
mod pressure;
mod program;
mod stage;
mod stopping;
mod tls;
mod traffic;
#[path = "../../../tests/adapters/wire.rs"]
mod wire;

use program::{Program, Role};

/// A test for each rule, against one program.
macro_rules! tests {
    ($role:ident, $tls:ident, $program:ident: $($file:ident::{$($rule:ident),* $(,)?})*) => {
        $($(
            #[test]
            fn $rule() {
                let path = env!(concat!("CARGO_BIN_EXE_", stringify!($program)));
                let (role, tls) = (crate::Role::$role, stringify!($tls) == "tls");
                crate::$file::$rule(crate::Program { role, path, tls });
            }
        )*)*
    };
}

/// Everything that a server has to keep.
macro_rules! server {
    ($tls:ident: $($program:ident)*) => {
        $(mod $program {
            tests! { Server, $tls, $program:
                handshake::{
                    shakes_hands_byte_by_byte,
                    hears_frames_behind_the_head,
                    answers_a_foreign_version_with_426,
                    refuses_a_bad_key,
                    refuses_a_request_that_lacks_a_header,
                    drops_who_does_not_shake_hands,
                }
                errors::{serves_on_beside_failing_connections}
            }
            either! { Server, $tls, $program }
        })*
    };
}

/// Everything that a client has to keep.
macro_rules! client {
    ($tls:ident: $($program:ident)*) => {
        $(mod $program {
            tests! { Client, $tls, $program:
                handshake::{
                    shakes_hands_byte_by_byte,
                    hears_frames_behind_the_head,
                    refuses_a_response_that_is_not_an_acceptance,
                    says_which_status_it_got,
                    drops_who_does_not_shake_hands,
                }
            }
            either! { Client, $tls, $program }
        })*
    };
}

/// Everything that holds in both roles.
macro_rules! either {
    ($role:ident, $tls:ident, $program:ident) => {
        tests! { $role, $tls, $program:
            traffic::{
                echoes_every_length,
                joins_fragments_and_answers_pings_between,
                answers_pings,
                ignores_pongs_that_nobody_asked_for,
                echoes_a_large_message,
            }
            closing::{
                answers_a_close_with_its_code,
                answers_a_close_without_a_code,
                closes_with_1001_when_stopped,
                ends_when_the_peer_ends_without_a_close,
                ends_when_the_peer_ends_inside_a_frame,
                survives_a_reset_inside_a_frame,
            }
            errors::{
                fails_frames_against_the_rules_with_1002,
                fails_text_that_is_no_utf8_with_1007,
                fails_messages_over_the_limit_with_1009,
                answers_what_was_good_before_it_fails,
            }
            compression::{
                agrees_on_compression_and_keeps_its_context,
                keeps_to_a_small_window,
                sends_nothing_compressed_unless_agreed,
                holds_the_limit_while_it_inflates,
            }
            pressure::{waits_for_a_peer_that_does_not_read}
            stopping::{
                stops_inside_a_message,
                stops_while_a_write_is_stuck,
                stops_inside_a_handshake,
            }
        }
    };
}

mod servers {
    server! { plain: threads tokio smol hyper axum epoll }
    #[cfg(target_os = "linux")]
    server! { plain: io_uring }
    server! { tls: tls tls_threads }
}

mod clients {
    client! { plain: threads_client tokio_client smol_client hyper_client }
}

mod tls_clients {
    client! { tls: threads_client tokio_client smol_client hyper_client }
}
