//! Servers that mean harm: endless, slow, swollen, broken.

use std::io::Write;
use std::time::{Duration, Instant};

use claw::web::{Fault, Limits};

use super::Site;
use super::server::{Reply, Step};

fn gzip(bytes: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..times {
        encoder.write_all(bytes).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn m10_a_gzip_bomb_is_left_where_it_has_grown_to_the_limit() {
    let bomb = gzip(&vec![b'x'; 1024 * 1024], 256);
    assert!(bomb.len() < 512 * 1024);
    let site =
        Site::new(move |_| Reply::new(200, &[("content-type", "text/plain"), ("content-encoding", "gzip")], &bomb));
    let page = site.get("/").await.unwrap();
    assert_eq!((page.bytes, page.truncated, page.markdown.len()), (5 * 1024 * 1024, true, 32 * 1024));
}

#[tokio::test]
async fn m10_compressed_pages_are_read() {
    let small = gzip(b"<p>small", 1);
    let site = Site::new(move |request| {
        assert!(request.header("accept-encoding").unwrap().contains("gzip"));
        Reply::new(200, &[("content-type", "text/html"), ("content-encoding", "gzip")], &small)
    });
    assert_eq!(site.get("/").await.unwrap().markdown, "small");
    // A bomb in a bomb is opened once.
    let twice = gzip(&gzip(&vec![0; 1024 * 1024], 8), 1);
    let site =
        Site::new(move |_| Reply::new(200, &[("content-type", "text/plain"), ("content-encoding", "gzip")], &twice));
    assert!(site.get("/").await.unwrap().markdown.contains("not text"));
    for (encoding, body) in [("gzip", &b"no gzip at all"[..]), ("br", b"\xff\xff\xff\xff"), ("gzip", b"\x1f\x8b\x08")] {
        let site = Site::new(move |_| {
            Reply::new(200, &[("content-type", "text/plain"), ("content-encoding", encoding)], body)
        });
        let error = site.get("/").await.unwrap_err();
        assert_eq!(error.fault(), Fault::Remote, "{error}");
    }
}

#[tokio::test]
async fn w06_an_endless_body_is_its_beginning() {
    for content_type in ["text/plain", "text/html"] {
        let site = Site::new(move |_| {
            let head = format!("{}\r\n", Reply::head(200, &[("content-type", content_type)]));
            Reply::raw(head).then(Step::Endless(vec![b'x'; 64 * 1024], Duration::ZERO))
        });
        let page = site.get("/").await.unwrap();
        assert_eq!((page.bytes, page.truncated), (5 * 1024 * 1024, true));
        assert!(page.markdown.len() <= 32 * 1024);
    }
    // It says that there are 10 GB, and means it.
    let site = Site::new(|_| {
        let head = Reply::head(200, &[("content-type", "text/plain"), ("content-length", "10000000000")]);
        Reply::raw(format!("{head}\r\n")).then(Step::Endless(vec![b'x'; 64 * 1024], Duration::ZERO))
    });
    assert_eq!(site.get("/").await.unwrap().bytes, 5 * 1024 * 1024);
}

#[tokio::test]
async fn w06_slow_servers_have_their_time_and_no_more() {
    let drip = |bytes: &str| Step::Endless(bytes.as_bytes().to_vec(), Duration::from_millis(20));
    let head = format!("{}\r\n", Reply::head(200, &[("content-type", "text/plain")]));
    for (name, reply) in [
        ("nothing at all", Reply(vec![Step::Hold])),
        ("a header at a time", Reply::raw("HTTP/1.1 200 OK\r\nx: ").then(drip("y"))),
        ("a byte at a time", Reply::raw(&head).then(drip("z"))),
        ("a body that never comes", Reply::raw(&head).then(Step::Hold)),
        ("redirects that take their time", Reply(vec![Step::Pause(Duration::from_millis(300))])),
    ] {
        let site = Site::with(
            move |request| {
                let next = format!("{}x", request.target);
                let mut reply = reply.clone();
                if matches!(reply.0.as_slice(), [Step::Pause(_)]) {
                    reply.0.extend(Reply::to(&next).0);
                }
                reply
            },
            |settings| settings.limits = Limits { time: Duration::from_secs(1), ..Limits::default() },
        );
        let begun = Instant::now();
        let error = site.get("/").await.unwrap_err();
        assert_eq!(error.to_string(), "a.example: the page was not complete after 1 s", "{name}");
        assert_eq!(error.fault(), Fault::Remote);
        assert!(begun.elapsed() < Duration::from_secs(3), "{name}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn m10_broken_answers_are_one_page_lost() {
    let many: String = (0..1_000_000).map(|number| format!("a{number}: b\r\n")).collect();
    let head = Reply::head(200, &[("content-type", "text/plain")]);
    for (name, reply) in [
        ("a million headers", Reply::raw(format!("HTTP/1.1 200 OK\r\n{many}\r\n"))),
        (
            "one header without end",
            Reply::raw("HTTP/1.1 200 OK\r\na: ").then(Step::Endless(vec![b'x'; 65536], Duration::ZERO)),
        ),
        ("a status without end", Reply::raw("HTTP/1.1 200 ").then(Step::Endless(vec![b'x'; 65536], Duration::ZERO))),
        ("a chunk of no size", Reply::raw(format!("{head}transfer-encoding: chunked\r\n\r\nzz\r\nhello"))),
        (
            "a chunk of all sizes",
            Reply::raw(format!("{head}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello")),
        ),
        ("a chunk that is cut", Reply::raw(format!("{head}transfer-encoding: chunked\r\n\r\n40\r\nhello"))),
        ("less than was said", Reply::raw(format!("{head}content-length: 100\r\n\r\nhello"))),
        ("two lengths", Reply::raw(format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!"))),
        ("a negative length", Reply::raw(format!("{head}content-length: -5\r\n\r\nhello"))),
        ("no HTTP", Reply::raw("SSH-2.0-OpenSSH_9.6\r\n")),
        ("an old HTTP", Reply::raw("<p>hello")),
        ("nothing", Reply(Vec::new())),
        ("noise", Reply::raw([0xff; 4096])),
    ] {
        let site = Site::new(move |_| reply.clone());
        let begun = Instant::now();
        let error = site.get("/").await.expect_err(name);
        assert_eq!(error.fault(), Fault::Remote, "{name}: {error}");
        assert!(error.to_string().starts_with("a.example: "), "{name}: {error}");
        assert!(error.to_string().len() < 500, "{name}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}: {:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn t10_what_is_no_text_is_named_and_measured() {
    for (content_type, body, expected) in [
        ("image/png", &b"\x89PNG\r\n\x1a\n"[..], "[image/png, 8 bytes: not text, so nothing of it is shown]"),
        ("application/pdf", b"%PDF-1.7", "[application/pdf, 8 bytes: not text, so nothing of it is shown]"),
        ("application/zip", b"PK\x03\x04", "[application/zip, 4 bytes: not text, so nothing of it is shown]"),
        ("image/svg+xml", b"<svg><text>hi", "[image/svg+xml, 13 bytes: not text, so nothing of it is shown]"),
        ("text/html", b"PK\x03\x04<html><p>hi", "[text/html, 15 bytes: not text, so nothing of it is shown]"),
        ("text/plain", b"GIF89a<script>", "[text/plain, 14 bytes: not text, so nothing of it is shown]"),
        ("", b"\x7fELF\x02\x01", "[unknown, 6 bytes: not text, so nothing of it is shown]"),
        (
            "application/octet-stream",
            b"a\0b",
            "[application/octet-stream, 3 bytes: not text, so nothing of it is shown]",
        ),
    ] {
        let site = Site::new(move |_| Reply::of(content_type, body));
        let page = site.get("/").await.unwrap();
        assert_eq!((page.markdown.as_str(), page.truncated), (expected, false));
    }
    // Nothing of it is even waited for.
    let site = Site::new(|_| {
        let head = Reply::head(200, &[("content-type", "video/mp4"), ("content-length", "9000000000")]);
        Reply::raw(format!("{head}\r\n")).then(Step::Hold)
    });
    let page = site.get("/").await.unwrap();
    assert_eq!(page.markdown, "[video/mp4, 9000000000 bytes: not text, so nothing of it is shown]");
    assert_eq!(page.bytes, 0);
}

#[tokio::test]
async fn w06_pages_that_would_keep_a_parser_for_ever_are_cut() {
    for piece in ["<div>", "<b><i>x", "<table><tr><td>", "<ul><li>", "<blockquote>"] {
        let site = Site::with(
            move |_| Reply::html(&format!("<h1>Start</h1>{}", piece.repeat(200_000))),
            |settings| settings.limits.time = Duration::from_secs(60),
        );
        let page = site.get("/").await.unwrap();
        assert!(page.truncated && page.markdown.contains("# Start"), "{piece}: {page:?}");
    }
}
