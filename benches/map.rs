//! The map of a large tree: cold, warm, after one change; beside bare tree-sitter over the same files, aider's map and Universal
//! Ctags, which `benches/compare/setup` installs.
//!
//! `cargo bench --bench map -- FOLDER` takes the tree to map, else the registry sources that cargo has unpacked, as far as half a
//! million lines. Beside what a clock says stands what the processor did: on a machine with other work that tells more.

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

/// Lines of a tree that is put together here.
const LINES: usize = 550_000;
const TOKENS: u64 = 2_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let gathered = tempfile::tempdir()?;
    let tree = match given {
        Some(folder) => folder,
        None => gather(gathered.path())?,
    };
    let view = view_of(&tree)?;
    let cache = tempfile::tempdir()?;
    let kept = cache.path().join("outline");
    let index = Index::new(Some(kept.clone()));
    let mut text = String::new();
    let before = worked();
    let cold = time(|| text = map(&index, &view));
    let cold_worked = worked() - before;
    report_worked("cold map", cold, cold_worked);
    index.wait_kept(Duration::from_secs(60));
    drop(index);

    let mut warm_text = String::new();
    let mut warm = Vec::new();
    for _ in 0..5 {
        let index = Index::new(Some(kept.clone()));
        warm.push(time(|| warm_text = map(&index, &view)));
    }
    warm.sort();
    report("warm map, new process's index", *warm.get(2).ok_or("no run")?);
    if warm_text != text {
        return Err("the warm map is another than the cold one".into());
    }

    let another = Index::new(None);
    if map(&another, &view) != text {
        return Err("another cold map of the same files is another".into());
    }
    drop(another);
    let index = Index::new(Some(kept));
    map(&index, &view);
    report("the same tree asked again", time(|| drop(map(&index, &view))));
    say(format_args!("{:<52} {:>7} MB", "peak resident memory until here", peak("self")));

    let files = sources(&view)?;
    let lines: usize = files.iter().map(|(_, text)| text.line_count()).sum();
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    say(format_args!("{} files, {lines} lines, {:.1} MB", files.len(), bytes as f64 / 1e6));

    let queries = queries()?;
    let plain: Vec<(Language, String)> =
        files.iter().filter_map(|(path, text)| Some((Language::of_path(path)?, text.to_string()))).collect();
    let before = worked();
    let bare = time(|| bare(&plain, &queries));
    let bare_worked = worked() - before;
    report_worked("bare tree-sitter, parse and queries, 2 threads", bare, bare_worked);
    say(format_args!("{:<52} {:>10.2}", "cold map / bare tree-sitter", cold.as_secs_f64() / bare.as_secs_f64()));
    let ratio = cold_worked.as_secs_f64() / bare_worked.as_secs_f64();
    say(format_args!("{:<52} {ratio:>10.2}", "the same by the processor's time"));

    let mut by_length: Vec<&(String, Text)> = files.iter().filter(|(path, _)| path.ends_with(".rs")).collect();
    by_length.sort_by_key(|(path, text)| (text.len(), path));
    for (what, at) in [("the median", by_length.len() / 2), ("the 90th of a hundred", by_length.len() * 9 / 10)] {
        let (path, source) = by_length.get(at).ok_or("no files")?;
        let changed = Text::new(&format!("{source}\nfn added_by_the_bench() {{}}\n"));
        let took = time(|| drop(index.outline_of(&changed, Language::of_path(path))));
        report(&format!("one changed text taken in, {what}, {} KB", source.len() / 1024), took);
    }
    others(&tree)?;
    keystrokes()
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
                    live = live.update(&next).ok_or("no tree")?;
                    std::hint::black_box(live.symbols());
                    times.push(start.elapsed());
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

/// Copies unpacked registry sources until there are enough lines.
fn gather(into: &Path) -> Result<PathBuf, Failure> {
    let home = std::env::var("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|_| std::env::var("HOME").map(|home| Path::new(&home).join(".cargo")))?;
    let mut crates = Vec::new();
    for registry in std::fs::read_dir(home.join("registry/src"))? {
        for package in std::fs::read_dir(registry?.path())? {
            crates.push(package?.path());
        }
    }
    crates.sort();
    let mut lines = 0;
    let tree = into.join("tree");
    for package in crates {
        let name = package.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Parsers and bindings are generated: nobody's source.
        if name.starts_with("tree-sitter-") || name.starts_with("windows") || name.starts_with("libc-") {
            continue;
        }
        lines += copy(&package, &tree.join(&name))?;
        if lines > LINES {
            break;
        }
    }
    Ok(tree)
}

fn copy(from: &Path, to: &Path) -> Result<usize, Failure> {
    std::fs::create_dir_all(to)?;
    let mut lines = 0;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            lines += copy(&entry.path(), &target)?;
        } else if kind.is_file() && entry.metadata()?.len() <= 1 << 20 {
            std::fs::copy(entry.path(), &target)?;
            // As old as a checkout, so that it may be kept.
            std::fs::File::options()
                .write(true)
                .open(&target)?
                .set_modified(std::time::SystemTime::now() - Duration::from_secs(60))?;
            if entry.path().extension().is_some_and(|end| end == "rs") {
                lines += std::fs::read(&target)?.iter().filter(|byte| **byte == b'\n').count();
            }
        }
    }
    Ok(lines)
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

fn report_worked(what: &str, took: Duration, worked: Duration) {
    let (took, worked) = (took.as_secs_f64() * 1e3, worked.as_secs_f64() * 1e3);
    say(format_args!("{what:<52} {took:>7.1} ms, {worked:.0} ms of the processors"));
}

/// What the processors did for this process, where the system tells.
fn worked() -> Duration {
    /// Parts of a second that Linux counts in, whatever the machine.
    const TICKS: u32 = 100;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Duration::from_secs(1) * ticks / TICKS
}

/// Megabytes that a process had at most, where the system tells.
fn peak(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|size| size.parse::<u64>().ok()).unwrap_or_default() / 1024
}
