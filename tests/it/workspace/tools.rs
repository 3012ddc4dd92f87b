//! The tools, called as the agent calls them: what a model reads, and how wrong calls are answered.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use claw::event::{PlanItem, PlanStatus};
use claw::text::Text;
use claw::tools::{Effect, Host, NoHost, Seen, Tool, ToolContext, ToolError, ToolOutput, Tools, arguments};
use claw::workspace::{Author, Overlay};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::fixture::Fixture;

/// A session's tools over a fixture.
pub struct Bench {
    pub fixture: Fixture,
    pub context: ToolContext,
    tools: Tools,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    pub fn new(fixture: &str) -> Bench {
        Bench::with_host(fixture, Arc::new(NoHost))
    }

    fn with_host(fixture: &str, host: Arc<dyn Host>) -> Bench {
        let fixture = Fixture::new(fixture);
        let context = ToolContext {
            workspace: fixture.workspace.clone(),
            overlay: Arc::default(),
            plan: Arc::new(Mutex::new(Vec::new())),
            seen: Seen::default(),
            host,
            asking: claw::tools::Asking::default(),
            delegate: None,
            permitted: None,
            commands: None,
            web: None,
            servers: None,
            hear: Arc::new(|_| ()),
            cancel: CancellationToken::new(),
            author: Author { turn: "t1".to_owned(), call: "c1".to_owned() },
            rewrites_for: None,
            max_output: 16 * 1024,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Bench { fixture, context, tools: Tools::default(), runtime }
    }

    pub fn try_call(&self, tool: &str, input: Value) -> Result<ToolOutput, ToolError> {
        let tool = self.tools.get(tool).unwrap();
        self.runtime.block_on(tool.call(self.context.clone(), input))
    }

    /// The result's text; an error's with `error: ` before it.
    pub fn call(&self, tool: &str, input: Value) -> String {
        match self.try_call(tool, input) {
            Ok(output) => output.text,
            Err(error) => format!("error: {error}"),
        }
    }

    pub fn overlay(&self) -> Overlay {
        self.context.overlay.lock().unwrap().clone()
    }

    /// What the session sees of a document.
    pub fn text(&self, path: &str) -> Option<String> {
        let document = self.context.view().read(&self.fixture.doc(path)).ok()?;
        Some(document.text.to_string())
    }
}

#[track_caller]
fn check(fixture: &str, tool: &str, input: Value, expected: &str) {
    assert_eq!(Bench::new(fixture).call(tool, input), expected);
}

const PROJECT: &str = "\
//- /.gitignore
target/
//- /src/main.rs
fn main() {
    greet(\"world\");
}
//- /src/greet.rs
/// Says hello.
pub fn greet(name: &str) {
    println!(\"hello {name}\");
}
//- /target/debug/out.rs
fn ignored() {}
//- /README.md
# greet
";

#[test]
fn the_builtin_tools_stand_in_a_fixed_order() {
    let tools = Tools::default();
    let names: Vec<&str> = tools.iter().map(Tool::name).collect();
    let expected = [
        "read_file",
        "list_files",
        "search",
        "symbols",
        "references",
        "edit_file",
        "write_file",
        "apply_patch",
        "delete_file",
        "move_file",
        "shell",
        "shell_job",
        "web_fetch",
        "web_search",
        "diagnostics",
        "update_plan",
        "task",
        "ask_user",
        "remember",
    ];
    assert_eq!(names, expected);
    let edits: Vec<&str> = tools.iter().filter(|tool| tool.effect() == Effect::Edits).map(Tool::name).collect();
    assert_eq!(edits, ["edit_file", "write_file", "apply_patch", "delete_file", "move_file", "remember"]);
}

#[test]
fn schemas_are_plain_objects_with_a_manual_for_each_argument() {
    for tool in Tools::default().iter() {
        let schema = tool.parameters();
        assert_eq!(schema["type"], "object", "{}", tool.name());
        assert_eq!(schema["additionalProperties"], false, "{}", tool.name());
        let text = schema.to_string();
        for unwanted in ["$schema", "$ref", "$defs", "\"null\"", "\"format\"", "\"title\""] {
            assert!(!text.contains(unwanted), "{} has {unwanted}: {text}", tool.name());
        }
        for (name, property) in schema["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{}.{name} has no manual", tool.name());
            assert!(property["type"].is_string(), "{}.{name} has no type", tool.name());
        }
    }
    assert_eq!(
        Tools::default().get("read_file").unwrap().parameters(),
        json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "File to read, relative to the workspace root."},
                "offset": {"type": "integer", "minimum": 0, "description": "First line to show, counted from 1. Default: 1."},
                "limit": {"type": "integer", "minimum": 0, "description": "Most lines to show. Default: 2000."},
            },
            "required": ["path"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn read_file_numbers_lines() {
    check(PROJECT, "read_file", json!({"path": "README.md"}), "     1\t# greet\n");
    check(
        "//- /a\n1\n2\n3\n4\n",
        "read_file",
        json!({"path": "a", "offset": 2, "limit": 2}),
        "     2\t2\n     3\t3\n[lines 2 to 3 of 4; go on with offset 4]\n",
    );
    check(
        "//- /a\n1\n2\n",
        "read_file",
        json!({"path": "a", "offset": 9}),
        "error: `a` has 2 lines: offset 9 lies behind them",
    );
    check("//- /a\n", "read_file", json!({"path": "a"}), "[a is empty]\n");
    check("//- /a no-eol\n1\n2\n", "read_file", json!({"path": "a"}), "     1\t1\n     2\t2\n");
}

#[test]
fn read_file_hints_where_there_is_nothing_to_read() {
    check(
        PROJECT,
        "read_file",
        json!({"path": "greet.rs"}),
        "error: `greet.rs` does not exist. Did you mean `src/greet.rs`?",
    );
    check(
        PROJECT,
        "read_file",
        json!({"path": "nothing.rs"}),
        "error: `nothing.rs` does not exist: look with list_files",
    );
    check(
        PROJECT,
        "read_file",
        json!({"path": "src"}),
        "error: `src` is a directory: use list_files {\"path\": \"src\"}",
    );
    check(
        PROJECT,
        "read_file",
        json!({"path": "../x"}),
        "error: `../x` leads out of the workspace: use a path relative to its root, without `..`",
    );
}

#[test]
fn d04_read_file_labels_what_is_not_plain() {
    let bench = Bench::new("//- /dos crlf\na\nb\n");
    let read = |path: &str| bench.call("read_file", json!({"path": path}));
    assert_eq!(read("dos"), "[dos: lines end in CRLF; write \\n, it is kept]\n     1\ta\n     2\tb\n");
    bench.fixture.write("bom", "\u{feff}a\n");
    assert_eq!(read("bom"), "[bom: UTF-8 with BOM]\n     1\ta\n");
    bench.fixture.write("latin", b"caf\xe9\n");
    assert_eq!(read("latin"), "[latin: not UTF-8; can not be edited: not UTF-8]\n     1\tcaf\u{fffd}\n");
    bench.fixture.write("wide", b"\xff\xfeh\0i\0");
    assert_eq!(read("wide"), "[wide: UTF-16LE; can not be edited: UTF-16LE]\n     1\thi\n");
    bench.fixture.write("program", b"\x7fELF\0\0");
    assert_eq!(read("program"), "error: `program` is binary (6 bytes): it is not shown");
}

#[test]
fn d04_what_is_not_utf8_is_never_written() {
    let bench = Bench::new("");
    for bytes in [&b"caf\xe9\n"[..], b"\xff\xfeh\0i\0", b"a\0b"] {
        bench.fixture.write("x", bytes);
        bench.call("read_file", json!({"path": "x"}));
        for (tool, input) in [
            ("edit_file", json!({"path": "x", "old_string": "a", "new_string": "b"})),
            ("write_file", json!({"path": "x", "content": "b"})),
            ("delete_file", json!({"path": "x"})),
            ("move_file", json!({"from": "x", "to": "y"})),
        ] {
            let answer = bench.call(tool, input);
            assert!(answer.starts_with("error: `x` can not be edited: "), "{answer}");
        }
        assert!(bench.overlay().is_empty());
    }
}

#[test]
fn d05_read_file_answers_for_huge_files_with_their_start() {
    let bench = Bench::new("");
    let root = bench.fixture.root_path();
    std::fs::write(root.join("lines"), "0123456789\n".repeat(1_000_000)).unwrap();
    std::fs::write(root.join("line"), "x".repeat(50 << 20)).unwrap();
    std::fs::File::create(root.join("sparse")).unwrap().set_len(1 << 40).unwrap();
    for (name, expected) in [
        ("lines", "[only the first 262144 bytes of 11000000 can be read of so large a file]\n"),
        ("line", "[only the first 262144 bytes of 52428800 can be read of so large a file]\n"),
        ("sparse", "`sparse` is binary (1099511627776 bytes): it is not shown"),
    ] {
        let start = Instant::now();
        let answer = bench.call("read_file", json!({"path": name}));
        assert!(start.elapsed() < Duration::from_millis(200), "{name}: {:?}", start.elapsed());
        assert!(answer.ends_with(expected), "{name}: {}", &answer[answer.len().saturating_sub(200)..]);
        assert!(answer.len() <= bench.context.max_output, "{name}: {} bytes", answer.len());
    }
    let edit = bench.call("edit_file", json!({"path": "lines", "old_string": "0", "new_string": "1"}));
    assert!(edit.contains("has 11000000 bytes, more than the 8388608 that can be taken whole"), "{edit}");
}

#[test]
fn results_are_capped_and_say_what_was_cut() {
    let mut bench = Bench::new("");
    bench.context.max_output = 2_000;
    bench.fixture.write("lines", "word\n".repeat(1_000));
    bench.fixture.write("long", format!("{}\nend\n", "x".repeat(3_000)));
    for index in 0..400 {
        bench.fixture.write(&format!("many/file-{index:03}"), "word\n");
    }
    let output = bench.try_call("read_file", json!({"path": "lines"})).unwrap();
    assert!(output.truncated && output.text.len() <= 2_000);
    let note = output.text.lines().last().unwrap();
    let next = note.rsplit(' ').next().unwrap().trim_end_matches(']').parse::<usize>().unwrap();
    assert_eq!(note, format!("[lines 1 to {} of 1000; go on with offset {next}]", next - 1));
    assert!(
        bench.call("read_file", json!({"path": "lines", "offset": next})).starts_with(&format!("{next:>6}\tword\n"))
    );

    for (tool, input) in [("list_files", json!({})), ("search", json!({"pattern": "word"}))] {
        let output = bench.try_call(tool, input).unwrap();
        assert!(output.truncated && output.text.len() <= 2_000, "{tool}: {}", output.text.len());
        assert!(output.text.lines().last().unwrap().contains("narrow"), "{tool}: {}", output.text);
    }
    bench.context.max_output = 16_000;
    let long = bench.call("read_file", json!({"path": "long"}));
    assert!(long.contains("… [1000 more characters in this line]\n"), "{long}");
}

#[test]
fn list_files_respects_gitignore_and_globs() {
    check(PROJECT, "list_files", json!({}), ".gitignore\nREADME.md\nsrc/greet.rs\nsrc/main.rs\n");
    check(PROJECT, "list_files", json!({"glob": "*.rs"}), "src/greet.rs\nsrc/main.rs\n");
    check(PROJECT, "list_files", json!({"glob": "src/m*"}), "src/main.rs\n");
    check(PROJECT, "list_files", json!({"glob": "**/*.{md,toml}"}), "README.md\n");
    check(PROJECT, "list_files", json!({"path": "src"}), "src/greet.rs\nsrc/main.rs\n");
    check(PROJECT, "list_files", json!({"path": "src/", "glob": "g*"}), "src/greet.rs\n");
    check(PROJECT, "list_files", json!({"path": "nowhere"}), "error: `nowhere` does not exist");
    check(
        PROJECT,
        "list_files",
        json!({"path": ".."}),
        "error: `..` leads out of the workspace: use a path relative to its root, without `..`",
    );
    check(PROJECT, "list_files", json!({"glob": "*.zig"}), "no files match (ignored files are not listed)");
    check(
        PROJECT,
        "list_files",
        json!({"glob": "a{b"}),
        "error: `a{b` is no valid glob: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)",
    );
}

#[test]
fn search_shows_lines_by_file() {
    check(
        PROJECT,
        "search",
        json!({"pattern": "greet"}),
        "README.md\n     1\t# greet\nsrc/greet.rs\n     2\tpub fn greet(name: &str) {\nsrc/main.rs\n     2\t    greet(\"world\");\n",
    );
    check(PROJECT, "search", json!({"pattern": r"^fn \w+\(", "glob": "*.rs"}), "src/main.rs\n     1\tfn main() {\n");
    check(
        PROJECT,
        "search",
        json!({"pattern": "HELLO", "case": false, "path": "src"}),
        "src/greet.rs\n     1\t/// Says hello.\n     3\t    println!(\"hello {name}\");\n",
    );
    check(PROJECT, "search", json!({"pattern": "HELLO"}), "no line matches, in 4 files\n");
    check(PROJECT, "search", json!({"pattern": "fn", "path": "src/main.rs"}), "src/main.rs\n     1\tfn main() {\n");
    let broken = Bench::new(PROJECT).call("search", json!({"pattern": "main("}));
    assert!(broken.starts_with("error: the pattern is no valid regular expression"), "{broken}");
    let lines = Bench::new(PROJECT).call("search", json!({"pattern": r"main\n"}));
    assert!(lines.contains("line by line"), "{lines}");
}

#[test]
fn t11_unsaved_text_wins_and_is_labelled_in_read_list_and_search() {
    let bench = Bench::new(
        "//- /a.txt\nfrom the disk\n//- /a.txt buffer\nfrom the buffer\n//- /b.txt\nold b\n//- /gone.txt\nold gone\n",
    );
    bench.call("read_file", json!({"path": "gone.txt"}));
    bench.call("delete_file", json!({"path": "gone.txt"}));
    bench.call("write_file", json!({"path": "new.txt", "content": "from claw, old too\n"}));
    bench.call("edit_file", json!({"path": "b.txt", "old_string": "old b", "new_string": "new b"}));
    assert_eq!(
        bench.call("read_file", json!({"path": "a.txt"})),
        "[a.txt: as it stands unsaved in the editor]\n     1\tfrom the buffer\n"
    );
    assert_eq!(
        bench.call("read_file", json!({"path": "b.txt"})),
        "[b.txt: with your proposed edits, which the user has not accepted yet]\n     1\tnew b\n"
    );
    assert_eq!(
        bench.call("search", json!({"pattern": "from"})),
        "a.txt [unsaved in the editor]\n     1\tfrom the buffer\nnew.txt [with your proposed edits]\n     1\tfrom claw, old too\n"
    );
    assert_eq!(
        bench.call("search", json!({"pattern": "old"})),
        "new.txt [with your proposed edits]\n     1\tfrom claw, old too\n"
    );
    assert_eq!(
        bench.call("list_files", json!({})),
        "a.txt [unsaved in the editor]\nb.txt [with your proposed edits]\nnew.txt [with your proposed edits]\n"
    );
    assert_eq!(
        bench.call("read_file", json!({"path": "gone.txt"})),
        "error: `gone.txt` does not exist: look with list_files"
    );
    assert_eq!(bench.fixture.on_disk("b.txt").as_deref(), Some("old b\n"), "the disk is untouched");
}

const SHAPES: &str = "\
//- /src/shape.rs
pub struct Shape;
impl Shape {
    /// How large it is.
    pub fn area(&self) -> f64 { helper() }
}
pub fn helper() -> f64 { 0.0 } // helper
//- /src/main.rs
use shape::{Shape, helper};
fn main() {
    let area = Shape::area(&Shape);
    helper();
}
//- /src/other.rs
struct Field;
impl Field { fn area(&self) -> u8 { 0 } }
fn unrelated(field: Field) { field.area(); helper(\"helper\") }
//- /lib/shape.py
def helper(): pass
//- /notes.md
Call helper().
";

#[test]
fn references_tell_where_a_definition_is_used_and_how_sure_that_is() {
    let check = |input: Value, expected: &str| check(SHAPES, "references", input, expected);
    check(
        json!({"symbol": "helper", "path": "src"}),
        "defined in\n\
         lib/shape.py\n     1\tdef helper()\n\
         src/shape.rs\n     6\tpub fn helper() -> f64\n\
         used in (3 sure, 1 likely, 0 possible)\n\
         src/main.rs\n     1\tuse shape::{Shape, helper}; [import, sure]\n     4\thelper();  (in main) [sure]\n\
         src/shape.rs\n     4\tpub fn area(&self) -> f64 { helper() }  (in Shape::area) [sure]\n\
         src/other.rs\n     3\tfn unrelated(field: Field) { field.area(); helper(\"helper\") }  (in unrelated) [likely]\n",
    );
    check(
        json!({"symbol": "Shape.area"}),
        "defined in\n\
         src/shape.rs\n     4\tpub fn area(&self) -> f64  (in Shape)\n\
         used in (1 sure, 1 likely, 0 possible)\n\
         src/main.rs\n     3\tlet area = Shape::area(&Shape);  (in main) [sure]\n\
         src/other.rs\n     3\tfn unrelated(field: Field) { field.area(); helper(\"helper\") }  (in unrelated) [likely]\n\
         [1 parameter or variable of this name left out]\n",
    );
    check(json!({"symbol": "nowhere"}), "`nowhere` is not defined in this workspace, as far as can be told\nno uses\n");
    check(json!({"symbol": "::"}), "error: `symbol` names nothing: give the name of a definition");
    check(json!({"symbol": "helper", "path": "gone"}), "error: `gone` does not exist");
}

#[test]
fn of_a_large_file_of_code_the_outline_is_read() {
    let bench = Bench::new("");
    let source: String = (0..400).map(|at| format!("fn part_{at}() {{\n    let x = {at};\n}}\n")).collect();
    bench.fixture.write("large.rs", &source);
    let output = bench.try_call("read_file", json!({"path": "large.rs"})).unwrap();
    assert!(output.truncated && output.text.len() <= bench.context.max_output, "{}", output.text.len());
    let start = "[large.rs: 1200 lines, so this is its start and its outline]\n     1\tfn part_0() {\n";
    assert!(output.text.starts_with(start), "{}", output.text);
    assert!(output.text.contains("\n    40\tfn part_13() {\n[definitions]\n     1\tfn part_0()\n"), "{}", output.text);
    assert!(output.text.contains("\n  1198\tfn part_399()\n"), "{}", output.text);
    assert!(output.text.ends_with("[ask for lines with offset and limit]\n"), "{}", output.text);
    let part = bench.call("read_file", json!({"path": "large.rs", "offset": 1198, "limit": 1}));
    assert_eq!(part, "  1198\tfn part_399() {\n[lines 1198 to 1198 of 1200; go on with offset 1199]\n");
    // What has no definitions is read as ever.
    bench.fixture.write("large.txt", "word\n".repeat(1_200));
    assert!(bench.call("read_file", json!({"path": "large.txt"})).starts_with("     1\tword\n"));
}

#[test]
fn what_is_remembered_is_an_edit() {
    let bench = Bench::new("");
    let told = "proposed in `.claw/memory.md`; later sessions read it once the user accepts it";
    assert_eq!(bench.call("remember", json!({"text": " Build with\n  `make`. "})), told);
    assert_eq!(bench.call("remember", json!({"text": "- Tests need a key."})), told);
    assert_eq!(bench.call("remember", json!({"text": "Build with `make`."})), "this is remembered already");
    let expected = "# Memory\n\n- Build with `make`.\n- Tests need a key.\n";
    assert_eq!(bench.text(".claw/memory.md").as_deref(), Some(expected));
    assert_eq!(bench.fixture.on_disk(".claw/memory.md"), None, "nothing is written");
    for (text, why) in [
        ("  ", "error: `text` is empty"),
        (&"x ".repeat(600), "error: a note may have 1000 bytes"),
        ("The key is AKIAIOSFODNN7EXAMPLX.", "error: this holds a secret"),
    ] {
        let answer = bench.call("remember", json!({"text": text}));
        assert!(answer.starts_with(why), "{answer}");
    }
    let bench = Bench::new("//- /.claw/memory.md\nkept");
    assert_eq!(bench.call("remember", json!({"text": "more"})), told);
    assert_eq!(bench.text(".claw/memory.md").as_deref(), Some("kept\n- more\n"));
}

#[test]
fn a_file_without_a_grammar_is_outlined_by_its_indentation() {
    let kotlin = "//- /a.kt\nclass Shape {\n    fun area() {\n        x()\n    }\n}\n//- /rules.conf\nserver {\n  listen 80\n}\n";
    check(kotlin, "symbols", json!({}), "a.kt\n     1\tclass Shape\n     2\t  fun area()\n");
    check(kotlin, "symbols", json!({"path": "rules.conf"}), "rules.conf\n     1\tserver\n");
}

#[test]
fn symbols_outline_files_and_find_definitions() {
    let fixture = "//- /shape.py\nclass Shape:\n    def area(self):\n        return 0\n\ndef make():\n    return Shape()\n//- /lib.rs\npub fn area() -> u32 { 0 }\n";
    let outline = Bench::new(fixture).call("symbols", json!({"path": "shape.py"}));
    assert!(outline.starts_with("shape.py\n     1\tclass Shape"), "{outline}");
    assert!(outline.contains("     2\t  def area(self)"), "{outline}");
    let found = Bench::new(fixture).call("symbols", json!({"query": "AREA"}));
    assert!(found.contains("lib.rs\n     1\tpub fn area() -> u32"), "{found}");
    assert!(found.contains("def area(self)") && found.contains("(in Shape)"), "{found}");
    assert!(!found.contains("make"), "{found}");
    check(fixture, "symbols", json!({"query": "nothing"}), "no definition matches, in 2 files of a known language\n");
}

#[test]
fn the_plan_is_replaced_whole() {
    let bench = Bench::new("");
    let items = json!([{"text": "read", "status": "done"}, {"text": "write", "status": "active"}]);
    assert_eq!(bench.call("update_plan", json!({"items": items})), "the plan has 2 steps, 1 of them done");
    let expected = [
        PlanItem { text: "read".to_owned(), status: PlanStatus::Done },
        PlanItem { text: "write".to_owned(), status: PlanStatus::Active },
    ];
    assert_eq!(*bench.context.plan.lock().unwrap(), expected);
    let wrong = bench.call("update_plan", json!({"items": [{"text": "x", "status": "doing"}]}));
    assert!(wrong.contains("unknown variant `doing`"), "{wrong}");
    assert_eq!(*bench.context.plan.lock().unwrap(), expected);
}

mod diagnostics {
    use claw::tools::{Diagnostic, Diagnostics, Severity};
    use claw::workspace::{DocPath, RootId};
    use futures::future::BoxFuture;

    use super::*;

    struct Editor;

    impl Host for Editor {
        fn diagnostics(&self, path: Option<DocPath>) -> BoxFuture<'static, Diagnostics> {
            let diagnostic = |rel: &str, line, severity, message: &str| Diagnostic {
                path: DocPath::File { root: RootId(0), rel: rel.into() },
                range: 0..1,
                line,
                severity,
                message: message.to_owned(),
                source: Some("rustc".to_owned()),
                code: (severity == Severity::Error).then(|| "E0308".to_owned()),
                version: (severity == Severity::Error).then_some(2),
            };
            let all = vec![
                diagnostic("src/main.rs", 2, Severity::Warning, "unused"),
                diagnostic("src/greet.rs", 3, Severity::Error, "mismatched types\nexpected `u8`"),
            ];
            let known = all.into_iter().filter(|one| path.as_ref().is_none_or(|path| *path == one.path)).collect();
            Box::pin(std::future::ready(Diagnostics::Known(known)))
        }
    }

    #[test]
    fn are_shown_worst_first_and_the_unknown_is_said() {
        let bench = Bench::with_host(PROJECT, Arc::new(Editor));
        assert_eq!(
            bench.call("diagnostics", json!({})),
            "src/greet.rs:3: error: mismatched types\n    expected `u8` [rustc E0308]\nsrc/main.rs:2: warning: unused [rustc]\n\
             [src/greet.rs: version 2, which is not open any more]\n[src/main.rs: version unknown, and it is not open]\n"
        );
        assert_eq!(bench.call("diagnostics", json!({"path": "README.md"})), "no problems are known");
        // What is open is at a version of its own, and what is proposed is another text.
        for path in ["src/greet.rs", "src/greet.rs", "src/greet.rs", "src/main.rs"] {
            bench.fixture.open(path, "fn open() {}\n");
        }
        let origins = |path: &str| {
            let shown = bench.call("diagnostics", json!({"path": path}));
            shown.lines().last().unwrap_or_default().to_owned()
        };
        let open = |path: &str| bench.fixture.workspace.buffers().get(&bench.fixture.doc(path)).unwrap().version;
        let (greet, main) = (open("src/greet.rs"), open("src/main.rs"));
        assert_eq!(
            origins("src/greet.rs"),
            format!("[src/greet.rs: version 2, and version {greet} is open now: lines may have moved]")
        );
        bench.call("edit_file", json!({"path": "src/main.rs", "old_string": "open", "new_string": "closed"}));
        assert_eq!(
            origins("src/main.rs"),
            format!(
                "[src/main.rs: version unknown, and version {main} is open now. Your proposed text is another: these do not tell of \
                 it, and its lines may differ]"
            )
        );
        check(
            PROJECT,
            "diagnostics",
            json!({}),
            "unknown: no editor is here that could tell. This does not mean that there are no problems",
        );
    }
}

#[test]
fn m03_arguments_that_do_not_fit_are_answered_with_what_is_expected() {
    let expected = "Expected: edit_file {path: string, old_string: string, new_string: string, replace_all?: boolean}";
    for (input, mistake) in [
        (json!({}), "`path` is missing"),
        (json!({"path": "a", "old_string": "b"}), "`new_string` is missing"),
        (json!({"path": 1, "old_string": "b", "new_string": "c"}), "`path` must be a string, not a number"),
        (json!({"path": null, "old_string": "b", "new_string": "c"}), "`path` must be a string, not null"),
        (json!({"path": "a", "old_string": ["b"], "new_string": "c"}), "`old_string` must be a string, not an array"),
        (
            json!({"path": "a", "old_string": "b", "new_string": "c", "replace_all": "true"}),
            "`replace_all` must be a boolean, not a string",
        ),
        (json!({"path": "a", "old_string": "b", "new_string": "c", "fuzzy": true}), "there is no argument `fuzzy`"),
    ] {
        check(PROJECT, "edit_file", input, &format!("error: {mistake}. {expected}"));
    }
    let reading = "Expected: read_file {path: string, offset?: integer, limit?: integer}";
    for (offset, mistake) in [
        (json!("2"), "`offset` must be an integer, not a string"),
        (json!(1.5), "`offset` must be an integer, not a number"),
    ] {
        check(
            PROJECT,
            "read_file",
            json!({"path": "README.md", "offset": offset}),
            &format!("error: {mistake}. {reading}"),
        );
    }
    let negative = Bench::new(PROJECT).call("read_file", json!({"path": "README.md", "offset": -1}));
    assert!(negative.starts_with("error: ") && negative.ends_with(reading), "{negative}");
    check(PROJECT, "read_file", json!({"path": "README.md", "offset": null}), "     1\t# greet\n");
}

#[test]
fn m03_arguments_are_parsed_strictly() {
    use arguments::parse;
    assert_eq!(
        parse(r#"{"a": [1, -2, 3.5, "x", null, true, {"b": {}}]}"#),
        Ok(json!({"a": [1, -2, 3.5, "x", null, true, {"b": {}}]}))
    );
    assert_eq!(parse(" \n"), Ok(json!({})));
    for (text, expected) in [
        (r#"{"path": "a", "path": "b"}"#, "the key \"path\" stands twice"),
        (r#"{"a": {"b": 1, "b": 2}}"#, "the key \"b\" stands twice"),
        (r#"{"a": [{"b": 1, "b": 2}]}"#, "the key \"b\" stands twice"),
        (r#"{"a": 1e999}"#, "number out of range"),
        (r#"{"a": 1} {"b": 2}"#, "trailing characters"),
        (r#"[1]"#, "an array and not an object"),
        (r#""text""#, "a string and not an object"),
        (r#"{"a": NaN}"#, "expected value"),
        (r#"{'a': 1}"#, "key must be a string"),
        (r#"{"a": 1,}"#, "trailing comma"),
        ("{\"a\": \"\u{1}\"}", "control character"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let deep = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    assert!(parse(&deep).unwrap_err().contains("nested deeper than 32"));
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(parse(&deep).unwrap_err().contains("nested deeper than 32"));
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(10 << 20));
    assert!(parse(&large).unwrap_err().contains("longer than 1048576 bytes: do it in several smaller calls"));
}

#[test]
fn m02_truncated_arguments_are_not_repaired() {
    for text in [
        r#"{"path": "a"#,
        r#"{"path": "a""#,
        r#"{"path": "a","#,
        r#"{"path":"#,
        "{",
        r#"{"path": "a\"#,
        r#"{"path": "a\u12"#,
        r#"{"a":1}}"#,
        "```",
    ] {
        let error = arguments::parse(text).unwrap_err();
        assert!(error.contains(" at line 1 column "), "{text}: {error}");
    }
}

#[test]
fn t01_every_tool_refuses_names_that_lead_elsewhere() {
    let bench = Bench::new(PROJECT);
    std::fs::create_dir(bench.fixture.folder.path().join("ws-evil")).unwrap();
    let sibling = bench.fixture.folder.path().join("ws-evil/x").display().to_string();
    for name in [
        "../x",
        "/etc/passwd",
        "~/x",
        "a//b",
        "a\\b",
        "%2e%2e/x",
        "a\0b",
        "a\nb",
        sibling.as_str(),
        &"a/".repeat(2_500),
    ] {
        for (tool, input) in [
            ("read_file", json!({"path": name})),
            ("list_files", json!({"path": name})),
            ("search", json!({"pattern": "x", "path": name})),
            ("symbols", json!({"path": name})),
            ("edit_file", json!({"path": name, "old_string": "x", "new_string": "y"})),
            ("write_file", json!({"path": name, "content": "x"})),
            ("delete_file", json!({"path": name})),
            ("move_file", json!({"from": "README.md", "to": name})),
            ("move_file", json!({"from": name, "to": "x"})),
            ("diagnostics", json!({"path": name})),
        ] {
            match bench.try_call(tool, input) {
                Err(ToolError::Model(message)) => assert!(message.len() < 500, "{message}"),
                other => panic!("{tool} {name:?}: {other:?}"),
            }
        }
    }
    assert!(bench.overlay().is_empty());
}

#[test]
fn t06_a_cancelled_search_answers_at_once() {
    let bench = Bench::new("");
    for index in 0..20 {
        bench
            .fixture
            .write(&format!("f{index}"), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n".repeat(20_000));
    }
    let cancel = bench.context.cancel.clone();
    let tool = bench.tools.get("search").unwrap().clone();
    let call = tool.call(bench.context.clone(), json!({"pattern": "(a{1,100}){1,50}(a{1,50}){1,50}$"}));
    let (answer, waited) = bench.runtime.block_on(async move {
        let running = tokio::spawn(call);
        tokio::task::yield_now().await;
        let start = Instant::now();
        cancel.cancel();
        (running.await.unwrap(), start.elapsed())
    });
    assert_eq!(answer, Err(ToolError::Cancelled));
    assert!(waited < Duration::from_millis(200), "{waited:?}");
    // The runtime would wait for the thread to end by itself.
    bench.runtime.shutdown_background();
}

#[test]
fn a_file_outside_that_is_open_can_be_read_by_its_uri_and_edited() {
    let bench = Bench::new("");
    let uri = "file:///elsewhere/notes.txt";
    let path = bench.fixture.workspace.roots().resolve(uri).unwrap();
    let before = bench.call("read_file", json!({"path": uri}));
    assert!(before.contains("is not open in the editor"), "{before}");
    let write = bench.call("write_file", json!({"path": uri, "content": "x"}));
    assert!(write.contains("is not open in the editor"), "{write}");
    bench.fixture.workspace.with_buffers(|buffers| {
        let buffer = claw::workspace::Buffer {
            text: Text::new("notes\n"),
            version: 1,
            uri: uri.into(),
            language_id: "plaintext".into(),
            lossy: false,
        };
        buffers.set(path.clone(), buffer);
    });
    assert!(bench.call("read_file", json!({"path": uri})).ends_with("     1\tnotes\n"));
    let edit = bench.call("edit_file", json!({"path": uri, "old_string": "notes", "new_string": "better notes"}));
    assert!(edit.starts_with("edited `file:///elsewhere/notes.txt` at line 1"), "{edit}");
    assert!(bench.call("delete_file", json!({"path": uri})).starts_with("error: "));
}
