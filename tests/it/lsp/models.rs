//! Models that can not be reached, refuse, or are not there: what the user is told, and that the server goes on.

use serde_json::{Value, json};

use crate::support::lsp_editor::{Editor, Setup, served_by};
use crate::support::mock_model::{Answer, MockModel};

/// An address at which nobody listens.
fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    listener.local_addr().expect("its address").to_string()
}

/// A server that says no.
fn refusing(status: u16, message: &str, code: &str) -> MockModel {
    let body = json!({"error": {"message": message, "type": "invalid_request_error", "code": code}});
    MockModel::answer_with(move |_| Answer::json(status, &body))
}

/// Asks with `settings`: the turn fails, with one message that holds `advice`, and with other settings the next ask is answered.
async fn check(settings: Value, variables: &[(&str, String)], advice: &[&str]) {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let mut editor = Editor::start(Setup { settings, environment, ..Setup::default() }).await;
    let answer = editor.command("claw.ask", json!({"instruction": "look"})).await;
    assert_eq!(answer["ok"], true, "{answer}");
    let end = editor.turn_end(&answer["turn"]).await;
    assert_eq!(end["status"], "failed", "{end}");
    let told = editor.client.notification("window/showMessage").await;
    assert_eq!(told["type"], 1, "{told}");
    let message = told["message"].as_str().expect("a message");
    for part in advice {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert!(message.starts_with("Claw: ") && !message.contains("canary"), "{message}");
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!((&status["ok"], &status["running"]), (&json!(true), &json!(0)), "{status}");
    editor.until(|editor| editor.progress_ended() == 1).await;

    // Both in a session of its own and in the one that failed.
    let failed = answer["session"].clone();
    let model = MockModel::start([Answer::text("Now it works."), Answer::text("Here too.")]);
    editor.client.notify("workspace/didChangeConfiguration", json!({"settings": {"claw": served_by(&model)}}));
    let answer = editor.command("claw.ask", json!({"instruction": "look again"})).await;
    assert_eq!(editor.turn_end(&answer["turn"]).await["status"], "done");
    let told = editor.client.notification("window/showMessage").await;
    assert_eq!(told, json!({"type": 3, "message": "Claw: Now it works."}));
    let answer = editor.command("claw.ask", json!({"instruction": "look here", "session": failed})).await;
    assert_eq!(editor.turn_end(&answer["turn"]).await["status"], "done");
    let told = editor.client.notification("window/showMessage").await;
    assert_eq!(told, json!({"type": 3, "message": "Claw: Here too."}));
    editor.until(|editor| editor.progress_ended() == 3).await;
    // Fails if any message was shown that was not read above.
    editor.finish().await;
}

#[tokio::test]
async fn a_refused_connection() {
    let base_url = format!("http://{}/v1", nowhere());
    let settings = json!({"provider": "openai", "baseUrl": base_url, "model": "mock", "script": null});
    check(settings, &[], &["no connection to", &base_url, "is the server running?"]).await;
}

#[tokio::test]
async fn a_wrong_key() {
    let model = refusing(401, "Incorrect API key provided: sk-canary-0123456789abcdef.", "invalid_api_key");
    let mut settings = served_by(&model);
    settings["apiKeyEnv"] = json!("MY_KEY");
    let key = ("MY_KEY", "sk-canary-0123456789abcdef".to_owned());
    check(settings, &[key], &["refused the key in MY_KEY (401)"]).await;
    let model = refusing(401, "You didn't provide an API key.", "invalid_api_key");
    check(served_by(&model), &[], &["asks for a key (401)", "CLAW_API_KEY"]).await;
}

#[tokio::test]
async fn a_model_that_does_not_exist() {
    let model = refusing(404, "The model `mock` does not exist.", "model_not_found");
    check(served_by(&model), &[], &["has no model mock", "set model"]).await;
}

#[tokio::test]
async fn no_model_at_all() {
    let settings = json!({"provider": null, "script": null});
    let advice = ["no model is configured", "ollama pull", "OPENAI_API_KEY", "base_url"];
    check(settings, &[("OLLAMA_HOST", nowhere())], &advice).await;
}

/// Model, provider and effort of a session, from the next turn on.
#[tokio::test]
async fn a_session_gets_another_model_and_another_effort() {
    let model = MockModel::start(["One.", "Two.", "Three.", "Four."].map(Answer::text));
    let mut editor = Editor::start(Setup { settings: served_by(&model), ..Setup::default() }).await;
    let ask = async |editor: &mut Editor, argument: Value| {
        let answer = editor.command("claw.ask", argument).await;
        assert_eq!(editor.turn_end(&answer["turn"]).await["status"], "done");
        editor.client.notification("window/showMessage").await;
        answer["session"].clone()
    };
    let session = ask(&mut editor, json!({"instruction": "look"})).await;
    let set = json!({"session": session, "model": "larger"});
    assert_eq!(editor.command("claw.setModel", set).await["ok"], true);
    let set = json!({"session": session, "effort": "high"});
    assert_eq!(editor.command("claw.setModel", set).await["ok"], true);
    ask(&mut editor, json!({"instruction": "look again", "session": session})).await;
    // What is chosen without a session is for those that begin.
    assert_eq!(editor.command("claw.setModel", json!({"effort": "low"})).await["ok"], true);
    let other = ask(&mut editor, json!({"instruction": "look there"})).await;
    assert_ne!(session, other);
    ask(&mut editor, json!({"instruction": "and here", "session": session})).await;
    for wrong in
        [json!({"effort": "very"}), json!({"provider": "nobody"}), json!({}), json!({"session": "none", "model": "x"})]
    {
        assert_eq!(editor.command("claw.setModel", wrong).await["ok"], false);
    }
    editor.until(|editor| editor.progress_ended() == 4).await;

    let bodies: Vec<Value> = model.requests().iter().filter(|r| r.method == "POST").map(|r| r.json()).collect();
    let asked: Vec<(&str, &str)> = bodies
        .iter()
        .map(|body| (body["model"].as_str().unwrap(), body["reasoning_effort"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(asked, [("mock", ""), ("larger", "high"), ("mock", "low"), ("larger", "high")]);
    let status = editor.command("claw.status", Value::Null).await;
    assert_eq!((&status["model"], &status["effort"]), (&json!("mock"), &json!("low")));
    editor.finish().await;
}

/// Without arguments the user is asked; what is typed means the session that was acted on last.
#[tokio::test]
async fn a_model_is_chosen_by_words() {
    let model = MockModel::start(["One.", "Two."].map(Answer::text));
    let claw = json!({"events": true, "input": true});
    let mut editor = Editor::start(Setup { settings: served_by(&model), claw, ..Setup::default() }).await;
    let answer = editor.command("claw.ask", json!({"instruction": "look"})).await;
    assert_eq!(editor.turn_end(&answer["turn"]).await["status"], "done");
    editor.client.notification("window/showMessage").await;
    editor.answer_input(json!("larger low"));
    assert_eq!(editor.command("claw.setModel", Value::Null).await["ok"], true);
    let told = editor.client.notification("window/showMessage").await;
    assert_eq!(told, json!({"type": 3, "message": "Claw: larger low, from the next turn on"}));
    let set = json!({"words": "high"});
    assert_eq!(editor.command("claw.setModel", set).await["ok"], true);
    let again = json!({"instruction": "look again", "session": answer["session"]});
    let answer = editor.command("claw.ask", again).await;
    assert_eq!(editor.turn_end(&answer["turn"]).await["status"], "done");
    editor.client.notification("window/showMessage").await;
    editor.until(|editor| editor.progress_ended() == 2).await;
    let bodies: Vec<Value> = model.requests().iter().filter(|r| r.method == "POST").map(|r| r.json()).collect();
    assert_eq!((&bodies[1]["model"], &bodies[1]["reasoning_effort"]), (&json!("larger"), &json!("high")));
    editor.finish().await;
}

/// A title by the small model, where it is wanted, in a trace of its own.
#[tokio::test]
async fn the_small_model_gives_titles() {
    let model = MockModel::start(["Done.", "\"Sums that are right\".\n", "And more."].map(Answer::text));
    let mut settings = served_by(&model);
    settings["smallModel"] = json!({"model": "tiny", "titles": true});
    let mut editor = Editor::start(Setup { settings, ..Setup::default() }).await;
    let answer = editor.command("claw.ask", json!({"instruction": "make the sums right"})).await;
    assert_eq!(editor.turn_end(&answer["turn"]).await["status"], "done");
    editor.client.notification("window/showMessage").await;
    let titled = async |editor: &mut Editor| {
        let sessions = editor.command("claw.sessions", Value::Null).await["sessions"].clone();
        let sessions = sessions.as_array().unwrap().clone();
        let named =
            sessions.iter().any(|one| one["session"] == answer["session"] && one["title"] == "Sums that are right");
        named.then_some(sessions)
    };
    let mut sessions = None;
    for _ in 0..200 {
        sessions = titled(&mut editor).await;
        if sessions.is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let sessions = sessions.expect("a title");
    assert_eq!(
        (sessions.len(), &editor.command("claw.status", Value::Null).await["sessions"][0]["title"]),
        (2, &json!("Sums that are right"))
    );
    assert!(sessions.iter().any(|one| one["parent"] == answer["session"] && one["model"] == "tiny"), "{sessions:?}");

    // Once in a session.
    let again = editor.command("claw.ask", json!({"instruction": "more", "session": answer["session"]})).await;
    assert_eq!(editor.turn_end(&again["turn"]).await["status"], "done");
    editor.client.notification("window/showMessage").await;
    editor.until(|editor| editor.progress_ended() == 2).await;
    let bodies: Vec<Value> = model.requests().iter().filter(|r| r.method == "POST").map(|r| r.json()).collect();
    assert_eq!(bodies.len(), 3);
    assert_eq!((&bodies[1]["model"], &bodies[1]["tools"]), (&json!("tiny"), &Value::Null));
    let asked = bodies[1]["messages"].to_string();
    assert!(asked.contains("make the sums right") && asked.contains("Done.") && asked.len() < 8000, "{asked}");
    editor.finish().await;
}
