//! The tasks: small projects in the languages that are at hand, and what one does with them.

use serde_json::{Value, json};

use super::Task;

fn shell(command: &str) -> Value {
    json!({"name": "shell", "input": {"command": command}})
}

fn read(path: &str) -> Value {
    json!({"name": "read_file", "input": {"path": path}})
}

fn search(pattern: &str) -> Value {
    json!({"name": "search", "input": {"pattern": pattern}})
}

fn edit(path: &str, old: &str, new: &str) -> Value {
    json!({"name": "edit_file", "input": {"path": path, "old_string": old, "new_string": new}})
}

fn write(path: &str, content: &str) -> Value {
    json!({"name": "write_file", "input": {"path": path, "content": content}})
}

const PYTHON: &str = "\
//- /calc.py
def add(a, b):
    return a - b


def mean(values):
    return sum(values) / len(values)
//- /test_calc.py
import unittest

from calc import add, mean


class Test(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 3), 5)

    def test_mean(self):
        self.assertEqual(mean([1, 3]), 2)
//- /README.md
# Calc

Adds numbers.
";

const NODE: &str = "\
//- /package.json
{
  \"name\": \"words\",
  \"version\": \"1.2.3\",
  \"type\": \"module\",
  \"scripts\": { \"test\": \"node --test\", \"build\": \"node build.js\", \"lint\": \"node lint.js\" }
}
//- /words.js
export function count(text) {
  return text.split(' ').length;
}
//- /words.test.js
import test from 'node:test';
import assert from 'node:assert';
import { count } from './words.js';

test('counts words', () => {
  assert.equal(count('one  two three'), 3);
});
//- /build.js
import { writeFileSync } from 'node:fs';
writeFileSync('version.js', 'export const VERSION = \"1.2.3\";\\n');
//- /lint.js
import { readFileSync } from 'node:fs';
const bad = readFileSync('words.js', 'utf8').split('\\n').filter((line) => line.endsWith(' '));
console.log(bad.length + ' problems');
";

const RUST: &str = "\
//- /Cargo.toml
[package]
name = \"small\"
version = \"0.1.0\"
edition = \"2021\"
//- /Cargo.lock
version = 3

[[package]]
name = \"small\"
version = \"0.1.0\"
//- /.gitignore
target/
//- /src/lib.rs
pub fn largest(values: &[i32]) -> Option<i32> {
    values.iter().copied().min()
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_the_largest() {
        assert_eq!(super::largest(&[1, 3, 2]), Some(3));
    }
}
";

const SHELL: &str = "\
//- /greet.sh
#!/bin/bash
name=${1:-world}
echo \"Hello, $nme\"
//- /test.sh
#!/bin/bash
[ \"$(bash greet.sh Ann)\" = 'Hello, Ann' ] && echo passed || { echo failed; exit 1; }
//- /Makefile
all: out.txt
test:
\t@bash test.sh
out.txt: in.txt
\tsort in.txt > out.txt
//- /in.txt
b
a
c
//- /config.ini
[server]
port = 80
host = a
//- /data.json
{\"users\":[{\"name\":\"Ann\",\"age\":31},{\"name\":\"Bob\",\"age\":27}]}
//- /notes.md
# Notes

- Colour
- Colour of things
";

const COMMITTED: &[&str] =
    &["git init -q . && git add -A && git -c user.name=x -c user.email=x@x commit -q -m 'First version'"];

fn task(
    name: &'static str,
    project: &'static str,
    calls: Vec<Value>,
    told: &'static [&'static str],
    proposed: &'static [(&'static str, &'static str)],
) -> Task {
    Task { name, project, setup: &[], calls, told, proposed }
}

fn committed(task: Task) -> Task {
    Task { setup: COMMITTED, ..task }
}

pub fn tasks() -> Vec<Task> {
    [python(), node(), rust(), scripts(), repository()].into_iter().flatten().collect()
}

fn python() -> Vec<Task> {
    let test = || shell("python3 -m unittest -q");
    let fix = || edit("calc.py", "a - b", "a + b");
    vec![
        task(
            "python: mend a failing test",
            PYTHON,
            vec![test(), read("calc.py"), fix(), test()],
            &["FAILED", "OK"],
            &[("calc.py", "a + b")],
        ),
        task(
            "python: add a function and its test",
            PYTHON,
            vec![
                fix(),
                edit("calc.py", "def mean", "def double(a):\n    return 2 * a\n\n\ndef mean"),
                edit("test_calc.py", "import add, mean", "import add, double, mean"),
                edit(
                    "test_calc.py",
                    "    def test_mean",
                    "    def test_double(self):\n        self.assertEqual(double(4), 8)\n\n    def test_mean",
                ),
                shell("python3 -m unittest -v 2>&1 | tail -n 6"),
            ],
            &["Ran 3 tests"],
            &[("calc.py", "def double"), ("test_calc.py", "test_double")],
        ),
        task(
            "python: rename over files",
            PYTHON,
            vec![search("mean"), shell("sed -i 's/\\bmean\\b/average/g' calc.py test_calc.py"), fix(), test()],
            &["calc.py", "changed: `calc.py`, `test_calc.py`", "OK"],
            &[("calc.py", "def average"), ("test_calc.py", "import add, average")],
        ),
        task(
            "python: look at how it runs",
            PYTHON,
            vec![
                shell("python3 -c 'import calc; print(calc.mean([1, 2]))'"),
                shell("python3 -m py_compile calc.py && echo compiles"),
            ],
            &["1.5", "compiles"],
            &[],
        ),
        task(
            "python: one test by name",
            PYTHON,
            vec![
                shell("python3 -m unittest -q test_calc.Test.test_mean"),
                shell("python3 -m unittest test_calc.Test.test_add 2>&1 | grep -c Error"),
            ],
            &["OK", "1"],
            &[],
        ),
        task(
            "python: format by a script",
            "//- /fmt.py\nimport sys\nfor name in sys.argv[1:]:\n    text = open(name).read()\n    open(name, 'w').write('\\n'.join(line.rstrip() for line in text.split('\\n')))\n//- /a.txt\none   \ntwo\t\n//- /b.txt\nfine\n",
            vec![shell("python3 fmt.py a.txt b.txt"), read("a.txt")],
            &["changed: `a.txt`"],
            &[("a.txt", "one\ntwo\n")],
        ),
    ]
}

fn node() -> Vec<Task> {
    let fix = || edit("words.js", "split(' ')", "split(/\\s+/)");
    vec![
        task(
            "node: mend a failing test",
            NODE,
            vec![shell("npm test"), read("words.js"), fix(), shell("npm test")],
            &["fail 1", "fail 0"],
            &[("words.js", "/\\s+/")],
        ),
        task(
            "node: run the tests by node",
            NODE,
            vec![fix(), shell("node --test 2>&1 | grep -E '^(#|ℹ) pass'")],
            &["pass 1"],
            &[("words.js", "/\\s+/")],
        ),
        task(
            "node: a build that makes a file",
            NODE,
            vec![shell("npm run build"), shell("cat version.js")],
            &["created: `version.js`", "1.2.3"],
            &[("version.js", "VERSION")],
        ),
        task(
            "node: lint, and mend",
            NODE,
            vec![shell("npm run lint"), shell("node lint.js && node --check words.js && echo fine")],
            &["0 problems", "fine"],
            &[],
        ),
        task(
            "node: raise the version",
            NODE,
            vec![
                shell("node -p \"require('./package.json').version\""),
                edit("package.json", "1.2.3", "1.3.0"),
                edit("build.js", "1.2.3", "1.3.0"),
                shell("npm run build && grep -n VERSION version.js"),
            ],
            &["1.2.3", "1.3.0"],
            &[("build.js", "1.3.0"), ("package.json", "1.3.0"), ("version.js", "1.3.0")],
        ),
        task(
            "node: a new module with a test",
            NODE,
            vec![
                fix(),
                write("upper.js", "export const upper = (text) => text.toUpperCase();\n"),
                write(
                    "upper.test.js",
                    "import test from 'node:test';\nimport assert from 'node:assert';\nimport { upper } from './upper.js';\n\ntest('upper', () => assert.equal(upper('a'), 'A'));\n",
                ),
                shell("npm test 2>&1 | tail -n 12"),
            ],
            &["pass 2"],
            &[("upper.js", "upper"), ("upper.test.js", "assert"), ("words.js", "/\\s+/")],
        ),
    ]
}

fn rust() -> Vec<Task> {
    let fix = || edit("src/lib.rs", ".min()", ".max()");
    vec![
        task(
            "rust: mend a failing test",
            RUST,
            vec![shell("cargo test -q"), fix(), shell("cargo test -q")],
            &["FAILED", "test result: ok. 1 passed"],
            &[("src/lib.rs", ".max()")],
        ),
        task(
            "rust: check, and mend what it says",
            RUST,
            vec![
                edit("src/lib.rs", ".min()", ".maxx()"),
                shell("cargo check -q 2>&1 | head -n 5"),
                edit("src/lib.rs", ".maxx()", ".max()"),
                shell("cargo check -q && echo checked"),
            ],
            &["maxx", "checked"],
            &[("src/lib.rs", ".max()")],
        ),
        task(
            "rust: format",
            RUST,
            vec![
                fix(),
                edit("src/lib.rs", "values.iter().copied()", "values . iter( ).copied( )"),
                shell("rustfmt src/lib.rs"),
                shell("cargo test -q 2>&1 | tail -n 3"),
            ],
            &["changed: `src/lib.rs`", "1 passed"],
            &[("src/lib.rs", "values.iter().copied().max()")],
        ),
        task(
            "rust: a second module",
            RUST,
            vec![
                fix(),
                write("src/sum.rs", "pub fn sum(values: &[i32]) -> i32 {\n    values.iter().sum()\n}\n"),
                edit("src/lib.rs", "pub fn largest", "pub mod sum;\n\npub fn largest"),
                shell("cargo build -q && cargo test -q --lib 2>&1 | tail -n 3"),
            ],
            &["1 passed"],
            &[("src/lib.rs", "pub mod sum"), ("src/sum.rs", "pub fn sum")],
        ),
    ]
}

fn scripts() -> Vec<Task> {
    vec![
        task(
            "bash: mend a script",
            SHELL,
            vec![
                shell("bash test.sh"),
                shell("bash -n greet.sh && cat greet.sh"),
                edit("greet.sh", "$nme", "$name"),
                shell("bash test.sh"),
            ],
            &["failed", "passed"],
            &[("greet.sh", "$name")],
        ),
        task(
            "make: test and build",
            SHELL,
            vec![edit("greet.sh", "$nme", "$name"), shell("make test"), shell("make all && cat out.txt")],
            &["passed", "a\nb\nc"],
            &[("greet.sh", "$name"), ("out.txt", "a\nb\nc")],
        ),
        task(
            "sed over a file",
            SHELL,
            vec![shell("sed -i 's/Colour/Color/' notes.md"), shell("grep -n Color notes.md | wc -l")],
            &["changed: `notes.md`", "2"],
            &[("notes.md", "- Color\n- Color of things")],
        ),
        task(
            "a setting, and what uses it",
            SHELL,
            vec![
                search("port"),
                edit("config.ini", "port = 80", "port = 8080"),
                shell("awk -F' = ' '/port/ {print $2}' config.ini"),
            ],
            &["config.ini", "8080"],
            &[("config.ini", "port = 8080")],
        ),
        task(
            "data, looked at and changed",
            SHELL,
            vec![
                shell("python3 -m json.tool data.json"),
                shell(
                    "python3 -c \"import json; d=json.load(open('data.json')); d['users'][0]['age']=32; json.dump(d, open('data.json','w'))\"",
                ),
                read("data.json"),
            ],
            &["\"name\": \"Ann\"", "changed: `data.json`"],
            &[("data.json", "32")],
        ),
        task(
            "count and list",
            SHELL,
            vec![
                shell("ls -la"),
                shell("find . -name '*.sh' -type f"),
                shell("wc -l *.sh in.txt | sort -n | tail -n 1"),
            ],
            &["Makefile", "greet.sh", "total"],
            &[],
        ),
        task(
            "move files by a command",
            SHELL,
            vec![shell("mkdir -p scripts && mv greet.sh test.sh scripts/"), shell("ls scripts")],
            &["scripts/greet.sh", "test.sh"],
            &[("scripts/greet.sh", "Hello"), ("scripts/test.sh", "Ann")],
        ),
        task(
            "read the documents",
            SHELL,
            vec![
                read("notes.md"),
                search("Colour"),
                shell("head -n 3 notes.md; tail -n 1 notes.md"),
                shell("diff in.txt notes.md | head -n 3"),
            ],
            &["Notes", "Colour of things", "# Notes"],
            &[],
        ),
        task(
            "many edits, one look",
            SHELL,
            vec![
                edit("config.ini", "host = a", "host = b"),
                edit("notes.md", "# Notes", "# Notes of ours"),
                write("CHANGES.md", "- port\n"),
                shell("cat config.ini notes.md CHANGES.md"),
            ],
            &["host = b"],
            &[("CHANGES.md", "port"), ("config.ini", "host = b"), ("notes.md", "of ours")],
        ),
        task(
            "a server in the background",
            SHELL,
            vec![
                json!({"name": "shell", "input": {"command": "python3 -u -c \"import time; print('ready'); time.sleep(60)\"", "background": true}}),
                json!({"name": "shell_job", "input": {"job": 1, "wait_s": 1}}),
                json!({"name": "shell_job", "input": {"job": 1, "stop": true}}),
            ],
            &["started as job 1", "ready", "stopped"],
            &[],
        ),
    ]
}

fn repository() -> Vec<Task> {
    vec![
        committed(task(
            "git: what happened",
            SHELL,
            vec![shell("git log --oneline"), shell("git show --stat HEAD"), shell("git blame greet.sh | head -n 2")],
            &["First version", "greet.sh", "#!/bin/bash"],
            &[],
        )),
        committed(task(
            "git: what I changed",
            SHELL,
            vec![edit("greet.sh", "$nme", "$name"), shell("git status --short"), shell("git diff")],
            &["M greet.sh", "+echo \"Hello, $name\""],
            &[("greet.sh", "$name")],
        )),
        committed(task(
            "git: search and list",
            SHELL,
            vec![shell("git grep -n Colour"), shell("git ls-files | wc -l"), shell("git rev-parse --abbrev-ref HEAD")],
            &["notes.md:3", "7", ""],
            &[],
        )),
        committed(task(
            "git: mend and test",
            PYTHON,
            vec![
                shell("git log -1 --format=%s && python3 -m unittest -q 2>&1 | tail -n 1"),
                edit("calc.py", "a - b", "a + b"),
                shell("python3 -m unittest -q && git diff --stat"),
            ],
            &["FAILED", "calc.py"],
            &[("calc.py", "a + b")],
        )),
    ]
}
