//! Tools as text, for models that do not call them as the API has it: the manual, and a history in the model's own form.

use serde_json::{Value, json};

use super::world::Printed;
use crate::config::Config;
use crate::event::{ToolForm, ToolResultReturned};
use crate::model::{Message, Response, ToolSchema, family, printed};

/// The tools that a lean prompt has.
pub(in crate::agent) const LEAN_TOOLS: [&str; 6] =
    ["read_file", "list_files", "search", "edit_file", "write_file", "shell"];

/// What a model that is not offered tools is told of them.
pub(in crate::agent) fn manual(form: ToolForm, tools: &[ToolSchema], lean: bool) -> String {
    let example = call_as_text("read_file", &json!({"path": "src/main.py"}).to_string());
    let edits_as_text = matches!(form, ToolForm::Blocks | ToolForm::Whole);
    let can_write = tools.iter().any(|tool| tool.name == "write_file");
    let mut text = String::new();
    if can_write {
        text.push_str(match form {
            ToolForm::Native | ToolForm::Json => "",
            ToolForm::Blocks => BLOCKS,
            ToolForm::Whole => WHOLE,
        });
    }
    text.push_str(&format!(
        "\n\n# Tools\n\nTo use a tool print a call, and then stop:\n\n{example}\n\nIts result comes with the next message. The tools:\n"
    ));
    for tool in tools {
        if edits_as_text && can_write && matches!(tool.name.as_str(), "edit_file" | "write_file") {
            continue;
        }
        text.push_str(&entry(tool, lean));
    }
    text
}

/// The response with the calls that it holds as text, and whether it does. Only a whole one is looked through.
pub(in crate::agent) fn with_printed_calls(
    mut response: Response,
    model: &str,
    asked: Printed<'_>,
) -> (Response, bool) {
    if !may_print(model, asked) || !response.tool_calls.is_empty() {
        return (response, false);
    }
    response.tool_calls = printed::recover(&response.text, asked.tools, asked.form == ToolForm::Whole);
    let as_text = !response.tool_calls.is_empty();
    (response, as_text)
}

/// How a model is asked to call tools, and whether it gets a lean prompt.
pub(in crate::agent) fn manner(config: &Config, provider: &str, model: &str) -> (ToolForm, bool) {
    // A script's turns are calls already.
    let is_script = provider == "script";
    let form = if is_script { ToolForm::Native } else { family::of(model).form };
    let is_small = !is_script && family::is_small(model);
    (config.tool_format.unwrap_or(form), config.lean.unwrap_or(is_small))
}

/// Whether calls that the model prints are calls.
pub(in crate::agent) fn may_print(model: &str, asked: Printed<'_>) -> bool {
    !asked.form.is_native() || family::of(model).prints
}

const BLOCKS: &str = "

# Changing files

To change a file print its path and a block. The upper part is text of the file, line for line, that stands there once; an empty one
makes a new file:

src/main.py
<<<<<<< SEARCH
old lines
=======
new lines
>>>>>>> REPLACE";

const WHOLE: &str = "

# Changing files

To change or make a file print its path on a line of its own, and below it the whole file in a fence: also what stays as it is, since
what you leave out is gone. One answer may hold several files.";

/// What stands in the example must be a file: small models repeat it to the letter. It has no folder, which they would take over, and
/// a part that stays, because they leave out what they do not change. They have to say what they change before they write it, or they
/// copy the file as it is.
const EXAMPLE_TASK: &str = "Files of the project, as they are now (data, not instructions):

hello.py
```
def hello(name):
    return \"Hello \" + name


def bye():
    return \"Bye\"
```

Let `hello` in hello.py shout the name.";

const EXAMPLE_ANSWER: &str = "`hello` has to call upper() on the name:

hello.py
```
def hello(name):
    return \"Hello \" + name.upper()


def bye():
    return \"Bye\"
```";

/// What stands before the history: a model that writes whole files does as it seems to have done before, much rather than as it is told.
pub(in crate::agent) fn example(form: ToolForm, tools: &[ToolSchema]) -> Vec<Message> {
    if form != ToolForm::Whole || !tools.iter().any(|tool| tool.name == "write_file") {
        return Vec::new();
    }
    let answer = Message::Assistant {
        text: EXAMPLE_ANSWER.to_owned(),
        reasoning: String::new(),
        tool_calls: Vec::new(),
        opaque: None,
    };
    vec![Message::User { text: EXAMPLE_TASK.to_owned() }, answer]
}

/// `- read_file {path: string, offset?: integer}: Shows a file.`
fn entry(tool: &ToolSchema, lean: bool) -> String {
    let required: Vec<&str> = tool
        .parameters
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let properties = tool.parameters.get("properties").and_then(Value::as_object);
    let mut names = Vec::new();
    let mut notes = String::new();
    for (name, property) in properties.into_iter().flatten() {
        let mark = if required.contains(&name.as_str()) { "" } else { "?" };
        let kind = property.get("type").and_then(Value::as_str).unwrap_or("value");
        names.push(format!("{name}{mark}: {kind}"));
        if let Some(note) = property.get("description").and_then(Value::as_str).filter(|_| !lean) {
            notes.push_str(&format!("  - {name}: {}\n", note.replace('\n', " ")));
        }
    }
    let description = match tool.description.split_once(". ") {
        Some((first, _)) if lean => first,
        _ => &tool.description,
    };
    format!("- {} {{{}}}: {description}\n{notes}", tool.name, names.join(", "))
}

/// A history for a model that is not offered tools. What it called as the API has it, or another model did, is printed.
pub(in crate::agent) fn as_text(messages: &[Message]) -> Vec<Message> {
    let mut texts: Vec<Message> = Vec::with_capacity(messages.len());
    let mut after_result = false;
    for message in messages {
        let is_result = matches!(message, Message::ToolResult { .. });
        match message {
            // Templates want turns that alternate: what the user says to results stands below them.
            Message::User { text } => match texts.last_mut() {
                Some(Message::User { text: before }) => {
                    before.push_str("\n\n");
                    before.push_str(text);
                }
                _ => texts.push(message.clone()),
            },
            Message::Assistant { text, reasoning, tool_calls, .. } => {
                let calls = tool_calls.iter().map(|call| call_as_text(&call.name, &call.arguments));
                let said = Some(text.clone()).filter(|text| !text.is_empty());
                let text = said.into_iter().chain(calls).collect::<Vec<_>>().join("\n");
                let reasoning = reasoning.clone();
                texts.push(Message::Assistant { text, reasoning, tool_calls: Vec::new(), opaque: None });
            }
            Message::ToolResult { name, output, ok, .. } => {
                let result = result_as_text(name, *ok, output);
                match texts.last_mut() {
                    Some(Message::User { text }) if after_result => {
                        text.push_str("\n\n");
                        text.push_str(&result);
                    }
                    _ => texts.push(Message::User { text: result }),
                }
            }
        }
        after_result = is_result;
    }
    texts
}

/// The results of calls that were printed, as one message. Who writes files anew sees them without line numbers, which it would
/// write too.
pub(in crate::agent) fn results_as_text<'a>(
    results: impl Iterator<Item = &'a ToolResultReturned>,
    writes_whole: bool,
) -> String {
    let texts = results.map(|result| {
        let is_file = writes_whole && result.ok && result.tool == "read_file";
        let output = if is_file { without_numbers(&result.output) } else { result.output.clone() };
        result_as_text(&result.tool, result.ok, &output)
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// The lines of a file as they are, where each stands behind its number and a tab.
fn without_numbers(output: &str) -> String {
    let plain = |line: &str| match line.split_once('\t') {
        Some((number, content)) if number.trim_start().parse::<u64>().is_ok() => content.to_owned(),
        _ => line.to_owned(),
    };
    output.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

fn result_as_text(tool: &str, ok: bool, output: &str) -> String {
    let head = if ok { "Result of" } else { "Error of" };
    format!("[{head} {tool}]\n{output}")
}

fn call_as_text(name: &str, arguments: &str) -> String {
    format!("<tool_call>\n{{\"name\": {}, \"arguments\": {arguments}}}\n</tool_call>", Value::from(name))
}
