//! The folder that commands run in: what comes into it, what comes out of it, and what never does.

mod attacks;
mod random;

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use claw::text::Text;
use claw::workspace::shadow::{Absorbed, Limits, Shadow, ShadowError, Synced};
use claw::workspace::{Author, DocPath, Exclude, Overlay, Roots, View, Workspace};

use crate::support::fixture::Fixture;

/// A workspace and its shadow.
pub struct Rig {
    pub fixture: Fixture,
    pub overlay: Overlay,
    pub shadow: Shadow,
}

impl Rig {
    pub fn new(text: &str) -> Rig {
        let fixture = Fixture::new(text);
        let shadow = Shadow::take(&cache(&fixture), &fixture.workspace.roots()).unwrap();
        Rig { fixture, overlay: Overlay::default(), shadow }
    }

    pub fn view(&self) -> View {
        self.fixture.workspace.view(&self.overlay)
    }

    pub fn sync(&mut self) -> Synced {
        let view = self.view();
        self.shadow.sync(&view, &|| false).unwrap()
    }

    pub fn absorb(&mut self) -> Absorbed {
        let view = self.view();
        let author = Author { turn: "t".to_owned(), call: "c".to_owned() };
        self.shadow.absorb(&view, &mut self.overlay, &author).unwrap()
    }

    /// Proposes a text, or that a document go.
    pub fn propose(&mut self, path: &str, text: Option<&str>) {
        let doc = self.fixture.doc(path);
        let seen = self.view().read(&doc).ok();
        self.overlay.write(&doc, seen.as_ref(), text.map(Text::new), Author::default()).unwrap();
    }

    pub fn inside(&self, path: &str) -> PathBuf {
        self.shadow.folders()[0].0.join(path)
    }

    pub fn held(&self, path: &str) -> Option<String> {
        std::fs::read(self.inside(path)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    pub fn proposed(&self, path: &str) -> Option<String> {
        self.overlay.get(&self.fixture.doc(path))?.current.as_ref().map(Text::to_string)
    }

    /// Another process takes the shadow.
    pub fn again(self) -> Rig {
        let Rig { fixture, overlay, shadow } = self;
        drop(shadow);
        let shadow = Shadow::take(&cache(&fixture), &fixture.workspace.roots()).unwrap();
        Rig { fixture, overlay, shadow }
    }
}

pub fn cache(fixture: &Fixture) -> PathBuf {
    fixture.folder.path().join("cache")
}

fn names(absorbed: &Absorbed) -> String {
    absorbed.summary(&Roots::default())
}

fn left_out(synced: &Synced) -> Vec<String> {
    synced.left_out.iter().map(|out| format!("{}: {}", out.name, out.reason)).collect()
}

/// Everything below a folder with its time, links not followed.
fn times(folder: &Path) -> Vec<(PathBuf, i64, i64)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let (path, metadata) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
            match metadata.is_dir() {
                true => folders.push(path),
                false => found.push((path, metadata.mtime(), metadata.mtime_nsec())),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn t11_it_holds_the_overlay_above_the_buffer_above_the_disk() {
    let mut rig = Rig::new(
        "//- /a.txt\ndisk\n//- /a.txt buffer\nbuffer\n//- /b.txt\ndisk\n//- /c/d.txt\ndisk\n//- /gone.txt\nx\n",
    );
    rig.propose("b.txt", Some("proposed\n"));
    rig.propose("new/e.txt", Some("new\n"));
    rig.propose("gone.txt", None);
    assert_eq!(rig.sync(), Synced { written: 4, ..Synced::default() });
    let held = ["a.txt", "b.txt", "c/d.txt", "new/e.txt", "gone.txt"].map(|path| rig.held(path));
    let expected = [Some("buffer\n"), Some("proposed\n"), Some("disk\n"), Some("new\n"), None];
    assert_eq!(held, expected.map(|text| text.map(str::to_owned)));
    assert_eq!(rig.absorb(), Absorbed::default());
    assert_eq!(rig.fixture.on_disk("a.txt").as_deref(), Some("disk\n"));
}

#[test]
fn only_what_differs_is_written_and_only_what_was_put_there_is_removed() {
    let mut rig = Rig::new(
        "//- /.gitignore\ntarget/\n*.log\n//- /a.txt\na\n//- /b/c.txt\nc\n//- /b/d.txt\nd\n//- /target/real\nx\n",
    );
    assert_eq!(rig.sync().written, 4);
    assert_eq!(rig.held("target/real"), None);
    // What a build leaves behind.
    std::fs::create_dir_all(rig.inside("target")).unwrap();
    std::fs::write(rig.inside("target/out"), "built").unwrap();
    std::fs::write(rig.inside("b/x.log"), "log").unwrap();
    let before = times(&rig.inside(""));
    assert_eq!(rig.absorb(), Absorbed::default());
    assert_eq!(rig.sync(), Synced::default());
    assert_eq!(times(&rig.inside("")), before);

    rig.fixture.write("a.txt", "A\n");
    std::fs::remove_dir_all(rig.fixture.root_path().join("b")).unwrap();
    assert_eq!(rig.sync(), Synced { written: 1, removed: 2, ..Synced::default() });
    assert_eq!(rig.held("a.txt").as_deref(), Some("A\n"));
    assert_eq!(
        (rig.held("b/c.txt"), rig.held("b/x.log").as_deref(), rig.held("target/out").as_deref()),
        (None, Some("log"), Some("built"))
    );
    assert_eq!(rig.absorb(), Absorbed::default());
}

#[test]
fn what_git_tracks_comes_in_although_a_rule_ignores_it() {
    let text = "//- /.gitignore\nbuild/\n*.gen\n//- /a.gen\n1\n//- /b.gen\n1\n//- /build/tool/run.sh\n1\n//- /build/out.o\n1\n//- /build/tool/x\n1\n//- /build/more/y\n1\n";
    let mut rig = Rig::new(text);
    let git = |arguments: &[&str]| {
        let root = rig.fixture.root_path();
        assert!(Command::new("git").args(arguments).current_dir(root).status().unwrap().success());
    };
    git(&["init", "-q"]);
    git(&["add", "-f", ".gitignore", "a.gen", "build/tool/run.sh"]);
    assert_eq!(rig.sync(), Synced { written: 3, ..Synced::default() });
    let held = ["a.gen", "b.gen", "build/tool/run.sh", "build/out.o", "build/tool/x", "build/more"];
    assert_eq!(held.map(|path| rig.inside(path).exists()), [true, false, true, false, false, false]);
    // What a build leaves beside it stays there, what it changes of it is proposed.
    std::fs::write(rig.inside("build/out.o"), "built").unwrap();
    std::fs::write(rig.inside("build/tool/run.sh"), "2\n").unwrap();
    rig.absorb();
    assert_eq!(rig.proposed("build/tool/run.sh").as_deref(), Some("2\n"));
    assert_eq!(rig.sync(), Synced::default());
    assert_eq!((rig.held("build/out.o").as_deref(), rig.proposed("build/out.o")), (Some("built"), None));
}

#[test]
fn a_module_that_python_compiled_within_the_second_is_not_taken_for_the_next_one() {
    let mut rig = Rig::new("//- /m.py\nx = 1\n");
    for value in 1..=4 {
        rig.propose("m.py", Some(&format!("x = {value}\n")));
        rig.sync();
        let mut python = Command::new("python3");
        python.args(["-c", "import m; print(m.x)"]).current_dir(rig.inside("")).env_remove("PYTHONDONTWRITEBYTECODE");
        assert_eq!(String::from_utf8_lossy(&python.output().unwrap().stdout).trim(), value.to_string());
    }
    assert!(rig.inside("__pycache__").is_dir(), "or nothing was shown");
}

#[test]
fn what_commands_change_is_proposed() {
    let mut rig = Rig::new(
        "//- /a.txt\none\ntwo\n//- /b.txt\nb\n//- /b.txt buffer\nunsaved\n//- /c.txt\nc\n//- /d/e.txt\ne\n//- /same.txt\nsame\n",
    );
    rig.propose("c.txt", Some("mine\n"));
    rig.sync();
    std::fs::write(rig.inside("a.txt"), "one\nTWO\n").unwrap();
    std::fs::write(rig.inside("b.txt"), "formatted\n").unwrap();
    std::fs::write(rig.inside("c.txt"), "mine and more\n").unwrap();
    std::fs::rename(rig.inside("d/e.txt"), rig.inside("d/f.txt")).unwrap();
    std::fs::write(rig.inside("same.txt"), "same\n").unwrap();
    let absorbed = rig.absorb();
    assert_eq!(names(&absorbed), "changed: `a.txt`, `b.txt`, `c.txt`\ncreated: `d/f.txt`\ndeleted: `d/e.txt`\n");
    assert_eq!(rig.proposed("a.txt").as_deref(), Some("one\nTWO\n"));
    assert_eq!(rig.proposed("b.txt").as_deref(), Some("formatted\n"));
    assert_eq!(rig.proposed("c.txt").as_deref(), Some("mine and more\n"));
    let author = &rig.overlay.get(&rig.fixture.doc("a.txt")).unwrap().author;
    assert_eq!((author.turn.as_str(), author.call.as_str()), ("t", "c"));
    assert_eq!(rig.fixture.on_disk("a.txt").as_deref(), Some("one\ntwo\n"));
    // It is in step, and nothing is found twice.
    assert_eq!((rig.sync(), rig.absorb()), (Synced::default(), Absorbed::default()));
    // What the user rejects goes back.
    rig.overlay = Overlay::default();
    assert_eq!(rig.sync(), Synced { written: 4, removed: 1, ..Synced::default() });
    assert_eq!((rig.held("a.txt").as_deref(), rig.held("d/e.txt").as_deref()), (Some("one\ntwo\n"), Some("e\n")));
    assert_eq!(rig.absorb(), Absorbed::default());
}

#[test]
fn what_the_user_does_meanwhile_is_never_lost() {
    let mut rig = Rig::new(
        "//- /typed.txt\na\nb\nc\n//- /typed.txt buffer\na\nb\nc\n//- /saved.txt\na\n//- /made.txt buffer\nx\n",
    );
    rig.sync();
    std::fs::write(rig.inside("typed.txt"), "a\nb\nC\n").unwrap();
    std::fs::write(rig.inside("saved.txt"), "command\n").unwrap();
    std::fs::write(rig.inside("late.txt"), "command\n").unwrap();
    rig.fixture.open("typed.txt", "A\nb\nc\n");
    rig.fixture.write("saved.txt", "user\n");
    rig.fixture.write("late.txt", "user\n");
    let absorbed = rig.absorb();
    assert_eq!(absorbed.changed, [rig.fixture.doc("typed.txt")]);
    let file = rig.overlay.get(&rig.fixture.doc("typed.txt")).unwrap();
    assert_eq!(file.base.as_ref().unwrap().to_string(), "a\nb\nc\n", "it merges with what was typed");
    let reasons: Vec<String> = absorbed.left_out.iter().map(|out| format!("{}: {}", out.name, out.reason)).collect();
    assert_eq!(
        reasons,
        [
            "late.txt: the user's own file stands there, which commands do not see",
            "saved.txt: it changed in the workspace while the command ran: run the command again",
        ]
    );
    rig.sync();
    assert_eq!((rig.held("saved.txt").as_deref(), rig.held("late.txt").as_deref()), (Some("user\n"), Some("user\n")));
}

#[test]
fn d02_bytes_come_in_and_out_as_they_are() {
    let text = "\u{feff}a\r\nb\nc\rd\u{2028}e\u{85}f\x0cg\u{1f600}";
    let mut rig = Rig::new("");
    rig.fixture.write("bom.txt", text);
    rig.fixture.write("bytes.bin", b"\xff\x00\xfe");
    rig.fixture.write("latin.txt", b"caf\xe9");
    rig.propose("bom.txt", Some("changed\r\n"));
    rig.sync();
    assert_eq!(std::fs::read(rig.inside("bom.txt")).unwrap(), "\u{feff}changed\r\n".as_bytes());
    assert_eq!(std::fs::read(rig.inside("bytes.bin")).unwrap(), b"\xff\x00\xfe");
    assert_eq!(std::fs::read(rig.inside("latin.txt")).unwrap(), b"caf\xe9");
    rig.overlay = Overlay::default();
    rig.sync();
    assert_eq!(std::fs::read(rig.inside("bom.txt")).unwrap(), text.as_bytes());
    std::fs::write(rig.inside("bom.txt"), "\u{feff}x\r\ny\n").unwrap();
    rig.absorb();
    assert_eq!(rig.proposed("bom.txt").as_deref(), Some("x\r\ny\n"));
    assert_eq!((rig.sync(), rig.absorb()), (Synced::default(), Absorbed::default()));
}

#[test]
fn d05_huge_files_and_workspaces_are_told_and_not_copied() {
    let mut rig = Rig::new("//- /a.txt\na\n");
    let file = std::fs::File::create(rig.fixture.root_path().join("terabyte")).unwrap();
    file.set_len(1 << 40).unwrap();
    let synced = rig.sync();
    assert_eq!(left_out(&synced), ["terabyte: its 1099511627776 bytes are more than the 67108864 that are taken over"]);
    std::fs::File::create(rig.inside("a.txt")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(
        names(&rig.absorb()),
        "not taken over: `a.txt` (its 1099511627776 bytes are more than the 8388608 that are taken over)\n"
    );
    rig.shadow = rig.shadow.limited(Limits { files: 1, ..Limits::default() });
    rig.fixture.write("b.txt", "b\n");
    let view = rig.view();
    let error = rig.shadow.sync(&view, &|| false).unwrap_err();
    assert!(matches!(error, ShadowError::TooMuch(..)), "{error}");
}

#[test]
fn d08_name_twins_and_long_names_are_files_of_their_own() {
    let long = "\u{65}\u{301}".repeat(85);
    let mut rig = Rig::new("");
    let all = ["README", "readme", "caf\u{e9}", "cafe\u{301}", long.as_str()];
    all.iter().for_each(|name| rig.fixture.write(name, name));
    rig.sync();
    assert_eq!(all.map(|name| rig.held(name).unwrap()), all.map(str::to_owned));
    all.iter().for_each(|name| std::fs::write(rig.inside(name), "changed\n").unwrap());
    assert_eq!(rig.absorb().changed.len(), 5);
}

#[test]
fn s15_strange_things_in_the_workspace_are_left_out_or_copied_as_they_are() {
    let mut rig = Rig::new("//- /dir/inner\nx\n//- /run.sh\n#!/bin/sh\n//- /.gitignore\nignored/\n");
    let root = rig.fixture.root_path();
    let outside = rig.fixture.folder.path().join("outside");
    std::fs::write(&outside, "canary").unwrap();
    for (target, name) in [
        ("dir/inner", "link"),
        ("../outside", "climbing"),
        ("dir/../../outside", "winding"),
        ("/etc/passwd", "absolute"),
        ("nowhere", "dangling"),
        ("..", "folder"),
    ] {
        symlink(target, root.join(name)).unwrap();
    }
    symlink("dir/..", root.join("hop")).unwrap();
    symlink("hop/../outside", root.join("over")).unwrap();
    symlink(root.join("run.sh"), root.join("whole")).unwrap();
    std::fs::set_permissions(root.join("run.sh"), PermissionsExt::from_mode(0o6755)).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
    rig.fixture.write("a\nb\x1b[2J", "newline\n");
    rig.fixture.write("--help", "dashes\n");
    std::fs::write(root.join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff")), "bytes\n")
        .unwrap();
    let synced = rig.sync();
    assert_eq!(
        left_out(&synced),
        [
            "absolute: a link that leads out of the workspace",
            "climbing: a link that leads out of the workspace",
            "folder: a link that leads out of the workspace",
            "over: a link that leads out of the workspace",
            "pipe: a pipe, and only text files are taken over",
            "socket: a socket, and only text files are taken over",
            "winding: a link that leads out of the workspace",
        ]
    );
    assert_eq!(std::fs::read_link(rig.inside("link")).unwrap(), Path::new("dir/inner"));
    assert_eq!(std::fs::read_link(rig.inside("dangling")).unwrap(), Path::new("nowhere"));
    assert_eq!(std::fs::read_link(rig.inside("whole")).unwrap(), root.join("run.sh"));
    assert_eq!(std::fs::metadata(rig.inside("run.sh")).unwrap().mode() & 0o7777, 0o755);
    assert_eq!(std::fs::metadata(rig.inside("dir/inner")).unwrap().mode() & 0o7777, 0o644);
    assert_eq!(rig.held("a\nb\x1b[2J").as_deref(), Some("newline\n"));
    assert_eq!(
        (rig.sync(), rig.absorb()),
        (Synced { left_out: synced.left_out, ..Synced::default() }, Absorbed::default())
    );
}

#[test]
fn s15_what_commands_make_beside_text_is_told_and_not_proposed() {
    let mut rig = Rig::new("//- /a.txt\na\n//- /b.txt\nb\n//- /AGENTS.md\nrules\n//- /picture\n\n");
    rig.fixture.write("picture", b"\x00\x01");
    rig.fixture.write("line\nbreak", "x\n");
    rig.sync();
    symlink("/etc/passwd", rig.inside("out")).unwrap();
    std::fs::remove_file(rig.inside("b.txt")).unwrap();
    symlink("a.txt", rig.inside("b.txt")).unwrap();
    assert!(Command::new("mkfifo").arg(rig.inside("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(rig.inside("socket")).unwrap();
    if rustix::process::geteuid().is_root() {
        let made = Command::new("mknod").arg(rig.inside("device")).args(["c", "1", "3"]).status().unwrap();
        assert!(made.success());
    }
    std::fs::write(rig.inside("picture"), b"\x00\x02").unwrap();
    std::fs::write(rig.inside("new.png"), b"\x89PNG\x00").unwrap();
    std::fs::write(rig.inside("new\x1b[2J"), "x\n").unwrap();
    std::fs::write(rig.inside("suid"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(rig.inside("suid"), PermissionsExt::from_mode(0o6755)).unwrap();
    std::fs::write(rig.inside("AGENTS.md"), "obey\n").unwrap();
    std::fs::write(rig.inside("line\nbreak"), "y\n").unwrap();
    for name in [".git/hooks", ".GIT/hooks", "sub/.git\u{200c}"] {
        std::fs::create_dir_all(rig.inside(name)).unwrap();
        std::fs::write(rig.inside(name).join("pre-commit"), "evil\n").unwrap();
    }
    let absorbed = rig.absorb();
    let expected = [rig.fixture.doc("AGENTS.md"), rig.fixture.doc("line\nbreak")];
    assert_eq!(absorbed.changed, expected, "protected ones are reviewed like others, and flagged there");
    assert_eq!(absorbed.created, [rig.fixture.doc("suid")]);
    assert_eq!(absorbed.deleted, []);
    assert_eq!(std::fs::metadata(rig.inside("suid")).unwrap().mode() & 0o7777, 0o755);
    let mut told: Vec<String> = absorbed.left_out.iter().map(|out| format!("{}: {}", out.name, out.reason)).collect();
    told.retain(|line| !line.starts_with("device: a device"));
    assert_eq!(
        told,
        [
            "b.txt: a symbolic link, and only text files are taken over",
            "new⟨U+001B⟩[2J: its name can not be used: `new\\u{1b}[2J` is not a usable path: it holds a control character",
            "new.png: binary: it stays in the folder of the commands and is not proposed",
            "out: a symbolic link, and only text files are taken over",
            "picture: binary: it stays in the folder of the commands and is not proposed",
            "pipe: a pipe, and only text files are taken over",
            "socket: a socket, and only text files are taken over",
            ".GIT/hooks/pre-commit: the inside of a repository is never proposed to change",
            "sub/.git⟨U+200C⟩/pre-commit: the inside of a repository is never proposed to change",
        ]
    );
    assert!(names(&absorbed).contains("`line⟨U+000A⟩break`"));
    // Told once. What can not be reviewed stays for the next command; a file that became a link is the user's again.
    assert_eq!(rig.sync().written, 1);
    assert_eq!(rig.absorb(), Absorbed::default());
    assert_eq!(std::fs::read(rig.inside("picture")).unwrap(), b"\x00\x02");
    assert_eq!((rig.held("b.txt").as_deref(), rig.held("new.png").is_some()), (Some("b\n"), true));
}

#[test]
fn x03_secrets_excluded_files_and_repositories_do_not_come_in() {
    let mut fixture = Fixture::new(
        "//- /.env\nKEY=1\n//- /.env.example\nKEY=\n//- /sub/id_rsa\nx\n//- /private/a\nx\n//- /a.txt\na\n//- /.git/config\nx\n//- /.gitignore\nnode_modules/\n//- /web/node_modules/x.js\nx\n",
    );
    fixture.workspace = fixture.workspace.excluding(Exclude::new(&["private/".to_owned()]).unwrap());
    fixture.open(".env", "KEY=2\n");
    let shadow = Shadow::take(&cache(&fixture), &fixture.workspace.roots()).unwrap();
    let mut rig = Rig { fixture, overlay: Overlay::default(), shadow };
    let synced = rig.sync();
    let why = "such files hold keys or passwords, and commands do not see them";
    assert_eq!(left_out(&synced), [format!(".env: {why}"), format!("sub/id_rsa: {why}")]);
    for absent in [".env", "sub/id_rsa", "private", ".git", "web/node_modules"] {
        assert!(!rig.inside(absent).exists(), "{absent}");
    }
    assert_eq!(rig.held(".env.example").as_deref(), Some("KEY=\n"));
    let root = rig.fixture.root_path();
    assert_eq!(rig.shadow.repositories(), [root.join(".git")]);
    assert_eq!(rig.shadow.dependencies(&rig.view()), [(root.join("web/node_modules"), root.join("web/node_modules"))]);
    std::fs::write(rig.inside(".env"), "KEY=3\n").unwrap();
    std::fs::create_dir(rig.inside("private")).unwrap();
    std::fs::write(rig.inside("private/a"), "y\n").unwrap();
    let why = "the user's own file stands there, which commands do not see";
    assert_eq!(names(&rig.absorb()), format!("not taken over: `.env` ({why}), `private/a` ({why})\n"));
}

#[test]
fn s16_a_clock_that_jumps_hides_no_change() {
    let day = Duration::from_secs(24 * 60 * 60);
    for time in [SystemTime::UNIX_EPOCH, SystemTime::now() - day, SystemTime::now() + 10_000 * day] {
        let mut rig = Rig::new("//- /a.txt\none\n//- /b.txt\none\n");
        let (there, inside) = (rig.fixture.root_path().join("a.txt"), rig.inside("b.txt"));
        let write = |path: &Path, text: &str| {
            std::fs::write(path, text).unwrap();
            std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        };
        write(&there, "one\n");
        rig.sync();
        write(&inside, "one\n");
        assert_eq!(rig.absorb(), Absorbed::default());
        // Of the same length, and with the same time.
        write(&there, "two\n");
        write(&inside, "two\n");
        assert_eq!(rig.absorb().changed, [rig.fixture.doc("b.txt")]);
        rig.sync();
        assert_eq!(rig.held("a.txt").as_deref(), Some("two\n"));
        assert_eq!((rig.absorb(), rig.sync()), (Absorbed::default(), Synced::default()));
    }
}

#[test]
fn what_a_job_changed_and_a_sync_writes_over_is_told() {
    let mut rig =
        Rig::new("//- /a.txt\na\n//- /b.txt\nb\n//- /c.txt\nc\n//- /d.txt\nd\n//- /e/f.txt\nf\n//- /same.txt\ns\n");
    rig.sync();
    // A command that still runs, and then the user and the model, all of them at the same files.
    for name in ["a.txt", "b.txt", "d.txt", "e/f.txt", "late.txt"] {
        std::fs::write(rig.inside(name), "job\n").unwrap();
    }
    std::fs::remove_file(rig.inside("c.txt")).unwrap();
    for (name, text) in [("a.txt", "user\n"), ("c.txt", "user\n"), ("late.txt", "user\n"), ("same.txt", "both\n")] {
        rig.fixture.write(name, text);
    }
    std::fs::write(rig.inside("same.txt"), "both\n").unwrap();
    rig.propose("b.txt", Some("model\n"));
    std::fs::remove_file(rig.fixture.root_path().join("d.txt")).unwrap();
    std::fs::remove_dir_all(rig.fixture.root_path().join("e")).unwrap();
    let synced = rig.sync();
    let mut told: Vec<&str> = synced.overwritten.iter().map(|out| out.name.as_str()).collect();
    told.sort();
    assert_eq!(told, ["a.txt", "b.txt", "c.txt", "d.txt", "e/f.txt", "late.txt"]);
    assert_eq!((rig.absorb(), rig.sync()), (Absorbed::default(), Synced::default()));
}

#[test]
fn places_of_repositories_that_the_sandbox_leaves_are_not_seen() {
    let mut rig = Rig::new(
        "//- /a.txt\na\n//- /.git/info/exclude\n*.out\n//- /sub/.git/config\nx\n//- /sub/b.txt\nb\n//- /tree/c.txt\nc\n",
    );
    rig.sync();
    std::fs::create_dir(rig.inside(".git")).unwrap();
    std::fs::create_dir(rig.inside("sub/.git")).unwrap();
    std::fs::write(rig.inside("tree/.git"), "").unwrap();
    std::fs::write(rig.inside("built.out"), "built").unwrap();
    assert_eq!((rig.absorb(), rig.sync()), (Absorbed::default(), Synced::default()));
    for gone in ["sub", "tree"] {
        std::fs::remove_dir_all(rig.fixture.root_path().join(gone)).unwrap();
    }
    assert_eq!((rig.sync().removed, rig.absorb()), (2, Absorbed::default()));
    assert!(!rig.inside("sub").exists() && !rig.inside("tree").exists() && rig.inside(".git").is_dir());
    // A file that comes to stand there.
    std::fs::create_dir_all(rig.inside("sub/.git")).unwrap();
    rig.fixture.write("sub", "file\n");
    assert_eq!((rig.sync(), rig.absorb()), (Synced { written: 1, ..Synced::default() }, Absorbed::default()));
    assert_eq!(rig.held("built.out").as_deref(), Some("built"));
}

#[test]
fn sessions_at_once_have_a_shadow_each_and_the_first_is_taken_again() {
    let rig = Rig::new("//- /a.txt\na\n");
    let other = Shadow::take(&cache(&rig.fixture), &rig.fixture.workspace.roots()).unwrap();
    let (first, second) = (rig.inside(""), other.folders()[0].0.clone());
    assert_ne!(first, second);
    drop(rig.shadow);
    let again = Shadow::take(&cache(&rig.fixture), &rig.fixture.workspace.roots()).unwrap();
    assert_eq!(again.folders()[0].0.join(""), first);
    assert_eq!(std::fs::metadata(cache(&rig.fixture)).unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn several_roots_and_roots_in_one_another() {
    let outer = tempfile::tempdir().unwrap();
    let outer_path = outer.path().canonicalize().unwrap();
    let write = |name: &str, text: &str| {
        let path = outer_path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("one/a.txt", "a\n");
    write("one/.gitignore", "vendor/\n");
    write("one/vendor/crate/b.txt", "b\n");
    write("one/vendor/other.txt", "x\n");
    write("two/c.txt", "c\n");
    let mut roots = Roots::default();
    for name in ["one", "two", "one/vendor/crate"] {
        roots.add(&outer_path.join(name)).unwrap();
    }
    let workspace = Workspace::new(roots);
    let mut shadow = Shadow::take(&outer_path.join("cache"), &workspace.roots()).unwrap();
    shadow.sync(&workspace.live(), &|| false).unwrap();
    let folders = shadow.folders();
    let real: Vec<&PathBuf> = folders.iter().map(|(_, real)| real).collect();
    assert_eq!(real, [&outer_path.join("one"), &outer_path.join("two")]);
    assert!(!folders[0].0.join("vendor/other.txt").exists());
    std::fs::write(folders[0].0.join("vendor/crate/b.txt"), "B\n").unwrap();
    std::fs::write(folders[1].0.join("c.txt"), "C\n").unwrap();
    let mut overlay = Overlay::default();
    let absorbed = shadow.absorb(&workspace.live(), &mut overlay, &Author::default()).unwrap();
    assert_eq!(absorbed.summary(&workspace.roots()), "changed: `crate/b.txt`, `two/c.txt`\n");
    assert!(absorbed.changed.iter().all(|path: &DocPath| overlay.get(path).is_some()));
    assert!(shadow.absorb(&workspace.live(), &mut overlay, &Author::default()).unwrap().is_empty());
}

#[test]
fn r03_a_folder_that_can_not_be_written_is_told() {
    let rig = Rig::new("//- /a.txt\na\n//- /cache-file\nx\n");
    let file = rig.fixture.root_path().join("cache-file");
    let Err(error) = Shadow::take(&file, &rig.fixture.workspace.roots()) else { panic!("a file is no folder") };
    assert!(
        error
            .to_string()
            .starts_with(&format!("the folder for copies of the workspace, {}, can not be used", file.display()))
    );
    let open = rig.fixture.folder.path().join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, PermissionsExt::from_mode(0o777)).unwrap();
    let Err(error) = Shadow::take(&open, &rig.fixture.workspace.roots()) else { panic!("others can write there") };
    assert!(error.to_string().contains("other users can write in it"), "{error}");
    let none = Shadow::take(&open, &Roots::default());
    assert_eq!(none.err(), Some(ShadowError::NoFolder));
}

#[test]
fn r03_a_sync_that_stops_midway_is_made_good_by_the_next() {
    let files: String = (0..300).map(|n| format!("//- /d{}/f{n}.txt\ntext {n}\n", n % 30)).collect();
    for stop in [1, 5, 17, 29] {
        let mut rig = Rig::new(&files);
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let cancel = || calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= stop;
        let view = rig.view();
        assert_eq!(rig.shadow.sync(&view, &cancel), Err(ShadowError::Cancelled));
        if stop > 5 {
            rig = rig.again();
        }
        rig.sync();
        assert_eq!(rig.absorb(), Absorbed::default());
        assert!((0..300).all(|n| rig.held(&format!("d{}/f{n}.txt", n % 30)) == Some(format!("text {n}\n"))));
    }
}

#[test]
fn a_manifest_that_is_stale_torn_or_gone_only_costs_time() {
    type Change = (&'static str, fn(&Path));
    let rebuild: [Change; 4] = [
        ("gone", |path| std::fs::remove_file(path).unwrap()),
        ("torn", |path| std::fs::write(path, &std::fs::read(path).unwrap()[..50]).unwrap()),
        ("open", |path| std::fs::rename(path, path.with_extension("open")).unwrap()),
        ("other", |path| std::fs::write(path, "something else").unwrap()),
    ];
    for (how, change) in rebuild {
        let mut rig = Rig::new("//- /.gitignore\n*.o\n//- /a.txt\na\n//- /b.txt\nb\n//- /c/d.txt\nd\n");
        rig.sync();
        rig.absorb();
        std::fs::write(rig.inside("x.o"), "built").unwrap();
        let before = std::fs::metadata(rig.inside("a.txt")).unwrap().modified().unwrap();
        let manifest = rig.inside("").parent().unwrap().join("manifest");
        change(&manifest);
        // As a crash leaves it: a command's half-done work, and a file that the workspace no longer has.
        std::fs::write(rig.inside("b.txt"), "half\n").unwrap();
        std::fs::write(rig.inside("stray.txt"), "stray\n").unwrap();
        std::fs::remove_file(rig.fixture.root_path().join("c/d.txt")).unwrap();
        let mut rig = rig.again();
        rig.sync();
        let held = ["a.txt", "b.txt", "c/d.txt", "stray.txt", "x.o"].map(|path| rig.held(path));
        let expected = [Some("a\n"), Some("b\n"), None, None, Some("built")];
        assert_eq!(held, expected.map(|text| text.map(str::to_owned)), "{how}");
        assert_eq!(std::fs::metadata(rig.inside("a.txt")).unwrap().modified().unwrap(), before, "{how}");
        assert_eq!(rig.absorb(), Absorbed::default(), "{how}");
    }
}

#[test]
fn a_settled_shadow_is_taken_up_by_the_next_process_without_writing() {
    let mut rig = Rig::new("//- /a.txt\na\n//- /b/c.txt\nc\n");
    rig.sync();
    rig.absorb();
    let before = times(&rig.inside(""));
    let mut rig = rig.again();
    assert_eq!((rig.sync(), rig.absorb()), (Synced::default(), Absorbed::default()));
    assert_eq!(times(&rig.inside("")), before);
}
