//! The three layers, and reads of strange files.

use std::time::{Duration, Instant};

use claw::text::{ContentHash, FileEncoding, Text};
use claw::workspace::{Author, Document, Layer, Overlay, ReadError, Stamp, View};

use crate::support::fixture::Fixture;

fn read(view: &View, fixture: &Fixture, path: &str) -> Document {
    view.read(&fixture.doc(path)).unwrap()
}

#[test]
fn overlay_beats_buffer_beats_disk() {
    let fixture = Fixture::new("//- /a.txt\ndisk\n//- /b.txt\ndisk\n//- /b.txt buffer\nbuffer\n");
    let view = fixture.live();
    let (a, b) = (read(&view, &fixture, "a.txt"), read(&view, &fixture, "b.txt"));
    assert_eq!((a.text.to_string(), a.layer), ("disk\n".to_owned(), Layer::Disk));
    assert_eq!(a.stamp, Stamp::Disk { hash: ContentHash::of(b"disk\n") });
    assert_eq!((b.text.to_string(), b.layer), ("buffer\n".to_owned(), Layer::Buffer));
    assert!(view.is_dirty(&fixture.doc("b.txt")) && !view.is_dirty(&fixture.doc("a.txt")));

    let mut overlay = Overlay::default();
    overlay.write(&fixture.doc("b.txt"), Some(&b), Some(Text::new("mine\n")), Author::default()).unwrap();
    overlay.write(&fixture.doc("a.txt"), Some(&a), None, Author::default()).unwrap();
    overlay.write(&fixture.doc("new/c.txt"), None, Some(Text::new("new\n")), Author::default()).unwrap();
    let view = fixture.workspace.view(&overlay);
    let touched = read(&view, &fixture, "b.txt");
    assert_eq!((touched.text.to_string(), touched.layer), ("mine\n".to_owned(), Layer::Overlay));
    assert_eq!(touched.stamp, b.stamp);
    assert_eq!(view.read(&fixture.doc("a.txt")), Err(ReadError::NotFound("a.txt".to_owned())));
    assert_eq!(read(&view, &fixture, "new/c.txt").text.to_string(), "new\n");
    assert!(view.exists(&fixture.doc("new/c.txt")) && !view.exists(&fixture.doc("a.txt")));
    assert_eq!(read(&view.live(), &fixture, "a.txt"), a);
}

#[test]
fn untouched_documents_are_read_live() {
    let fixture = Fixture::new("//- /a.txt\none\n");
    let mut overlay = Overlay::default();
    let a = read(&fixture.live(), &fixture, "a.txt");
    overlay.write(&fixture.doc("a.txt"), Some(&a), Some(Text::new("two\n")), Author::default()).unwrap();
    let view = fixture.workspace.view(&overlay);
    let touched = read(&view, &fixture, "a.txt");
    overlay.write(&fixture.doc("a.txt"), Some(&touched), Some(Text::new("one\n")), Author::default()).unwrap();
    assert!(overlay.is_empty(), "back to its base is untouched");
    fixture.write("a.txt", "three\n");
    assert_eq!(read(&fixture.workspace.view(&overlay), &fixture, "a.txt").text.to_string(), "three\n");
}

#[test]
fn a_write_of_what_is_no_longer_there_is_stale() {
    let fixture = Fixture::new("//- /a.txt\none\n");
    let path = fixture.doc("a.txt");
    let seen = read(&fixture.live(), &fixture, "a.txt");
    let mut overlay = Overlay::default();
    overlay.write(&path, Some(&seen), Some(Text::new("two\n")), Author::default()).unwrap();
    let stale = overlay.write(&path, Some(&seen), Some(Text::new("three\n")), Author::default()).unwrap_err();
    assert_eq!(stale.to_string(), "`a.txt` changed since it was read: read it again");
    overlay.write(&path, None, Some(Text::new("three\n")), Author::default()).unwrap_err();
    assert_eq!(overlay.get(&path).unwrap().current, Some(Text::new("two\n")), "a refused write writes nothing");

    let touched = read(&fixture.workspace.view(&overlay), &fixture, "a.txt");
    overlay.set(path.clone(), None);
    overlay.write(&path, Some(&touched), Some(Text::new("three\n")), Author::default()).unwrap_err();
}

#[test]
fn uris_are_the_editors_own_where_it_has_one() {
    let fixture = Fixture::new("");
    fixture.write("a b.txt", "x");
    let doc = fixture.doc("a b.txt");
    assert_eq!(fixture.live().uri(&doc), format!("file://{}/a%20b.txt", fixture.root_path().display()));
    fixture.open("a b.txt", "x");
    assert_eq!(fixture.live().uri(&doc), format!("file://{}/a b.txt", fixture.root_path().display()));
    let untitled = fixture.workspace.roots().resolve("untitled:Untitled-1").unwrap();
    assert_eq!(fixture.live().uri(&untitled), "untitled:Untitled-1");
}

#[test]
fn documents_outside_are_read_only_from_the_editor() {
    let fixture = Fixture::new("//- /a.txt\n");
    let outside = fixture.workspace.roots().resolve("file:///etc/passwd").unwrap();
    let error = fixture.live().read(&outside).unwrap_err();
    assert_eq!(error, ReadError::NotOpen("file:///etc/passwd".to_owned()));
    assert!(!fixture.live().exists(&outside));
}

#[test]
fn d02_strange_text_is_taken_as_it_is() {
    let text = "a\r\nb\nc\rd\u{2028}e\u{85}f\x0cg\u{1f600}";
    let fixture = Fixture::new("//- /a.txt\n");
    fixture.write("a.txt", format!("\u{feff}{text}"));
    let document = read(&fixture.live(), &fixture, "a.txt");
    assert_eq!(document.text.to_string(), text);
    assert_eq!((document.encoding, document.read_only), (FileEncoding::Utf8Bom, None));
}

#[test]
fn d04_what_is_not_utf8_is_labelled_and_not_edited() {
    let utf16 = |bom: [u8; 2], unit: fn(u16) -> [u8; 2]| {
        bom.into_iter().chain("hé".encode_utf16().flat_map(unit)).collect::<Vec<u8>>()
    };
    let fixture = Fixture::new("");
    for (bytes, encoding, read_only) in [
        (b"plain".to_vec(), FileEncoding::Utf8, None),
        (utf16([0xff, 0xfe], u16::to_le_bytes), FileEncoding::Utf16Le, Some("UTF-16LE")),
        (utf16([0xfe, 0xff], u16::to_be_bytes), FileEncoding::Utf16Be, Some("UTF-16BE")),
        (b"caf\xe9".to_vec(), FileEncoding::Unknown, Some("not UTF-8")),
        (b"\x93\xfa\x96\x7b".to_vec(), FileEncoding::Unknown, Some("not UTF-8")),
        (b"a\0b".to_vec(), FileEncoding::Binary, Some("binary")),
    ] {
        fixture.write("x", &bytes);
        let document = read(&fixture.live(), &fixture, "x");
        assert_eq!((document.encoding, document.read_only.as_deref()), (encoding, read_only), "{bytes:x?}");
    }
}

#[test]
fn a_document_out_of_step_with_the_editor_is_not_edited() {
    let fixture = Fixture::new("//- /a.txt buffer\na\n");
    fixture.workspace.with_buffers(|buffers| {
        let mut buffer = buffers.get(&fixture.doc("a.txt")).unwrap().as_ref().clone();
        buffer.lossy = true;
        buffers.set(fixture.doc("a.txt"), buffer);
    });
    assert!(read(&fixture.live(), &fixture, "a.txt").read_only.unwrap().contains("out of step"));
}

#[test]
fn d05_huge_files_are_refused_without_reading_them() {
    let fixture = Fixture::new("");
    for (name, bytes) in [("gigabyte", 1u64 << 30), ("terabyte", 1 << 40)] {
        let file = std::fs::File::create(fixture.root_path().join(name)).unwrap();
        file.set_len(bytes).unwrap();
        let start = Instant::now();
        let error = fixture.live().read(&fixture.doc(name)).unwrap_err();
        assert_eq!(error, ReadError::TooLarge { path: name.to_owned(), bytes, limit: 8 << 20 });
        let head = fixture.live().read_head(&fixture.doc(name), 256 << 10).unwrap();
        assert_eq!((head.size, head.cut, head.text.len()), (bytes, true, 256 << 10));
        assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
    }
}

#[test]
fn a_head_does_not_end_inside_a_character() {
    let fixture = Fixture::new("//- /a.txt no-eol\naé\n");
    let head = fixture.live().read_head(&fixture.doc("a.txt"), 2).unwrap();
    assert_eq!((head.text.to_string(), head.encoding, head.cut), ("a".to_owned(), FileEncoding::Utf8, true));
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_root() {
    use std::os::unix::fs::symlink;
    let fixture = Fixture::new("//- /a.txt\ninside\n");
    let root = fixture.root_path();
    std::fs::write(fixture.folder.path().join("secret"), "secret").unwrap();
    symlink(fixture.folder.path().join("secret"), root.join("absolute")).unwrap();
    symlink("../secret", root.join("climbing")).unwrap();
    symlink("..", root.join("folder")).unwrap();
    symlink("/proc/self/root", root.join("proc")).unwrap();
    symlink("a.txt", root.join("inside")).unwrap();
    for name in ["absolute", "climbing", "folder/secret", "proc/etc/passwd", "proc/proc/self/environ"] {
        let error = fixture.live().read(&fixture.doc(name)).unwrap_err();
        assert_eq!(error, ReadError::Outside(name.to_owned()), "{name}");
    }
    let inside = read(&fixture.live(), &fixture, "inside");
    assert_eq!(inside.text.to_string(), "inside\n");
    assert!(inside.read_only.unwrap().contains("symbolic link"));
}

#[cfg(unix)]
#[test]
fn pipes_sockets_and_folders_are_told_and_not_waited_for() {
    let fixture = Fixture::new("//- /sub/a.txt\na\n");
    let root = fixture.root_path();
    let made = std::process::Command::new("mkfifo").arg(root.join("pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    let error = |name: &str| fixture.live().read(&fixture.doc(name)).unwrap_err().to_string();
    assert_eq!(error("pipe"), "`pipe` is a pipe, which is not read");
    assert_eq!(error("socket"), "`socket` is a socket, which is not read");
    assert_eq!(error("sub"), "`sub` is a directory");
    assert_eq!(error("sub/a.txt/b"), "`sub/a.txt/b` does not exist");
    assert_eq!(error("none"), "`none` does not exist");
}
