//! What the tests share: fixtures, the mock model server, the LSP test client.
#![allow(dead_code, reason = "each test module uses a part of it")]

pub mod fixture;

pub mod lsp_client;

pub mod lsp_editor;
pub mod mock_model;
