//! The page and everything else that is no socket, over plain HTTP.
#![cfg(unix)]

mod common;

use common::House;

#[tokio::test]
async fn the_page_is_served_with_its_types_and_headers() {
    let house = House::open().await;
    for (path, kind, file) in [
        ("/", "text/html; charset=utf-8", "index.html"),
        ("/?from=elsewhere", "text/html; charset=utf-8", "index.html"),
        ("/chat.css", "text/css; charset=utf-8", "chat.css"),
        ("/chat.js", "text/javascript; charset=utf-8", "chat.js"),
        ("/connection.js", "text/javascript; charset=utf-8", "connection.js"),
        ("/log.js", "text/javascript; charset=utf-8", "log.js"),
        ("/theme.js", "text/javascript; charset=utf-8", "theme.js"),
        ("/mark.svg", "image/svg+xml", "mark.svg"),
    ] {
        let (head, body) = house.ask("GET", path).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {head}");
        for header in [
            &format!("Content-Type: {kind}"),
            POLICY,
            "X-Content-Type-Options: nosniff",
            "Referrer-Policy: no-referrer",
            "Cache-Control: no-cache",
        ] {
            assert!(head.contains(&format!("\r\n{header}\r\n")), "{path}: {header} in {head}");
        }
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/page/");
        assert!(body == std::fs::read(format!("{page}{file}")).unwrap(), "{path}");
    }
}

/// Everything that the page has is served.
#[tokio::test]
async fn every_file_of_the_page_is_served() {
    let house = House::open().await;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/page")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let path = if name == "index.html" { "/".into() } else { format!("/{name}") };
        assert!(house.ask("GET", &path).await.0.starts_with("HTTP/1.1 200 "), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_answered() {
    let house = House::open().await;
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("GET", "/../Cargo.toml", 404),
        ("POST", "/nothing", 404),
        ("POST", "/", 405),
        ("GET", "/socket?room=x&name=x", 426),
    ] {
        let (head, body) = house.ask(method, path).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {head}");
        assert_eq!(head.contains(POLICY), status != 426, "{method} {path}");
        assert_eq!(head.contains("\r\nAllow: GET, HEAD\r\n"), status == 405);
        assert!(!body.is_empty(), "{method} {path}");
    }
    let (head, body) = house.ask("HEAD", "/").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains(POLICY) && body.is_empty());
}

const POLICY: &str = "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
