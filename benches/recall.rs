//! How often a map names what a real change also touches, given its first hunk alone: beside aider's map and beside files that a
//! search chooses, at the same budget.
//!
//! `cargo bench --bench recall` takes the releases that `benches/compare/history` fetches. A change is what differs between two
//! successive ones. Every other change is held out: the ranking was tuned without it.

#[path = "compare/aider.rs"]
mod aider;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use claw::context::outline::Item;
use claw::context::{Index, Ranking, Snapshot, estimate_tokens};
use claw::syntax::Language;
use claw::syntax::survey::for_words;
use claw::text::Text;
use claw::text::diff::diff;
use claw::workspace::{Overlay, Roots, View, Workspace};
use serde_json::{Value, json};

use aider::Aider;

const TOKENS: u64 = 2_000;
/// Changes that are looked at, and how many definitions one may touch beside the first hunk's: a release that rewrites half of a
/// package is no change that somebody makes.
const CHANGES: usize = 200;
const MOST_TOUCHED: usize = 40;

type Failure = Box<dyn std::error::Error>;
/// A file and the line of a definition's name, from 1.
type Target = (String, usize);

/// What differs between two releases.
struct Change {
    name: String,
    old: PathBuf,
    focus: String,
    /// Of the first hunk, from 1, in the old text.
    lines: Range<usize>,
    /// The words of its lines, old and new.
    words: BTreeSet<String>,
    targets: BTreeSet<Target>,
}

#[derive(Default)]
struct Score {
    /// Of each change: the share of what it touches elsewhere that was named.
    all: Vec<f64>,
    /// The same without what lies in the focused file.
    other_files: Vec<f64>,
    tokens: u64,
}

fn main() -> Result<(), Failure> {
    let history = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/history");
    if !history.is_dir() {
        return Err("there are no releases to compare: run benches/compare/history".into());
    }
    let changes = chosen(changes(&history)?);
    let (mut aider, cache) = (Aider::start(), tempfile::tempdir()?);
    let mut scores: BTreeMap<(&str, bool), Score> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        let held_out = at % 2 == 1;
        let view = view_of(&change.old)?;
        let snapshot = Index::default().snapshot(&view, Instant::now() + Duration::from_secs(120));
        let mut note = |who, shown: &BTreeSet<Target>, tokens| {
            scores.entry((who, held_out)).or_default().take(change, shown, tokens);
        };
        let (shown, tokens) = ours(change, &view, &snapshot)?;
        note("claw map", &shown, tokens);
        let (shown, tokens) = by_search(change, &view, &snapshot);
        note("files by search", &shown, tokens);
        if let Some(aider) = &mut aider {
            for (who, in_chat) in [("aider, the file mentioned", false), ("aider, the file in the chat", true)] {
                let (shown, tokens) = aiders(aider, cache.path(), change, in_chat)?;
                note(who, &shown, tokens);
            }
        }
    }
    say(format_args!("{} changes, {TOKENS} tokens; every other one held out", changes.len()));
    if aider.is_none() {
        say(format_args!("aider is missing: benches/compare/setup installs it"));
    }
    say(format_args!("| | recall | held out | in other files | held out | tokens |\n|---|---|---|---|---|---|"));
    for who in ["claw map", "aider, the file mentioned", "aider, the file in the chat", "files by search"] {
        let (Some(tuned), Some(held)) = (scores.get(&(who, false)), scores.get(&(who, true))) else { continue };
        let tokens = (tuned.tokens + held.tokens) / changes.len().max(1) as u64;
        let mean = |values: &[f64]| 100.0 * values.iter().sum::<f64>() / f64::max(1.0, values.len() as f64);
        say(format_args!(
            "| {who} | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {tokens} |",
            mean(&tuned.all),
            mean(&held.all),
            mean(&tuned.other_files),
            mean(&held.other_files)
        ));
    }
    Ok(())
}

impl Score {
    fn take(&mut self, change: &Change, shown: &BTreeSet<Target>, tokens: u64) {
        let share = |targets: Vec<&Target>| {
            let named = targets.iter().filter(|target| shown.contains(**target)).count();
            (!targets.is_empty()).then(|| named as f64 / targets.len() as f64)
        };
        self.all.extend(share(change.targets.iter().collect()));
        self.other_files.extend(share(change.targets.iter().filter(|(file, _)| *file != change.focus).collect()));
        self.tokens += tokens;
    }
}

/// The definitions that the map names, with the focus at the hunk and its words as an instruction would name them.
fn ours(change: &Change, view: &View, snapshot: &Snapshot) -> Result<(BTreeSet<Target>, u64), Failure> {
    let ranking = Ranking {
        focus: Some(view.roots().resolve(&change.focus)?),
        lines: change.lines.clone(),
        mentioned: change.words.clone(),
        ..Ranking::default()
    };
    let rendered = snapshot.render(view.roots(), &ranking, TOKENS);
    let mut shown = BTreeSet::new();
    for file in &rendered.listed {
        let name = view.roots().display(&file.path);
        let items = file.symbols.iter().flat_map(|symbols| symbols.items()).enumerate();
        shown.extend(items.filter(|(at, _)| file.shown.contains(at)).map(|(_, item)| (name.clone(), item.line)));
    }
    Ok((shown, rendered.tokens))
}

/// The definitions of the files in which most of the hunk's words stand, until the budget is full.
fn by_search(change: &Change, view: &View, snapshot: &Snapshot) -> (BTreeSet<Target>, u64) {
    let mut files: Vec<(usize, usize, usize)> = Vec::new();
    for (at, (path, _)) in snapshot.files.iter().enumerate() {
        let Ok(document) = view.read(path) else { continue };
        let source = document.text.to_string();
        let (mut found, mut count) = (BTreeSet::new(), 0);
        for_words(&source, &[], |word, _| {
            if change.words.contains(word) {
                found.insert(word);
                count += 1;
            }
        });
        files.push((found.len(), count, at));
    }
    files.sort_by(|one, other| (other.0, other.1, one.2).cmp(&(one.0, one.1, other.2)));
    let (mut shown, mut text) = (BTreeSet::new(), String::new());
    for (path, symbols) in files.iter().filter_map(|(_, _, at)| snapshot.files.get(*at)) {
        let name = view.roots().display(path);
        let head = format!("{name}\n");
        if estimate_tokens(&format!("{text}{head}")) > TOKENS {
            break;
        }
        text.push_str(&head);
        for item in symbols.iter().flat_map(|symbols| symbols.items()) {
            let line = format!("{:>6} {}{}\n", item.line, "  ".repeat(item.depth), item.signature);
            if estimate_tokens(&format!("{text}{line}")) > TOKENS {
                return (shown, estimate_tokens(&text));
            }
            text.push_str(&line);
            shown.insert((name.clone(), item.line));
        }
    }
    (shown, estimate_tokens(&text))
}

/// What aider's map shows, with the focused file in its chat, or only mentioned.
fn aiders(aider: &mut Aider, cache: &Path, change: &Change, in_chat: bool) -> Result<(BTreeSet<Target>, u64), Failure> {
    let focus = [&change.focus];
    let answer = aider.ask(&json!({
        "root": change.old,
        "cache": cache.join(change.name.replace([' ', '/'], "-")),
        "chat": if in_chat { &focus[..] } else { &[] },
        "mentioned": focus,
        "idents": change.words,
        "tokens": TOKENS,
    }))?;
    let mut shown = BTreeSet::new();
    for (name, lines) in answer.get("shown").and_then(Value::as_object).into_iter().flatten() {
        let lines = lines.as_array().into_iter().flatten().filter_map(Value::as_u64);
        shown.extend(lines.filter_map(|line| Some((name.clone(), usize::try_from(line).ok()?))));
    }
    Ok((shown, answer.get("tokens").and_then(Value::as_u64).unwrap_or_default()))
}

/// Spread over the packages, the same ones each time.
fn chosen(changes: Vec<Change>) -> Vec<Change> {
    let step = changes.len().div_ceil(CHANGES).max(1);
    let (mut chosen, mut others) = (Vec::new(), Vec::new());
    for (at, change) in changes.into_iter().enumerate() {
        if at % step == 0 { chosen.push(change) } else { others.push(change) }
    }
    let missing = CHANGES.saturating_sub(chosen.len());
    chosen.extend(others.into_iter().take(missing));
    chosen
}

/// Of all packages, in the order of names and versions.
fn changes(history: &Path) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    for package in folders(history)? {
        let mut releases = folders(&package)?;
        releases.sort_by_key(|release| version(release));
        for (old, new) in releases.iter().zip(releases.iter().skip(1)) {
            let name = format!("{} {}", name_of(&package), name_of(new));
            changes.extend(change(name, old, new)?);
        }
    }
    Ok(changes)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    found.retain(|path| path.is_dir());
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn version(release: &Path) -> Vec<u64> {
    name_of(release).split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

/// `None` where nothing but the first hunk's definitions changed, or too much.
fn change(name: String, old: &Path, new: &Path) -> Result<Option<Change>, Failure> {
    let (before, after) = (view_of(old)?, view_of(new)?);
    let snapshot = Index::default().snapshot(&before, Instant::now() + Duration::from_secs(120));
    let mut first = None;
    let mut targets = BTreeSet::new();
    for (path, symbols) in &snapshot.files {
        let file = before.roots().display(path);
        let is_code = Language::of_path(&file).is_some_and(|language| !language.is_data());
        let Some(symbols) = symbols.as_ref().filter(|_| is_code) else { continue };
        let items: Vec<Item> = symbols.items().collect();
        let text_of = |view: &View| -> Option<Text> { Some(view.read(&view.roots().resolve(&file).ok()?).ok()?.text) };
        let (Some(one), Some(other)) = (text_of(&before), text_of(&after)) else { continue };
        for hunk in diff(&one, &other) {
            let line = |at: usize| one.line_of(at) + 1;
            let lines = line(hunk.old.start)..line(hunk.old.end);
            let touched: BTreeSet<Target> =
                touched(&items, &lines).into_iter().map(|line| (file.clone(), line)).collect();
            if touched.is_empty() {
                continue;
            }
            if first.is_none() {
                let mut words = BTreeSet::new();
                for part in [one.slice(hunk.old.clone()), other.slice(hunk.new.clone())].into_iter().flatten() {
                    for_words(&part, &[], |word, _| {
                        words.insert(word.to_owned());
                    });
                }
                words.retain(|word| word.len() > 2);
                first = Some((file.clone(), lines, words, touched));
            } else {
                targets.extend(touched);
            }
        }
    }
    let Some((focus, lines, words, touched)) = first else { return Ok(None) };
    targets.retain(|target| !touched.contains(target));
    let is_change = (1..=MOST_TOUCHED).contains(&targets.len());
    Ok(is_change.then(|| Change { name, old: old.to_owned(), focus, lines, words, targets }))
}

/// The lines of the innermost definitions in which these lines stand; what is put between two belongs to none. That a version has
/// another number is no change.
fn touched(items: &[Item], lines: &Range<usize>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let is_version = |item: &Item| item.name.eq_ignore_ascii_case("__version__");
    let mut innermost = |line: usize, between: bool| {
        let holds = |item: &&Item| (item.line + usize::from(between)..=item.end).contains(&line);
        found.extend(items.iter().rfind(holds).filter(|item| !is_version(item)).map(|item| item.line));
    };
    match lines.is_empty() {
        true => innermost(lines.start, true),
        false => lines.clone().for_each(|line| innermost(line, false)),
    }
    found
}

fn view_of(folder: &Path) -> Result<View, Failure> {
    let mut roots = Roots::default();
    roots.add(folder)?;
    Ok(Workspace::new(roots).view(&Overlay::default()))
}

fn say(line: std::fmt::Arguments) {
    // Nobody reads it where it can not be written.
    let _ = writeln!(std::io::stdout(), "{line}");
}
