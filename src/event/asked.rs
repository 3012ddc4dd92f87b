//! How a turn's model is asked: how much it is to think, and how it is to call tools.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a model is to think before it answers. Each provider takes what of it it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Not at all.
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Effort {
    /// The word of OpenAI's APIs for it.
    pub fn of_openai(self) -> &'static str {
        match self {
            Effort::None => "none",
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Xhigh | Effort::Max => "xhigh",
        }
    }
}

/// How a model calls tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToolForm {
    /// As the provider's API has it.
    #[default]
    Native,
    /// As JSON in its text.
    Json,
    /// As JSON in its text; edits as blocks of search and replace.
    Blocks,
    /// As JSON in its text; edits as whole files.
    Whole,
}

impl ToolForm {
    pub fn is_native(&self) -> bool {
        *self == ToolForm::Native
    }
}
