//! Endpoints that mean no good, or are broken.

use std::io::Write;
use std::time::Duration;

use claw::model::ModelErrorKind as Kind;
use serde_json::json;

use super::{ask, failure, model_at, model_with};
use crate::support::mock_model::{Answer, MockModel, stream_of};

/// A model that gives up soon.
fn hasty(base_url: &str) -> claw::model::openai::OpenAi {
    model_with(base_url, |endpoint| {
        endpoint.timing.idle = Duration::from_millis(150);
        endpoint.timing.no_progress = Duration::from_millis(300);
    })
}

#[tokio::test]
async fn m09_silence_ends_at_the_idle_time() {
    let chunk = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for answer in [Answer::silence(), Answer::stream("").hold(), Answer::stream(chunk).hold()] {
        let server = MockModel::start([answer]);
        let error = ask(&hasty(&server.base_url())).await.unwrap_err();
        assert_eq!(error.kind, Kind::Idle);
        assert!(error.message.contains("limits.model_idle_timeout_s"), "{}", error.message);
        assert_eq!(server.requests().len(), 1);
        server.abandoned(1).await;
    }
}

#[tokio::test]
async fn m09_a_stalled_tls_handshake_ends_too() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let error = ask(&hasty(&format!("https://{address}/v1"))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Idle);
}

/// A server that sends `piece` for ever, one at each beat, to whoever asks.
pub async fn drips(piece: &'static [u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").await;
        let mut beat = tokio::time::interval(Duration::from_millis(20));
        while stream.write_all(piece).await.is_ok() {
            beat.tick().await;
        }
    });
    format!("http://{address}/v1")
}

#[tokio::test]
async fn m09_pings_and_drops_are_no_progress() {
    for piece in [b": ping\n\n".as_slice(), b"x", b"\n"] {
        let base_url = drips(piece).await;
        let begun = std::time::Instant::now();
        let error = ask(&hasty(&base_url)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Idle, "{}", error.message);
        // It outlived the idle time, as a sign of life should, and not much more.
        assert!(begun.elapsed() >= Duration::from_millis(290), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn m06_an_event_without_end_is_refused() {
    let mut answer = Answer::stream("data: ");
    for _ in 0..100 {
        answer = answer.then(vec![b'x'; 1024 * 1024]);
    }
    let server = MockModel::start([answer]);
    assert_eq!(failure(&server).await.kind, Kind::TooLarge);
}

#[tokio::test]
async fn m10_a_compressed_bomb_is_refused() {
    // A gigabyte of comments, which nothing else would stop.
    let line = [b":".as_slice(), &vec![b'x'; 64 * 1024], b"\n"].concat();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..16 * 1024 {
        encoder.write_all(&line).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 4 * 1024 * 1024, "{}", bomb.len());
    for status in [200, 400] {
        let answer = Answer::stream(&bomb).status(status).header("content-encoding", "gzip");
        let server = MockModel::start([answer]);
        let kind = failure(&server).await.kind;
        assert_eq!(kind, if status == 200 { Kind::TooLarge } else { Kind::Refused });
    }
}

#[tokio::test]
async fn m10_a_compressed_stream_is_read_and_a_broken_one_is_an_error() {
    let stream = stream_of(&[json!({"content": "small"})], "stop");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(stream.as_bytes()).unwrap();
    let zipped = encoder.finish().unwrap();
    let broken = [&zipped[..12], &[0xff; 40]].concat();
    let answer = |bytes: &[u8]| Answer::stream(bytes).header("content-encoding", "gzip");
    let server = MockModel::start([answer(&zipped)]);
    assert_eq!(ask(&model_at(&server.base_url())).await.unwrap().text, "small");
    let server = MockModel::answer_with(move |_| answer(&broken));
    assert_eq!(failure(&server).await.kind, Kind::Cut);
}

#[tokio::test]
async fn m10_bad_framing_is_an_error() {
    let headers: String = (0..100_000).map(|number| format!("x-{number}: y\r\n")).collect();
    for wire in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\ndata".to_owned(),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\ndata".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\ndata".to_owned(),
        "HTTP/9.9 lots\r\n\r\n".to_owned(),
        "\0\0\0\0".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{headers}\r\n"),
    ] {
        let shown: String = wire.chars().take(60).collect();
        let server = MockModel::answer_with(move |_| Answer::raw(&wire));
        let kind = failure(&server).await.kind;
        assert!(matches!(kind, Kind::Connect | Kind::Cut), "{shown:?}: {kind:?}");
    }
}

#[tokio::test]
async fn m11_redirects_are_not_followed() {
    let elsewhere = MockModel::start([]);
    for status in [301, 302, 303, 307, 308] {
        let target = format!("{}/chat/completions", elsewhere.base_url());
        let answer = Answer::stream("").status(status).header("location", &target);
        let server = MockModel::start([answer]);
        let error = failure(&server).await;
        assert_eq!(error.kind, Kind::Refused);
        assert!(error.message.contains(&format!("redirects to {target}")), "{}", error.message);
        assert_eq!(server.requests().len(), 1);
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn x01_a_key_that_comes_back_is_not_shown() {
    let echo = format!("who are you, {}? \u{1b}[2J {}", super::KEY, "x".repeat(10_000));
    let body = json!({"error": {"message": echo}});
    for status in [200, 400, 401, 404, 429, 500] {
        let body = body.clone();
        let server = MockModel::answer_with(move |_| Answer::json(status, &body));
        let error = failure(&server).await;
        assert!(error.message.contains("[REDACTED]"), "{}", error.message);
        assert!(error.message.len() < 1000 && !error.message.contains('\u{1b}'), "{}", error.message);
    }
    let location = format!("https://evil.example/?key={}", super::KEY);
    let server = MockModel::start([Answer::stream("").status(307).header("location", &location)]);
    assert!(failure(&server).await.message.contains("key=[REDACTED]"));
}
