//! `claw map`: the symbols of the workspace as an outline.

use std::collections::BTreeSet;
use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::arguments::MapArguments;
use super::describe;
use super::error::{CliError, Exit};
use super::place;
use super::setup::{KEEPING, Setup};
use super::terminal::{ColorChoice, Out, Style, say};
use super::visible::visible;
use crate::context::outline::FileSymbols;
use crate::context::{Index, Listed, Ranking, Rendered, Snapshot, SnapshotState};
use crate::workspace::{DocPath, Exclude, Roots, View};

/// How long a user may be kept waiting for a large workspace; what is known by then is shown.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the repository may be looked at for what was changed.
const GIT: Duration = Duration::from_secs(2);

pub fn run(arguments: &MapArguments, color: ColorChoice) -> Result<Exit, CliError> {
    let setup = Setup::new(&arguments.directory, &[])?;
    let workspace = setup.workspace()?;
    let focus = arguments.focus.as_deref().map(|place| place::focus(&workspace.live(), place)).transpose()?;
    let exclude = Exclude::new(&setup.config().context.exclude)
        .map_err(|error| CliError::usage(format!("context.exclude: {error}")))?;
    let view = workspace.excluding(exclude).live();
    let index = Index::new(Some(setup.cache()));
    let snapshot = index.snapshot(&view, Instant::now() + PATIENCE);
    let start = Instant::now();
    let skip = others(&snapshot, &view, &arguments.paths)?;
    let ranking = Ranking { skip, ..Ranking::of(&view, focus.as_ref(), &|| start.elapsed() > GIT) };
    let tokens = arguments.tokens.unwrap_or(setup.config().context.map_tokens);
    let mut out = Out::stdout(color);
    let rendered = snapshot.render(view.roots(), &ranking, tokens);
    if arguments.json {
        let map = json!({
            "tokens": rendered.tokens,
            "budget": tokens,
            "shown": rendered.shown,
            "files": files(&rendered, view.roots()),
            "text": rendered.text,
        });
        writeln!(out, "{}", serde_json::to_string_pretty(&map)?)?;
    } else {
        for line in rendered.text.lines() {
            write_line(&mut out, line)?;
        }
    }
    out.flush()?;
    if !arguments.json {
        let shown = format!("{} of {}", rendered.shown, describe::amount(rendered.files as u64, "file"));
        say(format_args!("{shown}, {} of {} tokens", describe::count(rendered.tokens), describe::count(tokens)));
    }
    if let SnapshotState::Incomplete { .. } = snapshot.state {
        say("the workspace is larger than could be read in a minute: what is shown is not all");
    }
    index.wait_kept(KEEPING);
    Ok(Exit::Done)
}

/// A line of the map: names of files stand out, line numbers do not.
fn write_line(out: &mut Out, line: &str) -> Result<(), CliError> {
    let palette = out.palette;
    let line = visible(line);
    match line.get(..NUMBER).filter(|number| number.trim().parse::<usize>().is_ok()) {
        Some(number) => {
            writeln!(out, "{}{}", palette.paint(Style::Dim, number), line.get(NUMBER..).unwrap_or_default())?
        }
        None if line.trim_start().starts_with('…') => writeln!(out, "{}", palette.paint(Style::Dim, &line))?,
        None => writeln!(out, "{}", palette.paint(Style::Bold, &line))?,
    }
    Ok(())
}

/// Letters of a line number in a map.
const NUMBER: usize = 6;

/// The files that do not lie beneath `paths`; none where there are none of these.
fn others(snapshot: &Snapshot, view: &View, paths: &[String]) -> Result<BTreeSet<DocPath>, CliError> {
    if paths.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut kept = Vec::new();
    for name in paths {
        let folders = view.roots().resolve_folders(name).map_err(|error| CliError::usage(error.to_string()))?;
        let before = kept.len();
        for (path, _) in &snapshot.files {
            let DocPath::File { root, rel } = path else { continue };
            let beneath = folders.iter().any(|folder| {
                folder.root == *root
                    && (folder.rel.is_empty()
                        || rel.strip_prefix(&*folder.rel).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
            });
            if beneath {
                kept.push(path.clone());
            }
        }
        if kept.len() == before {
            return Err(CliError::usage(format!("{name} names no file of the workspace, or only ignored ones")));
        }
    }
    let all = snapshot.files.iter().map(|(path, _)| path);
    Ok(all.filter(|path| !kept.contains(path)).cloned().collect())
}

/// The named files with their definitions, the most telling first. `shown` are those that stand in the text.
fn files(rendered: &Rendered, roots: &Roots) -> Vec<Value> {
    let file = |file: &Listed| {
        let items = file.symbols.iter().flat_map(FileSymbols::items).enumerate();
        let symbols: Vec<Value> = items
            .map(|(at, item)| {
                let mut symbol = json!({
                    "name": item.name,
                    "kind": item.kind.name(),
                    "line": item.line,
                    "end_line": item.end,
                    "depth": item.depth,
                    "signature": item.signature,
                    "shown": file.shown.contains(&at),
                });
                if let Some(fields) = symbol.as_object_mut().filter(|_| !item.doc.is_empty()) {
                    fields.insert("doc".to_owned(), json!(item.doc));
                }
                symbol
            })
            .collect();
        json!({"path": roots.display(&file.path), "symbols": symbols})
    };
    rendered.listed.iter().map(file).collect()
}
