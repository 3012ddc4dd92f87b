//! Unified diffs, as `git diff` and `diff -u` write them and models imitate them.

use super::{Change, FilePatch, Hunk, Line, quoted};

pub(super) fn read(lines: &[&str]) -> Result<Vec<FilePatch>, String> {
    let mut reader = Reader { lines, at: 0, files: Vec::new(), header: Header::default(), is_in_file: false };
    while let Some(line) = lines.get(reader.at) {
        reader.line(line)?;
    }
    reader.end_header()?;
    Ok(reader.files)
}

/// What stands above the hunks of a file.
#[derive(Default)]
struct Header<'a> {
    /// The name in `diff --git a/NAME b/NAME`, where both are the same.
    name: Option<String>,
    from: Option<&'a str>,
    to: Option<&'a str>,
    is_new: bool,
    is_deleted: bool,
}

struct Reader<'a> {
    lines: &'a [&'a str],
    at: usize,
    files: Vec<FilePatch>,
    header: Header<'a>,
    /// Below `+++`: a line that is none of a diff's is not passed over there.
    is_in_file: bool,
}

impl<'a> Reader<'a> {
    /// Reads what begins with `line`, the line that is next.
    fn line(&mut self, line: &'a str) -> Result<(), String> {
        if is_names(self.lines, self.at) {
            return self.names();
        }
        if line.starts_with("@@") {
            return self.hunk(line);
        }
        let number = self.at + 1;
        self.at += 1;
        if let Some(names) = line.strip_prefix("diff --git ") {
            self.end_header()?;
            self.is_in_file = false;
            self.header.name = same_name(names);
        } else if let Some(path) = line.strip_prefix("rename from ") {
            self.header.from = Some(path.trim());
        } else if let Some(path) = line.strip_prefix("rename to ") {
            self.header.to = Some(path.trim());
        } else if line.starts_with("copy from ") || line.starts_with("copy to ") {
            return Err(format!("line {number} of the patch, {}: a copy is written as a new file", quoted(line)));
        } else if let Some(mode) = line.strip_prefix("new file mode ").or_else(|| line.strip_prefix("new mode ")) {
            self.header.is_new |= line.starts_with("new file mode ");
            if mode.trim() != "100644" {
                return Err(format!(
                    "line {number} of the patch, {}: what kind of file it is and who may run it is not changed by a patch: leave it out",
                    quoted(line)
                ));
            }
        } else if line.starts_with("deleted file mode ") {
            self.header.is_deleted = true;
        } else if line.starts_with("Binary files ") || line.starts_with("GIT binary patch") {
            return Err(format!("line {number} of the patch, {}: only text can be patched", quoted(line)));
        } else if line == "-- " || line == "--" || line.starts_with("```") || line.starts_with("diff ") {
            self.is_in_file = false;
        } else if line.starts_with("--- ") || line.starts_with("+++ ") {
            return Err(format!(
                "line {number} of the patch, {}, names one side of a file only: `--- a/path` and below it `+++ b/path`",
                quoted(line)
            ));
        } else if self.is_in_file && !is_between_files(line) {
            return Err(format!(
                "line {number} of the patch, {}, is not one of the lines that the `@@` above it counts. Count them again, or write \
                 `@@ ... @@` and give enough lines that stay",
                quoted(line)
            ));
        }
        Ok(())
    }

    /// `--- a/path` and `+++ b/path`.
    fn names(&mut self) -> Result<(), String> {
        let side = |at: usize| self.lines.get(at).and_then(|line| line.get(4..)).map(named).unwrap_or_default();
        let (from, to) = sides(side(self.at), side(self.at + 1));
        let number = self.at + 1;
        self.at += 2;
        self.is_in_file = true;
        let renamed = (self.header.from.take().map(str::to_owned), self.header.to.take().map(str::to_owned));
        self.header = Header::default();
        let (path, change) = match (from, to) {
            (None, Some(path)) => (path, Change::Add(String::new())),
            (Some(path), None) => (path, Change::Delete { old: None }),
            (Some(from), Some(to)) if from == to => (from, Change::Update { to: None, hunks: Vec::new() }),
            (Some(from), Some(to)) if renamed == (Some(from.clone()), Some(to.clone())) => {
                (from, Change::Update { to: Some(to), hunks: Vec::new() })
            }
            (Some(from), Some(to)) => {
                return Err(format!(
                    "line {number} of the patch names `{from}` and `{to}`: name the same file twice, or put `rename from {from}` and \
                     `rename to {to}` above if it moves"
                ));
            }
            (None, None) => return Err(format!("line {number} of the patch names no file")),
        };
        self.files.push(FilePatch { path, change });
        Ok(())
    }

    /// A file of which there is nothing but a header: moved, or empty.
    fn end_header(&mut self) -> Result<(), String> {
        let header = std::mem::take(&mut self.header);
        let update = |to| Change::Update { to, hunks: Vec::new() };
        let file = match (header.from, header.to, header.name) {
            (Some(from), Some(to), _) => (from.to_owned(), update(Some(to.to_owned()))),
            (Some(one), None, _) | (None, Some(one), _) => {
                return Err(format!("the patch moves `{one}`, and names one side only: `rename from` and `rename to`"));
            }
            (None, None, Some(name)) if header.is_new => (name, Change::Add(String::new())),
            (None, None, Some(name)) if header.is_deleted => (name, Change::Delete { old: None }),
            (None, None, _) => return Ok(()),
        };
        self.files.push(FilePatch { path: file.0, change: file.1 });
        Ok(())
    }

    fn hunk(&mut self, head: &str) -> Result<(), String> {
        let number = self.at + 1;
        let wrong = |what: &str| Err(format!("line {number} of the patch, {}, {what}", quoted(head)));
        if !self.is_in_file {
            return wrong("stands below no `--- a/path` and `+++ b/path`");
        }
        self.at += 1;
        let mut hunk = Hunk::default();
        let bare = head.trim_matches(['@', ' ', '.', '…']).is_empty();
        match counted(head) {
            Some((start, old, new)) => {
                // A hunk without old lines names the line that it comes behind.
                hunk.line = Some(if old == 0 { start } else { start.saturating_sub(1) });
                self.counted_lines(&mut hunk, old, new)?;
            }
            None if bare => self.lines_to_the_next(&mut hunk)?,
            None => return wrong("should be like `@@ -3,4 +3,5 @@`"),
        }
        let Some(FilePatch { path, change }) = self.files.last_mut() else { return wrong("belongs to no file") };
        match change {
            Change::Update { .. } if hunk.old == hunk.new => wrong(&format!("changes nothing in `{path}`")),
            Change::Update { hunks, .. } => {
                hunks.push(hunk);
                Ok(())
            }
            Change::Add(text) if text.is_empty() && hunk.old.is_empty() => {
                *text = hunk.new;
                Ok(())
            }
            Change::Add(_) => {
                wrong(&format!("is not all of a new file: `{path}` has one hunk of lines that begin with `+`"))
            }
            Change::Delete { old: old @ None } if hunk.new.is_empty() => {
                *old = Some(hunk.old);
                Ok(())
            }
            Change::Delete { .. } => {
                wrong(&format!("does not take all of `{path}` away: that is one hunk of lines that begin with `-`"))
            }
        }
    }

    /// As many lines as the head counts, on each side.
    fn counted_lines(&mut self, hunk: &mut Hunk, mut old: usize, mut new: usize) -> Result<(), String> {
        while (old, new) != (0, 0) {
            let Some(line) = self.lines.get(self.at) else {
                return Err(format!(
                    "the last hunk of the patch ends before all the lines that its `@@` counts: {old} old and {new} new ones are missing"
                ));
            };
            if self.without_newline(hunk, line) {
                continue;
            }
            let takes =
                Line::of(line).filter(|line| old >= usize::from(line.is_old()) && new >= usize::from(line.is_new()));
            let Some(line) = takes.filter(|line| hunk.add(line).is_some()) else {
                return Err(format!(
                    "line {} of the patch, {}, is not one of the lines that the `@@` above it counts. Count them again, or write \
                     `@@ ... @@` and give enough lines that stay",
                    self.at + 1,
                    quoted(line)
                ));
            };
            old -= usize::from(line.is_old());
            new -= usize::from(line.is_new());
            self.at += 1;
        }
        if let Some(line) = self.lines.get(self.at) {
            self.without_newline(hunk, line);
        }
        Ok(())
    }

    /// All lines up to the next head of a hunk or a file. Empty ones at the end part it from what follows.
    fn lines_to_the_next(&mut self, hunk: &mut Hunk) -> Result<(), String> {
        let mut empty = 0;
        while let Some(line) = self.lines.get(self.at) {
            let is_head = line.starts_with("@@") || line.starts_with("diff ") || is_names(self.lines, self.at);
            if is_head || *line == "-- " || line.starts_with("```") {
                break;
            }
            if self.without_newline(hunk, line) {
                continue;
            }
            if line.is_empty() {
                empty += 1;
            } else {
                let added = Line::of(line).and_then(|line| {
                    (0..std::mem::take(&mut empty)).try_for_each(|_| hunk.add(&Line::Stays("")))?;
                    hunk.add(&line)
                });
                if added.is_none() {
                    return Err(format!(
                        "line {} of the patch, {}, does not begin with ` `, `-` or `+`",
                        self.at + 1,
                        quoted(line)
                    ));
                }
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Whether `line`, the next, says that the one above it has no end.
    fn without_newline(&mut self, hunk: &mut Hunk, line: &str) -> bool {
        if !line.starts_with('\\') {
            return false;
        }
        let above = self.at.checked_sub(1).and_then(|above| self.lines.get(above));
        if let Some(above) = above.and_then(|above| Line::of(above)) {
            hunk.end_without_newline(&above);
        }
        self.at += 1;
        true
    }
}

/// Whether the names of a file's two sides stand there: a line that goes may begin with two dashes too.
fn is_names(lines: &[&str], at: usize) -> bool {
    let begins = |at: usize, with| lines.get(at).is_some_and(|line: &&str| line.starts_with(with));
    begins(at, "--- ") && begins(at + 1, "+++ ")
}

/// Whether a line may stand between the hunks of one file and the head of the next.
fn is_between_files(line: &str) -> bool {
    const HEADS: [&str; 8] =
        ["index ", "old mode ", "similarity index ", "dissimilarity index ", "Index: ", "=====", "Only in ", "*** End"];
    line.trim().is_empty() || HEADS.iter().any(|head| line.starts_with(head))
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
fn named(path: &str) -> Option<String> {
    let path = path.split('\t').next().unwrap_or_default().trim_end();
    let path = match path.strip_prefix('"').and_then(|path| path.strip_suffix('"')) {
        Some(escaped) => unescaped(escaped),
        None => path.to_owned(),
    };
    (path != "/dev/null").then_some(path)
}

/// Both names without the prefixes that tell the sides apart: `a/` and `b/`, or others that git can be told to write.
fn sides(from: Option<String>, to: Option<String>) -> (Option<String>, Option<String>) {
    let without =
        |path: &str, prefixes: &[&str]| prefixes.iter().find_map(|prefix| path.strip_prefix(prefix)).map(str::to_owned);
    const OLD: [&str; 4] = ["a/", "i/", "c/", "o/"];
    const NEW: [&str; 4] = ["b/", "w/", "i/", "c/"];
    match (&from, &to) {
        (Some(old), Some(new)) => match (without(old, &OLD), without(new, &NEW)) {
            (Some(old), Some(new)) if from != to => (Some(old), Some(new)),
            _ => (from, to),
        },
        (Some(old), None) => (without(old, &["a/"]).or(from), None),
        (None, Some(new)) => (None, without(new, &["b/"]).or(to)),
        (None, None) => (None, None),
    }
}

/// The name in `a/NAME b/NAME`, where both are the same.
fn same_name(names: &str) -> Option<String> {
    let names = names.trim_end();
    let half = names.len().checked_sub(1)? / 2;
    let (from, to) = (names.get(..half)?, names.get(half..)?.strip_prefix(' ')?);
    let (from, to) = sides(named(from), named(to));
    from.filter(|from| Some(from) == to.as_ref())
}

/// A name as git quotes it: `\303\251` for a byte, and the escapes of C.
fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(digit @ b'0'..=b'7') => {
                let mut value = u32::from(digit - b'0');
                for _ in 0..2 {
                    let Some(digit) = rest.next_if(|byte| (b'0'..=b'7').contains(byte)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                }
                bytes.push(u8::try_from(value).unwrap_or(b'?'));
            }
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'r') => bytes.push(b'\r'),
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
