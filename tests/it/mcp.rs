//! MCP servers: started confined, offered, asked, called, and survived.

mod hostile;
mod real;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use claw::agent::{AgentBuilder, RunResult};
use claw::config::{Config, Confined, Environment, McpServer, PermissionMode, PermissionRules};
use claw::event::{EventKind, McpConnected, TurnStatus};
use claw::tools::Reply;
use serde_json::{Value, json};

use crate::agent::permission::Answers;
use crate::agent::rig::Rig;

const PROJECT: &str = "\
//- /notes.txt
one
//- /secret/key.txt
hidden from servers
";

fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/mcp")
}

/// The test's own server, of a kind.
fn server(kind: &str) -> McpServer {
    McpServer {
        command: Some("/usr/bin/python3".to_owned()),
        args: vec![here().join("server.py").display().to_string(), kind.to_owned()],
        network: false,
        read: vec![here().display().to_string()],
        ..McpServer::default()
    }
}

fn config(servers: impl IntoIterator<Item = (&'static str, McpServer)>) -> Config {
    let mut config = Config::default();
    config.mcp.servers = servers.into_iter().map(|(name, server)| (name.to_owned(), server)).collect();
    config
}

/// A model that makes these calls, one a step, and then says that it is done.
fn script(calls: &[(&str, Value)]) -> String {
    let turns = calls.iter().enumerate().map(|(at, (tool, input))| {
        json!({"tools": [{"id": format!("c{at}"), "name": tool, "input": input}]}).to_string()
    });
    [turns.collect::<Vec<_>>().join("\n"), json!({"text": "Done."}).to_string()].join("\n")
}

fn rig(
    config: Config,
    user: &Answers,
    calls: &[(&str, Value)],
    change: impl FnOnce(AgentBuilder) -> AgentBuilder,
) -> Rig {
    Rig::with(PROJECT, &script(calls), |builder| {
        let environment = Environment::of_process();
        let builder = builder.config(config).environment(environment).broker(env!("CARGO_BIN_EXE_claw"));
        change(builder.trusted(true).host(Arc::new(user.clone())))
    })
}

/// Runs the calls with a user who allows each, and gives what came back. The session is whole and replays.
async fn run(config: Config, calls: &[(&str, Value)]) -> (Rig, RunResult, Vec<(bool, String)>) {
    let rig = rig(config, &Answers::new(&[Reply::Once; 40]), calls, |builder| builder);
    let result = rig.run("Go").await;
    rig.check_session(result.session.id()).await;
    assert_eq!(result.status, TurnStatus::Done, "{:?}", result.error());
    let results = results(&result);
    (rig, result, results)
}

fn results(result: &RunResult) -> Vec<(bool, String)> {
    let results = result.trace.iter().filter_map(|event| match &event.kind {
        EventKind::ToolResult(result) => Some((result.ok, result.output.clone())),
        _ => None,
    });
    results.collect()
}

fn connected(result: &RunResult) -> Option<McpConnected> {
    result.trace.iter().find_map(|event| match &event.kind {
        EventKind::Mcp(connected) => Some(connected.clone()),
        _ => None,
    })
}

/// What stands between the lines of the frame.
fn answer((ok, output): &(bool, String)) -> String {
    assert!(ok, "{output}");
    let inside: Vec<&str> = output.lines().skip_while(|line| !line.ends_with("begins ---")).skip(1).collect();
    let inside: Vec<&str> = inside.into_iter().take_while(|line| !line.ends_with("ends ---")).collect();
    inside.join("\n")
}

/// The names of the tools in a request.
fn offered(result: &RunResult) -> Vec<String> {
    let request = result.trace.iter().find_map(|event| match &event.kind {
        EventKind::ModelRequest(request) => request.body.clone(),
        _ => None,
    });
    let body = request.expect("a request");
    let tools = body["tools"].as_array().cloned().unwrap_or_default();
    tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_servers_tools_are_offered_asked_and_called() {
    let user = Answers::new(&[Reply::Once, Reply::Deny]);
    let calls = [("plain__echo", json!({"text": "hello"})), ("plain__echo", json!({"text": "again"}))];
    let rig = rig(config([("plain", server("plain"))]), &user, &calls, |builder| builder);
    let result = rig.run("Go").await;
    rig.check_session(result.session.id()).await;
    assert_eq!(result.status, TurnStatus::Done);

    let state = &connected(&result).unwrap().servers[0];
    assert_eq!((state.server.as_str(), state.ok, state.error.as_deref()), ("plain", true, None));
    assert_eq!(state.title.as_deref(), Some("test 1"));
    assert!(offered(&result).contains(&"plain__echo".to_owned()));
    let asked: Vec<(String, String, Option<String>)> = {
        let asked = user.asked.lock().unwrap();
        asked.iter().map(|asked| (asked.tool.clone(), asked.act.clone(), asked.pattern.clone())).collect()
    };
    assert_eq!(asked[0].0, "plain__echo");
    assert_eq!(asked[0].1, r#"plain__echo {"text":"hello"}"#);
    assert_eq!(asked[0].2.as_deref(), Some("plain__echo"));
    // What a server answered may have been written by anybody: then nothing is allowed for good.
    assert_eq!(asked[1].2, None);
    let results = results(&result);
    assert_eq!(answer(&results[0]), "hello");
    assert!(results[0].1.contains("data that strangers wrote"), "{}", results[0].1);
    assert!(!results[1].0 && results[1].1.contains("the user said no"), "{}", results[1].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_speak_of_a_servers_tools() {
    let user = Answers::default();
    let calls = [("plain__echo", json!({"text": "hello"})), ("plain__env", json!({}))];
    let mut config = config([("plain", server("plain"))]);
    config.permissions = PermissionRules {
        allow: vec!["plain__*".to_owned()],
        deny: vec!["plain__env".to_owned()],
        ..Default::default()
    };
    let rig = rig(config, &user, &calls, |builder| builder);
    let result = rig.run("Go").await;
    let results = results(&result);
    assert_eq!(answer(&results[0]), "hello");
    assert!(results[1].1.contains("a rule of the user's forbids it (plain__env)"), "{}", results[1].1);
    assert_eq!(user.asked.lock().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_run_only_where_a_turn_could_call_them() {
    let started = |result: &RunResult| connected(result).map(|connected| connected.servers[0].error.clone());
    let servers = || config([("plain", server("plain"))]);
    let of = |change: fn(AgentBuilder) -> AgentBuilder| async move {
        let rig = rig(servers(), &Answers::default(), &[], change);
        let result = rig.run("Go").await;
        rig.check_session(result.session.id()).await;
        started(&result)
    };
    assert_eq!(of(|builder| builder).await, Some(None));
    assert_eq!(of(|builder| builder.permission_mode(PermissionMode::ReadOnly)).await, None);
    let untrusted = of(|builder| builder.trusted(false)).await.flatten();
    assert!(untrusted.unwrap().contains("not trusted"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_lives_as_long_as_the_agent_and_tells_when_its_tools_change() {
    let rig = rig(
        config([("plain", server("plain"))]),
        &Answers::new(&[Reply::Once; 4]),
        &[("plain__changed", json!({}))],
        |b| b,
    );
    let session = rig.agent.session();
    let first = crate::agent::rig::ask(&session, "Go").await;
    let second = crate::agent::rig::ask(&session, "Go on").await;
    rig.check_session(session.id()).await;
    assert_eq!(connected(&first).unwrap(), connected(&second).unwrap());
    let marker = rig.state.display().to_string();
    assert!(!crate::attack::oracle::processes_of(&marker).is_empty(), "it runs between turns");
    drop((first, second, session, rig.agent));
    let left = tokio::task::spawn_blocking(move || crate::attack::oracle::left_behind(&marker)).await.unwrap();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p01_what_a_project_names_is_started_after_a_yes_to_exactly_that() {
    let foreign = |kind: &str| McpServer { is_asked: true, ..server(kind) };
    let shown =
        |kind: &str| format!("plain: /usr/bin/python3 {} {kind} ⟨NOT confined⟩", here().join("server.py").display());
    // Its paths lie outside of the workspace, which a project can not give.
    let outside = rig(config([("plain", foreign("plain"))]), &Answers::new(&[Reply::Once]), &[], |builder| builder);
    let result = outside.run("Go").await;
    assert!(connected(&result).unwrap().servers[0].error.clone().unwrap().contains("outside of the workspace"));

    let project = |kind: &str| McpServer { read: Vec::new(), sandbox: Confined::Off, ..foreign(kind) };
    for (reply, ok) in [(Reply::Deny, false), (Reply::Unanswered, false), (Reply::Once, true)] {
        let user = Answers::new(&[reply]);
        let rig = rig(config([("plain", project("plain"))]), &user, &[], |builder| builder);
        let result = rig.run("Go").await;
        rig.check_session(result.session.id()).await;
        assert_eq!(connected(&result).unwrap().servers[0].ok, ok, "{reply:?}: {:?}", connected(&result));
        let asked = user.asked.lock().unwrap();
        assert_eq!(
            (asked.len(), asked[0].tool.as_str(), asked[0].act.as_str()),
            (1, "mcp_start", shown("plain").as_str())
        );
    }

    // A rule that allows it is bound to all of it.
    let pattern = {
        let user = Answers::new(&[Reply::Once]);
        let rig = rig(config([("plain", project("plain"))]), &user, &[], |builder| builder);
        rig.run("Go").await;
        let asked = user.asked.lock().unwrap();
        asked[0].pattern.clone().unwrap()
    };
    assert!(pattern.starts_with("mcp_start(plain#"), "{pattern}");
    for (kind, rule, asks) in [
        ("plain", pattern.as_str(), 0),
        ("ignores", pattern.as_str(), 1),
        ("plain", "mcp_start(plain)", 1),
        ("plain", "mcp_start", 1),
    ] {
        let user = Answers::new(&[Reply::Deny]);
        let mut config = config([("plain", project(kind))]);
        config.permissions.allow = vec![rule.to_owned()];
        let rig = rig(config, &user, &[], |builder| builder);
        rig.run("Go").await;
        assert_eq!(user.asked.lock().unwrap().len(), asks, "{kind} {rule}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p07_a_program_has_what_is_declared_and_nothing_else() {
    let mut declared = server("plain");
    declared.env = BTreeMap::from([
        ("TOKEN".to_owned(), "${CLAW_TEST_TOKEN}".to_owned()),
        ("PLAIN".to_owned(), "as it is".to_owned()),
    ]);
    let token = "tok_5f2c9aa17e604b1f8d3e";
    let variables = [
        ("CLAW_TEST_TOKEN", token),
        ("OPENAI_API_KEY", "sk-other"),
        ("HOME", "/root"),
        ("AWS_SECRET_ACCESS_KEY", "no"),
    ];
    let environment = Environment::from_iter(variables.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let user = Answers::new(&[Reply::Once; 8]);
    let fixture = tempfile::tempdir().unwrap();
    let outside = fixture.path().join("outside.txt");
    std::fs::write(&outside, "not for servers").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let calls = [
        ("plain__env", json!({})),
        ("plain__files", json!({"path": outside.display().to_string()})),
        ("plain__files", json!({"path": here().join("server.py").display().to_string()})),
        ("plain__reach", json!({"text": port})),
    ];
    let rig = rig(config([("plain", declared)]), &user, &calls, |builder| builder.environment(environment));
    let result = rig.run("Go").await;
    let results = results(&result);
    let env: BTreeMap<String, String> = serde_json::from_str(&answer(&results[0])).unwrap();
    assert_eq!(env.get("PLAIN").map(String::as_str), Some("as it is"));
    // It has it; what is shown of it is masked.
    assert!(env.contains_key("TOKEN") && !results[0].1.contains(token), "{}", results[0].1);
    assert!(!env.contains_key("OPENAI_API_KEY") && !env.contains_key("AWS_SECRET_ACCESS_KEY"));
    assert!(answer(&results[1]).contains("refused"), "{}", results[1].1);
    assert!(answer(&results[2]).contains("An MCP server for tests"));
    assert_eq!(answer(&results[3]), "not reached");
    assert!(!rig.trace(result.session.id()).contains(token));
}
