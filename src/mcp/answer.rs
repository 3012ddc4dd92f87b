//! What a call brings back, as text.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use super::listed::clean;

/// Most bytes that are made of an answer; whoever shows it cuts further.
const MOST: usize = 1024 * 1024;

/// What a tool of a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The server says that it did what it was asked.
    pub ok: bool,
    pub text: String,
}

/// Text as it is; of what is no text, what it is. Nothing is fetched that an answer links to.
pub(super) fn of(result: &CallToolResult) -> Answer {
    let parts: Vec<String> = result.content.iter().map(part).filter(|part| !part.is_empty()).collect();
    let mut text = parts.join("\n");
    if let Some(structured) = result.structured_content.as_ref().filter(|_| text.trim().is_empty()) {
        text = structured.to_string();
    }
    if text.trim().is_empty() {
        text = "[the answer is empty]".to_owned();
    }
    Answer { ok: result.is_error != Some(true), text: clean(&text, MOST) }
}

fn part(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => not_shown("an image", &image.mime_type, image.data.len()),
        ContentBlock::Audio(audio) => not_shown("a sound", &audio.mime_type, audio.data.len()),
        ContentBlock::Resource(resource) => match &resource.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => format!("{uri}:\n{text}"),
            ResourceContents::BlobResourceContents { uri, blob, .. } => not_shown("bytes", uri, blob.len()),
            _ => "[a resource of an unknown kind]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => format!("[a link that was not followed: {} ({})]", link.uri, link.name),
        _ => "[something of an unknown kind]".to_owned(),
    }
}

fn not_shown(what: &str, of: &str, base64: usize) -> String {
    format!("[{what} that is not shown: {of}, about {} bytes]", base64 / 4 * 3)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(result: Value, ok: bool, text: &str) {
        let result: CallToolResult = serde_json::from_value(result).unwrap();
        assert_eq!(of(&result), Answer { ok, text: text.to_owned() });
    }

    #[test]
    fn text_stays_and_the_rest_is_named() {
        check(json!({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b\n"}]}), true, "a\nb\n");
        check(json!({"content": [{"type": "text", "text": "no"}], "isError": true}), false, "no");
        check(json!({"content": [], "structuredContent": {"n": 1}}), true, r#"{"n":1}"#);
        check(json!({"content": []}), true, "[the answer is empty]");
        let image = json!({"content": [{"type": "image", "data": "AAAA", "mimeType": "image/png"}]});
        check(image, true, "[an image that is not shown: image/png, about 3 bytes]");
    }

    #[test]
    fn p06_links_are_not_followed() {
        for uri in ["file:///etc/passwd", "http://169.254.169.254/latest/meta-data"] {
            let link = json!({"content": [{"type": "resource_link", "uri": uri, "name": "x"}]});
            check(link, true, &format!("[a link that was not followed: {uri} (x)]"));
        }
    }

    #[test]
    fn p03_hidden_characters_and_escapes_go() {
        let text = "a\u{1b}[31mb\u{202e}c\u{e0041}d\u{200b}";
        check(json!({"content": [{"type": "text", "text": text}]}), true, "a[31mbcd");
    }
}
