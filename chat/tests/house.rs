//! The server as it is started, over loopback, with this repository's own client.
#![cfg(unix)]

mod common;

use common::{Guest, House, code, message, say};
use serde_json::{Value, json};
use sockeye::handshake::{HandshakeError, Offer};
use sockeye::{Client, IoError};

#[tokio::test]
async fn two_people_talk_and_one_sees_the_other_leave() {
    let house = House::open().await;
    let (mut mina, welcome) = house.enter("강", "미나").await;
    assert_eq!(welcome["people"], json!(["미나"]));
    let (mut jonas, welcome) = house.enter("강", "Jonas").await;
    assert_eq!(welcome["people"], json!(["미나", "Jonas"]));
    assert_eq!(message(&mut mina).await, json!({ "type": "joined", "name": "Jonas" }));

    mina.send(say("안녕하세요! 🐟").as_str()).await.unwrap();
    for guest in [&mut mina, &mut jonas] {
        let message = message(guest).await;
        assert_eq!((&message["from"], &message["text"]), (&json!("미나"), &json!("안녕하세요! 🐟")));
        assert!(message["at"].as_u64() > Some(1_700_000_000_000));
    }
    jonas.send(json!({ "type": "say", "text": "👩‍👩‍👧‍👦🇰🇷", "ref": "x81c" }).to_string().as_str()).await.unwrap();
    for guest in [&mut mina, &mut jonas] {
        let message = message(guest).await;
        assert_eq!((&message["id"], &message["ref"]), (&json!(2), &json!("x81c")));
        assert_eq!(message["text"], "👩‍👩‍👧‍👦🇰🇷");
    }

    assert!(jonas.close(None).await.unwrap().clean);
    assert_eq!(message(&mut mina).await, json!({ "type": "left", "name": "Jonas" }));
}

#[tokio::test]
async fn whoever_offers_compression_gets_it_and_talks_with_those_who_do_not() {
    let house = House::open().await;
    let extensions = house.upgrade("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits").await;
    for parameter in ["permessage-deflate", "server_no_context_takeover", "client_no_context_takeover"] {
        assert!(extensions.contains(parameter), "{extensions}");
    }
    let (mut plain, _) = house.enter("x", "Mina").await;
    let mut compressed = house.connect_compressed("room=x&name=Jonas").await;
    assert_eq!(message(&mut compressed).await["people"], json!(["Mina", "Jonas"]));
    assert_eq!(message(&mut plain).await["type"], "joined");
    let text = "연어가 강을 거슬러 오른다. ".repeat(40);
    for (from, name) in [(true, "Mina"), (false, "Jonas")] {
        let says = if from { &mut plain } else { &mut compressed };
        says.send(say(&text).as_str()).await.unwrap();
        for guest in [&mut plain, &mut compressed] {
            let message = message(guest).await;
            assert_eq!((&message["from"], &message["text"]), (&json!(name), &json!(text)));
        }
    }
}

#[tokio::test]
async fn whoever_is_cut_off_is_seen_to_leave() {
    let house = House::open().await;
    let (mut mina, _) = house.enter("x", "Mina").await;
    drop(house.enter("x", "Jonas").await);
    assert_eq!(message(&mut mina).await["type"], "joined");
    assert_eq!(message(&mut mina).await["type"], "left");
}

#[tokio::test]
async fn a_latecomer_reads_the_last_hundred_messages() {
    let house = House::open().await;
    let (mut mina, _) = house.enter("x", "Mina").await;
    for number in 1..=103 {
        mina.send(say(&format!("number {number}")).as_str()).await.unwrap();
    }
    while message(&mut mina).await["id"] != 103 {}
    let (_late, welcome) = house.enter("x", "지훈").await;
    let history = welcome["history"].as_array().unwrap();
    let texts: Vec<&str> = history.iter().map(|said| said["text"].as_str().unwrap()).collect();
    assert_eq!(texts, (4..=103).map(|number| format!("number {number}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_name_that_is_taken_gets_a_number() {
    let house = House::open().await;
    let (_first, _) = house.enter("x", "Mina").await;
    let (_second, welcome) = house.enter("x", "Mina").await;
    assert_eq!((&welcome["you"], &welcome["people"]), (&json!("Mina 2"), &json!(["Mina", "Mina 2"])));
}

#[tokio::test]
async fn a_seat_is_taken_over_before_its_loss_is_noticed() {
    let house = House::open().await;
    let (mut mina, _) = house.enter("x", "Mina").await;
    let (mut old, _) = house.enter("x", "Jonas&seat=a-1").await;
    assert_eq!(message(&mut mina).await["type"], "joined");
    let (mut new, welcome) = house.enter("x", "Jonas&seat=a-1").await;
    assert_eq!((&welcome["you"], &welcome["people"]), (&json!("Jonas"), &json!(["Mina", "Jonas"])));
    assert_eq!(code(&mut old).await, 4003);
    new.send(say("here").as_str()).await.unwrap();
    assert_eq!(message(&mut mina).await["text"], "here");
}

#[tokio::test]
async fn what_breaks_the_protocol_is_refused() {
    let house = House::open().await;
    let long = "🐟".repeat(33);
    for (query, expected) in [
        ("".into(), 4000),
        ("room=&name=x".into(), 4000),
        (format!("room={long}&name=x"), 4000),
        ("room=x".into(), 4001),
        (format!("room=x&name={long}"), 4001),
    ] {
        let mut refused = house.connect(&query).await;
        assert_eq!(code(&mut refused).await, expected, "{query}");
    }

    let large = say(&"x".repeat(100_000));
    let (mut watcher, _) = house.enter("x", "Watcher").await;
    for (frame, expected) in
        [("no object", 4002), (&say(" \n"), 4002), (&say(&"가".repeat(2001)), 4002), (&large, 1009)]
    {
        let (mut guest, _) = house.enter("x", "Guest").await;
        guest.send(frame).await.unwrap();
        assert_eq!(code(&mut guest).await, expected);
        drop(guest);
        assert_eq!(message(&mut watcher).await["type"], "joined");
        assert_eq!(message(&mut watcher).await["type"], "left");
    }
}

#[tokio::test]
async fn a_flood_is_ended() {
    let house = House::open().await;
    let (mut guest, _) = house.enter("x", "Guest").await;
    for _ in 0..1000 {
        guest.feed(say("again").as_str()).await.unwrap();
    }
    assert_eq!(code(&mut guest).await, 1008);
}

#[tokio::test]
async fn a_slow_reader_is_dropped_and_the_others_go_on() {
    let house = House::open().await;
    let mut slow = house.connect_small("room=x&name=Slow").await;
    let (mut reader, _) = house.enter("x", "Reader").await;
    let text = "가".repeat(2000);

    // However much the system takes on the way to the slow one, at some time it is full. Each speaker stays within
    // what one guest may say at once.
    let mut last = 0;
    let mut has_left = false;
    while !has_left {
        let (mut speaker, _) = house.enter("x", "Speaker").await;
        for _ in 0..100 {
            speaker.send(say(&text).as_str()).await.unwrap();
            last += 1;
            for guest in [&mut speaker, &mut reader] {
                has_left |= hear(guest, last).await.contains(&json!({ "type": "left", "name": "Slow" }));
            }
        }
    }

    assert_eq!(code(&mut slow).await, 1013);
    let (mut mina, welcome) = house.enter("x", "Mina").await;
    assert!(!welcome["people"].as_array().unwrap().contains(&json!("Slow")));
    mina.send(say("and on").as_str()).await.unwrap();
    while message(&mut reader).await["text"] != "and on" {}
}

/// The frames until a message.
async fn hear(guest: &mut Guest, id: u64) -> Vec<Value> {
    let mut frames = Vec::new();
    while frames.last().is_none_or(|frame: &Value| frame["id"] != id) {
        frames.push(message(guest).await);
    }
    frames
}

#[tokio::test]
async fn a_page_of_another_site_is_kept_out() {
    let house = House::open().await;
    let from = |origin: &str| Client::new().offer(Offer::new().with_origin(origin).unwrap());
    let url = format!("ws://{}/socket?room=x&name=x", house.address);
    assert!(sockeye::tokio::connect_with(&from(&format!("http://{}", house.address)), &url).await.is_ok());
    match sockeye::tokio::connect_with(&from("https://elsewhere.example"), &url).await {
        Err(IoError::Handshake(HandshakeError::Refused(response))) => assert_eq!(response.status(), 403),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_end_of_the_server_is_told_to_everybody() {
    for signal in ["INT", "TERM"] {
        let mut house = House::open().await;
        let (mut mina, _) = house.enter("x", "Mina").await;
        let (mut jonas, _) = house.enter("y", "Jonas").await;
        // It says nothing, as the connections that a browser opens ahead.
        let _silent = tokio::net::TcpStream::connect(&*house.address).await.unwrap();
        house.signal(signal).await;
        // Nobody sees anybody leave.
        assert_eq!(common::next(&mut mina).await, Err(1001));
        assert_eq!(common::next(&mut jonas).await, Err(1001));
        drop((mina, jonas));
        assert!(house.end().await.success());
    }
}

#[tokio::test]
async fn the_end_of_the_server_does_not_wait_for_a_guest_who_is_silent() {
    let mut house = House::open().await;
    let _silent = house.enter("x", "Mina").await;
    house.signal("INT").await;
    assert!(house.end().await.success());
}

#[tokio::test]
async fn its_port_can_be_listened_on_again_at_once() {
    let mut house = House::open().await;
    let (mut mina, _) = house.enter("x", "Mina").await;
    house.signal("INT").await;
    assert!(mina.receive().await.unwrap().is_some());
    assert!(mina.receive().await.unwrap().is_none());
    assert!(house.end().await.success());
    let again = House::open_at(&house.address).await;
    assert_eq!(again.address, house.address);
    again.enter("x", "Mina").await;
}
