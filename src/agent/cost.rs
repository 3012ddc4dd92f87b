//! What an answer costs.

use crate::context::estimate_tokens;
use crate::event::Usage;
use crate::model::{Price, Response};

/// What a response costs, where the price is known. A limit must hold with providers that count nothing too: they are counted for.
pub(in crate::agent) fn cost_of(price: Option<Price>, response: &Response, estimate: u64) -> Option<f64> {
    let usage = match response.usage {
        usage if usage.input > 0 || usage.output > 0 => usage,
        _ => {
            let arguments: u64 = response.tool_calls.iter().map(|call| estimate_tokens(&call.arguments)).sum();
            let output = estimate_tokens(&response.text) + estimate_tokens(&response.reasoning) + arguments;
            Usage { input: estimate, output, ..Usage::default() }
        }
    };
    Some(price?.of(usage))
}
