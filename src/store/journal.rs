//! An append-only file of JSON lines, flushed line by line.
//!
//! A crash can tear the last line: reading drops it, opening for appending cuts it off. One process writes at a time: the
//! journal is locked while it is open.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::chain::Chain;
use super::files;

/// Bytes looked at in one step when the end of the last whole line is sought.
const BLOCK: u64 = 64 * 1024;

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// Bytes of whole lines: what an append that failed half-way is cut back to.
    length: u64,
    chain: Option<Chain>,
}

impl Journal {
    /// Opens `path` for appending; a torn last line is cut off first. Mode 0600. [`io::ErrorKind::WouldBlock`] if another
    /// process has it open.
    pub fn open(path: &Path) -> io::Result<Journal> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        let mut file = files::private(&mut options).open(path)?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::WouldBlock, "the session is open in another process")
            }
            std::fs::TryLockError::Error(error) => error,
        })?;
        let length = end_of_last_line(&mut file)?;
        if length < file.metadata()?.len() {
            file.set_len(length)?;
        }
        Ok(Journal { file, length, chain: None })
    }

    /// Like [`Journal::open`], and keeps beside `path` what tells that it was edited by hand.
    pub fn open_chained(path: &Path) -> io::Result<Journal> {
        let journal = Journal::open(path)?;
        let chain = Chain::open(path)
            .inspect_err(|error| tracing::warn!(%error, "what tells that a trace was edited can not be kept"));
        Ok(Journal { chain: chain.ok(), ..journal })
    }

    /// Appends one line and hands it to the operating system before it returns. If that fails nothing of it stays.
    pub fn append(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.append_line(&serde_json::to_string(line)?)
    }

    /// Like [`Journal::append`] with a line that is JSON already.
    pub fn append_line(&mut self, line: &str) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        match self.file.write_all(&bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                if let Some(chain) = &mut self.chain {
                    chain.add(line);
                }
                Ok(())
            }
            Err(error) => {
                // If this fails too, the next reader drops the torn line.
                let _ = self.file.set_len(self.length);
                Err(error)
            }
        }
    }
}

/// The lines of a journal that can be read. Lines of an unknown kind are passed over; reading ends at the first that is no
/// JSON, because nothing after it can be trusted to follow.
pub fn read_journal<T: DeserializeOwned>(path: &Path) -> io::Result<Vec<T>> {
    Ok(read_lines(path)?.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Like [`read_journal`], one after the other: for a journal that is larger than memory should hold.
pub fn stream_journal<T: DeserializeOwned>(path: &Path) -> io::Result<impl Iterator<Item = io::Result<T>> + use<T>> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    let mut next = move || {
        loop {
            bytes.clear();
            reader.read_until(b'\n', &mut bytes)?;
            let line = bytes.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
            let Some(line) = line else { return Ok(None) };
            match serde_json::from_str(line) {
                Ok(value) => return Ok(Some(value)),
                Err(_) if serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok() => {}
                Err(_) => return Ok(None),
            }
        }
    };
    Ok(std::iter::from_fn(move || next().transpose()))
}

/// The whole lines of a journal as they stand, up to the first that is no JSON.
pub fn read_lines(path: &Path) -> io::Result<Vec<String>> {
    let mut lines = whole_lines(path)?;
    let is_json = |line: &String| serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok();
    let readable = lines.iter().take_while(|line| is_json(line)).count();
    lines.truncate(readable);
    Ok(lines)
}

/// The lines that end, up to the first that is no text. Cheaper than [`read_lines`]: nothing is parsed.
pub(in crate::store) fn whole_lines(path: &Path) -> io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    let whole = bytes.split_inclusive(|byte| *byte == b'\n').map_while(|line| line.strip_suffix(b"\n"));
    Ok(whole.map_while(|line| std::str::from_utf8(line).ok()).map(str::to_owned).collect())
}

fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(start))?;
        let mut block = Vec::new();
        Read::by_ref(file).take(end - start).read_to_end(&mut block)?;
        if let Some(at) = block.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn streamed(path: &Path) -> Vec<Value> {
        stream_journal(path).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_torn_last_line_is_dropped_on_reading_and_cut_on_opening() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let whole = "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n";
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let lines = whole[..cut].matches('\n').count();
            let expected: Vec<Value> = (1..=lines).map(|n| json!({ "n": n })).collect();
            assert_eq!(read_journal::<Value>(&path).unwrap(), expected, "cut at {cut}");
            assert_eq!(streamed(&path), expected, "streamed, cut at {cut}");

            Journal::open(&path).unwrap().append(&json!({"n": "new"})).unwrap();
            let mut after = expected.clone();
            after.push(json!({"n": "new"}));
            assert_eq!(read_journal::<Value>(&path).unwrap(), after, "appended after a cut at {cut}");
        }
    }

    #[test]
    fn reading_ends_at_a_line_that_is_no_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        std::fs::write(&path, b"{\"n\":1}\n\0\0\0\0\n{\"n\":3}\n").unwrap();
        assert_eq!(read_journal::<Value>(&path).unwrap(), [json!({"n": 1})]);
        assert_eq!(streamed(&path), [json!({"n": 1})]);
    }

    #[test]
    fn lines_of_an_unknown_kind_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        std::fs::write(&path, "1\n\"new\"\n3\n").unwrap();
        assert_eq!(read_journal::<u32>(&path).unwrap(), [1, 3]);
        assert_eq!(stream_journal::<u32>(&path).unwrap().map(Result::unwrap).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_long_last_line_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        std::fs::write(&path, format!("{{}}\n\"{}", "x".repeat(3 * BLOCK as usize))).unwrap();
        drop(Journal::open(&path).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"{}\n");
    }

    #[test]
    fn r05_two_writers_do_not_share_a_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.jsonl");
        let first = Journal::open(&path).unwrap();
        assert_eq!(Journal::open(&path).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(first);
        Journal::open(&path).unwrap();
    }
}
