//! The ledger against what disks, crashes and hands do to files.

use std::path::{Path, PathBuf};

use claw::store::{Ledger, read_ledger};

const VERSION: u32 = 2;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("x.ledger")
    }

    /// A file with these bytes, alone in its folder.
    fn holding(&self, bytes: &[u8]) -> PathBuf {
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        std::fs::write(self.path(), bytes).unwrap();
        self.path()
    }

    fn quarantined(&self, number: u32) -> Option<Vec<u8>> {
        std::fs::read(self.folder.path().join(format!("x.ledger.broken-{number}"))).ok()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The payloads of a sample, and its bytes.
fn sample() -> (Vec<String>, Vec<u8>) {
    let place = Place::new();
    let payloads: Vec<String> =
        ["{\"n\":1}", "{\"text\":\"två\\n😀 lines\"}", "", "{\"n\":4}"].iter().map(|text| (*text).to_owned()).collect();
    let mut ledger = Ledger::open(&place.path(), VERSION).unwrap().ledger;
    payloads.iter().for_each(|payload| ledger.append(payload).unwrap());
    let bytes = std::fs::read(place.path()).unwrap();
    (payloads, bytes)
}

fn payloads(path: &Path) -> Vec<String> {
    read_ledger(path, VERSION).unwrap().into_iter().map(|record| record.payload).collect()
}

/// How many whole lines stand before byte `at`.
fn lines_before(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().filter(|byte| **byte == b'\n').count()
}

/// Opens a file with these bytes: exactly `proved` records count, the rest is in the quarantine, and appending goes on.
#[track_caller]
fn check_opened(place: &Place, bytes: &[u8], expected: &[String], proved_bytes: usize) {
    let path = place.holding(bytes);
    let opened = Ledger::open(&path, VERSION).unwrap();
    let found: Vec<&String> = opened.records.iter().map(|record| &record.payload).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>());
    let rest = &bytes[proved_bytes..];
    assert_eq!(place.quarantined(1).as_deref(), (!rest.is_empty()).then_some(rest));
    assert_eq!(opened.quarantined.is_some(), !rest.is_empty());
    let mut ledger = opened.ledger;
    ledger.append("more").unwrap();
    drop(ledger);
    let after: Vec<String> = expected.iter().cloned().chain(["more".to_owned()]).collect();
    assert_eq!(payloads(&path), after);
}

#[test]
fn r02_cut_at_every_byte() {
    let (whole, bytes) = sample();
    let place = Place::new();
    for cut in 0..=bytes.len() {
        let count = lines_before(&bytes, cut);
        let proved = bytes[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        check_opened(&place, &bytes[..cut], &whole[..count], proved);
    }
}

#[test]
fn r02_ten_thousand_flipped_bits() {
    let (whole, bytes) = sample();
    let place = Place::new();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..10_000 {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let at = usize::try_from(random % bytes.len() as u64).unwrap();
        let bit = (random >> 40) % 8;
        let mut broken = bytes.clone();
        broken[at] ^= 1 << bit;
        let count = lines_before(&bytes, at);
        let proved = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if round % 100 == 0 {
            check_opened(&place, &broken, &whole[..count], proved);
        } else {
            let path = place.path();
            std::fs::write(&path, &broken).unwrap();
            assert_eq!(payloads(&path), whole[..count], "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn r02_r10_tails_and_hands() {
    let (whole, bytes) = sample();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let place = Place::new();
    let check = |broken: String, count: usize| {
        let proved = lines[..count].concat().len();
        check_opened(&place, broken.as_bytes(), &whole[..count], proved);
    };
    // Zeros, as a file system leaves them that had lengthened a file and not written it.
    check(format!("{text}{}", "\0".repeat(4096)), 4);
    check(format!("{}{}\n", lines[..2].concat(), "\0".repeat(100)), 2);
    // Records that stand there twice.
    check(format!("{text}{}", lines[3]), 4);
    check(format!("{text}{}", lines[2..].concat()), 4);
    check(format!("{text}{text}"), 4);
    // Edits by hand: of a payload, of a number; lines swapped, left out, from elsewhere.
    check(text.replace("\"n\":4", "\"n\":5"), 3);
    check(text.replacen("2 1 ", "2 2 ", 1), 0);
    check(text.replacen("2 3 ", "2 03 ", 1), 2);
    check([lines[0], lines[2], lines[1], lines[3]].concat(), 1);
    check([lines[0], lines[2], lines[3]].concat(), 1);
    check(lines[1..].concat(), 0);
    check(format!("{}{}", lines[0], "not a record\n"), 1);
}

#[test]
fn r02_what_was_quarantined_before_stays() {
    let (whole, bytes) = sample();
    let place = Place::new();
    let path = place.holding(&bytes);
    for number in 1..=3 {
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend_from_slice(format!("torn {number}").as_bytes());
        std::fs::write(&path, torn).unwrap();
        drop(Ledger::open(&path, VERSION).unwrap());
        assert_eq!(place.quarantined(number), Some(format!("torn {number}").into_bytes()));
    }
    assert_eq!(place.quarantined(1).unwrap(), b"torn 1");
    assert_eq!(payloads(&path), whole);
}

#[test]
fn r06_a_newer_version_is_left_as_it_is() {
    let (_, old) = sample();
    let place = Place::new();
    let path = place.holding(&old);
    let mut newer = Ledger::open(&path, VERSION + 1).unwrap().ledger;
    newer.append("{\"of\":\"tomorrow\"}").unwrap();
    drop(newer);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"torn");
    std::fs::write(&path, &bytes).unwrap();
    let errors = [Ledger::open(&path, VERSION).unwrap_err(), read_ledger(&path, VERSION).unwrap_err()];
    assert_eq!(errors.map(|error| error.kind()), [std::io::ErrorKind::Unsupported; 2]);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(place.names(), ["x.ledger"]);
    // A version that is no more than a flipped bit is damage.
    let broken = String::from_utf8(old).unwrap().replacen("2 1 ", "3 1 ", 1);
    check_opened(&place, broken.as_bytes(), &[], 0);
}

#[test]
fn r05_one_process_has_it_also_after_it_was_compacted() {
    let place = Place::new();
    let mut first = Ledger::open(&place.path(), VERSION).unwrap().ledger;
    let is_refused = || Ledger::open(&place.path(), VERSION).is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
    assert!(is_refused());
    first.append("one").unwrap();
    first.rewrite("all").unwrap();
    assert!(is_refused());
    first.append("two").unwrap();
    drop(first);
    let opened = Ledger::open(&place.path(), VERSION).unwrap();
    // R07: the order is that of the numbers, which go on.
    let found: Vec<(u64, &str)> = opened.records.iter().map(|record| (record.seq, record.payload.as_str())).collect();
    assert_eq!(found, [(2, "all"), (3, "two")]);
    assert_eq!(place.names(), ["x.ledger"]);
}

#[test]
fn a_compaction_that_died_leaves_the_ledger_as_it_was() {
    let (whole, bytes) = sample();
    let place = Place::new();
    let path = place.holding(&bytes);
    std::fs::write(place.folder.path().join("x.ledger.new"), "half a rec").unwrap();
    let mut ledger = Ledger::open(&path, VERSION).unwrap().ledger;
    assert_eq!(payloads(&path), whole);
    ledger.rewrite("all").unwrap();
    assert_eq!((payloads(&path), place.names()), (vec!["all".to_owned()], vec!["x.ledger".to_owned()]));
}

#[test]
fn it_wants_to_be_compacted_when_most_of_it_is_old() {
    let place = Place::new();
    let mut ledger = Ledger::open(&place.path(), VERSION).unwrap().ledger;
    let long = "x".repeat(100_000);
    let mut appended = 0;
    while !ledger.wants_rewrite() {
        ledger.append(&long).unwrap();
        appended += 1;
    }
    assert_eq!(appended, 11, "more than a megabyte");
    ledger.rewrite(&long.repeat(4)).unwrap();
    let mut appended = 0;
    while !ledger.wants_rewrite() {
        ledger.append(&long).unwrap();
        appended += 1;
    }
    assert_eq!(appended, 12, "four times what is live");
}

#[test]
fn a_payload_is_one_line() {
    let place = Place::new();
    let mut ledger = Ledger::open(&place.path(), VERSION).unwrap().ledger;
    assert!(ledger.append("two\nlines").is_err());
    assert!(ledger.rewrite("two\nlines").is_err());
    ledger.append("one").unwrap();
    assert_eq!(payloads(&place.path()), ["one"]);
}

/// The cost of one durable append: `cargo nextest run -E 'test(cost_of_an_append)' --no-capture` prints it.
#[test]
fn cost_of_an_append() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut ledger = Ledger::open(&folder.path().join("x.ledger"), VERSION).unwrap().ledger;
    let payload = "x".repeat(8 * 1024);
    let mut took: Vec<std::time::Duration> = (0..100)
        .map(|_| {
            let began = std::time::Instant::now();
            ledger.append(&payload).unwrap();
            began.elapsed()
        })
        .collect();
    took.sort();
    println!("an append of 8 KiB: median {:?}, p99 {:?}", took[50], took[98]);
    assert!(took[50] < std::time::Duration::from_millis(250), "{took:?}");
}
