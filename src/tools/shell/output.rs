//! What a command printed, as much of it as is worth reading: the head, the tail, and how much lies between.
//!
//! A terminal would act on some of it. Here escape sequences are taken out, what a line overwrote is gone, and what else steers a
//! terminal is made visible.

use std::collections::VecDeque;

use crate::text::hidden::visible;

/// Bytes of the beginning that are kept.
const HEAD: usize = 8 * 1024;
/// Bytes of the end that are kept.
const TAIL: usize = 16 * 1024;

/// The head and the tail of a stream of bytes, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    /// Bytes that were told by [`Capture::news`].
    told: u64,
}

impl Capture {
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.head.extend_from_slice(first);
        let rest = rest.get(rest.len().saturating_sub(TAIL)..).unwrap_or_default();
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..excess);
    }

    /// Bytes that came, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// All that is kept, as text, and whether there was more.
    pub fn text(&self) -> (String, bool) {
        self.since(0)
    }

    /// What came since this was last asked.
    pub fn news(&mut self) -> (String, bool) {
        let told = std::mem::replace(&mut self.told, self.total);
        self.since(told)
    }

    fn since(&self, told: u64) -> (String, bool) {
        let head_left = self.head.get(usize::try_from(told).unwrap_or(usize::MAX)..).unwrap_or_default();
        let tail_begins = self.total - self.tail.len() as u64;
        let skipped = usize::try_from(told.saturating_sub(tail_begins)).unwrap_or(usize::MAX);
        let tail: Vec<u8> = self.tail.iter().copied().skip(skipped).collect();
        let left_out = tail_begins.saturating_sub((self.head.len() as u64).max(told));
        if left_out == 0 {
            return (plain(&[head_left, &tail].concat()), false);
        }
        let note = format!("\n[… {left_out} bytes left out …]\n");
        (format!("{}{note}{}", plain(head_left), plain(&tail)), true)
    }
}

/// Bytes that a program printed for a terminal, as text to read.
pub fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = without_escapes(&text).replace("\r\n", "\n");
    let last = |line: &str| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().to_owned();
    let lines: Vec<String> = text.split('\n').map(last).collect();
    visible(&without_overstrikes(&lines.join("\n"))).into_owned()
}

/// Without ECMA-48 control sequences (`ESC [ …`), control strings (`ESC ]`, `P`, `X`, `^`, `_` to their end) and other escapes.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        let introducer = match character {
            '\u{1b}' => rest.next(),
            '\u{9b}' => Some('['),
            '\u{9d}' => Some(']'),
            '\u{90}' => Some('P'),
            other => {
                plain.push(other);
                continue;
            }
        };
        match introducer {
            Some('[') => {
                while let Some(next) = rest.next_if(|next| ('\u{20}'..='\u{7e}').contains(next)) {
                    if ('@'..='~').contains(&next) {
                        break;
                    }
                }
            }
            // A string that never ends takes no more than its line.
            Some(']' | 'P' | 'X' | '^' | '_') => {
                while let Some(next) = rest.next_if(|next| *next != '\n') {
                    let ends = match next {
                        '\u{7}' | '\u{9c}' => true,
                        '\u{1b}' => rest.next_if_eq(&'\\').is_some(),
                        _ => false,
                    };
                    if ends {
                        break;
                    }
                }
            }
            // Escapes with intermediate bytes, such as the choice of a character set.
            Some(next) if (' '..='/').contains(&next) => {
                while rest.next_if(|next| (' '..='/').contains(next)).is_some() {}
                rest.next_if(|next| *next != '\n');
            }
            Some('\n') => plain.push('\n'),
            Some(_) | None => {}
        }
    }
    plain
}

/// `man` prints bold as a letter, a backspace and the letter again.
fn without_overstrikes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{8}' => {
                if !plain.ends_with('\n') {
                    plain.pop();
                }
            }
            // A bell is heard, not read.
            '\u{7}' => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s07_what_steers_a_terminal_is_taken_out_or_shown() {
        for (printed, read) in [
            ("plain\n", "plain\n"),
            ("\u{1b}[31mred\u{1b}[0m and \u{1b}[1;4mbold\u{1b}[m", "red and bold"),
            ("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "alink"),
            ("\u{1b}]52;c;c2VjcmV0\u{7}clip", "clip"),
            ("\u{1b}Pdcs\u{1b}\\after", "after"),
            ("\u{1b}]never ends\nnext", "\nnext"),
            ("\u{1b}[?1049hscreen\u{1b}[2J\u{1b}[H", "screen"),
            ("\u{1b}(B\u{1b}7\u{1b}8\u{1b}cx", "x"),
            ("\u{9b}31mc1\u{9d}0;t\u{9c}x", "c1x"),
            (" 10%\r 50%\r100%\nnext\r\n", "100%\nnext\n"),
            ("b\u{8}bo\u{8}o", "bo"),
            ("ding\u{7}", "ding"),
            ("x\u{1b}", "x"),
        ] {
            assert_eq!(plain(printed.as_bytes()), read, "{printed:?}");
        }
        assert_eq!(plain(b"bad \xff\xfe"), "bad \u{fffd}\u{fffd}");
        assert!(!plain("a\u{202e}b\u{0}".as_bytes()).contains(['\u{202e}', '\u{0}']));
    }

    #[test]
    fn s07_the_head_and_the_tail_are_kept() {
        let mut capture = Capture::default();
        capture.push(b"first\n");
        for _ in 0..1000 {
            capture.push(&[b'x'; 1000]);
        }
        capture.push(b"\nlast");
        let (text, cut) = capture.text();
        assert!(cut && text.starts_with("first\n") && text.ends_with("\nlast"), "{}", text.len());
        assert!(text.contains("bytes left out") && text.len() < HEAD + TAIL + 100);

        let mut small = Capture::default();
        small.push(b"one ");
        assert_eq!(small.news(), ("one ".to_owned(), false));
        small.push(b"two");
        assert_eq!(small.news(), ("two".to_owned(), false));
        assert_eq!((small.news(), small.text().0.as_str()), ((String::new(), false), "one two"));
        small.push(&[b'y'; 100_000]);
        let (news, cut) = small.news();
        assert!(cut && news.ends_with('y') && !news.contains("one"));
        assert_eq!(small.total(), 100_007);
    }
}
