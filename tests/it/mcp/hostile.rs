//! Servers that hang, flood, lie and die: each costs its own calls.

use std::time::{Duration, Instant};

use super::*;

/// What a server of this kind is said not to run for.
async fn refused(kind: &str) -> String {
    let rig =
        rig(config([("bad", server(kind)), ("good", server("plain"))]), &Answers::default(), &[], |builder| builder);
    let result = rig.run("Go").await;
    rig.check_session(result.session.id()).await;
    let servers = connected(&result).unwrap().servers;
    assert!(servers[1].ok, "the other one is not touched: {:?}", servers[1].error);
    servers[0].error.clone().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_one_that_ends_at_once_says_why() {
    let error = refused("ends").await;
    assert!(
        error.starts_with("it ended before it answered") && error.contains("it said: I can not start: no licence"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_one_that_never_answers_is_given_up() {
    let began = Instant::now();
    let rig = rig(config([("bad", server("silent"))]), &Answers::default(), &[], |builder| builder);
    let session = rig.agent.session();
    let mut errors = Vec::new();
    for task in ["Go", "Go on", "Go on again"] {
        let result = crate::agent::rig::ask(&session, task).await;
        errors.push(connected(&result).unwrap().servers[0].error.clone().unwrap());
    }
    rig.check_session(session.id()).await;
    assert!(errors[0].contains("did not answer within 30 s"), "{errors:?}");
    // It is waited for once, and not with every turn.
    assert!(errors[1].contains("it is not started again before Claw is") && errors[1] == errors[2], "{errors:?}");
    assert!(began.elapsed() < Duration::from_secs(55), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_junk_and_endless_lines_are_passed_over() {
    for kind in ["junk", "line", "flood", "ignores"] {
        let (_, _, results) = run(config([("bad", server(kind))]), &[("bad__echo", json!({"text": kind}))]).await;
        assert_eq!(answer(&results[0]), kind);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_one_that_dies_in_a_call_is_started_again_three_times() {
    let call = |tool: &'static str| (tool, json!({"text": "still here"}));
    let calls: Vec<(&str, Value)> = [
        vec![call("bad__die"), call("bad__echo")],
        vec![call("bad__die"); 2],
        vec![call("bad__die"), call("bad__echo")],
    ]
    .concat();
    let (_, _, results) = run(config([("bad", server("plain"))]), &calls).await;
    assert!(
        !results[0].0 && results[0].1.contains("bad ended during the call (it said: about to die)"),
        "{}",
        results[0].1
    );
    assert_eq!(answer(&results[1]), "still here");
    assert!(results[5].1.contains("was started 4 times and is not started again"), "{}", results[5].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_a_call_that_hangs_ends_by_its_time() {
    let mut slow = server("plain");
    slow.timeout_s = 1;
    let (_, _, results) = run(config([("bad", slow)]), &[("bad__hang", json!({}))]).await;
    assert!(results[0].1.contains("did not answer within 1 s (mcp.servers.bad.timeout_s)"), "{}", results[0].1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_what_it_leaves_behind_ends_with_it() {
    let (rig, result, _) = run(config([("bad", server("leaves"))]), &[]).await;
    let marker = rig.state.display().to_string();
    drop((result, rig.agent));
    let left = tokio::task::spawn_blocking(move || crate::attack::oracle::left_behind(&marker)).await.unwrap();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p03_p04_names_and_descriptions_are_made_safe() {
    let (_, result, _) = run(config([("names", server("names")), ("large", server("large"))]), &[]).await;
    let offered = offered(&result);
    assert_eq!(offered.iter().filter(|name| *name == "read_file" || *name == "shell").count(), 2, "{offered:?}");
    let of_server: Vec<&String> = offered.iter().filter(|name| name.starts_with("names__")).collect();
    let long = format!("names__{}", "x".repeat(57));
    assert_eq!(of_server, ["names__read_file", "names__r_ad_file", "names__shell", "names__plain__echo", &long]);
    let connected = connected(&result).unwrap();
    let big = connected.tools().find(|tool| tool.tool == "big").unwrap();
    assert!(big.description.len() < 2200, "{}", big.description.len());
    assert!(!big.description.contains(['\u{1b}', '\u{202e}', '\u{e0049}']));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p05_endless_pages_of_tools_come_to_an_end() {
    let (_, result, _) = run(config([("pages", server("pages"))]), &[]).await;
    assert_eq!(connected(&result).unwrap().servers[0].tools.len(), 16);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p06_a_server_can_ask_for_nothing() {
    let calls = [("bad__ask_back", json!({})), ("bad__link", json!({})), ("bad__fail", json!({}))];
    let (_, result, results) = run(config([("bad", server("plain"))]), &calls).await;
    assert_eq!(answer(&results[0]), r#"error | {"action": "decline"} | {"roots": []}"#);
    assert!(answer(&results[1]).contains("a link that was not followed: file:///etc/passwd"), "{}", results[1].1);
    assert!(!results[2].0 && results[2].1.contains("data that strangers wrote") && !results[2].1.contains('\u{202e}'));
    // What it says that the user has said is nothing that was decided.
    let decided = result.trace.iter().filter(|event| event.kind() == "permission").count();
    assert_eq!(decided, calls.len());
}
