//! What a shadow of 20,000 files costs beside `cp -a` and a walk that stats them: `cargo bench --bench shadow`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use claw::workspace::shadow::Shadow;
use claw::workspace::{Author, Overlay, Roots, Workspace};

type Failure = Box<dyn std::error::Error>;

const FILES: usize = 20_000;
/// Each is measured so often, in turns, and the medians are compared: the machine is not the same from one second to the next.
const ROUNDS: usize = 5;

fn main() -> Result<(), Failure> {
    let folder = tempfile::Builder::new().prefix("claw-bench-").tempdir()?;
    let root = folder.path().canonicalize()?.join("ws");
    make_tree(&root)?;
    let mut roots = Roots::default();
    roots.add(&root)?;
    let workspace = Workspace::new(roots);
    let (mut copies, mut firsts) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let copy = folder.path().join(format!("copy-{round}"));
        copies.push(timed(|| copy_all(&root, &copy))?);
        std::fs::remove_dir_all(&copy)?;
        let cache = folder.path().join(format!("cache-{round}"));
        let mut shadow = Shadow::take(&cache, &workspace.roots())?;
        firsts.push(timed(|| sync(&mut shadow, &workspace, FILES))?);
        drop(shadow);
        std::fs::remove_dir_all(&cache)?;
    }
    let copy = show("cp -a", copies, "");
    let first = show("first sync", firsts, "<= 1.5 x cp -a");
    let mut shadow = Shadow::take(&folder.path().join("cache"), &workspace.roots())?;
    sync(&mut shadow, &workspace, FILES)?;
    absorb(&mut shadow, &workspace)?;
    let (mut walks, mut idle, mut one, mut looks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS * 3 {
        walks.push(timed(|| walk(&root).map(drop))?);
        idle.push(timed(|| sync(&mut shadow, &workspace, 0))?);
        std::fs::write(root.join("d0/e0/f0.rs"), format!("// round {round}\n"))?;
        one.push(timed(|| sync(&mut shadow, &workspace, 1))?);
        looks.push(timed(|| absorb(&mut shadow, &workspace))?);
    }
    let walk = show("one walk that stats", walks, "");
    let idle = show("sync, nothing changed", idle, "<= 1.5 x the walk");
    let one = show("sync, one file changed", one, "<= 1.5 x the walk");
    show("absorb, nothing changed", looks, "");
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    let mut out = std::io::stdout().lock();
    writeln!(out, "first sync / cp -a        {:6.2}   <= 1.50", ratio(first, copy))?;
    writeln!(out, "idle sync / walk          {:6.2}   <= 1.50", ratio(idle, walk))?;
    writeln!(out, "one-file sync / walk      {:6.2}   <= 1.50", ratio(one, walk))?;
    Ok(())
}

/// 20,000 files of 1 to 12 KiB in 1,000 folders, and outputs of builds that are ignored.
fn make_tree(root: &Path) -> Result<(), Failure> {
    for outer in 0..100 {
        for inner in 0..10 {
            let folder = root.join(format!("d{outer}/e{inner}"));
            std::fs::create_dir_all(&folder)?;
            for file in 0..FILES / 1_000 {
                let lines = 30 + (outer * 7 + inner * 13 + file * 29) % 340;
                let text: String = (0..lines).map(|line| format!("let x{line} = {outer} + {file};\n")).collect();
                std::fs::write(folder.join(format!("f{file}.rs")), text)?;
            }
        }
    }
    std::fs::write(root.join("d0/.gitignore"), "*.log\n")?;
    std::fs::remove_file(root.join("d1/e1/f1.rs"))?;
    Ok(())
}

fn copy_all(from: &Path, to: &Path) -> Result<(), Failure> {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status()?;
    if done.success() { Ok(()) } else { Err("cp failed".into()) }
}

fn sync(shadow: &mut Shadow, workspace: &Workspace, written: usize) -> Result<(), Failure> {
    let synced = shadow.sync(&workspace.live(), &|| false)?;
    if synced.written == written { Ok(()) } else { Err(format!("{synced:?}, not {written} files").into()) }
}

fn absorb(shadow: &mut Shadow, workspace: &Workspace) -> Result<(), Failure> {
    let absorbed = shadow.absorb(&workspace.live(), &mut Overlay::default(), &Author::default())?;
    if absorbed.is_empty() { Ok(()) } else { Err(format!("{absorbed:?}").into()) }
}

/// The number of files, each of them looked at.
fn walk(root: &Path) -> Result<usize, Failure> {
    let mut files = 0;
    let mut folders: Vec<PathBuf> = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.metadata()?.is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
            }
        }
    }
    if files == FILES { Ok(files) } else { Err(format!("{files} files").into()) }
}

fn timed(run: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed())
}

fn show(name: &str, mut samples: Vec<Duration>, goal: &str) -> Duration {
    samples.sort();
    let median = samples.get(samples.len() / 2).copied().unwrap_or_default();
    let (first, last) = (samples.first().copied().unwrap_or_default(), samples.last().copied().unwrap_or_default());
    let _ = writeln!(std::io::stdout().lock(), "{name:<26} p50 {median:>9.2?}   {first:.2?} to {last:.2?}   {goal}");
    median
}
