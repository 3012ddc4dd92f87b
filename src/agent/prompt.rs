//! The prompts, and how a request is built from history.

/// A prompt as `claw manifest` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub name: &'static str,
    pub text: &'static str,
}

impl Prompt {
    /// BLAKE3 of the text, hexadecimal.
    pub fn hash(&self) -> String {
        blake3::hash(self.text.as_bytes()).to_hex().to_string()
    }
}

/// All prompts, in a fixed order.
pub fn all() -> &'static [Prompt] {
    &[]
}
