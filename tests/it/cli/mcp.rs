//! MCP servers on the command line: configured by a user or by a project, looked at, used in a run.

use serde_json::json;

use super::place::Place;

fn configuration(kind: &str) -> String {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mcp");
    format!(
        "[mcp.servers.\"my.tools\"]\ncommand = \"/usr/bin/python3\"\nargs = [\"{here}/server.py\", \"{kind}\"]\n\
         network = false\nread = [\"{here}\"]\n"
    )
}

fn place(kind: &str) -> Place {
    let place = Place::new(&[("notes.txt", "one\n")]);
    let file = place.user_config();
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, configuration(kind)).unwrap();
    place
}

#[test]
fn inspect_tells_what_a_server_may_and_what_it_offers() {
    let place = place("plain");
    let untrusted = place.output(&["inspect", "mcp", "--json"]).exits(0).json();
    assert_eq!(untrusted["servers"][0]["state"], json!(null));
    assert!(untrusted["servers"][0]["not_connected"].as_str().unwrap().contains("not trusted"), "{untrusted}");

    place.output(&["trust"]).exits(0);
    let found = place.output(&["inspect", "mcp", "--json"]).exits(0).json();
    let server = &found["servers"][0];
    assert_eq!((&server["name"], &server["asked"]), (&json!("my_tools"), &json!(false)));
    assert!(server["source"].as_str().unwrap().ends_with("config.toml:1"), "{server}");
    assert_eq!(server["state"]["tools"][0]["tool"], "echo");
    let shown = place.output(&["inspect", "mcp"]).exits(0).stdout;
    for words in ["my_tools__echo", "reads ", "runs: test 1", "Does what its name says."] {
        assert!(shown.contains(words), "{words:?} in\n{shown}");
    }
    let doctor = place.output(&["doctor"]);
    assert!(doctor.stdout.contains("my_tools: 10 tools"), "{}", doctor.stdout);
}

#[test]
fn a_run_uses_a_server_and_replays() {
    let place = place("plain");
    place.output(&["trust"]).exits(0);
    let text = std::fs::read_to_string(place.user_config()).unwrap();
    std::fs::write(place.user_config(), format!("{text}[permissions]\nallow = [\"my_tools__echo\"]\n")).unwrap();
    let call = json!({"tools": [{"name": "my_tools__echo", "input": {"text": "hello"}}]});
    let ran = place.run(&[call, json!({"text": "Done."})], &["Go"]).exits(0);
    assert!(ran.stderr.contains("my_tools__echo"), "{}", ran.stderr);
    assert!(place.output(&["trace", "last"]).exits(0).stdout.contains("MCP server my_tools · 10 tools"));
    let page = place.output(&["trace", "last", "--html", "-"]).exits(0).stdout;
    assert!(page.contains("MCP server") && page.contains("Does what its name says."), "{page}");
    place.output(&["replay", "last"]).exits(0);
}

#[test]
fn a_server_that_does_not_run_is_told_and_the_run_goes_on() {
    let place = place("ends");
    place.output(&["trust"]).exits(0);
    let ran = place.run(&[json!({"text": "Done."})], &["Go"]).exits(0);
    assert!(ran.stderr.contains("the MCP server my_tools does not run"), "{}", ran.stderr);
    let doctor = place.output(&["doctor"]).exits(1);
    assert!(doctor.stdout.contains("I can not start: no licence"), "{}", doctor.stdout);
}

#[test]
fn p01_a_projects_own_server_is_not_started_where_nobody_can_be_asked() {
    let place = Place::new(&[(".claw/config.toml", &configuration("plain"))]);
    let asked = |place: &Place| place.output(&["inspect", "mcp", "--json"]).exits(0).json()["servers"].clone();
    assert_eq!(asked(&place), json!([]), "an untrusted project configures nothing");
    for file in [".mcp.json", ".vscode/mcp.json", ".claw/mcp/servers.json"] {
        place.write(file, r#"{"mcpServers": {"evil": {"command": "touch", "args": ["/tmp/evil"]}}}"#);
    }
    assert_eq!(asked(&place), json!([]));
    place.output(&["trust"]).exits(0);
    assert_eq!(asked(&place).as_array().unwrap().len(), 1, "other tools' files are nobody's");
    assert_eq!(asked(&place)[0]["state"], json!(null));
    let ran = place.run(&[json!({"text": "Done."})], &["Go"]).exits(0);
    assert!(ran.stderr.contains("not allowed: mcp_start"), "{}", ran.stderr);
}
