//! What an edit is told about the text that it makes.

use crate::syntax::Language;
use crate::syntax::problems::added_to;
use crate::text::Text;

/// A line for the result of an edit that adds syntax errors; empty for any other. The edit stands: edits come in steps.
pub(in crate::tools) fn note(name: &str, old: Option<&Text>, new: &Text) -> String {
    let problems = Language::of_path(name).map(|language| added_to(old, new, language)).unwrap_or_default();
    let more = match problems.len() {
        0 | 1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    match problems.first() {
        Some(first) => format!("\nnote: this adds a syntax error at line {}: {}{more}", first.line + 1, first.what),
        None => String::new(),
    }
}
