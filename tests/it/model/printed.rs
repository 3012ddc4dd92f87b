//! Calls that models print as text: every form that servers' and clients' users report, for calls with everything in their arguments
//! that breaks such forms; and replies that are no calls, which must stay none.

use std::path::Path;

use claw::model::ToolSchema;
use claw::model::printed::recover;
use claw::tools::{Tool, Tools};
use serde_json::{Map, Value, json};

fn tools() -> Vec<ToolSchema> {
    let schema = |tool: &dyn Tool| ToolSchema {
        name: tool.name().to_owned(),
        description: tool.description().to_owned(),
        parameters: tool.parameters(),
    };
    Tools::default().iter().map(schema).collect()
}

/// What is called.
fn calls() -> Vec<(&'static str, Value)> {
    vec![
        ("read_file", json!({"path": "src/main.py"})),
        ("read_file", json!({"path": "src/a b/été.rs", "offset": 10, "limit": 20})),
        ("list_files", json!({"glob": "**/*.{rs,toml}"})),
        ("search", json!({"pattern": "fn\\s+\\w+\\(\\d+\\)", "path": "src"})),
        ("search", json!({"pattern": "it's \"quoted\"", "case": true})),
        ("shell", json!({"command": "cargo test -- --nocapture 2>&1 | tail -5", "timeout_s": 60})),
        (
            "edit_file",
            json!({"path": "a.py", "old_string": "def a():\n    return 1\n", "new_string": "def a():\n    return {\"b\": [1, 2]}\n"}),
        ),
        (
            "edit_file",
            json!({"path": "a.md", "old_string": "# One\n", "new_string": "# One\n\n```sh\nls\n```\n", "replace_all": true}),
        ),
        (
            "write_file",
            json!({"path": "b.js", "content": "const s = `a ${b}`;\nif (a < 2 && b > 3) {\n\treturn '}';\n}\n"}),
        ),
        ("write_file", json!({"path": "c.html", "content": "<p class=\"x\">a</p>\n<script>f();</script>\n"})),
        ("move_file", json!({"from": "a/b.rs", "to": "a/c.rs"})),
        ("ask_user", json!({"question": "Which one?", "options": ["first", "the \"second\""]})),
        ("update_plan", json!({"items": [{"text": "Look", "status": "done"}, {"text": "Change", "status": "active"}]})),
    ]
}

/// A way to print a call.
type Form = (&'static str, fn(&str, &Value) -> String);

fn compact(name: &str, arguments: &Value) -> String {
    json!({"name": name, "arguments": arguments}).to_string()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

/// Python's spelling of a value.
fn python(value: &Value) -> String {
    match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        Value::String(text) if !text.contains('\'') => {
            format!("'{}'", text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t"))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("'{name}': {}", python(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

fn keywords(arguments: &Value) -> String {
    let fields = arguments.as_object().unwrap().iter();
    fields.map(|(name, value)| format!("{name}={}", python(value))).collect::<Vec<_>>().join(", ")
}

fn each(arguments: &Value, form: impl Fn(&str, &str) -> String) -> String {
    let fields = arguments.as_object().unwrap().iter();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields.map(|(name, value)| form(name, &text(value))).collect()
}

/// Line breaks and tabs within strings as they are, and a comma too many.
fn sloppy(name: &str, arguments: &Value) -> String {
    let raw = compact(name, arguments).replace("\\\\", "\u{1}").replace("\\n", "\n").replace("\\t", "\t");
    format!("{},}}", raw.replace('\u{1}', "\\\\").strip_suffix('}').unwrap())
}

const FORMS: &[Form] = &[
    ("bare", compact),
    ("bare, pretty", |name, arguments| pretty(&json!({"name": name, "arguments": arguments}))),
    ("bare, behind prose", |name, arguments| format!("I will do that now.\n\n{}", compact(name, arguments))),
    ("bare, before prose", |name, arguments| format!("{}\n\nThis shows what is there.", compact(name, arguments))),
    ("bare, parameters", |name, arguments| json!({"name": name, "parameters": arguments}).to_string()),
    ("bare, type and parameters", |name, arguments| {
        json!({"type": "function", "name": name, "parameters": arguments}).to_string()
    }),
    ("bare, tool and args", |name, arguments| json!({"tool": name, "args": arguments}).to_string()),
    ("bare, tool and input", |name, arguments| json!({"tool_name": name, "tool_input": arguments}).to_string()),
    ("bare, action", |name, arguments| {
        json!({"thought": "Hm.", "action": name, "action_input": arguments}).to_string()
    }),
    ("bare, arguments in a string", |name, arguments| {
        json!({"name": name, "arguments": arguments.to_string()}).to_string()
    }),
    ("bare, as the API has it", |name, arguments| {
        json!({"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments.to_string()}})
            .to_string()
    }),
    ("bare, tool_calls", |name, arguments| json!({"tool_calls": [{"name": name, "arguments": arguments}]}).to_string()),
    ("bare, in a list", |name, arguments| format!("[{}]", compact(name, arguments))),
    ("bare, flat", |name, arguments| {
        let mut flat = Map::from_iter([("tool".to_owned(), Value::from(name))]);
        flat.extend(arguments.as_object().unwrap().clone());
        Value::Object(flat).to_string()
    }),
    ("bare, by its name", |name, arguments| json!({name: arguments}).to_string()),
    ("bare, sloppy", sloppy),
    ("bare, Python's", |name, arguments| python(&json!({"name": name, "arguments": arguments}))),
    ("bare, functions.", |name, arguments| compact(&format!("functions.{name}"), arguments)),
    ("fence json", |name, arguments| format!("```json\n{}\n```", compact(name, arguments))),
    ("fence json, pretty, behind prose", |name, arguments| {
        format!(
            "Here is the call in the JSON format you asked for:\n\n```json\n{}\n```\n",
            pretty(&json!({"name": name, "arguments": arguments}))
        )
    }),
    ("fence json, before prose", |name, arguments| {
        format!("```json\n{}\n```\nThis will show it.", compact(name, arguments))
    }),
    ("fence json, sloppy", |name, arguments| format!("```json\n{}\n```", sloppy(name, arguments))),
    ("fence json, never closed", |name, arguments| format!("```json\n{}", compact(name, arguments))),
    ("fence", |name, arguments| format!("```\n{}\n```", compact(name, arguments))),
    ("fence tool_call", |name, arguments| format!("```tool_call\n{}\n```", compact(name, arguments))),
    ("fence of a list", |name, arguments| format!("```json\n[\n  {}\n]\n```", compact(name, arguments))),
    ("fence xml with tags", |name, arguments| {
        format!("```xml\n<tool_call>\n{}\n</tool_call>\n```", compact(name, arguments))
    }),
    ("tag", |name, arguments| format!("<tool_call>\n{}\n</tool_call>", compact(name, arguments))),
    ("tag on one line", |name, arguments| format!("<tool_call>{}</tool_call>", compact(name, arguments))),
    ("tag behind prose", |name, arguments| format!("Let me look. <tool_call>{}</tool_call>", compact(name, arguments))),
    ("tag never closed", |name, arguments| format!("<tool_call>\n{}\n", compact(name, arguments))),
    ("tag, sloppy", |name, arguments| format!("<tool_call>\n{}\n</tool_call>", sloppy(name, arguments))),
    ("tag with a fence", |name, arguments| {
        format!("<tool_call>\n```json\n{}\n```\n</tool_call>", compact(name, arguments))
    }),
    ("tag behind thoughts", |name, arguments| {
        format!(
            "<think>\nI could call {{\"name\": \"shell\", \"arguments\": {{\"command\": \"rm\"}}}}.\n</think>\n\n<tool_call>\n{}\n</tool_call>",
            compact(name, arguments)
        )
    }),
    ("tag tools", |name, arguments| format!("<tools>\n{}\n</tools>", compact(name, arguments))),
    ("tag function_call", |name, arguments| format!("<function_call>{}</function_call>", compact(name, arguments))),
    ("tag tool_calls of a list", |name, arguments| format!("<tool_calls>[{}]</tool_calls>", compact(name, arguments))),
    ("[TOOL_CALLS]", |name, arguments| format!("[TOOL_CALLS] [{}]", compact(name, arguments))),
    ("[TOOL_CALLS] by name", |name, arguments| format!("[TOOL_CALLS]{name}[ARGS]{arguments}")),
    ("<|python_tag|>", |name, arguments| format!("<|python_tag|>{}", json!({"name": name, "parameters": arguments}))),
    ("<|tool_call|>", |name, arguments| format!("<|tool_call|>[{}]", compact(name, arguments))),
    ("functools", |name, arguments| format!("functools[{}]", compact(name, arguments))),
    ("function tag with JSON", |name, arguments| format!("<function={name}>{arguments}</function>")),
    ("function tag with parameters", |name, arguments| {
        let parameters = each(arguments, |name, value| format!("<parameter={name}>\n{value}\n</parameter>\n"));
        format!("<tool_call>\n<function={name}>\n{parameters}</function>\n</tool_call>")
    }),
    ("function tag without its frame", |name, arguments| {
        let parameters = each(arguments, |name, value| format!("<parameter={name}>\n{value}\n</parameter>\n"));
        format!("I will.\n\n<function={name}>\n{parameters}</function>\n</tool_call>")
    }),
    ("invoke", |name, arguments| {
        let parameters = each(arguments, |name, value| format!("<parameter name=\"{name}\">{value}</parameter>\n"));
        format!("<function_calls>\n<invoke name=\"{name}\">\n{parameters}</invoke>\n</function_calls>")
    }),
    ("arg_key", |name, arguments| {
        let pairs =
            each(arguments, |name, value| format!("<arg_key>{name}</arg_key>\n<arg_value>{value}</arg_value>\n"));
        format!("<tool_call>{name}\n{pairs}</tool_call>")
    }),
    ("tag of its name", |name, arguments| {
        let parameters = each(arguments, |name, value| format!("<{name}>{value}</{name}>\n"));
        format!("Now I do it.\n\n<{name}>\n{parameters}</{name}>")
    }),
    ("special tokens, one family", |name, arguments| {
        format!(
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{arguments}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        )
    }),
    ("special tokens, another", |name, arguments| {
        format!(
            "<|tool_calls_section_begin|><|tool_call_begin|>functions.{name}:0<|tool_call_argument_begin|>{arguments}<|tool_call_end|><|tool_calls_section_end|>"
        )
    }),
    ("special tokens, a third", |name, arguments| {
        format!("<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{arguments}<|call|>")
    }),
    ("Action", |name, arguments| format!("Thought: I need it.\nAction: {name}\nAction Input: {arguments}\n")),
    ("name and JSON", |name, arguments| format!("{name} {arguments}")),
    ("function of an object", |name, arguments| format!("{name}({arguments})")),
    ("function", |name, arguments| format!("{name}({})", keywords(arguments))),
    ("functions in a list", |name, arguments| format!("[{name}({})]", keywords(arguments))),
    ("fence tool_code", |name, arguments| {
        format!("```tool_code\nprint(default_api.{name}({}))\n```", keywords(arguments))
    }),
    ("<|tool_call_start|>", |name, arguments| {
        format!("<|tool_call_start|>[{name}({})]<|tool_call_end|>", keywords(arguments))
    }),
];

fn recovered(reply: &str, whole_files: bool) -> Vec<(String, Value)> {
    let calls = recover(reply, &tools(), whole_files).into_iter();
    calls
        .map(|call| (call.name, serde_json::from_str(&call.arguments).unwrap_or(Value::String(call.arguments))))
        .collect()
}

#[test]
fn calls_are_recovered_from_the_forms_that_models_print() {
    let (mut all, mut found, mut failed) = (0, 0, Vec::new());
    for (form, print) in FORMS {
        for (name, arguments) in calls() {
            let reply = print(name, &arguments);
            let expected = vec![(name.to_owned(), arguments)];
            all += 1;
            let got = recovered(&reply, false);
            if got == expected {
                found += 1;
            } else {
                failed.push(format!("{form}:\n{reply}\n got {got:?}\n"));
            }
        }
    }
    println!("{found} of {all}");
    assert!(all >= 300 && found * 100 >= all * 99, "{found} of {all}\n{}", failed.join("\n"));
    println!("{}", failed.join("\n"));
}

#[test]
fn several_calls_come_in_their_order() {
    let one = ("read_file".to_owned(), json!({"path": "a"}));
    let two = ("search".to_owned(), json!({"pattern": "b"}));
    let (first, second) = (compact("read_file", &one.1), compact("search", &two.1));
    for reply in [
        format!("{first}\n{second}"),
        format!("[{first}, {second}]"),
        format!("```json\n{first}\n{second}\n```"),
        format!("```json\n{first}\n```\nThen:\n```json\n{second}\n```"),
        format!("<tool_call>\n{first}\n</tool_call>\n<tool_call>\n{second}\n</tool_call>"),
        format!("<tool_call>\n{first}\n{second}\n</tool_call>"),
        format!("First.\n<tool_call>{first}</tool_call>\nSecond.\n<tool_call>{second}</tool_call>\nDone."),
        format!("[TOOL_CALLS] [{first}, {second}]"),
        "[read_file(path=\"a\"), search(pattern=\"b\")]".to_owned(),
        "```tool_code\nread_file(path=\"a\")\nsearch(pattern=\"b\")\n```".to_owned(),
        "<function=read_file>{\"path\": \"a\"}</function><function=search>{\"pattern\": \"b\"}</function>".to_owned(),
        "<function=read_file>\n<parameter=path> a\n<parameter=limit> 3\n"
            .replace(" a\n", "a")
            .replace("<parameter=limit> 3\n", "</function>\n")
            + &second,
    ] {
        assert_eq!(recovered(&reply, false), [one.clone(), two.clone()], "{reply}");
    }
}

#[test]
fn edits_come_as_blocks_and_as_whole_files() {
    let edit = |path: &str, old: &str, new: &str| {
        ("edit_file".to_owned(), json!({"path": path, "old_string": old, "new_string": new}))
    };
    let write = |path: &str, content: &str| ("write_file".to_owned(), json!({"path": path, "content": content}));
    let block = |old: &str, new: &str| format!("<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n");
    let check = |reply: &str, files: bool, expected: &[(String, Value)]| {
        assert_eq!(recovered(reply, files), expected, "{reply}");
    };
    let (old, new) = ("a\n\nb\n", "a\nc\n");
    let one = [edit("src/a.py", old, new)];
    for path in ["src/a.py", "**src/a.py**", "### `src/a.py`", "File: src/a.py", "src/a.py:"] {
        check(&format!("Here:\n\n{path}\n```python\n{}```\n", block(old, new)), false, &one);
        check(&format!("{path}\n{}", block(old, new)), false, &one);
        check(&format!("```python\n{path}\n{}```", block(old, new)), false, &one);
        check(&format!("I change it.\n\n{path}\n\n```python\na\nc\n```\n"), true, &[write("src/a.py", "a\nc\n")]);
        // A piece of a file behind its name is no file, where none was asked for.
        check(&format!("{path}\n```python\na\n```\n"), false, &[]);
    }
    check(&format!("```python src/a.py\n{}```", block(old, new)), false, &one);
    check(
        &format!("src/a.py\n```\n{}{}```", block(old, new), block("x\n", "")),
        false,
        &[one[0].clone(), edit("src/a.py", "x\n", "")],
    );
    check(&format!("new.py\n```\n{}```", block("", "x\n")), false, &[write("new.py", "x\n")]);
    for remark in ["Change: a is b.", "# Change: a is b.\n", "// Change: a is b.", "\"\"\"Change: a is b.\"\"\""] {
        // What changes is said in the file, and is no part of it.
        check(&format!("src/a.py\n```\n{remark}\n\na\n```"), true, &[write("src/a.py", "a\n")]);
    }
    // Printed again it is the same, or what the model was shown.
    check(
        "src/a.py\n```\na = 1\n```\n\nb.py\n```\n```\n\nsrc/a.py\n```\na = 0\n```",
        true,
        &[write("src/a.py", "a = 1\n"), write("b.py", "")],
    );
    // The path in a fence of its own, and the file in the next or in the open.
    check("```\nsrc/a.py\n```\n```python\na = 1\n```", true, &[write("src/a.py", "a = 1\n")]);
    check("```\nsrc/a.py\n```\nChange: a is 1.\n\na = 1\n```", true, &[write("src/a.py", "a = 1\n")]);
    check("```\nsrc/a.py\n```\nChange: a is 1.\n\na = 1\n", true, &[]);
    check("```\nsrc/a.py\n```\nis the file.", true, &[]);
    check("names.txt\n```\nsrc/a.py\n```", true, &[write("names.txt", "src/a.py\n")]);
    check("src/a.py\n```\nchange: a\nChange: b\n```", true, &[write("src/a.py", "change: a\nChange: b\n")]);
    check("```python:src/a.py\na\n```", true, &[write("src/a.py", "a\n")]);
    check("```python title=\"src/a.py\"\na\n```", true, &[write("src/a.py", "a\n")]);
    check(
        "README.md\n```markdown\n# A\n```sh\nls\n```\nend\n```\n",
        true,
        &[write("README.md", "# A\n```sh\nls\n```\nend\n")],
    );
    check("In `src/a.py` there is:\n```python\na\n```\n", true, &[]);
    check("a.py\n```python\nnever closed", true, &[]);
    check("a.py\n```python\na\n```\nb.py\n```python\nb\n```\n", true, &[write("a.py", "a\n"), write("b.py", "b\n")]);
}

#[test]
fn m02_what_is_begun_and_not_whole_is_told_and_never_run() {
    for reply in [
        "{\"name\": \"shell\", \"arguments\": {\"command\": \"rm -rf /tmp/x",
        "{\"name\": \"shell\", \"arguments\": {\"command\": \"rm -rf /tmp/x\"}",
        "```json\n{\"name\": \"shell\", \"arguments\": {\"command\": \"rm -rf /tmp\n```",
        "<tool_call>\n{\"name\": \"shell\", \"arguments\": {\"command\": \"rm -rf /tmp/x\"\n</tool_call>",
        "<tool_call>{\"name\": \"shell\", \"arguments\": {\"command\": \"a\", \"command\": \"b\"}}</tool_call>",
        "a.py\n<<<<<<< SEARCH\na\n=======\nb\n",
        "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n",
    ] {
        let calls = recover(reply, &tools(), true);
        assert_eq!(calls.len(), 1, "{reply}: {calls:?}");
        assert!(serde_json::from_str::<Value>(&calls[0].arguments).is_err(), "{calls:?}");
    }
    let unknown = recover("<tool_call>{\"name\": \"no_such\", \"arguments\": {\"a\": 1}}</tool_call>", &tools(), false);
    assert_eq!((unknown[0].name.as_str(), unknown[0].arguments.as_str()), ("no_such", "{\"a\":1}"));
}

#[test]
fn prose_and_code_are_no_calls() {
    for reply in [
        "",
        "The tests pass: I propose the change in `src/a.py`.",
        "Call `read_file` with a path, then `edit_file`.",
        "Use read_file(path=\"a\") to look at it, and edit_file to change it.",
        "I would run `shell({\"command\": \"ls\"})` next.",
        "A call is written as `<tool_call>{\"name\": \"read_file\", \"arguments\": {\"path\": \"a\"}}</tool_call>` here.",
        "The parser looks for <tool_call> and </tool_call>.",
        "The mark [TOOL_CALLS] stands before them.",
        "For example:\n\n```json\n{\"name\": \"read_file\", \"arguments\": {\"path\": \"a\"}}\n```",
        "A call looks like this:\n{\"name\": \"read_file\", \"arguments\": {\"path\": \"a\"}}",
        "The result was {\"name\": \"read_file\", \"arguments\": {\"path\": \"a\"}} in the log.",
        "```json\n{\"name\": \"search\", \"version\": \"1.0.0\", \"dependencies\": {}}\n```",
        "```json\n{\"name\": \"shell\", \"description\": \"Runs\", \"parameters\": {\"type\": \"object\", \"properties\": {\"command\": {\"type\": \"string\"}}}}\n```",
        "```json\n{\"name\": \"task\", \"input\": [1, 2]}\n```",
        "{\"name\": \"Alice\", \"arguments\": {\"path\": \"a\"}}",
        "[1, 2, 3]",
        "[read_file](src/tools/read_file.rs) reads a file.",
        "{\n  \"compilerOptions\": {\"strict\": true}\n}",
        "```python\nread_file(path=\"a\")\n```",
        "```python\ncontent = read_file(\"a\")\nprint(search(pattern=\"x\"))\n```",
        "```rust\nlet call = json!({\"name\": \"read_file\", \"arguments\": {\"path\": \"a\"}});\n```",
        "```rust\nassert!(reply.contains(\"<tool_call>{\\\"name\\\": \\\"read_file\\\"}\"));\n```",
        "```sh\nclaw run 'search for it'\n```",
        "```xml\n<project><name>search</name></project>\n```",
        "```diff\n- read_file {\"path\": \"a\"}\n+ read_file {\"path\": \"b\"}\n```",
        "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> branch",
        "Action: required\nInput: none",
        "search: nothing was found\nshell: not allowed",
        "task {1} and task {2} are done",
        "<think>{\"name\": \"read_file\", \"arguments\": {\"path\": \"a\"}}</think>\nIt is done.",
        "<think>\n<tool_call>{\"name\": \"shell\", \"arguments\": {\"command\": \"ls\"}}</tool_call>",
        "The `<function=name>` form is used by some models.",
        "src/a.py\n\nThis file holds the parser.",
        "1. read_file\n2. edit_file\n3. shell",
        "{",
        "```json\n",
        "```\n```",
        "Set `\"tool\": \"read_file\"` in the file.",
    ] {
        assert_eq!(recovered(reply, false), [], "{reply}");
    }
}

#[test]
fn no_file_of_this_repository_is_a_call() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> =
        ["src", "editors", "demo", "docs", "benches", "examples"].map(|name| root.join(name)).into();
    let mut read = 0;
    let tools = tools();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let Some(end) = path.extension().map(|end| end.to_string_lossy().into_owned()) else {
                folders.extend(path.is_dir().then_some(path));
                continue;
            };
            if !["rs", "md", "lua", "ts", "mjs", "py", "toml"].contains(&end.as_str())
                || path.to_string_lossy().contains("node_modules")
            {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            read += 1;
            let shown =
                if end == "md" { text } else { format!("Here it is:\n\n````{end}\n{text}\n````\nThat is all.") };
            let found = recover(&shown, &tools, false);
            assert!(found.is_empty(), "{}: {found:?}", path.display());
        }
    }
    assert!(read > 200, "{read}");
}

#[test]
fn m06_hostile_replies_take_no_time() {
    let began = std::time::Instant::now();
    for piece in [
        "{",
        "[",
        "<tool_call>",
        "<tool_call>{",
        "```json\n",
        "{\"a\":",
        "<function=",
        "<<<<<<< SEARCH\n",
        "\"",
        "read_file(",
        "<｜tool▁call▁begin｜>",
        "é",
    ] {
        let reply = piece.repeat(200_000 / piece.len());
        recover(&reply, &tools(), true);
        recover(
            &format!("x\n{}", piece.repeat(20_000 / piece.len()).replace(piece, &format!("{piece}\n"))),
            &tools(),
            true,
        );
        assert!(began.elapsed().as_secs() < 60, "{piece}");
    }
}
