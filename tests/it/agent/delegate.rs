//! Subagents: what they see and may, that they run side by side and count, and that they end with their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use claw::agent::{Ask, Session};
use claw::config::Config;
use claw::event::{Event, EventKind, Mode, PermissionMode, SubagentRan, ToolResultReturned, TurnStatus, Usage};
use claw::model::script::Script;
use claw::model::{Delta, Model, ModelError, Request};
use futures::stream::BoxStream;
use serde_json::{Value, json};

use super::rig::{PROJECT, Rig};

fn task(id: &str, about: &str) -> Value {
    json!({"id": id, "name": "task", "input": {"description": about, "prompt": format!("Please look: {about}.")}})
}

fn script(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn results(trace: &[Event]) -> Vec<ToolResultReturned> {
    let result = |event: &Event| match &event.kind {
        EventKind::ToolResult(result) => Some(result.clone()),
        _ => None,
    };
    trace.iter().filter_map(result).collect()
}

fn result<'a>(results: &'a [ToolResultReturned], call: &str) -> &'a ToolResultReturned {
    results.iter().find(|result| result.call == call).expect("a result of the call")
}

/// Waits until the session of a subagent has written its end.
async fn ended(rig: &Rig, session: &str) -> Vec<Event> {
    for _ in 0..400 {
        let events = rig.store().events(session).unwrap();
        if events.last().is_some_and(|event| event.kind() == "turn_end") {
            return events;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the subagent {session} did not end");
}

fn children(rig: &Rig, parent: &str) -> Vec<String> {
    let sessions = rig.store().sessions().unwrap();
    sessions.into_iter().filter(|session| session.parent.as_deref() == Some(parent)).map(|session| session.id).collect()
}

#[tokio::test]
async fn a_subagent_has_a_session_of_its_own_and_its_answer_is_the_result() {
    let edit = json!({"path": "notes.txt", "old_string": "two", "new_string": "zwei"});
    let lines = [
        json!({"tools": [{"id": "e", "name": "edit_file", "input": edit}]}),
        json!({"tools": [task("t", "find two"), {"id": "r", "name": "list_files", "input": {}}]}),
        json!({"text": "Done.", "usage": {"input": 10, "output": 1}}),
        json!({"when": "find two", "tools": [
            {"id": "a", "name": "read_file", "input": {"path": "notes.txt"}},
            {"id": "b", "name": "edit_file", "input": {"path": "notes.txt", "old_string": "one", "new_string": "1"}},
            {"id": "c", "name": "task", "input": {"description": "x", "prompt": "y"}},
            {"id": "d", "name": "ask_user", "input": {"question": "Which?"}},
        ], "usage": {"input": 100, "output": 20, "cached": 5}}),
        json!({"when": "find two", "text": "It says zwei in notes.txt:2.", "usage": {"input": 200, "output": 30}}),
    ];
    let rig = Rig::new(&script(&lines));
    let run = rig.run("Translate").await;
    assert_eq!((run.status, run.answer.as_str()), (TurnStatus::Done, "Done."));
    let parent = run.session.id().to_owned();
    rig.check_session(&parent).await;

    // The answer is the call's result, with what it took.
    let all = results(&run.trace);
    let told = result(&all, "t");
    let ids = children(&rig, &parent);
    let usage = Usage { input: 300, output: 50, cached: 5, ..Usage::default() };
    let ran =
        SubagentRan { session: ids[0].clone(), status: TurnStatus::Done, steps: 2, usage, tokens: 350, cost: None };
    assert_eq!((ids.len(), told.ok, told.output.as_str()), (1, true, "It says zwei in notes.txt:2."));
    assert_eq!(told.subagent, Some(ran));
    let own: Usage = run.trace.iter().fold(Usage::default(), |mut sum, event| {
        if let EventKind::ModelResponse(response) = &event.kind {
            sum += response.usage;
        }
        sum
    });
    assert_eq!(run.usage.input, own.input + usage.input);
    assert_eq!(run.usage.cached, own.cached + usage.cached);

    // Its trace is whole: it saw what was proposed, and could read and nothing else.
    rig.check_session(&ids[0]).await;
    let events = rig.store().events(&ids[0]).unwrap();
    let EventKind::TurnStart(start) = &events[0].kind else { panic!("{:?}", events[0]) };
    assert_eq!((start.parent.as_deref(), start.mode, start.limits.children), (Some(&*parent), Mode::Explain, 0));
    assert_eq!(start.task, "find two\n\nPlease look: find two.");
    assert!(events[0].turn.ends_with("/t"), "{}", events[0].turn);
    let its = results(&events);
    assert!(result(&its, "a").output.contains("zwei"));
    assert!(result(&its, "b").output.contains("this turn may only read"), "{}", result(&its, "b").output);
    for call in ["c", "d"] {
        assert!(result(&its, call).output.contains("there is no tool"), "{}", result(&its, call).output);
    }
    let requests = events.iter().filter(|event| event.kind() == "model_request").count();
    let body = events.iter().find_map(|event| match &event.kind {
        EventKind::ModelRequest(request) => request.body.clone(),
        _ => None,
    });
    let body = body.unwrap_or_default().to_string();
    assert_eq!(requests, 2);
    assert!(body.contains("You are a subagent") && !body.contains("\"name\":\"task\""), "{body}");
    assert!(!body.contains("\"name\":\"ask_user\"") && !body.contains("\"name\":\"edit_file\""), "{body}");
    // The user's own last session is the one that was asked.
    assert_eq!(rig.store().find("last").unwrap(), parent);
    assert_eq!(run.proposal.hunks().count(), 1);
}

/// A script that counts how many requests of subagents are being answered.
struct Counting {
    script: Script,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Model for Counting {
    fn provider(&self) -> &str {
        "script"
    }
    fn name(&self) -> &str {
        self.script.name()
    }
    fn body(&self, request: &Request) -> Value {
        self.script.body(request)
    }
    fn send(&self, body: Value) -> BoxStream<'static, Result<Delta, ModelError>> {
        use futures::StreamExt;
        if !body.to_string().contains("You are a subagent") {
            return self.script.send(body);
        }
        let (now, most, inner) = (Arc::clone(&self.now), Arc::clone(&self.most), self.script.send(body));
        futures::stream::once(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(400)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            inner
        })
        .flatten()
        .boxed()
    }
}

#[tokio::test]
async fn four_run_side_by_side_and_no_more() {
    let calls: Vec<Value> = (0..8).map(|number| task(&format!("t{number}"), &format!("part {number}"))).collect();
    let lines = [json!({"tools": calls}), json!({"text": "Done."}), json!({"when": "Please look", "text": "Seen."})];
    let most = Arc::new(AtomicUsize::new(0));
    let model =
        Counting { script: Script::parse("s", &script(&lines)).unwrap(), now: Arc::default(), most: Arc::clone(&most) };
    let rig = Rig::bare(PROJECT, |builder| builder.model_client(Arc::new(model)));
    let run = rig.run("Look").await;
    let all = results(&run.trace);
    assert_eq!(all.iter().filter(|result| result.ok && result.output == "Seen.").count(), 8);
    assert_eq!(most.load(Ordering::SeqCst), 4);
    rig.check_session(run.session.id()).await;
    let ids = children(&rig, run.session.id());
    assert_eq!(ids.len(), 8);
    for id in &ids {
        rig.check_session(id).await;
    }
}

#[tokio::test]
async fn they_end_with_their_turn() {
    let lines = [
        json!({"tools": [task("a", "one"), task("b", "two")]}),
        json!({"when": "Please look", "delay_ms": 60000, "text": "never"}),
        json!({"text": "And on."}),
    ];
    let rig = Rig::new(&script(&lines));
    let session = rig.agent.session();
    let turn = session.start(Ask { instruction: "Look".to_owned(), ..Ask::default() }).unwrap();
    let asking = |rig: &Rig, parent: &str| {
        let ids = children(rig, parent);
        let asked = |id: &String| rig.store().events(id).unwrap().iter().any(|event| event.kind() == "model_request");
        ids.len() == 2 && ids.iter().all(asked)
    };
    while !asking(&rig, session.id()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    assert!(session.cancel());
    let run = turn.finish().await;
    assert_eq!(run.status, TurnStatus::Cancelled);
    assert!(began.elapsed() < Duration::from_millis(1_000), "it took {:?}", began.elapsed());
    for id in children(&rig, session.id()) {
        let events = ended(&rig, &id).await;
        let EventKind::TurnEnd(end) = &events.last().unwrap().kind else { panic!("no end") };
        assert_eq!(end.status, TurnStatus::Cancelled);
        assert!(began.elapsed() < Duration::from_millis(1_000), "it took {:?}", began.elapsed());
        rig.check_session(&id).await;
    }
    assert_eq!(super::rig::ask(&session, "Go on").await.answer, "And on.");
    rig.check_session(session.id()).await;
}

fn limited(change: impl FnOnce(&mut claw::config::Limits)) -> Config {
    let mut config = Config::default();
    change(&mut config.limits);
    config
}

#[tokio::test]
async fn the_limit_of_children_is_told_and_then_ends_the_turn() {
    let lines = [
        json!({"tools": [task("a", "one"), task("b", "two")]}),
        json!({"tools": [task("c", "three")]}),
        json!({"text": "never"}),
        json!({"when": "Please look", "text": "Seen."}),
    ];
    let config = limited(|limits| limits.max_children = 1);
    let rig = Rig::with(PROJECT, &script(&lines), |builder| builder.config(config));
    let run = rig.run("Look").await;
    let all = results(&run.trace);
    assert!(result(&all, "a").ok);
    assert_eq!(
        result(&all, "b").output,
        "not run: this turn has started 1 subagents, and may not start more (limits.max_children). Do the rest yourself, or \
         answer with what you have."
    );
    assert_eq!(run.status, TurnStatus::Limit);
    assert_eq!(
        run.error().unwrap().message,
        "stopped after 1 subagents (limits.max_children): ask again to go on from here"
    );
    assert_eq!(children(&rig, run.session.id()).len(), 1);
    rig.check_session(run.session.id()).await;
}

#[tokio::test]
async fn without_children_there_is_no_such_tool() {
    let lines = [json!({"tools": [task("a", "one")]}), json!({"text": "Alone."})];
    let config = limited(|limits| limits.max_children = 0);
    let rig = Rig::with(PROJECT, &script(&lines), |builder| builder.config(config));
    let run = rig.run("Look").await;
    assert!(results(&run.trace)[0].output.contains("there is no tool `task`"));
    assert_eq!(run.answer, "Alone.");
    rig.check_session(run.session.id()).await;
}

#[tokio::test]
async fn what_they_use_counts_towards_the_turns_limit_and_none_gets_more_than_its_share() {
    let lines = [
        json!({"tools": [task("a", "one"), task("b", "two")], "usage": {"input": 90, "output": 10}}),
        json!({"text": "never"}),
        json!({"when": "Please look", "text": "half", "tools": [{"name": "list_files", "input": {}}],
            "usage": {"input": 400, "output": 60}}),
        json!({"when": "Please look", "text": "never"}),
    ];
    let config = limited(|limits| limits.max_tokens = Some(1_000));
    let rig = Rig::with(PROJECT, &script(&lines), |builder| builder.config(config));
    let run = rig.run("Look").await;
    let all = results(&run.trace);
    for call in ["a", "b"] {
        let told = result(&all, call);
        assert!(
            told.ok && told.truncated && told.output.starts_with("half\n[the subagent reached a limit"),
            "{told:?}"
        );
        assert_eq!(told.subagent.as_ref().map(|ran| (ran.status, ran.tokens)), Some((TurnStatus::Limit, 460)));
    }
    assert_eq!(run.status, TurnStatus::Limit);
    assert_eq!(
        run.error().unwrap().message,
        "stopped after 1020 tokens of 1000 (limits.max_tokens): ask again to go on from here"
    );
    for id in children(&rig, run.session.id()) {
        let events = rig.store().events(&id).unwrap();
        let EventKind::TurnStart(start) = &events[0].kind else { panic!("{:?}", events[0]) };
        assert_eq!(start.limits.tokens, Some(450));
        rig.check_session(&id).await;
    }
    rig.check_session(run.session.id()).await;
}

#[tokio::test]
async fn one_that_fails_or_says_nothing_is_told_and_the_turn_goes_on() {
    let lines = [
        json!({"tools": [task("a", "fails"), task("b", "silent"), task("c", " "), {"id": "d", "name": "task", "input": {
            "description": "long", "prompt": "x".repeat(17_000)}}]}),
        json!({"text": "Without them."}),
        json!({"when": "fails", "error": {"code": "refused", "message": "the model refuses"}}),
        json!({"when": "silent", "text": " "}),
    ];
    let rig = Rig::new(&script(&lines));
    let run = rig.run("Look").await;
    let all = results(&run.trace);
    let told = |call: &str| (result(&all, call).ok, result(&all, call).output.as_str());
    assert_eq!(told("a"), (false, "the subagent failed: the model refuses"));
    assert_eq!(told("b"), (false, "the subagent answered nothing: ask more exactly, or look yourself"));
    assert_eq!(told("c"), (false, "a task needs a `description` and a `prompt` that says what to find out"));
    assert!(told("d").1.starts_with("the task is too long"), "{:?}", told("d"));
    assert_eq!((run.status, run.answer.as_str()), (TurnStatus::Done, "Without them."));
    rig.check_session(run.session.id()).await;
}

#[tokio::test]
async fn reading_turns_may_have_them_too() {
    let lines = [
        json!({"tools": [task("a", "one")]}),
        json!({"text": "So it is."}),
        json!({"when": "Please look", "text": "Seen."}),
    ];
    for (mode, permissions) in [
        (Mode::Explain, PermissionMode::Ask),
        (Mode::Plan, PermissionMode::Ask),
        (Mode::Edit, PermissionMode::ReadOnly),
    ] {
        let rig = Rig::with(PROJECT, &script(&lines), |builder| builder.permission_mode(permissions));
        let session: Session = rig.agent.session();
        let run = session.start(Ask { instruction: "Look".to_owned(), mode, ..Ask::default() }).unwrap().finish().await;
        assert_eq!(results(&run.trace)[0].output, "Seen.", "{mode:?}");
        rig.check_session(session.id()).await;
    }
}
