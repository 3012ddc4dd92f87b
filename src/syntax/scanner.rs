//! Texts that a grammar's scanner can not take.
//!
//! Grammars whose language is not context-free bring a scanner of their own, in C, whose state tree-sitter keeps in 1,024 bytes. Those of
//! three languages write past them on texts that nest deeply or name a heredoc at length, and tree-sitter then aborts the process. So such
//! texts are told from others before they are parsed. What is counted is never less than what the scanner will count, whatever the text;
//! a sound one that is refused, such as one of 130 heredocs, is outlined by its indentation.

use std::collections::HashSet;

use super::Language;
use crate::text::Text;

/// Ten bytes, and four for each block. At one column stand at most a mapping and the sequence that it holds.
const MOST_YAML_COLUMNS: usize = 120;
/// At most 257 bytes of string delimiters, and two for each indentation.
const MOST_PYTHON_INDENTS: usize = 380;
/// Bytes of the longest name of a heredoc: its length is kept in one.
const MOST_RUBY_NAME: usize = 200;
/// Bytes for what is open at one time.
const MOST_RUBY_OPEN: usize = 1_000;

/// Whether the scanner of the language can take the text.
pub(super) fn takes(text: &Text, language: Language) -> bool {
    match language {
        Language::Yaml => starts(text, true) <= MOST_YAML_COLUMNS,
        Language::Python => starts(text, false) <= MOST_PYTHON_INDENTS,
        Language::Ruby => takes_ruby(&text.to_string()),
        _ => true,
    }
}

/// At how many columns lines begin, a tab being eight of them as it is for Python; with `indicators`, also what stands behind the `-`,
/// `?` and `:` by which a line of YAML begins.
fn starts(text: &Text, indicators: bool) -> usize {
    let mut columns = HashSet::new();
    let mut column = 0_usize;
    let mut in_lead = true;
    // An indicator is one only if white space follows.
    let mut held = false;
    for chunk in text.chunks() {
        let mut rest = chunk.as_bytes();
        loop {
            if !in_lead {
                let line_end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
                rest = rest.get(line_end..).unwrap_or_default();
            }
            let Some((byte, behind)) = rest.split_first() else { break };
            rest = behind;
            match byte {
                b'\n' | b'\r' => (column, in_lead, held) = (0, true, false),
                b' ' | b'\t' => {
                    column += if *byte == b'\t' && !indicators { 8 } else { 1 };
                    held = false;
                }
                _ if held => in_lead = false,
                _ => {
                    columns.insert(column);
                    column += 1;
                    held = indicators && matches!(byte, b'-' | b'?' | b':');
                    in_lead = held;
                }
            }
        }
    }
    columns.len()
}

/// As if all heredocs and all strings that hold a `#{` were open at the same time.
fn takes_ruby(text: &str) -> bool {
    let names = || text.match_indices("<<").filter_map(|(at, _)| heredoc(text.get(at + 2..)?));
    if names().next().is_none() {
        return true;
    }
    let strings = 5 * (text.matches("#{").count() + 1);
    let heredocs = names().fold(0_usize, |sum, name| sum.saturating_add(4).saturating_add(name));
    names().all(|name| name <= MOST_RUBY_NAME) && heredocs.saturating_add(strings) <= MOST_RUBY_OPEN
}

/// How long the name of a heredoc is that begins behind `<<`, in bytes; `None` if none can begin there.
fn heredoc(behind: &str) -> Option<usize> {
    let name = behind.strip_prefix(['~', '-']).unwrap_or(behind);
    let first = name.chars().next()?;
    if matches!(first, '"' | '\'' | '`') {
        // One that does not end takes all that follows.
        let name = name.get(1..)?;
        return Some(name.find(first).unwrap_or(name.len()));
    }
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || !letter.is_ascii();
    is_part(first).then(|| name.find(|letter| !is_part(letter)).unwrap_or(name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Parsed;

    /// Each text once as large as is taken and once larger, and parsed either way: what the scanner can not take would end the test.
    #[track_caller]
    fn check(language: Language, most: usize, make: impl Fn(usize) -> String) {
        for (size, expected) in [(most, true), (most + 1, false), (most * 4, false)] {
            let text = Text::new(&make(size));
            assert_eq!(takes(&text, language), expected, "{size}");
            assert_eq!(Parsed::of(&text, language).is_some(), expected, "{size}");
        }
    }

    /// Lines that each begin one column further in.
    fn stairs(count: usize, line: &str) -> String {
        (0..count).map(|depth| format!("{}{line}\n", " ".repeat(depth))).collect()
    }

    #[test]
    fn d01_yaml_that_nests_deeply_is_not_parsed() {
        check(Language::Yaml, 120, |count| stairs(count, "a:"));
        // What the last one holds stands at a column too.
        check(Language::Yaml, 119, |count| format!("{}a\n", "- ".repeat(count)));
        check(Language::Yaml, 119, |count| format!("{}a\n", "? ".repeat(count)));
        check(Language::Yaml, 120, |count| stairs(count, "a:\r").replace("\r\n", "\r"));
    }

    #[test]
    fn what_only_looks_deep_is_parsed() {
        let ruler = format!("a: |\n  {}\n# {}\n", "-".repeat(500), "- ".repeat(500));
        assert!(takes(&Text::new(&ruler), Language::Yaml));
        for piece in [
            "a: ",
            "!a &b c: ",
            "a: - ",
            "- !a ",
            "- &a ",
            "? !a ",
            "- a: - ",
            "\"a\": ",
            "[{a: ",
            "- [a]: ",
            ": a ",
            "- *a : ",
        ] {
            for count in [252, 253, 254, 255, 300, 2_000] {
                let text = Text::new(&format!("{}\n", piece.repeat(count)));
                if takes(&text, Language::Yaml) {
                    let _ = Parsed::of(&text, Language::Yaml);
                }
            }
        }
    }

    #[test]
    fn d01_python_that_nests_deeply_is_not_parsed() {
        for last in ["x = 'a'", "x = f'{f\"{a}\"}'", "pass"] {
            check(Language::Python, 380, |count| stairs(count - 1, "if a:") + &" ".repeat(count - 1) + last + "\n");
        }
        check(Language::Python, 380, |count| {
            (0..count).map(|depth| format!("{}if a:\n", "\t".repeat(depth))).collect()
        });
    }

    #[test]
    fn d01_ruby_with_a_heredoc_of_a_long_name_is_not_parsed() {
        for quote in ["", "'", "\"", "`"] {
            check(Language::Ruby, 200, |count| format!("x = <<~{quote}{0}{quote}\n a\n{0}\n", "A".repeat(count)));
        }
        // 203 strings and a name of four letters are a byte too many.
        for strings in 195..=204 {
            for name in 1..=12 {
                let text = Text::new(&format!("{}<<{}\n", "\"#{".repeat(strings), "A".repeat(name)));
                assert!(strings < 200 || !takes(&text, Language::Ruby));
                let _ = Parsed::of(&text, Language::Ruby);
            }
        }
        let much = "x = \"#{a}\" << b\n".repeat(2_000);
        assert!(takes(&Text::new(&much), Language::Ruby), "none of these begins a heredoc");
        assert!(takes(&Text::new("class << self\n  1<<2\nend\nx = <<~SQL\n  a\nSQL\n"), Language::Ruby));
        assert!(!takes(&Text::new(&format!("x <<\"{}", "and no end ".repeat(20))), Language::Ruby));
    }
}
