//! How a built-in tool is written: a struct of arguments, a few constants, and a function that may block.

use std::marker::PhantomData;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, arguments};

/// The doc comments of the arguments are the model's manual for them.
pub trait Builtin: Send + Sync + 'static {
    type Arguments: DeserializeOwned + JsonSchema + Send + 'static;
    const NAME: &'static str;
    const DESCRIPTION: &'static str;
    const EFFECT: Effect;

    /// Runs on a thread that may block. A long one looks at [`ToolContext::cancel`] now and then.
    fn run(context: &ToolContext, arguments: Self::Arguments) -> Result<ToolOutput, ToolError>;
}

/// A [`Builtin`] as a [`Tool`].
pub struct Blocking<B>(PhantomData<B>);

impl<B> Default for Blocking<B> {
    fn default() -> Blocking<B> {
        Blocking(PhantomData)
    }
}

impl<B: Builtin> Tool for Blocking<B> {
    fn name(&self) -> &str {
        B::NAME
    }

    fn description(&self) -> &str {
        B::DESCRIPTION
    }

    fn parameters(&self) -> Value {
        arguments::schema::<B::Arguments>()
    }

    fn effect(&self) -> Effect {
        B::EFFECT
    }

    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let arguments = arguments::decode::<B::Arguments>(B::NAME, input)?;
            if context.cancel.is_cancelled() {
                return Err(ToolError::Cancelled);
            }
            let cancel = context.cancel.clone();
            let most = context.max_output;
            let run = tokio::task::spawn_blocking(move || B::run(&context, arguments));
            let result = match B::EFFECT {
                // A read may be left to end by itself: nobody waits for what it finds.
                Effect::Reads => tokio::select! {
                    biased;
                    () = cancel.cancelled() => return Err(ToolError::Cancelled),
                    result = run => result,
                },
                // A change that has begun is told, or it would stand there unexplained.
                Effect::Edits | Effect::Runs => run.await,
            };
            let output = result.map_err(|error| ToolError::Internal(error.to_string()))??;
            Ok(output.capped(most))
        })
    }
}
