//! The map of a large tree: cold, warm, after one change; beside bare tree-sitter over the same files, aider's map and Universal
//! Ctags, which `benches/compare/setup` installs.
//!
//! `cargo bench --bench map -- FOLDER` takes the tree to map, else the one that `benches/compare/tree` fetches: Django, SQLAlchemy,
//! tokio and regex-automata. What is compared with something else is done three times in turn with it, and the median told.

#[path = "compare/aider.rs"]
mod aider;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use claw::context::{Index, Ranking};
use claw::syntax::{Language, Live};
use claw::text::{Edit, Text};
use claw::workspace::{Overlay, Roots, View, Workspace};
use serde_json::{Value, json};
use tree_sitter::{Parser, Query, QueryCursor, StreamingIterator};

use aider::Aider;

const ROUNDS: usize = 3;
const TOKENS: u64 = 2_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let tree = given.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/tree"));
    if !tree.is_dir() {
        return Err("there is nothing to map: run benches/compare/tree, or name a folder".into());
    }
    let view = view_of(&tree)?;
    let cache = tempfile::tempdir()?;
    let kept = cache.path().join("outline");
    let index = Index::new(Some(kept.clone()));
    let text = map(&index, &view);
    index.wait_kept(Duration::from_secs(60));
    drop(index);

    let mut warm = Vec::new();
    for _ in 0..9 {
        let index = Index::new(Some(kept.clone()));
        let mut warm_text = String::new();
        warm.push(time(|| warm_text = map(&index, &view)));
        if warm_text != text {
            return Err("the warm map is another than the cold one".into());
        }
    }
    report("warm map, new process's index", median(warm));
    let index = Index::new(Some(kept));
    map(&index, &view);
    report("the same tree asked again", median((0..9).map(|_| time(|| drop(map(&index, &view)))).collect()));
    say(format_args!("{:<52} {:>7} MB", "peak resident memory until here", peak("self")));

    let files = sources(&view)?;
    let lines: usize = files.iter().map(|(_, text)| text.line_count()).sum();
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    say(format_args!("{} files, {lines} lines, {:.1} MB", files.len(), bytes as f64 / 1e6));
    side_by_side(&view, &files, &text)?;
    changed(&index, &files)?;
    others(&tree)?;
    keystrokes()
}

/// A cold map, and what no map can do without.
fn side_by_side(view: &View, files: &[(String, Text)], text: &str) -> Result<(), Failure> {
    let queries = queries()?;
    let plain: Vec<(Language, String)> =
        files.iter().filter_map(|(path, text)| Some((Language::of_path(path)?, text.to_string()))).collect();
    let (mut cold, mut parsed, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut again = String::new();
        let index = Index::new(None);
        let (ours, its) = (time(|| again = map(&index, view)), time(|| bare(&plain, &queries)));
        if again != text {
            return Err("another cold map of the same files is another".into());
        }
        ratios.push(Duration::from_secs_f64(ours.as_secs_f64() / its.as_secs_f64()));
        cold.push(ours);
        parsed.push(its);
    }
    report("cold map", median(cold));
    report("bare tree-sitter, parse and queries, 2 threads", median(parsed));
    say(format_args!("{:<52} {:>10.2}", "cold map / bare tree-sitter", median(ratios).as_secs_f64()));
    Ok(())
}

/// A file that is another than it was, taken in.
fn changed(index: &Index, files: &[(String, Text)]) -> Result<(), Failure> {
    /// Every so many files one is changed.
    const STEP: usize = 7;
    let mut times = Vec::new();
    for (path, source) in files.iter().step_by(STEP) {
        let changed = Text::new(&format!("{source}\n"));
        times.push(time(|| drop(index.outline_of(&changed, Language::of_path(path)))));
    }
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).copied().ok_or("no files");
    report(&format!("one changed file of {} taken in, the median", times.len()), at(50)?);
    report("the 90th of a hundred", at(90)?);
    Ok(())
}

/// What others need for the same tree.
fn others(tree: &Path) -> Result<(), Failure> {
    let version = Command::new("ctags").arg("--version").output();
    if version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Universal Ctags")) {
        let mut ctags = Command::new("ctags");
        ctags.args(["--recurse", "--quiet", "-f", "/dev/null"]).arg(tree).stdout(Stdio::null()).stderr(Stdio::null());
        report("Universal Ctags, definitions only", time(|| drop(ctags.status())));
    } else {
        say(format_args!("Universal Ctags is missing: benches/compare/setup installs it"));
    }
    let Some(mut cold) = Aider::start() else {
        say(format_args!("aider is missing: benches/compare/setup installs it"));
        return Ok(());
    };
    let cache = tempfile::tempdir()?;
    let none: [&str; 0] = [];
    let question = json!({
        "root": tree, "cache": cache.path(), "chat": none, "mentioned": none, "idents": none, "tokens": TOKENS,
    });
    let ask = |aider: &mut Aider, what: &str| -> Result<(), Failure> {
        let answer = aider.ask(&question)?;
        let seconds = answer.get("seconds").and_then(Value::as_f64).ok_or("no answer")?;
        report(what, Duration::from_secs_f64(seconds));
        Ok(())
    };
    ask(&mut cold, "aider, cold map")?;
    say(format_args!("{:<52} {:>7} MB", "aider, peak resident memory", peak(&cold.process().to_string())));
    let mut warm = Aider::start().ok_or("aider is gone")?;
    ask(&mut warm, "aider, warm map, new process")?;
    ask(&mut warm, "aider, the same tree asked again")?;
    Ok(())
}

/// What typing in a file of 10,000 lines costs: a word, and a statement with its brackets and quotes, letter by letter.
fn keystrokes() -> Result<(), Failure> {
    let rust: String = (0..2_500)
        .map(|at| format!("/// Item {at}.\npub fn item_{at}(x: u32) -> u32 {{\n    x + {at}\n}}\n"))
        .collect();
    let python: String =
        (0..2_500).map(|at| format!("# Item {at}.\ndef item_{at}(x):\n    return x + {at}\n\n")).collect();
    for (language, source) in [(Language::Rust, rust), (Language::Python, python)] {
        for (what, typed) in [("a word", "word"), ("a statement", " * call(x, \"text\")[0]")] {
            let mut text = Text::new(&source);
            let mut live = Live::of(&text, language).ok_or("no tree")?;
            let (mut times, mut unsettled, mut settling) = (Vec::new(), 0, Vec::new());
            for round in 0..(800 / typed.len()) {
                // At the end of a word, and all of it is taken back.
                let near = source.get(..(round * 79_190 + 4_000) % source.len()).ok_or("no such place")?;
                let at = near.rfind(" +").ok_or("no such place")?;
                let letters = typed.char_indices().map(|(done, letter)| (at + done..at + done, letter.to_string()));
                let back = (at..at + typed.len(), String::new());
                for (range, insert) in letters.chain([back]) {
                    text = text.apply(&Edit { range, insert })?;
                    let next = text.clone();
                    let start = Instant::now();
                    let after = live.update(&next).ok_or("no tree")?;
                    std::hint::black_box(after.symbols());
                    times.push(start.elapsed());
                    // What goes is the tree that was settled aside: it goes where it came from.
                    live = after;
                    if !live.is_settled() {
                        unsettled += 1;
                        settling.push(time(|| drop(std::hint::black_box(live.settled()))));
                    }
                }
            }
            let name = language.name();
            let count = times.len();
            for (list, what) in [
                (&mut times, format!("{what} typed in 10,000 lines of {name}, a letter")),
                (&mut settling, format!("  settled aside, {unsettled} of {count}")),
            ] {
                list.sort();
                let at =
                    |part: usize| list.get(list.len() * part / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
                let (middle, high, highest) = (at(50), at(95), at(99));
                say(format_args!("{what:<52} p50 {middle:.2} ms, p95 {high:.2} ms, p99 {highest:.2} ms"));
            }
        }
    }
    Ok(())
}

fn map(index: &Index, view: &View) -> String {
    let snapshot = index.snapshot(view, Instant::now() + Duration::from_secs(600));
    snapshot.render(view.roots(), &Ranking::default(), TOKENS).text
}

/// Parsing and the symbols' queries over texts in memory, on two threads: what no map can do without.
fn bare(files: &[(Language, String)], queries: &BTreeMap<Language, (tree_sitter::Language, Query)>) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut parser = Parser::new();
                let mut cursor = QueryCursor::new();
                while let Some((language, text)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let Some((grammar, query)) = queries.get(language) else { continue };
                    let tree = parser.set_language(grammar).ok().and_then(|()| parser.parse(text, None));
                    let Some(tree) = tree else { continue };
                    let mut matches = cursor.matches(query, tree.root_node(), text.as_bytes());
                    while let Some(found) = matches.next() {
                        std::hint::black_box(found.captures().len());
                    }
                }
            });
        }
    });
}

fn queries() -> Result<BTreeMap<Language, (tree_sitter::Language, Query)>, Failure> {
    let mut queries = BTreeMap::new();
    for language in Language::ALL {
        let (grammar, source) = grammar(*language);
        let query = Query::new(&grammar, source)?;
        queries.insert(*language, (grammar, query));
    }
    Ok(queries)
}

fn grammar(language: Language) -> (tree_sitter::Language, &'static str) {
    match language {
        Language::Rust => (tree_sitter_rust::LANGUAGE.into(), include_str!("../src/syntax/queries/rust.scm")),
        Language::Python => (tree_sitter_python::LANGUAGE.into(), include_str!("../src/syntax/queries/python.scm")),
        Language::JavaScript => {
            (tree_sitter_javascript::LANGUAGE.into(), include_str!("../src/syntax/queries/javascript.scm"))
        }
        Language::TypeScript => {
            (tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), include_str!("../src/syntax/queries/typescript.scm"))
        }
        Language::Tsx => {
            (tree_sitter_typescript::LANGUAGE_TSX.into(), include_str!("../src/syntax/queries/typescript.scm"))
        }
        Language::Go => (tree_sitter_go::LANGUAGE.into(), include_str!("../src/syntax/queries/go.scm")),
        Language::C => (tree_sitter_c::LANGUAGE.into(), include_str!("../src/syntax/queries/c.scm")),
        Language::Cpp => (tree_sitter_cpp::LANGUAGE.into(), include_str!("../src/syntax/queries/cpp.scm")),
        Language::Java => (tree_sitter_java::LANGUAGE.into(), include_str!("../src/syntax/queries/java.scm")),
        Language::CSharp => (tree_sitter_c_sharp::LANGUAGE.into(), include_str!("../src/syntax/queries/c_sharp.scm")),
        Language::Ruby => (tree_sitter_ruby::LANGUAGE.into(), include_str!("../src/syntax/queries/ruby.scm")),
        Language::Php => (tree_sitter_php::LANGUAGE_PHP.into(), include_str!("../src/syntax/queries/php.scm")),
        Language::Bash => (tree_sitter_bash::LANGUAGE.into(), include_str!("../src/syntax/queries/bash.scm")),
        Language::Lua => (tree_sitter_lua::LANGUAGE.into(), include_str!("../src/syntax/queries/lua.scm")),
        Language::Html => (tree_sitter_html::LANGUAGE.into(), include_str!("../src/syntax/queries/html.scm")),
        Language::Css => (tree_sitter_css::LANGUAGE.into(), include_str!("../src/syntax/queries/css.scm")),
        Language::Json => (tree_sitter_json::LANGUAGE.into(), include_str!("../src/syntax/queries/json.scm")),
        Language::Toml => (tree_sitter_toml_ng::LANGUAGE.into(), include_str!("../src/syntax/queries/toml.scm")),
        Language::Yaml => (tree_sitter_yaml::LANGUAGE.into(), include_str!("../src/syntax/queries/yaml.scm")),
        Language::Markdown => (tree_sitter_md::LANGUAGE.into(), include_str!("../src/syntax/queries/markdown.scm")),
    }
}

fn view_of(folder: &Path) -> Result<View, Failure> {
    let mut roots = Roots::default();
    roots.add(folder)?;
    Ok(Workspace::new(roots).view(&Overlay::default()))
}

/// The texts that a map takes apart.
fn sources(view: &View) -> Result<Vec<(String, Text)>, Failure> {
    let mut files = Vec::new();
    for path in view.files(usize::MAX).files {
        let name = view.roots().display(&path);
        if Language::of_path(&name).is_none() {
            continue;
        }
        if let Ok(document) = view.read(&path)
            && document.text.len() <= 1 << 20
        {
            files.push((name, document.text));
        }
    }
    Ok(files)
}

fn say(line: std::fmt::Arguments) {
    // Nobody reads it where it can not be written.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn report(what: &str, took: Duration) {
    say(format_args!("{what:<52} {:>7.1} ms", took.as_secs_f64() * 1e3));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Megabytes that a process had at most, where the system tells.
fn peak(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|size| size.parse::<u64>().ok()).unwrap_or_default() / 1024
}
