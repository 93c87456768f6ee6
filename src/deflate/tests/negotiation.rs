use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::super::ParameterName::*;
use super::super::*;
use crate::handshake::Extension;

/// A header `Sec-WebSocket-Extensions`.
fn header(value: &str) -> Vec<Extension> {
    Extension::parse_list([value.as_bytes()]).expect("a well-formed header")
}

fn text(extensions: &[Extension]) -> Vec<String> {
    extensions.iter().map(|e| format!("{e}")).collect()
}

/// An end that leaves everything open.
fn open() -> Options {
    Options::new().local_window_bits(15)
}

fn answer(options: &Options, offers: &str) -> Option<String> {
    options.answer(&header(offers)).map(|(answer, _)| format!("{answer}"))
}

fn verify(options: &Options, response: &str) -> Result<Option<Parameters>, NegotiationError> {
    options.verify(&header(response))
}

fn parameters(local: (u8, bool), remote: (u8, bool)) -> Parameters {
    Parameters { local: Direction::new(local.0, local.1), remote: Direction::new(remote.0, remote.1) }
}

const INVALID: [&str; 22] = [
    "foo",
    "foo=1",
    "Server_No_Context_Takeover",
    "server_no_context_takeover=1",
    "server_no_context_takeover=true",
    "client_no_context_takeover=15",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=10; server_max_window_bits=10",
    "client_max_window_bits=10; client_max_window_bits=10",
    "client_max_window_bits=08",
    "client_max_window_bits=+8",
    "client_max_window_bits=-8",
    "client_max_window_bits=0x8",
    "client_max_window_bits=8.0",
    "client_max_window_bits=264",
    "client_max_window_bits=4294967304",
    "client_max_window_bits=18446744073709551624",
    "client_max_window_bits=a",
];

#[test]
fn rule_59_a_server_declines_an_invalid_offer_and_looks_at_the_next() {
    for invalid in INVALID {
        let offer = format!("permessage-deflate; {invalid}");
        assert_eq!(answer(&open(), &offer), None, "{offer}");
        let offers = format!("{offer}, permessage-foo, permessage-deflate");
        assert_eq!(answer(&open(), &offers).as_deref(), Some("permessage-deflate"), "{offers}");
    }
    assert_eq!(answer(&open(), "permessage-deflate; client_max_window_bits; client_max_window_bits"), None);
    assert_eq!(answer(&open(), "permessage-foo, x-webkit-deflate-frame"), None);
    assert_eq!(open().answer(&[]), None);
    // A value that no header can have, and one that its quotes do not change.
    for value in ["", " 8", "8 ", "\"8\"", "٨", "8\0"] {
        let offer = Extension::new("permessage-deflate").with("server_max_window_bits", Some(value));
        assert_eq!(open().answer(&[offer]), None, "{value:?}");
    }
    assert_eq!(
        answer(&open(), "permessage-deflate; server_max_window_bits=\"1\\0\"").as_deref(),
        Some("permessage-deflate; server_max_window_bits=10")
    );
}

#[test]
fn rule_59_a_server_declines_what_it_cannot_serve() {
    let bounded = open().remote_window_bits(10);
    assert_eq!(answer(&bounded, "permessage-deflate"), None);
    assert_eq!(
        answer(&bounded, "permessage-deflate, permessage-deflate; client_max_window_bits").as_deref(),
        Some("permessage-deflate; client_max_window_bits=10")
    );
    let (answer, agreed) = bounded.fallback(true).answer(&header("permessage-deflate")).expect("a fallback");
    assert_eq!(format!("{answer}"), "permessage-deflate");
    assert_eq!(agreed, parameters((15, true), (15, true)));
}

#[test]
fn rule_60_a_client_fails_on_an_invalid_response() {
    for invalid in INVALID {
        let response = format!("permessage-deflate; {invalid}");
        assert!(verify(&open(), &response).is_err(), "{response}");
        assert!(verify(&open().fallback(true), &response).is_err(), "{response}");
    }
    let errors = [
        ("permessage-deflate, permessage-deflate", NegotiationError::Repeated),
        ("permessage-deflate; foo=1", NegotiationError::Unknown { parameter: "foo".into() }),
        (
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            NegotiationError::Duplicate { parameter: ClientNoContextTakeover },
        ),
        (
            "permessage-deflate; server_max_window_bits=07",
            NegotiationError::Value { parameter: ServerMaxWindowBits, value: Some("07".into()) },
        ),
        (
            "permessage-deflate; client_max_window_bits",
            NegotiationError::Value { parameter: ClientMaxWindowBits, value: None },
        ),
    ];
    for (response, error) in errors {
        assert!(!format!("{error}").is_empty());
        assert_eq!(verify(&open(), response), Err(error), "{response}");
    }
    assert_eq!(verify(&open(), "permessage-foo"), Ok(None));
    assert_eq!(open().verify(&[]), Ok(None));
}

#[test]
fn rule_61_no_context_takeover_has_no_value() {
    for name in [ServerNoContextTakeover, ClientNoContextTakeover] {
        assert!(answer(&open(), &format!("permessage-deflate; {name}")).is_some());
        assert!(verify(&open(), &format!("permessage-deflate; {name}")).is_ok());
        for value in ["", "0", "8", "false"] {
            let element = [Extension::new("permessage-deflate").with(name.as_str(), Some(value))];
            assert_eq!(open().answer(&element), None);
            assert_eq!(
                open().verify(&element),
                Err(NegotiationError::Value { parameter: name, value: Some(value.into()) })
            );
        }
    }
}

#[test]
fn rule_62_server_no_context_takeover_is_echoed_and_may_come_unasked() {
    let echo = "permessage-deflate; server_no_context_takeover";
    let (answer, agreed) = open().answer(&header(echo)).expect("an answer");
    assert_eq!(format!("{answer}"), echo);
    assert_eq!(agreed, parameters((15, false), (15, true)));

    let reluctant = open().local_context_takeover(false);
    let (answer, agreed) = reluctant.answer(&header("permessage-deflate")).expect("an answer");
    assert_eq!(format!("{answer}"), echo);
    assert_eq!(agreed, parameters((15, false), (15, true)));

    assert_eq!(verify(&open(), echo), Ok(Some(parameters((15, true), (15, false)))));
    let demanding = open().remote_context_takeover(false);
    assert_eq!(verify(&demanding, echo), Ok(Some(parameters((15, true), (15, false)))));
    assert_eq!(
        verify(&demanding, "permessage-deflate"),
        Err(NegotiationError::Missing { parameter: ServerNoContextTakeover })
    );
    assert_eq!(verify(&demanding.fallback(true), "permessage-deflate"), Ok(Some(parameters((15, true), (15, true)))));
}

#[test]
fn rule_63_a_client_obeys_client_no_context_takeover() {
    let response = "permessage-deflate; client_no_context_takeover";
    for offered in [false, true] {
        assert_eq!(
            verify(&open().local_context_takeover(!offered), response),
            Ok(Some(parameters((15, false), (15, true))))
        );
    }
    // The hint is taken, and the demand made unasked.
    for (options, offer) in [(open(), response), (open().remote_context_takeover(false), "permessage-deflate")] {
        let (answer, agreed) = options.answer(&header(offer)).expect("an answer");
        assert_eq!(format!("{answer}"), response);
        assert_eq!(agreed, parameters((15, true), (15, false)));
    }
}

#[test]
fn rule_64_window_bits_are_8_to_15() {
    for bits in 0..=u8::MAX {
        let valid = (8..=15).contains(&bits);
        let clamped = bits.clamp(8, 15);
        for offer in ["server_max_window_bits", "client_max_window_bits"] {
            let element = format!("permessage-deflate; {offer}={bits}");
            assert_eq!(answer(&open(), &element).is_some(), valid, "{element}");
            assert_eq!(verify(&open(), &element).is_ok(), valid, "{element}");
        }
        let direction = Direction::new(bits, true);
        assert_eq!(direction.window_bits(), clamped);
        assert_eq!(direction.window(), 1 << clamped);
        let options = Options::new().local_window_bits(bits).remote_window_bits(bits);
        let (_, agreed) = options.answer(&options.offers()).expect("an answer");
        assert_eq!(agreed, parameters((clamped, true), (clamped, true)));
        // The other numbers keep to their ranges as well, and every context can be made.
        let options = options.level(bits).memory_level(bits).threshold(0);
        let mut deflate = Deflate::new(agreed, &options);
        let mut payload = BytesMut::new();
        assert!(deflate.compress(b"Hello", true, &mut payload));
    }
}

#[test]
fn rule_65_server_max_window_bits_is_at_most_what_was_offered() {
    let offer = "permessage-deflate; server_max_window_bits=10";
    for (own, agreed) in [(15, 10), (10, 10), (9, 9), (8, 8)] {
        let (answer, parameters) = open().local_window_bits(own).answer(&header(offer)).expect("an answer");
        assert_eq!(format!("{answer}"), format!("permessage-deflate; server_max_window_bits={agreed}"));
        assert_eq!(parameters.local.window_bits(), agreed);
    }
    let client = open().remote_window_bits(10);
    for bits in 8..=15 {
        let response = format!("permessage-deflate; server_max_window_bits={bits}");
        let came = Ok(Some(parameters((15, true), (bits, true))));
        let too_large = Err(NegotiationError::Window { offered: 10, came: bits });
        let strict = if bits <= 10 { came.clone() } else { too_large };
        assert_eq!(verify(&client, &response), strict, "{response}");
        // It answers the second offer, which had no limit; and it may come unasked.
        assert_eq!(verify(&client.clone().fallback(true), &response), came);
        assert_eq!(verify(&open(), &response), came);
    }
    assert_eq!(
        verify(&client, "permessage-deflate"),
        Err(NegotiationError::Missing { parameter: ServerMaxWindowBits })
    );
    assert!(verify(&client.fallback(true), "permessage-deflate").is_ok());
}

#[test]
fn rule_66_client_max_window_bits_only_if_offered_and_the_smaller_counts() {
    let server = open().remote_window_bits(11).fallback(true);
    let cases = [
        ("permessage-deflate", "permessage-deflate", 15),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate; client_max_window_bits=11", 11),
        ("permessage-deflate; client_max_window_bits=15", "permessage-deflate; client_max_window_bits=11", 11),
        ("permessage-deflate; client_max_window_bits=9", "permessage-deflate; client_max_window_bits=9", 9),
    ];
    for (offer, expected, bits) in cases {
        let (answer, agreed) = server.answer(&header(offer)).expect("an answer");
        assert_eq!(format!("{answer}"), expected);
        assert_eq!(agreed.remote.window_bits(), bits);
    }
    // What we hinted at is a promise to ourselves; what the server demands binds.
    let client = open().local_window_bits(12);
    for (response, bits) in [
        ("permessage-deflate", 12),
        ("permessage-deflate; client_max_window_bits=15", 12),
        ("permessage-deflate; client_max_window_bits=12", 12),
        ("permessage-deflate; client_max_window_bits=8", 8),
    ] {
        let agreed = verify(&client, response).expect("valid").expect("accepted");
        assert_eq!(agreed.local.window_bits(), bits, "{response}");
    }
}

#[test]
fn offers_by_preference() {
    let cases: [(Options, &[&str]); 5] = [
        (Options::new(), &["permessage-deflate; client_max_window_bits=12"]),
        (open(), &["permessage-deflate; client_max_window_bits"]),
        (open().fallback(true), &["permessage-deflate; client_max_window_bits"]),
        (
            open().remote_window_bits(10).fallback(true),
            &[
                "permessage-deflate; server_max_window_bits=10; client_max_window_bits",
                "permessage-deflate; client_max_window_bits",
            ],
        ),
        (
            open()
                .remote_context_takeover(false)
                .local_context_takeover(false)
                .local_window_bits(9)
                .remote_window_bits(8),
            &["permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
               server_max_window_bits=8; client_max_window_bits=9"],
        ),
    ];
    for (options, offers) in cases {
        assert_eq!(text(&options.offers()), offers);
    }
}

/// RFC 7692 section 7.1.3.
#[test]
fn the_negotiations_of_the_standard() {
    assert_eq!(answer(&open(), "permessage-deflate").as_deref(), Some("permessage-deflate"));
    let offer = "permessage-deflate; client_max_window_bits; server_max_window_bits=10";
    assert_eq!(answer(&open(), offer).as_deref(), Some("permessage-deflate; server_max_window_bits=10"));
    let client = open().remote_window_bits(10).fallback(true);
    for (response, bits) in [("permessage-deflate; server_max_window_bits=10", 10), ("permessage-deflate", 15)] {
        assert_eq!(verify(&client, response), Ok(Some(parameters((15, true), (bits, true)))));
    }
}

#[test]
fn both_ends_come_to_the_same_whatever_they_want() {
    let mut all = Vec::new();
    for bits in [(8, 8), (8, 15), (10, 12), (12, 10), (15, 9), (15, 15)] {
        for flags in 0..8 {
            all.push(
                Options::new()
                    .local_window_bits(bits.0)
                    .remote_window_bits(bits.1)
                    .local_context_takeover(flags & 1 == 0)
                    .remote_context_takeover(flags & 2 == 0)
                    .fallback(flags & 4 == 0),
            );
        }
    }
    for client in &all {
        for server in &all {
            let offers = client.offers();
            // Our own offers can always be served, and the answer is always valid.
            let (answer, at_server) = server.answer(&offers).expect("an answer");
            let at_client = client.verify(&[answer]).expect("valid").expect("accepted");
            assert_eq!(at_client.local, at_server.remote);
            assert_eq!(at_client.remote, at_server.local);
            for (agreed, want) in [(at_client, client), (at_server, server)] {
                assert!(agreed.local.window_bits() <= want.local.window_bits());
                assert!(agreed.remote.window_bits() <= want.remote.window_bits());
                assert!(agreed.local.context_takeover() <= want.local.context_takeover());
                assert!(agreed.remote.context_takeover() <= want.remote.context_takeover());
            }
        }
    }
}

#[test]
fn sizes_and_threads() {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Deflate>();
    assert!(size_of::<NegotiationError>() <= 24);
    assert!(size_of::<Corrupt>() <= 8);
    assert!(size_of::<Deflate>() <= 152);
    assert!(size_of::<Parameters>() <= 4);
}
