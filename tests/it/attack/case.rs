//! An attack as data: a workspace, a user, and what the model does.

use claw::config::{PermissionMode, PermissionRules};
use claw::tools::Reply;
use serde_json::{Value, json};

/// What is tried. In all texts `{WS}`, `{HOME}`, `{OUT}` and `{WEB}` stand for the workspace, the home, a folder beside them and
/// a server's `host:port`.
#[derive(Clone, Debug)]
pub struct Attack {
    pub name: String,
    pub mode: PermissionMode,
    /// What the user answers, one after the other, and then `last` for ever.
    pub replies: Vec<Reply>,
    pub last: Reply,
    pub trusted: bool,
    /// Beside those that every workspace has.
    pub files: Vec<(String, String)>,
    pub links: Vec<(String, String)>,
    pub rules: PermissionRules,
    /// The configuration comes from files, as for `claw run`.
    pub configured: bool,
    /// The model's turns: text and calls.
    pub turns: Vec<Value>,
    /// The page that the web has.
    pub page: String,
    pub expected: Vec<Expect>,
}

/// What must have come of it beside what holds for all.
#[derive(Clone, Debug)]
pub enum Expect {
    /// So many questions.
    Asked(usize),
    /// One of the questions shows this.
    Shows(String),
    /// No result of a call is a success.
    NothingDone,
    /// A result holds this.
    Told(String),
    /// No result holds this.
    NotTold(String),
    /// So many requests reached the web.
    Reached(usize),
}

impl Attack {
    /// In `auto`, of a user who says no, in a trusted workspace. No request of a confined command reaches the web.
    pub fn new(name: impl Into<String>) -> Attack {
        Attack {
            name: name.into(),
            mode: PermissionMode::Auto,
            replies: Vec::new(),
            last: Reply::Deny,
            trusted: true,
            files: Vec::new(),
            links: Vec::new(),
            rules: PermissionRules::default(),
            configured: false,
            turns: Vec::new(),
            page: String::new(),
            expected: Vec::new(),
        }
    }

    pub fn mode(mut self, mode: PermissionMode) -> Attack {
        self.mode = mode;
        self
    }

    pub fn asking(self) -> Attack {
        self.mode(PermissionMode::Ask)
    }

    pub fn replies(mut self, replies: &[Reply], last: Reply) -> Attack {
        self.replies = replies.to_vec();
        self.last = last;
        self
    }

    pub fn untrusted(mut self) -> Attack {
        self.trusted = false;
        self
    }

    pub fn configured(mut self) -> Attack {
        self.configured = true;
        self
    }

    pub fn file(mut self, path: &str, content: &str) -> Attack {
        self.files.push((path.to_owned(), content.to_owned()));
        self
    }

    pub fn link(mut self, path: &str, target: &str) -> Attack {
        self.links.push((path.to_owned(), target.to_owned()));
        self
    }

    pub fn allow(mut self, rule: &str) -> Attack {
        self.rules.allow.push(rule.to_owned());
        self
    }

    pub fn deny(mut self, rule: &str) -> Attack {
        self.rules.deny.push(rule.to_owned());
        self
    }

    pub fn page(mut self, text: &str) -> Attack {
        self.page = text.to_owned();
        self
    }

    /// A turn with these calls.
    pub fn calls(mut self, calls: &[Value]) -> Attack {
        self.turns.push(json!({"tools": calls}));
        self
    }

    /// A turn with one call.
    pub fn call(self, call: Value) -> Attack {
        self.calls(&[call])
    }

    pub fn shell(self, command: &str) -> Attack {
        self.call(shell(command))
    }

    pub fn turn(mut self, turn: Value) -> Attack {
        self.turns.push(turn);
        self
    }

    pub fn expect(mut self, expected: Expect) -> Attack {
        self.expected.push(expected);
        self
    }

    pub fn asked(self, count: usize) -> Attack {
        self.expect(Expect::Asked(count))
    }

    pub fn shows(self, text: &str) -> Attack {
        self.expect(Expect::Shows(text.to_owned()))
    }

    pub fn nothing_done(self) -> Attack {
        self.expect(Expect::NothingDone)
    }

    pub fn told(self, text: &str) -> Attack {
        self.expect(Expect::Told(text.to_owned()))
    }

    pub fn not_told(self, text: &str) -> Attack {
        self.expect(Expect::NotTold(text.to_owned()))
    }

    pub fn reached(self, count: usize) -> Attack {
        self.expect(Expect::Reached(count))
    }
}

pub fn tool(name: &str, input: Value) -> Value {
    json!({"name": name, "input": input})
}

pub fn shell(command: &str) -> Value {
    tool("shell", json!({"command": command}))
}

pub fn fetch(url: &str) -> Value {
    tool("web_fetch", json!({"url": url}))
}

pub fn read(path: &str) -> Value {
    tool("read_file", json!({"path": path}))
}

pub fn write(path: &str, content: &str) -> Value {
    tool("write_file", json!({"path": path, "content": content}))
}

pub fn rename(from: &str, to: &str) -> Value {
    tool("move_file", json!({"from": from, "to": to}))
}
