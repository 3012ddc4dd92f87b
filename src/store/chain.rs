//! What tells that a trace was edited by hand: a file beside it that holds a hash for each of its lines, made of the line and of the
//! hash before.
//!
//! It is no signature: who edits both files well is not found out. A line is written before its hash, so a process that dies between
//! the two leaves lines without one, which the next to open the trace takes as they are; so it does with a trace from before there
//! were chains. What such a line holds nobody here knows.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::files;
use super::journal::whole_lines;

/// Hexadecimal digits of a hash.
const DIGITS: usize = 16;

/// A trace that is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// From this line on, 1-based.
    Line(usize),
    /// So many lines are missing at the end.
    Missing(usize),
}

/// The chain of a trace that is open for appending.
#[derive(Debug)]
pub(in crate::store) struct Chain {
    file: File,
    last: String,
    /// Hashes that the disk did not take.
    waiting: String,
}

impl Chain {
    /// Goes on from what stands in `trace`, which nobody else writes. A line that was edited stays one: its hash is not made anew.
    pub fn open(trace: &Path) -> io::Result<Chain> {
        let path = beside(trace);
        let (lines, mut hashes) = (whole_lines(trace)?, read(&path)?);
        hashes.truncate(lines.len());
        let file = files::private(OpenOptions::new().append(true).create(true)).open(&path)?;
        // A torn last hash goes, and those of lines that are missing.
        file.set_len((hashes.len() * (DIGITS + 1)) as u64)?;
        let last = hashes.last().cloned().unwrap_or_default();
        let mut chain = Chain { file, last, waiting: String::new() };
        lines.iter().skip(hashes.len()).for_each(|line| chain.link(line));
        chain.write();
        Ok(chain)
    }

    /// A line was appended to the trace. A disk that does not take its hash gets it with the next.
    pub fn add(&mut self, line: &str) {
        self.link(line);
        self.write();
    }

    fn link(&mut self, line: &str) {
        self.last = link(&self.last, line);
        self.waiting.push_str(&self.last);
        self.waiting.push('\n');
    }

    fn write(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let length = self.file.metadata().map(|metadata| metadata.len());
        match self.file.write_all(self.waiting.as_bytes()) {
            Ok(()) => self.waiting.clear(),
            Err(error) => {
                tracing::warn!(%error, "what tells that a trace was edited can not be written");
                let _ = length.and_then(|length| self.file.set_len(length));
            }
        }
    }
}

/// Where a trace is not as it was written. Changes nothing.
pub(in crate::store) fn check(trace: &Path) -> io::Result<Option<Edited>> {
    // In this order: lines may be added meanwhile.
    let hashes = read(&beside(trace))?;
    let lines = whole_lines(trace)?;
    let valid = valid(&lines, &hashes);
    Ok(match hashes.len().checked_sub(valid) {
        None | Some(0) => None,
        Some(missing) if valid == lines.len() => Some(Edited::Missing(missing)),
        Some(_) => Some(Edited::Line(valid.saturating_add(1))),
    })
}

/// How many lines from the first are as they were written.
fn valid(lines: &[String], hashes: &[String]) -> usize {
    let is_valid = |(at, (line, hash)): &(usize, (&String, &String))| **hash == link(before(hashes, *at), line);
    lines.iter().zip(hashes).enumerate().take_while(is_valid).count()
}

fn before(hashes: &[String], at: usize) -> &str {
    at.checked_sub(1).and_then(|before| hashes.get(before)).map_or("", String::as_str)
}

fn link(before: &str, line: &str) -> String {
    let hash = blake3::Hasher::new().update(before.as_bytes()).update(line.as_bytes()).finalize().to_hex();
    hash.get(..DIGITS).unwrap_or_default().to_owned()
}

fn beside(trace: &Path) -> PathBuf {
    trace.with_extension("chain")
}

fn read(path: &Path) -> io::Result<Vec<String>> {
    match whole_lines(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        // What is no hash matches no line; but of what has another length no place would be right.
        lines => Ok(lines?.into_iter().take_while(|line| line.len() == DIGITS).collect()),
    }
}
