//! The extractor for axum, where there is no connection to upgrade.

use std::sync::mpsc::{Receiver, channel};

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::Request;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use embed::axum_upgrade::{Rejection, WebSocketUpgrade};
use sockeye::Server;
use sockeye::handshake::{HandshakeError, OriginPolicy};

/// A good request, and what the server around axum leaves in it; nothing comes of that here.
fn request() -> Parts {
    let mut request = Request::get("/")
        .header("host", "localhost")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "chat.v1")
        .header("origin", "https://other.example")
        .body(())
        .unwrap();
    let upgrade = hyper::upgrade::on(&mut request);
    request.extensions_mut().insert(upgrade);
    request.into_parts().0
}

async fn extract(mut parts: Parts) -> Result<WebSocketUpgrade, Rejection> {
    <WebSocketUpgrade as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await
}

/// The response, and what the failure callback hears.
async fn answer(change: impl FnOnce(WebSocketUpgrade) -> WebSocketUpgrade) -> (Response, Receiver<String>) {
    let (heard, failures) = channel();
    let upgrade = change(extract(request()).await.unwrap());
    let upgrade = upgrade.on_failure(move |error| heard.send(error.to_string()).unwrap());
    (upgrade.on_upgrade(async |_| panic!("there is no connection")), failures)
}

#[tokio::test]
async fn the_policy_is_same_origin_where_no_server_is_given() {
    let (response, failures) = answer(|upgrade| upgrade).await;
    assert_eq!(response.status(), 403);
    assert_eq!(failures.recv().unwrap(), HandshakeError::ForbiddenOrigin.to_string());
}

#[tokio::test]
async fn an_acceptance_has_the_headers_and_a_lost_stream_is_heard_of() {
    let server = Server::new(OriginPolicy::Any).subprotocols(["chat.v2"]);
    let change = |upgrade: WebSocketUpgrade| {
        upgrade.server(server).subprotocols(["chat.v1"]).header("Set-Cookie", "a=1").header("set-cookie", "b=2")
    };
    let (response, failures) = answer(change).await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat.v1");
    assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    let heard = tokio::task::spawn_blocking(move || failures.recv()).await.unwrap();
    assert!(heard.unwrap().contains("upgrade"));
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_the_servers_fault() {
    for (name, value) in [("Upgrade", "h2c"), ("Sec-WebSocket-Accept", "x"), ("X", "a\r\nY: b"), ("X Y", "a")] {
        let (response, failures) = answer(|upgrade| {
            upgrade.server(Server::new(OriginPolicy::Any)).header("Set-Cookie", "a=1").header(name, value)
        })
        .await;
        assert_eq!((response.status().as_u16(), response.headers().len()), (500, 0), "{name}");
        assert!(failures.recv().unwrap().contains("header"), "{name}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_upgrade_is_told_so() {
    let mut parts = request();
    parts.extensions.clear();
    let rejection = extract(parts).await.err().unwrap();
    assert!(matches!(rejection, Rejection::NotUpgradable));
    assert_eq!(rejection.into_response().status(), 500);
}

#[tokio::test]
async fn an_optional_upgrade_is_none_for_a_page_and_a_rejection_for_a_bad_one() {
    let optional = async |change: fn(&mut Parts)| {
        let mut parts = request();
        change(&mut parts);
        <WebSocketUpgrade as OptionalFromRequestParts<()>>::from_request_parts(&mut parts, &()).await
    };
    let good = optional(|_| {}).await.unwrap().unwrap();
    assert_eq!(good.request().subprotocols().collect::<Vec<_>>(), ["chat.v1"]);
    let page = optional(|parts| {
        parts.headers.clear();
        parts.headers.insert("host", "localhost".parse().unwrap());
    });
    assert!(page.await.unwrap().is_none());
    let bad = optional(|parts| drop(parts.headers.remove("sec-websocket-key"))).await;
    let rejection = bad.err().unwrap();
    assert_eq!(rejection.to_string(), HandshakeError::MissingHeader("Sec-WebSocket-Key").to_string());
    assert_eq!(rejection.into_response().status(), 400);
}
