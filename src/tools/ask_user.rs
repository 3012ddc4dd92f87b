//! `ask_user`: a question of the model's to the user.
//!
//! The answer is words for the model and nothing else: no answer grants anything, and no question may look like one that
//! does.

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Effect, Needs, Tool, ToolContext, ToolError, ToolOutput, UserAnswer, UserQuestion, arguments};
use crate::text::hidden::{is_ignorable, visible, visible_line};

pub(in crate::tools) struct AskUser;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// What you need to know, in one or two sentences that make sense without the conversation.
    question: String,
    /// Answers to choose from, two to six, in a few words each. Leave it out to let the user write: not every editor can.
    options: Option<Vec<String>>,
}

const NAME: &str = "ask_user";

/// Most bytes of a question, most options, and most bytes of one.
const MAX_QUESTION: usize = 1_000;
const MAX_OPTIONS: usize = 6;
const MAX_OPTION: usize = 80;

/// Most bytes of an answer that are told.
const MAX_ANSWER: usize = 8 * 1024;

/// Answers to Claw's own questions: those that grant something or send something off.
const OWN_ANSWERS: [&str; 10] = [
    "allow",
    "allow once",
    "allow for this session",
    "always allow",
    "deny",
    "trust",
    "do not trust",
    "restore",
    "take back what was applied",
    "carry out the plan",
];

impl Tool for AskUser {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Asks the user one question and waits for the answer. Use it when the task can be understood in ways that lead to \
         different changes and nothing in the workspace decides it; not to have your work approved: the user reviews every hunk \
         anyway. Nobody may be there to answer."
    }

    fn parameters(&self) -> Value {
        arguments::schema::<Arguments>()
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn needs(&self) -> Needs {
        Needs::User
    }

    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let arguments = arguments::decode::<Arguments>(NAME, input)?;
            let options = arguments.options.unwrap_or_default();
            check(&arguments.question, &options)?;
            let question = UserQuestion {
                session: visible_line(&context.asking.session).into_owned(),
                question: visible(arguments.question.trim()).into_owned(),
                options: options.iter().map(|option| visible_line(option.trim()).into_owned()).collect(),
                deadline: context.asking.deadline,
            };
            let seconds = question.deadline.as_secs();
            let answer = tokio::select! {
                biased;
                () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
                answer = context.host.ask_user(question) => answer,
            };
            Ok(told(answer, seconds))
        })
    }
}

fn told(answer: UserAnswer, seconds: u64) -> ToolOutput {
    let text = match answer {
        UserAnswer::Said(answer) => {
            return ToolOutput::from(format!("The user answers: {answer}")).capped(MAX_ANSWER);
        }
        UserAnswer::CanNotWrite => {
            "nobody can write an answer here: ask again with `options`, or go on with your best guess and say in your answer \
             what you assumed"
                .to_owned()
        }
        UserAnswer::Unanswered => format!(
            "nobody answered (a question waits {seconds} s at most). Go on with your best guess and say in your answer what you \
             assumed; if no guess is safe, stop and say what you need to know"
        ),
    };
    ToolOutput::from(text)
}

fn check(question: &str, options: &[String]) -> Result<(), ToolError> {
    let refuse = |reason: String| Err(ToolError::model(reason));
    if question.trim().is_empty() {
        return refuse("the question is empty: say what you need to know".to_owned());
    }
    if question.len() > MAX_QUESTION {
        return refuse(format!("the question is too long: at most {MAX_QUESTION} bytes; put what it is about first"));
    }
    if options.len() == 1 || options.len() > MAX_OPTIONS {
        return refuse(format!(
            "a question has two to {MAX_OPTIONS} options, or none, and this one has {}",
            options.len()
        ));
    }
    let mut seen = Vec::new();
    for option in options {
        let plain = plain(option);
        if plain.is_empty() || option.len() > MAX_OPTION {
            return refuse(format!("an option is 1 to {MAX_OPTION} bytes: explain it in the question"));
        }
        if OWN_ANSWERS.contains(&plain.as_str()) || plain.starts_with("always allow \"") {
            return refuse(format!(
                "`{}` is an answer to a question of Claw's own, which you can not ask: permissions are asked for by the tools that \
                 need them. Name the option otherwise",
                visible_line(option.trim())
            ));
        }
        if seen.contains(&plain) {
            return refuse(format!("`{}` is there twice: give each option once", visible_line(option.trim())));
        }
        seen.push(plain);
    }
    Ok(())
}

/// What a reader takes it for: without case, what is not seen, and the white space and signs around it.
fn plain(option: &str) -> String {
    let seen: String = option.chars().filter(|c| !is_ignorable(*c) && (!c.is_control() || c.is_whitespace())).collect();
    let words = seen.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    words.trim_matches(|c: char| matches!(c, '.' | '!' | '…' | '[' | ']' | '(' | ')' | ' ')).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(question: &str, options: &[&str], expected: &str) {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let error = check(question, &options).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn questions_are_short_and_options_few() {
        assert_eq!(check("Which one?", &[]), Ok(()));
        assert_eq!(check("Which one?", &["the first".to_owned(), "Allow null values".to_owned()]), Ok(()));
        refused(" \n", &[], "empty");
        refused(&"x".repeat(1_001), &[], "at most 1000 bytes");
        refused("Which?", &["one"], "this one has 1");
        refused("Which?", &["1", "2", "3", "4", "5", "6", "7"], "this one has 7");
        refused("Which?", &["a", " "], "1 to 80 bytes");
        refused("Which?", &["a", &"x".repeat(81)], "1 to 80 bytes");
        refused("Which?", &["a", "A "], "there twice");
    }

    #[test]
    fn m14_no_option_looks_like_a_grant() {
        for option in [
            "Allow once",
            "allow  once",
            "ALLOW ONCE!",
            "Allow\u{200b} once",
            "\u{202e}Allow once",
            "Allow for this session",
            "Always allow \"shell(rm *)\"",
            "Deny",
            "[Deny]",
            "Trust",
            "Carry out the plan",
        ] {
            refused("Which?", &["something", option], "a question of Claw's own");
        }
    }
}
