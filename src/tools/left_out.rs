//! What a small model leaves out of a file that it writes anew.
//!
//! It is told to print all of the file, and often prints the definition that it changed and nothing else. Taken at its word that would
//! throw the rest away. So definitions that the new text lacks and the task does not name stay as they are, and so do imports of what
//! it uses; the result says so. A text that lacks nothing is taken to the byte.

use std::ops::Range;

use crate::syntax::names::{Name, Role};
use crate::syntax::{Language, Parsed, SymbolKind, Symbols};
use crate::text::Text;

/// The new text with what it left out, and the names of that; `None` where nothing is missing, or where nobody can tell.
pub(in crate::tools) fn put_back(old: &str, new: &str, path: &str, task: &str) -> Option<(String, Vec<String>)> {
    let language = Language::of_path(path).filter(|language| !language.is_data())?;
    let (old, new) = (Side::of(old, language)?, Side::of(new, language)?);
    let mut merge = Merge { old: &old, new: &new, task, kept: Vec::new() };
    let text = merge.level(None, None, 0..old.source.len(), 0..new.source.len())?;
    let text = merge.with_imports(text, language);
    (!merge.kept.is_empty()).then_some((text, merge.kept))
}

/// How words begin by which a definition goes, or goes by another name.
const GOES: &[&str] = &[
    "remov", "delet", "drop", "renam", "mov", "replac", "merg", "inlin", "split", "extract", "instead", "without",
    "anew", "convert", "combin", "rewrit", "rid", "unus", "dead",
];

/// A text and what is defined in it.
struct Side<'a> {
    source: &'a str,
    symbols: Symbols,
    imports: Vec<Range<usize>>,
    is_python: bool,
}

impl<'a> Side<'a> {
    fn of(source: &'a str, language: Language) -> Option<Side<'a>> {
        let parsed = Parsed::of(&Text::new(source), language)?;
        let symbols = Symbols::of_parsed(&parsed);
        let is_python = language == Language::Python;
        (!symbols.all.is_empty()).then(|| Side { source, symbols, imports: parsed.imports(), is_python })
    }

    /// The definitions right below one, or at the top. Within something it is only functions: what a body else holds is its own.
    fn below(&self, parent: Option<usize>) -> Vec<usize> {
        let counts = |kind: SymbolKind| parent.is_none() || kind.is_function();
        let all = self.symbols.all.iter().enumerate();
        all.filter(|(_, symbol)| symbol.parent == parent && counts(symbol.kind)).map(|(index, _)| index).collect()
    }

    fn name(&self, index: usize) -> &str {
        self.symbols.all.get(index).map_or("", |symbol| &symbol.name)
    }

    /// A definition with the white space before it on its line.
    fn range(&self, index: usize) -> Range<usize> {
        let range = self.symbols.all.get(index).map_or(0..0, |symbol| symbol.range.clone());
        let line = self.source.get(..range.start).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
        let is_blank = self.source.get(line..range.start).is_some_and(|head| head.trim().is_empty());
        (if is_blank { line } else { range.start })..range.end
    }

    fn slice(&self, range: Range<usize>) -> &'a str {
        self.source.get(range).unwrap_or_default()
    }

    fn holds_functions(&self, index: usize) -> bool {
        self.symbols.all.get(index).is_some_and(|symbol| !symbol.kind.is_function())
            && !self.below(Some(index)).is_empty()
    }
}

struct Merge<'a> {
    old: &'a Side<'a>,
    new: &'a Side<'a>,
    task: &'a str,
    kept: Vec<String>,
}

impl Merge<'_> {
    /// The new text of what stands below a definition, or of all.
    fn level(
        &mut self,
        old_parent: Option<usize>,
        new_parent: Option<usize>,
        old_range: Range<usize>,
        new_range: Range<usize>,
    ) -> Option<String> {
        let (before, after) = (self.old.below(old_parent), self.new.below(new_parent));
        let find = |side: &Side<'_>, among: &[usize], name: &str| -> Option<usize> {
            among.iter().copied().find(|index| side.name(*index) == name)
        };
        // Of two of one name nobody knows which is which.
        let is_twofold = |side: &Side<'_>, among: &[usize]| {
            among
                .iter()
                .enumerate()
                .any(|(at, index)| among.iter().skip(at + 1).any(|other| side.name(*other) == side.name(*index)))
        };
        if is_twofold(self.old, &before) || is_twofold(self.new, &after) {
            return None;
        }
        let missing: Vec<usize> =
            before.iter().copied().filter(|index| find(self.new, &after, self.old.name(*index)).is_none()).collect();
        let lost: Vec<usize> = missing.iter().copied().filter(|index| !self.is_named(self.old.name(*index))).collect();
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        if lost.is_empty() {
            // As it is, but for what lacks something deeper down.
            for index in &after {
                let Some(other) = find(self.old, &before, self.new.name(*index)) else { continue };
                if let Some(text) = self.inner(other, *index) {
                    edits.push((self.new.range(*index), text));
                }
            }
            return Some(apply(self.new.source, new_range, edits));
        }
        self.kept.extend(lost.iter().map(|index| self.old.name(*index).to_owned()));
        edits.extend(
            missing.iter().filter(|index| !lost.contains(index)).map(|index| (self.old.range(*index), String::new())),
        );
        let gap = if self.old.is_python && old_parent.is_none() { "\n\n\n" } else { "\n\n" };
        let first = before.first().map_or(old_range.start, |index| self.old.range(*index).start);
        if old_parent.is_none() {
            edits.extend(self.imports(first));
        }
        let mut anchor = None;
        for index in after {
            let range = self.new.range(index);
            if let Some(other) = find(self.old, &before, self.new.name(index)) {
                let text = self.inner(other, index).unwrap_or_else(|| self.new.slice(range).to_owned());
                edits.push((self.old.range(other), text));
                anchor = Some(self.old.range(other).end);
            } else if let Some(method) = self.deeper(index, old_parent) {
                let from = indent(self.new.slice(range.clone()));
                let to = indent(self.old.slice(self.old.range(method)));
                edits.push((self.old.range(method), shifted(self.new.slice(range), from, to)));
            } else {
                let text = self.new.slice(range);
                edits.push(match anchor {
                    Some(at) => (at..at, format!("{gap}{text}")),
                    None => (first..first, format!("{text}{gap}")),
                });
            }
        }
        Some(apply(self.old.source, old_range, edits))
    }

    /// The text of a definition that both have, where something that it holds is missing.
    fn inner(&mut self, old: usize, new: usize) -> Option<String> {
        if !self.old.holds_functions(old) {
            return None;
        }
        let known = self.kept.len();
        let text = self.level(Some(old), Some(new), self.old.range(old), self.new.range(new))?;
        (self.kept.len() > known).then_some(text)
    }

    /// The one method of the old text that a function at the top of the new one is: printed without its class.
    fn deeper(&self, index: usize, old_parent: Option<usize>) -> Option<usize> {
        let all = self.old.symbols.all.iter().enumerate();
        let is_it = |(_, symbol): &(usize, &crate::syntax::Symbol)| {
            symbol.kind.is_function() && symbol.parent.is_some() && *symbol.name == *self.new.name(index)
        };
        let is_function = self.new.symbols.all.get(index).is_some_and(|symbol| symbol.kind.is_function());
        let mut found = all.filter(is_it).map(|(index, _)| index);
        found.next().filter(|_| is_function && old_parent.is_none() && found.next().is_none())
    }

    /// Imports that the new text brings.
    fn imports(&self, first: usize) -> Option<(Range<usize>, String)> {
        let known = |text: &str| self.old.imports.iter().any(|range| self.old.slice(range.clone()).trim() == text);
        let texts = self.new.imports.iter().map(|range| self.new.slice(range.clone()).trim());
        let brought: Vec<&str> = texts.filter(|text| !known(text)).collect();
        let brought = Some(brought.join("\n")).filter(|text| !text.is_empty())?;
        Some(match self.old.imports.iter().map(|range| range.end).filter(|end| *end <= first).max() {
            Some(at) => (at..at, format!("\n{brought}")),
            None => (first..first, format!("{brought}\n\n\n")),
        })
    }

    /// The text with those imports that it lacks and uses.
    fn with_imports(&mut self, text: String, language: Language) -> String {
        let parsed = |source: &str| Parsed::of(&Text::new(source), language);
        let (Some(old), Some(now)) = (parsed(self.old.source), parsed(&text)) else { return text };
        let names = now.names(std::slice::from_ref(&(0..text.len())), |_| true);
        let (uses, others): (Vec<&Name>, Vec<&Name>) =
            names.iter().filter(|name| name.role != Role::UsesMember).partition(|name| name.role == Role::Uses);
        let is_missing =
            |name: &str| uses.iter().any(|other| other.text == name) && others.iter().all(|other| other.text != name);
        let is_wanted = |range: &&Range<usize>| {
            let stands_open =
                range.start == 0 || self.old.source.get(..range.start).is_some_and(|head| head.ends_with('\n'));
            let known = old.names(std::slice::from_ref(*range), |_| true);
            stands_open && known.iter().any(|name| name.role == Role::Imports && is_missing(&name.text))
        };
        let kept: Vec<&str> =
            self.old.imports.iter().filter(is_wanted).map(|range| self.old.slice(range.clone()).trim()).collect();
        if kept.is_empty() {
            return text;
        }
        let Some(side) = Side::of(&text, language) else { return text.clone() };
        let lines = kept.join("\n");
        self.kept.extend(kept.iter().map(|import| (*import).to_owned()));
        // Nothing may stand before what Python takes from the future.
        let is_plain = |range: &&Range<usize>| !side.slice((*range).clone()).contains("__future__");
        let first = side.imports.iter().filter(is_plain).map(|range| range.start).min();
        let (at, gap) = match first {
            Some(at) => (at, "\n"),
            None => (side.below(None).first().map_or(0, |index| side.range(*index).start), "\n\n\n"),
        };
        apply(&text, 0..text.len(), vec![(at..at, format!("{lines}{gap}"))])
    }

    /// Whether the task speaks of a definition by its name: then it may be meant to go. What is also an ordinary word ("the mean of the
    /// two") is a name only where it is written as one, or where something is to go.
    fn is_named(&self, name: &str) -> bool {
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        let is_word = name.chars().all(|letter| letter.is_lowercase());
        let is_code = |at: usize| {
            let (before, behind) = (self.task.get(..at), self.task.get(at + name.len()..));
            before.is_some_and(|before| before.ends_with(['`', '.', '"', '\'']))
                || behind.is_some_and(|behind| behind.starts_with(['`', '(', '"', '\'']))
        };
        let mut whole = self.task.match_indices(name).map(|(at, _)| at).filter(|at| {
            let before = self.task.get(..*at).and_then(|before| before.chars().next_back());
            let behind = self.task.get(at + name.len()..).and_then(|behind| behind.chars().next());
            !before.is_some_and(is_part) && !behind.is_some_and(is_part)
        });
        let task = self.task.to_lowercase();
        let something_goes =
            task.split(|letter| !is_part(letter)).any(|word| GOES.iter().any(|goes| word.starts_with(goes)));
        whole.any(|at| !is_word || something_goes || is_code(at))
    }
}

/// `range` of a text with these edits, which stand in it and do not overlap. Of several at one place the first stands first.
fn apply(source: &str, range: Range<usize>, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut text = String::new();
    let mut at = range.start;
    for (edit, insert) in edits {
        if edit.start < at {
            continue;
        }
        text.push_str(source.get(at..edit.start).unwrap_or_default());
        text.push_str(&insert);
        at = edit.end;
    }
    text.push_str(source.get(at..range.end).unwrap_or_default());
    text
}

fn indent(text: &str) -> &str {
    text.get(..text.len() - text.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
}

fn shifted(text: &str, from: &str, to: &str) -> String {
    let line = |line: &str| match line.strip_prefix(from) {
        Some(rest) if !rest.trim().is_empty() => format!("{to}{rest}"),
        _ => line.to_owned(),
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\"\"\"Doc.\"\"\"\nimport re\n\nLIMIT = 3\n\n\ndef one():\n    return 1\n\n\nclass Shape:\n    sides = 4\n\n    def area(self):\n        return 2\n\n    def name(self):\n        return \"shape\"\n";

    fn check(new: &str, task: &str, expected: &str, kept: &[&str]) {
        let (text, names) = put_back(OLD, new, "a.py", task).unwrap_or_else(|| (new.to_owned(), Vec::new()));
        assert_eq!((text.as_str(), names), (expected, kept.iter().map(|name| (*name).to_owned()).collect()), "{new}");
    }

    #[test]
    fn a_definition_alone_replaces_itself() {
        let new = "import os\nimport re\n\n\ndef one():\n    return os.name\n";
        let expected =
            OLD.replace("    return 1\n", "    return os.name\n").replace("import re", "import re\nimport os");
        check(new, "Change one", &expected, &["LIMIT", "Shape"]);
    }

    #[test]
    fn what_is_new_stands_behind_what_it_stood_behind() {
        let new = "def one():\n    return 1\n\n\ndef two():\n    return 2\n";
        let expected = OLD.replace("    return 1\n", "    return 1\n\n\ndef two():\n    return 2\n");
        check(new, "Add two", &expected, &["LIMIT", "Shape"]);
    }

    #[test]
    fn methods_stay_too_and_a_method_without_its_class_finds_it() {
        let expected = OLD.replace("return 2", "return 3");
        check("class Shape:\n    def area(self):\n        return 3\n", "area", &expected, &["LIMIT", "one", "name"]);
        check("def area(self):\n    return 3\n", "area", &expected, &["LIMIT", "one", "Shape"]);
    }

    #[test]
    fn an_import_of_what_is_used_stays() {
        let old = "\"\"\"Doc.\"\"\"\nimport os\nimport re\nfrom a import b as c, d\n\n\ndef one():\n    return re.sub(c, os.sep, d)\n";
        let check = |new: &str, expected: &str| {
            let text = put_back(old, new, "a.py", "Change `one`").map_or_else(|| new.to_owned(), |(text, _)| text);
            assert_eq!(text, expected);
        };
        let new = "def one():\n    return re.sub(c, 1)\n";
        check(new, &format!("import re\nfrom a import b as c, d\n\n\n{new}"));
        let new = "\"\"\"Doc.\"\"\"\nimport os\n\n\ndef one():\n    return re.sub(os)\n";
        check(new, &new.replace("import os", "import re\nimport os"));
        let new = "from __future__ import annotations\n\n\ndef one():\n    return re.sub()\n";
        check(new, "from __future__ import annotations\n\n\nimport re\n\n\ndef one():\n    return re.sub()\n");
        // What is not used, or is now something else, may go.
        check("def one():\n    return 1\n", "def one():\n    return 1\n");
        check("def one(re):\n    return re.sub()\n", "def one(re):\n    return re.sub()\n");
        check(
            "import regex as re\n\n\ndef one():\n    return re.sub()\n",
            "import regex as re\n\n\ndef one():\n    return re.sub()\n",
        );
        check("def one(a):\n    return a.re\n", "def one(a):\n    return a.re\n");
    }

    #[test]
    fn what_the_task_names_may_go_and_a_whole_file_is_taken_to_the_byte() {
        let whole = OLD.replace("def one", "def uno");
        check(&whole, "Rename one to uno", &whole, &[]);
        check(&whole, "`one` has to be uno", &whole, &[]);
        check(&OLD.replace("\n\n\n", "\n\n"), "Less air", &OLD.replace("\n\n\n", "\n\n"), &[]);
        check("x = 1\n", "Start anew: without LIMIT, one and Shape", "x = 1\n", &[]);
    }

    #[test]
    fn a_name_that_is_an_ordinary_word_is_no_name() {
        let new = "LIMIT = 4\n\n\nclass Shape:\n    sides = 4\n\n    def area(self):\n        return 2\n";
        let expected = OLD.replace("LIMIT = 3", "LIMIT = 4");
        check(new, "LIMIT is one too small", &expected, &["one", "name"]);
        let without = OLD.replace("def one():\n    return 1\n\n\n", "");
        check(&without, "Call one() no more", &without, &[]);
    }

    #[test]
    fn texts_that_nobody_can_take_apart_are_taken_as_they_are() {
        assert_eq!(put_back("# A\n", "# B\n", "a.md", ""), None);
        assert_eq!(put_back("", "def one():\n    pass\n", "a.py", ""), None);
        let twice = "def a(): pass\ndef a(): pass\ndef b(): pass\n";
        assert_eq!(put_back(twice, "def a(): pass\n", "a.py", ""), None);
    }
}
