//! What has to do with the place where the user is: callers, tests, what is called, the imports that are used, and what was
//! changed there since the last commit.

use std::collections::HashSet;

use super::outline::{Place, Snapshot, language_of};
use super::render::one_line;
use super::sections::{Sections, fit};
use super::{Focus, Shown};
use crate::secrets;
use crate::syntax::Parsed;
use crate::syntax::survey::for_words;
use crate::text::Text;
use crate::text::diff::unified;
use crate::workspace::{DocPath, GitChange, RootId, View};

/// Parts of a hundred of the budget that a section may take.
const SHARE: u64 = 8;
const DIFF_SHARE: u64 = 8;
const WHOLE_DIFF_SHARE: u64 = 30;

/// Adds the section, if there is something to tell.
pub(in crate::context) fn related(sections: &mut Sections, view: &View, snapshot: &Snapshot, focus: Option<&Focus>) {
    let Some(focus) = focus else { return };
    let Ok(document) = view.read_live(&focus.path) else { return };
    let line = document.text.line_of(focus.range.start.min(document.text.len())) + 1;
    let found = snapshot.related(&focus.path, line);
    let mut text = String::new();
    for (head, places) in [("used by", &found.callers), ("tests", &found.tests), ("uses", &found.callees)] {
        if places.is_empty() {
            continue;
        }
        text.push_str(&format!("{head}\n"));
        let mut last: Option<&DocPath> = None;
        for Place { path, item } in places {
            if last != Some(path) {
                text.push_str(&format!("  {}\n", one_line(&view.roots().display(path))));
                last = Some(path);
            }
            text.push_str(&format!("{:>8} {}\n", item.line, item.signature));
        }
    }
    text.push_str(&imports(view, focus, &document.text, snapshot, line));
    if text.is_empty() {
        return;
    }
    let (shown, cut) = fit(&text, sections.room(SHARE));
    let reason = cut.then(|| "shortened to its share of the budget".to_owned());
    sections.include("related", &view.roots().display(&focus.path), shown.to_owned(), reason);
}

/// The imports of the file whose names the definition at the focus uses.
fn imports(view: &View, focus: &Focus, text: &Text, snapshot: &Snapshot, line: usize) -> String {
    let Some(language) = language_of(view, &focus.path) else { return String::new() };
    let symbols = snapshot.files.iter().find(|(path, _)| *path == focus.path).and_then(|(_, symbols)| symbols.as_ref());
    let items = symbols.into_iter().flat_map(|symbols| symbols.items());
    let Some(inner) = items.filter(|item| item.line <= line && line <= item.end).last() else { return String::new() };
    let (start, end) = (text.line_start(inner.line - 1), text.line_range(inner.end - 1).end);
    let Some(body) = text.slice(start..end) else { return String::new() };
    let mut used = HashSet::new();
    for_words(&body, &[], |word, _| {
        used.insert(word);
    });
    let Some(parsed) = Parsed::of(text, language) else { return String::new() };
    let mut lines = String::new();
    for import in parsed.imports() {
        let Some(statement) = text.slice(import.clone()) else { continue };
        let mut is_used = false;
        for_words(&statement, &[], |word, _| is_used |= used.contains(word));
        if is_used {
            let line = text.line_of(import.start) + 1;
            let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
            lines.push_str(&format!("{line:>8} {}\n", secrets::mask(&statement).text));
        }
    }
    if lines.is_empty() { lines } else { format!("imports in use\n{lines}") }
}

/// Adds what was changed in the focused file since the last commit; with `all`, in every file.
pub(in crate::context) fn diff(
    sections: &mut Sections,
    view: &View,
    focus: Option<&Focus>,
    all: bool,
    stop: &(dyn Fn() -> bool + Sync),
) {
    let only = focus.map(|focus| &focus.path).filter(|_| !all);
    if only.is_none() && !all {
        return;
    }
    let roots: Vec<RootId> = match only {
        Some(DocPath::File { root, .. }) => vec![*root],
        Some(DocPath::Virtual(_)) => Vec::new(),
        None => view.roots().iter().map(|root| root.id).collect(),
    };
    let found: Vec<_> = roots.into_iter().filter_map(|root| view.git_changes(root, only, stop)).collect();
    if found.is_empty() && all {
        return sections.leave_out("diff", "git", "there is no repository here that can be read");
    }
    let changes = || found.iter().flat_map(|found| &found.changes);
    let part =
        |head: &str, differs: fn(&GitChange) -> bool, sides: fn(&GitChange) -> (Option<&Text>, Option<&Text>)| {
            let diffs: String = changes()
                .filter(|change| differs(change))
                .map(|change| {
                    let (old, new) = sides(change);
                    one_diff(view, &change.path, old, new)
                })
                .collect();
            if diffs.is_empty() { diffs } else { format!("{head}\n{diffs}") }
        };
    let unstaged =
        part("Not staged:", GitChange::has_unstaged, |change| (change.staged.as_ref(), change.current.as_ref()));
    let staged = part("Staged:", GitChange::has_staged, |change| (change.committed.as_ref(), change.staged.as_ref()));
    let text = [unstaged, staged].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
    if text.is_empty() {
        if all {
            sections.leave_out("diff", "git", "nothing differs from the last commit");
        }
        return;
    }
    let room = sections.room(if all { WHOLE_DIFF_SHARE } else { DIFF_SHARE });
    let (shown, cut) = fit(&text, room);
    let is_cut = found.iter().any(|found| found.is_cut);
    let reason = match (cut, is_cut) {
        (true, _) => Some(format!("shortened: {} of {} lines", shown.lines().count(), text.lines().count())),
        (false, true) => Some("not everything was looked at in time".to_owned()),
        (false, false) => None,
    };
    sections.include("diff", "git", shown.to_owned(), reason);
}

/// A file's change as it may be shown.
fn one_diff(view: &View, path: &DocPath, old: Option<&Text>, new: Option<&Text>) -> String {
    let name = one_line(&view.roots().display(path));
    let shown = |text: Option<&Text>| text.map(|text| Shown::of(view, path, text).text).unwrap_or_default();
    unified(old.map(|_| name.as_str()), &shown(old), new.map(|_| name.as_str()), &shown(new))
}
