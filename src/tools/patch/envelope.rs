//! The envelope: `*** Begin Patch`, a section for each file, `*** End Patch`.

use super::{Change, FilePatch, Hunk, Line, quoted};

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";

/// Whether a line says that this is one.
pub(super) fn begins(line: &str) -> bool {
    line.starts_with(BEGIN) || section(line).is_some()
}

pub(super) fn read(lines: &[&str]) -> Result<Vec<FilePatch>, String> {
    let begin = lines.iter().position(|line| line.starts_with(BEGIN));
    let end = lines.iter().rposition(|line| line.starts_with(END));
    let inside = match (begin, end) {
        // What stands around it, a fence or a shell's words, is none of it.
        (Some(begin), Some(end)) if begin < end => begin..end,
        (Some(_), _) => {
            return Err(format!("the patch does not end with `{END}`: it may be cut short, send all of it"));
        }
        (None, end) => 0..end.unwrap_or(lines.len()),
    };
    let mut reader = Reader::default();
    for (number, line) in (1_usize..).zip(lines).take(inside.end).skip(inside.start) {
        reader.line(line).map_err(|what| format!("line {number} of the patch, {}, {what}", quoted(line)))?;
    }
    reader.end_hunk()?;
    Ok(reader.files)
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

#[derive(Default)]
struct Reader {
    files: Vec<FilePatch>,
    hunk: Option<Hunk>,
    /// Empty lines that belong to what stands above them only if more of it follows: else they part two sections.
    empty: usize,
}

impl Reader {
    /// Takes the next line in. The error says what is wrong with it.
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(section) = section(line) {
            self.end_hunk()?;
            let (path, change) = match section {
                Section::Add(path) => (path, Change::Add(String::new())),
                Section::Delete(path) => (path, Change::Delete { old: None }),
                Section::Update(path) => (path, Change::Update { to: None, hunks: Vec::new() }),
            };
            if path.is_empty() {
                return Err("names no file".to_owned());
            }
            self.files.push(FilePatch { path: path.to_owned(), change });
            return Ok(());
        }
        if line.starts_with(BEGIN) || line.starts_with(END) {
            return self.end_hunk();
        }
        if line.is_empty() {
            self.empty += 1;
            return Ok(());
        }
        match self.files.last_mut().map(|file| &mut file.change) {
            None if line.trim().is_empty() => Ok(()),
            None => Err("stands before the first `*** Update File: path`".to_owned()),
            Some(Change::Add(text)) => {
                let Some(line) = line.strip_prefix('+') else {
                    return Err("does not begin with `+`, as every line of a new file does".to_owned());
                };
                text.push_str(&"\n".repeat(std::mem::take(&mut self.empty)));
                text.push_str(line);
                text.push('\n');
                Ok(())
            }
            Some(Change::Delete { .. }) if line.trim().is_empty() => Ok(()),
            Some(Change::Delete { .. }) => Err("stands below `*** Delete File`, which takes no lines".to_owned()),
            Some(Change::Update { to, .. }) => {
                if let Some(path) = line.strip_prefix("*** Move to:") {
                    *to = Some(path.trim().to_owned());
                    Ok(())
                } else if let Some(anchor) = line.strip_prefix("@@") {
                    self.begin_hunk(anchor)
                } else if line.starts_with("*** End of File") {
                    self.empty = 0;
                    self.hunk.get_or_insert_default().at_end = true;
                    Ok(())
                } else {
                    self.hunk_line(line)
                }
            }
        }
    }

    fn begin_hunk(&mut self, anchor: &str) -> Result<(), String> {
        let anchor = anchor.trim().trim_end_matches("@@").trim();
        // Line numbers, which nobody asked for: the lines say where the hunk belongs.
        let is_count =
            anchor.starts_with('-') && anchor.contains('+') && anchor.bytes().any(|byte| byte.is_ascii_digit());
        let anchor = Some(anchor).filter(|anchor| !anchor.is_empty() && !is_count).map(str::to_owned);
        // `@@ class A` and then `@@ def f():` are one way down.
        if let (Some(hunk), Some(anchor)) = (&mut self.hunk, &anchor)
            && hunk.is_empty()
            && !hunk.anchors.is_empty()
        {
            hunk.anchors.push(anchor.clone());
            return Ok(());
        }
        self.end_hunk()?;
        self.hunk = Some(Hunk { anchors: anchor.into_iter().collect(), ..Hunk::default() });
        Ok(())
    }

    fn hunk_line(&mut self, line: &str) -> Result<(), String> {
        let Some(line) = Line::of(line) else { return Err("does not begin with ` `, `-` or `+`".to_owned()) };
        if self.hunk.as_ref().is_some_and(|hunk| hunk.at_end) {
            return Err("stands below `*** End of File`".to_owned());
        }
        let hunk = self.hunk.get_or_insert_default();
        for _ in 0..std::mem::take(&mut self.empty) {
            hunk.add(&Line::Stays(""));
        }
        hunk.add(&line);
        Ok(())
    }

    fn end_hunk(&mut self) -> Result<(), String> {
        self.empty = 0;
        let Some(hunk) = self.hunk.take().filter(|hunk| !hunk.is_empty()) else { return Ok(()) };
        let Some(FilePatch { path, change: Change::Update { hunks, .. } }) = self.files.last_mut() else {
            return Ok(());
        };
        if hunk.old == hunk.new {
            return Err(format!("ends a hunk of `{path}` that changes nothing"));
        }
        hunks.push(hunk);
        Ok(())
    }
}
