//! Check commands in a turn: what runs, what goes back to the model, what the proposal says of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use claw::agent::{AgentBuilder, Ask, RunResult};
use claw::config::{Config, PermissionMode, Sandbox};
use claw::event::{CheckRan, EventKind, ProposalCheck, TurnStatus};
use serde_json::{Value, json};

use super::permission::Answers;
use super::rig::{Rig, ask, shown};

/// A project with a test that passes. The second class fails from the start.
const PROJECT: &str = "\
//- /sums.py
def add(a, b):
    return a + b


def double(a):
    return a + a + 1
//- /test_sums.py
import unittest

from sums import add


class Adds(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 3), 5)
//- /.gitignore
__pycache__/
";

/// A test beside it that fails whatever is done.
const FAILING: &str = "\
//- /test_double.py
import unittest

from sums import double


class Doubles(unittest.TestCase):
    def test_double(self):
        self.assertEqual(double(2), 4)
";

const UNITTEST: &str = "python3 -m unittest -q";

fn edit(old: &str, new: &str) -> Value {
    json!({"tools": [{"name": "edit_file", "input": {"path": "sums.py", "old_string": old, "new_string": new}}]})
}

/// Breaks what the test tests.
fn breaks() -> Value {
    edit("return a + b", "return a - b")
}

fn mends() -> Value {
    edit("return a - b", "return b + a")
}

fn says(text: &str) -> Value {
    json!({"text": text})
}

fn script(turns: &[Value]) -> String {
    turns.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn configured(commands: &[&str]) -> Config {
    let mut config = Config::default();
    config.check.commands = commands.iter().map(|command| (*command).to_owned()).collect();
    config
}

/// A trusted rig with a sandbox.
fn rig(fixture: &str, config: Config, turns: &[Value], change: impl FnOnce(AgentBuilder) -> AgentBuilder) -> Rig {
    Rig::with(fixture, &script(turns), |builder| {
        change(builder.broker(env!("CARGO_BIN_EXE_claw")).trusted(true).config(config))
    })
}

fn checks(result: &RunResult) -> Vec<CheckRan> {
    let checks = result.trace.iter().filter_map(|event| match &event.kind {
        EventKind::Check(check) => Some(check.clone()),
        _ => None,
    });
    checks.collect()
}

/// The checks of the last proposal, which the session tells too.
fn standing(result: &RunResult) -> Vec<ProposalCheck> {
    let proposed = result.trace.iter().rev().find_map(|event| match &event.kind {
        EventKind::Proposal { checks, .. } => Some(checks.clone()),
        _ => None,
    });
    let proposed = proposed.expect("a proposal");
    assert_eq!(result.session.checks(), proposed);
    proposed
}

fn check(command: &str, ok: bool, before: Option<bool>) -> ProposalCheck {
    ProposalCheck { command: command.to_owned(), ok, before }
}

/// What the last request of the turn says to the model.
fn last_request(result: &RunResult) -> String {
    let body = result.trace.iter().rev().find_map(|event| match &event.kind {
        EventKind::ModelRequest(request) => request.body.clone(),
        _ => None,
    });
    body.expect("a request").to_string()
}

#[tokio::test]
async fn a_check_that_passes_is_told_with_the_proposal() {
    let turns = [edit("return a + b", "return b + a"), says("Done."), says("Nothing to do.")];
    let rig = rig(PROJECT, configured(&[UNITTEST, "test ! -e marker && touch marker"]), &turns, |builder| builder);
    let result = rig.run("Go").await;
    assert_eq!(
        shown(&result.trace).lines().skip(5).collect::<Vec<_>>(),
        [
            "tool_result call_1_1 ok: edited `sums.py` at line 2:",
            "model_request 2",
            "model_response Done.",
            "check \"python3 -m unittest -q\" passed",
            "check \"test ! -e marker && touch marker\" passed",
            "proposal 1 hunk in 1 file: sums.py",
            "turn_end Done after 2 steps: Done."
        ]
    );
    let expected = [check(UNITTEST, true, None), check("test ! -e marker && touch marker", true, None)];
    assert_eq!(standing(&result), expected);
    assert!(!result.diff().contains("marker"), "what a check makes is no proposal: {}", result.diff());
    // A turn that changes nothing runs none, and what stands still stands.
    let next = ask(&result.session, "And?").await;
    assert_eq!(checks(&next), []);
    assert_eq!(standing(&next), expected);
    rig.check_session(result.session.id()).await;
    // What is taken out of the proposal was checked with it.
    let hunk = result.session.proposal().hunks().next().unwrap().1.id.clone();
    assert!(result.session.reject(&hunk, "user", None));
    assert_eq!(result.session.checks(), []);
}

#[tokio::test]
async fn a_check_that_fails_goes_back_to_the_model_which_mends_it() {
    let turns = [breaks(), says("Done."), mends(), says("Now it is right.")];
    let rig = rig(PROJECT, configured(&[UNITTEST]), &turns, |builder| builder);
    let result = rig.run("Go").await;
    let ran = checks(&result);
    let went: Vec<_> = ran.iter().map(|check| (check.ok, check.before)).collect();
    assert_eq!(went, [(false, Some(false)), (true, None)]);
    assert!(ran[0].is_told() && ran[0].output.contains("FAIL: test_add"), "{ran:?}");
    let told = last_request(&result);
    assert!(told.contains("a check failed") && told.contains("FAIL: test_add"), "{told}");
    assert!(!told.contains("failed before your edits"), "{told}");
    assert_eq!(standing(&result), [check(UNITTEST, true, None)]);
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn a_check_that_failed_before_is_shown_and_not_told() {
    let fixture = [PROJECT, FAILING].concat();
    let turns = [edit("return a + b", "return b + a"), says("Done."), says("Never asked.")];
    let rig = rig(&fixture, configured(&[UNITTEST]), &turns, |builder| builder);
    let result = rig.run("Go").await;
    let ran = checks(&result);
    assert_eq!((ran.len(), ran[0].ok, ran[0].before, ran[0].untold), (1, false, Some(true), true), "{ran:?}");
    assert_eq!(result.answer, "Done.");
    assert_eq!(standing(&result), [check(UNITTEST, false, Some(true))]);
    assert!(
        shown(&result.trace).contains("check \"python3 -m unittest -q\" failed, as before"),
        "{}",
        shown(&result.trace)
    );
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn a_failure_beside_an_old_one_is_told_and_the_old_one_is_named() {
    let fixture = [PROJECT, FAILING].concat();
    let turns = [breaks(), says("Done."), mends(), says("Mended.")];
    let rig = rig(&fixture, configured(&[UNITTEST]), &turns, |builder| builder);
    let result = rig.run("Go").await;
    let ran = checks(&result);
    let told: Vec<_> = ran.iter().map(|check| (check.ok, check.before, check.untold)).collect();
    assert_eq!(told, [(false, Some(true), false), (false, Some(true), true)], "{ran:?}");
    assert!(last_request(&result).contains("failed before your edits"), "{}", last_request(&result));
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn a_model_that_does_not_listen_is_told_once_for_one_state_and_twice_in_a_turn() {
    // Nothing changed since it was told: there is nothing new to tell.
    let rig = rig(PROJECT, configured(&[UNITTEST]), &[breaks(), says("Done."), says("It stays.")], |builder| builder);
    let result = rig.run("Go").await;
    assert_eq!((checks(&result).len(), result.answer.as_str()), (1, "It stays."));
    assert_eq!(standing(&result), [check(UNITTEST, false, Some(false))]);
    rig.check_session(result.session.id()).await;

    let turns = [
        breaks(),
        says("One."),
        edit("return a - b", "return a - b - 1"),
        says("Two."),
        edit("return a - b - 1", "return a - b - 2"),
        says("Three."),
        says("Never asked."),
    ];
    let rig = self::rig(PROJECT, configured(&[UNITTEST]), &turns, |builder| builder);
    let result = rig.run("Go").await;
    let told: Vec<bool> = checks(&result).iter().map(CheckRan::is_told).collect();
    assert_eq!((told, result.answer.as_str(), result.status), (vec![true, true, false], "Three.", TurnStatus::Done));
    assert_eq!(standing(&result), [check(UNITTEST, false, Some(false))]);
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn without_the_proposal_a_check_runs_once_for_each_state() {
    // Each run leaves a line in what the sandbox keeps between commands: an ignored file.
    let fixture = [PROJECT, "//- /.ignore\nlog/\n"].concat();
    let command = "mkdir -p log; grep -c 'a - b' sums.py >> log/runs; exit 1";
    let turns = [
        breaks(),
        says("One."),
        says("Two."),
        edit("return a - b", "return a - b - 1"),
        says("Three."),
        json!({"tools": [{"name": "shell", "input": {"command": "cat log/runs"}}]}),
        says("Four."),
    ];
    let rig = rig(&fixture, configured(&[command]), &turns, |builder| builder.permission_mode(PermissionMode::Auto));
    let result = rig.run("Go").await;
    let session = result.session;
    ask(&session, "More").await;
    let last = ask(&session, "Show").await;
    let runs = last.trace.iter().find_map(|event| match &event.kind {
        EventKind::ToolResult(result) => Some(result.output.clone()),
        _ => None,
    });
    // Proposed, live, proposed again: the live state was known.
    assert_eq!(runs.as_deref(), Some("1\n0\n1"), "{}", shown(&last.trace));
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn a_check_that_can_not_run_is_said_once_and_is_no_failure() {
    let turns = [edit("a + b", "b + a"), says("Done."), edit("b + a", "a + b + 0"), says("Done again.")];
    let commands = ["no-such-linter --all", "sh -c 'exit 127'"];
    let rig = rig(PROJECT, configured(&commands), &turns, |builder| builder);
    let result = rig.run("Go").await;
    let said: Vec<_> = checks(&result).into_iter().map(|check| (check.command, check.not_run, check.output)).collect();
    assert_eq!(
        said,
        [
            (commands[0].to_owned(), true, "not run: its program is not installed".to_owned()),
            (commands[1].to_owned(), true, "not run: something that it needs is not installed".to_owned()),
        ]
    );
    assert_eq!((result.answer.as_str(), standing(&result)), ("Done.", vec![]));
    let next = ask(&result.session, "More").await;
    assert_eq!(checks(&next), []);
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn what_a_project_speaks_for_runs_in_auto_and_is_not_asked_otherwise() {
    for (mode, expected) in [(PermissionMode::Auto, 1), (PermissionMode::Ask, 0)] {
        let user = Answers::default();
        let turns = [edit("return a + b", "return b + a"), says("Done.")];
        let rig = rig(PROJECT, Config::default(), &turns, |builder| {
            builder.permission_mode(mode).host(Arc::new(user.clone()))
        });
        let result = rig.run("Go").await;
        let ran: Vec<_> = checks(&result).into_iter().map(|check| (check.command, check.ok)).collect();
        assert_eq!(ran.len(), expected, "{mode:?}: {ran:?}");
        assert!(ran.iter().all(|(_, ok)| *ok), "{ran:?}");
        assert_eq!(*user.asked.lock().unwrap(), []);
        rig.check_session(result.session.id()).await;
    }
    // A rule that allows it stands for the mode, and one that asks or denies stands above all.
    let turns = || [edit("return a + b", "return b + a"), says("Done.")];
    let mut allowed = Config::default();
    allowed.permissions.allow = vec!["shell(python3 *)".to_owned(), "shell(pytest *)".to_owned()];
    let rig = self::rig(PROJECT, allowed, &turns(), |builder| builder);
    assert_eq!(checks(&rig.run("Go").await).iter().filter(|check| check.ok).count(), 1);
    let mut denied = configured(&[UNITTEST]);
    denied.permissions.deny = vec!["shell(python3 *)".to_owned()];
    let rig = self::rig(PROJECT, denied, &turns(), |builder| builder);
    let result = rig.run("Go").await;
    let ran = checks(&result);
    assert!(ran.len() == 1 && ran[0].not_run && ran[0].output.contains("shell(python3 *)"), "{ran:?}");
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn s01_without_trust_or_a_sandbox_no_check_runs_and_that_is_said_once() {
    let turns = || [edit("return a + b", "return b + a"), says("Done."), edit("b + a", "a + b + 0"), says("Done.")];
    let off = || {
        let mut config = configured(&["touch marker", UNITTEST]);
        config.shell.sandbox = Sandbox::Off;
        config
    };
    for (rig, why) in [
        (rig(PROJECT, configured(&["touch marker", UNITTEST]), &turns(), |builder| builder.trusted(false)), "trusted"),
        (
            rig(PROJECT, configured(&["touch marker", UNITTEST]), &turns(), |builder| builder.broker("/nowhere/claw")),
            "nothing confines",
        ),
        (rig(PROJECT, off(), &turns(), |builder| builder), "nothing confines"),
    ] {
        let result = rig.run("Go").await;
        let said = checks(&result);
        assert!(said.len() == 1 && said[0].not_run && said[0].output.contains(why), "{said:?}");
        assert_eq!(standing(&result), []);
        assert_eq!(checks(&ask(&result.session, "More").await), []);
        rig.check_session(result.session.id()).await;
    }
}

#[tokio::test]
async fn a_turn_that_is_cancelled_ends_its_check() {
    let turns = [edit("return a + b", "return b + a"), says("Done."), says("Here.")];
    let rig = rig(PROJECT, configured(&["echo x > sums.py; sleep 60"]), &turns, |builder| builder);
    let session = rig.agent.session();
    let mut turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    while let Some(event) = turn.next().await {
        if matches!(&event.kind, EventKind::ToolOutput(part) if part.call == "check") {
            break;
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    assert!(session.cancel());
    let result = turn.finish().await;
    assert_eq!(result.status, TurnStatus::Cancelled);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(!result.diff().contains("+x"), "{}", result.diff());
    assert_eq!(ask(&session, "And now?").await.status, TurnStatus::Done);
    rig.check_session(session.id()).await;
}

#[tokio::test]
async fn a_check_has_its_time_and_no_more() {
    let mut config = configured(&["if grep -q 'b + a' sums.py; then echo waits; sleep 60; fi", "sleep 60"]);
    config.shell.timeout_s = Some(1);
    let turns = [edit("return a + b", "return b + a"), says("Done."), says("It stays.")];
    let rig = rig(PROJECT, config, &turns, |builder| builder);
    let result = rig.run("Go").await;
    let ran = checks(&result);
    assert_eq!(ran.len(), 2, "{ran:?}");
    assert!(ran[0].is_told() && ran[0].output == "waits\nstopped after 1 s (shell.timeout_s)", "{ran:?}");
    assert!(ran[1].not_run && ran[1].output.contains("takes longer"), "{ran:?}");
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn several_failures_are_told_under_one_heading() {
    let commands = ["grep -q 'a + b' sums.py || { echo first failed; false; }", "grep -c 'a + b' sums.py"];
    let turns = [breaks(), says("Done."), mends(), says("Done.")];
    let rig = rig(PROJECT, configured(&commands), &turns, |builder| builder);
    let result = rig.run("Go").await;
    assert_eq!(checks(&result).iter().filter(|check| check.is_told()).count(), 4, "{:?}", checks(&result));
    let body = result.trace.iter().find_map(|event| match &event.kind {
        EventKind::ModelRequest(request) if request.request == 3 => request.body.clone(),
        _ => None,
    });
    let body = body.unwrap().to_string();
    assert_eq!(body.matches("a check failed").count(), 1, "{body}");
    assert!(body.contains("first failed") && body.contains("exit code 1"), "{body}");
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn what_a_check_changes_in_the_copy_is_undone() {
    let turns = [
        edit("return a + b", "return b + a"),
        says("Done."),
        json!({"tools": [{"name": "shell", "input": {"command": "cat sums.py | head -2; ls"}}]}),
        says("Done."),
    ];
    let rig = rig(PROJECT, configured(&["echo broken > sums.py; rm test_sums.py; touch new.py"]), &turns, |builder| {
        builder.permission_mode(PermissionMode::Auto)
    });
    let result = rig.run("Go").await;
    let next = ask(&result.session, "Look").await;
    let seen = next.trace.iter().find_map(|event| match &event.kind {
        EventKind::ToolResult(result) => Some(result.output.clone()),
        _ => None,
    });
    assert_eq!(seen.as_deref(), Some("def add(a, b):\n    return b + a\nsums.py\ntest_sums.py"));
    assert_eq!(next.diff(), result.diff());
    rig.check_session(result.session.id()).await;
}

#[tokio::test]
async fn a_session_that_goes_on_knows_what_was_checked() {
    let turns = [edit("return a + b", "return b + a"), says("Done.")];
    let rig = rig(PROJECT, configured(&[UNITTEST]), &turns, |builder| builder);
    let result = rig.run("Go").await;
    let id = result.session.id().to_owned();
    drop(result);
    assert_eq!(rig.agent.resume(&id).unwrap().checks(), [check(UNITTEST, true, None)]);
}
