//! The Python package: its own tests, on the binary of this build, and its words for events, which are the library's.

use std::path::Path;
use std::process::Command;

use claw::event::Event;
use serde::Deserialize;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/python"))
}

/// A machine without Python 3 fails here: nothing is skipped.
#[test]
fn the_package_drives_the_binary() {
    let ran = Command::new("python3")
        .args(["-W", "error::ResourceWarning", "-m", "unittest", "discover", "-s"])
        .arg(folder().join("tests"))
        .env("CLAW_PROGRAM", env!("CARGO_BIN_EXE_claw"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 is installed");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}\n{said}", String::from_utf8_lossy(&ran.stdout));
    assert!(!said.contains("Ran 0 tests") && !said.contains("skipped"), "{said}");
}

#[test]
fn an_event_is_described_in_the_same_words() {
    #[derive(Deserialize)]
    struct Told {
        description: String,
        event: Event,
    }
    let lines = std::fs::read_to_string(folder().join("tests/descriptions.jsonl")).unwrap();
    assert!(lines.lines().count() > 50);
    for line in lines.lines() {
        let told: Told = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(told.event.description(), told.description, "{line}");
    }
}
