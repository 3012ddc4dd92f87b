//! Turns that reach a limit.

use claw::config::Config;
use claw::event::{EventKind, TurnStatus};
use expect_test::expect;

use super::rig::{PROJECT, Rig, check, check_with};

fn with_limits(change: impl FnOnce(&mut claw::config::Limits)) -> Config {
    let mut config = Config::default();
    change(&mut config.limits);
    config
}

const READS: &str = r#"
{"tools": [{"name": "read_file", "input": {"path": "notes.txt"}}]}
{"tools": [{"name": "read_file", "input": {"path": "src/lib.rs"}}]}
{"tools": [{"name": "list_files", "input": {}}]}
{"text": "Seen."}
"#;

#[tokio::test]
async fn steps() {
    check_with(
        READS,
        |builder| builder.config(with_limits(|limits| limits.max_steps = 2)),
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        model_response 1 tool call
        tool_call call_1_1 read_file notes.txt
        tool_result call_1_1 ok:      1	one
        model_request 2
        model_response 1 tool call
        tool_call call_2_1 read_file src/lib.rs
        tool_result call_2_1 ok:      1	pub fn add(a: i32, b: i32) -> i32 {
        error limit: stopped after 2 model requests (limits.max_steps): ask again to go on from here
        turn_end Limit after 2 steps: 
    "#]],
    )
    .await;
}

#[tokio::test]
async fn tokens() {
    let script = r#"
        {"tools": [{"name": "list_files", "input": {}}], "usage": {"input": 60, "output": 30}}
        {"tools": [{"name": "read_file", "input": {"path": "notes.txt"}}], "usage": {"input": 80, "output": 1}}
        {"text": "never"}
        "#;
    check_with(
        script,
        |builder| builder.config(with_limits(|limits| limits.max_tokens = Some(100))),
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        model_response 1 tool call
        tool_call call_1_1 list_files
        tool_result call_1_1 ok: notes.txt
        model_request 2
        model_response 1 tool call
        tool_call call_2_1 read_file notes.txt
        tool_result call_2_1 ok:      1	one
        error limit: stopped after 171 tokens of 100 (limits.max_tokens): ask again to go on from here
        turn_end Limit after 2 steps: 
    "#]],
    )
    .await;
}

/// A provider that counts nothing is counted for.
#[tokio::test]
async fn tokens_without_usage() {
    let script = r#"
        {"tools": [{"name": "list_files", "input": {}}], "usage": {"input": 0, "output": 0}}
        {"text": "never"}
        "#;
    let config = with_limits(|limits| limits.max_tokens = Some(100));
    let rig = Rig::with(PROJECT, script, |builder| builder.config(config));
    let result = rig.run("Go").await;
    assert_eq!(result.status, TurnStatus::Limit);
    assert!(result.error().unwrap().message.contains("(limits.max_tokens)"));
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn time() {
    let script = r#"
        {"tools": [{"name": "read_file", "input": {"path": "notes.txt"}}]}
        {"delay_ms": 60000, "text": "never"}
        "#;
    check_with(
        script,
        |builder| builder.config(with_limits(|limits| limits.turn_timeout_s = 1)),
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        model_response 1 tool call
        tool_call call_1_1 read_file notes.txt
        tool_result call_1_1 ok:      1	one
        model_request 2
        error timeout: stopped after 1 s (limits.turn_timeout_s): ask again to go on from here
        turn_end Limit after 2 steps: 
    "#]],
    )
    .await;
}

#[tokio::test]
async fn silence() {
    let script = r#"{"delay_ms": 60000, "text": "never"}"#;
    check_with(script, |builder| builder.config(with_limits(|limits| limits.model_idle_timeout_s = 1)), expect![[r#"
        turn_start Do it
        context
        model_request 1
        error idle: the model said nothing for 1 s (limits.model_idle_timeout_s): is its server busy? Ask again, or allo…
        turn_end Failed after 1 steps: 
    "#]]).await;
}

/// What was edited before the limit stays a proposal.
#[tokio::test]
async fn edits_survive_a_limit() {
    let script = r#"
        {"tools": [{"name": "edit_file", "input": {"path": "notes.txt", "old_string": "two", "new_string": "2"}}]}
        {"text": "never"}
        "#;
    let rig = Rig::with(PROJECT, script, |builder| builder.config(with_limits(|limits| limits.max_steps = 1)));
    let result = rig.run("Go").await;
    assert_eq!(result.status, TurnStatus::Limit);
    assert_eq!(result.proposal.hunks().count(), 1);
    assert!(
        result.trace.iter().any(|event| matches!(&event.kind, EventKind::Proposal { files, .. } if files.len() == 1))
    );
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn m12_the_same_call_again_and_again() {
    let line = r#"{"tools": [{"name": "read_file", "input": {"path": "nothing.txt"}}]}"#;
    check(
        &format!("{line}\n").repeat(1000),
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        model_response 1 tool call
        tool_call call_1_1 read_file nothing.txt
        tool_result call_1_1 failed: `nothing.txt` does not exist: look with list_files
        model_request 2
        model_response 1 tool call
        tool_call call_2_1 read_file nothing.txt
        tool_result call_2_1 failed: `nothing.txt` does not exist: look with list_files
        model_request 3
        model_response 1 tool call
        tool_call call_3_1 read_file nothing.txt
        tool_result call_3_1 failed: `nothing.txt` does not exist: look with list_files (told)
        model_request 4
        model_response 1 tool call
        tool_call call_4_1 read_file nothing.txt
        tool_result call_4_1 failed: `nothing.txt` does not exist: look with list_files (told)
        model_request 5
        model_response 1 tool call
        error loop: stopped: the model made the same call of `read_file` 5 times. Say what it should do instead
        tool_result call_5_1 failed: not finished: the turn reached a limit.
        turn_end Limit after 5 steps: 
    "#]],
    )
    .await;
}

#[tokio::test]
async fn m12_two_calls_that_take_turns() {
    let a = r#"{"tools": [{"name": "read_file", "input": {"path": "notes.txt", "limit": 1}}]}"#;
    // The same arguments in another order are the same call.
    let b = r#"{"tools": [{"name": "read_file", "input": {"limit": 1, "path": "notes.txt"}}]}"#;
    let c = r#"{"tools": [{"name": "list_files", "input": {}}]}"#;
    check(
        &[a, c, b, c].map(|line| format!("{line}\n")).concat().repeat(100),
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        model_response 1 tool call
        tool_call call_1_1 read_file notes.txt
        tool_result call_1_1 ok:      1	one
        model_request 2
        model_response 1 tool call
        tool_call call_2_1 list_files
        tool_result call_2_1 ok: notes.txt
        model_request 3
        model_response 1 tool call
        tool_call call_3_1 read_file notes.txt
        tool_result call_3_1 ok:      1	one
        model_request 4
        model_response 1 tool call
        tool_call call_4_1 list_files
        tool_result call_4_1 ok: notes.txt
        model_request 5
        model_response 1 tool call
        tool_call call_5_1 read_file notes.txt
        tool_result call_5_1 ok:      1	one (told)
        model_request 6
        model_response 1 tool call
        tool_call call_6_1 list_files
        tool_result call_6_1 ok: notes.txt (told)
        model_request 7
        model_response 1 tool call
        tool_call call_7_1 read_file notes.txt
        tool_result call_7_1 ok:      1	one (told)
        model_request 8
        model_response 1 tool call
        tool_call call_8_1 list_files
        tool_result call_8_1 ok: notes.txt (told)
        model_request 9
        model_response 1 tool call
        error loop: stopped: the model made the same call of `read_file` 5 times. Say what it should do instead
        tool_result call_9_1 failed: not finished: the turn reached a limit.
        turn_end Limit after 9 steps: 
    "#]],
    )
    .await;
}

#[tokio::test]
async fn m12_many_of_the_same_in_one_response() {
    let call = r#"{"name": "list_files", "input": {}}"#;
    check(
        &format!("{{\"tools\": [{}]}}", [call; 7].join(", ")),
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        model_response 7 tool calls
        tool_call call_1_1 list_files
        tool_call call_1_2 list_files
        tool_call call_1_3 list_files
        tool_call call_1_4 list_files
        tool_result call_1_1 ok: notes.txt
        tool_result call_1_2 ok: notes.txt
        tool_result call_1_3 ok: notes.txt (told)
        tool_result call_1_4 ok: notes.txt (told)
        error loop: stopped: the model made the same call of `list_files` 5 times. Say what it should do instead
        tool_result call_1_5 failed: not finished: the turn reached a limit.
        tool_result call_1_6 failed: not finished: the turn reached a limit.
        tool_result call_1_7 failed: not finished: the turn reached a limit.
        turn_end Limit after 1 steps: 
    "#]],
    )
    .await;
}

#[tokio::test]
async fn m12_endless_text() {
    let line = serde_json::json!({"text": "and so on, ".repeat(100_000)});
    check(
        &line.to_string(),
        expect![[r#"
        turn_start Do it
        context
        model_request 1
        error loop: stopped: the model wrote the same words over and over
        turn_end Limit after 1 steps: 
    "#]],
    )
    .await;
}
