//! Hunk by hunk: each shown with what stands around it, and what the user says to it.
//!
//! Nothing is written here. The answers are collected first; whoever asked acts on them.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use super::describe;
use super::terminal::{Palette, Style};
use super::visible::{visible, visible_line};
use crate::event::{ChangeKind, HunkFlag, HunkState};
use crate::text::{Text, hidden};
use crate::workspace::{FileProposal, Hunk, HunkId, Proposal, View};

/// Lines shown before and after a hunk.
const AROUND: usize = 3;

const KEYS: &str = "\
y - take this hunk
n - reject this hunk
a - take this hunk and the others in this file
d - reject this hunk and the others in this file
q - stop here: this hunk and what follows stay pending in the session
? - these words
";

/// What the user said. Hunks in neither list stay pending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decisions {
    pub accepted: Vec<HunkId>,
    pub rejected: Vec<HunkId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    RestOfFile,
    NoneOfFile,
    Quit,
}

/// Asks about every pending hunk of `proposal`. An end of input is a `q`. On a protected path, and where
/// it puts in what can not be seen, a hunk needs its own yes.
pub fn ask(
    proposal: &Proposal,
    flags: &HashMap<HunkId, Vec<HunkFlag>>,
    live: &View,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    palette: Palette,
) -> io::Result<Decisions> {
    let total = proposal.hunks().filter(|(_, hunk)| hunk.state == HunkState::Pending).count();
    let mut decisions = Decisions::default();
    let mut number = 0;
    for file in &proposal.files {
        let name = live.roots().display(&file.path);
        let protected = file.is_protected();
        write_file_line(out, palette, live, file, &name, protected)?;
        let text = live.read_live(&file.path).map(|document| document.text).unwrap_or_default();
        let mut rest: Option<bool> = None;
        for hunk in &file.hunks {
            write_hunk(out, palette, &text, file, hunk)?;
            if hunk.state != HunkState::Pending {
                let note = "in conflict with what you typed: left as it is";
                writeln!(out, "{}", palette.paint(Style::Yellow, note))?;
                continue;
            }
            number += 1;
            let flags = flags.get(&hunk.id).map(Vec::as_slice).unwrap_or_default();
            write_flags(out, palette, flags, hunk)?;
            let careful = protected || flags.iter().any(|flag| flag.needs_own_yes());
            let accept = match rest.filter(|accept| !*accept || !careful) {
                Some(accept) => accept,
                None => {
                    let question = format!("({number}/{total}) {}? [y,n,a,d,q,?] ", verb(file.change));
                    match read_answer(&question, input, out, palette)? {
                        Answer::Yes => true,
                        Answer::No => false,
                        Answer::RestOfFile => {
                            rest = (!protected).then_some(true);
                            true
                        }
                        Answer::NoneOfFile => {
                            rest = Some(false);
                            false
                        }
                        Answer::Quit => return Ok(decisions),
                    }
                }
            };
            match accept {
                true => decisions.accepted.push(hunk.id.clone()),
                false => decisions.rejected.push(hunk.id.clone()),
            }
        }
    }
    Ok(decisions)
}

fn write_flags(out: &mut dyn Write, palette: Palette, flags: &[HunkFlag], hunk: &Hunk) -> io::Result<()> {
    for flag in flags {
        let note = match flag {
            HunkFlag::HiddenCharacters => {
                let names: Vec<String> =
                    hidden::added(&hunk.old_text, &hunk.new_text).into_iter().map(hidden::name).collect();
                format!("it puts in characters that can not be seen: {}", names.join(", "))
            }
            HunkFlag::Syntax => "with it the file has a syntax error".to_owned(),
            // The line of the file says so.
            HunkFlag::Protected => continue,
        };
        writeln!(out, "{}", palette.paint(Style::Yellow, note))?;
    }
    Ok(())
}

fn verb(change: ChangeKind) -> &'static str {
    match change {
        ChangeKind::Edit => "Take this hunk",
        ChangeKind::Create => "Create this file",
        ChangeKind::Delete => "Delete this file",
        ChangeKind::Rename => "Take this rename",
    }
}

fn write_file_line(
    out: &mut dyn Write,
    palette: Palette,
    live: &View,
    file: &FileProposal,
    name: &str,
    careful: bool,
) -> io::Result<()> {
    let from = match &file.old_path {
        Some(old) => format!(" (from {})", visible_line(&live.roots().display(old))),
        None => String::new(),
    };
    let line = format!("{} {}{from}", describe::change(file.change), visible_line(name));
    writeln!(out, "{}", palette.paint(Style::Bold, line))?;
    if careful {
        let note = "a protected path: what stands there can run later, so every hunk needs its own yes";
        writeln!(out, "{}", palette.paint(Style::Yellow, note))?;
    }
    Ok(())
}

fn write_hunk(out: &mut dyn Write, palette: Palette, text: &Text, file: &FileProposal, hunk: &Hunk) -> io::Result<()> {
    let place = format!("@@ line {} @@", hunk.start_line);
    writeln!(out, "{}", palette.paint(Style::Cyan, place))?;
    let around = file.change == ChangeKind::Edit;
    if around {
        let first = text.line_of(hunk.live.start);
        for line in first.saturating_sub(AROUND)..first {
            write_lines(out, ' ', None, palette, &text.slice(text.line_range(line)).unwrap_or_default())?;
        }
    }
    write_lines(out, '-', Some(Style::Red), palette, &hunk.old_text)?;
    write_lines(out, '+', Some(Style::Green), palette, &hunk.new_text)?;
    if around && hunk.live.end < text.len() {
        let next = text.line_of(hunk.live.end);
        for line in next..(next + AROUND).min(text.line_count()) {
            write_lines(out, ' ', None, palette, &text.slice(text.line_range(line)).unwrap_or_default())?;
        }
    }
    Ok(())
}

fn write_lines(out: &mut dyn Write, mark: char, style: Option<Style>, palette: Palette, text: &str) -> io::Result<()> {
    for line in visible(text).lines() {
        match style {
            Some(style) => writeln!(out, "{}", palette.paint(style, format_args!("{mark}{line}")))?,
            None => writeln!(out, "{mark}{line}")?,
        }
    }
    Ok(())
}

fn read_answer(question: &str, input: &mut dyn BufRead, out: &mut dyn Write, palette: Palette) -> io::Result<Answer> {
    loop {
        write!(out, "{}", palette.paint(Style::Bold, question))?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            writeln!(out)?;
            return Ok(Answer::Quit);
        }
        match line.trim() {
            "y" | "Y" => return Ok(Answer::Yes),
            "n" | "N" => return Ok(Answer::No),
            "a" => return Ok(Answer::RestOfFile),
            "d" => return Ok(Answer::NoneOfFile),
            "q" => return Ok(Answer::Quit),
            _ => write!(out, "{KEYS}")?,
        }
    }
}
