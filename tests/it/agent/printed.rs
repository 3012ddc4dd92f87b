//! Models that print their calls: what they are sent, what is run of what they say, and how the form changes.

use claw::context::estimate_tokens;
use claw::event::{EventKind, ToolForm};
use serde_json::Value;

use super::rig::{PROJECT, Rig};
use crate::support::mock_model::{Answer, MockModel, stream_of};

/// A session of one task with a model of this name that says these words; the requests it got.
async fn run(model: &str, replies: &[&str]) -> (Rig, claw::agent::RunResult, Vec<Value>) {
    let server = MockModel::start(replies.iter().map(|reply| Answer::text(reply)));
    let rig = Rig::bare(PROJECT, |builder| builder.base_url(&server.base_url()).model(model));
    let result = rig.run("Make two a 2").await;
    rig.check_session(result.session.id()).await;
    let requests = server.requests().iter().map(|request| request.json()).collect();
    (rig, result, requests)
}

fn said(request: &Value) -> Vec<(String, String)> {
    let messages = request["messages"].as_array().unwrap().iter();
    let text = |message: &Value, key: &str| message[key].as_str().unwrap_or_default().to_owned();
    messages.map(|message| (text(message, "role"), text(message, "content"))).collect()
}

const READ: &str =
    "I look.\n<tool_call>\n{\"name\": \"read_file\", \"arguments\": {\"path\": \"notes.txt\"}}\n</tool_call>";
const EDIT: &str = "```json\n{\"name\": \"edit_file\", \"arguments\": {\"path\": \"notes.txt\", \"old_string\": \"two\", \"new_string\": \"2\"}}\n```";

#[tokio::test]
async fn printed_calls_are_run_and_go_back_as_they_were_printed() {
    let (_rig, result, requests) = run("qwen2.5-coder:7b", &[READ, EDIT, "I propose a 2."]).await;
    assert_eq!(result.answer, "I propose a 2.");
    assert!(result.diff().contains("-two\n+2\n"), "{}", result.diff());
    assert!(requests.iter().all(|request| request.get("tools").is_none()));
    let last = said(&requests[2]);
    let roles: Vec<&str> = last.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user", "assistant", "user"]);
    assert!(
        last[0].1.contains("- edit_file {new_string: string, old_string: string, path: string")
            || last[0].1.contains("- edit_file {path: string")
    );
    assert_eq!((last[2].1.as_str(), last[4].1.as_str()), (READ, EDIT));
    assert!(last[3].1.starts_with("[Result of read_file]\n"), "{}", last[3].1);
}

#[tokio::test]
async fn a_small_model_gets_a_lean_prompt_and_writes_whole_files() {
    let file = "notes.txt\n```\none\n2\nthree\n```\n";
    let (_rig, result, requests) = run("qwen2.5-coder:1.5b", &[READ, file]).await;
    assert_eq!(requests.len(), 2, "an edit that a small model printed is the end");
    assert!(said(&requests[1])[5].1.contains("\none\ntwo\nthree"), "without numbers: {:?}", said(&requests[1]));
    assert!(result.diff().contains("-two\n+2\n"), "{}", result.diff());
    let first: String = said(&requests[0]).into_iter().map(|(_, text)| text).collect();
    let tokens = estimate_tokens(&first);
    println!("{tokens} tokens");
    assert!(tokens <= 1_500, "{tokens}: {first}");
    assert!(first.contains("below it the whole file in a fence") && !first.contains("- edit_file"), "{first}");
}

#[tokio::test]
async fn two_malformed_calls_change_the_form() {
    let malformed = "<tool_call>\n{\"name\": \"read_file\", \"arguments\": {\"path\": \"notes.txt\"\n</tool_call>";
    let (_rig, result, requests) = run("qwen3:8b", &[malformed, malformed, READ, EDIT, "Done."]).await;
    assert!(result.diff().contains("-two\n+2\n"), "{}", result.diff());
    let native: Vec<bool> = requests.iter().map(|request| request.get("tools").is_some()).collect();
    assert_eq!(native, [true, true, false, false, false]);
    assert!(said(&requests[1])[3].1.starts_with("[Error of read_file]\nnot run: "), "{:?}", said(&requests[1]));
    // A model that calls as the API has it is not looked through, and keeps its form.
    let (_rig, result, requests) = run("gpt-5.4", &[READ]).await;
    assert_eq!((result.answer.as_str(), requests.len()), (READ, 1));
}

#[tokio::test]
async fn m02_a_printed_call_of_a_reply_that_was_cut_is_not_run() {
    let chunk = serde_json::json!({"choices": [{"index": 0, "delta": {"content": EDIT}}]});
    for answer in [
        Answer::stream(stream_of(std::slice::from_ref(&chunk), "length")),
        Answer::stream(stream_of(&[chunk], "length")).cut(),
    ] {
        let server = MockModel::start([answer, Answer::text("Stopped."), Answer::text("Stopped.")]);
        let rig = Rig::bare(PROJECT, |builder| builder.base_url(&server.base_url()).model("qwen2.5-coder:7b"));
        let result = rig.run("Make two a 2").await;
        rig.check_session(result.session.id()).await;
        assert_eq!(result.diff(), "");
        assert!(!result.trace.iter().any(|event| matches!(event.kind, EventKind::ToolCall(_))));
    }
}

#[tokio::test]
async fn the_form_and_the_prompt_can_be_set() {
    let server = MockModel::start([
        Answer::text("src/lib.rs\n<<<<<<< SEARCH\n    a - b\n=======\n    a + b\n>>>>>>> REPLACE\n"),
        Answer::text("Done."),
    ]);
    let config = claw::config::Config { tool_format: Some(ToolForm::Blocks), lean: Some(true), ..Default::default() };
    let rig = Rig::bare(PROJECT, |builder| builder.config(config).base_url(&server.base_url()).model("mock"));
    let result = rig.run("Add").await;
    rig.check_session(result.session.id()).await;
    assert!(result.diff().contains("-    a - b\n+    a + b\n"), "{}", result.diff());
}

/// A session of one task with the coder of 1.5 billion that says these words; what it was sent first, and what came of it.
async fn small(task: &str, replies: &[&str]) -> (String, claw::agent::RunResult, Rig) {
    let server = MockModel::start(replies.iter().map(|reply| Answer::text(reply)));
    let rig = Rig::bare(PROJECT, |builder| builder.base_url(&server.base_url()).model("qwen2.5-coder:1.5b"));
    let result = rig.run(task).await;
    rig.check_session(result.session.id()).await;
    assert_eq!(server.requests().len(), replies.len());
    // Behind the system prompt stand an example and its answer.
    (said(&server.requests()[0].json())[3].1.clone(), result, rig)
}

#[tokio::test]
async fn a_small_model_sees_the_files_that_the_task_names_and_the_task_last() {
    let file = "The second line is to be 2.\nnotes.txt\n```\none\n2\nthree\n```\n";
    let (first, result, _rig) = small("Make two a 2 in notes.txt.", &[file]).await;
    assert!(first.contains("notes.txt\n```\none\ntwo\nthree\n```\n\nMake two a 2 in notes.txt.\n\n"), "{first}");
    assert!(!first.contains("name=\"outline\""), "{first}");
    assert_eq!(result.answer, "The second line is to be 2.");
}

#[tokio::test]
async fn a_small_model_that_leaves_something_out_or_changes_nothing_loses_nothing() {
    let same = "notes.txt\n```\none\ntwo\nthree\n```\n";
    let (_, result, _rig) =
        small("Make two a 2 in notes.txt.", &[same, "some/notes.txt\n```\none\n2\nthree\n```\n"]).await;
    assert!(result.diff().contains("-two\n+2\n"), "the folder is made up: {}", result.diff());
    let unchanged = |event: &claw::event::Event| matches!(&event.kind, EventKind::ToolResult(result) if !result.ok && result.output.contains("nothing has changed"));
    assert!(result.trace.iter().any(unchanged));
}

#[tokio::test]
async fn a_model_that_may_not_be_offered_tools_is_told_of_them_in_the_same_turn() {
    let refuses = serde_json::json!({"error": {"message": "registry.ollama.ai/library/mock does not support tools"}});
    let server = MockModel::answer_with({
        let mut texts = [EDIT, "I propose a 2.", "Nothing more."].into_iter();
        move |request| match request.json().get("tools") {
            Some(_) => Answer::json(400, &refuses),
            None => Answer::text(texts.next().unwrap()),
        }
    });
    let rig = Rig::bare(PROJECT, |builder| builder.base_url(&server.base_url()).model("mock"));
    let result = rig.run("Make two a 2").await;
    rig.check_session(result.session.id()).await;
    assert_eq!(result.answer, "I propose a 2.");
    assert!(result.diff().contains("-two\n+2\n"), "{}", result.diff());
    let offered: Vec<bool> = server.requests().iter().map(|request| request.json().get("tools").is_some()).collect();
    assert_eq!(offered, [true, false, false]);
    let told = |event: &&claw::event::Event| matches!(&event.kind, EventKind::Error(error) if error.code == "no_tools");
    assert_eq!(result.trace.iter().filter(told).count(), 1);
}

#[tokio::test]
async fn a_printed_call_is_not_streamed_as_words() {
    let server = MockModel::start([READ, EDIT, "I propose a 2.\n"].map(Answer::text));
    let rig = Rig::bare(PROJECT, |builder| builder.base_url(&server.base_url()).model("qwen2.5-coder:7b"));
    let mut turn = rig.agent.run_stream("Make two a 2");
    let mut streamed = String::new();
    while let Some(event) = turn.next().await {
        if let EventKind::Text(part) = &event.kind {
            streamed.push_str(&part.delta);
        }
    }
    assert_eq!(streamed, "I look.\nI propose a 2.\n");
}

#[tokio::test]
async fn what_a_small_model_says_in_the_file_is_its_answer() {
    let file = "notes.txt\n```\nChange: the two is a 2.\n\none\n2\nthree\n```\n";
    let (_rig, result, requests) = run("qwen2.5-coder:1.5b", &[file]).await;
    assert_eq!((requests.len(), result.answer.as_str()), (1, "the two is a 2."));
    assert!(result.diff().contains("-two\n+2\n") && !result.diff().contains("Change"), "{}", result.diff());
}

#[tokio::test]
async fn a_small_model_that_only_says_what_it_changes_is_asked_for_the_file_once() {
    let file = "notes.txt\n```\none\n2\nthree\n```\n";
    let (_rig, result, requests) = run("qwen2.5-coder:1.5b", &["The two is a 2 now.", file]).await;
    assert_eq!(requests.len(), 2);
    assert!(said(&requests[1]).last().unwrap().1.contains("You printed no file"), "{:?}", said(&requests[1]));
    assert!(result.diff().contains("-two\n+2\n"), "{}", result.diff());

    let (_rig, result, requests) = run("qwen2.5-coder:1.5b", &["It is.", "There is nothing to change."]).await;
    assert_eq!((requests.len(), result.answer.as_str()), (2, "There is nothing to change."));
    // A large one means what it says.
    let (_rig, _, requests) = run("qwen2.5-coder:7b", &["It is."]).await;
    assert_eq!(requests.len(), 1);
}

#[tokio::test]
async fn a_small_model_that_copies_the_file_is_asked_afresh_without_its_copy() {
    let copy = "notes.txt\n```\nChange: a copy.\n\none\ntwo\nthree\n```\n";
    let file = "The line says two in words.\n\nnotes.txt\n```\none\n2\nthree\n```\n";
    let (_rig, result, requests) = run("qwen2.5-coder:1.5b", &[copy, copy, file]).await;
    assert_eq!(requests.len(), 3);
    let told = |request: &Value| said(request).last().unwrap().1.clone();
    assert!(told(&requests[1]).contains("is the file as it is"), "{}", told(&requests[1]));
    // Each time as if it was the first: the task, and what is told.
    assert_eq!(requests.iter().map(|request| said(request).len()).collect::<Vec<_>>(), [4, 4, 4]);
    assert!(requests.iter().all(|request| !request.to_string().contains("Change: a copy")));
    assert!(result.diff().contains("-two\n+2\n"), "{}", result.diff());

    let (_rig, result, requests) = run("qwen2.5-coder:1.5b", &[copy, "It says two in words.", file]).await;
    assert_eq!(requests.iter().map(|request| said(request).len()).collect::<Vec<_>>(), [4, 4, 4]);
    assert!(told(&requests[2]).contains("it held no file") && !told(&requests[2]).contains("file as it is"));
    assert!(result.diff().contains("-two\n+2\n"), "{}", result.diff());
    // What was tried is over after so many.
    let (_rig, result, requests) = run("qwen2.5-coder:1.5b", &[copy, copy, copy]).await;
    assert_eq!((requests.len(), result.status), (3, claw::event::TurnStatus::Limit));
}

#[tokio::test]
async fn a_small_model_that_forgets_an_import_is_told_and_prints_the_file_again() {
    let forgets = "It looks first.\n\nload.py\n```\ndef load(path):\n    return os.path.exists(path)\n```\n";
    let imports =
        "`os` is not imported.\n\nload.py\n```\nimport os\n\n\ndef load(path):\n    return os.path.exists(path)\n```\n";
    let (_rig, result, requests) = run("qwen2.5-coder:1.5b", &[forgets, imports]).await;
    assert_eq!(requests.len(), 2);
    let told = said(&requests[1]).last().unwrap().1.clone();
    assert!(told.contains("[Claw, not the user] What you printed does not work yet."), "{told}");
    assert!(told.contains("syntax: load.py:2: `os` is used, but neither defined nor imported in this file"), "{told}");
    assert!(result.diff().contains("+import os\n"), "{}", result.diff());
}
