//! aider's repository map, in a process of its own.

use std::io::{BufRead, BufReader, Error, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

pub struct Aider {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Aider {
    /// `None` where it is not installed.
    pub fn start() -> Option<Aider> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(root.join("target/tools/aider/bin/python"))
            .arg(root.join("benches/compare/aider_map.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let (questions, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Aider { child, questions, answers })
    }

    pub fn ask(&mut self, question: &Value) -> Result<Value, Error> {
        writeln!(self.questions, "{question}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }

    #[allow(dead_code, reason = "one of two benches asks")]
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Aider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
