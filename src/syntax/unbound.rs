//! Names that a text uses and nowhere makes known: mostly an import that was forgotten.
//!
//! By the form of the tree alone, so only for Python, where nothing comes into a file unnamed. A name that is bound anywhere in the
//! file counts as known in all of it, and nothing is said of a file whose names nobody can tell: what is told is wrong hardly ever.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tree_sitter::Node;

use super::names::{Name, Role};
use super::problems::Problem;
use super::{Language, Parsed};
use crate::text::Text;

/// Bytes of the largest text that is looked at.
const MOST_BYTES: usize = 256 * 1024;
/// Who was given less time than this may not have seen all names.
const MOST_TIME: Duration = Duration::from_millis(250);

/// The names that `new` uses without knowing them, but for those that `old` does not know either. The first use of each, in source
/// order; none where a text does not parse.
pub fn added_to(old: Option<&Text>, new: &Text, language: Language) -> Vec<Problem> {
    if language != Language::Python {
        return Vec::new();
    }
    let unknown = unbound(new);
    if unknown.is_empty() {
        return Vec::new();
    }
    let before: HashSet<String> = old.map(unbound).unwrap_or_default().into_iter().map(|name| name.text).collect();
    let news = unknown.into_iter().filter(|name| !before.contains(&name.text));
    news.map(|name| Problem {
        line: new.line_of(name.range.start),
        what: format!("`{}` is used, but neither defined nor imported in this file", name.text),
        range: name.range,
    })
    .collect()
}

fn unbound(text: &Text) -> Vec<Name> {
    let parsed = (text.len() <= MOST_BYTES).then(|| Parsed::of(text, Language::Python)).flatten();
    let Some(parsed) = parsed.filter(|parsed| !parsed.tree().root_node().has_error()) else { return Vec::new() };
    let start = Instant::now();
    let names = parsed.names(std::slice::from_ref(&(0..text.len())), |_| true);
    let brings_all = |name: &Name| matches!(name.text.as_str(), "globals" | "locals" | "vars" | "exec");
    if start.elapsed() > MOST_TIME || names.iter().any(brings_all) || imports_all(&parsed) {
        return Vec::new();
    }
    let is_use = |name: &&Name| matches!(name.role, Role::Uses | Role::UsesMember);
    let mut known: HashSet<String> = names.iter().filter(|name| !is_use(name)).map(|name| name.text.clone()).collect();
    let is_special = |text: &str| text == "_" || (text.starts_with("__") && text.ends_with("__"));
    let wanted = |name: &Name| {
        name.role == Role::Uses && !is_special(&name.text) && BUILT_IN.binary_search(&name.text.as_str()).is_err()
    };
    let uses: Vec<Name> = names.into_iter().filter(|name| wanted(name) && !known.contains(&name.text)).collect();
    let forms: Vec<Form> = uses.iter().map(|name| form(name, &parsed)).collect();
    let bound = uses.iter().zip(&forms).filter(|(_, form)| **form == Form::Bound);
    known.extend(bound.map(|(name, _)| name.text.clone()));
    let uses = uses.into_iter().zip(forms).filter(|(_, form)| *form == Form::Used).map(|(name, _)| name);
    // The first of each: from there on it is known to be unknown.
    uses.filter(|name| known.insert(name.text.clone())).collect()
}

/// `from module import *`
fn imports_all(parsed: &Parsed) -> bool {
    let all = |range| {
        parsed.text().slice(range).is_some_and(|import| import.trim_end().ends_with(['*', ')']) && import.contains('*'))
    };
    parsed.imports().into_iter().any(all)
}

/// How a name stands that looks like a use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Used,
    /// `case Point(x)`, `with a as (b, c)`, `def f[T]()`
    Bound,
    /// Of a module that something is imported from.
    Module,
}

fn form(name: &Name, parsed: &Parsed) -> Form {
    let mut next: Option<Node<'_>> =
        parsed.tree().root_node().descendant_for_byte_range(name.range.start, name.range.end);
    while let Some(node) = next {
        match node.kind() {
            "import_statement" | "import_from_statement" | "future_import_statement" => return Form::Module,
            "as_pattern_target" | "case_clause" | "list_pattern" | "type_parameter" | "type_alias_statement" => {
                return Form::Bound;
            }
            "block" | "call" | "attribute" | "subscript" | "module" => return Form::Used,
            _ => next = node.parent(),
        }
    }
    Form::Used
}

/// What Python makes known in every file, <https://docs.python.org/3/library/builtins.html>, and what is there on Windows or while types
/// are checked; sorted.
#[rustfmt::skip]
const BUILT_IN: &[&str] = &[
    "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "BaseExceptionGroup", "BlockingIOError",
    "BrokenPipeError", "BufferError", "BytesWarning", "ChildProcessError", "ConnectionAbortedError", "ConnectionError",
    "ConnectionRefusedError", "ConnectionResetError", "DeprecationWarning", "EOFError", "Ellipsis", "EncodingWarning",
    "EnvironmentError", "Exception", "ExceptionGroup", "False", "FileExistsError", "FileNotFoundError",
    "FloatingPointError", "FutureWarning", "GeneratorExit", "IOError", "ImportError", "ImportWarning",
    "IndentationError", "IndexError", "InterruptedError", "IsADirectoryError", "KeyError", "KeyboardInterrupt",
    "LookupError", "MemoryError", "ModuleNotFoundError", "NameError", "None", "NotADirectoryError", "NotImplemented",
    "NotImplementedError", "OSError", "OverflowError", "PendingDeprecationWarning", "PermissionError",
    "ProcessLookupError", "PythonFinalizationError", "RecursionError", "ReferenceError", "ResourceWarning",
    "RuntimeError", "RuntimeWarning", "StopAsyncIteration", "StopIteration", "SyntaxError", "SyntaxWarning",
    "SystemError", "SystemExit", "TabError", "TimeoutError", "True", "TypeError", "UnboundLocalError",
    "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "UnicodeTranslateError", "UnicodeWarning",
    "UserWarning", "ValueError", "Warning", "WindowsError", "ZeroDivisionError", "abs", "aiter", "all", "anext", "any",
    "ascii", "bin", "bool", "breakpoint", "bytearray", "bytes", "callable", "chr", "classmethod", "compile", "complex",
    "copyright", "credits", "delattr", "dict", "dir", "divmod", "enumerate", "eval", "exit", "filter", "float",
    "format", "frozenset", "getattr", "hasattr", "hash", "help", "hex", "id", "input", "int", "isinstance",
    "issubclass", "iter", "len", "license", "list", "map", "max", "memoryview", "min", "next", "object", "oct", "open",
    "ord", "pow", "print", "property", "quit", "range", "repr", "reveal_locals", "reveal_type", "reversed", "round",
    "set", "setattr", "slice", "sorted", "staticmethod", "str", "sum", "super", "tuple", "type", "zip",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: Option<&str>, new: &str, expected: &[(usize, &str)]) {
        let old = old.map(Text::new);
        let told = added_to(old.as_ref(), &Text::new(new), Language::Python);
        let told: Vec<(usize, &str)> =
            told.iter().map(|one| (one.line + 1, one.what.split('`').nth(1).unwrap())).collect();
        assert_eq!(told, expected, "{new}");
    }

    #[test]
    fn what_nothing_makes_known_is_told_once() {
        check(None, "def f(path):\n    os.remove(path)\n    return os.path, PI\n", &[(2, "os"), (3, "PI")]);
        check(None, "import os\nfrom constants import PI\n\n\ndef f(path):\n    return os.path, PI\n", &[]);
        check(Some("x = a\n"), "x = a + b\n", &[(1, "b")]);
        check(None, "def f(:\n    return os\n", &[]);
    }

    #[test]
    fn what_is_bound_in_any_way_is_known() {
        check(None, "for [a, (b, *c)] in []:\n    a, b, c\n", &[]);
        check(None, "with x() as (y, z):\n    y, z\n", &[(1, "x")]);
        check(None, "try:\n    pass\nexcept E as e:\n    e\n", &[(3, "E")]);
        check(
            None,
            "match 1:\n    case {'k': v, **rest} | [first, *others] if v:\n        v, rest, first, others, other\n",
            &[(3, "other")],
        );
        check(None, "def f[T: int](x: T) -> T: ...\nclass A[U]: ...\ntype V = list[V]\n", &[]);
        check(None, "[a for a, b in c() if (d := b)], d, lambda x, *y, **z: (x, y, z)\n", &[(1, "c")]);
        check(None, "def f():\n    global g\n    g = 1\n\n\ng = h = (i, j) = 2\nf'{g}{h!r}{i:>{j}}'\n", &[]);
        check(
            None,
            "class A:\n    b: int = 1\n    c = b\n    __slots__ = ()\n    def d(self): return __name__, self.e, A, _('x')\n",
            &[],
        );
    }

    #[test]
    fn what_is_built_in_is_found() {
        assert!(BUILT_IN.is_sorted());
        check(None, "print(ArithmeticError, zip(open('a')), __file__)\n", &[]);
    }

    #[test]
    fn nothing_is_said_where_names_come_unnamed() {
        check(None, "from os import *\nprint(path)\n", &[]);
        check(None, "globals()['a'] = 1\nprint(a)\n", &[]);
    }
}
