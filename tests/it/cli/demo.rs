//! `claw demo`: what it shows, what it leaves, and what it leaves alone.

use std::fs;
use std::process::Command;

use super::place::{Place, Ran};

#[test]
fn the_demo_shows_its_work_and_says_that_the_model_is_a_recording() {
    let place = Place::new(&[]);
    let before = (place.tree(), place.canaries());
    let folder = place.home().parent().unwrap().join("demo");
    let ran = place.output(&["demo", "--dir", folder.to_str().unwrap()]).exits(0);
    for words in [
        "The model is a recording",
        "The tests, before\n$ python3 -m unittest -q\nFAIL: test_accents",
        "FAILED (failures=2)\nthey fail: exit code 1",
        "The tests, with the proposal\n$ python3 -m unittest -q\nRan 5 tests",
        "OK\nthey pass",
        "The tests ran confined",
        "update_plan",
        "✓ edit_file inkwell/slug.py",
        "+import unicodedata",
        "proposal",
        "claw replay ",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {}", ran.stdout);
    }
    assert!(!ran.stdout.contains('✗'), "a recorded call fails: {}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}'), "colour without a terminal");
    assert_eq!((place.tree(), place.canaries()), before, "nothing outside the demo's folder is touched");
    let trace = place.trace(&place.session());
    assert!(ran.stdout.contains(place.session().as_str()));
    assert!(trace.contains("\"type\":\"proposal\""), "{trace}");
    place.output(&["replay", "last"]).exits(0);
    place.output(&["demo", "--dir", folder.to_str().unwrap()]).exits(2);
}

/// Where nothing confines commands the demo says so and goes on.
#[test]
fn s01_without_a_sandbox_the_demo_runs_no_test_and_goes_on() {
    let place = Place::new(&[]);
    let folder = place.home().parent().unwrap().join("demo");
    // What puts up the sandbox is a program called `claw`: here there is none.
    let program = place.home().join("klaw");
    if fs::hard_link(env!("CARGO_BIN_EXE_claw"), &program).is_err() {
        fs::copy(env!("CARGO_BIN_EXE_claw"), &program).unwrap();
    }
    let mut demo = Command::new(program);
    demo.args(["demo", "--dir", folder.to_str().unwrap()]).env_clear().env("PATH", "/usr/bin:/bin");
    demo.env("HOME", place.home()).env("CLAW_STATE_DIR", place.state());
    let ran = Ran::of(demo.output().unwrap()).exits(0);
    assert_eq!(ran.stdout.matches("They are not run: nothing confines commands here").count(), 2, "{}", ran.stdout);
    assert!(ran.stdout.contains("+import unicodedata") && !ran.stdout.contains("they pass"), "{}", ran.stdout);
}

/// The claim of the recorded answer: the tests fail before the proposal, and pass with it.
#[test]
fn the_proposal_makes_the_sample_s_tests_pass() {
    let place = Place::new(&[]);
    let folder = place.home().parent().unwrap().join("demo");
    place.output(&["demo", "--dir", folder.to_str().unwrap()]).exits(0);
    let project = folder.join("inkwell");
    let tests = || {
        let mut python = Command::new("python3");
        python.args(["-B", "-m", "unittest", "discover", "-q"]).current_dir(&project);
        python.output().unwrap().status.success()
    };
    assert!(!tests(), "the sample has failing tests");
    let patched = Command::new("git").args(["apply", "../proposal.diff"]).current_dir(&project).output().unwrap();
    assert!(patched.status.success(), "{}", String::from_utf8_lossy(&patched.stderr));
    assert!(tests(), "and the proposal makes them pass");
}
