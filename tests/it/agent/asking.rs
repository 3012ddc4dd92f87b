//! `ask_user`: what is asked, what the model hears, and that no answer is a permission.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use claw::agent::Ask;
use claw::event::{EventKind, TurnStatus};
use claw::tools::{Approval, Effect, Host, Reply, Tool, ToolContext, ToolError, ToolOutput, UserAnswer, UserQuestion};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::rig::{PROJECT, Rig, ask};

/// A user who answers these, one after the other, and then is gone. Denies every act.
#[derive(Clone, Default)]
struct User {
    answers: Arc<Mutex<VecDeque<UserAnswer>>>,
    asked: Arc<Mutex<Vec<UserQuestion>>>,
    approvals: Arc<Mutex<Vec<Approval>>>,
}

impl Host for User {
    fn ask_user(&self, question: UserQuestion) -> BoxFuture<'static, UserAnswer> {
        self.asked.lock().unwrap().push(question);
        match self.answers.lock().unwrap().pop_front() {
            Some(answer) => Box::pin(std::future::ready(answer)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn approve(&self, question: Approval) -> BoxFuture<'static, Reply> {
        self.approvals.lock().unwrap().push(question);
        Box::pin(std::future::ready(Reply::Deny))
    }
}

fn said(answer: &str) -> UserAnswer {
    UserAnswer::Said(answer.to_owned())
}

/// Asks `input` of a user with one answer: what was asked, and the result of the call.
async fn check(input: Value, answer: UserAnswer, expected: Option<(&str, &[&str])>, told: &str) {
    let script = [
        json!({"tools": [{"id": "q", "name": "ask_user", "input": input}]}).to_string(),
        json!({"text": "Done."}).to_string(),
    ];
    let user = User { answers: Arc::new(Mutex::new([answer].into())), ..User::default() };
    let rig = Rig::with(PROJECT, &script.join("\n"), |builder| builder.host(Arc::new(user.clone())));
    let run = rig.run("Rename\u{202e} it").await;
    assert_eq!(run.status, TurnStatus::Done);
    let asked: Vec<UserQuestion> = user.asked.lock().unwrap().clone();
    let expected: Vec<UserQuestion> = expected
        .into_iter()
        .map(|(question, options)| UserQuestion {
            session: "Rename⟨U+202E⟩ it".to_owned(),
            question: question.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            deadline: Duration::from_secs(300),
        })
        .collect();
    assert_eq!(asked, expected);
    let output = run.trace.iter().find_map(|event| match &event.kind {
        EventKind::ToolResult(result) => Some(result.output.clone()),
        _ => None,
    });
    assert!(output.as_deref().unwrap_or_default().contains(told), "{output:?}");
    rig.check_session(run.session.id()).await;
}

#[tokio::test]
async fn the_model_hears_what_the_user_says() {
    let which = json!({"question": "Which file?", "options": ["notes.txt", "lib.rs"]});
    let shown = Some(("Which file?", ["notes.txt", "lib.rs"].as_slice()));
    check(which.clone(), said("lib.rs"), shown, "The user answers: lib.rs").await;
    check(which, UserAnswer::Unanswered, shown, "nobody answered (a question waits 300 s at most). Go on").await;
    let open = json!({"question": "What\nname?"});
    check(open.clone(), said("plus"), Some(("What\nname?", &[])), "The user answers: plus").await;
    check(open, UserAnswer::CanNotWrite, Some(("What\nname?", &[])), "ask again with `options`").await;
    let hidden = json!({"question": "a\u{1b}[2J\u{202e}b?", "options": ["x\u{200b}", "y"]});
    let shown = Some(("a⟨U+001B⟩[2J⟨U+202E⟩b?", ["x⟨U+200B⟩", "y"].as_slice()));
    check(hidden, said("y"), shown, "The user answers: y").await;
    check(json!({"question": "x".repeat(2_000)}), said("never"), None, "at most 1000 bytes").await;
}

#[tokio::test]
async fn m14_a_question_can_not_look_like_a_permission() {
    let fake = json!({"question": "shell: rm -rf /", "options": ["Allow once", "Deny"]});
    check(fake, said("Allow once"), None, "a question of Claw's own").await;
}

struct Launch(Arc<Mutex<u32>>);

impl Tool for Launch {
    fn name(&self) -> &str {
        "launch"
    }
    fn description(&self) -> &str {
        "launches something"
    }
    fn parameters(&self) -> Value {
        json!({"type": "object"})
    }
    fn effect(&self) -> Effect {
        Effect::Runs
    }
    fn call(&self, _context: ToolContext, _input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        *self.0.lock().unwrap() += 1;
        Box::pin(std::future::ready(Ok(ToolOutput::from("launched".to_owned()))))
    }
}

/// Whatever the user answers to the model, the act is asked for by itself.
#[tokio::test]
async fn m14_an_answer_permits_nothing() {
    let question = json!({"question": "May I launch?", "options": ["Yes, go ahead", "No"]});
    let script = [
        json!({"tools": [{"id": "q", "name": "ask_user", "input": question}]}).to_string(),
        json!({"tools": [{"id": "l", "name": "launch", "input": {}}]}).to_string(),
        json!({"text": "Done."}).to_string(),
    ];
    let (user, launched) = (User::default(), Arc::new(Mutex::new(0)));
    user.answers.lock().unwrap().push_back(said("Yes, go ahead"));
    let rig = Rig::with(PROJECT, &script.join("\n"), |builder| {
        builder.tool(Launch(Arc::clone(&launched))).host(Arc::new(user.clone()))
    });
    let run = rig.run("Launch").await;
    assert_eq!((*launched.lock().unwrap(), user.approvals.lock().unwrap().len()), (0, 1));
    rig.check_session(run.session.id()).await;
}

#[tokio::test]
async fn a_question_that_stands_is_cancelled_with_its_turn() {
    let script = "{\"tools\": [{\"id\": \"q\", \"name\": \"ask_user\", \"input\": {\"question\": \"Well?\"}}]}\n{\"text\": \"On.\"}";
    let user = User::default();
    let rig = Rig::with(PROJECT, script, |builder| builder.host(Arc::new(user.clone())));
    let session = rig.agent.session();
    let turn = session.start(Ask { instruction: "Go".to_owned(), ..Ask::default() }).unwrap();
    while user.asked.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = Instant::now();
    session.cancel();
    assert_eq!(turn.finish().await.status, TurnStatus::Cancelled);
    assert!(began.elapsed() < Duration::from_millis(1_000));
    assert_eq!(ask(&session, "And now?").await.answer, "On.");
    rig.check_session(session.id()).await;
}
