//! Frames: `Content-Length: N`, an empty line, N bytes of JSON.
//!
//! The decoder never gives up. What is not a frame is passed over up to the next header; memory stays bounded by
//! [`MAX_BODY`], and by a few hundred bytes where a peer sends no frame at all. This module must never know what a body means.

use std::io::Write;

/// The largest body that is taken. A document of half this size still fits when every character of it is escaped.
pub const MAX_BODY: usize = 128 << 20;

/// The longest header line that is kept whole; of a longer one only the end is looked at.
const MAX_LINE: usize = 16 << 10;

/// What is kept of a line that is longer: enough for a `Content-Length` header at its end.
const LINE_TAIL: usize = 256;

/// Bodies up to this size are copied out of the buffer; larger ones take its storage with them.
const SMALL_BODY: usize = 64 << 10;

const LENGTH_HEADER: &[u8] = b"content-length:";

/// Turns a stream of bytes, in pieces of any size, into bodies.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    /// Bytes of `buffer` that have been dealt with.
    position: usize,
    expect: Expect,
    /// A malformed header was reported and no good one came since: one report for any amount of garbage.
    reported: bool,
}

#[derive(Debug)]
enum Expect {
    Headers(Headers),
    Body(usize),
}

/// The header lines read so far.
#[derive(Debug, Default)]
struct Headers {
    any: bool,
    length: Option<u64>,
    fault: Option<&'static str>,
}

/// What came out of the stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    Body(Vec<u8>),
    /// Bytes that are no frame, and why.
    Malformed(&'static str),
}

impl Default for Expect {
    fn default() -> Expect {
        Expect::Headers(Headers::default())
    }
}

impl FrameDecoder {
    /// The buffer to append what was read to.
    pub fn input(&mut self) -> &mut Vec<u8> {
        if self.position > 0 {
            self.buffer.drain(..self.position);
            self.position = 0;
        }
        &mut self.buffer
    }

    /// The next frame, or `None` if more must be read first.
    pub fn next_frame(&mut self) -> Option<Frame> {
        loop {
            match &mut self.expect {
                Expect::Body(length) => {
                    let length = *length;
                    let body = self.take_body(length)?;
                    self.expect = Expect::default();
                    self.reported = false;
                    return Some(Frame::Body(body));
                }
                Expect::Headers(headers) => {
                    let rest = self.buffer.get(self.position..).unwrap_or_default();
                    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                        if rest.len() > MAX_LINE {
                            headers.any = true;
                            self.position = self.buffer.len() - LINE_TAIL;
                        }
                        return None;
                    };
                    let line = rest.get(..end).unwrap_or_default().trim_ascii();
                    let is_blank = line.is_empty();
                    headers.read(line);
                    self.position += end + 1;
                    if is_blank && let Some(outcome) = std::mem::take(headers).finish() {
                        match outcome {
                            Ok(length) => self.expect = Expect::Body(length),
                            Err(_) if self.reported => {}
                            Err(fault) => {
                                self.reported = true;
                                return Some(Frame::Malformed(fault));
                            }
                        }
                    }
                }
            }
        }
    }

    /// Takes back a body that is not JSON if a header begins within it, from that header on: its own length was a lie. No
    /// JSON text can hold a header, because line breaks are escaped in its strings.
    pub fn resume_within(&mut self, body: &[u8]) {
        let mut bytes = body.to_vec();
        bytes.extend_from_slice(self.buffer.get(self.position..).unwrap_or_default());
        let Some(start) = (1..body.len()).find(|start| begins_header(bytes.get(*start..).unwrap_or_default())) else {
            return;
        };
        bytes.drain(..start);
        self.buffer = bytes;
        self.position = 0;
    }

    fn take_body(&mut self, length: usize) -> Option<Vec<u8>> {
        let end = self.position.checked_add(length)?;
        if self.buffer.len() < end {
            return None;
        }
        if length <= SMALL_BODY {
            let body = self.buffer.get(self.position..end)?.to_vec();
            self.position = end;
            return Some(body);
        }
        let rest = self.buffer.split_off(end);
        let mut body = std::mem::replace(&mut self.buffer, rest);
        body.drain(..self.position);
        self.position = 0;
        Some(body)
    }
}

impl Headers {
    fn read(&mut self, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        self.any = true;
        let Some(start) = find_last(line, LENGTH_HEADER) else { return };
        let value = line.get(start + LENGTH_HEADER.len()..).unwrap_or_default().trim_ascii();
        if start > 0 {
            // Something that is no header line runs up to a header: garbage, or the end of a body whose header was bad.
            if let Some(length) = parse_length(value) {
                *self = Headers { any: true, length: Some(length), fault: None };
            }
            return;
        }
        match (parse_length(value), self.length) {
            (None, _) => self.fault = Some("Content-Length is not a number of bytes"),
            (Some(new), Some(old)) if new != old => self.fault = Some("two different Content-Length headers"),
            (Some(length), _) => self.length = Some(length),
        }
    }

    /// At the empty line: the length of the body, or what is wrong. `None` if there was no header at all.
    fn finish(self) -> Option<Result<usize, &'static str>> {
        if !self.any {
            return None;
        }
        Some(match (self.fault, self.length) {
            (Some(fault), _) => Err(fault),
            (None, None) => Err("no Content-Length header"),
            (None, Some(length)) => match usize::try_from(length) {
                Ok(length) if length <= MAX_BODY => Ok(length),
                _ => Err("the message is larger than 128 MB"),
            },
        })
    }
}

/// Appends `body` as a frame.
pub fn encode(body: &[u8], output: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = write!(output, "Content-Length: {}\r\n\r\n", body.len());
    output.extend_from_slice(body);
}

fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than a u64 holds is a length like any other that is too large.
    Some(std::str::from_utf8(value).ok()?.parse().unwrap_or(u64::MAX))
}

/// Whether `bytes`, which may be cut anywhere, begin with a `Content-Length` line.
fn begins_header(bytes: &[u8]) -> bool {
    let name = bytes.get(..LENGTH_HEADER.len()).unwrap_or(bytes);
    if !LENGTH_HEADER.get(..name.len()).is_some_and(|expected| expected.eq_ignore_ascii_case(name)) {
        return false;
    }
    let rest = bytes.get(LENGTH_HEADER.len()..).unwrap_or_default();
    match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => rest.get(..end).is_some_and(|value| parse_length(value.trim_ascii()).is_some()),
        None => rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace()),
    }
}

fn find_last(line: &[u8], needle: &[u8]) -> Option<usize> {
    line.windows(needle.len()).rposition(|window| window.eq_ignore_ascii_case(needle))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in pieces of `size` bytes; bodies as text, malformed frames as `!`.
    fn decode(input: &[u8], size: usize) -> Vec<String> {
        let mut decoder = FrameDecoder::default();
        let mut out = Vec::new();
        for piece in input.chunks(size) {
            decoder.input().extend_from_slice(piece);
            while let Some(frame) = decoder.next_frame() {
                match frame {
                    Frame::Body(body) => out.push(String::from_utf8_lossy(&body).into_owned()),
                    Frame::Malformed(_) => out.push("!".to_owned()),
                }
            }
        }
        out
    }

    fn frame(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn l03_bad_headers_are_passed_over() {
        let good = frame("{}");
        let long = format!("X: {}\r\n{good}", "a".repeat(1 << 20));
        let endless = format!("{}{good}", "a".repeat(1 << 20));
        let cases: &[(&str, &[&str])] = &[
            ("", &["{}"]),
            ("Content-Length: -5\r\n\r\n", &["!", "{}"]),
            ("Content-Length: 1e11\r\n\r\n", &["!", "{}"]),
            ("Content-Length: 100000000000\r\n\r\n{}", &["!", "{}"]),
            ("Content-Length: 99999999999999999999999\r\n\r\n{}", &["!", "{}"]),
            ("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", &["!", "{}"]),
            ("Content-Length: 2\r\nContent-Length: 2\r\n\r\n[]", &["[]", "{}"]),
            ("Content-Type: application/vscode-jsonrpc\r\n\r\n{\"a\":1}", &["!", "{}"]),
            ("content-length:2\n\n[]", &["[]", "{}"]),
            ("garbage", &["{}"]),
            ("garbage\n\nmore\n\nand more\n\n", &["!", "{}"]),
            ("\r\n\r\n", &["{}"]),
            ("Content-Length: 12\"}", &["{}"]),
        ];
        for (before, expected) in cases {
            for size in [1, 7, usize::MAX] {
                assert_eq!(decode(format!("{before}{good}").as_bytes(), size), *expected, "{before:?} by {size}");
            }
        }
        for input in [long, endless] {
            assert_eq!(decode(input.as_bytes(), 4096), ["{}"]);
        }
    }

    #[test]
    fn l03_an_endless_header_line_is_not_kept() {
        let mut decoder = FrameDecoder::default();
        for _ in 0..1000 {
            decoder.input().extend_from_slice(&[b'a'; 4096]);
            assert_eq!(decoder.next_frame(), None);
        }
        assert!(decoder.buffer.capacity() < 64 << 10, "{}", decoder.buffer.capacity());
    }

    #[test]
    fn l05_frames_are_the_same_in_pieces_of_any_size() {
        let bodies: Vec<String> =
            (0..50).map(|n| format!("{{\"n\":{n},\"t\":\"{}\"}}", "ä😀\u{2028}".repeat(n))).collect();
        let input: String = bodies.iter().map(|body| frame(body)).collect();
        for size in [1, 2, 3, 5, 64, 4096, usize::MAX] {
            assert_eq!(decode(input.as_bytes(), size), bodies, "by {size}");
        }
    }

    #[test]
    fn l02_a_body_that_swallowed_the_next_frame_gives_it_back() {
        let next = frame("{\"id\":1}");
        let cut = "{\"cut";
        // The lie swallows a part of the next header, all of it, and a part of its body.
        for swallowed in [3, 14, 20, 25] {
            let mut decoder = FrameDecoder::default();
            let lie = format!("Content-Length: {}\r\n\r\n{cut}", cut.len() + swallowed);
            decoder.input().extend_from_slice(format!("{lie}{next}").as_bytes());
            let Some(Frame::Body(body)) = decoder.next_frame() else { panic!("no body") };
            decoder.resume_within(&body);
            assert_eq!(decoder.next_frame(), Some(Frame::Body(b"{\"id\":1}".to_vec())), "{swallowed} bytes");
            assert_eq!(decoder.next_frame(), None);
        }
        // What follows has not come yet.
        let mut decoder = FrameDecoder::default();
        decoder.input().extend_from_slice(b"Content-Length: 10\r\n\r\n{\"cutConte");
        let Some(Frame::Body(body)) = decoder.next_frame() else { panic!("no body") };
        decoder.resume_within(&body);
        decoder.input().extend_from_slice(b"nt-Length: 2\r\n\r\n[]");
        assert_eq!(decoder.next_frame(), Some(Frame::Body(b"[]".to_vec())));
    }

    #[test]
    fn l04_large_bodies_come_whole() {
        let body = "x".repeat(3 << 20);
        let input = format!("{}{}", frame(&body), frame("[]"));
        assert_eq!(decode(input.as_bytes(), 64 << 10), [body.as_str(), "[]"]);
    }
}
