//! What the binary says about itself and its set-up.

use std::fs;

use claw::config::Config;
use claw::syntax::Language;
use claw::tools::Tools;
use serde_json::json;

use super::place::{CANARY, Place, calls, says};

#[test]
fn every_command_helps_with_an_example() {
    let place = Place::new(&[]);
    let top = place.output(&["--help"]).exits(0).stdout;
    for command in [
        "lsp",
        "run",
        "demo",
        "sessions",
        "trace",
        "replay",
        "manifest",
        "inspect",
        "doctor",
        "trust",
        "untrust",
        "completions",
    ] {
        assert!(top.contains(&format!("  {command} ")), "{command}: {top}");
        let help = place.output(&[command, "--help"]).exits(0).stdout;
        assert!(help.contains("Example"), "{command}: {help}");
    }
    assert!(place.output(&["--version"]).exits(0).stdout.starts_with("claw "));
}

#[test]
fn the_manifest_tells_what_the_code_holds() {
    let manifest = Place::new(&[]).output(&["manifest"]).exits(0).json();
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    let names = |field: &str| -> Vec<String> {
        let list = manifest[field].as_array().unwrap_or_else(|| panic!("{field}: {manifest}"));
        list.iter()
            .filter_map(|one| one["name"].as_str().or(one["key"].as_str()).or(one["type"].as_str()))
            .map(str::to_owned)
            .collect()
    };
    let tools: Vec<String> = Tools::default().iter().map(|tool| tool.name().to_owned()).collect();
    assert!(tools.contains(&"read_file".to_owned()));
    assert_eq!(names("tools"), tools);
    for tool in manifest["tools"].as_array().unwrap() {
        assert_eq!(tool["parameters"]["type"], "object", "{tool}");
    }
    assert_eq!(names("events").len(), 19);
    assert!(names("events").contains(&"tool_call".to_owned()));
    assert!(names("commands").contains(&"run".to_owned()));
    assert!(names("commands").contains(&"claw.ask".to_owned()));
    assert!(manifest["code_actions"].as_array().is_some_and(|actions| !actions.is_empty()));
    assert!(names("config").contains(&"limits.max_steps".to_owned()));
    assert!(names("providers").contains(&"script".to_owned()));
    assert!(manifest["prompts"].as_array().unwrap().iter().all(|prompt| prompt["hash"].as_str().unwrap().len() == 64));
    assert!(!names("prompts").is_empty());
    assert_eq!(manifest["grammars"].as_array().unwrap().len(), Language::ALL.len());
}

#[test]
fn doctor_with_nothing_configured_says_how_to_mend_it() {
    let place = Place::new(&[]);
    let ran = place.output(&["doctor"]).exits(1);
    assert!(ran.stdout.contains("ollama") && ran.stdout.contains("OPENAI_API_KEY"), "{}", ran.stdout);
    let report = place.output(&["doctor", "--json"]).exits(1).json();
    assert_eq!(report["ok"], false);
    let status = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))["status"]
            .clone()
    };
    assert_eq!(status("config"), "ok");
    assert_eq!(status("state"), "ok");
    assert_eq!(status("grammars"), "ok");
    assert_eq!(status("provider"), "failed");
    assert_eq!(status("sandbox"), "ok");
}

#[test]
fn doctor_is_content_with_a_script() {
    let place = Place::new(&[]);
    let script = place.script(&[says("Hello.")]);
    let ran = place.output(&["doctor", "--script", script.to_str().unwrap()]).exits(0);
    assert!(ran.stdout.contains("✓ provider"), "{}", ran.stdout);
    place.output(&["doctor", "--script", "/none/such.jsonl"]).exits(1);
}

#[test]
fn doctor_names_an_address_where_nobody_listens() {
    let place = Place::new(&[]);
    let ran = place.output(&["doctor", "--base-url", "http://127.0.0.1:1/v1", "--model", "m"]).exits(1);
    assert!(ran.stdout.contains("http://127.0.0.1:1/v1"), "{}", ran.stdout);
}

#[test]
fn x04_doctor_and_inspect_show_no_key() {
    let place = Place::new(&[]);
    for arguments in
        [&["doctor", "--json"][..], &["doctor"], &["inspect", "config"], &["inspect", "providers", "--json"]]
    {
        let output = place.claw(arguments).env("CLAW_API_KEY", CANARY).env("CLAW_LOG", "trace").output().unwrap();
        let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!shown.contains(CANARY), "{arguments:?}: {shown}");
    }
}

#[test]
fn r04_a_state_folder_that_can_not_be_used_is_told() {
    let place = Place::new(&[("file", "")]);
    let output =
        place.claw(&["doctor", "--json"]).env("CLAW_STATE_DIR", place.project().join("file")).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let state = report["checks"].as_array().unwrap().iter().find(|check| check["name"] == "state").unwrap().clone();
    assert_eq!(state["status"], "failed");
    assert!(state["mend"].as_str().unwrap().contains("CLAW_STATE_DIR"), "{state}");
}

#[test]
fn inspect_shows_every_subsystem() {
    let place = Place::new(&[]);
    for subsystem in ["tools", "prompts", "providers", "config", "grammars", "sandbox"] {
        assert!(!place.output(&["inspect", subsystem]).exits(0).stdout.trim().is_empty(), "{subsystem}");
        place.output(&["inspect", subsystem, "--json"]).exits(0).json();
    }
    place.output(&["inspect", "nothing"]).exits(2);
    let config = place.output(&["inspect", "config", "--json"]).exits(0).json();
    assert_eq!(
        config["values"].as_array().unwrap().len(),
        config_keys(&serde_json::to_value(Config::default()).unwrap())
    );
}

fn config_keys(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Object(table) if !table.is_empty() => table.values().map(config_keys).sum(),
        _ => 1,
    }
}

#[test]
fn inspect_config_says_where_each_value_comes_from() {
    let place = Place::new(&[]);
    std::fs::create_dir_all(place.user_config().parent().unwrap()).unwrap();
    std::fs::write(place.user_config(), "model = \"from-the-file\"\n[limits]\nmax_steps = 7\n").unwrap();
    let output =
        place.claw(&["inspect", "config", "--json"]).env("CLAW_MODEL", "from-the-environment").output().unwrap();
    let config: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = |key: &str| config["values"].as_array().unwrap().iter().find(|row| row["key"] == key).unwrap().clone();
    assert_eq!(row("model")["value"], "from-the-environment");
    assert!(row("model")["source"].as_str().unwrap().contains("CLAW_MODEL"), "{}", row("model"));
    assert_eq!(row("limits.max_steps")["value"], 7);
    assert!(row("limits.max_steps")["source"].as_str().unwrap().contains("config.toml"));
    assert_eq!(row("limits.turn_timeout_s")["source"], "default");
}

#[test]
fn a_wrong_key_is_told_with_file_line_and_what_was_meant() {
    let place = Place::new(&[]);
    std::fs::create_dir_all(place.user_config().parent().unwrap()).unwrap();
    std::fs::write(place.user_config(), "# mine\nmodle = \"m\"\n").unwrap();
    let ran = place.output(&["doctor"]).exits(1);
    assert!(ran.stdout.contains("config.toml:2") && ran.stdout.contains("the nearest key is model"), "{}", ran.stdout);
    let script = place.script(&[says("Hello.")]);
    let ran = place.output(&["run", "--script", script.to_str().unwrap(), "Go"]).exits(2);
    assert!(ran.stderr.contains("config.toml:2"), "{}", ran.stderr);
}

#[test]
fn c01_a_project_s_own_configuration_counts_only_when_it_is_trusted() {
    let place = Place::new(&[(".claw/config.toml", "model = \"theirs\"\nbase_url = \"http://evil.example/v1\"\n")]);
    let model = |place: &Place| {
        let config = place.output(&["inspect", "config", "--json"]).exits(0).json();
        let row = config["values"].as_array().unwrap().iter().find(|row| row["key"] == "model").unwrap().clone();
        (row["value"].clone(), config["ignored"].to_string())
    };
    let (value, said) = model(&place);
    assert_eq!(value, serde_json::Value::Null);
    assert!(said.contains("trust"), "{said}");
    place.output(&["trust"]).exits(0);
    assert_eq!(model(&place).0, "theirs");
    place.output(&["untrust"]).exits(0);
    assert_eq!(model(&place).0, serde_json::Value::Null);
}

#[test]
fn completions_for_each_shell() {
    let place = Place::new(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.output(&["completions", shell]).exits(0).stdout.contains("sessions"), "{shell}");
    }
    place.output(&["completions", "csh"]).exits(2);
}

#[test]
fn excluded_files_are_in_no_map_context_or_answer() {
    let place = Place::new(&[("shown.py", "def shown(): pass\n"), ("keys/hidden.py", "def SECRET(): pass\n")]);
    let config = place.user_config();
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(config, "[context]\nexclude = [\"keys/\"]\n").unwrap();
    let turns =
        [calls(&[("read_file", json!({"path": "keys/hidden.py"})), ("list_files", json!({}))]), says("I can not.")];
    let ran = [
        place.output(&["map"]),
        place.output(&["context", "--at", "keys/hidden.py:1", "Explain"]),
        place.run(&turns, &["--output", "stream-json", "Look"]),
    ];
    for ran in ran.map(|ran| ran.exits(0)) {
        assert!(!ran.stdout.contains("SECRET") && ran.stdout.contains("shown"), "{}", ran.stdout);
    }
}

#[test]
fn what_a_model_would_be_sent_is_counted_exactly_where_its_vocabulary_is_known() {
    let place = Place::new(&[("shown.py", "def shown(): pass\n")]);
    let config = place.user_config();
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let counted = |model: &str| {
        fs::write(&config, format!("model = \"{model}\"\n")).unwrap();
        let table = place.output(&["context", "Explain"]).exits(0).stdout;
        (place.output(&["context", "--json", "Explain"]).exits(0).json()["counted"].clone(), table)
    };
    let (event, table) = counted("gpt-5.4");
    assert!(event["tokens"].as_u64().unwrap() > 10 && event["tokenizer"] == "o200k_base", "{event}");
    assert!(table.contains("tokens by o200k_base"), "{table}");
    let (event, table) = counted("some-model");
    assert!(event.is_null() && !table.contains("counted"), "{table}");
}
