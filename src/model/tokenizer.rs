//! Exact counts of tokens, for the models whose vocabulary is public.
//!
//! A vocabulary takes an eighth of a second and 44 MB to load. So it is loaded when it is first asked for and only by who has the time:
//! never on the way of an ask, where an estimate by bytes is near enough.

use tiktoken_rs::CoreBPE;
use tiktoken_rs::tokenizer::{Tokenizer as Vocabulary, get_tokenizer};

/// Counts as a family of models does.
#[derive(Clone, Copy)]
pub struct Tokenizer {
    name: &'static str,
    load: fn() -> &'static CoreBPE,
}

impl Tokenizer {
    /// That of a model of this name; `None` where its vocabulary is not public. Loads nothing.
    pub fn of(model: &str) -> Option<Tokenizer> {
        // Others serve these too, and put their names before that of the model.
        let name = model.rsplit('/').next().unwrap_or(model);
        // Ollama's `gpt-oss:20b`.
        let name = name.replace(':', "-");
        match get_tokenizer(&name)? {
            Vocabulary::O200kBase | Vocabulary::O200kHarmony => {
                Some(Tokenizer { name: "o200k_base", load: tiktoken_rs::o200k_base_singleton })
            }
            Vocabulary::Cl100kBase => Some(Tokenizer { name: "cl100k_base", load: tiktoken_rs::cl100k_base_singleton }),
            _ => None,
        }
    }

    /// What its vocabulary is called.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The tokens of `text`, in which nothing is a mark of the model's own. Blocks while it loads.
    pub fn count(&self, text: &str) -> u64 {
        u64::try_from((self.load)().count_ordinary(text)).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vocabularies_are_known_by_the_model() {
        for (model, expected) in [
            ("gpt-5.4", Some("o200k_base")),
            ("gpt-4o-mini", Some("o200k_base")),
            ("openai/gpt-5.4", Some("o200k_base")),
            ("o3", Some("o200k_base")),
            ("gpt-oss:20b", Some("o200k_base")),
            ("gpt-4", Some("cl100k_base")),
            ("claude-opus-5", None),
            ("qwen2.5-coder:1.5b", None),
            ("script", None),
            ("", None),
        ] {
            assert_eq!(Tokenizer::of(model).map(|tokenizer| tokenizer.name()), expected, "{model}");
        }
    }

    #[test]
    fn tokens_are_counted_as_the_models_count_them() {
        let tokenizer = Tokenizer::of("gpt-5.4").unwrap();
        // Public examples of this vocabulary.
        assert_eq!(tokenizer.count("tiktoken is great!"), 6);
        assert_eq!(tokenizer.count(""), 0);
        assert_eq!(tokenizer.count("<|endoftext|>"), 7);
    }
}
