//! What was changed since the last commit, in repositories as `git` makes them, loose and packed.

use std::path::Path;
use std::process::Command;

use claw::text::Text;
use claw::workspace::{Buffer, DocPath, GitChange, Overlay, Roots, View, Workspace};

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn view_of(folder: &Path) -> (View, Workspace) {
    let mut roots = Roots::default();
    roots.add(folder).unwrap();
    let workspace = Workspace::new(roots);
    (workspace.view(&Overlay::default()), workspace)
}

/// Name, committed, staged and current first lines of each change.
fn changes(view: &View) -> Vec<(String, [Option<String>; 3])> {
    let root = view.roots().iter().next().unwrap().id;
    let first = |text: &Option<Text>| text.as_ref().map(|text| text.to_string().trim().to_owned());
    let found = view.git_changes(root, None, &|| false).unwrap();
    assert!(!found.is_cut);
    let change = |change: &GitChange| {
        let one = view.git_changes(root, Some(&change.path), &|| false).unwrap();
        assert_eq!(one.changes, std::slice::from_ref(change), "one file alone is told like among others");
        let is_new = change.committed.is_none() && change.staged.is_none();
        let is_open = view.buffers().get(&change.path).is_some();
        assert!(is_new || is_open || view.git_touched(root, &|| false).contains(&change.path));
        (view.roots().display(&change.path), [&change.committed, &change.staged, &change.current].map(first))
    };
    found.changes.iter().map(change).collect()
}

fn row(name: &str, texts: [&str; 3]) -> (String, [Option<String>; 3]) {
    (name.to_owned(), texts.map(|text| (!text.is_empty()).then(|| text.to_owned())))
}

#[test]
fn what_differs_from_the_last_commit_is_told() {
    for (version, pack) in [("2", false), ("4", true)] {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        git(folder.path(), &["init", "-q"]);
        git(folder.path(), &["config", "index.version", version]);
        let many: String = (0..500).map(|line| format!("line {line}\n")).collect();
        for name in ["same", "staged", "both", "gone", "a/b/deep", "crlf", "open"] {
            write(name, "one\n");
        }
        write("long", &many);
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "-qm", "1"]);
        // A long text that changed a little is packed as a change.
        write("long", &format!("{many}more\n"));
        git(folder.path(), &["commit", "-qam", "2"]);
        if pack {
            git(folder.path(), &["gc", "-q", "--aggressive"]);
        }
        let (view, workspace) = view_of(folder.path());
        assert_eq!(changes(&view), []);
        write("staged", "two\n");
        write("both", "two\n");
        write("new", "new\n");
        git(folder.path(), &["add", "staged", "both", "new"]);
        write("both", "three\n");
        write("a/b/deep", "two\n");
        write("crlf", "one\r\n");
        write("long", "short\n");
        std::fs::remove_file(folder.path().join("gone")).unwrap();
        write("untracked", "x\n");
        write(".gitignore", "ignored\n");
        write("ignored", "x\n");
        let path = view.roots().resolve("open").unwrap();
        let buffer = Buffer {
            text: "unsaved\n".into(),
            version: 1,
            uri: "file:///open".into(),
            language_id: "plaintext".into(),
            lossy: false,
        };
        workspace.with_buffers(|buffers| buffers.set(path, buffer));
        let view = workspace.view(&Overlay::default());
        let long = format!("{many}more").trim().to_owned();
        let expected = [
            row(".gitignore", ["", "", "ignored"]),
            row("a/b/deep", ["one", "one", "two"]),
            row("both", ["one", "two", "three"]),
            row("gone", ["one", "one", ""]),
            row("long", [&long, &long, "short"]),
            row("new", ["", "new", "new"]),
            row("open", ["one", "one", "unsaved"]),
            row("staged", ["one", "two", "two"]),
            row("untracked", ["", "", "x"]),
        ];
        assert_eq!(changes(&view), expected, "index version {version}");
    }
}

#[test]
fn without_a_repository_there_is_nothing_to_tell() {
    let folder = tempfile::tempdir().unwrap();
    let (view, _workspace) = view_of(folder.path());
    let root = view.roots().iter().next().unwrap().id;
    assert_eq!(view.git_changes(root, None, &|| false), None);
    // A file that leads to a repository elsewhere is not followed.
    std::fs::write(folder.path().join(".git"), "gitdir: /somewhere\n").unwrap();
    assert_eq!(view.git_changes(root, None, &|| false), None);
    assert!(view.git_touched(root, &|| false).is_empty());
    let lost = DocPath::File { root, rel: "x".into() };
    assert_eq!(view.git_changes(root, Some(&lost), &|| false), None);
}

#[test]
fn a_worktree_is_told_of_like_a_repository() {
    let folder = tempfile::tempdir().unwrap();
    let (main, tree) = (folder.path().join("main"), folder.path().join("tree"));
    std::fs::create_dir(&main).unwrap();
    git(&main, &["init", "-q"]);
    std::fs::write(main.join("a"), "one\n").unwrap();
    std::fs::write(main.join("b"), "one\n").unwrap();
    git(&main, &["add", "."]);
    git(&main, &["commit", "-qm", "1"]);
    git(&main, &["worktree", "add", "-q", "-b", "other", "../tree"]);
    std::fs::write(tree.join("a"), "two\n").unwrap();
    git(&tree, &["add", "a"]);
    std::fs::write(tree.join("b"), "three\n").unwrap();
    std::fs::write(tree.join("new"), "new\n").unwrap();
    let (view, _workspace) = view_of(&tree);
    let expected = [row("a", ["one", "two", "two"]), row("b", ["one", "one", "three"]), row("new", ["", "", "new"])];
    assert_eq!(changes(&view), expected);
    git(&main, &["pack-refs", "--all"]);
    assert_eq!(changes(&view), expected);
    assert_eq!(changes(&view_of(&main).0), []);
    // Somebody else's folder that says it is that worktree.
    let forged = folder.path().join("forged");
    std::fs::create_dir(&forged).unwrap();
    std::fs::copy(tree.join(".git"), forged.join(".git")).unwrap();
    let (view, _workspace) = view_of(&forged);
    let root = view.roots().iter().next().unwrap().id;
    assert_eq!(view.git_changes(root, None, &|| false), None);
    // Nor is a repository followed that knows of no worktree.
    std::fs::write(forged.join(".git"), format!("gitdir: {}\n", main.join(".git").display())).unwrap();
    assert_eq!(view.git_changes(root, None, &|| false), None);
}

#[test]
fn submodules_are_told_of_alone_and_in_what_holds_them() {
    let folder = tempfile::tempdir().unwrap();
    let (inner, outer) = (folder.path().join("inner"), folder.path().join("outer"));
    for (path, name) in [(&inner, "a"), (&outer, "b")] {
        std::fs::create_dir(path).unwrap();
        git(path, &["init", "-q"]);
        std::fs::write(path.join(name), "one\n").unwrap();
        git(path, &["add", "."]);
        git(path, &["commit", "-qm", "1"]);
    }
    git(&outer, &["-c", "protocol.file.allow=always", "submodule", "add", "-q", "../inner", "libs/inner"]);
    git(&outer, &["commit", "-qm", "2"]);
    let (view, _workspace) = view_of(&outer);
    assert_eq!(changes(&view), []);
    std::fs::write(outer.join("libs/inner/a"), "two\n").unwrap();
    std::fs::write(outer.join("libs/inner/new"), "new\n").unwrap();
    std::fs::write(outer.join("c"), "c\n").unwrap();
    // A repository that is nobody's submodule keeps its news to itself.
    std::fs::create_dir(outer.join("aside")).unwrap();
    git(&outer.join("aside"), &["init", "-q"]);
    std::fs::write(outer.join("aside/d"), "d\n").unwrap();
    let expected =
        [row("c", ["", "", "c"]), row("libs/inner/a", ["one", "one", "two"]), row("libs/inner/new", ["", "", "new"])];
    assert_eq!(changes(&view), expected);
    let (view, _workspace) = view_of(&outer.join("libs/inner"));
    assert_eq!(changes(&view), [row("a", ["one", "one", "two"]), row("new", ["", "", "new"])]);
}
