//! The set of tools of an agent, in a fixed order.

use std::sync::Arc;

use super::apply_patch::ApplyPatch;
use super::ask_user::AskUser;
use super::builtin::Blocking;
use super::delete_file::DeleteFile;
use super::diagnostics::ReadDiagnostics;
use super::edit_file::EditFile;
use super::list_files::ListFiles;
use super::move_file::MoveFile;
use super::read_file::ReadFile;
use super::references::FindReferences;
use super::remember::Remember;
use super::search::Search;
use super::shell::Shell;
use super::shell_job::ShellJob;
use super::symbols::FindSymbols;
use super::task::Task;
use super::update_plan::UpdatePlan;
use super::web_fetch::WebFetch;
use super::web_search::WebSearch;
use super::write_file::WriteFile;
use super::{ServerTool, SharedTool, Tool};
use crate::event::McpTool;

/// Tools by name. [`Tools::default`] are the built-in ones.
#[derive(Clone)]
pub struct Tools {
    tools: Vec<SharedTool>,
}

impl Tools {
    /// No tools at all.
    pub fn none() -> Tools {
        Tools { tools: Vec::new() }
    }

    /// Adds a tool; one of the same name is replaced in its place.
    pub fn add(&mut self, tool: SharedTool) {
        match self.tools.iter_mut().find(|other| other.name() == tool.name()) {
            Some(place) => *place = tool,
            None => self.tools.push(tool),
        }
    }

    /// With these tools of MCP servers behind the others. None of them replaces one.
    pub fn with_servers<'a>(mut self, offered: impl Iterator<Item = &'a McpTool>) -> Tools {
        for tool in offered {
            let tool = ServerTool::new(tool.clone());
            if self.get(tool.name()).is_none() {
                self.tools.push(Arc::new(tool));
            }
        }
        self
    }

    pub fn get(&self, name: &str) -> Option<&SharedTool> {
        self.tools.iter().find(|tool| tool.name() == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Tool> {
        self.tools.iter().map(AsRef::as_ref)
    }
}

impl Default for Tools {
    fn default() -> Tools {
        Tools {
            tools: vec![
                Arc::new(Blocking::<ReadFile>::default()),
                Arc::new(Blocking::<ListFiles>::default()),
                Arc::new(Blocking::<Search>::default()),
                Arc::new(Blocking::<FindSymbols>::default()),
                Arc::new(Blocking::<FindReferences>::default()),
                Arc::new(Blocking::<EditFile>::default()),
                Arc::new(Blocking::<WriteFile>::default()),
                Arc::new(Blocking::<ApplyPatch>::default()),
                Arc::new(Blocking::<DeleteFile>::default()),
                Arc::new(Blocking::<MoveFile>::default()),
                Arc::new(Shell),
                Arc::new(ShellJob),
                Arc::new(WebFetch),
                Arc::new(WebSearch),
                Arc::new(ReadDiagnostics),
                Arc::new(Blocking::<UpdatePlan>::default()),
                Arc::new(Task),
                Arc::new(AskUser),
                Arc::new(Blocking::<Remember>::default()),
            ],
        }
    }
}
