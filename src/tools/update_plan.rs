//! `update_plan`: what the model means to do, for the user to see.

use std::sync::PoisonError;

use schemars::JsonSchema;
use serde::Deserialize;

use super::builtin::Builtin;
use super::{Effect, ToolContext, ToolError, ToolOutput};
use crate::event::{PlanItem, PlanStatus};

pub(in crate::tools) struct UpdatePlan;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::tools) struct Arguments {
    /// The whole plan, in order; it replaces the one before.
    items: Vec<Item>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    /// One step, in a few words.
    text: String,
    /// How far it is: at most one step is active.
    status: PlanStatus,
}

/// Most steps of a plan, and most bytes of one.
const MAX_ITEMS: usize = 50;
const MAX_TEXT: usize = 1_000;

impl Builtin for UpdatePlan {
    type Arguments = Arguments;
    const NAME: &'static str = "update_plan";
    const DESCRIPTION: &'static str = "Shows the user your plan as a list of steps, and how far you are. Worth it for \
        tasks of three steps or more; send it again when a step begins or ends.";
    /// The plan is no document: planning is as free as reading.
    const EFFECT: Effect = Effect::Reads;

    fn run(context: &ToolContext, arguments: Arguments) -> Result<ToolOutput, ToolError> {
        if arguments.items.len() > MAX_ITEMS || arguments.items.iter().any(|item| item.text.len() > MAX_TEXT) {
            return Err(ToolError::model(format!(
                "the plan is too long: at most {MAX_ITEMS} steps of {MAX_TEXT} bytes; join or shorten them"
            )));
        }
        let items: Vec<PlanItem> =
            arguments.items.into_iter().map(|item| PlanItem { text: item.text, status: item.status }).collect();
        let done = items.iter().filter(|item| item.status == PlanStatus::Done).count();
        let report = format!("the plan has {} steps, {done} of them done", items.len());
        *context.plan.lock().unwrap_or_else(PoisonError::into_inner) = items;
        Ok(ToolOutput::from(report))
    }
}
