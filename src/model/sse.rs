//! Server-sent events, from bytes in any chunking. (WHATWG HTML, "Server-sent events", section "Parsing an event stream".)
