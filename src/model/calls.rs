//! Which tool call a piece of the stream belongs to.
//!
//! OpenAI numbers calls by `index` and sends id and name once. Others leave the index out, give every call index 0, repeat id and
//! name with every piece, send arguments as an object, or a whole call in one piece. So a piece goes to the call of its index,
//! else of its id, else to the last one, unless it plainly begins a new one.

use std::collections::HashSet;

use serde_json::Value;

use crate::model::surrogates::Joiner;
use crate::model::{Delta, ModelError, ModelErrorKind};

/// Calls that one response may hold. The harness has a stricter limit; this one keeps a hostile stream from filling memory.
const MAX_CALLS: usize = 4096;

pub struct Calls {
    seed: String,
    slots: Vec<Slot>,
    ids: HashSet<String>,
}

#[derive(Default)]
struct Slot {
    /// The index that the provider gave it.
    index: Option<i64>,
    /// The id that the provider gave it, which it may give to others too.
    id: String,
    has_name: bool,
    arguments: String,
    joiner: Joiner,
}

impl Calls {
    pub fn new(seed: &str) -> Calls {
        Calls { seed: seed.to_owned(), slots: Vec::new(), ids: HashSet::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// An entry of `tool_calls`.
    pub fn push(&mut self, entry: &Value) -> Result<Option<Delta>, ModelError> {
        let field =
            |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let function = entry.get("function");
        let id = field(entry.get("id"));
        let name = field(function.and_then(|function| function.get("name")));
        let arguments = match function.and_then(|function| function.get("arguments")) {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(object) => object.to_string(),
        };
        let index = entry.get("index").and_then(Value::as_i64);
        let found = self.find(index, id.as_deref(), name.is_some(), !arguments.is_empty());
        let position = found.unwrap_or(self.slots.len());
        let new_id = if found.is_none() {
            if position >= MAX_CALLS {
                let message = format!("the answer holds more than {MAX_CALLS} tool calls: it was not taken");
                return Err(ModelError::new(ModelErrorKind::TooLarge, message));
            }
            self.slots.push(Slot { index, id: id.clone().unwrap_or_default(), ..Slot::default() });
            Some(self.own_id(id, position))
        } else {
            None
        };
        let Some(slot) = self.slots.get_mut(position) else { return Ok(None) };
        let name = name.filter(|_| !slot.has_name);
        slot.has_name |= name.is_some();
        let arguments = slot.joiner.push(&arguments).into_owned();
        slot.arguments.push_str(&arguments);
        if new_id.is_none() && name.is_none() && arguments.is_empty() {
            return Ok(None);
        }
        Ok(Some(Delta::ToolCall { index: position, id: new_id, name, arguments }))
    }

    /// Halves of characters that the arguments ended with.
    pub fn finish(&mut self) -> Vec<Delta> {
        let slots = self.slots.iter_mut().enumerate();
        slots
            .filter_map(|(index, slot)| {
                let arguments = slot.joiner.finish()?.to_owned();
                Some(Delta::ToolCall { index, id: None, name: None, arguments })
            })
            .collect()
    }

    /// The call that a piece goes on with, or `None` if it begins one.
    fn find(&self, index: Option<i64>, id: Option<&str>, has_name: bool, has_arguments: bool) -> Option<usize> {
        let begins_anew = |slot: &Slot| has_name && has_arguments && slot.is_complete();
        let last_with = |belongs: &dyn Fn(&Slot) -> bool| self.slots.iter().rposition(belongs);
        let found = if index.is_some() {
            let found = last_with(&|slot| slot.index == index)?;
            let slot = self.slots.get(found)?;
            // One index for every call: then id and name together tell them apart.
            let other_id = id.is_some_and(|id| !slot.id.is_empty() && slot.id != id);
            (!(other_id && has_name)).then_some(found)
        } else if let Some(id) = id {
            last_with(&|slot| slot.id == id)
        } else {
            let last = self.slots.len().checked_sub(1)?;
            let last_has_name = self.slots.get(last)?.has_name;
            (!(has_name && last_has_name)).then_some(last)
        }?;
        (!begins_anew(self.slots.get(found)?)).then_some(found)
    }

    /// The provider's id, if it gave one and gave it once; else one that follows from the request and the position.
    fn own_id(&mut self, id: Option<String>, position: usize) -> String {
        let mut own = id.unwrap_or_else(|| format!("call_{}_{}", self.seed, position + 1));
        while self.ids.contains(&own) {
            own = format!("{own}_{}", position + 1);
        }
        self.ids.insert(own.clone());
        own
    }
}

impl Slot {
    /// The arguments are a whole JSON object: nothing can follow.
    fn is_complete(&self) -> bool {
        self.arguments.trim_end().ends_with('}')
            && serde_json::from_str::<serde::de::IgnoredAny>(&self.arguments).is_ok()
    }
}
