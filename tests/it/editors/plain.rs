//! Editors with a language client and nothing of Claw's: what plain LSP promises, seen through other people's clients.

use super::fixture::{Fixture, repository, run};

#[test]
fn emacs_asks_reviews_and_takes_back_by_eglot_alone() {
    let fixture = Fixture::new("rename.jsonl");
    let emacs = std::path::Path::new("/usr/bin/emacs");
    assert!(emacs.exists(), "Emacs is missing: run tests/setup/all");
    let test = repository().join("tests/editors/emacs/eglot.el");
    run(fixture.command(emacs).args(["-Q", "--batch", "-l"]).arg(test));
}
