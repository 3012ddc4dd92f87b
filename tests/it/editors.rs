//! The real binary in real editors: Neovim, bare and with the plugin, and VS Code's workbench.
//!
//! A missing editor is a failed test, never a skipped one: `tests/setup/all` fetches them.

mod fixture;
mod neovim;
mod vscode;
