//! The prompts, and how a request is built from history.
//!
//! A request's beginning must stay the same from step to step and turn to turn, or no provider can cache it: the system
//! prompt is a constant, and what differs between turns (the mode, what the user decided) stands in the turn's own message.

use super::checks::{ANSWER, SECOND_TRY, SYNTAX};
use super::manual::{self, LEAN_TOOLS};
use crate::event::{CheckRan, ContextSection, Mode, PermissionMode, ToolForm, TurnStart};
use crate::model::{Message, Request, ToolSchema};
use crate::store::cut_title;
use crate::tools::{Effect, Needs, Tool, Tools};

/// A prompt as `claw manifest` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub name: &'static str,
    pub text: &'static str,
}

pub(in crate::agent) const SYSTEM: Prompt = Prompt { name: "system", text: include_str!("prompts/system.md") };
const LEAN: Prompt = Prompt { name: "lean", text: include_str!("prompts/lean.md") };
const EXPLAIN: Prompt = Prompt { name: "explain", text: include_str!("prompts/explain.md") };
const PLAN: Prompt = Prompt { name: "plan", text: include_str!("prompts/plan.md") };
const CHECK: Prompt = Prompt { name: "check", text: include_str!("prompts/check.md") };
const CHECK_FILES: Prompt = Prompt { name: "check_files", text: include_str!("prompts/check_files.md") };
const CHANGE: Prompt = Prompt { name: "change", text: include_str!("prompts/change.md") };
const READ_ONLY: Prompt = Prompt { name: "read_only", text: include_str!("prompts/read_only.md") };
const WHOLE: Prompt = Prompt { name: "whole", text: include_str!("prompts/whole.md") };
const TITLE: Prompt = Prompt { name: "title", text: include_str!("prompts/title.md") };
const NOTES: Prompt = Prompt { name: "notes", text: include_str!("prompts/notes.md") };
const NO_FILE: Prompt = Prompt { name: "no_file", text: include_str!("prompts/no_file.md") };
const AFRESH: Prompt = Prompt { name: "afresh", text: include_str!("prompts/afresh.md") };
const ALONE: Prompt = Prompt { name: "alone", text: include_str!("prompts/alone.md") };
const SUBAGENT: Prompt = Prompt { name: "subagent", text: include_str!("prompts/subagent.md") };

impl Prompt {
    /// BLAKE3 of the text, hexadecimal.
    pub fn hash(&self) -> String {
        blake3::hash(self.text.as_bytes()).to_hex().to_string()
    }
}

/// What a front end asks when the user approves a plan. It needs no more: the plan stands in the conversation.
pub const CARRY_OUT: &str = "Carry out the plan";

/// All prompts, in a fixed order.
pub fn all() -> &'static [Prompt] {
    &[
        SYSTEM,
        LEAN,
        WHOLE,
        EXPLAIN,
        PLAN,
        CHANGE,
        CHECK,
        CHECK_FILES,
        READ_ONLY,
        SUBAGENT,
        TITLE,
        NOTES,
        NO_FILE,
        AFRESH,
        ALONE,
    ]
}

/// What a turn of this mode is told beside its task; `None` for an ordinary edit. An explanation that another turn asked for is a
/// subagent's.
pub(in crate::agent) fn mode_section(
    mode: Mode,
    permissions: PermissionMode,
    has_parent: bool,
) -> Option<ContextSection> {
    let prompt = match (mode, permissions) {
        (Mode::Explain, _) if has_parent => SUBAGENT,
        (Mode::Explain, _) => EXPLAIN,
        (Mode::Plan, _) => PLAN,
        (Mode::Edit, PermissionMode::ReadOnly) => READ_ONLY,
        (Mode::Edit, PermissionMode::Ask | PermissionMode::Auto) => return None,
    };
    Some(section("mode", "claw", prompt.text.trim_end()))
}

/// What a small model that writes whole files is reminded of behind its task.
pub(in crate::agent) fn answer_section(
    mode: Mode,
    permissions: PermissionMode,
    form: ToolForm,
    lean: bool,
) -> Option<ContextSection> {
    let applies = lean && form == ToolForm::Whole && may(Effect::Edits, mode, permissions);
    applies.then(|| section("answer", "claw", WHOLE.text.trim_end()))
}

/// What the model is told of a check that failed; what it means, with the first of several. One that `prints_files` is told so in fewer
/// words.
pub(in crate::agent) fn failed_check(check: &CheckRan, is_first: bool, prints_files: bool) -> String {
    if check.command == ANSWER {
        return check.output.clone();
    }
    let before = if check.before == Some(true) { "\n\nIt failed before your edits too, elsewhere." } else { "" };
    let prompt = if prints_files { CHECK_FILES } else { CHECK };
    let lead = if is_first { format!("{}\n\n", prompt.text.trim_end()) } else { String::new() };
    let output = check.output.trim_end();
    let line_break = if output.contains('\n') && check.command != SYNTAX { "\n" } else { " " };
    format!("{lead}{}:{line_break}{output}{before}", check.command)
}

/// The task of making one hunk anew: what the user said of it, and the hunk.
pub(in crate::agent) fn change(file: &str, old: &str, new: &str, instruction: &str) -> String {
    let block = |text: &str| {
        let end = if text.is_empty() || text.ends_with(['\n', '\r']) { "" } else { "\n" };
        format!("<<<\n{text}{end}>>>")
    };
    let (old, new) = (block(old), block(new));
    format!("{instruction}\n\n{}\nThe hunk is in `{file}`. It replaces\n{old}\nby\n{new}", CHANGE.text)
}

/// What is asked for a title of a session whose first turn came to `answer`. Its first line is what the request itself is called.
pub(in crate::agent) fn title(task: &str, answer: &str) -> String {
    const MOST: usize = 2000;
    let beginning = |text: &str| text.chars().take(MOST).collect::<String>();
    let (named, prompt) = (cut_title(task), TITLE.text.trim_end());
    format!("Title: {named}\n\n{prompt}\n\nThe task:\n{}\n\nWhat came of it:\n{}", beginning(task), beginning(answer))
}

/// The look at an answer that changed nothing where a change was expected.
pub(in crate::agent) fn no_file() -> CheckRan {
    CheckRan { command: ANSWER.to_owned(), output: NO_FILE.text.trim_end().to_owned(), ..CheckRan::default() }
}

/// The look at an answer whose edits were all refused: what is told in its place. Asked the same twice it would answer the same.
pub(in crate::agent) fn afresh(refused: &str, is_first: bool) -> CheckRan {
    let prompt = if is_first { ALONE } else { AFRESH };
    let output = format!("{}\n\nWhy it was refused: {}", prompt.text.trim_end(), refused.trim());
    CheckRan { command: SECOND_TRY.to_owned(), output, ..CheckRan::default() }
}

/// What is asked for notes on the part of a session that is about to go. Its first line is what the request itself is called.
pub(in crate::agent) fn notes(gone: &str) -> String {
    format!("Notes\n\n{}\n\n{gone}", NOTES.text.trim_end())
}

/// An included section.
pub(in crate::agent) fn section(name: &str, source: &str, text: &str) -> ContextSection {
    ContextSection {
        name: name.to_owned(),
        source: source.to_owned(),
        tokens: crate::context::estimate_tokens(text),
        included: true,
        reason: None,
        text: Some(text.to_owned()),
    }
}

/// Whether a turn may do what has this effect.
pub(in crate::agent) fn may(effect: Effect, mode: Mode, permissions: PermissionMode) -> bool {
    match effect {
        Effect::Reads => true,
        Effect::Edits | Effect::Runs => mode == Mode::Edit && permissions != PermissionMode::ReadOnly,
    }
}

/// Whether a turn has what the tool needs. To one that has not, there is no such tool.
pub(in crate::agent) fn has(tool: &dyn Tool, start: &TurnStart) -> bool {
    match tool.needs() {
        Needs::Nothing => true,
        Needs::User => !start.is_subagent(),
        Needs::Subagents => start.limits.children > 0,
    }
}

/// The tools that a turn offers to the model.
pub(in crate::agent) fn offered(tools: &Tools, start: &TurnStart) -> Vec<ToolSchema> {
    if start.bare {
        return Vec::new();
    }
    let may = |tool: &&dyn Tool| may(tool.effect(), start.mode, start.permission_mode) && has(*tool, start);
    let fits = |tool: &&dyn Tool| !start.lean || LEAN_TOOLS.contains(&tool.name());
    tools.iter().filter(may).filter(fits).map(schema).collect()
}

fn schema(tool: &dyn Tool) -> ToolSchema {
    ToolSchema {
        name: tool.name().to_owned(),
        description: tool.description().to_owned(),
        parameters: tool.parameters(),
    }
}

/// The next request of a conversation.
pub(in crate::agent) fn request(messages: &[Message], tools: &[ToolSchema], form: ToolForm, lean: bool) -> Request {
    let system = if lean { LEAN.text } else { SYSTEM.text };
    if form.is_native() {
        return Request {
            system: system.to_owned(),
            messages: messages.to_vec(),
            tools: tools.to_vec(),
            max_output_tokens: None,
        };
    }
    Request {
        system: format!("{}{}", system.trim_end(), manual::manual(form, tools, lean)),
        messages: manual::example(form, tools).into_iter().chain(manual::as_text(messages)).collect(),
        tools: Vec::new(),
        max_output_tokens: None,
    }
}
