//! Model turns from a file: tests, `claw demo` and examples run on them, without a network.
//!
//! A script is JSON Lines, one turn of the model a line; blank lines and lines that start with `//` are skipped. A line may hold
//!
//! - `text`: what the model says;
//! - `tools`: the calls it makes, `[{"name": "…", "input": {…}}]`. `arguments` instead of `input` gives the raw text of the
//!   arguments, malformed if need be; `id` names the call;
//! - `reasoning`: what it thinks aloud;
//! - `delay_ms`: how long it waits before the first word;
//! - `stop`: `end`, `tool_calls`, `length`, `content_filter` or `unknown`, instead of the one that follows from the rest;
//! - `usage`: `{"input": …, "output": …, "cached": …}`, instead of an estimate from the lengths;
//! - `cut`: `true` ends the stream before its terminal event, as a lost connection does;
//! - `error`: `{"code": "…", "message": "…"}` fails the request, with a code of an `error` event;
//! - `when`: a text. A conversation whose first message holds it plays the lines with this `when` and no others; all other
//!   conversations play the lines without one.
//!
//! Which turn is played follows from the request alone: a request that holds n assistant messages, or says that it did before it was
//! made shorter, gets turn n + 1. So every
//! session plays from the first line, any number run side by side, and a replay asks the same and hears the same.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use serde::Deserialize;
use serde_json::Value;

use super::{Delta, Model, ModelError, ModelErrorKind, Request, StopReason, Usage, shortened};

/// A script is small; more than this is some other file.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Characters a streamed piece holds.
const PIECE: usize = 24;

/// A model whose turns stand in a file.
#[derive(Clone, Debug)]
pub struct Script {
    /// The file, as messages name it.
    source: String,
    turns: Arc<[ScriptTurn]>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ScriptTurn {
    text: Option<String>,
    reasoning: Option<String>,
    tools: Vec<ScriptCall>,
    delay_ms: u64,
    stop: Option<StopReason>,
    usage: Option<ScriptUsage>,
    cut: bool,
    error: Option<ScriptError>,
    when: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptCall {
    name: String,
    #[serde(default)]
    input: Option<Value>,
    #[serde(default)]
    arguments: Option<String>,
    #[serde(default)]
    id: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ScriptUsage {
    input: u64,
    output: u64,
    cached: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptError {
    code: ModelErrorKind,
    message: String,
}

impl Script {
    /// Reads a script. Blocks on the disk.
    pub fn load(path: &Path) -> Result<Script, ModelError> {
        let source = path.display().to_string();
        let failed = |reason: String| {
            config_error(format!("script {source} can not be read: {reason}. Set `script` to a file of model turns"))
        };
        let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
        if size > MAX_BYTES {
            return Err(failed(format!("it has {size} bytes, and at most {MAX_BYTES} are taken")));
        }
        let content = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
        Script::parse(&source, &content)
    }

    /// A script from its text; `source` names it in messages.
    pub fn parse(source: &str, content: &str) -> Result<Script, ModelError> {
        let content = content.strip_prefix('\u{feff}').unwrap_or(content);
        let mut turns = Vec::new();
        for (number, line) in content.lines().enumerate() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with("//") {
                continue;
            }
            let at = |reason: String| config_error(format!("{source}:{}: {reason}", number + 1));
            let turn: ScriptTurn =
                serde_json::from_str(trimmed).map_err(|error| at(format!("not a model turn: {error}")))?;
            if turn.text.is_none() && turn.reasoning.is_none() && turn.tools.is_empty() && turn.error.is_none() {
                return Err(at("a turn needs `text`, `tools` or `error`".to_owned()));
            }
            if let Some(call) = turn.tools.iter().find(|call| call.input.is_some() && call.arguments.is_some()) {
                return Err(at(format!("the call of `{}` has `input` and `arguments`: keep one", call.name)));
            }
            turns.push(turn);
        }
        Ok(Script { source: source.to_owned(), turns: turns.into() })
    }

    fn respond(&self, body: &Value) -> Result<ScriptTurn, ModelError> {
        let asked = assistant_messages(body);
        let first = first_message(body);
        let heard = |turn: &&ScriptTurn| turn.when.as_ref().filter(|when| first.contains(when.as_str())).cloned();
        let when = self.turns.iter().find_map(|turn| heard(&turn));
        let turns: Vec<&ScriptTurn> = self.turns.iter().filter(|turn| turn.when == when).collect();
        turns.get(asked).map(|turn| (*turn).clone()).ok_or_else(|| {
            config_error(format!(
                "the script {} has {} turns, and turn {} was asked for: add a line to it",
                self.source,
                turns.len(),
                asked + 1
            ))
        })
    }
}

impl Model for Script {
    fn provider(&self) -> &str {
        "script"
    }

    fn name(&self) -> &str {
        "script"
    }

    /// Claw's own neutral request: a script has no wire format.
    fn body(&self, request: &Request) -> Value {
        // A request is strings, numbers and JSON values: it always serialises.
        serde_json::to_value(request).unwrap_or_default()
    }

    fn send(&self, body: Value) -> BoxStream<'static, Result<Delta, ModelError>> {
        let position = assistant_messages(&body);
        let turn = match self.respond(&body) {
            Ok(turn) => turn,
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let delay = Duration::from_millis(turn.delay_ms);
        let deltas = deltas(&turn, position, &body);
        stream::once(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            stream::iter(deltas)
        })
        .flatten()
        .boxed()
    }
}

/// The text of the user's first message.
fn first_message(body: &Value) -> String {
    let messages = body.get("messages").and_then(Value::as_array);
    let first = messages.and_then(|messages| messages.first());
    first.and_then(|message| message.get("text")).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// How many turns of the model the request already holds.
fn assistant_messages(body: &Value) -> usize {
    let messages = body.get("messages").and_then(Value::as_array);
    messages.map_or(0, |messages| {
        let is_its = |message: &&Value| message.get("role").and_then(Value::as_str) == Some("assistant");
        // A conversation that was made shorter says how many are missing.
        let first = messages.first().and_then(|message| message.get("text")).and_then(Value::as_str);
        messages.iter().filter(is_its).count() + first.map_or(0, shortened::messages)
    })
}

fn deltas(turn: &ScriptTurn, position: usize, body: &Value) -> Vec<Result<Delta, ModelError>> {
    let mut deltas = Vec::new();
    deltas.extend(pieces(turn.reasoning.as_deref().unwrap_or_default()).map(|piece| Ok(Delta::Reasoning(piece))));
    deltas.extend(pieces(turn.text.as_deref().unwrap_or_default()).map(|piece| Ok(Delta::Text(piece))));
    let mut written = 0;
    for (index, call) in turn.tools.iter().enumerate() {
        let arguments = match (&call.arguments, &call.input) {
            (Some(raw), _) => raw.clone(),
            (None, Some(input)) => input.to_string(),
            (None, None) => "{}".to_owned(),
        };
        written += arguments.len();
        let id = call.id.clone().unwrap_or_else(|| format!("call_{}_{}", position + 1, index + 1));
        deltas.push(Ok(Delta::ToolCall {
            index,
            id: Some(id),
            name: Some(call.name.clone()),
            arguments: String::new(),
        }));
        deltas
            .extend(pieces(&arguments).map(|arguments| Ok(Delta::ToolCall { index, id: None, name: None, arguments })));
    }
    if let Some(error) = &turn.error {
        deltas.push(Err(ModelError::new(error.code, error.message.clone())));
        return deltas;
    }
    if turn.cut {
        return deltas;
    }
    written += turn.text.as_ref().map_or(0, String::len) + turn.reasoning.as_ref().map_or(0, String::len);
    let usage = turn.usage.map_or_else(
        || Usage { input: estimate(body.to_string().len()), output: estimate(written), cached: 0, ..Usage::default() },
        |usage| Usage { input: usage.input, output: usage.output, cached: usage.cached, ..Usage::default() },
    );
    deltas.push(Ok(Delta::Usage(usage)));
    let natural = if turn.tools.is_empty() { StopReason::End } else { StopReason::ToolCalls };
    deltas.push(Ok(Delta::Stop(turn.stop.unwrap_or(natural))));
    deltas
}

/// Tokens of so many bytes, about.
fn estimate(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX)
}

/// `text` as it is streamed: at least two pieces, if it has two characters.
fn pieces(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = text.chars().collect();
    let size = PIECE.min(characters.len().div_ceil(2)).max(1);
    characters.chunks(size).map(|piece| piece.iter().collect()).collect::<Vec<String>>().into_iter()
}

fn config_error(message: String) -> ModelError {
    ModelError::new(ModelErrorKind::Config, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Collector, Message};

    fn user(text: &str) -> Message {
        Message::User { text: text.to_owned() }
    }

    fn assistant(text: &str) -> Message {
        Message::Assistant { text: text.to_owned(), reasoning: String::new(), tool_calls: Vec::new(), opaque: None }
    }

    async fn play(script: &str, messages: Vec<Message>) -> (usize, Result<crate::model::Response, ModelError>) {
        let script = Script::parse("turns.jsonl", script).unwrap();
        let body = script.body(&Request { messages, ..Request::default() });
        let mut collector = Collector::default();
        let mut stream = script.send(body);
        let mut count = 0;
        while let Some(delta) = stream.next().await {
            count += 1;
            match delta {
                Ok(delta) => collector.push(&delta),
                Err(error) => return (count, Err(error)),
            }
        }
        (count, collector.finish().map_err(|text| ModelError::new(ModelErrorKind::Cut, text)))
    }

    #[tokio::test]
    async fn the_position_follows_from_the_request() {
        let script = "{\"text\": \"one\"}\n\n// a note\n{\"text\": \"two\"}\n";
        let (_, first) = play(script, vec![user("hello")]).await;
        assert_eq!(first.unwrap().text, "one");
        let (_, second) = play(script, vec![user("hello"), assistant("one"), user("more"), user("and more")]).await;
        assert_eq!(second.unwrap().text, "two");
        let (_, third) = play(script, vec![user("a"), assistant("one"), assistant("two")]).await;
        let error = third.unwrap_err();
        assert_eq!(error.kind, ModelErrorKind::Config);
        assert_eq!(error.message, "the script turns.jsonl has 2 turns, and turn 3 was asked for: add a line to it");
    }

    #[tokio::test]
    async fn conversations_may_have_lines_of_their_own() {
        let script = "{\"text\": \"one\"}\n{\"when\": \"find\", \"text\": \"found\"}\n{\"text\": \"two\"}\n";
        let said = |messages: Vec<Message>| async { play(script, messages).await.1.map(|response| response.text) };
        assert_eq!(said(vec![user("please find it")]).await.unwrap(), "found");
        assert_eq!(said(vec![user("go")]).await.unwrap(), "one");
        assert_eq!(said(vec![user("go"), assistant("one"), user("find it")]).await.unwrap(), "two");
        assert!(said(vec![user("find"), assistant("found")]).await.unwrap_err().message.contains("has 1 turns"));
    }

    #[tokio::test]
    async fn a_turn_may_hold_text_and_calls() {
        let script = r#"{"text": "I look. 😀 é", "tools": [{"name": "read_file", "input": {"path": "a.rs", "limit": 3}}, {"name": "list_files"}]}"#;
        let (count, response) = play(script, vec![user("go")]).await;
        let response = response.unwrap();
        assert!(count > 6, "streamed in {count} deltas");
        assert_eq!(response.text, "I look. 😀 é");
        assert_eq!(response.stop_reason, StopReason::ToolCalls);
        let calls: Vec<_> = response.tool_calls.iter().map(|call| (&*call.id, &*call.name, &*call.arguments)).collect();
        assert_eq!(
            calls,
            [("call_1_1", "read_file", r#"{"path":"a.rs","limit":3}"#), ("call_1_2", "list_files", "{}")]
        );
    }

    #[tokio::test]
    async fn stop_usage_cut_and_error_are_as_written() {
        let (_, response) =
            play(r#"{"text": "x", "stop": "length", "usage": {"input": 7, "output": 2}}"#, vec![]).await;
        let response = response.unwrap();
        assert_eq!(response.stop_reason, StopReason::Length);
        assert_eq!(response.usage, Usage { input: 7, output: 2, cached: 0, ..Usage::default() });

        let (_, cut) = play(r#"{"text": "half", "cut": true}"#, vec![]).await;
        assert_eq!(cut.unwrap_err(), ModelError::new(ModelErrorKind::Cut, "half"));

        let (_, failed) = play(r#"{"error": {"code": "auth", "message": "wrong key"}}"#, vec![]).await;
        assert_eq!(failed.unwrap_err(), ModelError::new(ModelErrorKind::Auth, "wrong key"));
    }

    #[tokio::test]
    async fn m02_truncated_arguments_are_left_as_they_came() {
        let script = r#"{"tools": [{"name": "shell", "arguments": "{\"command\":\"rm -rf /tmp/x"}], "stop": "length"}"#;
        let (_, response) = play(script, vec![]).await;
        assert_eq!(response.unwrap().tool_calls[0].arguments, "{\"command\":\"rm -rf /tmp/x");
    }

    #[test]
    fn a_bad_line_names_file_and_line() {
        let check = |content: &str, expected: &str| {
            let error = Script::parse("turns.jsonl", content).unwrap_err();
            assert_eq!(error.kind, ModelErrorKind::Config);
            assert!(error.message.starts_with(expected), "{}", error.message);
        };
        check("{\"text\": \"a\"}\n{\"text\": ", "turns.jsonl:2: not a model turn: ");
        check("{\"txt\": \"a\"}", "turns.jsonl:1: not a model turn: unknown field `txt`");
        check("{}", "turns.jsonl:1: a turn needs ");
        check("[1]", "turns.jsonl:1: ");
        check(
            r#"{"tools": [{"name": "a", "input": {}, "arguments": ""}]}"#,
            "turns.jsonl:1: the call of `a` has `input` and `arguments`",
        );
        let error = Script::load(Path::new("/nowhere/turns.jsonl")).unwrap_err();
        assert!(error.message.starts_with("script /nowhere/turns.jsonl can not be read: "), "{}", error.message);
    }
}
