//! What models and files say, made safe to show: nothing in it may steer the terminal or hide from the reader.

pub use crate::text::hidden::{visible, visible_line};
