//! The check commands that a project's own files speak for, where nobody configured any.
//!
//! Linters are among them only where the project configures them: nobody asked for what they would say otherwise.

use crate::workspace::{DocPath, RootId, View};

/// A check, and what to run instead where its program is not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detected {
    /// The first that can run counts. Never empty.
    pub commands: Vec<String>,
}

/// Files of a workspace that are looked through for tests, and tests that are read.
const MOST_FILES: usize = 5_000;
const MOST_READ: usize = 20;

/// Bytes of a file that are read.
const MOST_BYTES: usize = 256 * 1024;

const ESLINT: [&str; 10] = [
    "eslint.config.js",
    "eslint.config.mjs",
    "eslint.config.cjs",
    "eslint.config.ts",
    ".eslintrc",
    ".eslintrc.js",
    ".eslintrc.cjs",
    ".eslintrc.json",
    ".eslintrc.yml",
    ".eslintrc.yaml",
];

/// The checks for what stands in the first workspace folder, where commands start. Blocks on the disk.
pub fn detect(view: &View) -> Vec<Detected> {
    let Some(root) = view.roots().iter().next() else { return Vec::new() };
    let project = Project { view, root: root.id };
    let one = |command: &str| Detected { commands: vec![command.to_owned()] };
    let mut found = Vec::new();
    if project.has("Cargo.toml") {
        found.push(one("cargo check -q"));
    }
    let python = project.python_tests();
    if !python.is_empty() {
        found.push(Detected { commands: python });
    }
    if project.has_npm_test() {
        found.push(one("npm test --silent"));
    }
    if project.has("ruff.toml") || project.has(".ruff.toml") || project.says("pyproject.toml", "[tool.ruff") {
        found.push(one("ruff check"));
    }
    if ESLINT.iter().any(|name| project.has(name)) {
        found.push(one("npx --no-install eslint ."));
    }
    found
}

struct Project<'a> {
    view: &'a View,
    root: RootId,
}

impl Project<'_> {
    fn path(&self, name: &str) -> DocPath {
        DocPath::File { root: self.root, rel: name.into() }
    }

    fn has(&self, name: &str) -> bool {
        self.view.exists(&self.path(name))
    }

    /// What a file holds; empty where there is none, or none that is so small.
    fn text(&self, path: &DocPath) -> String {
        let read = self.view.read(path).map(|document| document.text.to_string()).unwrap_or_default();
        if read.len() > MOST_BYTES { String::new() } else { read }
    }

    fn says(&self, name: &str, words: &str) -> bool {
        self.has(name) && self.text(&self.path(name)).contains(words)
    }

    fn has_npm_test(&self) -> bool {
        if !self.has("package.json") {
            return false;
        }
        let package: serde_json::Value =
            serde_json::from_str(&self.text(&self.path("package.json"))).unwrap_or_default();
        let script = package.get("scripts").and_then(|scripts| scripts.get("test")).and_then(|test| test.as_str());
        // What `npm init` writes fails always.
        script.is_some_and(|script| !script.trim().is_empty() && !script.contains("no test specified"))
    }

    fn python_tests(&self) -> Vec<String> {
        let is_configured = self.has("pytest.ini")
            || self.has("conftest.py")
            || self.says("pyproject.toml", "[tool.pytest")
            || self.says("setup.cfg", "[tool:pytest]")
            || self.says("tox.ini", "[pytest]");
        let tests = self.python_test_files();
        let mut commands = Vec::new();
        if is_configured || !tests.is_empty() {
            commands.extend(["pytest -x -q".to_owned(), "python3 -m pytest -x -q".to_owned()]);
        }
        let mut read = tests.iter().take(MOST_READ);
        if read.any(|rel| self.text(&self.path(rel)).contains("unittest")) {
            commands.push(self.unittest(&tests));
        }
        commands
    }

    /// Discovery goes into packages only: tests in a folder that is none are looked for from there.
    fn unittest(&self, tests: &[String]) -> String {
        let folder = tests.first().and_then(|test| test.rsplit_once('/')).map(|(folder, _)| folder);
        match folder.and_then(|folder| folder.split('/').next()) {
            Some(top) if matches!(top, "test" | "tests") && !self.has(&format!("{top}/__init__.py")) => {
                format!("python3 -m unittest discover -q -s {top}")
            }
            Some(_) | None => "python3 -m unittest -q".to_owned(),
        }
    }

    /// Files that are tests by name.
    fn python_test_files(&self) -> Vec<String> {
        let files = self.view.files(MOST_FILES).files;
        let tests = files.iter().filter_map(|path| match path {
            DocPath::File { root, rel } if *root == self.root => Some(rel.to_string()),
            DocPath::File { .. } | DocPath::Virtual(_) => None,
        });
        tests
            .filter(|rel| {
                let name = rel.rsplit('/').next().unwrap_or_default();
                let stem = name.strip_suffix(".py");
                stem.is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test") || stem == "tests")
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Overlay, Roots, Workspace};

    fn check(files: &[(&str, &str)], expected: &[&[&str]]) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut roots = Roots::default();
        roots.add(folder.path()).unwrap();
        let found = detect(&Workspace::new(roots).view(&Overlay::default()));
        let found: Vec<Vec<&str>> =
            found.iter().map(|check| check.commands.iter().map(String::as_str).collect()).collect();
        assert_eq!(found, expected, "{files:?}");
    }

    #[test]
    fn checks_follow_from_what_the_project_has() {
        const PYTEST: [&str; 2] = ["pytest -x -q", "python3 -m pytest -x -q"];
        const UNITTEST: &str = "import unittest\n";
        let and = |last| [PYTEST.as_slice(), &[last]].concat();
        check(&[("README.md", "words")], &[]);
        check(&[("Cargo.toml", "[package]")], &[&["cargo check -q"]]);
        check(&[("deep/Cargo.toml", "[package]")], &[]);
        check(&[("pyproject.toml", "[tool.pytest.ini_options]")], &[&PYTEST]);
        check(&[("pyproject.toml", "[tool.black]")], &[]);
        check(&[("tests/test_a.py", "def test_a(): pass")], &[&PYTEST]);
        check(&[("test_a.py", UNITTEST)], &[&and("python3 -m unittest -q")]);
        check(&[("tests/test_a.py", UNITTEST)], &[&and("python3 -m unittest discover -q -s tests")]);
        check(&[("tests/test_a.py", UNITTEST), ("tests/__init__.py", "")], &[&and("python3 -m unittest -q")]);
        check(&[("package.json", r#"{"scripts": {"test": "node --test"}}"#)], &[&["npm test --silent"]]);
        check(&[("package.json", r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#)], &[]);
        check(&[("package.json", r#"{"scripts": {"build": "tsc"}}"#)], &[]);
        check(&[("package.json", "broken")], &[]);
        check(&[("ruff.toml", "")], &[&["ruff check"]]);
        check(&[("pyproject.toml", "[tool.ruff.lint]")], &[&["ruff check"]]);
        check(&[("eslint.config.js", "")], &[&["npx --no-install eslint ."]]);
        check(
            &[("Cargo.toml", ""), ("package.json", r#"{"scripts": {"test": "x"}}"#)],
            &[&["cargo check -q"], &["npm test --silent"]],
        );
    }
}
