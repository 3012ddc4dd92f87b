//! `references`: where a definition is used.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::show::layer_label;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::context::references::{self, Confidence, Reference, References};
use crate::text::hidden::visible_line;
use crate::workspace::View;
use crate::workspace::search::Scope;

pub(in crate::tools) struct FindReferences;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// Name of a function, type, method or constant: `area`, or with what holds it, `Shape::area` or `Shape.area`.
    symbol: String,
    /// File or folder to look for uses in, relative to the workspace root. Default: the whole workspace.
    path: Option<String>,
}

/// How long it may take.
const TIME: Duration = Duration::from_secs(10);

impl Builtin for FindReferences {
    type Arguments = Arguments;
    const NAME: &'static str = "references";
    const DESCRIPTION: &'static str = "Shows where a function, type, method or constant is defined and where it is used: \
        each line with its number, the definition it stands in, and how sure it is that this one is meant (`sure`: \
        imported, defined or named with its holder there; `likely`; `possible`: the name is the same). Comments, strings \
        and variables of the same name are left out. Look here before you rename something or change its signature.";
    const EFFECT: Effect = Effect::Reads;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        if !arguments.symbol.chars().any(char::is_alphanumeric) {
            return Err(ToolError::model("`symbol` names nothing: give the name of a definition".to_owned()));
        }
        let view = context.view();
        let scope_error = |error: crate::workspace::search::ScopeError| ToolError::model(error.to_string());
        let scope = Scope::new(&view, arguments.path.as_deref(), None).map_err(scope_error)?;
        let start = Instant::now();
        let stop = || context.cancel.is_cancelled() || start.elapsed() > TIME;
        let found = references::find(&view, &arguments.symbol, &scope, &stop).map_err(scope_error)?;
        Ok(shown(&view, &arguments.symbol, &found, context.max_output.saturating_sub(300)))
    }
}

fn shown(view: &View, symbol: &str, found: &References, most: usize) -> ToolOutput {
    let mut text = String::new();
    match found.definitions.as_slice() {
        [] => text
            .push_str(&format!("`{}` is not defined in this workspace, as far as can be told\n", visible_line(symbol))),
        definitions => {
            text.push_str("defined in\n");
            rows(view, definitions, &mut text, usize::MAX, |place| {
                let holder = place.holder.as_ref().map(|holder| format!("  (in {holder})")).unwrap_or_default();
                format!("{:>6}\t{}{holder}\n", place.line, place.text)
            });
        }
    }
    let count = |confidence| found.uses.iter().filter(|place| place.confidence == confidence).count();
    let (sure, likely, possible) = (count(Confidence::Sure), count(Confidence::Likely), count(Confidence::Possible));
    let mut is_cut = found.is_cut;
    if found.uses.is_empty() {
        text.push_str("no uses\n");
    } else {
        text.push_str(&format!("used in ({sure} sure, {likely} likely, {possible} possible)\n"));
        is_cut |= rows(view, &found.uses, &mut text, most, |place| {
            let what = if place.is_import { "import, " } else { "" };
            let holder = place.holder.as_ref().map(|holder| format!("  (in {holder})")).unwrap_or_default();
            format!("{:>6}\t{}{holder} [{what}{}]\n", place.line, place.text, place.confidence.name())
        });
    }
    if found.locals > 0 {
        let s = if found.locals == 1 { "" } else { "s" };
        text.push_str(&format!("[{} parameter{s} or variable{s} of this name left out]\n", found.locals));
    }
    if is_cut {
        text.push_str("[more was left out: narrow it by path]\n");
    }
    ToolOutput { text, truncated: is_cut }
}

/// Places under the names of their files; whether some did not fit.
fn rows(view: &View, places: &[Reference], text: &mut String, most: usize, row: impl Fn(&Reference) -> String) -> bool {
    let mut last = None;
    for place in places {
        let head = match last == Some(&place.path) {
            true => String::new(),
            false => {
                format!("{}{}\n", visible_line(&view.roots().display(&place.path)), layer_label(view, &place.path))
            }
        };
        let row = row(place);
        if text.len().saturating_add(head.len() + row.len()) > most {
            return true;
        }
        text.push_str(&head);
        text.push_str(&row);
        last = Some(&place.path);
    }
    false
}
