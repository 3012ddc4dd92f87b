//! The words that an unclear line may run: read generously, so that no spelling hides a program from a rule that forbids it.

/// All words, with quotes, expansions and separators taken away.
pub(in crate::permission) fn suspects(command: &str) -> Vec<String> {
    let text = decoded(command);
    let chars: Vec<char> = text.chars().filter(|c| !crate::text::hidden::is_ignorable(*c)).collect();
    let mut words = Vec::new();
    let mut word = String::new();
    let mut at = 0_usize;
    let peek = |at: usize| chars.get(at).copied();
    while let Some(c) = peek(at) {
        at = at.saturating_add(1);
        match c {
            '\'' | '"' => {}
            // Before a new line it joins, before a letter it is a quote.
            '\\' => {
                if peek(at) == Some('\n') {
                    at = at.saturating_add(1);
                }
            }
            '$' => {
                let rest: String = chars.iter().skip(at).take(6).collect();
                if rest.starts_with("IFS") {
                    at = at.saturating_add(3);
                    finish(&mut words, &mut word);
                } else if rest.starts_with("{IFS") {
                    while peek(at).is_some_and(|c| c != '}') {
                        at = at.saturating_add(1);
                    }
                    at = at.saturating_add(1);
                    finish(&mut words, &mut word);
                } else if rest
                    .starts_with(|c: char| matches!(c, '@' | '*' | '#' | '!' | '?' | '-') || c.is_ascii_digit())
                {
                    at = at.saturating_add(1);
                } else if rest.starts_with(['{', '(']) {
                    finish(&mut words, &mut word);
                }
            }
            c if c.is_whitespace() || c.is_control() => finish(&mut words, &mut word),
            ';' | '&' | '|' | '(' | ')' | '<' | '>' | '`' | '{' | '}' | ',' => finish(&mut words, &mut word),
            // Behind `=` and `:-` values begin: the word before it counts, and the one behind it, too.
            '=' if !word.starts_with('-') => finish(&mut words, &mut word),
            ':' if matches!(peek(at), Some('-' | '=' | '+' | '?')) => {
                at = at.saturating_add(1);
                finish(&mut words, &mut word);
            }
            c => word.push(c),
        }
    }
    finish(&mut words, &mut word);
    words
}

fn finish(words: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// `$'\x63url'` as `curl`.
fn decoded(command: &str) -> String {
    if !command.contains("$'") {
        return command.to_owned();
    }
    let mut text = String::with_capacity(command.len());
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '$' && chars.peek() == Some(&'\'') {
            continue;
        }
        if c != '\\' {
            text.push(c);
            continue;
        }
        let (radix, most) = match chars.peek() {
            Some('x') => (16, 2_usize),
            Some('u') => (16, 4),
            Some('U') => (16, 8),
            Some('0'..='7') => (8, 3),
            _ => {
                text.push(c);
                continue;
            }
        };
        if radix == 16 {
            chars.next();
        }
        let mut code = 0_u32;
        for _ in 0..most {
            let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
            code = code.saturating_mul(radix).saturating_add(digit);
            chars.next();
        }
        text.extend(char::from_u32(code));
    }
    text
}
