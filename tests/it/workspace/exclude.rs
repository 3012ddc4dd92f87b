//! Files that are never shown: one set, wherever a view or a tool could show them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use claw::context::Index;
use claw::tools::{Diagnostic, Diagnostics, Host, Severity};
use claw::workspace::search::{Pattern, Scope};
use claw::workspace::{Author, DocPath, Exclude, Overlay, ReadError, Roots, View, Workspace};
use futures::future::BoxFuture;
use serde_json::json;

use super::tools::Bench;
use crate::support::fixture::Fixture;

const PROJECT: &str = "\
//- /src/main.py
def shown(): pass
//- /src/key.pem
SECRET
//- /private/deep/plan.py
def SECRET(): pass
//- /open.py
def shown(): pass
//- /open.pem buffer
SECRET
//- /docs/private.md
shown
";

fn exclude(globs: &[&str]) -> Exclude {
    Exclude::new(&globs.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn names(view: &View) -> Vec<String> {
    view.files(100).files.iter().map(|path| view.roots().display(path)).collect()
}

#[test]
fn globs_mean_what_they_mean_in_a_gitignore() {
    let check = |globs: &[&str], expected: &[&str]| {
        let fixture = Fixture::new(PROJECT);
        assert_eq!(names(&fixture.workspace.excluding(exclude(globs)).live()), expected, "{globs:?}");
    };
    let all =
        ["docs/private.md", "open.pem", "open.py", "private/deep/plan.py", "src/key.pem", "src/main.py"].as_slice();
    check(&[], all);
    check(&["nothing"], all);
    check(&["*.pem"], &["docs/private.md", "open.py", "private/deep/plan.py", "src/main.py"]);
    check(&["**/*.pem"], &["docs/private.md", "open.py", "private/deep/plan.py", "src/main.py"]);
    for folder in ["private", "private/", "/private", "private/**", "deep"] {
        check(&[folder], &["docs/private.md", "open.pem", "open.py", "src/key.pem", "src/main.py"]);
    }
    check(&["src/*", "{open,plan}.*"], &["docs/private.md"]);
}

#[test]
fn a_view_that_leaves_out_does_so_everywhere() {
    let fixture = Fixture::new(PROJECT);
    let workspace = fixture.workspace.excluding(exclude(&["*.pem", "private"]));
    let mut overlay = Overlay::default();
    for path in ["src/key.pem", "private/new.py"] {
        let path = fixture.doc(path);
        let seen = fixture.live().read(&path).ok();
        overlay.write(&path, seen.as_ref(), Some("def SECRET(): pass\n".into()), Author::default()).unwrap();
    }
    let view = workspace.view(&overlay);
    for hidden in ["src/key.pem", "private/deep/plan.py", "open.pem", "private/new.py"] {
        let path = fixture.doc(hidden);
        let refused = ReadError::Excluded(hidden.to_owned());
        assert_eq!(view.read(&path).unwrap_err(), refused);
        assert_eq!(view.read_live(&path).unwrap_err(), refused);
        assert_eq!(view.read_head(&path, 10).unwrap_err(), refused);
        assert_eq!(view.live().read(&path).unwrap_err(), refused);
        assert_eq!(view.check_new(&path).unwrap_err(), refused);
        assert!(!view.exists(&path) && !view.exists_live(&path), "{hidden}");
        assert!(Scope::new(&view, Some(hidden), None).is_err(), "{hidden}");
        assert!(view.buffers().get(&path).is_none());
    }
    let found = view.search(&Pattern::new("SECRET", true).unwrap(), &Scope::everything(view.roots()), 10, &|| false);
    assert_eq!(found.matches, []);
    assert_eq!(names(&view), ["docs/private.md", "open.py", "src/main.py"]);

    // What the user has is as it was, for reviews; the index gives each view its own.
    let live = fixture.workspace.view(&overlay);
    assert!(live.read(&fixture.doc("src/key.pem")).is_ok() && live.buffers().get(&fixture.doc("open.pem")).is_some());
    let index = Index::default();
    let soon = || Instant::now() + Duration::from_secs(60);
    let count = |view: &View| index.snapshot(view, soon()).files.len();
    assert_eq!((count(&fixture.live()), count(&workspace.live())), (6, 3));
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_to_an_excluded_file() {
    let fixture = Fixture::new(PROJECT);
    std::os::unix::fs::symlink("src/key.pem", fixture.root_path().join("innocent.txt")).unwrap();
    std::os::unix::fs::symlink("private/deep", fixture.root_path().join("public")).unwrap();
    let view = fixture.workspace.excluding(exclude(&["*.pem", "private"])).live();
    for link in ["innocent.txt", "public/plan.py"] {
        assert_eq!(view.read(&fixture.doc(link)).unwrap_err(), ReadError::Excluded(link.to_owned()));
        assert!(fixture.live().read(&fixture.doc(link)).is_ok());
    }
}

#[test]
fn documents_of_other_roots_and_outside_of_them_are_meant_too() {
    let fixture = Fixture::new(PROJECT);
    let inner = fixture.root_path().join("private");
    let root = fixture.workspace.with_roots(|roots: &mut Roots| roots.add(&inner)).unwrap();
    let view = |globs: &[&str]| fixture.workspace.excluding(exclude(globs)).live();
    let path = DocPath::File { root, rel: "deep/plan.py".into() };
    let by_outer_name = fixture.doc("private/deep/plan.py");
    for glob in ["private/deep", "deep/*.py", "plan.py"] {
        assert!(view(&[glob]).excludes(&path) && view(&[glob]).excludes(&by_outer_name), "{glob}");
    }
    assert!(view(&["ws/private"]).excludes(&by_outer_name), "with its root's name before it");
    let elsewhere = |uri: &str| DocPath::Virtual(uri.into());
    assert!(view(&["*.pem"]).excludes(&elsewhere("file:///home/me/my%20key.pem")));
    assert!(view(&["**/me/*"]).excludes(&elsewhere("file:///home/me/my%20key.pem")));
    assert!(view(&["my key.pem"]).excludes(&elsewhere("file:///home/me/my%20key.pem")));
    assert!(view(&["Untitled-*"]).excludes(&elsewhere("untitled:Untitled-1")));
    assert!(!view(&["*.pem"]).excludes(&elsewhere("untitled:Untitled-1")));
}

#[test]
fn bad_globs_are_errors() {
    for glob in ["[", "{a", &"*".repeat(65), &"a".repeat(1_025)] {
        assert!(Exclude::new(&[glob.to_owned()]).is_err(), "{glob}");
    }
    assert!(Workspace::default().excluding(Exclude::default()).live().files(1).files.is_empty());
}

/// Knows one problem in each of two files.
struct Problems(Vec<DocPath>);

impl Host for Problems {
    fn diagnostics(&self, _path: Option<DocPath>) -> BoxFuture<'static, Diagnostics> {
        let problem = |path: &DocPath| Diagnostic {
            path: path.clone(),
            range: 0..1,
            line: 1,
            severity: Severity::Error,
            message: "wrong".to_owned(),
            source: None,
            code: None,
            version: None,
        };
        let known = self.0.iter().map(problem).collect();
        Box::pin(std::future::ready(Diagnostics::Known(known)))
    }
}

#[test]
fn every_tool_says_that_a_file_is_excluded() {
    let mut bench = Bench::new(PROJECT);
    bench.context.workspace = bench.fixture.workspace.excluding(exclude(&["*.pem"]));
    bench.context.host = Arc::new(Problems(vec![bench.fixture.doc("src/key.pem"), bench.fixture.doc("src/main.py")]));
    let path = "src/key.pem";
    let calls = [
        ("read_file", json!({"path": path})),
        ("edit_file", json!({"path": path, "old_string": "SECRET", "new_string": "x"})),
        ("write_file", json!({"path": path, "content": "x"})),
        ("write_file", json!({"path": "new.pem", "content": "x"})),
        ("delete_file", json!({"path": path})),
        ("move_file", json!({"from": path, "to": "shown.txt"})),
        ("move_file", json!({"from": "src/main.py", "to": "main.pem"})),
        ("list_files", json!({"path": path})),
        ("search", json!({"pattern": "SECRET", "path": path})),
        ("symbols", json!({"path": path})),
        ("diagnostics", json!({"path": path})),
    ];
    for (tool, input) in calls {
        let told = bench.call(tool, input);
        assert!(told.starts_with("error: `") && told.contains("is excluded by context.exclude"), "{tool}: {told}");
        assert!(!told.contains("SECRET"), "{tool}: {told}");
    }
    assert!(bench.overlay().is_empty());
    assert_eq!(
        bench.call("diagnostics", json!({})),
        "src/main.py:1: error: wrong\n[src/main.py: version unknown, and it is not open]\n"
    );
    assert!(!bench.call("list_files", json!({})).contains("pem"));
    assert!(!bench.call("search", json!({"pattern": "SECRET", "glob": "*.pem"})).contains("key.pem"));
}
