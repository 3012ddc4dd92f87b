//! What models and files say, made safe to show: nothing in it may steer the terminal or hide from the reader.

use std::borrow::Cow;
use std::fmt::Write as _;

/// `text` with every control, direction and invisible character written out as `<U+202E>`. Line breaks and tabs stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    rewrite(text, |c, before, after| match c {
        '\n' | '\t' => false,
        '\r' => after != Some('\n'),
        other => is_hidden(other, before, after),
    })
}

/// The same for what must stay on one line: line breaks and tabs are written out too.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    rewrite(text, is_hidden)
}

fn rewrite(text: &str, hidden: impl Fn(char, Option<char>, Option<char>) -> bool) -> Cow<'_, str> {
    // Most text is plain; looking is cheaper than copying.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if hidden(c, before, characters.peek().copied()) {
            // Writing into a String can not fail.
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(shown)
}

/// Whether a terminal acts on `c`, or a reader can not see it.
fn is_hidden(c: char, before: Option<char>, after: Option<char>) -> bool {
    match c {
        // Joiners shape emoji and several scripts; between or beside ASCII they only hide.
        '\u{200c}' | '\u{200d}' => [before, after].iter().any(|other| other.is_none_or(|other| other.is_ascii())),
        // One selector after a character chooses its emoji form; more of them carry hidden text.
        '\u{fe0e}' | '\u{fe0f}' => before.is_none_or(|other| is_variation_selector(other) || other.is_control()),
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => true,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control() || is_variation_selector(other),
    }
}

fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(visible(text), expected);
    }

    #[test]
    fn plain_text_is_left_alone() {
        check("fn main() {}\n\tlet x = 1;\r\n", "fn main() {}\n\tlet x = 1;\r\n");
        check("Größe, 中文, 👩‍👩‍👧 ✔️ 1️⃣ नमस्‍ते", "Größe, 中文, 👩‍👩‍👧 ✔️ 1️⃣ नमस्‍ते");
    }

    #[test]
    fn what_a_terminal_acts_on_is_written_out() {
        check("\u{1b}[2J\u{1b}]0;title\u{7}", "<U+001B>[2J<U+001B>]0;title<U+0007>");
        check("over\rwritten", "over<U+000D>written");
        check("\u{9b}31m", "<U+009B>31m");
        check("a\u{0}b\u{8}c\u{7f}", "a<U+0000>b<U+0008>c<U+007F>");
    }

    #[test]
    fn what_a_reader_can_not_see_is_written_out() {
        check("access\u{202e} level", "access<U+202E> level");
        check("a\u{200b}b\u{2066}c\u{2069}", "a<U+200B>b<U+2066>c<U+2069>");
        check("user\u{200d}name", "user<U+200D>name");
        check("x\u{e0041}\u{e0042}", "x<U+E0041><U+E0042>");
        check("x\u{fe0f}\u{fe0e}\u{fe00}", "x\u{fe0f}<U+FE0E><U+FE00>");
        check("\u{feff}bom", "<U+FEFF>bom");
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(visible_line("a\nb\tc"), "a<U+000A>b<U+0009>c");
    }
}
