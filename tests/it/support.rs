//! What the tests share: fixtures, the mock model server, the LSP test client.
