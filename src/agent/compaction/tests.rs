//! Long sessions, event by event, as the loop and a replay take them in.

use serde_json::json;

use super::*;
use crate::agent::conversation::Conversation;
use crate::event::{
    CheckRan, ContextReceipt, ContextSection, EventKind, ModelResponseReceived, PlanStatus, StopReason,
    ToolCallRequested, ToolCallStarted, ToolResultReturned, TurnEnd, TurnStatus, Usage,
};

const WINDOW: u64 = 32_768;

fn section(name: &str, text: &str) -> ContextSection {
    ContextSection {
        name: name.to_owned(),
        source: "x".to_owned(),
        tokens: 0,
        included: true,
        reason: None,
        text: Some(text.to_owned()),
    }
}

/// A session that is made shorter before each request, as a turn does it.
#[derive(Default)]
struct Session {
    conversation: Conversation,
    events: Vec<EventKind>,
    calls: usize,
    most: u64,
}

impl Session {
    fn take(&mut self, event: EventKind) {
        self.conversation.absorb(&event);
        self.events.push(event);
    }

    fn context(&mut self, task: &str, rules: &str, outline: usize) {
        let outline = "pub fn something(of: Kind) -> Other\n".repeat(outline);
        let sections = vec![section("instruction", task), section("outline", &outline), section("rules", rules)];
        self.take(EventKind::Context(ContextReceipt { sections, tokens: 0, budget: 0 }));
    }

    fn request(&mut self) {
        for _ in 0..3 {
            let Some(compacted) = self.conversation.compaction(&[], Some(WINDOW), 4000) else { break };
            assert!(compacted.tokens_after < compacted.tokens_before);
            self.take(EventKind::Compaction(compacted));
        }
        let messages = self.conversation.messages();
        assert_whole(messages);
        self.most = self.most.max(tokens(messages));
    }

    /// A response that makes a call, and its result.
    fn call(&mut self, tool: &str, arguments: serde_json::Value, ok: bool, output: &str) {
        self.calls += 1;
        let id = format!("call_{}", self.calls);
        self.respond(
            "",
            vec![ToolCallRequested { id: id.clone(), name: tool.to_owned(), arguments: arguments.to_string() }],
        );
        self.take(EventKind::ToolCall(ToolCallStarted { call: id.clone(), tool: tool.to_owned(), input: arguments }));
        self.take(EventKind::ToolResult(ToolResultReturned {
            call: id,
            tool: tool.to_owned(),
            ok,
            output: output.to_owned(),
            truncated: false,
            duration_ms: 1,
            subagent: None,
        }));
    }

    fn respond(&mut self, text: &str, tool_calls: Vec<ToolCallRequested>) {
        self.request();
        self.take(EventKind::ModelResponse(ModelResponseReceived {
            request: 1,
            text: text.to_owned(),
            reasoning: String::new(),
            tool_calls,
            stop_reason: StopReason::End,
            usage: Usage::default(),
            cost: None,
            ttft_ms: 0,
            latency_ms: 0,
            attempts: 1,
            opaque: None,
            as_text: false,
        }));
    }

    fn end(&mut self, answer: &str) {
        self.respond(answer, Vec::new());
        self.take(EventKind::TurnEnd(TurnEnd {
            status: TurnStatus::Done,
            answer: answer.to_owned(),
            steps: 1,
            usage: Usage::default(),
            cost: None,
            duration_ms: 0,
        }));
    }

    fn count(&self, kind: &str) -> usize {
        let is = |event: &&EventKind| matches!(event, EventKind::Compaction(done) if done.kept["kind"] == kind);
        self.events.iter().filter(is).count()
    }
}

/// Every call has its result right behind it, and nothing answers a call that is not there.
fn assert_whole(messages: &[Message]) {
    let mut open: Vec<String> = Vec::new();
    for message in messages {
        match message {
            Message::Assistant { tool_calls, .. } => {
                assert!(open.is_empty(), "{open:?}");
                open = tool_calls.iter().map(|call| call.id.clone()).collect();
            }
            Message::ToolResult { call, .. } => {
                assert_eq!(open.first(), Some(call));
                open.remove(0);
            }
            Message::User { .. } => assert!(open.is_empty(), "{open:?}"),
        }
    }
    assert!(open.is_empty());
    assert!(matches!(messages.first(), Some(Message::User { .. })));
}

fn all_text(messages: &[Message]) -> String {
    messages.iter().map(|message| format!("{message:?}\n")).collect::<String>().replace("\\n", "\n")
}

#[test]
fn five_hundred_turns_stay_within_the_window() {
    let mut session = Session::default();
    let rules = "Never touch `vendor/`.\nTabs, not spaces.";
    for turn in 0..500 {
        session.context(&format!("Task {turn}: change part_{turn} as I said."), rules, 200);
        for step in 0..6 {
            let path = format!("src/part_{}.rs", (turn + step) % 9);
            session.call("read_file", json!({"path": path}), true, &"let line = 1;\n".repeat(300));
        }
        session.call("shell", json!({"command": "cargo test"}), false, &format!("error: turn {turn} is broken\n"));
        session.end("Done.");
    }
    assert!(session.most * 100 <= WINDOW * 75, "{} of {WINDOW}", session.most);
    assert!(
        session.count("trim") > 10 && session.count("summary") > 3,
        "{} {}",
        session.count("trim"),
        session.count("summary")
    );
    let text = all_text(session.conversation.messages());
    for kept in ["Task 499: change part_499 as I said.", rules, "turn 499 is broken"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    // Taken in again from its events alone, it is the same.
    let mut again = Conversation::default();
    session.events.iter().for_each(|event| again.absorb(event));
    assert_eq!(again.messages(), session.conversation.messages());
}

#[test]
fn one_long_turn_keeps_its_task_word_for_word() {
    let mut session = Session::default();
    let task = "Rename `area` to `size` everywhere.\n\n  - but not in `legacy/`\n  - and say why";
    let rules = "Rule one.\n\nRule two: `x` before `y`.";
    session.context(task, rules, 100);
    session.take(EventKind::Steer { message: "And keep the old name as an alias.".to_owned() });
    session.take(EventKind::Plan {
        items: vec![
            PlanItem { text: "Look for uses".to_owned(), status: PlanStatus::Done },
            PlanItem { text: "Rename them".to_owned(), status: PlanStatus::Active },
        ],
    });
    session.call("ask_user", json!({"question": "Also in docs?"}), true, "Yes, in docs too.");
    session.call("edit_file", json!({"path": "src/gone.rs"}), false, "`old_string` was not found");
    session.call("edit_file", json!({"path": "src/fine.rs"}), false, "`old_string` was not found");
    session.call("edit_file", json!({"path": "src/fine.rs"}), true, "edited");
    let failed = CheckRan {
        command: "cargo check".to_owned(),
        ok: false,
        output: "error[E0425]: cannot find `area`".to_owned(),
        before: None,
        not_run: false,
        untold: false,
    };
    session.take(EventKind::Check(failed));
    for step in 0..300 {
        let path = format!("src/part_{step}.rs");
        session.call(
            "search",
            json!({"pattern": format!("area{step}"), "path": path}),
            true,
            &"src/a.rs: 1\n".repeat(60),
        );
    }
    assert!(session.count("summary") > 0);
    assert!(session.most * 100 <= WINDOW * 75, "{} of {WINDOW}", session.most);
    let messages = session.conversation.messages();
    let Some(Message::User { text }) = messages.first() else { panic!("{messages:?}") };
    for kept in [
        task,
        "And keep the old name as an alias.",
        rules,
        "- [x] Look for uses\n- [>] Rename them",
        "asked Also in docs?: Yes, in docs too.",
        "edit_file src/gone.rs: `old_string` was not found",
        "cargo check: error[E0425]: cannot find `area`",
    ] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert!(!text.contains("src/fine.rs: `old"), "what succeeded later is no failure any more");
}

#[test]
fn what_a_later_read_shows_goes_first() {
    let mut session = Session::default();
    session.context("Look.", "", 0);
    let long = |what: &str| format!("{what}\n{}", "let line = 1;\n".repeat(1_500));
    session.call("read_file", json!({"path": "a.rs"}), true, &long("first of a"));
    session.call("read_file", json!({"path": "b.rs"}), true, &long("first of b"));
    session.call("read_file", json!({"path": "a.rs", "offset": 3}), true, &long("part of a"));
    session.call("read_file", json!({"path": "a.rs"}), true, &long("second of a"));
    session.request();
    let text = all_text(session.conversation.messages());
    assert_eq!(session.count("trim"), 1);
    for (kept, there) in [("first of a", false), ("part of a", false), ("first of b", true), ("second of a", true)] {
        assert_eq!(text.contains(kept), there, "{kept}");
    }
}

#[test]
fn a_short_history_and_an_event_of_another_version_change_nothing() {
    let mut session = Session::default();
    session.context("Look.", "", 10);
    session.call("read_file", json!({"path": "a.rs"}), true, "text");
    let before = session.conversation.messages().to_vec();
    assert_eq!(session.conversation.compaction(&[], Some(WINDOW), 4000), None);
    assert_eq!(session.conversation.compaction(&[], None, 4000), None);
    let unknown =
        Compacted { tokens_before: 1, tokens_after: 1, kept: json!({"kind": "other"}), summary: String::new() };
    session.take(EventKind::Compaction(unknown));
    assert_eq!(session.conversation.messages(), before);
}

#[test]
fn what_the_provider_counted_decides_when_a_history_is_long() {
    let mut session = Session::default();
    session.context("Look.", "", 10);
    session.call(
        "read_file",
        json!({"path": "a.rs"}),
        true,
        &"text ".repeat(usize::try_from(WINDOW).unwrap() * 4 / 10),
    );
    session.call("read_file", json!({"path": "a.rs"}), true, "text");
    assert_eq!(session.conversation.compaction(&[], Some(WINDOW), 4000), None);
    let compacted = session.conversation.compaction(&[], Some(WINDOW), 2500).unwrap();
    assert!(compacted.tokens_before > WINDOW * 3 / 4, "in the provider's tokens: {compacted:?}");
}
