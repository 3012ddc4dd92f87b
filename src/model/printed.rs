//! Tool calls that a model prints as text.
//!
//! Many local models were taught calls in a form that their server does not know, and small ones print whatever comes near to one:
//! JSON bare or in a fence, tags, the syntax of functions, blocks of search and replace, whole files. [`recover`] reads them from a
//! reply that is whole. It makes up nothing: what does not end is no call, prose is no call, and JSON is one only where it names a
//! tool with arguments of that tool. Somebody's beginning of a call that is none is told apart, so that the model can be told.

mod files;
mod held;
mod lenient;
mod shape;
mod syntax;
mod tags;

use serde_json::Value;

pub use self::held::Held;
use self::shape::Mark;
use self::tags::Marked;
use super::{ToolCallRequested, ToolSchema};

/// Most bytes that are kept of something malformed.
const MOST_MALFORMED: usize = 2_000;

/// The name of what was to be a call of nobody knows what.
pub const MALFORMED: &str = "malformed_call";

/// Languages of fences in which calls stand; in others it is code.
const FENCES: [&str; 17] = [
    "",
    "json",
    "json5",
    "jsonc",
    "jsonl",
    "tool_call",
    "tool_calls",
    "tool_code",
    "tool",
    "tools",
    "function",
    "function_call",
    "action",
    "xml",
    "text",
    "plaintext",
    "tool_use",
];

/// Words before JSON that only shows what a call is.
const EXAMPLES: [&str; 11] = [
    "example",
    "e.g.",
    "for instance",
    "looks like",
    "look like",
    "something like",
    "such as",
    "schema",
    "documentation",
    "never ",
    "instead of",
];

/// The calls in a whole reply, in order. With `whole_files` a fence with a path is a file to be written.
///
/// What begins as a call and is none comes as a call whose arguments are what stands there, which is not JSON.
pub fn recover(reply: &str, tools: &[ToolSchema], whole_files: bool) -> Vec<ToolCallRequested> {
    let reply = without_thoughts(reply);
    if let Some(calls) = syntax::all(reply, tools) {
        return calls;
    }
    let mut reader = Reader {
        text: reply,
        tools,
        whole_files,
        at: 0,
        before: "",
        path: None,
        written: Vec::new(),
        calls: Vec::new(),
    };
    while reader.at < reply.len() {
        reader.step();
    }
    reader.calls
}

/// What stands behind what a model thought aloud.
fn without_thoughts(reply: &str) -> &str {
    match reply.rfind("</think>") {
        Some(at) => reply.get(at + "</think>".len()..).unwrap_or_default(),
        None if reply.trim_start().starts_with("<think>") => "",
        None => reply,
    }
}

/// What is said before the first call of a reply that holds some, or else in the first lines of the files that it prints.
pub fn lead(reply: &str) -> String {
    let mut at = 0;
    for line in reply.split_inclusive('\n') {
        if held::may_begin(line, &[]) {
            break;
        }
        at += line.len();
    }
    let lead = reply.get(..at).unwrap_or_default().trim();
    if !lead.is_empty() {
        return lead.to_owned();
    }
    let fenced = reply.lines().zip(reply.lines().skip(1)).filter(|(before, _)| Fence::open(before.trim()).is_some());
    fenced.filter_map(|(_, first)| files::remark(first)).collect::<Vec<_>>().join("\n")
}

struct Reader<'a> {
    text: &'a str,
    tools: &'a [ToolSchema],
    whole_files: bool,
    at: usize,
    /// The last line of prose that is not blank.
    before: &'a str,
    /// The file that blocks are about.
    path: Option<&'a str>,
    /// The files that were printed whole.
    written: Vec<&'a str>,
    calls: Vec<ToolCallRequested>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Reads what stands next: a fence, a block, a call, or a line of prose.
    fn step(&mut self) {
        let rest = self.rest();
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        let content = line.trim();
        let indent = line.len() - line.trim_start().len();
        if let Some(fence) = Fence::open(content) {
            return self.fence(&fence, line.len());
        }
        let body = rest.get(indent..).unwrap_or_default();
        if files::begins_block(body) {
            self.at += indent;
            return self.block();
        }
        let begins_marked = tags::find(content, self.tools) == Some(0);
        if !begins_marked && body.starts_with(['{', '[']) && self.bare(body) {
            return;
        }
        if let Some(end) = self.labelled(body).or_else(|| self.by_name(body)) {
            self.at += indent + end;
            return;
        }
        if self.marked(line) {
            return;
        }
        if !content.is_empty() {
            self.before = content;
            self.path = files::path(content).or(self.path);
        }
        self.at += line.len();
    }

    /// JSON that stands in the open.
    fn bare(&mut self, body: &str) -> bool {
        let found = match lenient::structure(body) {
            Some((value, end)) => Some((shape::calls(&value, self.tools, Mark::Bare), end)),
            None => syntax::list(body, self.tools).map(|(calls, end)| (Some(calls), end)),
        };
        let start = self.text.len() - body.len();
        if let Some((calls, end)) = found {
            if let Some(calls) = calls.filter(|_| !self.is_example()) {
                self.calls.extend(calls);
            }
            self.at = start + end;
            return true;
        }
        if !self.is_attempt(body) {
            return false;
        }
        let end = body.find("\n\n").unwrap_or(body.len());
        self.malformed(body.get(..end).unwrap_or_default());
        self.at = start + end;
        true
    }

    /// Calls behind a mark in this line. What stands in quotes speaks of the mark.
    fn marked(&mut self, line: &str) -> bool {
        let Some(at) = tags::find(line, self.tools) else { return false };
        let is_quoted = line.get(..at).is_some_and(|before| before.ends_with(['`', '"', '\'', '\\']));
        let marked = if is_quoted { None } else { tags::read(self.rest().get(at..).unwrap_or_default(), self.tools) };
        match marked {
            Some(Marked::Calls(calls, end)) => {
                self.calls.extend(calls);
                self.at += at + end;
            }
            Some(Marked::Malformed(end)) => {
                let raw = self.rest().get(at..at + end).unwrap_or_default();
                self.malformed(raw);
                self.at += at + end;
            }
            None => return false,
        }
        true
    }

    /// `Action: read_file` and, below, `Action Input: {…}`.
    fn labelled(&mut self, body: &str) -> Option<usize> {
        let (line, below) = body.split_once('\n')?;
        let labels = ["Action:", "Tool:", "Function:", "Tool call:", "Tool Call:", "Tool name:", "Tool Name:"];
        let name =
            labels.iter().find_map(|label| line.trim_matches('*').trim_start_matches("**").strip_prefix(label))?;
        let tool = shape::tool(name.trim().trim_matches(['`', '*', '"', ' ']), self.tools)?;
        let labels = ["Action Input:", "Input:", "Arguments:", "Args:", "Parameters:", "Tool Input:", "Tool input:"];
        let inner = below.trim_start().trim_start_matches("**");
        let given = labels.iter().find_map(|label| inner.strip_prefix(label))?.trim_start_matches("**").trim_start();
        let given = given.strip_prefix("```json").or_else(|| given.strip_prefix("```")).unwrap_or(given).trim_start();
        let (Value::Object(arguments), end) = lenient::structure(given)? else { return None };
        self.calls.push(shape::call(&tool.name, &arguments));
        let after = given.get(end..)?;
        let after = after.trim_start().strip_prefix("```").unwrap_or(after);
        Some(body.len() - after.len())
    }

    /// `read_file {"path": "a"}` or `read_file({"path": "a"})`, from the start of a line to its end.
    fn by_name(&mut self, body: &str) -> Option<usize> {
        let end = body.find(|character: char| !character.is_alphanumeric() && character != '_')?;
        let tool = shape::tool(body.get(..end)?, self.tools)?;
        let given = body.get(end..)?.trim_start_matches([' ', ':', '(', '\n']);
        let (Value::Object(arguments), length) = lenient::structure(given)? else { return None };
        let is_of_tool = arguments.keys().any(|name| shape::property(tool, name).is_some());
        let after = given.get(length..)?.trim_start_matches([')', ';', ' ']);
        if !is_of_tool || !(after.is_empty() || after.starts_with('\n')) || self.is_example() {
            return None;
        }
        self.calls.push(shape::call(&tool.name, &arguments));
        Some(body.len() - after.len())
    }

    /// Blocks of search and replace, one or more.
    fn block(&mut self) {
        let rest = self.rest();
        let call = files::block(rest).and_then(|block| Some((block.call(self.path?, self.tools)?, block.end())));
        match call {
            Some((call, end)) => {
                self.calls.push(call);
                self.at += end;
            }
            None => {
                let end = files::block(rest).map_or(rest.len(), |block| block.end());
                self.malformed(rest.get(..end).unwrap_or_default());
                self.at += end;
            }
        }
    }

    fn fence(&mut self, fence: &Fence<'a>, length: usize) {
        let start = self.at + length;
        let body = self.text.get(start..).unwrap_or_default();
        let path = files::path_of_info(fence.info).or_else(|| files::path(self.before));
        // A path may be the first line of what it is about.
        let first = body.lines().next().unwrap_or_default();
        let below = body.get(first.len()..).unwrap_or_default().trim_start_matches(['\r', '\n']);
        let is_block =
            files::begins_block(body.trim_start()) || files::begins_block(below) && files::path(first).is_some();
        if is_block {
            self.path = path.or(self.path);
            self.at = start;
            self.blocks_in(fence);
        } else if let Some(end) = self.calls_in(fence, start) {
            self.at = end;
        } else {
            let is_prose = path.is_some_and(|path| path.ends_with(".md"));
            let (content, end) = fence.content(body, is_prose);
            self.at = start + end;
            let is_alone = |line: &&str| self.whole_files && path.is_none() && files::path(line).is_some();
            let alone = content.map(str::trim).filter(is_alone);
            if let Some(line) = alone {
                // A path in a fence of its own: the file stands in the next, or in the open.
                self.before = line;
                self.in_the_open(fence);
                return;
            }
            if let (true, Some(path), Some(content)) = (self.whole_files, path, content) {
                self.write(path, content);
            }
        }
        self.before = "";
    }

    /// The first print of a file counts. What small models print of it again is the same, or the file as it was shown to them: they
    /// go on as if the next message was theirs.
    fn write(&mut self, path: &'a str, content: &str) {
        let Some(call) = files::write(path, files::without_remark(content), self.tools) else { return };
        if !self.written.contains(&path) {
            self.written.push(path);
            self.calls.push(call);
        }
    }

    /// A file that stands behind the fence of its path, begins with what changes in it, and ends as if it was in one.
    fn in_the_open(&mut self, fence: &Fence<'a>) {
        let rest = self.rest();
        let body = rest.trim_start();
        let (Some(path), true) =
            (files::path(self.before), files::remark(body.lines().next().unwrap_or_default()).is_some())
        else {
            return;
        };
        let (content, end) = fence.content(body, false);
        let Some(content) = content else { return };
        self.write(path, content);
        self.at += rest.len() - body.len() + end;
        self.before = "";
    }

    /// The blocks up to the end of the fence.
    fn blocks_in(&mut self, fence: &Fence<'_>) {
        while self.at < self.text.len() {
            let rest = self.rest();
            let line = rest.split_inclusive('\n').next().unwrap_or_default();
            if fence.is_closed_by(line.trim()) {
                self.at += line.len();
                return;
            }
            if files::begins_block(line) {
                self.block();
                continue;
            }
            self.path = files::path(line).or(self.path);
            self.at += line.len();
        }
    }

    /// The calls that the fence at `start` holds, if that is what it holds, and where it ends.
    fn calls_in(&mut self, fence: &Fence<'_>, start: usize) -> Option<usize> {
        let language = fence.info.split([' ', ':']).next().unwrap_or_default().to_ascii_lowercase();
        if !FENCES.contains(&language.as_str()) {
            return None;
        }
        let body = self.text.get(start..)?;
        let inner = body.trim_start();
        let mut at = start + body.len() - inner.len();
        let mut found = Vec::new();
        // A fence within a string does not end this one, so the values are read first.
        while let Some((value, end)) = lenient::structure(self.text.get(at..)?) {
            found.extend(shape::calls(&value, self.tools, Mark::Bare)?);
            let rest = self.text.get(at + end..)?;
            let next = rest.trim_start_matches(|character: char| character.is_whitespace() || character == ',');
            at += end + rest.len() - next.len();
        }
        let (content, end) = fence.content(body, false);
        if found.is_empty() {
            let content = content.unwrap_or(body).trim();
            if let Some(0) = tags::find(content, self.tools) {
                let mut rest = content;
                while let Some(Marked::Calls(calls, end)) = tags::read(rest, self.tools) {
                    found.extend(calls);
                    rest = rest.get(end..)?.trim_start();
                }
            } else if let Some(calls) = syntax::all(content, self.tools) {
                found = calls;
            } else if self.is_attempt(content) && !self.is_example() {
                self.malformed(content);
                return Some(start + end);
            }
        }
        if found.is_empty() {
            return None;
        }
        if !self.is_example() {
            self.calls.extend(found);
        }
        let (_, end) = fence.content(self.text.get(at.max(start)..)?, false);
        Some(at.max(start) + end)
    }

    /// Whether JSON that can not be read names a tool and begins its arguments.
    fn is_attempt(&self, text: &str) -> bool {
        let end = text.char_indices().nth(300).map_or(text.len(), |(at, _)| at);
        let head = text.get(..end).unwrap_or_default();
        let names_tool = self
            .tools
            .iter()
            .any(|tool| ['"', '\''].iter().any(|quote| head.contains(&format!("{quote}{}{quote}", tool.name))));
        let keys = ["arguments", "parameters", "args", "input", "tool_input", "action_input"];
        text.starts_with(['{', '['])
            && names_tool
            && keys.iter().any(|key| ['"', '\''].iter().any(|quote| head.contains(&format!("{quote}{key}{quote}"))))
    }

    fn is_example(&self) -> bool {
        let before = self.before.to_lowercase();
        EXAMPLES.iter().any(|word| before.contains(word))
    }

    fn malformed(&mut self, raw: &str) {
        let tool = self.tools.iter().find(|tool| {
            let name = tool.name.as_str();
            raw.match_indices(name).any(|(at, _)| {
                let before = raw.get(..at).and_then(|before| before.chars().next_back());
                let after = raw.get(at + name.len()..).and_then(|after| after.chars().next());
                matches!(before, Some('"' | '\'' | '=' | '<')) && matches!(after, Some('"' | '\'' | '>'))
            })
        });
        let name = match tool {
            Some(tool) => tool.name.clone(),
            None if files::begins_block(raw) => "edit_file".to_owned(),
            None => MALFORMED.to_owned(),
        };
        let arguments = raw.chars().take(MOST_MALFORMED).collect();
        self.calls.push(ToolCallRequested { id: String::new(), name, arguments });
    }
}

/// The start of a fence.
struct Fence<'a> {
    sign: char,
    count: usize,
    /// What stands behind the signs.
    info: &'a str,
}

impl<'a> Fence<'a> {
    fn open(line: &'a str) -> Option<Fence<'a>> {
        let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
        let info = line.trim_start_matches(sign);
        let count = line.len() - info.len();
        (count >= 3 && !info.contains(sign)).then(|| Fence { sign, count, info: info.trim() })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        line.len() >= self.count && line.chars().all(|character| character == self.sign)
    }

    /// What stands in the fence, if it is closed, and the bytes up to behind its end. Prose may hold fences of its own: of it the last
    /// line that can close it does.
    fn content(&self, body: &'a str, is_prose: bool) -> (Option<&'a str>, usize) {
        let mut at = 0;
        let mut found = (None, body.len());
        for line in body.split_inclusive('\n') {
            if self.is_closed_by(line.trim()) {
                found = (body.get(..at), at + line.len());
                if !is_prose {
                    return found;
                }
            }
            at += line.len();
        }
        found
    }
}
