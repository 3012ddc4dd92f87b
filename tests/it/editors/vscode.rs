//! VS Code: the packaged extension in a real workbench. The tests inside are JavaScript of `tests/editors/vscode/`.

use std::process::Command;

use super::fixture::{Fixture, repository, run, tool};

/// Builds the extension's package and runs `script` with it, on a suite where it takes one; the model plays `turns`.
fn check(script: &str, suite: Option<&str>, turns: &str) {
    let extension = repository().join("editors/vscode");
    assert!(
        extension.join("node_modules/.bin/tsc").exists(),
        "the extension's packages are missing: run tests/setup/all"
    );
    assert!(std::path::Path::new("/usr/bin/chromium").exists(), "Chromium is missing: run tests/setup/all");
    let fixture = Fixture::new(turns);
    // The model is named by the editor's settings, so that these are tested too.
    std::fs::remove_file(fixture.path("config.toml")).unwrap();
    let package = fixture.path("claw.vsix");
    let built =
        Command::new("npm").current_dir(&extension).args(["run", "package", "--"]).arg(&package).output().unwrap();
    assert!(
        built.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&built.stdout),
        String::from_utf8_lossy(&built.stderr)
    );

    let node = tool("vscode/node");
    run(fixture
        .command(&node)
        .env_remove("CLAW_CONFIG")
        .env("CLAW_TEST_TOOLS", tool(""))
        .env("CLAW_TEST_RUN", fixture.path("editor"))
        .env("CLAW_TEST_PROGRAM", env!("CARGO_BIN_EXE_claw"))
        .env("CLAW_TEST_VSIX", package)
        .envs(std::env::var_os("CLAW_TEST_PICTURE").map(|picture| ("CLAW_TEST_PICTURE", picture)))
        .arg(repository().join("tests/editors/vscode").join(script))
        .args(suite));
}

#[test]
fn the_extension_asks_shows_hunks_and_accepts_them() {
    check("extension-host.mjs", Some("index.js"), "rename.jsonl");
}

#[test]
fn a_user_asks_in_the_palette_and_accepts_by_a_lens() {
    check("journey.mjs", None, "rename.jsonl");
}

#[test]
fn the_extension_follows_typing_and_decides_finer_than_hunks() {
    check("extension-host.mjs", Some("living.js"), "living.jsonl");
}

#[test]
fn a_user_accepts_while_the_turn_runs_and_stops_it_by_the_button_of_its_progress() {
    check("stop.mjs", None, "slow-edits.jsonl");
}

#[test]
fn a_user_looks_through_a_preview_and_takes_a_hunk_back() {
    check("preview.mjs", None, "flags.jsonl");
}

#[test]
fn a_user_allows_a_command_and_answers_a_question_by_buttons() {
    check("permission.mjs", None, "permission.jsonl");
}
