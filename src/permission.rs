//! What may be done unasked: rules, command lines and addresses as values.
//!
//! `deny` > `ask` > `allow`, on acts that were parsed strictly; what can not be parsed is asked. This module must never know who
//! asks the user or how an act is carried out.
//!
//! An [`Act`] is what a tool call would do. [`decide`] says whether it may happen, by the mode and the [`Rules`]. What a person
//! is shown is [`Act::shown`]; what the answer holds for is [`Act::identity`]. `docs/permissions.md` tells it to users.

mod act;
mod address;
pub mod command;
mod decide;
mod paths;
mod propose;
mod rules;
mod shown;

pub use act::Act;
pub use address::{Address, AddressError};
pub use command::script_sources;
pub use decide::{Taint, Verdict, decide, ruled};
pub use rules::{List, RuleProblem, Rules};
