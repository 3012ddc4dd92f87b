//! What is known of families of models by their names: how they call tools, and how much prompt they bear.
//!
//! A name says little, so the table holds only what users of many servers report of a family again and again. Who is not in it calls
//! tools as the API has it, and what it prints is text.

use super::ToolForm;

/// How a family is talked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    pub form: ToolForm,
    /// Calls that it prints as text are calls, whatever it was asked for; and the form is changed where it fails.
    pub prints: bool,
}

/// Names that a family's models have in common, in lower case; the first that is in a name counts.
const FAMILIES: [(&str, ToolForm, bool); 26] = [
    // Taught calls in tags, prints them as JSON bare or in a fence. Up to 7 billion it hits one block of search and replace in eight,
    // and rewrites whole files well: see `of`.
    ("qwen2.5-coder", ToolForm::Json, true),
    ("qwen2.5coder", ToolForm::Json, true),
    // Taught calls in tags that few servers know; where one does, it works.
    ("qwen3-coder", ToolForm::Native, true),
    ("qwen", ToolForm::Native, true),
    ("hermes", ToolForm::Native, true),
    // Print `parameters` for `arguments`, behind a special token or none.
    ("codellama", ToolForm::Json, true),
    ("llama-2", ToolForm::Json, true),
    ("llama2", ToolForm::Json, true),
    ("tinyllama", ToolForm::Whole, true),
    ("llama", ToolForm::Native, true),
    // Taught code and not calls.
    ("deepseek-coder", ToolForm::Json, true),
    ("deepseek-r1", ToolForm::Json, true),
    ("starcoder", ToolForm::Whole, true),
    ("stable-code", ToolForm::Whole, true),
    ("codegemma", ToolForm::Json, true),
    ("codestral", ToolForm::Json, true),
    ("yi-coder", ToolForm::Json, true),
    // Their templates have no tools: servers refuse a request that offers some.
    ("gemma3", ToolForm::Json, true),
    ("gemma-3", ToolForm::Json, true),
    ("gemma2", ToolForm::Json, true),
    ("gemma-2", ToolForm::Json, true),
    ("phi", ToolForm::Json, true),
    ("smollm", ToolForm::Whole, true),
    // Call as the API has it where the server knows their tokens, and print them where it does not.
    ("granite", ToolForm::Native, true),
    ("mistral-7b", ToolForm::Native, true),
    ("mistral-nemo", ToolForm::Native, true),
];

/// Billions of parameters up to which a model gets the lean prompt, …
const LEAN: f64 = 4.0;
/// … and up to which one that is asked for text rewrites whole files.
const WHOLE: f64 = 4.0;

/// What is known of the model of this name.
pub fn of(model: &str) -> Family {
    let name = model.to_lowercase();
    // `gemma3` is no `phi`, but `dolphin` is none either.
    let has = |part: &str| {
        name.match_indices(part).any(|(at, _)| !name.get(..at).is_some_and(|head| head.ends_with(char::is_alphabetic)))
    };
    let found = FAMILIES.iter().find(|(part, ..)| has(part));
    let (form, prints) = found.map_or((ToolForm::Native, false), |(_, form, prints)| (*form, *prints));
    let is_small = billions(&name).is_some_and(|billions| billions <= WHOLE);
    let form = if form == ToolForm::Json && is_small { ToolForm::Whole } else { form };
    Family { form, prints }
}

/// Whether a model of this name gets a short prompt and few tools: it reads slowly, and is lost in a long one. It is also asked for its
/// likeliest words (temperature 0): of those that are less likely, few are right.
pub fn is_small(model: &str) -> bool {
    let name = model.to_lowercase();
    billions(&name).is_some_and(|billions| billions <= LEAN) || name.contains("smollm") || name.contains("tinyllama")
}

/// The form after one that a model failed at.
pub fn next(form: ToolForm) -> ToolForm {
    match form {
        ToolForm::Native => ToolForm::Json,
        ToolForm::Json | ToolForm::Blocks | ToolForm::Whole => ToolForm::Whole,
    }
}

/// The number before the `b` in `qwen2.5-coder:1.5b-instruct`; millions as parts.
fn billions(name: &str) -> Option<f64> {
    let is_part = |character: char| character.is_ascii_digit() || character == '.';
    name.match_indices(['b', 'm']).find_map(|(at, unit)| {
        let after = name.get(at + 1..)?.chars().next();
        let head = name.get(..at)?;
        let digits = head.get(head.trim_end_matches(is_part).len()..)?;
        let number: f64 = digits.parse().ok().filter(|_| !after.is_some_and(char::is_alphanumeric))?;
        Some(if unit == "m" { number / 1_000.0 } else { number })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_form() {
        let check = |name: &str, form, prints, is_lean| {
            assert_eq!((of(name), is_small(name)), (Family { form, prints }, is_lean), "{name}");
        };
        check("gpt-5.4", ToolForm::Native, false, false);
        check("claude-sonnet-4", ToolForm::Native, false, false);
        check("mock", ToolForm::Native, false, false);
        check("dolphin-mixtral", ToolForm::Native, false, false);
        check("qwen2.5-coder:7b", ToolForm::Json, true, false);
        check("qwen2.5-coder:1.5b-instruct-q4_K_M", ToolForm::Whole, true, true);
        check("Qwen/Qwen2.5-Coder-32B-Instruct", ToolForm::Json, true, false);
        check("qwen3:8b", ToolForm::Native, true, false);
        check("llama3.2:1b", ToolForm::Native, true, true);
        check("HuggingFaceTB/SmolLM2-135M-Instruct", ToolForm::Whole, true, true);
        check("gemma3:270m", ToolForm::Whole, true, true);
        check("phi-4", ToolForm::Json, true, false);
    }
}
