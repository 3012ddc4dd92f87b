//! What may be done unasked: evasions and ordinary commands as corpora, and the parser against real shells.

mod acts;
mod addresses;
mod commands;
mod corpora;
mod rules;
mod shells;

use claw::event::PermissionMode;
use claw::permission::{Act, Rules, Taint, Verdict, decide};

/// A command in the sandbox, in the workspace's root, without network.
pub fn shell(command: &str) -> Act {
    Act::Shell {
        command: command.to_owned(),
        cwd: ".".to_owned(),
        network: false,
        background: false,
        confined: true,
        scripts: None,
    }
}

pub fn rules(allow: &[&str], ask: &[&str], deny: &[&str]) -> Rules {
    let owned = |list: &[&str]| list.iter().map(|rule| (*rule).to_owned()).collect::<Vec<String>>();
    let (rules, problems) = Rules::parse(&owned(allow), &owned(ask), &owned(deny));
    assert_eq!(problems, vec![], "the rules of a test are right");
    rules
}

pub fn decided(mode: PermissionMode, rules: &Rules, act: &Act) -> Verdict {
    decide(mode, rules, &Rules::default(), act, Taint::default())
}

/// `allow`, `ask` or `deny`.
pub fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Allow { .. } => "allow",
        Verdict::Ask { .. } => "ask",
        Verdict::Deny { .. } => "deny",
    }
}
