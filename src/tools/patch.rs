//! A patch as models write it: a unified diff, or the envelope `*** Begin Patch`. Text to a value; nothing here knows files.

use std::borrow::Cow;

/// What a patch does to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tools) struct FilePatch {
    pub path: String,
    pub change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tools) enum Change {
    Add(String),
    Delete,
    /// Changes what is there, and moves it if there is another name.
    Update {
        to: Option<String>,
        hunks: Vec<Hunk>,
    },
}

/// Lines that stand together, and what comes in their place. Each line ends with `\n`, but for a last one that a diff says has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tools) struct Hunk {
    pub old: String,
    pub new: String,
    /// The first line of `old`, from 0, as a unified diff counts it.
    pub line: Option<usize>,
    /// A line above the hunk, as the envelope's `@@ def f():` names it.
    pub anchor: Option<String>,
    /// It ends with the file.
    pub at_end: bool,
}

/// Reads either form. The error is for the model.
pub(in crate::tools) fn parse(patch: &str) -> Result<Vec<FilePatch>, String> {
    let patch = crate::text::LineEnding::Lf.normalize(patch);
    let lines: Vec<&str> = patch.strip_suffix('\n').unwrap_or(&patch).split('\n').collect();
    let is_envelope = lines.iter().any(|line| line.starts_with("*** Begin Patch") || section(line).is_some());
    let files = if is_envelope { envelope(&lines) } else { unified(&lines) }?;
    if files.is_empty() {
        return Err("the patch changes no file: write a unified diff (`--- a/path`, `+++ b/path`, `@@ … @@`), or \
                    `*** Begin Patch`, `*** Update File: path`, lines that begin with ` `, `-` or `+`, `*** End Patch`"
            .to_owned());
    }
    Ok(files)
}

/// The files that a patch names, as it names them; none if it can not be read.
pub fn names(patch: &str) -> Vec<String> {
    let files = parse(patch).unwrap_or_default();
    let names = files.into_iter().flat_map(|file| {
        let to = match file.change {
            Change::Update { to, .. } => to,
            Change::Add(_) | Change::Delete => None,
        };
        [Some(file.path), to]
    });
    names.flatten().collect()
}

enum Section<'a> {
    Add(&'a str),
    Delete(&'a str),
    Update(&'a str),
}

fn section(line: &str) -> Option<Section<'_>> {
    let named = |word| line.strip_prefix(word).map(str::trim);
    let add = named("*** Add File:").map(Section::Add);
    add.or_else(|| named("*** Delete File:").map(Section::Delete))
        .or_else(|| named("*** Update File:").map(Section::Update))
}

fn envelope(lines: &[&str]) -> Result<Vec<FilePatch>, String> {
    let mut files: Vec<FilePatch> = Vec::new();
    let mut hunk: Option<Hunk> = None;
    for (number, line) in (1_usize..).zip(lines) {
        if let Some(section) = section(line) {
            end_hunk(&mut files, &mut hunk);
            let (path, change) = match section {
                Section::Add(path) => (path, Change::Add(String::new())),
                Section::Delete(path) => (path, Change::Delete),
                Section::Update(path) => (path, Change::Update { to: None, hunks: Vec::new() }),
            };
            files.push(FilePatch { path: path.to_owned(), change });
            continue;
        }
        if line.starts_with("*** Begin Patch") || line.starts_with("*** End Patch") {
            end_hunk(&mut files, &mut hunk);
            continue;
        }
        let wrong = |what: &str| Err(format!("line {number} of the patch, `{line}`, {what}"));
        match files.last_mut().map(|file| &mut file.change) {
            None if line.trim().is_empty() => {}
            None => return wrong("stands before the first `*** Update File: path`"),
            Some(Change::Add(text)) => match line.strip_prefix('+') {
                Some(line) => push(text, line),
                None if line.is_empty() => {}
                None => return wrong("does not begin with `+`, as every line of a new file does"),
            },
            Some(Change::Delete) if line.trim().is_empty() => {}
            Some(Change::Delete) => return wrong("stands below `*** Delete File`, which takes no lines"),
            Some(Change::Update { to, .. }) => {
                if let Some(path) = line.strip_prefix("*** Move to:") {
                    *to = Some(path.trim().to_owned());
                } else if let Some(anchor) = line.strip_prefix("@@") {
                    end_hunk(&mut files, &mut hunk);
                    let anchor = anchor.trim().trim_end_matches("@@").trim();
                    let anchor = Some(anchor).filter(|anchor| !anchor.is_empty()).map(str::to_owned);
                    hunk = Some(Hunk { anchor, ..Hunk::default() });
                } else if line.starts_with("*** End of File") {
                    hunk.get_or_insert_default().at_end = true;
                } else if !add(hunk.get_or_insert_default(), line) {
                    return wrong("does not begin with ` `, `-` or `+`");
                }
            }
        }
    }
    end_hunk(&mut files, &mut hunk);
    Ok(files)
}

fn unified(lines: &[&str]) -> Result<Vec<FilePatch>, String> {
    let mut files: Vec<FilePatch> = Vec::new();
    let mut hunk: Option<Hunk> = None;
    // Lines of the hunk that are still to come, old and new.
    let mut left = (0_usize, 0_usize);
    let mut from: Option<String> = None;
    let mut renamed: Option<String> = None;
    for (number, line) in (1_usize..).zip(lines) {
        if left != (0, 0)
            && let Some(hunk) = &mut hunk
        {
            if line.starts_with('\\') {
                end_without_newline(hunk, lines.get(number.saturating_sub(2)).copied().unwrap_or_default());
                continue;
            }
            let (old, new) = match line.as_bytes().first() {
                Some(b'-') => (1, 0),
                Some(b'+') => (0, 1),
                _ => (1, 1),
            };
            if left.0 < old || left.1 < new || !add(hunk, line) {
                return Err(format!(
                    "line {number} of the patch, `{line}`, is not one of the lines that the `@@` above it counts"
                ));
            }
            left = (left.0 - old, left.1 - new);
            continue;
        }
        if line.starts_with('\\') {
            if let Some(hunk) = &mut hunk {
                end_without_newline(hunk, lines.get(number.saturating_sub(2)).copied().unwrap_or_default());
            }
        } else if let Some(path) = line.strip_prefix("rename from ") {
            end_hunk(&mut files, &mut hunk);
            renamed = Some(path.trim().to_owned());
        } else if let (Some(to), Some(path)) = (line.strip_prefix("rename to "), &renamed) {
            let change = Change::Update { to: Some(to.trim().to_owned()), hunks: Vec::new() };
            files.push(FilePatch { path: path.clone(), change });
        } else if let Some(path) = line.strip_prefix("--- ") {
            end_hunk(&mut files, &mut hunk);
            from = named(path, "a/");
        } else if let Some(path) = line.strip_prefix("+++ ") {
            let to = named(path, "b/");
            let file = match (from.take(), to) {
                (None, Some(path)) => FilePatch { path, change: Change::Add(String::new()) },
                (Some(path), None) => FilePatch { path, change: Change::Delete },
                (Some(_), Some(_)) if renamed.take().is_some() => continue,
                (Some(from), Some(to)) => {
                    let other = Some(to).filter(|to| *to != from);
                    FilePatch { path: from, change: Change::Update { to: other, hunks: Vec::new() } }
                }
                (None, None) => return Err(format!("line {number} of the patch names no file")),
            };
            files.push(file);
        } else if line.starts_with("@@") {
            end_hunk(&mut files, &mut hunk);
            if files.is_empty() {
                return Err(format!("line {number} of the patch, `{line}`, stands before the first `+++ b/path`"));
            }
            let Some((start, old, new)) = counted(line) else {
                return Err(format!("line {number} of the patch, `{line}`, should be like `@@ -3,4 +3,5 @@`"));
            };
            // A hunk without old lines names the line that it comes behind.
            let start = if old == 0 { start } else { start.saturating_sub(1) };
            hunk = Some(Hunk { line: Some(start), ..Hunk::default() });
            left = (old, new);
        }
    }
    if left != (0, 0) {
        return Err("the last hunk of the patch ends before all the lines that its `@@` counts".to_owned());
    }
    end_hunk(&mut files, &mut hunk);
    Ok(files)
}

/// `@@ -start,old +start,new @@`; a count that is left out is 1.
fn counted(line: &str) -> Option<(usize, usize, usize)> {
    let mut words = line.strip_prefix("@@")?.split_whitespace();
    let side = |word: Option<&str>, sign| -> Option<(usize, usize)> {
        let numbers = word?.strip_prefix(sign)?;
        let (start, count) = numbers.split_once(',').unwrap_or((numbers, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    let (start, old) = side(words.next(), '-')?;
    let (_, new) = side(words.next(), '+')?;
    Some((start, old, new))
}

/// A file's name in a header, without the time that some tools put behind it; `None` for no file.
fn named(path: &str, prefix: &str) -> Option<String> {
    let path = path.split('\t').next().unwrap_or_default().trim_end();
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path);
    (path != "/dev/null").then(|| path.strip_prefix(prefix).unwrap_or(path).to_owned())
}

/// Takes a line into the hunk. An empty line stands for an empty line that stays: its space is often lost.
fn add(hunk: &mut Hunk, line: &str) -> bool {
    match (line.get(..1), line.get(1..)) {
        (Some("-"), Some(line)) => push(&mut hunk.old, line),
        (Some("+"), Some(line)) => push(&mut hunk.new, line),
        (Some(" "), Some(line)) => {
            push(&mut hunk.old, line);
            push(&mut hunk.new, line);
        }
        _ if line.is_empty() => {
            push(&mut hunk.old, "");
            push(&mut hunk.new, "");
        }
        _ => return false,
    }
    true
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// `\ No newline at end of file`, for the line above it.
fn end_without_newline(hunk: &mut Hunk, above: &str) {
    hunk.at_end = true;
    let sides: Cow<'_, str> = above.chars().take(1).collect();
    if sides != "+" && hunk.old.ends_with('\n') {
        hunk.old.pop();
    }
    if sides != "-" && hunk.new.ends_with('\n') {
        hunk.new.pop();
    }
}

fn end_hunk(files: &mut [FilePatch], hunk: &mut Option<Hunk>) {
    let Some(hunk) = hunk.take() else { return };
    match files.last_mut().map(|file| &mut file.change) {
        Some(Change::Update { hunks, .. }) if hunk.old != hunk.new => hunks.push(hunk),
        Some(Change::Add(text)) => text.push_str(&hunk.new),
        Some(Change::Update { .. } | Change::Delete) | None => {}
    }
}
