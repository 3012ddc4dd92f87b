//! The real binary against a mock server.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::mock_model::{Answer, MockModel};

/// `claw run` of a greeting, with a home and a workspace of its own, and these variables.
fn run(folder: &Path, variables: &[(&str, &str)]) -> Output {
    let workspace = folder.join("work");
    std::fs::create_dir_all(&workspace).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_claw"));
    command.args(["run", "Say hello."]).current_dir(&workspace).env_clear().env("HOME", folder.join("home"));
    command.env("CLAW_STATE_DIR", folder.join("state")).envs(variables.iter().copied());
    command.stdin(std::process::Stdio::null()).output().unwrap()
}

/// The bytes of every file below `folder`.
fn everything(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { everything(&path) } else { std::fs::read(path).unwrap() }).collect()
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    let server = MockModel::start([Answer::text("Hello from the mock.")]);
    let folder = tempfile::tempdir().unwrap();
    // Port 9 discards: what went there would be lost.
    let proxy = "http://127.0.0.1:9";
    let output = run(
        folder.path(),
        &[
            ("HTTP_PROXY", proxy),
            ("http_proxy", proxy),
            ("ALL_PROXY", proxy),
            ("CLAW_PROVIDER", "openai"),
            ("CLAW_MODEL", "mock"),
            ("CLAW_BASE_URL", &server.base_url()),
        ],
    );
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(stdout.contains("Hello from the mock."), "{output:?}");
}

#[test]
fn x01_the_key_reaches_the_provider_and_nothing_else() {
    const CANARY: &str = "sk-canary-4f1c0ffee0ddba11";
    let body = serde_json::json!({"error": {"message": format!("bad key {CANARY}"), "code": "invalid_api_key"}});
    for answer in [Answer::text("Hello."), Answer::json(401, &body)] {
        let server = MockModel::start([answer]);
        let folder = tempfile::tempdir().unwrap();
        let output = run(
            folder.path(),
            &[
                ("OPENAI_API_KEY", CANARY),
                ("CLAW_LOG", "trace"),
                ("CLAW_PROVIDER", "openai"),
                ("CLAW_MODEL", "mock"),
                ("CLAW_BASE_URL", &server.base_url()),
            ],
        );
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{output:?}");
        assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {CANARY}").as_str()));
        let kept = everything(folder.path());
        assert!(!kept.is_empty(), "nothing was kept, so nothing was looked at");
        let seen = [output.stdout, output.stderr, kept].concat();
        assert!(!String::from_utf8_lossy(&seen).contains("canary"), "{}", String::from_utf8_lossy(&seen));
    }
}
