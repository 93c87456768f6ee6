//! Rule 1: the URLs that are taken, and those that are not.

use alloc::format;
use alloc::string::ToString;

use crate::handshake::{Url, UrlError};

#[test]
fn rule_01_invalid_urls_are_refused() {
    use UrlError::*;
    let rows = [
        ("ws://a", Ok(("a", 80, "a", "/"))),
        ("WSS://a", Ok(("a", 443, "a", "/"))),
        ("ws://a:80/", Ok(("a", 80, "a", "/"))),
        ("ws://a:443", Ok(("a", 443, "a:443", "/"))),
        ("wss://a:443", Ok(("a", 443, "a", "/"))),
        ("ws://a:", Ok(("a", 80, "a", "/"))),
        ("ws://a:00081", Ok(("a", 81, "a:81", "/"))),
        ("ws://a:65535", Ok(("a", 65535, "a:65535", "/"))),
        ("ws://127.0.0.1:9001", Ok(("127.0.0.1", 9001, "127.0.0.1:9001", "/"))),
        ("ws://[::1]", Ok(("::1", 80, "[::1]", "/"))),
        ("ws://[2001:db8::7]:9/x", Ok(("2001:db8::7", 9, "[2001:db8::7]:9", "/x"))),
        ("ws://a?b", Ok(("a", 80, "a", "/?b"))),
        ("ws://a/?", Ok(("a", 80, "a", "/"))),
        ("ws://a/b/../c;d=@:%2f", Ok(("a", 80, "a", "/b/../c;d=@:%2f"))),
        ("ws://a//b", Ok(("a", 80, "a", "//b"))),
        ("ws://a/b?c=/?&d=%C3%A4@", Ok(("a", 80, "a", "/b?c=/?&d=%C3%A4@"))),
        ("ws://ex%41mple_1.com", Ok(("ex%41mple_1.com", 80, "ex%41mple_1.com", "/"))),
        ("", Err(Scheme)),
        ("a", Err(Scheme)),
        ("ws:a", Err(Scheme)),
        ("ws:/a", Err(Scheme)),
        (" ws://a", Err(Scheme)),
        ("http://a", Err(Scheme)),
        ("wsss://a", Err(Scheme)),
        ("ws://", Err(Host)),
        ("ws:///a", Err(Host)),
        ("ws://:80", Err(Host)),
        ("ws://a b", Err(Host)),
        ("ws://a\\b", Err(Host)),
        ("ws://a\r\nX: y", Err(Host)),
        ("ws://ex%4mple.com", Err(Host)),
        ("ws://b\u{fc}cher.example", Err(Host)),
        ("ws://::1", Err(Host)),
        ("ws://[::1", Err(Host)),
        ("ws://[::1]x", Err(Host)),
        ("ws://[::g]", Err(Host)),
        ("ws://[fe80::1%25eth0]", Err(Host)),
        ("ws://a:0", Err(Port)),
        ("ws://a:65536", Err(Port)),
        ("ws://a:+80", Err(Port)),
        ("ws://a:8o", Err(Port)),
        ("ws://a:-1", Err(Port)),
        ("ws://user@a", Err(UserInfo)),
        ("ws://user:secret@a:80/", Err(UserInfo)),
        ("ws://a/b c", Err(Path)),
        ("ws://a/b\r\n", Err(Path)),
        ("ws://a/%", Err(Path)),
        ("ws://a/%4", Err(Path)),
        ("ws://a/%zz", Err(Path)),
        ("ws://a/\u{e4}", Err(Path)),
        ("ws://a/[b]", Err(Path)),
        ("ws://a/?b\"c", Err(Query)),
        ("ws://a/?b c", Err(Query)),
        ("ws://a/?%g0", Err(Query)),
        ("ws://a/#", Err(Fragment)),
        ("ws://a#b", Err(Fragment)),
        ("ws://a/?b#c", Err(Fragment)),
    ];
    for (text, expected) in rows {
        let url = Url::parse(text);
        let parts = url.as_ref().map(|url| (url.host(), url.port(), url.authority(), url.target()));
        assert_eq!(parts, expected.as_ref().copied(), "{text:?}");
        if let Ok(url) = &url {
            assert_eq!(Url::parse(&format!("{url}")).as_ref(), Ok(url), "{text:?} printed and read");
        }
    }
    assert!(Url::parse("wss://a").unwrap().is_secure() && !Url::parse("ws://a").unwrap().is_secure());
}

#[test]
fn what_is_wrong_with_a_url_is_said() {
    let rows = [
        ("http://a", "\"ws://\" or \"wss://\""),
        ("ws://b:c@a", "no user name and password"),
        ("ws://", "a host name"),
        ("ws://a:0", "a port from 1 to 65535"),
        ("ws://a/b c", "the path"),
        ("ws://a/?b c", "the query"),
        ("ws://a#b", "no fragment"),
    ];
    for (url, expected) in rows {
        let text = Url::parse(url).unwrap_err().to_string();
        assert!(text.contains(expected) && text.contains("(RFC "), "{text}");
    }
}
