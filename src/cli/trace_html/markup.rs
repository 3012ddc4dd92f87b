//! Text as HTML: the one way by which what stands in a trace comes onto the page.
//!
//! Whatever a parser acts on becomes a reference, and what a reader would not see is written out and marked, as on the terminal.
//! Text of a trace stands between tags and never within one: no attribute holds any of it. This module must never know what the
//! text is about.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use crate::cli::describe;
use crate::text::floor_char_boundary;
use crate::text::hidden::is_hidden;

/// Bytes of one text that the page shows.
pub const MOST: usize = 256 * 1024;

/// Text that keeps its lines.
pub fn block(text: &str) -> Shown<'_> {
    Shown { text, one_line: false, marked: true }
}

/// Text that stays on one line: line breaks and tabs are written out too.
pub fn line(text: &str) -> Shown<'_> {
    Shown { text, one_line: true, marked: true }
}

/// The same where there can be no elements, as in a title.
pub fn plain(text: &str) -> Shown<'_> {
    Shown { text, one_line: true, marked: false }
}

/// Text that is escaped as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    text: &'a str,
    one_line: bool,
    /// Characters that were written out are told from text that only looks like it.
    marked: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut before, mut in_hidden) = (None, false);
        let mut characters = self.text.chars().peekable();
        while let Some(c) = characters.next() {
            let after = characters.peek().copied();
            let hides = match c {
                '\n' | '\t' if !self.one_line => false,
                '\r' if !self.one_line => after != Some('\n'),
                _ => is_hidden(c, before, after),
            };
            if self.marked && hides != in_hidden {
                f.write_str(if hides { "<b class=\"hidden\">" } else { "</b>" })?;
                in_hidden = hides;
            }
            match c {
                _ if hides => write!(f, "⟨U+{:04X}⟩", u32::from(c))?,
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // As itself it would be taken for a part of a line break, and dropped.
                '\r' => f.write_str("&#13;")?,
                other => f.write_char(other)?,
            }
            before = Some(c);
        }
        f.write_str(if in_hidden { "</b>" } else { "" })
    }
}

/// A block of text, at most `most` bytes of it. What is left out is told.
pub fn pre(out: &mut dyn Write, text: &str, most: usize) -> io::Result<()> {
    let shown = text.get(..floor_char_boundary(text, most)).unwrap_or_default();
    // A parser drops the first line break in here, so there is one that may go.
    writeln!(out, "<pre>\n{}</pre>", block(shown))?;
    cut(out, shown, text)
}

/// Says that of `text` only `shown` is on the page, where that is so.
pub fn cut(out: &mut dyn Write, shown: &str, text: &str) -> io::Result<()> {
    if shown.len() == text.len() {
        return Ok(());
    }
    let (part, whole) = (describe::count(shown.len() as u64), describe::count(text.len() as u64));
    writeln!(
        out,
        "<p class=\"note\">The first {part} of {whole} bytes: <code>claw sessions export SESSION</code> has them all.</p>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hidden::{visible, visible_line};

    #[test]
    fn nothing_that_a_parser_acts_on_is_left() {
        assert_eq!(block("</pre><a b='\"'>&amp;").to_string(), "&lt;/pre&gt;&lt;a b=&#39;&quot;&#39;&gt;&amp;amp;");
        assert_eq!(block("a\r\nb\tc").to_string(), "a&#13;\nb\tc");
    }

    #[test]
    fn d11_what_hides_is_written_out_and_marked() {
        assert_eq!(block("a\u{202e}\0b").to_string(), "a<b class=\"hidden\">⟨U+202E⟩⟨U+0000⟩</b>b");
        assert_eq!(block("⟨U+202E⟩").to_string(), "⟨U+202E⟩");
        assert_eq!(line("a\n").to_string(), "a<b class=\"hidden\">⟨U+000A⟩</b>");
        assert_eq!(plain("<\u{1b}").to_string(), "&lt;⟨U+001B⟩");
    }

    /// The terminal and the page take the same characters for hidden.
    #[test]
    fn it_reads_as_on_the_terminal() {
        let without = |shown: Shown<'_>| shown.to_string().replace("<b class=\"hidden\">", "").replace("</b>", "");
        for text in ["\u{1b}[2J\r\n\rx", "👩\u{200d}👧 \u{200d}x", "م\u{200c}م", "\u{2028}\u{feff}a\tb\u{c}"] {
            assert_eq!(without(block(text)), visible(text).replace('\r', "&#13;"));
            assert_eq!(without(line(text)), visible_line(text));
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        let mut out = Vec::new();
        pre(&mut out, "äöü", 3).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.starts_with("<pre>\nä</pre>\n") && out.contains("The first 2 of 6 bytes"), "{out}");
    }
}
