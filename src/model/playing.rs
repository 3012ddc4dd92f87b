//! Plays recorded streams to a decoder, cut anywhere, as they would come from a network. For tests.

use super::http::{Decode, Framing, lines};
use super::{Collector, ModelError, Response, StopReason, sse};

/// The response that a stream in these pieces comes to; `None` if it was cut.
pub fn play<D: Decode>(mut decoder: D, pieces: &[&[u8]]) -> Result<Option<Response>, ModelError> {
    let mut collector = Collector::default();
    let (mut events, mut by_line, mut items) = (sse::Decoder::default(), lines::Decoder::default(), Vec::new());
    for piece in pieces {
        match decoder.framing() {
            Framing::Events => events.push(piece, &mut items).unwrap(),
            Framing::Lines => by_line.push(piece, &mut items).unwrap(),
        }
    }
    items.extend(by_line.finish().map(sse::Item::Event));
    for item in items {
        let sse::Item::Event(event) = item else { continue };
        if decoder.is_done() {
            break;
        }
        decoder.event(&event)?.iter().for_each(|delta| collector.push(delta));
    }
    let Some(deltas) = decoder.finish() else { return Ok(None) };
    deltas.iter().for_each(|delta| collector.push(delta));
    Ok(Some(collector.finish().expect("what finishes has stopped")))
}

/// Plays a stream whole, byte by byte and cut at every byte. Of a stream that was cut nothing may come that could be run and is
/// not what was said.
pub fn play_in_every_way<D: Decode>(decoder: impl Fn() -> D, stream: &[u8]) -> Response {
    let whole = play(decoder(), &[stream]).unwrap().expect("a whole stream");
    assert_eq!(play(decoder(), &stream.chunks(1).collect::<Vec<_>>()).unwrap().as_ref(), Some(&whole));
    let mut cuts = 0;
    for cut in 0..stream.len() {
        match play(decoder(), &[&stream[..cut]]).unwrap() {
            None => cuts += 1,
            Some(response) => {
                let said = |response: &Response| (response.text.clone(), response.tool_calls.clone());
                assert_eq!(said(&response), said(&whole), "cut at {cut}");
                assert_eq!(response.stop_reason, whole.stop_reason, "cut at {cut}");
            }
        }
    }
    assert!(cuts > stream.len() / 2, "{cuts} of {} cuts were seen", stream.len());
    assert_ne!(whole.stop_reason, StopReason::Unknown);
    whole
}
