//! Providers against a mock server that validates every request.
