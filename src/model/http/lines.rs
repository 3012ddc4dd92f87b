//! A response whose every line is a JSON text of its own (NDJSON).

use crate::model::sse::{Event, Item, MAX_EVENT_BYTES, TooLong};

/// Decodes one response. Bytes go in, cut anywhere; a line comes out as an event without a name.
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    /// The line that has not ended yet.
    line: Vec<u8>,
}

impl Decoder {
    /// Takes the next bytes and appends the lines that they end to `items`.
    pub fn push(&mut self, bytes: &[u8], items: &mut Vec<Item>) -> Result<(), TooLong> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.line.len() + piece.len() > MAX_EVENT_BYTES {
                return Err(TooLong);
            }
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                items.extend(event(&std::mem::take(&mut self.line)).map(Item::Event));
            }
        }
        Ok(())
    }

    /// The last line, where the response ends without a line break. One that is no whole JSON text was cut.
    pub fn finish(&mut self) -> Option<Event> {
        let line = std::mem::take(&mut self.line);
        serde_json::from_slice::<serde::de::IgnoredAny>(&line).ok()?;
        event(&line)
    }
}

fn event(line: &[u8]) -> Option<Event> {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_start_matches('\u{feff}').trim();
    (!text.is_empty()).then(|| Event { name: String::new(), data: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m06_lines_however_they_are_cut() {
        let bytes = "\u{feff}{\"a\":1}\n\r\n{\"b\":\"é😀\"}\r\n{\"c\":3}".as_bytes();
        let expected = ["{\"a\":1}", "{\"b\":\"é😀\"}", "{\"c\":3}"];
        for cut in 0..=bytes.len() {
            let (mut decoder, mut items) = (Decoder::default(), Vec::new());
            decoder.push(&bytes[..cut], &mut items).unwrap();
            decoder.push(&bytes[cut..], &mut items).unwrap();
            items.extend(decoder.finish().map(Item::Event));
            let lines: Vec<_> = items
                .iter()
                .map(|item| match item {
                    Item::Event(event) => event.data.as_str(),
                    Item::Comment => ":",
                })
                .collect();
            assert_eq!(lines, expected, "cut at {cut}");
        }
    }

    #[test]
    fn m06_half_a_line_never_comes_out_and_one_without_end_is_refused() {
        let (mut decoder, mut items) = (Decoder::default(), Vec::new());
        decoder.push(b"{\"a\":1}\n{\"b\":", &mut items).unwrap();
        assert_eq!((items.len(), decoder.finish()), (1, None));
        let chunk = vec![b'x'; 1024 * 1024];
        let pushed = (0..100).take_while(|_| decoder.push(&chunk, &mut items).is_ok()).count();
        assert_eq!(pushed, 8);
    }
}
