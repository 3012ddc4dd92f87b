//! A patch as models write it: a unified diff, or the envelope `*** Begin Patch`. Text to a value; nothing here knows files.
//!
//! Read strictly: what is not understood is refused with words for the model, never passed over. Half a patch is no state that
//! anybody meant.

mod envelope;
mod unified;

/// What a patch does to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tools) struct FilePatch {
    pub path: String,
    pub change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tools) enum Change {
    Add(String),
    /// `old` is what stands there, where the patch says so.
    Delete {
        old: Option<String>,
    },
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
    /// Lines above the hunk, from the outermost, as the envelope's `@@ def f():` names them.
    pub anchors: Vec<String>,
    /// It ends with the file.
    pub at_end: bool,
}

/// Most hunks of a patch: each is searched for in its file.
const MOST_HUNKS: usize = 2_000;

/// Reads either form. The error is for the model.
pub(in crate::tools) fn parse(patch: &str) -> Result<Vec<FilePatch>, String> {
    // A `\r` is part of a line of some file, unless all lines of the patch end so.
    let mut lines: Vec<&str> = patch.strip_suffix('\n').unwrap_or(patch).split('\n').collect();
    let plain: Option<Vec<&str>> = lines.iter().map(|line| line.strip_suffix('\r')).collect();
    lines = plain.unwrap_or(lines);
    let is_envelope = lines.iter().any(|line| envelope::begins(line));
    let files = if is_envelope { envelope::read(&lines) } else { unified::read(&lines) }?;
    if files.is_empty() {
        return Err("the patch changes no file: write a unified diff (`--- a/path`, `+++ b/path`, `@@ … @@`), or \
                    `*** Begin Patch`, `*** Update File: path`, lines that begin with ` `, `-` or `+`, `*** End Patch`"
            .to_owned());
    }
    let hunks = files.iter().map(|file| match &file.change {
        Change::Update { hunks, .. } => hunks.len().max(1),
        Change::Add(_) | Change::Delete { .. } => 1,
    });
    let hunks: usize = hunks.sum();
    if hunks > MOST_HUNKS {
        return Err(format!("the patch has {hunks} hunks, and {MOST_HUNKS} are the most: send it in parts"));
    }
    Ok(files)
}

/// The files that a patch names, as it names them; none if it can not be read.
pub fn names(patch: &str) -> Vec<String> {
    let files = parse(patch).unwrap_or_default();
    let names = files.into_iter().flat_map(|file| {
        let to = match file.change {
            Change::Update { to, .. } => to,
            Change::Add(_) | Change::Delete { .. } => None,
        };
        [Some(file.path), to]
    });
    names.flatten().collect()
}

/// What one line does to a hunk.
enum Line<'a> {
    Stays(&'a str),
    Goes(&'a str),
    Comes(&'a str),
}

impl<'a> Line<'a> {
    /// An empty line stands for an empty line that stays: its space is often lost.
    fn of(line: &'a str) -> Option<Line<'a>> {
        let rest = line.get(1..).unwrap_or_default();
        match line.as_bytes() {
            [] => Some(Line::Stays("")),
            [b'\r'] => Some(Line::Stays("\r")),
            [b' ', ..] => Some(Line::Stays(rest)),
            [b'-', ..] => Some(Line::Goes(rest)),
            [b'+', ..] => Some(Line::Comes(rest)),
            _ => None,
        }
    }

    fn is_old(&self) -> bool {
        matches!(self, Line::Stays(_) | Line::Goes(_))
    }

    fn is_new(&self) -> bool {
        matches!(self, Line::Stays(_) | Line::Comes(_))
    }
}

impl Hunk {
    /// Takes a line in. `None` where one has no end already, and so was the last.
    fn add(&mut self, line: &Line) -> Option<()> {
        let (Line::Stays(text) | Line::Goes(text) | Line::Comes(text)) = line;
        let sides = [(line.is_old(), &mut self.old), (line.is_new(), &mut self.new)];
        for (_, side) in sides.into_iter().filter(|(takes, _)| *takes) {
            if !side.is_empty() && !side.ends_with('\n') {
                return None;
            }
            side.push_str(text);
            side.push('\n');
        }
        Some(())
    }

    /// `\ No newline at end of file`, for the line above it.
    fn end_without_newline(&mut self, above: &Line) {
        self.at_end = true;
        for (_, side) in
            [(above.is_old(), &mut self.old), (above.is_new(), &mut self.new)].into_iter().filter(|it| it.0)
        {
            side.pop();
        }
    }

    fn is_empty(&self) -> bool {
        self.old.is_empty() && self.new.is_empty()
    }
}

/// A line of the patch as a message quotes it.
fn quoted(line: &str) -> String {
    const MOST: usize = 80;
    let start: String = line.chars().take(MOST).collect();
    let cut = if start.len() < line.len() { "…" } else { "" };
    format!("`{start}{cut}`")
}

#[cfg(test)]
mod tests;
