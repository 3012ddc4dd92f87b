//! A unified diff on a terminal: coloured, and nothing in it acts on the terminal.

use std::io::{self, Write};

use super::terminal::{Out, Palette, Style};
use super::visible::visible;

/// Writes `diff`. What goes to a file or a pipe is left exact, so that it can be applied.
pub fn write(out: &mut Out, diff: &str) -> io::Result<()> {
    if out.is_terminal {
        let palette = out.palette;
        return write_visible(out, palette, diff);
    }
    let palette = out.palette;
    match palette == Palette::PLAIN {
        true => out.write_all(diff.as_bytes()),
        false => paint_lines(out, palette, diff),
    }
}

/// Writes `diff` for eyes only.
pub fn write_visible(out: &mut dyn Write, palette: Palette, diff: &str) -> io::Result<()> {
    paint_lines(out, palette, &visible(diff))
}

fn paint_lines(out: &mut dyn Write, palette: Palette, diff: &str) -> io::Result<()> {
    let mut left = Left::default();
    for line in diff.split_inclusive('\n') {
        let (text, end) = match line.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (line, ""),
        };
        match left.style_of(text) {
            Some(style) => write!(out, "{}{end}", palette.paint(style, text))?,
            None => write!(out, "{text}{end}")?,
        }
    }
    Ok(())
}

/// Lines of the hunk at hand that are still to come: what is within a hunk is never taken for a header.
#[derive(Debug, Default)]
struct Left {
    old: usize,
    new: usize,
}

impl Left {
    fn style_of(&mut self, line: &str) -> Option<Style> {
        if self.old == 0 && self.new == 0 {
            if let Some(left) = Left::of_header(line) {
                *self = left;
                return Some(Style::Cyan);
            }
            return (!line.starts_with('\\')).then_some(Style::Bold);
        }
        match line.bytes().next() {
            Some(b'+') => {
                self.new = self.new.saturating_sub(1);
                Some(Style::Green)
            }
            Some(b'-') => {
                self.old = self.old.saturating_sub(1);
                Some(Style::Red)
            }
            Some(b'\\') => None,
            _ => {
                self.old = self.old.saturating_sub(1);
                self.new = self.new.saturating_sub(1);
                None
            }
        }
    }

    /// `@@ -1,4 +1,5 @@`: a count that is not there is 1.
    fn of_header(line: &str) -> Option<Left> {
        let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
        let (new, _) = rest.split_once(" @@")?;
        let count = |range: &str| range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok());
        Some(Left { old: count(old)?, new: count(new)? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::terminal::ColorChoice;
    use super::*;

    #[track_caller]
    fn check(diff: &str, expected: &str) {
        let mut shown = Vec::new();
        write_visible(&mut shown, Palette::new(ColorChoice::Always, false), diff).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        let shown = [("1", "b"), ("31", "r"), ("32", "g"), ("36", "c")]
            .iter()
            .fold(shown, |text, (code, letter)| text.replace(&format!("\x1b[{code}m"), &format!("<{letter}>")))
            .replace("\x1b[0m", "<>");
        assert_eq!(shown, expected);
    }

    #[test]
    fn lines_by_what_they_are() {
        check(
            "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n--- sql comment\n+++ sum\n--- a/y\n+++ b/y\n@@ -1 +0,0 @@\n-z\n\\ No newline at end of file\n",
            "<b>--- a/x<>\n<b>+++ b/x<>\n<c>@@ -1,2 +1,2 @@<>\n same\n<r>--- sql comment<>\n<g>+++ sum<>\n\
             <b>--- a/y<>\n<b>+++ b/y<>\n<c>@@ -1 +0,0 @@<>\n<r>-z<>\n\\ No newline at end of file\n",
        );
    }

    #[test]
    fn nothing_in_a_diff_acts_on_the_terminal() {
        check("@@ -0,0 +1 @@\n+\u{1b}[2J\u{202e}\n", "<c>@@ -0,0 +1 @@<>\n<g>+⟨U+001B⟩[2J⟨U+202E⟩<>\n");
    }
}
