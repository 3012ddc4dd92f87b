//! Every source at hand through everything that reads source: no panic, no hang, bounded memory.
//!
//! `cargo bench --bench sweep -- FOLDER…` takes the folders to go through, else the registry sources that cargo has unpacked and
//! what the tests' set-up fetched. Then, for every language, what is made to hurt: lines of 50 MB, 200,000 brackets deep.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use claw::context::outline::FileSymbols;
use claw::syntax::{Language, Parsed, comments};
use claw::text::Text;

/// A text that takes longer hangs. What the product allows itself is seconds.
const HANGS: Duration = Duration::from_secs(60);
/// Megabytes that all of it may take at most: the largest text, a few times.
const MOST_MEMORY: u64 = 600;
const LONG_LINE: usize = 50 << 20;
const DEEP: usize = 200_000;
/// The argument before the number of a hostile text that is read alone.
const ONE: &str = "--one";

type Failure = Box<dyn std::error::Error>;

#[derive(Default)]
struct Tally {
    files: usize,
    bytes: usize,
    unparsed: usize,
    slowest: (Duration, String),
}

fn main() -> Result<(), Failure> {
    if let Some(number) = std::env::args().skip_while(|argument| argument != ONE).nth(1) {
        return read_one(number.parse()?);
    }
    let mut folders: Vec<PathBuf> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).map(PathBuf::from).collect();
    if folders.is_empty() {
        let home = std::env::var("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|_| std::env::var("HOME").map(|home| Path::new(&home).join(".cargo")))?;
        folders = vec![home.join("registry/src"), Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools")];
    }
    let mut paths = Vec::new();
    folders.iter().for_each(|folder| gather(folder, &mut paths));
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for path in &paths {
        let name = path.to_string_lossy();
        let Some(language) = Language::of_path(&name) else { continue };
        let Ok(source) = std::fs::read_to_string(path) else { continue };
        let (took, is_parsed) = watched(&name, Text::new(&source), language)?;
        let tally = tallies.entry(language.name()).or_default();
        tally.files += 1;
        tally.bytes += source.len();
        tally.unparsed += usize::from(!is_parsed);
        tally.slowest = tally.slowest.clone().max((took, name.into_owned()));
    }
    say(format_args!("| language | files | MB | not parsed | slowest |\n|---|---|---|---|---|"));
    for (language, tally) in &tallies {
        let (took, name) = &tally.slowest;
        let megabytes = tally.bytes as f64 / 1e6;
        let (files, unparsed, name) = (tally.files, tally.unparsed, name.rsplit('/').next().unwrap_or_default());
        say(format_args!(
            "| {language} | {files} | {megabytes:.1} | {unparsed} | {:.2} s, {name} |",
            took.as_secs_f64()
        ));
    }
    say(format_args!("peak resident memory until here: {} MB", peak()));
    let most_of_sources = peak();
    let mut slowest = (Duration::ZERO, String::new());
    let mut largest = (0, String::new());
    for (number, (name, ..)) in hostile().iter().enumerate() {
        let (took, megabytes) = in_a_process(name, number)?;
        slowest = slowest.max((took, name.clone()));
        largest = largest.max((megabytes, name.clone()));
    }
    say(format_args!("hostile texts: the slowest took {:.2} s: {}", slowest.0.as_secs_f64(), slowest.1));
    say(format_args!("peak resident memory: {} MB: {}", largest.0, largest.1));
    if largest.0.max(most_of_sources) > MOST_MEMORY { Err("too much memory".into()) } else { Ok(()) }
}

/// Reads a text in every way; how long that took, and whether it was parsed. Fails where it panics or hangs.
fn watched(name: &str, text: Text, language: Language) -> Result<(Duration, bool), Failure> {
    let (done, finished) = mpsc::channel();
    std::thread::Builder::new().name(name.chars().take(15).collect()).spawn(move || {
        let start = Instant::now();
        std::hint::black_box(FileSymbols::of(&text, Some(language)));
        std::hint::black_box(comments(&text, Some(language)));
        let parsed = Parsed::of(&text, language);
        if let Some(parsed) = &parsed {
            let all = 0..text.len();
            std::hint::black_box(parsed.names(std::slice::from_ref(&all), |_| true));
            std::hint::black_box((parsed.imports(), parsed.words(), parsed.problems()));
        }
        // Whoever waits may have given up.
        let _ = done.send((start.elapsed(), parsed.is_some()));
    })?;
    match finished.recv_timeout(HANGS) {
        Ok(result) => Ok(result),
        Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("{name} hangs").into()),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(format!("{name} panics").into()),
    }
}

/// Reads a hostile text in a process of its own: what one leaves behind is not the next one's, and what ends the process has a name.
fn in_a_process(name: &str, number: usize) -> Result<(Duration, u64), Failure> {
    let output = std::process::Command::new(std::env::current_exe()?).args([ONE, &number.to_string()]).output()?;
    if !output.status.success() {
        return Err(format!("{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    let told = String::from_utf8(output.stdout)?;
    let (took, megabytes) = told.trim().split_once(' ').ok_or("it said nothing")?;
    Ok((Duration::from_millis(took.parse()?), megabytes.parse()?))
}

fn read_one(number: usize) -> Result<(), Failure> {
    let texts = hostile();
    let (name, language, make) = texts.get(number).ok_or("there is no such text")?;
    let text = Text::new(&make());
    let (took, _) = watched(name, text, *language)?;
    say(format_args!("{} {}", took.as_millis(), peak()));
    Ok(())
}

type Make = Box<dyn Fn() -> String>;

/// Texts that are made to hurt, each in every language.
fn hostile() -> Vec<(String, Language, Make)> {
    let each = |language: &Language| {
        let named = move |(name, make): (String, Make)| (format!("{}, {name}", language.name()), *language, make);
        shapes().into_iter().map(named).collect::<Vec<_>>()
    };
    Language::ALL.iter().flat_map(each).collect()
}

fn shapes() -> Vec<(String, Make)> {
    let of = |name: &str, make: Make| (name.to_owned(), make);
    let times = |piece: &'static str, bytes: usize| -> Make { Box::new(move || piece.repeat(bytes / piece.len())) };
    let deep = |piece: &'static str| (format!("deep in `{piece}`"), times(piece, DEEP * piece.len()));
    let large = |piece: &'static str| (format!("deep in `{piece}`, as large as is read"), times(piece, 1 << 20));
    let stairs = |line: &'static str| -> Make {
        Box::new(move || (0..1_400).map(|depth| format!("{}{line}\n", " ".repeat(depth))).collect())
    };
    let mut shapes: Vec<_> =
        ["(", "[", "{", "<a>", "if (a) {", "a.b(", "- ", "> ", "\"${", "#[a(", "? ", "<<A, "].map(deep).into();
    shapes.extend(["mod a{", "class A{", "{\"a\":", "function f(){", "(a", "[a", "a<", "a[", "-", "f\"{"].map(large));
    shapes.push(of("definitions in definitions", stairs("def f():")));
    // What the scanners of grammars keep count of.
    shapes.push(of("blocks in blocks", stairs("a:")));
    shapes.push(of("a heredoc of a long name", Box::new(|| format!("x <<~{0}\n a\n{0}\n", "A".repeat(1_019)))));
    shapes.push(of("a heredoc in many strings", Box::new(|| format!("{}<<AAAA\n", "\"#{".repeat(203)))));
    shapes.push(of("a line of words", times("word ", LONG_LINE)));
    shapes.push(of("a line of one word", times("a", LONG_LINE)));
    shapes.push(of("a line as long as is read", times("a = b(c, \"d\"); ", 1 << 20)));
    shapes
}

fn gather(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => gather(&entry.path(), paths),
            Ok(kind) if kind.is_file() => paths.push(entry.path()),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Megabytes that the process had at most, where the system tells.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|size| size.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn say(line: std::fmt::Arguments) {
    // Nobody reads it where it can not be written.
    let _ = writeln!(std::io::stdout(), "{line}");
}
