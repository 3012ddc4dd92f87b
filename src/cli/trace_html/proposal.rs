//! Proposals as coloured differences, hunk by hunk, with what became of each.

use std::io::{self, Write};

use super::markup::{self, MOST, block, line};
use super::overview::Overview;
use crate::cli::describe;
use crate::event::{HunkFlag, HunkState, ProposalCheck, ProposedFile, ProposedHunk, ReviewDecision};
use crate::text::floor_char_boundary;

/// Lines of a proposal beyond which it is closed until it is asked for.
const LONG: usize = 400;

pub fn write(out: &mut dyn Write, files: &[ProposedFile], checks: &[ProposalCheck], seen: &Overview) -> io::Result<()> {
    let lines = |text: &str| text.bytes().filter(|byte| *byte == b'\n').count();
    let hunks = || files.iter().flat_map(|file| &file.hunks);
    let length: usize = hunks().map(|hunk| lines(&hunk.old_text) + lines(&hunk.new_text)).sum();
    let open = if length <= LONG { " open" } else { "" };
    let words = describe::proposal(files);
    writeln!(
        out,
        "<li class=\"step proposal\"><details{open}><summary><span class=\"tag\">proposal</span> {words}</summary>"
    )?;
    for check in checks {
        let class = if check.ok { "good" } else { "bad" };
        writeln!(out, "<p class=\"{class}\">check {}</p>", line(&check.shown()))?;
    }
    for file in files {
        let name = if file.path.is_empty() { &file.uri } else { &file.path };
        write!(
            out,
            "<section class=\"file\"><p class=\"name\"><span class=\"tag\">{}</span> ",
            describe::change(file.change)
        )?;
        if let Some(old) = &file.old_uri {
            write!(out, "<code>{}</code> to ", line(old))?;
        }
        writeln!(out, "<code>{}</code></p>", line(name))?;
        for hunk in &file.hunks {
            write_hunk(out, hunk, seen)?;
        }
        writeln!(out, "</section>")?;
    }
    writeln!(out, "</details></li>")
}

fn write_hunk(out: &mut dyn Write, hunk: &ProposedHunk, seen: &Overview) -> io::Result<()> {
    let (word, class) = state(hunk.state);
    write!(out, "<p class=\"hunk\"><span class=\"pill {class}\">{word}</span>")?;
    if let Some((decision, verified)) = seen.decided.get(&hunk.hunk) {
        let (word, class) = decided(*decision);
        let unseen = if *verified { "" } else { ", not seen in the text" };
        write!(out, " <span class=\"pill {class}\">then {word}{unseen}</span>")?;
    }
    write!(out, " line {}", hunk.start_line)?;
    if let Some(symbol) = &hunk.symbol {
        write!(out, " · in <code>{}</code>", line(symbol))?;
    }
    for flag in &hunk.flags {
        write!(out, " · <strong class=\"bad\">{}</strong>", flagged(*flag))?;
    }
    write!(out, " <span class=\"meta\">{}", line(&hunk.hunk))?;
    if !hunk.needs.is_empty() {
        write!(out, " · needs {}", line(&hunk.needs.join(", ")))?;
    }
    writeln!(out, "</span></p>")?;
    write_change(out, &hunk.old_text, &hunk.new_text)?;
    if let Some(mine) = &hunk.mine {
        writeln!(out, "<p class=\"note\">What the user had made of it:</p>")?;
        markup::pre(out, mine, MOST)?;
    }
    Ok(())
}

/// Old lines, then new ones, each behind its sign.
pub fn write_change(out: &mut dyn Write, old: &str, new: &str) -> io::Result<()> {
    // The first line break in here is dropped by a parser.
    writeln!(out, "<pre class=\"diff\">")?;
    let sides = [("del", '-', old), ("ins", '+', new)];
    for (element, sign, text) in sides {
        let shown = cut(text);
        if shown.is_empty() {
            continue;
        }
        write!(out, "<{element}>")?;
        for line in shown.split_inclusive('\n') {
            write!(out, "{sign}{}", block(line))?;
        }
        if !shown.ends_with('\n') {
            // As in any unified difference; of a text that was cut it would not be true.
            write!(out, "{}", if shown.len() == text.len() { "\n\\ no line break at the end\n" } else { "\n" })?;
        }
        write!(out, "</{element}>")?;
    }
    writeln!(out, "</pre>")?;
    sides.iter().try_for_each(|(_, _, text)| markup::cut(out, cut(text), text))
}

fn cut(text: &str) -> &str {
    text.get(..floor_char_boundary(text, MOST)).unwrap_or_default()
}

fn state(state: HunkState) -> (&'static str, &'static str) {
    match state {
        HunkState::Pending => ("pending", "plain"),
        HunkState::Accepted => ("accepted", "good"),
        HunkState::Rejected => ("rejected", "bad"),
        HunkState::Conflict => ("in conflict", "odd"),
        HunkState::Unverified => ("not seen in the text", "odd"),
    }
}

/// The word for a decision, and the class that colours it.
pub fn decided(decision: ReviewDecision) -> (&'static str, &'static str) {
    match decision {
        ReviewDecision::Accepted => ("accepted", "good"),
        ReviewDecision::Rejected => ("rejected", "bad"),
        ReviewDecision::Edited => ("edited", "odd"),
        ReviewDecision::Conflict => ("in conflict", "odd"),
        ReviewDecision::Undone => ("undone", "odd"),
    }
}

fn flagged(flag: HunkFlag) -> &'static str {
    match flag {
        HunkFlag::HiddenCharacters => "hidden characters",
        HunkFlag::Syntax => "a new syntax error",
        HunkFlag::Protected => "a protected path",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: &str) {
        let mut out = Vec::new();
        write_change(&mut out, old, new).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("<pre class=\"diff\">\n{expected}</pre>\n"));
    }

    #[test]
    fn lines_behind_their_signs() {
        check("a\n<b>\n", "c\n", "<del>-a\n-&lt;b&gt;\n</del><ins>+c\n</ins>");
        check("", "c", "<ins>+c\n\\ no line break at the end\n</ins>");
        check("a\r\n", "", "<del>-a&#13;\n</del>");
    }
}
