//! What of a reply may be shown to the user while it comes: not what may be a call.
//!
//! Whether something is a call is known when the reply is whole. Until then the lines that may begin one are held back, and what
//! follows them, up to where it is clear that they were none.

use super::{Fence, files, recover, tags};
use crate::model::ToolSchema;

/// A line that does not end is shown from so many bytes on, where it can not begin a call.
const LONG: usize = 200;

/// Holds back what may be a call.
pub struct Held<'a> {
    tools: &'a [ToolSchema],
    whole_files: bool,
    /// What has not been shown, …
    text: String,
    /// … of which so many bytes were looked through.
    seen: usize,
    /// Whether its beginning may be a call.
    holds: bool,
    /// What ends the fence that is open.
    fence: Option<(char, usize)>,
    /// There is a call: nothing more is shown.
    is_call: bool,
}

impl<'a> Held<'a> {
    pub fn new(tools: &'a [ToolSchema], whole_files: bool) -> Held<'a> {
        Held { tools, whole_files, text: String::new(), seen: 0, holds: false, fence: None, is_call: false }
    }

    /// Takes the next piece of the reply. What may be shown now.
    pub fn push(&mut self, piece: &str) -> String {
        self.text.push_str(piece);
        let mut shown = String::new();
        while let Some(line) = self.next_line() {
            self.look(&line);
            if !self.holds {
                shown.extend(self.text.drain(..self.seen));
                self.seen = 0;
            }
        }
        let rest = self.text.get(self.seen..).unwrap_or_default();
        if !self.holds && rest.len() >= LONG && !may_begin(rest, self.tools) {
            shown.push_str(rest);
            self.text.clear();
        }
        shown
    }

    /// What was held back, if the whole reply holds no call.
    pub fn finish(self, has_calls: bool) -> String {
        if has_calls { String::new() } else { self.text }
    }

    fn next_line(&mut self) -> Option<String> {
        let rest = self.text.get(self.seen..)?;
        let end = rest.find('\n')? + 1;
        let line = rest.get(..end)?.to_owned();
        self.seen += end;
        Some(line)
    }

    fn look(&mut self, line: &str) {
        let content = line.trim();
        let is_path_alone = self.holds && self.fence.is_none() && self.only_paths(line.len());
        match self.fence {
            Some((sign, count)) if content.len() >= count && content.chars().all(|character| character == sign) => {
                self.fence = None;
                self.settle();
            }
            Some(_) => {}
            None if may_begin(line, self.tools) => {
                self.holds = true;
                self.fence = Fence::open(content).map(|fence| (fence.sign, fence.count));
            }
            None if self.holds && (content.is_empty() || is_path_alone) && !(content.is_empty() && is_path_alone) => {
                self.settle();
            }
            None => {}
        }
    }

    /// Whether all that is held before the last line of this length is a path on a line of its own.
    fn only_paths(&self, last: usize) -> bool {
        let held = self.text.get(..self.seen.saturating_sub(last)).unwrap_or_default();
        held.lines().all(|line| line.trim().is_empty() || files::path(line).is_some())
    }

    /// Ends the holding back where what is held is whole and no call.
    fn settle(&mut self) {
        let held = self.text.get(..self.seen).unwrap_or_default();
        self.is_call = self.is_call || !recover(held, self.tools, self.whole_files).is_empty();
        self.holds = self.is_call;
    }
}

/// Whether a call may begin in this line.
pub(super) fn may_begin(line: &str, tools: &[ToolSchema]) -> bool {
    const LABELS: [&str; 5] = ["action", "tool", "function", "arguments", "input"];
    let content = line.trim();
    let plain = content.trim_start_matches(['*', '#', ' ']).to_lowercase();
    content.starts_with(['{', '[', '<'])
        || Fence::open(content).is_some()
        || files::path(content).is_some()
        || tags::find(content, tools).is_some()
        || LABELS.iter().any(|label| plain.starts_with(label) && plain.contains(':'))
        || tools.iter().any(|tool| content.contains(&tool.name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tools() -> Vec<ToolSchema> {
        let tool = |name: &str, properties| ToolSchema {
            name: name.to_owned(),
            description: String::new(),
            parameters: json!({"type": "object", "properties": properties, "required": ["path"]}),
        };
        let text = json!({"type": "string"});
        vec![
            tool("read_file", json!({"path": text})),
            tool("write_file", json!({"path": text, "content": text})),
            tool("edit_file", json!({"path": text, "old_string": text, "new_string": text})),
        ]
    }

    /// What is shown of a reply that comes in pieces of so many characters, before its end and in all.
    fn shown(reply: &str, size: usize) -> (String, String) {
        let tools = tools();
        let mut held = Held::new(&tools, true);
        let characters: Vec<char> = reply.chars().collect();
        let before: String =
            characters.chunks(size).map(|piece| held.push(&piece.iter().collect::<String>())).collect();
        let has_calls = !recover(reply, &tools, true).is_empty();
        let all = format!("{before}{}", held.finish(has_calls));
        (before, all)
    }

    #[test]
    fn no_character_of_a_call_is_shown_however_it_is_cut() {
        let json = r#"{"name": "read_file", "arguments": {"path": "a.py"}}"#;
        let pretty = "{\n  \"name\": \"read_file\",\n  \"arguments\": {\n    \"path\": \"a.py\"\n  }\n}";
        for call in [
            format!("<tool_call>\n{json}\n</tool_call>"),
            format!("```json\n{json}\n```"),
            format!("```\n{pretty}\n```\n"),
            json.to_owned(),
            pretty.to_owned(),
            format!("[{json}]"),
            "Action: read_file\nAction Input: {\"path\": \"a.py\"}".to_owned(),
            "read_file(path=\"a.py\")".to_owned(),
            "a.py\n```python\nprint(1)\n\nprint(2)\n```\n".to_owned(),
            "**a.py**\n\n```\nprint(1)\n```".to_owned(),
            "a.py\n<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n".to_owned(),
        ] {
            let is_alone = call.starts_with("read_file(");
            for size in [1, 2, 3, 7, 1000] {
                let said = if is_alone { "" } else { "I look at it.\n" };
                let (before, all) = shown(&format!("{said}{call}"), size);
                assert_eq!((before.as_str(), all.as_str()), (said, said), "{size}: {call}");
            }
        }
    }

    #[test]
    fn prose_and_code_are_shown_and_nothing_is_lost() {
        for (reply, early) in [
            ("It adds two numbers.\nThen it stops.\n", "It adds two numbers.\nThen it stops.\n"),
            ("Like so:\n```rust\nfn a() {}\n```\nThat is all.\n", "Like so:\n```rust\nfn a() {}\n```\nThat is all.\n"),
            ("See\nsrc/a.py\nfor more.\n", "See\nsrc/a.py\nfor more.\n"),
            ("[1] is a note.\n\nMore.\n", "[1] is a note.\n\nMore.\n"),
            ("No line break", ""),
            ("```\nnever closed", ""),
        ] {
            for size in [1, 5, 1000] {
                let (before, all) = shown(reply, size);
                assert_eq!((before.as_str(), all.as_str()), (early, reply), "{size}");
            }
        }
        let long = "word ".repeat(100);
        let (before, all) = shown(&long, 3);
        assert!(before.len() > 400, "{before}");
        assert_eq!(all, long);
    }
}
