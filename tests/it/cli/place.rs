//! Where a test runs the binary: a project, and a home, state and configuration of its own, with canaries in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use claw::event::Event;
use serde_json::{Value, json};

/// A key that must never be seen anywhere.
pub const CANARY: &str = "sk-canary-4f1d9b7e2c8a";

pub struct Place {
    // Removed when the place goes.
    folder: tempfile::TempDir,
}

impl Place {
    /// A place whose project holds `files`.
    pub fn new(files: &[(&str, &str)]) -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        for folder in [place.home(), place.project(), place.folder.path().join("config")] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(place.home().join("canary"), CANARY).unwrap();
        for (name, content) in files {
            place.write(name, content);
        }
        place
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn user_config(&self) -> PathBuf {
        self.folder.path().join("config/claw/config.toml")
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project().join(name)).unwrap()
    }

    /// Writes a script of model turns and gives its path.
    pub fn script(&self, turns: &[Value]) -> PathBuf {
        let path = self.folder.path().join("turns.jsonl");
        let lines: Vec<String> = turns.iter().map(Value::to_string).collect();
        fs::write(&path, lines.join("\n")).unwrap();
        path
    }

    /// The binary, in the project, with nothing of this machine's user about it.
    pub fn claw(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_claw"));
        command
            .args(arguments)
            .current_dir(self.project())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("XDG_STATE_HOME", self.folder.path().join("xdg-state"))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .env("CLAW_STATE_DIR", self.state())
            // Nobody listens there: what looks for a local model must not find this machine's.
            .env("OLLAMA_HOST", "http://127.0.0.1:1")
            .stdin(Stdio::null());
        command
    }

    pub fn output(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.claw(arguments).output().unwrap())
    }

    /// `claw run` on a script.
    pub fn run(&self, turns: &[Value], arguments: &[&str]) -> Ran {
        let script = self.script(turns);
        let all = [&["run", "--script", script.to_str().unwrap()], arguments].concat();
        self.output(&all)
    }

    /// The one session there is.
    pub fn session(&self) -> String {
        let sessions: Vec<_> = fs::read_dir(self.state().join("sessions")).unwrap().collect();
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        sessions[0].as_ref().unwrap().file_name().into_string().unwrap()
    }

    pub fn trace(&self, session: &str) -> String {
        fs::read_to_string(self.state().join("sessions").join(session).join("trace.jsonl")).unwrap()
    }

    /// Every file beneath the home and the configuration, which no command may touch.
    pub fn canaries(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for folder in [self.home(), self.folder.path().join("config")] {
            walk(&folder, &mut found);
        }
        found.sort();
        found
    }

    /// Every file of the project.
    pub fn tree(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        walk(&self.project(), &mut found);
        found.sort();
        found
    }
}

fn walk(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// stdout as events, one a line.
    #[track_caller]
    pub fn events(&self) -> Vec<Event> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }
}

/// A turn of the model that says `text` and ends.
pub fn says(text: &str) -> Value {
    json!({"text": text})
}

/// A turn of the model that makes calls.
pub fn calls(calls: &[(&str, Value)]) -> Value {
    let calls: Vec<Value> = calls.iter().map(|(name, input)| json!({"name": name, "input": input})).collect();
    json!({"tools": calls})
}

/// A call that replaces text.
pub fn edit(path: &str, old: &str, new: &str) -> (&'static str, Value) {
    ("edit_file", json!({"path": path, "old_string": old, "new_string": new}))
}
