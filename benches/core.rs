//! What stands beneath every keystroke and every request, measured from inside: `cargo bench --bench core`.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use claw::agent::Agent;
use claw::context::{Budget, Index, Inquiry, assemble};
use claw::model::script::Script;
use claw::syntax::{Language, Parsed, Symbols};
use claw::text::locate::locate;
use claw::text::{Position, PositionEncoding, Text, diff};
use claw::workspace::{Overlay, Roots, View, Workspace};
use serde_json::json;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let large = Text::new(&source(2_500));
    keystrokes(&large);
    long_line();
    edits(&large);
    secrets(&large);
    parses(&large)?;
    first_message()?;
    large_proposal()
}

/// Rust of four lines a function.
fn source(functions: usize) -> String {
    (0..functions)
        .map(|n| format!("/// Number {n}, é and 😀.\npub fn f{n}(x: u32) -> u32 {{\n    x + {n}\n}}\n"))
        .collect()
}

fn keystrokes(large: &Text) {
    let mut text = large.clone();
    let mut n = 0u32;
    measure("didChange on 10,000 lines: text", 5_000, "p99 <= 0.2 ms", || {
        n += 1;
        let at = Position { line: n.wrapping_mul(7919) % 10_000, character: 4 };
        text = text.replace(at, at, PositionEncoding::Utf16, "x").text;
    });
}

fn long_line() {
    let text = Text::new(&"héllo 😀 ".repeat(4 << 20));
    let mut n = 0u32;
    measure("position in a line of 50 MB, both ways", 5_000, "p99 <= 0.1 ms", || {
        n += 1;
        let at = Position { line: 0, character: n.wrapping_mul(2_654_435_761) % (36 << 20) };
        let offset = text.offset_at(at, PositionEncoding::Utf16);
        black_box(text.position_at(offset, PositionEncoding::Utf16));
    });
}

fn edits(large: &Text) {
    measure("locate on 10,000 lines: found", 100, "", || drop(black_box(locate(large, "    x + 2400\n}"))));
    measure("locate on 10,000 lines: nearest", 100, "", || drop(black_box(locate(large, "    x + 2400;\n  }"))));
    let at = Position { line: 5_001, character: 7 };
    let changed = large.replace(at, at, PositionEncoding::Utf8, "_changed").text;
    measure("diff of 10,000 lines, one changed", 100, "", || drop(black_box(diff::diff(large, &changed))));
}

fn secrets(large: &Text) {
    let text = large.to_string().repeat(64);
    let megabytes = text.len() as f64 / f64::from(1 << 20);
    let name = format!("secrets in {megabytes:.0} MB of source");
    measure(&name, 5, &format!("p50 <= {:.0} ms (50 MB/s)", megabytes * 20.0), || {
        drop(black_box(claw::secrets::mask(&text)))
    });
}

fn parses(large: &Text) -> Result<(), Failure> {
    let parsed = Parsed::of(large, Language::Rust).ok_or("no tree")?;
    measure("parse of 10,000 lines", 20, "", || drop(black_box(Parsed::of(large, Language::Rust))));
    let at = Position { line: 5_001, character: 7 };
    let replaced = large.replace(at, at, PositionEncoding::Utf8, "_changed");
    let edits = [replaced.edit];
    measure("parse after a keystroke", 50, "", || drop(black_box(parsed.update(&replaced.text, &edits))));
    measure("symbols of a tree", 20, "", || drop(black_box(Symbols::of_parsed(&parsed))));
    Ok(())
}

/// The first message in a repository of 2,000 files, as a new process meets it.
fn first_message() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let (repository, cache) = (folder.path().join("repository"), folder.path().join("cache"));
    for n in 0..2_000 {
        let path = repository.join(format!("src/part{}/file{n}.rs", n % 50));
        std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
        std::fs::write(path, source(20))?;
    }
    // What has just been written is not kept between runs.
    std::thread::sleep(Duration::from_millis(200));
    let message = |index: &Index, view: &View| {
        let inquiry = Inquiry { instruction: "Do it.".to_owned(), ..Inquiry::default() };
        let deadline = Instant::now() + Duration::from_secs(60);
        assemble(&inquiry, view, Budget { total: 16_000, map: 2_000 }, index, deadline)
    };
    measure("first message, 2,000 files, nothing kept", 3, "", || {
        if let Ok(view) = view_of(&repository) {
            black_box(message(&Index::default(), &view));
        }
    });
    let warm = Index::new(Some(cache.clone()));
    message(&warm, &view_of(&repository)?);
    while !std::fs::read_dir(&cache).is_ok_and(|mut files| files.any(|file| file.is_ok())) {
        std::thread::yield_now();
    }
    measure("first message, 2,000 files, kept outline", 40, "p50 <= 15 ms", || {
        if let Ok(view) = view_of(&repository) {
            black_box(message(&Index::new(Some(cache.clone())), &view));
        }
    });
    let view = view_of(&repository)?;
    measure("next message, 2,000 files", 40, "", || drop(black_box(message(&warm, &view))));
    Ok(())
}

fn view_of(folder: &Path) -> std::io::Result<View> {
    let mut roots = Roots::default();
    roots.add(folder)?;
    Ok(Workspace::new(roots).view(&Overlay::default()))
}

fn measure(name: &str, times: usize, goal: &str, mut run: impl FnMut()) {
    let mut samples: Vec<Duration> = (0..times)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    samples.sort();
    let milliseconds = |percent: usize| {
        let index = (samples.len().saturating_sub(1) * percent).div_ceil(100);
        samples.get(index).copied().unwrap_or_default().as_secs_f64() * 1e3
    };
    let row = format!("p50 {:8.3} ms   p99 {:8.3} ms   n {times}", milliseconds(50), milliseconds(99));
    let _ = writeln!(std::io::stdout().lock(), "{name:<48} {row:<44} {goal}");
}

/// 5,000 hunks in 500 files, each of which defines something that others of its hunks use.
fn large_proposal() -> Result<(), Failure> {
    const FILES: usize = 500;
    let folder = tempfile::tempdir()?;
    let name = |n: usize| format!("src/part{}/file{n}.rs", n % 25);
    let mut calls = Vec::new();
    for n in 0..FILES {
        let path = folder.path().join(name(n));
        std::fs::create_dir_all(path.parent().ok_or("no parent")?)?;
        let text = source(40);
        std::fs::write(&path, &text)?;
        let mut proposed = format!("fn helper{n}() -> u32 {{\n    1\n}}\n\n{text}");
        for use_at in 0..9 {
            let old = format!("    x + {}\n", use_at * 4 + 3);
            proposed = proposed.replace(&old, &format!("    x + helper{n}()\n"));
        }
        calls.push(json!({"name": "write_file", "input": {"path": name(n), "content": proposed}}));
    }
    let mut script: String = calls.chunks(100).map(|calls| format!("{}\n", json!({"tools": calls}))).collect();
    script.push_str("{\"text\": \"Done.\"}\n");
    let script = Script::parse("bench.jsonl", &script)?;
    let mut roots = Roots::default();
    roots.add(folder.path())?;
    let builder = Agent::builder().workspace(Workspace::new(roots)).without_state();
    let agent = builder.model_client(Arc::new(script)).build()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(agent.run("Use a helper"))?;
    let session = &result.session;
    let hunks = || session.proposed_files().iter().map(|file| file.hunks.len()).sum::<usize>();
    let needs =
        session.proposed_files().iter().flat_map(|file| &file.hunks).filter(|hunk| !hunk.needs.is_empty()).count();
    if (hunks(), needs) != (5_000, 4_500) {
        return Err(format!("{} hunks, {needs} of which need others", hunks()).into());
    }
    measure("5,000 hunks in 500 files: listed", 20, "<= 100 ms", || {
        black_box(hunks());
    });
    let change = |n: usize| {
        use std::fs::OpenOptions;
        let file = OpenOptions::new().append(true).open(folder.path().join(name(n)));
        file.and_then(|mut file| file.write_all(b"// more\n"))
    };
    let mut n = 0;
    measure("the same after one file changed", 20, "", || {
        n += 1;
        let _ = change(n);
        black_box(hunks());
    });
    measure("the same after every file changed", 3, "", || {
        let _ = (0..FILES).try_for_each(change);
        black_box(hunks());
    });
    Ok(())
}
