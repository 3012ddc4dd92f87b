//! Edits as models really give them, on files as they really are: line breaks of any kind, tabs, white space that nobody sees, quotes
//! of a word processor, blocks that stand there twice, code that has moved since it was read.
//!
//! Each case is made from real source of this repository. The oracle knows where it took the text from and makes the same edit itself,
//! line by line; of how a place is looked for it knows nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::Random;
use super::tools::Bench;

/// Cases in which the text stands in one place only.
const CASES: usize = 1_500;

/// A line of a document.
#[derive(Clone, Debug)]
struct Line {
    content: String,
    ending: &'static str,
}

#[derive(Clone, Debug)]
struct Case {
    kind: String,
    document: Vec<Line>,
    /// The lines that the edit is about.
    from: usize,
    to: usize,
    old: String,
    new: String,
    /// What has to stand there then: the old line that it is, or a new text.
    wanted: Vec<Result<usize, String>>,
}

impl Case {
    fn text(&self) -> String {
        join(&self.document)
    }

    fn shown(&self) -> String {
        let lines = &self.document[self.from.saturating_sub(1)..self.to];
        let Case { kind, from, old, new, wanted, .. } = self;
        format!("{kind} at {from}\n there: {:?}\n old: {old:?}\n new: {new:?}\n wanted: {wanted:?}\n", join(lines))
    }

    /// Whether `text` is what the edit had to make: kept lines to the byte, new ones with any line break, look-alikes and white space at their ends aside.
    fn is_made(&self, text: &str) -> bool {
        let before = join(&self.document[..self.from]);
        let after = join(&self.document[self.to..]);
        let Some(middle) = text.strip_prefix(&before).and_then(|rest| rest.strip_suffix(&after)) else { return false };
        let mut rest = middle;
        for (index, wanted) in self.wanted.iter().enumerate() {
            let is_last = index + 1 == self.wanted.len();
            let at = rest.find(['\r', '\n']).unwrap_or(rest.len());
            let (content, next) = rest.split_at(at);
            let (is_right, ending) = match wanted {
                Ok(line) => (content == self.document[*line].content, Some(self.document[*line].ending)),
                // What nobody sees in a line that became another is not what this is about.
                Err(wanted) => (ascii(content.trim_end()) == ascii(wanted.trim_end()), None),
            };
            if !is_right {
                return false;
            }
            // The last line of a place may come to be another, and has the break that the place had. Where breaks are mixed, two
            // lines that say the same may have changed theirs, and two breaks that would be one are kept apart.
            let endings = match ending {
                Some(ending) if !is_last && !self.kind.contains("mixed") => vec![ending],
                _ => vec!["\r\n", "\n", "\r", ""],
            };
            let Some(next) = endings.iter().find_map(|ending| next.strip_prefix(ending)) else { return false };
            rest = next;
        }
        rest.is_empty()
    }
}

fn join(lines: &[Line]) -> String {
    lines.iter().map(|line| format!("{}{}", line.content, line.ending)).collect()
}

/// Windows of the repository's own files, in an order that does not change.
fn sources() -> Vec<Vec<String>> {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> =
        ["src", "tests/it", "editors", "demo", "docs", "benches"].map(|name| root.join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_source = ["rs", "md", "lua", "ts", "mjs", "py"].iter().any(|end| name.ends_with(&format!(".{end}")));
            // What looks like a secret is masked, which is tested elsewhere.
            let is_about_secrets = path.to_string_lossy().contains("secret") || name == "redact.rs";
            if path.is_dir() && !["node_modules", "dist", "out"].contains(&name.as_str()) {
                folders.push(path);
            } else if is_source && !is_about_secrets && path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut windows = Vec::new();
    for file in files {
        let lines: Vec<String> = std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect();
        windows.extend(
            lines
                .chunks(90)
                .filter(|window| {
                    window.len() > 20 && !["canary", "ghp_", "sk-"].iter().any(|word| window.concat().contains(word))
                })
                .map(<[String]>::to_vec),
        );
    }
    windows
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t', '\u{a0}']).len()]
}

/// The text without anything that any reader could overlook.
fn loose(text: &str) -> String {
    ascii(text).chars().filter(|character| !character.is_whitespace()).collect()
}

fn ascii(text: &str) -> String {
    let mut plain = String::new();
    for character in text.chars() {
        match character {
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            '–' | '—' => plain.push('-'),
            '\u{a0}' => plain.push(' '),
            '…' => plain.push_str("..."),
            other => plain.push(other),
        }
    }
    plain
}

fn count(text: &str, wanted: &str) -> usize {
    (0..text.len()).filter(|at| text.is_char_boundary(*at) && text[*at..].starts_with(wanted)).count()
}

/// A document of `source` that has what files have.
fn document(random: &mut Random, source: &[String]) -> (Vec<Line>, String) {
    let mut kind = Vec::new();
    let mut lines = source.to_vec();
    if random.below(4) == 0 && lines.iter().all(|line| !line.starts_with('\t')) {
        kind.push("tabs");
        for line in &mut lines {
            let depth = indent(line).len();
            *line = format!("{}{}{}", "\t".repeat(depth / 4), " ".repeat(depth % 4), line.trim_start());
        }
    }
    if random.below(3) == 0 {
        kind.push("trailing space");
        for line in &mut lines {
            if random.below(3) == 0 {
                line.push_str(["  ", " ", "\t", "   \t"][random.below(4)]);
            }
        }
    }
    if random.below(4) == 0 {
        kind.push("look-alikes");
        for line in &mut lines {
            let depth = indent(line).len();
            let mut open = false;
            let dressed = line[depth..].replace("...", "…").replace(" - ", " – ").replace('\'', "’");
            let dressed: String = dressed
                .chars()
                .map(|character| match character {
                    '"' => {
                        open = !open;
                        if open { '“' } else { '”' }
                    }
                    other => other,
                })
                .collect();
            let dressed = if random.below(6) == 0 { dressed.replacen(' ', "\u{a0}", 1) } else { dressed };
            *line = format!("{}{dressed}", &line[..depth].to_owned());
        }
    }
    if random.below(3) == 0 {
        kind.push("repeated blocks");
        let (at, length) = (random.below(lines.len() - 12), 2 + random.below(8));
        let deeper = if random.below(2) == 0 { "" } else { "    " };
        let block: Vec<String> = lines[at..at + length].iter().map(|line| format!("{deeper}{line}")).collect();
        let to = random.below(lines.len());
        lines.splice(to..to, block);
    }
    let endings: &[&'static str] = match random.below(6) {
        0 | 1 => &["\n"],
        2 | 3 => &["\r\n"],
        4 => &["\n", "\r\n"],
        _ => &["\r\n", "\n", "\r"],
    };
    kind.push(match endings {
        ["\n"] => "LF",
        ["\r\n"] => "CRLF",
        _ => "mixed",
    });
    let mut lines: Vec<Line> =
        lines.into_iter().map(|content| Line { content, ending: endings[random.below(endings.len())] }).collect();
    if random.below(4) == 0 {
        kind.push("no last break");
        lines.last_mut().unwrap().ending = "";
    }
    // A lone `\r` before an empty line with `\n` would be one break.
    for at in 1..lines.len() {
        if lines[at - 1].ending == "\r" && lines[at].content.is_empty() {
            lines[at].ending = "\r";
        }
    }
    (lines, kind.join(", "))
}

/// How the writer sees lines.
#[derive(Clone, Debug)]
enum Indentation {
    AsItIs,
    Less(usize),
    More(&'static str),
    /// Each of these is written as that.
    Instead(&'static str, &'static str),
}

#[derive(Clone, Debug)]
struct Sight {
    indentation: Indentation,
    trims: bool,
    adds: bool,
    ascii: bool,
}

impl Sight {
    fn indent(&self, indent: &str) -> String {
        match self.indentation {
            Indentation::AsItIs => indent.to_owned(),
            Indentation::Less(less) => indent[less..].to_owned(),
            Indentation::More(more) => format!("{more}{indent}"),
            Indentation::Instead(this, that) => {
                let steps = indent.len() / this.len();
                assert_eq!(indent, this.repeat(steps));
                that.repeat(steps)
            }
        }
    }

    fn line(&self, line: &str, index: usize) -> String {
        if line.trim().is_empty() {
            return if self.trims { String::new() } else { line.to_owned() };
        }
        let depth = indent(line);
        let body = &line[depth.len()..];
        let body = if self.trims { body.trim_end() } else { body };
        let body = if self.ascii { ascii(body) } else { body.to_owned() };
        let end = if self.adds && index.is_multiple_of(2) { "  " } else { "" };
        format!("{}{body}{end}", self.indent(depth))
    }
}

fn sight(random: &mut Random, lines: &[Line]) -> Sight {
    let indents: Vec<&str> =
        lines.iter().map(|line| line.content.as_str()).filter(|line| !line.trim().is_empty()).map(indent).collect();
    let least = indents.iter().map(|indent| indent.len()).min().unwrap_or_default();
    let all = |of: &str| indents.iter().all(|indent| *indent == of.repeat(indent.len() / of.len()));
    let is_of_one_kind =
        ["\t", " "].iter().any(|kind| indents.iter().all(|indent| indent.replace(kind, "").is_empty()));
    let has_tabs = indents.iter().any(|indent| indent.contains('\t'));
    let mut ways = vec![Indentation::AsItIs, Indentation::AsItIs, Indentation::Less(0)];
    // One line without its indentation is a piece of that line, and is replaced as one.
    if least > 0 && indents.len() > 1 && is_of_one_kind {
        ways.extend([Indentation::Less(least), Indentation::Less(1 + random.below(least))]);
    }
    ways.push(Indentation::More(if has_tabs { "\t" } else { ["  ", "    ", "        "][random.below(3)] }));
    if all("\t") && least > 0 {
        ways.extend([Indentation::Instead("\t", "    "), Indentation::Instead("\t", "  ")]);
    }
    if all("    ") && least > 0 {
        ways.extend([Indentation::Instead("    ", "\t"), Indentation::Instead("    ", "  ")]);
    }
    Sight {
        indentation: ways[random.below(ways.len())].clone(),
        trims: random.below(2) == 0,
        adds: random.below(6) == 0,
        ascii: random.below(2) == 0,
    }
}

fn case(random: &mut Random, sources: &[Vec<String>]) -> Case {
    let source = &sources[random.below(sources.len())];
    let (document, mut kind) = document(random, source);
    let length = 1 + random.below(10).min(document.len() - 2);
    let from = random.below(document.len() - length);
    let to = from + length;
    let lines = &document[from..to];
    let sight = sight(random, lines);
    if !matches!(sight.indentation, Indentation::AsItIs | Indentation::Less(0)) {
        kind.push_str(", other indentation");
    }
    let mut wanted: Vec<Result<usize, String>> = (from..to).map(Ok).collect();
    let seen: Vec<String> = lines.iter().enumerate().map(|(index, line)| sight.line(&line.content, index)).collect();
    let mut written: Vec<String> = seen.clone();
    for number in 0..1 + random.below(3) {
        let at = random.below(written.len());
        let Ok(line) = wanted[at].clone() else { continue };
        let content = &document[line].content;
        let fresh = format!("fresh_{number}_{}", random.below(1_000));
        match random.below(4) {
            // A word becomes another.
            0 | 1 => {
                let words: Vec<&str> = content
                    .split(|character: char| !character.is_ascii_alphanumeric())
                    .filter(|word| word.len() > 3 && content.matches(word).count() == 1)
                    .collect();
                let Some(word) = words.get(random.below(words.len().max(1))) else { continue };
                wanted[at] = Err(content.replace(word, &fresh));
                written[at] = written[at].replace(word, &fresh);
            }
            2 if written.len() > 1 => {
                drop(wanted.remove(at));
                written.remove(at);
            }
            _ if !content.trim().is_empty() => {
                let depth = indent(content);
                wanted.insert(at, Err(format!("{depth}{fresh}(\"x\");")));
                written.insert(at, format!("{}{fresh}(\"x\");", sight.indent(depth)));
            }
            _ => {}
        }
    }
    // White space behind the last line that goes is not part of what the writer gave.
    let last = &document[to - 1].content;
    let ends_clean = wanted.last() == Some(&Ok(to - 1)) || !last.ends_with([' ', '\t']);
    let is_open = random.below(2) == 0 && ends_clean && seen.last().is_some_and(|line| !line.trim().is_empty());
    let line_break = if random.below(8) == 0 { "\r\n" } else { "\n" };
    let end = if is_open { "" } else { line_break };
    let text = |lines: &[String]| format!("{}{end}", lines.join(line_break));
    let (old, new) = (text(&seen), text(&written));
    Case { kind, from, to, old, new, wanted, document }
}

/// Whether the text that was given stands to the byte where it was not taken from.
fn stands_elsewhere(case: &Case) -> bool {
    let normal = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
    let (text, old) = (normal(&case.text()), normal(&case.old));
    let here = normal(&join(&case.document[..case.from])).len();
    (0..text.len()).any(|at| at != here && text.is_char_boundary(at) && text[at..].starts_with(&old))
}

#[derive(Default)]
struct Tally {
    unique: usize,
    applied: usize,
    repeated: usize,
    wrong: usize,
}

#[test]
fn e06_edits_that_apply_go_to_their_place_and_no_other() {
    let sources = sources();
    let mut bench = Bench::new("");
    let mut random = Random::new(5);
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let (mut unique, mut number) = (0, 0);
    let mut failed = Vec::new();
    while unique < CASES {
        let case = case(&mut random, &sources);
        // The oracle can not tell these: nothing to change, nothing to go by, or another place's very text.
        if case.old == case.new || !case.old.contains(char::is_alphanumeric) || stands_elsewhere(&case) {
            continue;
        }
        number += 1;
        if number % 200 == 0 {
            bench = Bench::new("");
        }
        let name = format!("case_{number}.txt");
        let before = case.text();
        if number % 2 == 0 {
            bench.fixture.open(&name, &before)
        } else {
            bench.fixture.write(&name, &before)
        }
        let is_unique = count(&loose(&before), &loose(&case.old)) == 1;
        let answer = bench.call("edit_file", json!({"path": name, "old_string": case.old, "new_string": case.new}));
        let after = bench.text(&name).unwrap();
        let is_made = case.is_made(&after) && answer.starts_with("edited");
        let tally = tallies.entry(case.kind.clone()).or_default();
        let is_wrong = after != before && !is_made;
        if is_unique {
            unique += 1;
            tally.unique += 1;
            tally.applied += usize::from(is_made);
        } else {
            tally.repeated += 1;
        }
        tally.wrong += usize::from(is_wrong);
        if is_wrong || (is_unique && !is_made) {
            failed.push(format!("{}\n{}{answer}", if is_wrong { "WRONG" } else { "MISSED" }, case.shown()));
        }
    }
    let sum = |of: fn(&Tally) -> usize| tallies.values().map(of).sum::<usize>();
    for (kind, tally) in &tallies {
        println!("{kind}: {} of {} applied, {} repeated", tally.applied, tally.unique, tally.repeated);
    }
    let (applied, wrong) = (sum(|tally| tally.applied), sum(|tally| tally.wrong));
    println!("{applied} of {unique} applied, {wrong} wrong, {} not unique", sum(|tally| tally.repeated));
    for case in failed.iter().take(20) {
        println!("{case}");
    }
    assert_eq!(wrong, 0);
    assert!(applied * 1_000 >= unique * 995, "{applied} of {unique}");
}

#[test]
fn e06_what_is_gone_is_edited_nowhere() {
    let sources = sources();
    let bench = Bench::new("");
    let mut random = Random::new(6);
    for number in 0..300 {
        let mut case = case(&mut random, &sources);
        case.document.drain(case.from..case.to);
        let before = join(&case.document);
        if loose(&before).contains(&loose(&case.old)) {
            continue;
        }
        let name = format!("case_{number}.txt");
        bench.fixture.write(&name, &before);
        let answer = bench.call("edit_file", json!({"path": name, "old_string": case.old, "new_string": case.new}));
        assert!(answer.starts_with("error: "), "{}{answer}", case.shown());
        assert_eq!(bench.text(&name).unwrap(), before);
    }
    assert!(bench.overlay().is_empty());
}

#[test]
fn d04_a_file_in_code_page_1252_is_not_edited_and_its_text_in_a_buffer_is() {
    let bench = Bench::new("");
    let edit = |name: &str, old: &str, new: &str| {
        bench.call("edit_file", json!({"path": name, "old_string": old, "new_string": new}))
    };
    bench.fixture.write("disk.txt", b"say \x93hi\x94 \x97 it\x92s 5 \x80\r\n");
    assert!(edit("disk.txt", "say \"hi\"", "x").starts_with("error: `disk.txt` can not be edited"));
    assert!(bench.overlay().is_empty());
    // As an editor decodes it, and as one does that takes it for Latin-1.
    for (name, text, expected) in [
        ("right.txt", "say “hi” — it’s 5 €\r\n", "say “hi” — it’s 6 €\r\n"),
        (
            "wrong.txt",
            "say \u{93}hi\u{94} \u{97} it\u{92}s 5 \u{80}\r\n",
            "say \u{93}hi\u{94} \u{97} it\u{92}s 6 \u{80}\r\n",
        ),
    ] {
        bench.fixture.write(name, "");
        bench.fixture.open(name, text);
        let answer = edit(name, "say \"hi\" - it's 5", "say \"hi\" - it's 6");
        assert!(
            answer.starts_with(&format!("edited `{name}` at line 1 (matched but for characters that look alike)")),
            "{answer}"
        );
        assert_eq!(bench.text(name).unwrap(), expected);
    }
}
