//! Listing and searching a [`View`] with ripgrep's own parts, `.gitignore` respected.
//!
//! What is searched is what the view holds: a touched document's proposed text, an open document's buffer, the disk for
//! the rest. Created files appear, deleted ones do not. Results come in the order of names, so that the same workspace
//! gives the same answer.

mod walk;

use grep_matcher::{LineTerminator, Matcher};
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};

use super::disk::{Entries, Entry, read_whole};
use super::halves::in_halves;
use super::view::WHOLE_LIMIT;
use super::{DocPath, ReadError, RootId, View};
use crate::text::Text;
use crate::text::decode::decode;

pub use walk::{Glob, Listing, Scope, ScopeError};

/// Longest pattern, in bytes.
const MAX_PATTERN: usize = 16 * 1024;
/// Most memory that a compiled pattern may take, which also bounds the time of a match.
const MAX_COMPILED: usize = 10 * 1024 * 1024;
/// Longest line that is shown whole, in characters.
const MAX_SHOWN_LINE: usize = 300;

/// A regular expression, matched line by line in linear time.
pub struct Pattern {
    matcher: RegexMatcher,
}

/// Why a pattern can not be used; the text tells the model what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub path: DocPath,
    /// 1-based, as an editor counts.
    pub line: usize,
    /// The line without its break; long ones are cut around the match, with `…` where.
    pub text: String,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub matches: Vec<Match>,
    /// There are more matches than were asked for.
    pub more: bool,
    /// It was stopped before it had seen everything.
    pub stopped: bool,
    /// Files that were looked into.
    pub searched: usize,
    /// Files too large to be searched.
    pub too_large: Vec<DocPath>,
}

impl Pattern {
    pub fn new(pattern: &str, case_sensitive: bool) -> Result<Pattern, PatternError> {
        if pattern.is_empty() {
            return Err(PatternError("the pattern is empty: it would match every line".to_owned()));
        }
        if pattern.len() > MAX_PATTERN {
            let bytes = pattern.len();
            return Err(PatternError(format!(
                "the pattern has {bytes} bytes, more than the {MAX_PATTERN} that are allowed: search for a part of it"
            )));
        }
        let built = RegexMatcherBuilder::new()
            .case_insensitive(!case_sensitive)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_COMPILED)
            .nest_limit(100)
            // `^` and `$` are the ends of a line, whichever way it ends.
            .multi_line(true)
            .crlf(true)
            .build(pattern);
        match built {
            Ok(matcher) => Ok(Pattern { matcher }),
            Err(error) if matches!(error.kind(), grep_regex::ErrorKind::NotAllowed(_)) => Err(PatternError(
                "a pattern is matched line by line, so it can not hold `\\n`: search for one of the lines".to_owned(),
            )),
            Err(error) => Err(PatternError(format!(
                "the pattern is no valid regular expression: {error}. Escape characters that are meant literally with `\\`"
            ))),
        }
    }

    /// A line as a search shows it; `None` if it does not match.
    pub fn shown_line(&self, line: &str) -> Option<String> {
        let at = self.matcher.find(line.as_bytes()).ok().flatten()?;
        Some(shown_line(line.as_bytes(), at.start()))
    }
}

impl View {
    /// The files of all roots, ignored ones left out, at most `limit`.
    pub fn files(&self, limit: usize) -> Listing {
        self.list(&Scope::everything(self.roots()), limit, &|| false)
    }

    /// The files of `scope` in the order of names, ignored ones left out, at most `limit`. Ends early when `cancelled`
    /// says so.
    pub fn list(&self, scope: &Scope, limit: usize, cancelled: &(dyn Fn() -> bool + Sync)) -> Listing {
        let mut listing = walk::list(self, scope, limit, cancelled);
        // The walk goes by names, and a folder may be swapped for a link while it does: what it met there is not ours to name.
        listing.files =
            in_halves(&listing.files, |files| files.iter().filter(|path| self.exists(path)).cloned().collect());
        listing
    }

    /// The same, and for each that is not open or proposed its entry on the disk.
    pub fn list_entries(
        &self,
        scope: &Scope,
        limit: usize,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Vec<(DocPath, Option<Entry>)> {
        in_halves(&walk::list(self, scope, limit, cancelled).files, |files| self.with_entries(files))
    }

    /// Those that are there, with their entries.
    fn with_entries(&self, files: &[DocPath]) -> Vec<(DocPath, Option<Entry>)> {
        let mut with = Vec::with_capacity(files.len());
        let mut entries: Option<(RootId, Entries)> = None;
        for path in files {
            if self.overlay().get(path).is_some() || self.buffers().get(path).is_some() {
                if self.exists(path) {
                    with.push((path.clone(), None));
                }
                continue;
            }
            let Ok((root, rel)) = self.file(path) else { continue };
            if entries.as_ref().is_none_or(|(id, _)| *id != root.id) {
                entries = Some((root.id, Entries::new(&root.dir)));
            }
            if let Some(entry) = entries.as_mut().and_then(|(_, entries)| entries.file(rel)) {
                with.push((path.clone(), Some(entry)));
            }
        }
        with
    }

    /// The lines of `scope` that match, in the order of names and lines, at most `limit`.
    pub fn search(
        &self,
        pattern: &Pattern,
        scope: &Scope,
        limit: usize,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Found {
        let mut found = Found::default();
        // Every file is opened beneath its root before anything of it is told.
        let listing = walk::list(self, scope, usize::MAX, cancelled);
        found.stopped = listing.stopped;
        let mut searcher = SearcherBuilder::new()
            .line_number(true)
            // As the pattern was built: the searcher refuses a matcher that breaks lines elsewhere.
            .line_terminator(LineTerminator::crlf())
            .bom_sniffing(false)
            .binary_detection(BinaryDetection::quit(0))
            .build();
        for path in listing.files {
            if cancelled() {
                found.stopped = true;
                break;
            }
            if !self.search_file(pattern, &mut searcher, &path, limit, &mut found, cancelled) {
                break;
            }
        }
        found
    }

    /// Whether to go on with the next file.
    fn search_file(
        &self,
        pattern: &Pattern,
        searcher: &mut Searcher,
        path: &DocPath,
        limit: usize,
        found: &mut Found,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> bool {
        let mut bytes = match self.bytes_to_search(path) {
            Ok(bytes) => bytes,
            Err(ReadError::TooLarge { .. }) => {
                found.too_large.push(path.clone());
                return true;
            }
            // Gone or unreadable since it was listed: there is nothing to find in it.
            Err(_) => return true,
        };
        end_lines_in_lf(&mut bytes);
        found.searched = found.searched.saturating_add(1);
        let mut sink = Collect { pattern, path, limit, found, cancelled };
        if let Err(error) = searcher.search_slice(&pattern.matcher, &bytes, &mut sink) {
            tracing::warn!(%error, "a file was not searched to its end");
        }
        !found.more && !found.stopped
    }

    /// UTF-8 wherever the file holds text, its byte order mark left out.
    fn bytes_to_search(&self, path: &DocPath) -> Result<Vec<u8>, ReadError> {
        let whole = |text: &Text| text.chunks().flat_map(str::bytes).collect();
        let from_disk = self.overlay().get(path).is_none() && self.buffers().get(path).is_none();
        if !from_disk {
            return self.read(path).map(|document| whole(&document.text));
        }
        let (root, rel) = self.file(path)?;
        let mut bytes = read_whole(&root.dir, rel, &self.roots().display(path), WHOLE_LIMIT)?;
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
            bytes = whole(&decode(&bytes).text);
        } else if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok(bytes)
    }
}

struct Collect<'a> {
    pattern: &'a Pattern,
    path: &'a DocPath,
    limit: usize,
    found: &'a mut Found,
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Sink for Collect<'_> {
    type Error = std::io::Error;

    fn matched(&mut self, _searcher: &Searcher, matched: &SinkMatch<'_>) -> Result<bool, std::io::Error> {
        if (self.cancelled)() {
            self.found.stopped = true;
            return Ok(false);
        }
        if self.found.matches.len() >= self.limit {
            self.found.more = true;
            return Ok(false);
        }
        let line = matched.bytes();
        let at = self.pattern.matcher.find(line).ok().flatten().map_or(0, |at| at.start());
        self.found.matches.push(Match {
            path: self.path.clone(),
            line: matched.line_number().and_then(|line| usize::try_from(line).ok()).unwrap_or(usize::MAX),
            text: shown_line(line, at),
        });
        Ok(true)
    }
}

/// A lone `\r` ends a line for editors, but not for the searcher.
fn end_lines_in_lf(bytes: &mut [u8]) {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\r') {
        let Some((cr, after)) = rest.get_mut(at..).and_then(<[u8]>::split_first_mut) else { return };
        if after.first() != Some(&b'\n') {
            *cr = b'\n';
        }
        rest = after;
    }
}

/// `line`, which matches at byte `at`, without its break and cut to a length that can be shown.
fn shown_line(line: &[u8], at: usize) -> String {
    let end = line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last.saturating_add(1));
    let text = String::from_utf8_lossy(line.get(..end).unwrap_or(line)).into_owned();
    if text.chars().count() <= MAX_SHOWN_LINE {
        return text;
    }
    let lead = String::from_utf8_lossy(line.get(..at).unwrap_or_default()).chars().count();
    let skip = lead.saturating_sub(MAX_SHOWN_LINE / 3);
    let mut shown: String = text.chars().skip(skip).take(MAX_SHOWN_LINE).collect();
    if skip > 0 {
        shown.insert(0, '…');
    }
    if text.chars().count() > skip.saturating_add(MAX_SHOWN_LINE) {
        shown.push('…');
    }
    shown
}
