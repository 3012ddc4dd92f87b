//! Server-sent events, decoded by the rules of the WHATWG HTML standard, section 9.2 ("Server-sent events").
//!
//! Bytes go in, cut anywhere; events come out. This module must never know what the events mean. What an event source does
//! beyond decoding (reconnecting, `retry`, `id`) does not apply: the request is a POST that must not be repeated unasked.

/// Bytes a single event may take, its longest line included.
pub const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// What a stream holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Event(Event),
    /// A line that starts with a colon: a sign of life and nothing else.
    Comment,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; empty means `message`.
    pub name: String,
    /// The `data` lines, joined by line feeds.
    pub data: String,
}

/// An event is longer than [`MAX_EVENT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {} MB", MAX_EVENT_BYTES / 1024 / 1024)]
pub struct TooLong;

/// Decodes one stream.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    /// Some line was seen, so a byte order mark can not come any more.
    begun: bool,
    event: Event,
    has_data: bool,
}

impl Decoder {
    /// Takes the next bytes and appends what they complete to `items`. An event that has no blank line after it when the
    /// stream ends is incomplete and never comes out.
    pub fn push(&mut self, bytes: &[u8], items: &mut Vec<Item>) -> Result<(), TooLong> {
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (piece, terminator) = match end {
                Some(end) => (rest.get(..end).unwrap_or_default(), rest.get(end).copied()),
                None => (rest, None),
            };
            if self.line.len() + piece.len() + self.event.data.len() > MAX_EVENT_BYTES {
                return Err(TooLong);
            }
            self.line.extend_from_slice(piece);
            let Some(terminator) = terminator else { break };
            self.after_cr = terminator == b'\r';
            let line = std::mem::take(&mut self.line);
            self.take_line(&line, items);
            rest = rest.get(piece.len() + 1..).unwrap_or_default();
        }
        Ok(())
    }

    fn take_line(&mut self, line: &[u8], items: &mut Vec<Item>) {
        let line = match (self.begun, line.strip_prefix(b"\xef\xbb\xbf")) {
            (false, Some(line)) => line,
            (true, _) | (false, None) => line,
        };
        self.begun = true;
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                items.push(Item::Event(event));
            }
            return;
        }
        // Line ends are ASCII, so no character spans two lines, and a line decodes like the whole stream would.
        let line = String::from_utf8_lossy(line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => items.push(Item::Comment),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            // `id`, `retry` and what no standard names.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Item {
        Item::Event(Event { name: name.to_owned(), data: data.to_owned() })
    }

    /// Decodes `bytes` whole, byte by byte, and cut in two at every place.
    fn check(bytes: &[u8], expected: &[Item]) {
        let decode = |pieces: &[&[u8]]| {
            let mut decoder = Decoder::default();
            let mut items = Vec::new();
            for piece in pieces {
                decoder.push(piece, &mut items).unwrap();
            }
            items
        };
        assert_eq!(decode(&[bytes]), expected);
        assert_eq!(decode(&bytes.chunks(1).collect::<Vec<_>>()), expected);
        for cut in 0..bytes.len() {
            assert_eq!(decode(&[&bytes[..cut], &bytes[cut..]]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn m06_every_line_end_and_a_byte_order_mark() {
        check(b"data: a\n\ndata: b\n\n", &[event("", "a"), event("", "b")]);
        check(b"data: a\r\rdata: b\r\r", &[event("", "a"), event("", "b")]);
        check(b"data: a\r\n\r\ndata: b\r\n\r\n", &[event("", "a"), event("", "b")]);
        check(b"\xef\xbb\xbfdata: a\r\n\n\rdata: b\n\r\n", &[event("", "a"), event("", "b")]);
        check(b"\n\xef\xbb\xbfdata: a\n\n", &[]);
    }

    #[test]
    fn m06_comments_fields_and_data_of_many_lines() {
        check(b": ping\n:\n\n", &[Item::Comment, Item::Comment]);
        check(b"data: a\ndata:b\ndata\ndata:  c\n\n", &[event("", "a\nb\n\n c")]);
        check(b"event: ping\ndata: {}\n\ndata: x\n\n", &[event("ping", "{}"), event("", "x")]);
        check(b"event: only\n\ndata: x\n\n", &[event("", "x")]);
        check(b"id: 7\nretry: 10\nretry: soon\nnonsense\ndata: x\n\n", &[event("", "x")]);
        check(b"data: [DONE]\n\n", &[event("", "[DONE]")]);
        check(b"data: unfinished\n", &[]);
        check(b"data: unfinished", &[]);
    }

    #[test]
    fn m13_characters_are_joined_across_chunks_and_bad_bytes_replaced() {
        check("data: é😀\n\n".as_bytes(), &[event("", "é😀")]);
        check(b"data: a\xffb\xe2\x82\n\n", &[event("", "a\u{fffd}b\u{fffd}")]);
    }

    #[test]
    fn m06_a_line_without_end_is_refused_at_the_cap() {
        let mut decoder = Decoder::default();
        let mut items = Vec::new();
        let chunk = vec![b'x'; 1024 * 1024];
        let pushed = (0..100).take_while(|_| decoder.push(&chunk, &mut items).is_ok()).count();
        assert_eq!(pushed, 8);
        assert!(decoder.line.capacity() <= 2 * MAX_EVENT_BYTES);

        let mut decoder = Decoder::default();
        let line = [b"data: ".as_slice(), &chunk, b"\n"].concat();
        let pushed = (0..100).take_while(|_| decoder.push(&line, &mut items).is_ok()).count();
        assert_eq!(pushed, 7);
        assert_eq!(items, []);
    }
}
