//! Traces: what tells that one was edited by hand, and how much room all of them may take.

use std::path::Path;
use std::time::{Duration, SystemTime};

use claw::store::{Edited, Mark, Store};

const ID: &str = "01";

/// A session whose trace has these lines.
fn write(store: &Store, id: &str, lines: std::ops::Range<usize>) {
    let mut journal = store.open_trace(id).unwrap();
    lines.for_each(|line| journal.append_line(&format!("{{\"line\":{line}}}")).unwrap());
}

/// A trace of eight lines, after `hands` were at it.
#[track_caller]
fn check(hands: impl Fn(&mut Vec<String>), expected: Option<Edited>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    write(&store, ID, 0..5);
    write(&store, ID, 5..8);
    assert_eq!(store.check_trace(ID).unwrap(), None);
    let path = store.trace_path(ID);
    let mut lines: Vec<String> = store.lines(ID).unwrap();
    hands(&mut lines);
    std::fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    assert_eq!(store.check_trace(ID).unwrap(), expected);
    // Going on makes nothing right that was edited, and nothing wrong that was not.
    write(&store, ID, 8..10);
    let expected = expected.filter(|edited| matches!(edited, Edited::Line(_)));
    assert_eq!(store.check_trace(ID).unwrap(), expected);
    write(&store, ID, 10..12);
    assert_eq!(store.check_trace(ID).unwrap(), expected);
}

#[test]
fn r10_a_trace_that_was_edited_is_told_from_others() {
    check(|_| {}, None);
    check(|lines| lines[0] = "{\"line\":9}".to_owned(), Some(Edited::Line(1)));
    check(|lines| lines[3] = lines[3].replace('3', "4"), Some(Edited::Line(4)));
    check(|lines| lines[7].push(' '), Some(Edited::Line(8)));
    check(|lines| drop(lines.remove(2)), Some(Edited::Line(3)));
    check(|lines| lines.swap(4, 5), Some(Edited::Line(5)));
    check(|lines| lines.insert(6, lines[5].clone()), Some(Edited::Line(7)));
    check(|lines| lines.truncate(6), Some(Edited::Missing(2)));
    check(|lines| lines.clear(), Some(Edited::Missing(8)));
    // As if the process had died between a line and its hash.
    check(|lines| lines.push("{\"line\":8}".to_owned()), None);
}

#[test]
fn r10_a_chain_that_is_torn_or_gone_is_made_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    write(&store, ID, 0..4);
    let chain = store.session_folder(ID).join("trace.chain");
    let whole = std::fs::read(&chain).unwrap();
    for cut in 0..=whole.len() {
        std::fs::write(&chain, &whole[..cut]).unwrap();
        assert_eq!(store.check_trace(ID).unwrap(), None, "cut at {cut}");
        drop(store.open_trace(ID).unwrap());
        assert_eq!(std::fs::read(&chain).unwrap(), whole, "cut at {cut}");
    }
    std::fs::remove_file(&chain).unwrap();
    assert_eq!(store.check_trace(ID).unwrap(), None);
    drop(store.open_trace(ID).unwrap());
    assert_eq!(std::fs::read(&chain).unwrap(), whole);
}

/// A session of so many bytes that was used some hours ago.
fn used(store: &Store, id: &str, bytes: usize, hours: u64) {
    drop(store.open_trace(id).unwrap());
    store.put_blob(id, &vec![b'x'; bytes]).unwrap();
    let trace = std::fs::File::options().write(true).open(store.trace_path(id)).unwrap();
    trace.set_modified(SystemTime::now() - Duration::from_secs(hours * 3600)).unwrap();
}

#[test]
fn r07_the_traces_used_longest_ago_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state")).unwrap();
    let sizes = [("a", 5), ("b", 4), ("c", 3), ("d", 2), ("e", 1)];
    for (id, hours) in sizes {
        used(&store, id, 1_000, hours);
    }
    store.mark(Mark::Pending, Path::new("/somewhere"), "b").unwrap();
    let open = store.open_trace("c").unwrap();
    let left = || {
        let mut ids: Vec<&str> = sizes.iter().map(|(id, _)| *id).filter(|id| store.trace_path(id).exists()).collect();
        ids.sort_unstable();
        ids.concat()
    };
    assert_eq!((store.make_room(5_000).unwrap().len(), left().as_str()), (0, "abcde"));
    assert_eq!((store.make_room(4_999).unwrap().concat().as_str(), left().as_str()), ("a", "bcde"));
    // What waits for a decision stays, and what is open, and the last used.
    assert_eq!((store.make_room(0).unwrap().concat().as_str(), left().as_str()), ("d", "bce"));
    drop(open);
    assert_eq!((store.make_room(0).unwrap().concat().as_str(), left().as_str()), ("c", "be"));
}
