//! Bodies to messages: requests, notifications and responses, or what to answer to a body that is none of them.

use serde_json::Value;
use tower_lsp::jsonrpc::{Error, ErrorCode, Id};

use crate::secrets;

/// A message of the client.
#[derive(Debug, PartialEq)]
pub enum Message {
    /// A request, or without an id a notification.
    Call {
        id: Option<Id>,
        method: String,
        params: Option<Value>,
        /// A string of it held a lone surrogate, and holds U+FFFD instead now.
        lossy: bool,
    },
    Response {
        id: Id,
        result: Result<Value, Error>,
    },
}

/// The message in `body`, or the error to answer with id null. JSON-RPC 2.0, section 5: the id of what is no valid request
/// must be null.
pub fn parse(body: &[u8]) -> Result<Message, Error> {
    let (value, lossy) = match serde_json::from_slice::<Value>(body) {
        Ok(value) => (value, false),
        Err(error) => match repair_surrogates(body).map(|repaired| serde_json::from_slice(&repaired)) {
            Some(Ok(value)) => (value, true),
            Some(Err(_)) | None => return Err(fault(ErrorCode::ParseError, format!("not JSON: {error}"))),
        },
    };
    let invalid = |why: &str| Err(fault(ErrorCode::InvalidRequest, why.to_owned()));
    let Value::Object(mut object) = value else {
        return invalid("a message is an object; batches are not part of the language server protocol");
    };
    if object.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return invalid("`jsonrpc` is not \"2.0\"");
    }
    let id = match object.remove("id") {
        None => None,
        Some(Value::Null) => Some(Id::Null),
        Some(Value::String(id)) => Some(Id::String(id)),
        Some(Value::Number(number)) => match number.as_i64() {
            Some(id) => Some(Id::Number(id)),
            None => return invalid("`id` is a number that is no 64-bit integer"),
        },
        Some(_) => return invalid("`id` is neither a string nor a number"),
    };
    let params = object.remove("params");
    match (object.remove("method"), id) {
        (Some(Value::String(method)), id) => Ok(Message::Call { id, method, params, lossy }),
        (Some(_), _) => invalid("`method` is not a string"),
        (None, Some(id)) => match (object.remove("result"), object.remove("error")) {
            // Both is against the specification; the error counts, so that nothing is taken for a yes that may be a no.
            (_, Some(error)) if !error.is_null() => Ok(Message::Response { id, result: Err(response_error(error)) }),
            (Some(result), _) => Ok(Message::Response { id, result: Ok(result) }),
            (None, _) => invalid("neither `method` nor `result` nor `error`"),
        },
        (None, None) => invalid("neither `method` nor `id`"),
    }
}

/// The error of a response, however oddly it is made.
fn response_error(error: Value) -> Error {
    let code = error.get("code").and_then(Value::as_i64).map_or(ErrorCode::InternalError, ErrorCode::from);
    let message = error.get("message").and_then(Value::as_str).unwrap_or("an error without a message").to_owned();
    Error { code, message: message.into(), data: Some(error) }
}

fn fault(code: ErrorCode, message: String) -> Error {
    Error { code, message: message.into(), data: None }
}

/// `body` with each escaped surrogate that is not half of a pair replaced by U+FFFD; `None` if there is none. JavaScript
/// strings may hold lone surrogates, and `JSON.stringify` escapes them; the replacement has the same length in all three
/// position encodings, so later positions still fit.
fn repair_surrogates(body: &[u8]) -> Option<Vec<u8>> {
    let mut repaired: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(found) = body.get(at..)?.iter().position(|byte| *byte == b'\\') {
        let start = at + found;
        let Some(unit) = escaped_unit(body, start) else {
            at = start + 2;
            if at > body.len() {
                break;
            }
            continue;
        };
        at = start + 6;
        let is_pair =
            matches!(unit, 0xd800..=0xdbff) && escaped_unit(body, at).is_some_and(|low| matches!(low, 0xdc00..=0xdfff));
        if is_pair {
            at += 6;
        } else if matches!(unit, 0xd800..=0xdfff)
            && let Some(escape) = repaired.get_or_insert_with(|| body.to_vec()).get_mut(start..at)
        {
            escape.copy_from_slice(b"\\ufffd");
        }
    }
    repaired
}

/// The UTF-16 unit that the six bytes at `start` escape.
fn escaped_unit(body: &[u8], start: usize) -> Option<u16> {
    let digits = body.get(start..start + 6)?.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A message as a log may hold it: without secrets, and of one about a file of secrets no more than what it is.
pub fn logged(body: &[u8]) -> String {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return format!("{} bytes that are no JSON", body.len());
    };
    if names_secret_file(&message) {
        return format!(
            "{} bytes about a file of secrets: {}",
            body.len(),
            message.get("method").unwrap_or(&Value::Null)
        );
    }
    secrets::mask(&String::from_utf8_lossy(body)).text.into_owned()
}

fn names_secret_file(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with("file:") && secrets::is_secret_file(text),
        Value::Array(items) => items.iter().any(names_secret_file),
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            name.starts_with("file:") && secrets::is_secret_file(name) || names_secret_file(value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn code(body: &[u8]) -> i64 {
        parse(body).expect_err("an error").code.code()
    }

    #[test]
    fn l02_what_is_no_message_is_told_so() {
        let cases: &[(&[u8], i64)] = &[
            (b"", -32700),
            (b"{\"jsonrpc\":\"2.0\",\"method\":", -32700),
            (b"\xff\xfe{}", -32700),
            (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\xff\"}", -32700),
            (b"[]", -32600),
            (b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}]", -32600),
            (b"\"x\"", -32600),
            (b"5", -32600),
            (b"null", -32600),
            (b"{}", -32600),
            (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", -32600),
            (b"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", -32600),
            (b"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}", -32600),
            (b"{\"jsonrpc\":\"2.0\",\"id\":9223372036854775808,\"method\":\"a\"}", -32600),
            (b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", -32600),
            (b"{\"jsonrpc\":\"2.0\",\"id\":1}", -32600),
        ];
        for (body, expected) in cases {
            assert_eq!(code(body), *expected, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn l04_deep_json_is_an_error_and_no_stack_overflow() {
        for open in ["[", "{\"a\":"] {
            assert_eq!(code(open.repeat(200_000).as_bytes()), -32700);
        }
        let deep = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{}{}}}",
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        assert_eq!(code(deep.as_bytes()), -32700);
    }

    #[test]
    fn l09_ids_are_strings_integers_or_null() {
        for (id, expected) in [
            (json!("a"), Id::String("a".to_owned())),
            (json!(null), Id::Null),
            (json!(i64::MAX), Id::Number(i64::MAX)),
            (json!(-1), Id::Number(-1)),
        ] {
            let body = json!({"jsonrpc": "2.0", "id": id, "method": "m"}).to_string();
            let expected = Message::Call { id: Some(expected), method: "m".to_owned(), params: None, lossy: false };
            assert_eq!(parse(body.as_bytes()), Ok(expected));
        }
    }

    #[test]
    fn l11_a_response_with_result_and_error_is_an_error() {
        let body = json!({"jsonrpc": "2.0", "id": 1, "result": {"applied": true}, "error": {"odd": 1}}).to_string();
        let Ok(Message::Response { id: Id::Number(1), result: Err(error) }) = parse(body.as_bytes()) else {
            panic!("not an error response");
        };
        assert_eq!(error.code, ErrorCode::InternalError);
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        let cases = [
            (r"\ud83d", "\u{fffd}"),
            (r"a\uDE00b", "a\u{fffd}b"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\\ud83d\ud83d", "\\ud83d\u{fffd}"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ud83d\n", "\u{fffd}\n"),
        ];
        for (escaped, expected) in cases {
            let body = format!(r#"{{"jsonrpc":"2.0","method":"m","params":"{escaped}"}}"#);
            let expected =
                Message::Call { id: None, method: "m".to_owned(), params: Some(json!(expected)), lossy: true };
            assert_eq!(parse(body.as_bytes()), Ok(expected), "{escaped}");
        }
        let whole = br#"{"jsonrpc":"2.0","method":"m","params":"\ud83d\ude00"}"#;
        assert!(matches!(parse(whole), Ok(Message::Call { lossy: false, .. })));
    }
}
