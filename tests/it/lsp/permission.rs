//! Questions to the user in an editor: what is asked, one at a time, what counts as an answer, and what grants nothing.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::lsp_client::Reply;
use crate::support::lsp_editor::{Editor, Setup};

const LIB: &str = "fn area(w: u32, h: u32) -> u32 {\n    w * h\n}\n";

/// A command that a rule can allow, and that changes nothing.
const LOOK: &str = "cat lib.rs";

/// A command that leaves a trace, and for which there is no safe rule.
const MAKE: &str = "touch made.txt";

fn shell(command: &str) -> Value {
    json!({"tools": [{"name": "shell", "input": {"command": command}}]})
}

fn done() -> Value {
    json!({"text": "Done."})
}

async fn start(script: Vec<Value>, settings: Value) -> Editor {
    start_in(tempfile::tempdir().unwrap(), script, settings).await
}

async fn start_in(folder: tempfile::TempDir, script: Vec<Value>, settings: Value) -> Editor {
    let setup = Setup { files: vec![("lib.rs", LIB.to_owned())], script, settings, ..Setup::default() };
    let mut editor = Editor::start_in(folder, setup).await;
    editor.client.ignore("window/showMessage");
    editor.client.ignore("$/cancelRequest");
    editor
}

/// Asks, in a session or a new one; session and turn.
async fn ask(editor: &mut Editor, session: Option<&Value>) -> (Value, Value) {
    let mut argument = json!({"instruction": "go"});
    if let Some(session) = session {
        argument["session"] = session.clone();
    }
    let answer = editor.command("claw.ask", argument).await;
    assert_eq!(answer["ok"], true, "{answer}");
    (answer["session"].clone(), answer["turn"].clone())
}

/// All events of a turn until its end.
async fn events(editor: &mut Editor, turn: &Value) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let event = editor.client.notification("claw/event").await;
        if &event["turn"] == turn {
            events.push(event.clone());
            if event["type"] == "turn_end" {
                return events;
            }
        }
    }
}

/// Asks and waits for the end; the events.
async fn run(editor: &mut Editor) -> Vec<Value> {
    let (_, turn) = ask(editor, None).await;
    events(editor, &turn).await
}

/// Waits until all of these turns have ended, in whatever order.
async fn all_end(editor: &mut Editor, mut turns: Vec<Value>) {
    while !turns.is_empty() {
        let event = editor.client.notification("claw/event").await;
        turns.retain(|turn| event["type"] != "turn_end" || event["turn"] != *turn);
    }
}

/// Decision and who made it, of each permission.
fn decisions(events: &[Value]) -> Vec<(&str, &str)> {
    let permissions = events.iter().filter(|event| event["type"] == "permission");
    permissions.map(|event| (event["decision"].as_str().unwrap(), event["by"].as_str().unwrap())).collect()
}

fn results(events: &[Value]) -> Vec<(bool, &str)> {
    let results = events.iter().filter(|event| event["type"] == "tool_result");
    results.map(|event| (event["ok"].as_bool().unwrap(), event["output"].as_str().unwrap())).collect()
}

fn prompts(editor: &Editor) -> Vec<Value> {
    editor.asked("window/showMessageRequest")
}

fn titles(message: &Value) -> Vec<&str> {
    message["actions"].as_array().unwrap().iter().map(|action| action["title"].as_str().unwrap()).collect()
}

/// Answers each message in turn with a title; what comes after is never answered.
fn answers(editor: &mut Editor, titles: &[&str]) {
    let mut titles: Vec<String> = titles.iter().rev().map(|title| (*title).to_owned()).collect();
    editor.on_message(move |_| match titles.pop() {
        Some(title) => Reply::Result(json!({"title": title})),
        None => Reply::Silence,
    });
}

const ALWAYS: &str = "Always allow \"shell(cat *)\"";

#[tokio::test]
async fn a_prompt_offers_four_answers_and_each_does_what_it_says() {
    let twice = vec![shell(LOOK), shell(LOOK), done()];
    let allowed = ("allow", "user");
    type Case = (&'static str, usize, [(&'static str, &'static str); 2]);
    let cases: [Case; 4] = [
        ("Allow once", 2, [allowed, allowed]),
        ("Allow for this session", 1, [allowed, allowed]),
        (ALWAYS, 1, [allowed, ("allow", "rule")]),
        ("Deny", 2, [("deny", "user"), ("deny", "user")]),
    ];
    for (answer, asked, expected) in cases {
        let mut editor = start(twice.clone(), json!({})).await;
        editor.choose(answer);
        let events = run(&mut editor).await;
        assert_eq!(decisions(&events), expected, "{answer}");
        let prompts = prompts(&editor);
        assert_eq!(prompts.len(), asked, "{answer}");
        let message = "Claw (shell, for \"go\"): cat lib.rs\ncommands are asked in this mode";
        assert_eq!((&prompts[0]["type"], &prompts[0]["message"]), (&json!(2), &json!(message)));
        assert_eq!(titles(&prompts[0]), ["Allow once", "Allow for this session", ALWAYS, "Deny"]);
        let told = match answer {
            "Deny" => (
                false,
                "not run: the user said no. Do not try the same in another way: go on without it, or say what you need it for.",
            ),
            _ => (true, LIB.trim_end()),
        };
        assert_eq!(results(&events), [told, told], "{answer}");
        editor.finish().await;
    }
}

/// The rule is where the user can read it, and holds when the editor is started again.
#[tokio::test]
async fn always_is_written_into_a_file_of_the_users() {
    let script = vec![shell(LOOK), done()];
    let mut editor = start(script.clone(), json!({})).await;
    answers(&mut editor, &[ALWAYS]);
    assert_eq!(decisions(&run(&mut editor).await), [("allow", "user")]);
    let file = editor.folder.path().join("home/.config/claw/permissions.toml");
    let kept = std::fs::read_to_string(&file).unwrap();
    let root = editor.path("").canonicalize().unwrap();
    let expected = format!("[workspace.\"{}\"]\nallow = [\"shell(cat *)\"]\n", root.display());
    assert!(kept.starts_with("# ") && kept.ends_with(&expected), "{kept}");
    // The next session of this server, and of the next server.
    assert_eq!(decisions(&run(&mut editor).await), [("allow", "rule")]);
    assert_eq!(prompts(&editor).len(), 1);
    // A line that the user deletes is gone.
    std::fs::write(&file, "").unwrap();
    answers(&mut editor, &["Deny"]);
    assert_eq!(decisions(&run(&mut editor).await), [("deny", "user")]);
    std::fs::write(&file, kept).unwrap();
    let folder = editor.leave().await;
    let mut editor = start_in(folder, script, json!({})).await;
    let events = run(&mut editor).await;
    assert_eq!(decisions(&events), [("allow", "rule")]);
    let permission = events.iter().find(|event| event["type"] == "permission").unwrap();
    assert_eq!(permission["rule"], "shell(cat *)");
    assert_eq!(prompts(&editor).len(), 0);
    editor.finish().await;
}

#[tokio::test]
async fn l11_what_is_no_answer_is_a_no() {
    type Answer = fn() -> Reply;
    let cases: [(&str, Answer, &str); 11] = [
        ("closed", || Reply::Result(Value::Null), "timeout"),
        ("an error", || Reply::Error(-32603, "no window"), "timeout"),
        ("not known", || Reply::Error(-32601, "method not found"), "timeout"),
        ("a word", || Reply::Result(json!("Allow once")), "timeout"),
        ("yes", || Reply::Result(json!(true)), "timeout"),
        ("a list", || Reply::Result(json!([{"title": "Allow once"}])), "timeout"),
        ("no title", || Reply::Result(json!({"titel": "Allow once"})), "timeout"),
        ("another title", || Reply::Result(json!({"title": "allow once"})), "user"),
        ("another's title", || Reply::Result(json!({"title": "Trust"})), "user"),
        ("a rule that was not offered", || Reply::Result(json!({"title": "Always allow \"shell\""})), "user"),
        ("nothing", || Reply::Silence, "timeout"),
    ];
    for (name, answer, by) in cases {
        let seconds = if name == "nothing" { 1 } else { 60 };
        let settings = json!({"limits": {"promptTimeoutS": seconds}});
        let mut editor = start(vec![shell(MAKE), done()], settings).await;
        editor.on_message(move |_| answer());
        let events = run(&mut editor).await;
        assert_eq!(decisions(&events), [("deny", by)], "{name}");
        assert!(!events.iter().any(|event| event["type"] == "tool_call"), "{name}: it has begun");
        assert!(!events.iter().any(|event| event["type"] == "proposal"), "{name}: it ran");
        assert_eq!(prompts(&editor).len(), 1, "{name}");
        // No safe rule allows it for good.
        assert_eq!(titles(&prompts(&editor)[0]), ["Allow once", "Allow for this session", "Deny"]);
        if name == "nothing" {
            editor.client.notification("$/cancelRequest").await;
        }
        editor.finish().await;
    }
}

#[tokio::test]
async fn a_cancelled_turn_withdraws_its_prompt_and_a_late_answer_grants_nothing() {
    let mut editor = start(vec![shell(MAKE), shell(MAKE), done()], json!({})).await;
    editor.on_message(|_| Reply::Later);
    let (session, turn) = ask(&mut editor, None).await;
    editor.until(|editor| prompts(editor).len() == 1).await;
    editor.command("claw.cancel", json!({"session": session})).await;
    let ended = events(&mut editor, &turn).await;
    assert_eq!(ended.last().unwrap()["status"], "cancelled");
    editor.client.notification("$/cancelRequest").await;
    editor.client.answer_held(json!({"title": "Allow for this session"}));
    // The same act in the same session is asked anew.
    editor.choose("Deny");
    answers(&mut editor, &["Deny"]);
    let (_, turn) = ask(&mut editor, Some(&session)).await;
    assert_eq!(decisions(&events(&mut editor, &turn).await), [("deny", "user")]);
    assert_eq!(prompts(&editor).len(), 2);
    editor.finish().await;
}

#[tokio::test]
async fn prompts_come_one_at_a_time_whoever_asks() {
    let mut editor = start(vec![shell(LOOK), done()], json!({})).await;
    editor.on_message(|_| Reply::Later);
    let mut turns = Vec::new();
    for _ in 0..3 {
        turns.push(ask(&mut editor, None).await.1);
    }
    for count in 1..=3 {
        editor.until(|editor| prompts(editor).len() >= count).await;
        // Long enough for another one to come, if any did.
        for _ in 0..20 {
            editor.command("claw.status", Value::Null).await;
        }
        assert_eq!(prompts(&editor).len(), count);
        editor.client.answer_held(json!({"title": "Allow once"}));
    }
    all_end(&mut editor, turns).await;
    editor.finish().await;
}

#[tokio::test]
async fn l06_many_prompts_without_an_answer_hold_nothing_up() {
    const PROMPTS: usize = 64;
    const CHANGES: usize = 400;
    let mut editor = start(vec![shell(LOOK), done()], json!({})).await;
    editor.on_message(|_| Reply::Silence);
    let uri = editor.open("lib.rs");
    for _ in 0..PROMPTS {
        ask(&mut editor, None).await;
    }
    editor.until(|editor| prompts(editor).len() == 1).await;
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!(status["running"], PROMPTS, "{status}");
    // A machine that is busy with others may be slow once.
    let mut slowest = Vec::new();
    for round in 0..3 {
        let mut took = Vec::new();
        for change in 0..CHANGES {
            let (old, new) = if change % 2 == 0 { ("w * h", "w*h") } else { ("w*h", "w * h") };
            editor.type_over("lib.rs", old, new);
            if change % 4 == 3 {
                let began = Instant::now();
                let params = json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 5}});
                assert_eq!(editor.client.request("textDocument/hover", params).await, Value::Null);
                took.push(began.elapsed());
            }
        }
        took.sort_unstable();
        slowest.push(took[took.len() * 99 / 100 - 1]);
        if slowest[round] < Duration::from_millis(50) {
            break;
        }
    }
    assert!(slowest.iter().any(|slowest| *slowest < Duration::from_millis(50)), "p99 of each round: {slowest:?}");
    assert_eq!(prompts(&editor).len(), 1);
    editor.finish().await;
}

/// Nothing but the reply to its prompt grants anything: no command, no message, no answer to something else.
#[tokio::test]
async fn l17_no_command_and_no_message_grants_anything() {
    let mut editor = start(vec![shell(MAKE), shell(MAKE), done()], json!({})).await;
    editor.on_message(|_| Reply::Later);
    let (session, turn) = ask(&mut editor, None).await;
    editor.until(|editor| prompts(editor).len() == 1).await;

    let refused = [
        ("claw.setModel", json!({"permission_mode": "auto"})),
        ("claw.setModel", json!({"permission_mode": "auto", "session": session})),
    ];
    for (command, argument) in refused {
        let answer = editor.command(command, argument).await;
        assert_eq!(answer["ok"], false, "{command}: {answer}");
    }
    for command in ["claw.allow", "claw.approve", "claw.trust", "claw.permit", "claw.permission"] {
        let argument = json!({"session": session, "decision": "allow", "title": "Allow once"});
        let params = json!({"command": command, "arguments": [argument]});
        let answer = editor.client.try_request("workspace/executeCommand", params).await;
        assert!(answer.as_ref().map_or(true, |answer| answer["ok"] == false), "{command}: {answer:?}");
    }
    for words in ["Allow once", "Allow for this session", "y", "I trust this workspace: run it"] {
        editor.command("claw.steer", json!({"session": session, "message": words})).await;
        editor.command("claw.ask", json!({"session": session, "instruction": words})).await;
    }
    for command in ["claw.acceptAll", "claw.acceptHunk", "claw.redo", "claw.undo"] {
        editor.command(command, json!({"session": session})).await;
    }
    for method in ["claw/permission", "claw/approve", "claw/event", "window/showMessageRequest", "$/allow"] {
        let permission = json!({"type": "permission", "session": session, "turn": turn, "decision": "allow"});
        editor.client.notify(method, permission);
    }
    // Answers to requests that the server did not make.
    for id in [json!(0), json!(-1), json!(100_000), json!("1"), json!("2"), Value::Null] {
        editor.client.send(&json!({"jsonrpc": "2.0", "id": id, "result": {"title": "Allow once"}}));
    }
    let settings = json!({"claw": {"permissionMode": "auto", "permissions": {"allow": ["shell"]}, "trusted": true}});
    editor.client.notify("workspace/didChangeConfiguration", json!({"settings": settings}));

    assert_eq!(editor.command("claw.status", Value::Null).await["running"], 1);
    assert_eq!(prompts(&editor).len(), 1);
    answers(&mut editor, &["Deny"]);
    editor.client.answer_held(json!({"title": "Deny"}));
    let events = events(&mut editor, &turn).await;
    assert_eq!(decisions(&events), [("deny", "user"), ("deny", "user")]);
    assert!(!events.iter().any(|event| event["type"] == "tool_call"));
    assert_eq!(prompts(&editor).len(), 2);
    editor.finish().await;
}

/// What the settings allow while a turn runs holds for the next one.
#[tokio::test]
async fn c05_settings_that_loosen_rights_hold_for_the_next_turn_only() {
    let loosened = [
        json!({"permissionMode": "auto"}),
        json!({"permissions": {"allow": ["shell(touch *)"]}}),
        json!({"permissionMode": "auto", "permissions": {"allow": ["shell"]}, "shell": {"network": true}, "trusted": true}),
    ];
    for settings in loosened {
        let script = vec![shell(MAKE), shell(MAKE), done(), shell(LOOK), done()];
        let mut editor = start(script, json!({})).await;
        editor.on_message(|_| Reply::Later);
        let (session, turn) = ask(&mut editor, None).await;
        editor.until(|editor| prompts(editor).len() == 1).await;
        editor.client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": settings}}));
        editor.client.answer_held(json!({"title": "Deny"}));
        // The second call of the turn is asked all the same.
        editor.until(|editor| prompts(editor).len() == 2).await;
        editor.client.answer_held(json!({"title": "Deny"}));
        assert_eq!(decisions(&events(&mut editor, &turn).await), [("deny", "user"), ("deny", "user")], "{settings}");

        // The same session, by the new settings once the user has said yes to them.
        answers(&mut editor, &["Allow", "Deny"]);
        let is_auto = settings["permissionMode"] == "auto";
        let expected = if is_auto { "allow" } else { "deny" };
        let (_, turn) = ask(&mut editor, Some(&session)).await;
        let events = events(&mut editor, &turn).await;
        assert_eq!(decisions(&events)[0].0, expected, "{settings}");
        editor.finish().await;
    }
}

/// And what they forbid is forbidden from the next turn on, also in a session that has begun.
#[tokio::test]
async fn settings_that_tighten_rights_reach_sessions_that_have_begun() {
    let tightened = [
        (json!({"permissionMode": "read-only"}), "mode"),
        (json!({"permissionMode": "auto", "permissions": {"deny": ["shell(cat *)"]}}), "rule"),
    ];
    for (settings, by) in tightened {
        let script = vec![shell(LOOK), done(), shell(LOOK), done()];
        let mut editor = start(script, json!({"permissionMode": "auto"})).await;
        let (session, turn) = ask(&mut editor, None).await;
        assert_eq!(decisions(&events(&mut editor, &turn).await), [("allow", "mode")]);
        editor.client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": settings}}));
        let (_, turn) = ask(&mut editor, Some(&session)).await;
        let events = events(&mut editor, &turn).await;
        let decided = decisions(&events);
        assert!(decided.is_empty() && by == "mode" || decided == [("deny", by)], "{decided:?}");
        assert!(!results(&events)[0].0, "{settings}");
        editor.finish().await;
    }
}

const TRUST: [&str; 2] = ["Trust", "Do not trust"];

#[tokio::test]
async fn the_first_command_in_an_untrusted_workspace_asks_for_trust() {
    let script = vec![shell(LOOK), shell(LOOK), done()];
    let mut editor = start(script.clone(), json!({"trusted": null})).await;
    // The folder's own configuration counts from the next turn on.
    std::fs::create_dir(editor.path(".claw")).unwrap();
    std::fs::write(editor.path(".claw/config.toml"), "permission_mode = \"auto\"\n").unwrap();
    answers(&mut editor, &["Trust", "Allow once", "Deny"]);
    assert_eq!(decisions(&run(&mut editor).await), [("allow", "user"), ("deny", "user")]);
    let asked = prompts(&editor);
    assert_eq!(asked.len(), 3);
    let root = editor.path("").canonicalize().unwrap();
    let question = asked[0]["message"].as_str().unwrap();
    assert!(
        question.starts_with(&format!("Do you trust {}? Claw would run commands in it", root.display())),
        "{question}"
    );
    assert_eq!(titles(&asked[0]), TRUST);
    assert_eq!(titles(&asked[1]), ["Allow once", "Allow for this session", ALWAYS, "Deny"]);
    // It is kept, for this server and the next.
    assert_eq!(decisions(&run(&mut editor).await), [("allow", "mode"), ("allow", "mode")]);
    let folder = editor.leave().await;
    let mut editor = start_in(folder, script, json!({"trusted": null})).await;
    assert_eq!(decisions(&run(&mut editor).await), [("allow", "mode"), ("allow", "mode")]);
    assert_eq!(prompts(&editor).len(), 0);
    editor.finish().await;
}

#[tokio::test]
async fn that_a_workspace_is_not_trusted_is_remembered_for_the_session() {
    let mut editor = start(vec![shell(LOOK), shell(LOOK), done()], json!({"trusted": false})).await;
    editor.choose("Do not trust");
    let events = run(&mut editor).await;
    assert_eq!(decisions(&events), [("deny", "user"), ("deny", "user")]);
    assert!(results(&events)[0].1.contains("the workspace is not trusted"), "{events:?}");
    assert_eq!(prompts(&editor).len(), 1);
    assert!(!editor.folder.path().join("state/trust.json").exists());
    run(&mut editor).await;
    assert_eq!(prompts(&editor).len(), 2);
    // No answer is a no, and is not remembered.
    editor.on_message(|_| Reply::Result(Value::Null));
    assert_eq!(decisions(&run(&mut editor).await), [("deny", "timeout"), ("deny", "timeout")]);
    assert_eq!(prompts(&editor).len(), 4);
    editor.finish().await;
}

/// Sessions that wait while one of them asks for trust go by its answer.
#[tokio::test]
async fn trust_is_asked_once_by_sessions_side_by_side() {
    let mut editor = start(vec![shell(LOOK), done()], json!({"trusted": null, "permissionMode": "auto"})).await;
    editor.on_message(|_| Reply::Later);
    let turns = vec![ask(&mut editor, None).await.1, ask(&mut editor, None).await.1];
    editor.until(|editor| prompts(editor).len() == 1).await;
    editor.client.answer_held(json!({"title": "Trust"}));
    all_end(&mut editor, turns).await;
    assert_eq!(prompts(&editor).len(), 1);
    editor.finish().await;
}

#[tokio::test]
async fn a_command_takes_rights_away_and_nothing_but_the_settings_gives_them_back() {
    let mut editor = start(vec![shell(LOOK), done()], json!({"permissionMode": "auto"})).await;
    let set = |mode: &str| json!({"permission_mode": mode});
    assert_eq!(editor.command("claw.setModel", set("ask")).await["ok"], true);
    assert_eq!(editor.command("claw.setModel", set("auto")).await["ok"], false);
    // What is set anew for another reason changes nothing of it.
    let settings = json!({"claw": {"permissionMode": "auto", "limits": {"maxSteps": 50}}});
    editor.client.notify("workspace/didChangeConfiguration", json!({"settings": settings}));
    answers(&mut editor, &["Deny"]);
    assert_eq!(decisions(&run(&mut editor).await), [("deny", "user")]);
    // The user's newer word.
    for mode in ["ask", "auto"] {
        let settings = json!({"claw": {"permissionMode": mode}});
        editor.client.notify("workspace/didChangeConfiguration", json!({"settings": settings}));
    }
    answers(&mut editor, &["Allow"]);
    let (session, turn) = ask(&mut editor, None).await;
    assert_eq!(decisions(&events(&mut editor, &turn).await), [("allow", "mode")]);
    // One session by itself.
    let read_only = json!({"session": session, "permission_mode": "read-only"});
    assert_eq!(editor.command("claw.setModel", read_only).await["ok"], true);
    let looser = json!({"session": session, "permission_mode": "ask"});
    assert_eq!(editor.command("claw.setModel", looser).await["ok"], false);
    assert_eq!(editor.command("claw.status", Value::Null).await["permission_mode"], "auto");
    editor.finish().await;
}

#[tokio::test]
async fn what_a_command_prints_is_streamed_to_the_editor() {
    let mut editor = start(vec![shell("echo one; echo two"), done()], json!({"permissionMode": "auto"})).await;
    let heard = Arc::new(Mutex::new(0));
    let count = Arc::clone(&heard);
    editor.on_message(move |_| {
        *count.lock().unwrap() += 1;
        Reply::Silence
    });
    let events = run(&mut editor).await;
    let printed: String = events
        .iter()
        .filter(|event| event["type"] == "tool_output")
        .map(|event| event["delta"].as_str().unwrap())
        .collect();
    assert_eq!(printed, "one\ntwo\n");
    assert_eq!(results(&events), [(true, "one\ntwo")]);
    assert_eq!(*heard.lock().unwrap(), 0);
    editor.finish().await;
}
