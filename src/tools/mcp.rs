//! A tool of an MCP server, as it was offered when the turn began. It is a value: what it was told of, and nothing that runs.

use futures::future::BoxFuture;
use serde_json::Value;

use super::from_web::{FRAME, framed, permitted};
use super::{Effect, Tool, ToolContext, ToolError, ToolOutput, show};
use crate::event::McpTool;
use crate::permission::Act;

pub struct ServerTool {
    name: String,
    offered: McpTool,
}

impl ServerTool {
    pub fn new(offered: McpTool) -> ServerTool {
        ServerTool { name: offered.name(), offered }
    }
}

impl Tool for ServerTool {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> &str {
        &self.offered.description
    }

    fn parameters(&self) -> Value {
        self.offered.parameters.clone()
    }

    /// Whatever the server says of itself: hints of a stranger are no promise.
    fn effect(&self) -> Effect {
        Effect::Runs
    }

    fn act(&self, _context: &ToolContext, input: &Value) -> Result<Option<Act>, ToolError> {
        let McpTool { server, tool, .. } = &self.offered;
        Ok(Some(Act::Mcp { server: server.clone(), tool: tool.clone(), input: input.clone() }))
    }

    fn call(&self, context: ToolContext, input: Value) -> BoxFuture<'static, Result<ToolOutput, ToolError>> {
        let McpTool { server, tool, .. } = self.offered.clone();
        Box::pin(async move {
            permitted(&context)?;
            let servers = context.servers.clone();
            let servers = servers.ok_or_else(|| ToolError::model("no MCP server can be reached from here"))?;
            let answer = tokio::select! {
                biased;
                () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
                answer = servers.call(&server, &tool, input) => {
                    answer.map_err(|error| ToolError::model(error.to_string()))?
                }
            };
            let (text, cut) = show::cap(answer.text, context.max_output.saturating_sub(FRAME));
            match answer.ok {
                true => {
                    let what = format!("what the tool {tool} of the MCP server {server} answered");
                    Ok(ToolOutput { text: framed(&what, &text), truncated: cut })
                }
                false => {
                    let what = format!("what the MCP server {server} says of it");
                    Err(ToolError::model(format!("{tool} failed. {}", framed(&what, &text))))
                }
            }
        })
    }
}
