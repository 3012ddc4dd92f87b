//! The real binary in real editors: Neovim, bare and with the plugin, VS Code's workbench, and editors that know nothing of Claw.
//!
//! A missing editor is a failed test, never a skipped one: `tests/setup/all` fetches them.

mod fixture;
mod neovim;
mod plain;
mod vscode;
