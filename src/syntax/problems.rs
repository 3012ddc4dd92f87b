//! Where a text is no sentence of its language: what tree-sitter could not fit into the tree, or had to make up.

use std::collections::HashMap;
use std::ops::Range;

use tree_sitter::Node;

use super::{Language, Parsed};
use crate::text::Text;

/// More than these are not told apart: a text like that is broken as a whole.
const MOST: usize = 200;
/// Characters of a text that a message quotes.
const QUOTED: usize = 30;

/// A place that does not parse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Empty where something is missing.
    pub range: Range<usize>,
    /// First line, 0-based.
    pub line: usize,
    /// ``missing `)` ``, ``unexpected `fn fn` ``.
    pub what: String,
}

impl Parsed {
    /// In source order. Of a place within another only the outer one; none in a language whose grammar can not tell.
    pub fn problems(&self) -> Vec<Problem> {
        if !self.language().tells_errors() {
            return Vec::new();
        }
        let mut problems = Vec::new();
        let mut open = vec![self.tree().root_node()];
        while let Some(node) = open.pop() {
            if problems.len() == MOST {
                break;
            }
            if node.is_error() || node.is_missing() {
                problems.push(problem(node, self.text()));
            } else if node.has_error() {
                let mut children: Vec<Node<'_>> = node.children(&mut node.walk()).collect();
                children.reverse();
                open.append(&mut children);
            }
        }
        problems
    }
}

/// The problems of `new` that `old` has not; none while there are no more of them than before, since what is broken already
/// breaks in another way with every edit. `None` for a text that was not there.
pub fn added(old: Option<&Parsed>, new: &Parsed) -> Vec<Problem> {
    let problems = new.problems();
    if problems.is_empty() {
        return problems;
    }
    let before = old.map(|old| (old, old.problems())).filter(|(_, problems)| !problems.is_empty());
    let Some((old, before)) = before else { return problems };
    if problems.len() <= before.len() {
        return Vec::new();
    }
    let sign = |parsed: &Parsed, problem: &Problem| (problem.what.clone(), line(parsed.text(), problem.line));
    let mut known: HashMap<(String, String), usize> = HashMap::new();
    for problem in &before {
        *known.entry(sign(old, problem)).or_default() += 1;
    }
    let is_new = |problem: &Problem| match known.get_mut(&sign(new, problem)) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        Some(_) | None => true,
    };
    problems.into_iter().filter(is_new).collect()
}

/// The same of texts. Nothing is said of one that is too large or too strange to parse.
pub fn added_to(old: Option<&Text>, new: &Text, language: Language) -> Vec<Problem> {
    let Some(new) = Parsed::of(new, language) else { return Vec::new() };
    if new.problems().is_empty() {
        return Vec::new();
    }
    let old = match old.map(|old| Parsed::of(old, language)) {
        Some(None) => return Vec::new(),
        Some(Some(old)) => Some(old),
        None => None,
    };
    added(old.as_ref(), &new)
}

fn problem(node: Node<'_>, text: &Text) -> Problem {
    let range = node.byte_range();
    let what = if node.is_missing() {
        format!("missing `{}`", node.kind().replace('_', " "))
    } else {
        let slice = text.slice(range.start..range.end.min(text.len())).unwrap_or_default();
        let first = slice.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        match first.char_indices().nth(QUOTED) {
            Some((cut, _)) => format!("unexpected `{}…`", first.get(..cut).unwrap_or_default()),
            None => format!("unexpected `{first}`"),
        }
    };
    Problem { line: text.line_of(range.start.min(text.len())), range, what }
}

fn line(text: &Text, line: usize) -> String {
    text.slice(text.line_range(line)).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: Language, old: Option<&str>, new: &str, expected: &[(usize, &str)]) {
        let old = old.map(Text::new);
        let problems = added_to(old.as_ref(), &Text::new(new), language);
        let told: Vec<(usize, &str)> = problems.iter().map(|one| (one.line + 1, one.what.as_str())).collect();
        assert_eq!(told, expected, "{new:?}");
    }

    #[test]
    fn what_parses_has_none() {
        check(Language::Rust, None, "", &[]);
        check(Language::Rust, None, "fn a() {}\r\nstruct B;\n", &[]);
        check(Language::Python, None, "def a():\n    return 1\n", &[]);
    }

    #[test]
    fn problems_are_told_by_line() {
        check(Language::Rust, Some("fn a() {}\n"), "fn a() {\n    (1\n}\n", &[(2, "missing `)`")]);
        check(Language::Rust, None, "fn a() {}\n}\n", &[(2, "unexpected `}`")]);
        check(Language::Python, None, "def a(:\n    return 1\n", &[(1, "missing `)`")]);
        check(Language::Python, None, "x = (1,\n", &[(1, "unexpected `x = (1,`")]);
    }

    #[test]
    fn only_what_was_not_there_counts() {
        let broken = "fn a() {}\n}\nfn b() {}\n";
        check(Language::Rust, Some(broken), broken, &[]);
        check(Language::Rust, Some(broken), "fn c() {}\nfn a() {}\n}\nfn b() {}\n", &[]);
        check(Language::Rust, Some(broken), "fn a() {}\n}\nfn b() { (1 }\n", &[(3, "missing `)`")]);
        check(Language::Rust, Some(broken), "fn a() {}\nfn b() { (1 }\n", &[]);
    }

    #[test]
    fn d01_hostile_text_costs_an_answer() {
        let deep = "(".repeat(200_000);
        let _ = added_to(None, &Text::new(&deep), Language::Rust);
        let many = "fn a( {}\n".repeat(5_000);
        assert!(added_to(None, &Text::new(&many), Language::Rust).len() <= MOST);
    }
}
