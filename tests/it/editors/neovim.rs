//! Neovim 0.11, headless: each test is a Lua file of `tests/editors/nvim/`.

use super::fixture::{Fixture, repository, run, tool};

fn check(test: &str, turns: &str) -> Fixture {
    let fixture = Fixture::new(turns);
    let test = repository().join("tests/editors/nvim").join(test);
    run(fixture.command(tool("nvim/bin/nvim")).args(["--headless", "--clean", "-l"]).arg(test));
    fixture
}

#[test]
fn the_ten_lines_of_the_manual_are_enough() {
    let fixture = check("bare.lua", "rename.jsonl");
    // The package still works, and its new test holds.
    let new_name = "from click.utils import summarize_help as s; assert s('Do it. And more.', 45) == 'Do it.'; \
                    import click.core; print('1 passed, 0 failed')";
    run(fixture
        .command(tool("nvim/bin/python3"))
        .env("PYTHONPATH", fixture.work().join("src"))
        .args(["-B", "-c", new_name]));
}

#[test]
fn the_plugin_draws_hunks_and_reviews_them() {
    check("plugin.lua", "rename.jsonl");
}

#[test]
fn the_plugin_follows_typing_and_decides_finer_than_hunks() {
    check("living.lua", "living.jsonl");
}

#[test]
fn the_plugin_accepts_while_the_turn_runs() {
    check("running.lua", "slow-edits.jsonl");
}

#[test]
fn the_plugin_stops_a_turn() {
    check("cancel.lua", "slow.jsonl");
}

#[test]
fn the_plugin_asks_before_a_command_runs() {
    check("permission.lua", "permission.jsonl");
}

#[test]
fn the_plugin_shows_an_explanation() {
    check("explain.lua", "explain.jsonl");
}

#[test]
fn the_plugin_shows_what_would_be_sent_and_what_was_done() {
    check("views.lua", "explain.jsonl");
}
