//! The languages with a grammar, and how a file's name tells which one it is.

/// A language this build can parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    Rust,
    Python,
}

impl Language {
    pub const ALL: &[Language] = &[Language::Rust, Language::Python];

    /// By file name or path; `None` where no grammar is at hand.
    pub fn of_path(path: &str) -> Option<Language> {
        match path.rsplit_once('.')?.1 {
            "rs" => Some(Language::Rust),
            "py" | "pyi" => Some(Language::Python),
            _ => None,
        }
    }

    /// By the protocol's language id, for documents whose name tells nothing.
    pub fn of_id(id: &str) -> Option<Language> {
        Language::ALL.iter().copied().find(|language| language.name() == id)
    }

    /// The name people use, which is also the protocol's language id.
    pub fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Python => "python",
        }
    }

    /// What starts a comment that runs to the end of its line.
    pub fn line_comment(self) -> &'static str {
        match self {
            Language::Rust => "//",
            Language::Python => "#",
        }
    }
}
