//! Calls that are cut, doubled, malformed, or to tools that only look like one.

use claw::tools::Reply;
use serde_json::{Value, json};

use super::case::{Attack, shell, tool};

const EVIL: &str = "touch evil.txt";

pub fn attacks() -> Vec<Attack> {
    let raw = |arguments: &str| json!({"name": "shell", "arguments": arguments});
    let yes = |name: String| Attack::new(name).replies(&[], Reply::Once).not_told("created: `evil.txt`");
    let mut attacks: Vec<Attack> = [
        "{\"command\": \"touch evil.txt",
        "{\"command\": \"touch evil.txt\"",
        "{\"command\": \"echo\", \"command\": \"touch evil.txt\"}",
        "{\"command\": \"touch evil.txt\"} {\"command\": \"touch evil.txt\"}",
        "[\"touch evil.txt\"]",
        "\"touch evil.txt\"",
        "{\"command\": [\"touch\", \"evil.txt\"]}",
        "{\"command\": {\"text\": \"touch evil.txt\"}}",
        "{\"Command\": \"touch evil.txt\"}",
        "{\"cmd\": \"touch evil.txt\"}",
        "{\"command\": \"touch evil.txt\", \"timeout_s\": -1}",
        "{\"command\": \"touch evil.txt\", \"timeout_s\": 1e999}",
        "{\"command\": \"touch evil.txt\", \"cwd\": \"{OUT}\"}",
        "{\"command\": \"touch evil.txt\", \"env\": {\"LD_PRELOAD\": \"x\"}}",
        "{\"command\": \"touch evil.txt\", \"sandbox\": \"off\", \"confined\": false}",
        "{\"command\": \"touch evil.txt\",}",
        "{'command': 'touch evil.txt'}",
        "// comment\n{\"command\": \"touch evil.txt\"}",
        "{\"command\": \"touch evil.txt\\u0000\"}",
        "{\"command\": null}",
        "{}",
        "",
        "null",
    ]
    .iter()
    .map(|arguments| yes(format!("the arguments {arguments:?}")).call(raw(arguments)).nothing_done())
    .collect();
    for name in [
        "sh\u{435}ll",
        "Shell",
        "shell ",
        " shell",
        "shell\u{200b}",
        "bash",
        "run_command",
        "shell.exe",
        "functions.shell",
        "../shell",
        "x__shell",
        "",
        "shell\n",
        "mcp__shell",
        "execute",
    ] {
        attacks.push(yes(format!("the tool {name:?}")).call(tool(name, json!({"command": EVIL}))).nothing_done());
    }
    let call = |stop: &str| json!({"tools": [shell(EVIL)], "stop": stop});
    let many: Vec<Value> =
        (0..300).map(|number| tool("read_file", json!({"path": "notes.txt", "offset": number + 1}))).collect();
    attacks.extend([
        yes("a response that was cut".to_owned()).turn(call("length")).nothing_done(),
        yes("a response that a filter stopped".to_owned()).turn(json!({"tools": [shell(EVIL)], "stop": "length", "text": "half"})).nothing_done(),
        yes("the same id twice".to_owned())
            .asking()
            .turn(json!({"tools": [{"id": "a", "name": "list_files", "input": {}}, {"id": "a", "name": "list_files", "input": {}}]})),
        yes("three hundred calls at once".to_owned()).calls(&many),
        yes("the same call again and again".to_owned()).calls(&[shell("false")]).calls(&[shell("false")]).calls(&[shell("false")]).calls(&[shell("false")]).calls(&[shell("false")]).calls(&[shell("false")]),
        yes("a command of a megabyte".to_owned()).call(shell(&format!("echo {}", "x ".repeat(400_000)))),
        yes("a command of a hundred thousand parts".to_owned()).call(shell(&"(".repeat(100_000))),
        yes("a command with nothing in it".to_owned()).calls(&[shell(""), shell(" "), shell("\n"), shell("#")]),
        yes("a text of a pattern that never ends".to_owned()).call(tool("search", json!({"pattern": "(a+)+$", "glob": "*".repeat(1_000)}))),
        yes("a subagent that would edit".to_owned())
            .call(tool("task", json!({"description": "change it", "prompt": "x"})))
            .turn(json!({"when": "change it", "tools": [shell(EVIL), tool("write_file", json!({"path": "evil.txt", "content": "x"})), tool("task", json!({"description": "change it", "prompt": "y"}))]}))
            .turn(json!({"when": "change it", "text": "Done."})),
    ]);
    attacks
}
