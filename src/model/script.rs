//! Model turns from a file: `provider = "script"`. Tests, the demo and the examples play it.
