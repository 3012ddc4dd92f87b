//! The set of tools of an agent, in a fixed order.

use super::{SharedTool, Tool};

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

    pub fn get(&self, name: &str) -> Option<&SharedTool> {
        self.tools.iter().find(|tool| tool.name() == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Tool> {
        self.tools.iter().map(AsRef::as_ref)
    }
}

impl Default for Tools {
    fn default() -> Tools {
        Tools::none()
    }
}
