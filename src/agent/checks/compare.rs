//! What a check command printed: whether that is a failure that was not there before.

use std::collections::HashSet;

/// How a check command went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub ok: bool,
    pub code: Option<i32>,
    /// It was stopped at its time limit.
    pub timed_out: bool,
    pub output: String,
}

/// Bytes of the head and of the tail of an output that are told.
const HEAD: usize = 2 * 1024;
const TAIL: usize = 6 * 1024;

/// What a shell answers for a program that it does not find.
const NOT_FOUND: i32 = 127;

/// What a line that tells of a failure has in it.
const FAILURES: [&str; 8] = ["error", "fail", "panicked", "warning", "not ok", "exception", "expected", "undefined"];

/// Whether the program itself is missing, which no edit of the workspace can mend.
pub fn is_missing(command: &str, outcome: &Outcome) -> bool {
    let program = command.split_whitespace().next().unwrap_or_default();
    let no_program = outcome.code == Some(NOT_FOUND)
        && !program.contains('/')
        && ["command not found", "not found"].iter().any(|end| outcome.output.contains(&format!("{program}: {end}")));
    no_program || (!outcome.ok && command.contains("pytest") && outcome.output.contains("No module named pytest"))
}

/// Whether neither of the two could run at all, or be waited for.
pub fn can_not_run(now: &Outcome, before: &Outcome) -> Option<&'static str> {
    let both = |is: fn(&Outcome) -> bool| is(now) && is(before);
    if both(|outcome| outcome.code == Some(NOT_FOUND)) {
        return Some("something that it needs is not installed");
    }
    if both(|outcome| outcome.timed_out) {
        return Some("it takes longer than a command may (shell.timeout_s)");
    }
    None
}

/// Whether a failure tells of something that the one before did not. Numbers do not count: lines move, and times differ.
pub fn is_new(now: &Outcome, before: &Outcome) -> bool {
    if before.ok || now.timed_out != before.timed_out {
        return true;
    }
    let (told, known) = (failures(&now.output), failures(&before.output));
    match (told.is_empty(), known.is_empty()) {
        (false, false) => !told.is_subset(&known),
        // Nothing says which lines are meant: all of them are.
        (true, _) | (_, true) => lines(&now.output) != lines(&before.output),
    }
}

/// As much of an output as a model is told: whole lines of its head and of its tail.
pub fn excerpt(output: &str) -> String {
    let output = output.trim_end();
    if output.len() <= HEAD + TAIL {
        return output.to_owned();
    }
    let head_end = (0..=HEAD).rev().find(|at| output.is_char_boundary(*at)).unwrap_or_default();
    let tail_start =
        (output.len() - TAIL..=output.len()).find(|at| output.is_char_boundary(*at)).unwrap_or(output.len());
    let (head, tail) = (output.get(..head_end).unwrap_or_default(), output.get(tail_start..).unwrap_or_default());
    let head = head.rsplit_once('\n').map_or(head, |(whole, _)| whole);
    let tail = tail.split_once('\n').map_or(tail, |(_, whole)| whole);
    let left_out = output.len() - head.len() - tail.len();
    format!("{head}\n[… {left_out} bytes left out …]\n{tail}")
}

fn failures(output: &str) -> HashSet<String> {
    let tells = |line: &String| {
        let line = line.to_lowercase();
        FAILURES.iter().any(|word| line.contains(word)) || line.starts_with("e ")
    };
    lines(output).into_iter().filter(tells).collect()
}

fn lines(output: &str) -> HashSet<String> {
    output.lines().map(without_numbers).filter(|line| !line.is_empty()).collect()
}

/// A line with `#` for each number and address.
fn without_numbers(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let is_digit = |character: char| character.is_ascii_digit();
        let number = match rest.strip_prefix("0x") {
            Some(digits) => {
                "0x".len() + digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_hexdigit()).len()
            }
            None => rest.len() - rest.trim_start_matches(is_digit).len(),
        };
        let taken = if number > 0 { number } else { first.len_utf8() };
        plain.push(if number > 0 { '#' } else { first });
        rest = rest.get(taken..).unwrap_or_default();
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(code: i32, output: &str) -> Outcome {
        Outcome { ok: false, code: Some(code), timed_out: false, output: output.to_owned() }
    }

    #[test]
    fn a_failure_is_new_where_it_tells_of_something_else() {
        for (before, now, expected) in [
            ("FAIL: test_a\nRan 3 tests in 0.003s", "FAIL: test_a\nRan 4 tests in 0.121s", false),
            ("FAIL: test_a", "FAIL: test_a\nFAIL: test_b", true),
            ("FAIL: test_a\nFAIL: test_b", "FAIL: test_b", false),
            (
                "error[E0308]: mismatched types\n --> src/a.rs:3:4",
                "error[E0308]: mismatched types\n --> src/a.rs:9:1",
                false,
            ),
            ("at 0x7f3a10 failed", "at 0x55bb failed", false),
            ("nothing to be seen", "nothing to be seen", false),
            ("nothing to be seen", "another thing", true),
            ("", "FAIL: test_a", true),
        ] {
            assert_eq!(is_new(&failed(1, now), &failed(1, before)), expected, "{before:?} → {now:?}");
        }
        let passed = Outcome { ok: true, code: Some(0), ..Outcome::default() };
        assert!(is_new(&failed(1, "FAIL"), &passed));
        assert!(is_new(&Outcome { timed_out: true, ..Outcome::default() }, &failed(1, "FAIL")));
    }

    #[test]
    fn what_is_not_installed_is_no_failure() {
        for (command, code, output, expected) in [
            ("pytest -x -q", 127, "/bin/bash: line 1: pytest: command not found", true),
            ("pytest -x -q", 127, "/bin/sh: 1: pytest: not found", true),
            ("python3 -m pytest -x -q", 1, "/usr/bin/python3: No module named pytest", true),
            ("python3 -m unittest -q", 1, "No module named pytest", false),
            ("./check.sh", 127, "/bin/bash: line 1: ./check.sh: not found", false),
            ("npm test --silent", 127, "sh: 1: jest: not found", false),
            ("pytest -x -q", 1, "FAILED", false),
        ] {
            assert_eq!(is_missing(command, &failed(code, output)), expected, "{command}: {output}");
        }
        let none = failed(127, "sh: 1: jest: not found");
        assert!(can_not_run(&none, &none).is_some() && can_not_run(&none, &failed(1, "")).is_none());
        let slow = Outcome { timed_out: true, ..Outcome::default() };
        assert!(can_not_run(&slow, &slow).is_some() && can_not_run(&slow, &none).is_none());
    }

    #[test]
    fn a_long_output_is_told_by_its_head_and_its_tail() {
        assert_eq!(excerpt("short\n\n"), "short");
        let long: String = (0..5_000).map(|number| format!("é line {number}\n")).collect();
        let told = excerpt(&long);
        assert!(told.starts_with("é line 0\n") && told.ends_with("é line 4999"), "{told}");
        assert!(told.contains("bytes left out") && told.len() < HEAD + TAIL + 100);
        assert!(told.lines().all(|line| line.starts_with("é line ") || line.starts_with('[')), "{told}");
    }
}
