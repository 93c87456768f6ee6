//! The header `Sec-WebSocket-Extensions`: its grammar, and the negotiation of permessage-deflate.
//!
//! Input: what this end wants (3 bytes), what a peer of this crate wants (3), the values of the headers, one on a line.

use sockeye::deflate::{Direction, Options};
use sockeye::handshake::{Acceptance, Extension, HandshakeError, Request, Version};

use super::cursor::Cursor;
use super::{Seed, seed};

/// * The grammar of RFC 6455 section 9.1, read by tokens, gives the same extensions, or refuses as well.
/// * What was read can be printed, and reads the same; one header or many are the same list.
/// * A server answers what was offered, within what was offered, and nothing else (RFC 7692 section 7.1).
/// * Two ends of this crate agree, and neither sends what the other does not expect.
pub fn run(input: &[u8]) {
    let mut cursor = Cursor::new(input);
    let (ours, theirs) = (options(&mut cursor), options(&mut cursor));
    let values: Vec<&[u8]> = cursor.rest().split(|&byte| byte == b'\n').collect();

    both_agree(&ours, &theirs);
    let parsed = Extension::parse_list(values.iter().copied());
    let other: Option<Vec<_>> = values.iter().map(|value| grammar(value)).collect();
    // 1#extension: one at least, over all headers.
    let other = other.map(|lists| lists.concat()).filter(|list| !list.is_empty());
    let Ok(list) = parsed else {
        assert_eq!(parsed, Err(HandshakeError::MalformedExtensions));
        assert_eq!(other, None);
        return;
    };
    assert_eq!(Some(&list), other.as_ref());

    let printed = list.iter().map(Extension::to_string).collect::<Vec<_>>();
    assert_eq!(Extension::parse_list([printed.join(", ").as_bytes()]).as_ref(), Ok(&list), "in one header");
    assert_eq!(Extension::parse_list(printed.iter().map(String::as_bytes)).as_ref(), Ok(&list), "in one header each");

    check_answer(&ours, &list);
    check_verdict(&ours, &list);
}

fn options(cursor: &mut Cursor<'_>) -> Options {
    let (local, remote, fallback) = (cursor.byte(), cursor.byte(), cursor.byte());
    Options::new()
        .local_window_bits(local & 15)
        .local_context_takeover(local & 16 == 0)
        .remote_window_bits(remote & 15)
        .remote_context_takeover(remote & 16 == 0)
        .fallback(fallback & 1 == 1)
}

/// Whether an end that is told to send like this sends nothing that is beyond what the other expects.
fn within(sent: Direction, expected: Direction) -> bool {
    sent.window_bits() <= expected.window_bits() && (expected.context_takeover() || !sent.context_takeover())
}

fn both_agree(client: &Options, server: &Options) {
    let offers = client.offers();
    let Some((answer, at_server)) = server.answer(&offers) else { return };
    let answer = Extension::parse_list([answer.to_string().as_bytes()]).expect("an answer is well formed");
    let at_client = client.verify(&answer).expect("a client understands the answer").expect("and has it");
    assert!(within(at_client.local, at_server.remote), "{at_client:?}, {at_server:?}");
    assert!(within(at_server.local, at_client.remote), "{at_client:?}, {at_server:?}");
    assert!(within(at_client.local, client.local()) && within(at_server.local, server.local()));
}

/// What a server answers to these offers.
fn check_answer(options: &Options, offers: &[Extension]) {
    let offered: Vec<_> = offers.iter().flat_map(terms).collect();
    let Some((answer, agreed)) = options.answer(offers) else {
        // A server that accepts any window declines only what is malformed.
        assert!(options.answer(&[]).is_none());
        if !offered.is_empty() {
            assert!(
                options.clone().fallback(true).answer(offers).is_some(),
                "a good offer is declined for its window alone"
            );
        }
        return;
    };
    let answered = terms(&answer).expect("an answer keeps to section 7.1");
    let answers = |offer: &Terms| {
        // Section 7.1.1.1: "A server accepts [...] by including".
        (!offer.server_no_takeover || answered.server_no_takeover)
            // Section 7.1.2.1: "with the same or smaller value as the offer".
            && offer.server_bits.is_none_or(|offered| answered.server_bits.flatten() <= offered && answered.server_bits.is_some())
            // Section 7.1.2.2: "MUST NOT include" what the offer does not have, nor more than it says.
            && match (offer.client_bits, answered.client_bits) {
                (None, answered) => answered.is_none(),
                (Some(Some(hint)), Some(Some(bits))) => bits <= hint,
                (Some(_), _) => true,
            }
    };
    assert!(offered.iter().any(answers), "{answer} answers none of {offers:?}");
    let bits = |bits: Option<Option<u8>>| bits.flatten().unwrap_or(15);
    assert!(!matches!(answered.client_bits, Some(None)), "section 7.1.2.2: a value is there");
    assert_eq!(agreed.local, Direction::new(bits(answered.server_bits), !answered.server_no_takeover));
    assert!(within(Direction::new(bits(answered.client_bits), !answered.client_no_takeover), agreed.remote));
    assert!(within(agreed.local, options.local()));

    // The handshake carries it, and refuses what was not offered.
    let value = offers.iter().map(Extension::to_string).collect::<Vec<_>>().join(", ");
    let headers = [
        ("Host", "a"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Extensions", &value),
    ];
    let request = Request::new("GET", "/", Version::Http11, headers).unwrap();
    let (response, agreement) = request.accept(&Acceptance::new().with_extension(answer.clone()).unwrap()).unwrap();
    assert_eq!(response.header("Sec-WebSocket-Extensions"), Some(&*answer.to_string()));
    assert_eq!(agreement.extensions, [answer]);
    let unrequested =
        offers.iter().map(|offer| &*offer.name).max_by_key(|name| name.len()).unwrap_or("").to_owned() + "x";
    assert!(request.accept(&Acceptance::new().with_extension(Extension::new(unrequested)).unwrap()).is_err());
}

/// What a client makes of these as a response.
fn check_verdict(options: &Options, response: &[Extension]) {
    let elements: Vec<_> = response.iter().filter(|element| element.name == NAME).collect();
    match options.verify(response) {
        Ok(None) => assert!(elements.is_empty()),
        Ok(Some(agreed)) => {
            let [element] = elements[..] else { panic!("section 5: once at most: {response:?}") };
            let answered = terms(element).expect("section 7.1");
            assert!(within(agreed.local, options.local()));
            assert!(!answered.client_no_takeover || !agreed.local.context_takeover());
            assert!(answered.client_bits.flatten().is_none_or(|bits| agreed.local.window_bits() <= bits));
            assert_eq!(agreed.remote.context_takeover(), !answered.server_no_takeover);
            assert_eq!(agreed.remote.window_bits(), answered.server_bits.flatten().unwrap_or(15));
        }
        Err(error) => {
            assert!(!elements.is_empty() && !error.to_string().is_empty());
        }
    }
}

/// The parameters of permessage-deflate (RFC 7692 section 7.1).
#[derive(Default)]
struct Terms {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<Option<u8>>,
    client_bits: Option<Option<u8>>,
}

/// What an element says, where it is a good offer.
fn terms(element: &Extension) -> Option<Terms> {
    let mut terms = Terms::default();
    let mut names: Vec<_> = element.parameters.iter().map(|parameter| &parameter.name).collect();
    names.sort();
    names.dedup();
    if element.name != NAME || names.len() < element.parameters.len() {
        return None;
    }
    for parameter in &element.parameters {
        let bits = match parameter.value.as_deref() {
            None => None,
            Some(text) => Some((8..=15).find(|bits: &u8| bits.to_string() == text)?),
        };
        match (parameter.name.as_str(), bits) {
            ("server_no_context_takeover", None) => terms.server_no_takeover = true,
            ("client_no_context_takeover", None) => terms.client_no_takeover = true,
            ("server_max_window_bits", Some(bits)) => terms.server_bits = Some(Some(bits)),
            ("client_max_window_bits", bits) => terms.client_bits = Some(bits),
            _ => return None,
        }
    }
    Some(terms)
}

/// A word of a header's value.
#[derive(Clone, Debug, PartialEq)]
enum Word {
    Token(String),
    Quoted(String),
    Separator(u8),
}

/// Reads one value as RFC 6455 section 9.1 and RFC 2616 section 2.2 have it: first into words, then into extensions.
fn grammar(value: &[u8]) -> Option<Vec<Extension>> {
    let words = words(value)?;
    let mut extensions = Vec::new();
    for element in words.split(|word| *word == Word::Separator(b',')) {
        if element.is_empty() {
            continue;
        }
        let mut parts = element.split(|word| *word == Word::Separator(b';'));
        let Some([Word::Token(name)]) = parts.next() else { return None };
        let mut extension = Extension::new(name);
        for part in parts {
            extension = match part {
                [Word::Token(name)] => extension.with(name, None),
                [Word::Token(name), Word::Separator(b'='), Word::Token(value) | Word::Quoted(value)] => {
                    extension.with(name, Some(value))
                }
                _ => return None,
            };
        }
        extensions.push(extension);
    }
    Some(extensions)
}

fn words(mut rest: &[u8]) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    while let [first, after @ ..] = rest {
        rest = match first {
            b' ' | b'\t' => after,
            b',' | b';' | b'=' => {
                words.push(Word::Separator(*first));
                after
            }
            b'"' => {
                let (text, after) = quoted(after)?;
                words.push(Word::Quoted(text));
                after
            }
            _ => {
                let length = rest.iter().take_while(|&&byte| is_token(byte)).count();
                let (token, after) = rest.split_at(length);
                words.push(Word::Token(String::from_utf8(token.to_vec()).ok().filter(|token| !token.is_empty())?));
                after
            }
        };
    }
    Some(words)
}

/// What stands in quotes, unescaped: "the value after quoted-string unescaping MUST conform to the 'token' ABNF".
fn quoted(mut rest: &[u8]) -> Option<(String, &[u8])> {
    let mut text = String::new();
    loop {
        let (byte, after) = match rest {
            [b'"', after @ ..] => return (!text.is_empty()).then_some((text, after)),
            [b'\\', byte, after @ ..] => (*byte, after),
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        if !is_token(byte) {
            return None;
        }
        text.push(char::from(byte));
        rest = after;
    }
}

/// RFC 2616 section 2.2: any CHAR except CTLs or separators.
fn is_token(byte: u8) -> bool {
    byte > b' ' && byte < 0x7F && !b"()<>@,;:\\\"/[]?={} \t".contains(&byte)
}

const NAME: &str = "permessage-deflate";

pub fn seeds() -> Vec<Seed> {
    let values = [
        ("plain", "permessage-deflate"),
        ("chrome", "permessage-deflate; client_max_window_bits"),
        ("rfc7692-7.1.1-fallback", "permessage-deflate; server_no_context_takeover, permessage-deflate"),
        ("rfc7692-7.1.2", "permessage-deflate; server_max_window_bits=10"),
        (
            "rfc7692-7.1.3",
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate; client_max_window_bits",
        ),
        (
            "all",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12",
        ),
        ("quoted", "permessage-deflate; server_max_window_bits=\"10\""),
        ("escaped", "a; b=\"\\c\\d\", permessage-deflate; client_max_window_bits=\"1\\5\""),
        ("rfc6455-9.1", "deflate-stream\nmux; max-channels=4; flow-control, deflate-stream\nprivate-extension"),
        ("rfc6455-9.1-parameter", "foo\nbar; baz=2"),
        ("empty", ""),
        ("commas", " , ,, a ,\t, b;c ,"),
        ("empty-header-of-two", "\na"),
        ("spaces", " a ; b = c "),
        ("bits-7", "permessage-deflate; server_max_window_bits=7"),
        ("bits-16", "permessage-deflate; client_max_window_bits=16"),
        ("bits-leading-zero", "permessage-deflate; client_max_window_bits=08"),
        ("bits-missing", "permessage-deflate; server_max_window_bits"),
        ("repeated-parameter", "permessage-deflate; client_no_context_takeover; client_no_context_takeover"),
        ("unknown-parameter", "permessage-deflate; x, permessage-deflate; client_max_window_bits=8"),
        ("value-on-flag", "permessage-deflate; client_no_context_takeover=1"),
        ("other-case", "Permessage-Deflate"),
        ("semicolon-at-end", "a;"),
        ("equals-without-value", "a; b="),
        ("empty-quotes", "a; b=\"\""),
        ("open-quote", "a; b=\"c"),
        ("quote-in-quotes", "a; b=\"c\\\"d\""),
        ("backslash-at-end", "a; b=\"c\\"),
        ("two-words", "a b"),
        ("not-ascii", "a; b=\u{e9}"),
        ("accepted-twice", "permessage-deflate, permessage-deflate"),
        ("hint-15", "permessage-deflate; client_max_window_bits=15"),
        ("many", "a;b;c;d;e;f;g,h,i,j,k;l=m;n=o"),
        ("hint-9", "permessage-deflate; client_max_window_bits=9"),
    ];
    let wants: [[u8; 6]; 4] =
        [[12, 15, 0, 12, 15, 0], [15, 10, 0, 9, 12, 1], [28, 31, 1, 15, 15, 0], [8, 8, 0, 31, 28, 0]];
    let seeds = values.iter().enumerate().map(|(i, (name, value))| seed(name, &[&wants[i % 4], value.as_bytes()]));
    seeds.collect()
}
