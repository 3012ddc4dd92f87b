//! Asks written as comments: `// claw: …`, `// … AI!`, `// … AI?`, and the blank one to be filled in.
//!
//! Comments are found by how a line looks, not by a parser: this runs within a code-action request, in every language and
//! in code that does not parse. What is found is only offered; nothing happens before the user takes the offer.

use std::ops::{Range, RangeInclusive};

use crate::event::Mode;
use crate::text::{Edit, Text};

/// How a language writes a comment on one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommentSyntax {
    pub open: &'static str,
    /// Empty where a comment runs to the end of its line.
    pub close: &'static str,
}

/// A comment that asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommentAsk {
    /// The comment's text without its marker.
    pub instruction: String,
    pub mode: Mode,
    /// The bytes that go when the ask is done: the comment, and its line where nothing else stands on it.
    pub range: Range<usize>,
}

/// More than these in one selection are not offered.
const MOST_ASKS: usize = 8;

/// The syntax by the protocol's language id, else by the file's name. Plain text has no comments: there the line itself
/// is the ask.
pub fn syntax_of(language_id: &str, path: &str) -> CommentSyntax {
    by_language(language_id)
        .or_else(|| by_language(extension_of(path)))
        .unwrap_or(CommentSyntax { open: "//", close: "" })
}

/// The comments on 0-based `lines` that ask for something. A blank `claw:` asks for nothing.
pub fn find_asks(text: &Text, syntax: CommentSyntax, lines: RangeInclusive<usize>) -> Vec<CommentAsk> {
    let last = (*lines.end()).min(text.line_count().saturating_sub(1));
    let block = text.line_start(*lines.start())..text.line_range(last).end;
    // Nearly always there is nothing to find; then a large selection costs one scan.
    let Some(whole) = text.slice(block) else { return Vec::new() };
    if !MARKERS.iter().any(|marker| whole.contains(marker)) {
        return Vec::new();
    }
    (*lines.start()..=last)
        .filter_map(|line| {
            let range = text.line_range(line);
            ask_of_line(&text.slice(range.clone())?, range.start, syntax)
        })
        .take(MOST_ASKS)
        .collect()
}

/// The edit that puts an empty ask above the line of `offset`, indented as that line is.
pub fn blank_ask(text: &Text, syntax: CommentSyntax, offset: usize) -> Edit {
    let line = text.line_range(text.line_of(offset));
    let indent: String = text
        .slice(line.clone())
        .unwrap_or_default()
        .chars()
        .take_while(|character| matches!(character, ' ' | '\t'))
        .collect();
    let CommentSyntax { open, close } = syntax;
    let gap = if open.is_empty() { "" } else { " " };
    let end = if close.is_empty() { String::new() } else { format!(" {close}") };
    let insert = format!("{indent}{open}{gap}claw: {end}{}", text.line_ending().as_str());
    Edit { range: line.start..line.start, insert }
}

const MARKERS: [&str; 3] = ["claw:", "AI!", "AI?"];

fn ask_of_line(line: &str, start: usize, syntax: CommentSyntax) -> Option<CommentAsk> {
    let code = line.trim_end_matches(['\r', '\n']);
    let comment = find_comment(code, syntax)?;
    let (instruction, mode) = instruction_of(comment.body)?;
    let range = if code.get(..comment.at)?.trim().is_empty() {
        start..start + line.len()
    } else {
        let kept = code.get(..comment.at)?.trim_end().len();
        start + kept..start + comment.end
    };
    Some(CommentAsk { instruction, mode, range })
}

struct Comment<'a> {
    at: usize,
    end: usize,
    body: &'a str,
}

/// The comment at the end of a line. One whose opening stands in a string of the line is none.
fn find_comment(code: &str, syntax: CommentSyntax) -> Option<Comment<'_>> {
    let CommentSyntax { open, close } = syntax;
    let visible = code.trim_end();
    if open.is_empty() {
        let at = code.len() - code.trim_start().len();
        return Some(Comment { at, end: visible.len(), body: code.get(at..)?.trim() });
    }
    let at = code.match_indices(open).map(|(at, _)| at).find(|&at| code.get(..at).is_some_and(begins_comment))?;
    let inner = visible.get(at + open.len()..)?;
    let inner = if close.is_empty() { inner } else { inner.strip_suffix(close)? };
    // Doc comments and banners repeat the last character of the opening, or add `!` or `*`.
    let repeated = open.chars().last()?;
    let body = inner.trim_start_matches([repeated, '!', '*']).trim();
    Some(Comment { at, end: visible.len(), body })
}

/// Whether a comment can open after `before`: at the start, or after a space, and not within a string.
fn begins_comment(before: &str) -> bool {
    let closed = |quote: char| before.matches(quote).count().is_multiple_of(2);
    (before.trim().is_empty() || before.ends_with([' ', '\t', ';', '}', '{', ')'])) && closed('"') && closed('`')
}

fn instruction_of(body: &str) -> Option<(String, Mode)> {
    let (words, mode) = match body.strip_prefix("claw:") {
        Some(words) => (words, Mode::Edit),
        None => match body.strip_suffix("AI!") {
            Some(words) => (words, Mode::Edit),
            None => (body.strip_suffix("AI?")?, Mode::Explain),
        },
    };
    // `MAI!` is a word, not a marker.
    if !body.starts_with("claw:") && words.ends_with(|character: char| character.is_alphanumeric()) {
        return None;
    }
    let words = words.trim();
    (!words.is_empty()).then(|| (words.to_owned(), mode))
}

fn extension_of(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').map_or(name, |(_, extension)| extension)
}

/// By language id or file extension: the two never mean different things here.
fn by_language(name: &str) -> Option<CommentSyntax> {
    let (open, close) = match name {
        "rust" | "rs" | "c" | "h" | "cpp" | "cc" | "hpp" | "cxx" | "objective-c" | "objective-cpp" | "m"
        | "cuda-cpp" | "java" | "javascript" | "javascriptreact" | "js" | "jsx" | "mjs" | "cjs" | "typescript"
        | "typescriptreact" | "ts" | "tsx" | "mts" | "go" | "swift" | "kotlin" | "kt" | "scala" | "csharp" | "cs"
        | "fsharp" | "fs" | "php" | "dart" | "zig" | "jsonc" | "scss" | "less" | "proto" | "proto3" | "groovy"
        | "gradle" | "solidity" | "sol" | "glsl" | "wgsl" | "hlsl" | "verilog" | "systemverilog" | "v" | "odin"
        | "d" | "typst" | "typ" => ("//", ""),
        "python" | "py" | "pyi" | "ruby" | "rb" | "shellscript" | "sh" | "bash" | "zsh" | "fish" | "yaml" | "yml"
        | "dockercompose" | "toml" | "perl" | "pl" | "r" | "makefile" | "make" | "Makefile" | "mk" | "dockerfile"
        | "Dockerfile" | "cmake" | "elixir" | "ex" | "exs" | "nix" | "julia" | "jl" | "powershell" | "ps1" | "nim"
        | "crystal" | "gdscript" | "gd" | "coffeescript" | "graphql" | "terraform" | "tf" | "hcl" | "properties"
        | "conf" | "ignore" | "gitignore" | "just" | "justfile" | "starlark" | "bzl" => ("#", ""),
        "lua" | "sql" | "haskell" | "hs" | "ada" | "elm" | "vhdl" | "vhd" | "purescript" | "applescript" => ("--", ""),
        "lisp" | "commonlisp" | "clojure" | "clj" | "cljs" | "edn" | "scheme" | "scm" | "racket" | "rkt" | "elisp"
        | "emacs-lisp" | "el" => (";;", ""),
        "asm" | "ini" => (";", ""),
        "latex" | "tex" | "bibtex" | "erlang" | "erl" | "matlab" | "prolog" => ("%", ""),
        "vim" => ("\"", ""),
        "fortran" | "f90" => ("!", ""),
        "vb" | "vbs" => ("'", ""),
        "bat" | "cmd" => ("REM", ""),
        "html" | "htm" | "xml" | "xsl" | "svg" | "markdown" | "md" | "vue" | "svelte" | "handlebars" => ("<!--", "-->"),
        "css" => ("/*", "*/"),
        "ocaml" | "ml" | "mli" | "coq" => ("(*", "*)"),
        "plaintext" | "text" | "txt" => ("", ""),
        _ => return None,
    };
    Some(CommentSyntax { open, close })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// `instruction|mode|text without the comment`, one an ask; the text's other asks stay in it.
    fn check(language: &str, text: &str, expected: &[(&str, Mode, &str)]) {
        let text = Text::new(text);
        let found = find_asks(&text, syntax_of(language, ""), 0..=text.line_count());
        let seen: Vec<(String, Mode, String)> = found
            .into_iter()
            .map(|ask| {
                let rest = text.apply(&Edit { range: ask.range, insert: String::new() }).unwrap();
                (ask.instruction, ask.mode, rest.to_string())
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(a, b, c)| ((*a).to_owned(), *b, (*c).to_owned())).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_comment_on_its_own_line_goes_with_its_line() {
        check(
            "rust",
            "fn a() {}\n    // claw: rename a to b\nfn c() {}\n",
            &[("rename a to b", Mode::Edit, "fn a() {}\nfn c() {}\n")],
        );
        check("python", "# make this faster AI!\r\nx = 1\r\n", &[("make this faster", Mode::Edit, "x = 1\r\n")]);
        check("python", "x = 1\n# why is this here? AI?", &[("why is this here?", Mode::Explain, "x = 1\n")]);
        check("html", "<p>\n<!-- claw: close it -->\n", &[("close it", Mode::Edit, "<p>\n")]);
        check("plaintext", "Dear all\nclaw: be kind\n", &[("be kind", Mode::Edit, "Dear all\n")]);
    }

    #[test]
    fn a_comment_behind_code_leaves_the_code() {
        check("rust", "let a = 1; // claw: why 1\nlet b = 2;\n", &[("why 1", Mode::Edit, "let a = 1;\nlet b = 2;\n")]);
        check("css", "a { b: c; } /* claw: drop */\n", &[("drop", Mode::Edit, "a { b: c; }\n")]);
    }

    #[test]
    fn doc_comments_count() {
        check(
            "rust",
            "/// say what it returns AI!\nfn a() {}\n",
            &[("say what it returns", Mode::Edit, "fn a() {}\n")],
        );
    }

    #[test]
    fn what_only_looks_like_an_ask_is_none() {
        for text in [
            "// claw:\n",
            "// AI!\n",
            "// I am from MAI!\n",
            "let s = \"// claw: not me\";\n",
            "let url = \"http://claw: x\";\n",
            "claw: in code\n",
            "// see claw: below\n",
            "// AI! said somebody\n",
        ] {
            check("rust", text, &[]);
        }
    }

    #[test]
    fn a_blank_ask_is_indented_like_its_line_and_ends_like_its_text() {
        let blank = |language: &str, text: &str, offset: usize| {
            let text = Text::new(text);
            let edit = blank_ask(&text, syntax_of(language, ""), offset);
            text.apply(&edit).unwrap().to_string()
        };
        assert_eq!(blank("rust", "fn a() {\n\tb();\n}\n", 11), "fn a() {\n\t// claw: \n\tb();\n}\n");
        assert_eq!(blank("python", "if a:\r\n    b()\r\n", 9), "if a:\r\n    # claw: \r\n    b()\r\n");
        assert_eq!(blank("html", "", 0), "<!-- claw:  -->\n");
        assert_eq!(blank("plaintext", "hello", 3), "claw: \nhello");
        assert_eq!(blank("rust", "x", 99), "// claw: \nx");
    }

    #[test]
    fn an_unknown_language_goes_by_the_file_name() {
        assert_eq!(syntax_of("", "src/a.py").open, "#");
        assert_eq!(syntax_of("fancy", "a/Makefile").open, "#");
        assert_eq!(syntax_of("fancy", "a.fancy").open, "//");
    }
}
