//! Characters that a reader does not see, or that show him another text than a machine reads: controls, marks of
//! direction, joiners and fillers, tags.
//!
//! One table for everybody: names of files are compared without them, what is shown has them written out, and a proposal
//! that puts them in is flagged. Some of them are at home between certain letters: a joiner between two emoji or in an
//! Indic or Arabic word, one selector behind an emoji. Only there they are no surprise; anywhere else they hide something.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// `text` with every hidden character written out as `⟨U+202E⟩`. Line breaks and tabs stay.
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

/// The hidden characters that `new` holds more often than `old`, each once, in the order of their codes. Tabs, line
/// breaks and form feeds are no surprise in a file.
pub fn added(old: &str, new: &str) -> Vec<char> {
    let mut count = BTreeMap::new();
    for_hidden(new, |c| *count.entry(c).or_insert(0_i64) += 1);
    if !count.is_empty() {
        for_hidden(old, |c| *count.entry(c).or_insert(0) -= 1);
    }
    count.into_iter().filter(|(_, more)| *more > 0).map(|(c, _)| c).collect()
}

/// What people call it: `U+202E right-to-left override`.
pub fn name(c: char) -> String {
    let word = match c {
        '\u{200b}' => "zero-width space",
        '\u{200c}' | '\u{200d}' => "joiner",
        '\u{61c}' | '\u{200e}' | '\u{200f}' => "mark of direction",
        '\u{202d}' => "left-to-right override",
        '\u{202e}' => "right-to-left override",
        '\u{202a}'..='\u{202c}' | '\u{2066}'..='\u{2069}' => "change of direction",
        '\u{feff}' => "byte order mark",
        '\u{e0000}'..='\u{e007f}' => "tag",
        c if c.is_control() => "control character",
        c if is_selector(c) => "variation selector",
        _ => "invisible",
    };
    format!("U+{:04X} {word}", u32::from(c))
}

/// Whether a reader can not see `c`, or a terminal acts on it, between these two.
pub fn is_hidden(c: char, before: Option<char>, after: Option<char>) -> bool {
    let at_home = match c {
        '\u{200c}' | '\u{200d}' if before.is_some_and(is_joined) => after.is_some_and(is_joined),
        '\u{200d}' => before.is_some_and(|c| is_emoji(c) || c == '\u{fe0f}') && after.is_some_and(is_emoji),
        // The sign of a key: a digit, its emoji form, the key around it.
        '\u{fe0f}' if before.is_some_and(|c| matches!(c, '0'..='9' | '#' | '*')) => after == Some('\u{20e3}'),
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(is_emoji),
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => before.is_some_and(is_ideograph),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => before.is_some_and(|c| matches!(c, '\u{1820}'..='\u{18aa}')),
        _ => false,
    };
    !at_home && (c.is_control() || is_ignorable(c) || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}'))
}

/// Characters that are drawn as nothing, and that forgiving file systems leave out of a comparison: Unicode's
/// `Default_Ignorable_Code_Point`.
pub fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Letters and marks of the scripts that joiners shape: Arabic and its like, the Indic ones, Khmer, Myanmar, Mongolian.
fn is_joined(c: char) -> bool {
    let script = matches!(c,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{1800}'..='\u{18af}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{11000}'..='\u{1137f}');
    script && !is_ignorable(c)
}

/// Characters that have an emoji form, and the colours of skin.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25a0}'..='\u{27bf}' | '\u{2934}'..='\u{2935}' | '\u{2b00}'..='\u{2bff}'
        | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f000}'..='\u{1faff}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn for_hidden(text: &str, mut tell: impl FnMut(char)) {
    if text.bytes().all(is_plain) {
        return;
    }
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if !matches!(c, '\t' | '\n' | '\r' | '\u{c}') && is_hidden(c, before, characters.peek().copied()) {
            tell(c);
        }
        before = Some(c);
    }
}

/// Bytes of text that hide nothing, whatever stands around them.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r' | b'\x0c')
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
            let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(c));
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [char; 0] = [];

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(visible(text), expected);
    }

    #[test]
    fn plain_text_is_left_alone() {
        check("fn main() {}\n\tlet x = 1;\r\n", "fn main() {}\n\tlet x = 1;\r\n");
        for text in [
            "Größe, 中文, Ελλάδα",
            "👩‍👩‍👧 ❤️‍🔥 👩🏽‍🚀 🏳️‍🌈 ✔️ ☎︎ ©️",
            "1️⃣ #️⃣",
            "नमस्‍ते क्‌ष",
            "می‌خواهم",
            "葛\u{e0100} 禰\u{fe00}",
            "שלום مرحبا",
        ] {
            check(text, text);
            assert_eq!(added("", text), NONE, "{text}");
        }
    }

    #[test]
    fn what_a_terminal_acts_on_is_written_out() {
        check("\u{1b}[2J\u{1b}]0;title\u{7}", "⟨U+001B⟩[2J⟨U+001B⟩]0;title⟨U+0007⟩");
        check("over\rwritten", "over⟨U+000D⟩written");
        check("\u{9b}31m", "⟨U+009B⟩31m");
        check("a\u{0}b\u{8}c\u{7f}", "a⟨U+0000⟩b⟨U+0008⟩c⟨U+007F⟩");
    }

    #[test]
    fn what_a_reader_can_not_see_is_written_out() {
        check("access\u{202e} level", "access⟨U+202E⟩ level");
        check("a\u{200b}b\u{2066}c\u{2069}", "a⟨U+200B⟩b⟨U+2066⟩c⟨U+2069⟩");
        check("user\u{200d}name", "user⟨U+200D⟩name");
        check("x\u{e0041}\u{e0042}", "x⟨U+E0041⟩⟨U+E0042⟩");
        check("x\u{fe0f}\u{fe0e}\u{fe00}", "x⟨U+FE0F⟩⟨U+FE0E⟩⟨U+FE00⟩");
        check("\u{feff}bom", "⟨U+FEFF⟩bom");
    }

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(visible_line("a\nb\tc"), "a⟨U+000A⟩b⟨U+0009⟩c");
    }

    #[test]
    fn d11_what_is_at_home_elsewhere_hides_here() {
        for (text, expected) in [
            // At the edge of the emoji or of the word.
            ("👩\u{200d}", '\u{200d}'),
            ("\u{200d}👩", '\u{200d}'),
            ("👩\u{200d}x", '\u{200d}'),
            ("می\u{200c} ", '\u{200c}'),
            ("مx\u{200c}م", '\u{200c}'),
            // Two of them: the second carries something.
            ("👩\u{200d}\u{200d}👩", '\u{200d}'),
            ("❤\u{fe0f}\u{fe0f}", '\u{fe0f}'),
            ("葛\u{e0100}\u{e0101}", '\u{e0101}'),
            ("7\u{fe0f}", '\u{fe0f}'),
            // Bytes hidden behind an emoji.
            ("😀\u{e0141}", '\u{e0141}'),
            ("🏴\u{e0067}", '\u{e0067}'),
            ("a\u{3164}b", '\u{3164}'),
            ("a\u{2028}b", '\u{2028}'),
            ("a\u{85}b", '\u{85}'),
            ("a\u{b}b", '\u{b}'),
            ("שלום\u{200f}", '\u{200f}'),
        ] {
            assert_eq!(added("", text), [expected], "{text:?}");
            assert!(visible(text).contains(&format!("⟨U+{:04X}⟩", u32::from(expected))), "{text:?}");
        }
    }

    #[test]
    fn d11_only_what_is_new_counts() {
        assert_eq!(added("a\u{202e}b", "c\u{202e}d"), NONE);
        assert_eq!(added("a\u{202e}b", "c\u{202e}d\u{202e}"), ['\u{202e}']);
        assert_eq!(added("a\u{202e}b", ""), NONE);
        assert_eq!(added("\t\r\n\u{c}", "\t\t\r\r\n\u{c}\u{c}"), NONE);
        // One that was at home and is no more.
        assert_eq!(added("👩\u{200d}👧", "👩\u{200d} 👧"), ['\u{200d}']);
        assert_eq!(added("", "\u{202e}\u{1}\u{202e}"), ['\u{1}', '\u{202e}']);
        assert_eq!(name('\u{202e}'), "U+202E right-to-left override");
        assert_eq!(name('\u{1}'), "U+0001 control character");
    }
}
