//! An append-only file of records that is trusted only as far as it can be proved whole.
//!
//! A record is a line: `version sequence checksum payload`. Its checksum covers the line and the checksum of the record before
//! it, so that a cut, a flipped bit, a tail of zeros, a tail that stands there twice and an edit by hand are all seen. What can be
//! proved is the longest valid prefix; the rest is moved to a file beside it and is never read again. An append that has
//! returned is on the disk. The line's frame is the same in all versions; the version says how to read the payload, which is
//! the caller's business.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::files;

/// Hexadecimal digits of a checksum.
const SUM: usize = 32;

/// A file of this size and less is not worth compacting.
const SMALL: u64 = 1024 * 1024;

/// How many times what was live a file may have before it is to be compacted.
const GROWTH: u64 = 4;

/// What could not be proved is kept under so many names; beyond them the last is written over.
const MOST_QUARANTINED: u32 = 100;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub version: u32,
    /// Grows by one from record to record; compaction goes on counting.
    pub seq: u64,
    pub payload: String,
}

/// An open ledger. One process has it at a time.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    path: PathBuf,
    version: u32,
    seq: u64,
    sum: String,
    /// Bytes of whole records: what an append that failed half-way is cut back to.
    length: u64,
    /// Bytes of the record that the last compaction left.
    live: u64,
    /// An append failed, and what the disk made of it is not known.
    is_doubtful: bool,
    /// What could not be proved and is not yet moved away.
    unproved: Vec<u8>,
}

/// A ledger that was opened, and what it holds.
#[derive(Debug)]
pub struct Opened {
    pub ledger: Ledger,
    pub records: Vec<Record>,
    /// Where that went which could not be proved.
    pub quarantined: Option<PathBuf>,
}

impl Ledger {
    /// Opens `path`, and makes it where need be (mode 0600). `version` is the newest whose payloads the caller can read, and the
    /// one of what it appends. [`io::ErrorKind::WouldBlock`] if another process has it open, [`io::ErrorKind::Unsupported`] if a
    /// newer version has written it: then it is left as it is.
    pub fn open(path: &Path, version: u32) -> io::Result<Opened> {
        let mut file = open_locked(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let Prefix { records, sum, length } = valid_prefix(&bytes);
        refuse_newer(&records, version)?;
        let unproved = bytes.split_off(length);
        let seq = records.last().map_or(0, |record| record.seq);
        let length = length as u64;
        let mut ledger = Ledger {
            file,
            path: path.to_owned(),
            version,
            seq,
            sum,
            length,
            live: 0,
            is_doubtful: !unproved.is_empty(),
            unproved,
        };
        let quarantined = match ledger.mend() {
            Ok(quarantined) => quarantined,
            Err(error) => {
                // What is proved can be read all the same, and nothing is written before this has succeeded.
                tracing::warn!(path = %path.display(), %error, "what is broken could not be moved away");
                None
            }
        };
        if let Some(place) = &quarantined {
            tracing::warn!(path = %path.display(), kept = %place.display(), "the end of this file is broken and was moved away");
        }
        Ok(Opened { ledger, records, quarantined })
    }

    /// Appends a record, and returns when it is on the disk. If that fails nothing of it counts, and the next write has to be a
    /// [`Ledger::rewrite`].
    pub fn append(&mut self, payload: &str) -> io::Result<()> {
        if self.is_doubtful {
            return Err(io::Error::other("the file has to be written anew"));
        }
        let is_first = self.length == 0;
        let (line, sum) = frame(&self.sum, self.version, self.seq + 1, payload)?;
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        let written = written.and_then(|()| if is_first { files::sync_folder_of(&self.path) } else { Ok(()) });
        if let Err(error) = written {
            self.is_doubtful = true;
            // If this fails too, the next reader finds a record that it can not prove.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.seq += 1;
        self.sum = sum;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Replaces all records by one, at once or not at all, and returns when it is on the disk.
    pub fn rewrite(&mut self, payload: &str) -> io::Result<()> {
        self.mend()?;
        let (line, sum) = frame("", self.version, self.seq + 1, payload)?;
        let temporary = beside(&self.path, "new");
        let written = write_locked(&temporary, line.as_bytes());
        let file = written.and_then(|file| std::fs::rename(&temporary, &self.path).map(|()| file));
        let file = file.inspect_err(|_| {
            let _ = std::fs::remove_file(&temporary);
        })?;
        self.file = file;
        self.seq += 1;
        self.sum = sum;
        self.length = line.len() as u64;
        self.live = self.length;
        let synced = files::sync_folder_of(&self.path);
        self.is_doubtful = synced.is_err();
        synced
    }

    /// Whether the next write should be a [`Ledger::rewrite`]: the file has grown much beyond what is live, or an append failed.
    pub fn wants_rewrite(&self) -> bool {
        self.is_doubtful || self.length > SMALL.max(self.live.saturating_mul(GROWTH))
    }

    /// Moves away what could not be proved. Where that went, if there was anything.
    fn mend(&mut self) -> io::Result<Option<PathBuf>> {
        if self.unproved.is_empty() {
            return Ok(None);
        }
        let place = quarantine(&self.path, &self.unproved)?;
        self.file.set_len(self.length)?;
        self.file.sync_data()?;
        self.unproved.clear();
        self.is_doubtful = false;
        Ok(Some(place))
    }
}

/// The records of a ledger that can be proved, without opening it for writing: also of one that another process has open.
/// [`io::ErrorKind::Unsupported`] as with [`Ledger::open`].
pub fn read_ledger(path: &Path, version: u32) -> io::Result<Vec<Record>> {
    let records = valid_prefix(&std::fs::read(path)?).records;
    refuse_newer(&records, version)?;
    Ok(records)
}

fn refuse_newer(records: &[Record], version: u32) -> io::Result<()> {
    match records.iter().find(|record| record.version > version) {
        Some(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "a newer version of Claw has written it")),
        None => Ok(()),
    }
}

/// What can be proved of a file.
struct Prefix {
    records: Vec<Record>,
    /// Of the last record.
    sum: String,
    length: usize,
}

fn valid_prefix(bytes: &[u8]) -> Prefix {
    let mut prefix = Prefix { records: Vec::new(), sum: String::new(), length: 0 };
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let expected = prefix.records.last().map(|record| record.seq + 1);
        let Some((record, sum)) = proved(line, &prefix.sum, expected) else { break };
        prefix.records.push(record);
        prefix.sum = sum;
        prefix.length += line.len();
    }
    prefix
}

/// The record of a line, if it is whole and follows the one with the checksum `before`.
fn proved(line: &[u8], before: &str, expected: Option<u64>) -> Option<(Record, String)> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let mut fields = line.splitn(4, ' ');
    let (version, seq) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let (sum, payload) = (fields.next()?, fields.next()?);
    let (whole, right) = frame(before, version, seq, payload).ok()?;
    let follows = expected.is_none_or(|expected| expected == seq);
    // The whole line, so that a number has one spelling only.
    let is_proved = follows && sum == right && whole.strip_suffix('\n') == Some(line);
    is_proved.then(|| (Record { version, seq, payload: payload.to_owned() }, right))
}

/// A record's line, and its checksum.
fn frame(before: &str, version: u32, seq: u64, payload: &str) -> io::Result<(String, String)> {
    if payload.contains('\n') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a record is one line"));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{before} {version} {seq} ").as_bytes());
    hasher.update(payload.as_bytes());
    let mut sum = hasher.finalize().to_hex().to_string();
    sum.truncate(SUM);
    Ok((format!("{version} {seq} {sum} {payload}\n"), sum))
}

/// Opens the file that has this name when it is locked: one that was replaced meanwhile is somebody's old one.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        let file = files::private(options.read(true).append(true).create(true)).open(path)?;
        lock(&file)?;
        if files::is_same_file(&file, path) {
            return Ok(file);
        }
    }
}

fn write_locked(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let mut file = files::private(options.read(true).append(true).create(true)).open(path)?;
    lock(&file)?;
    // What a process left here that died.
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    Ok(file)
}

fn lock(file: &File) -> io::Result<()> {
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => {
            io::Error::new(io::ErrorKind::WouldBlock, "the session is open in another process")
        }
        std::fs::TryLockError::Error(error) => error,
    })
}

/// Keeps `bytes` beside `path` under a name that nothing has.
fn quarantine(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut number = 1;
    let (place, mut file) = loop {
        let place = beside(path, &format!("broken-{number}"));
        let mut options = OpenOptions::new();
        let is_last = number == MOST_QUARANTINED;
        options.write(true).create(true).create_new(!is_last).truncate(is_last);
        match files::private(&mut options).open(&place) {
            Ok(file) => break (place, file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !is_last => number += 1,
            Err(error) => return Err(error),
        }
    };
    file.write_all(bytes)?;
    file.sync_all()?;
    files::sync_folder_of(&place)?;
    Ok(place)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{ending}"));
    path.with_file_name(name)
}
