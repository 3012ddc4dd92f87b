//! Workspaces written down as text.
//!
//! ```text
//! //- /src/main.rs
//! fn main() {$0}
//! //- /src/lib.rs buffer
//! pub fn unsaved() {}
//! //- /dos.txt crlf
//! ```
//!
//! A line `//- /path flags…` starts a file; `$0` is the cursor, taken out of the text; `$0` twice is a selection. Flags:
//! `buffer` opens the text in the editor instead of writing it to the disk (a path may stand there once for each);
//! `crlf` ends its lines in `\r\n`; `no-eol` drops the last line break. Lines before the first header are not allowed, so
//! a fixture that forgot its header fails.

use std::ops::Range;
use std::path::{Path, PathBuf};

use claw::text::Text;
use claw::workspace::{Buffer, DocPath, RootId, Roots, View, Workspace};

/// One file of a fixture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixtureFile {
    /// Relative, without the `/` of its header.
    pub path: String,
    pub text: String,
    pub buffer: bool,
    /// Bytes between the `$0`s; empty for one.
    pub cursor: Option<Range<usize>>,
}

/// A workspace of one root in a temporary folder, which goes with it.
pub struct Fixture {
    pub folder: tempfile::TempDir,
    pub root: RootId,
    pub workspace: Workspace,
    pub files: Vec<FixtureFile>,
}

/// The files of a fixture text.
pub fn parse(fixture: &str) -> Vec<FixtureFile> {
    let mut files: Vec<(String, Vec<String>, String)> = Vec::new();
    for line in fixture.split_inclusive('\n') {
        if let Some(header) = line.trim_end().strip_prefix("//- /") {
            let mut words = header.split_whitespace();
            let path = words.next().expect("a fixture header names a path").to_owned();
            files.push((path, words.map(str::to_owned).collect(), String::new()));
        } else if let Some((_, _, text)) = files.last_mut() {
            text.push_str(line);
        } else {
            assert!(line.trim().is_empty(), "a fixture starts with `//- /path`, not with {line:?}");
        }
    }
    files.into_iter().map(|(path, flags, text)| finish(path, &flags, text)).collect()
}

fn finish(path: String, flags: &[String], mut text: String) -> FixtureFile {
    let mut buffer = false;
    for flag in flags {
        match flag.as_str() {
            "buffer" => buffer = true,
            "crlf" => text = text.replace('\n', "\r\n"),
            "no-eol" => text.truncate(text.trim_end_matches(['\r', '\n']).len()),
            other => panic!("unknown flag of a fixture: {other}"),
        }
    }
    let mut marks = Vec::new();
    while let Some(at) = text.find("$0") {
        text.replace_range(at..at + 2, "");
        marks.push(at);
    }
    let cursor = match marks[..] {
        [] => None,
        [at] => Some(at..at),
        [start, end] => Some(start..end),
        _ => panic!("more than two cursors in {path}"),
    };
    FixtureFile { path, text, buffer, cursor }
}

impl Fixture {
    /// Writes the files, opens the buffers.
    pub fn new(fixture: &str) -> Fixture {
        let files = parse(fixture);
        let folder = tempfile::Builder::new().prefix("claw-test-").tempdir().expect("a temporary folder");
        // A folder of its own below, so that a test can put things beside the workspace.
        let root_path = folder.path().join("ws");
        std::fs::create_dir(&root_path).unwrap();
        let mut roots = Roots::default();
        let root = roots.add(&root_path).unwrap();
        let this = Fixture { folder, root, workspace: Workspace::new(roots), files };
        for file in &this.files {
            if file.buffer {
                this.open(&file.path, &file.text);
            } else {
                this.write(&file.path, file.text.as_bytes());
            }
        }
        this
    }

    pub fn root_path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("ws")
    }

    pub fn doc(&self, path: &str) -> DocPath {
        DocPath::File { root: self.root, rel: path.into() }
    }

    /// Writes a file to the disk.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root_path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// What the disk holds.
    pub fn on_disk(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.root_path().join(path)).ok()
    }

    /// Opens a document in the editor, or changes it: its version counts up.
    pub fn open(&self, path: &str, text: &str) {
        let doc = self.doc(path);
        let uri = uri(&self.root_path().join(path));
        self.workspace.with_buffers(|buffers| {
            let version = buffers.get(&doc).map_or(1, |buffer| buffer.version + 1);
            let language_id = if path.ends_with(".py") { "python" } else { "rust" };
            let buffer = Buffer {
                text: Text::new(text),
                version,
                uri: uri.as_str().into(),
                language_id: language_id.into(),
                lossy: false,
            };
            buffers.set(doc.clone(), buffer);
        });
    }

    pub fn live(&self) -> View {
        self.workspace.live()
    }

    /// The file with the cursor, and the cursor.
    pub fn cursor(&self) -> (DocPath, Range<usize>) {
        self.files
            .iter()
            .find_map(|file| Some((self.doc(&file.path), file.cursor.clone()?)))
            .expect("a fixture with a cursor")
    }
}

/// The `file://` URI of an absolute path that needs no escapes.
pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}
