//! `claw demo`: what it shows, what it leaves, and what it leaves alone.

use std::process::Command;

use super::place::Place;

#[test]
fn the_demo_shows_its_work_and_says_that_the_model_is_a_recording() {
    let place = Place::new(&[]);
    let before = (place.tree(), place.canaries());
    let folder = place.home().parent().unwrap().join("demo");
    let ran = place.output(&["demo", "--dir", folder.to_str().unwrap()]).exits(0);
    for words in [
        "The model is a recording",
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
