//! The message that stands in a conversation for a part that was too long: it says how many of the model's messages are not there.

const BEFORE: &str = "[This conversation had grown too long: ";
const BEHIND: &str = " of your messages, and what belongs to them, are summed up here. Files are as they are now: read again what you need.]";

/// How such a message begins.
pub fn head(messages: usize) -> String {
    format!("{BEFORE}{messages}{BEHIND}")
}

/// The model's messages that a message stands for; none for any other.
pub fn messages(text: &str) -> usize {
    let number = || text.strip_prefix(BEFORE)?.split_once(BEHIND)?.0.parse().ok();
    number().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_its_number() {
        assert_eq!(messages(&format!("{}\n\nmore", head(12))), 12);
        assert_eq!(messages("12 of your messages"), 0);
        assert_eq!(messages(&head(3).replace('3', "three")), 0);
    }
}
