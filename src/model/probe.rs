//! Whether a model does what Claw needs of one: a small conversation with a tool in it, timed. For `claw doctor`.

use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::json;

use super::{Collector, Delta, Message, Model, ModelError, ModelErrorKind, Request, Response, ToolSchema, Usage};

/// A model on a slow machine may first have to be loaded.
const PATIENCE: Duration = Duration::from_secs(120);

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundTrip {
    /// It called the tool that it was told to call.
    pub called: bool,
    /// It said something in the end.
    pub answered: bool,
    /// To the first piece of its first response.
    pub first: Duration,
    pub whole: Duration,
    pub usage: Usage,
}

/// Asks the model to add two numbers by a tool, and to say the sum.
pub async fn round_trip(model: &dyn Model) -> Result<RoundTrip, ModelError> {
    let silent = || {
        let message = format!("{} did not answer within {} s", model.name(), PATIENCE.as_secs());
        ModelError::new(ModelErrorKind::Idle, message)
    };
    tokio::time::timeout(PATIENCE, converse(model)).await.unwrap_or_else(|_| Err(silent()))
}

async fn converse(model: &dyn Model) -> Result<RoundTrip, ModelError> {
    let began = Instant::now();
    let mut request = Request {
        system: "You are being tried out. Use the tool that you are told to use, and be brief.".to_owned(),
        messages: vec![Message::User {
            text: "Call the tool `add` with a = 2 and b = 3. Then say the sum it gives.".to_owned(),
        }],
        tools: vec![ToolSchema {
            name: "add".to_owned(),
            description: "Adds two whole numbers.".to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
            }),
        }],
        max_output_tokens: None,
    };
    let (response, first) = respond(model, &request).await?;
    let called = response.tool_calls.iter().any(|call| call.name == "add");
    let mut usage = response.usage;
    let mut answered = !response.text.trim().is_empty();
    if called {
        let results = response.tool_calls.iter().map(|call| Message::ToolResult {
            call: call.id.clone(),
            name: call.name.clone(),
            ok: true,
            output: "5".to_owned(),
        });
        let results: Vec<Message> = results.collect();
        request.messages.push(Message::Assistant {
            text: response.text,
            reasoning: response.reasoning,
            tool_calls: response.tool_calls,
            opaque: response.opaque,
        });
        request.messages.extend(results);
        let (answer, _) = respond(model, &request).await?;
        usage += answer.usage;
        answered = !answer.text.trim().is_empty();
    }
    Ok(RoundTrip { called, answered, first, whole: began.elapsed(), usage })
}

/// A whole response, and when its first piece came.
async fn respond(model: &dyn Model, request: &Request) -> Result<(Response, Duration), ModelError> {
    let began = Instant::now();
    let mut first = None;
    let mut collector = Collector::default();
    let mut deltas = model.send(model.body(request));
    while let Some(delta) = deltas.next().await {
        let delta = delta?;
        if matches!(delta, Delta::Text(_) | Delta::Reasoning(_) | Delta::ToolCall { .. }) {
            first.get_or_insert_with(|| began.elapsed());
        }
        collector.push(&delta);
    }
    let cut =
        |_| ModelError::new(ModelErrorKind::Cut, format!("the answer of {} ended before it was whole", model.name()));
    Ok((collector.finish().map_err(cut)?, first.unwrap_or_else(|| began.elapsed())))
}
